//! Who may come in when, over the socket.

use std::time::Duration;

use facelatch::clock::WallTime;
use facelatch::config::ClockTrust;
use facelatch::serve::peer::Role;
use facelatch_wire::call::{Events, Identify, Remove, Rules, SetPremises, SetRule, Status, Verify};
use facelatch_wire::reply::{EventKind, Factor, Judging, Rule};
use facelatch_wire::{ClientError, Fault, Outcome};

use facelatch_testkit::stage::{ALICE, ALICE_ENROLS, BOB};
use facelatch_testkit::store::Op;
use facelatch_testkit::world::World;

/// Thursday, 2026-12-24, 10:00 UTC.
const THURSDAY: WallTime = WallTime(1_798_106_400);

const HOUR: Duration = Duration::from_secs(3600);

fn world() -> World {
    let world = World::new();
    world.clock.show(THURSDAY);
    let world = world.knows_alice();
    world.stage.shows(ALICE);
    world
}

fn rule() -> Rule {
    Rule { user: "alice".into(), ..Rule::default() }
}

fn hours(span: &str) -> Rule {
    Rule { hours: vec![span.into()], ..rule() }
}

fn set(world: &World, rule: Rule) -> Result<(), ClientError> {
    world.ask(&SetRule { rule }).map(|_| ())
}

fn refused(result: Result<(), ClientError>) -> String {
    match result {
        Err(ClientError::Refused(Fault::BadParameter { message, .. } | Fault::NotFound { message })) => {
            message
        }
        other => panic!("must be refused, got {other:?}"),
    }
}

fn identified(world: &World) -> (Option<Outcome>, Option<String>) {
    let Judging { verdict, user, .. } = world.ask(&Identify::default()).expect("a verdict");
    (verdict, user)
}

fn is(outcome: Outcome) -> (Option<Outcome>, Option<String>) {
    (Some(outcome), Some("alice".to_owned()))
}

#[test]
fn a_rule_keeps_somebody_out_without_a_miss_and_a_login_is_at_no_door() {
    let world = world();
    set(&world, Rule { allowed: Some(false), ..rule() }).expect("set");
    let before = world.ask(&Rules::default()).expect("rules");
    assert_eq!((before.rules.len(), before.face), (1, true));
    for _ in 0..7 {
        assert_eq!(identified(&world), is(Outcome::NotAllowed), "never a wait: it is no miss");
        assert_eq!(world.verify("alice").verdict, Some(Outcome::NotAllowed));
    }
    assert!(world.tape.opened_for().is_empty());
    let login = Verify { user: Some("alice".into()), latch: Some(false), camera: None };
    assert_eq!(world.ask(&login).expect("a verdict").verdict, Some(Outcome::Match));
    world.stage.shows(BOB);
    assert_eq!(identified(&world), (Some(Outcome::NoMatch), None));
    world.stage.shows(ALICE);
    set(&world, rule()).expect("taken away");
    assert_eq!(identified(&world), is(Outcome::Match));
    assert_eq!(world.tape.opened_for(), ["alice"]);
}

#[test]
fn somebody_who_may_not_come_in_ends_no_count_of_misses() {
    let world = world();
    set(&world, Rule { allowed: Some(false), ..rule() }).expect("set");
    for _ in 0..5 {
        world.stage.shows(BOB);
        assert_eq!(identified(&world).0, Some(Outcome::NoMatch));
        world.stage.shows(ALICE);
        let verdict = identified(&world).0;
        assert!(matches!(verdict, Some(Outcome::NotAllowed | Outcome::Wait)), "{verdict:?}");
    }
    assert_eq!(identified(&world).0, Some(Outcome::Wait), "five misses in a row all the same");
}

#[test]
fn hours_let_somebody_in_until_they_end() {
    let world = world();
    set(&world, hours("mon-fri 08:00-11:30")).expect("set");
    assert_eq!(identified(&world), is(Outcome::Match));
    world.clock.forward(HOUR + HOUR / 2);
    assert_eq!(identified(&world), is(Outcome::NotAllowed));
    world.clock.forward(HOUR * 21);
    assert_eq!(identified(&world), is(Outcome::Match), "the next morning");
    let holidays = Some(vec!["2026-12-25".to_owned()]);
    world.ask(&SetPremises { face: None, holidays }).expect("set");
    assert_eq!(identified(&world), is(Outcome::NotAllowed), "which is a holiday");
}

