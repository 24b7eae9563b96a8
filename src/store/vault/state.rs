//! The state of an open store: the ledger's sealed entries, and the people whose keys open them. Each change of both.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::embed::{TemplateKey, TemplateKeySpec};
use crate::people::{Misses, UserName};
use crate::store::key::KeySource;
use crate::store::ledger::{Findings, Ledger};
use crate::store::misses::MissCipher;
use crate::store::people::{People, RecordIds};
use crate::store::pins::PinHasher;
use crate::store::rules::RuleCipher;
use crate::store::seal::Key;
use crate::store::{Condition, Health, MAX_TEMPLATES, StoreError, Template, record};

mod rules;
mod start;

pub(super) struct State {
    ledger: Ledger,
    people: People,
    miss_cipher: MissCipher,
    rule_cipher: RuleCipher,
    findings: Findings,
    /// Whose record could not be read the last time.
    unreadable: Cell<Option<UserName>>,
}

impl State {
    /// The key of all templates.
    pub(super) fn template_key(&self) -> &Arc<TemplateKey> {
        self.people.template_key()
    }

    /// Whether nothing was ever changed in it.
    pub(super) fn is_untouched(&self) -> bool {
        self.ledger.manifest().revision == 0
    }

    /// The key of the audit log.
    pub(super) fn audit_key(&self) -> Key {
        self.people.audit_key()
    }

    /// The key of what is kept of the machine.
    pub(super) fn machine_key(&self) -> Key {
        self.people.machine_key()
    }

    /// Its folder.
    pub(super) fn folder(&self) -> &Path {
        self.ledger.folder()
    }

    /// Hashes PINs: with the secret that came with a backup, else with its own. Premises that cannot be read fail elsewhere.
    pub(super) fn pin_hasher(&self) -> PinHasher {
        let given = self.premises().ok().and_then(|premises| premises.pin_secret);
        given.map_or_else(|| self.people.pin_hasher(), |secret| PinHasher::of_given(&secret))
    }

    /// Adds templates and removes those of their users with the ids in `gone`, all or none.
    pub(super) fn replace(
        &mut self,
        gone: &BTreeSet<String>,
        templates: &[Template],
    ) -> Result<(), StoreError> {
        self.check(gone, templates)?;
        let users = templates.iter().map(|t| &t.user).collect::<BTreeSet<_>>();
        self.people.add_keys(&users)?;
        let sealed = templates.iter().map(|t| Ok((record::entry_key(&t.id), Some(self.seal(t)?))));
        let mut change = sealed.collect::<Result<Vec<_>, StoreError>>()?;
        let theirs = users.iter().filter_map(|user| self.people.records_of(user)).flat_map(RecordIds::iter);
        change.extend(theirs.filter(|id| gone.contains(*id)).map(|id| (record::entry_key(id), None)));
        if let Err(error) = self.ledger.commit(change) {
            // If this fails too, the next start does it.
            let _ = self.people.erase_keys_without_records(users.into_iter().cloned());
            return Err(error);
        }
        self.people.add_records(templates);
        users.into_iter().try_for_each(|user| self.people.remove_records(user, gone))
    }

    fn check(&self, gone: &BTreeSet<String>, templates: &[Template]) -> Result<(), StoreError> {
        let mut wanted: BTreeMap<&UserName, usize> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for template in templates {
            template.embedding.check(self.template_key().id())?;
            let present = || {
                self.people
                    .records_of(&template.user)
                    .map_or(0, |ids| ids.iter().filter(|id| !gone.contains(*id)).count())
            };
            *wanted.entry(&template.user).or_insert_with(present) += 1;
            let taken = self.ledger.index().contains(&record::entry_key(&template.id));
            if taken || !ids.insert(&template.id) {
                return Err(StoreError::Taken { id: template.id.clone() });
            }
        }
        if let Some((user, wanted)) = wanted.into_iter().find(|(_, wanted)| *wanted > MAX_TEMPLATES) {
            let there = self.templates(Some(user))?;
            let kept: Vec<Template> = there.into_iter().filter(|t| !gone.contains(&t.id)).collect();
            return Err(StoreError::full(user, wanted, &kept));
        }
        Ok(())
    }

