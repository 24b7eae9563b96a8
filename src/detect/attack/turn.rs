//! A plane or a head? Both are fitted to all frames of a turn, and the likelihoods compared.
//!
//! Both are one model: five points, the eyes and the corners of the mouth on a plane and the nose above it, by a depth that
//! stays the same while the face turns. Turned by an angle, the face is narrower by the cosine, and the nose moves by its
//! depth times the tangent (weak perspective). A head's nose stands out by its depth; a picture's does not, but for bending and
//! for what the detector believes of a slanting face. The angle of a frame is unknown and summed over, and so is the depth.

use super::super::{Face, Point};
use super::Score;
use super::plane::Parallax;

#[cfg(test)]
mod tests;

/// Depths of the nose that are summed over, in eye distances: from -0.3 in steps of 0.05.
const DEPTHS: usize = 27;
const FIRST_DEPTH: f64 = -0.3;
const DEPTH_STEP: f64 = 0.05;

/// Depth of a head's nose over the plane, mean and spread. Fitted to 18 series of people who turned (0.26 to 0.63, median 0.41).
const HEAD: (f64, f64) = (0.42, 0.10);

/// The same of a picture. A life-size print bent to a radius of four eye distances (25 cm) has 0.03, to one 0.12.
const PICTURE: (f64, f64) = (0.0, 0.12);

/// Angles of the head that are summed over: from -75 degrees in steps of 5, most likely near 0.
const ANGLES: usize = 31;
const FIRST_ANGLE: f64 = -75.0;
const ANGLE_STEP: f64 = 5.0;
const ANGLE_SPREAD: f64 = 40.0;

/// Noise of the nose's place, in eye distances, at 0 degrees; it grows with the angle.
const NOSE_NOISE: f64 = 0.035;

/// Noise of the logarithm of the breadth: the detector's, a nod, an open mouth.
const BREADTH_NOISE: f64 = 0.07;

/// Share of the noise that is the same in all frames: n frames are worth 1 / SHARED of independent ones at most.
const SHARED: f64 = 0.3;

/// Likelihood of landmarks that are wrong altogether.
const WRONG: f64 = 0.02;

/// Frames beyond this parallax or narrower than this show a turn. The others say nothing of depth.
const MOVED: f64 = 0.12;
const NARROW: f64 = 0.9;

/// How a face stands to the same face straight to the camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// How far the nose is from where a plane would have it.
    pub parallax: Parallax,
    /// Breadth by height, by that of the straight face: the cosine of the angle, but for noise.
    pub breadth: f64,
}

/// What all frames so far say.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Log-likelihood of each depth.
    log: [f64; DEPTHS],
    frames: u32,
}

impl View {
    /// Of `face` against the landmarks of the same face `straight` to the camera. `None` where the points of either lie on a
    /// line.
    pub fn between(straight: &[Point; 5], face: &Face) -> Option<Self> {
        let parallax = Parallax::between(straight, face)?;
        let breadth = f64::from(breadth(&face.landmarks) / breadth(straight));
        (breadth.is_finite() && breadth > 0.0).then_some(Self { parallax, breadth })
    }
}

impl Evidence {
    /// Another frame.
    pub fn add(&mut self, view: &View) {
        if view.parallax.x.abs() < MOVED && view.breadth > NARROW {
            return;
        }
        self.frames += 1;
        let angles = angles(view.breadth);
        let total: f64 = angles.iter().map(|(weight, _)| weight).sum();
        for (sum, n) in self.log.iter_mut().zip(0_u32..) {
            let depth = FIRST_DEPTH + DEPTH_STEP * f64::from(n);
            let likelihood: f64 = angles
                .iter()
                .map(|(weight, tangent)| {
                    let noise = NOSE_NOISE * (1.0 + tangent.abs());
                    weight * gauss(view.parallax.x - depth * tangent, noise) / noise
                })
                .sum();
            *sum += (likelihood / total + WRONG).ln();
        }
    }

    /// Frames that showed a turn.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Log-odds of a head rather than a picture, either as likely before.
    pub fn score(&self) -> Score {
        let worth = 1.0 / (1.0 + f64::from(self.frames.saturating_sub(1)) * SHARED);
        let top = self.log.iter().fold(f64::NEG_INFINITY, |top, log| top.max(*log));
        let likelihood = |(mean, spread): (f64, f64)| {
            let (mut sum, mut total) = (0.0, 0.0);
            for (log, n) in self.log.iter().zip(0_u32..) {
                let prior = gauss(FIRST_DEPTH + DEPTH_STEP * f64::from(n) - mean, spread);
                sum += prior * (worth * (log - top)).exp();
                total += prior;
            }
            sum / total
        };
        // Neither is 0: both priors reach over all depths.
        Score((likelihood(HEAD) / likelihood(PICTURE)).ln() as f32)
    }
}

/// Eye distance by the distance of the eyes from the mouth.
fn breadth(landmarks: &[Point; 5]) -> f32 {
    let [left, right, _, mouth_left, mouth_right] = landmarks;
    let down =
        (left.x + right.x - mouth_left.x - mouth_right.x, left.y + right.y - mouth_left.y - mouth_right.y);
    2.0 * (right.x - left.x).hypot(right.y - left.y) / down.0.hypot(down.1)
}

/// How likely each angle is for a face of this breadth, not normalised, and its tangent.
fn angles(breadth: f64) -> [(f64, f64); ANGLES] {
    let log = breadth.clamp(0.2, 2.0).ln();
    std::array::from_fn(|n| {
        let degrees = FIRST_ANGLE + ANGLE_STEP * n as f64;
        let angle = degrees.to_radians();
        (gauss(degrees, ANGLE_SPREAD) * gauss(log - angle.cos().ln(), BREADTH_NOISE), angle.tan())
    })
}

/// The normal distribution, its top 1.
fn gauss(x: f64, spread: f64) -> f64 {
    (-0.5 * (x / spread).powi(2)).exp()
}
