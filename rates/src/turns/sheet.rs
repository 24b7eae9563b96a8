//! A picture on a sheet of paper, bent and turned before a camera.

use facelatch::camera::{CameraError, Frame};
use facelatch::clock::BootTime;

/// Side of the frame, in pixels.
const SIDE: usize = 480;

/// Cells of the sheet's mesh, each way.
const CELLS: usize = 48;

/// How a sheet is bent; lengths in eye distances of the face on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bend {
    /// Not at all.
    Flat,
    /// Round an upright cylinder of this radius, its middle towards the camera.
    Upright(f64),
    /// Round a lying cylinder of this radius, its middle towards the camera.
    Lying(f64),
    /// In waves of this depth, four eye distances long.
    Waves(f64),
    /// Folded along the nose, each half back by so many degrees.
    Folded(f64),
}

/// How the sheet is held: turns in radians, the distance from the camera in eye distances, the size in pixels an eye distance.
#[derive(Debug, Clone, Copy)]
pub struct Hold {
    /// About the upright axis.
    pub yaw: f64,
    /// Up or down.
    pub pitch: f64,
    /// In the plane of the picture.
    pub roll: f64,
    /// From the camera.
    pub distance: f64,
    /// Size.
    pub pixels: f64,
}

/// A picture with a face on it.
pub struct Sheet<'a> {
    /// The picture.
    pub picture: &'a Frame,
    /// The middle of the face, in its pixels.
    pub centre: (f64, f64),
    /// The eye distance, in its pixels.
    pub eyes: f64,
}

/// A corner of the mesh: place in the frame and depth, and place in the picture.
type Corner = ([f64; 3], [f64; 2]);

impl Bend {
    /// From a place on the flat sheet to one in space: right, down, away from the camera.
    fn at(self, [u, v]: [f64; 2]) -> [f64; 3] {
        let round = |s: f64, radius: f64| {
            let angle = (s / radius).clamp(-1.5, 1.5);
            let rest = s - angle * radius;
            (
                radius * angle.sin() + rest * angle.cos(),
                radius * (1.0 - angle.cos()) + (rest * angle.sin()).abs(),
            )
        };
        match self {
            Self::Flat => [u, v, 0.0],
            Self::Upright(radius) => {
                let (x, z) = round(u, radius);
                [x, v, z]
            }
            Self::Lying(radius) => {
                let (y, z) = round(v, radius);
                [u, y, z]
            }
            Self::Waves(depth) => {
                let k = std::f64::consts::TAU / 4.0;
                let slope = |s: f64| (depth * k * (k * s).cos()).atan();
                let step = u / 32.0;
                let (x, z) = (0..32).fold((0.0, 0.0), |(x, z), n| {
                    let angle = slope(step * (f64::from(n) + 0.5));
                    (x + step * angle.cos(), z + step * angle.sin())
                });
                [x, v, z]
            }
            Self::Folded(degrees) => {
                let (sine, cosine) = degrees.to_radians().sin_cos();
                [u * cosine, v, u.abs() * sine]
            }
        }
    }
}

impl Hold {
    /// From a place on the sheet to one in the frame, and its depth.
    fn project(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        let turn = |a: f64, b: f64, angle: f64| {
            (a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos())
        };
        let (x, z) = turn(x, z, self.yaw);
        let (y, z) = turn(y, z, self.pitch);
        let (x, y) = turn(x, y, self.roll);
        let scale = self.pixels * self.distance / (self.distance + z).max(0.1);
        [SIDE as f64 / 2.0 + x * scale, SIDE as f64 / 2.0 + y * scale, z]
    }
}

impl Sheet<'_> {
    /// What a camera sees of it, before grey.
    ///
    /// # Errors
    /// None in practice: the frame has a fixed, valid size.
    pub fn seen(&self, bend: Bend, hold: &Hold) -> Result<Frame, CameraError> {
        let (width, height) = (f64::from(self.picture.width() - 1), f64::from(self.picture.height() - 1));
        let corners: Vec<Corner> = (0..=CELLS)
            .flat_map(|row| (0..=CELLS).map(move |column| (column, row)))
            .map(|(column, row)| {
                let from = [column as f64 / CELLS as f64 * width, row as f64 / CELLS as f64 * height];
                let place = [(from[0] - self.centre.0) / self.eyes, (from[1] - self.centre.1) / self.eyes];
                (hold.project(bend.at(place)), from)
            })
            .collect();
        let mut canvas = Canvas { rgb: vec![110; SIDE * SIDE * 3], depth: vec![f64::INFINITY; SIDE * SIDE] };
        for row in 0..CELLS {
            for column in 0..CELLS {
                let at = row * (CELLS + 1) + column;
                let [a, b, c, d] = [at, at + 1, at + CELLS + 1, at + CELLS + 2].map(|k| corners[k]);
                canvas.triangle(self.picture, [a, b, c]);
                canvas.triangle(self.picture, [b, d, c]);
            }
        }
        Frame::new(SIDE as u32, SIDE as u32, canvas.rgb, BootTime::default())
    }
}

