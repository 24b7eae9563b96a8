//! Opening the ledger: log and table to one verified state, each mended from the other.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::checkpoint::{Checkpoint, Newest, Unlogged};
use super::{Ledger, TRY_AGAIN};
use crate::clock::WallTime;
use crate::memory::Pinned;
use crate::store::files::{Disk, Reader};
use crate::store::index::Index;
use crate::store::keyring::Keyring;
use crate::store::log::{self, FILES, Log, Replay};
use crate::store::manifest::{Change, Entries, LedgerKeys, Manifest, Tag, Tagger};
use crate::store::mirror::{self, Loaded, Mirror};
use crate::store::table::TableSource;
use crate::store::{Condition, StoreError};

/// What a ledger is opened with.
pub(in crate::store) struct Parts<'a> {
    pub(in crate::store) folder: &'a Path,
    pub(in crate::store) disk: Arc<dyn Disk>,
    pub(in crate::store) tables: Box<dyn TableSource>,
    pub(in crate::store) keyring: &'a Keyring,
    /// SHA-256 of the embedder's file: a new ledger is for this one.
    pub(in crate::store) embedder_sha256: &'a str,
    /// For the name of a damaged table that is moved aside.
    pub(in crate::store) now: WallTime,
}

/// What was found and done.
#[derive(Debug, Default)]
pub(in crate::store) struct Findings {
    pub(in crate::store) condition: Condition,
    pub(in crate::store) notes: Vec<String>,
}

/// Whether there is anything of a ledger: a log or a table.
///
/// # Errors
/// The disk's.
pub(in crate::store) fn exists(disk: &dyn Disk, tables: &dyn TableSource) -> std::io::Result<bool> {
    Ok(tables.exists() || has_log(disk)?)
}

fn has_log(disk: &dyn Disk) -> std::io::Result<bool> {
    Ok(disk.length(FILES[0])?.is_some() || disk.length(FILES[1])?.is_some())
}

impl Ledger {
    /// Opens the ledger, or makes an empty one; verifies all of it.
    ///
    /// # Errors
    /// [`StoreError::Io`]; [`StoreError::Lost`] if nothing is left of a ledger that existed.
    pub(in crate::store) fn open(parts: Parts<'_>) -> Result<(Self, Findings), StoreError> {
        let Parts { folder, disk, tables, keyring, embedder_sha256, now } = parts;
        let keys = LedgerKeys::derive(&keyring.header().root);
        let mut recovery = Recovery {
            folder,
            disk: disk.clone(),
            mirror: Mirror::new(tables),
            keyring,
            keys,
            embedder_sha256,
            now,
        };
        let (checkpoint, newest) = recovery.checkpoint()?;
        let (recovered, both_whole) = recovery.run()?;
        let Recovered { log, manifest, index, mut findings } = recovered;
        let new = manifest.revision == 0 && keyring.users().is_empty();
        findings.compare_with(&manifest, newest.as_ref(), both_whole, new);
        let newest = newest.unwrap_or_default();
        // Each later change of the log has what the checkpoint kept for it.
        let unlogged =
            if newest.revision >= manifest.revision { newest.unlogged } else { Unlogged::default() };
        let Recovery { mirror, keys, .. } = recovery;
        let checkpoint_is_behind = false;
        let folder = folder.into();
        let mut ledger = Self {
            folder,
            disk,
            keys,
            log,
            mirror,
            checkpoint,
            checkpoint_is_behind,
            index,
            manifest,
            log_misread: Cell::default(),
            unlogged,
        };
        ledger.settle(newest.revision, findings.condition == Condition::Lossy)?;
        Ok((ledger, findings))
    }

    /// Brings the checkpoint up to date, and takes its room.
    fn settle(&mut self, newest: u64, lossy: bool) -> Result<(), StoreError> {
        if lossy {
            // No copy of what is lost passes for newer than this, if it turns up later.
            self.commit_as(Vec::new(), |manifest| manifest.revision = manifest.revision.max(newest + 1))?;
        }
        self.checkpoint
            .take_room(&self.manifest, &self.unlogged)
            .map_err(|e| StoreError::io(&self.folder, e))?;
        if !self.unlogged.is_empty() && self.commit(Vec::new()).is_err() {
            tracing::warn!("store: the checkpoint keeps misses until the change log can be written");
        }
        Ok(())
    }
}

impl Findings {
    /// Notes what is older than the checkpoint says. `both_whole`: log and table; `new`: nothing was ever changed.
    fn compare_with(&mut self, manifest: &Manifest, newest: Option<&Newest>, both_whole: bool, new: bool) {
        let (condition, note) = match newest {
            Some(newest) if newest.revision > manifest.revision => (
                Condition::Lossy,
                format!(
                    "change log and table are older than the checkpoint says; changes {} to {} are lost",
                    manifest.revision + 1,
                    newest.revision
                ),
            ),
            Some(newest) if newest.revision == manifest.revision && newest.chain != manifest.chain => (
                Condition::Lossy,
                format!(
                    "change {} is another one than the checkpoint says; it and others before it are lost",
                    newest.revision
                ),
            ),
            None if both_whole && !new => (
                Condition::Restored,
                "the checkpoint was damaged or missing and was written again; misses that it kept while the disk was \
                 full are gone"
                    .to_owned(),
            ),
            None if !new => (
                Condition::Lossy,
                "the checkpoint was damaged or missing as well: the last changes may be missing".to_owned(),
            ),
            _ => return,
        };
        if condition > self.condition || condition == Condition::Restored {
            self.condition = self.condition.max(condition);
            self.notes.push(format!("store: {note}"));
        }
    }
}

