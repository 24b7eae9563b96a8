//! An infrared camera beside the first one: whoever it does not see live is not judged, and covering it is no way around it.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use facelatch::config::{AttackLevel, Config, Millis};
use facelatch::detect::attack::Need;
use facelatch::detect::quality::RetryReason;
use facelatch::people::{Accounts, UserName};
use facelatch::pipeline::{Cause, Progress, Verdict};
use facelatch::store::TemplateStore;
use facelatch_wire::call::{Identify, Status};
use facelatch_wire::reply::{CameraState, State};
use facelatch_wire::{ClientError, Fault, Outcome};

use facelatch_testkit::film::{BEFORE, film, random};
use facelatch_testkit::infrared::Shown;
use facelatch_testkit::masks::UID;
use facelatch_testkit::spoil::Spoil;
use facelatch_testkit::stage::{ALICE, ALICE_ENROLS, Shot};
use facelatch_testkit::world::{World, until};

/// The network of the testkit takes every picture for a live face.
fn infrared(config: &mut Config) {
    config.attack.level = AttackLevel::Passive;
    config.attack.infrared = "/dev/video2".into();
    config.decision.deadline_ms = Millis(3000);
    config.decision.enroll_deadline_ms = Millis(20_000);
}

/// The outcomes of two attempts, of which none may match.
fn refused(world: &World) -> [Outcome; 2] {
    world.stage.shows(ALICE);
    let judged = [world.verify("alice"), world.ask(&Identify::default()).expect("a verdict")];
    judged.map(|judged| {
        assert_eq!((judged.p, world.tape.opened_for().len()), (None, 0), "{judged:?}");
        judged.verdict.expect("at an end")
    })
}

/// Misses, and refused attacks, of alice.
fn counts(world: &World) -> (u32, u32) {
    let alice = UserName::new("alice").expect("valid");
    let misses = world.store.misses(Some(&alice)).expect("misses");
    (misses.count, misses.attacks)
}

/// Why alice cannot be enrolled; the time runs out while the camera is silent.
fn not_enrolled(world: &World) -> Outcome {
    world.stage.shows(&[ALICE_ENROLS, &[Shot::Silent; 4]].concat());
    match world.enroll("alice") {
        Err(ClientError::Refused(Fault::EnrollFailed { reason, .. })) => reason,
        other => panic!("enrolled, or failed otherwise: {other:?}"),
    }
}

/// What the status says of the infrared camera.
fn noted(world: &World) -> String {
    let notes = world.ask(&Status {}).expect("status").notes;
    notes.into_iter().filter(|note| note.contains("infrared")).collect()
}

#[test]
fn a_face_that_both_cameras_see_is_enrolled_and_recognised() {
    let world = World::with(infrared).knows_alice();
    world.stage.shows(ALICE);
    let judged = world.verify("alice");
    assert_eq!(judged.verdict, Some(Outcome::Match), "{judged:?}");
    assert!(judged.frames.is_some_and(|frames| frames >= 3), "{judged:?}");
    assert_eq!(world.tape.opened_for(), ["alice"]);
}

#[test]
fn what_is_black_or_without_its_inks_in_infrared_is_an_attack_whatever_the_network_says() {
    let world = World::with(infrared).knows_alice();
    world.infrared.shows(Shown::Screen);
    assert_eq!(refused(&world), [Outcome::Attack; 2]);
    world.infrared.shows(Shown::Print);
    assert_eq!(refused(&world), [Outcome::Attack; 2]);
    assert_eq!(counts(&world), (0, 2));
    world.infrared.shows(Shown::Live);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match), "she is there herself");
}

#[test]
fn neither_is_enrolled() {
    let world = World::with(infrared);
    for shown in [Shown::Screen, Shown::Print] {
        world.infrared.shows(shown);
        assert_eq!(not_enrolled(&world), Outcome::Attack, "{shown:?}");
    }
}

