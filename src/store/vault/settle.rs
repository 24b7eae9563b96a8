//! After opening: whose records are whose, for which embedder and turn; leftovers of a crash are cleared away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Inner, MISSES, Opening, RECORD};
use crate::people::UserName;
use crate::store::keyring::Keyring;
use crate::store::record::{Envelope, Place};
use crate::store::v1::OldStore;
use crate::store::{Condition, StoreError};

/// Whether an entry is a record that opens in this place.
pub(super) fn opens(keyring: &Keyring, key: &[u8], value: &[u8], place: Place<'_>) -> bool {
    let id = key.strip_prefix(&[RECORD]).and_then(|id| std::str::from_utf8(id).ok());
    let opened = id.zip(Envelope::parse(value).ok()).and_then(|(id, envelope)| {
        let (user, key) = (keyring.user_of(&envelope.key)?, keyring.key(&envelope.key)?);
        envelope.open(&key, id, user, place).ok()
    });
    opened.is_some()
}

impl Inner {
    /// Makes a verified state ready for use.
    pub(super) fn settle(&mut self, opening: &Opening<'_>) -> Result<(), StoreError> {
        self.drop_what_nobody_can_open()?;
        self.erase_keys_without_records()?;
        self.suit(opening)?;
        self.forget_other_turns()
    }

    /// Fills `people`. A record without a key is that of a removed user in an older generation, or its key is lost;
    /// one in a turn whose key was destroyed is from before a renewal.
    fn drop_what_nobody_can_open(&mut self) -> Result<(), StoreError> {
        let known_turn = self.keyring.has_turn(&self.manifest.turn);
        // Else all of it was verified already.
        let unsure = self.condition == Condition::Lossy;
        let place = self.place(&self.manifest.turn);
        let (mut people, mut lost) = (BTreeMap::<_, BTreeSet<_>>::new(), Vec::new());
        for (key, value) in &self.entries {
            if key.first() == Some(&MISSES) {
                continue;
            }
            let id = key.strip_prefix(&[RECORD]).and_then(|id| std::str::from_utf8(id).ok());
            let user = Envelope::parse(value).ok().and_then(|envelope| self.keyring.user_of(&envelope.key));
            match (id, user) {
                (Some(id), Some(user))
                    if known_turn && (!unsure || opens(&self.keyring, key, value, place)) =>
                {
                    people.entry(user.clone()).or_default().insert(id.to_owned());
                }
                _ => lost.push((key.clone(), None)),
            }
        }
        self.people = people;
        if lost.is_empty() {
            return Ok(());
        }
        let count = lost.len();
        self.commit(lost)?;
        self.condition = Condition::Lossy;
        self.notes.push(format!(
            "store: {count} templates could not be opened any more and were dropped; enrol those people again"
        ));
        Ok(())
    }

    /// Embedder and turn are those of the networks that are loaded.
    fn suit(&mut self, opening: &Opening<'_>) -> Result<(), StoreError> {
        let made_for = self.manifest.embedder_sha256.clone();
        let same = made_for == opening.embedder_sha256;
        let loaded = opening.embedder_sha256.to_owned();
        if !same && !self.people.is_empty() {
            return Err(StoreError::OtherEmbedder { path: self.path.clone(), made_for, loaded });
        }
        let suits = self.turn_key().is_ok_and(|turn| turn == opening.turn);
        if suits && same {
            return Ok(());
        }
        if !self.people.is_empty() {
            // The head was replaced by one of the other sort.
            let count = self.renew(opening.turn)?;
            tracing::info!("store: {count} templates were renewed, for another kind of head");
            return Ok(());
        }
        let disk = self.disk.clone();
        let key = super::TurnKey::random(opening.turn);
        let turn = key.draw();
        self.keyring.change(&*disk, |header| header.turns = vec![key.clone()])?;
        self.commit_as(Vec::new(), |manifest| {
            manifest.turn = turn.id();
            manifest.embedder_sha256 = loaded;
        })?;
        self.turn = Arc::new(turn);
        Ok(())
    }

    /// Everything of a store of the first schema. What is there already was taken over before a crash.
    pub(super) fn take_over(&mut self, old: &OldStore) -> Result<(), StoreError> {
        if let Some(made_for) = old.templates.first().map(|t| &t.embedder_sha256)
            && *made_for != self.manifest.embedder_sha256
        {
            let (made_for, loaded) = (made_for.clone(), self.manifest.embedder_sha256.clone());
            return Err(StoreError::OtherEmbedder { path: self.path.clone(), made_for, loaded });
        }
        let turn = self.turn.clone();
        let mut templates = old.templates.clone();
        templates.iter_mut().for_each(|template| template.embedding = turn.apply(&template.embedding));
        self.add(&templates)?;
        for (user, attempts) in &old.attempts {
            self.set_attempts(user.as_ref().map(|user: &UserName| user), *attempts)?;
        }
        tracing::info!("store: {} templates of an older version were sealed", templates.len());
        Ok(())
    }
}
