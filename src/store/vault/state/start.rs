//! Opening: store key, keyring, ledger; then each user's records are found, and leftovers of a crash are cleared.

use std::cell::Cell;
use std::sync::Arc;

use super::State;
use crate::people::UserName;
use crate::store::files::Disk;
use crate::store::key::Candidate;
use crate::store::keyring::{Keyring, MIRRORS};
use crate::store::ledger::{self, Ledger, Parts};
use crate::store::misses::MissCipher;
use crate::store::people::People;
use crate::store::rules::RuleCipher;
use crate::store::table::TableSource;
use crate::store::vault::VaultOptions;
use crate::store::{Condition, StoreError};

impl State {
    /// Opens the store on any disk and table, or makes one.
    pub(in crate::store::vault) fn open(
        disk: Arc<dyn Disk>,
        tables: Box<dyn TableSource>,
        options: &VaultOptions<'_>,
    ) -> Result<Self, StoreError> {
        let mut keyring = open_keyring(&*disk, &*tables, options)?;
        let mut notes = std::mem::take(&mut keyring.notes);
        let root = &keyring.header().root;
        let (miss_cipher, rule_cipher) = (MissCipher::new(root), RuleCipher::new(root));
        let VaultOptions { folder, embedder_sha256, now, .. } = *options;
        let parts = Parts { folder, disk: disk.clone(), tables, keyring: &keyring, embedder_sha256, now };
        let (ledger, findings) = Ledger::open(parts)?;
        let people = People::new(disk, keyring, &ledger.manifest().template_key);
        let mut state =
            Self { ledger, people, miss_cipher, rule_cipher, findings, unreadable: Cell::default() };
        state.settle(options)?;
        let findings = &mut state.findings;
        notes.append(&mut findings.notes);
        findings.notes = notes;
        if !findings.notes.is_empty() {
            findings.condition = findings.condition.max(Condition::Restored);
        }
        for note in &findings.notes {
            tracing::warn!("{note}");
        }
        Ok(state)
    }

    /// Makes a verified state ready for use.
    fn settle(&mut self, options: &VaultOptions<'_>) -> Result<(), StoreError> {
        self.drop_lost_records()?;
        self.doubt_rules()?;
        // As long as a damaged log is kept, so are the keys that its records need.
        if self.ledger.damaged_log()?.is_none() {
            self.destroy_unused_keys()?;
        }
        self.adopt_networks(options)?;
        self.people.forget_other_template_keys()
    }

    /// Destroys the keys of people without templates, and names the people.
    fn destroy_unused_keys(&mut self) -> Result<(), StoreError> {
        let unused = self.people.without_records();
        if unused.is_empty() {
            return Ok(());
        }
        let names = unused.iter().map(UserName::as_str).collect::<Vec<_>>().join(", ");
        self.findings.notes.push(if self.findings.condition == Condition::Lossy {
            format!("store: no templates are left of {names}; enrol them again")
        } else {
            format!(
                "store: {names} had a key and no template, as after an enrolment or a removal that was cut short; \
                 `facelatch list` shows who is enrolled"
            )
        });
        self.people.erase_keys_without_records(unused)
    }

    fn drop_lost_records(&mut self) -> Result<(), StoreError> {
        // Unless something is lost, the manifest vouches for all of it: only what has the tag it was verified with is shown.
        let open_each = self.findings.condition == Condition::Lossy;
        let each_record = |visit: &mut dyn FnMut(&[u8], &[u8])| self.ledger.each_record(visit);
        let lost = self.people.index(each_record, self.ledger.manifest(), open_each)?;
        if lost.is_empty() {
            return Ok(());
        }
        let count = lost.len();
        self.ledger.commit(lost.into_iter().map(|key| (key, None)).collect())?;
        self.findings.condition = Condition::Lossy;
        self.findings.notes.push(format!(
            "store: {count} templates could not be opened any more and were dropped; enrol those people again"
        ));
        Ok(())
    }

    /// Adapts to the loaded networks: refuses another embedder, and renews the templates if the head needs another kind of
    /// key.
    fn adopt_networks(&mut self, options: &VaultOptions<'_>) -> Result<(), StoreError> {
        let made_for = self.ledger.manifest().embedder_sha256.clone();
        let same = made_for == options.embedder_sha256;
        let loaded = options.embedder_sha256.to_owned();
        if !same && !self.people.is_empty() {
            return Err(StoreError::OtherEmbedder { path: options.folder.into(), made_for, loaded });
        }
        if same && self.people.template_key_spec() == Some(options.template_key) {
            return Ok(());
        }
        if !self.people.is_empty() {
            // The head was replaced by one of the other kind.
            let count = self.renew_as(options.template_key)?;
            tracing::info!("store: {count} templates were renewed, for another kind of head");
            return Ok(());
        }
        let template_key = self.people.draw_template_key(options.template_key)?;
        self.ledger.commit_as(Vec::new(), |manifest| {
            manifest.template_key = template_key.id();
            manifest.embedder_sha256 = loaded;
        })?;
        self.people.use_template_key(template_key);
        Ok(())
    }
}

/// The keyring, or a new one where there is no store.
fn open_keyring(
    disk: &dyn Disk,
    tables: &dyn TableSource,
    options: &VaultOptions<'_>,
) -> Result<Keyring, StoreError> {
    let path = options.folder;
    let io = |e: std::io::Error| StoreError::io(path, e);
    let has_ledger = ledger::exists(disk, tables).map_err(io)?;
    let has_keyring =
        disk.length(MIRRORS[0]).map_err(io)?.is_some() || disk.length(MIRRORS[1]).map_err(io)?.is_some();
    let candidates = options.keys.candidates(has_ledger || has_keyring)?;
    match Keyring::open(disk, path, &candidates)? {
        Some((keyring, used)) => settle_key(keyring, used, &candidates, options, disk),
        None if has_ledger => Err(StoreError::KeyringLost { path: path.into() }),
        None => Keyring::create(disk, path, &candidates[0].key, options.template_key),
    }
}

/// Wraps the keyring with the credential if a key file opened it; finishes a rotation that was cut short.
fn settle_key(
    mut keyring: Keyring,
    used: usize,
    candidates: &[Candidate],
    options: &VaultOptions<'_>,
    disk: &dyn Disk,
) -> Result<Keyring, StoreError> {
    if used > 0 && options.keys.has_credential() {
        keyring.rewrap(disk, &candidates[0].key)?;
        tracing::info!(
            "store: wrapped with the credential now; {} opens nothing any more and can be removed",
            candidates[used].path.display()
        );
    } else {
        options.keys.remove_other_keys(&candidates[used].path)?;
    }
    Ok(keyring)
}
