//! The main job over the socket: who gets in, who does not, and who learns what.

use facelatch::config::Millis;
use facelatch::serve::peer::Role;
use facelatch_wire::call::{Enroll, Events, Identify, List, Remove, Reset, Status, Verify};
use facelatch_wire::reply::{CameraState, State};
use facelatch_wire::{ClientError, Fault, Outcome};

use facelatch_testkit::stage::{ALICE, ALICE_ENROLS, BOB, NOBODY, Shot};
use facelatch_testkit::store::Op;
use facelatch_testkit::world::{World, until};

fn refused<T: std::fmt::Debug>(result: Result<T, ClientError>) -> Fault {
    match result {
        Err(ClientError::Refused(fault)) => fault,
        other => panic!("must be refused, got {other:?}"),
    }
}

#[test]
fn an_enrolled_user_matches_with_other_pictures_and_the_latch_opens_once() {
    let world = World::new().knows_alice();
    world.stage.shows(ALICE);
    let judged = world.verify("alice");
    assert_eq!(judged.verdict, Some(Outcome::Match));
    assert_eq!(judged.user.as_deref(), Some("alice"));
    assert!(judged.p >= judged.threshold && judged.p.is_some(), "{judged:?}");
    assert_eq!(judged.frames, Some(2));
    assert!(judged.ms.is_some() && judged.face.is_some_and(|face| face.landmarks.len() == 5));
    assert!(judged.picture.is_some_and(|name| name.starts_with("obama-3")));
    assert_eq!(world.tape.opened_for(), ["alice"]);
}

#[test]
fn a_stranger_never_opens_the_latch() {
    let world = World::new().knows_alice();
    for stranger in [BOB, &[Shot::Show("astronaut.jpg")]] {
        world.stage.shows(stranger);
        let judged = world.verify("alice");
        assert_eq!(judged.verdict, Some(Outcome::NoMatch));
        assert!(judged.p < judged.threshold);
    }
    assert!(world.tape.opened_for().is_empty());
}

#[test]
fn an_empty_room_a_crowd_and_the_dark_get_their_own_verdicts_and_are_not_misses() {
    let world = World::new().knows_alice();
    let scenes = [
        ("coffee.jpg", Outcome::NoFace),
        ("black.jpg", Outcome::NoFace),
        ("two-faces.jpg", Outcome::SeveralFaces),
        ("dark.jpg", Outcome::TooDark),
    ];
    for _ in 0..2 {
        for (picture, word) in scenes {
            world.stage.shows(&[Shot::Show(picture)]);
            let judged = world.verify("alice");
            assert_eq!(judged.verdict, Some(word), "{picture}");
            assert!(judged.message.is_some_and(|text| !text.is_empty()));
        }
    }
    assert!(world.tape.opened_for().is_empty());
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match), "eight of them in a row cost nothing");
}

#[test]
fn identify_names_the_person_before_the_camera() {
    let world = World::new().knows_alice();
    world.stage.shows(ALICE);
    let judged = world.ask(&Identify::default()).expect("a verdict");
    assert_eq!((judged.verdict, judged.user.as_deref()), (Some(Outcome::Match), Some("alice")));
    world.stage.shows(BOB);
    let judged = world.ask(&Identify::default()).expect("a verdict");
    assert_eq!((judged.verdict, judged.user), (Some(Outcome::NoMatch), None));
    assert_eq!(world.tape.opened_for(), ["alice"]);
}

#[test]
fn an_unknown_user_is_refused_without_a_look_at_the_camera() {
    let world = World::new();
    world.stage.shows(&[Shot::Unplugged]);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::NotEnrolled));
    assert_eq!(world.ask(&Identify::default()).expect("a verdict").verdict, Some(Outcome::NotEnrolled));
}

#[test]
fn templates_can_be_listed_and_removed() {
    let world = World::new().knows_alice();
    let listed = world.ask(&List { user: None }).expect("list").templates;
    assert_eq!(listed.len(), 3);
    assert!(listed.iter().all(|t| t.user == "alice" && t.id.len() == 32), "{listed:?}");
    let one = Remove { user: "alice".into(), id: Some(listed[0].id.clone()), adapted: None };
    assert_eq!(world.ask(&one).expect("removed").removed, 1);
    assert!(matches!(refused(world.ask(&one)), Fault::NotFound { .. }), "it is already gone");
    assert_eq!(
        world.ask(&Remove { user: "alice".into(), id: None, adapted: None }).expect("removed").removed,
        2
    );
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::NotEnrolled));
    assert!(world.tape.opened_for().is_empty());
}

