//! The rules at an attempt: asked before a frame is taken whether face unlock is switched on, and after a match whether this
//! person may come in here and now.

use std::sync::PoisonError;

use super::{Cause, Pipeline, Trace};
use crate::clock::LocalMinute;
use crate::judge::{Admission, access};
use crate::people::UserName;
use crate::people::access::{DoorName, Factor, Premises};

impl Pipeline {
    /// Fails if face unlock is switched off.
    pub(super) fn check_switched_on(&self) -> Result<(), Cause> {
        if self.store.premises()?.face { Ok(()) } else { Err(Cause::SwitchedOff) }
    }

    /// What the rules say of somebody whose face matched. A login is at no door: only whether face unlock is on matters. Where
    /// the PIN is wanted as well, one that was typed at this door a moment ago is used up; if there is none, the face is kept
    /// for it.
    pub(super) fn admission(
        &self,
        user: &UserName,
        door: Option<&DoorName>,
        login: bool,
        trace: &mut Trace,
    ) -> Result<Admission, Cause> {
        let premises = self.store.premises()?;
        if !premises.face {
            return Err(Cause::SwitchedOff);
        }
        if login {
            return Ok(Admission::Allowed(Factor::Face));
        }
        let access = self.store.access(user)?;
        let admission = access::judge(&access, &premises, door, self.local_time(&premises));
        match (admission, door) {
            (Admission::Allowed(Factor::FaceAndPin), Some(door)) => {
                let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(duress) = shown.face(door, user, self.clock.now()) else { return Ok(admission) };
                (trace.duress, trace.has_pin) = (duress, !duress);
                Ok(Admission::Allowed(Factor::Face))
            }
            _ => Ok(admission),
        }
    }

    /// Local time, if it is known.
    fn local_time(&self, premises: &Premises) -> Option<LocalMinute> {
        self.known_time.local(premises.set_at.max(self.gallery.newest())).ok()
    }
}
