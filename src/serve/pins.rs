//! PINs typed at doors: whose one is, whether it opens, and the misses. Each is hashed for a while in 7 MiB of memory: on a
//! thread of the pool, one at a time, so that it delays neither the engine nor another caller's conversation.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use facelatch_wire::Fault;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::fault::too_many_pins;
use crate::clock::{Clock, KnownTime};
use crate::config::Lockout;
use crate::judge::lockout::Ages;
use crate::judge::pin::{PinVerdict, Shown, holder, judge};
use crate::judge::{LockedOut, Whose};
use crate::people::access::{DoorName, PinHash};
use crate::people::{Pin, UserName};
use crate::store::{StoreError, TemplateStore};

/// Judges PINs and sets them.
pub(super) struct Pins {
    store: Arc<dyn TemplateStore>,
    clock: Arc<dyn Clock>,
    lockout: Lockout,
    known_time: KnownTime,
    ages: Mutex<Ages>,
    /// Faces and PINs that wait for the other at a door; the pipeline's as well.
    shown: Arc<Mutex<Shown>>,
    turn: Arc<Semaphore>,
}

/// A PIN that was judged.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// After too many misses, it was not looked at.
    LockedOut(LockedOut),
    /// What it leads to, and whose it is.
    Verdict { verdict: PinVerdict, user: Option<UserName>, duress: bool },
}

impl Judged {
    /// A PIN that nobody has.
    pub(super) fn nobodys() -> Self {
        Self::Verdict { verdict: PinVerdict::NoMatch, user: None, duress: false }
    }

    /// Whether it was somebody's for duress, whatever it led to.
    pub(super) fn is_duress(&self) -> bool {
        matches!(self, Self::Verdict { duress: true, .. })
    }
}

/// Why a PIN was not set.
#[derive(Debug, thiserror::Error)]
pub(super) enum SetError {
    #[error("PIN: somebody has this one already; choose another")]
    Taken,
    #[error("user {0}: has no PIN; set that one before the one for duress")]
    NoPin(UserName),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Hash(String),
}

impl Pins {
    /// `shown` is the pipeline's as well.
    pub(super) fn new(
        lockout: Lockout,
        store: Arc<dyn TemplateStore>,
        (clock, known_time): (Arc<dyn Clock>, KnownTime),
        shown: Arc<Mutex<Shown>>,
    ) -> Self {
        Self {
            store,
            clock,
            lockout,
            known_time,
            ages: Mutex::default(),
            shown,
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// Waits until no other PIN is hashed. Whoever hashes keeps the permit until they are done.
    ///
    /// # Errors
    /// [`Fault::Busy`].
    pub(super) async fn turn(&self, patience: Duration) -> Result<OwnedSemaphorePermit, Fault> {
        match tokio::time::timeout(patience, self.turn.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(too_many_pins()),
        }
    }

    /// Judges a PIN that was typed at a door. Its miss is on the disk when this returns.
    ///
    /// # Errors
    /// Text. Then nothing was judged, or nobody learns how.
    pub(super) fn judge(&self, door: &DoorName, pin: &Pin) -> Result<Judged, String> {
        let failed = |error: StoreError| error.to_string();
        let mut ages = self.ages.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (self.clock.now(), self.clock.wall());
        let current = ages.current(None, self.store.pin_misses().map_err(failed)?, now);
        if let Err(until) = self.lockout.admit(Whose::User, current) {
            return Ok(Judged::LockedOut(until));
        }
        self.store.prove_room_for_miss().map_err(failed)?;
        let hash = self.store.pin_hasher().hash(pin)?;
        let people = self.store.all_access().map_err(failed)?;
        let Some(holder) = holder(&people, hash) else {
            let misses = self.lockout.after_miss(Whose::User, true, current, self.clock.wall());
            self.store.set_pin_misses(misses).map_err(failed)?;
            return Ok(Judged::nobodys());
        };
        let premises = self.store.premises().map_err(failed)?;
        let now = self.clock.now();
        let face_seen = || self.shown().pin(door, holder.user, holder.duress, now);
        let time = self.known_time.local(self.store.newest().map_err(failed)?).ok();
        let verdict = judge(holder, &premises, door, time, face_seen);
        if verdict == PinVerdict::Match {
            self.store.set_pin_misses(current.after_anybodys_match()).map_err(failed)?;
        }
        Ok(Judged::Verdict { verdict, user: Some(holder.user.clone()), duress: holder.duress })
    }

    /// Sets a PIN, or the one for duress.
    ///
    /// # Errors
    /// [`SetError`].
    pub(super) fn set(&self, user: &UserName, duress: bool, pin: &Pin) -> Result<(), SetError> {
        let people = self.store.all_access()?;
        if duress && people.get(user).is_none_or(|access| access.pin.is_none()) {
            return Err(SetError::NoPin(user.clone()));
        }
        let hash = self.store.pin_hasher().hash(pin).map_err(SetError::Hash)?;
        // Their own for the same purpose is no other.
        let is_taken =
            holder(&people, hash).is_some_and(|holder| holder.user != user || holder.duress != duress);
        if is_taken {
            return Err(SetError::Taken);
        }
        self.change(user, duress, Some(hash))?;
        Ok(())
    }

    /// Takes both PINs of a person away, or the one for duress alone; whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn remove(&self, user: &UserName, duress: bool) -> Result<bool, StoreError> {
        let before = self.store.access(user)?;
        let had = if duress { before.duress } else { before.pin };
        if had.is_some() {
            self.change(user, duress, None)?;
        }
        Ok(had.is_some())
    }

    fn change(&self, user: &UserName, duress: bool, hash: Option<PinHash>) -> Result<(), StoreError> {
        self.store.change_access(user, self.clock.wall(), &mut |access| {
            if duress {
                access.duress = hash;
            } else {
                access.pin = hash;
                // Without a PIN there is none to be told from.
                access.duress = access.duress.filter(|_| hash.is_some());
            }
        })
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        // Each change is one step.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
