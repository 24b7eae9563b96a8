//! Opening when something was damaged: a table from the backup, or what is left of both; and whether anything is lost.

use super::MANIFEST;
use super::open::{Found, Search};
use super::settle::opens;
use crate::store::backup::{self, GENERATIONS, Generation};
use crate::store::manifest::{Change, Entries, Manifest, Tagger, apply};
use crate::store::record::Place;
use crate::store::{Condition, StoreError};

/// A damaged backup that held more than could be read; the latest one is kept for whoever wants to look into it.
const DAMAGED: &str = "templates.bak.damaged";

impl Search<'_> {
    /// What to say where changes after this one were acknowledged and cannot be read any more: their frames lie behind
    /// damage in the backup. The file is kept.
    pub(super) fn lost_after(
        &self,
        revision: u64,
        good: Option<&Generation>,
    ) -> Result<Option<String>, StoreError> {
        if good.is_some_and(|good| good.clean) {
            return Ok(None);
        }
        let Some(file) = self.disk.read(GENERATIONS[0]).map_err(|e| self.io(&e))? else { return Ok(None) };
        let last = backup::last_behind(&file, &self.keys.backup, good).filter(|last| *last > revision);
        let Some(last) = last else { return Ok(None) };
        self.keep(&file)?;
        Ok(Some(format!(
            "store: the backup was damaged in the middle; changes {} to {last} are lost (it lies in {DAMAGED})",
            revision + 1
        )))
    }

    fn keep(&self, file: &[u8]) -> Result<(), StoreError> {
        let kept = self
            .disk
            .write(DAMAGED, 0, file)
            .and_then(|()| self.disk.cut(DAMAGED, file.len() as u64))
            .and_then(|()| self.disk.sync(DAMAGED))
            .and_then(|()| self.disk.sync_names());
        kept.map_err(|e| self.io(&e))
    }

    /// A new table from the present backup.
    pub(super) fn restore(&self, why: &str, on_backup: &Generation) -> Result<Found, StoreError> {
        let mut entries = Entries::new();
        self.generation(0, Some(&mut entries))?;
        let manifest = on_backup.manifest.clone();
        let lost = self.lost_after(manifest.revision, Some(on_backup))?;
        let (table, aside) = self.new_table(&manifest, &entries)?;
        let mut notes = vec![format!(
            "store: {why} and were restored from the backup, as of change {}{aside}",
            manifest.revision
        )];
        // A damaged last frame looks like one that a crash cut short, and only the table could tell them apart.
        let torn = "store: the end of the backup was cut off too: the last change may be missing";
        notes.extend(lost.or_else(|| (!on_backup.clean).then(|| torn.to_owned())));
        let condition = if on_backup.clean { Condition::Restored } else { Condition::Lossy };
        let backup = self.resume(on_backup)?;
        Ok(Found { table, backup, manifest, entries, condition, notes })
    }

    /// Table and backup are both damaged: the generation before, and whatever else can still be opened.
    pub(super) fn salvage(&self, mut on_table: Entries) -> Result<Found, StoreError> {
        on_table.remove(MANIFEST);
        let mut entries = Entries::new();
        let before = self.generation(1, Some(&mut entries))?;
        let (base, what) = match before {
            Some(before) => {
                let revision = before.manifest.revision;
                let what = format!(
                    "the generation before, and what is left of the records; other changes after number {revision} are lost"
                );
                (before.manifest, what)
            }
            None if on_table.is_empty() => return Err(StoreError::Lost { path: self.opening.folder.into() }),
            None => {
                let turn = self.keyring.header().turns.first().map(|key| key.id()).unwrap_or_default();
                let empty = Manifest::empty(turn, self.opening.embedder_sha256);
                (empty, "what is left of the records".to_owned())
            }
        };
        let more: Change = on_table
            .into_iter()
            .filter(|(key, _)| !entries.contains_key(key))
            .map(|(key, value)| (key, Some(value)))
            .collect();
        let mut manifest = base.after(&Tagger(&self.keys.entries), &entries, &more);
        apply(&mut entries, more);
        manifest.turn = self.turn_of_most(&manifest, &entries)?;
        if let Some(file) = self.disk.read(GENERATIONS[0]).map_err(|e| self.io(&e))? {
            self.keep(&file)?;
        }
        let (table, aside) = self.new_table(&manifest, &entries)?;
        self.disk.remove(GENERATIONS[0]).map_err(|e| self.io(&e))?;
        let backup = self.new_backup(&manifest, &entries)?;
        let note = format!("store: records and backup were damaged; restored from {what}{aside}");
        Ok(Found { table, backup, manifest, entries, condition: Condition::Lossy, notes: vec![note] })
    }

    /// The turn that most records open in: there may have been a renewal since.
    fn turn_of_most(&self, manifest: &Manifest, entries: &Entries) -> Result<[u8; 8], StoreError> {
        let header = self.keyring.header();
        let open_in = |turn: &[u8; 8]| {
            let place = Place { embedder_sha256: &manifest.embedder_sha256, device: &header.device, turn };
            entries.iter().filter(|(key, value)| opens(self.keyring, key, value, place)).count()
        };
        // Of two that are equal the last counts.
        let turns = header.turns.iter().map(|key| key.id()).chain([manifest.turn]);
        let (most, turn) =
            turns.map(|turn| (open_in(&turn), turn)).max_by_key(|(count, _)| *count).unwrap_or_default();
        // Whoever has a key had a template.
        if most == 0 && !self.keyring.users().is_empty() {
            return Err(StoreError::Lost { path: self.opening.folder.into() });
        }
        Ok(turn)
    }
}
