//! Frames of one attempt, out of a single picture. Frames that follow each other at a door are nearly one picture
//! ([`live`](super::live)): the head moves a little, light flickers, the sensor adds noise, the camera compresses. A stranger with one
//! picture so stands for an attempt better than one with three pictures of three days.

use std::collections::HashMap;
use std::path::Path;

use facelatch::head::{Head, LogOdds};
use facelatch::judge::vote;
use image::RgbImage;

use super::set::{Sample, Set};
use super::stress::pixels::{compressed, each, moved, noisy, signed};
use super::table::{Across, Features};
use facelatch::embed::Embedding;
use facelatch::head::project::SplitMix64;

/// How far a head moves from frame to frame: degrees, share of its size, share of the picture's sides.
const MOVES: (f32, f32, f32) = (3.0, 0.04, 0.03);
/// Share by which the light changes.
const FLICKER: f32 = 0.1;
/// Deviation of the noise, of 255.
const NOISE: f32 = 4.0;
/// Quality of the camera's JPEG.
const JPEG: u8 = 80;

/// The picture a moment later. `number` 0 is the picture itself; every other number and `seed` give another moment.
pub fn moment(picture: RgbImage, number: u8, seed: u64) -> RgbImage {
    if number == 0 {
        return picture;
    }
    let mut random = SplitMix64(seed ^ u64::from(number) << 56);
    let mut by = |most: f32| most * signed(&mut random);
    let (degrees, size, shift) = MOVES;
    let moved = moved(&picture, by(degrees), 1.0 + by(size), (by(shift), by(shift)));
    let light = 1.0 + by(FLICKER);
    let lit = each(&moved, |_, _, rgb| rgb.map(|v| v * light));
    compressed(&noisy(&lit, NOISE, &mut random), JPEG)
}

/// Scores of every picture's frames with the templates of a set.
pub struct Alike {
    /// Frames of each picture.
    frames: usize,
    /// By sample of the set: the row of its first frame; `None` where a frame was not judged.
    rows: Vec<Option<usize>>,
    scores: Across,
}

impl Alike {
    /// `moments` are the same pictures as `set`, a moment later each; `templates` is h of the first samples of `set`, those who may be
    /// enrolled. A picture of which a frame shows no face or is not believed is not believed either.
    pub fn new(
        set: &mut Set,
        moments: &[Set],
        templates: &Features,
        head: &Head,
        tell: &mut dyn FnMut(usize, usize),
    ) -> Self {
        let later: Vec<HashMap<&Path, &Sample>> =
            moments.iter().map(|set| set.samples.iter().map(|s| (s.path.as_path(), s)).collect()).collect();
        let mut embeddings: Vec<Embedding> = Vec::new();
        let mut rows = Vec::new();
        for sample in &mut set.samples {
            let frames = later.iter().map(|later| later.get(sample.path.as_path()).filter(|s| s.believed));
            let frames: Option<Vec<_>> = frames.collect();
            sample.believed &= frames.is_some();
            rows.push(sample.believed.then_some(embeddings.len()));
            if let Some(frames) = frames.filter(|_| sample.believed) {
                embeddings.push(sample.embedding.clone());
                embeddings.extend(frames.into_iter().map(|frame| frame.embedding.clone()));
            }
        }
        let scores = Across::new(&embeddings, templates, head, tell);
        Self { frames: moments.len() + 1, rows, scores }
    }

    /// The daemon's decision on the frames of one picture.
    pub fn decide(&self, templates: &[usize], picture: usize) -> Option<f32> {
        let row = self.rows[picture]?;
        let z = |frame: usize, template: usize| LogOdds(self.scores.at(row + frame, templates[template]));
        vote::combine(self.frames, templates.len(), z).map(|z| z.0)
    }

    /// How much the scores of one picture's frames differ: their standard deviation about the picture's mean, over all pictures
    /// and templates of other people.
    pub fn deviation(&self, set: &Set) -> f64 {
        let (mut squares, mut freedom) = (0.0, 0.0);
        for (sample, row) in set.samples.iter().zip(&self.rows) {
            let Some(row) = row else { continue };
            for template in 0..self.scores.width() {
                if set.samples[template].person == sample.person {
                    continue;
                }
                let z = (0..self.frames).map(|frame| f64::from(self.scores.at(row + frame, template)));
                let mean = z.clone().sum::<f64>() / self.frames as f64;
                squares += z.map(|z| (z - mean).powi(2)).sum::<f64>();
                freedom += self.frames as f64 - 1.0;
            }
        }
        (squares / f64::max(freedom, 1.0)).sqrt()
    }
}

#[cfg(test)]
mod tests;
