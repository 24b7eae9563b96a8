//! One face under several names: nobody is let in under whichever name won.

use facelatch::people::UserName;
use facelatch::store::{Template, TemplateStore};
use facelatch_wire::call::{Enroll, Identify};
use facelatch_wire::reply::Enrolling;
use facelatch_wire::{ClientError, Fault, Outcome};

use facelatch_testkit::stage::{ALICE, BOB, Shot};
use facelatch_testkit::world::World;

/// Three enrolments of one face, no picture in two of them.
const NAMES: [(&str, [&str; 3]); 3] = [
    ("alice", ["obama-1.jpg", "obama-enrol-1.jpg", "obama-2.jpg"]),
    ("alicia", ["obama-enrol-2.jpg", "obama-enrol-3.jpg", "obama-enrol-4.jpg"]),
    ("alison", ["obama-enrol-5.jpg", "obama-enrol-6.jpg", "obama-enrol-3.jpg"]),
];

fn enroll(world: &World, (user, pictures): (&str, [&'static str; 3])) -> Result<Enrolling, ClientError> {
    world.stage.shows(&pictures.map(Shot::Show));
    world.ask(&Enroll { user: user.into(), label: None, templates: Some(3), door: None, ..Enroll::default() })
}

/// Gives `user` the templates of `of`.
fn copied(world: &World, of: &str, user: &str) {
    let name = |name: &str| UserName::new(name).expect("valid");
    let templates = world.store.templates(Some(&name(of))).expect("templates");
    let copy =
        |template: Template| Template { user: name(user), id: format!("{user}-{}", template.id), ..template };
    world.store.add(&templates.into_iter().map(copy).collect::<Vec<_>>()).expect("added");
}

fn identified(world: &World, shots: &[Shot]) -> (Option<Outcome>, Option<String>) {
    world.stage.shows(shots);
    let judged = world.ask(&Identify::default()).expect("a verdict");
    (judged.verdict, judged.user)
}

#[test]
fn one_face_under_six_names_is_ambiguous_and_opens_nothing() {
    let world = World::new();
    enroll(&world, NAMES[0]).expect("enrolled");
    assert_eq!(identified(&world, ALICE).0, Some(Outcome::Match), "one name is no doubt");
    for name in NAMES.into_iter().skip(1) {
        enroll(&world, name).expect("enrolled");
    }
    for (of, copy) in [("alice", "anna"), ("alicia", "agnes"), ("alison", "ada")] {
        copied(&world, of, copy);
    }
    for shots in [ALICE, &[Shot::Show("obama-1.jpg")], &[Shot::Show("obama-enrol-6.jpg")]] {
        let judged = identified(&world, shots);
        assert_eq!(judged, (Some(Outcome::Ambiguous), None), "{shots:?}");
    }
    assert_eq!(world.tape.opened_for(), ["alice"], "the time before, and no more");
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alicia").verdict, Some(Outcome::Match), "a claimed name is not in doubt");
}

#[test]
fn an_ambiguous_identification_is_a_miss() {
    let world = World::new();
    for name in &NAMES[..2] {
        enroll(&world, *name).expect("enrolled");
    }
    for _ in 0..5 {
        assert_eq!(identified(&world, ALICE).0, Some(Outcome::Ambiguous));
    }
    assert_eq!(identified(&world, ALICE).0, Some(Outcome::Wait), "no free guesses");
}

#[test]
fn a_lookalike_does_not_stand_in_the_way_of_others() {
    let world = World::new();
    for name in &NAMES[..2] {
        enroll(&world, *name).expect("enrolled");
    }
    enroll(&world, ("bob", ["biden.jpg"; 3])).expect("enrolled");
    assert_eq!(identified(&world, BOB), (Some(Outcome::Match), Some("bob".to_owned())));
}

#[test]
fn an_enrolment_names_whom_it_may_be_taken_for_and_refuses_a_face_like_many() {
    let world = World::new();
    enroll(&world, NAMES[0]).expect("enrolled");
    let second = enroll(&world, NAMES[1]).expect("enrolled");
    let warnings = second.warnings.expect("a warning").concat();
    assert!(warnings.contains("like that of alice") && warnings.contains("ambiguous"), "{warnings}");
    let third = enroll(&world, NAMES[2]).expect("enrolled").warnings.expect("warnings");
    assert_eq!(third.len(), 2, "{third:?}");
    match enroll(&world, ("anna", NAMES[0].1)) {
        Err(ClientError::Refused(Fault::EnrollFailed { reason: Outcome::Ambiguous, message })) => {
            assert!(message.contains("alice, alicia and alison"), "{message}");
        }
        other => panic!("enrolled, or failed otherwise: {other:?}"),
    }
    assert_eq!(world.store.templates(None).expect("templates").len(), 9, "nothing was kept");
    enroll(&world, ("alicia", NAMES[2].1)).expect("more templates of a user who is there are another matter");
}