    fn seal(&self, template: &Template) -> Result<Vec<u8>, StoreError> {
        let embedder = &self.ledger.manifest().embedder_sha256;
        self.people.seal(template, embedder).map_err(|why| self.damaged(&template.id, &why))
    }

    /// The templates of one user, or of all, oldest first.
    pub(super) fn templates(&self, user: Option<&UserName>) -> Result<Vec<Template>, StoreError> {
        let mut found = Vec::new();
        self.each_template(user, &mut |template| found.push(template))?;
        Ok(found)
    }

    /// Shows the templates of one user, or of all, oldest first by user.
    pub(super) fn each_template(
        &self,
        user: Option<&UserName>,
        visit: &mut dyn FnMut(Template),
    ) -> Result<(), StoreError> {
        let read = |key: &[u8]| self.ledger.read(key);
        let show = |user: Option<&UserName>, visit: &mut dyn FnMut(Template)| {
            self.people.each_template(user, &read, self.ledger.manifest(), visit).map_err(|unreadable| {
                let damaged = self.damaged(&unreadable.id, &unreadable.why);
                self.unreadable.set(Some(unreadable.user));
                damaged
            })
        };
        // Tried first, so that not everybody's are opened before it fails again.
        if user.is_none()
            && let Some(unreadable) = self.unreadable.take()
        {
            show(Some(&unreadable), &mut |_| {})?;
        }
        show(user, visit)
    }

    /// How many templates there are.
    pub(super) fn count(&self) -> usize {
        self.people.record_count()
    }

    fn damaged(&self, id: &str, why: &str) -> StoreError {
        let record = id.escape_debug().to_string();
        StoreError::Damaged { path: self.ledger.folder().into(), record, why: why.to_owned() }
    }

    /// Removes one template of a user, or all of them with the user's misses, rules and PINs, and says how many templates there
    /// were.
    pub(super) fn remove(&mut self, user: &UserName, id: Option<&str>) -> Result<usize, StoreError> {
        let Some(ids) = self.people.records_of(user) else {
            if id.is_none() {
                self.set_misses(Some(user), Misses::default())?;
                self.forget_rules(user)?;
            }
            // Left over from a removal that failed at its end.
            self.people.erase_keys_without_records([user.clone()])?;
            return Ok(0);
        };
        let mut gone: BTreeSet<String> =
            ids.iter().filter(|one| id.is_none_or(|id| id == *one)).map(str::to_owned).collect();
        // Adapted templates count for nothing without an enrolled one. What cannot be read stays.
        if !gone.is_empty()
            && let Ok(theirs) = self.templates(Some(user))
            && theirs.iter().all(|template| template.adapted || gone.contains(&template.id))
        {
            gone.extend(theirs.into_iter().map(|template| template.id));
        }
        let mut change: Vec<_> = gone.iter().map(|id| (record::entry_key(id), None)).collect();
        if id.is_none() {
            let theirs = [self.miss_cipher.key(Some(user)), self.rule_cipher.key(Some(user))];
            let there = theirs.into_iter().filter(|key| self.ledger.in_memory(key).is_some());
            change.extend(there.map(|key| (key, None)));
        }
        if change.is_empty() {
            return Ok(0);
        }
        self.ledger.commit(change)?;
        self.people.remove_records(user, &gone)?;
        Ok(gone.len())
    }

    /// Misses of a user, or of identification for `None`.
    pub(super) fn misses(&self, user: Option<&UserName>) -> Result<Misses, StoreError> {
        self.misses_at(&self.miss_cipher.key(user), user.map_or("identification", UserName::as_str))
    }

    /// Keeps the misses of a user, or of identification for `None`.
    pub(super) fn set_misses(&mut self, user: Option<&UserName>, misses: Misses) -> Result<(), StoreError> {
        self.set_misses_at(self.miss_cipher.key(user), misses)
    }

    /// Misses of PINs.
    pub(super) fn pin_misses(&self) -> Result<Misses, StoreError> {
        self.misses_at(&self.miss_cipher.pins_key(), "PINs")
    }

    /// Keeps the misses of PINs.
    pub(super) fn set_pin_misses(&mut self, misses: Misses) -> Result<(), StoreError> {
        self.set_misses_at(self.miss_cipher.pins_key(), misses)
    }

