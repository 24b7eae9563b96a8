//! Decodes camera bytes to a [`Frame`] or refuses them: untrusted input, bounded before it is believed.
//!
//! YUYV (and UYVY, YVYU), NV12 and I420 are read as BT.601 with limited range (16..=235), which UVC cameras send unless
//! they announce something else. JPEG is decoded strictly: a truncated frame is refused, because a patched-up one shows
//! parts of an older frame. Only its end marker may be missing.

mod exif;
mod jpeg;
mod picture;
mod rows;
#[cfg(test)]
mod tests;

#[cfg(all(feature = "camera", target_os = "linux"))]
pub(in crate::camera) use jpeg::{Ending, Span};
pub use picture::{UnreadablePicture, decode_picture};
pub use rows::{padded_len, raw_len, row_len, without_padding};

use std::fmt;

use yuv::{
    YuvBiPlanarImage, YuvConversionMode, YuvPackedImage, YuvPlanarImage, YuvRange, YuvStandardMatrix,
    uyvy422_to_rgb, yuv_nv12_to_rgb, yuv420_to_rgb, yuyv422_to_rgb, yvyu422_to_rgb,
};

use super::grey::Grey;
use super::{CameraError, Frame, check_size};
use crate::clock::BootTime;

/// How a camera packs its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// One JPEG a frame. It contains its own size and may lack Huffman tables.
    Mjpeg,
    /// Y0 U Y1 V: two bytes a pixel, even widths only.
    Yuyv,
    /// U Y0 V Y1, as capture cards and some sensors send; otherwise like YUYV.
    Uyvy,
    /// Y0 V Y1 U; otherwise like YUYV.
    Yvyu,
    /// A plane of Y, then a plane of alternating U and V at half the size; even sides only.
    Nv12,
    /// A plane of Y, then one of U and one of V at half the size; even sides only. What rpicam-vid calls yuv420.
    I420,
    /// One byte a pixel, as infrared cameras send.
    Grey,
}

impl PixelFormat {
    /// All that are not compressed.
    pub const RAW: [Self; 6] = [Self::Yuyv, Self::Uyvy, Self::Yvyu, Self::Nv12, Self::I420, Self::Grey];
}

impl fmt::Display for PixelFormat {
    /// As in `camera.exec_format`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mjpeg => "mjpeg",
            Self::Yuyv => "yuyv",
            Self::Uyvy => "uyvy",
            Self::Yvyu => "yvyu",
            Self::Nv12 => "nv12",
            Self::I420 => "yuv420",
            Self::Grey => "grey",
        })
    }
}

/// What the driver declares about the bytes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// How the pixels are packed.
    pub format: PixelFormat,
    /// Pixels a row. Ignored for [`PixelFormat::Mjpeg`].
    pub width: u32,
    /// Rows. Ignored for [`PixelFormat::Mjpeg`].
    pub height: u32,
}

/// Decodes the frame at the start of one capture buffer. What follows it is padding or the rest of an older frame.
///
/// # Errors
/// [`CameraError::BadFrame`] when the bytes are empty, too few, not a complete JPEG, or declare a size outside
/// `MIN_SIDE_PX..=MAX_SIDE_PX`.
pub fn decode(layout: Layout, bytes: &[u8], taken_at: BootTime) -> Result<Frame, CameraError> {
    if bytes.is_empty() {
        return bad("it is empty (0 bytes)");
    }
    let rgb = match layout.format {
        PixelFormat::Mjpeg => {
            // A camera's JPEG is not turned by EXIF: no camera writes it, and `camera.rotate` says how it is mounted.
            let picture = jpeg::decode(bytes, check_size).or_else(|why| bad(&why))?;
            return Frame::new(picture.width, picture.height, picture.rgb, taken_at);
        }
        PixelFormat::Yuyv | PixelFormat::Uyvy | PixelFormat::Yvyu => {
            packed(layout, raw_picture(layout, bytes)?)?
        }
        PixelFormat::Nv12 => nv12(layout, raw_picture(layout, bytes)?)?,
        PixelFormat::I420 => i420(layout, raw_picture(layout, bytes)?)?,
        PixelFormat::Grey => replicate(raw_picture(layout, bytes)?),
    };
    Frame::new(layout.width, layout.height, rgb, taken_at)
}

/// A small grey picture of the frame at the start of one capture buffer, at most `long` cells along the longer side, at a
/// fraction of the cost of [`decode`]. Rows begin `stride` bytes apart, as in [`without_padding`].
///
/// # Errors
/// As [`decode`], but of a JPEG not all damage is noticed.
pub fn glance(layout: Layout, stride: usize, bytes: &[u8], long: u32) -> Result<Grey, CameraError> {
    let Layout { format, width, height } = layout;
    // Bytes from one pixel's light to the next, and before the first.
    let (step, before) = match format {
        PixelFormat::Mjpeg => {
            return match jpeg::light(bytes, long, check_size)? {
                Some(grey) => Ok(grey),
                None => Ok(Grey::of(&decode(layout, bytes, BootTime::default())?, long)),
            };
        }
        PixelFormat::Yuyv | PixelFormat::Yvyu => (2, 0),
        PixelFormat::Uyvy => (2, 1),
        PixelFormat::Nv12 | PixelFormat::I420 | PixelFormat::Grey => (1, 0),
    };
    check_sides(layout)?;
    let stride = stride.max(row_len(layout));
    let picture = plane(bytes, padded_len(layout, stride))?;
    let luma = |x: usize, y: usize| f32::from(picture[y * stride + x * step + before]);
    if format == PixelFormat::Grey {
        return Ok(Grey::sampled(width, height, long, luma));
    }
    // 16..=235, as `decode` reads it.
    let light = |x, y| ((luma(x, y) - 16.0) * (255.0 / 219.0)).clamp(0.0, 255.0);
    Ok(Grey::sampled(width, height, long, light))
}

