//! One key for each user, wrapped by the store key, in two files that mirror each other.
//!
//! A slot is overwritten in place when its user is removed: sealed records of theirs that remain in logs can then no
//! longer be opened (crypto-erase). A change is written to one mirror and synced, then to the other, so that one of them
//! is whole at any moment; at start each is mended from the other.
//!
//! File: a header of 256 bytes, then slots of 384 bytes. A free slot is all zero. Files of the version before, with slots of
//! 128 bytes, are read and rewritten.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::StoreError;
use super::files::{Disk, replace};
use super::key::Candidate;
use super::seal::Key;
use crate::embed::{TemplateKey, TemplateKeySpec};
use crate::memory::Pinned;
use crate::people::UserName;

mod header;
mod slot;

use header::HEADER_BYTES;
pub(super) use header::{KeyringHeader, TemplateSeed};
use slot::{OpenSlot, SHORT_SLOT_BYTES, SLOT_BYTES, Slot};

/// The two files.
pub(super) const MIRRORS: [&str; 2] = ["keyring.a", "keyring.b"];

/// Names a user's key. Random: it says nothing about the user.
pub(super) type KeyId = [u8; 16];

/// Everybody's keys. In memory they stay wrapped; only the store key and the header's secrets are in the clear, on pinned
/// pages.
pub(super) struct Keyring {
    path: PathBuf,
    wrap: Pinned<Key>,
    header: Pinned<KeyringHeader>,
    slots: Vec<Option<Slot>>,
    by_user: BTreeMap<UserName, usize>,
    by_id: BTreeMap<KeyId, usize>,
    /// The mirrors may be wrapped by two keys, or hold a change that failed: to be rewritten from memory.
    dirty: Cell<bool>,
    /// What was wrong at opening, a sentence each.
    pub(super) notes: Vec<String>,
}

