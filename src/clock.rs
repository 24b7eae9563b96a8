//! Time as a value: two clocks behind one trait, so that tests move time by hand.
//!
//! This is the only file that asks the system what time it is; `civil` says what clocks on the wall show then, and `set`
//! whether anything has set the system's clock, and `known` whether the time can be believed.

mod civil;
mod known;
mod set;

use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;

pub use civil::{BadTime, Date, LocalMinute, clock_text, minutes};
pub use known::{KnownTime, TimeUnknown};

/// No clock that is right shows an earlier time: 2026-11-26, when this version was made.
pub const RELEASED: WallTime = WallTime(1_795_651_200);

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

    /// What clocks in this place show now. UTC unless the clock knows the place.
    fn local(&self) -> LocalMinute {
        LocalMinute::at(self.wall(), &TimeZone::UTC)
    }

    /// Why [`Clock::local`] gives UTC although it should not, and what to do.
    fn zone_problem(&self) -> Option<String> {
        None
    }

    /// Whether anything has set the wall clock since the machine started. Until then it shows a time, and not the time.
    fn is_set(&self) -> bool {
        false
    }
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

    fn local(&self) -> LocalMinute {
        LocalMinute::at(self.wall(), &zone().unwrap_or(TimeZone::UTC))
    }

    fn zone_problem(&self) -> Option<String> {
        let problem =
            "the time zone is not known, so rules go by UTC; install tzdata, then `timedatectl set-timezone`";
        zone().is_none().then(|| problem.to_owned())
    }

    fn is_set(&self) -> bool {
        set::is_set(Path::new("/"))
    }
}

/// The zone that /etc/localtime names, or the variable TZ. Looked up again every few minutes.
fn zone() -> Option<TimeZone> {
    TimeZone::try_system().ok().filter(|zone| !zone.is_unknown())
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
