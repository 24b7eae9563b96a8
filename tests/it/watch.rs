//! Watching a camera: an empty room says nothing and costs no look for faces, and whoever comes is told of.

use std::time::Duration;

use facelatch::config::{Camera, Config, Millis};
use facelatch::serve::peer::Role;
use facelatch_wire::call::{Attach, Status, Verify, Watch};
use facelatch_wire::reply::{CameraState, DoorPlace, Seen};
use facelatch_wire::{Client, ClientError, Fault, Outcome};

use facelatch_testkit::spoil::Spoil;
use facelatch_testkit::stage::{ALICE, Shot};
use facelatch_testkit::world::{World, until};

/// A dark corridor, whose noise differs from frame to frame.
const EMPTY: &[Shot] = &[
    Shot::Spoilt("black.jpg", Spoil::Noisy(9)),
    Shot::Spoilt("black.jpg", Spoil::Noisy(11)),
    Shot::Spoilt("black.jpg", Spoil::Noisy(10)),
];
const FAR: &[Shot] = &[Shot::Show("far.jpg")];
const PERSON: &[Shot] = &[Shot::Show("obama-3.jpg"), Shot::Show("obama-3b.jpg")];

/// A client that watches, and was told so.
fn watcher(world: &World) -> Client {
    let mut client = world.client();
    client.start(&Watch { door: None }, true).expect("sent");
    assert_eq!(next(&mut client), Seen::Watching);
    client
}

fn next(client: &mut Client) -> Seen {
    client.receive::<Watch>().expect("something").reply.seen
}

/// Waits for so many more glances.
fn glances(world: &World, count: usize) {
    let before = world.stage.taken().1;
    until(|| (world.stage.taken().1 >= before + count).then_some(()));
}

/// A daemon before an empty corridor, and the connection that has attached its door.
fn corridor(change: impl FnOnce(&mut Config)) -> (World, Client) {
    let world = World::with(change);
    world.stage.shows(EMPTY);
    let mut doors = world.client();
    doors.call(&Attach { doors: vec![DoorPlace { name: "front".into(), camera: None }] }).expect("attached");
    (world, doors)
}

#[test]
fn an_empty_room_is_only_glanced_at_and_a_person_is_told_of() {
    let (world, _doors) = corridor(|_| {});
    world.called_by("door", Role::Door);
    let mut client = watcher(&world);
    glances(&world, 40);
    assert_eq!(world.stage.taken().0, 0, "no detector in an empty room");
    // Something moves, and its face is too small to be judged.
    world.stage.shows(FAR);
    until(|| (world.stage.taken().0 > 0).then_some(()));
    glances(&world, 40);
    let looks = world.stage.taken().0;
    glances(&world, 10);
    assert_eq!(world.stage.taken().0, looks, "it has stopped moving");
    assert!(client.take_message().expect("connected").is_none(), "nobody is told of it");
    world.stage.shows(PERSON);
    assert_eq!(next(&mut client), Seen::Face);
    assert!(world.tape.opened_for().is_empty(), "nothing is judged");
}

#[test]
fn the_camera_is_open_while_somebody_watches_and_closed_when_the_last_has_gone() {
    let (world, _doors) = corridor(|config| config.camera.idle_close_ms = Millis(0));
    let world = world.knows_alice();
    until(|| (world.stage.closed() > 0).then_some(()));
    world.stage.shows(EMPTY);
    let (mut one, two) = (watcher(&world), watcher(&world));
    glances(&world, 5);
    let closed = world.stage.closed();
    drop(two);
    glances(&world, 10);
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match), "an attempt goes first");
    world.stage.shows(PERSON);
    assert_eq!(next(&mut one), Seen::Face);
    glances(&world, 10);
    assert_eq!(world.stage.closed(), closed);
    drop(one);
    until(|| (world.stage.closed() > closed).then_some(()));
    let taken = world.stage.taken();
    world.ask(&Status {}).expect("status");
    assert_eq!(world.stage.taken(), taken, "and nobody looks");
}

#[test]
fn two_who_watch_share_the_glances_and_both_are_told() {
    let (world, _doors) = corridor(|_| {});
    let mut both = [watcher(&world), watcher(&world)];
    glances(&world, 10);
    world.stage.shows(PERSON);
    for client in &mut both {
        assert_eq!(next(client), Seen::Face);
    }
}

#[test]
fn a_camera_that_is_missing_is_in_the_status_and_watched_again_when_it_is_back() {
    let (world, _doors) = corridor(|_| {});
    let mut client = watcher(&world);
    let state = || world.ask(&Status {}).expect("status").camera.state;
    world.stage.shows(&[Shot::Unplugged]);
    until(|| (world.stage.missed() > 0).then_some(()));
    until(|| (state() == CameraState::Unavailable).then_some(()));
    world.stage.shows(EMPTY);
    // Who asks all the time leaves the daemon no idle moment: the next glance is one between two jobs.
    let state = || {
        world.clock.forward(Duration::from_millis(100));
        state()
    };
    until(|| (state() == CameraState::Ready).then_some(()));
    glances(&world, 10);
    world.stage.shows(PERSON);
    assert_eq!(next(&mut client), Seen::Face);
}

#[test]
fn only_doors_and_managers_may_watch_and_only_a_door_that_is_there() {
    let (world, _doors) = corridor(|_| {});
    world.called_by("eve", Role::User);
    let mut client = world.client();
    client.start(&Watch { door: None }, true).expect("sent");
    let refused = client.receive::<Watch>();
    assert!(matches!(refused, Err(ClientError::Refused(Fault::PermissionDenied { .. }))), "{refused:?}");
    world.called_by("door", Role::Door);
    let mut client = world.client();
    client.start(&Watch { door: Some("back".into()) }, true).expect("sent");
    let refused = client.receive::<Watch>();
    assert!(matches!(refused, Err(ClientError::Refused(Fault::NotFound { .. }))), "{refused:?}");
    assert_eq!(world.stage.taken(), (0, 0));
}

#[test]
fn attempts_one_after_another_leave_time_for_a_glance_between_them() {
    let world = World::with(|config| {
        config.camera.name = "desk".into();
        config.other_cameras = vec![Camera { name: "porch".into(), ..Camera::default() }];
        // Which is also how long the second one waits for its turn, by the system's clock.
        config.decision.deadline_ms = Millis(60_000);
    });
    let world = world.knows_alice();
    world.second.shows(EMPTY);
    let mut doors = world.client();
    let place = DoorPlace { name: "front".into(), camera: Some("porch".into()) };
    doors.call(&Attach { doors: vec![place] }).expect("attached");
    let _watcher = watcher(&world);
    until(|| (world.second.taken().1 > 0).then_some(()));
    world.stage.shows(&[Shot::Hold]);
    let asks = || {
        let mut client = world.client();
        client.start(&Verify { user: Some("alice".into()), ..Verify::default() }, false).expect("sent");
        client
    };
    let mut first = asks();
    world.stage.wait_until_held();
    let _second = asks();
    // Answered after it is in the queue, most likely; if not, this test sees less.
    (0..100).for_each(|_| drop(world.ask(&Status {}).expect("status")));
    let before = world.second.taken().1;
    world.clock.forward(Duration::from_secs(1));
    world.stage.let_go();
    first.receive::<Verify>().expect("a verdict");
    world.stage.wait_until_held();
    assert!(world.second.taken().1 > before, "the next attempt has begun");
}