#[test]
fn an_outlier_is_not_enrolled_and_a_changed_face_ends_the_enrolment() {
    let world = World::new();
    world.stage.shows(&[ALICE_ENROLS, BOB].concat());
    let mut client = world.client();
    let wish =
        Enroll { user: "alice".into(), label: None, templates: Some(5), door: None, ..Enroll::default() };
    client.start(&wish, true).expect("sent");
    let mut heard = Vec::new();
    while let Ok(received) = client.receive::<Enroll>() {
        heard.push(received.reply.message.unwrap_or_default());
        if !received.continues {
            assert_eq!(received.reply.added, Some(5), "{heard:?}");
            break;
        }
    }
    assert!(heard.iter().any(|text| text.contains("does not look like the others")), "{heard:?}");
    world.stage.shows(BOB);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::NoMatch), "the outlier was not stored");

    let first = [&[Shot::Show("obama-1.jpg")], [BOB; 9].concat().as_slice()].concat();
    world.stage.shows(&first);
    let fault = refused(world.enroll("carol"));
    assert!(
        matches!(&fault, Fault::EnrollFailed { message, .. } if message.contains("face changed")),
        "{fault:?}"
    );
}

#[test]
fn a_face_enrolled_under_a_second_name_warns_and_a_stranger_does_not() {
    let world = World::new().knows_alice();
    world.stage.shows(ALICE_ENROLS);
    let twin = world.enroll("alicia").expect("enrolled all the same");
    assert!(
        matches!(twin.warnings.as_deref(), Some([only]) if only.contains("looks like that of alice")),
        "{twin:?}"
    );
    world.stage.shows(&[BOB; 3].concat());
    let stranger = world.enroll("bob").expect("enrolled");
    assert!(stranger.warnings.is_none(), "{stranger:?}");
}

#[test]
fn streamed_replies_come_in_order_and_end_with_the_result() {
    let world = World::new();
    let shots = [&[Shot::Show("coffee.jpg"), Shot::Show("dark.jpg")], ALICE_ENROLS].concat();
    world.stage.shows(&shots);
    let mut client = world.client();
    let wish = Enroll {
        user: "alice".into(),
        label: Some("plain".into()),
        templates: Some(3),
        door: None,
        ..Enroll::default()
    };
    client.start(&wish, true).expect("sent");
    let mut heard = Vec::new();
    let end = loop {
        let received = client.receive::<Enroll>().expect("reply");
        if !received.continues {
            break received.reply;
        }
        assert_eq!(received.reply.added, None);
        heard.push((received.reply.guidance, received.reply.done));
    };
    let wanted = [
        (Some(Outcome::NoFace), None),
        (Some(Outcome::TooDark), None),
        (None, Some(1)),
        (None, Some(2)),
        (None, Some(3)),
    ];
    assert_eq!(heard, wanted);
    assert_eq!(
        (end.user.as_deref(), end.added, end.ids.map(|ids| ids.len())),
        (Some("alice"), Some(3), Some(3))
    );
    let listed = client.call(&List { user: Some("alice".into()) }).expect("the connection stays usable");
    assert!(listed.templates.iter().all(|t| t.label == "plain"));
}

#[test]
fn events_report_what_happens_but_never_a_score() {
    let world = World::new().knows_alice();
    let mut follower = world.client();
    follower.start(&Events {}, true).expect("sent");
    let first = follower.receive_bytes().expect("reply");
    assert!(String::from_utf8_lossy(&first).contains("listening"));
    world.stage.shows(BOB);
    world.verify("alice");
    world.stage.shows(ALICE);
    world.verify("alice");
    world.ask(&Reset { user: Some("alice".into()) }).expect("reset");
    let mut texts = Vec::new();
    for wanted in [("verify", Some(Outcome::NoMatch)), ("verify", Some(Outcome::Match)), ("reset", None)] {
        let bytes = follower.receive_bytes().expect("event");
        let event: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        let parameters = &event["parameters"];
        assert_eq!(parameters["kind"], wanted.0);
        assert_eq!(parameters["verdict"].as_str(), wanted.1.map(Outcome::as_str));
        assert_eq!(event["continues"], true);
        texts.push(String::from_utf8(bytes).expect("text"));
    }
    assert!(texts[1].contains("\"latch\":\"opened\"") && !texts[0].contains("latch"), "{texts:?}");
    let all = texts.concat();
    assert!(!all.contains("\"p\"") && !all.contains("threshold"), "{all}");
}

