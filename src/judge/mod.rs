//! Stage 5: evidence, policy, past misses and the time to a [`Grant`] or a [`Refusal`]. Pure: no I/O, no clock, no log.
//!
//! Only this room can make a [`Grant`], and only a [`Grant`] opens a latch.

pub mod access;
pub mod adapt;
pub mod lockout;
pub mod pin;
mod rank;
mod search;
mod shortlist;
pub mod vote;

use crate::clock::BootTime;
use crate::head::{LogOdds, Probability};
use crate::people::UserName;
use crate::people::access::Factor;

pub use access::Admission;
pub use lockout::{CurrentMisses, LockedOut, Lockout, Whose};
pub use rank::{Ranked, rank};
pub use search::Search;
pub use shortlist::{Step, shortlist};

/// What one decision rests on.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Whom the face was compared with: the claimed user, or the best match in an identification.
    pub user: UserName,
    /// Log-odds that the face is this user's, from [`vote::decide`].
    pub z: LogOdds,
    /// In an identification, the log-odds that it is the second best's; `None` if only one person was compared. Lower, or `None`,
    /// where that changes nothing ([`shortlist`]).
    pub second: Option<LogOdds>,
}

/// The odds that an identification asks for grow by this power of the number of people enrolled.
///
/// With 1 they would grow as the chances of a false match do (the union bound), which is more than it takes: with each step of 1
/// in log-odds false matches become 3.8 times rarer with one frame and 5 times with three, where calibrated odds say 2.7. Among
/// 1,000 people with five templates the root of their number turns away 1.2 % of users instead of 8.9 % with three different
/// frames; with one frame it lets in none of 5,317 strangers, at most 5.6e-4 of searches (docs/rates/search.md).
const GROWTH: f64 = 0.5;

/// What a decision has to reach, from the head's threshold and the number of people compared with.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    threshold: Probability,
    /// Least difference between the best and the second best person, in log-odds.
    margin: f32,
}

impl Policy {
    /// One claimed user: the threshold of the head.
    pub fn verify(threshold: Probability) -> Self {
        Self::identify(threshold, 1)
    }

    /// One face against `enrolled` people. Each of them is another chance of a false match, so the required odds grow with
    /// their number: by the power of a half.
    ///
    /// The odds between the best and the second best, that it is the one and not the other, have to be those that a verification
    /// asks for. And the second best must not match by itself: a face that matches two people is either of a pair of
    /// look-alikes or enrolled twice, and a difference between two matches is the choice of pictures (up to 4.5 in 98 of 100
    /// cases where one person was enrolled twice, from other pictures, against the 3.5 of the shipped head).
    pub fn identify(threshold: Probability, enrolled: usize) -> Self {
        Self::with_growth(threshold, enrolled, GROWTH)
    }

    /// As [`Policy::identify`], with another power of the number of people: for measuring.
    pub fn with_growth(threshold: Probability, enrolled: usize, growth: f64) -> Self {
        let z = threshold.log_odds();
        let odds = f64::from(z.0) + growth * (enrolled.max(1) as f64).ln();
        let raised = 1.0 / (1.0 + (-odds).exp());
        Self { threshold: Probability::new(raised).unwrap_or(threshold), margin: z.0.max(0.0) }
    }

    /// The probability a decision has to reach.
    pub fn threshold(&self) -> Probability {
        self.threshold
    }

    /// The least difference between the best and the second best person, in log-odds.
    pub fn margin(&self) -> f32 {
        self.margin
    }

    /// Whether this evidence reaches it, and speaks for one person only.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn check(&self, evidence: &Evidence) -> Result<(), Refusal> {
        self.check_scores(evidence.z, evidence.second)
    }

    /// As [`Policy::check`], from the scores of the best and the second best alone.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn check_scores(&self, best: LogOdds, second: Option<LogOdds>) -> Result<(), Refusal> {
        let matches = |z: LogOdds| z.probability() >= self.threshold;
        if !matches(best) {
            return Err(Refusal::NoMatch);
        }
        match second {
            Some(second) if matches(second) || best.0 - second.0 < self.margin => Err(Refusal::Ambiguous),
            _ => Ok(()),
        }
    }
}

/// Proof that the judge said yes. Its fields are private, so no other room can make one.
#[must_use = "a grant that nobody acts on is a bug"]
#[derive(Debug)]
pub struct Grant {
    user: UserName,
    at: BootTime,
}

impl Grant {
    /// Who was recognised.
    pub fn user(&self) -> &UserName {
        &self.user
    }

    /// When.
    pub fn at(&self) -> BootTime {
        self.at
    }
}

/// Why a face that was judged is not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is not that user's, or nobody's.
    NoMatch,
    /// It may be that of two people. Nobody is let in, and it counts like any other miss: it tells whoever holds up a picture that
    /// they are close to somebody, and such an answer must cost as much as a wrong guess. Look-alikes are verified by name.
    Ambiguous,
    /// It matches, and this person may not come in here, or not now.
    NotAllowed,
    /// It matches, and whether this person may come in now depends on a time that is not known.
    ClockUnset,
    /// It matches, and this person's PIN is wanted.
    EnterPin,
}

