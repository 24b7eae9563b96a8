//! Converts JPEG pictures to camera frames: 640x480 pixels in YUYV.

use std::path::Path;

use anyhow::{Context, Result, bail};
use fast_image_resize::images::Image;
use fast_image_resize::{PixelType, ResizeOptions, Resizer};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Frame size, as in feeder.c.
const WIDTH: usize = 640;
const HEIGHT: usize = 480;

/// Writes each `DIR/NAME.jpg` as `to/NAME.yuyv`.
pub(super) fn convert(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "jpg") {
            continue;
        }
        let frame = frame(&std::fs::read(&path)?).with_context(|| path.display().to_string())?;
        let name = path.file_stem().unwrap_or_default();
        std::fs::write(to.join(name).with_extension("yuyv"), frame)?;
    }
    Ok(())
}

/// One picture as one frame; a picture of another size is placed on grey and never enlarged.
fn frame(jpeg: &[u8]) -> Result<Vec<u8>> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    let rgb = decoder.decode()?;
    let (width, height) = decoder.dimensions().context("no size")?;
    if width == 0 || height == 0 || rgb.len() != width * height * 3 {
        bail!("{width}x{height} pixels in {} bytes", rgb.len());
    }
    let scale = (WIDTH as f64 / width as f64).min(HEIGHT as f64 / height as f64).min(1.0);
    let fitted = |side: usize| ((side as f64 * scale).round() as usize).max(1);
    let (wide, high) = (fitted(width), fitted(height));
    let source = Image::from_vec_u8(width as u32, height as u32, rgb, PixelType::U8x3)?;
    let mut small = Image::new(wide as u32, high as u32, PixelType::U8x3);
    Resizer::new().resize(&source, &mut small, &ResizeOptions::new())?;
    let mut canvas = vec![128; WIDTH * HEIGHT * 3];
    let (left, top) = ((WIDTH - wide) / 2, (HEIGHT - high) / 2);
    for (row, line) in small.buffer().chunks_exact(wide * 3).enumerate() {
        let start = ((top + row) * WIDTH + left) * 3;
        canvas[start..start + line.len()].copy_from_slice(line);
    }
    Ok(canvas.chunks_exact(6).flat_map(yuyv).collect())
}

/// Two RGB pixels as Y, U, Y, V: BT.601, limited range, as USB cameras send it.
fn yuyv(two: &[u8]) -> [u8; 4] {
    let value = |r: f32, g: f32, b: f32, base: f32, factors: [f32; 3]| {
        (base + (factors[0] * r + factors[1] * g + factors[2] * b) / 255.0).round() as u8
    };
    let luma = |at: usize| {
        value(two[at].into(), two[at + 1].into(), two[at + 2].into(), 16.0, [65.481, 128.553, 24.966])
    };
    let mean = |at: usize| (f32::from(two[at]) + f32::from(two[at + 3])) / 2.0;
    let chroma = |factors| value(mean(0), mean(1), mean(2), 128.0, factors);
    [luma(0), chroma([-37.797, -74.203, 112.0]), luma(3), chroma([112.0, -93.786, -18.214])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_bt_601() {
        for (rgb, wanted) in [
            ([0, 0, 0], [16, 128, 16, 128]),
            ([255, 255, 255], [235, 128, 235, 128]),
            ([255, 0, 0], [81, 90, 81, 240]),
            ([0, 0, 255], [41, 240, 41, 110]),
        ] {
            assert_eq!(yuyv(&[rgb, rgb].concat()), wanted);
        }
    }

    #[test]
    fn every_picture_becomes_one_frame() {
        let faces = crate::run::root().join("tests/data/faces");
        for name in ["obama-1", "obama-2", "astronaut", "rocket"] {
            let jpeg = std::fs::read(faces.join(name).with_extension("jpg")).expect("is there");
            assert_eq!(frame(&jpeg).expect("is read").len(), WIDTH * HEIGHT * 2, "{name}");
        }
    }
}
