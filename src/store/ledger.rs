//! The ledger: all sealed entries, in memory and in two places on the disk. The change log is authoritative, the table
//! mirrors it.
//!
//! A change is appended to the log and counts once it is synced there; then memory and the table follow. At start log and
//! table are verified, and each is mended from the other (`open`, `salvage`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::StoreError;
use super::files::Disk;
use super::log::{DAMAGED, Log};
use super::manifest::{Change, Entries, LedgerKeys, Manifest, Tagger, apply};
use super::mirror::Mirror;
use crate::memory::Pinned;

mod open;
mod salvage;

pub(super) use open::{Findings, Parts, exists};

/// Sealed entries by key, verified.
pub(super) struct Ledger {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
    keys: Pinned<LedgerKeys>,
    log: Log,
    mirror: Mirror,
    entries: Entries,
    manifest: Manifest,
}

impl Ledger {
    /// Everything it holds.
    pub(super) fn entries(&self) -> &Entries {
        &self.entries
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
        let mut manifest = self.manifest.after(&Tagger(&self.keys.entries), &self.entries, &change);
        amend(&mut manifest);
        // From here on the change counts: a table that lacks it catches up at the next start.
        self.log.append(&manifest, &change).map_err(|e| StoreError::io(&self.folder, e))?;
        apply(&mut self.entries, change.clone());
        self.manifest = manifest;
        self.write_table(change);
        if self.log.needs_compaction()
            && let Err(error) = self.log.compact(&self.manifest, &self.entries)
        {
            tracing::warn!("store: the change log could not be compacted ({error}) and keeps growing");
        }
        Ok(())
    }

    fn write_table(&mut self, change: Change) {
        let written = if self.mirror.is_behind() {
            self.mirror.catch_up(&self.manifest, &self.entries, &self.keys)
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
        self.log.compact(&self.manifest, &self.entries)?;
        self.log.compact(&self.manifest, &self.entries)
    }

    /// Whether the table lacks changes that the log has.
    pub(super) fn is_behind(&self) -> bool {
        self.mirror.is_behind()
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
