//! Misses in a row to a wait: the rate limit of NIST SP 800-63B (section 5.2.3, biometrics without
//! presentation attack detection).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::WallTime;
use crate::judge::DenyReason;

/// What the store remembers of one user's misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attempts {
    /// Misses since the last grant or reset.
    pub misses: u32,
    /// When the last one was.
    pub last_miss: WallTime,
}

impl Attempts {
    /// The same with one more miss at `wall`.
    pub fn missed(self, wall: WallTime) -> Self {
        Self { misses: self.misses.saturating_add(1), last_miss: wall }
    }
}

/// How many misses are free, how long each further one costs, and when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lockout {
    /// Misses in a row without a wait.
    pub free_misses: u32,
    /// The wait after the last free miss; doubles with each further miss.
    pub first_wait: Duration,
    /// The wait grows no further than this.
    pub longest_wait: Duration,
    /// From so many misses on, only another factor helps.
    pub stop_at: u32,
}

impl Lockout {
    /// `Ok` when the next attempt may be judged at `wall`.
    ///
    /// A clock that was set back counts as no time gone by: waiting is then at most one whole wait longer.
    pub(super) fn admit(&self, attempts: &Attempts, wall: WallTime) -> Result<(), DenyReason> {
        if attempts.misses >= self.stop_at {
            return Err(DenyReason::Stopped);
        }
        let gone = Duration::from_secs(wall.0.saturating_sub(attempts.last_miss.0));
        match self.wait_after(attempts.misses).saturating_sub(gone) {
            Duration::ZERO => Ok(()),
            left => Err(DenyReason::Wait(left)),
        }
    }

    /// The whole wait that follows the given number of misses in a row.
    fn wait_after(&self, misses: u32) -> Duration {
        let Some(beyond) = misses.checked_sub(self.free_misses) else {
            return Duration::ZERO;
        };
        let factor = 2_u32.checked_pow(beyond).unwrap_or(u32::MAX);
        self.first_wait.saturating_mul(factor).min(self.longest_wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Lockout = Lockout {
        free_misses: 5,
        first_wait: Duration::from_secs(30),
        longest_wait: Duration::from_secs(3600),
        stop_at: 50,
    };

    fn after(misses: u32, seconds: u64) -> Result<(), DenyReason> {
        RULE.admit(&Attempts { misses, last_miss: WallTime(1000) }, WallTime(1000 + seconds))
    }

    #[test]
    fn four_misses_cost_nothing_and_the_fifth_thirty_seconds() {
        assert_eq!(after(4, 0), Ok(()));
        assert_eq!(after(5, 0), Err(DenyReason::Wait(Duration::from_secs(30))));
        assert_eq!(after(5, 29), Err(DenyReason::Wait(Duration::from_secs(1))));
        assert_eq!(after(5, 30), Ok(()));
    }

    #[test]
    fn each_further_miss_doubles_the_wait_up_to_the_longest() {
        assert_eq!(after(6, 0), Err(DenyReason::Wait(Duration::from_secs(60))));
        assert_eq!(after(8, 0), Err(DenyReason::Wait(Duration::from_secs(240))));
        assert_eq!(after(49, 0), Err(DenyReason::Wait(Duration::from_secs(3600))));
    }

    #[test]
    fn fifty_misses_stop_it_for_good() {
        assert_eq!(after(50, 1 << 40), Err(DenyReason::Stopped));
    }

    #[test]
    fn a_clock_set_back_neither_opens_the_way_nor_bars_it_for_ever() {
        let attempts = Attempts { misses: 5, last_miss: WallTime(1000) };
        assert_eq!(RULE.admit(&attempts, WallTime(1)), Err(DenyReason::Wait(Duration::from_secs(30))));
    }
}
