//! What the kernel says about this process: its control group, its ancestors, its terminal, who started it.

use std::time::Duration;

use facelatch_wire::services::REMOTE;

use super::Files;

/// What sshd puts into the environment of those it lets in.
pub(super) const REMOTE_VARIABLES: [&str; 3] = ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"];

/// The kernel's number for "no audit session".
pub(super) const NO_SESSION: &str = "4294967295";

/// Ancestors that are looked at; a chain that goes on is cut off.
const MAX_ANCESTORS: usize = 64;

/// Bytes of a program's name that the kernel keeps.
const COMM_BYTES: usize = 15;

/// The kernel's unit of time in /proc (USER_HZ), the same on all machines that we build for.
const TICKS_PER_SECOND: u64 = 100;

/// The kernel's number of the driver of virtual consoles.
const VIRTUAL_CONSOLE: u32 = 4;

/// Where systemd has put a process: the first part of its control group that is no slice. What lies deeper is named by
/// whoever owns that unit, so a user may name one `session-1.scope`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// logind's session of this id.
    Session(String),
    /// The service manager of the user with this id: desktops start most of their programs there.
    UserManager(u32),
    /// Another one, of the system.
    Other(String),
    /// systemd does not say.
    None,
}

pub(super) fn unit(files: &Files) -> Unit {
    let group = files.read("proc/self/cgroup");
    let parts =
        paths(&group).map(|path| path.split('/').find(|part| !part.is_empty() && !part.ends_with(".slice")));
    let Some(unit) = parts.flatten().next() else { return Unit::None };
    if let Some(id) = between(unit, "session-", ".scope") {
        return Unit::Session(id.to_owned());
    }
    let uid = between(unit, "user@", ".service").and_then(|uid| uid.parse().ok());
    uid.map_or_else(|| Unit::Other(unit.to_owned()), Unit::UserManager)
}

/// The paths of a process in systemd's own hierarchies, which have no controller or are called by its name.
fn paths(group: &str) -> impl Iterator<Item = &str> {
    group.lines().filter_map(|line| {
        // Number, controllers, path.
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        matches!(controllers, "" | "name=systemd").then_some(path)
    })
}

/// The unit around this process, however deep, or the ancestor that is a program for people elsewhere.
pub(super) fn remote_program(files: &Files) -> Option<String> {
    let group = files.read("proc/self/cgroup");
    let unit = paths(&group).flat_map(|path| path.split('/')).find(|part| is_remote_unit(part));
    unit.map(str::to_owned).or_else(|| ancestors(files).into_iter().find(|name| is_remote_comm(name)))
}

/// `NAME.service`, `NAME@INSTANCE.service`, and what desktops make of a program: `app-LAUNCHER-NAME-NUMBER.scope`, with
/// `\x2d` for each hyphen in a name.
fn is_remote_unit(part: &str) -> bool {
    let Some((stem, "service" | "scope" | "socket")) = part.rsplit_once('.') else { return false };
    let stem = stem.split('@').next().unwrap_or_default();
    let is_remote = |name: &str| REMOTE.contains(&name.replace("\\x2d", "-").as_str());
    is_remote(stem) || stem.strip_prefix("app-").is_some_and(|app| app.split('-').any(is_remote))
}

fn is_remote_comm(comm: &str) -> bool {
    REMOTE.iter().any(|name| name.get(..COMM_BYTES).unwrap_or(name) == comm)
}

/// Names of the programs above this process, as far as they may be seen.
fn ancestors(files: &Files) -> Vec<String> {
    let mut names = Vec::new();
    let mut id = "self".to_owned();
    for _ in 0..MAX_ANCESTORS {
        let Some(stat) = Stat::of(files, &id) else { break };
        names.push(stat.comm);
        if stat.parent <= 1 {
            break;
        }
        id = stat.parent.to_string();
    }
    names
}

/// Whether the terminal that controls this process is one of /dev/tty1 to /dev/tty63. Nobody else's can be taken over,
/// so this is proof of a person here, as far as the console goes.
pub(super) fn on_virtual_console(files: &Files) -> bool {
    let Some(Stat { terminal, .. }) = Stat::of(files, "self") else { return false };
    let (major, minor) = ((terminal >> 8) & 0xfff, (terminal & 0xff) | ((terminal >> 12) & 0xf_ff00));
    major == VIRTUAL_CONSOLE && (1..64).contains(&minor)
}

/// Since the machine was started, until this process was.
pub(super) fn started(files: &Files) -> Option<Duration> {
    let ticks = Stat::of(files, "self")?.started?;
    Some(Duration::from_millis(ticks.checked_mul(1000 / TICKS_PER_SECOND)?))
}

/// A line of /proc/PID/stat.
struct Stat {
    comm: String,
    parent: u32,
    /// Number of the device.
    terminal: u32,
    /// Ticks after the machine was.
    started: Option<u64>,
}

impl Stat {
    fn of(files: &Files, id: &str) -> Option<Self> {
        let line = files.read(&format!("proc/{id}/stat"));
        // The name stands in brackets and may hold some itself.
        let (start, rest) = line.rsplit_once(')')?;
        let comm = start.split_once('(')?.1.to_owned();
        // State, parent, process group, session, terminal.
        let mut fields = rest.split_whitespace().skip(1);
        let parent = fields.next()?.parse().ok()?;
        let terminal = fields.nth(2)?.parse::<i32>().ok()?.cast_unsigned();
        // Fifteen fields later: field 22 of proc(5).
        let started = fields.nth(14).and_then(|ticks| ticks.parse().ok());
        Some(Self { comm, parent, terminal, started })
    }
}

/// Looked for in what the process was started with: sudo hides its caller's variables from `getenv`.
pub(super) fn remote_variable(files: &Files) -> Option<&'static str> {
    let environment = files.read("proc/self/environ");
    let is_set = |name: &&str| {
        let value = |pair: &str| pair.strip_prefix(*name)?.strip_prefix('=').map(str::is_empty);
        environment.split('\0').any(|pair| value(pair) == Some(false))
    };
    REMOTE_VARIABLES.into_iter().find(is_set)
}

/// Who started this process.
pub(super) fn real_uid(files: &Files) -> Option<u32> {
    let status = files.read("proc/self/status");
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.parse().ok()
}

/// The audit session of this process, which it cannot leave.
pub(super) fn audit_session(files: &Files) -> Option<String> {
    let id = files.read("proc/self/sessionid");
    Some(id.trim()).filter(|id| !id.is_empty() && *id != NO_SESSION).map(str::to_owned)
}

fn between<'a>(part: &'a str, start: &str, end: &str) -> Option<&'a str> {
    part.strip_prefix(start)?.strip_suffix(end)
}
