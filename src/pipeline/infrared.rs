//! The infrared camera beside the first one: open with it, its frames paired with those of the first by time.
//!
//! Where one is configured, no presentation is live that it says nothing of: to cover it, to blind it or to unplug it must not
//! be a way around it.

use super::capture::Seen;
use super::{Camera, Cause};
use crate::camera::beside::Beside;
use crate::camera::{CameraError, Frame};
use crate::clock::BootTime;
use crate::detect::Detector;
use crate::detect::attack::infrared::Infrared;
use crate::detect::quality::RetryReason;
use crate::model::ModelError;

/// Grey frames that wait for a colour frame with a face; older ones are dropped.
const KEPT: usize = 6;

/// The camera, and what it gave lately.
pub(super) struct SecondCamera {
    beside: Beside,
    recent: Vec<Frame>,
    /// Frames that were taken earlier are left out.
    from: BootTime,
}

impl SecondCamera {
    /// Closed until an attempt.
    pub(super) fn new(beside: Beside) -> Self {
        Self { beside, recent: Vec::new(), from: BootTime::default() }
    }

    pub(super) fn name(&self) -> &str {
        self.beside.name()
    }

    pub(super) fn check(&self) -> Result<(), CameraError> {
        self.beside.check()
    }

    pub(super) fn close(&mut self) {
        self.beside.close();
        self.recent.clear();
    }

    /// What it saw since it was last asked.
    pub(super) fn take(&self) -> Vec<Frame> {
        self.beside.take()
    }

    /// Shows the pair that belongs to this frame, if there is one.
    pub(super) fn pair(
        &mut self,
        infrared: &mut Infrared,
        seen: &Seen,
        detector: &Detector,
    ) -> Result<(), ModelError> {
        self.recent.drain(..).for_each(|grey| infrared.add(grey));
        let Some(lit) = infrared.lit(seen.frame.taken_at()) else { return Ok(()) };
        let faces = detector.detect(lit)?;
        infrared.see(&seen.frame, &seen.face, &faces);
        Ok(())
    }
}

impl Camera {
    /// Opens the infrared camera for an attempt, and forgets what it saw before. One that has only just been opened is silent for
    /// a while.
    pub(super) fn open_infrared(&mut self) -> Result<(), Cause> {
        let Some(second) = &mut self.infrared else { return Ok(()) };
        match second.check() {
            Ok(()) | Err(CameraError::Silent { .. }) => {}
            Err(why) => return Err(Cause::Camera(why.to_string())),
        }
        second.beside.take();
        second.recent.clear();
        Ok(())
    }

    /// What it saw before that moment says nothing any more.
    pub(super) fn forget_infrared(&mut self, before: BootTime) {
        let Some(SecondCamera { recent, from, .. }) = &mut self.infrared else { return };
        recent.clear();
        *from = before;
    }

    /// Keeps what it saw until a colour frame was taken. Asked at each, before any work on that.
    pub(super) fn keep_infrared(&mut self, frames: Vec<Frame>) {
        let Some(SecondCamera { recent, from, .. }) = &mut self.infrared else { return };
        recent.extend(frames.into_iter().filter(|grey| grey.taken_at() >= *from));
        recent.drain(..recent.len().saturating_sub(KEPT));
    }

    /// Why it says nothing: it gives no frames, or they do not show the face.
    pub(super) fn infrared_problem(&self) -> Cause {
        let fault = self.infrared.as_ref().and_then(|second| second.beside.fault());
        fault.map_or(Cause::Retry(RetryReason::NoInfrared), |why| Cause::Camera(why.to_string()))
    }
}
