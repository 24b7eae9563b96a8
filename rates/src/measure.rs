//! Measures every error rate of a [`Head`] on a [`Set`], with bounds.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::RatesError;
use super::bootstrap;
use super::count::{Counts, Group};
use super::curve::{Bin, Curve, Point, ece};
use super::list::{self, Named};
use super::rate::{Bounds, CONFIDENCE, Rates};
use super::set::{Losses, Set};
use super::table::{Features, Table};
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
    /// Templates and frames of a decision; `None` to leave decisions and searches out.
    pub shape: Option<Shape>,
    /// A file of pairs, and what it says, to compare instead of all pairs.
    pub pairs: Option<(&'a Path, &'a [Named])>,
    /// Group of each person, by name.
    pub groups: BTreeMap<String, String>,
}

/// Measures the head on the set. `tell` hears how many pairs are scored, of how many.
///
/// # Errors
/// [`RatesError`] when a listed pair is not in the set or there are no pairs of one kind.
pub fn measure(
    set: &Set,
    head: &Head,
    question: &Question<'_>,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Measured, RatesError> {
    let listed = question.pairs.map(|(file, pairs)| list::among(set, file, pairs)).transpose()?;
    let (pairs, pairs_left_out) =
        listed.map_or((None, 0), |(p, left_out)| (Some(list::by_kind(&p)), left_out));
    let table = Table::new(&Features::of_head(set, head), head.formula(), tell);
    let z = |a: usize, b: usize| table.at(a, b);
    let level = head.threshold().log_odds().0;
    let counts = match &pairs {
        Some(pairs) => Counts::of_pairs(set, pairs, &z, (level, &question.groups)),
        None => Counts::of_all(set, &table, (level, &question.groups)),
    };
    let pair = Rates::of(&counts.misses, &counts.matches);
    let decided = question.shape.and_then(|s| Some((s, decisions(set, s, SEED, &|_| true, &z)?)));
    let searched = question.shape.and_then(|s| searches(set, s, SEED, &z));
    let curve = curve(set, table, pairs.as_ref())?;
    let bins = curve.reliability();
    let acquired = set.samples.len();
    Ok(Measured {
        embedder: set.recipe.embedder.clone(),
        embedder_sha256: set.recipe.embedder_sha256.clone(),
        people: set.by_person().iter().filter(|samples| !samples.is_empty()).count(),
        pictures: set.losses.pictures,
        acquired,
        unclear: set.samples.iter().filter(|sample| !sample.believed).count(),
        failure_to_acquire: 1.0 - acquired as f64 / set.losses.pictures.max(1) as f64,
        genuine: curve.genuine(),
        impostor: curve.impostor(),
        eer: curve.eer(),
        tar: tar(&curve),
        threshold: head.threshold().value(),
        pair,
        log_loss: curve.log_loss(),
        ece: ece(&bins),
        decision_det: decided.as_ref().map_or(Vec::new(), |(_, s)| Curve::new(s).det(200)),
        decision: decided.as_ref().map(|(shape, scored)| decision(*shape, scored, level)),
        identify: searched.map(|s| identify(s, head.threshold())),
        by_quality: counts.by_quality,
        by_group: counts.by_group,
        losses: set.losses.clone(),
        det: curve.det(200),
        reliability: bins,
        histogram: histogram(&curve),
        method: Method {
            confidence: CONFIDENCE,
            seed: SEED,
            bootstrap_rounds: bootstrap::ROUNDS,
            bootstrap_seed: bootstrap::SEED,
            pairs_left_out,
        },
    })
}

/// The scores of the pairs, or of all.
fn curve(set: &Set, table: Table, pairs: Option<&Pairs>) -> Result<Curve, RatesError> {
    let curve = match pairs {
        Some(pairs) => Curve::new(&pairs.score(set, &|a, b| table.at(a, b))),
        None => {
            let person = |sample: usize| set.samples[sample].person;
            let (genuine, impostor) = table.into_kinds(|a, b| person(a) == person(b));
            Curve::of(genuine, impostor)
        }
    };
    if curve.genuine() == 0 || curve.impostor() == 0 {
        return Err(RatesError::Asked("no pairs of one kind are left to measure".to_owned()));
    }
    Ok(curve)
}

/// At an FMR below 1e-4 only where there are impostor trials enough for one false match.
fn tar(curve: &Curve) -> BTreeMap<&'static str, f64> {
    [("1e-2", 1e-2), ("1e-3", 1e-3), ("1e-4", 1e-4), ("1e-5", 1e-5), ("1e-6", 1e-6)]
        .into_iter()
        .filter(|(_, fmr)| *fmr >= 1e-4 || fmr * curve.impostor() as f64 >= 1.0)
        .map(|(key, fmr)| (key, curve.tar(fmr)))
        .collect()
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

fn histogram(curve: &Curve) -> Histogram {
    const BINS: usize = 80;
    let (from, to) = curve.range();
    let step = ((to - from) / BINS as f32).max(f32::MIN_POSITIVE);
    let [genuine, impostor] = curve.shares(from, step, BINS);
    Histogram { from, step, genuine, impostor }
}

#[cfg(test)]
mod tests;
