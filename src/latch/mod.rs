//! Stage 6: a [`Grant`] to the world. A latch obeys; it decides nothing.

pub mod hook;
pub mod print;

use std::time::Duration;

use crate::judge::Grant;

/// What a [`Grant`] opens.
pub trait Latch: Send {
    /// Opens once for the granted user. Consumes the grant, so that one verdict opens one time.
    ///
    /// # Errors
    /// [`LatchError`] when it could not be opened. Nothing of it runs any more then; whether the door is shut depends on
    /// how it is wired, and on a hook that switches off when it is asked to end ([`hook`]).
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
}
