//! Faces that look like a small child's are compared with nobody, unless that was allowed. Here the cue takes one grown man for a
//! child, so that no picture of a child is needed; it is measured on children in docs/rates/children.md.

use std::path::Path;

use age::secrecy::ExposeSecret;
use facelatch::camera::Frame;
use facelatch::camera::decode::decode_picture;
use facelatch::clock::BootTime;
use facelatch::config::AttackLevel;
use facelatch::embed::{ChildCue, Embedding, TemplateKey};
use facelatch::model::{Alike, ChildLimits};
use facelatch::serve::peer::Role;
use facelatch_testkit::spoil::Spoil;
use facelatch_testkit::stage::{ALICE, ALICE_ENROLS, BOB, Shot};
use facelatch_testkit::world::{World, networks};
use facelatch_wire::call::{Enroll, Explain, Export, Identify, Import, List, Secret, Upload};
use facelatch_wire::reply::{Enrolling, Judging};
use facelatch_wire::{ClientError, Fault, Outcome};

fn embedding(picture: &str) -> Embedding {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/faces").join(picture);
    let bytes = std::fs::read(path).expect("picture");
    let (width, height, rgb) = decode_picture(&bytes).expect("decodes");
    let frame = Frame::new(width, height, rgb, BootTime::default()).expect("a frame");
    let networks = networks();
    let faces = networks.detector.detect(&frame).expect("runs");
    networks.embedder.embed_face(&frame, &faces[0]).expect("runs").embedding
}

/// Takes the man in this picture for a child.
fn cue(picture: &str) -> ChildCue {
    let direction = embedding(picture).values().to_vec();
    let alike = vec![Alike { to_age: 2, one_in: 3 }, Alike { to_age: 5, one_in: 26 }];
    ChildCue::of(&ChildLimits { min_cosine: 0.5, direction, alike }).expect("a direction")
}

/// A world with the real store, whose template key is secret, where bob looks like a child and alice does not.
fn world() -> World {
    World::sealed(|_| {}).with_child(cue("biden.jpg")).knows_alice()
}

fn enroll(world: &World, user: &str, shots: &[Shot], allow_child: bool) -> Result<Enrolling, ClientError> {
    world.stage.shows(shots);
    let allow_child = allow_child.then_some(true);
    world.ask(&Enroll { user: user.into(), templates: Some(3), allow_child, ..Enroll::default() })
}

fn identified(world: &World, shots: &[Shot]) -> (Option<Outcome>, Option<String>) {
    world.stage.shows(shots);
    let Judging { verdict, user, .. } = world.ask(&Identify::default()).expect("a verdict");
    (verdict, user)
}

fn verified(world: &World, user: &str, shots: &[Shot]) -> Option<Outcome> {
    world.stage.shows(shots);
    world.verify(user).verdict
}

#[test]
fn the_shipped_cue_takes_no_bundled_face_for_that_of_a_child() {
    let networks = networks();
    let (key, shipped) = (TemplateKey::identity(), networks.embedder.child().expect("SFace has one"));
    for picture in ["astronaut.jpg", "biden.jpg", "obama-1.jpg", "obama-3.jpg"] {
        let probe = key.apply(&embedding(picture));
        assert_eq!(shipped.for_key(&key).is_child(&[probe]), Ok(false), "{picture}");
    }
    assert!(shipped.rates().starts_with("up to 2 years about one in 3 "), "{}", shipped.rates());
}

#[test]
fn a_small_child_is_not_enrolled_and_the_sentence_says_how_many_look_alike() {
    let world = world();
    let error = enroll(&world, "bob", BOB, false).expect_err("refused");
    let ClientError::Refused(Fault::EnrollFailed { reason, message }) = error else { panic!("{error}") };
    assert_eq!(reason, Outcome::Child);
    assert!(message.contains("about one in 3 other children"), "{message}");
    assert!(message.contains("--allow-child"), "{message}");
    assert_eq!(world.ask(&List { user: None }).expect("listed").templates.len(), 3, "alice alone");
}

#[test]
fn a_small_child_before_the_door_is_nobody_and_costs_no_miss() {
    let world = world();
    for _ in 0..7 {
        assert_eq!(identified(&world, BOB), (Some(Outcome::Child), None));
        assert_eq!(verified(&world, "alice", BOB), Some(Outcome::Child));
    }
    let child = |shots: &[Shot]| {
        world.stage.shows(shots);
        let told = world.ask(&Explain { user: None, camera: None }).expect("a verdict");
        let child = told.explanation.expect("explained").child.expect("there is a cue");
        (told.attempt.verdict, child.least.is_some_and(|least| child.value >= least))
    };
    assert_eq!(child(BOB), (Some(Outcome::Child), true), "and explain says why");
    assert_eq!(child(ALICE), (Some(Outcome::Match), false));
    assert_eq!(verified(&world, "alice", ALICE), Some(Outcome::Match), "nobody has to wait");
    assert_eq!(world.tape.opened_for(), ["alice"]);
}

