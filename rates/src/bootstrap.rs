//! Confidence bounds by bootstrap for small sets: resamples people, not pairs.

use super::cores;
use super::tally::{Cells, Spread, Tally};
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

/// Lower 95 % quantiles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lower {
    /// Of the false match rate.
    pub fmr: f64,
    /// Of the false non-match rate.
    pub fnmr: f64,
}

/// Rounds that one thread takes at once.
const PART: usize = 50;

/// Resamples the people with replacement [`ROUNDS`] times and returns the 95 % quantiles of both rates. A person drawn
/// twice counts twice, and a pair as often as the product of its two people's counts; people are never impostors of
/// themselves.
pub fn upper95(misses: &Tally, matches: &Tally) -> Upper {
    let (fmr, fnmr) = drawn(misses, matches);
    Upper { fmr: quantile(&fmr, 95), fnmr: quantile(&fnmr, 95) }
}

/// The 5 % quantiles of the same draws: each rate is above its one with 95 % confidence. 0 if few people have the errors.
pub fn lower95(misses: &Tally, matches: &Tally) -> Lower {
    let (fmr, fnmr) = drawn(misses, matches);
    Lower { fmr: quantile(&fmr, 5), fnmr: quantile(&fnmr, 5) }
}

/// Both rates in each round, in order of size: FMR, FNMR.
fn drawn(misses: &Tally, matches: &Tally) -> (Vec<f64>, Vec<f64>) {
    let mut people: Vec<u32> = misses.everyone();
    people.extend(matches.everyone());
    people.sort_unstable();
    people.dedup();
    let (misses, matches) = (Weights::of(misses, &people), Weights::of(matches, &people));
    let parts = cores::map(0..ROUNDS.div_ceil(PART), |part| {
        let mut random = SplitMix64(SEED);
        random.skip((part * PART * people.len()) as u64);
        let rounds = PART.min(ROUNDS - part * PART);
        let round = |_| {
            let mut drawn = vec![0.0_f64; people.len()];
            people.iter().for_each(|_| drawn[random.below(people.len())] += 1.0);
            (matches.share(&drawn), misses.share(&drawn))
        };
        (0..rounds).map(round).collect::<Vec<_>>()
    });
    let (mut fmr, mut fnmr): (Vec<f64>, Vec<f64>) = parts.into_iter().flatten().unzip();
    fmr.sort_by(f64::total_cmp);
    fnmr.sort_by(f64::total_cmp);
    (fmr, fnmr)
}

/// A [`Tally`] over the people who are drawn, by their places. All are whole numbers, so sums are exact in any order.
struct Weights {
    hits: Vec<(u32, u32, f64)>,
    all: All,
}

/// Trials, as in [`Spread`].
enum All {
    Listed(Vec<(u32, u32, f64)>),
    Crossed(Vec<f64>),
    Probed(Vec<f64>),
}

impl Weights {
    fn of(tally: &Tally, people: &[u32]) -> Self {
        let place = |p: &u32| people.partition_point(|other| other < p) as u32;
        let places =
            |cells: &Cells| cells.iter().map(|((a, b), n)| (place(a), place(b), *n as f64)).collect();
        let all = match &tally.spread {
            Spread::Listed(cells) => All::Listed(places(cells)),
            Spread::Crossed(pictures) => {
                let pictures = |p: &u32| pictures.get(*p as usize).map_or(0.0, |n| f64::from(*n));
                All::Crossed(people.iter().map(pictures).collect())
            }
            Spread::Probed(probes) => {
                let mut of = vec![0.0; people.len()];
                probes.iter().for_each(|(p, n)| of[place(p) as usize] = f64::from(*n));
                All::Probed(of)
            }
        };
        Self { hits: places(&tally.wrong), all }
    }

