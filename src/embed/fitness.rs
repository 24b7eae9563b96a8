//! Whether an aligned face may become a template. A probe is compared once; a template is compared with everybody who comes
//! for years. Two faces spoilt alike (by the same blur, the same dark glasses) are alike to the embedder, while a spoilt face
//! and a good one are not: so it is enough that templates are good, and probes may be worse.
//!
//! The daemon and `facelatch-rates` both decide here. The measures are of light only, and each is relative to the same face,
//! so that neither skin nor lamp matters. The limits were chosen on the first 60 to 80 people of LFW (docs/rates/stress.md).

use std::ops::Range;

use super::{CHIP_SIDE_PX, Chip, Measure};
use crate::detect::quality::RetryReason;

/// What an embedding is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// To be compared with templates.
    Probe,
    /// To be kept.
    Template,
}

impl Role {
    /// Whether the face in the chip, which can be judged, is good enough for this.
    ///
    /// # Errors
    /// What to change before an enrolment; never for a probe.
    pub fn check(self, chip: &Chip) -> Result<(), RetryReason> {
        match self {
            Self::Probe => Ok(()),
            Self::Template => Fitness::of(chip).check(),
        }
    }
}

/// Least coarse detail: the mean square of the second difference at 3 pixels, by the variance of the face. Seen: 0.25 and more
/// in good pictures, mostly below 0.22 out of focus and with five pixels between the eyes.
const MIN_DETAIL: f32 = 0.22;

/// Least fine detail along the smoothest of four directions, as a share of that along the roughest: motion takes away what
/// lies along it.
const MIN_EVENNESS: f32 = 0.13;

/// Least light of the brighter eye, its lid included, as a share of that of the cheeks. Seen: 0.3 and more in all 1,639
/// pictures of yale, att, faces94 and utk that are judged, whatever the skin; less behind dark glasses.
const MIN_EYE_LIGHT: f32 = 0.3;

/// Least mean gradient about the mouth, by the deviation of the face. Seen: more in all but one of the same
/// pictures, less under a mask.
const MIN_MOUTH: f32 = 0.14;

/// Eyes to mouth: what sharpness is measured on. Without hair and background.
const FACE: Patch = Patch { columns: 28..84, rows: 40..100 };

const EYES: [Patch; 2] = [Patch { columns: 30..47, rows: 48..57 }, Patch { columns: 66..83, rows: 48..57 }];

const CHEEKS: [Patch; 2] = [Patch { columns: 31..42, rows: 69..80 }, Patch { columns: 71..82, rows: 69..80 }];

const MOUTH: Patch = Patch { columns: 40..72, rows: 85..99 };

/// Steps of one pixel: across, down, and along both diagonals.
const DIRECTIONS: [(isize, isize); 4] = [(1, 0), (0, 1), (1, 1), (1, -1)];

/// Part of a chip, in pixels.
struct Patch {
    columns: Range<usize>,
    rows: Range<usize>,
}

impl Patch {
    fn pixels(&self) -> impl Iterator<Item = usize> + '_ {
        let at = |row: usize| self.columns.clone().map(move |column| row * CHIP_SIDE_PX as usize + column);
        self.rows.clone().flat_map(at)
    }
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitness {
    detail: f32,
    evenness: f32,
    eye_light: f32,
    mouth: f32,
}

impl Fitness {
    /// Of a face.
    pub fn of(chip: &Chip) -> Self {
        let light: Vec<f32> = chip.rgb().chunks_exact(3).map(luma).collect();
        let light = light.as_slice();
        // At least 1, so that a blank face has no detail.
        let variance = variance(light).max(1.0);
        let coarse = DIRECTIONS.map(|direction| second_difference(light, direction, 3));
        let fine = DIRECTIONS.map(|direction| second_difference(light, direction, 1));
        let least = fine.into_iter().fold(f32::INFINITY, f32::min);
        let most = fine.into_iter().fold(f32::EPSILON, f32::max);
        let cheeks = CHEEKS.iter().flat_map(Patch::pixels).map(|at| light[at]);
        let cheeks = quantile(cheeks, 0.5).max(1.0);
        let eye = |patch: &Patch| quantile(patch.pixels().map(|at| light[at]), 0.9);
        Self {
            detail: coarse.iter().sum::<f32>() / coarse.len() as f32 / variance,
            evenness: least / most,
            eye_light: EYES.iter().map(eye).fold(0.0, f32::max) / cheeks,
            mouth: gradient(light, &MOUTH) / variance.sqrt(),
        }
    }

    /// Each beside the least that a template needs.
    pub fn told(&self) -> Vec<Measure> {
        let measure = |name, value, least| Measure { name, value, least: Some(least) };
        vec![
            measure("detail", self.detail, MIN_DETAIL),
            measure("evenness", self.evenness, MIN_EVENNESS),
            measure("eye-light", self.eye_light, MIN_EYE_LIGHT),
            measure("mouth", self.mouth, MIN_MOUTH),
        ]
    }

    /// What is covered comes first: it also takes detail away.
    fn check(&self) -> Result<(), RetryReason> {
        if self.eye_light < MIN_EYE_LIGHT {
            return Err(RetryReason::EyesCovered);
        }
        if self.detail < MIN_DETAIL || self.evenness < MIN_EVENNESS {
            return Err(RetryReason::TooBlurred);
        }
        if self.mouth < MIN_MOUTH {
            return Err(RetryReason::MouthCovered);
        }
        Ok(())
    }
}

/// Weights 2:5:1 stand in for the luma of BT.601.
fn luma(rgb: &[u8]) -> f32 {
    rgb.iter().zip([2.0, 5.0, 1.0]).map(|(value, weight)| f32::from(*value) * weight).sum::<f32>() / 8.0
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    sum / count.max(1) as f32
}

/// Of the face.
fn variance(light: &[f32]) -> f32 {
    let middle = mean(FACE.pixels().map(|at| light[at]));
    mean(FACE.pixels().map(|at| (light[at] - middle).powi(2)))
}

/// Mean square of what a pixel differs from the line between its two neighbours `step` steps away. [`FACE`] leaves room.
fn second_difference(light: &[f32], (across, down): (isize, isize), step: isize) -> f32 {
    let away = step * (down * CHIP_SIDE_PX as isize + across);
    let at = |pixel: usize, away| light[pixel.saturating_add_signed(away)];
    mean(FACE.pixels().map(|p| (at(p, away) + at(p, -away) - 2.0 * light[p]).powi(2)))
}

/// Mean of the steps to the next pixel across and down.
fn gradient(light: &[f32], patch: &Patch) -> f32 {
    let step = |at: usize, to: usize| (light[to] - light[at]).abs();
    mean(patch.pixels().map(|at| step(at, at + 1) + step(at, at + CHIP_SIDE_PX as usize)))
}

/// The value below which this share of them lies.
fn quantile(values: impl Iterator<Item = f32>, share: f32) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    values.get(((values.len().saturating_sub(1)) as f32 * share) as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
