//! Measures every error rate of a [`Head`] on a [`Set`], with bounds.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::RatesError;
use super::acquire::{Losses, Quality, Set};
use super::bootstrap;
use super::curve::{Bin, Curve, Point, ece, log_loss, reliability};
use super::learn::Table;
use super::rate::{Bounds, CONFIDENCE, Rates};
use super::trials::{Pairs, Scored, Searches, Shape, decisions, searches};
use facelatch::head::{Head, Probability};
use facelatch::judge::Policy;

/// Seed for drawing decisions and searches.
pub const SEED: u64 = 5;

/// Everything measured. The field names are the JSON keys.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// Name and hash of the embedder.
    pub embedder: String,
    /// SHA-256 of its file.
    pub embedder_sha256: String,
    /// People with at least one usable picture.
    pub people: usize,
    /// Picture files.
    pub pictures: usize,
    /// Pictures that yielded an embedding.
    pub acquired: usize,
    /// Of those, how many take no part in decisions, because they are below the embedder's limits.
    pub unclear: usize,
    /// Share of the pictures that yielded none.
    pub failure_to_acquire: f64,
    /// Genuine pairs.
    pub genuine: usize,
    /// Impostor pairs.
    pub impostor: usize,
    /// Equal error rate of pairs, `0..=1`.
    pub eer: f64,
    /// True acceptance rate of pairs at a false match rate.
    pub tar: BTreeMap<&'static str, f64>,
    /// The head's threshold, as a probability.
    pub threshold: f64,
    /// Rates of single pairs at that threshold.
    #[serde(flatten)]
    pub pair: Rates,
    /// Mean cross-entropy of pairs in nats, both kinds weighted equally.
    pub log_loss: f64,
    /// Expected calibration error of pairs.
    pub ece: f64,
    /// Rates of whole decisions; `None` if too few people have enough pictures.
    pub decision: Option<Decision>,
    /// Rates of searches; `None` likewise.
    pub identify: Option<Identify>,
    /// Genuine pairs by the quality gate's verdict on the worse picture.
    pub by_quality: Vec<Group>,
    /// Pairs within each labelled group.
    pub by_group: Vec<Group>,
    /// What was left out, by name.
    pub losses: Losses,
    /// For drawing.
    pub det: Vec<Point>,
    /// DET curve of decisions, for plotting.
    pub decision_det: Vec<Point>,
    /// For drawing.
    pub reliability: Vec<Bin>,
    /// Log-odds of genuine and impostor pairs in bins.
    pub histogram: Histogram,
    /// Confidence of the bounds, draws and seeds.
    pub method: Method,
}

/// Decisions as the daemon makes them.
#[derive(Debug, Clone, Serialize)]
pub struct Decision {
    /// Templates and frames.
    #[serde(flatten)]
    pub shape: Shape,
    /// Genuine decisions drawn.
    pub genuine: usize,
    /// Impostor decisions drawn.
    pub impostor: usize,
    /// Equal error rate.
    pub eer: f64,
    /// True acceptance rates.
    pub tar: BTreeMap<&'static str, f64>,
    /// At the threshold of the head.
    #[serde(flatten)]
    pub rates: Rates,
}

/// Searches among everyone enrolled.
#[derive(Debug, Clone, Serialize)]
pub struct Identify {
    /// People enrolled in a search for a stranger; a search for an enrolled user has one more.
    pub enrolled: usize,
    /// Threshold raised for their number, as a probability.
    pub threshold: f64,
    /// The threshold of a search for a user, raised for one more.
    pub threshold_user: f64,
    /// Searches for people not enrolled; the same number is made for enrolled people.
    pub searches: usize,
    /// Share of strangers who match someone.
    pub fpir: f64,
    /// 95 % upper bound.
    pub fpir_upper95: f64,
    /// All bounds, counted by people searched.
    pub fpir_bounds: Bounds,
    /// Share of users who are not found, or not first.
    pub fnir: f64,
    /// 95 % upper bound.
    pub fnir_upper95: f64,
    /// All bounds, counted by people searched.
    pub fnir_bounds: Bounds,
}

/// Part of the pairs.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Genuine pairs in it.
    pub genuine: usize,
    /// Impostor pairs in it; 0 where only genuine ones are counted.
    pub impostor: usize,
    /// At the threshold; `None` without pairs.
    pub fmr: Option<f64>,
    /// At the threshold; `None` without pairs.
    pub fnmr: Option<f64>,
}

