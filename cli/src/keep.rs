//! `facelatch export`, `import`, `renew` and `audit verify`.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use facelatch_wire::call::{CheckAudit, Export, Import, Imported, Renew, Secret, Upload};
use facelatch_wire::reply::AuditLog;
use facelatch_wire::{Client, Method};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use crate::exit::Exit;
use crate::say::{self, Daemon};

/// How long the daemon may take over everybody's templates.
pub(crate) const LONG: Duration = Duration::from_secs(300);

/// Bytes of a file in one call: in base64 they fit a message.
const PART_BYTES: usize = 45_000;

/// Longest export.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// A sealed file with templates.
pub(crate) fn export(
    to: &Daemon,
    path: &Path,
    recipient: Option<String>,
    user: Option<String>,
) -> Result<Exit> {
    must_be_new(path)?;
    let (bytes, end) = receive(&mut to.ask(LONG)?, &Export { recipient, user }, |reply| reply.data.as_ref())?;
    write(path, &bytes)?;
    if to.json {
        say::json(&end)?;
    } else {
        let templates = say::templates(end.templates.unwrap_or_default());
        let users = say::people(end.users.unwrap_or_default());
        say::line(format!("{templates} of {users} sealed in {}", path.display()))?;
    }
    Ok(Exit::Done)
}

/// Refuses the name of a file that exists, or has no folder to be in.
pub(crate) fn must_be_new(path: &Path) -> Result<()> {
    if path.exists() {
        bail!("{}: exists already; name another file or remove it", path.display());
    }
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        bail!("{}: there is no folder {}; make it, or name another file", path.display(), folder.display());
    }
    Ok(())
}

/// A file that comes in parts, and the reply that ends it; `part` is the part in a reply.
pub(crate) fn receive<M: Method>(
    client: &mut Client,
    call: &M,
    part: impl Fn(&M::Reply) -> Option<&String>,
) -> Result<(Vec<u8>, M::Reply)> {
    client.start(call, true)?;
    let mut bytes = Vec::new();
    loop {
        let received = client.receive::<M>()?;
        if let Some(part) = part(&received.reply) {
            bytes.extend(STANDARD_NO_PAD.decode(part).context("the daemon sent a part that is not base64")?);
        }
        if !received.continues {
            return Ok((bytes, received.reply));
        }
    }
}

/// A sealed file appears under its name only when it is complete, and never replaces another.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let failed = || format!("{}: cannot be written", path.display());
    // Never through a link that somebody put there.
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(part);
    let mut file = opened.map_err(|error| {
        let fix = match error.kind() {
            ErrorKind::AlreadyExists => "; remove it if it is left over from an interrupted export",
            _ => "",
        };
        anyhow::Error::new(error).context(format!("{}: cannot be made{fix}", part.display()))
    })?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let named = written.and_then(|()| name_new(part, path));
    if named.is_err() {
        // Best effort: it is sealed, and the next export names it if it is still there.
        let _ = std::fs::remove_file(part);
    }
    named.with_context(failed)
}

/// Renames unless something has the name by now.
fn name_new(part: &Path, path: &Path) -> std::io::Result<()> {
    match renameat2(AT_FDCWD, part, AT_FDCWD, path, RenameFlags::RENAME_NOREPLACE) {
        // Not every file system of a USB stick can promise that.
        Err(Errno::EINVAL) if !path.exists() => std::fs::rename(part, path),
        named => Ok(named?),
    }
}

/// A file of at most the length of an export.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let cannot = || format!("{}: cannot be read", path.display());
    let length = std::fs::metadata(path).with_context(cannot)?.len();
    if length > MAX_FILE_BYTES {
        bail!(
            "{}: {length} bytes is too long for an export; at most {MAX_FILE_BYTES} are read",
            path.display()
        );
    }
    std::fs::read(path).with_context(cannot)
}

/// What is in a sealed file, into the store.
pub(crate) fn import(to: &Daemon, path: &Path, identity: &Path, skip_enrolled: bool) -> Result<Exit> {
    let file = read(path)?;
    let identity = String::from_utf8(read(identity)?).context("the identity file is not text")?;
    let mut client = to.ask(LONG)?;
    upload(&mut client, &file)?;
    imported(to, &client.call(&Import { identity: Secret(identity), skip_enrolled: Some(skip_enrolled) })?)
}

