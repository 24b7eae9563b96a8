//! The change log: the authoritative copy of the store. Each change is appended, tagged over the one before, and counts
//! once it is synced.
//!
//! Everything else that holds records (the entries in memory, the table) follows this file and can be rebuilt from it.
//! When the changes outgrow the snapshot that the file starts with, the log is compacted: a new file starts with a
//! snapshot of the present state, and the old file is kept as the previous one.
//!
//! File: magic, device, the tag to continue from; then frames. Frame: length of the body (u32), body, tag over the
//! previous tag and the body. Body: kind, manifest after it, then pairs of a key and, unless removed, a value.

use std::io;
use std::sync::Arc;

use super::files::Disk;
use super::manifest::{Change, Entries, Manifest, apply};
use super::seal::Key;

/// The present log and the previous one. Their names, the magic and the key's label "backup" (`manifest`) date from when
/// the log was a backup of the table.
pub(super) const FILES: [&str; 2] = ["templates.bak", "templates.bak.1"];

/// A copy of the latest log that was damaged and held more than could be read. Whoever looks into it removes it.
pub(super) const DAMAGED: &str = "templates.bak.damaged";

const NEW: &str = "templates.bak.new";

const MAGIC: &[u8; 8] = b"FLBACK\0\x02";

const TAG_BYTES: usize = 32;

const HEADER_BYTES: usize = MAGIC.len() + 16 + TAG_BYTES;

/// Most pairs in one frame of a snapshot.
const PAIRS_PER_FRAME: usize = 256;

/// A log with fewer bytes of changes is not compacted.
const MIN_CHANGE_BYTES: u64 = 64 << 10;

/// Kinds of frames.
const SNAPSHOT_PART: u8 = 0;
const SNAPSHOT_END: u8 = 1;
const CHANGE: u8 = 2;

type Tag = [u8; TAG_BYTES];

/// The log, open for appending.
pub(super) struct Log {
    disk: Arc<dyn Disk>,
    key: Key,
    device: [u8; 16],
    /// Good bytes, and how many of them are the snapshot.
    length: u64,
    snapshot_length: u64,
    tag: Tag,
    /// The file may hold something after `length` that could not be cut off.
    has_tail: bool,
    /// The file's name may not be on the disk yet.
    unnamed: bool,
}

/// What reading a log gave.
pub(super) struct Replay {
    /// The state after the last whole frame.
    pub(super) manifest: Manifest,
    /// The file holds whole frames and nothing else.
    pub(super) clean: bool,
    length: u64,
    snapshot_length: u64,
    tag: Tag,
}

impl Log {
    /// A first log, or one that replaces damaged files.
    pub(super) fn create(
        disk: Arc<dyn Disk>,
        key: Key,
        device: [u8; 16],
        (manifest, entries): (&Manifest, &Entries),
    ) -> io::Result<Self> {
        let mut log = Self {
            disk,
            key,
            device,
            length: 0,
            snapshot_length: 0,
            tag: [0; TAG_BYTES],
            has_tail: false,
            unnamed: true,
        };
        log.compact(manifest, entries)?;
        Ok(log)
    }

    /// Continues the present log; what follows its last whole frame is cut off.
    pub(super) fn resume(
        disk: Arc<dyn Disk>,
        key: Key,
        device: [u8; 16],
        replay: &Replay,
    ) -> io::Result<Self> {
        if !replay.clean {
            disk.truncate(FILES[0], replay.length)?;
            disk.sync(FILES[0])?;
        }
        let Replay { length, snapshot_length, tag, .. } = *replay;
        Ok(Self { disk, key, device, length, snapshot_length, tag, has_tail: false, unnamed: false })
    }

    /// Appends a change; it is on the disk when this returns. After an error the file is as before.
    pub(super) fn append(&mut self, manifest: &Manifest, change: &Change) -> io::Result<()> {
        self.cut_tail()?;
        let (bytes, tag) =
            self.encode_frame(CHANGE, manifest, change.iter().map(|(k, v)| (k, v.as_ref())), &self.tag);
        let name = FILES[0];
        if self.unnamed {
            self.disk.sync_names()?;
            self.unnamed = false;
        }
        match self.disk.write(name, self.length, &bytes).and_then(|()| self.disk.sync(name)) {
            Ok(()) => {
                self.length += bytes.len() as u64;
                self.tag = tag;
                Ok(())
            }
            Err(error) => {
                self.has_tail = true;
                // If this fails too, the next change or the next start does it.
                let _ = self.cut_tail();
                Err(error)
            }
        }
    }

