//! Video4Linux through v4l: which modes a camera offers, what is wrong with it, and frames of any format.
//!
//! v4l reports typed errors, how many bytes of a buffer are filled and whether the driver marks them as damaged.

use std::io::{self, ErrorKind};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use v4l::buffer::{Flags as BufferFlags, Type};
use v4l::capability::Flags;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::io::mmap::Stream as MmapStream;
use v4l::io::traits::CaptureStream;
use v4l::video::Capture as _;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

use super::super::CameraError;
use super::super::decode::{Layout, PixelFormat};
use super::capture::{Capture, View};
use super::choose::{Mode, Offer, nearest_step};
use super::find::NodeKind;

/// How long a read waits for a frame before the capture thread checks whether to close.
const READ_WAIT: Duration = Duration::from_millis(200);

/// The formats that can be decoded, with their V4L2 codes.
const CODES: [(PixelFormat, &[u8; 4]); 6] = [
    (PixelFormat::Mjpeg, b"MJPG"),
    (PixelFormat::Yuyv, b"YUYV"),
    (PixelFormat::Uyvy, b"UYVY"),
    (PixelFormat::Yvyu, b"YVYU"),
    (PixelFormat::Nv12, b"NV12"),
    (PixelFormat::Grey, b"GREY"),
];

/// Opens the device without starting it.
///
/// # Errors
/// Why it cannot be opened, as [`CameraError`] distinguishes it.
pub(super) fn open(path: &Path) -> Result<Device, CameraError> {
    Device::with_path(path).map_err(|why| cannot_open(path, &why))
}

/// What `path` is. One that may not be opened counts as a camera, so that the user learns why.
pub(super) fn kind(path: &Path) -> NodeKind {
    // v4l panics on a card name that is not UTF-8.
    let capabilities = catch_unwind(|| Device::with_path(path).and_then(|device| device.query_caps()));
    match capabilities {
        Ok(Ok(capabilities)) => kind_of(capabilities.capabilities),
        Ok(Err(why)) if why.kind() == ErrorKind::PermissionDenied => NodeKind::Camera,
        Ok(Err(_)) | Err(_) => NodeKind::Other,
    }
}

fn kind_of(capabilities: Flags) -> NodeKind {
    let converter = Flags::VIDEO_M2M | Flags::VIDEO_M2M_MPLANE;
    let output = Flags::VIDEO_OUTPUT | Flags::VIDEO_OUTPUT_MPLANE;
    if capabilities.intersects(converter | output) || !capabilities.contains(Flags::STREAMING) {
        NodeKind::Other
    } else if capabilities.contains(Flags::VIDEO_CAPTURE) {
        NodeKind::Camera
    } else if capabilities.contains(Flags::VIDEO_CAPTURE_MPLANE) {
        NodeKind::MultiPlanar
    } else {
        NodeKind::Other
    }
}

/// The modes that can be decoded, and the codes of all formats for an error message. Where a camera offers a range
/// of sizes, the one nearest to `width` x `height`.
pub(super) fn offers(device: &Device, width: u32, height: u32) -> (Vec<Offer>, Vec<String>) {
    let codes = device.enum_formats().unwrap_or_default();
    let mut offers = Vec::new();
    for code in codes.iter().map(|format| format.fourcc) {
        let Some((format, _)) = CODES.iter().find(|(_, known)| code == FourCC::new(known)) else { continue };
        for size in device.enum_framesizes(code).unwrap_or_default() {
            let (width, height) = match size.size {
                FrameSizeEnum::Discrete(size) => (size.width, size.height),
                FrameSizeEnum::Stepwise(range) => (
                    nearest_step(width, range.min_width, range.max_width, range.step_width),
                    nearest_step(height, range.min_height, range.max_height, range.step_height),
                ),
            };
            let rates = rates(device, code, width, height);
            offers.push(Offer { layout: Layout { format: *format, width, height }, rates });
        }
    }
    (offers, codes.iter().map(|format| format.fourcc.to_string()).collect())
}

