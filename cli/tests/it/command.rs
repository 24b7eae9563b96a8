//! What the command prints, and how it ends.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::Ordering;

use facelatch::config::{AttackLevel, Camera};
use facelatch::serve::peer::Role;
use facelatch_testkit::film::{BEFORE, film, random};
use facelatch_testkit::spoil::Spoil;
use facelatch_testkit::stage::{ALICE, ALICE_ENROLS, BOB, NOBODY, Shot};
use facelatch_testkit::world::World;
use facelatch_wire::call::{Attach, Events};
use facelatch_wire::reply::DoorPlace;
use serde_json::Value;

pub(crate) fn command(socket: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_facelatch"));
    command.arg("--socket").arg(socket).stdin(Stdio::null());
    command
}

pub(crate) fn run(world: &World, args: &[&str]) -> (i32, String, String) {
    told(&command(&world.socket).args(args).output().expect("runs"))
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (output.status.code().expect("ends by itself"), text(&output.stdout), text(&output.stderr))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn enrolling_and_verifying_from_the_command_line() {
    let world = World::new();
    world.stage.shows(&[&[Shot::Show("dark.jpg")], ALICE_ENROLS].concat());
    let (code, out, err) = run(&world, &["enroll", "alice", "--label", "plain", "--templates", "3"]);
    assert_eq!((code, out.as_str()), (0, "alice enrolled with 3 templates\n"), "{err}");
    assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "no control codes into a pipe");
    world.stage.shows(ALICE);
    let (code, out, _) = run(&world, &["verify", "alice"]);
    assert!(code == 0 && out.starts_with("match: alice (p = "), "{out}");
    let (code, out, _) = run(&world, &["--json", "identify"]);
    assert_eq!((code, &json(&out)["user"]), (0, &Value::from("alice")));
    let (code, out, _) = run(&world, &["list"]);
    assert!(code == 0 && out.lines().count() == 3 && out.contains("plain"), "{out}");
    let (code, out, _) = run(&world, &["status"]);
    assert!(code == 0 && out.contains("ready") && out.contains("1 person, 3 templates"), "{out}");
    let (code, out, _) = run(&world, &["doctor"]);
    assert!(code == 0 && !out.contains("FAIL"), "{out}");
    let (code, _, err) = run(&world, &["remove", "alice"]);
    assert!(code != 0 && err.contains("--yes"), "nobody can be asked: {err}");
    let (code, out, _) = run(&world, &["remove", "alice", "--yes"]);
    assert_eq!((code, out.as_str()), (0, "3 templates of alice removed\n"));
}

#[test]
fn each_outcome_has_its_exit_code() {
    let world = World::with(|config| config.decision.frames = 1).knows_alice();
    world.stage.shows(NOBODY);
    assert_eq!(run(&world, &["verify", "alice"]).0, 3);
    world.stage.shows(&[Shot::Unplugged]);
    let (code, out, err) = run(&world, &["verify", "alice"]);
    assert!(code == 4 && out.contains("plug it in") && !err.contains("facelatch status"), "{out}{err}");
    assert_eq!(run(&world, &["status"]).0, 4);
    world.stage.shows(BOB);
    for _ in 0..5 {
        assert_eq!(run(&world, &["verify", "alice"]).0, 1);
    }
    assert_eq!(run(&world, &["verify", "alice"]).0, 6);
    assert_eq!(run(&world, &["reset", "alice"]).0, 0);
    assert_eq!(run(&world, &["verify", "alice"]).0, 1);
    assert_eq!(run(&world, &["verify", "a/b"]).0, 2);
    assert_eq!(run(&world, &["frobnicate"]).0, 2);
    world.called_by("mallory", Role::User);
    let (code, _, err) = run(&world, &["enroll", "mallory"]);
    assert!(code == 5 && err.starts_with("facelatch: ") && err.lines().count() == 1, "{err}");
    let (code, out, _) = run(&world, &["--json", "enroll", "mallory"]);
    assert_eq!((code, &json(&out)["exit"]), (5, &Value::from(5)));
}

