//! What frames that follow each other are worth: the number of independent frames whose mean varies as much.
//!
//! The variance of a mean of n values with autocorrelations rho_k is that of one value times (1 + 2 sum_k (1 - k/n) rho_k) / n, so
//! they are worth n / (1 + 2 sum_k (1 - k/n) rho_k) independent ones (Bayley and Hammersley 1946, "The 'effective' number of
//! independent observations in an autocorrelated time series"). Autocorrelations are of log-odds about the mean over all runs of
//! one person against one user, and pooled over people. What all runs of a person have in common (the day, the light, the
//! camera) does not vary here, so against pictures of other days frames are worth less: this is an upper estimate.

use std::collections::BTreeMap;

use facelatch::head::project::SplitMix64;
use serde::Serialize;

use super::decisions::Group;
use super::runs::Run;
use super::scores::{Scores, User};
use crate::bootstrap::{ROUNDS, SEED};

/// With fewer runs of a person the mean follows the runs too closely, and correlations come out too small.
const LEAST_RUNS: usize = 5;

/// Scores of one person's runs against one user.
pub struct Series {
    /// The user.
    pub user: u32,
    /// The person before the camera.
    pub probe: u32,
    /// The log-odds of the frames, by run.
    pub runs: Vec<Vec<f32>>,
}

/// What frames are worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effective {
    /// Frames that follow each other.
    pub frames: usize,
    /// As many independent ones, from 1 to `frames` where correlations are positive.
    pub worth: f64,
    /// 5 % and 95 % quantiles of that, by resampling people.
    pub between: (f64, f64),
    /// Autocorrelations at a distance of 1, 2, ... frames.
    pub correlations: Vec<f64>,
    /// Standard deviation of one frame's log-odds about the mean of its person.
    pub deviation: f64,
    /// People with enough runs.
    pub people: usize,
}

/// Sums over one person's series: products at each distance, and how many they are.
#[derive(Clone, Default)]
struct Products(Vec<(f64, f64)>);

impl Series {
    /// Of each probe against each user from the clips.
    pub fn all(probes: &[(u32, &Run)], users: &[User<'_>], scores: &Scores) -> Vec<Self> {
        let mut runs: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        probes.iter().enumerate().for_each(|(run, (probe, _))| runs.entry(*probe).or_default().push(run));
        let mut all = Vec::new();
        for (number, user) in users.iter().enumerate().filter(|(_, user)| user.group == Group::Clips) {
            for (probe, own) in &runs {
                let runs = own.iter().map(|run| scores.of_run(*run, number).collect()).collect();
                all.push(Self { user: user.person, probe: *probe, runs });
            }
        }
        all
    }

    fn add_to(&self, products: &mut Products) {
        let values = || self.runs.iter().flatten().map(|z| f64::from(*z));
        let mean = values().sum::<f64>() / values().count().max(1) as f64;
        for run in &self.runs {
            let off: Vec<f64> = run.iter().map(|z| f64::from(*z) - mean).collect();
            for (distance, (sum, count)) in products.0.iter_mut().enumerate() {
                for (one, other) in off.iter().zip(off.iter().skip(distance)) {
                    (*sum, *count) = (*sum + one * other, *count + 1.0);
                }
            }
        }
    }
}

impl Effective {
    /// Of so many frames; `None` without a person whose runs suffice.
    pub fn of<'a>(series: impl Iterator<Item = &'a Series>, frames: usize) -> Option<Self> {
        let mut people: BTreeMap<u32, Products> = BTreeMap::new();
        for one in
            series.filter(|one| one.runs.iter().filter(|run| run.len() >= frames).count() >= LEAST_RUNS)
        {
            let products = people.entry(one.probe).or_insert_with(|| Products(vec![(0.0, 0.0); frames]));
            one.add_to(products);
        }
        let people: Vec<Products> = people.into_values().collect();
        let correlations = correlations(people.iter(), frames)?;
        let mut random = SplitMix64(SEED);
        let round = |_| {
            let drawn: Vec<&Products> = people.iter().map(|_| &people[random.below(people.len())]).collect();
            Some(worth(&self::correlations(drawn.into_iter(), frames)?.1))
        };
        let mut rounds: Vec<f64> = (0..ROUNDS).filter_map(round).collect();
        rounds.sort_by(f64::total_cmp);
        let quantile = |percent: usize| rounds.get(rounds.len() * percent / 100).copied().unwrap_or(f64::NAN);
        let (variance, correlations) = correlations;
        Some(Self {
            frames,
            worth: worth(&correlations),
            between: (quantile(5), quantile(95)),
            correlations,
            deviation: variance.sqrt(),
            people: people.len(),
        })
    }
}

