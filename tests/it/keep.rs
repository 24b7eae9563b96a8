//! Store maintenance over the socket: export, import, renewal and the audit log.

use std::fs;

use age::secrecy::ExposeSecret;
use facelatch::serve::peer::Role;
use facelatch_wire::call::{
    CheckAudit, Events, Export, Identify, Import, List, Remove, Renew, Reset, Secret, Status, Upload,
};
use facelatch_wire::reply::EventKind;
use facelatch_wire::{Client, Outcome};

use facelatch_testkit::stage::{ALICE, BOB};
use facelatch_testkit::world::World;

/// Public key, and the text of an identity file.
fn keys() -> (String, String) {
    let identity = age::x25519::Identity::generate();
    (identity.to_public().to_string(), format!("# test\n{}\n", identity.to_string().expose_secret()))
}

#[test]
fn renewed_templates_still_match_their_face_and_no_other() {
    let world = World::sealed(|_| {}).knows_alice();
    for _ in 0..2 {
        world.stage.shows(ALICE);
        let before = world.verify("alice");
        assert_eq!(before.verdict, Some(Outcome::Match));
        assert_eq!(
            world.ask(&Renew { store_key: Some(false), machine: None }).expect("renewed").templates,
            3
        );
        world.stage.shows(ALICE);
        let after = world.verify("alice");
        assert_eq!(after.verdict, Some(Outcome::Match));
        let (before, after) = (before.p.expect("owner"), after.p.expect("owner"));
        assert!((before - after).abs() < 1e-6, "{before} became {after}");
        world.stage.shows(BOB);
        assert_eq!(world.verify("alice").verdict, Some(Outcome::NoMatch));
        assert_eq!(
            world.ask(&Renew { store_key: Some(true), machine: None }).expect("another key").templates,
            0
        );
    }
    world.stage.shows(ALICE);
    assert_eq!(world.ask(&Identify::default()).expect("a verdict").user.as_deref(), Some("alice"));
}

#[test]
fn a_sealed_store_gives_the_same_scores_as_one_without_a_secret_key() {
    let (plain, sealed) = (World::new().knows_alice(), World::sealed(|_| {}).knows_alice());
    for shots in [ALICE, BOB] {
        plain.stage.shows(shots);
        sealed.stage.shows(shots);
        let (one, other) =
            (plain.verify("alice").p.expect("owner"), sealed.verify("alice").p.expect("owner"));
        assert!((one - other).abs() < 1e-6, "{one} and {other}");
    }
}

#[test]
fn only_managers_export_and_only_for_the_configured_recipient() {
    let (public, secret) = keys();
    let configured = public.clone();
    let world = World::sealed(|config| config.store.export_recipient = configured).knows_alice();
    let ask = |recipient: Option<String>| {
        let mut client = world.client();
        client.start(&Export { recipient, user: None }, true).expect("sent");
        client.receive::<Export>().map(|received| received.reply.data.is_some())
    };
    world.called_by("carol", Role::Manager);
    assert!(ask(None).expect("for the configured one") && ask(Some(public)).expect("the same by name"));
    let error = ask(Some(keys().0)).expect_err("another's").to_string();
    assert!(error.contains("only root and the daemon's user may name a recipient"), "{error}");
    world.called_by("mallory", Role::User);
    assert!(ask(None).is_err());
    let mut client = world.client();
    assert!(client.call(&Upload { data: "AAAA".into() }).is_err());
    assert!(client.call(&Import { identity: Secret(secret), skip_enrolled: None }).is_err());
    assert!(client.call(&Renew { store_key: Some(false), machine: None }).is_err());
    assert!(client.call(&CheckAudit {}).is_err());
}

