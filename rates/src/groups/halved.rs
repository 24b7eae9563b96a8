//! A group's own threshold, on people of the group whom it was not chosen on.

use serde::Serialize;

use super::super::rate::{Bounds, Rates};
use super::super::set::Set;
use super::super::table::Table;
use super::super::tally::Tally;
use super::super::trials::Trial;
use super::strict::Strict;
use super::trials::{Way, compared};
use super::{Compared, Question};
use facelatch::head::project::SplitMix64;

/// How a threshold is chosen on the one half of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chosen {
    /// The rate as seen is at most the target.
    Seen,
    /// Its upper 95 % bound is.
    Shown,
    /// Not at all: one threshold for all halves.
    Given,
}

/// False matches of the halves of a group at thresholds that were chosen on their other halves.
#[derive(Debug, Clone, Serialize)]
pub struct Halved {
    /// Name of the group.
    pub group: String,
    /// How they were chosen.
    pub chosen: Chosen,
    /// Halves judged; fewer than were made where a half shows too little to choose by.
    pub halves: usize,
    /// The lowest, the middle and the highest threshold.
    pub z: [f32; 3],
    /// False matches of all halves together. They are of the same people again and again: the bound is that by people.
    pub fmr: Bounds,
    /// Halves whose rate as seen is over the target.
    pub over: usize,
}

/// Halves the people of a group `question.halves` times, and judges both halves at thresholds of the other, and at those given.
pub fn halved(
    set: &Set,
    table: &Table,
    (group, members): (&str, &[usize]),
    way: Way,
    question: &Question,
) -> Vec<Halved> {
    let mut people = members.to_vec();
    let mut halves = Vec::new();
    for seed in 0..question.halves {
        SplitMix64(seed).shuffle(&mut people);
        let (one, other) = people.split_at(people.len() / 2);
        let [one, other] = [one, other].map(|half| compared(set, table, half, way, question));
        halves.push([one, other]);
    }
    let strict = |half: &Compared| Strict::of(group, half, question.target);
    let both = halves.iter().flat_map(|[one, other]| [(one, other), (other, one)]);
    let chosen: Vec<(Strict, &Compared)> = both.map(|(chooses, judged)| (strict(chooses), judged)).collect();
    let seen = chosen.iter().map(|(strict, judged)| (strict.seen, *judged)).collect();
    let shown = chosen.iter().filter_map(|(strict, judged)| Some((strict.shown?, *judged))).collect();
    let given = question.at.iter().map(|z| (Chosen::Given, chosen.iter().map(|(_, j)| (*z, *j)).collect()));
    [(Chosen::Seen, seen), (Chosen::Shown, shown)]
        .into_iter()
        .chain(given)
        .filter_map(|(how, halves): (_, Vec<_>)| judge(group, how, &halves, question.target))
        .collect()
}

/// `None` without a half.
fn judge(group: &str, chosen: Chosen, halves: &[(f32, &Compared)], target: f64) -> Option<Halved> {
    let mut z: Vec<f32> = halves.iter().map(|(z, _)| *z).filter(|z| z.is_finite()).collect();
    z.sort_unstable_by(f32::total_cmp);
    let (mut trials, mut over) = (Vec::new(), 0);
    for (z, half) in halves {
        let impostor = &half.scored.impostor;
        let matches = impostor.iter().filter(|trial| trial.z >= *z).count();
        over += usize::from(matches as f64 > target * impostor.len() as f64);
        // Relative to the threshold, which differs from half to half.
        trials.extend(impostor.iter().map(|trial| Trial { z: trial.z - z, ..*trial }));
    }
    let rates = Rates::of(&Tally::of(&[], |_| false), &Tally::of(&trials, |trial| trial.z >= 0.0));
    Some(Halved {
        group: group.to_owned(),
        chosen,
        halves: halves.len(),
        z: [*z.first()?, z[z.len() / 2], *z.last()?],
        fmr: rates.fmr_bounds,
        over,
    })
}
