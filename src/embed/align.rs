//! Five landmarks to a similarity transform to a 112x112 [`Chip`].

use crate::camera::scale::{Interpolation, scaled};
use crate::camera::{Frame, Wiped};
use crate::detect::{Face, Point};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Side of an aligned face in pixels.
pub const CHIP_SIDE_PX: u32 = 112;

/// Where the five landmarks lie in a chip, in pixels: eye, eye, nose, mouth corner, mouth corner, each pair
/// left to right as seen in the picture. The template of ArcFace (Deng et al. 2019).
pub const TEMPLATE: [Point; 5] = [
    Point { x: 38.2946, y: 51.6963 },
    Point { x: 73.5318, y: 51.5014 },
    Point { x: 56.0252, y: 71.7366 },
    Point { x: 41.5493, y: 92.3655 },
    Point { x: 70.7299, y: 92.2041 },
];

/// An aligned face: 112 rows of 112 pixels, RGB, 0..=255. Wiped on drop, never logged.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Chip(Vec<u8>);

impl Chip {
    /// A chip from `112 * 112 * 3` bytes of RGB that are aligned already; `None` for another length.
    pub fn from_rgb(rgb: Vec<u8>) -> Option<Self> {
        (rgb.len() == (CHIP_SIDE_PX * CHIP_SIDE_PX * 3) as usize).then_some(Self(rgb))
    }

    /// The pixels in another size, for networks that want one; not 0. `None` if it is this one.
    pub(super) fn resized(&self, width: usize, height: usize) -> Result<Option<Wiped>, String> {
        if (width, height) == (CHIP_SIDE_PX as usize, CHIP_SIDE_PX as usize) {
            return Ok(None);
        }
        let to = (width as u32, height as u32);
        scaled(&self.0, (CHIP_SIDE_PX, CHIP_SIDE_PX), to, Interpolation::Linear).map(|rgb| Some(Wiped(rgb)))
    }

    /// The same face left for right.
    pub fn mirrored(&self) -> Self {
        let mut rgb = self.0.clone();
        for row in rgb.chunks_exact_mut(CHIP_SIDE_PX as usize * 3) {
            row.reverse();
            row.chunks_exact_mut(3).for_each(<[u8]>::reverse);
        }
        Self(rgb)
    }

    /// The pixels, row by row.
    pub fn rgb(&self) -> &[u8] {
        &self.0
    }
}

/// Rotation, uniform scale and shift: `x' = a*x - b*y + tx`, `y' = b*x + a*y + ty`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similarity {
    a: f32,
    b: f32,
    tx: f32,
    ty: f32,
}

impl Similarity {
    /// The least-squares fit that carries `from` to `to` (Umeyama 1991, two dimensions, no mirror).
    /// Points that all coincide give the pure shift.
    pub fn fit(from: &[Point; 5], to: &[Point; 5]) -> Self {
        let (from_mean, to_mean) = (mean(from), mean(to));
        let (mut dot, mut cross, mut spread) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(to) {
            let (px, py) = (p.x - from_mean.x, p.y - from_mean.y);
            let (qx, qy) = (q.x - to_mean.x, q.y - to_mean.y);
            dot += px * qx + py * qy;
            cross += px * qy - py * qx;
            spread += px * px + py * py;
        }
        let (a, b) = if spread > f32::EPSILON { (dot / spread, cross / spread) } else { (1.0, 0.0) };
        Self {
            a,
            b,
            tx: to_mean.x - a * from_mean.x + b * from_mean.y,
            ty: to_mean.y - b * from_mean.x - a * from_mean.y,
        }
    }

    /// Carries one point over.
    pub fn apply(&self, p: Point) -> Point {
        Point { x: self.a * p.x - self.b * p.y + self.tx, y: self.b * p.x + self.a * p.y + self.ty }
    }

    /// The transform as two rows of three, as other software prints it.
    pub fn rows(&self) -> [[f32; 3]; 2] {
        [[self.a, -self.b, self.tx], [self.b, self.a, self.ty]]
    }

    /// The way back. A transform of scale zero has none and gives the identity.
    pub fn inverse(&self) -> Self {
        let scale2 = self.a * self.a + self.b * self.b;
        if scale2 <= f32::EPSILON {
            return Self { a: 1.0, b: 0.0, tx: 0.0, ty: 0.0 };
        }
        let (a, b) = (self.a / scale2, -self.b / scale2);
        Self { a, b, tx: -(a * self.tx - b * self.ty), ty: -(b * self.tx + a * self.ty) }
    }
}

