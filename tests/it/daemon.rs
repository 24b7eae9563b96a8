//! Tests `facelatchd` as a program: how it starts, what it refuses, how it stops.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use facelatch_testkit::stage::faces;
use facelatch_testkit::world::PATIENCE;
use facelatch_wire::call::{Enroll, Status};
use facelatch_wire::reply::{CameraState, State};
use facelatch_wire::{Client, Deadline};

/// A running `facelatchd` process that is ready.
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
    command.arg("--config").arg(config).arg("--models").arg(models).arg("--replay").arg(one_person(folder));
    command.arg("--socket").arg(folder.join("s")).arg("--state").arg(folder.join("store"));
    command.stdin(Stdio::null()).stderr(Stdio::null()).env_remove("JOURNAL_STREAM");
    command
}

/// Pictures of one person alone: an enrolment takes several frames, and all must show the same face.
fn one_person(folder: &Path) -> PathBuf {
    let pictures = folder.join("pictures");
    std::fs::create_dir_all(&pictures).expect("created");
    for n in 1..=6 {
        let name = format!("obama-enrol-{n}.jpg");
        std::fs::copy(faces().join(&name), pictures.join(&name)).expect("copied");
    }
    pictures
}

impl Daemon {
    fn start() -> Self {
        Self::start_as(tempfile::tempdir().expect("temporary folder"), daemon)
    }

    fn start_as(folder: tempfile::TempDir, daemon: impl FnOnce(&Path) -> Command) -> Self {
        let word = UnixDatagram::bind(folder.path().join("notify")).expect("socket");
        word.set_read_timeout(Some(PATIENCE)).expect("timeout");
        let child = daemon(folder.path()).env("NOTIFY_SOCKET", folder.path().join("notify")).spawn();
        let child = child.expect("starts");
        let mut message = [0; 1024];
        let length = word.recv(&mut message).expect("a readiness message");
        assert!(message[..length].starts_with(b"READY=1"));
        Self { child, socket: folder.path().join("s"), folder }
    }

    fn client(&self) -> Client {
        Client::connect(&self.socket, Deadline::within(PATIENCE)).expect("listens")
    }

    /// Peak memory of the process, in kB.
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
    assert!(daemon_here.client().call(&Status {}).is_ok(), "the first keeps running");

