//! Everybody's scores to the best and the second best: what an identification rests on.

use crate::head::LogOdds;

/// Who scored best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked<T> {
    /// The best; of equals the first.
    pub best: T,
    /// Their log-odds.
    pub z: LogOdds,
    /// Those of the second best; `None` if only one was compared.
    pub second: Option<LogOdds>,
}

/// Ranks the scores of everybody who was compared. `None` without anybody.
pub fn rank<T>(scores: impl IntoIterator<Item = (T, LogOdds)>) -> Option<Ranked<T>> {
    let mut scores = scores.into_iter();
    let (best, z) = scores.next()?;
    Some(scores.fold(Ranked { best, z, second: None }, |ranked, (next, z)| {
        if z.0.total_cmp(&ranked.z.0).is_gt() {
            return Ranked { best: next, z, second: Some(ranked.z) };
        }
        let second = ranked.second.filter(|second| second.0.total_cmp(&z.0).is_ge());
        Ranked { second: second.or(Some(z)), ..ranked }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_best_and_the_second_best_are_those_of_a_sorted_list(scores in prop::collection::vec(-3_i8..3, 0..9)) {
            let named = || scores.iter().map(|z| LogOdds(f32::from(*z))).enumerate();
            let mut sorted: Vec<(usize, LogOdds)> = named().collect();
            sorted.sort_by(|(_, one), (_, other)| other.0.total_cmp(&one.0));
            let second = sorted.get(1).map(|(_, z)| *z);
            let wanted = sorted.first().map(|&(best, z)| Ranked { best, z, second });
            prop_assert_eq!(rank(named()), wanted);
        }
    }
}
