//! Lines as the rest of the program sees them; `gpio` has the real ones, tests have others.

use std::time::Duration;

use crate::config::Place;

/// Why a line cannot be used. Each text names the line and the fix.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error("{place}: no chip has it; `gpioinfo` lists the lines of this machine")]
    NotFound { place: Place },
    #[error("{place}: {first} and {second} both have it; name one as `chip`")]
    Ambiguous { place: Place, first: String, second: String },
    #[error("{place}: {consumer:?} uses it; stop that program, or choose another line")]
    Busy { place: Place, consumer: String },
    #[error("{place}: {why}; is the user in the group gpio?")]
    Denied { place: Place, why: String },
    #[error("{place}: {why}")]
    Failed { place: Place, why: String },
}

/// The line of a strike. Dropping it gives it back.
pub(crate) trait Output {
    /// Active: the door can be opened.
    fn set(&mut self, active: bool) -> Result<(), LineError>;

    /// Whether it is still there.
    fn check(&mut self) -> Result<(), LineError>;
}

/// The line of a switch.
pub(crate) trait Input {
    /// Whether it is active.
    fn level(&mut self) -> Result<bool, LineError>;

    /// The next change, to active or inactive, if there is one in this time.
    fn wait(&mut self, at_most: Duration) -> Result<Option<bool>, LineError>;
}