    /// Removes what a change that failed may have left at the end.
    pub(super) fn cut_tail(&mut self) -> io::Result<()> {
        if !self.has_tail {
            return Ok(());
        }
        self.disk.truncate(FILES[0], self.length)?;
        self.disk.sync(FILES[0])?;
        self.has_tail = false;
        Ok(())
    }

    /// Whether the changes have outgrown the snapshot.
    pub(super) fn needs_compaction(&self) -> bool {
        self.length - self.snapshot_length > self.snapshot_length.max(MIN_CHANGE_BYTES)
    }

    /// Starts a new file with this state; the present one becomes the previous one.
    pub(super) fn compact(&mut self, manifest: &Manifest, entries: &Entries) -> io::Result<()> {
        let (length, tag) = self.write_new(manifest, entries).inspect_err(|_| {
            // Half of it must not take the last room there is. If this fails too, the next compaction does it.
            let _ = self.disk.remove(NEW);
        })?;
        let [present, previous] = FILES;
        let replaces = self.disk.length(present)?.is_some();
        if replaces {
            self.disk.swap(NEW, present)?
        } else {
            self.disk.rename(NEW, present)?
        }
        // From here on changes go to the new file, whatever happens to the old one.
        (self.length, self.snapshot_length, self.tag) = (length, length, tag);
        (self.has_tail, self.unnamed) = (false, true);
        if replaces {
            self.disk.rename(NEW, previous)?;
        }
        self.disk.sync_names()?;
        self.unnamed = false;
        Ok(())
    }

    /// A file that starts with this state; gives its length and the tag to continue from.
    fn write_new(&self, manifest: &Manifest, entries: &Entries) -> io::Result<(u64, Tag)> {
        self.disk.remove(NEW)?;
        let mut tag = self.tag;
        let mut length = 0;
        let header = [&MAGIC[..], &self.device, &tag].concat();
        self.disk.write(NEW, length, &header)?;
        length += header.len() as u64;
        let pairs: Vec<_> = entries.iter().map(|(key, value)| (key, Some(value))).collect();
        for part in pairs.chunks(PAIRS_PER_FRAME) {
            let (bytes, next) = self.encode_frame(SNAPSHOT_PART, manifest, part.iter().copied(), &tag);
            self.disk.write(NEW, length, &bytes)?;
            (length, tag) = (length + bytes.len() as u64, next);
        }
        let (bytes, tag) = self.encode_frame(SNAPSHOT_END, manifest, [].into_iter(), &tag);
        self.disk.write(NEW, length, &bytes)?;
        length += bytes.len() as u64;
        self.disk.sync(NEW)?;
        Ok((length, tag))
    }

    /// A frame and its tag.
    fn encode_frame<'a>(
        &self,
        kind: u8,
        manifest: &Manifest,
        pairs: impl Iterator<Item = (&'a Vec<u8>, Option<&'a Vec<u8>>)>,
        previous: &Tag,
    ) -> (Vec<u8>, Tag) {
        let mut body = vec![kind];
        body.extend(manifest.encode());
        for (key, value) in pairs {
            put(&mut body, Some(key));
            put(&mut body, value);
        }
        let tag = self.key.mac(&[b"frame", previous, &body]);
        ([&(body.len() as u32).to_le_bytes()[..], &body, &tag].concat(), tag)
    }
}

/// Length plus one, then the bytes; 0 for nothing.
pub(super) fn put(body: &mut Vec<u8>, bytes: Option<&Vec<u8>>) {
    body.extend_from_slice(&bytes.map_or(0, |bytes| bytes.len() as u32 + 1).to_le_bytes());
    body.extend_from_slice(bytes.map_or(&[], Vec::as_slice));
}

/// What [`put`] wrote, and what follows it.
pub(super) fn take(body: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, rest) = body.split_first_chunk::<4>()?;
    match (u32::from_le_bytes(*length) as usize).checked_sub(1) {
        None => Some((None, rest)),
        Some(length) => rest.split_at_checked(length).map(|(bytes, rest)| (Some(bytes), rest)),
    }
}

/// A file with a header in front of these frames.
#[cfg(any(test, fuzzing))]
pub(super) fn with_header(device: &[u8; 16], frames: &[u8]) -> Vec<u8> {
    [&MAGIC[..], device, &[0; TAG_BYTES], frames].concat()
}

