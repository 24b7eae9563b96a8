//! Who may come in when, from the command line.

use facelatch::clock::WallTime;
use facelatch::serve::peer::Role;
use facelatch_testkit::stage::ALICE;
use facelatch_testkit::world::World;
use serde_json::Value;

use crate::command::run;

/// Thursday, 2026-12-24, 10:00 UTC.
const THURSDAY: WallTime = WallTime(1_798_106_400);

fn world() -> World {
    let world = World::new();
    world.clock.show(THURSDAY);
    world.knows_alice()
}

fn first(out: &str) -> &str {
    out.lines().next().unwrap_or_default()
}

#[test]
fn each_command_changes_one_thing_and_says_what_holds_now() {
    let world = world();
    let says = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        let (code, out, err) = run(&world, &words);
        assert_eq!(code, 0, "{words:?}: {err}");
        out
    };
    assert_eq!(
        says("hours alice mon-fri 08:00-18:00 sat 10:00-12:00"),
        "alice: mon-fri 08:00-18:00, sat 10:00-12:00, by face\n"
    );
    let guest = says("guest alice --from 2026-12-24T14:00 --until 2026-12-26");
    let told =
        "alice: mon-fri 08:00-18:00, sat 10:00-12:00, from 2026-12-24T14:00, until 2026-12-26, by face";
    assert_eq!(first(&guest), told);
    assert_eq!(says("deny alice"), "alice: not allowed in\n");
    assert_eq!(first(&says("allow alice")), told, "as before");
    assert_eq!(first(&says("guest alice --clear")), "alice: mon-fri 08:00-18:00, sat 10:00-12:00, by face");
    // A door begins with what holds at all others.
    let lab = says("allow alice --door lab --factor face+pin");
    let told: Vec<&str> = lab.lines().collect();
    assert_eq!(told[1], "alice at lab: mon-fri 08:00-18:00, sat 10:00-12:00, by face and PIN");
    assert!(
        lab.contains("alice has no PIN yet")
            && lab.contains("no door named lab is attached (attached: none)"),
        "{lab}"
    );
    assert_eq!(first(&says("hours alice --clear")), "alice: at any time, by face");
    let list = says("list");
    assert!(list.contains("alice at lab: mon-fri 08:00-18:00, sat 10:00-12:00, by face and PIN\n"), "{list}");
    let listed: Value = serde_json::from_str(&says("--json list")).expect("an object");
    assert_eq!(listed["templates"].as_array().map(Vec::len), Some(3));
    assert_eq!(listed["access"]["rules"][0]["factor"], "face+pin");
    assert_eq!(says("allow alice --door lab --clear"), "alice: at any time, by face\n");
    assert!(!says("list").contains("by face"), "nothing but templates");
    let list = says("--json hours alice daily 07:00-22:00");
    assert_eq!(
        serde_json::from_str::<Value>(&list).expect("an object")["rules"][0]["hours"][0],
        "daily 07:00-22:00"
    );
}

#[test]
fn holidays_are_added_removed_and_listed() {
    let world = world();
    let holidays = |words: &[&str]| run(&world, &[&["holiday"], words].concat());
    assert_eq!(holidays(&["list"]).1, "no holidays\n");
    assert_eq!(holidays(&["add", "2026-12-26", "2026-12-25"]).1, "2026-12-25\n2026-12-26\n");
    assert_eq!(holidays(&["remove", "2026-12-26"]).1, "2026-12-25\n");
    let (code, _, err) = holidays(&["remove", "2026-12-26"]);
    assert!(code == 2 && err.contains("holiday 2026-12-26: is none"), "{code}: {err}");
    assert_eq!(holidays(&[]).1, "2026-12-25\n");
    let (code, _, err) = holidays(&["add", "2026-02-30"]);
    assert!(code == 2 && err.contains("no such day"), "{err}");
}

#[test]
fn face_unlock_that_is_off_is_told_wherever_somebody_looks() {
    let world = world();
    world.stage.shows(ALICE);
    assert_eq!(run(&world, &["face"]).1, "face unlock is on\n");
    assert_eq!(run(&world, &["face", "off"]).0, 0);
    assert!(run(&world, &["face"]).1.starts_with("face unlock is off"));
    assert_eq!(run(&world, &["--json", "face"]).1, "{\"face\":false}\n");
    for words in [&["list"][..], &["status"], &["doctor"], &["deny", "alice"]] {
        let (_, out, _) = run(&world, words);
        assert!(out.contains("facelatch face on"), "{words:?}: {out}");
    }
    let (code, out, _) = run(&world, &["verify", "alice"]);
    assert_eq!((code, first(&out)), (4, "switched-off: alice"));
    assert_eq!(run(&world, &["face", "on"]), (0, "face unlock is on\n".to_owned(), String::new()));
    let (code, out, _) = run(&world, &["verify", "alice"]);
    assert!(code == 1 && out.starts_with("not-allowed: alice"), "{out}");
}

#[test]
fn what_makes_no_sense_is_told_and_changes_nothing() {
    let world = world();
    for (words, told) in [
        (&["hours", "alice", "fri 22:00-06:00"][..], "\"fri 22:00-24:00\" and \"sat 00:00-06:00\""),
        (&["hours", "alice"], "SPAN"),
        (&["hours", "alice", "mon 08:00-09:00", "--clear"], "cannot be used with"),
        (&["guest", "alice"], "--until"),
        (&["guest", "alice", "--until", "2026-12-23"], "until 2026-12-23: that is over already"),
        (&["guest", "alice", "--until", "2026-12-26 18:00"], "write 2026-12-26T18:00"),
        (&["guest", "alice", "--from", "2026-12-27", "--until", "2026-12-26"], "not after"),
        (&["deny", "alicia"], "is not enrolled and has no PIN"),
        (&["deny", "alice", "--door", "Front door"], "lower-case"),
        (&["allow", "alice", "--factor", "eye"], "face+pin"),
        (&["face", "maybe"], "on, off"),
    ] {
        let (code, _, err) = run(&world, words);
        assert!(code == 2 && err.contains(told), "{words:?}: {code} {err}");
    }
    let (_, out, _) = run(&world, &["--json", "list"]);
    assert!(out.contains("\"rules\":[]"), "{out}");
    world.called_by("alice", Role::User);
    assert_eq!(run(&world, &["allow", "alice"]).0, 5);
    let (code, out, _) = run(&world, &["list", "alice"]);
    assert!(code == 0 && out.lines().count() == 3, "who may not see rules sees their templates: {out}");
}
