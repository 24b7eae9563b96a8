//! The pair protocol of Labeled Faces in the Wild (Huang et al. 2007): the pairs of a list in ten folds. For each fold the
//! threshold that is most accurate on the other nine is tried on it.

use std::path::Path;

use serde::Serialize;

use super::RatesError;
use super::list::{self, Listed, Named};
use super::set::Set;
use facelatch::head::Head;

/// Folds of the protocol.
const FOLDS: usize = 10;

/// The result of the protocol, and of the same pairs at the head's threshold.
#[derive(Debug, Clone, Serialize)]
pub struct Protocol {
    /// Pairs scored.
    pub pairs: usize,
    /// Pairs left out because a picture is.
    pub left_out: usize,
    /// By the head's log-odds.
    pub head: Accuracy,
    /// By the cosine of the embeddings, for comparison.
    pub cosine: Accuracy,
    /// Pairs of one person.
    pub genuine: usize,
    /// Those below the head's threshold.
    pub misses: usize,
    /// Pairs of two people.
    pub impostor: usize,
    /// Those that reach it.
    pub false_matches: usize,
}

/// Share of pairs that are judged right.
#[derive(Debug, Clone, Serialize)]
pub struct Accuracy {
    /// Mean over the folds.
    pub mean: f64,
    /// Its standard error, from the spread of the folds.
    pub standard_error: f64,
}

/// Runs the protocol on what a list says.
///
/// # Errors
/// [`RatesError`] for a picture that is not in the set, or fewer pairs than folds.
pub fn protocol(set: &Set, head: &Head, file: &Path, pairs: &[Named]) -> Result<Protocol, RatesError> {
    let (listed, left_out) = list::among(set, file, pairs)?;
    if listed.len() < FOLDS {
        let why = format!("has {} usable pairs; ten folds need at least {FOLDS}", listed.len());
        return Err(RatesError::data(file, why));
    }
    let folds = folds(&listed);
    let log_odds = |a: usize, b: usize| head.log_odds(&set.samples[a].embedding, &set.samples[b].embedding).0;
    let z: Vec<f32> = listed.iter().map(|pair| log_odds(pair.samples.0, pair.samples.1)).collect();
    let cosine: Vec<f32> = listed.iter().map(|pair| set.cosine(pair.samples.0, pair.samples.1)).collect();
    let level = head.threshold().log_odds().0;
    let count =
        |of: &dyn Fn(bool, f32) -> bool| listed.iter().zip(&z).filter(|(p, z)| of(p.same, **z)).count();
    Ok(Protocol {
        pairs: listed.len(),
        left_out,
        head: accuracy(&listed, &folds, &z),
        cosine: accuracy(&listed, &folds, &cosine),
        genuine: count(&|same, _| same),
        misses: count(&|same, z| same && z < level),
        impostor: count(&|same, _| !same),
        false_matches: count(&|same, z| !same && z >= level),
    })
}

/// The fold of each pair. A list in the order of LFW has ten times pairs of one person, then of two; any other is cut into
/// ten equal parts of each kind, in its order.
fn folds(listed: &[Listed]) -> Vec<usize> {
    let mut runs = Vec::with_capacity(listed.len());
    let mut run = 0;
    for (at, pair) in listed.iter().enumerate() {
        run += usize::from(at > 0 && pair.same && !listed[at - 1].same);
        runs.push(run);
    }
    if run + 1 == FOLDS && listed.first().is_some_and(|pair| pair.same) {
        return runs;
    }
    let of_kind = |same: bool| listed.iter().filter(|pair| pair.same == same).count();
    let (all, mut seen) = ([of_kind(false), of_kind(true)], [0, 0]);
    let next = |pair: &Listed| {
        let kind = usize::from(pair.same);
        seen[kind] += 1;
        (seen[kind] - 1) * FOLDS / all[kind]
    };
    listed.iter().map(next).collect()
}

