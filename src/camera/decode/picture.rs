//! Decodes JPEG and PNG files, for replays, enrolment from files and the measuring tools.

use png::{ColorType, Decoder, Limits, Transformations};
use zeroize::Zeroizing;

use super::{exif, jpeg};
use crate::camera::{CameraError, MAX_SIDE_PX};

const PNG_SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A];

/// Memory that the PNG reader may use besides the pixels, in bytes.
const PNG_SIDE_MEMORY: usize = 64 << 20;

/// Why a picture file could not be read. Begins in lower case and has no full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnreadablePicture(pub String);

impl From<String> for UnreadablePicture {
    fn from(why: String) -> Self {
        Self(why)
    }
}

/// Width, height and `width * height * 3` bytes of RGB of a JPEG or PNG file.
///
/// PNG may be grey, palette or colour, with 1 to 16 bits; 16 bits are reduced to the upper 8, and transparent parts are
/// drawn on black. The picture is turned as its EXIF orientation says, if it has one.
///
/// # Errors
/// [`UnreadablePicture`] for another kind of file, a damaged or truncated one, and one with a side above
/// [`MAX_SIDE_PX`].
pub fn decode_picture(bytes: &[u8]) -> Result<(u32, u32, Vec<u8>), UnreadablePicture> {
    if bytes.is_empty() {
        return Err("the file is empty".to_owned().into());
    }
    let jpeg::Picture { width, height, rgb, exif } = if bytes.starts_with(&PNG_SIGNATURE) {
        decode_png(bytes)?
    } else if bytes.starts_with(&[0xFF, 0xD8]) {
        jpeg::decode(bytes, not_too_large)?
    } else {
        return Err("neither JPEG nor PNG".to_owned().into());
    };
    let orientation = exif::orientation(&exif);
    if orientation.is_upright() {
        return Ok((width, height, rgb));
    }
    Ok(orientation.turned(width, height, &Zeroizing::new(rgb)))
}

fn not_too_large(width: u32, height: u32) -> Result<(), CameraError> {
    if width.max(height) <= MAX_SIDE_PX && width.min(height) > 0 {
        return Ok(());
    }
    let why = format!("{width}x{height} pixels; make it at most {MAX_SIDE_PX} pixels on a side");
    Err(CameraError::BadFrame { why })
}

fn decode_png(bytes: &[u8]) -> Result<jpeg::Picture, String> {
    let damaged = |why: png::DecodingError| format!("damaged PNG: {why}");
    let limits = Limits { bytes: PNG_SIDE_MEMORY };
    let mut decoder = Decoder::new_with_limits(std::io::Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let header = decoder.read_header_info().map_err(damaged)?;
    let (width, height) = (header.width, header.height);
    if let Err(CameraError::BadFrame { why }) = not_too_large(width, height) {
        return Err(why);
    }
    let mut reader = decoder.read_info().map_err(damaged)?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or("PNG too large for memory")?];
    let shape = reader.next_frame(&mut pixels).map_err(damaged)?;
    // Read to the end marker, so that a file truncated there is refused too.
    reader.finish().map_err(damaged)?;
    let rgb = match shape.color_type {
        ColorType::Rgb => pixels,
        ColorType::Grayscale => super::replicate(&pixels),
        ColorType::GrayscaleAlpha => pixels.chunks_exact(2).flat_map(|p| [on_black(p[0], p[1]); 3]).collect(),
        ColorType::Rgba => pixels
            .chunks_exact(4)
            .flat_map(|p| [on_black(p[0], p[3]), on_black(p[1], p[3]), on_black(p[2], p[3])])
            .collect(),
        ColorType::Indexed => return Err("PNG whose palette could not be applied".to_owned()),
    };
    // The specification allows the chunk before and after the pixels.
    let exif = reader.info().exif_metadata.as_deref().unwrap_or_default().to_vec();
    Ok(jpeg::Picture { width, height, rgb, exif })
}

fn on_black(level: u8, alpha: u8) -> u8 {
    ((u16::from(level) * u16::from(alpha) + 127) / 255) as u8
}