    /// The rate when each person is drawn so often.
    fn share(&self, drawn: &[f64]) -> f64 {
        if self.hits.is_empty() {
            return 0.0;
        }
        let all = match &self.all {
            All::Listed(cells) => sum(cells, drawn),
            All::Crossed(pictures) => {
                let (sum, squares) = drawn
                    .iter()
                    .zip(pictures)
                    .fold((0.0, 0.0), |(sum, squares), (d, n)| (sum + d * n, squares + d * n * d * n));
                (sum * sum - squares) / 2.0
            }
            // A person drawn twice is no impostor of themselves.
            All::Probed(probes) => {
                let everyone: f64 = drawn.iter().sum();
                drawn.iter().zip(probes).map(|(d, n)| d * n * (everyone - d)).sum()
            }
        };
        if all > 0.0 { sum(&self.hits, drawn) / all } else { 0.0 }
    }
}

fn sum(cells: &[(u32, u32, f64)], drawn: &[f64]) -> f64 {
    let times = |a: u32, b: u32| match a == b {
        true => drawn[a as usize],
        false => drawn[a as usize] * drawn[b as usize],
    };
    cells.iter().map(|(a, b, n)| times(*a, *b) * n).sum()
}

fn quantile(sorted: &[f64], percent: usize) -> f64 {
    sorted.get(sorted.len() * percent / 100).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::trials::{Scored, Trial};
    use super::*;

    fn upper95(scored: &Scored) -> Upper {
        super::upper95(
            &Tally::of(&scored.genuine, |t| t.z < 0.0),
            &Tally::of(&scored.impostor, |t| t.z >= 0.0),
        )
    }

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
        let upper = upper95(&one_bad_person());
        let as_if_independent = super::super::bound::clopper_pearson_upper(50, 1000, 0.95);
        assert!(upper.fnmr > 1.5 * as_if_independent, "{} and {as_if_independent}", upper.fnmr);
        assert_eq!(upper.fmr, 0.0);
    }

    #[test]
    fn errors_of_one_person_may_be_gone_in_another_draw() {
        let all = one_bad_person();
        let misses = Tally::of(&all.genuine, |t| t.z < 0.0);
        assert_eq!(lower95(&misses, &Tally::of(&[], |_| false)).fnmr, 0.0);
        let everyone = Tally::of(&all.genuine, |_| true);
        assert_eq!(lower95(&everyone, &Tally::of(&[], |_| false)).fnmr, 1.0);
    }

    #[test]
    fn the_same_data_give_the_same_bound() {
        assert_eq!(upper95(&one_bad_person()), upper95(&one_bad_person()));
    }

    #[test]
    fn crossed_people_give_the_bound_of_listed_ones() {
        let pictures = [4, 1, 2, 0, 3];
        let mut trials = Vec::new();
        for (a, b) in (0..5_u32).flat_map(|a| (0..a).map(move |b| (a, b))) {
            for i in 0..pictures[a as usize] * pictures[b as usize] {
                let z = if (a + b + i) % 5 == 0 { 1.0 } else { -1.0 };
                trials.push(Trial { z, people: (a, b) });
            }
        }
        let listed = Tally::of(&trials, |t| t.z >= 0.0);
        let crossed = Tally { spread: Spread::Crossed(pictures.to_vec()), wrong: listed.wrong.clone() };
        let none = Tally::of(&[], |_| false);
        let upper = super::upper95(&none, &listed);
        assert!(upper.fmr > 0.2 && upper == super::upper95(&none, &crossed), "{upper:?}");
    }

    #[test]
    fn probed_people_give_the_bound_of_listed_ones() {
        let probes = [(0, 1), (1, 0), (2, 3), (3, 0), (4, 1)];
        let of = |(a, n): (u32, u32)| {
            let others = probes.into_iter().filter(move |b| b.0 != a);
            others.flat_map(move |b| {
                (0..n).map(move |i| Trial { z: f64::from((a + 2 * b.0 + i) % 3) as f32, people: (a, b.0) })
            })
        };
        let trials: Vec<Trial> = probes.into_iter().flat_map(of).collect();
        let listed = Tally::of(&trials, |t| t.z >= 2.0);
        let probed = Tally { spread: Spread::Probed(probes.to_vec()), wrong: listed.wrong.clone() };
        let none = Tally::of(&[], |_| false);
        let upper = super::upper95(&none, &listed);
        assert!(upper.fmr > 0.2 && upper == super::upper95(&none, &probed), "{upper:?}");
    }
}
