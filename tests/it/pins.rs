//! PINs at doors: who gets in, who learns what, and what guessing costs.

use std::path::Path;
use std::time::Duration;

use facelatch::clock::WallTime;
use facelatch::config::Millis;
use facelatch::people::UserName;
use facelatch::people::access::{Access, DoorName, Factor, Rule};
use facelatch::store::TemplateStore;
use facelatch_wire::call::{
    Attach, CheckAudit, Events, Identify, Look, Remove, Reset, Secret, SetPin, VerifyPin,
};
use facelatch_wire::reply::{DoorPlace, Event, EventKind, Judging};
use facelatch_wire::{Client, ClientError, Fault, Outcome};

use facelatch_testkit::stage::{ALICE, ALICE_ENROLS, BOB};
use facelatch_testkit::store::Op;
use facelatch_testkit::world::World;

const PIN: &str = "471100";
const DURESS: &str = "471199";
const NOBODYS: &str = "902816";

/// A daemon at the doors front and back, and the connection of their program.
struct Site {
    world: World,
    doors: Client,
}

impl Site {
    fn new(world: World) -> Self {
        let doors = attached(&world);
        Self { world, doors }
    }

    /// Everybody's rule at a door, or at all others.
    fn rule(&self, user: &str, door: Option<&str>, factor: Factor) {
        let rule = Rule { factor, ..Rule::default() };
        let door = door.map(|door| DoorName::new(door).expect("valid"));
        let user = UserName::new(user).expect("valid");
        let mut set = |access: &mut Access| access.set(door.clone(), Some(rule.clone()));
        self.world.store.change_access(&user, WallTime(0), &mut set).expect("set");
    }

    fn set(&self, user: &str, pin: Option<&str>, duress: bool) -> Result<(), ClientError> {
        self.world.ask(&set_pin(user, pin, duress)).map(drop)
    }

    fn typed(&self, door: &str, pin: &str) -> Judging {
        let call = VerifyPin { door: Some(door.into()), pin: Secret(pin.into()) };
        self.world.ask(&call).expect("a verdict")
    }

    fn verdict(&self, door: &str, pin: &str) -> Option<Outcome> {
        self.typed(door, pin).verdict
    }

    fn looked(&self, door: &str) -> Option<Outcome> {
        self.world.ask(&Look { door: Some(door.into()) }).expect("a verdict").verdict
    }
}

fn attached(world: &World) -> Client {
    let mut doors = world.client();
    let place = |name: &str| DoorPlace { name: name.into(), camera: None };
    doors.call(&Attach { doors: vec![place("front"), place("back")] }).expect("attached");
    doors
}

