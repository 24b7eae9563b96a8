//! One job at a time for each user, so that nobody can fill the queue of the engine alone.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many jobs of users who are not the owner may wait and run; the queue has room for more, so he always finds some.
pub(super) const MOST: usize = 4;

/// Whose jobs are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Whose {
    /// Those of a user who is not the owner.
    User(u32),
    /// Looks for the camera, whoever asked: one serves all.
    Probe,
}

/// Who has a job that waits or runs.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Mutex<HashSet<Whose>>>);

/// A turn taken; given back when dropped.
pub(super) struct Turn {
    whose: Whose,
    turns: Turns,
}

impl Turns {
    /// `None` while he has one already, or [`MOST`] others have.
    pub(super) fn take(&self, whose: Whose) -> Option<Turn> {
        let mut taken = self.taken();
        let free = taken.len() < MOST && taken.insert(whose);
        free.then(|| Turn { whose, turns: self.clone() })
    }

    fn taken(&self) -> MutexGuard<'_, HashSet<Whose>> {
        // One insertion or removal cannot be half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.taken().remove(&self.whose);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_one_turn_and_all_together_so_many() {
        let turns = Turns::default();
        let first = turns.take(Whose::Probe);
        assert!(first.is_some() && turns.take(Whose::Probe).is_none());
        let others: Vec<Turn> = (1000..2000).filter_map(|uid| turns.take(Whose::User(uid))).collect();
        assert_eq!(others.len(), MOST - 1);
        drop(first);
        assert!(turns.take(Whose::User(1000)).is_none() && turns.take(Whose::Probe).is_some());
    }
}
