//! One error rate with its upper bounds, computed in three ways.

use serde::Serialize;

use super::bootstrap;
use super::bound::clopper_pearson_upper;
use super::tally::Tally;
use super::trials::Scored;

/// Confidence of all bounds.
pub const CONFIDENCE: f64 = 0.95;

/// Both error rates at a threshold. `*_upper95` is [`Bounds::upper95`].
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Rates {
    /// False match rate.
    pub fmr: f64,
    /// 95 % upper bound.
    pub fmr_upper95: f64,
    /// All bounds, counted by pairs of people.
    pub fmr_bounds: Bounds,
    /// False non-match rate.
    pub fnmr: f64,
    /// 95 % upper bound.
    pub fnmr_upper95: f64,
    /// All bounds, counted by people.
    pub fnmr_bounds: Bounds,
}

/// 95 % upper bounds of one rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bounds {
    /// Trials.
    pub trials: usize,
    /// Trials with an error.
    pub errors: usize,
    /// Clopper-Pearson, as if trials were independent. They are not: the same pictures occur in many trials.
    pub as_if_independent: f64,
    /// By resampling people. `None` if no error was seen: resampling cannot produce one.
    pub by_people: Option<f64>,
    /// Distinct people, or pairs of people, among the trials.
    pub people: usize,
    /// People, or pairs, with an error in any of their trials.
    pub people_with_error: usize,
    /// Clopper-Pearson bound of their share: the worst case of the rate.
    pub worst_case: f64,
}

impl Bounds {
    /// The bound to report: by people if errors were seen (but never below the independent one), else the worst case.
    pub fn upper95(&self) -> f64 {
        self.by_people.map_or(self.worst_case, |people| people.max(self.as_if_independent))
    }

    fn of(tally: &Tally, by_people: f64) -> Self {
        let (trials, errors) = (tally.trials(), tally.errors());
        let (people, people_with_error) = (tally.people(), tally.people_with_error());
        Self {
            trials,
            errors,
            as_if_independent: clopper_pearson_upper(errors, trials, CONFIDENCE),
            by_people: (errors > 0).then_some(by_people),
            people,
            people_with_error,
            worst_case: clopper_pearson_upper(people_with_error, people, CONFIDENCE),
        }
    }

    fn rate(&self) -> f64 {
        self.errors as f64 / self.trials.max(1) as f64
    }
}

impl Rates {
    /// Rates at threshold `z`.
    pub fn at(scored: &Scored, z: f32) -> Self {
        let misses = Tally::of(&scored.genuine, |t| t.z < z);
        Self::of(&misses, &Tally::of(&scored.impostor, |t| t.z >= z))
    }

    /// Rates of genuine trials that miss and impostor trials that match.
    pub fn of(misses: &Tally, matches: &Tally) -> Self {
        let people = bootstrap::upper95(misses, matches);
        let (fmr, fnmr) = (Bounds::of(matches, people.fmr), Bounds::of(misses, people.fnmr));
        Self {
            fmr: fmr.rate(),
            fmr_upper95: fmr.upper95(),
            fmr_bounds: fmr,
            fnmr: fnmr.rate(),
            fnmr_upper95: fnmr.upper95(),
            fnmr_bounds: fnmr,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trials::Trial;
    use super::*;

    /// Five people: 100 trials of each person, and of each pair in both orders.
    fn five(impostor_z: impl Fn(u32, u32) -> f32) -> Scored {
        let everybody = || (0..5).flat_map(|a| (0..5).map(move |b| (a, b)));
        let trials = |of: &dyn Fn(u32, u32) -> Option<f32>| {
            let one = |(a, b)| of(a, b).map(|z| Trial { z, people: (a, b) });
            everybody().filter_map(one).flat_map(|t| std::iter::repeat_n(t, 100)).collect()
        };
        Scored {
            genuine: trials(&|a, b| (a == b).then_some(1.0)),
            impostor: trials(&|a, b| (a != b).then(|| impostor_z(a, b))),
        }
    }

    #[test]
    fn without_errors_the_bound_counts_pairs_of_people() {
        let rates = Rates::at(&five(|_, _| -1.0), 0.0);
        assert_eq!((rates.fmr, rates.fmr_bounds.by_people, rates.fmr_bounds.people), (0.0, None, 10));
        assert_eq!(rates.fmr_upper95, clopper_pearson_upper(0, 10, CONFIDENCE));
        assert_eq!(rates.fnmr_upper95, clopper_pearson_upper(0, 5, CONFIDENCE));
        assert!(rates.fmr_bounds.as_if_independent < 0.002 && rates.fmr_upper95 > 0.25);
    }

    #[test]
    fn with_errors_people_are_resampled() {
        let rates = Rates::at(&five(|a, b| if a.min(b) == 0 && a.max(b) == 1 { 1.0 } else { -1.0 }), 0.0);
        let bounds = rates.fmr_bounds;
        assert_eq!((rates.fmr, bounds.people_with_error, bounds.errors), (0.1, 1, 200));
        assert_eq!(Some(rates.fmr_upper95), bounds.by_people);
        assert!(rates.fmr_upper95 > bounds.as_if_independent);
    }
}
