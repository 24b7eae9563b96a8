//! Presentation attacks: refused before anything is compared, counted, and on record.

use std::ops::ControlFlow;
use std::time::Duration;

use facelatch::clock::Clock;
use facelatch::config::{AttackLevel, Config};
use facelatch::people::{Accounts, Misses, UserName};
use facelatch::pipeline::{Cause, Progress, Verdict};
use facelatch::store::TemplateStore;
use facelatch_wire::call::{Events, Identify, Reset, Status};
use facelatch_wire::reply::EventKind;
use facelatch_wire::{ClientError, Fault, Outcome};

use facelatch_testkit::masks::UID;
use facelatch_testkit::spoil::Spoil;
use facelatch_testkit::stage::{ALICE, ALICE_ENROLS, BOB, NOBODY, Shot};
use facelatch_testkit::store::Op;
use facelatch_testkit::world::World;

fn passive(config: &mut Config) {
    config.attack.level = AttackLevel::Passive;
}

/// Pictures of these pictures.
fn recaptured(shots: &[Shot]) -> Vec<Shot> {
    let name = |shot: &Shot| match shot {
        Shot::Show(name) => Shot::Spoilt(name, Spoil::Recaptured),
        other => panic!("{other:?} is no picture"),
    };
    shots.iter().map(name).collect()
}

/// Misses, and refused attacks, of a user or of everybody.
fn counts(world: &World, user: Option<&str>) -> (u32, u32) {
    let user = user.map(|name| UserName::new(name).expect("valid"));
    let misses = world.store.misses(user.as_ref()).expect("misses");
    (misses.count, misses.attacks)
}

#[test]
fn a_picture_of_the_owner_is_refused_and_compared_with_nobody() {
    let world = World::with(passive).knows_alice();
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match), "she is live");
    for picture in [ALICE, BOB] {
        world.stage.shows(&recaptured(picture));
        for judged in [world.verify("alice"), world.ask(&Identify::default()).expect("a verdict")] {
            assert_eq!((judged.verdict, judged.p), (Some(Outcome::Attack), None), "{judged:?}");
            let text = judged.message.expect("says what to do");
            assert!(text.contains("no picture or screen"), "{text}");
        }
    }
    assert_eq!(world.tape.opened_for(), ["alice"], "the live face, and no more");
    assert_eq!((counts(&world, Some("alice")), counts(&world, None)), ((0, 2), (0, 4)));
    let notes = world.ask(&Status {}).expect("status").notes.join("\n");
    assert!(notes.contains("attacks: 4 refused since the daemon started"), "{notes}");
}

/// Frames that tell nothing clear by themselves: 5 and -5, where 0.48 is wanted and 2 more are clear.
const LIVE: Shot = Shot::Live("obama-3.jpg");
const PICTURE: Shot = Shot::LiveSpoilt("obama-3b.jpg", Spoil::Recaptured);
/// The same of a camera that gives a frame in 400 ms.
const SLOW: [Shot; 2] = [Shot::Show("obama-3.jpg"), Shot::Spoilt("obama-3b.jpg", Spoil::Recaptured)];

#[test]
fn three_frames_that_are_close_take_more_until_they_are_clear_or_ten_or_a_second_old() {
    let world = World::with(passive).knows_alice();
    for (shots, verdict, frames) in [
        (&[LIVE][..], Outcome::Match, 3),
        (&[PICTURE], Outcome::Attack, 3),
        (&[LIVE, PICTURE, LIVE, LIVE], Outcome::Match, 4),
        (&[LIVE, PICTURE], Outcome::Attack, 10),
        (&SLOW, Outcome::Attack, 4),
    ] {
        world.stage.shows(shots);
        let before = world.stage.taken().0;
        assert_eq!(world.verify("alice").verdict, Some(verdict), "{shots:?}");
        assert_eq!(world.stage.taken().0 - before, frames, "{shots:?}");
    }
}

/// Close to the threshold, and by the frames so far live, or an attack.
const CLOSE_LIVE: [Shot; 3] = [LIVE, PICTURE, LIVE];
const CLOSE_ATTACK: [Shot; 4] = [LIVE, PICTURE, LIVE, PICTURE];

