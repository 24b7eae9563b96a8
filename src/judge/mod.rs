//! Stage 5: evidence, policy, history and the time to a [`Verdict`]. Pure: no I/O, no clock, no log.
//!
//! Only this room can make a [`Grant`], and only a [`Grant`] opens a latch.

pub mod lockout;
pub mod vote;

use std::time::Duration;

use crate::clock::{BootTime, WallTime};
use crate::detect::quality::RetryReason;
use crate::head::Probability;
use crate::people::{Attempts, UserName};

pub use lockout::Lockout;

/// What one decision rests on.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Who the face was compared with: the claimed user, or the best of all in an identification.
    pub user: UserName,
    /// Probability that the face is this user's, from [`vote::decide`].
    pub probability: Probability,
}

/// What the decision has to reach. Made from the head and the number of people compared with.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    threshold: Probability,
}

impl Policy {
    /// One claimed user: the threshold of the head.
    pub fn verify(threshold: Probability) -> Self {
        Self { threshold }
    }

    /// One face against `enrolled` people. There are that many chances of a false match, so the odds asked
    /// for grow by the same factor (the union bound; exact for a calibrated head and independent people).
    pub fn identify(threshold: Probability, enrolled: usize) -> Self {
        let odds = f64::from(threshold.log_odds().0) + (enrolled.max(1) as f64).ln();
        let raised = 1.0 / (1.0 + (-odds).exp());
        Self { threshold: Probability::new(raised).unwrap_or(threshold) }
    }

    /// The probability a decision has to reach.
    pub fn threshold(&self) -> Probability {
        self.threshold
    }

    /// Whether this evidence reaches it.
    pub fn is_met_by(&self, evidence: &Evidence) -> bool {
        evidence.probability >= self.threshold
    }
}

/// How an attempt ended.
#[must_use = "a verdict that nobody acts on is a bug"]
#[derive(Debug)]
pub enum Verdict {
    /// The face is this user's.
    Granted(Grant),
    /// A face was judged, or may not be judged now.
    Denied(DenyReason),
    /// No face was judged; the password still works.
    Unavailable(Cause),
}

/// Proof that the judge said yes. Its fields are private, so no other room can make one.
#[derive(Debug)]
pub struct Grant {
    user: UserName,
    at: BootTime,
}

impl Grant {
    /// Whom the door opens for.
    pub fn user(&self) -> &UserName {
        &self.user
    }

    /// When it was granted.
    pub fn at(&self) -> BootTime {
        self.at
    }
}

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DenyReason {
    /// The face was judged and is not that user's.
    NoMatch,
    /// Too many misses; the next attempt counts after this time.
    Wait(Duration),
    /// Too many misses; only another factor (root: `facelatch reset`) opens the way again.
    Stopped,
}

/// Why no face was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The frames could not be used; trying again helps.
    Retry(RetryReason),
    /// Nobody of that name is enrolled, or nobody at all.
    NotEnrolled,
    /// No frames: text for people.
    Camera(String),
    /// Whoever asked has gone.
    Cancelled,
    /// Model or store failed: text for people.
    Failed(String),
}

/// May this user be judged at all? Asked before the camera opens. `age` is how long ago the last miss was.
///
/// # Errors
/// The denial while misses are being waited out.
pub fn admit(lockout: &Lockout, attempts: &Attempts, age: Duration) -> Result<(), DenyReason> {
    lockout.admit(attempts, age)
}

/// Evidence to verdict, and the attempts as they stand afterwards.
pub fn judge(
    evidence: Evidence,
    policy: Policy,
    attempts: Attempts,
    now: (BootTime, WallTime),
) -> (Verdict, Attempts) {
    let (at, wall) = now;
    if policy.is_met_by(&evidence) {
        return (Verdict::Granted(Grant { user: evidence.user, at }), Attempts::default());
    }
    (Verdict::Denied(DenyReason::NoMatch), attempts.missed(wall))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(p: f64) -> Evidence {
        Evidence {
            user: UserName::new("alice").expect("valid"),
            probability: Probability::new(p).expect("valid"),
        }
    }

    fn judged(p: f64, attempts: Attempts) -> (Verdict, Attempts) {
        let policy = Policy::verify(Probability::new(0.9).expect("valid"));
        judge(evidence(p), policy, attempts, (BootTime::default(), WallTime(7)))
    }

    #[test]
    fn reaching_the_threshold_grants_and_forgets_misses() {
        let (verdict, attempts) = judged(0.9, Attempts::default().missed(WallTime(1)));
        assert!(matches!(verdict, Verdict::Granted(grant) if grant.user().as_str() == "alice"));
        assert_eq!(attempts, Attempts::default());
    }

    #[test]
    fn one_step_below_the_threshold_is_denied_and_counted() {
        let (verdict, attempts) = judged(0.9 - 1e-12, Attempts::default());
        assert!(matches!(verdict, Verdict::Denied(DenyReason::NoMatch)));
        assert_eq!(attempts, Attempts::default().missed(WallTime(7)));
    }

    #[test]
    fn identification_asks_for_more_the_more_people_there_are() {
        let threshold = Probability::new(0.5).expect("valid");
        assert_eq!(Policy::identify(threshold, 1).threshold(), threshold);
        let of_99 = Policy::identify(threshold, 99).threshold().value();
        assert!((of_99 - 0.99).abs() < 1e-9, "odds 1:1 become 99:1, got {of_99}");
    }
}
