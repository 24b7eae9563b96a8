//! Confidence bounds by bootstrap for small sets: resamples people, not pairs.

use std::collections::BTreeMap;

use super::trials::{Scored, Trial};
use facelatch::head::project::SplitMix64;

/// Bootstrap rounds: how often people are resampled.
pub const ROUNDS: usize = 2000;

/// Seed of the resampling.
pub const SEED: u64 = 20_261_124;

/// Upper 95 % quantiles. 0 if no error was seen, even with few people: that is no bound, see [`super::rate`].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Upper {
    /// Of the false match rate.
    pub fmr: f64,
    /// Of the false non-match rate.
    pub fnmr: f64,
}

/// Resamples the people with replacement [`ROUNDS`] times and returns the 95 % quantiles of both rates at threshold
/// `z`. A person drawn twice counts twice, and a pair as often as the product of its two people's counts; people are
/// never impostors of themselves.
pub fn upper95(scored: &Scored, z: f32) -> Upper {
    let misses = counts(&scored.genuine, |t| t.z < z);
    let matches = counts(&scored.impostor, |t| t.z >= z);
    let people: Vec<u32> = {
        let ends = misses.keys().chain(matches.keys()).flat_map(|(a, b)| [*a, *b]);
        ends.collect::<std::collections::BTreeSet<u32>>().into_iter().collect()
    };
    let place: BTreeMap<u32, usize> = people.iter().enumerate().map(|(i, p)| (*p, i)).collect();
    let cells = |of: &BTreeMap<(u32, u32), (f64, f64)>| -> Vec<(usize, usize, f64, f64)> {
        of.iter().map(|((a, b), (hits, all))| (place[a], place[b], *hits, *all)).collect()
    };
    let (misses, matches) = (cells(&misses), cells(&matches));
    let mut random = SplitMix64(SEED);
    let (mut fmr, mut fnmr) = (Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        let mut drawn = vec![0.0_f64; people.len()];
        people.iter().for_each(|_| drawn[random.below(people.len())] += 1.0);
        let share = |cells: &[(usize, usize, f64, f64)]| {
            let (mut hits, mut all) = (0.0, 0.0);
            for (a, b, h, n) in cells {
                let times = if a == b { drawn[*a] } else { drawn[*a] * drawn[*b] };
                hits += times * h;
                all += times * n;
            }
            if all > 0.0 { hits / all } else { 0.0 }
        };
        fmr.push(share(&matches));
        fnmr.push(share(&misses));
    }
    Upper { fmr: quantile95(fmr), fnmr: quantile95(fnmr) }
}

/// (hits, all) for each pair of people.
fn counts(trials: &[Trial], hit: impl Fn(&Trial) -> bool) -> BTreeMap<(u32, u32), (f64, f64)> {
    let mut counts = BTreeMap::new();
    for trial in trials {
        let cell = counts.entry(trial.people).or_insert((0.0, 0.0));
        *cell = (cell.0 + f64::from(u8::from(hit(trial))), cell.1 + 1.0);
    }
    counts
}

fn quantile95(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() * 95 / 100).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten people with 100 genuine trials each; one person has all the misses.
    fn one_bad_person() -> Scored {
        let genuine = (0..10).flat_map(|p| {
            (0..100).map(move |i| Trial { z: if p == 0 && i < 50 { -1.0 } else { 1.0 }, people: (p, p) })
        });
        let impostor = (0..10)
            .flat_map(|a| (0..10).filter(move |b| a != *b).map(move |b| Trial { z: -1.0, people: (a, b) }));
        Scored { genuine: genuine.collect(), impostor: impostor.collect() }
    }

    #[test]
    fn errors_of_one_person_widen_the_bound_beyond_that_of_pairs() {
        let upper = upper95(&one_bad_person(), 0.0);
        let as_if_independent = super::super::bound::clopper_pearson_upper(50, 1000, 0.95);
        assert!(upper.fnmr > 1.5 * as_if_independent, "{} and {as_if_independent}", upper.fnmr);
        assert_eq!(upper.fmr, 0.0);
    }

    #[test]
    fn the_same_data_give_the_same_bound() {
        assert_eq!(upper95(&one_bad_person(), 0.0), upper95(&one_bad_person(), 0.0));
    }
}
