//! The latest frame, from the capture thread to whoever asks: one slot, a newer frame displaces the old.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::CameraError;
use super::super::wait::NAP;
use super::capture::Shot;
use crate::clock::{BootTime, Clock};

/// What the capture thread has to say of one frame: the frame, or why it is refused.
pub(super) type Letter = Result<Arc<Shot>, CameraError>;

pub(super) struct Mailbox {
    slot: Mutex<Slot>,
    news: Condvar,
}

struct Slot {
    latest: Option<(BootTime, Letter)>,
    /// When the camera last gave a sign of life; at first, when the thread began.
    alive_at: BootTime,
    closing: bool,
    /// Set once the thread has let go of the device; holds why, unless it was told to.
    ended: Option<Option<CameraError>>,
}

/// Why there was no letter.
pub(super) enum NoLetter {
    /// The deadline passed.
    Late,
    /// The thread is gone, and the device with it.
    Ended(Option<CameraError>),
}

impl Mailbox {
    pub(super) fn new(now: BootTime) -> Self {
        let slot = Slot { latest: None, alive_at: now, closing: false, ended: None };
        Self { slot: Mutex::new(slot), news: Condvar::new() }
    }

    /// A thread that panicked while it held the lock left the slot whole: each change is one assignment.
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Capture thread: a frame came and is skipped.
    pub(super) fn alive(&self, now: BootTime) {
        self.lock().alive_at = now;
    }

    /// Capture thread: a frame came, good or bad.
    pub(super) fn put(&self, now: BootTime, letter: Letter) {
        let mut slot = self.lock();
        slot.alive_at = now;
        slot.latest = Some((now, letter));
        self.news.notify_all();
    }

    /// Capture thread: the device is released; `why` unless it was told to close.
    pub(super) fn end(&self, why: Option<CameraError>) {
        let mut slot = self.lock();
        slot.latest = None;
        slot.ended = Some(why);
        self.news.notify_all();
    }

    /// Capture thread: whether to stop.
    pub(super) fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// Tells the capture thread to stop after the read it is in.
    pub(super) fn close(&self) {
        self.lock().closing = true;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.lock().ended.is_some()
    }

    pub(super) fn alive_at(&self) -> BootTime {
        self.lock().alive_at
    }

    /// Waits by the system's clock until the thread has released the device; `false` after `limit`.
    pub(super) fn wait_for_end(&self, limit: Duration) -> bool {
        let waited = self.news.wait_timeout_while(self.lock(), limit, |slot| slot.ended.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.ended.is_some()
    }

    /// The first letter that arrived after `since`; older ones are thrown away.
    pub(super) fn take(
        &self,
        since: BootTime,
        deadline: BootTime,
        clock: &dyn Clock,
    ) -> Result<(BootTime, Letter), NoLetter> {
        let mut slot = self.lock();
        loop {
            match slot.latest.take() {
                Some((at, letter)) if at > since => return Ok((at, letter)),
                _ => {}
            }
            if let Some(why) = &slot.ended {
                return Err(NoLetter::Ended(why.clone()));
            }
            let left = deadline.since(clock.now());
            if left.is_zero() {
                return Err(NoLetter::Late);
            }
            slot = self.news.wait_timeout(slot, left.min(NAP)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
