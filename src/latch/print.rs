//! The latch that says so: a line in the journal, for a machine without a door.

use crate::judge::Grant;
use crate::latch::{Latch, LatchError};

/// Logs each grant.
#[derive(Debug, Clone, Copy, Default)]
pub struct Print;

impl Latch for Print {
    fn open(&mut self, grant: Grant) -> Result<(), LatchError> {
        tracing::info!(user = %grant.user(), "open");
        Ok(())
    }

    fn name(&self) -> String {
        "print".to_owned()
    }
}
