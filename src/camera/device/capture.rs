//! What the capture thread needs of a driver; the one place where a test can stand in for a camera.

use super::super::CameraError;
use super::super::decode::Layout;

/// Opens the camera. Called from the capture thread, once for each time the camera is opened.
pub(super) trait Driver: Send + Sync {
    /// Finds the camera anew, sets its format and starts it.
    fn open(&self) -> Result<Box<dyn Capture>, CameraError>;

    /// Whether `open` could work, without starting the camera.
    fn probe(&self) -> Result<(), CameraError>;
}

/// A camera that runs; dropped on the thread that opened it.
pub(super) trait Capture {
    /// Waits for the next frame. `None`: none yet, ask again. [`CameraError::BadFrame`]: this one is
    /// lost, ask again. Any other error is the end. May block for ever, for v4l's `poll(-1)` does.
    fn read(&mut self) -> Result<Option<Shot>, CameraError>;
}

/// A frame as the camera packed it, cut to the picture itself.
pub(super) struct Shot {
    pub(super) layout: Layout,
    pub(super) bytes: Vec<u8>,
}

impl Drop for Shot {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.bytes);
    }
}
