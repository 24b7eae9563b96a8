//! The mirror of the ledger's entries in a table: written after each change, never ahead of the change log.
//!
//! It holds a manifest as well, so it can be verified by itself and stand in for a damaged change log.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::manifest::{Change, Entries, LedgerKeys, Manifest, Sum, Tag, Tagger};
use super::table::{Table, TableSource};
use crate::clock::WallTime;

/// The manifest's key in the table.
pub(super) const MANIFEST: &[u8] = b"m";

/// The table, and where to open or rebuild it.
pub(super) struct Mirror {
    source: Box<dyn TableSource>,
    /// `None` before it is loaded, and while it cannot be written and has to catch up.
    table: Option<Box<dyn Table>>,
    /// It failed while it was read.
    failed: Cell<bool>,
    /// There was none before it was loaded.
    pub(super) is_new: bool,
}

/// What the table turned out to hold.
pub(super) enum Loaded {
    /// Entries that match their manifest.
    Whole(Manifest),
    /// Nothing.
    Empty,
    /// Why it cannot be used, and the table, if something of it can be read.
    Damaged(String, Option<Box<dyn Table>>),
}

impl Mirror {
    pub(super) fn new(source: Box<dyn TableSource>) -> Self {
        Self { source, table: None, failed: Cell::new(false), is_new: false }
    }

    /// Opens the table and reads all of it.
    pub(super) fn load(&mut self, keys: &LedgerKeys) -> Loaded {
        self.is_new = !self.source.exists();
        let table = match self.source.open() {
            Err(why) => return Loaded::Damaged(why, None),
            Ok(table) => table,
        };
        let (mut sum, mut manifest, mut is_empty) = (Sum::default(), None, true);
        let tagger = Tagger(&keys.entries);
        let read = table.each(&mut |key, value| {
            is_empty = false;
            if key == MANIFEST {
                manifest = Manifest::verified(&keys.manifest, value);
            } else {
                sum.add(&tagger.tag(key, value));
            }
        });
        match manifest {
            _ if read.is_err() => Loaded::Damaged(read.err().unwrap_or_default(), None),
            _ if is_empty => {
                self.table = Some(table);
                Loaded::Empty
            }
            Some(manifest) if manifest.fits(&sum) => {
                self.table = Some(table);
                Loaded::Whole(manifest)
            }
            _ => Loaded::Damaged("its entries do not match its manifest".to_owned(), Some(table)),
        }
    }

    /// All entries.
    ///
    /// # Errors
    /// Text.
    pub(super) fn entries(&self) -> Result<Entries, String> {
        entries(self.table.as_deref().ok_or("it is closed")?)
    }

    /// The tags of all entries.
    ///
    /// # Errors
    /// Text.
    pub(super) fn tags(&self, tagger: &Tagger<'_>) -> Result<BTreeMap<Vec<u8>, Tag>, String> {
        tags(self.table.as_deref().ok_or("it is closed")?, tagger)
    }

    /// An entry's value, if it is there and can be read.
    pub(super) fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let table = self.table.as_ref().filter(|_| !self.failed.get())?;
        table.get(key).inspect_err(|_| self.failed.set(true)).ok()?
    }

    /// Writes a change, with the manifest after it. After an error the table is closed.
    ///
    /// # Errors
    /// Text.
    pub(super) fn write(
        &mut self,
        change: Change,
        manifest: &Manifest,
        keys: &LedgerKeys,
    ) -> Result<(), String> {
        let table = self.table.take().filter(|_| !self.failed.take()).ok_or("it is closed")?;
        table.apply(&with_manifest(change, manifest, keys))?;
        self.table = Some(table);
        Ok(())
    }

    /// Opens the table again and carries out what `difference` gives for the tags of its entries.
    ///
    /// # Errors
    /// Text.
    pub(super) fn catch_up(
        &mut self,
        manifest: &Manifest,
        keys: &LedgerKeys,
        difference: impl FnOnce(&BTreeMap<Vec<u8>, Tag>) -> Result<Change, String>,
    ) -> Result<(), String> {
        (self.table, self.failed) = (None, Cell::new(false));
        let table = self.source.open()?;
        let change = difference(&tags(&*table, &Tagger(&keys.entries))?)?;
        table.apply(&with_manifest(change, manifest, keys))?;
        self.table = Some(table);
        Ok(())
    }

    /// A new table with these entries. If there was an old one, it is moved aside; gives its new path.
    ///
    /// # Errors
    /// Text.
    pub(super) fn rebuild(
        &mut self,
        manifest: &Manifest,
        entries: Change,
        keys: &LedgerKeys,
        now: WallTime,
    ) -> Result<Option<String>, String> {
        let mut aside = None;
        if self.table.is_none() || !self.is_new {
            self.table = None;
            aside = if self.source.exists() { Some(self.source.set_aside(now)?) } else { None };
            self.table = Some(self.source.open()?);
        }
        self.write(entries, manifest, keys)?;
        Ok(aside)
    }

    #[cfg(test)]
    pub(super) fn close(&mut self) {
        self.table = None;
    }

    /// Whether it may lack changes that the change log has.
    pub(super) fn is_behind(&self) -> bool {
        self.behind().is_some()
    }

    /// Why it may lack them.
    pub(super) fn behind(&self) -> Option<&'static str> {
        match self.table {
            None => Some("the table cannot be written"),
            Some(_) if self.failed.get() => Some("the table cannot be read"),
            Some(_) => None,
        }
    }

    /// Paths of damaged tables that were moved aside and are still there.
    pub(super) fn set_aside_earlier(&self) -> Vec<String> {
        self.source.set_aside_earlier()
    }
}

/// What a table holds, without the manifest.
pub(super) fn entries(table: &dyn Table) -> Result<Entries, String> {
    let mut entries = Entries::new();
    table.each(&mut |key, value| {
        entries.insert(key.to_vec(), value.to_vec());
    })?;
    entries.remove(MANIFEST);
    Ok(entries)
}

fn tags(table: &dyn Table, tagger: &Tagger<'_>) -> Result<BTreeMap<Vec<u8>, Tag>, String> {
    let mut tags = BTreeMap::new();
    table.each(&mut |key, value| {
        tags.insert(key.to_vec(), tagger.tag(key, value));
    })?;
    tags.remove(MANIFEST);
    Ok(tags)
}

fn with_manifest(mut change: Change, manifest: &Manifest, keys: &LedgerKeys) -> Change {
    change.push((MANIFEST.to_vec(), Some(manifest.with_tag(&keys.manifest))));
    change
}
