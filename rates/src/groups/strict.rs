//! The threshold that one group would need.

use serde::Serialize;

use super::super::rate::Rates;
use super::super::tally::Tally;
use super::Compared;

/// Steps of a threshold, in log-odds.
const STEP: f32 = 0.05;

/// The lowest thresholds at which a group keeps a false match rate.
#[derive(Debug, Clone, Serialize)]
pub struct Strict {
    /// Name of the group.
    pub group: String,
    /// The rate as seen is at most the target from here on.
    pub seen: f32,
    /// Its upper 95 % bound is; `None` where even no false match would not show it.
    pub shown: Option<f32>,
}

impl Strict {
    /// Of one group.
    pub fn of(group: &str, compared: &Compared, target: f64) -> Self {
        let mut z: Vec<f32> = compared.scored.impostor.iter().map(|trial| trial.z).collect();
        z.sort_unstable_by(|a, b| b.total_cmp(a));
        let allowed = (target * z.len() as f64) as usize;
        // At the first score that is one too many, or without trials at none.
        let seen = z.get(allowed).map_or(f32::NEG_INFINITY, |z| above(*z));
        let highest = z.first().map_or(0.0, |z| above(*z));
        Self { group: group.to_owned(), seen, shown: shown(compared, target, (seen, highest)) }
    }
}

/// The least multiple of [`STEP`] above a score.
fn above(z: f32) -> f32 {
    ((z / STEP).floor() + 1.0) * STEP
}

/// Between the two, to a step. The bound falls as errors do, but for where none is left: there people are counted.
fn shown(compared: &Compared, target: f64, (seen, highest): (f32, f32)) -> Option<f32> {
    let none = Tally::of(&[], |_| false);
    let keeps = |z: f32| Rates::of(&none, &compared.matches(z)).fmr_upper95 <= target;
    if !seen.is_finite() {
        return None;
    }
    let (mut low, mut high) = (0_i32, ((highest - seen) / STEP).round() as i32);
    let at = |step: i32| (seen / STEP + step as f32).round() * STEP;
    // The last threshold with an error in it.
    let last = (high - 1).max(0);
    if !keeps(at(last)) {
        return keeps(at(high)).then(|| at(high));
    }
    high = last;
    while low < high {
        let middle = low + (high - low) / 2;
        if keeps(at(middle)) { high = middle } else { low = middle + 1 }
    }
    Some(at(low))
}
