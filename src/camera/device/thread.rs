//! The capture thread: opens the camera, passes on each frame, releases the camera.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::super::CameraError;
use super::capture::{Capture, Driver, RawFrame};
use super::latest::LatestFrame;
use crate::clock::Clock;

/// What a capture thread is started with.
pub(super) struct CaptureThread {
    pub(super) driver: Arc<dyn Driver>,
    pub(super) latest: Arc<LatestFrame>,
    pub(super) clock: Arc<dyn Clock>,
    /// Frames to drop first, while the camera adjusts its exposure.
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
        let mut skip = self.skip_frames;
        let mut previous: Option<Arc<RawFrame>> = None;
        while !self.latest.is_closing() {
            let read = match self.guarded(|| capture.read()) {
                Ok(None) => continue,
                Ok(Some(frame)) => Ok(Arc::new(frame)),
                Err(why @ CameraError::BadFrame { .. }) => Err(why),
                Err(why) => return Err(why),
            };
            let now = self.clock.now();
            if skip > 0 {
                skip -= 1;
                self.latest.mark_alive(now);
                continue;
            }
            let Ok(frame) = read else {
                self.latest.put(now, read);
                continue;
            };
            let repeated = previous.as_ref().is_some_and(|previous| previous.bytes == frame.bytes);
            previous = Some(Arc::clone(&frame));
            self.latest.put(now, if repeated { Err(repetition()) } else { Ok(frame) });
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

/// Sensor noise makes every exposure different, so equal bytes mean a frozen or a forged picture.
fn repetition() -> CameraError {
    CameraError::BadFrame { why: "identical to the previous frame, byte for byte".to_owned() }
}
