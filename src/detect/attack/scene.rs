//! What a fixed camera knows: the background it saw while nobody was there. Beside and above a live head that background
//! is still to be seen; a picture that is carried in hides it behind its own.
//!
//! The background is learned from frames without a face in which nothing moves, and learned anew when the camera was moved
//! or the light became another. One that has just become another does not speak for a face: it may be a board that somebody
//! holds up.

use std::time::Duration;

use super::Score;
use crate::camera::Frame;
use crate::camera::grey::Grey;
use crate::clock::BootTime;
use crate::detect::{Bbox, Face};

#[cfg(test)]
mod tests;

/// Cells along the longer side of a frame.
const LONG: u32 = 80;

/// Still frames without a face before the background is known.
const MIN_LEARNED: usize = 5;

/// A new frame weighs as if at most so many had been seen: the light of a day changes slowly.
const MEMORY: usize = 30;

/// How long the background must have been what it is before it speaks for a face.
pub const SETTLED: Duration = Duration::from_mins(5);

/// Share of cells that may change from one frame to the next in a scene in which nothing moves.
const MAX_MOVING: f32 = 0.02;

/// Share of the room, away from the face, that must look as learned. With less, camera or light are not what they were.
const MIN_KNOWN: f32 = 0.6;

/// Share of what is around the head that is evidence of a live one even where the room is not known.
const MIN_SEEN: f32 = 0.9;

/// Cells of the room that say anything, at least; the same of a part around the head; and such parts.
const MIN_CELLS: usize = 20;
const MIN_PART_CELLS: usize = 8;
const MIN_PARTS: usize = 3;

/// How much light a cell may change by itself: in any light, and in proportion.
const NOISE: (f32, f32) = (6.0, 0.06);

/// Brightness against the background that is looked for, as a natural logarithm to both sides, and steps of it.
const GAIN: (f32, usize) = (1.2, 96);

/// Added to the light before it is divided: black is never quite black.
const BLACK: f32 = 4.0;

/// Log-odds of live where all of the background is hidden, and their slope by the share of it that is seen: a logistic
/// regression (docs/attacks.md says on what).
const LINE: (f32, f32) = (-4.8, 6.6);

/// No cue outweighs everything else, and this one says little for a face: a mask cut out of a picture hides no background.
const LIMITS: (f32, f32) = (-3.0, 0.7);

/// The background, and how much of it was seen around the face of the present presentation. Its pictures are wiped when
/// dropped.
#[derive(Default)]
pub struct Scene {
    background: Option<Background>,
    last: Option<Grey>,
    /// Of each frame with a face that could be judged, the share of the background around it that was seen.
    shares: Vec<f32>,
    /// For one of those frames the background was not yet [`SETTLED`].
    is_new: bool,
}

struct Background {
    mean: Grey,
    learned: usize,
    /// When a still frame last showed something else somewhere.
    changed: BootTime,
}

impl Scene {
    /// Another presentation begins: what was seen of the last one no longer counts, and the background stays.
    pub fn start(&mut self) {
        self.shares.clear();
        self.is_new = false;
    }

    /// Another frame. One without a face teaches, one with a face is judged.
    pub fn see(&mut self, frame: &Frame, face: Option<&Face>) {
        let (grey, taken_at) = (Grey::of(frame, LONG), frame.taken_at());
        let Some(face) = face else { return self.learn(grey, taken_at) };
        let Some(known) = &self.background else { return };
        if let Some(share) = known.judge(&grey, face) {
            self.shares.push(share);
            self.is_new |= taken_at.since(known.changed) < SETTLED;
        }
    }

    /// The share of the background around the head that was seen, `0.0..=1.0`: the median frame. `None` without a face,
    /// before the background is known, and where it is no longer what it was.
    pub fn share(&self) -> Option<f32> {
        let mut shares = self.shares.clone();
        shares.sort_by(f32::total_cmp);
        shares.get(shares.len() / 2).copied()
    }

    /// Log-odds that the face is live.
    pub fn score(&self) -> Option<Score> {
        let share = self.share()?;
        let most = if self.is_new { 0.0 } else { LIMITS.1 };
        Some(Score((LINE.0 + LINE.1 * share).clamp(LIMITS.0, most)))
    }

    fn learn(&mut self, grey: Grey, taken_at: BootTime) {
        let still = self.last.as_ref().is_some_and(|last| is_still(last, &grey));
        if still {
            let seen = self.background.as_ref().and_then(|background| background.seen_in(&grey));
            match (&mut self.background, seen) {
                (Some(background), Some(seen)) if seen >= MIN_KNOWN => {
                    background.add(&grey);
                    if seen < 1.0 - MAX_MOVING {
                        background.changed = taken_at;
                    }
                }
                // The first one, or another scene: begun anew from a frame that was still.
                (background, _) => {
                    let begun = |mean| Background { mean, learned: 1, changed: taken_at };
                    *background = self.last.take().map(begun);
                }
            }
        }
        self.last = Some(grey);
    }
}

/// Whether nothing moves from one frame to the next.
fn is_still(last: &Grey, now: &Grey) -> bool {
    if !last.is_like(now) {
        return false;
    }
    let mut changes: Vec<f32> = now.light().iter().zip(last.light()).map(|(now, last)| now - last).collect();
    changes.sort_by(f32::total_cmp);
    let brighter = changes[changes.len() / 2];
    let moving = changes.iter().filter(|change| (**change - brighter).abs() > 2.0 * NOISE.0).count();
    moving as f32 <= MAX_MOVING * changes.len() as f32
}

