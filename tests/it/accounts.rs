//! Whom a face is for: it does not outlive its account, and a face for the door logs nobody in.

use facelatch::config::Millis;
use facelatch::serve::enrolled::EnrolledFile;
use facelatch::serve::peer::Role;
use facelatch_wire::call::{Enroll, Identify, List, Remove, Verify};
use facelatch_wire::reply::{AccountState, Enrolling};
use facelatch_wire::{ClientError, ENROLLED_FILE, Fault, Outcome};

use facelatch_testkit::masks::UID;
use facelatch_testkit::stage::{ALICE, ALICE_ENROLS, BOB, Shot};
use facelatch_testkit::world::{World, until};

/// What a login learns: the PAM module's own call.
fn login(world: &World, user: &str) -> Option<Outcome> {
    world
        .ask(&Verify { user: Some(user.into()), latch: Some(false), camera: None })
        .expect("a verdict")
        .verdict
}

fn enroll(world: &World, user: &str, label: &str, door: bool) -> Result<Enrolling, ClientError> {
    let label = Some(label.to_owned()).filter(|label| !label.is_empty());
    world.ask(&Enroll { user: user.into(), label, templates: None, door: Some(door), ..Enroll::default() })
}

fn listed(world: &World, user: &str) -> Vec<(AccountState, Option<u64>)> {
    let list = world.ask(&List { user: Some(user.into()) }).expect("a list");
    list.templates.into_iter().map(|template| (template.account, template.uid)).collect()
}

#[test]
fn a_face_does_not_outlive_its_account() {
    for mut world in [World::new().knows_alice(), World::sealed(|_| {}).knows_alice()] {
        world.stage.shows(ALICE);
        assert_eq!(login(&world, "alice"), Some(Outcome::Match));
        for present in [Some(61_999), None] {
            world.masks.account_is("alice", present);
            world.stage.shows(&[Shot::Unplugged]);
            assert_eq!(login(&world, "alice"), Some(Outcome::NotEnrolled), "{present:?}: and nobody looked");
            let judged = world.verify("alice");
            assert_eq!(judged.verdict, Some(Outcome::NotEnrolled));
            let message = judged.message.expect("why");
            assert!(message.contains("enrol again"), "{message}");
            let judged = world.ask(&Identify::default()).expect("a verdict");
            assert_eq!((judged.verdict, judged.user), (Some(Outcome::NotEnrolled), None));
            assert_eq!(judged.message.as_deref(), Some(&*message), "the reason, not that nobody is enrolled");
            world.restart();
        }
        assert!(world.tape.opened_for().is_empty());
        world.masks.account_is("alice", Some(UID));
        world.stage.shows(ALICE);
        assert_eq!(login(&world, "alice"), Some(Outcome::Match), "it is the same account again");
    }
}

#[test]
fn a_face_whose_account_is_gone_does_not_stand_in_the_way_of_another() {
    let world = World::new().knows_alice();
    world.stage.shows(ALICE_ENROLS);
    enroll(&world, "renamed", "", false).expect("enrolled");
    // Of two people with one face the later name wins.
    world.masks.account_is("renamed", None);
    world.stage.shows(ALICE);
    let judged = world.ask(&Identify::default()).expect("a verdict");
    assert_eq!((judged.verdict, judged.user.as_deref()), (Some(Outcome::Match), Some("alice")));
}

#[test]
fn who_is_enrolled_for_the_door_opens_it_and_never_logs_in() {
    let world = World::new();
    world.masks.account_is("visitor", None);
    world.stage.shows(ALICE_ENROLS);
    let enrolled = enroll(&world, "visitor", "", true).expect("enrolled");
    assert_eq!((enrolled.added, enrolled.warnings), (Some(3), None), "it was asked for: no note");
    // Even when an account of that name appears later.
    for present in [None, Some(61_001)] {
        world.masks.account_is("visitor", present);
        world.stage.shows(ALICE);
        assert_eq!(login(&world, "visitor"), Some(Outcome::NotEnrolled), "{present:?}");
        assert_eq!(world.verify("visitor").verdict, Some(Outcome::Match));
        assert_eq!(world.ask(&Identify::default()).expect("a verdict").user.as_deref(), Some("visitor"));
        assert_eq!(listed(&world, "visitor"), [(AccountState::Door, None); 3]);
    }
    assert_eq!(world.tape.opened_for(), ["visitor"; 4]);
}

