//! The ledger: all sealed entries, in two places on the disk, and an index of them in memory. The change log is
//! authoritative, the table mirrors it, and the checkpoint says which change is the newest.
//!
//! A change is appended to the log and counts once it is synced there; then memory, the checkpoint and the table
//! follow. At start log and table are verified, each is mended from the other (`open`, `salvage`), and both are
//! compared with the checkpoint.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::StoreError;
use super::files::{Disk, ReadAhead};
use super::index::Index;
use super::log::{DAMAGED, Log};
use super::manifest::{Change, LedgerKeys, Manifest, Tagger};
use super::mirror::Mirror;
use crate::memory::Pinned;

mod checkpoint;
mod open;
mod salvage;

#[cfg(test)]
pub(super) use checkpoint::FILE as CHECKPOINT;
#[cfg(any(test, fuzzing))]
pub(super) use checkpoint::passes as checkpoint_passes;
use checkpoint::{Checkpoint, Unlogged};

pub(super) use open::{Findings, Parts, exists};

/// What to do when the disk gives other bytes than before.
const TRY_AGAIN: &str =
    "start again; if that does not help, move the folder to another card, or restore a backup on one";

/// Sealed entries by key, verified.
pub(super) struct Ledger {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
    keys: Pinned<LedgerKeys>,
    log: Log,
    mirror: Mirror,
    checkpoint: Checkpoint,
    /// The checkpoint could not be written and is older than the log.
    checkpoint_is_behind: bool,
    index: Index,
    manifest: Manifest,
    /// The log gave a record other than it was verified; the next change writes it anew.
    log_misread: Cell<bool>,
    /// What the log had no room for: counts, and goes into it with the next change.
    unlogged: Unlogged,
}

impl Ledger {
    /// Everything that the log holds, by key.
    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// The entry with this key, if it is no record, whether or not the log has had room for it.
    pub(super) fn in_memory(&self, key: &[u8]) -> Option<&[u8]> {
        self.unlogged.get(key).map_or_else(|| self.index.in_memory(key), Option::as_deref)
    }

