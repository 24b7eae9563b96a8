//! Who has to be computed in full to judge an identification: nearest-neighbour search by a lower bound of the distance
//! (Seidl, Kriegel 1998). What can be said at most of everybody is known; the formula is computed from the highest bound down:
//! first until nobody left can change the verdict, by the bound for any direction; then until nobody left can be the best, by
//! the bound for faces. Whoever can be the best goes first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::{Policy, Refusal};
use crate::head::{LogOdds, Most};

/// What more is known of somebody, once more of them was computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Less than before can be said at most, and there is more to compute.
    AtMost(Most),
    /// What the formula says; `None` if there is nothing to say, and they do not count.
    Is(Option<LogOdds>),
}

/// Those who decide an identification, in the order of `most`, with their log-odds: the policy says of them what it says of
/// everybody, and the best of them is the best of everybody. `most` has what can be said at most of each, `can_win` who may be
/// the best, and `compute` computes somebody, or a step of them.
///
/// The verdict, and who matches, rest on [`Most::anywhere`] alone; who is the best where nobody matches, or more than one does,
/// on [`Most::of_faces`].
///
/// # Errors
/// What `compute` fails with.
pub fn shortlist<E>(
    most: impl IntoIterator<Item = Most>,
    can_win: impl Fn(usize) -> bool,
    policy: Policy,
    compute: impl FnMut(usize) -> Result<Step, E>,
) -> Result<Vec<(usize, LogOdds)>, E> {
    let (eligible, others) = most.into_iter().enumerate().partition(|(who, _)| can_win(*who));
    let is_settled = |top: Top, then: Top| top.verdict(policy) == then.verdict(policy);
    let mut list = Shortlist { compute, computed: Vec::new(), top: Top::default() };
    let anywhere = |most: Most| most.anywhere;
    let left = list.extend(eligible, anywhere, Top::with, |top, most| is_settled(top, top.with(most)))?;
    // Of equals the first is the best, so whoever may equal the best is computed.
    let is_best = |top: Top, most| top.best.is_some_and(|best| is_above(best, most));
    list.extend(left, |most| most.of_faces, Top::with, is_best)?;
    // The others come after the best is known: where that is no match, none of them matters, however high they score. Where
    // there is no bound, everybody is wanted.
    list.extend(others, anywhere, Top::beside, |top, most| {
        is_settled(top, top.beside(most)) && most.0 < f32::INFINITY
    })?;
    list.computed.sort_by_key(|(who, _)| *who);
    Ok(list.computed)
}

/// Those who were computed.
struct Shortlist<F> {
    compute: F,
    computed: Vec<(usize, LogOdds)>,
    top: Top,
}

impl<F> Shortlist<F> {
    /// Computes candidates, the highest `by` this bound first, until it `is_enough` for what the highest can score, and gives
    /// each their `place`. Returns whoever is left, as far as they were computed.
    fn extend<E>(
        &mut self,
        candidates: Vec<(usize, Most)>,
        by: fn(Most) -> LogOdds,
        place: fn(Top, LogOdds) -> Top,
        is_enough: impl Fn(Top, LogOdds) -> bool,
    ) -> Result<Vec<(usize, Most)>, E>
    where
        F: FnMut(usize) -> Result<Step, E>,
    {
        let of = |(who, most): (usize, Most)| Candidate { key: by(most), who, most };
        let mut heap: BinaryHeap<Candidate> = candidates.into_iter().map(of).collect();
        while let Some(next) = heap.pop() {
            if is_enough(self.top, next.key) {
                heap.push(next);
                break;
            }
            match (self.compute)(next.who)? {
                Step::AtMost(most) => heap.push(of((next.who, most))),
                Step::Is(None) => {}
                Step::Is(Some(z)) => {
                    self.computed.push((next.who, z));
                    self.top = place(self.top, z);
                }
            }
        }
        Ok(heap.into_iter().map(|left| (left.who, left.most)).collect())
    }
}

/// Somebody, by what can be said at most of them.
struct Candidate {
    key: LogOdds,
    who: usize,
    most: Most,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.0.total_cmp(&other.key.0).then(other.who.cmp(&self.who))
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

/// The best and the second best of those who were computed.
#[derive(Clone, Copy, Default)]
struct Top {
    best: Option<LogOdds>,
    second: Option<LogOdds>,
}

impl Top {
    /// With somebody who may be the best.
    fn with(self, z: LogOdds) -> Self {
        match self.best {
            Some(best) if !is_above(z, best) => self.beside(z),
            beaten => Self { best: Some(z), second: higher(self.second, beaten) },
        }
    }

    /// With somebody who may not.
    fn beside(self, z: LogOdds) -> Self {
        Self { second: higher(self.second, Some(z)), ..self }
    }

    fn verdict(self, policy: Policy) -> Result<(), Refusal> {
        self.best.map_or(Err(Refusal::NoMatch), |best| policy.check_scores(best, self.second))
    }
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

    /// The best, their bits, and the verdict; `None` where nobody counts.
    type Judged = Option<(usize, u32, Result<(), Refusal>)>;