#[test]
fn a_name_of_no_account_is_enrolled_for_the_door_with_a_note() {
    let world = World::new();
    world.masks.account_is("visitor", None);
    world.stage.shows(ALICE_ENROLS);
    let enrolled = enroll(&world, "visitor", "", false).expect("enrolled");
    let notes = enrolled.warnings.expect("a note").join("\n");
    assert!(notes.contains("no account here is named visitor") && notes.contains("door only"), "{notes}");
    world.masks.account_is("visitor", Some(61_001));
    world.stage.shows(ALICE);
    assert_eq!(login(&world, "visitor"), Some(Outcome::NotEnrolled));
    // Enrolled again for the account that there is now: the faces for the door give way.
    world.stage.shows(ALICE_ENROLS);
    let enrolled = enroll(&world, "visitor", "at the desk", false).expect("enrolled");
    assert_eq!(enrolled.replaced, Some(3));
    let notes = enrolled.warnings.expect("a note").join("\n");
    assert!(notes.contains("3 earlier templates were not for this account"), "{notes}");
    world.stage.shows(ALICE);
    assert_eq!(login(&world, "visitor"), Some(Outcome::Match));
    assert_eq!(listed(&world, "visitor"), [(AccountState::Current, Some(61_001)); 3]);
}

#[test]
fn the_face_of_an_earlier_account_goes_when_the_new_one_is_enrolled() {
    let world = World::sealed(|_| {}).knows_alice();
    world.masks.account_is("alice", Some(61_999));
    assert_eq!(listed(&world, "alice"), [(AccountState::Changed, Some(UID.into())); 3]);
    world.stage.shows(&[BOB; 3].concat());
    assert_eq!(enroll(&world, "alice", "glasses", false).expect("enrolled").replaced, Some(3));
    world.stage.shows(ALICE);
    assert_eq!(login(&world, "alice"), Some(Outcome::NoMatch), "the earlier alice");
    world.stage.shows(BOB);
    assert_eq!(login(&world, "alice"), Some(Outcome::Match), "the present one");
}

#[test]
fn an_enrolment_replaces_the_templates_of_its_label_and_no_others() {
    for world in [World::new(), World::sealed(|_| {})] {
        world.stage.shows(ALICE_ENROLS);
        let labels = || {
            let list = world.ask(&List { user: Some("alice".into()) }).expect("a list").templates;
            list.into_iter().map(|template| (template.label, template.id)).collect::<Vec<_>>()
        };
        assert_eq!(enroll(&world, "alice", "", false).expect("enrolled").replaced, None);
        let plain = labels();
        for (round, replaced) in [(0, None), (1, Some(3))] {
            let enrolled = enroll(&world, "alice", "glasses", false).expect("enrolled");
            assert_eq!((enrolled.added, enrolled.replaced), (Some(3), replaced), "round {round}");
            let there = labels();
            assert!(there.len() == 6 && plain.iter().all(|one| there.contains(one)), "{there:?}");
        }
        let glasses = labels();
        assert_eq!(enroll(&world, "alice", "", false).expect("enrolled").replaced, Some(3));
        let there = labels();
        assert!(there.len() == 6 && plain.iter().all(|one| !there.contains(one)), "{there:?}");
        assert_eq!(there.iter().filter(|one| glasses.contains(one)).count(), 3);
    }
}

#[test]
fn a_label_that_shows_another_face_is_told() {
    let world = World::new().knows_alice();
    let warned = |shots, label| {
        world.stage.shows(shots);
        enroll(&world, "alice", label, false).expect("enrolled").warnings
    };
    assert_eq!(warned(ALICE_ENROLS, "glasses"), None);
    let told = warned(BOB, "hat").expect("a warning").concat();
    assert!(told.contains("does not look like the other templates of alice"), "{told}");
}

