//! Reading the change log: frame by frame, as far as it is whole, and what there is behind damage.

use std::io;

use super::{CHANGE, HEADER_BYTES, LENGTH_BYTES, MAGIC, SNAPSHOT_END, SNAPSHOT_PART, TAG_BYTES, Tag, take};
use crate::store::files::Reader;
use crate::store::manifest::Manifest;
use crate::store::seal::Key;

/// Is shown a key and, unless it was removed, its value and where in the log that is.
pub(in crate::store) type Visit<'a> = dyn FnMut(&[u8], Option<(&[u8], u64)>) + 'a;

/// What reading a log gave.
pub(in crate::store) struct Replay {
    /// The state after the last whole frame.
    pub(in crate::store) manifest: Manifest,
    /// The file holds whole frames and nothing else.
    pub(in crate::store) clean: bool,
    /// Good bytes, and how many of them are the snapshot.
    pub(super) length: u64,
    pub(super) snapshot_length: u64,
    pub(super) tag: Tag,
}

/// Reads a log frame by frame as far as it is whole, and shows each pair of a whole frame to `visit`. `None` if not even the snapshot is whole.
///
/// # Errors
/// Those of the file.
pub(in crate::store) fn replay(
    file: &dyn Reader,
    key: &Key,
    device: &[u8; 16],
    visit: &mut Visit<'_>,
) -> io::Result<Option<Replay>> {
    let mut frames = Frames { file, key, at: 0, end: file.length()?, tag: [0; TAG_BYTES], body: Vec::new() };
    if !frames.starts(device)? {
        return Ok(None);
    }
    let mut found: Option<Replay> = None;
    let mut whole = frames.at;
    while frames.next()? {
        let Some((&kind, fields)) = frames.body.split_first() else { return Ok(None) };
        let Some((manifest, pairs)) = Manifest::decode(fields) else { return Ok(None) };
        if kind > CHANGE || (kind == CHANGE) != found.is_some() {
            break;
        }
        if show_pairs(pairs, frames.end_of_body(), visit).is_none() {
            return Ok(None);
        }
        whole = frames.at;
        let (length, tag) = (frames.at, frames.tag);
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
    let clean = whole == frames.end;
    Ok(found.map(|found| Replay { clean, ..found }))
}

/// Shows the pairs at the end of a frame's body; `None` if they are not pairs.
fn show_pairs(mut pairs: &[u8], end: u64, visit: &mut Visit<'_>) -> Option<()> {
    while let Some((Some(key), more)) = take(pairs) {
        let (value, more) = take(more)?;
        visit(key, value.map(|value| (value, end - (more.len() + value.len()) as u64)));
        pairs = more;
    }
    Some(())
}

/// The frames of a file, one after another.
struct Frames<'a> {
    file: &'a dyn Reader,
    key: &'a Key,
    /// What comes next.
    at: u64,
    end: u64,
    /// Of the last frame.
    tag: Tag,
    body: Vec<u8>,
}

impl Frames<'_> {
    /// Reads the header, and says whether it is that of this device.
    fn starts(&mut self, device: &[u8; 16]) -> io::Result<bool> {
        if self.end < HEADER_BYTES as u64 {
            return Ok(false);
        }
        let mut header = [0; HEADER_BYTES];
        self.file.read_at(0, &mut header)?;
        self.at = HEADER_BYTES as u64;
        let tag = header.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix(device)?.try_into().ok());
        self.tag = tag.unwrap_or_default();
        Ok(tag.is_some())
    }

    /// Reads the next frame, and says whether there is one that is whole.
    fn next(&mut self) -> io::Result<bool> {
        let rest = self.end - self.at;
        if rest < (LENGTH_BYTES + TAG_BYTES) as u64 {
            return Ok(false);
        }
        let mut length = [0; LENGTH_BYTES];
        self.file.read_at(self.at, &mut length)?;
        let length = u64::from(u32::from_le_bytes(length));
        if length > rest - (LENGTH_BYTES + TAG_BYTES) as u64 {
            return Ok(false);
        }
        // No longer than the file, which is not too long for memory.
        self.body.resize(length as usize + TAG_BYTES, 0);
        self.file.read_at(self.at + LENGTH_BYTES as u64, &mut self.body)?;
        let Some((body, tag)) = self.body.split_last_chunk::<TAG_BYTES>() else { return Ok(false) };
        if !self.key.verifies(&[b"frame", &self.tag, body], tag) {
            return Ok(false);
        }
        self.tag = *tag;
        self.body.truncate(length as usize);
        self.at += length + (LENGTH_BYTES + TAG_BYTES) as u64;
        Ok(true)
    }

    /// Offset of what follows the body of the last frame.
    fn end_of_body(&self) -> u64 {
        self.at - TAG_BYTES as u64
    }
}

/// Number of the last change in whole frames after the good part of a damaged file: it was acknowledged. A crash leaves
/// none, since each frame is on the disk before the next one is written.
pub(in crate::store) fn last_after(file: &[u8], key: &Key, good: Option<&Replay>) -> Option<u64> {
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
