//! A Video4Linux camera behind [`Driver`]: finds it, picks a mode, and starts the reader that can read it.

use std::path::{Path, PathBuf};

use super::super::CameraError;
use super::DeviceOptions;
use super::capture::{Capture, Driver};
use super::choose::{Mode, choose};
use super::find::{Choice, Nodes};
use super::nokhwa_capture::{self, NokhwaCapture};
use super::v4l_capture::{self, V4lCapture};

/// The camera that the options name.
pub(super) struct Video4Linux {
    choice: Choice,
    width: u32,
    height: u32,
}

impl Video4Linux {
    pub(super) fn new(options: &DeviceOptions) -> Self {
        Self { choice: options.choice.clone(), width: options.width, height: options.height }
    }

    fn find(&self) -> Result<PathBuf, CameraError> {
        Nodes::system().resolve(&self.choice, &v4l_capture::kind)
    }

    /// Closes the device again: some drivers let only one descriptor set the mode.
    fn choose_mode(&self, path: &Path) -> Result<Mode, CameraError> {
        let (offers, codes) = v4l_capture::offers(&v4l_capture::open(path)?, self.width, self.height);
        choose(&offers, self.width, self.height).ok_or_else(|| {
            let offered = if codes.is_empty() { "it offers none".to_owned() } else { codes.join(", ") };
            CameraError::Format { camera: path.display().to_string(), offered }
        })
    }
}

impl Driver for Video4Linux {
    fn probe(&self) -> Result<(), CameraError> {
        v4l_capture::open(&self.find()?).map(|_| ())
    }

    fn open(&self) -> Result<Box<dyn Capture>, CameraError> {
        let path = self.find()?;
        if let Some(name) = Nodes::system().part(&path) {
            tracing::warn!(
                "camera {}: `{name}` is part of the board and gives no picture by itself; set camera.exec \
                 (/usr/share/doc/facelatch/docs/cameras.md)",
                path.display()
            );
        }
        let mode = self.choose_mode(&path)?;
        if let Some((index, format)) = nokhwa_capture::request(&path, mode) {
            match NokhwaCapture::start(&path, index, format) {
                Ok(capture) => return Ok(Box::new(capture)),
                // v4l either reads the camera all the same or says what is wrong with it.
                Err(why) => tracing::debug!("camera {}: nokhwa does not read it ({why})", path.display()),
            }
        }
        Ok(Box::new(V4lCapture::start(&path, mode)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::decode::{Layout, PixelFormat};

    #[test]
    fn nokhwa_reads_mjpeg_at_whole_rates_and_v4l_the_rest() {
        let path = Path::new("/dev/video7");
        let mode = |format, rate| Mode { layout: Layout { format, width: 640, height: 480 }, rate };
        let (index, format) =
            nokhwa_capture::request(path, mode(PixelFormat::Mjpeg, Some(30))).expect("MJPEG");
        assert_eq!(
            (index.as_string(), format.to_string()),
            ("7".into(), "640x480@30FPS, MJPEG Format".into())
        );
        assert!(nokhwa_capture::request(path, mode(PixelFormat::Mjpeg, None)).is_none());
        for format in
            [PixelFormat::Yuyv, PixelFormat::Uyvy, PixelFormat::Yvyu, PixelFormat::Nv12, PixelFormat::Grey]
        {
            assert!(nokhwa_capture::request(path, mode(format, Some(30))).is_none(), "{format:?}");
        }
    }

    #[test]
    fn what_nokhwa_cannot_open_is_refused_as_text_and_by_v4l_with_a_reason() {
        let path = Path::new("/dev/video4294967295");
        let mode =
            Mode { layout: Layout { format: PixelFormat::Mjpeg, width: 640, height: 480 }, rate: Some(30) };
        let (index, format) = nokhwa_capture::request(path, mode).expect("MJPEG");
        assert!(NokhwaCapture::start(path, index, format).is_err());
        assert!(matches!(V4lCapture::start(path, mode), Err(CameraError::Missing { .. })));
    }
}
