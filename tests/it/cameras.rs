//! Several cameras: the one that is named looks, whoever is enrolled before one is known before all, and one that is missing
//! stops only those who stand before it.

use std::time::Duration;

use facelatch::config::{AttackLevel, Camera, Config, Millis};
use facelatch::serve::peer::Role;
use facelatch_wire::call::{Enroll, Events, Identify, Status, Verify};
use facelatch_wire::reply::{CameraState, Event, Judging, State};
use facelatch_wire::{Client, ClientError, Fault, Outcome};

use facelatch_testkit::infrared::Shown;
use facelatch_testkit::stage::{ALICE, ALICE_ENROLS, BOB, Shot};
use facelatch_testkit::world::{World, until};

const UNPLUGGED: &[Shot] = &[Shot::Unplugged];

/// "desk", which is the default, and "front".
fn two(config: &mut Config) {
    config.camera.name = "desk".into();
    config.other_cameras = vec![Camera { name: "front".into(), ..Camera::default() }];
}

/// Where alice is enrolled before the camera "desk".
fn world() -> World {
    World::with(two).knows_alice()
}

fn verify(world: &World, camera: Option<&str>) -> Judging {
    let camera = camera.map(str::to_owned);
    world.ask(&Verify { user: Some("alice".into()), latch: None, camera }).expect("a verdict")
}

fn identify(world: &World, camera: &str) -> Judging {
    world.ask(&Identify { camera: Some(camera.into()) }).expect("a verdict")
}

fn enroll(camera: &str) -> Enroll {
    Enroll { user: "alice".into(), camera: Some(camera.into()), ..Enroll::default() }
}

/// Each camera with its state, as the status lists them, and the state of the whole.
fn states(world: &World) -> (Vec<(String, CameraState)>, State) {
    let status = world.ask(&Status {}).expect("status");
    (status.cameras.into_iter().map(|camera| (camera.name, camera.state)).collect(), status.state)
}

fn listed(desk: CameraState, front: CameraState, state: State) -> (Vec<(String, CameraState)>, State) {
    (vec![("desk".to_owned(), desk), ("front".to_owned(), front)], state)
}

#[test]
fn the_camera_that_is_named_is_the_one_that_looks() {
    let world = world();
    world.stage.shows(ALICE);
    world.second.shows(BOB);
    for (camera, verdict) in
        [(None, Outcome::Match), (Some("desk"), Outcome::Match), (Some("front"), Outcome::NoMatch)]
    {
        assert_eq!(verify(&world, camera).verdict, Some(verdict), "{camera:?}");
    }
    assert_eq!(identify(&world, "front").verdict, Some(Outcome::NoMatch));
    world.stage.shows(BOB);
    world.second.shows(ALICE);
    let judged = identify(&world, "front");
    assert_eq!((judged.verdict, judged.user.as_deref()), (Some(Outcome::Match), Some("alice")));
    assert!(judged.picture.is_some_and(|name| name.starts_with("obama-3")));
    assert_eq!(verify(&world, None).verdict, Some(Outcome::NoMatch));
}

#[test]
fn whoever_is_enrolled_before_one_camera_is_known_before_all() {
    let world = World::with(|config| {
        two(config);
        config.attack.level = AttackLevel::Passive;
    });
    world.second.shows(ALICE_ENROLS);
    assert_eq!(world.ask(&enroll("front")).expect("enrolled").added, Some(3));
    world.stage.shows(ALICE);
    world.second.shows(ALICE);
    for camera in [None, Some("front")] {
        assert_eq!(verify(&world, camera).verdict, Some(Outcome::Match), "{camera:?}");
    }
}

#[test]
fn an_unknown_camera_is_refused_with_the_names_of_those_there_are() {
    let world = world();
    world.stage.shows(ALICE);
    let refused = |result: Result<(), ClientError>| match result {
        Err(ClientError::Refused(Fault::BadParameter { parameter, message })) => {
            assert_eq!(parameter, "camera");
            assert!(message.contains("\"back\\u{1b}\"") || message.contains("\"back?\""), "{message}");
            assert!(message.contains("known are desk, front"), "{message}");
        }
        other => panic!("must be refused: {other:?}"),
    };
    let camera = || Some("back\u{1b}".to_owned());
    refused(world.ask(&Verify { user: Some("alice".into()), latch: None, camera: camera() }).map(drop));
    refused(world.ask(&Identify { camera: camera() }).map(drop));
    refused(world.ask(&enroll("back\u{1b}")).map(drop));
}

#[test]
fn names_of_cameras_are_told_to_those_only_who_may_ask() {
    let world = world();
    world.called_by("mallory", Role::User);
    for asked in
        [world.ask(&enroll("back")).map(drop), world.ask(&Identify { camera: Some("back".into()) }).map(drop)]
    {
        assert!(matches!(asked, Err(ClientError::Refused(Fault::PermissionDenied { .. }))), "{asked:?}");
    }
}

