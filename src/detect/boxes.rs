//! YuNet's raw outputs to faces: anchors, overlap, non-maximum suppression. Pure.

use super::{Bbox, Face, Point};

/// One output level for each; a level of stride s has one cell every s pixels.
pub const STRIDES: [usize; 3] = [8, 16, 32];

/// Faces that share more than this are one face (the value YuNet was published with).
const SAME_FACE_OVERLAP: f32 = 0.3;

/// No frame of a door has more faces; bounds the work of the suppression.
const MAX_CANDIDATES: usize = 512;

/// A face in pixels of the network's input.
pub type Candidate = Face;

/// The outputs of one stride for a square input: with `n = (side / stride)^2` cells, `class` and `object`
/// have n values, `bbox` 4n, `landmarks` 10n.
pub struct Level<'a> {
    /// Pixels a cell.
    pub stride: usize,
    /// Pixels a side of the input.
    pub side: usize,
    /// How much the cell looks like a face, `0..=1`.
    pub class: &'a [f32],
    /// How well the cell's box fits an object, `0..=1`.
    pub object: &'a [f32],
    /// Centre offset and log size, in cells.
    pub bbox: &'a [f32],
    /// Five offsets from the cell, in cells.
    pub landmarks: &'a [f32],
}

impl Level<'_> {
    /// The cells whose `sqrt(class * object)` reaches the limit; `None` when the lengths do not fit.
    pub fn candidates(&self, min_confidence: f32) -> Option<Vec<Candidate>> {
        let columns = self.side / self.stride;
        let cells = columns * columns;
        let lengths = [self.class.len(), self.object.len(), self.bbox.len(), self.landmarks.len()];
        if lengths != [cells, cells, 4 * cells, 10 * cells] {
            return None;
        }
        let scores = self.class.iter().zip(self.object);
        let geometry = self.bbox.chunks_exact(4).zip(self.landmarks.chunks_exact(10));
        let found =
            scores.zip(geometry).enumerate().filter_map(|(cell, ((class, object), (bbox, landmarks)))| {
                let confidence = (class.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt();
                let corner = Point { x: (cell % columns) as f32, y: (cell / columns) as f32 };
                (confidence >= min_confidence).then(|| self.face(corner, bbox, landmarks, confidence))
            });
        Some(found.filter(|face| face.bbox.area().is_finite()).collect())
    }

    fn face(&self, corner: Point, bbox: &[f32], landmarks: &[f32], confidence: f32) -> Face {
        let stride = self.stride as f32;
        let (w, h) = (bbox[2].exp() * stride, bbox[3].exp() * stride);
        let (x, y) = ((corner.x + bbox[0]) * stride - w / 2.0, (corner.y + bbox[1]) * stride - h / 2.0);
        let at = |k: usize| Point {
            x: (corner.x + landmarks[2 * k]) * stride,
            y: (corner.y + landmarks[2 * k + 1]) * stride,
        };
        Face { bbox: Bbox { x, y, w, h }, landmarks: std::array::from_fn(at), confidence }
    }
}

/// Keeps the surest of each group of overlapping candidates, surest first.
pub fn suppress(mut candidates: Vec<Candidate>) -> Vec<Face> {
    candidates.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    candidates.truncate(MAX_CANDIDATES);
    let mut kept: Vec<Face> = Vec::new();
    for candidate in candidates {
        if kept.iter().all(|face| face.bbox.overlap(&candidate.bbox) <= SAME_FACE_OVERLAP) {
            kept.push(candidate);
        }
    }
    kept
}

/// The face in a picture that is `scale` times as large.
pub fn scaled(face: &Face, scale: f32) -> Face {
    let Bbox { x, y, w, h } = face.bbox;
    Face {
        bbox: Bbox { x: x * scale, y: y * scale, w: w * scale, h: h * scale },
        landmarks: face.landmarks.map(|p| Point { x: p.x * scale, y: p.y * scale }),
        confidence: face.confidence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f32, confidence: f32) -> Face {
        Face { bbox: Bbox { x, y: 0.0, w: 10.0, h: 10.0 }, landmarks: [Point { x, y: 1.0 }; 5], confidence }
    }

    /// Cell (2, 1) of a 4x4 level at stride 8 says: a face of 16x32 pixels, centre half a cell in.
    #[test]
    fn a_known_cell_decodes_to_known_pixels() {
        let (mut class, mut object) = (vec![0.0; 16], vec![0.0; 16]);
        let (mut bbox, mut landmarks) = (vec![0.0; 64], vec![0.0; 160]);
        let cell = 4 + 2;
        (class[cell], object[cell]) = (0.81, 1.0);
        bbox[cell * 4..][..4].copy_from_slice(&[0.5, 0.5, 2.0_f32.ln(), 4.0_f32.ln()]);
        landmarks[cell * 10..][..2].copy_from_slice(&[-1.0, 0.25]);
        let level =
            Level { stride: 8, side: 32, class: &class, object: &object, bbox: &bbox, landmarks: &landmarks };
        let found = level.candidates(0.5).expect("lengths fit");
        let [face] = found.as_slice() else { panic!("one face, got {}", found.len()) };
        assert!((face.confidence - 0.9).abs() < 1e-6);
        let Bbox { x, y, w, h } = face.bbox;
        for (got, wanted) in [(x, 12.0), (y, -4.0), (w, 16.0), (h, 32.0)] {
            assert!((got - wanted).abs() < 1e-4, "{got} is not {wanted}");
        }
        assert_eq!(face.landmarks[0], Point { x: 8.0, y: 10.0 });
        assert_eq!(face.landmarks[1], Point { x: 16.0, y: 8.0 });
    }

    #[test]
    fn wrong_lengths_and_infinite_boxes_are_no_faces() {
        let (one, four, ten) = ([1.0], [0.0, 0.0, 1e9, 0.0], [0.0; 10]);
        let level = Level { stride: 8, side: 8, class: &one, object: &one, bbox: &four, landmarks: &ten };
        assert_eq!(level.candidates(0.5).map(|found| found.len()), Some(0));
        assert!(Level { side: 16, ..level }.candidates(0.5).is_none());
    }

    #[test]
    fn of_overlapping_faces_the_surest_is_kept() {
        let kept = suppress(vec![face(0.0, 0.7), face(1.0, 0.9), face(50.0, 0.8)]);
        assert_eq!(kept, [face(1.0, 0.9), face(50.0, 0.8)]);
    }

    #[test]
    fn scaling_there_and_back_is_the_same_face() {
        let there = scaled(&face(3.0, 0.9), 2.5);
        assert_eq!(there.bbox.w, 25.0);
        let back = scaled(&there, 0.4);
        assert!((back.bbox.x - 3.0).abs() < 1e-5 && (back.landmarks[4].x - 3.0).abs() < 1e-5);
    }
}