/// Parts of the surroundings of a head: its sides, above it, and the two corners between, where a head is round and a
/// picture is not.
const PARTS: usize = 5;

/// What is seen in a cell, by its distance from the middle of the face's box across and down, in its widths and heights.
enum Place {
    /// The head and what is below, and the seam between the other places: left out.
    Body,
    /// One of the parts around the head.
    Around(usize),
    /// Away from it.
    Room,
}

impl Place {
    fn of(across: f32, down: f32) -> Self {
        let aside = across.abs();
        let is_left = across < 0.0;
        match () {
            () if (aside > 1.7 || down < -1.5) && (down < 0.3 || aside > 2.2) => Self::Room,
            () if (0.75..1.4).contains(&aside) && (-0.55..0.2).contains(&down) => {
                Self::Around(usize::from(is_left))
            }
            () if (0.55..0.9).contains(&aside) && (-0.95..-0.55).contains(&down) => {
                Self::Around(2 + usize::from(is_left))
            }
            () if aside < 0.6 && (-1.4..-0.9).contains(&down) => Self::Around(4),
            () => Self::Body,
        }
    }
}

/// The cells of each part around the head, and those of the room.
fn places(grey: &Grey, bbox: &Bbox) -> ([Vec<usize>; PARTS], Vec<usize>) {
    let (mut parts, mut room) = ([const { Vec::new() }; PARTS], Vec::new());
    for at in 0..grey.light().len() {
        let (column, row) = ((at % grey.width()) as f32 + 0.5, (at / grey.width()) as f32 + 0.5);
        let across = (column / grey.scale() - bbox.x) / bbox.w - 0.5;
        let down = (row / grey.scale() - bbox.y) / bbox.h - 0.5;
        match Place::of(across, down) {
            Place::Around(part) => parts[part].push(at),
            Place::Room => room.push(at),
            Place::Body => {}
        }
    }
    (parts, room)
}

impl Background {
    fn add(&mut self, grey: &Grey) {
        self.learned += 1;
        self.mean.approach(grey, 1.0 / self.learned.min(MEMORY) as f32);
    }

    /// The share of a frame that is this background. `None` for one that is not like it.
    fn seen_in(&self, grey: &Grey) -> Option<f32> {
        if !self.mean.is_like(grey) {
            return None;
        }
        let all: Vec<usize> = (0..grey.light().len()).collect();
        Some(self.seen(grey, self.gain(grey, &all)?, &all))
    }

    /// The share of the background around the head that is seen.
    fn judge(&self, grey: &Grey, face: &Face) -> Option<f32> {
        if self.learned < MIN_LEARNED || !self.mean.is_like(grey) {
            return None;
        }
        let (parts, room) = places(grey, &face.bbox);
        let gain = self.gain(grey, &room).filter(|gain| self.seen(grey, *gain, &room) >= MIN_KNOWN);
        match gain {
            Some(gain) if room.len() >= MIN_CELLS => self.mean_seen(grey, gain, &parts),
            // What is hidden may be the camera's doing. What is seen is seen.
            _ => {
                let all: Vec<usize> = parts.iter().flatten().chain(&room).copied().collect();
                self.mean_seen(grey, self.gain(grey, &all)?, &parts).filter(|seen| *seen >= MIN_SEEN)
            }
        }
    }

    /// The mean of the shares of these parts that are seen, each part alike.
    fn mean_seen(&self, grey: &Grey, gain: f32, parts: &[Vec<usize>; PARTS]) -> Option<f32> {
        let shares: Vec<f32> = parts
            .iter()
            .filter(|part| part.len() >= MIN_PART_CELLS)
            .map(|part| self.seen(grey, gain, part))
            .collect();
        (shares.len() >= MIN_PARTS).then(|| shares.iter().sum::<f32>() / shares.len() as f32)
    }

    /// How much brighter the frame is in most of these cells, as a factor.
    fn gain(&self, grey: &Grey, cells: &[usize]) -> Option<f32> {
        let (reach, steps) = GAIN;
        let mut histogram = vec![0_u32; steps];
        for at in cells {
            let ratio = ((grey.light()[*at] + BLACK) / (self.mean.light()[*at] + BLACK)).ln();
            let step = (ratio / reach + 1.0) / 2.0 * steps as f32;
            if (0.0..steps as f32).contains(&step) {
                histogram[step as usize] += 1;
            }
        }
        // Three steps together, so that a peak between two of them is one.
        let peak = (0..steps - 2).max_by_key(|i| histogram[*i] + 2 * histogram[i + 1] + histogram[i + 2])?;
        let [before, here, after] = [peak, peak + 1, peak + 2].map(|i| histogram[i] as f32);
        let count = before + here + after;
        let middle = (count > 0.0).then(|| (after - before) / count + peak as f32 + 1.5)?;
        Some(((middle / steps as f32 * 2.0 - 1.0) * reach).exp())
    }

    /// The share of these cells that look as learned, in a light that is `gain` times as bright.
    fn seen(&self, grey: &Grey, gain: f32, cells: &[usize]) -> f32 {
        let is_seen = |at: &&usize| {
            let (wanted, light) = ((self.mean.light()[**at] + BLACK) * gain - BLACK, grey.light()[**at]);
            // What is white stays white in more light.
            (light - wanted).abs() <= NOISE.0 + NOISE.1 * wanted || light > 250.0 && wanted > 235.0
        };
        cells.iter().filter(is_seen).count() as f32 / cells.len().max(1) as f32
    }
}