#[test]
fn each_of_several_cameras_is_named() {
    let world = World::with(|config| {
        config.camera.name = "desk".into();
        config.other_cameras = vec![Camera { name: "front".into(), ..Camera::default() }];
    })
    .knows_alice();
    world.second.shows(ALICE);
    let (code, out, _) = run(&world, &["verify", "alice", "--camera", "front"]);
    assert!(code == 0 && out.starts_with("match: alice"), "{out}");
    let (code, out, _) = run(&world, &["--json", "identify", "--camera", "front"]);
    assert_eq!((code, &json(&out)["verdict"]), (0, &Value::from("match")));
    let (code, out, _) = run(&world, &["enroll", "alice", "--camera", "front"]);
    assert_eq!(code, 0, "{out}");
    let (code, _, err) = run(&world, &["verify", "alice", "--camera", "back"]);
    assert!(code == 2 && err.contains("known are desk, front"), "{err}");

    world.second.shows(&[Shot::Unplugged]);
    assert_eq!(run(&world, &["verify", "alice", "--camera", "front"]).0, 4);
    let (code, out, _) = run(&world, &["status"]);
    assert!(code == 4 && out.contains("camera    desk (stage) ready\n"), "{out}");
    assert!(out.contains("camera    front (second stage) unavailable: "), "{out}");
    let (code, out, _) = run(&world, &["doctor"]);
    let failed: Vec<&str> = out.lines().filter(|line| line.contains("FAIL")).collect();
    assert!(code == 4 && out.contains("desk (stage) is ready"), "{out}");
    assert!(failed.len() == 1 && failed[0].contains("front: ") && failed[0].contains("plug it in"), "{out}");
}

#[test]
fn a_daemon_that_is_not_there_is_named_with_the_fix() {
    let nowhere = Path::new("/nonexistent/facelatch.sock");
    let (code, _, err) = told(&command(nowhere).arg("status").output().expect("runs"));
    assert_eq!((code, err.lines().count()), (4, 1));
    assert!(err.contains("/nonexistent/facelatch.sock") && err.contains("start the daemon"), "{err}");
    let (code, out, _) = told(&command(nowhere).arg("doctor").output().expect("runs"));
    assert!(code == 4 && out.contains("FAIL") && out.contains("systemctl start"), "{out}");
}

#[test]
fn events_are_one_object_a_line() {
    let world = World::new().knows_alice();
    let mut follower =
        command(&world.socket).args(["--json", "events"]).stdout(Stdio::piped()).spawn().expect("runs");
    let mut lines = BufReader::new(follower.stdout.take().expect("piped")).lines();
    let mut next = || json(&lines.next().expect("a line").expect("text"));
    assert_eq!(next()["kind"], "listening");
    assert_eq!(run(&world, &["reset", "alice"]).0, 0);
    let event = next();
    assert_eq!((&event["kind"], &event["user"]), (&Value::from("reset"), &Value::from("alice")));
    follower.kill().expect("stopped");
    follower.wait().expect("ends");
}

#[test]
fn manual_and_completions_name_every_verb_and_flag() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let made = Command::new(env!("CARGO_BIN_EXE_facelatch")).arg("man").arg(folder.path()).output();
    assert_eq!(told(&made.expect("runs")).0, 0);
    let page = |name: &str| {
        let text = std::fs::read_to_string(folder.path().join(name)).expect("page");
        text.replace("\\-", "-")
    };
    for flag in ["--socket", "--json"] {
        assert!(page("facelatch.1").contains(flag), "{flag}");
    }
    let verbs = [
        ("enroll", &["--label", "--templates", "--door", "--allow-child", "--camera"][..]),
        ("remove", &["--id", "--yes"]),
        ("verify", &["--camera"]),
        ("identify", &["--camera"]),
        ("explain", &["--camera"]),
        ("list", &[]),
        ("reset", &[]),
        ("status", &[]),
        ("events", &[]),
        ("doctor", &["--report"]),
        ("export", &["--to", "--recipient", "--user"]),
        ("import", &["--identity", "--skip-enrolled"]),
        ("renew", &["--store-key", "--machine"]),
        ("backup", &["--to", "--recipient"]),
        ("restore", &["--identity", "--skip-enrolled"]),
        ("log", &["--since"]),
        ("audit", &[]),
        ("look", &[]),
        ("setup", &["--yes", "--undo"]),
    ];
    let script = Command::new(env!("CARGO_BIN_EXE_facelatch")).args(["completions", "bash"]).output();
    let script = told(&script.expect("runs")).1;
    for (verb, flags) in verbs {
        let page = page(&format!("facelatch-{verb}.1"));
        let help = Command::new(env!("CARGO_BIN_EXE_facelatch")).args([verb, "--help"]).output();
        let (code, help, _) = told(&help.expect("runs"));
        assert_eq!(code, 0);
        for flag in flags {
            assert!(page.contains(flag) && help.contains(flag) && script.contains(flag), "{verb} {flag}");
        }
        assert!(script.contains(verb), "{verb}");
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error_and_no_panic() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
    let mut command = Command::new(env!("CARGO_BIN_EXE_facelatch"));
    let (code, _, err) = told(&command.args(["completions", "bash"]).stdout(full).output().expect("runs"));
    assert!(code == 4 && !err.contains("panicked"), "{code}: {err}");
}

