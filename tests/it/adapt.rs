//! Adapted templates: a face that was missed becomes one after a second factor, and never without.

use std::path::Path;
use std::time::Duration;

use facelatch::clock::WallTime;
use facelatch::config::{Adaptation, AttackLevel, Config};
use facelatch::head::Head;
use facelatch::head::file::Wanted;
use facelatch::judge::adapt::{BETWEEN, Reach};
use facelatch::people::UserName;
use facelatch::people::access::{Access, DoorName, Factor, Rule};
use facelatch::serve::peer::Role;
use facelatch::store::TemplateStore;
use facelatch_wire::call::{
    Adapt, Attach, Events, Explain, List, Look, Remove, Secret, SetPin, Verify, VerifyPin,
};
use facelatch_wire::reply::{DoorPlace, EventKind};
use facelatch_wire::{ClientError, Fault, Outcome};

use facelatch_testkit::spoil::Spoil;
use facelatch_testkit::stage::{ALICE_ENROLS, BOB, Shot};
use facelatch_testkit::world::{World, networks, until};

/// Alice, changed.
const CHANGED: &[Shot] = &[Shot::Show("obama-3.jpg")];

fn adapting(config: &mut Config) {
    config.decision.frames = 1;
    config.attack.level = AttackLevel::Passive;
    config.templates.adapt = Adaptation::Confirmed;
}

/// The shipped head with a threshold that leaves [`CHANGED`] so far above it, in log-odds.
fn head(above: f64) -> Head {
    let world = World::with(adapting).knows_alice();
    world.stage.shows(CHANGED);
    let p = world.verify("alice").p.expect("owner");
    let z = (p / (1.0 - p)).ln() - above;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let text = std::fs::read_to_string(folder.join("sface.head.toml")).expect("shipped");
    let line = text.lines().find(|line| line.starts_with("threshold = ")).expect("a threshold");
    let text = text.replace(line, &format!("threshold = {}", 1.0 / (1.0 + (-z).exp())));
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), text).expect("written");
    Head::load(file.path(), Wanted::of(&networks().embedder)).expect("loads")
}

/// A world that misses alice's changed face by so much, a day after she was enrolled.
fn missing_by(below: f64, change: impl FnOnce(&mut Config)) -> World {
    let world = World::with(|config| {
        adapting(config);
        change(config);
    });
    let world = world.knows_alice().with_head(head(-below));
    world.clock.forward(BETWEEN);
    world.stage.shows(CHANGED);
    world
}

fn missing() -> World {
    missing_by(0.5, |_| ())
}

/// A login by face.
fn login(world: &World) -> Option<Outcome> {
    login_as(world, "alice")
}

fn login_as(world: &World, user: &str) -> Option<Outcome> {
    let call = Verify { user: Some(user.into()), latch: Some(false), camera: None };
    world.ask(&call).expect("a verdict").verdict
}

/// The right password.
fn password(world: &World, user: &str) {
    world.ask(&Adapt { user: user.into() }).expect("heard");
}

/// How many templates are adapted, and how many are not.
fn templates(world: &World) -> (usize, usize) {
    let listed = world.ask(&List { user: None }).expect("listed").templates;
    let adapted = listed.iter().filter(|template| template.adapted).count();
    (adapted, listed.len() - adapted)
}

/// The same once all that was asked before is done.
fn templates_in_the_end(world: &World) -> (usize, usize) {
    world.verify("nobody");
    templates(world)
}

#[test]
fn a_missed_face_becomes_a_template_after_the_password_matches_then_and_is_taken_back() {
    let world = missing();
    let mut events = world.client();
    events.start(&Events {}, true).expect("sent");
    assert_eq!(login(&world), Some(Outcome::NoMatch));
    password(&world, "alice");
    until(|| (templates(&world) == (1, 3)).then_some(()));
    let mut kinds = Vec::new();
    while kinds.last() != Some(&EventKind::Adapt) {
        kinds.push(events.receive::<Events>().expect("an event").reply.kind);
    }
    assert_eq!(login(&world), Some(Outcome::Match));
    explained_with_what_adapted(&world);
    let removed = Remove { user: "alice".into(), id: None, adapted: Some(true) };
    assert_eq!(world.ask(&removed).expect("removed").removed, 1);
    assert_eq!((login(&world), templates(&world)), (Some(Outcome::NoMatch), (0, 3)));
    assert!(matches!(world.ask(&removed), Err(ClientError::Refused(Fault::NotFound { .. }))));
}

