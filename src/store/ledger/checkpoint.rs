//! The checkpoint: which change is the newest, in a file of its own, so that a log and a table that are both older are
//! noticed. Its room is taken in advance: misses that the log has no room for are kept here.
//!
//! Written in place after each change of the log, so it is never ahead of it. Two slots are written in turn, so that one
//! is whole at any moment. While they hold misses, both are written each time: damage to one loses none.
//!
//! Slot: length of what follows (u32), then sealed: generation, revision, chain, and pairs as in the log.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use crate::store::files::Disk;
use crate::store::log::{put, take};
use crate::store::manifest::Manifest;
use crate::store::seal::Key;

/// The file.
pub(in crate::store) const FILE: &str = "checkpoint";

const SLOT_BYTES: usize = 32 << 10;

/// Bytes written at a time.
const BLOCK_BYTES: usize = 4 << 10;

/// Room in a slot that must be left before a face is judged: more than the misses of one attempt take.
const SPARE_BYTES: usize = 4 << 10;

/// Entries that the log does not have yet, as a change of it: `None` removes one.
pub(super) type Unlogged = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// What the file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Newest {
    generation: u64,
    /// Number of the newest change.
    pub(super) revision: u64,
    /// Its chain.
    pub(super) chain: [u8; 32],
    /// What the log had no room for after that change.
    pub(super) unlogged: Unlogged,
}

/// The file, open for writing.
pub(super) struct Checkpoint {
    disk: Arc<dyn Disk>,
    key: Key,
    device: [u8; 16],
    generation: u64,
}

impl Checkpoint {
    /// Opens the file, and reads it if either slot is whole.
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        key: Key,
        device: [u8; 16],
    ) -> io::Result<(Self, Option<Newest>)> {
        let file = disk.read(FILE)?.unwrap_or_default();
        let slots = file.chunks(SLOT_BYTES).take(2);
        let newest = slots.filter_map(|slot| open(slot, &key, &device)).max_by_key(|found| found.generation);
        let generation = newest.as_ref().map_or(0, |newest| newest.generation);
        Ok((Self { disk, key, device, generation }, newest))
    }

    /// Writes both slots to their full length, so that the room for them is taken.
    pub(super) fn take_room(&mut self, manifest: &Manifest, unlogged: &Unlogged) -> io::Result<()> {
        for _ in 0..2 {
            let mut slot = self.encode(manifest, unlogged)?;
            slot.resize(SLOT_BYTES, 0);
            self.put_slot(&slot)?;
        }
        self.disk.sync_names()
    }

    /// Writes the newest change, and what the log has no room for; on the disk when this returns.
    pub(super) fn write(&mut self, manifest: &Manifest, unlogged: &Unlogged) -> io::Result<()> {
        for _ in 0..if unlogged.is_empty() { 1 } else { 2 } {
            let slot = self.encode(manifest, unlogged)?;
            self.put_slot(&slot)?;
        }
        Ok(())
    }

    /// Whether the slots have room for the misses of another attempt.
    pub(super) fn check_room(&self, manifest: &Manifest, unlogged: &Unlogged) -> io::Result<()> {
        let has_room = self.encode(manifest, unlogged)?.len() + SPARE_BYTES <= SLOT_BYTES;
        has_room.then_some(()).ok_or_else(too_many)
    }

    fn encode(&self, manifest: &Manifest, unlogged: &Unlogged) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        plain.extend_from_slice(&(self.generation + 1).to_le_bytes());
        plain.extend_from_slice(&manifest.revision.to_le_bytes());
        plain.extend_from_slice(&manifest.chain);
        for (key, value) in unlogged {
            put(&mut plain, Some(key));
            put(&mut plain, value.as_deref());
        }
        let sealed = self.key.seal(&[b"checkpoint", &self.device], &plain);
        let slot = [&(sealed.len() as u32).to_le_bytes()[..], &sealed].concat();
        if slot.len() > SLOT_BYTES { Err(too_many()) } else { Ok(slot) }
    }

    /// Overwrites the older slot. After an error the next write goes to the same one.
    fn put_slot(&mut self, slot: &[u8]) -> io::Result<()> {
        let mut at = (self.generation + 1) % 2 * SLOT_BYTES as u64;
        // The kernel may later write back as one piece what it was given as one.
        for block in slot.chunks(BLOCK_BYTES) {
            self.disk.write(FILE, at, block)?;
            at += block.len() as u64;
        }
        self.disk.sync(FILE)?;
        self.generation += 1;
        Ok(())
    }
}