impl Refusal {
    /// Whether it is a miss. A face that matched is none, and no match either, that would end a count: whoever may not come in
    /// could reset everybody's.
    pub fn is_miss(self) -> bool {
        match self {
            Self::NoMatch | Self::Ambiguous => true,
            Self::NotAllowed | Self::ClockUnset | Self::EnterPin => false,
        }
    }
}

/// The decision, with what the rules of the person say whom the evidence speaks for.
/// [`CurrentMisses::after_match`] and [`Lockout::after_miss`] are the misses to keep afterwards.
///
/// # Errors
/// [`Refusal`].
pub fn judge(
    evidence: Evidence,
    policy: Policy,
    admission: Admission,
    at: BootTime,
) -> Result<Grant, Refusal> {
    would_grant(&evidence, policy, admission)?;
    Ok(Grant { user: evidence.user, at })
}

/// As [`judge`], without a grant: for an attempt that only wants to know.
///
/// # Errors
/// [`Refusal`].
pub fn would_grant(evidence: &Evidence, policy: Policy, admission: Admission) -> Result<(), Refusal> {
    policy.check(evidence)?;
    match admission {
        Admission::Allowed(Factor::Face) => Ok(()),
        // Where the PIN alone would do, a face says no more than whose PIN to ask for.
        Admission::Allowed(Factor::FaceAndPin | Factor::Pin) => Err(Refusal::EnterPin),
        Admission::NotAllowed => Err(Refusal::NotAllowed),
        Admission::ClockUnset => Err(Refusal::ClockUnset),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(z: f32, second: Option<f32>, policy: Policy) -> Result<Grant, Refusal> {
        let user = UserName::new("alice").expect("valid");
        let evidence = Evidence { user, z: LogOdds(z), second: second.map(LogOdds) };
        judge(evidence, policy, Admission::Allowed(Factor::Face), BootTime::default())
    }

    #[test]
    fn a_match_is_granted_only_to_those_whose_face_is_enough_here_and_now() {
        let policy = Policy::verify(threshold(3.5));
        let user = UserName::new("alice").expect("valid");
        for (admission, wanted) in [
            (Admission::Allowed(Factor::Face), None),
            (Admission::Allowed(Factor::FaceAndPin), Some(Refusal::EnterPin)),
            (Admission::Allowed(Factor::Pin), Some(Refusal::EnterPin)),
            (Admission::NotAllowed, Some(Refusal::NotAllowed)),
            (Admission::ClockUnset, Some(Refusal::ClockUnset)),
        ] {
            let evidence = |z| Evidence { user: user.clone(), z: LogOdds(z), second: None };
            let judged = judge(evidence(9.0), policy, admission, BootTime::default());
            assert_eq!(judged.err(), wanted, "{admission:?}");
            // A face that is another's says nothing about the rules.
            let other = judge(evidence(0.0), policy, admission, BootTime::default());
            assert_eq!(other.err(), Some(Refusal::NoMatch));
        }
    }

    fn threshold(z: f32) -> Probability {
        LogOdds(z).probability()
    }

    #[test]
    fn reaching_the_threshold_grants_and_one_step_below_denies() {
        let policy = Policy::verify(threshold(3.5));
        assert!(judged(3.500_001, None, policy).is_ok_and(|grant| grant.user().as_str() == "alice"));
        assert_eq!(judged(3.499_999, None, policy).err(), Some(Refusal::NoMatch));
    }

    #[test]
    fn the_second_best_must_be_a_margin_away_and_must_not_match() {
        // 3.5, and 3.5 + ln 6 = 5.29 for 36 people.
        let policy = Policy::identify(threshold(3.5), 36);
        let refusal = |z, second| judged(z, Some(second), policy).err();
        for (z, second, wanted) in [
            (13.0, -2.0, None),
            (5.3, 1.7, None),
            (5.3, 1.9, Some(Refusal::Ambiguous)),
            (13.0, 5.2, None),
            (13.0, 5.3, Some(Refusal::Ambiguous)),
            (40.0, 40.0, Some(Refusal::Ambiguous)),
            (5.2, 5.2, Some(Refusal::NoMatch)),
            (13.0, f32::NEG_INFINITY, None),
        ] {
            assert_eq!(refusal(z, second), wanted, "{z} before {second}");
        }
        assert!(judged(5.3, None, policy).is_ok(), "one person alone has no rival");
    }

    #[test]
    fn a_head_that_asks_for_less_than_even_odds_still_tells_twins_apart_from_one() {
        let policy = Policy::identify(threshold(-1.0), 2);
        assert_eq!(judged(0.5, Some(0.4), policy).err(), Some(Refusal::Ambiguous));
        assert!(judged(0.5, Some(-0.9), policy).is_ok());
    }

    #[test]
    fn identification_asks_for_more_the_more_people_there_are() {
        let threshold = Probability::new(0.5).expect("valid");
        assert_eq!(Policy::identify(threshold, 1).threshold(), threshold);
        let of_9801 = Policy::identify(threshold, 9801).threshold().value();
        assert!((of_9801 - 0.99).abs() < 1e-9, "odds 1:1 become 99:1, the root of 9801, got {of_9801}");
    }
}
