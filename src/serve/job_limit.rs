//! One job at a time for each user, so that nobody can fill the engine's queue alone.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// At most this many non-owner jobs may be queued or running; the remaining slots of the queue are reserved for the owner.
pub(super) const MAX_USER_JOBS: usize = 4;

/// Who may hold a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum PermitHolder {
    /// A user who is not the owner.
    User(u32),
    /// A check of the camera, which serves everybody who asks at once.
    CameraCheck,
}

/// Who has a job that is queued or running.
#[derive(Clone, Default)]
pub(super) struct JobLimit(Arc<Mutex<HashSet<PermitHolder>>>);

/// The right to have one job; given back when dropped.
pub(super) struct JobPermit {
    holder: PermitHolder,
    limit: JobLimit,
}

impl JobLimit {
    /// `None` while this holder has one already, or [`MAX_USER_JOBS`] others have.
    pub(super) fn take(&self, holder: PermitHolder) -> Option<JobPermit> {
        let mut taken = self.taken();
        let free = taken.len() < MAX_USER_JOBS && taken.insert(holder);
        free.then(|| JobPermit { holder, limit: self.clone() })
    }

    fn taken(&self) -> MutexGuard<'_, HashSet<PermitHolder>> {
        // One insertion or removal cannot be half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for JobPermit {
    fn drop(&mut self) {
        self.limit.taken().remove(&self.holder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holder_has_one_permit_and_all_together_a_few() {
        let limit = JobLimit::default();
        let first = limit.take(PermitHolder::CameraCheck);
        assert!(first.is_some() && limit.take(PermitHolder::CameraCheck).is_none());
        let others: Vec<JobPermit> =
            (1000..2000).filter_map(|uid| limit.take(PermitHolder::User(uid))).collect();
        assert_eq!(others.len(), MAX_USER_JOBS - 1);
        drop(first);
        assert!(
            limit.take(PermitHolder::User(1000)).is_none() && limit.take(PermitHolder::CameraCheck).is_some()
        );
    }
}
