//! The enrolled templates in memory, read anew when the store has changed, with a head that is turned as they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::embed::{Embedding, Turn};
use crate::head::Head;
use crate::people::UserName;
use crate::store::{StoreError, TemplateStore};

/// Everybody's embeddings as of one revision of the store.
pub(super) struct Gallery {
    revision: Option<u64>,
    turn: Arc<Turn>,
    head: Head,
    people: BTreeMap<UserName, Vec<Embedding>>,
}

impl Gallery {
    /// Nobody yet, and nothing turned.
    pub(super) fn new(head: &Head) -> Self {
        Self { revision: None, turn: Arc::new(Turn::none()), head: head.clone(), people: BTreeMap::new() }
    }

    /// Reads the store if it has changed since the last time; `head` is the one for faces that are not turned.
    pub(super) fn refresh(&mut self, store: &dyn TemplateStore, head: &Head) -> Result<(), StoreError> {
        if self.is_as_of(store.revision()) {
            return Ok(());
        }
        let snapshot = store.snapshot()?;
        if snapshot.turn.id() != self.turn.id() {
            self.head = head.turned(&snapshot.turn);
        }
        self.people.clear();
        for template in snapshot.templates {
            self.people.entry(template.user).or_default().push(template.embedding);
        }
        (self.revision, self.turn) = (Some(snapshot.revision), snapshot.turn);
        Ok(())
    }

    /// Whether it is what the store has at this revision.
    pub(super) fn is_as_of(&self, revision: u64) -> bool {
        self.revision == Some(revision)
    }

    /// What a face must go through before it is compared with anything here.
    pub(super) fn turn(&self) -> &Turn {
        &self.turn
    }

    /// Scores turned faces as the loaded head scores faces.
    pub(super) fn head(&self) -> &Head {
        &self.head
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
