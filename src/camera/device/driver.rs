//! The Video4Linux driver behind [`Driver`]: the only file that names nokhwa and v4l.
//!
//! v4l lists what the camera offers and sets it, because nokhwa refuses a camera that another program
//! left in a format it does not know. Then nokhwa reads MJPEG. What nokhwa 0.10.11 cannot read (V4L2's code
//! `GREY`, cameras without a whole frame rate) is read through v4l itself, and so is YUYV and NV12: nokhwa
//! hides how much of a buffer is filled, and unlike a JPEG these do not show themselves that they are short.

use std::io::{self, ErrorKind};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::nokhwa::Camera;
use ::nokhwa::utils::{
    ApiBackend, CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};
use v4l::buffer::{Flags as BufferFlags, Type};
use v4l::capability::Flags;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::io::mmap::Stream as MmapStream;
use v4l::io::traits::CaptureStream;
use v4l::video::Capture as _;
use v4l::video::capture::Parameters;
use v4l::{Device as Node, Format, FourCC};

use super::super::CameraError;
use super::super::decode::{Layout, PixelFormat, picture_len};
use super::DeviceOptions;
use super::capture::{Capture, Driver, Shot};
use super::choose::{Offer, choose, nearest_step};
use super::find::{Choice, Nodes, number};

/// How long a direct read waits before it lets the thread look whether to close.
const DIRECT_WAIT: Duration = Duration::from_millis(200);

/// Formats with their V4L2 codes.
const CODES: [(PixelFormat, &[u8; 4]); 4] = [
    (PixelFormat::Mjpeg, b"MJPG"),
    (PixelFormat::Yuyv, b"YUYV"),
    (PixelFormat::Nv12, b"NV12"),
    (PixelFormat::Grey, b"GREY"),
];

/// Finds and opens the camera that the options name.
pub(super) struct V4l {
    choice: Choice,
    width: u32,
    height: u32,
}

impl V4l {
    pub(super) fn new(options: &DeviceOptions) -> Self {
        Self { choice: options.choice.clone(), width: options.width, height: options.height }
    }

    fn node(&self) -> Result<(PathBuf, Node), CameraError> {
        let path = Nodes::system().resolve(&self.choice, &captures)?;
        let node =
            Node::with_path(&path).map_err(|why| opening(&path, why.raw_os_error(), &why.to_string()))?;
        Ok((path, node))
    }
}

/// Whether `path` says that frames can be captured from it: neither metadata nor output nor a converter. One that
/// may not be opened counts as a camera, so that the reason is told.
pub(super) fn captures(path: &Path) -> bool {
    // v4l panics on a card name that is no UTF-8.
    let flags = catch_unwind(|| Node::with_path(path).and_then(|node| node.query_caps()));
    match flags {
        Ok(Ok(caps)) => {
            let converter = Flags::VIDEO_M2M | Flags::VIDEO_OUTPUT;
            let wanted = Flags::VIDEO_CAPTURE | Flags::STREAMING;
            caps.capabilities.contains(wanted) && !caps.capabilities.intersects(converter)
        }
        Ok(Err(why)) => why.kind() == ErrorKind::PermissionDenied,
        Err(_) => false,
    }
}

impl Driver for V4l {
    fn probe(&self) -> Result<(), CameraError> {
        self.node().map(|_| ())
    }

    fn open(&self) -> Result<Box<dyn Capture>, CameraError> {
        let (path, node) = self.node()?;
        if let Some(name) = Nodes::system().part(&path) {
            tracing::warn!(
                "camera {}: `{name}` is a part of the board that gives no picture by itself; set camera.exec \
                 (/usr/share/doc/facelatch/docs/cameras.md)",
                path.display()
            );
        }
        let (offers, codes) = offers(&node, self.width, self.height);
        let camera = path.display().to_string();
        let Some(offer) = choose(&offers, self.width, self.height) else {
            let offered = if codes.is_empty() { "it offers none".to_owned() } else { codes.join(", ") };
            return Err(CameraError::Format { camera, offered });
        };
        let mode = set(&path, &node, offer)?;
        let Some(rate) = mode.rate.filter(|_| mode.layout.format == PixelFormat::Mjpeg) else {
            return Ok(Box::new(Direct::start(path, &node, mode.layout)?));
        };
        drop(node);
        Ok(Box::new(Nokhwa::start(path, mode.layout, rate)?))
    }
}

