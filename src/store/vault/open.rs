//! Opening: lock, key, keyring, table and backup to a verified state, each mended from the other.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use nix::fcntl::{Flock, FlockArg};

use super::commit::{filled, verified};
use super::{Inner, Keys, Opening, Vault};
use crate::store::backup::{self, Backup, GENERATIONS, Generation};
use crate::store::files::{Disk, Folder};
use crate::store::key::Candidate;
use crate::store::keyring::{Keyring, MIRRORS};
use crate::store::manifest::{Entries, Manifest, difference};
use crate::store::table::{self, Table, TableFolder, Tables};
use crate::store::{Condition, StoreError, v1};

/// The folder of the table.
const RECORDS: &str = "records";

const LOCK: &str = "lock";

/// The store's state as it was found or mended.
pub(super) struct Found {
    pub(super) table: Box<dyn Table>,
    pub(super) backup: Backup,
    pub(super) manifest: Manifest,
    pub(super) entries: Entries,
    pub(super) condition: Condition,
    pub(super) notes: Vec<String>,
}

/// What the table turned out to be.
enum OnTable {
    Whole(Box<dyn Table>, Manifest, Entries),
    Empty(Box<dyn Table>),
    /// Why, and what could still be read.
    Damaged(String, Entries),
}

impl Vault {
    /// Opens the store, or makes one; verifies all of it, and mends what can be mended.
    ///
    /// # Errors
    /// [`StoreError`], naming the fix; a store that is there is never taken for none.
    pub fn open(opening: &Opening<'_>) -> Result<Self, StoreError> {
        let failed = |why: String| StoreError::Open { path: opening.folder.into(), why };
        let folder = Folder::new(opening.folder).map_err(|e| failed(e.to_string()))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(opening.folder.join(LOCK))
            .map_err(|e| failed(e.to_string()))?;
        let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock)
            .map_err(|(_, e)| failed(format!("it is held by another daemon ({e})")))?;
        let records = opening.folder.join(RECORDS);
        let tables = Box::new(TableFolder::new(records.clone(), table::DEFAULT));
        let old = v1::waiting(&folder, opening.folder, &records).map_err(|e| failed(e.to_string()))?;
        let new = MIRRORS.iter().all(|name| folder.length(name).is_ok_and(|length| length.is_none()));
        let mut inner = Inner::open(Arc::new(folder.clone()), tables, opening)?;
        if let Some(old) = old {
            inner.take_over(&old)?;
        }
        v1::done(&folder, opening.folder).map_err(|e| failed(e.to_string()))?;
        Ok(Self {
            inner: Mutex::new(inner),
            revision: AtomicU64::new(1),
            source: opening.keys.clone(),
            new,
            _lock: Some(lock),
        })
    }
}

impl Inner {
    /// The same on any disk and table.
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        tables: Box<dyn Tables>,
        opening: &Opening<'_>,
    ) -> Result<Self, StoreError> {
        let path = opening.folder.to_path_buf();
        let io = |e: std::io::Error| StoreError::Io { path: path.clone(), why: e.to_string() };
        let is_there = |name: &&str| disk.length(name).map(|length| length.is_some());
        let data = tables.exists()
            || is_there(&GENERATIONS[0]).map_err(io)?
            || is_there(&GENERATIONS[1]).map_err(io)?;
        let keyring_there = is_there(&MIRRORS[0]).map_err(io)? || is_there(&MIRRORS[1]).map_err(io)?;
        let candidates = opening.keys.candidates(data || keyring_there)?;
        let keyring = match Keyring::open(&*disk, &path, &candidates)? {
            Some((keyring, used)) => settled(keyring, used, &candidates, opening, &*disk)?,
            None if data => return Err(StoreError::KeyringLost { path }),
            None => Keyring::create(&*disk, &path, &candidates[0].key, opening.turn)?,
        };
        let keys = Keys::derive(&keyring.header().root);
        let found =
            Search { disk: &disk, tables: &*tables, keyring: &keyring, keys: &keys, opening }.find()?;
        let turn = keyring.turn(&found.manifest.turn);
        let mut inner = Self {
            path,
            disk,
            tables,
            table: Some(found.table),
            keyring,
            keys,
            backup: found.backup,
            entries: found.entries,
            manifest: found.manifest,
            turn: Arc::new(turn.unwrap_or_else(crate::embed::Turn::none)),
            people: Default::default(),
            condition: found.condition,
            notes: found.notes,
        };
        inner.settle(opening)?;
        inner.notes.splice(0..0, std::mem::take(&mut inner.keyring.notes));
        if !inner.notes.is_empty() {
            inner.condition = inner.condition.max(Condition::Restored);
        }
        for note in &inner.notes {
            tracing::warn!("{note}");
        }
        Ok(inner)
    }
}

