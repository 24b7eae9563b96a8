//! Scores to rates: the trade-off between the two errors, and the calibration of the probabilities.

use super::cores;
use super::trials::{Scored, Trial};

/// Scores that one thread takes at once.
const PART: usize = 1 << 16;

/// The scores of both kinds, sorted.
pub struct Curve {
    genuine: Vec<f32>,
    impostor: Vec<f32>,
}

/// One point of a DET curve.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Point {
    /// Share of impostor trials that reach the score.
    pub fmr: f64,
    /// Share of genuine trials below the score.
    pub fnmr: f64,
}

/// A bin of the reliability curve.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Bin {
    /// Mean predicted probability.
    pub said: f64,
    /// Share of genuine trials, both kinds weighted equally.
    pub seen: f64,
    /// Share of the total weight in this bin.
    pub weight: f64,
}

impl Curve {
    /// Sorts the scores. Both kinds must be present.
    pub fn new(scored: &Scored) -> Self {
        let z = |trials: &[Trial]| trials.iter().map(|t| t.z).collect();
        Self::of(z(&scored.genuine), z(&scored.impostor))
    }

    /// The same from scores alone.
    pub fn of(mut genuine: Vec<f32>, mut impostor: Vec<f32>) -> Self {
        genuine.sort_unstable_by(f32::total_cmp);
        impostor.sort_unstable_by(f32::total_cmp);
        Self { genuine, impostor }
    }

    /// Genuine trials.
    pub fn genuine(&self) -> usize {
        self.genuine.len()
    }

    /// Impostor trials.
    pub fn impostor(&self) -> usize {
        self.impostor.len()
    }

    /// Genuine trials below `z`.
    pub fn misses(&self, z: f32) -> usize {
        self.genuine.partition_point(|g| *g < z)
    }

    /// Impostor trials that reach `z`.
    pub fn false_matches(&self, z: f32) -> usize {
        self.impostor.len() - self.impostor.partition_point(|i| *i < z)
    }

    /// Both rates at a threshold.
    pub fn at(&self, z: f32) -> Point {
        Point {
            fmr: self.false_matches(z) as f64 / self.impostor.len().max(1) as f64,
            fnmr: self.misses(z) as f64 / self.genuine.len().max(1) as f64,
        }
    }

    /// Equal error rate, `0..=1`: the mean of FMR and FNMR at the score where they are closest.
    pub fn eer(&self) -> f64 {
        // FMR falls as FNMR rises: the closest are those on both sides of where they cross.
        let near = |scores: &[f32]| {
            let crossing = scores.partition_point(|z| self.at(*z).fmr >= self.at(*z).fnmr);
            scores[crossing.saturating_sub(1)..scores.len().min(crossing + 1)].to_vec()
        };
        let difference = |z: &f32| {
            let Point { fmr, fnmr } = self.at(*z);
            ((fmr - fnmr).abs(), (fmr + fnmr) / 2.0)
        };
        let candidates = [near(&self.genuine), near(&self.impostor)].into_iter().flatten();
        let closest = candidates.map(|z| difference(&z)).min_by(|a, b| a.0.total_cmp(&b.0));
        closest.map_or(f64::NAN, |(_, eer)| eer)
    }

    /// The lowest threshold that at most `allowed` impostor trials reach: just above the next score.
    pub fn threshold_for(&self, allowed: usize) -> f32 {
        match self.impostor.len().checked_sub(allowed + 1) {
            Some(next) => self.impostor[next].next_up(),
            None => self.impostor.first().copied().unwrap_or(0.0),
        }
    }

    /// True acceptance rate at a false match rate of at most `fmr`.
    pub fn tar(&self, fmr: f64) -> f64 {
        1.0 - self.at(self.threshold_for((fmr * self.impostor.len() as f64).floor() as usize)).fnmr
    }

    /// About `points` points at most, from strict to lax; dense where either error is rare.
    pub fn det(&self, points: usize) -> Vec<Point> {
        let by_impostors = spread(self.impostor.len(), points / 2).map(|k| self.threshold_for(k));
        let by_genuine = spread(self.genuine.len(), points / 2).filter_map(|m| self.genuine.get(m).copied());
        let mut z: Vec<f32> = by_impostors.chain(by_genuine).collect();
        z.sort_by(|a, b| b.total_cmp(a));
        let mut picked: Vec<Point> = z.into_iter().map(|z| self.at(z)).collect();
        picked.dedup();
        picked
    }

    /// Mean binary cross-entropy in nats, both kinds weighted equally.
    pub fn log_loss(&self) -> f64 {
        let mean = |scores: &[f32], sign: f64| {
            let loss = |part: &[f32]| part.iter().map(|z| softplus(-sign * f64::from(*z))).sum::<f64>();
            cores::map(scores.chunks(PART), loss).iter().sum::<f64>() / scores.len().max(1) as f64
        };
        (mean(&self.genuine, 1.0) + mean(&self.impostor, -1.0)) / 2.0
    }

    /// Predicted probabilities against observed shares, in ten bins; both kinds have the same total weight.
    pub fn reliability(&self) -> Vec<Bin> {
        let mut bins = [(0.0, 0.0, 0.0); 10];
        for (scores, truth) in [(&self.genuine, 1.0), (&self.impostor, 0.0)] {
            let weight = 0.5 / scores.len().max(1) as f64;
            for part in cores::map(scores.chunks(PART), said) {
                for (bin, (said, trials)) in bins.iter_mut().zip(part) {
                    let trials = weight * trials as f64;
                    *bin = (bin.0 + weight * said, bin.1 + truth * trials, bin.2 + trials);
                }
            }
        }
        let full = bins.iter().filter(|(_, _, weight)| *weight > 0.0);
        full.map(|(said, seen, weight)| Bin { said: said / weight, seen: seen / weight, weight: *weight })
            .collect()
    }

