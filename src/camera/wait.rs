//! Waiting by a [`Clock`] that may be moved by hand.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{BootTime, Clock};

/// Longest sleep between two looks at the clock: one that is moved by hand wakes nobody.
pub(super) const NAP: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 20 });

/// Returns at `moment` by `clock`, up to [`NAP`] late.
pub(super) fn wait_until(clock: &dyn Clock, moment: BootTime) {
    let (nobody, never) = (Mutex::new(()), Condvar::new());
    let mut guard = nobody.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let left = moment.since(clock.now());
        if left.is_zero() {
            return;
        }
        guard = never.wait_timeout(guard, left.min(NAP)).unwrap_or_else(PoisonError::into_inner).0;
    }
}