#[test]
fn an_empty_or_invalid_import_is_refused() {
    let world = World::sealed(|_| {});
    let mut client = world.client();
    let import = Import { identity: Secret(keys().1), skip_enrolled: None };
    assert!(client.call(&import).expect_err("nothing").to_string().contains("nothing was uploaded"));
    assert!(client.call(&Upload { data: "!".into() }).expect_err("no base64").to_string().contains("data"));
    client.call(&Upload { data: "aGVsbG8".into() }).expect("uploaded");
    assert!(client.call(&import).expect_err("no age file").to_string().contains("cannot be opened"));
    assert!(world.ask(&List { user: None }).expect("list").templates.is_empty());
}

/// The log of changes.
fn changes(world: &World) -> String {
    fs::read_to_string(world.store_folder().join("audit/changes.log")).expect("log")
}

#[test]
fn the_audit_log_records_who_when_and_the_outcome_and_reveals_an_edit() {
    let world = World::sealed(|_| {}).knows_alice();
    world.stage.shows(BOB);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::NoMatch));
    let path = world.store_folder().join("audit/audit.log");
    let text = fs::read_to_string(&path).expect("log");
    let last = text.lines().last().expect("lines");
    assert!(last.contains(r#""kind":"verify","user":"alice","by":0,"verdict":"no-match""#), "{last}");
    let changes = changes(&world);
    assert!(changes.contains(r#""kind":"enroll","user":"alice""#));
    assert!(!text.contains("\"p\"") && !changes.contains("\"p\""));
    let report = world.ask(&CheckAudit {}).expect("a report");
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    fs::write(&path, text.replace("no-match", "match")).expect("written");
    let problems = || world.ask(&CheckAudit {}).expect("a report").problems.join("\n");
    assert!(problems().contains("was changed"), "{}", problems());
    let cut = text.trim_end().rsplit_once('\n').expect("lines").0;
    fs::write(&path, format!("{cut}\n")).expect("written");
    assert!(problems().contains("the end is missing"), "{}", problems());
}

/// A call refused at once, without the store: when it is answered, the daemon has seen everything before it.
fn daemon_has_come_round(world: &World) {
    let refused = world.ask(&Export { recipient: None, user: None });
    refused.map(|_| ()).expect_err("it wants several replies");
}

/// The event is sent where the audit line is written.
#[test]
fn an_action_is_recorded_even_if_its_caller_disconnected() {
    let world = World::new().knows_alice();
    let mut listener = world.client();
    listener.start(&Events {}, true).expect("sent");
    assert_eq!(listener.receive::<Events>().expect("listening").reply.kind, EventKind::Listening);
    let mut client = world.client();
    let hold = world.store.hold();
    client.start(&Remove { user: "alice".into(), id: None, adapted: None }, false).expect("sent");
    daemon_has_come_round(&world);
    drop(client);
    daemon_has_come_round(&world);
    drop(hold);
    let told = listener.receive::<Events>().expect("an event").reply;
    assert_eq!((told.kind, told.user.as_deref()), (EventKind::Remove, Some("alice")));
    assert!(world.ask(&List { user: None }).expect("list").templates.is_empty());
}

#[test]
fn a_failed_renewal_is_recorded_too() {
    let world = World::sealed(|_| {});
    // Make the keyring unwritable.
    fs::create_dir(world.store_folder().join("keyring.a.new")).expect("made");
    assert!(world.ask(&Renew { store_key: Some(true), machine: None }).is_err());
    let text = changes(&world);
    assert!(text.contains(r#""kind":"renew","by":0,"verdict":"failed""#), "{text}");
}

#[test]
fn one_file_at_a_time_is_uploaded() {
    let world = World::sealed(|_| {});
    let part = Upload { data: "aGVsbG8".into() };
    let mut first = world.client();
    first.call(&part).expect("uploaded");
    first.call(&part).expect("another part");
    let error = world.ask(&part).expect_err("two").to_string();
    assert!(error.contains("another import is in progress"), "{error}");
    drop(first);
    daemon_has_come_round(&world);
    world.ask(&part).expect("the slot is free again");
}

#[test]
fn attempts_that_cost_nothing_do_not_fill_the_audit_log() {
    let mut world = World::sealed(|_| {}).knows_alice();
    let path = world.store_folder().join("audit/audit.log");
    let lines = || fs::read_to_string(&path).expect("log").lines().count();
    let before = lines();
    for _ in 0..50 {
        assert_eq!(world.verify("carol").verdict, Some(Outcome::NotEnrolled));
    }
    assert_eq!(lines(), before);
    world.stage.shows(BOB);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::NoMatch));
    assert_eq!(lines(), before + 1);
    world.clock.forward(std::time::Duration::from_secs(60));
    world.verify("carol");
    world.stop();
    let text = fs::read_to_string(&path).expect("log");
    let counted = text.lines().find(|line| line.contains("\"kind\":\"unjudged\"")).expect("a count");
    assert!(counted.contains("verify carol by 0 not-enrolled: 5"), "{counted}");
    assert!(text.lines().count() <= before + 3, "{text}");
}

#[test]
fn status_reports_the_state_of_the_store() {
    let world = World::sealed(|_| {}).knows_alice();
    let status = world.ask(&Status {}).expect("status");
    assert_eq!((status.store.state.as_str(), status.users, status.templates), ("whole", 1, 3));
}

#[test]
fn a_manager_cannot_push_an_enrolment_out_of_the_log() {
    let mut world = World::sealed(|config| config.decision.frames = 1);
    world.called_by("mallory", Role::Manager);
    world.stage.shows(BOB);
    world.enroll("root").expect("enrolled");
    world.stage.shows(ALICE);
    let mut client = world.client();
    for _ in 0..20 {
        client.call(&Renew { store_key: Some(false), machine: None }).expect("renewed");
    }
    let before = changes(&world);
    assert_eq!(before.matches("renew").count(), 3, "equal lines are counted");
    let reset = |client: &mut Client| client.call(&Reset { user: Some("root".into()) });
    let refused = (0..500).find_map(|_| reset(&mut client).err()).expect("the group's changes are used up");
    assert!(refused.to_string().contains("made many changes"), "{refused}");
    assert_eq!(changes(&world), before, "what changes nothing is not written");
    world.called_by("root", Role::Owner);
    world.ask(&Renew { store_key: Some(false), machine: None }).expect("root is not limited");
    world.stop();
    let text = changes(&world);
    assert!(text.contains(r#""kind":"enroll","user":"root""#), "{text}");
    assert!(text.contains(r#""kind":"renew","by":1000,"times":18}"#), "{text}");
}

#[test]
fn an_import_counts_with_everybody_in_it_even_if_its_caller_hangs_up() {
    let (public, secret) = keys();
    let world = World::sealed(|config| config.decision.frames = 1);
    world.stage.shows(ALICE);
    for user in ["alice", "bob", "carol"] {
        world.enroll(user).expect("enrolled");
    }
    let mut client = world.client();
    client.start(&Export { recipient: Some(public), user: None }, true).expect("sent");
    let parts = std::iter::from_fn(|| client.receive::<Export>().ok().and_then(|part| part.reply.data));
    let parts: Vec<String> = parts.collect();
    for user in ["alice", "bob", "carol"] {
        world.ask(&Remove { user: user.into(), id: None, adapted: None }).expect("removed");
    }

    world.called_by("mallory", Role::Manager);
    let mut listener = world.client();
    listener.start(&Events {}, true).expect("sent");
    listener.receive::<Events>().expect("listening");
    let mut client = world.client();
    for data in parts {
        client.call(&Upload { data }).expect("uploaded");
    }
    client.start(&Import { identity: Secret(secret), skip_enrolled: None }, false).expect("sent");
    daemon_has_come_round(&world);
    drop(client);
    for _ in 0..3 {
        assert_eq!(listener.receive::<Events>().expect("an event").reply.kind, EventKind::Import);
    }
    let mut client = world.client();
    let left = (0..500).take_while(|_| client.call(&Reset { user: None }).is_ok()).count();
    assert_eq!(left, 500 - 3);
}
