//! The network that tells pictures of faces from faces, one frame at a time.
//!
//! It sees more than the face: a screen's or print's edge, light that does not fit, the pattern of a screen's pixels. How
//! it was trained, and on whom it was measured: `models/attack.md`.

use zeroize::Zeroizing;

use super::{Score, Species};
use crate::camera::Frame;
use crate::camera::scale::{Interpolation, scaled};
use crate::detect::{Bbox, Face};
use crate::model::{ModelError, Network};

/// Side of the square that is judged, in longer sides of the face's box.
const FIELD: f32 = 2.7;

/// What one frame says: natural logarithms of the three probabilities, up to a common summand.
#[derive(Clone, Copy, PartialEq)]
pub struct Evidence {
    live: f32,
    print: f32,
    screen: f32,
}

impl Evidence {
    /// Log-odds of live, whatever the species of the attack would be.
    pub fn score(&self) -> Score {
        let most = self.print.max(self.screen);
        let attack = most + ((self.print - most).exp() + (self.screen - most).exp()).ln();
        Score(self.live - attack)
    }

    /// The species that it would be, were it an attack.
    pub fn species(&self) -> Species {
        if self.print > self.screen { Species::Print } else { Species::Screen }
    }
}

/// Judges frames with a network of kind `attack`.
pub struct AttackNetwork {
    network: Network,
}

impl AttackNetwork {
    /// Around a loaded network of kind `attack`.
    ///
    /// # Errors
    /// [`ModelError`] when it does not run, or its output is not that of such a network.
    pub fn new(network: Network) -> Result<Self, ModelError> {
        let network = Self { network };
        // One run on black proves shape and finiteness before the first face comes.
        network.run(&[], 1)?;
        Ok(network)
    }

    /// Log-odds that the face in this frame is live.
    ///
    /// # Errors
    /// [`ModelError`] when the network fails.
    pub fn score(&self, frame: &Frame, face: &Face) -> Result<Score, ModelError> {
        Ok(self.see(frame, face)?.score())
    }

    /// All that the network says of the face in this frame.
    ///
    /// # Errors
    /// [`ModelError`] when the network fails.
    pub fn see(&self, frame: &Frame, face: &Face) -> Result<Evidence, ModelError> {
        let Square { x, y, side } = Square::around(&face.bbox, frame.width(), frame.height());
        let (row, begin, length) = (frame.width() as usize * 3, x as usize * 3, side as usize * 3);
        let rows = frame.rgb().chunks_exact(row).skip(y as usize).take(side as usize);
        let cut: Zeroizing<Vec<u8>> =
            Zeroizing::new(rows.flat_map(|row| row.iter().skip(begin).take(length)).copied().collect());
        let wanted = self.network.input_size().0 as u32;
        let failed = |e: String| self.network.bad_output(format!("face cannot be resized: {e}"));
        let small = scaled(&cut, (side, side), (wanted, wanted), Interpolation::Linear).map_err(failed)?;
        self.run(&Zeroizing::new(small), wanted as usize)
    }

    fn run(&self, rgb: &[u8], side: usize) -> Result<Evidence, ModelError> {
        let outputs = self.network.run(self.network.planes(rgb, side, side))?;
        match outputs.as_slice() {
            [logits] => match logits.as_slice() {
                [live, print, screen] => Ok(Evidence { live: *live, print: *print, screen: *screen }),
                other => Err(self.network.bad_output(format!("{} logits, it must have 3", other.len()))),
            },
            other => Err(self.network.bad_output(format!("{} outputs, it must have 1", other.len()))),
        }
    }
}

/// A square of whole pixels inside a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Square {
    x: u32,
    y: u32,
    side: u32,
}

impl Square {
    /// [`FIELD`] times the face; moved inside the frame, and as large as its shorter side at most. Whatever the box is, even
    /// outside or not finite, the square is inside and has a pixel.
    fn around(face: &Bbox, width: u32, height: u32) -> Self {
        let most = width.min(height).max(1);
        let side = ((FIELD * face.w.max(face.h)).round() as u32).clamp(1, most);
        let place = |middle: f32, length: u32| {
            let first = (middle - side as f32 / 2.0).round().max(0.0) as u32;
            first.min(length.saturating_sub(side))
        };
        Self { x: place(face.x + face.w / 2.0, width), y: place(face.y + face.h / 2.0, height), side }
    }
}

#[cfg(test)]
mod tests;
