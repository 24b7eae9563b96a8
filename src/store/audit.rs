//! The audit log: what happened at the door. Tamper-evident: each line carries a tag over itself and the previous tag.
//!
//! Tags need a key of the store, so whoever edits the files without it breaks the chain. The last number and tag are in a
//! head file as well, which reveals a cut end. Not detected: files and head restored together from an earlier copy;
//! docs/store.md.
//!
//! A line: tag in hex, a space, one JSON object. Each file starts with a line that repeats the tag before it, and says how
//! many lines the series has dropped.
//!
//! There are two series of files, each with its own chain: attempts cannot push the changes of the store out of the log.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files::{Disk, Folder};
use super::seal::Key;
use super::vault::Vault;
use crate::clock::WallTime;

mod check;
mod head;
mod read;
mod series;

pub use check::{AuditReport, SeriesReport};
use series::Series;

const TAG_BYTES: usize = 32;

type Tag = [u8; TAG_BYTES];

/// How much is kept of each series.
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
    /// `verify`, `identify`, `explain`, `pin`, `door`, `unjudged`, `enroll`, `adapt`, `remove`, `reset`, `renew`, `export`, `import`, `start`, `begin`, `repair`.
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
    /// At which door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door: Option<String>,
    /// What happened there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// Further details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Number of lines before this one that could not be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// How many like it there were since the last of its kind was written, with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// In the first line of a file: the tag before it, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// In the first line of a file: when the series began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<WallTime>,
    /// In the first line of a file: how many lines the series no longer has, from its first one on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
}

/// Changes of the store and of who is enrolled: what must stay on record when attempts have filled the other series.
const CHANGES: &[&str] = &["enroll", "adapt", "remove", "reset", "renew", "export", "import", "rule"];

/// Whether lines of this kind are in the series of changes.
pub fn is_change(kind: &str) -> bool {
    CHANGES.contains(&kind)
}

/// The log of one store: two series of files.
pub struct Audit {
    /// Attempts and starts.
    attempts: Series,
    /// [`CHANGES`].
    changes: Series,
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
        Self::with_disks(&|| Box::new(disk.clone()), folder, &vault.audit_key(), limits, now, vault.is_new())
            .map_err(failed)
    }

    fn with_disks(
        disk: &dyn Fn() -> Box<dyn Disk>,
        folder: &Path,
        key: &Key,
        limits: Limits,
        now: WallTime,
        new: bool,
    ) -> std::io::Result<Self> {
        let open = |name, key| Series::open(disk(), (folder, name), key, limits, now, new);
        // A key of its own, so that no line passes for one of the other series.
        Ok(Self { attempts: open("audit", key.clone())?, changes: open("changes", key.derive("changes"))? })
    }

    /// Adds a line; it is on the disk when this returns. A line that cannot be written is counted in the next one: a broken
    /// log keeps nobody out.
    pub fn record(&self, entry: Entry) {
        let series = if is_change(&entry.kind) { &self.changes } else { &self.attempts };
        series.record(entry);
    }

    /// Why lines cannot be written at present, if they cannot.
    pub fn problem(&self) -> Option<String> {
        self.changes.problem().or_else(|| self.attempts.problem())
    }
}

/// Whether a file holds nothing but lines tagged with this key.
#[cfg(any(test, fuzzing))]
pub(super) fn passes(file: &[u8], key: &Key) -> bool {
    let read = check::end_of(file, &|before, text| key.mac(&[b"line", before, text.as_bytes()]));
    read.good && read.end.is_some()
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