#[test]
fn users_may_ask_only_about_themselves_and_see_no_score() {
    let world = World::new().knows_alice();
    world.called_by("alice", Role::User);
    world.stage.shows(ALICE);
    let mut client = world.client();
    client.start(&Verify { user: None, latch: None, camera: None }, true).expect("sent");
    let mut replies = String::new();
    loop {
        let bytes = client.receive_bytes().expect("reply");
        replies += &String::from_utf8(bytes).expect("text");
        if replies.contains("verdict") {
            break;
        }
    }
    assert!(replies.contains("\"verdict\":\"match\""), "{replies}");
    for secret in ["\"p\"", "threshold", "\"ms\"", "\"face\"", "picture"] {
        assert!(!replies.contains(secret), "{secret} in {replies}");
    }
    let status = world.ask(&Status {}).expect("status");
    assert_eq!((status.threshold, status.identical_pair_p), (None, None));
    assert_eq!(world.ask(&List { user: Some("alice".into()) }).expect("own").templates.len(), 3);

    let name = || Some("bob".to_owned());
    let denials = [
        refused(world.ask(&Verify { user: name(), latch: None, camera: None })),
        refused(world.ask(&List { user: name() })),
        refused(world.ask(&List { user: None })),
        refused(world.ask(&Identify::default())),
        refused(world.enroll("alice")),
        refused(world.ask(&Remove { user: "alice".into(), id: None, adapted: None })),
        refused(world.ask(&Reset { user: None })),
    ];
    for fault in denials {
        assert!(
            matches!(&fault, Fault::PermissionDenied { message } if message.contains("facelatch")),
            "{fault}"
        );
    }
    let mut follower = world.client();
    follower.start(&Events {}, true).expect("sent");
    assert!(matches!(
        follower.receive::<Events>(),
        Err(ClientError::Refused(Fault::PermissionDenied { .. }))
    ));
}

#[test]
fn a_manager_may_do_everything_but_sees_no_score() {
    let world = World::new();
    world.called_by("carol", Role::Manager);
    let world = world.knows_alice();
    world.stage.shows(ALICE);
    let judged = world.verify("alice");
    assert_eq!(judged.verdict, Some(Outcome::Match));
    assert!(judged.p.is_none() && judged.threshold.is_none() && judged.ms.is_none() && judged.face.is_none());
}

#[test]
fn bad_user_names_labels_and_numbers_are_reported_by_name() {
    let world = World::new();
    world.stage.shows(ALICE_ENROLS);
    for bad in ["", "a/b", "../x", "a\nb", "\u{1b}[2J", "-rf", &"x".repeat(257)] {
        let fault = refused(world.enroll(bad));
        let Fault::BadParameter { parameter, message } = &fault else { panic!("{bad:?}: {fault:?}") };
        assert_eq!(parameter, "user");
        assert!(!message.contains(char::is_control), "{message:?}");
    }
    let wish = |label: &str, templates| {
        refused(world.ask(&Enroll {
            user: "a".into(),
            label: Some(label.into()),
            templates: Some(templates),
            door: None,
            ..Enroll::default()
        }))
    };
    assert!(matches!(wish("a\nb", 1), Fault::BadParameter { parameter, .. } if parameter == "label"));
    for templates in [0, 33, u64::MAX] {
        assert!(
            matches!(wish("", templates), Fault::BadParameter { parameter, .. } if parameter == "templates")
        );
    }
}