/// The whole frame rates of one format and size.
fn rates(device: &Device, code: FourCC, width: u32, height: u32) -> Vec<u32> {
    let intervals = device.enum_frameintervals(code, width, height).unwrap_or_default();
    let shortest = intervals.into_iter().map(|interval| match interval.interval {
        FrameIntervalEnum::Discrete(interval) => interval,
        FrameIntervalEnum::Stepwise(range) => range.min,
    });
    shortest.filter(|interval| interval.numerator == 1).map(|interval| interval.denominator).collect()
}

/// A camera that streams through v4l.
pub(super) struct V4lCapture {
    path: PathBuf,
    layout: Layout,
    /// Bytes from one row to the next.
    stride: usize,
    stream: MmapStream<'static>,
}

impl V4lCapture {
    /// Opens the camera, sets `mode` as nearly as it can, and starts it.
    ///
    /// # Errors
    /// [`CameraError::Format`] when it switches to another format; otherwise why it cannot be opened.
    pub(super) fn start(path: &Path, mode: Mode) -> Result<Self, CameraError> {
        let device = open(path)?;
        let (layout, stride) = set(path, &device, mode)?;
        let mut stream =
            MmapStream::new(&device, Type::VideoCapture).map_err(|why| cannot_open(path, &why))?;
        stream.set_timeout(READ_WAIT);
        Ok(Self { path: path.to_owned(), layout, stride, stream })
    }
}

/// Sets `mode`. Returns what the camera made of it.
fn set(path: &Path, device: &Device, mode: Mode) -> Result<(Layout, usize), CameraError> {
    let Mode { layout, rate } = mode;
    let code = CODES.iter().find(|(format, _)| *format == layout.format).map_or(b"    ", |(_, code)| code);
    let wanted = Format::new(layout.width, layout.height, FourCC::new(code));
    let got = device.set_format(&wanted).map_err(|why| cannot_open(path, &why))?;
    let answer = answered(path, layout, &wanted, &got)?;
    if let Some(rate) = rate {
        // A camera that refuses a rate keeps its own.
        let _ = device.set_params(&Parameters::with_fps(rate));
    }
    Ok(answer)
}

/// The layout that a camera set, with the bytes from one row to the next. It may be of another size than `wanted`.
fn answered(
    path: &Path,
    layout: Layout,
    wanted: &Format,
    got: &Format,
) -> Result<(Layout, usize), CameraError> {
    if got.fourcc != wanted.fourcc {
        let offered = format!("it answered {} when asked for {}", got.fourcc, wanted.fourcc);
        return Err(CameraError::Format { camera: path.display().to_string(), offered });
    }
    Ok((Layout { width: got.width, height: got.height, ..layout }, got.stride as usize))
}