/// Sends a file to the daemon, in parts.
pub(crate) fn upload(client: &mut Client, bytes: &[u8]) -> Result<()> {
    for part in bytes.chunks(PART_BYTES) {
        client.call(&Upload { data: STANDARD_NO_PAD.encode(part) })?;
    }
    Ok(())
}

/// Says what came in.
pub(crate) fn imported(to: &Daemon, done: &Imported) -> Result<Exit> {
    if to.json {
        say::json(done)?;
        return Ok(Exit::Done);
    }
    match done.added {
        0 if done.skipped.is_empty() => say::line("nothing was added: all of it is here already")?,
        0 => say::line("nothing was added")?,
        added => say::line(format!("{} of {} added", say::templates(added), done.users.join(", ")))?,
    }
    done.warnings.iter().flatten().try_for_each(|warning| say::line(format!("note: {warning}")))?;
    if !done.skipped.is_empty() {
        say::line(format!("left out, since they are enrolled already: {}", done.skipped.join(", ")))?;
    }
    Ok(Exit::Done)
}

/// New templates, or a new store key.
pub(crate) fn renew(to: &Daemon, store_key: bool) -> Result<Exit> {
    let done = to.ask(LONG)?.call(&Renew { store_key: Some(store_key), machine: None })?;
    if to.json {
        say::json(&done)?;
    } else if store_key {
        say::line(
            "everything is encrypted with a new store key; copies of the old one open nothing any more",
        )?;
    } else {
        say::line(format!(
            "{} reissued; what was there before is worth nothing now",
            say::templates(done.templates)
        ))?;
    }
    Ok(Exit::Done)
}

/// New keys for a card that was copied or moved to this machine. A store key that is a credential is the administrator's.
pub(crate) fn renew_machine(to: &Daemon) -> Result<Exit> {
    let own_key = to.ask(LONG)?.call(&Renew { store_key: Some(true), machine: None }).map(|_| ());
    let done = to.ask(LONG)?.call(&Renew { store_key: Some(false), machine: Some(true) })?;
    if to.json {
        say::json(&done)?;
        return Ok(Exit::Done);
    }
    say::line(format!("{} reissued; this machine's from now on", say::templates(done.templates)))?;
    match own_key {
        Ok(()) => {
            say::line("everything is encrypted with a new store key: keys of other copies open nothing here")?
        }
        Err(why) => {
            say::line(format!("note: the store key is as before ({why}); docs/store.md has the steps"))?
        }
    }
    Ok(Exit::Done)
}

/// What a series of the audit log still has, and how much it has dropped.
fn kept(log: &AuditLog) -> String {
    let lines = if log.entries == 1 { "line" } else { "lines" };
    let since = log.kept_since.map_or_else(String::new, |time| format!(" since {}", say::date(time)));
    let mut text = format!("{}: {} {lines}{since}", log.name, log.entries);
    if log.dropped > 0 {
        let first = log.since.map_or_else(String::new, |time| format!(", the first of {}", say::date(time)));
        text += &format!("; {} earlier ones{first}, made room for them", log.dropped);
    }
    text
}

/// Ends with 1 if the log was changed.
pub(crate) fn audit(to: &Daemon) -> Result<Exit> {
    let report = to.ask(LONG)?.call(&CheckAudit {})?;
    if to.json {
        say::json(&report)?;
    } else {
        report.problems.iter().try_for_each(say::line)?;
        report.logs.iter().map(kept).try_for_each(say::line)?;
        let verdict = if report.problems.is_empty() { "all as they were written" } else { "not all is well" };
        say::line(format!("{} lines in {} files: {verdict}", report.entries, report.files))?;
    }
    Ok(if report.problems.is_empty() { Exit::Done } else { Exit::NoMatch })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_says_what_it_dropped() {
        let log = AuditLog { name: "audit.log".into(), entries: 7, files: 2, ..AuditLog::default() };
        assert_eq!(kept(&log), "audit.log: 7 lines");
        let since = (Some(0), Some(86_400));
        let log = AuditLog { dropped: 12, since: since.0, kept_since: since.1, ..log };
        assert_eq!(
            kept(&log),
            "audit.log: 7 lines since 1970-01-02T00:00:00Z; 12 earlier ones, the first of 1970-01-01T00:00:00Z, made \
             room for them"
        );
    }
}