/// Alice, whose one adapted template decides, has it as a row of its own, after the enrolled ones.
fn explained_with_what_adapted(world: &World) {
    let asked = Explain { user: Some("alice".into()), camera: None };
    let told = world.ask(&asked).expect("a verdict").explanation.expect("explained");
    let alice = &told.decision.expect("compared").people[0];
    let adapted: Vec<bool> = alice.templates.iter().map(|template| template.adapted).collect();
    assert_eq!(adapted, [false, false, false, true]);
    assert!(alice.templates.iter().all(|template| template.frames.len() == alice.frames.len()), "{alice:?}");
    let enrolled = alice.frames.iter().sum::<f64>() / alice.frames.len() as f64;
    let adds = alice.z - enrolled - f64::from(Reach::SHIPPED.0);
    assert!(adds.abs() < 1e-3, "as much as adapted templates may add: {alice:?}");
}

#[test]
fn nothing_is_taken_unless_the_owner_wants_it_and_attacks_are_looked_for() {
    let wanted: [fn(&mut Config); 2] =
        [|config| config.templates.adapt = Adaptation::Off, |config| config.attack.level = AttackLevel::Off];
    for change in wanted {
        let world = missing_by(0.5, change);
        assert_eq!(login(&world), Some(Outcome::NoMatch));
        password(&world, "alice");
        assert_eq!(templates_in_the_end(&world), (0, 3));
    }
}

#[test]
fn only_the_second_factor_of_that_person_soon_after_a_login_counts() {
    let world = missing();
    let nothing = |what: &str| assert_eq!(templates_in_the_end(&world), (0, 3), "{what}");
    password(&world, "alice");
    nothing("no attempt");
    assert_eq!(login(&world), Some(Outcome::NoMatch));
    password(&world, "bob");
    nothing("another's password");
    assert_eq!(login(&world), Some(Outcome::NoMatch));
    world.clock.forward(Duration::from_secs(21));
    password(&world, "alice");
    nothing("too late");
    assert_eq!(world.verify("alice").verdict, Some(Outcome::NoMatch));
    password(&world, "alice");
    nothing("no login");
    login(&world);
    world.stage.shows(&[Shot::Show("coffee.jpg")]);
    login(&world);
    password(&world, "alice");
    nothing("another attempt in between");
    world.stage.shows(BOB);
    world.enroll("bob").expect("enrolled");
    world.stage.shows(CHANGED);
    assert_eq!(login_as(&world, "bob"), Some(Outcome::NoMatch));
    password(&world, "alice");
    let listed = world.ask(&List { user: None }).expect("listed").templates;
    assert!(
        listed.iter().all(|template| !template.adapted),
        "a login of somebody else, with a face that is hers"
    );
}

#[test]
fn a_login_that_somebody_else_asked_for_and_a_password_that_they_tell_of_count_for_nothing() {
    let world = missing();
    for role in [Role::Manager, Role::Door, Role::User] {
        world.called_by("alice", role);
        login(&world);
        let told = world.ask(&Adapt { user: "alice".into() });
        assert!(matches!(told, Err(ClientError::Refused(Fault::PermissionDenied { .. }))), "{told:?}");
    }
    world.called_by("root", Role::Owner);
    password(&world, "alice");
    assert_eq!(templates_in_the_end(&world), (0, 3));
}

#[test]
fn a_stranger_who_knows_the_password_leaves_no_template() {
    let world = missing();
    world.stage.shows(BOB);
    for _ in 0..3 {
        assert_eq!(login(&world), Some(Outcome::NoMatch));
        password(&world, "alice");
        assert_eq!(templates_in_the_end(&world), (0, 3));
        world.clock.forward(BETWEEN);
    }
}

#[test]
fn a_face_out_of_reach_or_well_recognised_is_not_taken() {
    let reach = f64::from(Reach::SHIPPED.0);
    let world = missing_by(reach + 0.2, |_| ());
    assert_eq!(login(&world), Some(Outcome::NoMatch));
    password(&world, "alice");
    assert_eq!(templates_in_the_end(&world), (0, 3));
    let world = missing_by(-0.2, |_| ());
    assert_eq!(login(&world), Some(Outcome::Match));
    password(&world, "alice");
    assert_eq!(templates_in_the_end(&world), (0, 3), "a match at a login is followed by no password");
}

#[test]
fn a_picture_and_a_face_beside_another_are_not_taken() {
    let world = missing();
    world.stage.shows(&[Shot::Spoilt("obama-3.jpg", Spoil::Recaptured)]);
    assert_eq!(login(&world), Some(Outcome::Attack));
    password(&world, "alice");
    assert_eq!(templates_in_the_end(&world), (0, 3));
    world.stage.shows(&[Shot::Show("two-faces.jpg"), CHANGED[0]]);
    assert_eq!(login(&world), Some(Outcome::NoMatch));
    password(&world, "alice");
    assert_eq!(templates_in_the_end(&world), (0, 3));
}

