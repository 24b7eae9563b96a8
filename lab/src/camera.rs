//! From light on the sensor to a picture: colour filter, noise, white balance, sharpening, gamma. No JPEG: whoever writes
//! the picture does that, with `quality`.

use crate::picture::Picture;
use crate::random::Random;

/// A camera, fixed at its place.
pub(crate) struct Camera {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// In pixels.
    pub(crate) focal: f32,
    /// Share of a pixel's width that takes light.
    pub(crate) fill: f32,
    /// What the lens blurs in focus: standard deviation in pixels.
    lens: f32,
    /// Width of the aperture and distance of the focus, in metres.
    aperture: f32,
    focus: f32,
    /// Time between two rows, and that a row takes light for, in seconds.
    row_time: f32,
    shutter: f32,
    /// Noise: what is always there, and what grows with the light.
    read_noise: f32,
    shot_noise: f32,
    sharpening: f32,
    /// Colours are made so much stronger: 1 leaves them.
    saturation: f32,
    vignetting: f32,
    /// How far the mean colour is made grey, `0..=1`, and the mean brightness wanted.
    balancing: f32,
    brightness: f32,
    /// Light to level, for light in 1/4096.
    levels: Vec<f32>,
    /// Of the JPEG, 1 to 100.
    pub(crate) quality: u8,
}

/// What automatic exposure and white balance multiply red, green and blue by.
pub(crate) type Gains = [f32; 3];

impl Camera {
    pub(crate) fn new((width, height): (u32, u32), random: &mut Random) -> Self {
        let contrast = random.within(0.0, 0.9);
        let level = |i: usize| {
            let x = (i as f32 / 4095.0).powf(1.0 / 2.2);
            255.0 * (x + contrast * x * (1.0 - x) * (2.0 * x - 1.0))
        };
        Self {
            width: width as usize,
            height: height as usize,
            focal: width as f32 * random.within(0.8, 1.15),
            fill: random.within(0.85, 1.0),
            lens: random.within(0.4, 0.8),
            aperture: random.within(0.0006, 0.0014),
            focus: random.within(0.45, 1.2),
            row_time: random.within(0.02, 0.033) / height as f32,
            shutter: random.within(0.004, 0.03),
            read_noise: random.within(0.0008, 0.004),
            shot_noise: random.within(0.003, 0.015),
            sharpening: random.within(0.2, 1.2),
            saturation: random.within(0.8, 1.4),
            vignetting: random.within(0.0, 0.3),
            balancing: random.within(0.0, 0.6),
            brightness: random.within(0.14, 0.24),
            levels: (0..4096).map(level).collect(),
            quality: random.within(72.0, 95.0) as u8,
        }
    }

    /// The ray to a place of the picture; whole numbers are the middles of pixels.
    pub(crate) fn ray(&self, x: f32, y: f32) -> [f32; 3] {
        let (width, height) = (self.width as f32, self.height as f32);
        [(x + 0.5 - width / 2.0) / self.focal, (y + 0.5 - height / 2.0) / self.focal, 1.0]
    }

    /// Where a point in space is seen, in pixels; the upper left corner of the picture is (0, 0).
    pub(crate) fn seen(&self, [x, y, z]: [f32; 3]) -> [f32; 2] {
        [self.focal * x / z + self.width as f32 / 2.0, self.focal * y / z + self.height as f32 / 2.0]
    }

    /// The blur of what is so far away: standard deviation in pixels.
    pub(crate) fn blur(&self, distance: f32) -> f32 {
        let disc = self.aperture * self.focal * (1.0 / distance - 1.0 / self.focus).abs();
        self.lens.hypot(disc / 4.0)
    }

    /// When the shutter opens for a row of a frame that begins at `time`, and for how long.
    pub(crate) fn shutter(&self, time: f32, row: usize) -> (f32, f32) {
        (time + row as f32 * self.row_time, self.shutter)
    }

