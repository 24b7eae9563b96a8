//! One job at a time for each user, so that nobody can fill the queue of the engine alone.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    /// `None` while he has one already, or `most` others have.
    pub(super) fn take(&self, whose: Whose, most: usize) -> Option<Turn> {
        let mut taken = self.taken();
        let free = taken.len() < most && taken.insert(whose);
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
        let first = turns.take(Whose::User(1000), 2);
        assert!(first.is_some() && turns.take(Whose::User(1000), 2).is_none());
        let probe = turns.take(Whose::Probe, 2);
        assert!(probe.is_some() && turns.take(Whose::User(1001), 2).is_none());
        drop(first);
        assert!(turns.take(Whose::User(1000), 2).is_some());
    }
}