    fn misses_at(&self, key: &[u8], whose: &str) -> Result<Misses, StoreError> {
        let Some(sealed) = self.ledger.in_memory(key) else {
            return Ok(Misses::default());
        };
        self.miss_cipher.open(key, sealed).map_err(|why| self.damaged(&format!("misses of {whose}"), &why))
    }

    fn set_misses_at(&mut self, key: Vec<u8>, misses: Misses) -> Result<(), StoreError> {
        // An entry that cannot be read is replaced by a good one.
        if self.misses_at(&key, "").is_ok_and(|before| before == misses)
            && !self.ledger.checkpoint_is_behind()
        {
            return Ok(()); // Saves the card a write.
        }
        let sealed = if misses == Misses::default() {
            None
        } else {
            let sealed = self.miss_cipher.seal(&key, &misses);
            Some(sealed.map_err(|why| StoreError::io(self.ledger.folder(), why))?)
        };
        self.ledger.put(key, sealed)
    }

    /// Makes sure that misses could be kept now.
    pub(super) fn prove_room_for_miss(&mut self) -> Result<(), StoreError> {
        self.ledger.prove_room()
    }

    /// Issues all templates again under a new key of the same kind, and says how many there are.
    pub(super) fn renew(&mut self) -> Result<usize, StoreError> {
        let spec = self.people.template_key_spec().ok_or_else(|| {
            StoreError::io(
                self.ledger.folder(),
                "the keyring does not have the key that the templates are in",
            )
        })?;
        self.renew_as(spec)
    }

    /// The keyring holds both keys until the change is on the disk.
    fn renew_as(&mut self, spec: TemplateKeySpec) -> Result<usize, StoreError> {
        let present = self.template_key().clone();
        let next = self.people.draw_template_key(spec)?;
        let id = next.id();
        let reissue = |mut template: Template| {
            template.embedding = next.apply(&present.undo(&template.embedding)?);
            Ok::<_, StoreError>((record::entry_key(&template.id), Some(self.seal(&template)?)))
        };
        let mut sealed = Vec::with_capacity(self.count());
        // One at a time, so that the opened ones are never all in memory.
        let shown = self.each_template(None, &mut |template| sealed.push(reissue(template)));
        let reissued = shown.and_then(|()| sealed.into_iter().collect::<Result<Vec<_>, StoreError>>());
        let done =
            reissued.and_then(|change| self.ledger.commit_as(change, |manifest| manifest.template_key = id));
        if done.is_ok() {
            self.people.use_template_key(next);
        }
        self.people.forget_other_template_keys()?;
        done?;
        self.ledger.forget_history().map_err(|e| {
            let why = format!("renewed, but the old change log could not be replaced: {e}");
            StoreError::io(self.ledger.folder(), why)
        })?;
        Ok(self.count())
    }

    /// Wraps everything with a new store key.
    pub(super) fn renew_store_key(&mut self, source: &KeySource) -> Result<(), StoreError> {
        self.people.renew_store_key(source)
    }

    /// How it is.
    pub(super) fn health(&self) -> Health {
        let mut notes = self.findings.notes.clone();
        notes.extend(self.ledger.set_aside_earlier().iter().map(|path| {
            format!("store: a damaged table is in {path}; remove it when you no longer need it")
        }));
        if let Ok(Some(path)) = self.ledger.damaged_log() {
            notes.push(format!(
                "store: a damaged change log is in {}, and the keys of people whose records were lost are kept for \
                 it; remove it when you no longer need it",
                path.display()
            ));
        }
        let behind = self.ledger.behind();
        let present = if behind.is_empty() { Condition::Whole } else { Condition::Behind };
        let condition = self.findings.condition.max(present);
        notes.extend(behind);
        Health { users: self.people.count(), templates: self.people.record_count(), condition, notes }
    }

    #[cfg(test)]
    pub(super) fn parts(&mut self) -> (&mut Ledger, &mut People) {
        (&mut self.ledger, &mut self.people)
    }
}

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod map_tests;
#[cfg(test)]
mod rollback_tests;
#[cfg(test)]
mod room_tests;
#[cfg(test)]
mod rules_tests;
#[cfg(test)]
mod running_tests;
