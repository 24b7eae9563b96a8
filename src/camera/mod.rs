//! Stage 1: light to [`Frame`].
//!
//! A [`FrameSource`] blocks until it has a frame that was taken after the call. [`replay`] reads pictures from a
//! folder; `device` (feature `camera`) reads a Video4Linux camera, or a command that writes pictures. [`orient`] turns
//! what either gives.

pub mod beside;
pub mod decode;
#[cfg(all(feature = "camera", target_os = "linux"))]
pub mod device;
pub mod grey;
pub mod orient;
pub mod replay;
pub mod scale;
#[cfg(test)]
#[cfg_attr(
    not(all(feature = "camera", target_os = "linux")),
    expect(dead_code, reason = "only the tests of `device` use all of it")
)]
mod test_clock;
mod wait;

use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroize;

use crate::clock::BootTime;
use grey::Grey;

/// Longest side of a frame that is accepted, in pixels. Larger ones are refused before memory is allocated.
pub const MAX_SIDE_PX: u32 = 4096;

/// Shortest side of a frame in which a face can be found at all, in pixels.
pub const MIN_SIDE_PX: u32 = 32;

/// Cells along the longer side of what [`FrameSource::glance`] returns, at most.
pub const GLANCE_CELLS: u32 = 80;

/// One picture: `height` rows of `width` pixels, RGB, 0..=255, no padding between rows.
///
/// Deliberately without `Debug` and `Serialize`, so that no picture of a person reaches a log.
#[derive(Clone)]
pub struct Frame {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
    taken_at: BootTime,
    origin: Option<String>,
}

impl Frame {
    /// A frame from `width * height * 3` bytes of RGB.
    ///
    /// # Errors
    /// [`CameraError::BadFrame`] when a side is outside `MIN_SIDE_PX..=MAX_SIDE_PX` or the length does not match.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>, taken_at: BootTime) -> Result<Self, CameraError> {
        check_size(width, height)?;
        let wanted = width as usize * height as usize * 3;
        if rgb.len() != wanted {
            return Err(CameraError::BadFrame {
                why: format!("{width}x{height} RGB is {wanted} bytes, got {}", rgb.len()),
            });
        }
        Ok(Self { width, height, rgb, taken_at, origin: None })
    }

    /// Records the name of the picture file this frame was read from.
    pub fn with_origin(mut self, origin: String) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Pixels a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// `width * height * 3` bytes, R then G then B.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// When the frame reached us.
    pub fn taken_at(&self) -> BootTime {
        self.taken_at
    }

    /// File name of the picture, where the source is a folder of pictures.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        wipe(&mut self.rgb);
    }
}

/// Wipes all that it has room for. `Vec::zeroize` goes through what it holds byte by byte, and through the rest at once.
fn wipe(bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.zeroize();
}

/// Bytes of a picture, wiped when dropped as a [`Frame`] is.
pub(crate) struct Wiped(pub(crate) Vec<u8>);

impl std::ops::Deref for Wiped {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Refuses sizes that are too small to find a face in, or too large for memory.
///
/// # Errors
/// [`CameraError::BadFrame`], naming the size and the limits.
pub fn check_size(width: u32, height: u32) -> Result<(), CameraError> {
    let range = MIN_SIDE_PX..=MAX_SIDE_PX;
    if range.contains(&width) && range.contains(&height) {
        return Ok(());
    }
    Err(CameraError::BadFrame {
        why: format!("{width}x{height} pixels; each side must be {MIN_SIDE_PX} to {MAX_SIDE_PX} pixels"),
    })
}

/// Where frames come from. Blocking; the pipeline calls it from its own thread.
pub trait FrameSource: Send {
    /// The next frame exposed after this call. Opens the camera if it is closed.
    ///
    /// # Errors
    /// [`CameraError::Silent`] at `deadline`; [`CameraError::BadFrame`] for one frame that could not be used (call
    /// again). All others mean that the camera is unavailable; call again later, which opens it again.
    fn next_frame(&mut self, deadline: BootTime) -> Result<Frame, CameraError>;

    /// A small grey picture of the next frame exposed after this call, as the camera gives it: `camera.rotate` is not heeded.
    /// A camera that is only glanced at costs next to nothing in between.
    ///
    /// # Errors
    /// As [`FrameSource::next_frame`].
    fn glance(&mut self, deadline: BootTime) -> Result<Grey, CameraError> {
        Ok(Grey::of(&self.next_frame(deadline)?, GLANCE_CELLS))
    }

    /// Releases the camera until the next call of `next_frame` or `glance`.
    fn close(&mut self);

    /// Checks whether the camera is present, without taking a frame.
    ///
    /// # Errors
    /// What `next_frame` would return for a camera that is missing or may not be opened.
    fn probe(&mut self) -> Result<(), CameraError>;

    /// A path or name that tells a person which camera this is.
    fn name(&self) -> String;
}

/// Why there is no frame. Each text says which camera and what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[expect(missing_docs, reason = "the message explains each field")]
pub enum CameraError {
    /// No such device, or none at all.
    #[error("camera {camera}: not found; {fix}")]
    Missing { camera: String, fix: String },
    /// The device exists and may not be opened.
    #[error("camera {camera}: permission denied; add the daemon's user to the group `video`")]
    Forbidden { camera: String },
    /// The device exists, but the sandbox of the daemon's service excludes it.
    #[error(
        "camera {camera}: the daemon's service may not open such devices; `DeviceAllow=` in \
             `systemctl cat facelatchd` must name them (`char-81 rw` for cameras)"
    )]
    Sandboxed { camera: String },
    /// Another program holds the device.
    #[error("camera {camera}: in use by another program; close it (`fuser -v {camera}` names it)")]
    Busy { camera: String },
    /// The device went away while it was read.
    #[error("camera {camera}: disconnected; plug it in again, and it is opened by itself")]
    Gone { camera: String },
    /// Open, but no frame came in time.
    #[error("camera {camera}: no frame for {} ms; unplug it and plug it in again", .waited.as_millis())]
    Silent { camera: String, waited: Duration },
    /// None of its formats can be read.
    #[error(
        "camera {camera}: no usable picture format ({offered}); it must offer MJPEG, YUYV, UYVY, YVYU, NV12 or GREY"
    )]
    Format { camera: String, offered: String },
    /// It captures through the multi-planar interface of Video4Linux only.
    #[error(
        "camera {camera}: it gives pictures in separate planes only (multi-planar), which is not read; set \
             camera.exec to a command that reads it (/usr/share/doc/facelatch/docs/cameras.md)"
    )]
    MultiPlanar { camera: String },
    /// The command that should write the pictures failed.
    #[error("camera {camera}: {why}; run camera.exec by hand, as the daemon's user, to see what is wrong")]
    Command { camera: String, why: String },
    /// One frame was short, damaged, repeated or of an absurd size.
    #[error("unusable frame: {why}; if it goes on, unplug the camera and plug it in again")]
    BadFrame { why: String },
    /// A picture file of a replay could not be used.
    #[error("picture {}: {why}; replace or remove it", .path.display())]
    Picture { path: PathBuf, why: String },
    /// Reads that never returned hold the device.
    #[error(
        "camera {camera}: {reads} reads hang in its driver; unplug it and plug it in again, or \
             restart the daemon (`systemctl restart facelatchd`)"
    )]
    Stuck { camera: String, reads: usize },
    /// Any other error of the driver.
    #[error("camera {camera}: {why}; unplug it and plug it in again")]
    Driver { camera: String, why: String },
}

impl CameraError {
    /// True when only this frame is lost and the next call may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::BadFrame { .. } | Self::Picture { .. })
    }
}
