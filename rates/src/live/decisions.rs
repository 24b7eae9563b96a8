//! Whole decisions from the scores of frames, and their error rates.

use std::collections::{BTreeMap, BTreeSet};

use facelatch::head::LogOdds;
use facelatch::judge::vote;
use serde::Serialize;

use super::runs::Run;
use super::scores::{Scores, User};
use crate::rate::Rates;
use crate::set::Set;
use crate::trials::{Scored, Trial};

/// Where users are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Group {
    /// The clips: templates of one enrolment.
    Clips,
    /// The background set, with as many pictures as an enrolment has templates.
    Background,
    /// The background set, with fewer pictures.
    BackgroundFew,
}

/// How the frames of a decision lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Frames {
    /// One after another, as the camera gives them.
    Consecutive,
    /// As far apart as the probes of the person allow.
    Apart,
}

/// Decisions of one size.
pub struct All {
    frames: Frames,
    size: usize,
    /// Genuine ones, and impostors with users from the clips.
    clips: Scored,
    /// Impostors with others.
    others: BTreeMap<Group, Vec<Trial>>,
}

/// Error rates of decisions of one size.
#[derive(Debug, Clone, Serialize)]
pub struct Decided {
    /// How the frames lie.
    pub frames: Frames,
    /// How many.
    pub size: usize,
    /// Among the people of the clips.
    pub clips: Rates,
    /// False matches with people of the background, by group; of the rates `fmr` alone counts.
    pub background: Vec<(Group, Rates)>,
    /// False matches with everybody: the clips and the background.
    pub everybody: Rates,
    /// Numbers of the user and of whoever was taken for them.
    pub matched: BTreeSet<(u32, u32)>,
}

/// The people of a set as users, numbered from `first` on, with their first pictures as templates.
pub fn background(set: &Set, first: usize, templates: usize) -> Vec<User<'_>> {
    let mut users = Vec::new();
    for (number, samples) in (first as u32..).zip(set.by_person()) {
        let believed = samples.iter().map(|s| &set.samples[*s]).filter(|sample| sample.believed);
        let own: Vec<_> = believed.map(|sample| &sample.embedding).take(templates).collect();
        let group = if own.len() == templates { Group::Background } else { Group::BackgroundFew };
        if !own.is_empty() {
            users.push(User { person: number, group, templates: own });
        }
    }
    users
}

/// Decisions of the first frames of each run that has so many.
pub fn consecutive(probes: &[(u32, &Run)], users: &[User<'_>], scores: &Scores, size: usize) -> All {
    let mut all = All::new(Frames::Consecutive, size);
    for (run, (probe, _)) in probes.iter().enumerate().filter(|(_, (_, run))| run.frames.len() >= size) {
        for (number, user) in users.iter().enumerate() {
            let z: Vec<f32> = scores.of_run(run, number).take(size).collect();
            all.add(user, *probe, &z);
        }
    }
    all
}

/// For each run another decision, of its first frame and those of others of the person, spread evenly over their probes.
pub fn apart(probes: &[(u32, &Run)], users: &[User<'_>], scores: &Scores, size: usize) -> All {
    let mut all = All::new(Frames::Apart, size);
    // The same runs as with consecutive frames.
    let long: Vec<(usize, u32)> = (0..)
        .zip(probes)
        .filter(|(_, (_, run))| run.frames.len() >= size)
        .map(|(number, (probe, _))| (number, *probe))
        .collect();
    for own in long.chunk_by(|a, b| a.1 == b.1).filter(|own| own.len() >= size) {
        for at in 0..own.len() {
            let runs = (0..size).map(|n| own[(at + n * own.len() / size) % own.len()].0);
            for (number, user) in users.iter().enumerate() {
                let z: Vec<f32> = runs.clone().filter_map(|run| scores.of_run(run, number).next()).collect();
                all.add(user, own[at].1, &z);
            }
        }
    }
    all
}

impl All {
    fn new(frames: Frames, size: usize) -> Self {
        Self { frames, size, clips: Scored::default(), others: BTreeMap::new() }
    }

    fn add(&mut self, user: &User<'_>, probe: u32, z: &[f32]) {
        let z = vote::combine(z.len(), 1, |frame, _| LogOdds(z[frame])).map_or(f32::NEG_INFINITY, |z| z.0);
        let trial = Trial { z, people: (user.person, probe) };
        match user.group {
            Group::Clips if user.person == probe => self.clips.genuine.push(trial),
            Group::Clips => self.clips.impostor.push(trial),
            other => self.others.entry(other).or_default().push(trial),
        }
    }

    /// Rates at a threshold.
    pub fn decided(mut self, threshold: f32) -> Decided {
        let clips = Rates::at(&self.clips, threshold);
        let rates = |impostor: Vec<Trial>| Rates::at(&Scored { genuine: Vec::new(), impostor }, threshold);
        let mut everybody = std::mem::take(&mut self.clips.impostor);
        self.others.values().for_each(|trials| everybody.extend(trials));
        let matched =
            everybody.iter().filter(|trial| trial.z >= threshold).map(|trial| trial.people).collect();
        let background = self.others.into_iter().map(|(group, trials)| (group, rates(trials))).collect();
        let (frames, size, everybody) = (self.frames, self.size, rates(everybody));
        Decided { frames, size, clips, background, everybody, matched }
    }
}

#[cfg(test)]
mod tests;