    /// The entry with this key: the log's, or else the table's.
    ///
    /// # Errors
    /// Text, if neither has it as it was verified.
    pub(super) fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let tagger = Tagger(&self.keys.entries);
        let why = match self.index.read(&tagger, key, self.log.file()).transpose() {
            Err(why) => why,
            found => return found,
        };
        let copy = self.mirror.get(key).filter(|copy| self.index.tag(key) == Some(&tagger.tag(key, copy)));
        let copy = copy.ok_or_else(|| format!("{why}, and the table has no good copy"))?;
        if !self.log_misread.replace(true) {
            let folder = self.folder.display();
            tracing::warn!(
                "store {folder}: a record in the change log is damaged ({why}) and was read from the table; the next \
                 change writes the log anew; check the disk"
            );
            self.log.compact_soon();
        }
        Ok(Some(copy))
    }

    /// Shows each record as it was verified, in the order of the log.
    ///
    /// # Errors
    /// [`StoreError::Io`], if neither log nor table has one any more.
    pub(super) fn each_record(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), StoreError> {
        let mut records: Vec<_> = self.index.records().collect();
        records.sort_by_key(|(_, _, place)| *place);
        let tagger = Tagger(&self.keys.entries);
        let mut log = ReadAhead::new(self.log.file()).map_err(|e| StoreError::io(&self.folder, e))?;
        for (key, tag, place) in records {
            let (at, length) = place.parts();
            match log.read(at, length) {
                // A worn card may give other bytes than when the log was verified.
                Ok(value) if tagger.tag(key, value) == *tag => visit(key, value),
                _ => visit(key, &self.read_again(key)?),
            }
        }
        Ok(())
    }

    fn read_again(&self, key: &[u8]) -> Result<Vec<u8>, StoreError> {
        let found = self.read(key).and_then(|value| value.ok_or_else(|| "it is gone".to_owned()));
        found.map_err(|why| {
            let what = "a record was whole a moment ago and cannot be read again";
            StoreError::io(&self.folder, format!("{what} ({why}); {TRY_AGAIN}"))
        })
    }

    /// The state after the last change.
    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Carries out a change; it is on the disk when this returns. After an error everything is as before.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn commit(&mut self, change: Change) -> Result<(), StoreError> {
        self.commit_as(change, |_| {})
    }

    /// The same, and amends the manifest.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn commit_as(
        &mut self,
        change: Change,
        amend: impl FnOnce(&mut Manifest),
    ) -> Result<(), StoreError> {
        let mut all = self.unlogged.clone();
        all.extend(change);
        let change: Change = all.into_iter().collect();
        let tagger = Tagger(&self.keys.entries);
        let mut manifest = self.manifest.after(&tagger, |key| self.index.tag(key).copied(), &change);
        amend(&mut manifest);
        // From here on the change counts: checkpoint and table catch up at the next start if they lack it.
        let at = self.log.append(&manifest, &change).map_err(|e| StoreError::io(&self.folder, e))?;
        self.index.apply(&tagger, &change, &at);
        self.manifest = manifest;
        self.unlogged.clear();
        if let Err(error) = self.write_checkpoint() {
            let folder = self.folder.display();
            tracing::error!("store {folder}: the checkpoint could not be written ({error}); check the disk");
        }
        self.write_table(change);
        if self.log.needs_compaction()
            && let Err(error) = self.compact()
        {
            tracing::warn!("store: the change log could not be compacted ({error}) and keeps growing");
            self.log.put_off_compaction();
        }
        Ok(())
    }

    /// Puts an entry, or removes it, where a full disk must not prevent it: if the log has no room, the checkpoint has.
    /// Whatever happens, it counts from now on, and is written as soon as that works.
    ///
    /// # Errors
    /// [`StoreError::Io`]: it is in memory alone.
    pub(super) fn put(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) -> Result<(), StoreError> {
        let Err(error) = self.commit(vec![(key.clone(), value.clone())]) else { return Ok(()) };
        self.unlogged.insert(key, value);
        // What the failed change left in the log could pass for a newer one than the checkpoint.
        self.checkpoint_is_behind = true;
        if self.log.cut_tail().and_then(|()| self.write_checkpoint()).is_err() {
            return Err(error);
        }
        tracing::warn!("{error}; the miss is kept in the checkpoint");
        Ok(())
    }

    /// Whether something is in memory alone.
    pub(super) fn checkpoint_is_behind(&self) -> bool {
        self.checkpoint_is_behind
    }

    /// Shows, by writing, that [`Ledger::put`] would work now. Writes what is in memory alone.
    ///
    /// # Errors
    /// [`StoreError::NoRoomForMiss`].
    pub(super) fn prove_room(&mut self) -> Result<(), StoreError> {
        if !self.unlogged.is_empty() && self.commit(Vec::new()).is_ok() {
            return Ok(());
        }
        let proven =
            self.log.cut_tail().and_then(|()| self.checkpoint.check_room(&self.manifest, &self.unlogged));
        let proven = proven.and_then(|()| self.write_checkpoint());
        proven.map_err(|e| StoreError::NoRoomForMiss { path: self.folder.clone(), why: e.to_string() })
    }

    fn write_checkpoint(&mut self) -> std::io::Result<()> {
        let written = self.checkpoint.write(&self.manifest, &self.unlogged);
        self.checkpoint_is_behind = written.is_err();
        written
    }

    fn write_table(&mut self, change: Change) {
        let written = if self.mirror.is_behind() {
            let (tagger, log) = (Tagger(&self.keys.entries), self.log.file());
            let read = |key: &[u8]| {
                self.index.read(&tagger, key, log).unwrap_or_else(|| Err("it is gone".to_owned()))
            };
            self.mirror.catch_up(&self.manifest, &self.keys, |there| self.index.difference(there, read))
        } else {
            self.mirror.write(change, &self.manifest, &self.keys)
        };
        if let Err(why) = written {
            let folder = self.folder.display();
            tracing::error!("store {folder}: only the change log has the change ({why}); check the disk");
        }
    }

    /// Compacts the log twice, so that neither of its files holds what an entry was before.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn forget_history(&mut self) -> std::io::Result<()> {
        self.compact()?;
        self.compact()
    }

    /// Starts a new log with the present state.
    fn compact(&mut self) -> std::io::Result<()> {
        let read = |key: &[u8]| match self.read(key) {
            Ok(Some(value)) => Ok((key.to_vec(), value)),
            Ok(None) => Err(std::io::Error::other("an entry is gone")),
            Err(why) => Err(std::io::Error::other(format!("an entry cannot be read: {why}"))),
        };
        let fresh = self.log.write_new(&self.manifest, self.index.keys().map(read))?;
        // From here on changes go to the new file, whatever happens to the old one.
        let (at, replaces) = self.log.switch_to(fresh)?;
        self.index.move_to(&at);
        self.log_misread.set(false);
        self.log.keep_previous(replaces)
    }

    /// As after a change that the table could not take.
    #[cfg(test)]
    pub(super) fn close_table(&mut self) {
        self.mirror.close();
    }

    /// Which copies do not have all at present, a sentence each, with what to do.
    pub(super) fn behind(&self) -> Vec<String> {
        let misread = "store: the change log has a damaged record, which is read from the table; the next change writes the \
             log anew. A card that does it again is failing: `facelatch backup`, then a new one";
        let misread = self.log_misread.get().then(|| misread.to_owned());
        let checkpoint = self.checkpoint_is_behind.then_some("the checkpoint cannot be written");
        let unlogged = "the change log cannot be written, so the checkpoint keeps misses";
        let unlogged = (!self.unlogged.is_empty()).then_some(unlogged);
        let others = [self.mirror.behind(), checkpoint, unlogged].into_iter().flatten();
        let others =
            others.map(|what| format!("store: {what} at present; check the disk (full? read-only?)"));
        misread.into_iter().chain(others).collect()
    }

    /// Paths of damaged tables that were moved aside and are still there.
    pub(super) fn set_aside_earlier(&self) -> Vec<String> {
        self.mirror.set_aside_earlier()
    }

    /// The copy of a damaged change log, as long as nobody has removed it.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn damaged_log(&self) -> Result<Option<PathBuf>, StoreError> {
        let length = self.disk.length(DAMAGED).map_err(|e| StoreError::io(&self.folder, e))?;
        Ok(length.map(|_| self.folder.join(DAMAGED)))
    }

    /// Its folder, for messages.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}