#[test]
fn a_refused_enrolment_keeps_the_earlier_templates() {
    let world = World::new().knows_alice();
    world.stage.shows(&[Shot::Show("obama-1.jpg"), Shot::Unplugged]);
    assert!(world.enroll("alice").is_err());
    world.stage.shows(ALICE);
    assert_eq!(login(&world, "alice"), Some(Outcome::Match));
}

#[test]
fn too_many_templates_are_refused_before_the_capture_with_the_labels_that_are_there() {
    let world = World::new().knows_alice();
    world.stage.shows(ALICE_ENROLS);
    enroll(&world, "alice", "glasses", false).expect("enrolled");
    world.stage.shows(&[Shot::Unplugged]);
    let wish = |label: Option<&str>, templates| {
        let label = label.map(str::to_owned);
        world.ask(&Enroll {
            user: "alice".into(),
            label,
            templates: Some(templates),
            door: None,
            ..Enroll::default()
        })
    };
    let Err(ClientError::Refused(Fault::BadParameter { message, .. })) = wish(Some("hat"), 27) else {
        panic!("27 beside 6 are too many");
    };
    assert!(message.contains("3 without a label, 3 labelled \"glasses\""), "{message}");
    // 29 in place of three fit: this one gets as far as the camera.
    assert!(matches!(wish(None, 29), Err(ClientError::Refused(Fault::EnrollFailed { .. }))));
}

#[test]
fn nobody_logs_in_while_the_name_service_is_silent() {
    let world = World::with(|config| config.decision.deadline_ms = Millis(500)).knows_alice();
    world.stage.shows(ALICE);
    world.masks.silence_accounts(true);
    let judged = world
        .ask(&Verify { user: Some("alice".into()), latch: Some(false), camera: None })
        .expect("a verdict");
    assert_eq!(judged.verdict, Some(Outcome::Failed));
    assert!(judged.message.is_some_and(|text| text.contains("name service")));
    assert!(world.enroll("bob").expect_err("for whom?").to_string().contains("name service"));
    assert_eq!(listed(&world, "alice"), [(AccountState::Unanswered, Some(UID.into())); 3]);
    world.masks.silence_accounts(false);
    assert_eq!(login(&world, "alice"), Some(Outcome::Match));
}

#[test]
fn users_see_their_own_account_only() {
    let world = World::new().knows_alice();
    world.called_by("alice", Role::User);
    assert_eq!(listed(&world, "alice"), [(AccountState::Current, Some(UID.into())); 3]);
    assert!(world.ask(&List { user: Some("bob".into()) }).is_err());
}

#[test]
fn a_list_of_accounts_that_cannot_be_written_at_first_is_written_later() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let place = folder.path().join("not-yet");
    let file = EnrolledFile { folder: place.clone(), for_all: false };
    let world = World::new().says_who_is_enrolled(file);
    assert!(world.ask(&List { user: None }).is_ok());
    std::fs::create_dir(&place).expect("made");
    until(|| place.join(ENROLLED_FILE).exists().then_some(()));
}

#[test]
fn which_accounts_have_a_face_stands_in_a_file_that_outlives_the_daemon() {
    use std::os::unix::fs::PermissionsExt;
    for (for_all, mode) in [(false, 0o640), (true, 0o644)] {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join(ENROLLED_FILE);
        let file = EnrolledFile { folder: folder.path().to_owned(), for_all };
        let mut world = World::new().says_who_is_enrolled(file);
        let says = |wanted: &str| until(|| (std::fs::read_to_string(&path).ok()? == wanted).then_some(()));
        says("");
        world.stage.shows(ALICE_ENROLS);
        enroll(&world, "alice", "", false).expect("enrolled");
        says(&format!("{UID}\n"));
        enroll(&world, "carol", "", true).expect("enrolled for the door, which is nobody else's business");
        world.stop();
        says(&format!("{UID}\n"));
        let about = std::fs::metadata(&path).expect("there");
        assert_eq!(about.permissions().mode() & 0o777, mode);
        world.restart();
        world.ask(&Remove { user: "alice".into(), ..Remove::default() }).expect("removed");
        says("");
    }
}
