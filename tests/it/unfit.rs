//! Faces that the networks cannot judge: turned, coarse, noisy. Nobody is enrolled from them or judged by them. And faces that
//! can be judged but not enrolled: behind dark glasses or a mask, or moved.

use std::time::Duration;

use facelatch::config::Millis;
use facelatch::people::UserName;
use facelatch::store::TemplateStore;
use facelatch_wire::call::{Enroll, Identify, Status};
use facelatch_wire::{ClientError, Fault, Kind, Outcome};

use facelatch_testkit::spoil::Spoil;
use facelatch_testkit::stage::{ALICE, ALICE_ENROLS, BOB, Shot};
use facelatch_testkit::world::World;

const TURNS: [(u32, Outcome); 3] =
    [(180, Outcome::Rotate180), (90, Outcome::Rotate270), (270, Outcome::Rotate90)];

fn spoilt(shots: &[Shot], spoil: Spoil) -> Vec<Shot> {
    let name = |shot: &Shot| match shot {
        Shot::Show(name) => *name,
        other => panic!("{other:?} is no picture"),
    };
    shots.iter().map(|shot| Shot::Spoilt(name(shot), spoil)).collect()
}

/// A world where attempts end soon: its camera shows the same few pictures over and over.
fn world() -> World {
    World::with(|config| config.decision.deadline_ms = Millis(2000))
}

fn misses(world: &World, user: Option<&str>) -> u32 {
    let user = user.map(|name| UserName::new(name).expect("valid"));
    world.store.misses(user.as_ref()).expect("misses").count
}

/// Enrols until `word` is heard, then lets the time run out. The message at the end.
fn refused(world: &World, word: impl Fn(Outcome) -> bool) -> String {
    let mut client = world.client();
    client
        .start(
            &Enroll { user: "alice".into(), label: None, templates: None, door: None, ..Enroll::default() },
            true,
        )
        .expect("sent");
    let mut heard = Vec::new();
    loop {
        match client.receive::<Enroll>() {
            Ok(received) if received.continues => {
                assert_eq!(received.reply.done, None, "a template was taken");
                if received.reply.guidance.is_some_and(&word) {
                    world.clock.forward(Duration::from_secs(60));
                }
                heard.extend(received.reply.guidance);
            }
            Err(ClientError::Refused(Fault::EnrollFailed { reason, message })) => {
                assert!(word(reason), "{reason}: {message}; heard {heard:?}");
                return message;
            }
            other => panic!("enrolled, or failed otherwise: {other:?}"),
        }
    }
}

#[test]
fn a_turned_picture_enrols_nobody_and_the_reply_says_what_to_set() {
    for (degrees, word) in TURNS {
        let world = world();
        world.stage.shows(&spoilt(ALICE_ENROLS, Spoil::Turned(degrees)));
        let message = refused(&world, |heard| heard == word);
        let setting = format!("set camera.rotate = {}", 360 - degrees);
        assert!(message.contains(&setting), "turned by {degrees}: {message}");
        let notes = |world: &World| world.ask(&Status {}).expect("status").notes.join("\n");
        assert!(notes(&world).contains(&setting), "`doctor` says it, too: {}", notes(&world));
        let world = world.knows_alice();
        assert!(
            !notes(&world).contains("camera.rotate"),
            "an upright face was seen since: {}",
            notes(&world)
        );
    }
}

#[test]
fn whoever_shows_a_turned_face_is_not_judged_and_it_costs_no_miss() {
    let world = world().knows_alice();
    for (degrees, word) in TURNS {
        for pictures in [ALICE, BOB] {
            world.stage.shows(&spoilt(pictures, Spoil::Turned(degrees)));
            for judged in [world.verify("alice"), world.ask(&Identify::default()).expect("a verdict")] {
                assert_eq!(judged.verdict, Some(word), "turned by {degrees}: {judged:?}");
                assert_eq!(judged.p, None, "it was not compared");
            }
        }
    }
    assert_eq!((misses(&world, Some("alice")), misses(&world, None)), (0, 0));
    assert!(world.tape.opened_for().is_empty());
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match), "nobody has to wait");
}

#[test]
fn the_setting_that_is_told_adds_to_the_one_in_force() {
    // The camera of these tests shows frames as they are after `rotate`.
    let world = world().knows_alice().reconfigured(|config| config.camera.rotate = 90);
    world.stage.shows(&spoilt(ALICE, Spoil::Turned(180)));
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Rotate270));
}

#[test]
fn few_pixels_and_noise_end_in_guidance_and_never_in_a_verdict() {
    let world = world().knows_alice();
    for spoil in [Spoil::Coarse(40), Spoil::Noisy(120)] {
        for pictures in [ALICE, BOB] {
            world.stage.shows(&spoilt(pictures, spoil));
            let judged = world.verify("alice");
            let word = judged.verdict.expect("a verdict");
            assert_eq!(word.kind(), Kind::Retry, "{spoil:?} of {pictures:?}: {judged:?}");
            assert!(!word.advice().is_empty());
        }
    }
    assert_eq!(misses(&world, Some("alice")), 0);
    assert!(world.tape.opened_for().is_empty());
}

#[test]
fn a_face_that_cannot_be_judged_is_not_enrolled() {
    let world = world();
    world.stage.shows(&spoilt(ALICE_ENROLS, Spoil::Coarse(40)));
    refused(&world, |heard| heard.kind() == Kind::Retry);
    assert_eq!(world.ask(&Status {}).expect("status").templates, 0);
    assert_eq!(world.knows_alice().store.templates(None).expect("templates").len(), 3);
}

#[test]
fn a_covered_or_moved_face_is_not_enrolled_and_the_reply_says_why() {
    for (spoil, word) in [
        (Spoil::DarkGlasses, Outcome::EyesCovered),
        (Spoil::Mask, Outcome::MouthCovered),
        (Spoil::Moved(30), Outcome::TooBlurred),
    ] {
        let world = world();
        world.stage.shows(&spoilt(ALICE_ENROLS, spoil));
        let message = refused(&world, |heard| heard == word);
        assert!(message.contains(word.advice()), "{spoil:?}: {message}");
        assert_eq!(world.ask(&Status {}).expect("status").templates, 0);
        world.knows_alice();
    }
}

#[test]
fn whoever_is_enrolled_is_still_compared_with_dark_glasses_or_in_motion() {
    let world = world().knows_alice();
    for spoil in [Spoil::DarkGlasses, Spoil::Moved(30)] {
        world.stage.shows(&spoilt(ALICE, spoil));
        let judged = world.verify("alice");
        assert_eq!(judged.verdict, Some(Outcome::Match), "{spoil:?}: {judged:?}");
        world.stage.shows(&spoilt(BOB, spoil));
        let judged = world.verify("alice");
        assert_ne!(judged.verdict, Some(Outcome::Match), "{spoil:?}: {judged:?}");
    }
}
