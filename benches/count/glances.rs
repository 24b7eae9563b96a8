//! What it costs to watch a camera before which nothing moves, to be counted: `glances FORMAT PICTURE N` prepares a few noisy
//! frames of a picture, glances N times at them in turn, and looks for motion each time. The difference between two N is that
//! of the glances.

use std::io::{Error, Result};

use facelatch::camera::decode::{Layout, PixelFormat, decode_picture, glance};
use facelatch::camera::{CameraError, GLANCE_CELLS};
use facelatch::detect::motion::Motion;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// Frames that are glanced at in turn: no two of a real camera are the same.
const FRAMES: u32 = 4;

/// Grey levels that noise adds or takes, at most.
const NOISE: u32 = 6;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [format, picture, count] = words.as_slice() else {
        return Err(Error::other("usage: glances mjpeg|yuyv PICTURE N"));
    };
    let (width, height, rgb) = decode_picture(&std::fs::read(picture)?).map_err(Error::other)?;
    let format = if format == "yuyv" { PixelFormat::Yuyv } else { PixelFormat::Mjpeg };
    let frames: Vec<Vec<u8>> = (1..=FRAMES)
        .map(|seed| match (noisy(&rgb, seed), format) {
            (rgb, PixelFormat::Yuyv) => Ok(yuyv(&rgb)),
            (rgb, _) => jpeg(&rgb, width as u16, height as u16),
        })
        .collect::<Result<_>>()?;
    let layout = Layout { format, width, height };
    let bytes = frames.iter().map(Vec::len).sum::<usize>() / frames.len();
    let count: usize = count.parse().map_err(Error::other)?;
    let (mut motion, mut moves) = (Motion::default(), 0);
    for frame in frames.iter().cycle().take(count) {
        let grey = glance(layout, 0, frame, GLANCE_CELLS).map_err(|why: CameraError| Error::other(why))?;
        moves += usize::from(motion.see(&grey).is_motion());
    }
    eprintln!("{width}x{height}, {bytes} bytes a frame, {count} glances, {moves} with motion");
    Ok(())
}

fn noisy(rgb: &[u8], seed: u32) -> Vec<u8> {
    let mut random = seed;
    let noise = |level: &u8| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (random >> 16) % (2 * NOISE + 1);
        (u32::from(*level) + noise).saturating_sub(NOISE).min(255) as u8
    };
    rgb.iter().map(noise).collect()
}

/// As a USB camera sends it.
fn jpeg(rgb: &[u8], width: u16, height: u16) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 85);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_2);
    encoder.encode(rgb, width, height, ColorType::Rgb).map_err(Error::other)?;
    Ok(bytes)
}

/// Light only.
fn yuyv(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks_exact(3).flat_map(|pixel| [16 + (u32::from(pixel[1]) * 219 / 255) as u8, 128]).collect()
}