/// Reads a log as far as it is whole, and puts its entries into `entries` if they are wanted. `None` if not even its
/// snapshot is whole.
pub(super) fn replay(
    file: &[u8],
    key: &Key,
    device: &[u8; 16],
    mut entries: Option<&mut Entries>,
) -> Option<Replay> {
    let header = file.get(..HEADER_BYTES)?;
    let start = header.strip_prefix(MAGIC)?.strip_prefix(device)?;
    let mut tag: Tag = start.try_into().ok()?;
    let mut rest = &file[HEADER_BYTES..];
    let mut found: Option<Replay> = None;
    while let Some((body, next, after)) = decode_frame(rest, key, &tag) {
        let (&kind, fields) = body.split_first()?;
        let (manifest, mut pairs) = Manifest::decode(fields)?;
        if kind > CHANGE || (kind == CHANGE) != found.is_some() {
            break;
        }
        let mut change = Change::new();
        while let (Some(_), Some((Some(key), more))) = (&entries, take(pairs)) {
            let (value, more) = take(more)?;
            change.push((key.to_vec(), value.map(<[u8]>::to_vec)));
            pairs = more;
        }
        if let Some(entries) = &mut entries {
            apply(entries, change);
        }
        (tag, rest) = (next, after);
        let length = (file.len() - rest.len()) as u64;
        match kind {
            SNAPSHOT_PART => {}
            SNAPSHOT_END => {
                found = Some(Replay { manifest, clean: false, length, snapshot_length: length, tag })
            }
            _ => {
                if let Some(found) = &mut found {
                    (found.manifest, found.length, found.tag) = (manifest, length, tag);
                }
            }
        }
    }
    let clean = rest.is_empty();
    found.map(|found| Replay { clean, ..found })
}

/// Number of the last change in whole frames after the good part of a damaged file: it was acknowledged. A crash leaves
/// none, since each frame is on the disk before the next one is written.
pub(super) fn last_after(file: &[u8], key: &Key, good: Option<&Replay>) -> Option<u64> {
    let bytes = file.get(good.map_or(0, |good| good.length as usize)..)?;
    // If only a tag is damaged, the next frame continues from what it should be.
    let after_tag = good.and_then(|good| {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        changes(rest.get(TAG_BYTES..)?, key, key.mac(&[b"frame", &good.tag, body]))
    });
    let mut last = after_tag.map(|(revision, _)| revision);
    // Otherwise it continues from the bytes before it, wherever it starts.
    let mut at = TAG_BYTES;
    while at < bytes.len() {
        let (before, rest) = bytes.split_at(at);
        let tag = before.last_chunk().filter(|_| may_start(rest));
        let found = tag.and_then(|tag| changes(rest, key, *tag));
        at += found.map_or(1, |(_, length)| length);
        last = last.max(found.map(|(revision, _)| revision));
    }
    last
}

/// Whether a frame may start here. Almost nowhere else passes, so few tags have to be computed.
fn may_start(bytes: &[u8]) -> bool {
    let starts = bytes.split_first_chunk::<4>().and_then(|(length, rest)| {
        let body = rest.get(..u32::from_le_bytes(*length) as usize)?;
        let (&kind, fields) = body.split_first()?;
        // Entries are counted in 64 bits but fit 32, which random bytes do not.
        let manifest = (kind == SNAPSHOT_END || kind == CHANGE).then(|| Manifest::decode(fields))?;
        manifest.map(|(manifest, _)| manifest.count >> 32 == 0)
    });
    starts.unwrap_or(false)
}

/// Number of the last change in the whole frames at the start of `bytes`, and their length.
fn changes(bytes: &[u8], key: &Key, mut tag: Tag) -> Option<(u64, usize)> {
    let (mut rest, mut last) = (bytes, None);
    while let Some((body, next, after)) = decode_frame(rest, key, &tag) {
        let (manifest, _) = Manifest::decode(body.get(1..)?)?;
        (tag, rest) = (next, after);
        last = Some((manifest.revision, bytes.len() - rest.len()));
    }
    last
}

/// The body of the first frame, its tag, and what follows; `None` if it is not whole.
fn decode_frame<'a>(bytes: &'a [u8], key: &Key, previous: &Tag) -> Option<(&'a [u8], Tag, &'a [u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let (tag, rest) = rest.split_first_chunk::<TAG_BYTES>()?;
    key.verifies(&[b"frame", previous, body], tag).then_some((body, *tag, rest))
}

#[cfg(test)]
mod tests;
