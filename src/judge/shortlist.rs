//! Who has to be computed in full to judge an identification: nearest-neighbour search by a lower bound of the distance
//! (Seidl, Kriegel 1998). What can be said at most of everybody is known; the formula is computed from the highest bound down,
//! until nobody who is left can be the best or change the verdict. Whoever can be the best goes first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::Policy;
use crate::head::LogOdds;

/// What more is known of somebody, once more of them was computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Less than before can be said at most, and there is more to compute.
    AtMost(LogOdds),
    /// What the formula says; `None` if there is nothing to say, and they do not count.
    Is(Option<LogOdds>),
}

/// Somebody, by what can be said at most of them.
struct Candidate {
    most: f32,
    who: usize,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.most.total_cmp(&other.most).then(other.who.cmp(&self.who))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}

/// Those who decide an identification, in the order of `most`, with their log-odds: the best of them is the best of
/// everybody, and the policy says of them what it says of everybody. `most` has what can be said at most of each, `can_win` who
/// may be the best, and `compute` computes somebody, or a step of them.
///
/// # Errors
/// What `compute` fails with.
pub fn shortlist<E>(
    most: impl IntoIterator<Item = LogOdds>,
    can_win: impl Fn(usize) -> bool,
    policy: Policy,
    mut compute: impl FnMut(usize) -> Result<Step, E>,
) -> Result<Vec<(usize, LogOdds)>, E> {
    let candidates = most.into_iter().enumerate().map(|(who, most)| Candidate { most: most.0, who });
    let (eligible, others): (Vec<_>, Vec<_>) = candidates.partition(|one| can_win(one.who));
    let (mut eligible, mut others) = (BinaryHeap::from(eligible), BinaryHeap::from(others));
    let (mut computed, mut best, mut second) = (Vec::new(), None, None);
    while let Some(Candidate { most, who }) = eligible.pop() {
        let most = LogOdds(most);
        // Of equals the first is the best, so whoever may equal the best is computed.
        if best.is_some_and(|best| is_above(best, most) && is_settled(policy, best, second, most)) {
            break;
        }
        let Some(z) = step(&mut eligible, who, compute(who)?) else { continue };
        computed.push((who, z));
        let beaten = match best {
            None => best.replace(z),
            Some(least) if is_above(z, least) => best.replace(z),
            _ => Some(z),
        };
        second = higher(second, beaten);
    }
    // The others come after the best is known: where that is no match, none of them matters, however high they score.
    while let Some(Candidate { most, who }) = others.pop() {
        let changes_nothing = best.is_none_or(|best| is_settled(policy, best, second, LogOdds(most)));
        // Where there is no bound, everybody is wanted.
        if changes_nothing && most < f32::INFINITY {
            break;
        }
        let Some(z) = step(&mut others, who, compute(who)?) else { continue };
        computed.push((who, z));
        second = higher(second, Some(z));
    }
    computed.sort_by_key(|(who, _)| *who);
    Ok(computed)
}

/// The log-odds, if they are known now. Whoever is not computed to the end takes their new place among the candidates.
fn step(candidates: &mut BinaryHeap<Candidate>, who: usize, step: Step) -> Option<LogOdds> {
    match step {
        Step::Is(z) => z,
        Step::AtMost(most) => {
            candidates.push(Candidate { most: most.0, who });
            None
        }
    }
}

/// Whether the verdict is the same whatever somebody else scores, if it is no more than `most`.
fn is_settled(policy: Policy, best: LogOdds, second: Option<LogOdds>, most: LogOdds) -> bool {
    policy.check_scores(best, second) == policy.check_scores(best, higher(second, Some(most)))
}

fn is_above(one: LogOdds, other: LogOdds) -> bool {
    one.0.total_cmp(&other.0).is_gt()
}

