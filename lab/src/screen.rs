//! A screen: stripes of red, green and blue on a black grid, its gamma, colours and backlight.

use crate::grid::{self, HARMONICS, Wave};
use crate::picture::curve;
use crate::random::Random;

/// A screen that is on.
pub(crate) struct Screen {
    /// Width of a pixel, in metres.
    pitch: f32,
    /// The stripes lie across, as on a phone that is held sideways.
    lies: bool,
    stripes: Wave,
    rows: Wave,
    /// How much light each level gives, and what black lets through.
    pub(crate) curve: [f32; 256],
    /// How far its colours differ from the camera's: each takes so much of the others.
    mixing: f32,
    /// Its white, by the light of the room.
    white: [f32; 3],
    /// Pulses of the backlight a second, and their wave; 0 for a steady one.
    hz: f32,
    pulses: Wave,
}

/// What is the same for a row of the camera.
pub(crate) struct Row {
    stripes: [f32; HARMONICS],
    rows: [f32; HARMONICS],
    backlight: f32,
}

impl Screen {
    pub(crate) fn new(pitch: f32, lies: bool, random: &mut Random) -> Self {
        // By day a screen is darker than the room; at night it is what the camera takes for overexposed.
        let bright = random.within(-0.9, 1.4).exp();
        // Screens are mostly bluer than the lamps of a room; some are green.
        let (blue, green) = (random.within(-0.02, 0.22), random.within(-0.02, 0.12));
        // One in four is looked at from where its black is grey.
        let black = random.within(0.001, 0.008) * if random.chance(0.25) { 8.0 } else { 1.0 };
        let hz = if random.chance(0.5) { random.within(90.0, 480.0) } else { 0.0 };
        Self {
            pitch,
            lies,
            stripes: Wave::pulses(random.within(0.22, 0.3)),
            rows: Wave::pulses(random.within(0.72, 0.9)),
            curve: curve(random.within(2.0, 2.6), black),
            mixing: random.within(-0.06, 0.1),
            white: [bright * (1.0 - blue), bright * (1.0 + green), bright * (1.0 + blue)],
            hz,
            pulses: Wave::pulses(random.within(0.35, 0.95)),
        }
    }

    /// `steps`: metres of u and v from a pixel to the next (across, down). `shutter`: when it opens for this row and for how
    /// long, in seconds.
    pub(crate) fn row(&self, steps: [[f32; 2]; 2], fill: f32, sigma: f32, shutter: (f32, f32)) -> Row {
        let [u, v] = steps.map(|step| grid::seen(step.map(|s| s / self.pitch), fill, sigma));
        let (stripes, rows) = if self.lies { (v, u) } else { (u, v) };
        let (opens, open) = shutter;
        let phase = self.hz * (opens + open / 2.0);
        let backlight =
            if self.hz > 0.0 { self.pulses.at(phase, &grid::averaged(self.hz * open)) } else { 1.0 };
        Row { stripes, rows, backlight }
    }

    /// The colours of the screen as the camera takes them.
    pub(crate) fn colours(&self, texel: [f32; 3]) -> [f32; 3] {
        let mean = (texel[0] + texel[1] + texel[2]) / 3.0;
        [0, 1, 2].map(|c| (texel[c] + self.mixing * (mean - texel[c])).max(0.0) * self.white[c])
    }

    /// The light of one colour that the grid lets through at a place.
    pub(crate) fn light(&self, texel: f32, colour: usize, (u, v): (f32, f32), row: &Row) -> f32 {
        let (across, down) = if self.lies { (v, u) } else { (u, v) };
        let stripe = self.stripes.at(across / self.pitch - (colour as f32 + 0.5) / 3.0, &row.stripes);
        let line = self.rows.at(down / self.pitch, &row.rows);
        texel * (stripe * line).max(0.0) * row.backlight
    }
}
