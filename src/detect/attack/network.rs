//! The network that tells pictures of faces from faces, one frame at a time.
//!
//! It sees more than the face: a screen's or print's edge, light that does not fit, the pattern of a screen's pixels. How
//! it was trained, and on whom it was measured: `models/attack.md`.

use super::{FrameScore, Score};
use crate::camera::scale::{Interpolation, scaled};
use crate::camera::{Frame, Wiped};
use crate::detect::{Bbox, Face};
use crate::model::{ModelError, Network};

/// Side of the square that is judged, in longer sides of the face's box.
const FIELD: f32 = 2.7;

/// Most logits: more are no kinds of attack, but the output of another network.
const MAX_LOGITS: usize = 16;

/// Least difference of a face's red and blue from its green, in grey levels. The network was trained on colour, and takes what has
/// none for a print; JPEG alone leaves less than this.
const MIN_COLOUR: f32 = 2.0;

/// Log-odds of live from logits, one of them for live and each of the others for a kind of attack.
fn log_odds(logits: &[f32], live: usize) -> Option<Score> {
    let attacks = || logits.iter().enumerate().filter(|(at, _)| *at != live).map(|(_, logit)| *logit);
    let most = attacks().fold(f32::NEG_INFINITY, f32::max);
    let attack = most + attacks().map(|logit| (logit - most).exp()).sum::<f32>().ln();
    let score = logits.get(live).map(|live| Score(live - attack));
    score.filter(|score| score.0.is_finite() && logits.len() <= MAX_LOGITS)
}

/// Mean difference of red and blue from green over the face, in grey levels; 0 where the box lies outside.
fn colour(frame: &Frame, bbox: &Bbox) -> f32 {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let within = |from: f32, length: f32, most: usize| {
        (from.max(0.0) as usize).min(most)..((from + length).max(0.0) as usize).min(most)
    };
    let (columns, rows) = (within(bbox.x, bbox.w, width), within(bbox.y, bbox.h, height));
    let (mut sum, mut count) = (0_u64, 0_u64);
    for row in frame.rgb().chunks_exact(width * 3).skip(rows.start).take(rows.len()) {
        for pixel in row.chunks_exact(3).skip(columns.start).take(columns.len()) {
            sum += u64::from(pixel[0].abs_diff(pixel[1])) + u64::from(pixel[2].abs_diff(pixel[1]));
            count += 2;
        }
    }
    sum as f32 / count.max(1) as f32
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
        let (height, width) = network.input_size();
        if height != width {
            return Err(network.unusable(format!("its input is {width}x{height} pixels, not a square")));
        }
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
        let Square { x, y, side } = Square::around(&face.bbox, frame.width(), frame.height());
        let (row, begin, length) = (frame.width() as usize * 3, x as usize * 3, side as usize * 3);
        // Room for all of it at once: a vector that grows leaves pixels behind. By rows: by bytes costs two thirds of the network.
        let mut cut = Wiped(Vec::with_capacity(length * side as usize));
        for row in frame.rgb().chunks_exact(row).skip(y as usize).take(side as usize) {
            cut.0.extend_from_slice(row.get(begin..begin + length).unwrap_or_default());
        }
        let wanted = self.network.input_size().0 as u32;
        let failed = |e: String| self.network.bad_output(format!("face cannot be resized: {e}"));
        let small = scaled(&cut, (side, side), (wanted, wanted), Interpolation::Linear).map_err(failed)?;
        self.run(&Wiped(small), wanted as usize)
    }

    fn run(&self, rgb: &[u8], side: usize) -> Result<Score, ModelError> {
        let outputs = self.network.run(rgb, side)?;
        let live = self.network.live_logit();
        let [logits] = outputs.as_slice() else {
            return Err(self.network.bad_output(format!("{} outputs, it must have 1", outputs.len())));
        };
        let count = logits.len();
        let why = || {
            format!(
                "{count} logits, it must have number {live} for live, and others, {MAX_LOGITS} in all at most"
            )
        };
        let score = log_odds(logits, live).filter(|_| count <= MAX_LOGITS);
        score.ok_or_else(|| self.network.bad_output(why()))
    }
}

impl FrameScore for AttackNetwork {
    fn id(&self) -> &str {
        self.network.sha256()
    }

    fn score(&self, frame: &Frame, face: &Face) -> Result<Score, ModelError> {
        Self::score(self, frame, face)
    }

    fn can_judge(&self, frame: &Frame, face: &Face) -> bool {
        colour(frame, &face.bbox) >= MIN_COLOUR
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