/// Shares of pairs by log-odds.
#[derive(Debug, Clone, Serialize)]
pub struct Histogram {
    /// Left edge of the first bin.
    pub from: f32,
    /// Width of a bin.
    pub step: f32,
    /// Shares, summing to 1.
    pub genuine: Vec<f64>,
    /// Shares, summing to 1.
    pub impostor: Vec<f64>,
}

/// How it was counted.
#[derive(Debug, Clone, Serialize)]
pub struct Method {
    /// Confidence of every bound.
    pub confidence: f64,
    /// Seed of decisions and searches.
    pub seed: u64,
    /// Bootstrap rounds.
    pub bootstrap_rounds: usize,
    /// Seed of the bootstrap.
    pub bootstrap_seed: u64,
    /// Listed pairs left out because a picture yielded no embedding.
    pub pairs_left_out: usize,
}

/// Options of a measurement.
#[derive(Debug, Clone, Default)]
pub struct Question<'a> {
    /// Templates and frames of a decision.
    pub shape: Option<Shape>,
    /// A file of pairs to compare instead of all pairs.
    pub pairs: Option<&'a Path>,
    /// Group of each person, by name.
    pub groups: BTreeMap<String, String>,
}

/// Measures the head on the set.
///
/// # Errors
/// [`RatesError`] when a file of pairs is wrong or there are no pairs of one kind.
pub fn measure(set: &Set, head: &Head, question: &Question<'_>) -> Result<Measured, RatesError> {
    let h: Vec<_> = set.samples.iter().map(|s| head.project(&s.embedding)).collect();
    let table = Table::new(h.len(), |a, b| head.log_odds_of(&h[a], &h[b]).0);
    let z = |a: usize, b: usize| table.at(a, b);
    let (pairs, pairs_left_out) = match question.pairs {
        Some(file) => Pairs::listed(set, file)?,
        None => (Pairs::all(set, |_| true), 0),
    };
    if pairs.genuine.is_empty() || pairs.impostor.is_empty() {
        return Err(RatesError::Asked("no pairs of one kind are left to measure".to_owned()));
    }
    let scored = pairs.score(set, &z);
    let curve = Curve::new(&scored);
    let level = head.threshold().log_odds().0;
    let decided = question.shape.and_then(|s| Some((s, decisions(set, s, SEED, &|_| true, &z)?)));
    let searched = question.shape.and_then(|s| searches(set, s, SEED, &z));
    let bins = reliability(&scored);
    let acquired = set.samples.len();
    let mut people: Vec<usize> = set.samples.iter().map(|s| s.person).collect();
    people.dedup();
    Ok(Measured {
        embedder: set.recipe.embedder.clone(),
        embedder_sha256: set.recipe.embedder_sha256.clone(),
        people: people.len(),
        pictures: set.losses.pictures,
        acquired,
        unclear: set.samples.iter().filter(|sample| !sample.believed).count(),
        failure_to_acquire: 1.0 - acquired as f64 / set.losses.pictures.max(1) as f64,
        genuine: scored.genuine.len(),
        impostor: scored.impostor.len(),
        eer: curve.eer(),
        tar: tar(&curve),
        threshold: head.threshold().value(),
        pair: Rates::at(&scored, level),
        log_loss: log_loss(&scored),
        ece: ece(&bins),
        decision_det: decided.as_ref().map_or(Vec::new(), |(_, s)| Curve::new(s).det(200)),
        decision: decided.as_ref().map(|(shape, scored)| decision(*shape, scored, level)),
        identify: searched.map(|s| identify(s, head.threshold())),
        by_quality: by_quality(set, &pairs, &z, level),
        by_group: by_group(set, &pairs, &z, (level, &question.groups)),
        losses: set.losses.clone(),
        det: curve.det(200),
        reliability: bins,
        histogram: histogram(&scored),
        method: Method {
            confidence: CONFIDENCE,
            seed: SEED,
            bootstrap_rounds: bootstrap::ROUNDS,
            bootstrap_seed: bootstrap::SEED,
            pairs_left_out,
        },
    })
}

