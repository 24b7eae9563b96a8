//! A match whose grant is at the latch.

use facelatch_wire::reply::{Event, Judging, LatchState};
use tokio::sync::oneshot;

use crate::latch::LatchError;
use crate::latch::thread::Waiting;
use crate::serve::recorder::Recorder;

/// A match whose grant is at the latch.
pub(super) struct Matched {
    pub(super) judging: Judging,
    pub(super) event: Event,
    pub(super) caller_uid: u32,
    pub(super) end: oneshot::Sender<Judging>,
    pub(super) recorder: Recorder,
}

impl Waiting for Matched {
    fn waits(&self) -> bool {
        !self.end.is_closed()
    }

    fn done(self: Box<Self>, opened: Result<(), LatchError>) {
        let Self { mut judging, mut event, caller_uid, end, recorder } = *self;
        event.latch = Some(if opened.is_ok() { LatchState::Opened } else { LatchState::Failed });
        if let Err(error) = opened {
            tracing::error!(user = event.user, "{error}");
            judging.latch_error = Some(error.to_string());
        }
        recorder.record_and_announce(event, caller_uid);
        // The caller may have gone.
        let _ = end.send(judging);
    }
}
