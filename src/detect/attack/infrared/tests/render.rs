//! Renders what a colour and an infrared camera see of a head, a print of it, and a screen that shows it.
//!
//! Surfaces are matt and reflect what their materials reflect of visible light and of near infrared; the emitter stands beside
//! the camera and its light falls off with the square of the distance; other light is the same everywhere.

use crate::camera::Frame;
use crate::clock::BootTime;
use crate::detect::{Bbox, Face, Point};

pub(super) const WIDTH: u32 = 160;
pub(super) const HEIGHT: u32 = 120;

/// Half of a head's width and height, in half face widths.
const HEAD: (f32, f32) = (1.0, 1.35);

/// What stands before the cameras.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shown {
    /// A head; what its skin reflects of visible light, and of infrared.
    Live { visible: f32, infrared: f32 },
    /// Paper; the part of its ink that is black from carbon, which infrared does not pass.
    Print { carbon: f32 },
    /// A screen behind glass.
    Screen,
}

/// A scene.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    pub(super) shown: Shown,
    /// Middle of the face, in pixels.
    pub(super) at: (f32, f32),
    /// Half the width of the face, in pixels.
    pub(super) half: f32,
    /// Infrared that is there without the emitter, by that which the emitter gives at the face.
    pub(super) sun: f32,
}

/// Reflectances of visible light and of infrared.
type Material = (f32, f32);

const PAPER: f32 = 0.85;
const WALL: Material = (0.6, 0.6);
const HAND: Material = (0.45, 0.55);
const GLASS: f32 = 0.04;

impl Scene {
    /// Where the face is.
    pub(super) fn face(&self) -> Face {
        let point = |(u, v): (f32, f32)| Point { x: self.at.0 + u * self.half, y: self.at.1 + v * self.half };
        Face {
            bbox: Bbox {
                x: self.at.0 - self.half,
                y: self.at.1 - 1.2 * self.half,
                w: 2.0 * self.half,
                h: 2.4 * self.half,
            },
            landmarks: [(-0.42, -0.25), (0.42, -0.25), (0.0, 0.2), (-0.32, 0.62), (0.32, 0.62)].map(point),
            confidence: 0.95,
        }
    }

    pub(super) fn colour(&self, at: BootTime) -> Frame {
        self.frame(at, |u, v| {
            let visible = match self.shown {
                Shown::Live { visible, infrared } => {
                    head(u, v, (visible, infrared)).map(|(m, round, _)| m.0 * (0.4 + 0.6 * round))
                }
                Shown::Print { .. } => sheet(u, v).then(|| PAPER * printed(u, v)),
                Shown::Screen => sheet(u, v).then(|| printed(u, v)),
            };
            let light = visible.unwrap_or(behind(u, v).0);
            // Redder than grey, as skin and warm light are.
            [light * 1.0, light * 0.8, light * 0.65]
        })
    }

    /// With the emitter on, or off.
    pub(super) fn grey(&self, at: BootTime, lit: bool) -> Frame {
        let emitter = if lit { 1.0 } else { 0.0 };
        self.frame(at, |u, v| {
            let of = |reflects: f32, round: f32, far: f32| reflects * (emitter * round * far + self.sun);
            let light = match self.shown {
                Shown::Live { visible, infrared } => head(u, v, (visible, infrared))
                    .map(|(m, round, glint)| of(m.1, round, 1.0) + if glint { emitter } else { 0.0 }),
                Shown::Print { carbon } => {
                    sheet(u, v).then(|| of(PAPER * (1.0 - carbon * (1.0 - printed(u, v))), 1.0, 1.0))
                }
                Shown::Screen => {
                    // The glass mirrors the emitter as one spot.
                    let spot = (u - 0.5).hypot(v + 0.9) < 0.12;
                    sheet(u, v).then(|| if spot { emitter } else { of(GLASS, 1.0, 1.0) })
                }
            };
            let light = light.unwrap_or_else(|| {
                let (material, far) = if holds(u, v) { (HAND, 1.0) } else { (WALL, 0.1) };
                of(material.1, 1.0, far)
            });
            [light; 3]
        })
    }

    fn frame(&self, at: BootTime, light: impl Fn(f32, f32) -> [f32; 3]) -> Frame {
        let mut noise = 1_u32;
        let mut rgb = Vec::new();
        for i in 0..WIDTH * HEIGHT {
            let (x, y) = ((i % WIDTH) as f32, (i / WIDTH) as f32);
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (noise >> 24) as f32 / 64.0 - 2.0;
            let seen = light((x - self.at.0) / self.half, (y - self.at.1) / self.half);
            rgb.extend(seen.map(|light| (light * 230.0 + noise + 2.0).clamp(0.0, 255.0) as u8));
        }
        Frame::new(WIDTH, HEIGHT, rgb, at).expect("size")
    }
}

/// Material of a head, how far it is turned to the camera, and whether a spot of the emitter is seen there.
fn head(u: f32, v: f32, skin: Material) -> Option<(Material, f32, bool)> {
    let far = (u / HEAD.0).powi(2) + (v / HEAD.1).powi(2);
    let round = (1.0 - far).max(0.0).sqrt();
    let inside = |x: f32, y: f32, wide: f32, high: f32| {
        ((u.abs() - x) / wide).powi(2) + ((v - y) / high).powi(2) < 1.0
    };
    let material = match () {
        () if inside(0.42, -0.25, 0.16, 0.09) => (0.08, 0.2),
        () if inside(0.42, -0.5, 0.22, 0.05) => (0.1, 0.25),
        () if inside(0.0, 0.62, 0.34, 0.09) => (0.6 * skin.0, 0.9 * skin.1),
        () if v < -0.95 => (0.06, 0.25),
        () => skin,
    };
    let glint = inside(0.40, -0.27, 0.025, 0.025);
    (far < 1.0).then_some((material, round, glint))
}

/// The light of a picture of a head.
fn printed(u: f32, v: f32) -> f32 {
    head(u, v, (0.6, 0.55)).map_or(0.5, |(material, round, _)| material.0 * (0.4 + 0.6 * round))
}

/// A sheet or screen, a little larger than the head in it.
fn sheet(u: f32, v: f32) -> bool {
    u.abs() < 1.3 && v.abs() < 1.6
}

fn holds(u: f32, v: f32) -> bool {
    (-0.9..0.9).contains(&u) && (1.4..2.2).contains(&v)
}

fn behind(u: f32, v: f32) -> Material {
    if holds(u, v) { HAND } else { WALL }
}
