//! Pictures that no face can be judged from, made of good ones.

use facelatch::camera::Frame;
use facelatch::camera::orient::Orientation;
use facelatch::camera::scale::{Interpolation, scaled};
use facelatch::clock::BootTime;
use facelatch::detect::Point;

use crate::attack::MARK;
use crate::stage::bundled;
use crate::turn::turned;
use crate::world::networks;

/// What is wrong with a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spoil {
    /// Turned clockwise by so many degrees, a multiple of 90.
    Turned(u32),
    /// Scaled down so many times and up again: blurred, as few pixels are.
    Coarse(u32),
    /// Up to so many grey levels added to or taken from each value.
    Noisy(u8),
    /// Moved sideways while the shutter was open, by so many hundredths of the distance between the eyes.
    Moved(u32),
    /// Black glasses.
    DarkGlasses,
    /// A grey cloth from below the nose to the chin.
    Mask,
    /// The head turned to the person's own left by so many degrees; negative to their right.
    Head(i32),
    /// The same, and moved and scaled to where the face is in that bundled picture.
    InPlaceOf(&'static str, i32),
    /// Moved to there, with that picture laid over it by so many hundredths, and the head turned.
    Morph(&'static str, u32, i32),
    /// The same face once more, beside itself.
    Twice,
    /// With the mark that the scripted network takes for an attack.
    Recaptured,
}

/// Width, height, RGB.
pub type Pixels = (u32, u32, Vec<u8>);

/// The picture with that fault.
pub fn spoilt((width, height, rgb): Pixels, spoil: Spoil) -> Pixels {
    match spoil {
        Spoil::Turned(degrees) => Orientation::new(degrees, false).turned(width, height, &rgb),
        Spoil::Coarse(times) => {
            let small = (width / times, height / times);
            let down = scaled(&rgb, (width, height), small, Interpolation::Linear).expect("scales");
            (width, height, scaled(&down, small, (width, height), Interpolation::Linear).expect("scales"))
        }
        Spoil::Noisy(levels) => (width, height, noisy(&rgb, levels)),
        Spoil::Moved(hundredths) => {
            let face = FaceAxes::of(width, height, &rgb);
            (width, height, moved(width, &rgb, face.eye_distance * hundredths as f32 / 100.0))
        }
        Spoil::DarkGlasses => {
            let is_glass = |x: f32, y: f32| ((x.abs() - 0.5) / 0.42).hypot(y / 0.38) < 1.0;
            painted((width, height, rgb), 18, is_glass)
        }
        Spoil::Twice => twice((width, height, rgb)),
        Spoil::InPlaceOf(other, degrees) => {
            let from = FaceAxes::of(width, height, &rgb);
            let (other_width, other_height, other) = bundled(other);
            let to = FaceAxes::of(other_width, other_height, &other);
            placed(turned((width, height, rgb), degrees as f32), &from, &to)
        }
        Spoil::Head(degrees) => turned((width, height, rgb), degrees as f32),
        Spoil::Morph(other, hundredths, degrees) => {
            let below = spoilt((width, height, rgb), Spoil::InPlaceOf(other, 0));
            turned(morphed(below, &bundled(other), hundredths), degrees as f32)
        }
        Spoil::Recaptured => {
            let mut marked = rgb;
            marked[..3].copy_from_slice(&MARK);
            (width, height, marked)
        }
        Spoil::Mask => painted((width, height, rgb), 190, |x, y| x.abs() < 1.1 && (0.65..2.2).contains(&y)),
    }
}

/// Where the face in a picture is.
pub(crate) struct FaceAxes {
    /// In the middle between the eyes.
    pub(crate) middle: Point,
    /// In pixels.
    pub(crate) eye_distance: f32,
}

impl FaceAxes {
    pub(crate) fn of(width: u32, height: u32, rgb: &[u8]) -> Self {
        let frame = Frame::new(width, height, rgb.to_vec(), BootTime::default()).expect("a frame");
        let faces = networks().detector.detect(&frame).expect("detects");
        let [left, right, ..] = faces.first().expect("a face").landmarks;
        Self {
            middle: Point { x: (left.x + right.x) / 2.0, y: (left.y + right.y) / 2.0 },
            eye_distance: (right.x - left.x).hypot(right.y - left.y),
        }
    }
}

/// Every pixel in this grey for which `is_covered` holds, told how far it is from the middle of the eyes, across and down, in
/// eye distances.
fn painted((width, height, mut rgb): Pixels, grey: u8, is_covered: impl Fn(f32, f32) -> bool) -> Pixels {
    let FaceAxes { middle, eye_distance } = FaceAxes::of(width, height, &rgb);
    for (at, pixel) in rgb.chunks_exact_mut(3).enumerate() {
        let (x, y) = ((at % width as usize) as f32, (at / width as usize) as f32);
        if is_covered((x - middle.x) / eye_distance, (y - middle.y) / eye_distance) {
            pixel.fill(grey);
        }
    }
    (width, height, rgb)
}

/// The picture moved and scaled so that the face is there instead.
fn placed((width, height, rgb): Pixels, from: &FaceAxes, to: &FaceAxes) -> Pixels {
    let scale = from.eye_distance / to.eye_distance;
    let pixel = |at: usize| {
        let (x, y) = ((at % width as usize) as f32, (at / width as usize) as f32);
        let x = (from.middle.x + (x - to.middle.x) * scale).clamp(0.0, width as f32 - 1.0) as usize;
        let y = (from.middle.y + (y - to.middle.y) * scale).clamp(0.0, height as f32 - 1.0) as usize;
        let at = 3 * (y * width as usize + x);
        [rgb[at], rgb[at + 1], rgb[at + 2]]
    };
    let moved = (0..(width * height) as usize).flat_map(pixel).collect();
    (width, height, moved)
}

/// So many hundredths of the other picture laid over this one.
fn morphed((width, height, mut rgb): Pixels, (other_width, _, other): &Pixels, hundredths: u32) -> Pixels {
    let rows = rgb.chunks_exact_mut(3 * width as usize).zip(other.chunks_exact(3 * *other_width as usize));
    for (value, over) in rows.flat_map(|(row, over)| row.iter_mut().zip(over)) {
        *value = ((u32::from(*value) * (100 - hundredths) + u32::from(*over) * hundredths) / 100) as u8;
    }
    (width, height, rgb)
}

/// With a copy of the face at the side that has more room.
fn twice((width, height, mut rgb): Pixels) -> Pixels {
    let FaceAxes { middle, eye_distance } = FaceAxes::of(width, height, &rgb);
    let half = 1.5 * eye_distance;
    let away = if middle.x > width as f32 / 2.0 { -2.1 * half } else { 2.1 * half };
    let rows = (middle.y - half).max(0.0) as usize..((middle.y + 1.6 * half) as usize).min(height as usize);
    for row in rows {
        let line = &mut rgb[3 * width as usize * row..][..3 * width as usize];
        let from = (middle.x - half).max(0.0) as usize..((middle.x + half) as usize).min(width as usize);
        let to = (from.start as f32 + away).max(0.0) as usize;
        let face = line[3 * from.start..3 * from.end].to_vec();
        let room = face.len().min(line.len() - (3 * to).min(line.len()));
        line[3 * to..][..room].copy_from_slice(&face[..room]);
    }
    (width, height, rgb)
}

/// The mean of so many pixels in a row.
fn moved(width: u32, rgb: &[u8], pixels: f32) -> Vec<u8> {
    let half = (pixels / 2.0).round() as usize;
    let row = |row: &[u8]| -> Vec<u8> {
        let last = row.len() / 3 - 1;
        let mean = |x: usize, channel: usize| {
            let (from, to) = (x.saturating_sub(half), (x + half).min(last));
            let sum: u32 = (from..=to).map(|x| u32::from(row[3 * x + channel])).sum();
            (sum / (to - from + 1) as u32) as u8
        };
        (0..row.len()).map(|at| mean(at / 3, at % 3)).collect()
    };
    rgb.chunks_exact(3 * width as usize).flat_map(row).collect()
}

/// The same noise each time.
fn noisy(rgb: &[u8], levels: u8) -> Vec<u8> {
    let mut state = 1_u64;
    let levels = i64::from(levels);
    let mut noise = || {
        // Constants of Knuth's MMIX.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % (2 * levels + 1) - levels
    };
    rgb.iter().map(|value| (i64::from(*value) + noise()).clamp(0, 255) as u8).collect()
}
