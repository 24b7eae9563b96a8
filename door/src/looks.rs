//! When the daemon is asked to look: while the trigger is active or somebody stands there, less often the less it helps.
//! No clock and no I/O.

use std::time::Duration;

use facelatch_wire::{Kind, Outcome};

use crate::clock::Moment;

/// The wait after the first look that did not help; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The wait while a face is seen that cannot be judged yet: the person is on their way.
const SOON: Duration = Duration::from_millis(300);

/// The wait where only time helps: too many misses, no daemon, no camera.
const LATER: Duration = Duration::from_secs(10);

/// Looks for somebody who stands there and is not recognised end after this, unless the trigger is still active.
const VISIT: Duration = Duration::from_secs(60);

/// After this long without a look, the next is like the first.
const FORGOTTEN: Duration = Duration::from_secs(120);

/// Looks at one door.
#[derive(Debug, Default)]
pub struct Looks {
    trigger_is_active: bool,
    /// Since when somebody is thought to be there.
    visit: Option<Moment>,
    is_looking: bool,
    /// A look has ended since the trigger became active, and saw nobody.
    saw_nobody: bool,
    not_before: Moment,
    last: Moment,
    /// Looks in a row that did not help.
    in_vain: u32,
}

impl Looks {
    /// What the trigger's line says.
    pub fn trigger(&mut self, is_active: bool, now: Moment) {
        let began = is_active && !self.trigger_is_active;
        self.trigger_is_active = is_active;
        if began {
            (self.visit, self.saw_nobody) = (Some(now), false);
        } else if !is_active && !self.is_looking && self.saw_nobody {
            self.visit = None;
        }
    }

    /// Whether to look now; then a look is under way until [`Looks::ended`].
    pub fn begin(&mut self, now: Moment) -> bool {
        if self.visit.is_none() || self.is_looking || now < self.not_before {
            return false;
        }
        if now.since(self.last) >= FORGOTTEN {
            self.in_vain = 0;
        }
        self.is_looking = true;
        true
    }

    /// When [`Looks::begin`] may be true next, unless something happens before.
    pub fn next(&self) -> Option<Moment> {
        (self.visit.is_some() && !self.is_looking).then_some(self.not_before)
    }

    /// How the look ended; `None`: there was no reply.
    pub fn ended(&mut self, outcome: Option<Outcome>, now: Moment) {
        self.is_looking = false;
        self.last = now;
        let kind = outcome.map(Outcome::kind);
        let (stays, wait) = match kind {
            Some(Kind::Match) => {
                self.in_vain = 0;
                (false, SOON)
            }
            Some(Kind::Retry) if outcome != Some(Outcome::NoFace) => (true, SOON),
            // A miss costs everybody one of the few that are free before the lockout.
            Some(Kind::Denied) => (true, self.wait_longer()),
            Some(Kind::Retry) => (false, self.wait_longer()),
            _ => (false, LATER),
        };
        self.not_before = now.after(wait);
        self.saw_nobody = !stays;
        let is_over = self.visit.is_none_or(|since| now.since(since) >= VISIT);
        if self.trigger_is_active {
            // A match is enough for one visit: the next needs the trigger to go off and on again.
            self.visit = (kind != Some(Kind::Match)).then_some(now);
        } else if !stays || is_over {
            self.visit = None;
        }
    }

    fn wait_longer(&mut self) -> Duration {
        let wait = FIRST_WAIT.saturating_mul(1 << self.in_vain.min(6));
        self.in_vain = self.in_vain.saturating_add(1);
        wait.min(LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    /// When it looks, with a trigger that is active for that long from 0 on and looks that take no time.
    fn times(active_ms: u64, until_ms: u64, outcome: impl Fn(u64) -> Option<Outcome>) -> Vec<u64> {
        let mut looks = Looks::default();
        let mut times = Vec::new();
        looks.trigger(true, at(0));
        for ms in (0..=until_ms).step_by(100) {
            if ms == active_ms {
                looks.trigger(false, at(ms));
            }
            if looks.begin(at(ms)) {
                assert!(!looks.begin(at(ms)), "one at a time");
                times.push(ms);
                looks.ended(outcome(ms), at(ms));
            }
        }
        times
    }

    #[test]
    fn a_press_of_the_button_is_one_look_where_nobody_stands() {
        assert_eq!(times(200, 100_000, |_| Some(Outcome::NoFace)), [0]);
        assert_eq!(times(200, 100_000, |_| Some(Outcome::Match)), [0]);
        assert_eq!(times(200, 100_000, |_| None), [0]);
        assert_eq!(times(200, 100_000, |_| Some(Outcome::CameraUnavailable)), [0]);
    }

    #[test]
    fn it_looks_on_while_a_face_is_seen_and_stops_when_it_is_gone_or_after_a_minute() {
        let comes_closer = |ms| Some(if ms < 1000 { Outcome::TooFar } else { Outcome::Match });
        assert_eq!(times(200, 100_000, comes_closer), [0, 300, 600, 900, 1200]);
        let goes = |ms| Some(if ms < 1000 { Outcome::TurnedAway } else { Outcome::NoFace });
        assert_eq!(times(200, 100_000, goes), [0, 300, 600, 900, 1200]);
        let last = times(200, 300_000, |_| Some(Outcome::TooFar)).last().copied();
        assert_eq!(last, Some(60_000));
    }

    #[test]
    fn a_stranger_gets_fewer_and_fewer_looks() {
        let miss = |_| Some(Outcome::NoMatch);
        assert_eq!(times(200, 300_000, miss), [0, 1000, 3000, 7000, 15_000, 31_000, 63_000]);
        // However long the sensor sees them, at most one a minute.
        let long = times(u64::MAX, 600_000, miss);
        assert_eq!(long[..8], [0, 1000, 3000, 7000, 15_000, 31_000, 63_000, 123_000]);
        assert_eq!(long.len(), 15);
    }

    #[test]
    fn a_press_does_not_shorten_the_wait_and_minutes_without_a_look_end_it() {
        let mut looks = Looks::default();
        let mut press = |ms| {
            looks.trigger(true, at(ms));
            let began = looks.begin(at(ms));
            looks.trigger(false, at(ms));
            if began {
                looks.ended(Some(Outcome::NoFace), at(ms));
            }
            began
        };
        assert_eq!(
            [press(0), press(500), press(1000), press(2000), press(3000)],
            [true, false, true, false, true]
        );
        assert_eq!([press(6999), press(7000)], [false, true]);
        assert_eq!([press(200_000), press(201_000)], [true, true]);
    }

    #[test]
    fn an_active_sensor_looks_again_for_who_is_not_there_yet_and_once_for_who_is_let_in() {
        let arrives = |ms| Some(if ms < 3000 { Outcome::NoFace } else { Outcome::Match });
        assert_eq!(times(60_000, 100_000, arrives), [0, 1000, 3000]);
        assert_eq!(
            times(60_000, 65_000, |_| Some(Outcome::Wait)),
            [0, 10_000, 20_000, 30_000, 40_000, 50_000]
        );
    }
}
