//! What a damaged log costs: which changes are lost, and, if the table is damaged too, what is left of both.

use super::open::{Findings, Recovered, Recovery};
use crate::store::log::{self, DAMAGED, FILES, Replay};
use crate::store::manifest::{Change, Entries, Manifest, Tagger, apply};
use crate::store::record::{self, SealContext};
use crate::store::{Condition, StoreError};

impl Recovery<'_> {
    /// A note if changes after this one were acknowledged and cannot be read any more, because their frames lie after
    /// damage in the log. A copy of the file is kept then.
    pub(super) fn lost_after(
        &self,
        revision: u64,
        good: Option<&Replay>,
    ) -> Result<Option<String>, StoreError> {
        if good.is_some_and(|good| good.clean) {
            return Ok(None);
        }
        let Some(file) = self.disk.read(FILES[0]).map_err(|e| self.io(e))? else { return Ok(None) };
        let last = log::last_after(&file, &self.keys.log, good).filter(|last| *last > revision);
        let Some(last) = last else { return Ok(None) };
        self.keep(&file)?;
        Ok(Some(format!(
            "store: the change log was damaged in the middle; changes {} to {last} are lost (a copy is in {DAMAGED})",
            revision + 1
        )))
    }

    fn keep(&self, file: &[u8]) -> Result<(), StoreError> {
        let kept = self
            .disk
            .write(DAMAGED, 0, file)
            .and_then(|()| self.disk.truncate(DAMAGED, file.len() as u64))
            .and_then(|()| self.disk.sync(DAMAGED))
            .and_then(|()| self.disk.sync_names());
        kept.map_err(|e| self.io(e))
    }

    /// Log and table are both damaged: the previous log, and whatever else can still be opened.
    pub(super) fn salvage(&mut self, on_table: Entries) -> Result<Recovered, StoreError> {
        let mut entries = Entries::new();
        let previous = self.replay(1, &mut |key, value| {
            let change = (key.to_vec(), value.map(|(value, _)| value.to_vec()));
            apply(&mut entries, vec![change]);
        })?;
        if previous.is_none() {
            entries.clear();
        }
        let (base, what) = match previous {
            Some(previous) => {
                let revision = previous.manifest.revision;
                let what = format!(
                    "the previous change log and what is left of the table; other changes after number {revision} are lost"
                );
                (previous.manifest, what)
            }
            None if on_table.is_empty() => return Err(StoreError::Lost { path: self.folder.into() }),
            None => {
                let template_key =
                    self.keyring.header().seeds.first().map(|key| key.id()).unwrap_or_default();
                let empty = Manifest::empty(template_key, self.embedder_sha256);
                (empty, "what is left of the table".to_owned())
            }
        };
        let more: Change = on_table
            .into_iter()
            .filter(|(key, _)| !entries.contains_key(key))
            .map(|(key, value)| (key, Some(value)))
            .collect();
        let mut manifest =
            base.after(&Tagger(&self.keys.entries), Tagger(&self.keys.entries).of(&entries), &more);
        apply(&mut entries, more);
        manifest.template_key = self.template_key_of_most(&manifest, &entries)?;
        if let Some(file) = self.disk.read(FILES[0]).map_err(|e| self.io(e))? {
            self.keep(&file)?;
        }
        let all = entries.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        let aside = self.new_table(&manifest, all)?;
        self.disk.remove(FILES[0]).map_err(|e| self.io(e))?;
        let (log, index) = self.new_log(&manifest, entries)?;
        let note = format!("store: change log and table were damaged; restored from {what}{aside}");
        let findings = Findings { condition: Condition::Lossy, notes: vec![note] };
        Ok(Recovered { log, manifest, index, findings })
    }

    /// The template key that most records open in: the templates may have been renewed since the previous log.
    fn template_key_of_most(&self, manifest: &Manifest, entries: &Entries) -> Result<[u8; 8], StoreError> {
        let header = self.keyring.header();
        let open_in = |template_key: &[u8; 8]| {
            let context = SealContext {
                embedder_sha256: &manifest.embedder_sha256,
                device: &header.device,
                template_key,
            };
            entries.iter().filter(|(key, value)| record::opens(self.keyring, key, value, context)).count()
        };
        // The last of several that are equal.
        let seeds = header.seeds.iter().map(|key| key.id()).chain([manifest.template_key]);
        let (most, template_key) = seeds
            .map(|template_key| (open_in(&template_key), template_key))
            .max_by_key(|(count, _)| *count)
            .unwrap_or_default();
        // Whoever has a key had a template.
        if most == 0 && !self.keyring.users().is_empty() {
            return Err(StoreError::Lost { path: self.folder.into() });
        }
        Ok(template_key)
    }
}
