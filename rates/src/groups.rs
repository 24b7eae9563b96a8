//! Error rates within groups of people: whom the product takes for each other, whom it misses, whom it cannot take at all.
//!
//! [`labels`] say who is in which group, [`trials`] compares the people of one, [`acquired`] counts the pictures refused,
//! [`strict`] says which threshold a group would need, [`halved`] tries that on others of the group, [`sheet`] prints it all.

pub mod acquired;
pub mod halved;
pub mod labels;
pub mod sheet;
pub mod strict;
pub mod trials;

use serde::Serialize;

use super::bootstrap;
use super::rate::{Bounds, Rates};
use super::set::Set;
use super::table::{Features, Table};
use super::tally::{Spread, Tally, cells};
use super::trials::Scored;
use acquired::Acquired;
use facelatch::embed::Embedder;
use facelatch::head::Head;
use halved::Halved;
use labels::Labels;
use strict::Strict;

/// What is asked of the groups.
#[derive(Debug, Clone)]
pub struct Question {
    /// Pairs of people whose pictures are more alike than this cosine are left out as repeats of one person.
    pub repeats: Option<f32>,
    /// Groups with fewer people are listed, but neither best nor worst.
    pub least: usize,
    /// Thresholds as log-odds. The first is the one that ratios and [`Strict`] are about.
    pub at: Vec<f32>,
    /// The false match rate of one group that [`Strict`] looks for a threshold for.
    pub target: f64,
    /// Most templates of a decision; people with fewer pictures have fewer.
    pub templates: usize,
    /// Frames of the decisions measured.
    pub frames: Vec<usize>,
    /// How often each group is halved, to try the threshold of one half on the other.
    pub halves: u64,
}

/// Everything measured. The field names are the JSON keys.
#[derive(Debug, Clone, Serialize)]
pub struct Grouped {
    /// People with a picture that the door takes.
    pub people: usize,
    /// Their pictures.
    pub pictures: usize,
    /// Pictures that stand under two people, and were left out.
    pub of_two: usize,
    /// People whom no label was found for.
    pub unlabelled: usize,
    /// Pictures refused, by group.
    pub acquired: Vec<Acquired>,
    /// Rates of the groups, one entry for each way to part people and each way to compare them.
    pub parts: Vec<Part>,
    /// Thresholds chosen on half of a group and judged on the other, for each way to compare them.
    pub halved: Vec<(String, Halved)>,
}

/// The groups of one kind, such as age, under one way of comparing.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// What people are parted by.
    pub by: String,
    /// How they are compared.
    pub compared: String,
    /// Log-odds from which trials match.
    pub z: f32,
    /// The groups.
    pub rows: Vec<Row>,
    /// Worst over best.
    pub fmr: Option<Ratio>,
    /// Worst over best.
    pub fnmr: Option<Ratio>,
    /// The threshold each group would need.
    pub strict: Vec<Strict>,
}

/// Rates within one group.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its name.
    pub group: String,
    /// People compared.
    pub people: usize,
    /// Pairs of people left out as repeats.
    pub repeats: usize,
    /// With upper bounds.
    #[serde(flatten)]
    pub rates: Rates,
    /// 95 % lower bound.
    pub fmr_lower95: f64,
    /// 95 % lower bound.
    pub fnmr_lower95: f64,
}

/// How much more often the worst group has an error than the best. Both are picked after seeing the rates, so one of many
/// groups stands out by chance too: trust the bounds.
#[derive(Debug, Clone, Serialize)]
pub struct Ratio {
    /// The group with the highest rate.
    pub worst: String,
    /// The one with the lowest.
    pub best: String,
    /// Of the rates as seen; `None` where the best has no error.
    pub ratio: Option<f64>,
    /// The worst's lower bound over the best's upper one.
    pub at_least: f64,
    /// The worst's upper bound over the best's lower one; `None` where that is 0.
    pub at_most: Option<f64>,
}

/// The people of one group, compared.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    /// All trials.
    pub scored: Scored,
    /// Who was compared in the impostor trials, where that is told shorter than trial by trial.
    pub spread: Option<Spread>,
    /// People in them.
    pub people: usize,
    /// Pairs of people left out as repeats.
    pub repeats: usize,
}

impl Compared {
    /// Impostor trials that match at a threshold.
    pub fn matches(&self, z: f32) -> Tally {
        match &self.spread {
            None => Tally::of(&self.scored.impostor, |t| t.z >= z),
            Some(spread) => {
                let wrong = self.scored.impostor.iter().filter(|t| t.z >= z);
                Tally { spread: spread.clone(), wrong: cells(wrong.map(|t| t.people)) }
            }
        }
    }
}

