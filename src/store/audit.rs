//! The audit log: what happened at the door. Tamper-evident: each line carries a tag over itself and the previous tag.
//!
//! Tags need a key of the store, so whoever edits the files without it breaks the chain. The last number and tag are in a
//! head file as well, which reveals a cut end. Not detected: files and head restored together from an earlier copy;
//! docs/store.md.
//!
//! A line: tag in hex, a space, one JSON object. Each file starts with a line that repeats the tag before it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::files::{Disk, Folder};
use super::seal::Key;
use super::vault::Vault;
use crate::clock::WallTime;

mod check;
mod head;

pub use check::AuditReport;
use head::AuditHead;

/// The current file; older ones end in `.1`, `.2` and so on.
const LOG: &str = "audit.log";

const TAG_BYTES: usize = 32;

type Tag = [u8; TAG_BYTES];

/// How much of the log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size in bytes at which a new file is started.
    pub file_bytes: u64,
    /// Number of files kept, with the current one; at least 2.
    pub files: usize,
}

/// An event. No score, no picture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Number of the line, counted from 1.
    pub n: u64,
    /// Wall-clock time, in seconds since 1970-01-01 UTC.
    pub time: WallTime,
    /// `verify`, `identify`, `unjudged`, `enroll`, `remove`, `reset`, `renew`, `export`, `import`, `start`, `begin`, `repair`.
    pub kind: String,
    /// Whose face or templates it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// User id of the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<u32>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// What became of the latch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latch: Option<String>,
    /// Further details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Number of lines before this one that could not be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// In the first line of a file: the tag before it, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The log of one store.
pub struct Audit {
    disk: Box<dyn Disk>,
    folder: PathBuf,
    key: Key,
    limits: Limits,
    state: Mutex<AuditState>,
}

struct AuditState {
    head: AuditHead,
    /// Good bytes of the current file.
    length: u64,
    lost: u64,
    problem: Option<String>,
}

impl Audit {
    /// Opens the log in a folder, created with mode 0700 if it is missing, with a key of this store.
    ///
    /// # Errors
    /// Text that names the folder and the fix.
    pub fn open(folder: &Path, vault: &Vault, limits: Limits, now: WallTime) -> Result<Self, String> {
        let failed =
            |e: std::io::Error| format!("audit log {}: {e}; check the folder and the disk", folder.display());
        let disk = Folder::new(folder).map_err(failed)?;
        Self::with_disk(Box::new(disk), folder, vault.audit_key(), limits, now, vault.is_new())
            .map_err(failed)
    }

    fn with_disk(
        disk: Box<dyn Disk>,
        folder: &Path,
        key: Key,
        limits: Limits,
        now: WallTime,
        new: bool,
    ) -> std::io::Result<Self> {
        let state = AuditState { head: AuditHead::default(), length: 0, lost: 0, problem: None };
        let audit = Self { disk, folder: folder.into(), key, limits, state: Mutex::new(state) };
        audit.find_the_end(now, new)?;
        Ok(audit)
    }

    /// Adds a line; it is on the disk when this returns. A line that cannot be written is counted in the next one: a broken
    /// log keeps nobody out.
    pub fn record(&self, entry: Entry) {
        let mut state = self.state();
        let (time, mut entry) = (entry.time, entry);
        entry.lost = (state.lost > 0).then_some(state.lost);
        // If the disk was full at a rotation, there is no current file.
        let begun = if state.length == 0 { self.begin(&mut state, time) } else { Ok(()) };
        let written = match begun {
            Err(error) if state.length == 0 => Err(error),
            _ => self.append(&mut state, entry),
        };
        if let Err(error) = written {
            state.lost += 1;
            state.problem = Some(format!("audit log: {} lines could not be written ({error})", state.lost));
            tracing::error!("audit log {}: a line could not be written ({error})", self.folder.display());
            return;
        }
        (state.lost, state.problem) = (0, None);
        if state.length > self.limits.file_bytes
            && let Err(error) = self.rotate(&mut state, time)
        {
            tracing::warn!("audit log {}: cannot start a new file ({error})", self.folder.display());
        }
    }

    /// Why lines cannot be written at present, if they cannot.
    pub fn problem(&self) -> Option<String> {
        self.state().problem.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, AuditState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, state: &mut AuditState, entry: Entry) -> std::io::Result<()> {
        self.write(state, entry)?;
        // Not synced: a head that is behind proves less but claims nothing wrong. The line is on the disk.
        if let Err(error) = state.head.write(&*self.disk, &self.key) {
            tracing::warn!("audit log {}: the head could not be written ({error})", self.folder.display());
        }
        Ok(())
    }

    fn write(&self, state: &mut AuditState, mut entry: Entry) -> std::io::Result<()> {
        entry.n = state.head.last + 1;
        let text = serde_json::to_string(&entry)?;
        let tag = self.tag(&state.head.tag, &text);
        let line = format!("{} {text}\n", hex(&tag));
        let written = self.disk.write(LOG, state.length, line.as_bytes()).and_then(|()| self.disk.sync(LOG));
        if let Err(error) = written {
            // If this fails too, the next start cuts off half a line.
            let _ = self.disk.truncate(LOG, state.length);
            return Err(error);
        }
        state.length += line.len() as u64;
        (state.head.last, state.head.tag) = (entry.n, tag);
        Ok(())
    }

