//! Time is an argument; this is where it comes from.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment, as the time since the program started. It never goes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Duration);

impl Moment {
    /// The moment `time` later.
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }

    /// Time since `earlier`; zero if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// The system's clocks.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    /// Starts them: [`Clock::now`] counts from here.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    /// The moment.
    pub fn now(self) -> Moment {
        Moment(Instant::now().saturating_duration_since(self.0))
    }

    /// Time since 1970-01-01 UTC.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    pub fn wall(self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}