#[test]
fn a_clock_that_nothing_has_set_lets_nobody_in_by_the_clock() {
    let world = world();
    let clock_notes = |world: &World| {
        let notes = world.ask(&Status {}).expect("status").notes;
        notes.into_iter().filter(|note| note.starts_with("clock: ")).collect::<Vec<_>>()
    };
    set(&world, hours("daily 00:00-24:00")).expect("set");
    assert_eq!((identified(&world), clock_notes(&world).len()), (is(Outcome::Match), 0));
    world.clock.unset(true);
    assert_eq!(identified(&world), is(Outcome::ClockUnset));
    assert!(clock_notes(&world)[0].contains("nothing has set it"));
    // One that was set shows nothing earlier than the newest rule.
    world.clock.unset(false);
    world.clock.show(WallTime(THURSDAY.0 - 3600));
    assert_eq!(identified(&world), is(Outcome::ClockUnset));
    assert!(clock_notes(&world)[0].contains("earlier time than the store knows"));
    let world = world.reconfigured(|config| config.access.clock = ClockTrust::Trust);
    assert_eq!(identified(&world), is(Outcome::ClockUnset), "whatever is trusted");
    world.clock.unset(true);
    world.clock.show(THURSDAY);
    assert_eq!((identified(&world), clock_notes(&world).len()), (is(Outcome::Match), 0));
    // Without a rule that asks for the time nobody cares.
    set(&world, rule()).expect("taken away");
    let world = world.reconfigured(|config| config.access.clock = ClockTrust::Check);
    world.clock.show(WallTime(5));
    assert_eq!((identified(&world), clock_notes(&world).len()), (is(Outcome::Match), 0));
}

#[test]
fn whoever_needs_a_pin_is_asked_for_it() {
    let world = world();
    for factor in [Factor::FaceAndPin, Factor::Pin] {
        set(&world, Rule { factor: Some(factor), ..rule() }).expect("set");
        assert_eq!(identified(&world), is(Outcome::EnterPin));
    }
    assert!(world.tape.opened_for().is_empty());
}

#[test]
fn face_unlock_that_is_switched_off_takes_no_frame_and_enrolment_still_works() {
    let world = world();
    world.ask(&SetPremises { face: Some(false), holidays: None }).expect("set");
    assert_eq!(world.ask(&Status {}).expect("status").face, Some(false));
    let judged = world.ask(&Identify::default()).expect("a verdict");
    assert_eq!((judged.verdict, judged.frames, judged.picture), (Some(Outcome::SwitchedOff), Some(0), None));
    for latch in [None, Some(false)] {
        let asked = Verify { user: Some("alice".into()), latch, camera: None };
        assert_eq!(world.ask(&asked).expect("a verdict").verdict, Some(Outcome::SwitchedOff));
    }
    world.stage.shows(ALICE_ENROLS);
    assert_eq!(world.enroll("alice").expect("enrolled").replaced, Some(3));
    world.ask(&SetPremises { face: Some(true), holidays: None }).expect("set");
    world.stage.shows(ALICE);
    assert_eq!(identified(&world), is(Outcome::Match));
}

#[test]
fn rules_that_cannot_be_read_let_nobody_in() {
    let world = world();
    world.store.fail_on(Some(Op::Access));
    assert_eq!(identified(&world).0, Some(Outcome::Failed));
    let login = Verify { user: Some("alice".into()), latch: Some(false), camera: None };
    assert_eq!(world.ask(&login).expect("a verdict").verdict, Some(Outcome::Match), "a login asks for none");
    assert!(world.tape.opened_for().is_empty());
}

