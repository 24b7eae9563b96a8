//! Where the grey camera sees what the colour camera sees.
//!
//! The two are a finger's breadth apart and have lenses of their own, so a place differs by a scale and a shift, both in widths
//! of the frame. The shift depends on the distance a little: 2 cm apart, a face at 40 cm is moved by 0.03 widths more than one
//! at 1 m.

use crate::camera::Frame;
use crate::detect::{Bbox, Face, Point};

/// Scale and shift when nothing is known.
const UNKNOWN: Placement = Placement { scale: 1.0, x: 0.0, y: 0.0 };

/// How far a place may be from the expected one, in face widths: with a known placement, and without.
const MAX_SHIFT: (f32, f32) = (0.35, 1.0);

/// How much larger or smaller, as a factor: with a known placement, and without.
const MAX_SCALE: (f32, f32) = (1.25, 1.8);

/// How far landmarks may be from each other's places once eyes lie on eyes, in eye distances: another pose is another face.
const MAX_APART: f32 = 0.2;

/// Pairs that a placement is made of.
const MIN_PAIRS: usize = 3;

/// A frame and the face in it.
pub type Sight<'a> = (&'a Frame, &'a Face);

/// From colour to grey: `grey = scale * colour + (x, y)`, places in widths of their frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// Wider than 1: the grey camera sees less around.
    pub scale: f32,
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

/// A face in widths of its frame.
fn normal(frame: &Frame, face: &Face) -> Face {
    scaled(face, UNKNOWN, 1.0 / frame.width() as f32)
}

/// Moved, then multiplied.
fn scaled(face: &Face, by: Placement, width: f32) -> Face {
    let at = |x: f32, y: f32| ((by.scale * x + by.x) * width, (by.scale * y + by.y) * width);
    let (x, y) = at(face.bbox.x, face.bbox.y);
    let (w, h) = (face.bbox.w * by.scale * width, face.bbox.h * by.scale * width);
    let landmarks = face.landmarks.map(|p| at(p.x, p.y)).map(|(x, y)| Point { x, y });
    Face { bbox: Bbox { x, y, w, h }, landmarks, confidence: face.confidence }
}

fn centre(face: &Face) -> Point {
    Point { x: face.bbox.x + face.bbox.w / 2.0, y: face.bbox.y + face.bbox.h / 2.0 }
}

impl Placement {
    /// From faces that are the same person's in both frames: those of an enrolment. `None` for too few, or faces that do not
    /// agree with each other.
    pub fn from_pairs(pairs: &[(Sight<'_>, Sight<'_>)]) -> Option<Self> {
        let each: Vec<Self> = pairs
            .iter()
            .filter_map(|(colour, grey)| {
                let (colour, grey) = (normal(colour.0, colour.1), normal(grey.0, grey.1));
                let scale = grey.bbox.w / colour.bbox.w;
                let (from, to) = (centre(&colour), centre(&grey));
                let one = Self { scale, x: to.x - scale * from.x, y: to.y - scale * from.y };
                alike(&colour, &grey).then_some(one)
            })
            .collect();
        let middle = |of: fn(&Self) -> f32| {
            let mut values: Vec<f32> = each.iter().map(of).filter(|value| value.is_finite()).collect();
            values.sort_by(f32::total_cmp);
            (values.len() >= MIN_PAIRS).then(|| values[values.len() / 2])
        };
        let placement = Self { scale: middle(|p| p.scale)?, x: middle(|p| p.x)?, y: middle(|p| p.y)? };
        let agrees = |((colour, face), (grey, other)): &(Sight<'_>, Sight<'_>)| {
            same(Some(placement), (*colour, *face), (*grey, *other))
        };
        (pairs.iter().filter(|pair| agrees(pair)).count() * 4 >= pairs.len() * 3).then_some(placement)
    }
}

/// Where the face is to be expected in the grey frame, in its pixels.
pub(super) fn expected(placement: Option<Placement>, colour: Sight<'_>, grey: &Frame) -> Face {
    scaled(&normal(colour.0, colour.1), placement.unwrap_or(UNKNOWN), grey.width() as f32)
}

/// Whether these can be the same face at the same moment: place, size and pose.
pub(super) fn same(placement: Option<Placement>, colour: Sight<'_>, grey: Sight<'_>) -> bool {
    let pick = |(known, unknown): (f32, f32)| if placement.is_some() { known } else { unknown };
    let (there, found) = (expected(placement, colour, grey.0), grey.1);
    let (from, to) = (centre(&there), centre(found));
    let shift = (from.x - to.x).hypot(from.y - to.y) / there.bbox.w;
    let scale = found.bbox.w / there.bbox.w;
    let most = pick(MAX_SCALE);
    shift <= pick(MAX_SHIFT) && (1.0 / most..=most).contains(&scale) && alike(&there, found)
}

/// Whether the landmarks of two faces lie alike, once the eyes of one are laid on those of the other.
fn alike(one: &Face, other: &Face) -> bool {
    let about = |face: &Face| {
        let [left, right, ..] = face.landmarks;
        let (across_x, across_y) = (right.x - left.x, right.y - left.y);
        let length2 = across_x * across_x + across_y * across_y;
        // As seen along the line between the eyes, from the middle of it, in eye distances.
        let (x, y) = ((left.x + right.x) / 2.0, (left.y + right.y) / 2.0);
        let seen = face.landmarks.map(|p| {
            let (x, y) = (p.x - x, p.y - y);
            Point { x: (x * across_x + y * across_y) / length2, y: (y * across_x - x * across_y) / length2 }
        });
        (across_y.atan2(across_x), seen)
    };
    let ((roll, one), (other_roll, other)) = (about(one), about(other));
    // Comparisons with NaN, of eyes that coincide, are false.
    (roll - other_roll).abs() < 0.2
        && one.iter().zip(&other).all(|(a, b)| (a.x - b.x).hypot(a.y - b.y) <= MAX_APART)
}
