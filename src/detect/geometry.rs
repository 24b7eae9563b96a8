//! What the five landmarks and the box of a [`Face`] tell: how it is turned, and whether they can be a face at all.

use super::{Face, Point};
use crate::camera::Frame;

/// Least part of the box that must lie in the frame. Less is a face cut by the border: of what is missing, the chip is black.
const MIN_INSIDE: f32 = 0.9;

/// How far a landmark may lie outside the box, in box widths and heights. Seen on LFW: not at all upright, 0.04 tilted.
const MAX_OUTSIDE: f32 = 0.1;

/// From the middle of the eyes to that of the mouth, in eye distances. Seen: 0.89 to 1.54, up to 2.13 in profile.
const LENGTH: std::ops::RangeInclusive<f32> = 0.5..=2.5;

/// Where the nose lies on the way from the eyes to the mouth. Seen: 0.46 to 0.68.
const NOSE: std::ops::RangeInclusive<f32> = 0.2..=0.95;

/// Between the eyes, in pixels of the frame.
pub fn eye_distance(face: &Face) -> f32 {
    let Axes { across, .. } = Axes::of(face);
    across.x.hypot(across.y)
}

/// Whether all landmarks and nearly all of the box lie in the frame.
pub fn is_inside(face: &Face, frame: &Frame) -> bool {
    let (width, height) = (frame.width() as f32, frame.height() as f32);
    let shown = |from: f32, length: f32, limit: f32| ((from + length).min(limit) - from.max(0.0)).max(0.0);
    let shown = shown(face.bbox.x, face.bbox.w, width) * shown(face.bbox.y, face.bbox.h, height);
    let landmarks =
        face.landmarks.iter().all(|p| (0.0..width).contains(&p.x) && (0.0..height).contains(&p.y));
    landmarks && shown >= MIN_INSIDE * face.bbox.area()
}

/// How far the head is tilted to a shoulder, in degrees, `0..=180`: by the line between the eyes or by that from the eyes to
/// the mouth, whichever says more. 180 for eyes below the mouth, and for eyes in the wrong order.
pub fn tilt_degrees(face: &Face) -> f32 {
    let Axes { across, down } = Axes::of(face);
    let roll = across.y.atan2(across.x);
    let axis = (-down.x).atan2(down.y);
    roll.abs().max(axis.abs()).to_degrees()
}

/// The yaw of the head, as the distance of the nose from the middle of the eyes, along the line between them, in eye
/// distances: 0 for a frontal face, about 0.5 where one eye hides behind the nose.
pub fn yaw(face: &Face) -> f32 {
    let Axes { across, .. } = Axes::of(face);
    let nose = minus(face.landmarks[2], eyes(face));
    let length2 = dot(across, across);
    if length2 <= f32::EPSILON {
        return f32::INFINITY;
    }
    (dot(nose, across) / length2).abs()
}

/// Whether a human face can have its landmarks so: the nose between eyes and mouth, the mouth as far from the eyes as a mouth
/// is, its corners in order, and all of it in the box.
pub fn is_possible(face: &Face) -> bool {
    let Axes { across, down } = Axes::of(face);
    let nose = dot(minus(face.landmarks[2], eyes(face)), down) / dot(down, down);
    let length = (dot(down, down) / dot(across, across)).sqrt();
    let [_, _, _, left, right] = face.landmarks;
    let bbox = &face.bbox;
    let (wide, high) = (MAX_OUTSIDE * bbox.w, MAX_OUTSIDE * bbox.h);
    let (columns, rows) = (bbox.x - wide..=bbox.x + bbox.w + wide, bbox.y - high..=bbox.y + bbox.h + high);
    // Comparisons with NaN, of points that coincide, are false.
    NOSE.contains(&nose)
        && LENGTH.contains(&length)
        && dot(minus(right, left), across) > 0.0
        && face.landmarks.iter().all(|p| columns.contains(&p.x) && rows.contains(&p.y))
}

/// The two directions of a face.
struct Axes {
    /// From the left eye to the right one, as seen in the picture.
    across: Point,
    /// From the middle of the eyes to the middle of the mouth.
    down: Point,
}

