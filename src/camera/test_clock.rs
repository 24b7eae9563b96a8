//! A clock for tests. It advances by a step each time it is read, so that waiting takes no time to speak of and the
//! speed of the machine plays no part.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::wait::POLL_INTERVAL;
use crate::clock::{BootTime, Clock, WallTime};

/// Steps in ten minutes of real time at least: whoever waits by the clock sleeps between two looks at it.
const STEPS_TO_GIVE_UP: u32 = 600_000 / POLL_INTERVAL.as_millis() as u32;

/// Each look at the clock brings the end of a wait of seconds nearer.
const PASSING: Duration = Duration::from_millis(10);
/// A wait of half a second would take minutes.
const STILL: Duration = Duration::from_micros(1);

/// Nanoseconds.
pub(super) struct TestClock {
    now: AtomicU64,
    step: AtomicU64,
}

impl TestClock {
    /// Time passes while somebody waits: for tests of what happens when nothing else does.
    pub(super) fn passing() -> Self {
        Self { now: AtomicU64::new(0), step: AtomicU64::new(PASSING.as_nanos() as u64) }
    }

    /// Time practically stands still until [`Self::advance`]: for tests of what ends a wait before its deadline.
    pub(super) fn still() -> Self {
        Self { now: AtomicU64::new(0), step: AtomicU64::new(STILL.as_nanos() as u64) }
    }

    /// From now on time passes.
    pub(super) fn pass(&self) {
        self.step.store(PASSING.as_nanos() as u64, Ordering::SeqCst);
    }

    /// From now on time stands still.
    pub(super) fn stand_still(&self) {
        self.step.store(STILL.as_nanos() as u64, Ordering::SeqCst);
    }

    pub(super) fn advance(&self, by: Duration) {
        self.now.fetch_add(by.as_nanos() as u64, Ordering::SeqCst);
    }

    /// A deadline that takes minutes of real time to reach, for waits that an event should end.
    pub(super) fn far_deadline(&self) -> BootTime {
        let step = Duration::from_nanos(self.step.load(Ordering::SeqCst));
        self.now().after(step * STEPS_TO_GIVE_UP)
    }
}

impl Clock for TestClock {
    fn now(&self) -> BootTime {
        let step = self.step.load(Ordering::SeqCst);
        BootTime(Duration::from_nanos(self.now.fetch_add(step, Ordering::SeqCst) + step))
    }

    fn wall(&self) -> WallTime {
        WallTime(0)
    }
}

/// Waits by the real clock until `done`, for events outside this process.
///
/// # Panics
/// After ten minutes, with `what`.
pub(super) fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = crate::clock::SystemClock.now().after(Duration::from_secs(600));
    while !done() {
        assert!(crate::clock::SystemClock.now() < deadline, "{what}: not within ten minutes");
        super::wait::pause(POLL_INTERVAL);
    }
}
