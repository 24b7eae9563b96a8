//! [`Frame`] and [`Face`]s to the one face that is good enough to be judged, or what to do about it.

use std::ops::Range;

pub use facelatch_wire::RetryReason;

use super::{Bbox, Face, geometry};
use crate::camera::Frame;
pub use crate::config::QualityGate;

/// The face is sampled on a grid of this many points a side for light and sharpness.
const GRID: usize = 64;

/// A second face at least this large beside the largest makes it unclear who is meant.
const RIVAL_AREA: f32 = 0.5;

/// A face tilted farther is refused. YuNet tells less than the true angle: of 302 pictures of LFW turned by 30 degrees it
/// told 23 by the median, of those turned by 40 degrees 29. So this is about 40 degrees; the alignment makes up for the
/// told part only, and the embedding of what is left is not to be believed.
const MAX_TILT_DEGREES: f32 = 30.0;

impl QualityGate {
    /// The gate of a look at a door: people who pass it, their head turned, do not want to come in.
    #[must_use]
    pub fn at_door(self) -> Self {
        Self { max_turn: self.max_turn.min(self.max_turn_at_door), ..self }
    }

    /// The one face to be judged.
    ///
    /// # Errors
    /// The first [`RetryReason`] that applies; `faces` is sorted, the largest first.
    pub fn choose(&self, frame: &Frame, faces: &[Face]) -> Result<Face, RetryReason> {
        let (face, rest) = faces.split_first().ok_or(RetryReason::NoFace)?;
        if rest.iter().any(|rival| rival.bbox.area() >= RIVAL_AREA * face.bbox.area()) {
            return Err(RetryReason::SeveralFaces);
        }
        if geometry::eye_distance(face) < self.min_eye_distance_px {
            return Err(RetryReason::TooFar);
        }
        if !geometry::is_inside(face, frame) {
            return Err(RetryReason::NotCentred);
        }
        let light = Light::of(frame, &face.bbox);
        if light.mean < self.min_light {
            return Err(RetryReason::TooDark);
        }
        if light.mean > self.max_light {
            return Err(RetryReason::TooBright);
        }
        if geometry::tilt_degrees(face) > MAX_TILT_DEGREES {
            return Err(RetryReason::Tilted);
        }
        if geometry::yaw(face) > self.max_turn {
            return Err(RetryReason::TurnedAway);
        }
        if !geometry::is_possible(face) {
            return Err(RetryReason::Unclear);
        }
        if light.sharpness < self.min_sharpness {
            return Err(RetryReason::TooBlurred);
        }
        Ok(*face)
    }
}

/// Light and sharpness of a face.
struct Light {
    mean: f32,
    sharpness: f32,
}

impl Light {
    fn of(frame: &Frame, bbox: &Bbox) -> Self {
        let grid = cells(frame, bbox);
        let (mean, variance) = moments(&grid);
        let inner = (1..GRID - 1).flat_map(|y| (1..GRID - 1).map(move |x| y * GRID + x));
        let laplacian: Vec<f32> = inner
            .map(|i| grid[i - 1] + grid[i + 1] + grid[i - GRID] + grid[i + GRID] - 4.0 * grid[i])
            .collect();
        // Divided by the contrast, so that dim light does not count as blur.
        let sharpness = moments(&laplacian).1 / variance.max(1.0);
        Self { mean, sharpness }
    }
}

/// Mean light of each cell of a grid laid over the box, row by row, clamped to the frame.
fn cells(frame: &Frame, bbox: &Bbox) -> Vec<f32> {
    let rows = spans(bbox.y, bbox.h, frame.height());
    let columns = spans(bbox.x, bbox.w, frame.width());
    let lines = frame.rgb().chunks_exact(frame.width() as usize * 3);
    let mut grid = Vec::with_capacity(GRID * GRID);
    for rows in rows {
        let lines = lines.clone().skip(rows.start).take(rows.len());
        for columns in &columns {
            let bytes = columns.start * 3..columns.end * 3;
            let sum: u64 = lines.clone().map(|line| light_of(&line[bytes.clone()])).sum();
            let count = 8 * rows.len() * columns.len();
            grid.push(sum as f32 / count.max(1) as f32);
        }
    }
    grid
}

/// The pixels of each of [`GRID`] steps along a side of the box, at least one.
fn spans(from: f32, length: f32, limit: u32) -> [Range<usize>; GRID] {
    let step = length / GRID as f32;
    let at = |k: usize| (from + step * k as f32).clamp(0.0, limit as f32 - 1.0) as usize;
    std::array::from_fn(|i| at(i)..at(i + 1).max(at(i) + 1))
}

