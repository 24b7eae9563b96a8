//! Reads MJPEG cameras through nokhwa, which opens the device, sets its mode and streams.
//!
//! nokhwa 0.10 reports errors as text only, so whoever needs to know what is wrong asks v4l.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use nokhwa::Camera;
use nokhwa::utils::{
    ApiBackend, CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};

use super::super::CameraError;
use super::super::decode::{Ending, Layout, PixelFormat, Span};
use super::capture::{Capture, View};
use super::choose::Mode;
use super::{find, v4l_capture};

/// The camera as nokhwa names it, where nokhwa can read this mode.
///
/// It cannot where the length of the picture must come from the driver: nokhwa returns the whole buffer. A JPEG
/// shows its own end.
pub(super) fn request(path: &Path, mode: Mode) -> Option<(CameraIndex, CameraFormat)> {
    let Mode { layout: Layout { format: PixelFormat::Mjpeg, width, height }, rate: Some(rate) } = mode else {
        return None;
    };
    let size = Resolution::new(width, height);
    Some((CameraIndex::Index(find::number(path)?), CameraFormat::new(size, FrameFormat::MJPEG, rate)))
}

/// A camera that streams through nokhwa.
pub(super) struct NokhwaCapture {
    path: PathBuf,
    layout: Layout,
    camera: Camera,
}

impl NokhwaCapture {
    /// Opens the camera of [`request`], sets it and starts it.
    ///
    /// # Errors
    /// nokhwa's text, or that pictures come without an end marker. It refuses cameras that it could read, such as one that
    /// another program left in a format unknown to nokhwa.
    pub(super) fn start(path: &Path, index: CameraIndex, format: CameraFormat) -> Result<Self, String> {
        let open = || {
            let formats = [FrameFormat::MJPEG];
            let wanted = RequestedFormat::with_formats(RequestedFormatType::Exact(format), &formats);
            let mut camera = Camera::with_backend(index, wanted, ApiBackend::Video4Linux)?;
            camera.open_stream()?;
            let first = camera.frame_raw()?;
            let ends = Span::of(&first).is_ok_and(|span| span.ending == Ending::Marker);
            Ok::<_, nokhwa::NokhwaError>((camera, ends))
        };
        // nokhwa panics on a range of sizes whose step is zero.
        let opened = catch_unwind(std::panic::AssertUnwindSafe(open)).map_err(|_| "it panicked")?;
        let (camera, ends) = opened.map_err(|why| why.to_string())?;
        if !ends {
            // Its buffers are new, so nothing old hides that. Later ones hold the rest of older pictures.
            return Err("its pictures have no end marker, so only the driver knows their length".to_owned());
        }
        let layout = Layout { format: PixelFormat::Mjpeg, width: format.width(), height: format.height() };
        Ok(Self { path: path.to_owned(), layout, camera })
    }
}

impl Capture for NokhwaCapture {
    fn read(&mut self, see: &mut dyn FnMut(View<'_>)) -> Result<(), CameraError> {
        let buffer = match self.camera.frame_raw() {
            Ok(buffer) => buffer,
            Err(why) => return Err(v4l_capture::lost(&self.path, &why.to_string())),
        };
        // What follows the picture is padding or the rest of an older frame.
        see(View::Buffer { layout: self.layout, stride: 0, bytes: &buffer });
        Ok(())
    }
}
