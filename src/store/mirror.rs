//! The mirror of the ledger's entries in a table: written after each change, never ahead of the change log.
//!
//! It holds a manifest as well, so it can be verified by itself and stand in for a damaged change log.

use super::manifest::{Change, Entries, LedgerKeys, Manifest, Tagger, difference};
use super::table::{Table, TableSource};
use crate::clock::WallTime;

/// The manifest's key in the table.
pub(super) const MANIFEST: &[u8] = b"m";

/// The table, and where to open or rebuild it.
pub(super) struct Mirror {
    source: Box<dyn TableSource>,
    /// `None` before it is loaded, and while it cannot be written and has to catch up.
    table: Option<Box<dyn Table>>,
    /// There was none before it was loaded.
    pub(super) is_new: bool,
}

/// What the table turned out to hold.
pub(super) enum Loaded {
    /// Entries that match their manifest.
    Whole(Manifest, Entries),
    /// Nothing.
    Empty,
    /// Why it cannot be used, and what could still be read.
    Damaged(String, Entries),
}

impl Mirror {
    pub(super) fn new(source: Box<dyn TableSource>) -> Self {
        Self { source, table: None, is_new: false }
    }

    /// Opens the table and reads all of it.
    pub(super) fn load(&mut self, keys: &LedgerKeys) -> Loaded {
        self.is_new = !self.source.exists();
        let (mut entries, table) = match self.source.open().and_then(|table| Ok((table.load()?, table))) {
            Err(why) => return Loaded::Damaged(why, Entries::new()),
            Ok(opened) => opened,
        };
        if entries.is_empty() {
            self.table = Some(table);
            return Loaded::Empty;
        }
        let manifest = entries.remove(MANIFEST).and_then(|bytes| Manifest::verified(&keys.manifest, &bytes));
        match manifest {
            Some(manifest) if manifest.fits(&Tagger(&keys.entries), &entries) => {
                self.table = Some(table);
                Loaded::Whole(manifest, entries)
            }
            _ => Loaded::Damaged("its entries do not match its manifest".to_owned(), entries),
        }
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
        let table = self.table.take().ok_or("it is closed")?;
        table.apply(&with_manifest(change, manifest, keys))?;
        self.table = Some(table);
        Ok(())
    }

    /// Opens the table again and makes it hold these entries.
    ///
    /// # Errors
    /// Text.
    pub(super) fn catch_up(
        &mut self,
        manifest: &Manifest,
        entries: &Entries,
        keys: &LedgerKeys,
    ) -> Result<(), String> {
        let table = self.source.open()?;
        let mut present = table.load()?;
        present.remove(MANIFEST);
        table.apply(&with_manifest(difference(&present, entries), manifest, keys))?;
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
        entries: &Entries,
        keys: &LedgerKeys,
        now: WallTime,
    ) -> Result<Option<String>, String> {
        let mut aside = None;
        if self.table.is_none() || !self.is_new {
            self.table = None;
            aside = if self.source.exists() { Some(self.source.set_aside(now)?) } else { None };
            self.table = Some(self.source.open()?);
        }
        self.write(difference(&Entries::new(), entries), manifest, keys)?;
        Ok(aside)
    }

    /// Whether it lacks changes that the change log has.
    pub(super) fn is_behind(&self) -> bool {
        self.table.is_none()
    }

    /// Paths of damaged tables that were moved aside and are still there.
    pub(super) fn set_aside_earlier(&self) -> Vec<String> {
        self.source.set_aside_earlier()
    }
}

fn with_manifest(mut change: Change, manifest: &Manifest, keys: &LedgerKeys) -> Change {
    change.push((MANIFEST.to_vec(), Some(manifest.with_tag(&keys.manifest))));
    change
}
