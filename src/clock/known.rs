//! Whether the time is known, and not only shown.

use std::sync::Arc;

use super::{Clock, LocalMinute, RELEASED, WallTime};

/// Local time as far as it can be believed: something has set the wall clock since the machine started, and it shows no earlier
/// time than this program's own and the newest that the store knows.
#[derive(Clone)]
pub struct KnownTime {
    clock: Arc<dyn Clock>,
    trusts: bool,
}

/// Why it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnknown {
    /// Nothing has set the clock since the machine started.
    NotSet,
    /// It shows an earlier time than one that has been.
    Behind,
}

impl KnownTime {
    /// By this clock, which counts as set whatever the system says if it is trusted.
    pub fn new(clock: Arc<dyn Clock>, trusts: bool) -> Self {
        Self { clock, trusts }
    }

    /// What clocks in this place show now; `newest` is a time that has been.
    ///
    /// # Errors
    /// [`TimeUnknown`].
    pub fn local(&self, newest: WallTime) -> Result<LocalMinute, TimeUnknown> {
        if !self.trusts && !self.clock.is_set() {
            return Err(TimeUnknown::NotSet);
        }
        if self.clock.wall() < RELEASED.max(newest) {
            return Err(TimeUnknown::Behind);
        }
        Ok(self.clock.local())
    }

    /// As [`Clock::zone_problem`].
    pub fn zone_problem(&self) -> Option<String> {
        self.clock.zone_problem()
    }
}

#[cfg(test)]
mod tests {
    use super::super::BootTime;
    use super::*;

    struct Shows {
        wall: WallTime,
        is_set: bool,
    }

    impl Clock for Shows {
        fn now(&self) -> BootTime {
            BootTime::default()
        }

        fn wall(&self) -> WallTime {
            self.wall
        }

        fn is_set(&self) -> bool {
            self.is_set
        }
    }

    #[test]
    fn a_clock_is_believed_that_was_set_and_shows_nothing_earlier_than_what_is_known() {
        let told = |wall, is_set, trusts, newest| {
            KnownTime::new(Arc::new(Shows { wall, is_set }), trusts).local(newest).err()
        };
        let (now, later, never) = (RELEASED, WallTime(RELEASED.0 + 1), WallTime(0));
        assert_eq!(told(now, true, false, never), None);
        assert_eq!(told(later, true, false, later), None);
        assert_eq!(told(now, false, false, never), Some(TimeUnknown::NotSet));
        assert_eq!(told(now, false, true, never), None, "the configuration vouches for it");
        assert_eq!(told(now, true, false, later), Some(TimeUnknown::Behind), "the store knows better");
        assert_eq!(told(now, false, true, later), Some(TimeUnknown::Behind), "trusted or not");
        let before = WallTime(RELEASED.0 - 1);
        assert_eq!(
            told(before, true, false, never),
            Some(TimeUnknown::Behind),
            "before this program was made"
        );
    }
}