#[test]
fn a_camera_that_is_missing_stops_only_those_before_it() {
    use CameraState::{Ready, Unavailable};
    let world = world();
    world.stage.shows(ALICE);
    world.second.shows(UNPLUGGED);
    let judged = verify(&world, Some("front"));
    assert_eq!(judged.verdict, Some(Outcome::CameraUnavailable));
    assert!(judged.message.is_some_and(|text| text.contains("second stage")));
    assert_eq!(states(&world), listed(Ready, Unavailable, State::Degraded));
    let status = world.ask(&Status {}).expect("status");
    assert_eq!((&*status.camera.name, status.camera.state), ("stage", Ready), "the default one");
    assert!(status.cameras[1].message.as_ref().is_some_and(|text| text.contains("plug it in")));
    assert_eq!(status.cameras[1].device.as_deref(), Some("second stage"));
    assert_eq!(verify(&world, None).verdict, Some(Outcome::Match));

    world.stage.shows(UNPLUGGED);
    world.second.shows(ALICE);
    until(|| (states(&world) == listed(Unavailable, Ready, State::Degraded)).then_some(()));
    assert_eq!(verify(&world, None).verdict, Some(Outcome::CameraUnavailable));
    assert_eq!(verify(&world, Some("front")).verdict, Some(Outcome::Match));
    world.stage.shows(ALICE);
    until(|| (states(&world) == listed(Ready, Ready, State::Ready)).then_some(()));
    assert_eq!(verify(&world, None).verdict, Some(Outcome::Match));
}

#[test]
fn a_daemon_whose_further_camera_was_never_there_serves_the_default_one() {
    let mut world = world();
    world.second.shows(UNPLUGGED);
    world.restart();
    world.stage.shows(ALICE);
    assert_eq!(verify(&world, None).verdict, Some(Outcome::Match));
    assert_eq!(states(&world), listed(CameraState::Ready, CameraState::Unavailable, State::Degraded));
}

#[test]
fn each_camera_is_closed_when_it_has_been_idle() {
    let world = World::with(|config| {
        two(config);
        config.camera.idle_close_ms = Millis(600_000);
        config.other_cameras[0].idle_close_ms = Millis(0);
    })
    .knows_alice();
    world.stage.shows(ALICE);
    world.second.shows(ALICE);
    for camera in [None, Some("front")] {
        assert_eq!(verify(&world, camera).verdict, Some(Outcome::Match), "{camera:?}");
    }
    until(|| (world.second.closed() > 0).then_some(()));
    assert_eq!(world.stage.closed(), 0, "it stays open for the next one");
    assert_eq!(verify(&world, Some("front")).verdict, Some(Outcome::Match), "and is opened again");
}

#[test]
fn how_to_turn_a_picture_is_told_of_the_camera_that_is_turned() {
    use facelatch_testkit::spoil::Spoil;
    let world = World::with(|config| {
        two(config);
        config.decision.deadline_ms = Millis(2000);
        config.other_cameras[0].rotate = 90;
    })
    .knows_alice();
    world.second.shows(&[Shot::Spoilt("obama-3b.jpg", Spoil::Turned(180))]);
    assert_eq!(verify(&world, Some("front")).verdict, Some(Outcome::Rotate270), "its own setting counts");
    let turned = |world: &World| {
        let notes = world.ask(&Status {}).expect("status").notes;
        notes.iter().filter(|note| note.contains("camera.rotate")).cloned().collect::<Vec<_>>()
    };
    world.stage.shows(ALICE);
    assert_eq!(verify(&world, None).verdict, Some(Outcome::Match));
    let notes = turned(&world);
    assert!(notes.len() == 1 && notes[0].contains("second stage"), "{notes:?}");
}

#[test]
fn the_infrared_camera_belongs_to_the_default_one() {
    let world = World::with(|config| {
        two(config);
        config.attack.level = AttackLevel::Passive;
        config.attack.infrared = "/dev/video2".into();
        config.decision.deadline_ms = Millis(3000);
    })
    .knows_alice();
    world.infrared.shows(Shown::Unplugged);
    world.stage.shows(ALICE);
    world.second.shows(ALICE);
    assert_eq!(verify(&world, None).verdict, Some(Outcome::CameraUnavailable));
    assert_eq!(verify(&world, Some("front")).verdict, Some(Outcome::Match));
}

/// What happens next.
fn next(events: &mut Client) -> Event {
    events.receive::<Events>().expect("an event").reply
}

fn follow(world: &World) -> Client {
    let mut events = world.client();
    events.start(&Events {}, true).expect("sent");
    // It listens from the first one on.
    next(&mut events);
    events
}

#[test]
fn events_say_which_camera_where_there_are_several() {
    let world = world();
    let mut events = follow(&world);
    world.stage.shows(ALICE);
    world.second.shows(ALICE_ENROLS);
    verify(&world, None);
    identify(&world, "front");
    world.ask(&enroll("front")).expect("enrolled");
    let cameras: Vec<_> = (0..3).map(|_| next(&mut events).camera).collect();
    assert_eq!(
        cameras.iter().map(Option::as_deref).collect::<Vec<_>>(),
        [Some("desk"), Some("front"), Some("front")]
    );

    let world = World::new().knows_alice();
    let mut events = follow(&world);
    world.stage.shows(ALICE);
    assert_eq!(verify(&world, Some("camera")).verdict, Some(Outcome::Match), "the only one has a name, too");
    assert_eq!(next(&mut events).camera, None);
    let cameras = world.ask(&Status {}).expect("status").cameras;
    assert!(matches!(&cameras[..], [only] if only.name == "camera"), "{cameras:?}");
}

#[test]
fn a_camera_is_closed_in_time_though_somebody_asks_for_the_status_all_the_time() {
    let world = World::new().knows_alice();
    let status = || world.ask(&Status {}).expect("status");
    status();
    assert_eq!(world.stage.closed(), 0, "the next attempt may come at once");
    world.clock.forward(Duration::from_secs(10));
    until(|| {
        status();
        (world.stage.closed() > 0).then_some(())
    });
    assert_eq!(world.stage.closed(), 1);
}
