//! Waiting by a [`Clock`] that a test may move by hand.

use std::time::Duration;

use crate::clock::{BootTime, Clock};

/// Longest sleep between two looks at the clock: a clock moved by hand wakes nobody.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 20 });

/// Returns at `moment` by `clock`, up to [`POLL_INTERVAL`] late.
pub(super) fn wait_until(clock: &dyn Clock, moment: BootTime) {
    loop {
        let left = moment.since(clock.now());
        if left.is_zero() {
            return;
        }
        pause(left);
    }
}

/// Gives up the processor for at most `limit` or [`POLL_INTERVAL`], whichever is shorter; may return early.
pub(super) fn pause(limit: Duration) {
    std::thread::park_timeout(limit.min(POLL_INTERVAL));
}