#[test]
fn what_is_close_at_the_deadline_is_decided_by_the_frames_so_far() {
    for (frames, verdict, attacks) in
        [(&CLOSE_LIVE[..], Outcome::Match, 0), (&CLOSE_ATTACK, Outcome::Attack, 1)]
    {
        let world = World::with(passive).knows_alice();
        world.stage.shows(&[frames, &[Shot::Silent]].concat());
        assert_eq!(world.verify("alice").verdict, Some(verdict));
        assert_eq!(counts(&world, Some("alice")), (0, attacks), "{verdict:?}");
    }
}

#[test]
fn two_frames_at_the_deadline_decide_nothing() {
    let world = World::with(passive).knows_alice();
    world.stage.shows(&[PICTURE, PICTURE, Shot::Silent]);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::CameraUnavailable));
    assert_eq!(counts(&world, Some("alice")), (0, 0));
}

#[test]
fn who_leaves_before_it_is_clear_is_counted_if_the_frames_so_far_are_an_attack() {
    for (frames, verdict, attacks) in
        [(&CLOSE_LIVE[..], Outcome::NoFace, 0), (&CLOSE_ATTACK, Outcome::Attack, 1)]
    {
        let world = World::with(passive).knows_alice();
        world.stage.shows(&[frames, NOBODY, &[Shot::Silent]].concat());
        assert_eq!(world.verify("alice").verdict, Some(verdict));
        assert_eq!(counts(&world, Some("alice")), (0, attacks), "{verdict:?}");
    }
}

#[test]
fn a_picture_that_gives_way_to_another_face_is_counted() {
    for (frames, attacks) in [(&CLOSE_LIVE[..], 0), (&CLOSE_ATTACK, 1)] {
        let world = World::with(passive).knows_alice();
        world.stage.shows(&[frames, &[BOB[0]; 3]].concat());
        assert_eq!(world.verify("alice").verdict, Some(Outcome::NoMatch));
        assert_eq!(counts(&world, Some("alice")), (1, attacks));
    }
}

/// A verification of alice that does this with each good frame.
fn observed(world: &World, each: &mut dyn FnMut(usize) -> ControlFlow<()>) -> Verdict {
    let alice = UserName::new("alice").expect("valid");
    let accounts = Accounts { uids: [(alice.clone(), UID)].into(), login: false };
    let mut frames = 0;
    let attempt = world.pipeline().verify(None, &alice, &accounts, &mut |progress| match progress {
        Progress::Captured { .. } => {
            frames += 1;
            each(frames)
        }
        _ => ControlFlow::Continue(()),
    });
    attempt.verdict
}

#[test]
fn a_picture_whose_caller_hangs_up_is_counted() {
    for (frames, attacks) in [(&CLOSE_LIVE[..], 0), (&CLOSE_ATTACK, 1)] {
        let world = World::with(passive).knows_alice();
        world.stage.shows(frames);
        let verdict = observed(&world, &mut |seen| match seen < frames.len() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        });
        assert!(matches!(verdict, Verdict::Unavailable(Cause::Cancelled)), "{verdict:?}");
        assert_eq!(counts(&world, Some("alice")), (0, attacks));
    }
}

#[test]
fn a_store_that_cannot_be_read_after_the_capture_keeps_no_miss_from_being_counted() {
    for (shots, kept) in [(BOB.to_vec(), (1, 0)), (recaptured(ALICE), (0, 1)), (ALICE.to_vec(), (0, 0))] {
        let world = World::with(passive).knows_alice();
        world.stage.shows(&shots);
        let verdict = observed(&world, &mut |_| {
            world.store.fail_on(Some(Op::Templates));
            ControlFlow::Continue(())
        });
        assert!(matches!(verdict, Verdict::Unavailable(Cause::Failed(_))), "{shots:?}: {verdict:?}");
        assert_eq!(counts(&world, Some("alice")), kept, "{shots:?}");
    }
}

#[test]
fn where_nobody_looks_out_for_attacks_a_picture_is_compared_like_a_face() {
    let world = World::new().knows_alice();
    world.stage.shows(&recaptured(ALICE));
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match));
    assert!(world.store.templates(None).expect("templates").iter().all(|template| template.live.is_none()));
}

