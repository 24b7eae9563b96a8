//! The rate limits on misses. In a row: NIST SP 800-63B, section 5.2.3: five misses, or ten where some of them are
//! presentations that were refused as attacks, before anything was compared.
//! Over time: a leaky bucket beside it, because a match ends the count in a row, and the match may be an insider's own.
//!
//! Each user has both limits, for verifications of this user. Everybody together has both, for identifications, and a miss
//! of a verification counts there as well: whoever may use both methods gets no more tries by taking turns. A miss of an
//! identification counts with no user, since anybody before the camera could then lock out whoever looks most like them.

mod ages;

use std::time::Duration;

use crate::clock::WallTime;
use crate::people::{Level, Misses};

pub use crate::config::Lockout;
pub use ages::Ages;

const DAY_S: u64 = 86_400;

/// No attempt is judged, because of earlier misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockedOut {
    /// The next attempt counts after this time.
    Wait(Duration),
    /// Until the count is reset, after another factor.
    Stopped,
}

/// Whose misses a limit is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// One user's; they limit verifications of this user.
    User,
    /// Everybody's; they limit identifications.
    Everybody,
}

/// Misses as they count at one moment; from [`Ages::current`].
#[derive(Debug, Clone, Copy)]
pub struct CurrentMisses {
    misses: Misses,
    /// Time since the last miss.
    since_last: Duration,
    /// Seconds until the level of misses over time is zero.
    level_s: u64,
}

impl CurrentMisses {
    /// What to keep after a match: it ends the count in a row, and leaves the level as it is.
    pub fn after_match(self) -> Misses {
        let level = if self.level_s == 0 { Level::default() } else { self.misses.level };
        Misses { level, ..Misses::default() }
    }

    /// What to keep after a match of somebody, where nobody knows whose the misses were, as with PINs. It ends the count in a row
    /// only once time has emptied the level: else whoever guesses had their tries back each time that somebody else comes in.
    pub fn after_anybodys_match(self) -> Misses {
        if self.level_s == 0 { Misses::default() } else { self.misses }
    }
}

impl Lockout {
    /// Whether an attempt may be judged now. Asked before the camera opens.
    ///
    /// # Errors
    /// [`LockedOut`] after too many misses.
    pub fn admit(&self, whose: Whose, current: CurrentMisses) -> Result<(), LockedOut> {
        let CurrentMisses { misses, since_last, level_s } = current;
        let all = misses.count.saturating_add(misses.attacks);
        if all >= self.stop_at {
            return Err(LockedOut::Stopped);
        }
        let of_misses = self.wait_after(whose, misses.count, self.free_misses);
        let of_all = self.wait_after(whose, all, self.free_attacks);
        let in_a_row = of_misses.max(of_all).saturating_sub(since_last);
        match in_a_row.max(self.budget(whose).wait(level_s)) {
            Duration::ZERO => Ok(()),
            left => Err(LockedOut::Wait(left)),
        }
    }

    /// What to keep after a miss at `wall`. `own` is whether the limit is on the attempts that this was one of; if not,
    /// the miss makes them wait and never stops them.
    pub fn after_miss(&self, whose: Whose, own: bool, current: CurrentMisses, wall: WallTime) -> Misses {
        let count = self.one_more(current.misses.count, own, current);
        Misses {
            count,
            attacks: current.misses.attacks,
            last_miss: wall,
            level: self.raised(whose, current, wall),
        }
    }

    /// The same after a presentation that was refused as an attack.
    pub fn after_attack(&self, whose: Whose, own: bool, current: CurrentMisses, wall: WallTime) -> Misses {
        let attacks = self.one_more(current.misses.attacks, own, current);
        Misses {
            count: current.misses.count,
            attacks,
            last_miss: wall,
            level: self.raised(whose, current, wall),
        }
    }

    /// One of the two counts of `current` and one more, but if not `own` no more than what does not stop everything.
    fn one_more(&self, count: u32, own: bool, current: CurrentMisses) -> u32 {
        let all = current.misses.count.saturating_add(current.misses.attacks);
        if own || all < self.stop_at.saturating_sub(1) { count.saturating_add(1) } else { count }
    }

    fn raised(&self, whose: Whose, current: CurrentMisses, wall: WallTime) -> Level {
        let (user, here) = (self.budget(Whose::User), self.budget(whose));
        // Verifications are judged when everybody's bucket is full, and must be paid for before the next identification.
        let highest = (here.at_once + user.at_once) * here.interval_s;
        Level { seconds: (current.level_s + here.interval_s).min(highest), at: wall }
    }

    /// The full wait after `misses` in a row, of which `free` cost nothing.
    fn wait_after(&self, whose: Whose, misses: u32, free: u32) -> Duration {
        let Some(beyond) = misses.checked_sub(free) else {
            return Duration::ZERO;
        };
        let longest = match whose {
            Whose::User => self.longest_wait_s.duration(),
            // As long as two verifications: else each of them could be followed by an identification.
            Whose::Everybody => self.longest_wait_s.duration() * 2,
        };
        let factor = 2_u32.checked_pow(beyond).unwrap_or(u32::MAX);
        self.first_wait_s.duration().saturating_mul(factor).min(longest)
    }

    fn budget(&self, whose: Whose) -> Budget {
        Budget::of(match whose {
            Whose::User => self.user_misses_per_day,
            Whose::Everybody => self.all_misses_per_day,
        })
    }
}

/// How many misses a leaky bucket takes.
#[derive(Debug, Clone, Copy)]
struct Budget {
    /// Misses that it holds.
    at_once: u64,
    /// Seconds in which one of them leaks away.
    interval_s: u64,
}

impl Budget {
    /// A quarter of a day's misses may come at once, the others as time goes by. So no day, whenever it begins, has more.
    fn of(per_day: u32) -> Self {
        let per_day = u64::from(per_day.max(4));
        let at_once = per_day / 4;
        Self { at_once, interval_s: DAY_S.div_ceil(per_day - at_once) }
    }

    /// Time until there is room for one more miss.
    fn wait(self, level_s: u64) -> Duration {
        Duration::from_secs(level_s.saturating_sub((self.at_once - 1) * self.interval_s))
    }
}

#[cfg(test)]
mod tests;
