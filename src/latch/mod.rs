//! Stage 6: a [`Grant`] opens something. A latch decides nothing.
//!
//! [`thread`] keeps a slow latch from holding up anybody but the caller.

pub mod hook;
pub mod print;
pub mod thread;

use std::time::Duration;

use crate::judge::Grant;

/// What a [`Grant`] opens.
pub trait Latch: Send {
    /// Opens once for the granted user. Consumes the grant, so that one verdict opens one time.
    ///
    /// # Errors
    /// [`LatchError`] when it did not open. Nothing of it runs any more then; whether the door is shut depends on how it is
    /// wired, and on a hook that switches off when it is asked to end ([`hook`]).
    fn open(&mut self, grant: Grant) -> Result<(), LatchError>;

    /// Which latch this is, for people.
    fn name(&self) -> String;
}

/// Why the latch did not open. Each text says which latch and what to do.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message tells what each field is")]
pub enum LatchError {
    /// The command could not be started.
    #[error("latch hook {command}: cannot be started; check that the file exists and may be executed")]
    Start {
        command: String,
        #[source]
        source: std::io::Error,
    },
    /// The command ran and said no.
    #[error("latch hook {command}: ended with {status}; run it by hand to see why")]
    Failed { command: String, status: String },
    /// The command did not end in time and was stopped.
    #[error("latch hook {command}: stopped after {} ms; let it return sooner or raise latch.hook_deadline_ms", .after.as_millis())]
    TooSlow { command: String, after: Duration },
    /// Too many grants wait for it.
    #[error("latch {latch}: still busy with earlier grants; try again in a moment")]
    Busy { latch: String },
    /// The grant waited too long, or nobody waits for it any more.
    #[error("latch {latch}: not opened, because the match is too old or its caller has gone; try again")]
    Expired { latch: String },
    /// The daemon stops before this grant's turn.
    #[error("latch {latch}: not opened, because the daemon is stopping; try again after it restarts")]
    Stopping { latch: String },
    /// A bug in the latch.
    #[error("latch {latch}: panicked; please report it")]
    Panicked { latch: String },
}

#[cfg(test)]
mod testing {
    use crate::clock::BootTime;
    use crate::head::LogOdds;
    use crate::judge::{Admission, Evidence, Grant, Policy, judge};
    use crate::people::UserName;
    use crate::people::access::Factor;

    /// A grant for alice.
    pub(super) fn grant() -> Grant {
        let (user, z) = (UserName::new("alice").expect("valid"), LogOdds(3.0));
        let policy = Policy::verify(z.probability());
        let evidence = Evidence { user, z, second: None };
        judge(evidence, policy, Admission::Allowed(Factor::Face), BootTime::default())
            .expect("the threshold is reached")
    }
}