    /// The lowest and the highest score.
    pub fn range(&self) -> (f32, f32) {
        let ends = [&self.genuine, &self.impostor].into_iter().flat_map(|z| [z.first(), z.last()]).flatten();
        ends.fold((f32::MAX, f32::MIN), |(low, high), z| (low.min(*z), high.max(*z)))
    }

    /// Shares of genuine and of impostor trials in `bins` bins of width `step` from `from` on; the last takes what is beyond.
    pub fn shares(&self, from: f32, step: f32, bins: usize) -> [Vec<f64>; 2] {
        let bin = |z: f32| (((z - from) / step) as usize).min(bins - 1);
        [&self.genuine, &self.impostor].map(|scores| {
            let upto = |at| scores.partition_point(|z| bin(*z) < at) as f64 / scores.len().max(1) as f64;
            (0..bins).map(|at| upto(at + 1) - upto(at)).collect()
        })
    }
}

/// 0, 1, 2, ... with growing gaps, up to `n`.
fn spread(n: usize, points: usize) -> impl Iterator<Item = usize> {
    let growth = (n.max(2) as f64).powf(1.0 / points.max(2) as f64);
    let next = move |at: &usize| Some(((*at as f64 * growth) as usize).max(at + 1)).filter(|at| *at < n);
    std::iter::successors(Some(0), next)
}

/// Sum of the predicted probabilities, and number of trials, in ten bins.
fn said(scores: &[f32]) -> [(f64, usize); 10] {
    let mut bins = [(0.0, 0); 10];
    for z in scores {
        let p = sigmoid(*z);
        let bin = &mut bins[((p * 10.0) as usize).min(9)];
        *bin = (bin.0 + p, bin.1 + 1);
    }
    bins
}

/// Expected calibration error: weighted mean distance between predicted and observed, `0..=1`.
pub fn ece(bins: &[Bin]) -> f64 {
    bins.iter().map(|bin| bin.weight * (bin.said - bin.seen).abs()).sum()
}

/// `ln(1 + exp(x))` without overflow.
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn sigmoid(z: f32) -> f64 {
    facelatch::head::LogOdds(z).probability().value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(genuine: &[f32], impostor: &[f32]) -> Scored {
        let trials = |z: &[f32]| z.iter().map(|z| Trial { z: *z, people: (0, 0) }).collect();
        Scored { genuine: trials(genuine), impostor: trials(impostor) }
    }

    #[test]
    fn rates_at_a_threshold_count_scores_that_reach_it() {
        let curve = Curve::new(&scored(&[1.0, 2.0, 3.0, 4.0], &[0.0, 1.0, 1.5, 2.0]));
        assert_eq!(curve.at(2.0), Point { fmr: 0.25, fnmr: 0.25 });
        assert_eq!(curve.eer(), 0.25);
        assert_eq!(curve.tar(0.25), 0.75);
        assert_eq!(curve.tar(0.0), 0.5);
        let det = curve.det(100);
        assert!(det.windows(2).all(|two| two[0].fmr <= two[1].fmr && two[0].fnmr >= two[1].fnmr));
    }

    #[test]
    fn separable_scores_have_no_error_and_equal_ones_half() {
        assert_eq!(Curve::new(&scored(&[1.0, 2.0], &[-1.0, 0.0])).eer(), 0.0);
        assert_eq!(Curve::new(&scored(&[0.0, 0.0], &[0.0, 0.0])).eer(), 0.5);
    }

    #[test]
    fn true_probabilities_have_no_calibration_error() {
        // z = ln 3 means 0.75; three of these four trials are genuine.
        let z = 3.0_f32.ln();
        let honest = scored(&[z, z, z, -z], &[-z, -z, -z, z]);
        assert!(ece(&Curve::new(&honest).reliability()) < 1e-6);
        let boasting = scored(&[9.0, 9.0, 9.0, -9.0], &[-9.0, -9.0, -9.0, 9.0]);
        assert!((ece(&Curve::new(&boasting).reliability()) - 0.25).abs() < 1e-3);
        assert!((Curve::new(&scored(&[0.0], &[0.0])).log_loss() - 2.0_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn the_equal_error_rate_is_that_of_the_closest_of_all_scores() {
        let mut random = facelatch::head::project::SplitMix64(3);
        for round in 0..200 {
            let mut draw = |n: usize, at: f32| -> Vec<f32> {
                (0..=n).map(|_| at + (random.below(12) as f32) / 4.0).collect()
            };
            let (genuine, impostor) = (draw(round % 17, 1.0), draw(round % 23, 0.0));
            let curve = Curve::of(genuine, impostor);
            let all = curve.genuine.iter().chain(&curve.impostor).map(|z| curve.at(*z));
            let closest = all.min_by(|a, b| (a.fmr - a.fnmr).abs().total_cmp(&(b.fmr - b.fnmr).abs()));
            assert_eq!(Some(curve.eer()), closest.map(|p| (p.fmr + p.fnmr) / 2.0));
        }
    }

    #[test]
    fn shares_add_up_to_one() {
        let curve = Curve::of(vec![0.0, 0.1, 0.9, 1.0], vec![-1.0, 0.5]);
        let (from, to) = curve.range();
        assert_eq!((from, to), (-1.0, 1.0));
        assert_eq!(
            curve.shares(from, (to - from) / 4.0, 4),
            [vec![0.0, 0.0, 0.5, 0.5], vec![0.5, 0.0, 0.0, 0.5]]
        );
    }
}
