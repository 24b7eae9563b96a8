//! What the daemon reports about itself.

use std::collections::BTreeSet;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use facelatch_wire::ClientError;
use facelatch_wire::call::{List, Status};
use facelatch_wire::reply::{self, AccountState, CameraState, Listed, StoreState};

use super::{Finding, door, shadow};
use crate::say::{self, Daemon};
use crate::status::{camera_name, cameras};

/// Most names in one finding.
const MAX_NAMES: usize = 20;

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
    findings.extend(cameras(&status).iter().map(camera));
    let found = format!("{} and {} are loaded and were verified", status.detector, status.embedder);
    findings.push(Finding::good("models", found));
    findings.push(store(&status.store));
    findings.push(enrolled(&status));
    if status.face == Some(false) {
        findings.push(Finding::note("face", "face unlock is switched off", "`sudo facelatch face on`"));
    }
    findings.extend(status.notes.iter().map(|note| noted(note)));
    findings.extend(door::examine(Path::new("/"), &status.doors));
    findings.extend(people(to));
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

fn camera(camera: &reply::Camera) -> Finding {
    let (name, reply::Camera { state, message, device, .. }) = (camera_name(camera), camera);
    match message {
        // Its device is in the message.
        Some(message) if device.is_some() => Finding::broken("camera", format!("{}: {message}", camera.name)),
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
        StoreState::Behind => {
            Finding::bad("store", found, "look at the disk: is it full, read-only or failing?")
        }
        _ => Finding::good("store", found),
    }
}

fn enrolled(status: &reply::Status) -> Finding {
    if status.users == 0 {
        return Finding::bad("enrolled", "nobody", "`sudo facelatch enroll NAME`");
    }
    Finding::good("enrolled", format!("{}, {}", say::people(status.users), say::templates(status.templates)))
}

/// What the daemon notes; it ends with what to do, after a semicolon. How a model runs is no fault.
fn noted(note: &str) -> Finding {
    let (label, text) = note.strip_prefix("attacks: ").map_or(("note", note), |text| ("attacks", text));
    match text.split_once("; ") {
        Some((found, fix)) if !text.starts_with("model ") => Finding::note(label, found, fix),
        _ => Finding::good(label, text),
    }
}

/// What the caller may do, and whose face does not count. Not a fault: some callers may only verify themselves.
fn people(to: &Daemon) -> Vec<Finding> {
    let listed = to.ask(say::SOON).and_then(|mut client| Ok(client.call(&List { user: None })?));
    match listed {
        Ok(listed) => [Finding::good("rights", "you may enrol and remove")]
            .into_iter()
            .chain(accounts(&listed))
            .collect(),
        Err(error) => vec![match error.downcast_ref::<ClientError>() {
            Some(ClientError::Refused(_)) => Finding::good("rights", "you may verify yourself only"),
            _ => Finding::broken("rights", format!("{error:#}")),
        }],
    }
}

/// Faces that do not count, or not everywhere, each kind with its names.
fn accounts(listed: &Listed) -> Vec<Finding> {
    let named = |state: AccountState, what: &str| {
        let names: BTreeSet<&str> =
            listed.templates.iter().filter(|t| t.account == state).map(|t| t.user.as_str()).collect();
        let mut shown: Vec<&str> = names.iter().take(MAX_NAMES).copied().collect();
        if names.len() > MAX_NAMES {
            shown.push("...");
        }
        (!names.is_empty()).then(|| format!("{what}: {}", shown.join(", ")))
    };
    let stale = "`sudo facelatch remove NAME`, or enrol them again";
    let again = "`sudo facelatch enroll NAME`";
    let found = [
        (AccountState::Gone, "no account has that name any more, so the face counts nowhere", stale),
        (AccountState::Changed, "the account has another user id, so the face counts nowhere", stale),
        (
            AccountState::Unrecorded,
            "enrolled before user ids were recorded, so the face counts nowhere",
            again,
        ),
        (AccountState::Unanswered, "the name service did not answer", "look at nsswitch.conf(5)"),
        (AccountState::Door, "for the door only, no login accepts them", ""),
    ];
    let finding = |(state, what, fix): (AccountState, &str, &str)| {
        let found = named(state, what)?;
        Some(if fix.is_empty() {
            Finding::good("accounts", found)
        } else {
            Finding::note("accounts", found, fix)
        })
    };
    let for_account = listed.templates.iter().filter(|t| t.account == AccountState::Current);
    let barred = shadow::examine(Path::new("/"), &for_account.map(|t| t.user.as_str()).collect());
    found.into_iter().filter_map(finding).chain(barred).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_at_the_next_boot_is_not_ok() {
        let finding = noted("store: /x lies on tmpfs: gone at the next boot; mount a disk there");
        assert_eq!((finding.word(), finding.fix.as_deref()), ("note", Some("mount a disk there")));
        let turned =
            noted("camera a: the picture is turned; hold your head upright; or set camera.rotate = 180");
        assert_eq!(turned.word(), "note");
        assert_eq!(noted("infrared camera /dev/video2: not found; plug it in").word(), "note");
        assert_eq!(noted("infrared camera /dev/video2 is ready").word(), "ok  ");
        assert_eq!(noted("model own: 1 Conv run in tract, several times slower").word(), "ok  ");
    }
}
