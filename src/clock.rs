//! Time as a value: two clocks behind one trait, so that tests move time by hand.
//!
//! This is the only file that asks the system what time it is.

use std::time::Duration;

/// Time since the machine started, suspend included (Linux `CLOCK_BOOTTIME`). Never runs backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct BootTime(pub Duration);

impl BootTime {
    /// The moment `wait` after this one.
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }

    /// How long from `earlier` until this moment; zero if `earlier` lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Seconds since 1970-01-01 UTC. May jump when somebody sets the clock.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct WallTime(pub u64);

/// Where the daemon gets the time from.
pub trait Clock: Send + Sync {
    /// Time for deadlines and waits.
    fn now(&self) -> BootTime;
    /// Time for people and for what must outlive a restart.
    fn wall(&self) -> WallTime;
}

/// The clocks of the kernel.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> BootTime {
        use nix::time::{ClockId, clock_gettime};
        // The call fails only for a clock the kernel does not have; BOOTTIME came with 2.6.39.
        let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from);
        BootTime(now.unwrap_or_default())
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn wall(&self) -> WallTime {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        WallTime(since.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_time_moves_and_never_underflows() {
        let first = SystemClock.now();
        assert!(SystemClock.now() >= first && first.0 > Duration::ZERO);
        assert_eq!(first.since(first.after(Duration::from_secs(1))), Duration::ZERO);
    }
}