#[test]
fn a_lens_that_is_covered_or_an_emitter_that_is_off_ends_in_guidance_and_judges_nobody() {
    let world = World::with(infrared).knows_alice();
    world.infrared.shows(Shown::Covered);
    assert_eq!(refused(&world), [Outcome::NoInfrared; 2]);
    assert_eq!(counts(&world), (0, 0), "nobody was judged, so nobody missed");
    assert_eq!(not_enrolled(&world), Outcome::NoInfrared);
}

#[test]
fn without_the_infrared_camera_nobody_is_judged_and_the_status_says_why() {
    let world = World::with(infrared).knows_alice();
    assert_eq!(noted(&world), "infrared camera /dev/video2 is ready");
    world.infrared.shows(Shown::Unplugged);
    assert_eq!(refused(&world), [Outcome::CameraUnavailable; 2]);
    assert_eq!(not_enrolled(&world), Outcome::CameraUnavailable);
    let status = world.ask(&Status {}).expect("status");
    assert_eq!((status.state, status.camera.state), (State::Degraded, CameraState::Ready));
    assert_eq!(noted(&world), "infrared camera /dev/video2: not found; plug it in");
    world.infrared.shows(Shown::Live);
    until(|| (noted(&world) == "infrared camera /dev/video2 is ready").then_some(()));
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match), "it is opened by itself");
    assert_eq!(world.ask(&Status {}).expect("status").state, State::Ready);
}

#[test]
fn an_infrared_camera_that_falls_silent_judges_nobody() {
    let world = World::with(infrared).knows_alice();
    world.infrared.shows(Shown::Silent);
    assert_eq!(refused(&world), [Outcome::CameraUnavailable; 2]);
    assert_eq!(counts(&world), (0, 0));
}

#[test]
fn a_frame_from_before_the_answer_of_a_challenge_says_nothing_of_a_face_after_it() {
    const STRAIGHT: Shot = Shot::Live("obama-3b.jpg");
    const TURNED: Shot = Shot::LiveSpoilt("obama-3b.jpg", Spoil::Head(30));
    let mut world = World::with(|config| {
        infrared(config);
        config.attack.level = AttackLevel::Challenge;
    });
    world = world.knows_alice();
    world.stop();
    world.random.store(random(true), Ordering::SeqCst);
    world.stage.shows(&film(&[(BEFORE, STRAIGHT), (4, TURNED), (60, STRAIGHT)]));
    let alice = UserName::new("alice").expect("valid");
    let accounts = Accounts { uids: [(alice.clone(), UID)].into(), login: false };
    let mut straight = 0;
    let attempt = world.pipeline().verify(None, &alice, &accounts, &mut |progress| {
        straight += usize::from(progress == Progress::Prompt(Need::LookStraight));
        // Of the frames after the answer infrared shows the second one alone. A pair of the first one with what was lit 100 ms
        // before it would make two, which are enough.
        match progress {
            _ if straight < 3 => {}
            Progress::Captured { done: 1, .. } => world.infrared.shows(Shown::Live),
            Progress::Captured { done: 3, .. } => world.stage.shows(&[Shot::Silent]),
            _ => world.infrared.shows(Shown::Covered),
        }
        ControlFlow::Continue(())
    });
    let verdict = attempt.verdict;
    assert!(matches!(verdict, Verdict::Unavailable(Cause::Retry(RetryReason::NoInfrared))), "{verdict:?}");
    assert_eq!(straight, 3, "before the questions, as the second, and after the answer");
}

#[test]
fn it_is_closed_with_the_first_camera() {
    let world = World::with(|config| {
        infrared(config);
        config.camera.idle_close_ms = Millis(0);
    })
    .knows_alice();
    until(|| (world.infrared.closed() > 0).then_some(()));
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match), "and opened again");
}

#[test]
fn where_nobody_looks_out_for_attacks_it_is_not_used() {
    let world = World::with(|config| {
        infrared(config);
        config.attack.level = AttackLevel::Off;
    })
    .knows_alice();
    world.infrared.shows(Shown::Unplugged);
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match));
    assert_eq!(noted(&world), "");
}