/// What can be read of the camera's formats, and the codes of all of them.
fn offers(node: &Node, width: u32, height: u32) -> (Vec<Offer>, Vec<String>) {
    let codes = node.enum_formats().unwrap_or_default();
    let mut offers = Vec::new();
    for code in codes.iter().map(|format| format.fourcc) {
        let Some((format, _)) = CODES.iter().find(|(_, known)| code == FourCC::new(known)) else { continue };
        for size in node.enum_framesizes(code).unwrap_or_default() {
            let (width, height) = match size.size {
                FrameSizeEnum::Discrete(size) => (size.width, size.height),
                FrameSizeEnum::Stepwise(range) => (
                    nearest_step(width, range.min_width, range.max_width, range.step_width),
                    nearest_step(height, range.min_height, range.max_height, range.step_height),
                ),
            };
            let rates = rates(node, code, width, height);
            offers.push(Offer { format: *format, width, height, rates });
        }
    }
    (offers, codes.iter().map(|format| format.fourcc.to_string()).collect())
}

/// Whole frame rates of one size.
fn rates(node: &Node, code: FourCC, width: u32, height: u32) -> Vec<u32> {
    let intervals = node.enum_frameintervals(code, width, height).unwrap_or_default();
    let rate = |numerator: u32, denominator: u32| (numerator == 1).then_some(denominator);
    let of = |interval: FrameIntervalEnum| match interval {
        FrameIntervalEnum::Discrete(every) => rate(every.numerator, every.denominator),
        FrameIntervalEnum::Stepwise(range) => rate(range.min.numerator, range.min.denominator),
    };
    intervals.into_iter().filter_map(|interval| of(interval.interval)).collect()
}

/// What the camera was set to.
struct Mode {
    layout: Layout,
    /// Frames a second, where the camera says a whole number.
    rate: Option<u32>,
}

fn set(path: &Path, node: &Node, offer: &Offer) -> Result<Mode, CameraError> {
    let failed = |why: io::Error| opening(path, why.raw_os_error(), &why.to_string());
    let code = CODES.iter().find(|(format, _)| *format == offer.format).map_or(b"    ", |(_, code)| code);
    let wanted = Format::new(offer.width, offer.height, FourCC::new(code));
    let got = node.set_format(&wanted).map_err(failed)?;
    if got.fourcc != wanted.fourcc {
        let offered = format!("it answered {} when asked for {}", got.fourcc, wanted.fourcc);
        return Err(CameraError::Format { camera: path.display().to_string(), offered });
    }
    if let Some(rate) = offer.rate() {
        // A camera that does not let its rate be set keeps its own, which is read next.
        let _ = node.set_params(&Parameters::with_fps(rate));
    }
    let interval = node.params().ok().map(|params| params.interval);
    let rate = interval.filter(|every| every.numerator == 1 && every.denominator > 0);
    let layout = Layout { format: offer.format, width: got.width, height: got.height };
    Ok(Mode { layout, rate: rate.map(|every| every.denominator) })
}

/// An MJPEG camera read through nokhwa.
struct Nokhwa {
    path: PathBuf,
    layout: Layout,
    camera: Camera,
}

impl Nokhwa {
    fn start(path: PathBuf, layout: Layout, rate: u32) -> Result<Self, CameraError> {
        let size = Resolution::new(layout.width, layout.height);
        let exact = CameraFormat::new(size, FrameFormat::MJPEG, rate);
        let wanted = RequestedFormat::with_formats(RequestedFormatType::Exact(exact), &[FrameFormat::MJPEG]);
        let failed = |why: ::nokhwa::NokhwaError| {
            let text = why.to_string();
            opening(&path, os_error(&text), &text)
        };
        let index = CameraIndex::Index(number(&path).unwrap_or_default());
        let mut camera = Camera::with_backend(index, wanted, ApiBackend::Video4Linux).map_err(failed)?;
        camera.open_stream().map_err(failed)?;
        Ok(Self { path, layout, camera })
    }
}

