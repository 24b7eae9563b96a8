//! Sessions as logind writes them down, in /run/systemd/users and /run/systemd/sessions (sd-login reads the same files).

use super::Files;

/// Types of a session that has a screen.
const SCREENS: &[&str] = &["x11", "wayland", "mir"];

/// What matters about a session.
pub(super) struct Session {
    /// Whose it is.
    pub(super) uid: Option<u32>,
    /// It came in from another machine, or logind does not say that it did not.
    pub(super) remote: bool,
    /// It is the one that is shown at a seat: screen, keyboard and, presumably, camera of this machine.
    pub(super) at_seat: bool,
}

/// Whether there is a logind.
pub(super) fn runs(files: &Files) -> bool {
    files.root.join("run/systemd/users").is_dir()
}

/// `None` when logind has no such session.
pub(super) fn session(files: &Files, id: &str) -> Option<Session> {
    let text = text(files, id)?;
    let remote = value(&text, "REMOTE") != Some("0");
    let shown =
        value(&text, "STATE") == Some("active") && value(&text, "SEAT").is_some_and(|seat| !seat.is_empty());
    let uid = value(&text, "UID").and_then(|uid| uid.parse().ok());
    Some(Session { uid, remote, at_seat: shown && !remote })
}

/// The sessions of a user.
pub(super) fn sessions_of(files: &Files, uid: u32) -> Vec<String> {
    let user = files.read(&format!("run/systemd/users/{uid}"));
    value(&user, "SESSIONS").unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// Whether a user of this name is logged in on a screen at a seat of this machine, in front or not.
pub(super) fn has_screen(files: &Files, user: &str) -> bool {
    files.folder("run/systemd/sessions").into_iter().any(|id| {
        text(files, &id).is_some_and(|text| {
            let is = |key, wanted: &[&str]| value(&text, key).is_some_and(|value| wanted.contains(&value));
            // Who logs out is "closing", and their keyring closed.
            is("USER", &[user])
                && is("CLASS", &["user", "user-early"])
                && is("TYPE", SCREENS)
                && is("STATE", &["active", "online"])
                && is("REMOTE", &["0"])
                && value(&text, "SEAT").is_some_and(|seat| !seat.is_empty())
        })
    })
}

/// A session, or a login screen, whose screen is not at a seat of this machine: a remote desktop, a VNC server.
pub(super) fn remote_screen(files: &Files) -> Option<String> {
    files.folder("run/systemd/sessions").into_iter().find(|id| {
        text(files, id).is_some_and(|text| {
            let has_screen = value(&text, "CLASS") == Some("greeter")
                || value(&text, "TYPE").is_some_and(|kind| SCREENS.contains(&kind));
            let seat = value(&text, "SEAT").unwrap_or_default();
            has_screen && (seat.is_empty() || value(&text, "REMOTE") != Some("0"))
        })
    })
}

/// A session's file. An id that is none leads to no other file.
fn text(files: &Files, id: &str) -> Option<String> {
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let text = is_id.then(|| files.read(&format!("run/systemd/sessions/{id}")))?;
    (!text.is_empty()).then_some(text)
}

fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
}
