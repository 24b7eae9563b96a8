//! A sequential test: an attempt ends after two frames where they leave no doubt, and else takes the third one.

use std::iter::once;

use facelatch::head::LogOdds;
use facelatch::judge::vote;
use serde::Serialize;

use super::SHIPPED;
use super::decisions::Group;
use super::runs::Run;
use super::scores::{Scores, User};
use crate::rate::Rates;
use crate::trials::{Scored, Trial};

/// Frames after which an attempt may end.
const EARLY: usize = 2;

/// How far from the threshold the log-odds of [`EARLY`] frames have to be, either way.
const MARGINS: [f32; 6] = [0.0, 1.0, 2.0, 3.0, 4.0, 6.0];

/// Decisions that may end early.
#[derive(Debug, Clone, Serialize)]
pub struct Sequential {
    /// What the log-odds have to be away from the threshold; `None` where all take [`SHIPPED`] frames.
    pub margin: Option<f32>,
    /// Among the people of the clips.
    pub clips: Rates,
    /// False matches with everybody: the clips and the background.
    pub everybody: Rates,
    /// Of one person, and of two.
    pub genuine: Count,
    /// The same of two people.
    pub impostor: Count,
}

/// How many decisions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// In all.
    pub all: usize,
    /// That ended early.
    pub early: usize,
    /// That would have been another verdict after [`SHIPPED`] frames.
    pub changed: usize,
}

/// Decisions of the first frames of each run that has [`SHIPPED`], at each margin.
pub fn measure(
    probes: &[(u32, &Run)],
    users: &[User<'_>],
    scores: &Scores,
    threshold: f32,
) -> Vec<Sequential> {
    let margins = once(None).chain(MARGINS.map(Some));
    margins.map(|margin| at(margin, probes, users, scores, threshold)).collect()
}

fn at(
    margin: Option<f32>,
    probes: &[(u32, &Run)],
    users: &[User<'_>],
    scores: &Scores,
    threshold: f32,
) -> Sequential {
    let (mut clips, mut everybody) = (Scored::default(), Vec::new());
    let [mut genuine, mut impostor] = [Count::default(); 2];
    for (run, (probe, _)) in probes.iter().enumerate().filter(|(_, (_, run))| run.frames.len() >= SHIPPED) {
        for (number, user) in users.iter().enumerate() {
            let z: Vec<f32> = scores.of_run(run, number).take(SHIPPED).collect();
            let (z, three) = (ended(&z, margin, threshold), mean(&z));
            let trial = Trial { z: z.unwrap_or(three), people: (user.person, *probe) };
            let is_genuine = user.group == Group::Clips && user.person == *probe;
            let count = if is_genuine { &mut genuine } else { &mut impostor };
            count.all += 1;
            count.early += usize::from(z.is_some());
            count.changed += usize::from((trial.z >= threshold) != (three >= threshold));
            match user.group {
                Group::Clips if is_genuine => clips.genuine.push(trial),
                Group::Clips => {
                    clips.impostor.push(trial);
                    everybody.push(trial);
                }
                Group::Background | Group::BackgroundFew => everybody.push(trial),
            }
        }
    }
    let everybody = Rates::at(&Scored { genuine: Vec::new(), impostor: everybody }, threshold);
    Sequential { margin, clips: Rates::at(&clips, threshold), everybody, genuine, impostor }
}

/// The log-odds that an attempt ends with after [`EARLY`] frames, if it does.
fn ended(z: &[f32], margin: Option<f32>, threshold: f32) -> Option<f32> {
    let early = mean(&z[..EARLY]);
    margin.filter(|margin| (early - threshold).abs() >= *margin).map(|_| early)
}

/// As the daemon decides on frames.
fn mean(z: &[f32]) -> f32 {
    vote::combine(z.len(), 1, |frame, _| LogOdds(z[frame])).map_or(f32::NEG_INFINITY, |z| z.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_ends_early_only_where_two_frames_are_far_from_the_threshold() {
        let threshold = 3.5;
        assert_eq!(ended(&[8.0, 6.0, -9.0], Some(3.5), threshold), Some(7.0));
        assert_eq!(ended(&[8.0, 6.0, -9.0], Some(3.6), threshold), None);
        assert_eq!(ended(&[-2.0, 0.0, 9.0], Some(4.5), threshold), Some(-1.0));
        assert_eq!(ended(&[8.0, 6.0, -9.0], None, threshold), None);
    }
}
