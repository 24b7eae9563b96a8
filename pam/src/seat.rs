//! Does the person who asks sit at this machine, with its lid open? Otherwise their face is not the one before the camera.
//!
//! The evidence: what the application was told (`PAM_RHOST`), the variables that sshd leaves, what the kernel says about
//! the process (`process`) and what logind says about sessions (`logind`). Files, not D-Bus: that would bring a bus
//! client into every sudo. What is not known to be here is taken to be elsewhere. The limit: whoever runs programs
//! as a user who sits here can run them in that user's own service tree, where nothing tells them apart.

mod logind;
mod process;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use facelatch_wire::services::Place;

use crate::host::Host;
use process::Unit;

/// Hosts that are this one.
const LOCAL_HOSTS: [&str; 5] = ["", "localhost", "localhost.localdomain", "127.0.0.1", "::1"];

/// There while the machine goes to sleep, until it is awake again: facelatch-sleep.service.
const ASLEEP: &str = "run/facelatch/asleep";

/// Most bytes of a file that are looked at.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A process of a machine.
pub struct Seat {
    files: Files,
}

impl Seat {
    /// This machine and this process.
    pub fn here() -> Self {
        Self::at(Path::new("/"))
    }

    /// A machine whose files lie below `root`.
    pub fn at(root: &Path) -> Self {
        Self { files: Files { root: root.to_owned() } }
    }

    /// Why a service that meets the person there must not ask for a face, if so.
    pub fn objection(&self, host: &dyn Host, place: Place) -> Option<String> {
        if let Some(remote) = host.remote_host().filter(|r| !LOCAL_HOSTS.contains(&r.as_str())) {
            return Some(format!("asked from {}", remote.escape_debug()));
        }
        if let Some(name) = process::remote_variable(&self.files) {
            return Some(format!("{name} is set: a session over ssh"));
        }
        if let Some(program) = process::remote_program(&self.files) {
            return Some(format!("part of {}, which is for people elsewhere", program.escape_debug()));
        }
        let why = match (process::unit(&self.files), logind::runs(&self.files)) {
            (Unit::Session(id), true) => self.session_objection(&id),
            (Unit::UserManager(uid), true) => self.user_objection(uid),
            _ if self.is_prompt(place) => self.prompt_objection(host, place),
            // Nobody knows sessions, but the kernel knows what hangs on a virtual console.
            (_, false) => (!process::on_virtual_console(&self.files))
                .then(|| "logind does not run, and this is no virtual console".to_owned()),
            (Unit::Other(unit), true) => {
                Some(format!("runs in {}, outside all sessions: who asks is not known", unit.escape_debug()))
            }
            (Unit::None, true) => match process::real_uid(&self.files) {
                None | Some(0) => Some("root outside all sessions: who asks is not known".to_owned()),
                Some(uid) => self.user_objection(uid),
            },
        };
        why.or_else(|| self.nobody_can_look().map(str::to_owned))
    }

    /// Why no face can be meant at this moment, if so: the lid is closed, or the machine goes to sleep.
    pub fn nobody_can_look(&self) -> Option<&'static str> {
        if self.lid_closed() {
            return Some("the lid is closed");
        }
        self.files.root.join(ASLEEP).exists().then_some("the machine goes to sleep")
    }

    /// Whether this user is logged in on a screen of this machine.
    pub fn has_screen(&self, user: &str) -> bool {
        logind::has_screen(&self.files, user)
    }

    /// How long ago this process was started, if `since_boot` is now. Programs that it becomes by exec(2) count.
    pub fn age(&self, since_boot: Duration) -> Option<Duration> {
        since_boot.checked_sub(process::started(&self.files)?)
    }

    /// What speaks against a session.
    fn session_objection(&self, id: &str) -> Option<String> {
        match logind::session(&self.files, id) {
            // One that logind has forgotten may have come from anywhere.
            None => Some(format!("logind does not know the session {}", id.escape_debug())),
            Some(session) if session.remote => Some(format!("logind's session {id} is remote")),
            Some(session) if session.at_seat => None,
            Some(_) => Some(format!("logind's session {id} is not the active one of a seat")),
        }
    }

    /// What speaks against a process that belongs to a user and to no session: it may be of any of theirs.
    fn user_objection(&self, uid: u32) -> Option<String> {
        let session = |id: &String| logind::session(&self.files, id);
        let sessions = logind::sessions_of(&self.files, uid);
        let audit = process::audit_session(&self.files).filter(|id| session(id).is_some());
        let is_elsewhere = |id: &&String| session(id).is_none_or(|session| session.remote);
        if let Some(id) = sessions.iter().chain(&audit).find(is_elsewhere) {
            return self.session_objection(id);
        }
        let here =
            sessions.iter().filter_map(session).any(|session| session.at_seat && session.uid == Some(uid));
        (!here).then(|| format!("user id {uid} has no active session at a seat of this machine"))
    }

    /// Whether the service is one of root's that asks before there is a session.
    fn is_prompt(&self, place: Place) -> bool {
        matches!(place, Place::Console | Place::Greeter) && process::real_uid(&self.files) == Some(0)
    }

    /// What speaks against a login prompt or a login screen.
    fn prompt_objection(&self, host: &dyn Host, place: Place) -> Option<String> {
        // Programs that put a shell on the web run `login` on a pseudo-terminal.
        if place == Place::Console {
            return not_a_console(host.terminal().as_deref());
        }
        // One display manager serves all screens, and does not always say for which it asks.
        let id = logind::remote_screen(&self.files)?;
        Some(format!("the screen of logind's session {id} is elsewhere, and may be the one that asks"))
    }

    fn lid_closed(&self) -> bool {
        let lids = self.files.folder("proc/acpi/button/lid");
        lids.iter()
            .any(|lid| self.files.read(&format!("proc/acpi/button/lid/{lid}/state")).contains("closed"))
    }
}

/// What speaks against `login` on the terminal `tty` (`PAM_TTY`): that it is none of /dev/tty1 to /dev/tty63.
fn not_a_console(tty: Option<&str>) -> Option<String> {
    let tty = tty.unwrap_or_default();
    let name = tty.strip_prefix("/dev/").unwrap_or(tty);
    let here = (1..64).any(|number| name == format!("tty{number}"));
    (!here).then(|| format!("a login on {tty:?}, which is no virtual console"))
}

/// The files of a machine.
struct Files {
    root: PathBuf,
}

impl Files {
    /// The beginning of a file; nothing when it cannot be read.
    fn read(&self, path: &str) -> String {
        let mut bytes = Vec::new();
        let file = File::open(self.root.join(path)).map(|file| file.take(MAX_FILE_BYTES));
        let _ = file.and_then(|mut file| file.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Names in a folder; none when it cannot be read.
    fn folder(&self, path: &str) -> Vec<String> {
        let entries = self.root.join(path).read_dir().into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests;