/// Finds the state to continue from.
pub(super) struct Recovery<'a> {
    pub(super) folder: &'a Path,
    pub(super) disk: Arc<dyn Disk>,
    mirror: Mirror,
    pub(super) keyring: &'a Keyring,
    pub(super) keys: Pinned<LedgerKeys>,
    pub(super) embedder_sha256: &'a str,
    now: WallTime,
}

/// The state that log, memory and table have in common.
pub(super) struct Recovered {
    pub(super) log: Log,
    pub(super) manifest: Manifest,
    pub(super) index: Index,
    pub(super) findings: Findings,
}

impl Recovery<'_> {
    /// The checkpoint, and what it says.
    fn checkpoint(&self) -> Result<(Checkpoint, Option<Newest>), StoreError> {
        let (key, device) = (self.keys.checkpoint.clone(), self.keyring.header().device);
        Checkpoint::open(self.disk.clone(), key, device).map_err(|e| self.io(e))
    }

    /// The state, and whether log and table were both whole.
    fn run(&mut self) -> Result<(Recovered, bool), StoreError> {
        let (table, mut index) = (self.mirror.load(&self.keys), Index::default());
        let tagger = Tagger(&self.keys.entries);
        let log = self.replay(0, &mut |key, value| index.put(&tagger, key, value))?;
        let log = log.map(|log| (log, index));
        let both_whole = matches!((&table, &log), (Loaded::Whole(..), Some(_)));
        Ok((self.recover(table, log)?, both_whole))
    }

    fn recover(&mut self, table: Loaded, log: Option<(Replay, Index)>) -> Result<Recovered, StoreError> {
        match (table, log) {
            (Loaded::Whole(manifest), Some((log, index))) => self.newer(manifest, &log, index),
            // The power went before the first log was there.
            (Loaded::Whole(manifest), None) if manifest.revision == 0 && !self.has_log()? => self.create(),
            (Loaded::Whole(manifest), None) => {
                let lost = self.lost_after(manifest.revision, None)?;
                self.with_new_log(manifest, lost.into_iter().collect())
            }
            (Loaded::Empty, None) if self.keyring.users().is_empty() && !self.has_log()? => self.create(),
            (Loaded::Empty, Some((log, index))) => {
                let why = if self.mirror.is_new { "was missing" } else { "was empty" };
                self.with_new_table(why, &log, index)
            }
            (Loaded::Damaged(why, table), Some((log, index))) => {
                drop(table); // Two cannot have its files open.
                self.with_new_table(&format!("was damaged ({why})"), &log, index)
            }
            (Loaded::Empty, None) => self.salvage(Entries::new()),
            (Loaded::Damaged(_, table), None) => {
                let left = table.and_then(|table| mirror::entries(&*table).ok());
                self.salvage(left.unwrap_or_default())
            }
        }
    }

    /// The log, or the previous one, as far as it is whole; shows its pairs.
    pub(super) fn replay(
        &self,
        which: usize,
        visit: &mut log::Visit<'_>,
    ) -> Result<Option<Replay>, StoreError> {
        let Some(file) = self.file(which)? else { return Ok(None) };
        let device = &self.keyring.header().device;
        log::replay(&*file, &self.keys.log, device, visit).map_err(|e| self.io(e))
    }

    fn file(&self, which: usize) -> Result<Option<Box<dyn Reader>>, StoreError> {
        self.disk.reader(FILES[which]).map_err(|e| self.io(e))
    }

    fn has_log(&self) -> Result<bool, StoreError> {
        has_log(&*self.disk).map_err(|e| self.io(e))
    }

    /// Both are whole as far as they go; the one that goes further counts. The log may be damaged after its good part.
    fn newer(&mut self, manifest: Manifest, log: &Replay, index: Index) -> Result<Recovered, StoreError> {
        let newest = manifest.revision.max(log.manifest.revision);
        let findings = match self.lost_after(newest, Some(log))? {
            Some(note) => Findings { condition: Condition::Lossy, notes: vec![note] },
            None => Findings::default(),
        };
        if log.manifest == manifest {
            return Ok(Recovered { log: self.resume(log)?, manifest, index, findings });
        }
        if log.manifest.revision <= manifest.revision {
            return self.with_new_log(manifest, findings.notes);
        }
        // The power went between the two, or the table could not be written.
        let missed = log.manifest.revision - manifest.revision;
        let there = self.mirror.tags(&Tagger(&self.keys.entries));
        let written = there.and_then(|there| {
            let change = self.read_difference(&there, &index).map_err(|e| e.to_string())?;
            self.mirror.write(change, &log.manifest, &self.keys)
        });
        if let Err(why) = written {
            return self.with_new_table(&format!("could not be brought up to date ({why})"), log, index);
        }
        tracing::info!("store: the table took {missed} changes from the change log");
        let manifest = log.manifest.clone();
        Ok(Recovered { log: self.resume(log)?, manifest, index, findings })
    }

    /// What turns entries with these tags into what the log holds.
    fn read_difference(&self, from: &BTreeMap<Vec<u8>, Tag>, index: &Index) -> Result<Change, StoreError> {
        let file = self.file(0)?.ok_or_else(|| self.io("the change log is gone"))?;
        let tagger = Tagger(&self.keys.entries);
        index.difference(from, |key| {
            let value = index.read(&tagger, key, &*file).unwrap_or_else(|| Err("it is gone".to_owned()));
            value.map_err(|why| {
                let what = "a record in the change log was whole a moment ago and cannot be read again";
                self.io(format!("{what} ({why}), and the table has no copy; {TRY_AGAIN}"))
            })
        })
    }

    /// The table is whole and has changes that cannot be read from the log.
    fn with_new_log(&mut self, manifest: Manifest, mut notes: Vec<String>) -> Result<Recovered, StoreError> {
        let condition = if notes.is_empty() { Condition::Restored } else { Condition::Lossy };
        notes.push(
            "store: the change log was damaged or missing and was written again from the table".to_owned(),
        );
        let entries = self.mirror.entries().map_err(|why| self.io(why))?;
        if !manifest.fits(&Tagger(&self.keys.entries).sum(&entries)) {
            return Err(self.io("the table changed while it was read; check the disk, and start again"));
        }
        self.disk.remove(FILES[0]).map_err(|e| self.io(e))?;
        let (log, index) = self.new_log(&manifest, entries)?;
        Ok(Recovered { log, manifest, index, findings: Findings { condition, notes } })
    }

    /// The log is whole; the table is not, or cannot be written.
    fn with_new_table(&mut self, why: &str, replay: &Replay, index: Index) -> Result<Recovered, StoreError> {
        let manifest = replay.manifest.clone();
        let entries = self.read_difference(&BTreeMap::new(), &index)?;
        let lost = self.lost_after(manifest.revision, Some(replay))?;
        let aside = self.new_table(&manifest, entries)?;
        let mut notes = vec![format!(
            "store: the table {why} and was restored from the change log, as of change {}{aside}",
            manifest.revision
        )];
        // A damaged last frame looks like one that a crash cut short, and only the table could tell them apart.
        let torn = "store: the end of the change log was cut off too: the last change may be missing";
        notes.extend(lost.or_else(|| (!replay.clean).then(|| torn.to_owned())));
        let condition = if replay.clean { Condition::Restored } else { Condition::Lossy };
        let log = self.resume(replay)?;
        Ok(Recovered { log, manifest, index, findings: Findings { condition, notes } })
    }

    fn create(&mut self) -> Result<Recovered, StoreError> {
        let template_key = self.keyring.header().seeds.first().map(|key| key.id()).unwrap_or_default();
        let manifest = Manifest::empty(template_key, self.embedder_sha256);
        self.mirror.write(Vec::new(), &manifest, &self.keys).map_err(|why| self.io(why))?;
        let (log, index) = self.new_log(&manifest, Entries::new())?;
        Ok(Recovered { log, manifest, index, findings: Findings::default() })
    }

    /// A table with these entries. Gives a clause that says where the old one is now, if there was one.
    pub(super) fn new_table(&mut self, manifest: &Manifest, entries: Change) -> Result<String, StoreError> {
        let aside =
            self.mirror.rebuild(manifest, entries, &self.keys, self.now).map_err(|why| self.io(why))?;
        Ok(aside.map_or_else(String::new, |path| format!("; the old one is in {path}")))
    }

    /// A log that starts with these entries, and the index of it.
    pub(super) fn new_log(&self, manifest: &Manifest, entries: Entries) -> Result<(Log, Index), StoreError> {
        let (device, key) = (self.keyring.header().device, self.keys.log.clone());
        let pairs = entries.iter().map(|(key, value)| Ok((key.clone(), value.clone())));
        let created = Log::create(self.disk.clone(), key, device, manifest, pairs);
        let (log, at) = created.map_err(|e| self.io(e))?;
        let (tagger, mut index) = (Tagger(&self.keys.entries), Index::default());
        for ((key, value), at) in entries.iter().zip(at) {
            index.put(&tagger, key, Some((value, at)));
        }
        Ok((log, index))
    }

    fn resume(&self, replay: &Replay) -> Result<Log, StoreError> {
        let device = self.keyring.header().device;
        Log::resume(self.disk.clone(), self.keys.log.clone(), device, replay).map_err(|e| self.io(e))
    }

    pub(super) fn io(&self, why: impl ToString) -> StoreError {
        StoreError::io(self.folder, why)
    }
}
