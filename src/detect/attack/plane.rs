//! Landmarks of two frames: did they move as a plane does, or as a head does?
//!
//! The eyes and the corners of the mouth are mirror images of each other, so they lie on one plane, and a homography carries
//! them exactly from one frame to another (Hartley and Zisserman 2004, section 13.1). In a picture, however it is moved or
//! tilted, it carries the nose, too. The nose of a head stands out of the plane: when the head turns, it moves away from where
//! the homography puts it. This is plane-and-parallax (Irani and Anandan 1998).

use super::super::{Face, Point};

#[cfg(test)]
mod tests;

/// A projective map of the plane, its matrix row by row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Homography([[f64; 3]; 3]);

/// How far the nose is from where a plane would have it, in eye distances of the straight face: to the right and down as seen
/// in the picture.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Parallax {
    /// To the right: the head turned to the person's own left.
    pub x: f64,
    /// Down: the head nodded.
    pub y: f64,
}

impl Homography {
    /// The one that carries four points, of which no three may lie on one line, to four others.
    pub fn between(from: &[Point; 4], to: &[Point; 4]) -> Option<Self> {
        let back = Self::from_square(from)?.inverse()?;
        Some(Self::from_square(to)?.after(&back))
    }

    /// Carries the corners (0, 0), (1, 0), (0, 1), (1, 1) of a square to four points (Heckbert 1989, section 2.2.3).
    fn from_square(to: &[Point; 4]) -> Option<Self> {
        let [a, b, c, d] = to.map(|p| (f64::from(p.x), f64::from(p.y)));
        let (sx, sy) = (a.0 - b.0 + d.0 - c.0, a.1 - b.1 + d.1 - c.1);
        let (bx, by, cx, cy) = (b.0 - d.0, b.1 - d.1, c.0 - d.0, c.1 - d.1);
        let area = bx * cy - cx * by;
        let (g, h) = ((sx * cy - cx * sy) / area, (bx * sy - sx * by) / area);
        let map = [
            [b.0 - a.0 + g * b.0, c.0 - a.0 + h * c.0, a.0],
            [b.1 - a.1 + g * b.1, c.1 - a.1 + h * c.1, a.1],
            [g, h, 1.0],
        ];
        map.iter().flatten().all(|v| v.is_finite()).then_some(Self(map))
    }

    /// The adjugate, which is the inverse but for a factor that means nothing here; `None` for a map onto a line.
    fn inverse(&self) -> Option<Self> {
        let m = &self.0;
        let minor = |r: usize, c: usize| {
            let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
            m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
        };
        let map: [[f64; 3]; 3] = std::array::from_fn(|r| std::array::from_fn(|c| minor(c, r)));
        let determinant: f64 = (0..3).map(|k| m[0][k] * map[k][0]).sum();
        (determinant.abs() > f64::EPSILON).then_some(Self(map))
    }

    /// This map after `first`.
    fn after(&self, first: &Self) -> Self {
        let entry = |r: usize, c: usize| (0..3).map(|k| self.0[r][k] * first.0[k][c]).sum();
        Self(std::array::from_fn(|r| std::array::from_fn(|c| entry(r, c))))
    }

    /// Carries one point over; `None` for a point at infinity.
    pub fn apply(&self, p: Point) -> Option<(f64, f64)> {
        let [x, y, w] = self.0.map(|row| row[0] * f64::from(p.x) + row[1] * f64::from(p.y) + row[2]);
        let (x, y) = (x / w, y / w);
        (x.is_finite() && y.is_finite()).then_some((x, y))
    }
}

impl Parallax {
    /// Of `face` against the same face `straight` to the camera. `None` where the points of either lie on a line.
    pub fn between(straight: &[Point; 5], face: &Face) -> Option<Self> {
        let back = Homography::between(&corners(&face.landmarks), &corners(straight))?;
        let (x, y) = back.apply(face.landmarks[2])?;
        let [left, right, nose, ..] = straight.map(|p| (f64::from(p.x), f64::from(p.y)));
        let (ex, ey) = (right.0 - left.0, right.1 - left.1);
        let length2 = ex * ex + ey * ey;
        let (dx, dy) = (x - nose.0, y - nose.1);
        let parallax = Self { x: (dx * ex + dy * ey) / length2, y: (dy * ex - dx * ey) / length2 };
        (parallax.x.is_finite() && parallax.y.is_finite()).then_some(parallax)
    }
}

/// Eyes and corners of the mouth, in the order of a square's.
fn corners(landmarks: &[Point; 5]) -> [Point; 4] {
    let [eye, other_eye, _, mouth, other_mouth] = *landmarks;
    [eye, other_eye, mouth, other_mouth]
}
