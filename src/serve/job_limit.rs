//! One job at a time for each user, so that nobody can fill the engine's queue alone.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// At most this many non-owner jobs may be queued or running; the remaining slots of the queue are reserved for the owner.
pub(super) const MOST: usize = 4;

/// Whose jobs are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum JobOwner {
    /// A user who is not the owner.
    User(u32),
    /// Nobody: a check of the camera, which serves all who ask at once.
    Probe,
}

/// Who has a job that is queued or running.
#[derive(Clone, Default)]
pub(super) struct JobLimit(Arc<Mutex<HashSet<JobOwner>>>);

/// The right to have one job; given back when dropped.
pub(super) struct JobPermit {
    owner: JobOwner,
    limit: JobLimit,
}

impl JobLimit {
    /// `None` while this owner has one already, or [`MOST`] others have.
    pub(super) fn take(&self, owner: JobOwner) -> Option<JobPermit> {
        let mut taken = self.taken();
        let free = taken.len() < MOST && taken.insert(owner);
        free.then(|| JobPermit { owner, limit: self.clone() })
    }

    fn taken(&self) -> MutexGuard<'_, HashSet<JobOwner>> {
        // One insertion or removal cannot be half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for JobPermit {
    fn drop(&mut self) {
        self.limit.taken().remove(&self.owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_owner_has_one_permit_and_all_together_a_few() {
        let limit = JobLimit::default();
        let first = limit.take(JobOwner::Probe);
        assert!(first.is_some() && limit.take(JobOwner::Probe).is_none());
        let others: Vec<JobPermit> = (1000..2000).filter_map(|uid| limit.take(JobOwner::User(uid))).collect();
        assert_eq!(others.len(), MOST - 1);
        drop(first);
        assert!(limit.take(JobOwner::User(1000)).is_none() && limit.take(JobOwner::Probe).is_some());
    }
}
