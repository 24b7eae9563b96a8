//! The enrolled templates in memory, read anew when the store has changed.

use std::collections::BTreeMap;

use crate::embed::Embedding;
use crate::judge::UserName;
use crate::store::{StoreError, TemplateStore};

/// Everybody's embeddings as of one revision of the store.
#[derive(Default)]
pub(super) struct Gallery {
    revision: Option<u64>,
    people: BTreeMap<UserName, Vec<Embedding>>,
}

impl Gallery {
    /// Reads the store if it has changed since the last time.
    pub(super) fn refresh(&mut self, store: &dyn TemplateStore) -> Result<(), StoreError> {
        // Asked before reading: a change in between makes the next call read again.
        let revision = store.revision();
        if self.revision == Some(revision) {
            return Ok(());
        }
        let mut people: BTreeMap<UserName, Vec<Embedding>> = BTreeMap::new();
        for template in store.templates(None)? {
            people.entry(template.user).or_default().push(template.embedding);
        }
        *self = Self { revision: Some(revision), people };
        Ok(())
    }

    /// The templates of one user; none for somebody who is not enrolled.
    pub(super) fn of(&self, user: &UserName) -> &[Embedding] {
        self.people.get(user).map_or(&[], Vec::as_slice)
    }

    /// Everybody, by name.
    pub(super) fn people(&self) -> &BTreeMap<UserName, Vec<Embedding>> {
        &self.people
    }
}
