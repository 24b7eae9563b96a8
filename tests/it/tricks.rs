//! Attempts to bypass the decision, all of which must fail.

use std::path::Path;
use std::time::Duration;

use facelatch::clock::Clock;
use facelatch::config::{Config, Millis};
use facelatch::head::Head;
use facelatch::people::UserName;
use facelatch::serve::peer::Role;
use facelatch::store::TemplateStore;
use facelatch_wire::call::{Identify, Remove, Reset, Status, Verify};
use facelatch_wire::{Client, Outcome};

use facelatch_testkit::spoil::Spoil;
use facelatch_testkit::stage::{ALICE, ALICE_ENROLS, BOB, Shot};
use facelatch_testkit::world::World;

/// An attempt to verify alice that waits for its first frame; the caller sets what it will see.
fn begun(world: &World) -> Client {
    world.stage.shows(&[Shot::Hold]);
    let mut client = world.client();
    client.start(&Verify { user: Some("alice".into()), latch: None, camera: None }, false).expect("sent");
    world.stage.wait_until_held();
    client
}

fn ended(world: &World, mut client: Client, shots: &[Shot]) -> Option<Outcome> {
    world.stage.shows(shots);
    world.stage.let_go();
    client.receive::<Verify>().expect("verdict").reply.verdict
}

/// The picture alice is enrolled from, so the best possible match.
const HERSELF: Shot = Shot::Show("obama-1.jpg");

#[test]
fn one_frame_of_the_owner_does_not_help_a_stranger_who_takes_their_place() {
    let world = World::with(|config| config.decision.frames = 3).knows_alice();
    world.stage.shows(&[HERSELF]);
    world.enroll("alice").expect("the same picture three times");
    world.stage.shows(&[&[HERSELF], BOB, BOB].concat());
    let judged = world.verify("alice");
    assert_eq!(judged.verdict, Some(Outcome::SeveralFaces), "frames of two people in turn: {judged:?}");
    assert_eq!(judged.p, None, "they were never judged together");

    world.stage.shows(&[&[HERSELF], [BOB; 30].concat().as_slice()].concat());
    let judged = world.verify("alice");
    assert_eq!(judged.verdict, Some(Outcome::NoMatch), "the stranger alone is judged: {judged:?}");
    assert!(world.tape.opened_for().is_empty());
}

#[test]
fn identify_does_not_bypass_the_lockout_of_the_user_it_finds() {
    let world = World::with(|config| config.decision.frames = 1).knows_alice();
    world.stage.shows(BOB);
    for _ in 0..5 {
        assert_eq!(world.verify("alice").verdict, Some(Outcome::NoMatch));
    }
    world.stage.shows(ALICE);
    world.ask(&Reset::default()).expect("they count in common, too");
    let judged = world.ask(&Identify::default()).expect("a verdict");
    assert_eq!(
        (judged.verdict, judged.user.as_deref()),
        (Some(Outcome::Wait), Some("alice")),
        "whom to reset"
    );
    assert!(world.tape.opened_for().is_empty());
    world.clock.forward(Duration::from_secs(31));
    assert_eq!(world.ask(&Identify::default()).expect("a verdict").verdict, Some(Outcome::Match));
}

#[test]
fn an_identification_blocked_by_misses_names_the_user_to_reset() {
    let stops = |config: &mut Config| (config.decision.frames, config.lockout.stop_at) = (1, 5);
    let world = World::with(stops).knows_alice();
    world.stage.shows(BOB);
    for _ in 0..5 {
        assert_eq!(world.verify("alice").verdict, Some(Outcome::NoMatch));
    }
    world.stage.shows(ALICE);
    let stopped = || world.ask(&Identify::default()).expect("a verdict");
    assert!(stopped().message.is_some_and(|text| text.contains("`facelatch reset alice`")));
    world.ask(&Reset::default()).expect("the common count");
    assert_eq!(stopped().verdict, Some(Outcome::Stopped));
    world.ask(&Reset { user: Some("alice".to_owned()) }).expect("hers");
    assert_eq!(stopped().verdict, Some(Outcome::Match));
}

#[test]
fn an_identification_nobody_can_pass_is_reported_and_counts_no_miss() {
    // The identical pair passes z = 1.9 with one person enrolled, but not with two: 1.9 + ln 2.
    let head = Head::new(Path::new("test"), 2.0, vec![-5e-3; 128], 0.869_89).expect("works");
    let world = World::with(|config| config.decision.frames = 1).with_head(head).knows_alice();
    world.stage.shows(ALICE);
    assert_eq!(world.ask(&Identify::default()).expect("a verdict").verdict, Some(Outcome::Match));
    world.stage.shows(ALICE_ENROLS);
    world.enroll("bob").expect("enrolled");
    for _ in 0..10 {
        let judged = world.ask(&Identify::default()).expect("a verdict");
        assert_eq!(judged.verdict, Some(Outcome::Failed));
        assert!(judged.message.is_some_and(|text| text.contains("larger b")));
    }
    assert_eq!(world.store.misses(None).expect("misses").count, 0);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match));
}

