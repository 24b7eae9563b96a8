//! The latest frame, handed from the capture thread to the reader: one slot, a newer frame replaces an older one. The
//! reader says what it wants, so that nothing is copied for nobody.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::CameraError;
use super::super::grey::Grey;
use super::super::wait::POLL_INTERVAL;
use super::capture::RawFrame;
use crate::clock::{BootTime, Clock};

/// What is made of a frame.
pub(super) enum Picture {
    /// All of it.
    Whole(Arc<RawFrame>),
    /// As little as moving things are noticed in.
    Glance(Grey),
}

/// One picture, or why it was refused.
pub(super) type CaptureResult = Result<Picture, CameraError>;

/// What the reader wants of the next frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// All of it, and of those that follow.
    Whole,
    /// A glance, and nothing of those that follow.
    Glance,
    /// Only that it came.
    Nothing,
}

impl Want {
    fn fits(self, picture: &CaptureResult) -> bool {
        match picture {
            Ok(Picture::Whole(_)) => self == Self::Whole,
            Ok(Picture::Glance(_)) => self == Self::Glance,
            Err(_) => true,
        }
    }
}

/// What the capture thread and the reader share.
pub(super) struct LatestFrame {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    want: Want,
    latest: Option<(BootTime, CaptureResult)>,
    /// When the last frame came, usable or not; at first, when the thread was started.
    alive_at: BootTime,
    closing: bool,
    /// Set once the thread has released the device; holds the reason, unless it was told to close.
    ended: Option<Option<CameraError>>,
}

/// Why there is no frame.
pub(super) enum NoFrame {
    /// The deadline passed.
    Timeout,
    /// The thread has ended and released the device.
    Ended(Option<CameraError>),
}

impl LatestFrame {
    pub(super) fn new(now: BootTime) -> Self {
        let state = State { want: Want::Whole, latest: None, alive_at: now, closing: false, ended: None };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// A thread that panicked with the lock held left the state whole: each change is one assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change, for at most `limit` and no longer than until the clock is due to be read again.
    fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        let limit = limit.min(POLL_INTERVAL);
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Capture thread: a frame came and was skipped.
    pub(super) fn mark_alive(&self, now: BootTime) {
        self.lock().alive_at = now;
    }

    /// Capture thread: what to make of a frame that came now.
    pub(super) fn wanted(&self) -> Want {
        self.lock().want
    }

    /// Capture thread: a frame came that is wanted.
    pub(super) fn put(&self, now: BootTime, frame: CaptureResult) {
        let mut state = self.lock();
        state.alive_at = now;
        if matches!(frame, Ok(Picture::Glance(_))) && state.want == Want::Glance {
            state.want = Want::Nothing;
        }
        state.latest = Some((now, frame));
        self.changed.notify_all();
    }

    /// Capture thread: the device is released; `why` is `None` when the thread was told to close.
    pub(super) fn end(&self, why: Option<CameraError>) {
        let mut state = self.lock();
        state.latest = None;
        state.ended = Some(why);
        self.changed.notify_all();
    }

    /// Capture thread: whether to stop.
    pub(super) fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// Tells the capture thread to stop after the current read.
    pub(super) fn close(&self) {
        self.lock().closing = true;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.lock().ended.is_some()
    }

    pub(super) fn alive_at(&self) -> BootTime {
        self.lock().alive_at
    }

    /// Waits until the thread has released the device; `false` at `deadline`.
    pub(super) fn wait_for_end(&self, deadline: BootTime, clock: &dyn Clock) -> bool {
        let mut state = self.lock();
        while state.ended.is_none() {
            let left = deadline.since(clock.now());
            if left.is_zero() {
                return false;
            }
            state = self.wait(state, left);
        }
        true
    }

    /// Waits for a picture of this kind that came after `since`; others are dropped.
    pub(super) fn take(
        &self,
        want: Want,
        since: BootTime,
        deadline: BootTime,
        clock: &dyn Clock,
    ) -> Result<(BootTime, CaptureResult), NoFrame> {
        let mut state = self.lock();
        state.want = want;
        loop {
            match state.latest.take() {
                Some((at, frame)) if at > since && want.fits(&frame) => return Ok((at, frame)),
                _ => {}
            }
            if let Some(why) = &state.ended {
                return Err(NoFrame::Ended(why.clone()));
            }
            let left = deadline.since(clock.now());
            if left.is_zero() {
                return Err(NoFrame::Timeout);
            }
            state = self.wait(state, left);
        }
    }
}