impl Capture for Nokhwa {
    fn read(&mut self) -> Result<Option<Shot>, CameraError> {
        let buffer = self.camera.frame_raw().map_err(|why| {
            let text = why.to_string();
            reading(&self.path, os_error(&text), &text)
        })?;
        // The whole buffer, whose end may be of an older frame.
        let bytes = buffer[..picture_len(self.layout, &buffer)?].to_vec();
        Ok(Some(Shot { layout: self.layout, bytes }))
    }
}

/// A camera read through v4l, which says how long a frame is and whether it is damaged.
struct Direct {
    path: PathBuf,
    layout: Layout,
    stream: MmapStream<'static>,
}

impl Direct {
    fn start(path: PathBuf, node: &Node, layout: Layout) -> Result<Self, CameraError> {
        let mut stream = MmapStream::new(node, Type::VideoCapture)
            .map_err(|why| opening(&path, why.raw_os_error(), &why.to_string()))?;
        stream.set_timeout(DIRECT_WAIT);
        Ok(Self { path, layout, stream })
    }
}

impl Capture for Direct {
    fn read(&mut self) -> Result<Option<Shot>, CameraError> {
        match self.stream.next() {
            Ok((_, about)) if about.flags.contains(BufferFlags::ERROR) => {
                Err(CameraError::BadFrame { why: "the driver marks it as damaged".to_owned() })
            }
            Ok((buffer, about)) => {
                let buffer = &buffer[..buffer.len().min(about.bytesused as usize)];
                let bytes = buffer[..picture_len(self.layout, buffer)?].to_vec();
                Ok(Some(Shot { layout: self.layout, bytes }))
            }
            Err(why) if why.kind() == ErrorKind::TimedOut => Ok(None),
            Err(why) => Err(reading(&self.path, why.raw_os_error(), &why.to_string())),
        }
    }
}

const EPERM: i32 = 1;
const ENOENT: i32 = 2;
const ENXIO: i32 = 6;
const EACCES: i32 = 13;
const EBUSY: i32 = 16;
const ENODEV: i32 = 19;

/// The number in a text that ends in `(os error 16)`: nokhwa hands on texts only.
fn os_error(text: &str) -> Option<i32> {
    text.rsplit_once("(os error ")?.1.split(')').next()?.parse().ok()
}

fn opening(path: &Path, code: Option<i32>, text: &str) -> CameraError {
    let camera = path.display().to_string();
    match code {
        Some(EACCES) => CameraError::Forbidden { camera },
        // What a control group says; the device's own mode gives EACCES.
        Some(EPERM) => CameraError::Fenced { camera },
        Some(EBUSY) => CameraError::Busy { camera },
        Some(ENOENT | ENXIO | ENODEV) => CameraError::Missing { camera, fix: "plug it in".to_owned() },
        _ => CameraError::Driver { camera, why: format!("cannot be opened ({text})") },
    }
}

fn reading(path: &Path, code: Option<i32>, text: &str) -> CameraError {
    let camera = path.display().to_string();
    match code {
        Some(ENOENT | ENXIO | ENODEV) => CameraError::Gone { camera },
        _ => CameraError::Driver { camera, why: format!("cannot be read ({text})") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_system_become_typed_errors() {
        let path = Path::new("/dev/video0");
        let busy = "Could not open device: V4L2 Error: Device or resource busy (os error 16)";
        assert!(matches!(opening(path, os_error(busy), busy), CameraError::Busy { .. }));
        assert!(matches!(opening(path, Some(13), ""), CameraError::Forbidden { .. }));
        assert!(matches!(opening(path, Some(1), ""), CameraError::Fenced { .. }));
        assert!(matches!(opening(path, Some(19), ""), CameraError::Missing { .. }));
        assert!(matches!(reading(path, Some(19), ""), CameraError::Gone { .. }));
        assert!(matches!(reading(path, os_error("poll failed"), ""), CameraError::Driver { .. }));
        assert!(opening(path, Some(5), "I/O error").to_string().contains("(I/O error)"));
    }

    #[test]
    fn a_file_that_is_no_camera_is_not_captured_from() {
        assert!(!captures(Path::new("/dev/null")) && !captures(Path::new("/nowhere")));
    }
}
