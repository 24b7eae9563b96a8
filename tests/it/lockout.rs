//! NIST SP 800-63B 5.2.3: consecutive misses impose a wait, which survives restarts.

use std::time::Duration;

use facelatch_wire::Outcome;
use facelatch_wire::call::{Identify, Reset};

use facelatch::store::TemplateStore;
use facelatch_testkit::stage::{ALICE, BOB};
use facelatch_testkit::store::Op;
use facelatch_testkit::world::World;

/// Five misses.
fn locked() -> World {
    let world = World::with(|config| config.decision.frames = 1).knows_alice();
    world.stage.shows(BOB);
    for miss in 1..=5 {
        assert_eq!(world.verify("alice").verdict, Some(Outcome::NoMatch), "miss {miss}");
    }
    world.stage.shows(ALICE);
    world
}

#[test]
fn after_five_misses_even_the_right_face_waits_thirty_seconds() {
    let world = locked();
    let judged = world.verify("alice");
    assert_eq!(judged.verdict, Some(Outcome::Wait));
    assert!(judged.wait_s.is_some_and(|wait| (29..=30).contains(&wait)), "{judged:?}");
    assert_eq!(judged.p, None, "no frame was judged");
    assert!(world.tape.opened_for().is_empty());
    world.clock.forward(Duration::from_secs(31));
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match));
    assert_eq!(world.tape.opened_for(), ["alice"]);
}

#[test]
fn a_restart_does_not_shorten_the_wait() {
    let mut world = locked();
    world.restart();
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Wait));
}

#[test]
fn another_factor_ends_the_wait() {
    let world = locked();
    world.ask(&Reset { user: Some("alice".into()) }).expect("reset");
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match));
}

#[test]
fn misses_of_one_user_do_not_lock_another() {
    let world = locked();
    world.enroll("bob").expect("the same face under a second name");
    assert_eq!(world.verify("bob").verdict, Some(Outcome::Match));
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Wait));
}

#[test]
fn no_face_is_judged_whose_miss_could_not_be_recorded() {
    let world = World::with(|config| config.decision.frames = 1).knows_alice();
    world.store.fail_on(Some(Op::ProveRoomForMiss));
    for face in [BOB, ALICE] {
        world.stage.shows(face);
        for judged in [world.verify("alice"), world.ask(&Identify::default()).expect("a verdict")] {
            assert_eq!((judged.verdict, judged.p), (Some(Outcome::Failed), None));
        }
    }
    assert!(world.tape.opened_for().is_empty());
    assert_eq!(world.store.misses(None).expect("read").count, 0);
    world.store.fail_on(None);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match));
}

/// Verdicts of an identification.
fn identified(world: &World) -> Option<Outcome> {
    world.ask(&Identify::default()).expect("a verdict").verdict
}

#[test]
fn ones_own_match_in_between_buys_no_more_tries_of_other_faces() {
    let world = World::with(|config| config.decision.frames = 1).knows_alice();
    let mut tries = 0;
    for _ in 0..12 {
        for _ in 0..4 {
            world.stage.shows(BOB);
            tries += usize::from(identified(&world) == Some(Outcome::NoMatch));
        }
        world.stage.shows(ALICE);
        let _ = identified(&world);
    }
    assert_eq!(tries, 25, "a quarter of a day's misses");
    assert_eq!(identified(&world), Some(Outcome::Wait), "even the right face");
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match), "her own misses are none");
    world.ask(&Reset { user: None }).expect("reset");
    assert_eq!(identified(&world), Some(Outcome::Match));
}
