//! Who has to be computed in full to know the best two of many: nearest-neighbour search by a lower bound of the distance
//! (Seidl, Kriegel 1998). What can be said at most of everybody is known; the formula is computed from the most promising on,
//! until nobody who is left can be among the best two.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::head::LogOdds;

/// Somebody, by what can be said at most of them.
struct Promise {
    most: f32,
    who: usize,
}

impl Ord for Promise {
    fn cmp(&self, other: &Self) -> Ordering {
        self.most.total_cmp(&other.most).then(other.who.cmp(&self.who))
    }
}

impl PartialOrd for Promise {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Promise {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Promise {}

/// Those who may be among the best two, in the order of `most`, with their log-odds: [`super::rank`] of them is that of
/// everybody. `most` has what can be said at most of each, and `compute` says what is; `None` if nothing is, and they do not count.
///
/// # Errors
/// What `compute` fails with.
pub fn best_two<E>(
    most: impl IntoIterator<Item = LogOdds>,
    mut compute: impl FnMut(usize) -> Result<Option<LogOdds>, E>,
) -> Result<Vec<(usize, LogOdds)>, E> {
    let promises: Vec<Promise> =
        most.into_iter().enumerate().map(|(who, most)| Promise { most: most.0, who }).collect();
    let mut promises = BinaryHeap::from(promises);
    let mut computed = Vec::new();
    let [mut best, mut second] = [f32::NEG_INFINITY; 2];
    while let Some(Promise { most, who }) = promises.pop() {
        // Whoever equals the second best counts, too: of equals the first is the best.
        if computed.len() >= 2 && most.total_cmp(&second).is_lt() {
            break;
        }
        let Some(z) = compute(who)? else { continue };
        computed.push((who, z));
        if z.0.total_cmp(&best).is_gt() {
            (best, second) = (z.0, best);
        } else if z.0.total_cmp(&second).is_gt() {
            second = z.0;
        }
    }
    computed.sort_by_key(|(who, _)| *who);
    Ok(computed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::rank;
    use proptest::prelude::*;

    fn none_fails(result: Result<Vec<(usize, LogOdds)>, ()>) -> Vec<(usize, LogOdds)> {
        result.expect("nothing fails")
    }

    proptest! {
        /// Whole numbers, so that many are equal.
        #[test]
        fn the_best_two_of_the_shortlist_are_those_of_everybody(
            people in prop::collection::vec((prop::option::of(-4_i8..4), 0_u8..4), 0..30),
        ) {
            let z = |who: usize| people[who].0.map(|z| LogOdds(f32::from(z)));
            let most = people.iter().map(|(z, above)| {
                LogOdds(f32::from(z.unwrap_or(0)) + f32::from(*above))
            });
            let got = none_fails(best_two(most, |who| Ok(z(who))));
            let everybody = (0..people.len()).filter_map(|who| Some((who, z(who)?)));
            prop_assert_eq!(rank(got), rank(everybody));
        }
    }

    #[test]
    fn nobody_is_computed_who_cannot_be_among_the_best_two() {
        let scores = [1.0, 9.0, 3.0, 2.0, 8.0];
        let mut computed = Vec::new();
        let most = scores.iter().map(|z| LogOdds(z + 0.5));
        let got = none_fails(best_two(most, |who| {
            computed.push(who);
            Ok(Some(LogOdds(scores[who])))
        }));
        assert_eq!(computed, [1, 4]);
        assert_eq!(got, [(1, LogOdds(9.0)), (4, LogOdds(8.0))]);
    }

    #[test]
    fn without_bounds_everybody_is_computed() {
        let all = none_fails(best_two([LogOdds(f32::INFINITY); 3], |who| Ok(Some(LogOdds(who as f32)))));
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn a_failure_ends_it() {
        assert_eq!(best_two([LogOdds(0.0)], |_| Err("broken")), Err("broken"));
    }
}
