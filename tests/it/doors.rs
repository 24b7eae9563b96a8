//! The right of a door: what its program may do, and what somebody may not who has taken it over.

use std::time::Duration;

use facelatch::config::{Camera, Millis};
use facelatch::serve::peer::Role;
use facelatch_wire::call::{
    Attach, CheckAudit, Events, GetInterfaceDescription, Identify, Look, Report, Reset, Secret, SetPin,
    SetRule, Status, VerifyPin,
};
use facelatch_wire::reply::{DoorChange, DoorPlace, Event, EventKind, Factor, Judging, Rule};
use facelatch_wire::{Client, ClientError, Fault, Outcome};

use facelatch_testkit::stage::{ALICE, ALICE_ENROLS, BOB, Shot};
use facelatch_testkit::world::{PATIENCE, World, until};

/// Each method, its parameters, whether it answers with a stream, and the least who may ask it. What is asked is nonsense
/// where it would change something: whether it may be asked comes first.
const RIGHTS: &[(&str, &str, bool, Role)] = &[
    ("GetInfo", "{}", false, Role::User),
    ("GetInterfaceDescription", r#"{"interface":"io.facelatch.v1"}"#, false, Role::User),
    ("Status", "{}", false, Role::User),
    ("Verify", r#"{"user":"me"}"#, false, Role::User),
    ("List", r#"{"user":"me"}"#, false, Role::User),
    ("Events", "{}", true, Role::Door),
    ("Look", "{}", false, Role::Door),
    ("Watch", "{}", true, Role::Door),
    ("Attach", r#"{"doors":[]}"#, false, Role::Door),
    ("Report", r#"{"door":"front","change":"opened"}"#, false, Role::Door),
    ("VerifyPin", r#"{"pin":"1"}"#, false, Role::Door),
    ("Verify", r#"{"user":"other"}"#, false, Role::Manager),
    ("List", r#"{"user":"other"}"#, false, Role::Manager),
    ("List", "{}", false, Role::Manager),
    ("Identify", "{}", false, Role::Manager),
    ("Enroll", r#"{"user":"/"}"#, false, Role::Manager),
    ("Remove", r#"{"user":"/"}"#, false, Role::Manager),
    ("Reset", r#"{"user":"/"}"#, false, Role::Manager),
    ("SetPin", r#"{"user":"/"}"#, false, Role::Manager),
    ("SetRule", r#"{"rule":{"user":"/"}}"#, false, Role::Manager),
    ("Rules", "{}", false, Role::Manager),
    ("SetPremises", "{}", false, Role::Manager),
    ("Export", "{}", true, Role::Manager),
    ("Export", r#"{"recipient":"age1"}"#, true, Role::Owner),
    ("Upload", r#"{"data":""}"#, false, Role::Manager),
    ("Import", r#"{"identity":""}"#, false, Role::Manager),
    ("Renew", "{}", false, Role::Manager),
    ("CheckAudit", "{}", false, Role::Manager),
    ("Log", "{}", true, Role::Manager),
    ("Backup", "{}", true, Role::Owner),
    ("Unpack", r#"{"identity":""}"#, true, Role::Owner),
    ("Explain", r#"{"user":"/"}"#, false, Role::Owner),
    ("Adapt", r#"{"user":"/"}"#, false, Role::Owner),
];

const ROLES: [Role; 4] = [Role::User, Role::Door, Role::Manager, Role::Owner];

#[test]
fn each_method_is_refused_to_all_who_have_less_than_it_takes() {
    let world = World::new();
    let interface = GetInterfaceDescription { interface: "io.facelatch.v1".into() };
    let text = world.ask(&interface).expect("described").description;
    let methods = text.lines().filter_map(|line| line.strip_prefix("method ")?.split('(').next());
    for method in methods {
        assert!(RIGHTS.iter().any(|(name, ..)| *name == method), "{method} is not in the table");
    }
    for role in ROLES {
        world.called_by("me", role);
        for (method, parameters, more, least) in RIGHTS {
            let interface = if method.starts_with("Get") { "org.varlink.service" } else { "io.facelatch.v1" };
            let call =
                format!(r#"{{"method":"{interface}.{method}","parameters":{parameters},"more":{more}}}"#);
            let mut client = world.client();
            client.send(format!("{call}\0").as_bytes()).expect("sent");
            let reply = String::from_utf8(client.receive_bytes().expect("a reply")).expect("text");
            let denied = reply.starts_with(r#"{"error":"io.facelatch.v1.PermissionDenied""#);
            assert_eq!(denied, role < *least, "{role:?}: {call}: {reply}");
        }
    }
}

fn place(name: &str) -> DoorPlace {
    DoorPlace { name: name.into(), camera: None }
}

/// The connection of a door's program that has attached these doors, with its events. Silent, it would not be kept for long.
fn attached(world: &World, names: &[&str]) -> impl FnMut() -> Event {
    let mut client = world.client();
    let doors = names.iter().map(|name| place(name)).collect();
    client.call(&Attach { doors }).expect("attached");
    follow(client)
}

/// The events from here on.
fn follow(mut client: Client) -> impl FnMut() -> Event {
    client.start(&Events {}, true).expect("sent");
    let mut next = move || client.receive::<Events>().expect("an event").reply;
    assert_eq!(next().kind, EventKind::Listening);
    next
}

fn look(door: &str) -> Look {
    Look { door: Some(door.into()) }
}

fn report(door: &str, change: DoorChange, note: &str) -> Report {
    let note = Some(note).filter(|note| !note.is_empty()).map(str::to_owned);
    Report { door: door.into(), change, user: None, note }
}

fn refused<T: std::fmt::Debug>(result: Result<T, ClientError>) -> Fault {
    match result {
        Err(ClientError::Refused(fault)) => fault,
        other => panic!("must be refused, got {other:?}"),
    }
}

#[test]
fn a_look_is_an_identification_whose_event_names_the_door() {
    let world = World::new().knows_alice();
    world.called_by("facelatch-door", Role::Door);
    let mut event = attached(&world, &["front", "back"]);
    world.stage.shows(ALICE);
    let judged = world.ask(&look("back")).expect("a verdict");
    assert_eq!((judged.verdict, judged.user.as_deref()), (Some(Outcome::Match), Some("alice")));
    assert_eq!((judged.p, judged.face), (None, None), "no scores");
    let seen = event();
    assert_eq!((seen.kind, seen.verdict), (EventKind::Identify, Some(Outcome::Match)));
    assert_eq!((seen.door.as_deref(), seen.user.as_deref()), (Some("back"), Some("alice")));
    world.stage.shows(BOB);
    assert_eq!(world.ask(&look("front")).expect("a verdict").verdict, Some(Outcome::NoMatch));
    assert_eq!(event().door.as_deref(), Some("front"));

    let several = refused(world.ask(&Look { door: None })).to_string();
    assert!(several.contains("name one") && several.contains("back, front"), "{several}");
    let unknown = refused(world.ask(&look("side")));
    assert!(
        matches!(&unknown, Fault::NotFound { message } if message.contains("back, front")),
        "{unknown:?}"
    );
    let doors = vec![DoorPlace { name: "side".into(), camera: Some("cellar".into()) }];
    let no_camera = refused(world.ask(&Attach { doors }));
    assert!(matches!(&no_camera, Fault::BadParameter { message, .. } if message.contains("cellar")));
    let bad = refused(world.ask(&Attach { doors: vec![place("Side Door")] }));
    assert!(matches!(&bad, Fault::BadParameter { parameter, .. } if parameter == "doors"));
    drop(event);
    until(|| world.ask(&Status {}).expect("status").doors.is_empty().then_some(()));
    let only = attached(&world, &["back"]);
    assert!(world.ask(&Look { door: None }).is_ok(), "the only door, attached again");
    drop(only);
}

#[test]
fn a_door_sees_identifications_and_doors_and_no_login_nor_who_is_enrolled() {
    let world = World::new().knows_alice();
    let mut all = follow(world.client());
    world.called_by("facelatch-door", Role::Door);
    let mut seen = attached(&world, &["front"]);
    world.called_by("root", Role::Owner);
    world.stage.shows(ALICE);
    world.verify("alice");
    world.ask(&Reset { user: None }).expect("reset");
    world.ask(&Identify::default()).expect("a verdict");
    assert_eq!([all().kind, all().kind], [EventKind::Verify, EventKind::Reset]);
    assert_eq!((all().kind, seen().kind), (EventKind::Identify, EventKind::Identify));
}

#[test]
fn what_a_door_reports_is_an_event_a_line_on_record_and_its_state() {
    let world = World::sealed(|_| {});
    let mut event = follow(world.client());
    world.called_by("facelatch-door", Role::Door);
    let _doors = attached(&world, &["front"]);
    let mut reports = world.client();
    let unlocked = Report { user: Some("alice".into()), ..report("front", DoorChange::Unlocked, "") };
    reports.call(&unlocked).expect("taken");
    let seen = event();
    assert_eq!((seen.kind, seen.change), (EventKind::Door, Some(DoorChange::Unlocked)));
    assert_eq!((seen.door.as_deref(), seen.user.as_deref()), (Some("front"), Some("alice")));
    reports.call(&report("front", DoorChange::Forced, "by night")).expect("taken");
    assert_eq!(event().note.as_deref(), Some("by night"));
    let state = world.ask(&Status {}).expect("status").doors.remove(0);
    assert_eq!(
        (state.change, state.open, state.camera.as_str()),
        (Some(DoorChange::Forced), Some(true), "camera")
    );
    for bad in ["two\nlines", &"x".repeat(201)] {
        let fault = refused(reports.call(&report("front", DoorChange::Opened, bad)));
        assert!(matches!(&fault, Fault::BadParameter { parameter, .. } if parameter == "note"), "{fault:?}");
    }
    assert!(matches!(refused(reports.call(&report("back", DoorChange::Opened, ""))), Fault::NotFound { .. }));
    world.masks.put_on_as(1001, "other-door", Role::Door);
    let fault = refused(world.ask(&report("front", DoorChange::Opened, "")));
    assert!(matches!(&fault, Fault::PermissionDenied { .. }), "{fault:?}");

    let log = std::fs::read_to_string(world.store_folder().join("audit/audit.log")).expect("the log");
    assert_eq!(log.lines().filter(|line| line.contains(r#""kind":"door""#)).count(), 2, "{log}");
    assert!(log.contains(r#""door":"front","change":"forced","note":"by night""#), "{log}");
    world.called_by("root", Role::Owner);
    assert_eq!(world.ask(&CheckAudit {}).expect("checked").problems, [""; 0]);
}

#[test]
fn a_door_that_was_taken_over_neither_fills_the_log_nor_keeps_events_from_others() {
    let world = World::sealed(|_| {});
    world.stage.shows(ALICE_ENROLS);
    world.enroll("alice").expect("enrolled");
    world.called_by("facelatch-door", Role::Door);
    let mut event = attached(&world, &["front"]);
    let mut hostile = world.client();
    let taken = (0..1000)
        .filter(|n| hostile.call(&report("front", DoorChange::Forced, &format!("{n}"))).is_ok())
        .count();
    assert_eq!(taken, 128, "the clock stands still");
    let names: Vec<String> = (0..1000).map(|n| format!("door-{n}")).collect();
    let named = names.iter().filter(|name| hostile.call(&Attach { doors: vec![place(name)] }).is_ok());
    assert_eq!(named.count(), 63, "with the first one 64 names");
    world.called_by("root", Role::Owner);
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match), "whoever else asks is answered");
    assert_eq!(world.ask(&Identify::default()).expect("a verdict").verdict, Some(Outcome::Match));
    let last = std::iter::from_fn(|| Some(event())).find(|event| event.kind == EventKind::Identify);
    assert_eq!(last.and_then(|event| event.lost), None, "none was lost among the reports");
    let audit = world.ask(&CheckAudit {}).expect("checked");
    assert_eq!(audit.problems, [""; 0]);
    assert!(audit.logs.iter().all(|log| log.dropped == 0), "{audit:?}");
}

#[test]
fn all_doors_of_a_program_have_one_place_in_the_queue() {
    let world = World::with(|config| config.decision.deadline_ms = Millis(3000)).knows_alice();
    world.stage.shows(&[&[Shot::Hold], ALICE].concat());
    world.masks.put_on_as(1001, "facelatch-door", Role::Door);
    let _doors = attached(&world, &["front", "back"]);
    let mut front = world.client();
    front.start(&look("front"), true).expect("sent");
    world.stage.wait_until_held();
    let fault = refused(world.ask(&look("back")));
    assert!(
        matches!(&fault, Fault::Busy { message } if message.contains("another attempt of yours")),
        "{fault:?}"
    );
    world.stage.let_go();
    assert_eq!(ends(&mut front).verdict, Some(Outcome::Match), "so a login waits for one look at most");
}

/// How a look ended.
fn ends(client: &mut Client) -> Judging {
    loop {
        let received = client.receive::<Look>().expect("a reply");
        if !received.continues {
            return received.reply;
        }
    }
}

/// Whoever may have an attempt judged for a door through a camera of their choice opens it from another room.
#[test]
fn a_door_is_one_users_even_while_its_program_is_away() {
    let world = World::with(|config| {
        config.camera.name = "desk".into();
        config.other_cameras = vec![Camera { name: "porch".into(), ..Camera::default() }];
    });
    let attach = |camera: &str| {
        let place = DoorPlace { name: "front".into(), camera: Some(camera.into()) };
        world.ask(&Attach { doors: vec![place] })
    };
    world.masks.put_on_as(1001, "facelatch-door", Role::Door);
    attach("porch").expect("attached");
    until(|| world.ask(&Status {}).expect("status").doors.is_empty().then_some(()));
    world.masks.put_on_as(1002, "bridge", Role::Door);
    let fault = refused(attach("desk"));
    assert!(
        matches!(&fault, Fault::BadParameter { message, .. } if message.contains("door front")),
        "{fault:?}"
    );
}

#[test]
fn a_pin_typed_at_doors_of_many_names_does_not_fill_the_log() {
    let world = World::sealed(|_| {});
    let secret = || Secret("471100".into());
    world.ask(&SetPin { user: "carol".into(), pin: Some(secret()), duress: None }).expect("set");
    world.called_by("facelatch-door", Role::Door);
    let mut hostile = world.client();
    for name in (0..20).map(|n| format!("door-{n}")) {
        hostile.call(&Attach { doors: vec![place(&name)] }).expect("attached");
        for _ in 0..4 {
            world.clock.forward(Duration::from_millis(250));
            let judged = hostile.call(&VerifyPin { door: Some(name.clone()), pin: secret() });
            assert_eq!(judged.expect("a verdict").verdict, Some(Outcome::NotAllowed));
        }
    }
    let log = std::fs::read_to_string(world.store_folder().join("audit/audit.log")).expect("the log");
    let lines = log.lines().filter(|line| line.contains(r#""kind":"pin""#)).count();
    assert_eq!(lines, 3, "the rest is counted at the end of the minute");
}

/// Otherwise whoever is kept out of a door, or has to type a PIN there, would be let in by an identification that names none.
#[test]
fn an_identification_goes_by_the_rules_of_the_only_door_since_it_opens_that() {
    let world = World::new().knows_alice();
    let mut event = attached(&world, &["front"]);
    world.stage.shows(ALICE);
    let rule = |allowed, factor| {
        let (user, door) = ("alice".into(), Some("front".into()));
        let rule = Rule { user, door, allowed: Some(allowed), factor: Some(factor), ..Rule::default() };
        world.ask(&SetRule { rule }).expect("set");
    };
    for (allowed, factor, wanted) in [
        (false, Factor::Face, Outcome::NotAllowed),
        (true, Factor::FaceAndPin, Outcome::EnterPin),
        (true, Factor::Face, Outcome::Match),
    ] {
        rule(allowed, factor);
        assert_eq!(event().kind, EventKind::Rule);
        assert_eq!(world.ask(&Identify::default()).expect("a verdict").verdict, Some(wanted));
        let seen = event();
        assert_eq!((seen.verdict, seen.door.as_deref()), (Some(wanted), Some("front")));
    }
}

#[test]
fn pins_that_are_no_guess_keep_no_match_from_a_door_however_many_are_sent() {
    let world = World::new();
    world.called_by("facelatch-door", Role::Door);
    let mut event = attached(&world, &["front"]);
    let call =
        br#"{"method":"io.facelatch.v1.VerifyPin","parameters":{"door":"front","pin":"1"},"oneway":true}"#;
    let all = [call, &b"\0"[..]].concat().repeat(20_000);
    let mut hostile = world.client();
    hostile.send(&all).expect("sent");
    hostile.call(&Status {}).expect("served after all of them");
    world.called_by("root", Role::Owner);
    world.ask(&VerifyPin { door: Some("front".into()), pin: Secret("1".into()) }).expect("a verdict");
    let events: Vec<Event> = (0..33).map(|_| event()).collect();
    assert!(events.iter().all(|event| event.kind == EventKind::Pin && event.lost.is_none()), "{events:?}");
    world.clock.forward(PATIENCE);
    world.called_by("facelatch-door", Role::Door);
    let typed = || world.ask(&VerifyPin { door: Some("front".into()), pin: Secret("1".into()) });
    let taken = (0..100).filter(|_| typed().is_ok()).count();
    assert_eq!(taken, 32, "the clock stands still");
}

#[test]
fn who_passes_a_door_with_their_head_turned_is_not_judged_there() {
    let world = World::with(|config| config.quality.max_turn_at_door = 0.1).knows_alice();
    world.stage.shows(ALICE);
    world.masks.put_on_as(1001, "facelatch-door", Role::Door);
    let _door = attached(&world, &["front"]);
    let mut client = world.client();
    client.start(&look("front"), true).expect("sent");
    assert_eq!(ends(&mut client).verdict, Some(Outcome::TurnedAway));
    world.called_by("root", Role::Owner);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match), "a login asks for less");
}