#[test]
fn a_setup_of_a_door_names_the_package_it_takes() {
    let mut setup = command(Path::new("/nonexistent"));
    let (code, _, err) =
        told(&setup.args(["setup", "door"]).env("PATH", "/nonexistent").output().expect("runs"));
    assert!(code == 4 && err.contains("facelatch-door is not installed"), "{code}: {err}");
}

#[test]
fn a_look_is_told_like_an_identification_and_names_the_doors() {
    let world = World::new().knows_alice();
    let (code, _, err) = run(&world, &["look"]);
    assert!(code == 2 && err.contains("none is attached"), "{code}: {err}");
    let mut door = world.client();
    let doors = vec![DoorPlace { name: "front".into(), camera: None }];
    door.call(&Attach { doors }).expect("attached");
    door.start(&Events {}, true).expect("sent");
    world.stage.shows(ALICE);
    for words in [&["look"][..], &["look", "front"]] {
        let (code, out, _) = run(&world, words);
        assert!(code == 0 && out.starts_with("match: alice"), "{out}");
    }
    let (code, _, err) = run(&world, &["look", "back"]);
    assert!(code == 2 && err.contains("attached are front"), "{code}: {err}");
    assert!(run(&world, &["status"]).1.contains("door      front: camera camera"));
    assert!(run(&world, &["doctor"]).1.contains("ok   door       front is attached"));
    let (_, out, _) = run(&world, &["--json", "status"]);
    assert_eq!(json(&out)["doors"][0]["name"], "front");
}

#[test]
fn a_list_of_nobody_names_who_was_asked_for() {
    let world = World::new();
    assert_eq!(run(&world, &["list"]).1, "nobody is enrolled; run `facelatch enroll NAME`\n");
    let (code, out, _) = run(&world, &["list", "carol"]);
    assert_eq!((code, out.as_str()), (2, "carol is not enrolled; run `facelatch enroll carol`\n"));
    assert_eq!(run(&world, &["--json", "list", "carol"]).0, 2);
    let (code, _, err) = run(&world, &["reset", "carol"]);
    assert!(code == 2 && err.contains("user carol: not enrolled"), "{code}: {err}");
    let (code, out, _) = run(&world, &["identify"]);
    assert_eq!(
        (code, out.as_str()),
        (2, "not-enrolled\nnobody is enrolled whose face counts; see `facelatch list`\n")
    );
}

#[test]
fn doctor_and_list_name_the_faces_that_do_not_count() {
    let world = World::new();
    for name in ["gone", "changed", "here"] {
        world.stage.shows(ALICE_ENROLS);
        assert_eq!(run(&world, &["enroll", name]).0, 0);
    }
    world.stage.shows(BOB);
    assert_eq!(run(&world, &["enroll", "visitor", "--door", "--templates", "1"]).0, 0);
    world.masks.account_is("gone", None);
    world.masks.account_is("changed", Some(61_999));
    let (code, out, err) = run(&world, &["doctor"]);
    let line =
        |name: &str| out.lines().find(|line| line.ends_with(name)).unwrap_or_else(|| panic!("{out}{err}"));
    assert!(line(": gone").contains("note accounts   no account has that name any more"), "{out}");
    assert!(line(": changed").contains("another user id"), "{out}");
    assert!(line(": visitor").starts_with("ok   accounts   for the door only"), "{out}");
    assert!(code == 0 && !out.lines().any(|line| line.ends_with("here")), "{out}");
    let (_, out, _) = run(&world, &["list"]);
    let states: Vec<&str> = out.lines().filter_map(|line| line.split_whitespace().nth(3)).collect();
    assert_eq!(states, [&["gone"; 3][..], &["changed"; 3], &["current"; 3], &["door"]].concat(), "{out}");
}

#[test]
fn an_account_of_a_directory_is_enrolled_and_verified_by_its_own_name() {
    let world = World::new();
    for name in ["CORP\\alice", "alice@corp.example", "svc$", "j\u{f6}rg", &"n".repeat(256)] {
        world.stage.shows(ALICE_ENROLS);
        let (code, out, err) = run(&world, &["enroll", name]);
        assert_eq!(
            (code, out.lines().next()),
            (0, Some(format!("{name} enrolled with 3 templates").as_str())),
            "{err}"
        );
        world.stage.shows(ALICE);
        let (code, out, err) = run(&world, &["--json", "verify", name]);
        assert_eq!((code, json(&out)["user"].as_str()), (0, Some(name)), "{err}");
        assert_eq!(run(&world, &["remove", name, "--yes"]).0, 0);
    }
    for name in ["a/b", "..", "a\u{202e}b", "a\u{200b}b", "a\nb"] {
        let (code, _, err) = run(&world, &["enroll", name]);
        assert!(code == 2 && err.lines().count() == 1 && err.is_ascii(), "{code} {err:?}");
    }
    let (code, _, err) = run(&world, &["enroll", "--", "-x"]);
    assert!(code == 2 && err.contains("begins like an option"), "{err}");
}