#[test]
fn a_user_removed_during_an_attempt_is_not_let_in() {
    let world = World::new().knows_alice();
    let attempt = begun(&world);
    assert_eq!(
        world.ask(&Remove { user: "alice".into(), id: None, adapted: None }).expect("removed").removed,
        3
    );
    assert_eq!(ended(&world, attempt, ALICE), Some(Outcome::NotEnrolled));
    assert!(world.tape.opened_for().is_empty());
}

#[test]
fn misses_that_are_reset_during_an_attempt_stay_reset() {
    let world = World::with(|config| config.decision.frames = 1).knows_alice();
    world.stage.shows(BOB);
    for _ in 0..3 {
        assert_eq!(world.verify("alice").verdict, Some(Outcome::NoMatch));
    }
    let attempt = begun(&world);
    world.ask(&Reset { user: Some("alice".into()) }).expect("reset");
    assert_eq!(ended(&world, attempt, BOB), Some(Outcome::NoMatch));
    let alice = UserName::new("alice").expect("valid");
    assert_eq!(world.store.misses(Some(&alice)).expect("misses").count, 1);
}

#[test]
fn a_user_has_one_attempt_at_a_time_and_does_not_fill_the_queue() {
    let world = World::new().knows_alice().reconfigured(|config| config.decision.deadline_ms = Millis(2000));
    world.called_by("alice", Role::User);
    let attempt = begun(&world);
    for _ in 0..3 {
        let refused = world
            .ask(&Verify { user: None, latch: None, camera: None })
            .expect_err("has one already")
            .to_string();
        assert!(refused.contains("another attempt of yours"), "{refused}");
    }
    assert!(world.ask(&Status {}).expect("a status needs no turn").busy);
    assert!(ended(&world, attempt, ALICE).is_some());
}

#[test]
fn a_queued_caller_gets_a_turn_after_the_owner() {
    // The deadline is also how long they wait for their turn, by the system's clock.
    let waits =
        |config: &mut Config| (config.decision.frames, config.decision.deadline_ms) = (1, Millis(60_000));
    let world = World::with(waits).knows_alice();
    world.called_by("alice", Role::User);
    let attempt = begun(&world);
    let mine = Verify { user: Some("alice".into()), latch: None, camera: None };
    let mut next = world.client();
    next.start(&mine, false).expect("sent");
    world.called_by("root", Role::Owner);
    let mut owner = world.client();
    owner.start(&mine, false).expect("sent");
    assert_eq!(ended(&world, attempt, ALICE), Some(Outcome::Match));
    for client in [&mut owner, &mut next] {
        assert_eq!(client.receive::<Verify>().expect("verdict").reply.verdict, Some(Outcome::Match));
    }
}

#[test]
fn a_silent_name_service_does_not_delay_callers_known_without_it() {
    let world = World::new().knows_alice();
    world.masks.silence(true);
    world.called_by("mallory", Role::User);
    let before = world.masks.seen();
    let mut clients: Vec<Client> = (0..8).map(|_| world.client()).collect();
    for client in &mut clients {
        client.start(&Status {}, false).expect("sent");
    }
    world.masks.wait_for(before, clients.len());
    world.called_by("root", Role::Owner);
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match));
    assert_eq!(world.ask(&Status {}).expect("its store is asked too").users, 1);
}

#[test]
fn an_enrolment_takes_templates_some_time_apart() {
    let world = World::new();
    world.stage.shows(&[Shot::Live("obama-1.jpg")]);
    let before = world.clock.now();
    world.enroll("alice").expect("enrolled");
    // Three templates of ten frames a second: the first, the fifth and the ninth.
    assert_eq!(world.clock.now().since(before), Duration::from_millis(900));
}

#[test]
fn an_enrolment_does_not_follow_a_face_that_becomes_another_ones() {
    const BECOMES_ALICE: fn(u32) -> Shot =
        |hundredths| Shot::LiveSpoilt("biden.jpg", Spoil::Morph("obama-3b.jpg", hundredths, 0));
    let world = World::with(|config| config.decision.templates = 8);
    // Each step is like the last one, by far.
    let film: Vec<Shot> =
        [0, 15, 30, 45, 60, 75, 90].iter().flat_map(|part| [BECOMES_ALICE(*part); 5]).collect();
    world.stage.shows(&[film, vec![Shot::Live("obama-3b.jpg"); 30]].concat());
    let refusal = world.enroll("carol").expect_err("two people").to_string();
    assert!(refusal.contains("the face changed during enrolment"), "{refusal}");
    assert!(world.store.templates(None).expect("read").is_empty());
}
