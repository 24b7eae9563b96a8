//! After a screen was locked, no face counts for a moment: whoever locked it still sits before the camera, and a machine that
//! is about to sleep locks its screen just before. Known only of lockers that start with the lock.

use std::thread;
use std::time::Duration;

use facelatch_wire::services::Place;
use nix::time::{ClockId, clock_gettime};

use crate::seat::Seat;

/// How often somebody who waits looks whether there is still a reason to.
pub const LOOK_UP: Duration = Duration::from_millis(200);

/// The time. Replaced in tests.
pub trait Clock {
    /// Since this machine was started, asleep or awake.
    fn since_boot(&self) -> Option<Duration>;

    /// Lets time pass.
    fn sleep(&self, time: Duration);
}

/// The system's.
pub struct SystemClock;

impl Clock for SystemClock {
    fn since_boot(&self) -> Option<Duration> {
        clock_gettime(ClockId::CLOCK_BOOTTIME).ok().map(Duration::from)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that waits, and not in a test")]
    fn sleep(&self, time: Duration) {
        thread::sleep(time);
    }
}

/// Comes back when a locker may look for a face. One whose stack stands beside the password's waits until then; another does
/// not, since the password's prompt would wait too.
///
/// # Errors
/// Why it must not look.
pub fn settle(seat: &Seat, clock: &dyn Clock, place: Place, delay: Duration) -> Result<(), String> {
    let Some(now) = clock.since_boot() else { return Err("the time is not known".to_owned()) };
    let left = delay.saturating_sub(seat.age(now).unwrap_or_default());
    if left.is_zero() {
        return Ok(());
    }
    if place != Place::LockBeside {
        let seconds = delay.as_secs();
        return Err(format!("the screen was locked within {seconds} s; see lock-delay= in pam_facelatch(8)"));
    }
    let end = now.saturating_add(left);
    // Time asleep counts, so the end may be sooner than it seems.
    while let Some(left) =
        clock.since_boot().and_then(|now| end.checked_sub(now)).filter(|left| !left.is_zero())
    {
        if let Some(why) = seat.nobody_can_look() {
            return Err(why.to_owned());
        }
        clock.sleep(left.min(LOOK_UP));
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::seat::tests::machine;

    /// A clock that goes only while somebody sleeps.
    pub(crate) struct FakeClock(pub(crate) Cell<Duration>);

    impl FakeClock {
        pub(crate) fn at(seconds: u64) -> Self {
            Self(Cell::new(Duration::from_secs(seconds)))
        }
    }

    impl Clock for FakeClock {
        fn since_boot(&self) -> Option<Duration> {
            Some(self.0.get())
        }

        fn sleep(&self, time: Duration) {
            self.0.set(self.0.get() + time);
        }
    }

    /// A process that was started 100 s after the machine.
    const STARTED_AT_100: (&str, &str) =
        ("proc/self/stat", "60 (swaylock) S 1 60 50 0 60 0 0 0 0 0 0 0 0 0 20 0 1 0 10000 1 2\n");
    const DELAY: Duration = Duration::from_secs(5);

    fn settled(files: &[(&str, &str)], clock: &FakeClock, place: Place) -> Result<(), String> {
        settle(&Seat::at(machine(files).path()), clock, place, DELAY)
    }

    #[test]
    fn a_locker_that_asks_in_a_row_does_not_look_at_first_and_keeps_nobody_waiting() {
        for (at, looks) in [(100, false), (104, false), (105, true), (10_000, true)] {
            let clock = FakeClock::at(at);
            assert_eq!(settled(&[STARTED_AT_100], &clock, Place::Lock).is_ok(), looks, "at {at} s");
            assert_eq!(clock.0.get().as_secs(), at, "it waited");
        }
    }

    #[test]
    fn a_locker_beside_the_password_waits() {
        let clock = FakeClock::at(102);
        assert_eq!(settled(&[STARTED_AT_100], &clock, Place::LockBeside), Ok(()));
        assert_eq!(clock.0.get(), Duration::from_secs(105));
    }

    #[test]
    fn it_stops_waiting_when_nobody_can_look() {
        let clock = FakeClock::at(102);
        let why = settled(&[STARTED_AT_100, ("run/facelatch/asleep/x", "")], &clock, Place::LockBeside);
        assert!(why.is_err_and(|why| why.contains("sleep")) && clock.0.get().as_secs() == 102);
    }

    #[test]
    fn a_process_whose_age_is_not_known_was_started_just_now() {
        let future = ("proc/self/stat", "60 (a) S 1 60 50 0 60 0 0 0 0 0 0 0 0 0 20 0 1 0 99999999 1 2\n");
        for files in [&[][..], &[("proc/self/stat", "60 (a) S 1 2\n")], &[future]] {
            assert!(settled(files, &FakeClock::at(9_999), Place::Lock).is_err(), "{files:?}");
            let clock = FakeClock::at(9_999);
            assert_eq!(settled(files, &clock, Place::LockBeside), Ok(()));
            assert_eq!(clock.0.get().as_secs(), 10_004);
        }
    }

    #[test]
    fn without_a_delay_nobody_waits() {
        let clock = FakeClock::at(100);
        let seat = Seat::at(machine(&[]).path());
        assert_eq!(settle(&seat, &clock, Place::Lock, Duration::ZERO), Ok(()));
    }

    #[test]
    fn the_age_of_a_process_is_read_from_the_kernel() {
        let now = SystemClock.since_boot().expect("a clock");
        let age = Seat::here().age(now).expect("a process");
        assert!(age < now && age < Duration::from_secs(24 * 3600), "{age:?}");
    }
}