    /// The colour that a pixel is sensitive to: the pattern of Bayer, red first.
    pub(crate) fn filter(x: usize, y: usize) -> usize {
        (x & 1) + (y & 1)
    }

    /// Automatic exposure and white balance for light of these means.
    pub(crate) fn gains(&self, mean: [f32; 3]) -> Gains {
        let exposure = self.brightness / (0.3 * mean[0] + 0.6 * mean[1] + 0.1 * mean[2]).max(1e-3);
        mean.map(|own| {
            exposure.clamp(0.2, 5.0) * (mean[1] / own.max(1e-3)).clamp(0.5, 2.0).powf(self.balancing)
        })
    }

    /// The picture of what fell on the sensor, pixel by pixel through [`Camera::filter`].
    pub(crate) fn developed(
        &self,
        mut sensor: Vec<f32>,
        gains: Gains,
        random: &mut Random,
    ) -> Result<Picture, String> {
        let (width, height) = (self.width, self.height);
        for (i, value) in sensor.iter_mut().enumerate() {
            let (x, y) = (i % width, i / width);
            let (dx, dy) = (x as f32 / width as f32 - 0.5, y as f32 / height as f32 - 0.5);
            let light = *value * gains[1] * (1.0 - self.vignetting * 2.0 * (dx * dx + dy * dy));
            let noise = self.read_noise.hypot(self.shot_noise * light.max(0.0).sqrt());
            // The sensor is full at a little above white; white balance comes after it.
            let full = (light + noise * random.normal()).clamp(0.0, 1.2);
            *value = full * gains[Self::filter(x, y)] / gains[1];
        }
        let colours: Vec<[f32; 3]> = (0..width * height)
            .map(|i| interpolated(&sensor, (width, height), i % width, i / width))
            .collect();
        let green = |x: usize, y: usize| colours[y.min(height - 1) * width + x.min(width - 1)][1];
        let mut rgb = Vec::with_capacity(3 * width * height);
        for (i, colour) in colours.iter().enumerate() {
            let (x, y) = (i % width, i / width);
            let (left, up) = (x.saturating_sub(1), y.saturating_sub(1));
            let around = (green(left, y) + green(x + 1, y) + green(x, up) + green(x, y + 1)) / 4.0;
            let detail = self.sharpening * (colour[1] - around);
            let grey = 0.3 * colour[0] + 0.6 * colour[1] + 0.1 * colour[2];
            rgb.extend(colour.map(|v| {
                let light = grey + self.saturation * (v - grey) + detail;
                self.levels[(light * 4095.0).clamp(0.0, 4095.0) as usize].round() as u8
            }));
        }
        Picture::new(width as u32, height as u32, rgb)
    }
}

/// All colours of a pixel, the missing ones as means of its neighbours.
fn interpolated(sensor: &[f32], (width, height): (usize, usize), x: usize, y: usize) -> [f32; 3] {
    // Mirrored at the edge, so that the pattern goes on.
    let mirrored = |at: isize, count: usize| {
        let last = count as isize - 1;
        (if at < 0 {
            -at
        } else if at > last {
            2 * last - at
        } else {
            at
        }) as usize
    };
    let at = |dx: isize, dy: isize| {
        sensor[mirrored(y as isize + dy, height) * width + mirrored(x as isize + dx, width)]
    };
    let own = at(0, 0);
    let across = || (at(-1, 0) + at(1, 0)) / 2.0;
    let down = || (at(0, -1) + at(0, 1)) / 2.0;
    let corners = || (at(-1, -1) + at(1, -1) + at(-1, 1) + at(1, 1)) / 4.0;
    match (x & 1, y & 1) {
        (0, 0) => [own, (across() + down()) / 2.0, corners()],
        (1, 0) => [across(), own, down()],
        (0, 1) => [down(), own, across()],
        _ => [corners(), (across() + down()) / 2.0, own],
    }
}
