//! Stage 2: [`Frame`] to [`Face`]s. Only facts about pixels.
//!
//! YuNet (Wu, Peng, Yu 2023) looks at a square picture; the frame is scaled to fit its top left corner.

pub mod attack;
pub mod boxes;
pub mod geometry;
pub mod motion;
pub mod quality;

use crate::camera::scale::{Interpolation, scaled};
use crate::camera::{Frame, Wiped};
use crate::model::{ModelError, Network};

use boxes::{Candidate, STRIDES};

/// A place in a picture, in pixels from the top left corner.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

/// An upright rectangle in a picture, in pixels. May reach beyond the picture.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bbox {
    /// Left edge.
    pub x: f32,
    /// Upper edge.
    pub y: f32,
    /// Width.
    pub w: f32,
    /// Height.
    pub h: f32,
}

/// A face in a frame, in pixels of that frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Face {
    /// Where it is.
    pub bbox: Bbox,
    /// Eye, eye, nose, mouth corner, mouth corner; each pair from left to right as seen in the picture.
    pub landmarks: [Point; 5],
    /// How sure the detector is, `0..=1`.
    pub confidence: f32,
}

/// Finds faces with YuNet.
pub struct Detector {
    network: Network,
    min_confidence: f32,
}

impl Detector {
    /// A detector on a loaded network of kind `detector`, its input a square with a side divisible by 32.
    ///
    /// # Errors
    /// [`ModelError`] when its outputs are not those of YuNet.
    pub fn new(network: Network, min_confidence: f32) -> Result<Self, ModelError> {
        let detector = Self { network, min_confidence };
        // One run on black proves shapes and finiteness before the first face comes.
        detector.candidates(&[], 0)?;
        Ok(detector)
    }

    /// Its name in `MODELS.toml`.
    pub fn name(&self) -> &str {
        self.network.name()
    }

    /// What does not run on the int8 kernels, for people.
    pub fn notes(&self) -> &[String] {
        self.network.notes()
    }

    /// All faces in the frame, the largest first.
    ///
    /// # Errors
    /// [`ModelError`] when the network fails.
    pub fn detect(&self, frame: &Frame) -> Result<Vec<Face>, ModelError> {
        let (rgb, width) = self.fit(frame)?;
        let scale = frame.width() as f32 / width as f32;
        let mut faces: Vec<Face> = boxes::suppress(self.candidates(&rgb, width)?)
            .into_iter()
            .map(|face| boxes::scaled(&face, scale))
            .collect();
        faces.sort_by(|a, b| b.bbox.area().total_cmp(&a.bbox.area()));
        Ok(faces)
    }

    /// The frame scaled to fit the network's square: pixels, and how many a row.
    fn fit(&self, frame: &Frame) -> Result<(Wiped, usize), ModelError> {
        let side = self.network.input_size().0;
        let (width, height) = fitted((frame.width() as usize, frame.height() as usize), side);
        if (width, height) == (frame.width() as usize, frame.height() as usize) {
            return Ok((Wiped(frame.rgb().to_vec()), width));
        }
        let failed = |e: String| self.network.bad_output(format!("frame cannot be resized: {e}"));
        let (from, to) = ((frame.width(), frame.height()), (width as u32, height as u32));
        let rgb = scaled(frame.rgb(), from, to, Interpolation::Linear).map_err(failed)?;
        Ok((Wiped(rgb), width))
    }

    /// Everything above the confidence limit, in pixels of the network's input.
    fn candidates(&self, rgb: &[u8], width: usize) -> Result<Vec<Candidate>, ModelError> {
        let outputs = self.network.run(rgb, width)?;
        let side = self.network.input_size().0;
        let [c8, c16, c32, o8, o16, o32, b8, b16, b32, k8, k16, k32] = outputs.as_slice() else {
            return Err(self.network.bad_output(format!("{} outputs, YuNet has 12", outputs.len())));
        };
        let levels = [(c8, o8, b8, k8), (c16, o16, b16, k16), (c32, o32, b32, k32)];
        let mut found = Vec::new();
        for (stride, (class, object, bbox, landmarks)) in STRIDES.into_iter().zip(levels) {
            let level = boxes::Level { stride, side, class, object, bbox, landmarks };
            let why =
                || self.network.bad_output(format!("outputs at stride {stride} do not fit a side of {side}"));
            found.extend(level.candidates(self.min_confidence).ok_or_else(why)?);
        }
        Ok(found)
    }
}

/// Largest size of the same shape that fits a square of `side`; at least one pixel each way.
fn fitted((width, height): (usize, usize), side: usize) -> (usize, usize) {
    let scale = side as f64 / width.max(height) as f64;
    let fit = |length: usize| ((length as f64 * scale).round() as usize).clamp(1, side);
    (fit(width), fit(height))
}

impl Bbox {
    /// In square pixels.
    pub fn area(&self) -> f32 {
        self.w * self.h
    }

    /// Shared area by joint area, `0..=1`.
    pub fn overlap(&self, other: &Self) -> f32 {
        let w = (self.x + self.w).min(other.x + other.w) - self.x.max(other.x);
        let h = (self.y + self.h).min(other.y + other.h) - self.y.max(other.y);
        let shared = w.max(0.0) * h.max(0.0);
        let joint = self.area() + other.area() - shared;
        if joint > 0.0 { shared / joint } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_fitted_by_their_longer_side() {
        assert_eq!(fitted((640, 480), 320), (320, 240));
        assert_eq!(fitted((480, 640), 320), (240, 320));
        assert_eq!(fitted((100, 50), 320), (320, 160));
        assert_eq!(fitted((4096, 32), 320), (320, 3));
    }

    #[test]
    fn overlap_is_shared_by_joint_area() {
        let a = Bbox { x: 0.0, y: 0.0, w: 2.0, h: 2.0 };
        assert_eq!(a.overlap(&a), 1.0);
        assert_eq!(a.overlap(&Bbox { x: 1.0, ..a }), 1.0 / 3.0);
        assert_eq!(a.overlap(&Bbox { x: 5.0, ..a }), 0.0);
        assert_eq!(Bbox::default().overlap(&Bbox::default()), 0.0);
    }
}
