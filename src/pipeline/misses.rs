//! The lockout around an attempt: asked before, written after.

use super::{Cause, DenyReason, Pipeline};
use crate::judge::{CurrentMisses, Whose};
use crate::people::UserName;
use crate::store::StoreError;

/// How an attempt went that was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tried {
    /// The face matched.
    Match,
    /// It did not.
    Miss,
    /// It was not taken for a live face.
    Attack,
}

impl Pipeline {
    /// The lockout in force for `user`, or for identification if `None`.
    pub(super) fn locked_out(&mut self, user: Option<&UserName>) -> Result<Option<DenyReason>, StoreError> {
        let current = self.current_misses(user)?;
        let until = self.rules.lockout.admit(whose(user), current).err();
        Ok(until.map(|until| DenyReason::LockedOut { until, user: user.cloned() }))
    }

    /// Fails if `user` was removed during the capture. Where the store cannot tell, what was tried is counted before that is
    /// told: no attempt is judged for nothing.
    pub(super) fn check_not_removed(
        &mut self,
        user: &UserName,
        (claimed, tried): (Option<&UserName>, Tried),
    ) -> Result<(), Cause> {
        match self.was_removed(user) {
            Ok(false) => Ok(()),
            Ok(true) => Err(Cause::NotEnrolled),
            Err(why) => {
                if tried != Tried::Match {
                    self.keep_misses(claimed, tried)?;
                }
                Err(why.into())
            }
        }
    }

    /// Whether the last template of `user` was removed during the capture, or they were enrolled for another account.
    fn was_removed(&self, user: &UserName) -> Result<bool, StoreError> {
        if self.gallery.has_revision(self.store.revision()) {
            return Ok(false);
        }
        let account = self.gallery.account(user);
        let templates = self.store.templates(Some(user))?;
        Ok(templates.iter().all(|template| template.adapted || template.account != account))
    }

    /// Counts a miss or an attack, or ends the counts in a row after a match: those of the claimed user, if there is one, and
    /// those of everybody.
    pub(super) fn keep_misses(&mut self, claimed: Option<&UserName>, tried: Tried) -> Result<(), StoreError> {
        let mut kept = Ok(());
        for user in claimed.map(Some).into_iter().chain([None]) {
            let (current, own) = (self.current_misses(user)?, user == claimed);
            let (lockout, wall) = (&self.rules.lockout, self.clock.wall());
            let misses = match tried {
                Tried::Match => current.after_match(),
                Tried::Miss => lockout.after_miss(whose(user), own, current, wall),
                Tried::Attack => lockout.after_attack(whose(user), own, current, wall),
            };
            // Both, even if the first one fails.
            kept = kept.and(self.store.set_misses(user, misses));
        }
        kept
    }

    fn current_misses(&mut self, user: Option<&UserName>) -> Result<CurrentMisses, StoreError> {
        let misses = self.store.misses(user)?;
        Ok(self.ages.current(user, misses, (self.clock.now(), self.clock.wall())))
    }
}

fn whose(user: Option<&UserName>) -> Whose {
    user.map_or(Whose::Everybody, |_| Whose::User)
}
