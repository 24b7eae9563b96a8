//! The second copy of everything: a file to which each change is appended, and its generation before.
//!
//! A change goes here first and counts from the moment it is on the disk; the table follows. So this file is never
//! behind, and a table that was damaged, or missed a change, is made again from it. When the changes
//! outgrow what they began from, the file is written anew and the old one kept as the generation before.
//!
//! File: magic, device, the tag it goes on from; then frames. Frame: length of the body (u32), body, tag over the
//! tag before and the body. Body: kind, manifest after it, then pairs: key and, unless removed, value.

use std::io;
use std::sync::Arc;

use super::files::Disk;
use super::manifest::{Change, Entries, Manifest, apply};
use super::seal::Key;

/// The present generation and the one before.
pub(super) const GENERATIONS: [&str; 2] = ["templates.bak", "templates.bak.1"];

const NEW: &str = "templates.bak.new";

const MAGIC: &[u8; 8] = b"FLBACK\0\x02";

const TAG_BYTES: usize = 32;

const HEADER_BYTES: usize = MAGIC.len() + 16 + TAG_BYTES;

/// Pairs in one frame of what a generation begins with.
const PAIRS_IN_A_FRAME: usize = 256;

/// Below so many bytes of changes a generation is not worth ending.
const LEAST_CHANGES_BYTES: u64 = 64 << 10;

/// Kinds of frames: part of the beginning, its end, a change.
const PART: u8 = 0;
const BEGUN: u8 = 1;
const CHANGED: u8 = 2;

type Tag = [u8; TAG_BYTES];

/// The file that is appended to.
pub(super) struct Backup {
    disk: Arc<dyn Disk>,
    key: Key,
    device: [u8; 16],
    /// Good bytes, and how many of them the generation began with.
    length: u64,
    begun: u64,
    tag: Tag,
    /// The file may hold something behind `length` that could not be cut off.
    unsure: bool,
    /// The name of the file may not be on the disk yet.
    unnamed: bool,
}

/// What a generation holds.
pub(super) struct Generation {
    /// The state after the last whole frame.
    pub(super) manifest: Manifest,
    /// Nothing but whole frames.
    pub(super) clean: bool,
    length: u64,
    begun: u64,
    tag: Tag,
}

impl Backup {
    /// A first generation, or one in the place of damaged files.
    pub(super) fn create(
        disk: Arc<dyn Disk>,
        key: Key,
        device: [u8; 16],
        (manifest, entries): (&Manifest, &Entries),
    ) -> io::Result<Self> {
        let mut backup = Self {
            disk,
            key,
            device,
            length: 0,
            begun: 0,
            tag: [0; TAG_BYTES],
            unsure: false,
            unnamed: true,
        };
        backup.begin_anew(manifest, entries)?;
        Ok(backup)
    }

    /// Goes on with the present generation; what follows its last whole frame is cut off.
    pub(super) fn resume(
        disk: Arc<dyn Disk>,
        key: Key,
        device: [u8; 16],
        found: &Generation,
    ) -> io::Result<Self> {
        if !found.clean {
            disk.cut(GENERATIONS[0], found.length)?;
            disk.sync(GENERATIONS[0])?;
        }
        let Generation { length, begun, tag, .. } = *found;
        Ok(Self { disk, key, device, length, begun, tag, unsure: false, unnamed: false })
    }

    /// Appends a change; on the disk when this returns. After an error the file is as before.
    pub(super) fn append(&mut self, manifest: &Manifest, change: &Change) -> io::Result<()> {
        if self.unsure {
            self.undo()?;
        }
        let (bytes, tag) =
            self.frame(CHANGED, manifest, change.iter().map(|(k, v)| (k, v.as_ref())), &self.tag);
        let name = GENERATIONS[0];
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
                self.unsure = true;
                // Tried again before the next change, and done at the next start.
                let _ = self.undo();
                Err(error)
            }
        }
    }

    /// Takes half a frame off the end.
    fn undo(&mut self) -> io::Result<()> {
        self.disk.cut(GENERATIONS[0], self.length)?;
        self.disk.sync(GENERATIONS[0])?;
        self.unsure = false;
        Ok(())
    }

    /// Whether the changes have outgrown the beginning.
    pub(super) fn is_due(&self) -> bool {
        self.length - self.begun > self.begun.max(LEAST_CHANGES_BYTES)
    }

    /// Begins a generation with this state; the present one becomes the one before.
    pub(super) fn begin_anew(&mut self, manifest: &Manifest, entries: &Entries) -> io::Result<()> {
        self.disk.remove(NEW)?;
        let mut tag = self.tag;
        let mut length = 0;
        let header = [&MAGIC[..], &self.device, &tag].concat();
        self.disk.write(NEW, length, &header)?;
        length += header.len() as u64;
        let pairs: Vec<_> = entries.iter().map(|(key, value)| (key, Some(value))).collect();
        for part in pairs.chunks(PAIRS_IN_A_FRAME) {
            let (bytes, next) = self.frame(PART, manifest, part.iter().copied(), &tag);
            self.disk.write(NEW, length, &bytes)?;
            (length, tag) = (length + bytes.len() as u64, next);
        }
        let (bytes, tag) = self.frame(BEGUN, manifest, [].into_iter(), &tag);
        self.disk.write(NEW, length, &bytes)?;
        length += bytes.len() as u64;
        self.disk.sync(NEW)?;
        let [now, before] = GENERATIONS;
        let replaces = self.disk.length(now)?.is_some();
        if replaces {
            self.disk.swap(NEW, now)?
        } else {
            self.disk.rename(NEW, now)?
        }
        // From here on changes go to the new file, whatever happens to the old one.
        (self.length, self.begun, self.tag) = (length, length, tag);
        (self.unsure, self.unnamed) = (false, true);
        if replaces {
            self.disk.rename(NEW, before)?;
        }
        self.disk.sync_names()?;
        self.unnamed = false;
        Ok(())
    }

    fn frame<'a>(
        &self,
        kind: u8,
        manifest: &Manifest,
        pairs: impl Iterator<Item = (&'a Vec<u8>, Option<&'a Vec<u8>>)>,
        before: &Tag,
    ) -> (Vec<u8>, Tag) {
        let mut body = vec![kind];
        body.extend(manifest.encode());
        for (key, value) in pairs {
            put(&mut body, Some(key));
            put(&mut body, value);
        }
        let tag = self.key.mac(&[b"frame", before, &body]);
        ([&(body.len() as u32).to_le_bytes()[..], &body, &tag].concat(), tag)
    }
}