fn mean(points: &[Point; 5]) -> Point {
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.x, y + p.y));
    Point { x: x / 5.0, y: y / 5.0 }
}

/// Pixels of a row of a chip.
const SIDE: usize = CHIP_SIDE_PX as usize;

/// Cuts the face out of the frame so that its landmarks lie on [`TEMPLATE`]. Outside the frame is black.
pub fn align(frame: &Frame, face: &Face) -> Chip {
    let to_frame = Similarity::fit(&face.landmarks, &TEMPLATE).inverse();
    let mut rgb = vec![0_u8; SIDE * SIDE * 3];
    let mut corners = Zeroizing::new([[0; SIDE]; 12]);
    for (row, line) in rgb.chunks_exact_mut(SIDE * 3).enumerate() {
        let points = std::array::from_fn(|column| to_frame.apply(Point { x: column as f32, y: row as f32 }));
        if inside(frame, &points, &mut corners).is_some() {
            blend(&points, &corners, line);
        } else {
            for (pixel, at) in line.chunks_exact_mut(3).zip(points) {
                pixel.copy_from_slice(&bilinear(frame, at));
            }
        }
    }
    Chip(rgb)
}

/// The four pixels around each of a row's points: three colours above left, above right, below left and below right. `None` if
/// one of them is not in the frame; points on a straight line are in it if its ends are.
fn inside(frame: &Frame, points: &[Point; SIDE], corners: &mut [[u8; SIDE]; 12]) -> Option<()> {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let last = (width.checked_sub(1)? as f32, height.checked_sub(1)? as f32);
    let within = |at: &Point| at.x >= 0.0 && at.y >= 0.0 && at.x < last.0 && at.y < last.1;
    if !(within(points.first()?) && within(points.last()?)) {
        return None;
    }
    for (column, at) in points.iter().enumerate() {
        let (_, above) = frame.rgb().split_at_checked((index(at.y) * width + index(at.x)) * 3)?;
        let (above, below) = (above.first_chunk::<6>()?, above.get(width * 3..)?.first_chunk::<6>()?);
        for (corner, value) in corners.iter_mut().zip(above.iter().chain(below)) {
            corner[column] = *value;
        }
    }
    Some(())
}

/// What [`bilinear`] gives for each of the points, to the bit, but without a call or a branch, so that compilers use vectors.
fn blend(points: &[Point; SIDE], corners: &[[u8; SIDE]; 12], line: &mut [u8]) {
    let right = points.map(|at| at.x - whole(at.x));
    let below = points.map(|at| at.y - whole(at.y));
    for colour in 0..3 {
        let [a, b, c, d] = [0, 3, 6, 9].map(|corner| &corners[corner + colour]);
        let values: [u8; SIDE] = std::array::from_fn(|i| {
            let (fx, fy) = (right[i], below[i]);
            rounded(
                (1.0 - fx) * (1.0 - fy) * f32::from(a[i])
                    + fx * (1.0 - fy) * f32::from(b[i])
                    + (1.0 - fx) * fy * f32::from(c[i])
                    + fx * fy * f32::from(d[i]),
            )
        });
        line.iter_mut().skip(colour).step_by(3).zip(values).for_each(|(to, value)| *to = value);
    }
}

/// 2^23: from here to 2^24 f32 has no fractions. Adding it to 0 to 2^22 rounds to the nearest whole number, which the low bits
/// then hold.
const WHOLE: f32 = 8_388_608.0;

/// `floor` of 0 to 2^22, without a call.
fn whole(value: f32) -> f32 {
    let near = (value + WHOLE) - WHOLE;
    if near > value { near - 1.0 } else { near }
}

/// [`whole`] as an index.
fn index(value: f32) -> usize {
    (whole(value) + WHOLE).to_bits() as usize & 0x7f_ffff
}

/// `round` of 0 to 255, without a call: what `value` exceeds the nearest whole number by is exact.
fn rounded(value: f32) -> u8 {
    let near = (value + WHOLE) - WHOLE;
    let near = if value - near >= 0.5 { near + 1.0 } else { near };
    (near + WHOLE).to_bits() as u8
}