fn accuracy(listed: &[Listed], folds: &[usize], z: &[f32]) -> Accuracy {
    let pairs: Vec<(usize, f32, bool)> =
        folds.iter().zip(z).zip(listed).map(|((fold, z), pair)| (*fold, *z, pair.same)).collect();
    let of_fold = |fold: usize| {
        let (mut others, tested): (Vec<_>, Vec<_>) = pairs.iter().partition(|pair| pair.0 != fold);
        let threshold = most_accurate(&mut others);
        (!tested.is_empty()).then(|| {
            let right = tested.iter().filter(|(_, z, same)| (*z >= threshold) == *same).count();
            right as f64 / tested.len() as f64
        })
    };
    let shares: Vec<f64> = (0..FOLDS).filter_map(of_fold).collect();
    let n = shares.len() as f64;
    let mean = shares.iter().sum::<f64>() / n;
    let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    Accuracy { mean, standard_error: (variance / n).sqrt() }
}

/// The threshold with the fewest errors: halfway between two scores, the lowest of several.
fn most_accurate(pairs: &mut [(usize, f32, bool)]) -> f32 {
    pairs.sort_by(|a, b| a.1.total_cmp(&b.1));
    // All are taken for one person; each step takes one pair more for two.
    let mut errors = pairs.iter().filter(|pair| !pair.2).count();
    let mut best = (errors, f32::NEG_INFINITY);
    for (at, (_, z, same)) in pairs.iter().enumerate() {
        errors = if *same { errors + 1 } else { errors - 1 };
        let next = pairs.get(at + 1).map_or(f32::INFINITY, |pair| pair.1);
        if errors < best.0 && next > *z {
            best = (errors, if next.is_finite() { z + (next - z) / 2.0 } else { next });
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(kinds: impl IntoIterator<Item = bool>) -> Vec<Listed> {
        kinds.into_iter().map(|same| Listed { samples: (0, 1), same }).collect()
    }

    #[test]
    fn folds_are_those_of_the_list_or_tenths_of_it() {
        // Uneven folds, as in a part of the list.
        let runs = pairs((0..10).flat_map(|n| [vec![true; 3 + n], vec![false; 2]].concat()));
        let found = folds(&runs);
        assert_eq!((found[0], found[5], found[runs.len() - 1]), (0, 1, 9));
        assert_eq!(found.iter().filter(|fold| **fold == 9).count(), 14);
        let sorted = pairs([vec![true; 20], vec![false; 30]].concat());
        let found = folds(&sorted);
        assert!((0..10).all(|n| found.iter().filter(|fold| **fold == n).count() == 5), "{found:?}");
        assert_eq!((found[0], found[19], found[20], found[49]), (0, 9, 0, 9));
    }

    #[test]
    fn the_threshold_comes_from_the_other_folds() {
        let listed = pairs((0..20_usize).map(|i| i.is_multiple_of(2)));
        let folds: Vec<usize> = (0..20).map(|i| i / 2).collect();
        // In fold 0 both pairs lie on the wrong side of what is right elsewhere.
        let z = |i: usize| if i.is_multiple_of(2) == (i > 1) { 1.0 } else { -1.0 };
        let found = accuracy(&listed, &folds, &(0..20).map(z).collect::<Vec<_>>());
        assert!((found.mean - 0.9).abs() < 1e-12 && (found.standard_error - 0.1).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn the_most_accurate_threshold_never_splits_equal_scores() {
        let of = |scores: &[(f32, bool)]| {
            most_accurate(&mut scores.iter().map(|(z, same)| (0, *z, *same)).collect::<Vec<_>>())
        };
        assert_eq!(of(&[(0.0, false), (1.0, false), (3.0, true), (4.0, true)]), 2.0);
        assert_eq!(of(&[(1.0, false), (1.0, true), (0.0, false), (2.0, true)]), 0.5);
        assert_eq!(of(&[(0.0, true), (1.0, true)]), f32::NEG_INFINITY);
    }
}
