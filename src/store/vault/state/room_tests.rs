//! A disk without room: misses are recorded all the same, or no face is judged.

use super::crash_tests::{Op, PEOPLE, Site, held, keys, user};
use super::*;
use crate::clock::WallTime;
use crate::store::files::Disk;
use crate::store::files::tests::Fault;
use crate::store::ledger::CHECKPOINT;

fn count(state: &State, name: Option<u8>) -> u32 {
    state.misses(name.map(user).as_ref()).expect("read").count
}

fn miss(state: &mut State, name: Option<u8>) -> Result<(), StoreError> {
    let before = state.misses(name.map(user).as_ref())?;
    let misses = Misses { count: before.count + 1, last_miss: WallTime(9), ..before };
    state.set_misses(name.map(user).as_ref(), misses)
}

#[test]
fn misses_are_recorded_on_a_full_disk_and_outlive_a_power_cut() {
    let (_folder, keys) = keys();
    for seed in 0..8 {
        let site = Site::new(&keys);
        let mut state = site.open().expect("opens");
        Op::Add(1, vec![1]).run(&mut state).expect("added");
        Op::Misses(Some(2), 4).run(&mut state).expect("kept");
        site.disk.plan(1, Fault::NoRoom);
        for wanted in 1..=14 {
            state.prove_room_for_miss().expect("the room was taken in advance");
            miss(&mut state, Some(1)).expect("recorded");
            miss(&mut state, None).expect("recorded");
            assert_eq!((count(&state, Some(1)), count(&state, None)), (wanted, wanted));
        }
        // A match clears misses; it is not failed for want of room.
        Op::Misses(Some(2), 0).run(&mut state).expect("cleared");
        assert!(Op::Add(3, vec![2]).run(&mut state).is_err(), "but there is no room for templates");
        let health = state.health();
        assert_eq!(health.condition, Condition::Behind);
        assert!(health.notes.iter().any(|note| note.contains("full?")), "{health:?}");
        drop(state);
        let site = site.rebooted(seed);
        let state = site.open().expect("there is room again");
        assert_eq!((count(&state, Some(1)), count(&state, None), count(&state, Some(2))), (14, 14, 0));
        assert!(state.ledger.behind().is_empty(), "they are in the change log now");
        assert_ne!(state.findings.condition, Condition::Lossy);
        assert_eq!(held(&state, &PEOPLE).0.len(), 1);
    }
}

#[test]
fn the_power_goes_at_any_step_of_a_full_disk() {
    let (_folder, keys) = keys();
    for step in 1.. {
        let site = Site::new(&keys);
        let mut state = site.open().expect("opens");
        Op::Misses(None, 1).run(&mut state).expect("kept");
        site.disk.plan(1, Fault::NoRoom);
        miss(&mut state, None).expect("recorded");
        // Now the power goes; whether there is room no longer matters.
        site.disk.plan(step, Fault::Power);
        let done = miss(&mut state, None).is_ok();
        for seed in 0..4 {
            let state = site.rebooted(seed).open().expect("opens");
            let found = count(&state, None);
            assert!(found == 3 || (!done && found == 2), "step {step}, seed {seed}: {found}");
            assert_ne!(state.findings.condition, Condition::Lossy, "step {step}, seed {seed}");
        }
        if done {
            break;
        }
    }
}

#[test]
fn misses_that_cannot_be_written_at_all_count_and_no_further_face_is_judged() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let mut state = site.open().expect("opens");
    Op::Add(1, vec![1]).run(&mut state).expect("added");
    state.prove_room_for_miss().expect("nothing is wrong");
    site.disk.plan(1, Fault::FullForGood);
    assert!(miss(&mut state, Some(1)).is_err());
    assert_eq!(count(&state, Some(1)), 1, "it counts as long as the process lives");
    let refused = state.prove_room_for_miss().expect_err("nothing can be recorded").to_string();
    assert!(refused.contains("no face is judged") && refused.contains("disk"), "{refused}");
    assert!(state.set_misses(Some(&user(1)), state.misses(Some(&user(1))).expect("read")).is_err());
    assert_eq!(state.health().condition, Condition::Behind);
    site.disk.mend();
    state.prove_room_for_miss().expect("it can be written again");
    assert_eq!(state.health().condition, Condition::Whole);
    drop(state);
    assert_eq!(count(&site.rebooted(1).open().expect("opens"), Some(1)), 1);
}

#[test]
fn a_read_only_disk_is_noticed_before_a_face_is_judged() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let mut state = site.open().expect("opens");
    site.disk.plan(1, Fault::FullForGood);
    assert!(matches!(state.prove_room_for_miss(), Err(StoreError::NoRoomForMiss { .. })));
}

#[test]
fn room_for_misses_ends_before_an_attempt_and_not_within_it() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let mut state = site.open().expect("opens");
    site.disk.plan(1, Fault::NoRoom);
    let name = |n: u32| UserName::new(&format!("person{n}")).expect("valid");
    let one = Misses { count: 1, last_miss: WallTime(9), ..Misses::default() };
    let mut people = 0;
    while state.prove_room_for_miss().is_ok() {
        state.set_misses(Some(&name(people)), one).expect("recorded");
        people += 1;
        assert!(people < 10_000, "it ends");
    }
    assert!(people > 100, "{people} people");
    site.disk.mend();
    state.prove_room_for_miss().expect("there is room again");
    assert!((0..people).all(|n| state.misses(Some(&name(n))).expect("read") == one));
}

#[test]
fn damage_to_one_half_of_the_checkpoint_loses_no_miss() {
    let (_folder, keys) = keys();
    for at in [40, 40 + (32 << 10)] {
        let site = Site::new(&keys);
        let mut state = site.open().expect("opens");
        site.disk.plan(1, Fault::NoRoom);
        for _ in 0..3 {
            miss(&mut state, None).expect("recorded");
        }
        drop(state);
        site.disk.mend();
        site.disk.write(CHECKPOINT, at, b"rubbish").expect("written");
        let state = site.open().expect("opens");
        assert_eq!(count(&state, None), 3, "byte {at}");
    }
}

#[test]
fn a_table_that_could_not_be_written_catches_up() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let mut state = site.open().expect("opens");
    let before = site.disk.steps();
    Op::Misses(None, 1).run(&mut state).expect("kept");
    // The last step of a change is writing the table.
    let steps = site.disk.steps() - before;
    site.disk.plan(steps, Fault::Full);
    Op::Misses(None, 2).run(&mut state).expect("it is in the change log");
    assert!(!state.ledger.behind().is_empty());
    Op::Misses(None, 3).run(&mut state).expect("kept");
    assert!(state.ledger.behind().is_empty());
    drop(state);
    let state = site.open().expect("opens");
    assert_eq!((state.misses(None).expect("read").count, state.findings.condition), (3, Condition::Whole));
}