/// Wraps the keyring with the credential if a key file opened it; finishes a rotation that was cut short.
fn settled(
    mut keyring: Keyring,
    used: usize,
    candidates: &[Candidate],
    opening: &Opening<'_>,
    disk: &dyn Disk,
) -> Result<Keyring, StoreError> {
    if used > 0 && opening.keys.has_credential() {
        keyring.rewrap(disk, &candidates[0].key)?;
        tracing::info!(
            "store: wrapped with the credential now; {} opens nothing any more and can be removed",
            candidates[used].path.display()
        );
    } else {
        opening.keys.settle(&candidates[used].path)?;
    }
    Ok(keyring)
}

pub(super) struct Search<'a> {
    pub(super) disk: &'a Arc<dyn Disk>,
    tables: &'a dyn Tables,
    pub(super) keyring: &'a Keyring,
    pub(super) keys: &'a Keys,
    pub(super) opening: &'a Opening<'a>,
}

impl Search<'_> {
    fn find(&self) -> Result<Found, StoreError> {
        let (table, backup) = (self.table(), self.generation(0, None)?);
        match (table, backup) {
            (OnTable::Whole(table, manifest, entries), Some(backup)) => {
                self.both(table, manifest, entries, &backup)
            }
            // The power went before the first backup was there.
            (OnTable::Whole(table, manifest, _), None)
                if manifest.revision == 0 && !self.anything_left()? =>
            {
                self.fresh(table)
            }
            (OnTable::Whole(table, manifest, entries), None) => {
                let lost = self.lost_after(manifest.revision, None)?;
                self.with_new_backup(table, manifest, entries, lost.into_iter().collect())
            }
            (OnTable::Empty(table), None) if self.keyring.users().is_empty() && !self.anything_left()? => {
                self.fresh(table)
            }
            (OnTable::Empty(table), Some(backup)) => {
                drop(table);
                self.restore("the records were missing", &backup)
            }
            (OnTable::Damaged(why, _), Some(backup)) => {
                self.restore(&format!("the records were damaged ({why})"), &backup)
            }
            (OnTable::Empty(_), None) => self.salvage(Entries::new()),
            (OnTable::Damaged(_, entries), None) => self.salvage(entries),
        }
    }

    fn table(&self) -> OnTable {
        let opened = self.tables.open().and_then(|table| Ok((table.load()?, table)));
        match opened {
            Err(why) => OnTable::Damaged(why, Entries::new()),
            Ok((entries, table)) if entries.is_empty() => OnTable::Empty(table),
            Ok((entries, table)) => match verified(entries, self.keys) {
                Ok((manifest, entries)) => OnTable::Whole(table, manifest, entries),
                Err(entries) => OnTable::Damaged("they do not fit their manifest".to_owned(), entries),
            },
        }
    }

    pub(super) fn generation(
        &self,
        which: usize,
        entries: Option<&mut Entries>,
    ) -> Result<Option<Generation>, StoreError> {
        let file = self.disk.read(GENERATIONS[which]).map_err(|e| self.io(&e))?;
        let device = &self.keyring.header().device;
        Ok(file.and_then(|file| backup::read(&file, &self.keys.backup, device, entries)))
    }

    fn anything_left(&self) -> Result<bool, StoreError> {
        let there =
            |name: &&str| self.disk.length(name).map(|length| length.is_some()).map_err(|e| self.io(&e));
        Ok(there(&GENERATIONS[0])? || there(&GENERATIONS[1])?)
    }

    /// Both are whole by themselves: which one is further? The backup may be damaged behind its good part.
    fn both(
        &self,
        table: Box<dyn Table>,
        manifest: Manifest,
        entries: Entries,
        on_backup: &Generation,
    ) -> Result<Found, StoreError> {
        let newest = manifest.revision.max(on_backup.manifest.revision);
        let (condition, notes) = match self.lost_after(newest, Some(on_backup))? {
            Some(note) => (Condition::Lossy, vec![note]),
            None => (Condition::Whole, Vec::new()),
        };
        if on_backup.manifest == manifest {
            let backup = self.resume(on_backup)?;
            return Ok(Found { table, backup, manifest, entries, condition, notes });
        }
        if on_backup.manifest.revision <= manifest.revision {
            return self.with_new_backup(table, manifest, entries, notes);
        }
        // The power went between the two, or the table could not be written: it is brought up to date.
        let missed = on_backup.manifest.revision - manifest.revision;
        let mut newest = Entries::new();
        self.generation(0, Some(&mut newest))?;
        let change = filled(difference(&entries, &newest), &on_backup.manifest, &self.keys.manifest);
        if let Err(why) = table.apply(&change) {
            drop(table);
            return self.restore(&format!("the records could not be brought up to date ({why})"), on_backup);
        }
        tracing::info!("store: {missed} changes were taken from the backup");
        let backup = self.resume(on_backup)?;
        Ok(Found { table, backup, manifest: on_backup.manifest.clone(), entries: newest, condition, notes })
    }

    /// The table is whole and the backup, as far as it can be read, is not as far.
    fn with_new_backup(
        &self,
        table: Box<dyn Table>,
        manifest: Manifest,
        entries: Entries,
        mut notes: Vec<String>,
    ) -> Result<Found, StoreError> {
        let condition = if notes.is_empty() { Condition::Restored } else { Condition::Lossy };
        notes.push(
            "store: the backup was damaged or missing and was written anew from the records".to_owned(),
        );
        self.disk.remove(GENERATIONS[0]).map_err(|e| self.io(&e))?;
        let backup = self.new_backup(&manifest, &entries)?;
        Ok(Found { table, backup, manifest, entries, condition, notes })
    }

    fn fresh(&self, table: Box<dyn Table>) -> Result<Found, StoreError> {
        let turn = self.keyring.header().turns.first().map(|key| key.id()).unwrap_or_default();
        let (manifest, entries) = (Manifest::empty(turn, self.opening.embedder_sha256), Entries::new());
        table.apply(&filled(Vec::new(), &manifest, &self.keys.manifest)).map_err(|why| self.failed(why))?;
        let backup = self.new_backup(&manifest, &entries)?;
        Ok(Found { table, backup, manifest, entries, condition: Condition::Whole, notes: Vec::new() })
    }

    /// A table with these entries; what was there is moved away, and where to is said.
    pub(super) fn new_table(
        &self,
        manifest: &Manifest,
        entries: &Entries,
    ) -> Result<(Box<dyn Table>, String), StoreError> {
        let aside = if self.tables.exists() {
            let to = self.tables.set_aside(self.opening.now).map_err(|why| self.failed(why))?;
            format!("; the damaged ones lie in {to}")
        } else {
            String::new()
        };
        let table = self.tables.open().map_err(|why| self.failed(why))?;
        let change = filled(difference(&Entries::new(), entries), manifest, &self.keys.manifest);
        table.apply(&change).map_err(|why| self.failed(why))?;
        Ok((table, aside))
    }

    pub(super) fn new_backup(&self, manifest: &Manifest, entries: &Entries) -> Result<Backup, StoreError> {
        let device = self.keyring.header().device;
        Backup::create(self.disk.clone(), self.keys.backup.clone(), device, (manifest, entries))
            .map_err(|e| self.io(&e))
    }

    pub(super) fn resume(&self, found: &Generation) -> Result<Backup, StoreError> {
        let device = self.keyring.header().device;
        Backup::resume(self.disk.clone(), self.keys.backup.clone(), device, found).map_err(|e| self.io(&e))
    }

    fn failed(&self, why: String) -> StoreError {
        StoreError::Io { path: self.opening.folder.into(), why }
    }

    pub(super) fn io(&self, why: &std::io::Error) -> StoreError {
        StoreError::Io { path: self.opening.folder.into(), why: why.to_string() }
    }
}