    /// Starts a new file. Older ones are renamed, the oldest is removed.
    fn rotate(&self, state: &mut AuditState, now: WallTime) -> std::io::Result<()> {
        let files = self.limits.files.max(2);
        // Up to the first gap: a rotation that failed half-way may have left one.
        let mut last = 1;
        while last < files - 1 && self.disk.length(&name(last))?.is_some() {
            last += 1;
        }
        if self.disk.length(&name(last))?.is_some()
            && let Some(first) = self.first_of(&name(last - 1))?
        {
            // The head names the new start before the file goes: lines may then be left over, but none is missed.
            state.head.first = first;
            state.head.settle(&*self.disk, &self.key)?;
        }
        self.disk.remove(&name(last))?;
        for which in (0..last).rev() {
            if self.disk.length(&name(which))?.is_some() {
                self.disk.rename(&name(which), &name(which + 1))?;
            }
        }
        state.length = 0;
        self.disk.sync_names()?;
        self.begin(state, now)
    }

    /// Creates the current file with its first line.
    fn begin(&self, state: &mut AuditState, now: WallTime) -> std::io::Result<()> {
        state.length = 0;
        let after = Some(hex(&state.head.tag));
        let first = self.first_number()?.unwrap_or(state.head.last + 1);
        self.write(state, Entry { time: now, kind: "begin".to_owned(), after, ..Entry::default() })?;
        state.head.first = first;
        // The file's name is on the disk before the head names its line.
        self.disk.sync_names()?;
        state.head.settle(&*self.disk, &self.key)?;
        self.disk.sync_names()
    }

    /// Number of the oldest line.
    fn first_number(&self) -> std::io::Result<Option<u64>> {
        for which in (0..self.limits.files.max(2)).rev() {
            if self.disk.length(&name(which))?.is_some() {
                return self.first_of(&name(which));
            }
        }
        Ok(None)
    }

    /// Number of the first line of a file.
    fn first_of(&self, name: &str) -> std::io::Result<Option<u64>> {
        let file = self.disk.read(name)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&file);
        Ok(text.lines().next().and_then(|line| parse(line)).map(|(_, entry, _)| entry.n))
    }

    /// Finds the end to continue from. A missing end, or a line that a crash cut short, is recorded; so is a missing log,
    /// unless the store is new.
    fn find_the_end(&self, now: WallTime, new: bool) -> std::io::Result<()> {
        let mut state = self.state();
        let head = AuditHead::read(&*self.disk, &self.key)?;
        let (mut whole, mut repair) = (None, None);
        // After a rotation that was cut short, the newest whole line is in the second file.
        for which in 0..2 {
            let Some(file) = self.disk.read(&name(which))? else { continue };
            let read = check::end_of(&file, &|before, text| self.tag(before, text));
            if which == 0 && read.torn {
                self.disk.truncate(LOG, read.length)?;
                repair = Some("the last line was cut short and was removed");
            }
            if let Some(end) = read.end {
                state.length = read.length;
                whole = Some((end, which, read.good));
                break;
            }
        }
        match (whole, head) {
            (None, None) => {
                self.begin(&mut state, now)?;
                repair = (!new).then_some("the whole log was missing");
            }
            (Some(((last, tag), which, good)), head) => {
                let known = head.clone().unwrap_or_default();
                let cut = head.is_some() && (known.last > last || (known.last == last && known.tag != tag));
                if cut || !good {
                    state.head = if known.last > last { known } else { AuditHead { last, tag, ..known } };
                    repair = Some("lines are missing or were changed before this one");
                    self.rotate(&mut state, now)?;
                } else {
                    state.head = AuditHead { last, tag, first: known.first };
                    // The power may go between the very first line and the head.
                    if head.is_none() && last == 1 {
                        state.head.first = 1;
                        state.head.settle(&*self.disk, &self.key)?;
                    } else if head.is_none() {
                        repair = Some("the head file was missing");
                        state.head.first = self.first_number()?.unwrap_or(last);
                    }
                    if which == 1 {
                        self.begin(&mut state, now)?;
                    }
                }
            }
            (None, Some(head)) => {
                state.head = head;
                repair = Some("lines are missing or were changed before this one");
                self.rotate(&mut state, now)?;
            }
        }
        if let Some(what) = repair {
            tracing::warn!("audit log {}: {what}", self.folder.display());
            let note = Some(what.to_owned());
            self.append(
                &mut state,
                Entry { time: now, kind: "repair".to_owned(), note, ..Entry::default() },
            )?;
        }
        Ok(())
    }

    fn tag(&self, before: &Tag, text: &str) -> Tag {
        self.key.mac(&[b"line", before, text.as_bytes()])
    }
}

/// Whether a file holds nothing but lines tagged with this key.
#[cfg(any(test, fuzzing))]
pub(super) fn passes(file: &[u8], key: &Key) -> bool {
    let read = check::end_of(file, &|before, text| key.mac(&[b"line", before, text.as_bytes()]));
    read.good && read.end.is_some()
}

fn name(which: usize) -> String {
    if which == 0 { LOG.to_owned() } else { format!("{LOG}.{which}") }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Tag> {
    let mut tag = [0; TAG_BYTES];
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 2 * TAG_BYTES || !text.bytes().all(lower) {
        return None;
    }
    for (byte, at) in tag.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(tag)
}

/// Tag, entry and the text that the tag is over.
fn parse(line: &str) -> Option<(Tag, Entry, &str)> {
    let (tag, text) = line.split_once(' ')?;
    Some((unhex(tag)?, serde_json::from_str(text).ok()?, text))
}

#[cfg(test)]
mod tests;
