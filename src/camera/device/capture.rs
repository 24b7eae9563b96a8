//! The interface between the capture thread and whatever reads the camera. Tests script it.

use super::super::CameraError;
use super::super::decode::Layout;

/// Opens one camera, whatever it is read with.
pub(super) trait Driver: Send + Sync {
    /// Finds the camera, sets its mode and starts it. Called on the capture thread, once per opening.
    fn open(&self) -> Result<Box<dyn Capture>, CameraError>;

    /// Whether `open` could work, without starting the camera.
    fn probe(&self) -> Result<(), CameraError>;
}

/// A running camera. Dropped on the thread that opened it.
pub(super) trait Capture {
    /// Waits for the next frame; may block for ever in the driver.
    ///
    /// `None`: no frame yet, call again. [`CameraError::BadFrame`]: this frame is lost, call again. Any other
    /// error is final.
    fn read(&mut self) -> Result<Option<RawFrame>, CameraError>;
}

/// One frame as the camera packed it, cut to the length of the picture. Wiped when dropped.
pub(super) struct RawFrame {
    pub(super) layout: Layout,
    pub(super) bytes: Vec<u8>,
}

impl Drop for RawFrame {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.bytes);
    }
}