/// Light of a few pixels of one row, eightfold. Weights 2:5:1 stand in for the luma of BT.601 (0.299, 0.587, 0.114).
fn light_of(rgb: &[u8]) -> u64 {
    let luma = |[r, g, b]: &[u8; 3]| 2 * u32::from(*r) + 5 * u32::from(*g) + u32::from(*b);
    u64::from(rgb.as_chunks().0.iter().map(luma).sum::<u32>())
}

/// Mean and variance.
fn moments(values: &[f32]) -> (f32, f32) {
    let n = values.len().max(1) as f32;
    let mean = values.iter().sum::<f32>() / n;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::BootTime;
    use crate::detect::Point;

    fn gate() -> QualityGate {
        QualityGate { min_sharpness: 0.05, ..QualityGate::default() }
    }

    fn frame(light: impl Fn(usize, usize) -> u8) -> Frame {
        let rgb = (0..200 * 200).flat_map(|i| [light(i % 200, i / 200); 3]).collect();
        Frame::new(200, 200, rgb, BootTime::default()).expect("valid")
    }

    /// Rough texture, mean about 128.
    fn textured() -> Frame {
        frame(|x, y| if (x * 7 + y * 13) % 5 < 2 { 60 } else { 170 })
    }

    fn face() -> Face {
        let p = |x, y| Point { x, y };
        Face {
            bbox: Bbox { x: 50.0, y: 50.0, w: 100.0, h: 100.0 },
            landmarks: [p(80.0, 80.0), p(120.0, 80.0), p(100.0, 100.0), p(85.0, 125.0), p(115.0, 125.0)],
            confidence: 0.9,
        }
    }

    #[test]
    fn a_frontal_lit_sharp_face_is_chosen() {
        assert_eq!(gate().choose(&textured(), &[face()]), Ok(face()));
    }

    #[test]
    fn each_fault_has_its_own_word() {
        let blank = |light: u8| frame(move |_, _| light);
        let mut aside = face();
        aside.landmarks[2].x = 118.0;
        let small = super::super::boxes::scaled(&face(), 0.4);
        let mut outside = face();
        outside.landmarks[3].x = -1.0;
        let cut = Face { bbox: Bbox { x: -30.0, w: 180.0, ..face().bbox }, ..face() };
        let mut tilted = face();
        (tilted.landmarks[0].y, tilted.landmarks[1].y) = (65.0, 95.0);
        let mut covered = face();
        covered.landmarks[2].y = 78.0;
        let cases = [
            (textured(), vec![], RetryReason::NoFace),
            (textured(), vec![face(), face()], RetryReason::SeveralFaces),
            (textured(), vec![small], RetryReason::TooFar),
            (textured(), vec![outside], RetryReason::NotCentred),
            (textured(), vec![cut], RetryReason::NotCentred),
            (textured(), vec![tilted], RetryReason::Tilted),
            (textured(), vec![covered], RetryReason::Unclear),
            (blank(5), vec![face()], RetryReason::TooDark),
            (blank(250), vec![face()], RetryReason::TooBright),
            (textured(), vec![aside], RetryReason::TurnedAway),
            (frame(|x, _| 60 + (x / 2) as u8), vec![face()], RetryReason::TooBlurred),
        ];
        for (frame, faces, wanted) in cases {
            assert_eq!(gate().choose(&frame, &faces), Err(wanted));
        }
    }

    #[test]
    fn a_door_asks_for_a_face_that_looks_at_the_camera() {
        let mut half = face();
        half.landmarks[2].x = 110.0;
        assert_eq!(gate().choose(&textured(), &[half]), Ok(half), "a quarter of an eye distance");
        assert_eq!(gate().at_door().choose(&textured(), &[half]), Err(RetryReason::TurnedAway));
        assert_eq!(gate().at_door().choose(&textured(), &[face()]), Ok(face()));
        let strict = QualityGate { max_turn: 0.1, ..gate() };
        assert!((strict.at_door().max_turn - 0.1).abs() < f32::EPSILON, "the smaller of both holds");
    }

    #[test]
    fn a_small_face_in_the_background_is_no_rival() {
        let small = super::super::boxes::scaled(&face(), 0.5);
        assert!(gate().choose(&textured(), &[face(), small]).is_ok());
    }

    #[test]
    fn a_box_beyond_the_frame_is_measured_within_it() {
        let wide = Bbox { x: -90.0, y: -90.0, w: 900.0, h: 900.0 };
        assert_eq!(Light::of(&frame(|_, _| 77), &wide).mean, 77.0);
    }
}