/// The colour between four pixels; what lies outside the frame counts as black.
fn bilinear(frame: &Frame, at: Point) -> [u8; 3] {
    // No frame reaches that far, and a landmark may be NaN.
    if !(at.x.abs() < WHOLE && at.y.abs() < WHOLE) {
        return [0; 3];
    }
    let (left, top) = (at.x.floor(), at.y.floor());
    let (fx, fy) = (at.x - left, at.y - top);
    let (left, top) = (left as i64, top as i64);
    let mut sum = [0.0_f32; 3];
    for (dx, dy, weight) in
        [(0, 0, (1.0 - fx) * (1.0 - fy)), (1, 0, fx * (1.0 - fy)), (0, 1, (1.0 - fx) * fy), (1, 1, fx * fy)]
    {
        if let Some(pixel) = pixel(frame, left + dx, top + dy) {
            for (sum, value) in sum.iter_mut().zip(pixel) {
                *sum += weight * f32::from(*value);
            }
        }
    }
    sum.map(rounded)
}

fn pixel(frame: &Frame, x: i64, y: i64) -> Option<&[u8]> {
    let (width, height) = (i64::from(frame.width()), i64::from(frame.height()));
    if !(0..width).contains(&x) || !(0..height).contains(&y) {
        return None;
    }
    let at = (y * width + x) as usize * 3;
    frame.rgb().get(at..at + 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::BootTime;
    use crate::detect::Bbox;

    fn near(p: Point, q: Point) -> bool {
        (p.x - q.x).abs() < 1e-3 && (p.y - q.y).abs() < 1e-3
    }

    #[test]
    fn fit_recovers_a_known_rotation_scale_and_shift() {
        let known = Similarity { a: 1.5, b: -0.4, tx: 12.0, ty: -7.0 };
        let moved = TEMPLATE.map(|p| known.apply(p));
        let fitted = Similarity::fit(&TEMPLATE, &moved);
        assert!(TEMPLATE.iter().all(|p| near(fitted.apply(*p), known.apply(*p))));
        assert!(TEMPLATE.iter().all(|p| near(fitted.inverse().apply(fitted.apply(*p)), *p)));
    }

    #[test]
    fn a_mirrored_chip_has_left_for_right_and_its_colours() {
        let side = CHIP_SIDE_PX as usize;
        let rgb: Vec<u8> = (0..side * side * 3).map(|i| (i % 251) as u8).collect();
        let chip = Chip::from_rgb(rgb.clone()).expect("a chip");
        let mirrored = chip.mirrored();
        let pixel = |rgb: &[u8], row: usize, column: usize| rgb[(row * side + column) * 3..][..3].to_vec();
        for (row, column) in [(0, 0), (3, 40), (111, 111)] {
            assert_eq!(pixel(mirrored.rgb(), row, column), pixel(&rgb, row, side - 1 - column));
        }
        assert!(mirrored.mirrored().rgb() == rgb);
    }

    #[test]
    fn fit_never_mirrors_a_face() {
        let mirrored = TEMPLATE.map(|p| Point { x: 112.0 - p.x, y: p.y });
        let [[a, minus_b, _], [b, d, _]] = Similarity::fit(&mirrored, &TEMPLATE).rows();
        assert!(a * d - minus_b * b >= 0.0);
    }

    #[test]
    fn coinciding_landmarks_give_a_finite_chip() {
        let face = Face {
            bbox: Bbox { x: 0.0, y: 0.0, w: 1.0, h: 1.0 },
            landmarks: [Point { x: 5.0, y: 5.0 }; 5],
            confidence: 1.0,
        };
        let frame = Frame::new(64, 64, vec![9; 64 * 64 * 3], BootTime::default()).expect("valid");
        assert_eq!(align(&frame, &face).rgb().len(), 112 * 112 * 3);
    }

    #[test]
    fn landmarks_that_are_no_place_give_a_black_chip() {
        let frame = Frame::new(64, 64, vec![9; 64 * 64 * 3], BootTime::default()).expect("valid");
        // The second NaN has a payload in its low byte.
        for nowhere in [f32::NAN, f32::from_bits(0x7fc0_00ff), f32::INFINITY, f32::NEG_INFINITY] {
            for at in [Point { x: nowhere, y: 5.0 }, Point { x: 5.0, y: nowhere }] {
                assert_eq!(bilinear(&frame, at), [0; 3], "{at:?}");
            }
            let mut landmarks = TEMPLATE;
            landmarks[2].x = nowhere;
            let face = Face { bbox: Bbox { x: 0.0, y: 0.0, w: 1.0, h: 1.0 }, landmarks, confidence: 1.0 };
            assert!(align(&frame, &face).rgb().iter().all(|value| *value == 0), "a nose at {nowhere}");
        }
        assert_eq!(bilinear(&frame, Point { x: 5.0, y: 5.0 }), [9; 3]);
    }

    #[test]
    fn a_face_on_the_template_is_cut_unchanged() {
        let rgb: Vec<u8> = (0..112 * 112 * 3).map(|i| (i % 251) as u8).collect();
        let frame = Frame::new(112, 112, rgb.clone(), BootTime::default()).expect("valid");
        let face =
            Face { bbox: Bbox { x: 0.0, y: 0.0, w: 112.0, h: 112.0 }, landmarks: TEMPLATE, confidence: 1.0 };
        let chip = align(&frame, &face);
        let off = chip.rgb().iter().zip(&rgb).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(off <= Some(1), "rounding alone may change a pixel: {off:?}");
    }

    /// Rows inside the frame, across its edges and beyond are what the four pixels around each point give by the book.
    #[test]
    fn rows_inside_are_those_of_the_slow_way() {
        let (width, height) = (640_u32, 480_u32);
        let rgb: Vec<u8> = (0..width * height * 3).map(|i| (i % 65_521 * 7919 % 256) as u8).collect();
        let frame = Frame::new(width, height, rgb, BootTime::default()).expect("valid");
        let (mut fast, mut slow) = (0, 0);
        for step in 0..40_u8 {
            let angle = f32::from(step) * 0.31;
            let to_frame = Similarity {
                a: 2.3 * angle.cos(),
                b: 2.3 * angle.sin(),
                tx: 17.3 * f32::from(step),
                ty: 239.7 + 190.1 * angle.cos(),
            };
            let landmarks = TEMPLATE.map(|p| to_frame.apply(p));
            let face = Face { bbox: Bbox { x: 0.0, y: 0.0, w: 1.0, h: 1.0 }, landmarks, confidence: 1.0 };
            let chip = align(&frame, &face);
            let to_frame = Similarity::fit(&landmarks, &TEMPLATE).inverse();
            for (row, line) in chip.rgb().chunks_exact(SIDE * 3).enumerate() {
                let points: [Point; SIDE] =
                    std::array::from_fn(|x| to_frame.apply(Point { x: x as f32, y: row as f32 }));
                let expected: Vec<u8> = points.iter().flat_map(|at| bilinear(&frame, *at)).collect();
                assert_eq!(line, expected, "row {row} of {to_frame:?}");
                match inside(&frame, &points, &mut [[0; SIDE]; 12]) {
                    Some(()) => fast += 1,
                    None => slow += 1,
                }
            }
        }
        assert!(fast > 500 && slow > 500, "{fast} and {slow}");
    }

    #[test]
    fn a_row_is_inside_up_to_the_last_pixel_that_has_a_neighbour() {
        let frame = Frame::new(64, 48, vec![9; 64 * 48 * 3], BootTime::default()).expect("valid");
        let ends = |from: Point, to: Point| {
            let points = std::array::from_fn(|i| if i == 0 { from } else { to });
            inside(&frame, &points, &mut [[0; SIDE]; 12]).is_some()
        };
        let (corner, just) = (Point { x: 0.0, y: 0.0 }, Point { x: 62.99, y: 46.99 });
        assert!(ends(corner, just) && ends(just, corner));
        for (x, y) in
            [(63.0, 1.0), (62.5, 47.0), (-0.01, 1.0), (f32::NAN, 1.0), (f32::INFINITY, 1.0), (1.0, 1e10)]
        {
            let at = Point { x, y };
            assert!(!ends(corner, at) && !ends(at, corner), "{at:?}");
        }
    }

    #[test]
    fn numbers_round_and_fall_as_those_of_the_standard_library() {
        for value in (0..=25_500).map(|i| i as f32 / 100.0).chain([0.499_999_97, 0.5, 254.5, 254.499_98]) {
            assert_eq!(f32::from(rounded(value)), value.round(), "{value}");
            assert_eq!(whole(value), value.floor(), "{value}");
            assert_eq!(index(value * 16.0), (value * 16.0) as usize, "{value}");
        }
    }
}
