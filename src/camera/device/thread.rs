//! The capture thread: opens the camera, passes on each frame, releases the camera.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::super::CameraError;
use super::capture::{Capture, Driver, RawFrame, View};
use super::exposure::Exposure;
use super::latest::{CaptureResult, LatestFrame, Picture, Want};
use crate::clock::Clock;

/// What a capture thread is started with.
pub(super) struct CaptureThread {
    pub(super) driver: Arc<dyn Driver>,
    pub(super) latest: Arc<LatestFrame>,
    pub(super) clock: Arc<dyn Clock>,
    /// Frames to drop first at most, while the camera adjusts its exposure.
    pub(super) skip_frames: u32,
    pub(super) camera: String,
}

impl CaptureThread {
    /// Runs until told to close or until the camera fails, and reports the end after the device is released.
    pub(super) fn run(self) {
        let why = match self.guarded(|| self.driver.open()) {
            Ok(mut capture) => {
                let why = self.capture(capture.as_mut()).err();
                // v4l panics when a failing device refuses to stop streaming.
                let dropped = self.guarded(|| {
                    drop(capture);
                    Ok(())
                });
                why.or(dropped.err())
            }
            Err(why) => Some(why),
        };
        self.latest.end(why);
    }

    fn capture(&self, capture: &mut dyn Capture) -> Result<(), CameraError> {
        let mut exposure = Exposure::new(self.skip_frames);
        let mut previous: Option<Arc<RawFrame>> = None;
        while !self.latest.is_closing() {
            let mut seen = None;
            let read = self.guarded(|| {
                capture.read(&mut |view| {
                    let settled = exposure.is_settled(|| view.glance().ok());
                    let want = if settled { self.latest.wanted() } else { Want::Nothing };
                    seen = Some(picture(view, want, &mut previous));
                })
            });
            let seen = match (read, seen) {
                (Ok(()), Some(seen)) => seen,
                (Ok(()), None) => continue,
                (Err(why @ CameraError::BadFrame { .. }), _) => {
                    exposure.is_settled(|| None).then_some(Err(why))
                }
                (Err(why), _) => return Err(why),
            };
            let now = self.clock.now();
            match seen {
                Some(picture) => self.latest.put(now, picture),
                None => self.latest.mark_alive(now),
            }
        }
        Ok(())
    }

    /// Turns a panic in v4l or nokhwa into an error.
    fn guarded<T>(&self, work: impl FnOnce() -> Result<T, CameraError>) -> Result<T, CameraError> {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
            let why = "its driver library panicked".to_owned();
            Err(CameraError::Driver { camera: self.camera.clone(), why })
        })
    }
}

/// What is wanted of a frame; `previous` is the last one that was wanted whole.
fn picture(view: View<'_>, want: Want, previous: &mut Option<Arc<RawFrame>>) -> Option<CaptureResult> {
    match want {
        Want::Nothing => None,
        Want::Glance => Some(view.glance().map(Picture::Glance)),
        Want::Whole => Some(view.copied().and_then(|frame| {
            let frame = Arc::new(frame);
            let last = previous.replace(Arc::clone(&frame));
            if last.is_some_and(|last| last.bytes == frame.bytes) {
                return Err(repetition());
            }
            Ok(Picture::Whole(frame))
        })),
    }
}

/// Sensor noise makes every exposure different, so equal bytes mean a frozen or a forged picture.
fn repetition() -> CameraError {
    CameraError::BadFrame { why: "identical to the previous frame, byte for byte".to_owned() }
}