fn too_many() -> io::Error {
    io::Error::new(
        ErrorKind::StorageFull,
        format!("{FILE} is full of misses that the change log has no room for"),
    )
}

fn open(slot: &[u8], key: &Key, device: &[u8; 16]) -> Option<Newest> {
    let (length, rest) = slot.split_first_chunk::<4>()?;
    let sealed = rest.get(..u32::from_le_bytes(*length) as usize)?;
    let plain = key.open(&[b"checkpoint", device], sealed).ok()?;
    let (generation, rest) = plain.split_first_chunk()?;
    let (revision, rest) = rest.split_first_chunk()?;
    let (chain, mut pairs) = rest.split_first_chunk()?;
    let mut unlogged = Unlogged::new();
    while let Some((Some(key), rest)) = take(pairs) {
        let (value, rest) = take(rest)?;
        unlogged.insert(key.to_vec(), value.map(<[u8]>::to_vec));
        pairs = rest;
    }
    Some(Newest {
        generation: u64::from_le_bytes(*generation),
        revision: u64::from_le_bytes(*revision),
        chain: *chain,
        unlogged,
    })
}

/// Whether these bytes hold a slot that this key sealed.
#[cfg(any(test, fuzzing))]
pub(in crate::store) fn passes(bytes: &[u8], key: &Key) -> bool {
    open(bytes, key, &[1; 16]).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::files::tests::{Fake, Fault};

    fn made(disk: &Arc<Fake>) -> (Checkpoint, Option<Newest>) {
        Checkpoint::open(disk.clone(), Key::from_bytes([7; 32]), [1; 16]).expect("read")
    }

    fn manifest(revision: u64) -> Manifest {
        let mut manifest = Manifest::empty([0; 8], "ab");
        manifest.revision = revision;
        manifest
    }

    fn unlogged(entries: u8) -> Unlogged {
        (0..entries).map(|n| (vec![n; 17], (n % 2 == 0).then(|| vec![n; 90]))).collect()
    }

    #[test]
    fn what_was_written_comes_back_and_the_file_never_grows() {
        let disk = Arc::new(Fake::default());
        let (mut checkpoint, nothing) = made(&disk);
        assert_eq!(nothing, None);
        checkpoint.take_room(&manifest(1), &unlogged(0)).expect("written");
        disk.plan(1, Fault::NoRoom);
        for n in 2..9 {
            checkpoint.write(&manifest(n), &unlogged(n as u8 - 2)).expect("in place");
            let (_, found) = made(&disk);
            let found = found.expect("whole");
            assert_eq!((found.revision, found.unlogged), (n, unlogged(n as u8 - 2)));
        }
        assert_eq!(disk.length(FILE).expect("read"), Some(2 * SLOT_BYTES as u64));
        assert!(
            checkpoint.write(&manifest(9), &unlogged(255)).is_ok()
                && checkpoint.check_room(&manifest(9), &unlogged(255)).is_ok()
        );
    }

    #[test]
    fn a_slot_is_whole_whenever_the_power_goes() {
        for (step, seed) in (1..5).flat_map(|step| (0..10).map(move |seed| (step, seed))) {
            let disk = Arc::new(Fake::default());
            let (mut checkpoint, _) = made(&disk);
            checkpoint.take_room(&manifest(1), &unlogged(0)).expect("written");
            disk.plan(step, Fault::Power);
            let done = checkpoint.write(&manifest(2), &unlogged(3)).is_ok();
            let after = Arc::new(disk.reboot(seed));
            let found = made(&after).1.expect("one is whole").revision;
            assert!(found == 2 || (!done && found == 1), "step {step}, seed {seed}: {found}");
        }
    }
}