fn tar(curve: &Curve) -> BTreeMap<&'static str, f64> {
    [("1e-2", 1e-2), ("1e-3", 1e-3), ("1e-4", 1e-4)].map(|(key, fmr)| (key, curve.tar(fmr))).into()
}

fn decision(shape: Shape, scored: &Scored, level: f32) -> Decision {
    let curve = Curve::new(scored);
    Decision {
        shape,
        genuine: scored.genuine.len(),
        impostor: scored.impostor.len(),
        eer: curve.eer(),
        tar: tar(&curve),
        rates: Rates::at(scored, level),
    }
}

/// The judge raises the threshold by the number of people enrolled, and users count themselves.
fn identify(found: Searches, threshold: Probability) -> Identify {
    let [stranger, user] =
        [found.enrolled, found.enrolled + 1].map(|n| Policy::identify(threshold, n).threshold());
    let (searches, scored) =
        (found.strangers.len(), Scored { genuine: found.users, impostor: found.strangers });
    let of_strangers = Rates::at(&scored, stranger.log_odds().0);
    let of_users = Rates::at(&scored, user.log_odds().0);
    Identify {
        enrolled: found.enrolled,
        threshold: stranger.value(),
        threshold_user: user.value(),
        searches,
        fpir: of_strangers.fmr,
        fpir_upper95: of_strangers.fmr_upper95,
        fpir_bounds: of_strangers.fmr_bounds,
        fnir: of_users.fnmr,
        fnir_upper95: of_users.fnmr_upper95,
        fnir_bounds: of_users.fnmr_bounds,
    }
}

type Z<'a> = &'a dyn Fn(usize, usize) -> f32;

/// A genuine pair counts under the worse of its two pictures: the later one in the order of [`Quality`].
fn by_quality(set: &Set, pairs: &Pairs, z: Z<'_>, level: f32) -> Vec<Group> {
    let mut counts: BTreeMap<Quality, (usize, usize)> = BTreeMap::new();
    for (a, b) in &pairs.genuine {
        let worse = set.samples[*a].quality.max(set.samples[*b].quality);
        let count = counts.entry(worse).or_default();
        *count = (count.0 + 1, count.1 + usize::from(z(*a, *b) < level));
    }
    let group = |(quality, (genuine, misses)): (Quality, (usize, usize))| Group {
        name: quality.name(),
        genuine,
        impostor: 0,
        fmr: None,
        fnmr: Some(misses as f64 / genuine as f64),
    };
    counts.into_iter().map(group).collect()
}

/// Pairs whose two people belong to the same group.
fn by_group(
    set: &Set,
    pairs: &Pairs,
    z: Z<'_>,
    (level, groups): (f32, &BTreeMap<String, String>),
) -> Vec<Group> {
    let group = |sample: usize| groups.get(&set.people[set.samples[sample].person]);
    let mut counts: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for (slot, list) in [(0, &pairs.genuine), (2, &pairs.impostor)] {
        for (a, b) in list {
            let Some(name) = group(*a).filter(|name| Some(*name) == group(*b)) else { continue };
            let count = counts.entry(name).or_default();
            count[slot] += 1;
            count[slot + 1] += usize::from((z(*a, *b) >= level) == (slot == 2));
        }
    }
    let share = |errors: usize, all: usize| (all > 0).then(|| errors as f64 / all as f64);
    let group = |(name, [genuine, misses, impostor, matches]): (&str, [usize; 4])| Group {
        name: name.to_owned(),
        genuine,
        impostor,
        fmr: share(matches, impostor),
        fnmr: share(misses, genuine),
    };
    counts.into_iter().map(group).collect()
}

fn histogram(scored: &Scored) -> Histogram {
    const BINS: usize = 80;
    let all = || scored.genuine.iter().chain(&scored.impostor).map(|t| t.z);
    let (from, to) = (all().fold(f32::MAX, f32::min), all().fold(f32::MIN, f32::max));
    let step = ((to - from) / BINS as f32).max(f32::MIN_POSITIVE);
    let shares = |trials: &[super::trials::Trial]| {
        let mut bins = vec![0.0; BINS];
        for trial in trials {
            bins[(((trial.z - from) / step) as usize).min(BINS - 1)] += 1.0 / trials.len() as f64;
        }
        bins
    };
    Histogram { from, step, genuine: shares(&scored.genuine), impostor: shares(&scored.impostor) }
}

#[cfg(test)]
mod tests;
