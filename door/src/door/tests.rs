use super::*;
use crate::config::Config;
use crate::grant::Read;
use facelatch_wire::Outcome;
use facelatch_wire::reply::{Event, EventKind};
use std::path::Path;

const PULSE: u64 = 3000;
const REARM: u64 = 2000;
const HELD: u64 = 30_000;

fn at(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}

fn door(contact: bool) -> Door {
    let mut text = "[[door]]\nname = \"front\"\n[door.strike]\nline = \"A\"\n".to_owned();
    if contact {
        text += "[door.contact]\nline = \"B\"\n";
    }
    let config = Config::parse(Path::new("door.toml"), &text).expect("a door");
    let mut door = Door::new(&config.door[0]);
    door.strike(true);
    if contact {
        assert_eq!(door.input(Role::Contact, &LineState::There(true), at(0)), [Act::Tell(News::Closed)]);
    }
    door
}

fn grant() -> Grant {
    let (kind, verdict) = (EventKind::Identify, Some(Outcome::Match));
    let event = Event { kind, verdict, user: Some("alice".into()), ..Event::default() };
    match Grant::read(&event, Duration::ZERO) {
        Read::Grant(grant) => grant,
        other => panic!("{other:?}"),
    }
}

fn unlocked() -> Vec<Act> {
    vec![Act::Open, Act::Tell(News::Granted("alice".into()))]
}

fn stays_locked(why: Why) -> Vec<Act> {
    vec![Act::Tell(News::Refused("alice".into(), why))]
}

fn locked() -> Vec<Act> {
    vec![Act::Tell(News::Locked)]
}

fn contact(door: &mut Door, closed: bool, ms: u64) -> Vec<Act> {
    door.input(Role::Contact, &LineState::Edge(closed), at(ms))
}

fn exit(door: &mut Door, ms: u64) -> Vec<Act> {
    door.input(Role::Exit, &LineState::Edge(true), at(ms))
}

#[test]
fn a_grant_opens_once_and_the_next_one_after_the_wait() {
    let mut door = door(false);
    assert_eq!(door.grant(grant(), at(0)), unlocked());
    assert_eq!(door.next(), Some(at(PULSE)));
    assert_eq!(door.grant(grant(), at(1000)), [Act::Tell(News::LeftOpenFor("alice".into()))]);
    assert_eq!((door.tick(at(PULSE)), door.next()), (locked(), None));
    assert_eq!(door.grant(grant(), at(PULSE + REARM - 1)), stays_locked(Why::Rearm));
    assert_eq!(door.grant(grant(), at(PULSE + REARM)), unlocked());
}

#[test]
fn a_door_that_was_opened_and_closed_is_locked_at_once() {
    let mut door = door(true);
    assert_eq!(door.grant(grant(), at(0)), unlocked());
    assert_eq!(contact(&mut door, false, 500), [Act::Tell(News::Opened)]);
    let closed = [Act::Tell(News::Closed), Act::Lock, Act::Tell(News::Locked)];
    assert_eq!(contact(&mut door, true, 1500), closed);
    // The wait begins here, not where the pulse would have ended.
    assert_eq!(door.grant(grant(), at(1499 + REARM)), stays_locked(Why::Rearm));
    assert_eq!(contact(&mut door, false, 1600 + 1000), [Act::Tell(News::Forced)], "whoever was let in is in");
}

#[test]
fn a_door_that_is_opened_without_leave_is_forced() {
    let mut door = door(true);
    assert_eq!(contact(&mut door, false, 10), [Act::Tell(News::Forced)]);
    assert_eq!(contact(&mut door, true, 20), [Act::Tell(News::Closed)]);
    assert_eq!(exit(&mut door, 1000), [Act::Open, Act::Tell(News::Exit)]);
    assert_eq!(door.tick(at(1000 + PULSE)), locked());
    assert_eq!(contact(&mut door, false, 2000 + PULSE), [Act::Tell(News::Opened)], "within the grace");
    assert_eq!(contact(&mut door, true, 2100 + PULSE), [Act::Tell(News::Closed)]);
    assert_eq!(contact(&mut door, false, 2200 + PULSE), [Act::Tell(News::Forced)]);
}

#[test]
fn a_door_that_stands_open_is_told_once() {
    let mut door = door(true);
    door.grant(grant(), at(0));
    contact(&mut door, false, 100);
    door.tick(at(PULSE));
    assert_eq!(door.next(), Some(at(100 + HELD)));
    assert!(door.tick(at(99 + HELD)).is_empty());
    assert_eq!(door.tick(at(100 + HELD)), [Act::Tell(News::Held)]);
    assert!(door.tick(at(200 + HELD)).is_empty() && door.next().is_none());
    assert_eq!(contact(&mut door, true, 300 + HELD), [Act::Tell(News::Closed)]);
}

#[test]
fn the_exit_button_opens_whatever_else_is_wrong() {
    let mut door = door(true);
    door.input(Role::Contact, &LineState::Lost("cut".into()), at(0));
    assert_eq!(door.grant(grant(), at(10)), stays_locked(Why::NoContact));
    assert_eq!(exit(&mut door, 20), [Act::Open, Act::Tell(News::Exit)]);
    assert_eq!(exit(&mut door, 30), [Act::Tell(News::Exit)], "a second press makes no pulse longer");
    door.tick(at(20 + PULSE));
    assert_eq!(exit(&mut door, 21 + PULSE), [Act::Open, Act::Tell(News::Exit)], "no wait for who leaves");
    door.strike(false);
    assert_eq!(exit(&mut door, 60_000), [Act::Tell(News::ExitFailed)]);
    assert_eq!(door.grant(grant(), at(60_000)), stays_locked(Why::NoStrike));
}

#[test]
fn a_button_that_is_stuck_or_comes_back_opens_nothing() {
    let mut door = door(true);
    for state in [LineState::There(true), LineState::Edge(false), LineState::Lost("gone".into())] {
        assert_eq!(door.input(Role::Exit, &state, at(0)), [], "{state:?}");
    }
}

#[test]
fn a_contact_that_comes_back_raises_no_alarm_but_its_time_counts() {
    let mut door = door(true);
    door.input(Role::Contact, &LineState::Lost("cut".into()), at(0));
    let back = door.input(Role::Contact, &LineState::There(false), at(1000));
    assert_eq!(back, [Act::Tell(News::Opened)]);
    assert_eq!(door.tick(at(1000 + HELD)), [Act::Tell(News::Held)]);
}

#[test]
fn tampering_is_told_at_its_beginning_and_end() {
    let mut door = door(false);
    let mut tamper = |state| door.input(Role::Tamper, &state, at(0));
    assert_eq!(tamper(LineState::There(false)), []);
    assert_eq!(tamper(LineState::Edge(true)), [Act::Tell(News::Tampered)]);
    assert_eq!(tamper(LineState::There(true)), [], "still");
    assert_eq!(tamper(LineState::Edge(false)), [Act::Tell(News::TamperOver)]);
}
