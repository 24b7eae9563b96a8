//! The interface between the capture thread and whatever reads the camera. Tests script it.

use std::panic::catch_unwind;

use super::super::decode::{Layout, glance, without_padding};
use super::super::grey::Grey;
use super::super::{CameraError, GLANCE_CELLS, wipe};

/// Opens one camera, whatever it is read with.
pub(super) trait Driver: Send + Sync {
    /// Finds the camera, sets its mode and starts it. Called on the capture thread, once per opening.
    fn open(&self) -> Result<Box<dyn Capture>, CameraError>;

    /// Whether `open` could work, without starting the camera.
    fn probe(&self) -> Result<(), CameraError>;
}

/// A running camera. Dropped on the thread that opened it.
pub(super) trait Capture {
    /// Waits for the next frame and shows it to `see`, without copying it; may block for ever in the driver.
    ///
    /// Where `see` was not called, there is no frame yet: call again. [`CameraError::BadFrame`]: this frame is lost, call
    /// again. Any other error is final.
    fn read(&mut self, see: &mut dyn FnMut(View<'_>)) -> Result<(), CameraError>;
}

/// One frame, where the driver has put it.
pub(super) enum View<'a> {
    /// A buffer of the driver, with the bytes from one row to the next (0: no padding).
    Buffer { layout: Layout, stride: usize, bytes: &'a [u8] },
    /// A copy already.
    Copied(RawFrame),
}

impl View<'_> {
    /// A copy, cut to the length of the picture.
    pub(super) fn copied(self) -> Result<RawFrame, CameraError> {
        match self {
            Self::Buffer { layout, stride, bytes } => {
                Ok(RawFrame { layout, bytes: without_padding(layout, stride, bytes)? })
            }
            Self::Copied(frame) => Ok(frame),
        }
    }

    /// A small grey picture of it.
    pub(super) fn glance(&self) -> Result<Grey, CameraError> {
        let (layout, stride, bytes) = match self {
            Self::Buffer { layout, stride, bytes } => (*layout, *stride, *bytes),
            Self::Copied(frame) => (frame.layout, 0, &frame.bytes[..]),
        };
        let small = catch_unwind(|| glance(layout, stride, bytes, GLANCE_CELLS));
        small.unwrap_or_else(|_| Err(decoder_panicked()))
    }
}

pub(super) fn decoder_panicked() -> CameraError {
    CameraError::BadFrame { why: "the picture decoder panicked on it".to_owned() }
}

/// One frame as the camera packed it, cut to the length of the picture. Wiped when dropped.
pub(super) struct RawFrame {
    pub(super) layout: Layout,
    pub(super) bytes: Vec<u8>,
}

impl Drop for RawFrame {
    fn drop(&mut self) {
        wipe(&mut self.bytes);
    }
}
