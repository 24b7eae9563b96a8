//! The enrolled templates in memory, with the head for their key; read again when the store has changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::embed::{KeyedEmbedding, TemplateKey};
use crate::head::{Head, KeyedHead};
use crate::people::UserName;
use crate::store::{StoreError, TemplateStore};

/// Everybody's templates as of one revision of the store.
pub(super) struct Gallery {
    revision: Option<u64>,
    key: Arc<TemplateKey>,
    head: KeyedHead,
    people: BTreeMap<UserName, Vec<KeyedEmbedding>>,
}

impl Gallery {
    /// Nobody yet, and no secret key.
    pub(super) fn new(head: &Head) -> Self {
        let key = TemplateKey::identity();
        Self { revision: None, head: head.for_key(&key), key: Arc::new(key), people: BTreeMap::new() }
    }

    /// Reads the store if it has changed since the last time.
    pub(super) fn refresh(&mut self, store: &dyn TemplateStore, head: &Head) -> Result<(), StoreError> {
        if self.has_revision(store.revision()) {
            return Ok(());
        }
        let snapshot = store.snapshot()?;
        if snapshot.template_key.id() != self.key.id() {
            self.head = head.for_key(&snapshot.template_key);
        }
        self.people.clear();
        for template in snapshot.templates {
            self.people.entry(template.user).or_default().push(template.embedding);
        }
        (self.revision, self.key) = (Some(snapshot.revision), snapshot.template_key);
        Ok(())
    }

    /// Whether these are the templates of this revision of the store.
    pub(super) fn has_revision(&self, revision: u64) -> bool {
        self.revision == Some(revision)
    }

    /// The key that probes need before they are compared with anything here.
    pub(super) fn key(&self) -> &TemplateKey {
        &self.key
    }

    /// The head for this key.
    pub(super) fn head(&self) -> &KeyedHead {
        &self.head
    }

    /// The templates of one user; none if they are not enrolled.
    pub(super) fn of(&self, user: &UserName) -> &[KeyedEmbedding] {
        self.people.get(user).map_or(&[], Vec::as_slice)
    }

    /// Everybody, by name.
    pub(super) fn people(&self) -> &BTreeMap<UserName, Vec<KeyedEmbedding>> {
        &self.people
    }
}
