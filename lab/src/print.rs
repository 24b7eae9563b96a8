//! A print: paper, inks that are no deeper than they are, and the dots they are put down in.

use crate::grid::{self, HARMONICS, cosine};
use crate::random::{Random, lattice};

/// A printed picture.
pub(crate) struct Print {
    paper: [f32; 3],
    /// Light that the darkest ink gives back.
    darkest: f32,
    /// Share of the colour that the inks lack.
    pale: f32,
    dots: Dots,
    /// Share of the light of a lamp that its surface mirrors, and how sharply.
    pub(crate) gloss: (f32, f32),
}

enum Dots {
    /// A laser printer's or a press's: growing dots on a grid, turned for each ink. Width of a cell in metres.
    Grown(f32),
    /// An ink-jet's: fine dots, thrown. Width of a dot in metres.
    Thrown(f32),
}

/// What is the same for a row of the camera.
pub(crate) struct Row {
    /// For each ink, along its two axes.
    left: [[[f32; HARMONICS]; 2]; 3],
    /// Width of a pixel on the paper, in metres.
    pixel: f32,
}

/// Angles of cyan, magenta and yellow.
const ANGLES: [f32; 3] = [15.0, 75.0, 0.0];

impl Print {
    pub(crate) fn new(random: &mut Random) -> Self {
        let (white, tint) = (random.within(0.75, 0.95), random.within(-0.03, 0.05));
        let dots = if random.chance(0.5) {
            Dots::Grown(0.0254 / random.within(75.0, 133.0))
        } else {
            Dots::Thrown(0.0254 / random.within(150.0, 600.0))
        };
        let gloss = if random.chance(0.5) {
            (random.within(0.01, 0.05), random.within(20.0, 150.0))
        } else {
            (0.0, 1.0)
        };
        Self {
            paper: [white * (1.0 + tint), white, white * (1.0 - tint)],
            darkest: random.within(0.025, 0.09),
            pale: random.within(0.03, 0.3),
            dots,
            gloss,
        }
    }

    /// The paper without ink.
    pub(crate) fn blank(&self, colour: usize) -> f32 {
        self.paper[colour]
    }

    /// `steps`: metres of u and v from a pixel to the next (across, down).
    pub(crate) fn row(&self, steps: [[f32; 2]; 2], fill: f32, sigma: f32) -> Row {
        let [u, v] = steps;
        let pixel = (u[0] * v[1] - u[1] * v[0]).abs().sqrt().max(1e-6);
        let left = match self.dots {
            Dots::Thrown(_) => Default::default(),
            Dots::Grown(cell) => ANGLES.map(|angle| {
                [0.0, 90.0].map(|more| {
                    let (sin, cos) = (angle + more).to_radians().sin_cos();
                    grid::seen([0, 1].map(|i| (cos * u[i] + sin * v[i]) / cell), fill, sigma)
                })
            }),
        };
        Row { left, pixel }
    }

    /// The colours that the inks reach.
    pub(crate) fn colours(&self, texel: [f32; 3]) -> [f32; 3] {
        let mean = (texel[0] + texel[1] + texel[2]) / 3.0;
        texel.map(|own| own + self.pale * (mean - own))
    }

    /// The share of light of one colour that the paper gives back at a place.
    pub(crate) fn light(&self, texel: f32, colour: usize, (u, v): (f32, f32), row: &Row) -> f32 {
        let own = texel.clamp(0.0, 1.0);
        // The share of paper that the ink covers.
        let ink = 1.0 - own;
        let uneven = 4.0 * ink * own;
        let dots = match self.dots {
            Dots::Grown(cell) => {
                let (sin, cos) = ANGLES[colour].to_radians().sin_cos();
                let along = [(cos * u + sin * v) / cell, (cos * v - sin * u) / cell];
                let [a, b] = row.left[colour].map(|left| left[0]);
                0.22 * uneven * (a * cosine(along[0]) + b * cosine(along[1]))
            }
            Dots::Thrown(dot) => {
                // Dots that are finer than a pixel average out.
                let cell = dot.max(row.pixel);
                let noise = lattice((u / cell).floor() as i32, (v / cell).floor() as i32) - 0.5;
                0.8 * uneven * noise * (dot / cell).min(1.0)
            }
        };
        self.darkest + (self.paper[colour] - self.darkest) * (own + dots).clamp(0.0, 1.0)
    }
}