/// The frame while it is drawn.
struct Canvas {
    rgb: Vec<u8>,
    depth: Vec<f64>,
}

impl Canvas {
    fn triangle(&mut self, picture: &Frame, [a, b, c]: [Corner; 3]) {
        let area = cross(a.0, b.0, c.0);
        if area.abs() < 1e-9 {
            return;
        }
        let span = |k: usize| {
            let low = a.0[k].min(b.0[k]).min(c.0[k]).floor().clamp(0.0, SIDE as f64 - 1.0);
            let high = a.0[k].max(b.0[k]).max(c.0[k]).ceil().clamp(0.0, SIDE as f64 - 1.0);
            low as usize..=high as usize
        };
        for y in span(1) {
            for x in span(0) {
                let p = [x as f64, y as f64, 0.0];
                let (wb, wc) = (cross(a.0, p, c.0) / area, cross(a.0, b.0, p) / area);
                let weights = [1.0 - wb - wc, wb, wc];
                let mix = |of: [f64; 3]| weights.iter().zip(of).map(|(w, v)| w * v).sum::<f64>();
                let z = mix([a.0[2], b.0[2], c.0[2]]);
                if weights.iter().any(|w| *w < -1e-6) || z >= self.depth[y * SIDE + x] {
                    continue;
                }
                self.depth[y * SIDE + x] = z;
                let from = (mix([a.1[0], b.1[0], c.1[0]]), mix([a.1[1], b.1[1], c.1[1]]));
                let at = (y * SIDE + x) * 3;
                self.rgb[at..at + 3].copy_from_slice(&pixel(picture, from));
            }
        }
    }
}

/// Twice the area of a triangle in the frame.
fn cross(a: [f64; 3], b: [f64; 3], c: [f64; 3]) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// A pixel between pixels.
fn pixel(picture: &Frame, (x, y): (f64, f64)) -> [u8; 3] {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (x, y) = (x.clamp(0.0, width as f64 - 1.001), y.clamp(0.0, height as f64 - 1.001));
    let (left, top) = (x as usize, y as usize);
    let (right, down) = (x - left as f64, y - top as f64);
    std::array::from_fn(|channel| {
        let at = |x: usize, y: usize| f64::from(picture.rgb()[(y * width + x) * 3 + channel]);
        let row = |y: usize| at(left, y) * (1.0 - right) + at(left + 1, y) * right;
        (row(top) * (1.0 - down) + row(top + 1) * down).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paper_bends_and_does_not_stretch() {
        let far =
            |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        let bends = [Bend::Flat, Bend::Upright(1.5), Bend::Lying(2.0), Bend::Waves(0.3), Bend::Folded(30.0)];
        for bend in bends {
            for (u, v) in [(0.1, 0.0), (0.6, -0.7), (-1.2, 0.4), (2.5, 1.0)] {
                let here = bend.at([u, v]);
                for (du, dv) in [(0.01, 0.0), (0.0, 0.01)] {
                    let stretch = far(here, bend.at([u + du, v + dv])) / 0.01;
                    assert!((stretch - 1.0).abs() < 0.02, "{bend:?} at {u}, {v}: {stretch}");
                }
            }
        }
    }

    #[test]
    fn the_picture_is_seen_where_it_is_held() {
        let rgb = (0..100 * 100).flat_map(|n| if n % 100 < 50 { [200, 0, 0] } else { [0, 0, 200] }).collect();
        let picture = Frame::new(100, 100, rgb, BootTime::default()).expect("valid");
        let sheet = Sheet { picture: &picture, centre: (49.5, 49.5), eyes: 20.0 };
        let hold = |yaw| Hold { yaw, pitch: 0.0, roll: 0.0, distance: 9.0, pixels: 60.0 };
        let at = |frame: &Frame, x: usize, y: usize| {
            let at = (y * SIDE + x) * 3;
            [frame.rgb()[at], frame.rgb()[at + 1], frame.rgb()[at + 2]]
        };
        let straight = sheet.seen(Bend::Flat, &hold(0.0)).expect("a frame");
        let seen = [at(&straight, 200, 240), at(&straight, 280, 240), at(&straight, 5, 5)];
        assert_eq!(seen, [[200, 0, 0], [0, 0, 200], [110; 3]]);
        // Turned edge on, it is a line.
        let turned = sheet.seen(Bend::Flat, &hold(1.55)).expect("a frame");
        assert_eq!([at(&turned, 200, 240), at(&turned, 280, 240)], [[110; 3]; 2]);
    }
}