    /// What follows of scores of people who can win and others.
    fn judged(scores: Vec<(usize, LogOdds)>, can_win: impl Fn(usize) -> bool, policy: Policy) -> Judged {
        let (candidates, others): (Vec<_>, Vec<_>) = scores.into_iter().partition(|(who, _)| can_win(*who));
        let (ranked, other) = (rank(candidates)?, rank(others).map(|other| other.z));
        let verdict = policy.check_scores(ranked.z, higher(ranked.second, other));
        Some((ranked.best, ranked.z.0.to_bits(), verdict))
    }

    /// Somebody in a property: what they score, in halves, so that many are equal, and `None` for somebody who does not count; what
    /// can be said more of them anywhere, and as of a face; whether they may be the best; steps before the last one.
    type Drawn = (Option<i8>, u8, i8, bool, u8);

    fn people(least_of_faces: i8) -> impl Strategy<Value = Vec<Drawn>> {
        let z = prop::option::of(-8_i8..16);
        let one = (z, 0_u8..8, least_of_faces..8, prop::bool::weighted(0.8), 0_u8..3);
        prop::collection::vec(one, 0..30)
    }

    /// What the search finds of these people, and what is found of everybody.
    fn found(people: &[Drawn], threshold: i8) -> [Judged; 2] {
        let halves = |n: i8| LogOdds(f32::from(n) / 2.0);
        let z = |who: usize| people[who].0.map(halves);
        // Steps before the last one halve what is above.
        let most = |who: usize, share: f32| {
            let (z, anywhere, of_faces, ..) = people[who];
            let least = halves(z.unwrap_or(0)).0;
            let of = |above: f32| LogOdds(least + share * above / 2.0);
            let anywhere = f32::from(anywhere);
            Most { anywhere: of(anywhere), of_faces: of(f32::from(of_faces).min(anywhere)) }
        };
        let mut steps: Vec<u8> = people.iter().map(|person| person.4).collect();
        let step = |who: usize| {
            if steps[who] == 0 {
                return Ok(Step::Is(z(who)));
            }
            steps[who] -= 1;
            Ok(Step::AtMost(most(who, f32::from(steps[who]) / 2.0)))
        };
        let can_win = |who: usize| people[who].3;
        let policy = policy(f32::from(threshold), people.len());
        let got = none_fails(shortlist((0..people.len()).map(|who| most(who, 1.0)), can_win, policy, step));
        let everybody = (0..people.len()).filter_map(|who| Some((who, z(who)?))).collect();
        [got, everybody].map(|scores| judged(scores, can_win, policy))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_shortlist_is_judged_as_everybody_is(people in people(0), threshold in -2_i8..6) {
            let [got, everybody] = found(&people, threshold);
            prop_assert_eq!(got, everybody);
        }

        /// With people who score more than faces do.
        #[test]
        fn no_verdict_rests_on_what_is_said_of_faces(people in people(-6), threshold in -2_i8..6) {
            let [got, everybody] = found(&people, threshold);
            let verdict = |judged: Judged| judged.map_or(Err(Refusal::NoMatch), |judged| judged.2);
            prop_assert_eq!(verdict(got), verdict(everybody));
            if verdict(everybody).is_ok() {
                prop_assert_eq!(got, everybody);
            }
        }
    }

    /// Whom the formula is computed for, of people with these scores and bounds half above.
    fn computed(scores: &[f32], can_win: impl Fn(usize) -> bool, threshold: f32) -> Vec<usize> {
        computed_to([0.5, 0.5], scores, can_win, threshold)
    }

    /// The same for bounds that are so much above, anywhere and of faces.
    fn computed_to(
        above: [f32; 2],
        scores: &[f32],
        can_win: impl Fn(usize) -> bool,
        threshold: f32,
    ) -> Vec<usize> {
        let most = scores.iter().map(|z| {
            let [anywhere, of_faces] = above.map(|above| LogOdds(z + above));
            Most { anywhere, of_faces }
        });
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
    fn far_from_a_match_only_those_are_computed_who_come_near_the_best_as_faces() {
        let all = |_| true;
        let scores = [-4.0, -5.0, -4.2, -7.0, -7.5];
        assert_eq!(computed_to([4.0, 0.5], &scores, all, 3.5), [0, 2], "nobody can match");
        assert_eq!(computed_to([10.0, 0.5], &scores, all, 3.5), [0, 2, 1], "some can");
        let scores = [-4.0, 9.0, 2.0, 1.0];
        assert_eq!(computed_to([4.0, 0.5], &scores, all, 3.5), [1, 2, 3], "some can make it ambiguous");
    }

    #[test]
    fn without_bounds_everybody_is_computed() {
        for can_win in [|_| true, |_| false, |who| who == 1] {
            let most = [Most::UNKNOWN; 3];
            let got = shortlist(most, can_win, policy(3.5, 3), |who| Ok(Step::Is(Some(LogOdds(who as f32)))));
            assert_eq!(none_fails(got).len(), 3);
        }
    }

    #[test]
    fn a_failure_ends_it() {
        let failed = shortlist([Most::exactly(LogOdds(0.0))], |_| true, policy(3.5, 1), |_| Err("broken"));
        assert_eq!(failed, Err("broken"));
    }
}
