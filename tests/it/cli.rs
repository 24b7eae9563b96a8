//! The command and the daemon as programs: what they print, and how they end.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use facelatch::serve::peer::Role;
use facelatch_wire::call::Status;
use facelatch_wire::reply::State;
use facelatch_wire::{Client, Deadline};
use serde_json::Value;

use crate::stage::{ALICE, ALICE_ENROLS, BOB, NOBODY, Shot, faces};
use crate::world::{PATIENCE, World};

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
    assert!(code == 0 && out.contains("ready") && out.contains("1 people, 3 templates"), "{out}");
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
    assert_eq!(run(&world, &["verify", "alice"]).0, 4);
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
    let world = World::new();
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
        ("enroll", &["--label", "--templates"][..]),
        ("remove", &["--id", "--yes"]),
        ("verify", &[]),
        ("identify", &[]),
        ("list", &[]),
        ("reset", &[]),
        ("status", &[]),
        ("events", &[]),
        ("doctor", &[]),
        ("demo", &[]),
        ("export", &["--to", "--recipient", "--user"]),
        ("import", &["--identity", "--skip-enrolled"]),
        ("renew", &["--store-key"]),
        ("audit", &[]),
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

/// `facelatchd` as a process of its own, ready.
struct Daemon {
    child: Child,
    socket: PathBuf,
    folder: tempfile::TempDir,
}

fn daemon(folder: &Path) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    daemon_with(folder, &root.join("config/facelatch.toml"), &root.join("models"))
}

fn daemon_with(folder: &Path, config: &Path, models: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_facelatchd"));
    command.arg("--config").arg(config).arg("--models").arg(models).arg("--replay").arg(faces());
    command.arg("--socket").arg(folder.join("s")).arg("--state").arg(folder.join("store"));
    command.stdin(Stdio::null()).stderr(Stdio::null()).env_remove("JOURNAL_STREAM");
    command
}

