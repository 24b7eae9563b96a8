//! The change log: the authoritative copy of the store. Each change is appended, tagged over the one before, and counts
//! once it is synced.
//!
//! Everything else that holds records (the entries in memory, the table) follows this file and can be rebuilt from it.
//! When the changes outgrow the snapshot that the file starts with, the log is compacted: a new file starts with a
//! snapshot of the present state, and the old file is kept as the previous one. Records are read from here when they are
//! needed (`index`), so each value's offset is told when it is written or replayed.
//!
//! File: magic, device, the tag to continue from; then frames. Frame: length of the body (u32), body, tag over the
//! previous tag and the body. Body: kind, manifest after it, then pairs of a key and, unless removed, a value.

use std::cell::Cell;
use std::io;
use std::sync::Arc;

use super::files::{Disk, Reader};
use super::manifest::{Change, Manifest};
use super::seal::Key;

mod replay;

pub(super) use replay::{Replay, Visit, last_after, replay};

/// The present log and the previous one. Their names, the magic and the key's label "backup" (`manifest`) date from when
/// the log was a backup of the table.
pub(super) const FILES: [&str; 2] = ["templates.bak", "templates.bak.1"];

/// A copy of the latest log that was damaged and held more than could be read. Whoever looks into it removes it.
pub(super) const DAMAGED: &str = "templates.bak.damaged";

const NEW: &str = "templates.bak.new";

const MAGIC: &[u8; 8] = b"FLBACK\0\x02";

const TAG_BYTES: usize = 32;

/// Of the length of a frame.
const LENGTH_BYTES: usize = 4;

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
    /// It is compacted once it is longer.
    compact_above: Cell<u64>,
    tag: Tag,
    /// The file may hold something after `length` that could not be cut off.
    has_tail: bool,
    /// The file's name may not be on the disk yet.
    unnamed: bool,
    /// The present file.
    file: Box<dyn Reader>,
}

/// A file that was written, to take the place of the present log.
pub(super) struct Fresh {
    file: Box<dyn Reader>,
    length: u64,
    tag: Tag,
    /// Offset of each value.
    at: Vec<u64>,
}

/// A pair of a snapshot.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

impl Log {
    /// A first log, or one that replaces damaged files; and the offset of each value.
    pub(super) fn create(
        disk: Arc<dyn Disk>,
        key: Key,
        device: [u8; 16],
        manifest: &Manifest,
        pairs: impl Iterator<Item = io::Result<Pair>>,
    ) -> io::Result<(Self, Vec<u64>)> {
        let mut log = Self {
            disk,
            key,
            device,
            length: 0,
            snapshot_length: 0,
            compact_above: Cell::default(),
            tag: [0; TAG_BYTES],
            has_tail: false,
            unnamed: true,
            file: Box::new(&[] as &[u8]),
        };
        let fresh = log.write_new(manifest, pairs)?;
        let (at, replaces) = log.switch_to(fresh)?;
        log.keep_previous(replaces)?;
        Ok((log, at))
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
        let file = disk.reader(FILES[0])?.ok_or(io::ErrorKind::NotFound)?;
        let (has_tail, unnamed, compact_above) =
            (false, false, Cell::new(snapshot_length + grows_by(snapshot_length)));
        Ok(Self { disk, key, device, length, snapshot_length, compact_above, tag, has_tail, unnamed, file })
    }

    /// The file, to read values from.
    pub(super) fn file(&self) -> &dyn Reader {
        &*self.file
    }

