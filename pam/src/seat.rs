//! Does the person who asks sit at this machine, with its lid open? Otherwise their face is not the one before the camera.
//!
//! The evidence: what the application was told (`PAM_RHOST`, the service), the variables that sshd leaves, and
//! systemd's unit of the process with logind's files under /run/systemd. Files, not D-Bus: that would bring a
//! bus client into every sudo. The limit: a remote person who already runs programs can wipe the
//! variables, and where systemd and logind do not run nothing else tells. The lid is asked of ACPI alone; logind tells it over
//! D-Bus only.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::host::Host;

/// Services that serve people from elsewhere.
const REMOTE_SERVICES: [&str; 8] =
    ["sshd", "dropbear", "remote", "rlogin", "rsh", "telnet", "cockpit", "xrdp-sesman"];

/// What sshd puts into the environment of those it lets in.
const REMOTE_VARIABLES: [&str; 3] = ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"];

/// Hosts that are this one.
const LOCAL_HOSTS: [&str; 5] = ["", "localhost", "localhost.localdomain", "127.0.0.1", "::1"];

/// The kernel's number for "no audit session".
const NO_SESSION: &str = "4294967295";

/// Most bytes of a file that are looked at.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Where to look.
pub struct Seat {
    root: PathBuf,
}

impl Seat {
    /// This machine and this process.
    pub fn here() -> Self {
        Self::at(Path::new("/"))
    }

    /// A machine whose files lie below `root`.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Why the face must not be asked for, if so.
    pub fn objection(&self, host: &dyn Host) -> Option<String> {
        if let Some(service) = host.service().filter(|s| REMOTE_SERVICES.contains(&s.as_str())) {
            return Some(format!("the service {service} is for people elsewhere"));
        }
        if let Some(remote) = host.remote_host().filter(|r| !LOCAL_HOSTS.contains(&r.as_str())) {
            return Some(format!("asked from {}", remote.escape_debug()));
        }
        if let Some(name) = self.remote_variable() {
            return Some(format!("{name} is set: a session over ssh"));
        }
        if let Some(why) = self.sessions_objection(host.service().as_deref()) {
            return Some(why);
        }
        self.lid_closed().then(|| "the lid is closed".to_owned())
    }

    /// Looked for in what the process was started with: sudo hides its caller's variables from `getenv`.
    fn remote_variable(&self) -> Option<&'static str> {
        let environment = self.read("proc/self/environ");
        let is_set = |name: &&str| {
            let value = |pair: &str| pair.strip_prefix(*name)?.strip_prefix('=').map(str::is_empty);
            environment.split('\0').any(|pair| value(pair) == Some(false))
        };
        REMOTE_VARIABLES.into_iter().find(is_set)
    }

    /// What logind, or the lack of it, has against this process.
    fn sessions_objection(&self, service: Option<&str>) -> Option<String> {
        let group = self.read("proc/self/cgroup");
        let unit = unit(&group).unwrap_or_default();
        if let Some(id) = between(unit, "session-", ".scope") {
            // A session that logind has forgotten may have come from anywhere.
            return match self.is_remote(id) {
                Some(false) => None,
                Some(true) => Some(remote(id)),
                None => Some(format!("logind does not know the session {}", id.escape_debug())),
            };
        }
        // Whoever came in without PAM has no session, but is still where they came in.
        let door = unit.split(['@', '.']).next().unwrap_or_default();
        if door == "ssh" || REMOTE_SERVICES.contains(&door) {
            return Some(format!("part of {}, which is for people elsewhere", unit.escape_debug()));
        }
        let uid = between(unit, "user@", ".service").map(str::to_owned);
        if uid.is_none() && service == Some("polkit-1") && !unit.is_empty() {
            return Some("polkit's helper runs outside all sessions: who asks is not known".to_owned());
        }
        // A process outside all sessions still belongs to a person: one remote session of theirs is then enough.
        let uid = uid.or_else(|| self.real_uid());
        let of_user = uid.map(|uid| self.read(&format!("run/systemd/users/{uid}"))).unwrap_or_default();
        let of_user = of_user.lines().find_map(|line| line.strip_prefix("SESSIONS=")).unwrap_or_default();
        let audit = self.read("proc/self/sessionid");
        let audit = Some(audit.trim()).filter(|id| !id.is_empty() && *id != NO_SESSION);
        of_user.split_whitespace().chain(audit).find(|id| self.is_remote(id) == Some(true)).map(remote)
    }

    /// Who started this process, unless it was root.
    fn real_uid(&self) -> Option<String> {
        let status = self.read("proc/self/status");
        let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        uids.split_whitespace().next().filter(|uid| *uid != "0").map(str::to_owned)
    }

    /// `None` when logind has no such session.
    fn is_remote(&self, id: &str) -> Option<bool> {
        let known = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let session = known.then(|| self.read(&format!("run/systemd/sessions/{id}")))?;
        (!session.is_empty()).then(|| session.lines().any(|line| line == "REMOTE=1"))
    }

    fn lid_closed(&self) -> bool {
        let lids = self.root.join("proc/acpi/button/lid").read_dir();
        lids.into_iter().flatten().flatten().any(|lid| read(&lid.path().join("state")).contains("closed"))
    }

    fn read(&self, path: &str) -> String {
        read(&self.root.join(path))
    }
}

fn remote(id: &str) -> String {
    format!("logind's session {id} is remote")
}

/// systemd's unit of a process: the first part of its control group that is no slice. What lies deeper is named by
/// whoever owns that unit, so a user may name one `session-1.scope`.
fn unit(group: &str) -> Option<&str> {
    // Number, controllers, path. systemd's own hierarchy has no controller, or is called by its name.
    let mut paths = group.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        matches!(controllers, "" | "name=systemd").then_some(path)
    });
    paths.find_map(|path| path.split('/').find(|part| !part.is_empty() && !part.ends_with(".slice")))
}

fn between<'a>(part: &'a str, start: &str, end: &str) -> Option<&'a str> {
    part.strip_prefix(start)?.strip_suffix(end)
}

/// The beginning of a file; nothing when it cannot be read.
fn read(path: &Path) -> String {
    let mut bytes = Vec::new();
    let file = File::open(path).map(|file| file.take(MAX_FILE_BYTES));
    let _ = file.and_then(|mut file| file.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
