//! From the wanted share of live presentations that are refused to the least score of a live one.

use serde::Deserialize;

/// Scores are log-odds; beyond these no network gives any, so such a threshold refuses everybody or nobody.
const SCORES: std::ops::RangeInclusive<f32> = -20.0..=20.0;

/// What a network for attacks does at several thresholds, as measured (`facelatch-rates attack`): two lists in the same order.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatingPoints {
    /// Shares of live presentations that are refused, ascending, between 0 and 0.5.
    pub bpcer: Vec<f32>,
    /// The least score of a live presentation at each, ascending.
    pub threshold: Vec<f32>,
    /// The median score of the frames of live faces behind these numbers.
    pub live_median: f32,
    /// How far beyond the threshold, either way, the first frames must lie to decide alone. 0: they always do.
    #[serde(default)]
    pub margin: f32,
}

impl OperatingPoints {
    /// The threshold that refuses this share of live presentations: between two points by the logarithm of the share. `None`
    /// outside them.
    pub fn threshold(&self, bpcer: f32) -> Option<f32> {
        let points: Vec<(f32, f32)> =
            self.bpcer.iter().copied().zip(self.threshold.iter().copied()).collect();
        let exact = points.iter().find(|(share, _)| *share == bpcer).map(|(_, score)| *score);
        let between = points.windows(2).find_map(|pair| match pair {
            [(low, from), (high, to)] if (*low..*high).contains(&bpcer) => {
                Some(from + (to - from) * (bpcer / low).ln() / (high / low).ln())
            }
            _ => None,
        });
        exact.or(between)
    }

    /// The least threshold.
    pub fn most_generous(&self) -> Option<f32> {
        self.threshold.first().copied()
    }

    /// The shares that there is a threshold for, in words.
    pub fn range(&self) -> String {
        format!("{} to {}", self.bpcer.first().unwrap_or(&0.0), self.bpcer.last().unwrap_or(&0.0))
    }

    /// Whether the lists make sense together.
    ///
    /// # Errors
    /// Text that says what is wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        let ascends = |list: &[f32]| list.windows(2).all(|pair| pair[0] < pair[1]);
        if self.bpcer.is_empty() || self.bpcer.len() != self.threshold.len() {
            return Err("bpcer, threshold: two lists of the same length are needed".to_owned());
        }
        if !(ascends(&self.bpcer) && self.bpcer.iter().all(|share| *share > 0.0 && *share < 0.5)) {
            return Err("bpcer: shares must ascend between 0 and 0.5".to_owned());
        }
        if !(ascends(&self.threshold) && self.threshold.iter().all(|score| SCORES.contains(score))) {
            return Err(
                "threshold: scores must ascend between -20 and 20; others refuse everybody or nobody"
                    .to_owned(),
            );
        }
        if !(0.0..=*SCORES.end()).contains(&self.margin) {
            return Err("margin: a score from 0 to 20 is needed".to_owned());
        }
        // Below the median, or the share that is refused is more than half.
        if self.threshold.iter().all(|score| *score < self.live_median) && SCORES.contains(&self.live_median)
        {
            return Ok(());
        }
        Err("live_median: must be above each threshold, or most people are taken for attacks".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> OperatingPoints {
        OperatingPoints { bpcer: vec![0.01, 0.1], threshold: vec![-3.0, 1.0], live_median: 5.0, margin: 1.0 }
    }

    #[test]
    fn a_threshold_lies_between_its_neighbours() {
        let at = |bpcer| points().threshold(bpcer);
        assert_eq!((at(0.01), at(0.1)), (Some(-3.0), Some(1.0)));
        assert!(
            at(0.031_622_78).is_some_and(|score| (score + 1.0).abs() < 1e-4),
            "half the way in the logarithm"
        );
        assert_eq!((at(0.009), at(0.11), at(f32::NAN)), (None, None, None));
        assert_eq!(points().range(), "0.01 to 0.1");
    }

    #[test]
    fn points_that_refuse_everybody_or_nobody_are_refused() {
        assert_eq!(points().check(), Ok(()));
        let with = |change: &dyn Fn(&mut OperatingPoints)| {
            let mut points = points();
            change(&mut points);
            points.check().expect_err("refused")
        };
        assert!(with(&|p| p.live_median = 0.5).contains("most people are taken for attacks"));
        assert!(with(&|p| p.live_median = f32::NAN).contains("live_median"));
        for margin in [-0.1, 21.0, f32::NAN] {
            assert!(with(&|p| p.margin = margin).contains("margin"), "{margin}");
        }
        assert!(with(&|p| p.threshold[0] = -1e9).contains("refuse everybody or nobody"));
        assert!(with(&|p| p.threshold.reverse()).contains("ascend"));
        assert!(with(&|p| p.bpcer[1] = 0.7).contains("0.5"));
        assert!(with(&|p| p.bpcer[0] = 0.0).contains("between 0"));
        assert!(with(&|p| p.bpcer.truncate(1)).contains("same length"));
        assert!(with(&|p| (p.bpcer, p.threshold) = (vec![], vec![])).contains("length"));
    }
}
