//! What a camera sees, for tests: grey frames, and faces that move: a head and a picture of it, with noise as the detector's.

use super::super::{Bbox, Face, Point};
use crate::camera::Frame;
use crate::clock::BootTime;

/// Five points in eye distances: right, down, away from the camera.
pub(super) type Shape = [[f64; 3]; 5];

/// The same numbers each time.
pub(super) struct Random(pub(super) u64);

impl Random {
    /// Evenly within `0..1`.
    pub(super) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ (self.0 >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
        ((mixed ^ (mixed >> 29)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn within(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    /// Of mean 0 and spread 1: twelve of the others (Irwin and Hall).
    pub(super) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// How a face stands, in degrees, and how far off, in eye distances.
#[derive(Clone, Copy)]
pub(super) struct Stand {
    pub(super) yaw: f64,
    pub(super) pitch: f64,
    pub(super) roll: f64,
    pub(super) distance: f64,
}

impl Stand {
    pub(super) fn straight() -> Self {
        Self { yaw: 0.0, pitch: 0.0, roll: 0.0, distance: 9.0 }
    }

    pub(super) fn turned(yaw: f64) -> Self {
        Self { yaw, ..Self::straight() }
    }
}

/// A head with its nose this far before the plane of eyes and mouth.
pub(super) fn head(depth: f64) -> Shape {
    [[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.6, -depth], [-0.4, 1.15, 0.0], [0.4, 1.15, 0.0]]
}

/// A print, bent round an upright axis to this radius: what was seen of a head from the front.
pub(super) fn bent(radius: f64) -> Shape {
    head(0.0).map(|[x, y, _]| [radius * (x / radius).sin(), y, radius * (1.0 - (x / radius).cos())])
}

/// The face in a picture of 640x480 pixels, 60 pixels between its eyes; landmarks noisy by `noise` eye distances.
pub(super) fn seen(shape: &Shape, stand: Stand, noise: f64, random: &mut Random) -> Face {
    let (yaw, pitch, roll) = (stand.yaw.to_radians(), stand.pitch.to_radians(), stand.roll.to_radians());
    let landmarks = shape.map(|[x, y, z]| {
        // Turned to the person's left, a face looks to the right of the picture.
        let (x, z) = (x * yaw.cos() - z * yaw.sin(), x * yaw.sin() + z * yaw.cos());
        let (y, z) = (y * pitch.cos() - z * pitch.sin(), y * pitch.sin() + z * pitch.cos());
        let (x, y) = (x * roll.cos() - y * roll.sin(), x * roll.sin() + y * roll.cos());
        let scale = 60.0 * stand.distance / (stand.distance + z);
        Point {
            x: (320.0 + scale * x + 60.0 * noise * random.normal()) as f32,
            y: (200.0 + scale * y + 60.0 * noise * random.normal()) as f32,
        }
    });
    Face { bbox: Bbox { x: 230.0, y: 120.0, w: 180.0, h: 240.0 }, landmarks, confidence: 0.9 }
}

/// Width and height of [`lit`] frames in pixels. Small, which keeps the tests fast.
const LIT: (u32, u32) = (160, 120);

/// A grey frame by its light at each place, `0.0..=255.0`; places are told in half pixels.
pub(super) fn lit(taken_at: BootTime, light: impl Fn(f32, f32) -> f32) -> Frame {
    let (width, height) = LIT;
    let at = |i: u32| light((i % width * 2) as f32, (i / width * 2) as f32).clamp(0.0, 255.0) as u8;
    let rgb = (0..width * height).flat_map(|i| [at(i); 3]).collect();
    Frame::new(width, height, rgb, taken_at).expect("valid")
}
