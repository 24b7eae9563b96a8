//! The rate limit on misses in a row: NIST SP 800-63B, section 5.2.3 (biometrics without presentation attack
//! detection).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::{BootTime, WallTime};
use crate::people::{Misses, UserName};

pub use crate::config::Lockout;

/// Time since each user's last miss, whatever the wall clock does.
///
/// It is measured on two clocks, and the longer time counts. The wall clock keeps running while the machine is off, but
/// may come back wrong: a board without a battery starts with an old time until the network corrects it. The time since
/// this process first saw the misses cannot be set, but restarts at zero with the process. So a clock that is set back
/// costs at most one more full wait. Nothing of this is stored, so pulling the plug and booting with an old time
/// lengthens the wait and never shortens it, even after the network has set the clock right.
#[derive(Debug, Default)]
pub struct Ages(BTreeMap<Option<UserName>, (Misses, BootTime)>);

impl Ages {
    /// Time since the last of these misses of `user`, or of identification for `None`.
    pub fn of(&mut self, user: Option<&UserName>, misses: Misses, now: (BootTime, WallTime)) -> Duration {
        let (boot, wall) = now;
        let seen = self.0.entry(user.cloned()).or_insert((misses, boot));
        if seen.0 != misses {
            *seen = (misses, boot);
        }
        let by_wall = Duration::from_secs(wall.0.saturating_sub(misses.last_miss.0));
        by_wall.max(boot.since(seen.1))
    }
}

/// No attempt is judged, because of earlier misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockedOut {
    /// The next attempt counts after this time.
    Wait(Duration),
    /// Until the count is reset, after another factor.
    Stopped,
}

impl Lockout {
    /// `Ok` if an attempt may be judged `age` after the last miss.
    pub(super) fn admit(&self, misses: &Misses, age: Duration) -> Result<(), LockedOut> {
        if misses.count >= self.stop_at {
            return Err(LockedOut::Stopped);
        }
        match self.wait_after(misses.count).saturating_sub(age) {
            Duration::ZERO => Ok(()),
            left => Err(LockedOut::Wait(left)),
        }
    }

    /// The full wait after `misses` in a row.
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

    fn after(misses: u32, seconds: u64) -> Result<(), LockedOut> {
        Lockout::default()
            .admit(&Misses { count: misses, last_miss: WallTime(1000) }, Duration::from_secs(seconds))
    }

    #[test]
    fn four_misses_cost_nothing_and_the_fifth_thirty_seconds() {
        assert_eq!(after(4, 0), Ok(()));
        assert_eq!(after(5, 0), Err(LockedOut::Wait(Duration::from_secs(30))));
        assert_eq!(after(5, 29), Err(LockedOut::Wait(Duration::from_secs(1))));
        assert_eq!(after(5, 30), Ok(()));
    }

    #[test]
    fn each_further_miss_doubles_the_wait_up_to_the_longest() {
        assert_eq!(after(6, 0), Err(LockedOut::Wait(Duration::from_secs(60))));
        assert_eq!(after(8, 0), Err(LockedOut::Wait(Duration::from_secs(240))));
        assert_eq!(after(49, 0), Err(LockedOut::Wait(Duration::from_secs(3600))));
    }

    #[test]
    fn fifty_misses_stop_it_for_good() {
        assert_eq!(after(50, 1 << 40), Err(LockedOut::Stopped));
    }

    const FIVE: Misses = Misses { count: 5, last_miss: WallTime(1000) };

    fn asked(ages: &mut Ages, boot: u64, wall: u64) -> Result<(), LockedOut> {
        let now = (BootTime(Duration::from_secs(boot)), WallTime(wall));
        Lockout::default().admit(&FIVE, ages.of(None, FIVE, now))
    }

    fn wait(seconds: u64) -> Result<(), LockedOut> {
        Err(LockedOut::Wait(Duration::from_secs(seconds)))
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
        let six = Misses { count: 6, last_miss: WallTime(31) };
        assert_eq!(asked(&mut ages, 7, 1), wait(30));
        let now = (BootTime(Duration::from_secs(37)), WallTime(31));
        assert_eq!(ages.of(None, six, now), Duration::ZERO);
        let alice = UserName::new("alice").expect("valid");
        assert_eq!(ages.of(Some(&alice), FIVE, now), Duration::ZERO, "of another");
    }
}
