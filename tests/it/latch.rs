//! What a match opens, and who waits for it.

use facelatch::serve::peer::Role;
use facelatch_testkit::stage::{ALICE, BOB, Shot};
use facelatch_testkit::world::{PATIENCE, World};
use facelatch_wire::Outcome;
use facelatch_wire::call::{Events, Identify, Status, Verify};

#[test]
fn a_failing_latch_is_reported_to_managers_and_the_verdict_is_still_match() {
    let world = World::new().knows_alice();
    world.tape.jam();
    world.stage.shows(ALICE);
    let judged = world.verify("alice");
    assert_eq!(judged.verdict, Some(Outcome::Match));
    assert!(judged.latch_error.is_some_and(|text| text.contains("jammed")));
    world.called_by("alice", Role::User);
    let judged = world.verify("alice");
    assert_eq!((judged.verdict, judged.latch_error), (Some(Outcome::Match), None));
}

#[test]
fn a_slow_latch_delays_only_its_caller() {
    let world = World::new().knows_alice();
    let (begun, end) = world.tape.slow_down();
    world.stage.shows(ALICE);
    let mut first = world.client();
    first.start(&Verify { user: Some("alice".into()), latch: None, camera: None }, false).expect("sent");
    begun.recv_timeout(PATIENCE).expect("the latch is given the grant");
    world.stage.shows(BOB);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::NoMatch), "the latch is still busy");
    world.stage.shows(ALICE);
    let login = Verify { user: Some("alice".into()), latch: Some(false), camera: None };
    assert_eq!(world.ask(&login).expect("a verdict").verdict, Some(Outcome::Match), "and still");
    assert!(!world.ask(&Status {}).expect("status").busy && world.tape.opened_for().is_empty());
    end.send(()).expect("it waits");
    let judged = first.receive::<Verify>().expect("verdict").reply;
    assert_eq!((judged.verdict, judged.latch_error), (Some(Outcome::Match), None));
    assert_eq!(world.tape.opened_for(), ["alice"]);
}

#[test]
fn the_failure_of_a_slow_latch_still_reaches_its_caller() {
    let world = World::new().knows_alice();
    let (begun, end) = world.tape.slow_down();
    world.stage.shows(ALICE);
    let mut first = world.client();
    first.start(&Verify { user: Some("alice".into()), latch: None, camera: None }, true).expect("sent");
    begun.recv_timeout(PATIENCE).expect("the latch is given the grant");
    world.tape.jam();
    end.send(()).expect("it waits");
    let last = loop {
        let received = first.receive::<Verify>().expect("reply");
        if !received.continues {
            break received.reply;
        }
    };
    assert!(last.latch_error.is_some_and(|text| text.contains("jammed")));
}

#[test]
fn the_latch_opens_only_for_the_configured_methods() {
    let world =
        World::with(|config| config.latch.opens_on = facelatch::config::OpensOn::Identify).knows_alice();
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match));
    assert!(world.tape.opened_for().is_empty());
    assert_eq!(world.ask(&Identify::default()).expect("a verdict").verdict, Some(Outcome::Match));
    assert_eq!(world.tape.opened_for(), ["alice"]);
}

#[test]
fn a_caller_learns_that_the_latch_opened_although_the_daemon_was_stopped_meanwhile() {
    let mut world = World::new().knows_alice();
    let (begun, end) = world.tape.slow_down();
    world.stage.shows(ALICE);
    let mut caller = world.client();
    caller.start(&Verify { user: Some("alice".into()), latch: None, camera: None }, false).expect("sent");
    begun.recv_timeout(PATIENCE).expect("the latch begins to open");
    let mut follower = world.client();
    follower.start(&Events {}, true).expect("sent");
    follower.receive::<Events>().expect("listening");
    let told = std::thread::spawn(move || {
        let last = follower.receive::<Events>().expect_err("the daemon stops").to_string();
        end.send(()).expect("the latch waits");
        last
    });
    world.stop();
    assert!(told.join().expect("told").contains("stopping"));
    assert_eq!(caller.receive::<Verify>().expect("a verdict").reply.verdict, Some(Outcome::Match));
    assert_eq!(world.tape.opened_for(), ["alice"]);
}

#[test]
fn a_caller_whose_face_is_being_looked_at_learns_that_the_daemon_stops() {
    let mut world = World::new().knows_alice();
    world.stage.shows(&[&[Shot::Hold], ALICE].concat());
    let mut caller = world.client();
    caller.start(&Verify { user: Some("alice".into()), latch: None, camera: None }, false).expect("sent");
    world.stage.wait_until_held();
    let stage = world.stage.clone();
    let answered = std::thread::spawn(move || {
        let answer = caller.receive::<Verify>().map(|received| received.reply);
        stage.let_go();
        answer
    });
    world.stop();
    let error = answered.join().expect("answered").expect_err("no verdict").to_string();
    assert!(error.contains("stopping"), "{error}");
    assert!(world.tape.opened_for().is_empty());
}
