//! Misses in a row to a wait: the rate limit of NIST SP 800-63B (section 5.2.3, biometrics without
//! presentation attack detection).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{BootTime, WallTime};
use crate::judge::{DenyReason, UserName};

pub use crate::config::Lockout;

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

/// How long ago each user's last miss was, whatever the wall clock does.
///
/// Two clocks are asked, and the longer time counts. The wall clock goes on while the machine is off, but may come back
/// earlier than it was: a board without a battery starts with an old time until the network corrects it. The time since
/// this process first saw the misses cannot be set, but begins anew with each start. So a clock set back costs at most
/// one whole wait more, not one without end; and since nothing of it is written down, whoever pulls the plug and
/// starts with an old time waits longer, never shorter, and not shorter after the network has set the clock right.
#[derive(Debug, Default)]
pub struct Ages(BTreeMap<Option<UserName>, (Attempts, BootTime)>);

impl Ages {
    /// Age of the last of these misses of `user` (`None`: of identification).
    pub fn of(&mut self, user: Option<&UserName>, attempts: Attempts, now: (BootTime, WallTime)) -> Duration {
        let (boot, wall) = now;
        let seen = self.0.entry(user.cloned()).or_insert((attempts, boot));
        if seen.0 != attempts {
            *seen = (attempts, boot);
        }
        let by_wall = Duration::from_secs(wall.0.saturating_sub(attempts.last_miss.0));
        by_wall.max(boot.since(seen.1))
    }
}

impl Lockout {
    /// `Ok` when the next attempt may be judged, `age` after the last miss.
    pub(super) fn admit(&self, attempts: &Attempts, age: Duration) -> Result<(), DenyReason> {
        if attempts.misses >= self.stop_at {
            return Err(DenyReason::Stopped);
        }
        match self.wait_after(attempts.misses).saturating_sub(age) {
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
        self.first_wait_s.duration().saturating_mul(factor).min(self.longest_wait_s.duration())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(misses: u32, seconds: u64) -> Result<(), DenyReason> {
        Lockout::default().admit(&Attempts { misses, last_miss: WallTime(1000) }, Duration::from_secs(seconds))
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

    const FIVE: Attempts = Attempts { misses: 5, last_miss: WallTime(1000) };

    fn asked(ages: &mut Ages, boot: u64, wall: u64) -> Result<(), DenyReason> {
        let now = (BootTime(Duration::from_secs(boot)), WallTime(wall));
        Lockout::default().admit(&FIVE, ages.of(None, FIVE, now))
    }

    fn wait(seconds: u64) -> Result<(), DenyReason> {
        Err(DenyReason::Wait(Duration::from_secs(seconds)))
    }

    #[test]
    fn a_clock_set_back_costs_one_whole_wait_and_not_one_without_end() {
        let mut ages = Ages::default();
        assert_eq!(asked(&mut ages, 7, 1), wait(30));
        assert_eq!(asked(&mut ages, 17, 11), wait(20));
        assert_eq!(asked(&mut ages, 37, 31), Ok(()));
    }

    #[test]
    fn a_new_start_with_an_old_time_waits_anew_and_gains_nothing_when_the_time_is_corrected() {
        let mut ages = Ages::default();
        assert_eq!(asked(&mut ages, 100, 1010), wait(20));
        let mut ages = Ages::default();
        assert_eq!(asked(&mut ages, 3, 500), wait(30), "the plug was pulled");
        assert_eq!(
            asked(&mut ages, 8, 1018),
            wait(12),
            "the network has set the clock: eighteen seconds went by"
        );
        assert_eq!(asked(&mut ages, 20, 1030), Ok(()));
    }

    #[test]
    fn each_miss_is_as_old_as_itself_and_not_as_the_one_before() {
        let mut ages = Ages::default();
        let six = Attempts { misses: 6, last_miss: WallTime(31) };
        assert_eq!(asked(&mut ages, 7, 1), wait(30));
        let now = (BootTime(Duration::from_secs(37)), WallTime(31));
        assert_eq!(ages.of(None, six, now), Duration::ZERO);
        let alice = UserName::new("alice").expect("valid");
        assert_eq!(ages.of(Some(&alice), FIVE, now), Duration::ZERO, "of another");
    }
}
