//! Stage 1: light to [`Frame`].
//!
//! A [`FrameSource`] blocks until a frame exposed after the call is there. [`replay`] reads pictures
//! from a folder; `device` (feature `camera`) reads a Video4Linux camera, or a command that writes pictures.

pub mod decode;
#[cfg(all(feature = "camera", target_os = "linux"))]
pub mod device;
pub mod replay;
pub mod scale;
mod wait;

use std::path::PathBuf;
use std::time::Duration;

use crate::clock::BootTime;

/// Longest side of a frame that is accepted, in pixels. Larger claims are refused before memory is taken.
pub const MAX_SIDE_PX: u32 = 4096;

/// Shortest side of a frame in which a face can be found at all, in pixels.
pub const MIN_SIDE_PX: u32 = 32;

/// One picture: `height` rows of `width` pixels, RGB, 0..=255, no padding between rows.
///
/// Deliberately without `Debug` and `Serialize`: a picture of a person reaches no log.
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
    /// [`CameraError::BadFrame`] when a side lies outside `MIN_SIDE_PX..=MAX_SIDE_PX` or the length does not fit.
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

    /// Names the picture this frame was read from, for replies in a demo or a replay.
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
        zeroize::Zeroize::zeroize(&mut self.rgb);
    }
}

/// Refuses sizes in which no face can be found or that would take absurd memory.
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
    /// [`CameraError::Silent`] at `deadline`; [`CameraError::BadFrame`] for one frame that could not be
    /// used (call again); the others mean that the camera is not to be had now (call again later: it reopens).
    fn next_frame(&mut self, deadline: BootTime) -> Result<Frame, CameraError>;

    /// Lets go of the camera until the next call of `next_frame`.
    fn close(&mut self);

    /// Checks without taking a frame whether the camera is there.
    ///
    /// # Errors
    /// What `next_frame` would say of a camera that is missing or not allowed.
    fn probe(&mut self) -> Result<(), CameraError>;

    /// Which camera this is, for people: a path or a name.
    fn name(&self) -> String;
}

/// Why there is no frame. Each text says which camera and what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[expect(missing_docs, reason = "the message tells what each field is")]
pub enum CameraError {
    /// No such device, or none at all.
    #[error("camera {camera}: not found; {fix}")]
    Missing { camera: String, fix: String },
    /// The device exists and may not be opened.
    #[error("camera {camera}: permission denied; add the daemon's user to the group `video`")]
    Forbidden { camera: String },
    /// The device exists, and the daemon's sandbox has no place for it.
    #[error(
        "camera {camera}: the daemon's service may not open such devices; `DeviceAllow=` in \
             `systemctl cat facelatchd` must name them (`char-81 rw` for cameras)"
    )]
    Fenced { camera: String },
    /// Another program holds the device.
    #[error("camera {camera}: in use by another program; close it (`fuser -v {camera}` names it)")]
    Busy { camera: String },
    /// The device went away while it was read.
    #[error("camera {camera}: disconnected; plug it in again, it is reopened by itself")]
    Gone { camera: String },
    /// Open, but no frame came in time.
    #[error("camera {camera}: no frame for {} ms; unplug it and plug it in again", .waited.as_millis())]
    Silent { camera: String, waited: Duration },
    /// None of its formats can be read.
    #[error("camera {camera}: no usable picture format ({offered}); it must offer MJPEG, YUYV, NV12 or GREY")]
    Format { camera: String, offered: String },
    /// The command that gives the pictures does not.
    #[error("camera {camera}: {why}; run camera.exec by hand, as the daemon's user, to see what it lacks")]
    Command { camera: String, why: String },
    /// One frame was short, damaged, repeated or of an absurd size.
    #[error("unusable frame: {why}; the next one is tried")]
    BadFrame { why: String },
    /// A picture file of a replay could not be used.
    #[error("picture {}: {why}; replace or remove it", .path.display())]
    Picture { path: PathBuf, why: String },
    /// Reads that the driver never answered hold the device.
    #[error(
        "camera {camera}: {reads} reads hang in its driver; unplug it and plug it in again, or \
             restart the daemon (`systemctl restart facelatchd`)"
    )]
    Stuck { camera: String, reads: usize },
    /// Anything else the driver said.
    #[error("camera {camera}: {why}; unplug it and plug it in again")]
    Driver { camera: String, why: String },
}

impl CameraError {
    /// True when only this one frame is lost and the next call may well succeed.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::BadFrame { .. } | Self::Picture { .. })
    }
}
