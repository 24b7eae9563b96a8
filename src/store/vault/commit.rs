//! A change of entries: on the disk in the backup, then in memory, then in the table.

use super::{Inner, MANIFEST};
use crate::store::StoreError;
use crate::store::manifest::{Change, Entries, Manifest, Tagger, apply, difference};
use crate::store::table::Table;

impl Inner {
    /// Carries a change out; it is on the disk when this returns. After an error everything is as before.
    pub(super) fn commit(&mut self, change: Change) -> Result<(), StoreError> {
        self.commit_as(change, |_| {})
    }

    /// The same, with a manifest that says more than the entries.
    pub(super) fn commit_as(
        &mut self,
        change: Change,
        amend: impl FnOnce(&mut Manifest),
    ) -> Result<(), StoreError> {
        let mut manifest = self.manifest.after(&Tagger(&self.keys.entries), &self.entries, &change);
        amend(&mut manifest);
        // From here on the change counts: a table that misses it is made up for at the next start.
        self.backup.append(&manifest, &change).map_err(|e| self.io(e))?;
        apply(&mut self.entries, change.clone());
        self.manifest = manifest;
        self.write_table(change);
        if self.backup.is_due()
            && let Err(error) = self.backup.begin_anew(&self.manifest, &self.entries)
        {
            tracing::warn!("store: the backup could not be written anew ({error}) and goes on growing");
        }
        Ok(())
    }

    fn write_table(&mut self, mut change: Change) {
        change.push((MANIFEST.to_vec(), Some(self.manifest.signed(&self.keys.manifest))));
        let written = match self.table.take() {
            Some(table) => table.apply(&change).map(|()| table),
            None => self.made_up(),
        };
        match written {
            Ok(table) => self.table = Some(table),
            Err(why) => {
                let path = self.path.display();
                tracing::error!("store {path}: the change is in the backup alone ({why}); check the disk");
            }
        }
    }

    /// Opens the table anew and brings it up to date.
    fn made_up(&self) -> Result<Box<dyn Table>, String> {
        let table = self.tables.open()?;
        let mut there = table.load()?;
        there.remove(MANIFEST);
        table.apply(&filled(difference(&there, &self.entries), &self.manifest, &self.keys.manifest))?;
        Ok(table)
    }
}

/// A change of a table together with the manifest after it.
pub(super) fn filled(mut change: Change, manifest: &Manifest, key: &super::Key) -> Change {
    change.push((MANIFEST.to_vec(), Some(manifest.signed(key))));
    change
}

/// A table's entries and its manifest, if they fit each other.
pub(super) fn verified(mut entries: Entries, keys: &super::Keys) -> Result<(Manifest, Entries), Entries> {
    let manifest = entries.remove(MANIFEST).and_then(|bytes| Manifest::verified(&keys.manifest, &bytes));
    match manifest {
        Some(manifest) if manifest.fits(&Tagger(&keys.entries), &entries) => Ok((manifest, entries)),
        _ => Err(entries),
    }
}