/// Length plus one, then the bytes; 0 for nothing.
fn put(body: &mut Vec<u8>, bytes: Option<&Vec<u8>>) {
    body.extend_from_slice(&bytes.map_or(0, |bytes| bytes.len() as u32 + 1).to_le_bytes());
    body.extend_from_slice(bytes.map_or(&[], Vec::as_slice));
}

fn take(body: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, rest) = body.split_first_chunk::<4>()?;
    match (u32::from_le_bytes(*length) as usize).checked_sub(1) {
        None => Some((None, rest)),
        Some(length) => rest.split_at_checked(length).map(|(bytes, rest)| (Some(bytes), rest)),
    }
}

/// A file's beginning, before frames of whatever kind.
pub(super) fn with_header(device: &[u8; 16], frames: &[u8]) -> Vec<u8> {
    [&MAGIC[..], device, &[0; TAG_BYTES], frames].concat()
}

/// Reads a generation as far as it is whole; its entries go into `entries` if they are wanted. `None` if there is none,
/// or not even its beginning is whole.
pub(super) fn read(
    file: &[u8],
    key: &Key,
    device: &[u8; 16],
    mut entries: Option<&mut Entries>,
) -> Option<Generation> {
    let header = file.get(..HEADER_BYTES)?;
    let start = header.strip_prefix(MAGIC)?.strip_prefix(device)?;
    let mut tag: Tag = start.try_into().ok()?;
    let mut rest = &file[HEADER_BYTES..];
    let mut found: Option<Generation> = None;
    while let Some((body, next, behind)) = frame(rest, key, &tag) {
        let (&kind, fields) = body.split_first()?;
        let (manifest, mut pairs) = Manifest::decode(fields)?;
        if kind > CHANGED || (kind == CHANGED) != found.is_some() {
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
        (tag, rest) = (next, behind);
        let length = (file.len() - rest.len()) as u64;
        match kind {
            PART => {}
            BEGUN => found = Some(Generation { manifest, clean: false, length, begun: length, tag }),
            _ => {
                if let Some(found) = &mut found {
                    (found.manifest, found.length, found.tag) = (manifest, length, tag);
                }
            }
        }
    }
    let clean = rest.is_empty();
    found.map(|found| Generation { clean, ..found })
}

/// Number of the last change in whole frames behind the good part of a damaged file: it was acknowledged. A crash leaves
/// none, since each frame is on the disk before the next one is written.
pub(super) fn last_behind(file: &[u8], key: &Key, good: Option<&Generation>) -> Option<u64> {
    let bytes = file.get(good.map_or(0, |good| good.length as usize)..)?;
    // Where the damage is in a tag alone the next frame goes on from what that should be.
    let after_tag = good.and_then(|good| {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        changes(rest.get(TAG_BYTES..)?, key, key.mac(&[b"frame", &good.tag, body]))
    });
    let mut last = after_tag.map(|(revision, _)| revision);
    // Else from the bytes before it, wherever it begins.
    let mut at = TAG_BYTES;
    while at < bytes.len() {
        let (before, rest) = bytes.split_at(at);
        let tag = before.last_chunk().filter(|_| may_begin(rest));
        let found = tag.and_then(|tag| changes(rest, key, *tag));
        at += found.map_or(1, |(_, length)| length);
        last = last.max(found.map(|(revision, _)| revision));
    }
    last
}

/// Whether a frame may begin here. Almost everywhere else not, so that few tags have to be computed.
fn may_begin(bytes: &[u8]) -> bool {
    let begins = bytes.split_first_chunk::<4>().and_then(|(length, rest)| {
        let body = rest.get(..u32::from_le_bytes(*length) as usize)?;
        let (&kind, fields) = body.split_first()?;
        // Entries are counted in 64 bits and fit 32, which bytes at random do not.
        let manifest = (kind == BEGUN || kind == CHANGED).then(|| Manifest::decode(fields))?;
        manifest.map(|(manifest, _)| manifest.count >> 32 == 0)
    });
    begins.unwrap_or(false)
}

/// Number of the last change of the whole frames at the beginning of `bytes`, and their length.
fn changes(bytes: &[u8], key: &Key, mut tag: Tag) -> Option<(u64, usize)> {
    let (mut rest, mut last) = (bytes, None);
    while let Some((body, next, behind)) = frame(rest, key, &tag) {
        let (manifest, _) = Manifest::decode(body.get(1..)?)?;
        (tag, rest) = (next, behind);
        last = Some((manifest.revision, bytes.len() - rest.len()));
    }
    last
}

/// The body of the first frame, its tag, and what follows; `None` where there is no whole one.
fn frame<'a>(bytes: &'a [u8], key: &Key, before: &Tag) -> Option<(&'a [u8], Tag, &'a [u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let (tag, rest) = rest.split_first_chunk::<TAG_BYTES>()?;
    key.vouches(&[b"frame", before, body], tag).then_some((body, *tag, rest))
}

#[cfg(test)]
mod tests;