impl Keyring {
    /// A new keyring. If this fails half-way, the next start completes it or starts over.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn create(
        disk: &dyn Disk,
        path: &Path,
        key: &Key,
        spec: TemplateKeySpec,
    ) -> Result<Self, StoreError> {
        let mut keyring = Self::empty(path, key);
        keyring.header.fill(spec);
        keyring.write_all(disk)?;
        Ok(keyring)
    }

    /// The keyring, and the index of the candidate that opens it; `None` if neither file exists.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`] if no candidate fits, [`StoreError::KeyringLost`] if both files are damaged,
    /// [`StoreError::Io`].
    pub(super) fn open(
        disk: &dyn Disk,
        path: &Path,
        candidates: &[Candidate],
    ) -> Result<Option<(Self, usize)>, StoreError> {
        let io = |e: std::io::Error| StoreError::Io { path: path.into(), why: e.to_string() };
        let mut mirrors = Vec::new();
        for name in MIRRORS {
            mirrors.push(disk.read(name).map_err(io)?);
        }
        if mirrors.iter().all(Option::is_none) {
            return Ok(None);
        }
        let mirrors: Vec<Vec<u8>> = mirrors.into_iter().map(Option::unwrap_or_default).collect();
        // Each mirror with each key: a rotation that was cut short leaves them wrapped by two.
        let mut headers = Vec::new();
        for (at, mirror) in mirrors.iter().enumerate() {
            for (which, candidate) in candidates.iter().enumerate() {
                if let Some(header) = KeyringHeader::open(&candidate.key, mirror) {
                    headers.push((header.generation, at, which, header));
                }
            }
        }
        let is_short = |at: usize| KeyringHeader::slot_bytes(&mirrors[at]) == Some(SHORT_SLOT_BYTES);
        let upgrade = headers.iter().any(|(_, at, ..)| is_short(*at));
        let Some((_, best, which, header)) =
            headers.into_iter().max_by_key(|(generation, at, ..)| (*generation, 1 - at))
        else {
            let fits = mirrors.iter().any(|m| candidates.iter().any(|c| KeyringHeader::is_of(&c.key, m)));
            let keys =
                candidates.iter().map(|c| c.path.display().to_string()).collect::<Vec<_>>().join(" nor ");
            // Files that were emptied or overwritten are wrapped by no key at all.
            let ours = mirrors.iter().any(|mirror| KeyringHeader::has_magic(mirror));
            return Err(if fits || !ours {
                StoreError::KeyringLost { path: path.into() }
            } else {
                StoreError::WrongKey { path: path.into(), keys }
            });
        };
        let mut keyring = Self::empty(path, &candidates[which].key);
        *keyring.header = header;
        keyring.read_slots(&mirrors, best);
        // As it was sealed: each sealing gives other bytes.
        let image = keyring.image_with(mirrors[best][..HEADER_BYTES].to_vec());
        if upgrade {
            keyring.write_all(disk)?;
        } else if mirrors.iter().any(|mirror| trimmed(mirror) != trimmed(&image)) {
            keyring
                .notes
                .push("keyring: one copy was damaged or incomplete and was mended from the other".to_owned());
            keyring.write_all(disk)?;
        }
        Ok(Some((keyring, which)))
    }

    fn empty(path: &Path, key: &Key) -> Self {
        let mut wrap = Pinned::<Key>::default();
        *wrap = key.clone();
        Self {
            path: path.into(),
            wrap,
            header: Pinned::default(),
            slots: Vec::new(),
            by_user: BTreeMap::new(),
            by_id: BTreeMap::new(),
            dirty: Cell::new(false),
            notes: Vec::new(),
        }
    }

    /// A slot is used if it opens in either mirror: one being added is only in the first, one being erased only in the
    /// second. Such a key has no records, so the vault erases it.
    fn read_slots(&mut self, mirrors: &[Vec<u8>], best: usize) {
        let order = [&mirrors[best], &mirrors[1 - best]];
        let width = KeyringHeader::slot_bytes(order[0]).unwrap_or(SLOT_BYTES);
        // A mirror with a damaged start is like the other one.
        let order = order.map(|mirror| (mirror, KeyringHeader::slot_bytes(mirror).unwrap_or(width)));
        let count =
            order.iter().map(|(mirror, width)| mirror.len().saturating_sub(HEADER_BYTES).div_ceil(*width));
        for index in 0..count.max().unwrap_or_default() {
            let slot = order.iter().find_map(|(mirror, width)| {
                let start = HEADER_BYTES + index * width;
                let wrapped = mirror.get(start..start + width)?;
                let opened = OpenSlot::unwrap(wrapped, &self.wrap, &self.header.device, index)?;
                let wrapped = wrapped.try_into().unwrap_or_else(|_| self.wrapped(index, &opened));
                Some(Slot { id: opened.id, user: opened.user.clone()?, wrapped })
            });
            self.put(index, slot);
        }
        while self.slots.last().is_some_and(Option::is_none) {
            self.slots.pop();
        }
    }

    fn put(&mut self, index: usize, slot: Option<Slot>) {
        if self.slots.len() <= index {
            self.slots.resize(index + 1, None);
        }
        if let Some(slot) = &slot {
            self.by_user.insert(slot.user.clone(), index);
            self.by_id.insert(slot.id, index);
        }
        self.slots[index] = slot;
    }

    /// The header.
    pub(super) fn header(&self) -> &KeyringHeader {
        &self.header
    }

    /// The store key that wraps it.
    pub(super) fn wrap(&self) -> &Key {
        &self.wrap
    }

    /// Whether there is a template key with this id.
    pub(super) fn has_template_key(&self, id: &[u8; 8]) -> bool {
        self.header.seeds.iter().any(|key| key.id() == *id)
    }

    /// The template key with this id, for embeddings of its length.
    pub(super) fn template_key(&self, id: &[u8; 8]) -> Option<TemplateKey> {
        self.header.seeds.iter().find(|key| key.id() == *id).map(TemplateSeed::draw)
    }

    /// Id of a user's key, if they have one.
    pub(super) fn id_of(&self, user: &UserName) -> Option<KeyId> {
        self.slots[*self.by_user.get(user)?].as_ref().map(|slot| slot.id)
    }

    /// Whose key this is.
    pub(super) fn user_of(&self, id: &KeyId) -> Option<&UserName> {
        self.slots[*self.by_id.get(id)?].as_ref().map(|slot| &slot.user)
    }

    /// The key itself, unwrapped.
    pub(super) fn key(&self, id: &KeyId) -> Option<Key> {
        let index = *self.by_id.get(id)?;
        let slot = self.slots[index].as_ref()?;
        Some(self.unwrap(index, &slot.wrapped)?.key.clone())
    }

    /// Everybody who has a key.
    pub(super) fn users(&self) -> Vec<UserName> {
        self.by_user.keys().cloned().collect()
    }

    /// A key for each of these users who has none; on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn add(&mut self, disk: &dyn Disk, users: &BTreeSet<&UserName>) -> Result<(), StoreError> {
        let mut free = (0..).filter(|index| self.slots.get(*index).is_none_or(Option::is_none));
        let mut new = Vec::new();
        for user in users.iter().filter(|user| !self.by_user.contains_key(**user)) {
            let opened = OpenSlot { id: rand::random(), user: Some((*user).clone()), key: Key::random() };
            let index = free.next().unwrap_or_default(); // There is always another one.
            let wrapped = self.wrapped(index, &opened);
            new.push((index, Slot { id: opened.id, user: (*user).clone(), wrapped }));
        }
        drop(free);
        let slots: Vec<_> = new.iter().map(|(index, slot)| (*index, &slot.wrapped)).collect();
        self.write_slots(disk, &slots)?;
        for (index, slot) in new {
            self.put(index, Some(slot));
        }
        Ok(())
    }

    /// Destroys a user's key: their slot is overwritten in both files, on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn erase(&mut self, disk: &dyn Disk, user: &UserName) -> Result<(), StoreError> {
        if !self.by_user.contains_key(user) {
            return Ok(());
        }
        // One slot, unless two changes failed half-way.
        let is_theirs = |slot: &Option<Slot>| slot.as_ref().is_some_and(|slot| slot.user == *user);
        let indices: Vec<usize> =
            (0..self.slots.len()).filter(|index| is_theirs(&self.slots[*index])).collect();
        self.write_slots(disk, &indices.iter().map(|index| (*index, &[0; SLOT_BYTES])).collect::<Vec<_>>())?;
        self.by_user.remove(user);
        for slot in indices.iter().filter_map(|index| self.slots[*index].take()) {
            self.by_id.remove(&slot.id);
        }
        Ok(())
    }

    /// Changes the header; on the disk when this returns. After an error it is as before.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn change(
        &mut self,
        disk: &dyn Disk,
        change: impl FnOnce(&mut KeyringHeader),
    ) -> Result<(), StoreError> {
        let before = self.header.clone();
        change(&mut self.header);
        self.header.generation += 1;
        let sealed = self.header.seal(&self.wrap);
        let written = self.write_at(disk, &[(0, &sealed)]);
        if written.is_err() {
            *self.header = before;
        }
        written
    }

    /// Wraps everything with another store key; both files are replaced and the old bytes overwritten.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn rewrap(&mut self, disk: &dyn Disk, key: &Key) -> Result<(), StoreError> {
        let mut fresh = Self::empty(&self.path, key);
        *fresh.header = self.header.clone();
        fresh.header.generation += 1;
        for index in 0..self.slots.len() {
            let slot = self.slots[index].as_ref().and_then(|slot| {
                let opened = self.unwrap(index, &slot.wrapped)?;
                Some(Slot { wrapped: fresh.wrapped(index, &opened), ..slot.clone() })
            });
            fresh.put(index, slot);
        }
        if let Err(error) = fresh.write_all(disk) {
            // One mirror may be wrapped by the new key already: the next change rewrites both with the old one.
            self.header.generation += 2;
            self.dirty.set(true);
            return Err(error);
        }
        fresh.notes = std::mem::take(&mut self.notes);
        *self = fresh;
        Ok(())
    }

    /// The whole file, with this sealed header.
    fn image_with(&self, header: Vec<u8>) -> Vec<u8> {
        let mut image = header;
        for slot in &self.slots {
            image.extend_from_slice(slot.as_ref().map_or(&[0; SLOT_BYTES], |slot| &slot.wrapped));
        }
        image
    }

    fn write_all(&self, disk: &dyn Disk) -> Result<(), StoreError> {
        let image = self.image_with(self.header.seal(&self.wrap));
        MIRRORS.iter().try_for_each(|name| replace(disk, name, &image)).map_err(|e| self.io(&e))
    }

    /// After a change that failed: writes both mirrors as they are in memory.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn rewrite_if_dirty(&self, disk: &dyn Disk) -> Result<(), StoreError> {
        if self.dirty.get() {
            self.write_all(disk)?;
            self.dirty.set(false);
        }
        Ok(())
    }

    /// Writes slots by index, under a new generation: a mirror that was put back as it once was does not win over the other.
    fn write_slots(
        &mut self,
        disk: &dyn Disk,
        slots: &[(usize, &[u8; SLOT_BYTES])],
    ) -> Result<(), StoreError> {
        if slots.is_empty() {
            return Ok(());
        }
        self.header.generation += 1;
        let header = self.header.seal(&self.wrap);
        let slots = slots.iter().map(|(index, slot)| (HEADER_BYTES + index * SLOT_BYTES, &slot[..]));
        let places: Vec<_> = [(0, &header[..])].into_iter().chain(slots).collect();
        self.write_at(disk, &places)
    }

    /// Writes to one mirror and syncs it, then to the other.
    fn write_at(&self, disk: &dyn Disk, places: &[(usize, &[u8])]) -> Result<(), StoreError> {
        self.rewrite_if_dirty(disk)?;
        for name in MIRRORS {
            let mut written = places.iter().map(|(at, bytes)| disk.write(name, *at as u64, bytes));
            if let Err(error) = written.try_for_each(|one| one).and_then(|()| disk.sync(name)) {
                // It may be in one mirror, or in part: the next change rewrites both as they are in memory.
                self.dirty.set(true);
                return Err(self.io(&error));
            }
        }
        Ok(())
    }

    fn io(&self, why: &std::io::Error) -> StoreError {
        StoreError::Io { path: self.path.clone(), why: format!("keyring: {why}") }
    }

    fn wrapped(&self, index: usize, slot: &OpenSlot) -> [u8; SLOT_BYTES] {
        slot.wrap(&self.wrap, &self.header.device, index)
    }

    fn unwrap(&self, index: usize, wrapped: &[u8; SLOT_BYTES]) -> Option<OpenSlot> {
        OpenSlot::unwrap(wrapped, &self.wrap, &self.header.device, index)
    }
}

/// Without the free slots at the end.
fn trimmed(file: &[u8]) -> &[u8] {
    let end = file.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    &file[..end]
}

#[cfg(test)]
mod tests;