fn higher(one: Option<LogOdds>, other: Option<LogOdds>) -> Option<LogOdds> {
    [one, other].into_iter().flatten().max_by(|one, other| one.0.total_cmp(&other.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::rank;
    use proptest::prelude::*;

    fn policy(z: f32, people: usize) -> Policy {
        Policy::identify(LogOdds(z).probability(), people)
    }

    fn none_fails(result: Result<Vec<(usize, LogOdds)>, ()>) -> Vec<(usize, LogOdds)> {
        result.expect("nothing fails")
    }

    /// The best, their bits, and the verdict, of scores of people who can win and others.
    fn judged(
        scores: Vec<(usize, LogOdds)>,
        can_win: impl Fn(usize) -> bool,
        policy: Policy,
    ) -> Option<(usize, u32, Result<(), super::super::Refusal>)> {
        let (candidates, others): (Vec<_>, Vec<_>) = scores.into_iter().partition(|(who, _)| can_win(*who));
        let (ranked, other) = (rank(candidates)?, rank(others).map(|other| other.z));
        let verdict = policy.check_scores(ranked.z, higher(ranked.second, other));
        Some((ranked.best, ranked.z.0.to_bits(), verdict))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Halves, so that many are equal.
        #[test]
        fn the_shortlist_is_judged_as_everybody_is(
            people in prop::collection::vec((prop::option::of(-8_i8..16), 0_u8..6, prop::bool::weighted(0.8), 0_u8..3), 0..30),
            threshold in -2_i8..6,
        ) {
            let z = |who: usize| people[who].0.map(|z| LogOdds(f32::from(z) / 2.0));
            let most = people.iter().map(|(z, above, ..)| {
                LogOdds(f32::from(z.unwrap_or(0)) / 2.0 + f32::from(*above) / 2.0)
            });
            // Steps before the last one halve what is above.
            let mut steps: Vec<u8> = people.iter().map(|person| person.3).collect();
            let mut step = |who: usize| {
                if steps[who] == 0 {
                    return Ok(Step::Is(z(who)));
                }
                steps[who] -= 1;
                let (least, above) = (f32::from(people[who].0.unwrap_or(0)) / 2.0, f32::from(people[who].1) / 2.0);
                Ok(Step::AtMost(LogOdds(least + above * f32::from(steps[who]) / 4.0)))
            };
            let can_win = |who: usize| people[who].2;
            let policy = policy(f32::from(threshold), people.len());
            let got = none_fails(shortlist(most, can_win, policy, &mut step));
            let everybody = (0..people.len()).filter_map(|who| Some((who, z(who)?))).collect();
            prop_assert_eq!(judged(got, can_win, policy), judged(everybody, can_win, policy));
        }
    }

    /// Whom the formula is computed for, of people with these scores and bounds half above.
    fn computed(scores: &[f32], can_win: impl Fn(usize) -> bool, threshold: f32) -> Vec<usize> {
        let most = scores.iter().map(|z| LogOdds(z + 0.5));
        let mut computed = Vec::new();
        none_fails(shortlist(most, can_win, policy(threshold, 1), |who| {
            computed.push(who);
            Ok(Step::Is(Some(LogOdds(scores[who]))))
        }));
        computed
    }

    /// As when only some children may be recognised.
    #[test]
    fn of_those_who_cannot_be_the_best_nobody_is_computed_beside_no_match() {
        let mut scores = vec![0.0; 101];
        scores[40] = -20.0;
        assert_eq!(computed(&scores, |who| who == 40, 3.5), [40]);
        scores[40] = 9.0;
        assert_eq!(computed(&scores, |who| who == 40, 3.5), [40], "a match, and all others far below");
        scores[7] = 4.0;
        assert_eq!(computed(&scores, |who| who == 40, 3.5), [40, 7], "who may make it ambiguous");
        assert_eq!(computed(&scores, |_| false, 3.5), [] as [usize; 0], "nobody can be the best");
    }

    #[test]
    fn nobody_is_computed_who_cannot_change_the_verdict() {
        let all = |_| true;
        assert_eq!(computed(&[1.0, 9.0, 2.8, 2.0, 0.0], all, 3.5), [1], "a match, and all others far below");
        assert_eq!(
            computed(&[1.0, 9.0, 3.2, 2.0, 6.0], all, 3.5),
            [1, 4],
            "two of them match, and a third changes nothing"
        );
        assert_eq!(computed(&[1.0, 3.0, 2.0, 2.9, 0.0], all, 3.5), [1, 3], "no match: who may be the best");
        assert_eq!(
            computed(&[1.0, 9.0, 3.2, 3.1, 0.0], all, 3.5),
            [1, 2, 3],
            "two who may match, and do not"
        );
    }

    #[test]
    fn without_bounds_everybody_is_computed() {
        for can_win in [|_| true, |_| false, |who| who == 1] {
            let most = [LogOdds(f32::INFINITY); 3];
            let got = shortlist(most, can_win, policy(3.5, 3), |who| Ok(Step::Is(Some(LogOdds(who as f32)))));
            assert_eq!(none_fails(got).len(), 3);
        }
    }

    #[test]
    fn a_failure_ends_it() {
        let failed = shortlist([LogOdds(0.0)], |_| true, policy(3.5, 1), |_| Err("broken"));
        assert_eq!(failed, Err("broken"));
    }
}
