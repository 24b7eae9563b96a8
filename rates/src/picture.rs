//! Picture files to [`Frame`]s and aligned [`Chip`]s: JPEG, PNG, PGM/PPM and GIF.

use std::io::Cursor;
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use facelatch::camera::scale::{Interpolation, scaled};
use facelatch::camera::{Frame, MAX_SIDE_PX};
use facelatch::clock::BootTime;
use facelatch::embed::{CHIP_SIDE_PX, Chip};

/// Border replicated on each side of a face that fills its picture, as a fraction of the side.
const PAD: f32 = 0.3;

/// A padded picture is enlarged by a whole factor up to 3 until its longer side is about this many pixels.
const WANTED_SIDE_PX: u32 = 480;

/// Reads a picture file, turned as its EXIF orientation says; damaged EXIF data turns nothing.
///
/// # Errors
/// A message for people: unreadable, unknown format, damaged, or unusable size.
pub fn read(path: &Path) -> Result<RgbImage, String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let mut reader =
        ImageReader::new(Cursor::new(&bytes)).with_guessed_format().map_err(|e| e.to_string())?;
    let known = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Pnm, ImageFormat::Gif];
    if !reader.format().is_some_and(|format| known.contains(&format)) {
        return Err("is not a JPEG, PNG, PGM, PPM or GIF".to_owned());
    }
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE_PX), Some(MAX_SIDE_PX));
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|e| e.to_string())?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|e| e.to_string())?;
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}

/// The picture as a frame from the camera.
///
/// # Errors
/// A message when a side is too small or too large for a frame.
pub fn frame(picture: &RgbImage) -> Result<Frame, String> {
    let (width, height) = picture.dimensions();
    Frame::new(width, height, picture.as_raw().clone(), BootTime::default()).map_err(|e| e.to_string())
}

/// A picture that is already an aligned face; `None` unless it is 112x112.
pub fn chip(picture: &RgbImage) -> Option<Chip> {
    let side = CHIP_SIDE_PX;
    (picture.dimensions() == (side, side)).then(|| Chip::from_rgb(picture.as_raw().clone())).flatten()
}

/// Writes a chip as PNG.
///
/// # Errors
/// When the file cannot be written.
pub fn write_chip(chip: &Chip, path: &Path) -> Result<(), image::ImageError> {
    image::save_buffer(path, chip.rgb(), CHIP_SIDE_PX, CHIP_SIDE_PX, image::ExtendedColorType::Rgb8)
}

/// For a face that fills its picture, which the detector misses: 30 % of replicated border on each side,
/// then enlarged up to three times.
///
/// # Errors
/// A message when the result would be too small or too large.
pub fn with_border(picture: &RgbImage) -> Result<Frame, String> {
    let (width, height) = picture.dimensions();
    let border = |side: u32| (side as f32 * PAD).round() as u32;
    let (left, top) = (border(width), border(height));
    let (wide, high) = (width + 2 * left, height + 2 * top);
    let mut rgb = Vec::with_capacity((wide * high * 3) as usize);
    for y in 0..high {
        let from_y = y.saturating_sub(top).min(height - 1);
        for x in 0..wide {
            let from_x = x.saturating_sub(left).min(width - 1);
            let at = ((from_y * width + from_x) * 3) as usize;
            rgb.extend_from_slice(&picture.as_raw()[at..at + 3]);
        }
    }
    let times = WANTED_SIDE_PX.div_ceil(wide.max(high)).clamp(1, 3);
    let rgb = scaled(&rgb, (wide, high), (wide * times, high * times), Interpolation::CatmullRom)?;
    Frame::new(wide * times, high * times, rgb, BootTime::default()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, bytes: &[u8]) -> Result<RgbImage, String> {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).expect("file");
        read(&path)
    }

    #[test]
    fn a_pgm_becomes_grey_rgb() {
        let mut pgm = b"P5 40 32 255\n".to_vec();
        pgm.extend((0..40 * 32).map(|i| (i % 200) as u8));
        let picture = written("a.pgm", &pgm).expect("a picture");
        assert_eq!((picture.dimensions(), picture.get_pixel(1, 0).0), ((40, 32), [1, 1, 1]));
        assert!(frame(&picture).is_ok());
    }

    #[test]
    fn a_picture_is_turned_by_its_exif_orientation() {
        let lying = RgbImage::from_fn(40, 32, |x, _| image::Rgb([if x < 20 { 0 } else { 255 }; 3]));
        let mut jpeg = Vec::new();
        lying.write_to(&mut Cursor::new(&mut jpeg), ImageFormat::Jpeg).expect("encoded");
        // One entry, the orientation: 6, to be turned by 90 degrees clockwise.
        let exif = *b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let segment = [&[0xFF, 0xE1, 0, exif.len() as u8 + 2][..], &exif].concat();
        jpeg.splice(2..2, segment);
        let turned = written("a.jpg", &jpeg).expect("a picture");
        assert_eq!(turned.dimensions(), (32, 40));
        assert!(turned.get_pixel(16, 2).0[0] < 20 && turned.get_pixel(16, 37).0[0] > 235);
        jpeg[20..30].fill(0xFF);
        assert_eq!(written("a.jpg", &jpeg).expect("a picture").dimensions(), (40, 32));
    }

    #[test]
    fn text_damaged_and_absurd_pictures_are_refused() {
        assert!(written("a", b"hello").is_err_and(|why| why.contains("JPEG")));
        assert!(written("a", b"").is_err());
        assert!(written("a.pgm", b"P5 40 32 255\nshort").is_err());
        assert!(written("a.pgm", b"P5 40000 32000 255\n").is_err());
    }

    #[test]
    fn a_border_repeats_the_edge_and_enlarges() {
        let grey = |width, height| RgbImage::from_pixel(width, height, image::Rgb([77; 3]));
        let bordered = with_border(&grey(92, 112)).expect("works");
        assert_eq!((bordered.width(), bordered.height()), (148 * 3, 180 * 3));
        assert!(bordered.rgb().iter().all(|v| *v == 77));
        assert!(chip(&grey(112, 112)).is_some() && chip(&grey(92, 112)).is_none());
        // Too small for a frame, yet a face may be in it.
        assert!(frame(&grey(23, 28)).is_err() && with_border(&grey(23, 28)).is_ok());
        assert!(with_border(&grey(2, 2)).is_err());
    }
}