fn set_pin(user: &str, pin: Option<&str>, duress: bool) -> SetPin {
    SetPin { user: user.into(), pin: pin.map(|pin| Secret(pin.into())), duress: duress.then_some(true) }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> String {
    match answer {
        Err(ClientError::Refused(fault @ (Fault::BadParameter { .. } | Fault::NotFound { .. }))) => {
            fault.to_string()
        }
        other => panic!("{other:?}"),
    }
}

/// Carol, who comes in by her PIN alone, and nobody's face.
fn with_carol() -> Site {
    with_carol_in(World::new())
}

fn with_carol_in(world: World) -> Site {
    let site = Site::new(world);
    site.set("carol", Some(PIN), false).expect("set");
    site.rule("carol", None, Factor::Pin);
    site
}

#[test]
fn a_pin_opens_and_one_for_duress_differs_in_the_event_alone() {
    let mut site = with_carol();
    site.set("carol", Some(DURESS), true).expect("set");
    site.doors.start(&Events {}, true).expect("asked");
    let mut next = || site.doors.receive::<Events>().expect("an event").reply;
    assert_eq!(next().kind, EventKind::Listening);
    let typed = |pin: &str| {
        let call = VerifyPin { door: Some("front".into()), pin: Secret(pin.into()) };
        site.world.ask(&call).expect("a verdict")
    };
    let (plain, duress) = (typed(PIN), typed(DURESS));
    assert_eq!((plain.verdict, plain.user.as_deref()), (Some(Outcome::Match), Some("carol")));
    assert_eq!(plain, duress, "whoever stands behind her sees no difference");
    let wanted = |duress: Option<bool>, time: u64| Event {
        kind: EventKind::Pin,
        time,
        user: Some("carol".into()),
        verdict: Some(Outcome::Match),
        door: Some("front".into()),
        duress,
        ..Event::default()
    };
    let (first, second) = (next(), next());
    assert_eq!((&first, &second), (&wanted(None, first.time), &wanted(Some(true), second.time)));
    assert!(site.world.tape.opened_for().is_empty(), "the daemon's own latch is for faces");
}

#[test]
fn a_passer_by_who_guesses_waits_and_locks_no_face_out() {
    let world = World::with(|config| config.decision.frames = 1).knows_alice();
    let site = Site::new(world);
    site.set("carol", Some(PIN), false).expect("set");
    site.rule("carol", None, Factor::Pin);
    for guess in 0..5 {
        assert_eq!(site.verdict("front", NOBODYS), Some(Outcome::NoMatch), "{guess}");
    }
    let waits = site.typed("back", PIN);
    assert_eq!((waits.verdict, waits.user), (Some(Outcome::Wait), None), "even the right one, at every door");
    assert!(waits.wait_s.is_some_and(|wait| (29..=30).contains(&wait)), "{:?}", waits.wait_s);
    site.world.stage.shows(ALICE);
    assert_eq!(site.looked("front"), Some(Outcome::Match), "faces have misses of their own");
    assert_eq!(site.verdict("front", PIN), Some(Outcome::Wait), "and a face gives no guess back");
    site.world.clock.forward(Duration::from_secs(31));
    assert_eq!(site.verdict("front", PIN), Some(Outcome::Match));
    assert_eq!(site.verdict("front", NOBODYS), Some(Outcome::NoMatch));
    let waits = site.typed("front", PIN).wait_s;
    assert_eq!(waits, Some(60), "nor does the right PIN of another");
    site.world.ask(&Reset { user: None }).expect("reset");
    assert_eq!(site.verdict("front", PIN), Some(Outcome::Match));
}

#[test]
fn guesses_outlive_a_restart_and_none_is_judged_that_could_not_be_counted() {
    let mut site = with_carol();
    for op in [Op::ProveRoomForMiss, Op::SetMisses] {
        site.world.store.fail_on(Some(op));
        assert_eq!(site.verdict("front", NOBODYS), Some(Outcome::Failed), "{op:?}");
    }
    site.world.store.fail_on(None);
    for _ in 0..5 {
        assert_eq!(site.verdict("front", NOBODYS), Some(Outcome::NoMatch));
    }
    site.world.restart();
    site.doors = attached(&site.world);
    assert_eq!(site.verdict("front", PIN), Some(Outcome::Wait));
}

#[test]
fn a_right_pin_at_another_door_or_of_who_was_removed_opens_nothing() {
    let site = Site::new(World::new());
    site.set("carol", Some(PIN), false).expect("set");
    assert_eq!(site.verdict("front", PIN), Some(Outcome::NotAllowed), "no rule asks for a PIN");
    site.rule("carol", Some("back"), Factor::Pin);
    for _ in 0..6 {
        assert_eq!(site.verdict("front", PIN), Some(Outcome::NotAllowed), "and it is no guess");
    }
    assert_eq!(site.verdict("back", PIN), Some(Outcome::Match));
    site.set("carol", None, false).expect("taken away");
    assert_eq!(site.verdict("back", PIN), Some(Outcome::NoMatch));
    assert!(refused(site.set("carol", None, false)).contains("has no PIN"));
}

#[test]
fn whoever_is_removed_has_no_pin_any_more() {
    let world = World::with(|config| config.decision.frames = 1).knows_alice();
    let site = Site::new(world);
    site.set("alice", Some(PIN), false).expect("set");
    site.rule("alice", None, Factor::Pin);
    assert_eq!(site.verdict("front", PIN), Some(Outcome::Match));
    site.world.ask(&Remove { user: "alice".into(), id: None, adapted: None }).expect("removed");
    assert_eq!(site.verdict("front", PIN), Some(Outcome::NoMatch));
}

#[test]
fn face_and_pin_come_in_either_order_at_one_door_within_twenty_seconds_and_count_once() {
    let world = World::with(|config| config.decision.frames = 1).knows_alice();
    let site = Site::new(world);
    site.set("alice", Some(PIN), false).expect("set");
    site.rule("alice", None, Factor::FaceAndPin);
    site.world.stage.shows(ALICE);
    assert_eq!(site.looked("front"), Some(Outcome::EnterPin));
    assert_eq!(site.verdict("back", PIN), Some(Outcome::NoFace), "the face was at the other door");
    assert_eq!(site.verdict("front", PIN), Some(Outcome::Match));
    assert_eq!(site.verdict("front", PIN), Some(Outcome::NoFace), "the face is used up");
    site.world.clock.forward(Duration::from_secs(19));
    assert_eq!(site.looked("front"), Some(Outcome::Match), "the PIN came first");
    assert_eq!(site.looked("front"), Some(Outcome::EnterPin), "and is used up");
    site.world.clock.forward(Duration::from_secs(21));
    assert_eq!(site.verdict("front", PIN), Some(Outcome::NoFace), "too late");
    site.world.stage.shows(BOB);
    assert_eq!(site.looked("front"), Some(Outcome::NoMatch), "another's face");
    assert_eq!(site.world.ask(&Identify::default()).expect("a verdict").verdict, Some(Outcome::NoMatch));
}

#[test]
fn a_duress_pin_before_the_face_is_told_with_the_face() {
    let world = World::with(|config| config.decision.frames = 1).knows_alice();
    let mut site = Site::new(world);
    site.set("alice", Some(PIN), false).expect("set");
    site.set("alice", Some(DURESS), true).expect("set");
    site.rule("alice", None, Factor::FaceAndPin);
    assert_eq!(site.verdict("front", DURESS), Some(Outcome::NoFace));
    site.doors.start(&Events {}, true).expect("asked");
    let mut next = || site.doors.receive::<Events>().expect("an event").reply;
    assert_eq!(next().kind, EventKind::Listening);
    site.world.stage.shows(ALICE);
    let judging = site.world.ask(&Look { door: Some("front".into()) }).expect("a verdict");
    assert_eq!(judging.verdict, Some(Outcome::Match));
    let event = next();
    assert_eq!(
        (event.kind, event.verdict, event.duress),
        (EventKind::Identify, Some(Outcome::Match), Some(true))
    );
}

#[test]
fn with_face_unlock_switched_off_a_pin_alone_opens_and_face_and_pin_does_not() {
    let site = with_carol();
    site.set("dave", Some(NOBODYS), false).expect("set");
    site.rule("dave", None, Factor::FaceAndPin);
    site.world.store.change_premises(WallTime(0), &mut |premises| premises.face = false).expect("set");
    assert_eq!(site.verdict("front", PIN), Some(Outcome::Match));
    assert_eq!(site.verdict("front", NOBODYS), Some(Outcome::SwitchedOff));
}

#[test]
fn a_pin_is_one_persons_and_hard_to_guess() {
    let site = with_carol();
    let taken = refused(site.set("dave", Some(PIN), false));
    assert!(taken.contains("choose another") && !taken.contains("carol"), "{taken}");
    assert!(refused(site.set("dave", Some(DURESS), true)).contains("set that one before"));
    assert!(refused(site.set("carol", Some(PIN), true)).contains("choose another"), "duress must differ");
    site.set("carol", Some(PIN), false).expect("the same again");
    site.set("carol", Some(DURESS), true).expect("set");
    assert!(refused(site.set("dave", Some(DURESS), false)).contains("choose another"));
    for bad in ["0000", "1234", "123", "12345678901", "12a456", ""] {
        let why = refused(site.set("dave", Some(bad), false));
        assert!(why.starts_with("PIN: "), "{why}");
    }
    site.set("carol", None, true).expect("taken away");
    assert_eq!(site.verdict("front", DURESS), Some(Outcome::NoMatch));
    assert_eq!(site.verdict("front", PIN), Some(Outcome::Match));
    assert_eq!(site.verdict("front", "12"), Some(Outcome::NoMatch), "too short to be a guess");
}

#[test]
fn an_unknown_door_is_refused_and_two_keypads_are_served_in_turn() {
    // Which is also how long the second one waits for its turn, by the system's clock.
    let site = with_carol_in(World::with(|config| config.decision.deadline_ms = Millis(60_000)));
    let call = |door: &str| VerifyPin { door: Some(door.into()), pin: Secret(PIN.into()) };
    assert!(refused(site.world.ask(&call("cellar"))).contains("attached are back, front"));
    assert!(refused(site.world.ask(&VerifyPin { door: None, pin: Secret(PIN.into()) })).contains("name one"));
    let (mut front, mut back) = (site.world.client(), site.world.client());
    front.start(&call("front"), false).expect("sent");
    back.start(&call("back"), false).expect("sent");
    for client in [&mut back, &mut front] {
        let judging = client.receive::<VerifyPin>().expect("a verdict").reply;
        assert_eq!(judging.verdict, Some(Outcome::Match));
    }
}

/// Every file below a folder, in one piece.
fn bytes_below(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(bytes_below(&path))
        } else {
            all.extend(std::fs::read(&path).expect("read"))
        }
    }
    all
}