#[test]
fn an_attack_is_in_the_events_and_the_audit_log_with_what_it_was_like_and_no_score() {
    let mut world = World::sealed(passive).knows_alice();
    let mut events = world.client();
    events.start(&Events {}, true).expect("sent");
    assert_eq!(events.receive::<Events>().expect("an event").reply.kind, EventKind::Listening);
    world.stage.shows(&recaptured(ALICE));
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Attack));
    let event = events.receive::<Events>().expect("an event").reply;
    assert_eq!((event.kind, event.verdict, event.latch), (EventKind::Verify, Some(Outcome::Attack), None));
    drop(events);
    world.stop();
    let log = std::fs::read_to_string(world.store_folder().join("audit/audit.log")).expect("a log");
    let line = log.lines().find(|line| line.contains("attack")).expect("a line");
    assert!(line.contains(r#""verdict":"attack""#) && line.contains(r#""note":"flat""#), "{line}");
}

/// Alice has these misses and refused attacks.
fn had(world: &World, count: u32, attacks: u32) {
    let alice = UserName::new("alice").expect("valid");
    let misses = Misses { count, attacks, last_miss: world.clock.wall(), ..Misses::default() };
    world.store.set_misses(Some(&alice), misses).expect("kept");
}

#[test]
fn the_tenth_attack_in_a_row_imposes_a_wait_that_outlives_a_restart() {
    let mut world = World::with(passive).knows_alice();
    had(&world, 0, 9);
    world.stage.shows(&recaptured(ALICE));
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Attack), "nine are free");
    world.restart();
    world.stage.shows(ALICE);
    let judged = world.verify("alice");
    assert_eq!(judged.verdict, Some(Outcome::Wait), "even the live face");
    assert!(judged.wait_s.is_some_and(|wait| (29..=30).contains(&wait)), "{judged:?}");
    world.clock.forward(Duration::from_secs(31));
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match));
    assert_eq!(counts(&world, Some("alice")), (0, 0), "a match ends the count");
}

#[test]
fn misses_and_attacks_in_a_row_count_together() {
    let world = World::with(passive).knows_alice();
    had(&world, 4, 5);
    world.stage.shows(&recaptured(BOB));
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Attack));
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Wait));
    world.ask(&Reset { user: Some("alice".into()) }).expect("reset");
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match));
}

#[test]
fn no_presentation_is_judged_whose_attack_could_not_be_recorded() {
    let world = World::with(passive).knows_alice();
    world.store.fail_on(Some(Op::ProveRoomForMiss));
    for shots in [recaptured(ALICE), ALICE.to_vec()] {
        world.stage.shows(&shots);
        assert_eq!(world.verify("alice").verdict, Some(Outcome::Failed));
    }
    world.store.fail_on(None);
    assert_eq!(counts(&world, Some("alice")), (0, 0));
}

#[test]
fn a_picture_is_not_enrolled() {
    let world = World::sealed(passive);
    world.stage.shows(&recaptured(ALICE_ENROLS));
    match world.enroll("alice") {
        Err(ClientError::Refused(Fault::EnrollFailed { reason: Outcome::Attack, message })) => {
            assert!(message.contains("not taken for a live face"), "{message}");
        }
        other => panic!("enrolled, or failed otherwise: {other:?}"),
    }
    assert_eq!(world.ask(&Status {}).expect("status").templates, 0);
    let log = std::fs::read_to_string(world.store_folder().join("audit/changes.log")).expect("a log");
    assert!(log.lines().any(|line| line.contains("enroll") && line.contains("attack")), "{log}");
}

#[test]
fn templates_keep_how_live_their_frames_looked() {
    let world = World::with(passive).knows_alice();
    let templates = world.store.templates(None).expect("templates");
    let scores: Vec<f32> = templates.iter().filter_map(|template| Some(template.live?.score)).collect();
    assert_eq!(scores, [5.0; 3]);
}

#[test]
fn one_template_takes_as_many_frames_as_a_decision() {
    let world = World::with(|config| {
        passive(config);
        config.decision.templates = 1;
    });
    world.stage.shows(&[ALICE_ENROLS[0], Shot::Spoilt("obama-1.jpg", Spoil::Recaptured)]);
    assert!(world.enroll("alice").is_ok(), "of three frames two are live: 5, -5, 5");
    world.stage.shows(&[Shot::Spoilt("obama-1.jpg", Spoil::Recaptured), ALICE_ENROLS[0]]);
    assert!(world.enroll("alice").is_err(), "of three frames one is");
}
