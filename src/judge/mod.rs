//! Stage 5: evidence, policy, past misses and the time to a [`Grant`] or [`NoMatch`]. Pure: no I/O, no clock, no log.
//!
//! Only this room can make a [`Grant`], and only a [`Grant`] opens a latch.

pub mod lockout;
pub mod vote;

use crate::clock::BootTime;
use crate::head::Probability;
use crate::people::UserName;

pub use lockout::{LockedOut, Lockout, Standing, Whose};

/// What one decision rests on.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Whom the face was compared with: the claimed user, or the best match in an identification.
    pub user: UserName,
    /// Probability that the face is this user's, from [`vote::decide`].
    pub probability: Probability,
}

/// The probability that a decision has to reach, from the head's threshold and the number of people compared with.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    threshold: Probability,
}

impl Policy {
    /// One claimed user: the threshold of the head.
    pub fn verify(threshold: Probability) -> Self {
        Self { threshold }
    }

    /// One face against `enrolled` people. Each of them is another chance of a false match, so the required odds
    /// grow by that factor (the union bound; exact for a calibrated head and independent people).
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

/// The face is not that user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMatch;

/// Whether an attempt may be judged now. Asked before the camera opens.
///
/// # Errors
/// [`LockedOut`] after too many misses.
pub fn admit(lockout: &Lockout, whose: Whose, standing: &Standing) -> Result<(), LockedOut> {
    lockout.admit(whose, standing)
}

/// The decision. [`Standing::after_match`] and [`Lockout::after_miss`] are the misses to keep afterwards.
///
/// # Errors
/// [`NoMatch`].
pub fn judge(evidence: Evidence, policy: Policy, at: BootTime) -> Result<Grant, NoMatch> {
    if policy.is_met_by(&evidence) {
        return Ok(Grant { user: evidence.user, at });
    }
    Err(NoMatch)
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

    fn judged(p: f64) -> Result<Grant, NoMatch> {
        let policy = Policy::verify(Probability::new(0.9).expect("valid"));
        judge(evidence(p), policy, BootTime::default())
    }

    #[test]
    fn reaching_the_threshold_grants_and_one_step_below_denies() {
        assert!(judged(0.9).is_ok_and(|grant| grant.user().as_str() == "alice"));
        assert_eq!(judged(0.9 - 1e-12).err(), Some(NoMatch));
    }

    #[test]
    fn identification_asks_for_more_the_more_people_there_are() {
        let threshold = Probability::new(0.5).expect("valid");
        assert_eq!(Policy::identify(threshold, 1).threshold(), threshold);
        let of_99 = Policy::identify(threshold, 99).threshold().value();
        assert!((of_99 - 0.99).abs() < 1e-9, "odds 1:1 become 99:1, got {of_99}");
    }
}
