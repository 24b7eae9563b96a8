//! How an attempt ends.

use crate::detect::attack::Species;
use crate::detect::quality::RetryReason;
use crate::embed::OtherKey;
use crate::judge::{Grant, LockedOut};
use crate::model::ModelError;
use crate::people::{Standing, UserName};
use crate::store::StoreError;

/// The outcome of an attempt.
#[must_use = "a verdict that nobody acts on is a bug"]
#[derive(Debug)]
pub enum Verdict {
    /// The face is this user's.
    Granted(Grant),
    /// It is, in an attempt that was made to be explained: it opens nothing.
    Matched(UserName),
    /// The face does not match, or must not be judged now.
    Denied(DenyReason),
    /// No decision was made; the password still works.
    Unavailable(Cause),
}

/// Why an attempt was denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DenyReason {
    /// It was judged, and is not that user's.
    NoMatch,
    /// It was judged, and may be that of two enrolled people.
    Ambiguous,
    /// The presentation was not taken for a live face, and was compared with nobody.
    Attack(Species),
    /// Too many misses.
    LockedOut {
        /// How long that lasts.
        until: LockedOut,
        /// Whose misses they are; `None`: those of identification.
        user: Option<UserName>,
    },
    /// It is this person's face, and they may not come in here, or not now.
    NotAllowed(UserName),
    /// It is this person's face, and whether they may come in now depends on a time that is not known.
    ClockUnset(UserName),
    /// It is this person's face, and their PIN is wanted.
    EnterPin(UserName),
}

/// Why no decision was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The frames could not be used; trying again helps.
    Retry(RetryReason),
    /// Nobody of that name is enrolled, or nobody at all.
    NotEnrolled,
    /// They are, but not for the account that has the name now, or not for a login.
    OtherAccount(Standing),
    /// Face unlock is switched off.
    SwitchedOff,
    /// The camera gives no frames; the text says why.
    Camera(String),
    /// The caller has gone.
    Cancelled,
    /// A model or the store failed; the text says why.
    Failed(String),
}

impl From<ModelError> for Cause {
    fn from(error: ModelError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<StoreError> for Cause {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<OtherKey> for Cause {
    fn from(error: OtherKey) -> Self {
        Self::Failed(error.to_string())
    }
}