#[test]
fn what_makes_no_sense_is_refused_at_once() {
    let world = world();
    let told = |rule: Rule| refused(set(&world, rule));
    assert!(told(hours("mon-fri 22:00-06:00")).contains("mon-fri 22:00-24:00"));
    let overlap = vec!["mon-fri 08:00-18:00".to_owned(), "fri 17:00-19:00".to_owned()];
    assert!(told(Rule { hours: overlap, ..rule() }).contains("overlap"));
    let guest =
        |from: &str, until: &str| Rule { from: Some(from.into()), until: Some(until.into()), ..rule() };
    assert!(told(guest("2026-12-27", "2026-12-26")).contains("not after"));
    assert!(told(guest("2026-12-20", "2026-12-23")).contains("over already"));
    assert!(told(guest("2026-12-20", "2026-12-24T10:00")).contains("2026-12-24T10:00"));
    let over = Rule { allowed: Some(false), ..guest("2026-12-20", "2026-12-23") };
    set(&world, over).expect("whoever was a guest can be kept out");
    set(&world, rule()).expect("taken away");
    assert!(told(Rule { door: Some("no door".into()), ..rule() }).contains("no door"));
    assert!(told(Rule { user: "alicia".into(), ..hours("daily 08:00-18:00") }).contains("not enrolled"));
    let holidays =
        |days: Vec<String>| world.ask(&SetPremises { face: None, holidays: Some(days) }).map(|_| ());
    assert!(refused(holidays(vec!["2026-02-29".into()])).contains("no such day"));
    assert_eq!(world.ask(&Rules::default()).expect("rules").rules, []);
    for n in 0..32 {
        set(&world, Rule { door: Some(format!("door{n}")), allowed: Some(true), ..rule() }).expect("room");
    }
    assert!(
        told(Rule { door: Some("one-more".into()), allowed: Some(true), ..rule() }).contains("at most 32")
    );
}

#[test]
fn rules_are_told_and_set_by_managers_and_go_with_their_person() {
    let world = world();
    let mut events = world.client();
    events.start(&Events {}, true).expect("asked");
    let mut next = || events.receive::<Events>().expect("an event").reply;
    assert_eq!(next().kind, EventKind::Listening);
    let door =
        Rule { door: Some("front".into()), until: Some("2026-12-26".into()), ..hours("daily 08:00-18:00") };
    set(&world, door.clone()).expect("set");
    let event = next();
    assert_eq!(
        (event.kind, event.user.as_deref(), event.door.as_deref()),
        (EventKind::Rule, Some("alice"), Some("front"))
    );
    assert_eq!(event.note.as_deref(), Some("daily 08:00-18:00, until 2026-12-26, by face"));
    world.ask(&SetPremises { face: Some(false), holidays: None }).expect("set");
    assert_eq!(next().note.as_deref(), Some("face off"));
    let told = world.ask(&Rules { user: Some("alice".into()) }).expect("rules");
    let whole = Rule { allowed: Some(true), factor: Some(Factor::Face), ..door };
    assert_eq!((told.rules, told.face), (vec![whole], false));
    for role in [Role::User, Role::Door] {
        world.called_by("alice", role);
        let denied = |result: Result<(), ClientError>| {
            assert!(
                matches!(result, Err(ClientError::Refused(Fault::PermissionDenied { .. }))),
                "{result:?}"
            );
        };
        denied(set(&world, rule()));
        denied(world.ask(&Rules::default()).map(|_| ()));
        denied(world.ask(&SetPremises { face: Some(true), holidays: None }).map(|_| ()));
    }
    world.called_by("root", Role::Owner);
    world.ask(&Remove { user: "alice".into(), id: None, adapted: None }).expect("removed");
    assert_eq!(world.ask(&Rules::default()).expect("rules").rules, []);
}

#[test]
fn somebody_removed_template_by_template_keeps_rules_until_they_are_removed() {
    let world = world();
    set(&world, Rule { allowed: Some(false), ..rule() }).expect("set");
    let listed = world.ask(&facelatch_wire::call::List { user: None }).expect("list").templates;
    for template in listed {
        world.ask(&Remove { user: "alice".into(), id: Some(template.id), adapted: None }).expect("removed");
    }
    assert_eq!(world.ask(&Rules::default()).expect("rules").rules.len(), 1);
    assert_eq!(
        world.ask(&Remove { user: "alice".into(), id: None, adapted: None }).expect("removed").removed,
        0
    );
    assert_eq!(world.ask(&Rules::default()).expect("rules").rules, []);
    assert!(world.ask(&Remove { user: "alice".into(), id: None, adapted: None }).is_err(), "nobody is left");
}