    /// Appends a change; it is on the disk when this returns. Gives the offset of each value. After an error the file is as
    /// before.
    pub(super) fn append(&mut self, manifest: &Manifest, change: &Change) -> io::Result<Vec<u64>> {
        self.cut_tail()?;
        let pairs = change.iter().map(|(key, value)| (&key[..], value.as_deref()));
        let mut at = Vec::with_capacity(change.len());
        let (bytes, tag) = self.encode_frame(CHANGE, manifest, pairs, (&self.tag, self.length), &mut at);
        let name = FILES[0];
        if self.unnamed {
            self.disk.sync_names()?;
            self.unnamed = false;
        }
        match self.disk.write(name, self.length, &bytes).and_then(|()| self.disk.sync(name)) {
            Ok(()) => {
                self.length += bytes.len() as u64;
                self.tag = tag;
                Ok(at)
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

    /// Whether the changes have outgrown the snapshot, or it is to be compacted soon.
    pub(super) fn needs_compaction(&self) -> bool {
        self.length > self.compact_above.get()
    }

    /// From now on it needs compaction.
    pub(super) fn compact_soon(&self) {
        self.compact_above.set(0);
    }

    /// It could not be compacted: not before as many changes again, since each try writes the whole snapshot.
    pub(super) fn put_off_compaction(&self) {
        self.compact_above.set(self.length + grows_by(self.snapshot_length));
    }

    /// Writes a file that starts with this state. [`Log::switch_to`] takes it.
    pub(super) fn write_new(
        &self,
        manifest: &Manifest,
        pairs: impl Iterator<Item = io::Result<Pair>>,
    ) -> io::Result<Fresh> {
        self.try_write_new(manifest, pairs).inspect_err(|_| {
            // Half of it must not take the last room there is. If this fails too, the next compaction does it.
            let _ = self.disk.remove(NEW);
        })
    }

    fn try_write_new(
        &self,
        manifest: &Manifest,
        mut pairs: impl Iterator<Item = io::Result<Pair>>,
    ) -> io::Result<Fresh> {
        self.disk.remove(NEW)?;
        let (mut tag, mut length, mut at) = (self.tag, 0, Vec::new());
        let header = [&MAGIC[..], &self.device, &tag].concat();
        self.disk.write(NEW, length, &header)?;
        length += header.len() as u64;
        loop {
            let part: Vec<Pair> = pairs.by_ref().take(PAIRS_PER_FRAME).collect::<io::Result<_>>()?;
            let kind = if part.is_empty() { SNAPSHOT_END } else { SNAPSHOT_PART };
            let pairs = part.iter().map(|(key, value)| (&key[..], Some(&value[..])));
            let (bytes, next) = self.encode_frame(kind, manifest, pairs, (&tag, length), &mut at);
            self.disk.write(NEW, length, &bytes)?;
            (length, tag) = (length + bytes.len() as u64, next);
            if kind == SNAPSHOT_END {
                break;
            }
        }
        self.disk.sync(NEW)?;
        let file = self.disk.reader(NEW)?.ok_or(io::ErrorKind::NotFound)?;
        Ok(Fresh { file, length, tag, at })
    }

    /// From now on changes go to this file, and values are at these offsets, in the order they were given in. Also says whether it replaces
    /// one: then [`Log::keep_previous`] gives that its name.
    pub(super) fn switch_to(&mut self, fresh: Fresh) -> io::Result<(Vec<u64>, bool)> {
        let Fresh { file, length, tag, at } = fresh;
        let replaces = self.disk.length(FILES[0])?.is_some();
        if replaces {
            self.disk.swap(NEW, FILES[0])?
        } else {
            self.disk.rename(NEW, FILES[0])?
        }
        (self.file, self.length, self.snapshot_length, self.tag) = (file, length, length, tag);
        (self.has_tail, self.unnamed) = (false, true);
        self.compact_above.set(length + grows_by(length));
        Ok((at, replaces))
    }

    /// The log that was replaced becomes the previous one.
    pub(super) fn keep_previous(&mut self, replaces: bool) -> io::Result<()> {
        if replaces {
            self.disk.rename(NEW, FILES[1])?;
        }
        self.disk.sync_names()?;
        self.unnamed = false;
        Ok(())
    }

    /// A frame that follows one with this tag and starts at this offset, and its tag. Adds the offset of each value to `at`.
    fn encode_frame<'a>(
        &self,
        kind: u8,
        manifest: &Manifest,
        pairs: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
        (previous, start): (&Tag, u64),
        at: &mut Vec<u64>,
    ) -> (Vec<u8>, Tag) {
        let mut frame = vec![0; LENGTH_BYTES];
        frame.push(kind);
        frame.extend(manifest.encode());
        for (key, value) in pairs {
            put(&mut frame, Some(key));
            put(&mut frame, value);
            at.push(start + (frame.len() - value.map_or(0, <[u8]>::len)) as u64);
        }
        let length = (frame.len() - LENGTH_BYTES) as u32;
        frame[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
        let tag = self.key.mac(&[b"frame", previous, &frame[LENGTH_BYTES..]]);
        frame.extend_from_slice(&tag);
        (frame, tag)
    }
}

/// How many bytes of changes a log takes before it is compacted.
fn grows_by(snapshot_length: u64) -> u64 {
    snapshot_length.max(MIN_CHANGE_BYTES)
}

/// Length plus one, then the bytes; 0 for nothing.
pub(super) fn put(body: &mut Vec<u8>, bytes: Option<&[u8]>) {
    body.extend_from_slice(&bytes.map_or(0, |bytes| bytes.len() as u32 + 1).to_le_bytes());
    body.extend_from_slice(bytes.unwrap_or(&[]));
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

#[cfg(test)]
mod tests;
