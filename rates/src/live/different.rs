//! Decisions of different pictures, taken on different days, from the background set: what frames that follow each other are
//! held against.

use facelatch::head::Head;
use serde::Serialize;

use super::decisions::{self, Group};
use super::effective::Effective;
use super::runs::Run;
use super::scores::Scores;
use super::{SHIPPED, SIZES};
use crate::rate::Rates;
use crate::set::Set;
use crate::table::Features;
use crate::trials::{self, Shape};

/// Seed of the decisions drawn.
const SEED: u64 = 5;

/// What the background set says of different pictures.
#[derive(Debug, Clone, Serialize)]
pub struct Different {
    /// Error rates of decisions of one picture.
    pub one: Rates,
    /// Error rates of decisions of [`SHIPPED`] pictures.
    pub shipped: Rates,
    /// Of one's own pictures.
    pub genuine: Option<Worth>,
    /// Of somebody else's.
    pub impostor: Option<Worth>,
}

/// What consecutive frames are worth in pictures of different days.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Worth {
    /// Standard deviation of one picture's log-odds about the mean of its person.
    pub deviation: f64,
    /// As many different pictures.
    pub pictures: f64,
}

/// `None` where fewer than two people have enough pictures.
pub fn of(set: &Set, head: &Head, templates: usize, worth: [Option<&Effective>; 2]) -> Option<Different> {
    let (h, level) = (Features::of_head(set, head), head.threshold().log_odds().0);
    let z = |a: usize, b: usize| head.formula().log_odds(h.of(a), h.of(b)).0;
    let rates = |frames| {
        let decisions = trials::decisions(set, Shape { templates, frames }, SEED, &|_| true, &z)?;
        Some(Rates::at(&decisions, level))
    };
    let (one, shipped) = (rates(SIZES[0])?, rates(SHIPPED)?);
    let variances = variances(set, head, templates);
    let [genuine, impostor] = [0, 1].map(|kind| Worth::of(worth[kind]?, variances[kind]?));
    Some(Different { one, shipped, genuine, impostor })
}

impl Worth {
    /// A picture varies by what its day and the moment add; frames that follow each other share the day. So the mean of a run
    /// varies by what the day adds, the variance of a picture less that within a clip, and by what is left of the latter.
    fn of(effective: &Effective, variance: f64) -> Option<Self> {
        let within = effective.deviation.powi(2).min(variance);
        let of_run = variance - within + within / effective.worth;
        (of_run > 0.0).then(|| Self { deviation: variance.sqrt(), pictures: variance / of_run })
    }
}

/// Variance of a picture's log-odds about the mean of its person, against their own templates and against others'.
fn variances(set: &Set, head: &Head, templates: usize) -> [Option<f64>; 2] {
    let mut users = decisions::background(set, 0, templates);
    users.retain(|user| user.group == Group::Background);
    let believed = |samples: Vec<usize>| {
        let believed = samples.into_iter().map(|s| &set.samples[s]).filter(|sample| sample.believed);
        Run { frames: believed.map(|sample| sample.embedding.clone()).collect() }
    };
    let runs: Vec<(u32, Run)> = (0..).zip(set.by_person().into_iter().map(believed)).collect();
    let probes: Vec<(u32, &Run)> =
        runs.iter().filter(|(_, run)| run.frames.len() > 1).map(|(p, run)| (*p, run)).collect();
    let scores = Scores::of(&probes, &users, head);
    let mut sums = [(0.0, 0.0); 2];
    for (number, user) in users.iter().enumerate() {
        for (run, (probe, _)) in probes.iter().enumerate() {
            let own = user.person == *probe;
            let skip = if own { templates } else { 0 };
            let z: Vec<f64> = scores.of_run(run, number).skip(skip).map(f64::from).collect();
            let mean = z.iter().sum::<f64>() / z.len().max(1) as f64;
            let (squares, freedom) = &mut sums[usize::from(!own)];
            *squares += z.iter().map(|z| (z - mean).powi(2)).sum::<f64>();
            *freedom += z.len().saturating_sub(1) as f64;
        }
    }
    sums.map(|(squares, freedom)| (freedom > 0.0).then(|| squares / freedom))
}

/// A rate between those of one picture and of `pictures`, where their number is `worth`: the logarithm of a rate is taken to
/// go with the variance of the mean, 1 / n. `None` where no error was seen.
pub fn between(one: f64, many: f64, pictures: usize, worth: f64) -> Option<f64> {
    let part = (1.0 - 1.0 / worth.max(1.0)) / (1.0 - 1.0 / pictures as f64);
    (one > 0.0 && many > 0.0).then(|| (one.ln() + part * (many.ln() - one.ln())).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effective(deviation: f64, worth: f64) -> Effective {
        Effective {
            frames: 3,
            worth,
            between: (worth, worth),
            correlations: Vec::new(),
            deviation,
            people: 9,
        }
    }

    #[test]
    fn frames_of_one_day_are_worth_less_in_pictures_of_different_days() {
        let of = |within, worth, variance| {
            Worth::of(&effective(within, worth), variance).expect("varies").pictures
        };
        assert_eq!(of(2.0, 3.0, 4.0), 3.0, "the day adds nothing");
        assert_eq!(of(2.0, 1.0, 4.0), 1.0);
        // A quarter of the variance is of the moment, and a third of that is left: 1 / (3/4 + 1/12).
        assert!((of(1.0, 3.0, 4.0) - 1.2).abs() < 1e-12);
        assert_eq!(of(3.0, 2.0, 4.0), 2.0, "clips that vary more than pictures");
    }

    #[test]
    fn a_rate_lies_between_those_of_one_and_of_many() {
        assert_eq!(between(0.01, 0.0, 3, 2.0), None);
        let of = |worth| between(1e-2, 1e-4, 3, worth).expect("errors");
        assert!(
            (of(1.0) - 1e-2).abs() < 1e-12
                && (of(3.0) - 1e-4).abs() < 1e-12
                && (of(1.5) - 1e-3).abs() < 1e-12
        );
    }
}
