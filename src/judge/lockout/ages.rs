//! How long ago misses were, whatever the wall clock does.

use std::collections::BTreeMap;
use std::time::Duration;

use super::CurrentMisses;
use crate::clock::{BootTime, WallTime};
use crate::people::{Level, Misses, UserName};

/// Time since the misses of each user, and since those of everybody.
///
/// It is measured on two clocks, and the longer time counts. The wall clock keeps running while the machine is off, but
/// may come back wrong: a board without a battery starts with an old time until the network corrects it. The time since
/// this process first saw the misses cannot be set, but restarts at zero with the process. So a clock that is set back
/// costs at most one more full wait. Nothing of this is stored, so pulling the plug and booting with an old time
/// lengthens the wait and never shortens it, even after the network has set the clock right.
#[derive(Debug, Default)]
pub struct Ages {
    in_a_row: FirstSeen<(u32, u32, WallTime)>,
    over_time: FirstSeen<Level>,
}

impl Ages {
    /// These misses of `user`, or of everybody for `None`, as they count now.
    pub fn current(
        &mut self,
        user: Option<&UserName>,
        misses: Misses,
        now: (BootTime, WallTime),
    ) -> CurrentMisses {
        let Misses { count, attacks, last_miss, level } = misses;
        CurrentMisses {
            misses,
            since_last: self.in_a_row.age(user, (count, attacks, last_miss), last_miss, now),
            level_s: level.left(self.over_time.age(user, level, level.at, now)),
        }
    }
}

/// When this process first saw what is stored of each user.
#[derive(Debug)]
struct FirstSeen<T>(BTreeMap<Option<UserName>, (T, BootTime)>);

impl<T> Default for FirstSeen<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Copy + PartialEq> FirstSeen<T> {
    /// Time since `then` by the wall clock, or since `stored` was first seen, whichever is longer.
    fn age(
        &mut self,
        user: Option<&UserName>,
        stored: T,
        then: WallTime,
        now: (BootTime, WallTime),
    ) -> Duration {
        let (boot, wall) = now;
        let seen = self.0.entry(user.cloned()).or_insert((stored, boot));
        if seen.0 != stored {
            *seen = (stored, boot);
        }
        Duration::from_secs(wall.0.saturating_sub(then.0)).max(boot.since(seen.1))
    }
}