#[test]
fn who_was_enrolled_before_there_was_a_cue_is_not_let_in_as_a_child() {
    let world = World::sealed(|_| {}).knows_alice();
    enroll(&world, "bob", BOB, false).expect("a man");
    assert_eq!(verified(&world, "bob", BOB), Some(Outcome::Match));
    let world = world.with_child(cue("biden.jpg"));
    assert_eq!(verified(&world, "bob", BOB), Some(Outcome::Child));
    assert_eq!(identified(&world, BOB), (Some(Outcome::Child), None));
}

#[test]
fn a_child_that_is_allowed_is_compared_with_children_that_are_allowed_only() {
    let world = world();
    let enrolled = enroll(&world, "bob", BOB, true).expect("allowed");
    let warnings = enrolled.warnings.expect("told").concat();
    assert!(warnings.contains("about one in 3 other children would open as well"), "{warnings}");
    assert_eq!(identified(&world, BOB), (Some(Outcome::Match), Some("bob".into())));
    assert_eq!(verified(&world, "bob", BOB), Some(Outcome::Match));
    assert_eq!(verified(&world, "alice", BOB), Some(Outcome::Child), "never as somebody else");
    assert_eq!(identified(&world, ALICE), (Some(Outcome::Match), Some("alice".into())), "no child");
    let listed = world.ask(&List { user: None }).expect("listed").templates;
    assert!(listed.iter().all(|template| template.allow_child == (template.user == "bob")));
}

#[test]
fn a_child_who_looks_like_somebody_who_is_not_allowed_is_ambiguous() {
    let world = World::sealed(|_| {}).knows_alice();
    enroll(&world, "ben", BOB, false).expect("a man");
    let world = world.with_child(cue("biden.jpg"));
    enroll(&world, "tom", BOB, true).expect("allowed");
    assert_eq!(
        identified(&world, BOB),
        (Some(Outcome::Ambiguous), None),
        "his brother may not come in as him"
    );
    assert_eq!(verified(&world, "tom", BOB), Some(Outcome::Match));
}

#[test]
fn a_child_who_is_like_no_allowed_child_is_judged_and_is_a_miss() {
    let world = world();
    enroll(&world, "obie", ALICE_ENROLS, true).expect("allowed, and no child");
    for _ in 0..5 {
        assert_eq!(verified(&world, "obie", BOB), Some(Outcome::NoMatch));
    }
    assert_eq!(verified(&world, "obie", BOB), Some(Outcome::Wait));
}

#[test]
fn further_templates_of_an_allowed_child_need_no_further_word() {
    let world = world();
    enroll(&world, "bob", BOB, true).expect("allowed");
    world.stage.shows(BOB);
    let further = Enroll { user: "bob".into(), label: Some("hat".into()), ..Enroll::default() };
    assert_eq!(world.ask(&further).expect("still allowed").added, Some(3));
    assert!(enroll(&world, "bob", BOB, false).is_ok(), "the other set still says so");
}

#[test]
fn only_an_owner_may_allow_it() {
    let world = world();
    world.called_by("carol", Role::Manager);
    let error = enroll(&world, "bob", BOB, true).expect_err("refused");
    assert!(matches!(error, ClientError::Refused(Fault::PermissionDenied { .. })), "{error}");
    assert!(enroll(&world, "bob", BOB, false).is_err(), "nor without the word");
}

#[test]
fn a_child_is_told_before_a_challenge_and_a_picture_of_one_is_an_attack() {
    let world = World::with(|config| config.attack.level = AttackLevel::Challenge);
    let world = world.with_child(cue("biden.jpg")).knows_alice();
    world.stage.shows(&[Shot::Live("biden.jpg")]);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Child));
    world.stage.shows(&[Shot::LiveSpoilt("biden.jpg", Spoil::Recaptured)]);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Attack));
}

#[test]
fn what_was_allowed_survives_export_import_and_renewal() {
    let identity = age::x25519::Identity::generate();
    let (public, secret) = (identity.to_public().to_string(), identity.to_string());
    let from = world();
    enroll(&from, "bob", BOB, true).expect("allowed");
    let mut client = from.client();
    client.start(&Export { recipient: Some(public), user: None }, true).expect("sent");
    let mut parts = Vec::new();
    loop {
        let received = client.receive::<Export>().expect("a part");
        parts.extend(received.reply.data);
        if !received.continues {
            break;
        }
    }
    let to = World::sealed(|_| {}).with_child(cue("biden.jpg"));
    let mut client = to.client();
    for data in parts {
        client.call(&Upload { data }).expect("taken");
    }
    let identity = Secret(secret.expose_secret().to_string());
    client.call(&Import { identity, skip_enrolled: None }).expect("imported");
    to.ask(&facelatch_wire::call::Renew::default()).expect("renewed");
    assert_eq!(identified(&to, BOB), (Some(Outcome::Match), Some("bob".into())));
    assert_eq!(verified(&to, "alice", BOB), Some(Outcome::Child));
}
