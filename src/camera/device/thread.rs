//! The capture thread: opens the camera, puts each frame into the [`Mailbox`], lets go of the camera.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::super::CameraError;
use super::capture::{Capture, Driver, Shot};
use super::mailbox::Mailbox;
use crate::clock::Clock;

/// What one capture thread is started with.
pub(super) struct Job {
    pub(super) driver: Arc<dyn Driver>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) clock: Arc<dyn Clock>,
    /// Frames to throw away first, while the camera finds its exposure.
    pub(super) skip: u32,
    pub(super) camera: String,
}

impl Job {
    /// Runs until told to close, or until the camera fails; the device is released before it says so.
    pub(super) fn run(self) {
        let why = match self.guarded(|| self.driver.open()) {
            Ok(mut capture) => {
                let why = self.capture(capture.as_mut()).err();
                // v4l panics when a sick device does not let itself be stopped.
                let dropped = self.guarded(|| {
                    drop(capture);
                    Ok(())
                });
                why.or(dropped.err())
            }
            Err(why) => Some(why),
        };
        self.mailbox.end(why);
    }

    fn capture(&self, capture: &mut dyn Capture) -> Result<(), CameraError> {
        let mut skip = self.skip;
        let mut before: Option<Arc<Shot>> = None;
        while !self.mailbox.is_closing() {
            let letter = match self.guarded(|| capture.read()) {
                Ok(None) => continue,
                Ok(Some(shot)) => Ok(Arc::new(shot)),
                Err(why @ CameraError::BadFrame { .. }) => Err(why),
                Err(why) => return Err(why),
            };
            let now = self.clock.now();
            if skip > 0 {
                skip -= 1;
                self.mailbox.alive(now);
                continue;
            }
            let Ok(shot) = letter else {
                self.mailbox.put(now, letter);
                continue;
            };
            let repeated = before.as_ref().is_some_and(|before| before.bytes == shot.bytes);
            before = Some(Arc::clone(&shot));
            self.mailbox.put(now, if repeated { Err(repetition()) } else { Ok(shot) });
        }
        Ok(())
    }

    /// A panic in v4l or nokhwa as an error like any other.
    fn guarded<T>(&self, work: impl FnOnce() -> Result<T, CameraError>) -> Result<T, CameraError> {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
            let why = "its driver library panicked".to_owned();
            Err(CameraError::Driver { camera: self.camera.clone(), why })
        })
    }
}

/// Sensor noise makes no two exposures alike, so equal bytes are a frozen or a forged picture.
fn repetition() -> CameraError {
    CameraError::BadFrame { why: "byte for byte the frame before; the picture stands still".to_owned() }
}
