//! `facelatch backup` and `restore`: the daemon seals people, PINs and rules; the files of the configuration go along.

mod files;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use facelatch_setup::lock::{LOCK, Lock, must_be_root};
use facelatch_wire::call::{Backup, Import, Secret, Unpack};
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::keep;
use crate::say::{self, Daemon};
use files::{Packed, Restored};

/// Where PAM keeps what each service asks for.
const PAM: &str = "etc/pam.d";

/// What the daemon seals for us without looking into it.
#[derive(Debug, Serialize, Deserialize)]
struct Package {
    /// Of the program that made it.
    version: String,
    files: Vec<Packed>,
    /// Files of PAM that asked for a face there. They are not touched: a login must work before it asks for a face.
    pam: Vec<String>,
}

/// Seals all that a new card needs.
pub(crate) fn backup(to: &Daemon, path: &Path, recipient: Option<String>, root: &Path) -> Result<Exit> {
    keep::must_be_new(path)?;
    let package =
        Package { version: env!("CARGO_PKG_VERSION").to_owned(), files: files::pack(root)?, pam: pam(root) };
    let mut client = to.ask(keep::LONG)?;
    keep::upload(&mut client, &serde_json::to_vec(&package)?)?;
    let (bytes, end) = keep::receive(&mut client, &Backup { recipient }, |reply| reply.data.as_ref())?;
    keep::write(path, &bytes)?;
    if to.json {
        say::json(&end)?;
        return Ok(Exit::Done);
    }
    let templates = say::templates(end.templates.unwrap_or_default());
    let users = say::people(end.users.unwrap_or_default());
    let files = package.files.len();
    say::line(format!(
        "{templates} of {users}, with rules and PINs, and {files} files sealed in {}",
        path.display()
    ))?;
    package.files.iter().try_for_each(|file| say::line(format!("  /{}", file.path)))?;
    say::line("not in it: misses, the audit log, and programs that the configuration names")?;
    Ok(Exit::Done)
}

/// Brings back what was sealed: files first, since the people in it may need another network than the one loaded now.
pub(crate) fn restore(
    to: &Daemon,
    path: &Path,
    identity: &Path,
    skip_enrolled: bool,
    root: &Path,
) -> Result<Exit> {
    let is_here = root == Path::new("/");
    if is_here {
        must_be_root("restore", &format!("facelatch restore {} ...", path.display()))?;
    }
    let file = keep::read(path)?;
    let identity = String::from_utf8(keep::read(identity)?).context("the identity file is not text")?;
    let package = unpacked(to, &file, &identity)?;
    // It writes what a setup writes.
    let _lock = is_here.then(|| Lock::take(Path::new(LOCK))).transpose()?;
    let restored = files::unpack(root, &package.files)?;
    if !to.json {
        told(&restored)?;
    }
    if restored.iter().any(|(_, restored)| *restored != Restored::Same) {
        restart(root)?;
    }
    // A connection of its own: the daemon may be another one by now.
    let mut client = to.ask(keep::LONG)?;
    keep::upload(&mut client, &file)?;
    let done = client.call(&Import { identity: Secret(identity), skip_enrolled: Some(skip_enrolled) })?;
    keep::imported(to, &done)?;
    if !package.pam.is_empty() && !to.json {
        let services = package.pam.join(", ");
        say::line(format!(
            "PAM asked for a face there ({services}); here, once `facelatch verify` works: `sudo pam-auth-update --enable \
             facelatch`, or edit the service's file as before"
        ))?;
    }
    Ok(Exit::Done)
}

fn unpacked(to: &Daemon, file: &[u8], identity: &str) -> Result<Package> {
    let mut client = to.ask(keep::LONG)?;
    keep::upload(&mut client, file)?;
    let unpack = Unpack { identity: Secret(identity.to_owned()) };
    let (bytes, _) = keep::receive(&mut client, &unpack, |reply| reply.data.as_ref())?;
    if bytes.is_empty() {
        return Ok(Package { version: String::new(), files: Vec::new(), pam: Vec::new() });
    }
    serde_json::from_slice(&bytes).context("what is attached to the backup was not made by this command")
}

fn told(restored: &[(String, Restored)]) -> Result<()> {
    restored.iter().try_for_each(|(path, restored)| match restored {
        Restored::New => say::line(format!("/{path} written")),
        Restored::Replaced(kept) => {
            say::line(format!("/{path} written; what it said until now is /{path}{kept}"))
        }
        Restored::Same => Ok(()),
    })
}

/// Makes the daemon read its files again, where systemd runs it.
fn restart(root: &Path) -> Result<()> {
    if root != Path::new("/") || !Path::new("/run/systemd/system").exists() {
        return say::line("note: a daemon that runs already reads the files above when it is started again");
    }
    for words in [
        &["daemon-reload"][..],
        &["restart", "facelatchd.socket", "facelatchd.service"],
        &["try-restart", "facelatch-door"],
    ] {
        let done = Command::new("systemctl").args(words).stdin(Stdio::null()).status();
        let done = done.context("systemctl cannot be started")?;
        // The door may not be installed here.
        if !done.success() && words != ["try-restart", "facelatch-door"] {
            bail!(
                "`systemctl {}` failed with the files above, each beside the one that it replaced; `journalctl -u facelatchd` \
                 says why",
                words.join(" ")
            );
        }
    }
    Ok(())
}

/// Files of PAM that ask for a face.
fn pam(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join(PAM)).into_iter().flatten().flatten();
    let asks = |path: &Path| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains("pam_facelatch.so"))
    };
    let asking = entries.filter(|entry| asks(&entry.path()));
    let mut names: Vec<String> =
        asking.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
