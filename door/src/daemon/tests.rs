//! With a whole daemon: networks, judge and socket are real.

use super::*;
use crate::grant::{Grant, Read};
use facelatch::clock::Clock;
use facelatch::serve::peer::Role;
use facelatch_testkit::stage::{ALICE, BOB};
use facelatch_testkit::world::{PATIENCE, World};
use std::sync::mpsc::channel;

#[test]
fn a_match_comes_as_a_grant_and_nothing_else_does() {
    let world = World::new().knows_alice();
    world.called_by("facelatch-door", Role::Manager);
    let (send, events) = channel();
    let socket = world.socket.clone();
    let follower = std::thread::spawn(move || follow(&socket, |event| send.send(event).is_ok()));
    let next = || events.recv_timeout(PATIENCE).expect("an event");
    assert_eq!(next().kind, EventKind::Listening);
    for (shots, outcome) in [(BOB, Outcome::NoMatch), (ALICE, Outcome::Match)] {
        world.stage.shows(shots);
        assert_eq!(look(&world.socket), Ok(outcome));
        let event = next();
        assert_eq!(event.verdict, Some(outcome));
        match Grant::read(&event, Duration::from_secs(world.clock.wall().0)) {
            Read::Grant(grant) => assert_eq!((outcome, grant.user()), (Outcome::Match, "alice")),
            read => assert_eq!((outcome == Outcome::Match, read), (false, Read::Nothing)),
        }
    }
    drop(world);
    assert!(follower.join().expect("no panic").is_err(), "a daemon that ends is noticed");
}

#[test]
fn who_may_not_follow_events_or_look_is_told_why() {
    let world = World::new();
    world.called_by("mallory", Role::User);
    let refused = follow(&world.socket, |_| true).expect_err("no manager");
    assert!(refused.to_string().contains("the group `facelatch`"), "{refused}");
    assert!(look(&world.socket).expect_err("no manager").contains("the group `facelatch`"));
    let nobody = world.socket.with_file_name("nobody");
    assert!(look(&nobody).expect_err("no daemon").contains("nobody listens"));
}