impl Axes {
    fn of(face: &Face) -> Self {
        let [left, right, _, mouth_left, mouth_right] = face.landmarks;
        Self { across: minus(right, left), down: minus(middle(mouth_left, mouth_right), middle(left, right)) }
    }
}

fn eyes(face: &Face) -> Point {
    middle(face.landmarks[0], face.landmarks[1])
}

fn middle(a: Point, b: Point) -> Point {
    Point { x: (a.x + b.x) / 2.0, y: (a.y + b.y) / 2.0 }
}

fn minus(a: Point, b: Point) -> Point {
    Point { x: a.x - b.x, y: a.y - b.y }
}

fn dot(a: Point, b: Point) -> f32 {
    a.x * b.x + a.y * b.y
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::BootTime;
    use crate::detect::Bbox;

    fn face() -> Face {
        let p = |x, y| Point { x, y };
        Face {
            bbox: Bbox { x: 50.0, y: 50.0, w: 100.0, h: 100.0 },
            landmarks: [p(80.0, 80.0), p(120.0, 80.0), p(100.0, 100.0), p(85.0, 125.0), p(115.0, 125.0)],
            confidence: 0.9,
        }
    }

    /// The face turned clockwise about the middle of its box.
    fn turned(degrees: f32) -> Face {
        let (s, c) = degrees.to_radians().sin_cos();
        let turn = |p: Point| {
            let (x, y) = (p.x - 100.0, p.y - 100.0);
            Point { x: 100.0 + c * x - s * y, y: 100.0 + s * x + c * y }
        };
        Face { landmarks: face().landmarks.map(turn), ..face() }
    }

    #[test]
    fn the_tilt_is_the_angle_of_the_turn_either_way() {
        for degrees in [0.0, 20.0, -20.0, 35.0, -90.0, 90.0, 179.0] {
            let told = tilt_degrees(&turned(degrees));
            assert!((told - degrees.abs()).abs() < 0.01, "{degrees} degrees are told as {told}");
        }
    }

    #[test]
    fn eyes_below_the_mouth_or_swapped_are_tilted_by_far() {
        let mut below = face();
        for point in &mut below.landmarks[..2] {
            point.y = 140.0;
        }
        assert!(tilt_degrees(&below) > 170.0);
        let mut swapped = face();
        swapped.landmarks.swap(0, 1);
        assert!(tilt_degrees(&swapped) > 170.0);
    }

    #[test]
    fn landmarks_that_no_face_has_are_impossible() {
        assert!(is_possible(&face()) && is_possible(&turned(25.0)) && is_possible(&turned(180.0)));
        let cases: [(&str, usize, Point); 6] = [
            ("nose above the eyes", 2, Point { x: 100.0, y: 70.0 }),
            ("nose below the mouth", 2, Point { x: 100.0, y: 130.0 }),
            ("mouth at the eyes", 3, Point { x: 85.0, y: 50.0 }),
            ("mouth far below", 4, Point { x: 115.0, y: 350.0 }),
            ("corners of the mouth swapped", 3, Point { x: 140.0, y: 125.0 }),
            ("an eye far outside the box", 0, Point { x: 30.0, y: 80.0 }),
        ];
        for (what, at, place) in cases {
            let mut face = face();
            face.landmarks[at] = place;
            assert!(!is_possible(&face), "{what}");
        }
        assert!(!is_possible(&Face { landmarks: [Point { x: 100.0, y: 100.0 }; 5], ..face() }), "one point");
    }

    #[test]
    fn a_box_cut_by_the_border_is_not_inside() {
        let frame = Frame::new(200, 200, vec![0; 200 * 200 * 3], BootTime::default()).expect("valid");
        let with_box = |x, w| Face { bbox: Bbox { x, w, ..face().bbox }, ..face() };
        assert!(is_inside(&face(), &frame) && is_inside(&with_box(-5.0, 150.0), &frame));
        assert!(!is_inside(&with_box(-20.0, 150.0), &frame), "an eighth is missing on the left");
        assert!(!is_inside(&with_box(50.0, 170.0), &frame), "an eighth is missing on the right");
    }
}
