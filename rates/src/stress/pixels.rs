//! Pictures to worse pictures: what faults are made of. Pure; sizes in pixels.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, Rgb, RgbImage};

use facelatch::detect::Point;
use facelatch::head::project::SplitMix64;

/// Normally distributed, mean 0, variance 1 (Box and Muller 1958).
pub fn gaussian(random: &mut SplitMix64) -> f32 {
    let radius = (-2.0 * (1.0 - random.uniform()).ln()).sqrt();
    (radius * (std::f64::consts::TAU * random.uniform()).cos()) as f32
}

/// In `-1..1`.
pub fn signed(random: &mut SplitMix64) -> f32 {
    (2.0 * random.uniform() - 1.0) as f32
}

/// Every pixel by itself: place and channels (0 to 255) to channels, which are rounded and clipped.
pub fn each(picture: &RgbImage, mut to: impl FnMut(u32, u32, [f32; 3]) -> [f32; 3]) -> RgbImage {
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        Rgb(to(x, y, picture.get_pixel(x, y).0.map(f32::from)).map(|v| v.round().clamp(0.0, 255.0) as u8))
    })
}

/// A picture of `size` whose pixel at p is the picture's colour at `from(p)`, between four pixels. The edge goes on for
/// ever.
pub fn warped(picture: &RgbImage, size: (u32, u32), from: impl Fn(Point) -> Point) -> RgbImage {
    let at = |x: f32, y: f32| {
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let (x, y) = (x.clamp(0.0, width - 1.0), y.clamp(0.0, height - 1.0));
        picture.get_pixel(x as u32, y as u32).0.map(f32::from)
    };
    RgbImage::from_fn(size.0, size.1, |x, y| {
        let p = from(Point { x: x as f32, y: y as f32 });
        let (left, top) = (p.x.floor(), p.y.floor());
        let (across, down) = (p.x - left, p.y - top);
        let corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)];
        let mut sum = [0.0; 3];
        for (dx, dy) in corners {
            let weight = (1.0 - dx - across).abs() * (1.0 - dy - down).abs();
            for (sum, value) in sum.iter_mut().zip(at(left + dx, top + dy)) {
                *sum += weight * value;
            }
        }
        Rgb(sum.map(|v| v.round() as u8))
    })
}

/// Turned clockwise about the middle, scaled, then shifted by a share of the sides.
pub fn moved(picture: &RgbImage, degrees: f32, scale: f32, shift: (f32, f32)) -> RgbImage {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let (middle_x, middle_y) = ((width - 1.0) / 2.0, (height - 1.0) / 2.0);
    let (sin, cos) = degrees.to_radians().sin_cos();
    warped(picture, picture.dimensions(), |p| {
        let (x, y) = (p.x - middle_x - shift.0 * width, p.y - middle_y - shift.1 * height);
        Point { x: middle_x + (cos * x + sin * y) / scale, y: middle_y + (cos * y - sin * x) / scale }
    })
}

/// In another size.
pub fn resized(picture: &RgbImage, (width, height): (u32, u32)) -> RgbImage {
    image::imageops::resize(picture, width.max(1), height.max(1), image::imageops::FilterType::Triangle)
}

/// Mean over pixels at the given offsets, by their weights.
fn convolved(picture: &RgbImage, taps: &[(i64, i64, f32)]) -> RgbImage {
    let (right, bottom) = (i64::from(picture.width()) - 1, i64::from(picture.height()) - 1);
    let all: f32 = taps.iter().map(|(_, _, weight)| weight).sum();
    each(picture, |x, y, _| {
        let mut sum = [0.0; 3];
        for (dx, dy, weight) in taps {
            let (x, y) = ((i64::from(x) + dx).clamp(0, right), (i64::from(y) + dy).clamp(0, bottom));
            for (sum, value) in sum.iter_mut().zip(picture.get_pixel(x as u32, y as u32).0) {
                *sum += weight * f32::from(value);
            }
        }
        sum.map(|v| v / all)
    })
}

/// Out of focus: a Gaussian of this standard deviation.
pub fn blurred(picture: &RgbImage, sigma: f32) -> RgbImage {
    let reach = (3.0 * sigma).ceil() as i64;
    let weight = |i: i64| (-0.5 * (i as f32 / sigma).powi(2)).exp();
    let across: Vec<_> = (-reach..=reach).map(|i| (i, 0, weight(i))).collect();
    let down: Vec<_> = across.iter().map(|(i, _, weight)| (0, *i, *weight)).collect();
    convolved(&convolved(picture, &across), &down)
}

/// Moved along a line of this length while the shutter was open.
pub fn smeared(picture: &RgbImage, length: f32, degrees: f32) -> RgbImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let half = (length / 2.0).round() as i64;
    let tap = |i: i64| ((cos * i as f32).round() as i64, (sin * i as f32).round() as i64, 1.0);
    convolved(picture, &(-half..=half).map(tap).collect::<Vec<_>>())
}

/// Noise of this standard deviation on each channel.
pub fn noisy(picture: &RgbImage, deviation: f32, random: &mut SplitMix64) -> RgbImage {
    each(picture, |_, _, rgb| rgb.map(|v| v + deviation * gaussian(random)))
}

/// Through a JPEG of this quality, 1 to 100.
pub fn compressed(picture: &RgbImage, quality: u8) -> RgbImage {
    let mut bytes = Cursor::new(Vec::new());
    let written = picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality));
    // An encoder that writes into memory has nothing to fail at.
    let read = written.and_then(|()| image::load_from_memory_with_format(bytes.get_ref(), ImageFormat::Jpeg));
    read.map_or_else(|_| picture.clone(), image::DynamicImage::into_rgb8)
}

/// Light of a pixel (BT.601).
pub fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

/// As a drawing: `tones` grey tones and black outlines.
pub fn drawn(picture: &RgbImage, tones: f32) -> RgbImage {
    let soft = blurred(picture, 1.0);
    let light = |x: i64, y: i64| {
        let (x, y) = (x.clamp(0, i64::from(soft.width()) - 1), y.clamp(0, i64::from(soft.height()) - 1));
        luma(soft.get_pixel(x as u32, y as u32).0.map(f32::from))
    };
    each(&soft, |x, y, rgb| {
        let (x, y) = (i64::from(x), i64::from(y));
        let edge = (light(x + 1, y) - light(x - 1, y)).hypot(light(x, y + 1) - light(x, y - 1));
        let tone = (luma(rgb) / 256.0 * tones).floor() * 255.0 / (tones - 1.0);
        [if edge > 40.0 { 0.0 } else { tone }; 3]
    })
}

#[cfg(test)]
mod tests;
