//! Draws the result on a picture: box, landmarks and a line of text, saved as PNG.

use std::convert::Infallible;
use std::path::Path;

use embedded_graphics::mono_font::{MonoTextStyleBuilder, ascii::FONT_9X18_BOLD};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{Circle, PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Baseline, Text};

use facelatch::detect::Face;

/// Height of a line of text in pixels, given by the font.
const LINE_PX: u32 = 18;

/// Pixels to draw on: `height` rows of `width`, RGB.
pub(crate) struct Canvas {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

/// The colour of the marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Green.
    Yes,
    /// Red.
    No,
}

impl Canvas {
    /// A canvas from `width * height * 3` bytes of RGB; missing bytes are black.
    pub(crate) fn new(width: u32, height: u32, mut rgb: Vec<u8>) -> Self {
        rgb.resize(width as usize * height as usize * 3, 0);
        Self { width, height, rgb }
    }

    /// Draws the box and the five landmarks of a face.
    pub(crate) fn mark(&mut self, face: &Face, mood: Mood) {
        let at = |x: f32, y: f32| Point::new(x.round() as i32, y.round() as i32);
        let size = Size::new(face.bbox.w.max(1.0) as u32, face.bbox.h.max(1.0) as u32);
        let frame = Rectangle::new(at(face.bbox.x, face.bbox.y), size);
        let Ok(()) = frame.into_styled(PrimitiveStyle::with_stroke(mood.colour(), 3)).draw(self);
        for landmark in face.landmarks {
            let dot = Circle::with_center(at(landmark.x, landmark.y), 7);
            let Ok(()) = dot.into_styled(PrimitiveStyle::with_fill(Rgb888::YELLOW)).draw(self);
        }
    }

    /// Writes one line on a dark band at the bottom.
    pub(crate) fn caption(&mut self, text: &str, mood: Mood) {
        let foot = self.height.saturating_sub(LINE_PX + 8) as i32;
        let band = Rectangle::new(Point::new(0, foot), Size::new(self.width, LINE_PX + 8));
        let Ok(()) = band.into_styled(PrimitiveStyle::with_fill(Rgb888::new(16, 16, 16))).draw(self);
        let style = MonoTextStyleBuilder::new().font(&FONT_9X18_BOLD).text_color(mood.colour()).build();
        let Ok(_) = Text::with_baseline(text, Point::new(8, foot + 4), style, Baseline::Top).draw(self);
    }

    /// Writes the picture as PNG.
    ///
    /// # Errors
    /// An error of the file system.
    pub(crate) fn save(&self, path: &Path) -> std::io::Result<()> {
        save_png(path, self.width, self.height, &self.rgb)
    }
}

/// Writes RGB as PNG.
///
/// # Errors
/// An error of the file system.
pub(crate) fn save_png(path: &Path, width: u32, height: u32, rgb: &[u8]) -> std::io::Result<()> {
    let mut encoder = png::Encoder::new(std::fs::File::create(path)?, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(rgb)?;
    Ok(())
}

impl Mood {
    fn colour(self) -> Rgb888 {
        match self {
            Self::Yes => Rgb888::new(64, 220, 96),
            Self::No => Rgb888::new(255, 96, 80),
        }
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        let size = self.bounding_box();
        for Pixel(at, colour) in pixels {
            if size.contains(at) {
                let start = (at.y as usize * self.width as usize + at.x as usize) * 3;
                self.rgb[start..start + 3].copy_from_slice(&[colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use facelatch::detect::{Bbox, Point};

    #[test]
    fn marks_beyond_the_edge_are_clipped() {
        let mut canvas = Canvas::new(64, 48, Vec::new());
        let landmarks = [Point { x: -500.0, y: 1e9 }; 5];
        let face = Face { bbox: Bbox { x: 10.0, y: -20.0, w: 4000.0, h: 40.0 }, landmarks, confidence: 1.0 };
        canvas.mark(&face, Mood::Yes);
        canvas.caption("alice p=0.9999 match, and much more than fits", Mood::No);
        let lit = canvas.rgb.chunks(3).filter(|p| *p == [64, 220, 96]).count();
        assert!(lit > 50, "the lower edge lies inside: {lit}");
        assert_eq!(canvas.rgb.len(), 64 * 48 * 3);
    }
}