#[test]
fn a_failing_store_lets_nobody_in_and_stores_nothing_partial() {
    let world = World::new();
    world.stage.shows(ALICE_ENROLS);
    world.store.fail_on(Some(Op::Add));
    assert!(matches!(refused(world.enroll("alice")), Fault::StoreFailed { .. }));
    world.store.fail_on(None);
    let world = world.knows_alice();
    world.stage.shows(ALICE);
    for op in [Op::Templates, Op::ProveRoomForMiss, Op::SetMisses] {
        world.store.fail_on(Some(op));
        let judged = world.verify("alice");
        assert_eq!(judged.verdict, Some(Outcome::Failed), "{op:?}");
        assert!(judged.message.is_some_and(|text| text.contains("told to fail")));
    }
    assert!(world.tape.opened_for().is_empty(), "a match that cannot be recorded opens nothing");
}

#[test]
fn an_unplugged_camera_degrades_the_daemon_until_it_is_back() {
    let world = World::new().knows_alice();
    world.stage.shows(&[Shot::Unplugged]);
    let judged = world.verify("alice");
    assert_eq!(judged.verdict, Some(Outcome::CameraUnavailable));
    let status = world.ask(&Status {}).expect("status");
    assert_eq!((status.state, status.camera.state), (State::Degraded, CameraState::Unavailable));
    assert!(status.camera.message.is_some_and(|text| text.contains("plug it in")));
    world.stage.shows(ALICE);
    until(|| (world.ask(&Status {}).expect("status").state == State::Ready).then_some(()));
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match));
}

#[test]
fn a_daemon_without_a_camera_starts_and_says_so() {
    let mut world = World::new();
    world.stop();
    world.stage.shows(&[Shot::Unplugged]);
    world.restart();
    let status = || world.ask(&Status {}).expect("status");
    let status = until(|| Some(status()).filter(|status| status.state == State::Degraded));
    assert_eq!((status.embedder.as_str(), status.detector.as_str(), status.users), ("sface", "yunet", 0));
}

#[test]
fn a_second_attempt_is_queued_and_status_is_not() {
    // Which is also how long it waits for its turn, by the system's clock.
    let world = World::with(|config| config.decision.deadline_ms = Millis(60_000)).knows_alice();
    world.stage.shows(&[&[Shot::Hold], ALICE].concat());
    let mut first = world.client();
    first.start(&Verify { user: Some("alice".into()), latch: None, camera: None }, false).expect("sent");
    world.stage.wait_until_held();
    let mut second = world.client();
    second.start(&Verify { user: Some("alice".into()), latch: None, camera: None }, false).expect("sent");
    let status = world.ask(&Status {}).expect("status");
    assert!(status.busy);
    assert_eq!(world.ask(&List { user: None }).expect("list").templates.len(), 3);
    world.stage.shows(ALICE);
    world.stage.let_go();
    for client in [&mut first, &mut second] {
        assert_eq!(client.receive::<Verify>().expect("verdict").reply.verdict, Some(Outcome::Match));
    }
}

#[test]
fn a_caller_who_waits_too_long_learns_that_the_camera_is_busy() {
    let world = World::new().knows_alice().reconfigured(|config| config.decision.deadline_ms = Millis(3000));
    world.stage.shows(&[&[Shot::Hold], ALICE].concat());
    let mut first = world.client();
    first.start(&Verify { user: Some("alice".into()), latch: None, camera: None }, false).expect("sent");
    world.stage.wait_until_held();
    assert!(matches!(refused(world.ask(&Identify::default())), Fault::Busy { .. }));
    world.stage.let_go();
    assert!(first.receive::<Verify>().is_ok());
}

#[test]
fn a_client_that_disconnects_cancels_its_attempt() {
    let world = World::new().knows_alice();
    world.stage.shows(&[&[Shot::Hold], NOBODY].concat());
    let mut gone = world.client();
    gone.start(&Verify { user: Some("alice".into()), latch: None, camera: None }, true).expect("sent");
    world.stage.wait_until_held();
    let mut follower = world.client();
    follower.start(&Events {}, true).expect("sent");
    follower.receive::<Events>().expect("listening");
    drop(gone);
    // The daemon sees the disconnect before it answers a later connection.
    world.ask(&Status {}).expect("status");
    world.stage.let_go();
    let event = follower.receive::<Events>().expect("event").reply;
    assert_eq!(event.verdict, Some(Outcome::Cancelled));
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match));
}
