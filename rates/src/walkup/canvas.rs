//! Pictures of people, cut out and put into a room.

use facelatch::camera::scale::{Interpolation, scaled};
use facelatch::detect::Bbox;
use image::RgbImage;

/// Half the width and height of what is cut out, in those of the face's box: the head with its hair.
const HEAD: (f32, f32) = (0.85, 0.95);

/// Share of the ellipse that fades out.
const SOFT: f32 = 0.15;

/// Half the shoulders' width, and where they begin below the middle of the face, in the box's width and height.
const SHOULDERS: (f32, f32) = (1.3, 0.75);

/// One picture of a person, and where its face is.
#[derive(Clone)]
pub struct Cutout {
    /// The picture.
    pub picture: RgbImage,
    /// The face.
    pub face: Bbox,
    /// How far it is turned, in eye distances ([`facelatch::detect::geometry::yaw`]).
    pub yaw: f32,
}

/// A frame that is being drawn.
pub struct Canvas {
    width: i32,
    height: i32,
    rgb: Vec<u8>,
}

impl Canvas {
    /// The room.
    pub fn of(room: &facelatch_lab::Picture) -> Self {
        Self { width: room.width() as i32, height: room.height() as i32, rgb: room.rgb().to_vec() }
    }

    /// A person: their face `wide` pixels wide about this place, their clothes of this colour.
    ///
    /// # Errors
    /// A text where the picture cannot be scaled.
    pub fn person(
        &mut self,
        cutout: &Cutout,
        at: (f32, f32),
        wide: f32,
        clothes: [u8; 3],
    ) -> Result<(), String> {
        let face = &cutout.face;
        let (w, h) = (wide, wide * face.h / face.w);
        let (half, below) = (SHOULDERS.0 * w, SHOULDERS.1 * h);
        self.fill((at.0 - half, at.1 + below), (at.0 + half, at.1 + below + 6.0 * h), clothes);
        self.fill(
            (at.0 - 0.3 * w, at.1 + 0.3 * h),
            (at.0 + 0.3 * w, at.1 + below + 1.0),
            clothes.map(|v| v / 2 + 80),
        );
        let scale = wide / face.w;
        let from = cutout.picture.dimensions();
        let side = |side: u32| ((side as f32 * scale).round() as u32).max(1);
        let to = (side(from.0), side(from.1));
        let how = if scale < 1.0 { Interpolation::Linear } else { Interpolation::CatmullRom };
        let pixels = scaled(cutout.picture.as_raw(), from, to, how)?;
        let middle = ((face.x + face.w / 2.0) * scale, (face.y + face.h / 2.0) * scale);
        let (rx, ry) = (HEAD.0 * w, HEAD.1 * h);
        for y in self.span(at.1, ry, self.height) {
            for x in self.span(at.0, rx, self.width) {
                let (dx, dy) = (x as f32 - at.0, y as f32 - at.1);
                let radius = (dx / rx).hypot(dy / ry);
                let share = ((1.0 - radius) / SOFT).clamp(0.0, 1.0);
                if share > 0.0 {
                    let column = (middle.0 + dx).clamp(0.0, to.0 as f32 - 1.0) as usize;
                    let row = (middle.1 + dy).clamp(0.0, to.1 as f32 - 1.0) as usize;
                    self.blend((x, y), &pixels[(row * to.0 as usize + column) * 3..][..3], share);
                }
            }
        }
        Ok(())
    }

    fn span(&self, middle: f32, reach: f32, limit: i32) -> std::ops::Range<i32> {
        ((middle - reach).floor() as i32).clamp(0, limit)..((middle + reach).ceil() as i32).clamp(0, limit)
    }

    fn fill(&mut self, from: (f32, f32), to: (f32, f32), colour: [u8; 3]) {
        let columns = (from.0 as i32).clamp(0, self.width)..(to.0 as i32).clamp(0, self.width);
        for y in (from.1 as i32).clamp(0, self.height)..(to.1 as i32).clamp(0, self.height) {
            columns.clone().for_each(|x| self.blend((x, y), &colour, 1.0));
        }
    }

    fn blend(&mut self, (x, y): (i32, i32), colour: &[u8], share: f32) {
        let at = (y * self.width + x) as usize * 3;
        for (old, new) in self.rgb[at..at + 3].iter_mut().zip(colour) {
            *old = (f32::from(*old) * (1.0 - share) + f32::from(*new) * share).round() as u8;
        }
    }

    /// The mean of several, as a shutter that was open meanwhile sees them.
    pub fn mean(several: &[Self]) -> Option<Self> {
        let first = several.first()?;
        let sum = |at: usize| several.iter().map(|one| u32::from(one.rgb[at])).sum::<u32>();
        let rgb = (0..first.rgb.len()).map(|at| (sum(at) / several.len() as u32) as u8).collect();
        Some(Self { width: first.width, height: first.height, rgb })
    }

    /// Its pixels with the noise of a sensor, other in each frame.
    pub fn developed(mut self, frame: u64) -> Vec<u8> {
        let mut random = facelatch::head::project::SplitMix64(frame);
        for eight in self.rgb.chunks_mut(8) {
            for (value, bits) in eight.iter_mut().zip(random.bits().to_le_bytes()) {
                *value = value.saturating_add(bits % 5).saturating_sub(2);
            }
        }
        self.rgb
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> Canvas {
        Canvas { width: 200, height: 200, rgb: vec![10; 200 * 200 * 3] }
    }

    fn cutout() -> Cutout {
        let picture = RgbImage::from_pixel(50, 50, image::Rgb([200; 3]));
        Cutout { picture, face: Bbox { x: 15.0, y: 15.0, w: 20.0, h: 20.0 }, yaw: 0.0 }
    }

    fn red(canvas: &Canvas, x: usize, y: usize) -> u8 {
        canvas.rgb[(y * 200 + x) * 3]
    }

    #[test]
    fn a_person_has_a_head_and_shoulders_where_they_stand() {
        let mut canvas = room();
        canvas.person(&cutout(), (100.0, 80.0), 40.0, [60; 3]).expect("drawn");
        let seen = [red(&canvas, 100, 80), red(&canvas, 100, 150), red(&canvas, 20, 80)];
        assert_eq!(seen, [200, 60, 10]);
        // Partly outside: no panic.
        canvas.person(&cutout(), (-30.0, 250.0), 400.0, [60; 3]).expect("drawn");
    }

    #[test]
    fn a_shutter_sees_the_mean_and_a_sensor_has_noise() {
        let bright = Canvas { rgb: vec![30; 200 * 200 * 3], ..room() };
        let mean = Canvas::mean(&[room(), bright]).expect("some");
        assert_eq!(red(&mean, 3, 3), 20);
        let (one, other) = (room().developed(1), room().developed(2));
        assert!(one != other && one.iter().all(|value| (8..=12).contains(value)));
    }
}
