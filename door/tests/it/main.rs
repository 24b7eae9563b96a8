//! The program beside a whole daemon, on a machine without its lines: what it says in the journal.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};

use facelatch::serve::peer::Role;
use facelatch_testkit::spoil::Spoil;
use facelatch_testkit::stage::{ALICE, BOB, Shot};
use facelatch_testkit::world::{PATIENCE, World, until};
use facelatch_wire::Outcome;
use facelatch_wire::call::{Look, Status};
use facelatch_wire::reply::DoorState;
use tempfile::TempDir;

/// A dark corridor, whose noise differs from frame to frame.
const EMPTY: &[Shot] = &[
    Shot::Spoilt("black.jpg", Spoil::Noisy(9)),
    Shot::Spoilt("black.jpg", Spoil::Noisy(11)),
    Shot::Spoilt("black.jpg", Spoil::Noisy(10)),
];
const PERSON: &[Shot] = &[Shot::Show("obama-3.jpg"), Shot::Show("obama-3b.jpg")];

/// A configuration whose lines no machine has.
fn config(folder: &TempDir, socket: &Path) -> PathBuf {
    let file = folder.path().join("door.toml");
    let text =
        format!("socket = {socket:?}\n[[door]]\nname = \"front\"\n[door.strike]\nline = \"no such line\"\n");
    std::fs::write(&file, text).expect("written");
    file
}

/// The same with more keys for the door.
fn config_with(keys: &str, folder: &TempDir, socket: &Path) -> PathBuf {
    let file = config(folder, socket);
    let text = std::fs::read_to_string(&file).expect("read");
    std::fs::write(&file, text.replace("[door.strike]", &format!("{keys}\n[door.strike]"))).expect("written");
    file
}

/// What the daemon knows of the door.
fn state(world: &World) -> Option<DoorState> {
    world.ask(&Status {}).expect("a status").doors.into_iter().next()
}

fn program(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_facelatch-door"));
    command.arg("--config").arg(config).env_remove("STATE_DIRECTORY").env_remove("NOTIFY_SOCKET");
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The running program and its journal; it is killed at the end.
struct Running(Child, Receiver<String>);

impl Running {
    fn start(config: &Path) -> Self {
        let mut child = program(config).stderr(Stdio::piped()).spawn().expect("starts");
        let errors = BufReader::new(child.stderr.take().expect("piped"));
        let (send, lines) = channel();
        std::thread::spawn(move || errors.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self(child, lines)
    }

    /// The lines up to one that contains this text.
    fn until(&self, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            lines.push(self.1.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no {text:?} in {lines:#?}")));
            if lines.last().is_some_and(|line| line.contains(text)) {
                return lines;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_hears_of_every_match_and_one_of_long_ago_opens_nothing() {
    let mut world = World::new().knows_alice();
    world.called_by("facelatch-door", Role::Door);
    let folder = tempfile::tempdir().expect("a folder");
    let door = Running::start(&config(&folder, &world.socket));
    let lines = door.until("its events come in");
    if !lines.iter().any(|line| line.contains("front: strike: line no such line: no chip has it")) {
        door.until("front: strike: line no such line: no chip has it");
    }
    let look = || world.ask(&Look::default()).expect("a reply").verdict;
    world.stage.shows(BOB);
    assert_eq!(look(), Some(Outcome::NoMatch));
    world.stage.shows(ALICE);
    assert_eq!(look(), Some(Outcome::Match));
    // The daemon's clock shows 1970.
    let lines = door.until("a match came more than 5 s late");
    assert!(!lines.iter().any(|line| line.contains("unlocked")), "{lines:?}");
    world.stop();
    door.until("until then only exit buttons open a door");
}

#[test]
fn the_daemon_knows_what_is_wrong_at_a_door() {
    let world = World::new();
    world.called_by("facelatch-door", Role::Door);
    let folder = tempfile::tempdir().expect("a folder");
    let door = Running::start(&config(&folder, &world.socket));
    door.until("its events come in");
    let fault = |state: &DoorState| state.faults.first().is_some_and(|text| text.starts_with("strike: "));
    until(|| state(&world).filter(fault));
    drop(door);
    until(|| state(&world).is_none().then_some(()));
}

#[test]
fn a_face_before_a_watched_camera_is_looked_at() {
    let world = World::new().knows_alice();
    world.called_by("facelatch-door", Role::Door);
    world.stage.shows(EMPTY);
    let folder = tempfile::tempdir().expect("a folder");
    let door = Running::start(&config_with("motion = true", &folder, &world.socket));
    until(|| (world.stage.taken().1 >= 10).then_some(()));
    world.stage.shows(PERSON);
    door.until("front: looked: match");
}

#[test]
fn a_camera_that_the_daemon_does_not_know_is_named() {
    let world = World::new();
    world.called_by("facelatch-door", Role::Door);
    let folder = tempfile::tempdir().expect("a folder");
    let mut door = Running::start(&config_with("camera = \"porch\"", &folder, &world.socket));
    let said = door.until("until then only exit buttons open a door");
    assert!(said.iter().any(|line| line.contains("porch")), "{said:?}");
    assert!(door.0.try_wait().expect("a child").is_none());
}

#[test]
fn who_may_not_follow_events_is_told_why_and_the_program_goes_on() {
    let world = World::new();
    world.called_by("mallory", Role::User);
    let folder = tempfile::tempdir().expect("a folder");
    let mut door = Running::start(&config(&folder, &world.socket));
    door.until("the groups `facelatch` and `facelatch-door`");
    assert!(door.0.try_wait().expect("a child").is_none());
}

#[test]
fn a_setup_that_cannot_begin_ends_as_the_command_would() {
    let setup = program(Path::new("/nonexistent"))
        .args(["setup", "--answers", "/nonexistent"])
        .output()
        .expect("runs");
    let told = match setup.status.code() {
        Some(4) => "answers /nonexistent: ",
        Some(5) => "only root may",
        _ => panic!("{setup:?}"),
    };
    assert!(said(&setup).contains(told), "{setup:?}");
}

#[test]
fn a_wrong_file_and_a_missing_line_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = config(&folder, Path::new("/nonexistent"));
    let check = program(&file).arg("--check").output().expect("runs");
    assert!(
        said(&check).contains("FAIL  door \"front\": strike.line: line no such line: no chip has it"),
        "{check:?}"
    );
    assert!(said(&check).contains("note  daemon: socket /nonexistent: nobody listens"), "{check:?}");
    assert_eq!(check.status.code(), Some(1));
    assert_eq!(program(&file).arg("--off").output().expect("runs").status.code(), Some(1));
    let text = std::fs::read_to_string(&file).expect("read") + "pulse_s = 60\n";
    std::fs::write(&file, text).expect("written");
    for option in ["--check", "--off"] {
        let refused = program(&file).arg(option).output().expect("runs");
        let wanted = "strike.pulse_s = 60.0 is not allowed; use 0.5 to 10.0 seconds";
        assert!(said(&refused).contains(wanted) && refused.status.code() == Some(1), "{refused:?}");
    }
}