/// One more login with the password, a while after the last; what there is then.
fn again(world: &World, after: Duration) -> (usize, usize) {
    world.clock.forward(after);
    login(world);
    password(world, "alice");
    templates_in_the_end(world)
}

#[test]
fn one_a_day_and_an_enrolment_ends_them() {
    let world = missing_by(0.9, |_| ());
    assert_eq!(again(&world, Duration::ZERO), (1, 3));
    assert_eq!(login(&world), Some(Outcome::Match), "0.9 below, and up to 1.0 is added");
    world.stage.shows(ALICE_ENROLS);
    world.enroll("alice").expect("enrolled");
    assert_eq!(templates(&world), (0, 3));
    world.stage.shows(CHANGED);
    assert_eq!(again(&world, BETWEEN - Duration::from_secs(60)), (0, 3), "not on the same day");
    assert_eq!(again(&world, Duration::from_secs(60)), (1, 3));
}

/// A daemon at the door `front`, where alice shows face and PIN, and her face matches barely.
fn at_the_door() -> (World, facelatch_wire::Client) {
    let world = missing_by(-0.5, |_| ());
    let door = attached(&world, "front");
    for (pin, duress) in [("471100", None), ("471199", Some(true))] {
        let pin = Some(Secret(pin.into()));
        world.ask(&SetPin { user: "alice".into(), pin, duress }).expect("set");
    }
    ask_for(&world, "front", Factor::FaceAndPin);
    (world, door)
}

/// Whoever holds this attaches the door.
fn attached(world: &World, door: &str) -> facelatch_wire::Client {
    let mut client = world.client();
    let place = DoorPlace { name: door.into(), camera: None };
    client.call(&Attach { doors: vec![place] }).expect("attached");
    client
}

/// What alice must show at this door.
fn ask_for(world: &World, door: &str, factor: Factor) {
    let rule = Rule { factor, ..Rule::default() };
    let door = DoorName::new(door).expect("valid");
    let mut set = |access: &mut Access| access.set(Some(door.clone()), Some(rule.clone()));
    let alice = UserName::new("alice").expect("valid");
    world.store.change_access(&alice, WallTime(0), &mut set).expect("set");
}

#[test]
fn at_a_door_a_face_that_matches_barely_becomes_a_template_with_the_pin_in_either_order() {
    for pin_first in [false, true] {
        let (world, _door) = at_the_door();
        let look = || world.ask(&Look { door: None }).expect("a verdict").verdict;
        let typed = |pin: &str| {
            world.ask(&VerifyPin { door: None, pin: Secret(pin.into()) }).expect("a verdict").verdict
        };
        if pin_first {
            assert_eq!(typed("471100"), Some(Outcome::NoFace));
            assert_eq!(look(), Some(Outcome::Match));
        } else {
            assert_eq!(look(), Some(Outcome::EnterPin));
            assert_eq!(templates(&world), (0, 3));
            assert_eq!(typed("471100"), Some(Outcome::Match));
        }
        until(|| (templates(&world) == (1, 3)).then_some(()));
    }
}

#[test]
fn a_second_factor_at_another_door_or_at_a_login_says_nothing_of_a_face_at_a_door() {
    let (world, _front) = at_the_door();
    let _back = attached(&world, "back");
    ask_for(&world, "back", Factor::Pin);
    let look = || world.ask(&Look { door: Some("front".into()) }).expect("a verdict").verdict;
    let typed = |door: &str| {
        let call = VerifyPin { door: Some(door.into()), pin: Secret("471100".into()) };
        world.ask(&call).expect("a verdict").verdict
    };
    assert_eq!(look(), Some(Outcome::EnterPin));
    assert_eq!(typed("back"), Some(Outcome::Match), "the PIN is enough there");
    assert_eq!(templates_in_the_end(&world), (0, 3), "another door");
    assert_eq!(look(), Some(Outcome::EnterPin));
    password(&world, "alice");
    assert_eq!(templates_in_the_end(&world), (0, 3), "a login");
    assert_eq!(look(), Some(Outcome::EnterPin));
    assert_eq!(typed("front"), Some(Outcome::Match));
    until(|| (templates(&world) == (1, 3)).then_some(()));
}

#[test]
fn a_pin_for_duress_makes_nobody_a_template() {
    for pin_first in [false, true] {
        let (world, _door) = at_the_door();
        let look = || world.ask(&Look { door: None }).expect("a verdict").verdict;
        let typed =
            || world.ask(&VerifyPin { door: None, pin: Secret("471199".into()) }).expect("a verdict").verdict;
        let last = if pin_first {
            typed();
            look()
        } else {
            look();
            typed()
        };
        assert_eq!(last, Some(Outcome::Match), "it opens like the other");
        assert_eq!(templates_in_the_end(&world), (0, 3));
    }
}