/// Variance, and autocorrelations from a distance of 1 on; `None` where nothing varies.
fn correlations<'a>(people: impl Iterator<Item = &'a Products>, frames: usize) -> Option<(f64, Vec<f64>)> {
    let mut all = vec![(0.0, 0.0); frames];
    for Products(products) in people {
        all.iter_mut().zip(products).for_each(|(all, (sum, count))| *all = (all.0 + sum, all.1 + count));
    }
    let mean = |(sum, count): &(f64, f64)| (*count > 0.0).then(|| sum / count);
    let (first, others) = all.split_first()?;
    let variance = mean(first).filter(|variance| *variance > 0.0)?;
    Some((variance, others.iter().map(|products| Some(mean(products)? / variance)).collect::<Option<_>>()?))
}

/// Of one frame more than there are correlations.
fn worth(correlations: &[f64]) -> f64 {
    let n = (correlations.len() + 1) as f64;
    let terms = (1..).zip(correlations).map(|(k, rho)| (1.0 - f64::from(k) / n) * rho);
    n / (1.0 + 2.0 * terms.sum::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_are_alike_are_worth_one_and_unlike_ones_all() {
        assert_eq!(worth(&[1.0, 1.0]), 1.0);
        assert_eq!(worth(&[0.0, 0.0]), 3.0);
        // 3 / (1 + 2 (2/3 0.5 + 1/3 0.25))
        assert!((worth(&[0.5, 0.25]) - 3.0 / (1.0 + 5.0 / 6.0)).abs() < 1e-12);
    }

    /// Runs of an autoregressive process of the first order: rho_k = rho^k.
    fn series(probe: u32, rho: f64, runs: usize) -> Series {
        let mut random = SplitMix64(u64::from(probe) + 1);
        let mut normal = || (0..12).map(|_| random.uniform()).sum::<f64>() - 6.0;
        let mut run = || {
            let mut z = normal();
            let mut next = || {
                let now = z;
                z = rho * z + (1.0 - rho * rho).sqrt() * normal();
                now as f32
            };
            (0..5).map(|_| next()).collect()
        };
        Series { user: 0, probe, runs: (0..runs).map(|_| run()).collect() }
    }

    #[test]
    fn a_process_of_known_correlation_is_found() {
        let of = |rho| {
            let all: Vec<Series> = (0..20).map(|probe| series(probe, rho, 200)).collect();
            Effective::of(all.iter(), 3).expect("enough")
        };
        for rho in [0.0, 0.5, 0.9] {
            let (found, wanted) = (of(rho), worth(&[rho, rho * rho]));
            assert!((found.worth - wanted).abs() < 0.1, "{rho}: {found:?}, {wanted}");
            assert!(found.between.0 <= found.worth && found.worth <= found.between.1);
            assert!((found.deviation - 1.0).abs() < 0.05 && found.people == 20);
        }
    }

    #[test]
    fn short_series_and_constant_ones_say_nothing() {
        assert_eq!(Effective::of([series(0, 0.5, LEAST_RUNS - 1)].iter(), 3), None);
        let constant = Series { user: 0, probe: 0, runs: vec![vec![1.0; 5]; 9] };
        assert_eq!(Effective::of([constant].iter(), 3), None);
    }
}