impl Capture for V4lCapture {
    fn read(&mut self, see: &mut dyn FnMut(View<'_>)) -> Result<(), CameraError> {
        match self.stream.next() {
            Ok((_, about)) if about.flags.contains(BufferFlags::ERROR) => {
                Err(CameraError::BadFrame { why: "the driver marks it as damaged".to_owned() })
            }
            Ok((buffer, about)) => {
                let bytes = &buffer[..buffer.len().min(about.bytesused as usize)];
                see(View::Buffer { layout: self.layout, stride: self.stride, bytes });
                Ok(())
            }
            Err(why) if why.kind() == ErrorKind::TimedOut => Ok(()),
            Err(why) => Err(cannot_read(&self.path, &why)),
        }
    }
}

/// Why a read failed, where only a text is known: opens the device once more to learn whether it is still there.
pub(super) fn lost(path: &Path, text: &str) -> CameraError {
    match Device::with_path(path) {
        Err(why) if is_absent(&why) => CameraError::Gone { camera: path.display().to_string() },
        _ => unreadable(path, text),
    }
}

fn cannot_open(path: &Path, why: &io::Error) -> CameraError {
    let camera = path.display().to_string();
    match errno(why) {
        Errno::EACCES => CameraError::Forbidden { camera },
        // What a control group answers; file permissions give EACCES.
        Errno::EPERM => CameraError::Sandboxed { camera },
        Errno::EBUSY => CameraError::Busy { camera },
        _ if is_absent(why) => CameraError::Missing { camera, fix: "plug it in".to_owned() },
        _ => CameraError::Driver { camera, why: format!("cannot be opened ({why})") },
    }
}

fn cannot_read(path: &Path, why: &io::Error) -> CameraError {
    if is_absent(why) {
        return CameraError::Gone { camera: path.display().to_string() };
    }
    unreadable(path, &why.to_string())
}

fn unreadable(path: &Path, text: &str) -> CameraError {
    CameraError::Driver { camera: path.display().to_string(), why: format!("cannot be read ({text})") }
}

fn is_absent(why: &io::Error) -> bool {
    matches!(errno(why), Errno::ENOENT | Errno::ENXIO | Errno::ENODEV)
}

fn errno(why: &io::Error) -> Errno {
    Errno::from_raw(why.raw_os_error().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_kernel_become_typed_errors() {
        let path = Path::new("/dev/video0");
        let opening = |errno: Errno| cannot_open(path, &errno.into());
        assert!(matches!(opening(Errno::EBUSY), CameraError::Busy { .. }));
        assert!(matches!(opening(Errno::EACCES), CameraError::Forbidden { .. }));
        assert!(matches!(opening(Errno::EPERM), CameraError::Sandboxed { .. }));
        assert!(matches!(opening(Errno::ENODEV), CameraError::Missing { .. }));
        assert!(opening(Errno::EIO).to_string().contains("cannot be opened (Input/output error"));
        assert!(matches!(cannot_read(path, &Errno::ENODEV.into()), CameraError::Gone { .. }));
        let no_errno = io::Error::other("poll failed");
        assert!(matches!(cannot_read(path, &no_errno), CameraError::Driver { .. }));
    }

    #[test]
    fn a_read_that_failed_without_a_number_is_told_by_whether_the_device_is_there() {
        assert!(matches!(lost(Path::new("/nowhere"), "poll failed"), CameraError::Gone { .. }));
        let there = lost(Path::new("/dev/null"), "poll failed").to_string();
        assert!(there.contains("cannot be read (poll failed)"), "{there}");
    }

    #[test]
    fn a_file_that_is_no_camera_is_not_captured_from() {
        assert_eq!([kind(Path::new("/dev/null")), kind(Path::new("/nowhere"))], [NodeKind::Other; 2]);
    }

    #[test]
    fn a_node_is_told_by_its_capabilities() {
        let streaming = |flags: Flags| kind_of(flags | Flags::STREAMING);
        let (single, planes) = (Flags::VIDEO_CAPTURE, Flags::VIDEO_CAPTURE_MPLANE);
        assert_eq!(streaming(single), NodeKind::Camera);
        assert_eq!(streaming(single | planes), NodeKind::Camera);
        assert_eq!(streaming(planes), NodeKind::MultiPlanar);
        assert_eq!(kind_of(single), NodeKind::Other, "no streaming");
        let others = [
            Flags::META_CAPTURE,
            Flags::VIDEO_M2M_MPLANE,
            single | Flags::VIDEO_OUTPUT,
            planes | Flags::VIDEO_OUTPUT_MPLANE,
        ];
        assert!(others.into_iter().all(|flags| streaming(flags) == NodeKind::Other));
    }

    #[test]
    fn the_camera_decides_on_size_and_padding_but_not_on_another_format() {
        let path = Path::new("/dev/video0");
        let layout = Layout { format: PixelFormat::Uyvy, width: 640, height: 480 };
        let wanted = Format::new(640, 480, FourCC::new(b"UYVY"));
        let got = Format { width: 600, stride: 1280, ..wanted };
        let answer = answered(path, layout, &wanted, &got);
        assert!(answer.is_ok_and(|answer| answer == (Layout { width: 600, ..layout }, 1280)));
        let other = Format { fourcc: FourCC::new(b"H264"), ..wanted };
        let why = answered(path, layout, &wanted, &other).expect_err("another format").to_string();
        assert!(why.contains("it answered H264 when asked for UYVY"), "{why}");
    }
}
