//! The loops themselves ping the watchdog: each test stops one of them, and the pings must stop.

use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use facelatch_wire::call::{Enroll, List, Status};
use facelatch_wire::{Client, Deadline};

use facelatch_testkit::stage::faces;
use facelatch_testkit::world::PATIENCE;

/// systemd's interval; the daemon checks its loops twice per interval.
const INTERVAL: Duration = Duration::from_secs(2);

/// Silence this long means that the pings have stopped.
const SILENCE: Duration = Duration::from_secs(4);

/// A daemon that reports to the test instead of systemd.
struct Watched {
    child: Child,
    ears: UnixDatagram,
    folder: tempfile::TempDir,
}

impl Watched {
    /// Starts it with `config` and at most `descriptors` open files.
    fn start(config: &str, descriptors: u32) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let at = |name: &str| folder.path().join(name);
        let ears = UnixDatagram::bind(at("notify")).expect("socket");
        std::fs::write(at("facelatch.toml"), config).expect("written");
        std::fs::create_dir(at("camera")).expect("made");
        for name in ["obama-enrol-1.jpg", "obama-enrol-2.jpg", "obama-enrol-3.jpg"] {
            std::fs::copy(faces().join(name), at("camera").join(name)).expect("copied");
        }
        let mut limited = Command::new("sh");
        limited.arg("-c").arg(format!("ulimit -n {descriptors}; exec \"$@\"")).arg("sh");
        limited.arg(env!("CARGO_BIN_EXE_facelatchd")).arg("--config").arg(at("facelatch.toml"));
        limited.arg("--models").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("models"));
        limited
            .arg("--replay")
            .arg(at("camera"))
            .arg("--socket")
            .arg(at("s"))
            .arg("--state")
            .arg(at("store"));
        limited.env("NOTIFY_SOCKET", at("notify")).env("WATCHDOG_USEC", INTERVAL.as_micros().to_string());
        limited.env_remove("WATCHDOG_PID").env_remove("JOURNAL_STREAM");
        let child = limited.spawn().expect("starts");
        let watched = Self { child, ears, folder };
        assert!(watched.hears("READY=1", PATIENCE));
        assert!(watched.hears("WATCHDOG=1", PATIENCE), "a healthy daemon pings");
        watched
    }

    /// Whether such a message arrives within `limit` of the previous one.
    fn hears(&self, word: &str, limit: Duration) -> bool {
        self.ears.set_read_timeout(Some(limit)).expect("timeout");
        let mut message = [0; 4096];
        while let Ok(length) = self.ears.recv(&mut message) {
            if String::from_utf8_lossy(&message[..length]).lines().any(|line| line == word) {
                return true;
            }
        }
        false
    }

    /// Whether the pings stop. Until then as many arrive as a loaded machine needs intervals to get there.
    fn falls_silent(&self) -> bool {
        let deadline = Deadline::within(PATIENCE);
        while self.hears("WATCHDOG=1", SILENCE) {
            if deadline.left().is_err() {
                return false;
            }
        }
        true
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    fn client(&self) -> Client {
        Client::connect(&self.socket(), Deadline::within(PATIENCE)).expect("listens")
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_socket_that_accepts_nobody_stops_the_pings() {
    let watched = Watched::start("", 32);
    let crowd: Vec<UnixStream> =
        (0..31).map(|_| UnixStream::connect(watched.socket()).expect("queues")).collect();
    assert!(watched.falls_silent());
    drop(crowd);
    assert!(watched.hears("WATCHDOG=1", PATIENCE), "the pings resume");
    assert!(watched.client().call(&Status {}).is_ok());
}

#[test]
fn a_hanging_engine_stops_the_pings() {
    let watched = Watched::start("", 1024);
    // A hanging disk: the engine logs each enrolment, and opening a pipe blocks until its other end is open.
    let log = watched.folder.path().join("store/audit/changes.log");
    std::fs::rename(&log, log.with_extension("kept")).expect("moved");
    nix::unistd::mkfifo(&log, nix::sys::stat::Mode::S_IRWXU).expect("made");
    let mut client = watched.client();
    let enroll =
        Enroll { user: "alice".to_owned(), label: None, templates: Some(3), door: None, ..Enroll::default() };
    let waiting = std::thread::spawn(move || client.call(&enroll));
    assert!(watched.falls_silent());
    assert!(watched.client().call(&List { user: None }).is_ok(), "the socket is served meanwhile");
    let pipe = std::fs::File::open(&log).expect("the engine holds the other end");
    std::fs::rename(log.with_extension("kept"), &log).expect("moved");
    drop(pipe);
    assert!(waiting.join().expect("ends").is_ok());
    assert!(watched.hears("WATCHDOG=1", PATIENCE), "the pings resume");
}