/// Refuses sizes that are absurd, or that the format does not have.
fn check_sides(layout: Layout) -> Result<(), CameraError> {
    let Layout { format, width, height } = layout;
    check_size(width, height)?;
    match format {
        PixelFormat::Yuyv | PixelFormat::Uyvy | PixelFormat::Yvyu if width % 2 != 0 => {
            bad("YUYV of odd width")
        }
        PixelFormat::Nv12 if width % 2 != 0 || height % 2 != 0 => bad("NV12 of odd width or height"),
        PixelFormat::I420 if width % 2 != 0 || height % 2 != 0 => bad("I420 of odd width or height"),
        _ => Ok(()),
    }
}

/// The bytes of a picture that is not compressed, once its size is known to be sound.
fn raw_picture(layout: Layout, bytes: &[u8]) -> Result<&[u8], CameraError> {
    check_sides(layout)?;
    Ok(&bytes[..picture_len(layout, bytes)?])
}

/// How many bytes at the start of a capture buffer are the picture: of a JPEG without an end marker, all up to where
/// another one begins.
///
/// # Errors
/// [`CameraError::BadFrame`] when a raw picture is not complete, or the bytes are no JPEG.
pub fn picture_len(layout: Layout, bytes: &[u8]) -> Result<usize, CameraError> {
    match raw_len(layout) {
        Some(wanted) => plane(bytes, wanted).map(<[u8]>::len),
        None => jpeg::Span::of(bytes).map(|span| span.end).or_else(|damage| bad(&damage.why)),
    }
}

fn bad<T>(why: &str) -> Result<T, CameraError> {
    Err(CameraError::BadFrame { why: why.to_owned() })
}

/// The first `wanted` bytes, which are the picture.
fn plane(bytes: &[u8], wanted: usize) -> Result<&[u8], CameraError> {
    bytes.get(..wanted).ok_or_else(|| CameraError::BadFrame {
        why: format!("short: {} bytes instead of {wanted}", bytes.len()),
    })
}

fn replicate(grey: &[u8]) -> Vec<u8> {
    grey.iter().flat_map(|&level| [level; 3]).collect()
}

fn packed(layout: Layout, yuy: &[u8]) -> Result<Vec<u8>, CameraError> {
    let Layout { width, height, format } = layout;
    let image = YuvPackedImage { yuy, yuy_stride: width * 2, width, height };
    let mut rgb = vec![0; width as usize * height as usize * 3];
    let to_rgb = match format {
        PixelFormat::Uyvy => uyvy422_to_rgb,
        PixelFormat::Yvyu => yvyu422_to_rgb,
        _ => yuyv422_to_rgb,
    };
    to_rgb(&image, &mut rgb, width * 3, YuvRange::Limited, YuvStandardMatrix::Bt601)
        .or_else(|why| bad(&format!("{format}: {why}")))?;
    Ok(rgb)
}

fn nv12(layout: Layout, bytes: &[u8]) -> Result<Vec<u8>, CameraError> {
    let Layout { width, height, .. } = layout;
    let (y_plane, uv_plane) = bytes.split_at(width as usize * height as usize);
    let image = YuvBiPlanarImage { y_plane, y_stride: width, uv_plane, uv_stride: width, width, height };
    let mut rgb = vec![0; width as usize * height as usize * 3];
    let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt601);
    yuv_nv12_to_rgb(&image, &mut rgb, width * 3, range, matrix, YuvConversionMode::default())
        .or_else(|why| bad(&format!("NV12: {why}")))?;
    Ok(rgb)
}

fn i420(layout: Layout, bytes: &[u8]) -> Result<Vec<u8>, CameraError> {
    let Layout { width, height, .. } = layout;
    let pixels = width as usize * height as usize;
    let (y_plane, colours) = bytes.split_at(pixels);
    let (u_plane, v_plane) = colours.split_at(pixels / 4);
    let (y_stride, u_stride, v_stride) = (width, width / 2, width / 2);
    let image = YuvPlanarImage { y_plane, y_stride, u_plane, u_stride, v_plane, v_stride, width, height };
    let mut rgb = vec![0; pixels * 3];
    yuv420_to_rgb(&image, &mut rgb, width * 3, YuvRange::Limited, YuvStandardMatrix::Bt601)
        .or_else(|why| bad(&format!("I420: {why}")))?;
    Ok(rgb)
}