#[test]
fn no_digit_of_a_pin_is_on_the_disk_in_the_record_or_in_what_is_printed() {
    let site = Site::new(World::sealed(|_| {}));
    site.set("carol", Some(PIN), false).expect("set");
    site.set("carol", Some(DURESS), true).expect("set");
    assert_eq!(site.verdict("front", PIN), Some(Outcome::NotAllowed));
    assert_eq!(site.verdict("front", DURESS), Some(Outcome::NotAllowed));
    assert_eq!(site.verdict("front", NOBODYS), Some(Outcome::NoMatch));
    let disk = bytes_below(&site.world.store_folder());
    let has = |text: &str| disk.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    for pin in [PIN, DURESS, NOBODYS] {
        assert!(!has(pin), "{pin}");
    }
    assert!(has("\"pin\"") && has("PIN set") && has("duress"), "the record tells the rest");
    assert!(site.world.ask(&CheckAudit {}).expect("checked").problems.is_empty());
    let call = VerifyPin { door: None, pin: Secret(PIN.into()) };
    assert!(!format!("{call:?} {:?}", set_pin("carol", Some(PIN), false)).contains("4711"));
}

#[test]
fn hours_of_a_pin_need_a_clock_that_shows_no_less_than_the_newest_template() {
    // Thursday, 2026-12-24, 10:00 UTC.
    const NOW: u64 = 1_798_106_400;
    let site = Site::new(World::new());
    site.world.clock.show(WallTime(NOW));
    site.set("carol", Some(PIN), false).expect("set");
    let hours = vec!["daily 00:00-24:00".parse().expect("hours")];
    let rule = Rule { factor: Factor::Pin, hours, ..Rule::default() };
    let carol = UserName::new("carol").expect("valid");
    let mut set = |access: &mut Access| access.set(None, Some(rule.clone()));
    site.world.store.change_access(&carol, WallTime(NOW), &mut set).expect("set");
    assert_eq!(site.verdict("front", PIN), Some(Outcome::Match));
    site.world.clock.show(WallTime(NOW + 7200));
    site.world.stage.shows(ALICE_ENROLS);
    site.world.enroll("alice").expect("enrolled");
    site.world.clock.show(WallTime(NOW + 3600));
    assert_eq!(site.verdict("front", PIN), Some(Outcome::ClockUnset));
}
