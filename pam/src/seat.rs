//! Does whoever asks sit at this machine, with its lid open? Else his face is not the one before the camera.
//!
//! What tells it: what the application was told (`PAM_RHOST`, the service), the variables that sshd leaves, and
//! logind's files under /run/systemd, found by control group or audit session. Files, not D-Bus: that would bring a
//! bus client into every sudo. The limit: a remote person who already runs programs of his own can wipe the
//! variables, and where logind does not run nothing else tells. The lid is asked of ACPI alone; logind tells it over
//! D-Bus only.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::host::Host;

/// Services that serve people from elsewhere.
const REMOTE_SERVICES: [&str; 8] =
    ["sshd", "dropbear", "remote", "rlogin", "rsh", "telnet", "cockpit", "xrdp-sesman"];

/// What sshd puts into the environment of whom it lets in.
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
        if let Some(id) = self.sessions().into_iter().find(|id| self.is_remote(id)) {
            return Some(format!("logind's session {id} is remote"));
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

    /// logind's ids of the sessions that this process may belong to.
    fn sessions(&self) -> Vec<String> {
        let group = self.read("proc/self/cgroup");
        let mut parts = group.lines().flat_map(|line| line.split('/'));
        let between = |part: &str, start: &str, end: &str| {
            part.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)).map(str::to_owned)
        };
        if let Some(id) = parts.clone().find_map(|part| between(part, "session-", ".scope")) {
            return vec![id];
        }
        // A service of the user belongs to none of his sessions: one that is remote is then enough.
        if let Some(uid) = parts.find_map(|part| between(part, "user@", ".service")) {
            let user = self.read(&format!("run/systemd/users/{uid}"));
            let sessions = user.lines().find_map(|line| line.strip_prefix("SESSIONS=")).unwrap_or_default();
            return sessions.split_whitespace().map(str::to_owned).collect();
        }
        let audit = self.read("proc/self/sessionid");
        Some(audit.trim())
            .filter(|id| !id.is_empty() && *id != NO_SESSION)
            .map(str::to_owned)
            .into_iter()
            .collect()
    }

    fn is_remote(&self, id: &str) -> bool {
        id.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && self.read(&format!("run/systemd/sessions/{id}")).lines().any(|line| line == "REMOTE=1")
    }

    fn lid_closed(&self) -> bool {
        let lids = self.root.join("proc/acpi/button/lid").read_dir();
        lids.into_iter().flatten().flatten().any(|lid| read(&lid.path().join("state")).contains("closed"))
    }

    fn read(&self, path: &str) -> String {
        read(&self.root.join(path))
    }
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
