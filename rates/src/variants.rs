//! Variants of the decision, measured beside the daemon's: mirrored faces, fusion of templates and frames, scores normalised
//! by an impostor background, a learned metric. Each with its rates and what it costs.
//!
//! All make the same decisions about the same pictures. Pictures that the daemon would not judge take no part: with several
//! faces, or below the embedder's limits.

mod background;
mod faces;
mod rows;
mod table;
mod way;

use serde::Serialize;

use super::RatesError;
use super::curve::Curve;
use super::learn::{Alpha, Learnt, Plan};
use super::rate::Rates;
use super::set::Set;
use super::trials::{Decide, Scored, Shape, Trial, drawn};
use background::Background;
use facelatch::detect::quality::RetryReason;
use facelatch::embed::Embedder;
use facelatch::head::Head;
use facelatch::head::project::SplitMix64;
use faces::Faces;
use way::Way;

pub use rows::variants;
pub use table::markdown;

/// Seed of decisions and halves.
const SEED: u64 = 5;

/// False match rate of a decision that the shipped threshold is to keep.
pub const TARGET_FMR: f64 = 1e-4;

/// A half of the people must have this many for something chosen on them to mean anything for the other half.
const FEWEST: usize = 20;

/// What there is to measure on.
pub struct Material<'a> {
    /// The pictures.
    pub plain: &'a Set,
    /// The same, embedded left for right.
    pub mirrored: &'a Set,
    /// Other people: an impostor background, and whom a metric is learned from.
    pub background: Option<&'a Set>,
    /// The shipped head.
    pub head: &'a Head,
    /// Templates and frames of a decision.
    pub shape: Shape,
}

/// One variant.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What is done.
    pub variant: String,
    /// What it costs beyond the daemon's.
    pub cost: Cost,
    /// Genuine decisions.
    pub genuine: usize,
    /// Impostor decisions.
    pub impostor: usize,
    /// Equal error rate, `0..=1`; `None` where the threshold is part of the variant.
    pub eer: Option<f64>,
    /// True acceptance rate at 1 false match in 1,000, 10,000, 100,000 decisions; `None` also where there are too few.
    pub tar: [Option<f64>; 3],
    /// At the shipped threshold; `None` where scores have another scale.
    pub shipped: Option<Rates>,
    /// FNMR with as many false matches as the daemon's way has at the shipped threshold.
    pub fnmr_at_shipped_fmr: Option<f64>,
    /// At the threshold that keeps [`TARGET_FMR`] among one half of the people, applied to the other half.
    pub other_half: Option<Rates>,
}

/// Work beyond the daemon's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Cost {
    /// Runs of the embedder for each template, once.
    pub template_runs: f64,
    /// Runs of the embedder in a genuine decision, on average.
    pub genuine_runs: f64,
    /// The same in an impostor decision.
    pub impostor_runs: f64,
    /// Comparisons of two h in a decision.
    pub comparisons: f64,
}

impl Set {
    /// Leaves out what the daemon would not judge: pictures of several faces, and below the embedder's limits. In the order
    /// of the samples, which of them stay.
    pub fn judged(&self, embedder: &Embedder) -> Vec<bool> {
        let judged = |sample: &super::set::Sample| {
            !sample.quality.is(RetryReason::SeveralFaces) && embedder.check(&sample.measures).is_ok()
        };
        self.samples.iter().map(judged).collect()
    }

    /// Keeps the samples that are marked.
    pub fn keep(&mut self, marked: &[bool]) {
        let mut marked = marked.iter();
        self.samples.retain(|_| marked.next().copied().unwrap_or(false));
    }
}

/// A variant's decisions, and what they are measured against.
struct Decided {
    variant: String,
    cost: Cost,
    scored: Scored,
    /// The shipped threshold, where scores have its scale.
    threshold: Option<f32>,
    /// Whether the threshold is part of the variant.
    fixed: bool,
}

impl Decided {
    /// Its row; `allowed` false matches has the daemon's way.
    fn row(&self, halves: &[usize], allowed: usize) -> Row {
        let curve = Curve::new(&self.scored);
        let free = |rate: &dyn Fn() -> f64| (!self.fixed).then(rate);
        let tar = |fmr: f64| {
            let enough = fmr * curve.impostor() as f64 >= 1.0;
            free(&|| curve.tar(fmr)).filter(|_| enough)
        };
        Row {
            variant: self.variant.clone(),
            cost: self.cost,
            genuine: curve.genuine(),
            impostor: curve.impostor(),
            eer: free(&|| curve.eer()),
            tar: [1e-3, 1e-4, 1e-5].map(tar),
            shipped: self.threshold.map(|z| Rates::at(&self.scored, z)),
            fnmr_at_shipped_fmr: free(&|| curve.at(curve.threshold_for(allowed)).fnmr),
            other_half: (!self.fixed).then(|| across(&self.scored, halves)).flatten(),
        }
    }
}

/// Rates of the decisions within each half of the people, at the threshold that the other half gives.
fn across(scored: &Scored, halves: &[usize]) -> Option<Rates> {
    if halves.len() < 2 * FEWEST {
        return None;
    }
    let half = |person: u32| halves.get(person as usize).copied();
    let within = |trials: &[Trial], which: usize| -> Vec<Trial> {
        let inside = |t: &&Trial| half(t.people.0) == Some(which) && half(t.people.1) == Some(which);
        trials.iter().filter(inside).copied().collect()
    };
    let of =
        |which| Scored { genuine: within(&scored.genuine, which), impostor: within(&scored.impostor, which) };
    let parts = [of(0), of(1)];
    let mut all = Scored::default();
    for (chosen_on, tested) in [(&parts[0], &parts[1]), (&parts[1], &parts[0])] {
        if chosen_on.impostor.is_empty() || tested.impostor.is_empty() || tested.genuine.is_empty() {
            return None;
        }
        let curve = Curve::new(chosen_on);
        let threshold = curve.threshold_for((TARGET_FMR * curve.impostor() as f64).floor() as usize);
        let above = |t: &Trial| Trial { z: t.z - threshold, ..*t };
        all.genuine.extend(tested.genuine.iter().map(above));
        all.impostor.extend(tested.impostor.iter().map(above));
    }
    Some(Rates::at(&all, 0.0))
}

/// The half of each person, at random.
fn halves(people: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..people).collect();
    SplitMix64(seed).shuffle(&mut order);
    let mut half = vec![0; people];
    order.iter().skip(people / 2).for_each(|person| half[*person] = 1);
    half
}

/// The plan of a metric: within-person covariance, shrunk by this much.
fn metric(shrink: f64) -> Plan {
    let name = format!("metric, shrunk by {shrink}");
    Plan {
        name,
        rotations: 64,
        seed: SEED,
        learned: Some(shrink),
        alpha: Alpha::Common,
        bias: true,
        prior: 0.5,
    }
}

/// Decisions by one rule.
fn decided(
    material: &Material<'_>,
    keep: &dyn Fn(usize) -> bool,
    rule: Decide<'_>,
) -> Result<Scored, RatesError> {
    let Shape { templates, frames } = material.shape;
    drawn(material.plain, material.shape, SEED, keep, rule).ok_or_else(|| {
        RatesError::Asked(format!(
            "decisions of {templates} templates and {frames} frames need two people with {} pictures that can be judged; ask \
             for fewer with --templates and --frames",
            templates + frames
        ))
    })
}

#[cfg(test)]
mod tests;
