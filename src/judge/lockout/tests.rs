use super::*;
use crate::clock::BootTime;
use crate::head::project::SplitMix64;
use crate::people::UserName;

fn after(misses: u32, seconds: u64) -> Result<(), LockedOut> {
    let misses = Misses { count: misses, last_miss: WallTime(1000), ..Misses::default() };
    let current = CurrentMisses { misses, since_last: Duration::from_secs(seconds), level_s: 0 };
    Lockout::default().admit(Whose::User, current)
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

const FIVE: Misses =
    Misses { count: 5, attacks: 0, last_miss: WallTime(1000), level: Level { seconds: 0, at: WallTime(0) } };

fn at(boot: u64, wall: u64) -> (BootTime, WallTime) {
    (BootTime(Duration::from_secs(boot)), WallTime(wall))
}

fn asked(ages: &mut Ages, boot: u64, wall: u64) -> Result<(), LockedOut> {
    Lockout::default().admit(Whose::User, ages.current(None, FIVE, at(boot, wall)))
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
    let six = Misses { count: 6, last_miss: WallTime(31), ..Misses::default() };
    assert_eq!(asked(&mut ages, 7, 1), wait(30));
    assert_eq!(ages.current(None, six, at(37, 31)).since_last, Duration::ZERO);
    let alice = UserName::new("alice").expect("valid");
    assert_eq!(ages.current(Some(&alice), FIVE, at(37, 31)).since_last, Duration::ZERO, "of another");
}

#[test]
fn misses_over_time_leak_by_the_clock_that_went_further_and_a_match_leaves_them() {
    let full = Level { seconds: 10 * 2880, at: WallTime(1000) };
    let misses = Misses { count: 3, attacks: 0, last_miss: WallTime(1000), level: full };
    let mut ages = Ages::default();
    let mut asked = |boot, wall| {
        let current = ages.current(None, misses, at(boot, wall));
        assert_eq!(current.after_match().count, 0);
        (Lockout::default().admit(Whose::User, current), current.after_match().level)
    };
    assert_eq!(asked(5, 1000), (wait(2880), full));
    assert_eq!(asked(15, 7), (wait(2870), full), "a clock set back shortens nothing");
    assert_eq!(asked(2885, 2000), (Ok(()), full));
    assert_eq!(asked(2890, 1000 + 10 * 2880), (Ok(()), Level::default()), "nothing is left to remember");
}

/// A daemon's lockout with one user, and its time in seconds.
#[derive(Default)]
struct Site {
    user: Misses,
    all: Misses,
    ages: Ages,
    now: u64,
}

impl Site {
    fn current(&mut self, whose: Whose) -> CurrentMisses {
        let name = UserName::new("alice").ok().filter(|_| whose == Whose::User);
        let misses = if whose == Whose::User { self.user } else { self.all };
        self.ages.current(name.as_ref(), misses, at(self.now, self.now))
    }

    /// One attempt, unless it has to wait; whether it was judged. As `pipeline/misses.rs` does it.
    fn attempt(&mut self, whose: Whose, matches: bool) -> bool {
        let asked = self.current(whose);
        if Lockout::default().admit(whose, asked).is_err() {
            return false;
        }
        for limited in [Whose::User, Whose::Everybody] {
            if limited == Whose::User && whose == Whose::Everybody {
                continue;
            }
            let current = self.current(limited);
            let kept = if matches {
                current.after_match()
            } else {
                Lockout::default().after_miss(limited, limited == whose, current, WallTime(self.now))
            };
            *(if limited == Whose::User { &mut self.user } else { &mut self.all }) = kept;
        }
        true
    }
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// When a stranger who misses each allowed attempt in ten days had them; they use up the first method before the second.
/// With a `helper`, somebody enrolled matches before each of them.
fn tries(methods: &[Whose], helper: bool) -> Vec<u64> {
    let (mut site, mut tries) = (Site::default(), Vec::new());
    while site.now < 10 * DAY {
        for method in methods {
            loop {
                if helper {
                    site.attempt(*method, true);
                }
                if !site.attempt(*method, false) {
                    break;
                }
                tries.push(site.now);
            }
        }
        site.now += 6; // Divides every wait.
    }
    tries
}

const VERIFY: &[Whose] = &[Whose::User];
const IDENTIFY: &[Whose] = &[Whose::Everybody];
const BOTH: [&[Whose]; 2] = [&[Whose::Everybody, Whose::User], &[Whose::User, Whose::Everybody]];

/// At once, in the first hour, in the first day, in the second: a row of the table in SECURITY.md. And in the tenth.
fn row(methods: &[Whose], helper: bool) -> [usize; 5] {
    let tries = tries(methods, helper);
    [(0, 1), (0, HOUR), (0, DAY), (DAY, 2 * DAY), (9 * DAY, 10 * DAY)]
        .map(|(from, to)| tries.iter().filter(|at| (from..to).contains(at)).count())
}

#[test]
fn a_stranger_gets_these_tries_and_hardly_more_with_both_methods() {
    assert_eq!(row(VERIFY, false), [5, 11, 34, 16, 0], "stopped after fifty");
    assert_eq!(row(IDENTIFY, false), [5, 11, 23, 12, 0]);
    assert_eq!(row(BOTH[0], false), [10, 16, 39, 17, 0], "five more, once");
    assert_eq!(row(BOTH[1], false), [5, 12, 35, 17, 0]);
}

/// The user unlocks now and then, or an insider matches in between. Before there was a limit over time, the tries were as
/// many as the camera could take.
#[test]
fn matches_in_between_buy_no_more_than_a_days_misses() {
    assert_eq!(row(VERIFY, true), [10, 11, 39, 30, 30]);
    assert_eq!(row(IDENTIFY, true), [25, 28, 99, 75, 75]);
    assert_eq!(row(BOTH[0], true), [35, 36, 99, 75, 75], "ten sooner, and no more in a day");
    assert_eq!(row(BOTH[1], true), [25, 28, 99, 75, 75]);
}

#[test]
fn no_day_has_more_misses_than_are_set_for_it() {
    for per_day in 40..=1000 {
        let Budget { at_once, interval_s } = Budget::of(per_day);
        assert!(at_once >= 10 && at_once + DAY_S / interval_s <= per_day.into(), "{per_day}");
    }
}

#[test]
fn whoever_misses_now_and_then_never_waits() {
    let mut random = SplitMix64(15);
    let mut missed = |share: usize| random.below(share) == 0;
    let (mut desk, mut door) = (Site::default(), Site::default());
    for second in (0..365 * DAY).step_by(12 * 60) {
        // Sixty unlocks a day, one of a hundred missed.
        desk.now = second;
        if (6 * HOUR..18 * HOUR).contains(&(second % DAY)) {
            assert!(desk.attempt(Whose::User, !missed(100)), "second {second}");
        }
        // A hundred people who come and go four times a day, and ten visitors who try twice.
        door.now = second;
        let judged = (0..4).all(|_| door.attempt(Whose::Everybody, !missed(100)));
        let visitor = !missed(12) || (0..2).all(|_| door.attempt(Whose::Everybody, false));
        assert!(judged && visitor, "second {second}");
    }
}

#[test]
fn misses_of_verifications_make_identification_wait_and_never_stop_it() {
    let (lockout, mut ages, mut misses) = (Lockout::default(), Ages::default(), Misses::default());
    for _ in 0..1000 {
        let current = ages.current(None, misses, at(0, 0));
        misses = lockout.after_miss(Whose::Everybody, false, current, WallTime(0));
    }
    let in_a_row = ages.current(None, misses, at(0, 0));
    assert_eq!((lockout.admit(Whose::Everybody, in_a_row), misses.count), (wait(11 * 1152), 49));
    let over_time = Misses { count: 0, ..misses };
    let current = ages.current(None, over_time, at(0, 11 * 1152));
    assert_eq!(lockout.admit(Whose::Everybody, current), Ok(()), "three and a half hours");
}

/// After so many misses and attacks in a row, the last of them just now.
fn after_both(count: u32, attacks: u32) -> Result<(), LockedOut> {
    let misses = Misses { count, attacks, last_miss: WallTime(1000), ..Misses::default() };
    let current = CurrentMisses { misses, since_last: Duration::ZERO, level_s: 0 };
    Lockout::default().admit(Whose::User, current)
}

#[test]
fn ten_attacks_and_misses_in_a_row_are_free_and_each_more_doubles_the_wait() {
    assert_eq!((after_both(0, 9), after_both(4, 5)), (Ok(()), Ok(())));
    assert_eq!((after_both(0, 10), after_both(4, 6)), (wait(30), wait(30)));
    assert_eq!(after_both(0, 12), wait(120));
    assert_eq!(after_both(5, 0), wait(30), "five misses are as many as ever");
    assert_eq!((after_both(0, 49), after_both(0, 50), after_both(25, 25)), (wait(3600), STOPPED, STOPPED));
}

const STOPPED: Result<(), LockedOut> = Err(LockedOut::Stopped);

#[test]
fn an_attack_counts_by_itself_and_fills_the_bucket_as_a_miss_does() {
    let lockout = Lockout::default();
    let (mut ages, mut misses) = (Ages::default(), Misses::default());
    for second in 0..10 {
        let current = ages.current(None, misses, at(second, 1000));
        assert_eq!(lockout.admit(Whose::User, current), Ok(()));
        misses = lockout.after_attack(Whose::User, true, current, WallTime(1000));
        if second == 4 {
            let current = ages.current(None, misses, at(second, 1000));
            misses = current.after_match();
            assert_eq!((misses.count, misses.attacks), (0, 0));
        }
    }
    assert_eq!((misses.count, misses.attacks), (0, 5));
    let full = ages.current(None, misses, at(10, 1000));
    assert!(lockout.admit(Whose::User, full).is_err(), "a match in between buys no more");
}

#[test]
fn attacks_on_one_user_make_identifications_wait_and_never_stop_them() {
    let lockout = Lockout::default();
    for (count, attacks) in [(0, 49), (49, 0), (30, 19), (60, 0)] {
        let misses = Misses { count, attacks, ..Misses::default() };
        let current = CurrentMisses { misses, since_last: Duration::ZERO, level_s: 0 };
        let after = [
            lockout.after_attack(Whose::Everybody, false, current, WallTime(1)),
            lockout.after_miss(Whose::Everybody, false, current, WallTime(1)),
        ];
        assert!(
            after.iter().all(|after| (after.count, after.attacks) == (count, attacks)),
            "{count} {attacks}"
        );
    }
}

/// When somebody who guesses PINs as fast as they may had their tries in ten days. With `others`, somebody's right PIN comes
/// right before each of them.
fn guesses(others: bool) -> Vec<u64> {
    let (lockout, mut ages, mut misses, mut tries) =
        (Lockout::default(), Ages::default(), Misses::default(), Vec::new());
    // Divides every wait.
    for now in (0..10 * DAY).step_by(30) {
        loop {
            let current = ages.current(None, misses, at(now, now));
            if others && lockout.admit(Whose::User, current).is_ok() {
                misses = current.after_anybodys_match();
            }
            let current = ages.current(None, misses, at(now, now));
            if lockout.admit(Whose::User, current).is_err() {
                break;
            }
            misses = lockout.after_miss(Whose::User, true, current, WallTime(now));
            tries.push(now);
        }
    }
    tries
}

/// The table of PINs in SECURITY.md.
#[test]
fn whoever_guesses_pins_gets_these_tries_and_no_more_by_the_right_ones_of_others() {
    let row = |others| {
        let tries = guesses(others);
        [(0, 1), (0, HOUR), (0, DAY), (DAY, 2 * DAY), (9 * DAY, 10 * DAY)]
            .map(|(from, to)| tries.iter().filter(|at| (from..to).contains(at)).count())
    };
    assert_eq!(row(false), [5, 11, 34, 16, 0], "stopped after fifty");
    assert_eq!(row(true), [5, 11, 34, 33, 33], "the hourly tries are forgotten in between");
}

/// Somebody who waits until all is forgotten gets one try each time, and the right PINs of others end the count.
#[test]
fn a_patient_guesser_has_thirty_tries_a_day() {
    let (lockout, mut ages, mut misses, mut tries) =
        (Lockout::default(), Ages::default(), Misses::default(), 0);
    for now in (0..DAY).step_by(30) {
        let current = ages.current(None, misses, at(now, now));
        misses = current.after_anybodys_match();
        let current = ages.current(None, misses, at(now, now));
        if misses == Misses::default() {
            assert_eq!(lockout.admit(Whose::User, current), Ok(()));
            misses = lockout.after_miss(Whose::User, true, current, WallTime(now));
            tries += 1;
        }
    }
    assert_eq!(tries, 30);
}

/// Twenty people who come in four times a day and mistype one PIN in fifty.
#[test]
fn whoever_mistypes_a_pin_now_and_then_never_waits() {
    let (lockout, mut ages, mut misses) = (Lockout::default(), Ages::default(), Misses::default());
    let mut random = SplitMix64(16);
    for now in (0..365 * DAY).step_by(18 * 60) {
        let mistyped = random.below(50) == 0;
        for wrong in [true, false] {
            let current = ages.current(None, misses, at(now, now));
            assert_eq!(lockout.admit(Whose::User, current), Ok(()), "second {now}");
            misses = match (wrong, mistyped) {
                (true, true) => lockout.after_miss(Whose::User, true, current, WallTime(now)),
                (true, false) => misses,
                (false, _) => current.after_anybodys_match(),
            };
        }
    }
}