#[test]
fn what_the_person_is_asked_to_do_is_shown_in_words() {
    let world = World::with(|config| config.attack.level = AttackLevel::Challenge).knows_alice();
    world.random.store(random(true), Ordering::SeqCst);
    let (straight, turned) = (Shot::Live("obama-3b.jpg"), Shot::LiveSpoilt("obama-3b.jpg", Spoil::Head(30)));
    world.stage.shows(&film(&[(BEFORE, straight), (4, turned), (60, straight)]));
    let (code, out, err) = run(&world, &["verify", "alice"]);
    assert!(code == 0 && out.starts_with("match: alice"), "{out}{err}");
    let told = ["look straight at the camera", "turn your head to the left", "look straight at the camera"];
    let prompts: Vec<&str> = err.lines().filter(|line| told.contains(line)).collect();
    assert_eq!(prompts, told, "{err}");
}

#[test]
fn a_refused_picture_ends_as_a_face_that_does_not_match() {
    let world = World::with(|config| config.attack.level = AttackLevel::Passive).knows_alice();
    world.stage.shows(&[Shot::Spoilt("obama-3.jpg", Spoil::Recaptured)]);
    let (code, out, _) = run(&world, &["verify", "alice"]);
    assert!(code == 1 && out.starts_with("attack: alice\nnot taken for a live face"), "{out}");
}

/// A command that reads this.
fn fed(world: &World, args: &[&str], text: &str) -> (i32, String, String) {
    let mut command = command(&world.socket);
    let child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().expect("runs");
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("written");
    told(&child.wait_with_output().expect("ends"))
}

#[test]
fn a_pin_is_set_from_standard_input_and_never_shown() {
    let world = World::new();
    let (code, out, err) = fed(&world, &["pin", "carol", "--stdin"], "471100\n");
    assert!(code == 0 && out.starts_with("PIN of carol set\n"), "{out}{err}");
    assert!(out.contains("`facelatch allow carol --factor pin`"), "{out}");
    assert!(out.contains("nobody of that name is enrolled"), "{out}");
    let (code, out, _) = run(&world, &["list", "carol"]);
    assert!(code == 0 && out.ends_with("carol: PIN, no rule\n"), "{out}");
    assert!(run(&world, &["list"]).1.contains("carol: PIN, no rule\n"));
    assert_eq!(run(&world, &["reset", "carol"]).0, 0, "somebody is known by their PIN, too");
    assert_eq!(run(&world, &["allow", "carol", "--factor", "pin"]).0, 0);
    let (_, out, _) = fed(&world, &["pin", "carol", "--stdin"], "471102\n");
    assert_eq!(out, "PIN of carol set\n", "a rule asks for it already");
    let (_, out, _) = run(&world, &["remove", "carol", "--yes"]);
    assert_eq!(out, "rules and PIN of carol removed\n");
    assert_eq!(fed(&world, &["pin", "carol", "--stdin"], "471100\n").0, 0);
    let (code, out, _) = fed(&world, &["pin", "carol", "--duress", "--stdin"], "471199");
    assert!(code == 0 && out.starts_with("PIN of carol for duress set"), "{out}");
    for (args, text) in [
        (&["pin", "dave", "--stdin"][..], "471100\n"),
        (&["pin", "erin", "--stdin"], "4711\n471199"),
        (&["pin", "dave", "--duress", "--stdin"], "902816"),
        (&["pin", "dave", "--stdin"], "12a456"),
        (&["pin", "dave", "--stdin"], "123456"),
        (&["pin", "dave", "--stdin"], ""),
        (&["pin", "dave", "--remove"], ""),
    ] {
        let (code, out, err) = fed(&world, args, text);
        let wrong = if text == "4711\n471199" { 0 } else { 2 };
        assert_eq!(code, wrong, "{text:?}: {out}{err}");
        let shown = text.lines().any(|pin| !pin.is_empty() && (out.contains(pin) || err.contains(pin)));
        assert!(!shown, "{text:?}: {out}{err}");
    }
    let (code, _, err) = run(&world, &["pin", "carol"]);
    assert!(code != 0 && err.contains("--stdin"), "nobody can be asked: {err}");
    let (code, out, _) = run(&world, &["pin", "carol", "--remove"]);
    assert_eq!((code, out.as_str()), (0, "PINs of carol removed\n"));
    world.called_by("mallory", Role::User);
    assert_eq!(fed(&world, &["pin", "mallory", "--stdin"], "471100").0, 5);
}
