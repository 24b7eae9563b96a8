//! What the daemon reports about itself.

use std::os::unix::fs::FileTypeExt;

use facelatch_wire::ClientError;
use facelatch_wire::call::{List, Status};
use facelatch_wire::reply::{self, CameraState, StoreState};

use super::Finding;
use crate::say::{self, Daemon};

/// Findings, and whether the daemon answered.
pub(super) fn examine(to: &Daemon) -> (Vec<Finding>, bool) {
    let mut findings = vec![socket(to)];
    let status = match to.ask(say::SOON).and_then(|mut client| Ok(client.call(&Status {})?)) {
        Ok(status) => status,
        Err(error) => {
            // A bad socket says enough.
            if findings.iter().all(|finding| finding.ok) {
                findings.push(silent(&error));
            }
            return (findings, false);
        }
    };
    findings.push(version(&status));
    findings.push(camera(&status));
    let found = format!("{} and {} are loaded and were verified", status.detector, status.embedder);
    findings.push(Finding::good("models", found));
    findings.push(store(&status.store));
    findings.push(enrolled(&status));
    findings.extend(status.notes.iter().map(|note| Finding::good("note", note.as_str())));
    findings.push(rights(to));
    (findings, true)
}

fn socket(to: &Daemon) -> Finding {
    let path = to.socket.display();
    match std::fs::metadata(&to.socket) {
        Ok(file) if file.file_type().is_socket() => Finding::good("socket", path.to_string()),
        Ok(_) => {
            let fix = "remove it, then `sudo systemctl restart facelatchd.socket facelatchd`";
            Finding::bad("socket", format!("{path} is not a socket"), fix)
        }
        Err(e) => {
            let fix = "start the daemon (`sudo systemctl start facelatchd.socket facelatchd`), or install facelatch";
            Finding::bad("socket", format!("{path}: {e}"), fix)
        }
    }
}

fn silent(error: &anyhow::Error) -> Finding {
    match error.downcast_ref::<ClientError>() {
        Some(ClientError::Forbidden { socket }) => {
            let fix = "run it as root: `sudo facelatch doctor`";
            Finding::bad("daemon", format!("{}: you may not open it", socket.display()), fix)
        }
        Some(ClientError::NotRunning { .. }) => {
            let fix = "`sudo systemctl start facelatchd`; `journalctl -u facelatchd` says why it stopped";
            Finding::bad("daemon", "not running", fix)
        }
        _ => Finding::broken("daemon", format!("{error:#}")),
    }
}

fn version(status: &reply::Status) -> Finding {
    let (daemon, mine) = (&status.version, env!("CARGO_PKG_VERSION"));
    if daemon == mine {
        return Finding::good("daemon", format!("version {daemon}"));
    }
    let found = format!("version {daemon}, but this command is {mine}");
    Finding::bad("daemon", found, "`sudo systemctl restart facelatchd`")
}

fn camera(status: &reply::Status) -> Finding {
    let reply::Camera { name, state, message } = &status.camera;
    match message {
        Some(message) => Finding::broken("camera", message.as_str()),
        None if *state == CameraState::Ready => Finding::good("camera", format!("{name} is ready")),
        None => Finding::bad("camera", format!("{name} is {state}"), "see `journalctl -u facelatchd`"),
    }
}

fn store(store: &reply::Store) -> Finding {
    let notes = store.notes.join("; ");
    let found = if notes.is_empty() { store.state.to_string() } else { format!("{}: {notes}", store.state) };
    match store.state {
        StoreState::Lossy => Finding::bad(
            "store",
            found,
            "enrol the missing people again, or `sudo facelatch import` a backup",
        ),
        StoreState::Behind => Finding::bad("store", found, "look at the disk: is it full or read-only?"),
        _ => Finding::good("store", found),
    }
}

fn enrolled(status: &reply::Status) -> Finding {
    if status.users == 0 {
        return Finding::bad("enrolled", "nobody", "`sudo facelatch enroll NAME`");
    }
    Finding::good("enrolled", format!("{} people, {} templates", status.users, status.templates))
}

/// Not a fault: some callers may only verify themselves.
fn rights(to: &Daemon) -> Finding {
    let listed = to.ask(say::SOON).and_then(|mut client| Ok(client.call(&List { user: None })?));
    match listed {
        Ok(_) => Finding::good("rights", "you may enrol and remove"),
        Err(error) => match error.downcast_ref::<ClientError>() {
            Some(ClientError::Refused(_)) => Finding::good("rights", "you may verify yourself only"),
            _ => Finding::broken("rights", format!("{error:#}")),
        },
    }
}