impl Row {
    /// At a threshold in log-odds.
    pub fn at(group: &str, compared: &Compared, z: f32) -> Self {
        let misses = Tally::of(&compared.scored.genuine, |t| t.z < z);
        let matches = compared.matches(z);
        let lower = bootstrap::lower95(&misses, &matches);
        Self {
            group: group.to_owned(),
            people: compared.people,
            repeats: compared.repeats,
            rates: Rates::of(&misses, &matches),
            fmr_lower95: lower.fmr,
            fnmr_lower95: lower.fnmr,
        }
    }
}

/// One rate of a row and its bounds.
struct Span {
    seen: f64,
    lower: f64,
    upper: f64,
    trials: usize,
}

impl Row {
    fn fmr(&self) -> Span {
        let Rates { fmr: seen, fmr_upper95: upper, fmr_bounds: Bounds { trials, .. }, .. } = self.rates;
        Span { seen, lower: self.fmr_lower95, upper, trials }
    }

    fn fnmr(&self) -> Span {
        let Rates { fnmr: seen, fnmr_upper95: upper, fnmr_bounds: Bounds { trials, .. }, .. } = self.rates;
        Span { seen, lower: self.fnmr_lower95, upper, trials }
    }
}

impl Ratio {
    /// Of the rows with at least so many people. `None` where fewer than two are left, or none has an error.
    fn of(rows: &[Row], least: usize, of: impl Fn(&Row) -> Span) -> Option<Self> {
        let with = rows.iter().filter(|row| row.people >= least).map(|row| (row, of(row)));
        let spans: Vec<(&Row, Span)> = with.filter(|(_, span)| span.trials > 0).collect();
        let (worst, high) = spans.iter().max_by(|(_, a), (_, b)| a.seen.total_cmp(&b.seen))?;
        // Of several without an error, the one that shows most.
        let less = |a: &Span, b: &Span| a.seen.total_cmp(&b.seen).then(a.upper.total_cmp(&b.upper));
        let (best, low) = spans.iter().min_by(|(_, a), (_, b)| less(a, b))?;
        let over = |above: f64, below: f64| (below > 0.0).then(|| above / below);
        (worst.group != best.group && high.seen > 0.0).then(|| Self {
            worst: worst.group.clone(),
            best: best.group.clone(),
            ratio: over(high.seen, low.seen),
            at_least: high.lower / low.upper,
            at_most: over(high.upper, low.lower),
        })
    }
}

/// Measures the groups. The set loses what the door would not take: pictures that the quality gate refuses, and those below
/// the embedder's limits.
pub fn grouped(
    set: &mut Set,
    labels: &Labels,
    embedder: &Embedder,
    head: &Head,
    question: &Question,
    tell: &mut dyn FnMut(usize, usize),
) -> Grouped {
    let acquired = acquired::acquired(set, labels, embedder);
    set.samples.retain(|sample| acquired::refusal(sample, embedder).is_none());
    let table = Table::new(&Features::of_head(set, head), head.formula(), tell);
    let (mut parts, mut halved) = (Vec::new(), Vec::new());
    for kind in &labels.kinds {
        for way in trials::ways(set, question) {
            let groups: Vec<(&str, Compared)> = kind
                .groups()
                .map(|(name, members)| (name, trials::compared(set, &table, &members, way, question)))
                .filter(|(_, compared)| compared.people > 1)
                .collect();
            let names = (kind.name.as_str(), way.to_string());
            parts.extend(question.at.iter().map(|z| part(&names, &groups, *z, question)));
            let groups = kind.groups().filter(|(_, m)| question.halves > 0 && m.len() >= 2 * question.least);
            let of = |(name, m): (_, Vec<usize>)| halved::halved(set, &table, (name, &m), way, question);
            halved.extend(groups.flat_map(of).map(|halved| (way.to_string(), halved)));
        }
    }
    Grouped {
        people: set.by_person().iter().filter(|samples| !samples.is_empty()).count(),
        pictures: set.samples.len(),
        of_two: set.losses.of_two.len(),
        unlabelled: labels.unlabelled,
        acquired,
        parts,
        halved,
    }
}

/// `names`: what people are parted by, and how they are compared.
fn part(names: &(&str, String), groups: &[(&str, Compared)], z: f32, question: &Question) -> Part {
    let rows: Vec<Row> = groups.iter().map(|(name, compared)| Row::at(name, compared, z)).collect();
    let enough = groups.iter().filter(|(_, compared)| compared.people >= question.least);
    let strict = enough.filter(|_| question.at.first() == Some(&z));
    Part {
        by: names.0.to_owned(),
        compared: names.1.clone(),
        z,
        fmr: Ratio::of(&rows, question.least, Row::fmr),
        fnmr: Ratio::of(&rows, question.least, Row::fnmr),
        strict: strict.map(|(name, compared)| Strict::of(name, compared, question.target)).collect(),
        rows,
    }
}

#[cfg(test)]
mod tests;