impl Daemon {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let word = UnixDatagram::bind(folder.path().join("notify")).expect("socket");
        word.set_read_timeout(Some(PATIENCE)).expect("timeout");
        let child = daemon(folder.path()).env("NOTIFY_SOCKET", folder.path().join("notify")).spawn();
        let child = child.expect("starts");
        let mut message = [0; 1024];
        let length = word.recv(&mut message).expect("a word of readiness");
        assert!(message[..length].starts_with(b"READY=1"));
        Self { child, socket: folder.path().join("s"), folder }
    }

    fn client(&self) -> Client {
        Client::connect(&self.socket, Deadline::within(PATIENCE)).expect("listens")
    }

    /// The most memory that the process ever held, in kB.
    fn peak_kb(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("status");
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        line.trim().trim_end_matches(" kB").parse().expect("number")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_daemon_bounds_its_memory_refuses_a_second_one_and_stops_cleanly() {
    let mut daemon_here = Daemon::start();
    let mode = std::fs::metadata(&daemon_here.socket).expect("socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    assert_eq!(daemon_here.client().call(&Status {}).expect("status").state, State::Ready);

    let before = daemon_here.peak_kb();
    let mut client = daemon_here.client();
    client.set_deadline(Deadline::within(PATIENCE));
    let megabyte = vec![b'['; 1 << 20];
    for _ in 0..100 {
        client.send(&megabyte).expect("sent");
    }
    client.send(b"\0").expect("sent");
    let reply = String::from_utf8(client.receive_bytes().expect("reply")).expect("text");
    assert!(reply.contains("TooLong"), "{reply}");
    let grown = daemon_here.peak_kb() - before;
    assert!(grown < 4096, "a message of 100 MB made the daemon grow by {grown} kB");

    let (code, err) = refusal(daemon(daemon_here.folder.path()));
    assert!(code == 1 && err.contains("another daemon listens there"), "{err}");
    assert!(daemon_here.client().call(&Status {}).is_ok(), "the first goes on");

    let pid = nix::unistd::Pid::from_raw(i32::try_from(daemon_here.child.id()).expect("pid"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("told to stop");
    assert!(daemon_here.child.wait().expect("ends").success());
    assert!(!daemon_here.socket.exists(), "the socket is tidied away");
}

#[test]
fn a_killed_daemon_leaves_a_socket_that_the_next_one_replaces() {
    let mut first = Daemon::start();
    first.child.kill().expect("killed");
    first.child.wait().expect("ends");
    assert!(first.socket.exists());
    let word = UnixDatagram::bind(first.folder.path().join("notify2")).expect("socket");
    word.set_read_timeout(Some(Duration::from_secs(300))).expect("timeout");
    let notify = first.folder.path().join("notify2");
    first.child = daemon(first.folder.path()).env("NOTIFY_SOCKET", notify).spawn().expect("starts");
    word.recv(&mut [0; 64]).expect("ready");
    assert!(first.client().call(&Status {}).is_ok());
}

/// How a daemon that cannot start ends, and what it says.
fn refusal(mut daemon: Command) -> (i32, String) {
    let (code, _, err) = told(&daemon.stderr(Stdio::piped()).output().expect("runs"));
    assert_eq!(err.lines().count(), 1, "{err}");
    (code, err)
}

#[test]
fn a_daemon_that_cannot_start_says_what_to_do_in_one_line() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let typo = folder.path().join("typo.toml");
    std::fs::write(&typo, "[decision]\nframse = 3\n").expect("written");
    let (code, err) = refusal(daemon_with(folder.path(), &typo, &root.join("models")));
    assert!(code == 1 && err.contains("did you mean `decision.frames`?"), "{err}");
    let (code, err) =
        refusal(daemon_with(folder.path(), &root.join("config/facelatch.toml"), &folder.path().join("none")));
    assert!(code == 1 && err.contains("none/MODELS.toml") && err.contains("models.folder"), "{err}");
    std::fs::write(folder.path().join("s"), "no socket").expect("written");
    let (code, err) = refusal(daemon(folder.path()));
    assert!(code == 1 && err.contains("is no socket"), "{err}");
}

#[test]
fn a_damaged_store_is_mended_at_the_start_and_the_daemon_says_so() {
    let mut daemon_here = Daemon::start();
    let (code, _, err) = told(
        &command(&daemon_here.socket).args(["enroll", "alice", "--templates", "1"]).output().expect("runs"),
    );
    assert_eq!(code, 0, "{err}");
    daemon_here.child.kill().expect("killed");
    daemon_here.child.wait().expect("ends");
    let folder = daemon_here.folder.path().to_owned();
    let store = folder.join("store");
    let key = std::fs::metadata(folder.join("store.key")).expect("key file");
    assert_eq!((key.permissions().mode() & 0o777, key.len()), (0o600, 32));
    let damaged = if cfg!(feature = "redb") { "records/entries.redb" } else { "records/db" };
    let length = std::fs::metadata(store.join(damaged)).expect("there").len();
    std::fs::write(store.join(damaged), vec![7; usize::try_from(length).expect("short")]).expect("damaged");
    let word = UnixDatagram::bind(folder.join("notify2")).expect("socket");
    word.set_read_timeout(Some(PATIENCE)).expect("timeout");
    daemon_here.child = daemon(&folder).env("NOTIFY_SOCKET", folder.join("notify2")).spawn().expect("starts");
    word.recv(&mut [0; 64]).expect("ready");
    let (_, out, _) = told(&command(&daemon_here.socket).arg("status").output().expect("runs"));
    assert!(out.contains("1 people, 1 templates") && out.contains("store     restored"), "{out}");
    assert!(out.contains("restored from the backup") && out.contains(".corrupt-"), "{out}");

    // A wrong key is another thing: refused in one line, and nothing is touched.
    daemon_here.child.kill().expect("killed");
    daemon_here.child.wait().expect("ends");
    std::fs::write(folder.join("store.key"), [7; 32]).expect("written");
    let (code, err) = refusal(daemon(&folder));
    assert!(code == 1 && err.contains("sealed with another key"), "{err}");
}