    let pid = nix::unistd::Pid::from_raw(i32::try_from(daemon_here.child.id()).expect("pid"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("SIGTERM sent");
    assert!(daemon_here.child.wait().expect("ends").success());
    assert!(!daemon_here.socket.exists(), "the socket is removed");
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

/// Exit code and output of a daemon that cannot start.
fn refusal(mut daemon: Command) -> (i32, String) {
    let output = daemon.stderr(Stdio::piped()).output().expect("runs");
    let code = output.status.code().expect("ends by itself");
    let err = String::from_utf8(output.stderr).expect("text");
    assert_eq!(err.lines().count(), 1, "{err}");
    (code, err)
}

#[test]
fn a_daemon_that_cannot_start_prints_the_fix_in_one_line() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let typo = folder.path().join("typo.toml");
    std::fs::write(&typo, "[decision]\nframse = 3\n").expect("written");
    let (code, err) = refusal(daemon_with(folder.path(), &typo, &root.join("models")));
    assert!(code == 1 && err.contains("did you mean `decision.frames`?"), "{err}");
    let (code, err) =
        refusal(daemon_with(folder.path(), &root.join("config/facelatch.toml"), &folder.path().join("none")));
    assert!(code == 1 && err.contains("none/MODELS.toml") && err.contains("models.folder"), "{err}");
    let unknown = folder.path().join("attack.toml");
    std::fs::write(&unknown, "[attack]\nlevel = \"passive\"\nmodel = \"nobody\"\n").expect("written");
    let (code, err) = refusal(daemon_with(folder.path(), &unknown, &root.join("models")));
    assert!(code == 1 && err.contains("model nobody: not in") && err.contains("MODELS.toml"), "{err}");
    std::fs::write(folder.path().join("s"), "no socket").expect("written");
    let (code, err) = refusal(daemon(folder.path()));
    assert!(code == 1 && err.contains("is no socket"), "{err}");
}

#[test]
fn folders_of_pictures_and_a_device_that_is_missing_are_cameras_of_one_daemon() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (config, models) =
        (folder.path().join("cameras.toml"), Path::new(env!("CARGO_MANIFEST_DIR")).join("models"));
    let camera = |name: &str, key: &str, value: &Path| {
        format!("[[camera]]\nname = \"{name}\"\n{key} = \"{}\"\n", value.display())
    };
    let of_the_first = camera("desk", "device", Path::new("/dev/facelatch-desk"));
    let front = camera("front", "replay", &folder.path().join("pictures"));
    let garage = camera("garage", "device", Path::new("/dev/facelatch-garage"));
    std::fs::write(&config, of_the_first + &front + &garage).expect("written");
    // The option gives pictures to the default camera alone.
    let daemon_here = Daemon::start_as(folder, |folder| daemon_with(folder, &config, &models));

    let enrol = Enroll {
        user: "alice".into(),
        templates: Some(1),
        camera: Some("front".into()),
        ..Enroll::default()
    };
    assert_eq!(daemon_here.client().call(&enrol).expect("enrolled").added, Some(1));
    let status = daemon_here.client().call(&Status {}).expect("status");
    let cameras: Vec<_> = status.cameras.iter().map(|camera| (&*camera.name, camera.state)).collect();
    let (ready, unavailable) = (CameraState::Ready, CameraState::Unavailable);
    assert_eq!(cameras, [("desk", ready), ("front", ready), ("garage", unavailable)]);
    assert_eq!((status.state, status.camera.state), (State::Degraded, ready));
    let why = status.cameras[2].message.as_deref().unwrap_or_default();
    assert!(why.contains("/dev/facelatch-garage"), "{why}");
}

#[test]
fn a_damaged_store_is_repaired_at_start_and_reported() {
    let mut daemon_here = Daemon::start();
    let enrol =
        Enroll { user: "alice".into(), label: None, templates: Some(1), door: None, ..Enroll::default() };
    assert_eq!(daemon_here.client().call(&enrol).expect("enrolled").added, Some(1));
    daemon_here.child.kill().expect("killed");
    daemon_here.child.wait().expect("ends");
    let folder = daemon_here.folder.path().to_owned();
    let store = folder.join("store");
    let key = std::fs::metadata(folder.join("store.key")).expect("key file");
    assert_eq!((key.permissions().mode() & 0o777, key.len()), (0o600, 32));
    let length = std::fs::metadata(store.join("records/db")).expect("there").len();
    std::fs::write(store.join("records/db"), vec![7; usize::try_from(length).expect("short")])
        .expect("damaged");
    let word = UnixDatagram::bind(folder.join("notify2")).expect("socket");
    word.set_read_timeout(Some(PATIENCE)).expect("timeout");
    daemon_here.child = daemon(&folder).env("NOTIFY_SOCKET", folder.join("notify2")).spawn().expect("starts");
    word.recv(&mut [0; 64]).expect("ready");
    let status = daemon_here.client().call(&Status {}).expect("status");
    assert_eq!((status.users, status.templates, status.store.state.as_str()), (1, 1, "restored"));
    let notes = status.store.notes.join("\n");
    assert!(notes.contains("restored from the change log") && notes.contains(".corrupt-"), "{notes}");

    // A wrong key is different: refused in one line, and nothing is changed.
    daemon_here.child.kill().expect("killed");
    daemon_here.child.wait().expect("ends");
    std::fs::write(folder.join("store.key"), [7; 32]).expect("written");
    let (code, err) = refusal(daemon(&folder));
    assert!(code == 1 && err.contains("sealed with another key"), "{err}");
}
