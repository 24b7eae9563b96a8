//! Whether something moves before a camera that stands still, from a few small grey pictures a second.
//!
//! Each cell knows the light it usually has and how much that wavers by itself. What is brighter or darker everywhere is the
//! camera's exposure, and taken out first. What stays as it is becomes background after a moment, and a cell that moves for
//! minutes (a tree) says nothing until it has come to rest.

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::camera::grey::Grey;

#[cfg(test)]
mod tests;

/// Pictures before anything is told: the exposure of a camera that was just opened still settles.
const MIN_SEEN: u32 = 4;

/// Share of the cells that must change: a face that can be judged covers several times as many.
const MOTION: f32 = 0.004;

/// With more than this share the scene is another one: lights were switched, or the camera was moved.
const OTHER_SCENE: f32 = 0.5;

/// How much light a cell may change by itself: in any light, in proportion to it, and to how much it wavers.
const LIMIT: (f32, f32, f32) = (5.0, 0.05, 5.0);

/// How much light a cell wavers before that is known.
const FIRST_NOISE: f32 = 1.5;

/// Added to the light before it is divided: black is never quite black.
const BLACK: f32 = 4.0;

/// Light from which on more light makes no difference.
const WHITE: f32 = 235.0;

/// Pictures in which a cell must stay the same to be at rest.
const REST: u8 = 8;

/// Part of the way that the background goes to the present light, by picture: of a cell as usual; of one that changed and
/// came to rest; of one that moves.
const LEARN: (f32, f32, f32) = (1.0 / 16.0, 1.0 / 4.0, 1.0 / 256.0);

/// Part of the way that the waver goes to the present one.
const LEARN_NOISE: f32 = 1.0 / 32.0;

/// How long it is remembered that a cell moved, in pictures; the share of them from which on the cell says nothing; and the
/// most that is remembered, so that it comes back.
const MEMORY: f32 = 512.0;
const RESTLESS: f32 = 0.15;
const MOST_RESTLESS: f32 = 0.3;

/// Neighbours of a changed cell that must have changed, too: noise changes cells one by one.
const NEIGHBOURS: usize = 2;

/// What one camera usually sees. Wiped when dropped.
#[derive(Default)]
pub struct Motion {
    width: usize,
    cells: Vec<Cell>,
    seen: u32,
}

/// One cell of the picture.
#[derive(Zeroize)]
struct Cell {
    /// Its usual light, in the exposure of the last picture.
    usual: f32,
    /// Its light in the last picture.
    last: f32,
    /// How much its light differs from one picture to the next while nothing moves.
    noise: f32,
    /// Share of the pictures of the last minutes in which it moved.
    restless: f32,
    /// Pictures in a row in which it stayed the same.
    rest: u8,
}

/// The share of a picture that changed, `0.0..=1.0`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Change(pub f32);

impl Change {
    /// Whether that is more than chance.
    pub fn is_motion(self) -> bool {
        self.0 >= MOTION
    }
}

impl Motion {
    /// Another picture, about a quarter of a second after the last one.
    pub fn see(&mut self, grey: &Grey) -> Change {
        if (self.width, self.cells.len()) != (grey.width(), grey.light().len()) {
            self.forget();
            self.width = grey.width();
            self.cells.extend(grey.light().iter().copied().map(Cell::new));
        }
        self.seen = self.seen.saturating_add(1);
        let gain = self.gain(grey.light());
        let changed: Vec<bool> =
            self.cells.iter_mut().zip(grey.light()).map(|(cell, light)| cell.see(*light, gain)).collect();
        let change = self.share(&changed);
        if change.0 > OTHER_SCENE {
            self.cells.iter_mut().for_each(|cell| cell.usual = cell.last);
        }
        if self.seen > MIN_SEEN { change } else { Change(0.0) }
    }

    /// How much brighter most cells are than usual, as a factor: the median.
    fn gain(&self, light: &[f32]) -> f32 {
        let speaking = self.cells.iter().zip(light).filter(|(cell, _)| cell.speaks());
        let ratios = speaking.map(|(cell, light)| (light + BLACK) / (cell.usual + BLACK)).collect();
        let mut ratios: Zeroizing<Vec<f32>> = Zeroizing::new(ratios);
        if ratios.is_empty() {
            return 1.0;
        }
        let middle = ratios.len() / 2;
        *ratios.select_nth_unstable_by(middle, f32::total_cmp).1
    }

    /// The share of the cells that changed together with some of their neighbours.
    fn share(&self, changed: &[bool]) -> Change {
        let (width, length) = (self.width.max(1), changed.len());
        let together = |at: usize| {
            let (x, y) = (at % width, at / width);
            let columns = x.saturating_sub(1)..(x + 2).min(width);
            let rows = y.saturating_sub(1)..(y + 2).min(length / width);
            let near = rows.flat_map(|row| columns.clone().map(move |column| row * width + column));
            near.filter(|near| changed[*near]).count() > NEIGHBOURS
        };
        let count = (0..length).filter(|at| changed[*at] && together(*at)).count();
        Change(count as f32 / length.max(1) as f32)
    }

    fn forget(&mut self) {
        self.cells.zeroize();
        self.seen = 0;
    }
}

impl Drop for Motion {
    fn drop(&mut self) {
        self.forget();
    }
}

impl ZeroizeOnDrop for Motion {}

impl Cell {
    fn new(light: f32) -> Self {
        Self { usual: light, last: light, noise: FIRST_NOISE, restless: 0.0, rest: 0 }
    }

    /// Whether its changes mean anything.
    fn speaks(&self) -> bool {
        self.restless < RESTLESS
    }

    /// The next picture, `gain` times as bright as usual. Whether this cell changed more than it does by itself.
    fn see(&mut self, light: f32, gain: f32) -> bool {
        self.usual = ((self.usual + BLACK) * gain - BLACK).clamp(0.0, 255.0);
        let limit = LIMIT.0 + LIMIT.1 * self.usual + LIMIT.2 * self.noise;
        let step = (light - ((self.last + BLACK) * gain - BLACK).clamp(0.0, 255.0)).abs();
        let step = step.min((light - self.last).abs());
        let saturated = light > WHITE && self.usual > WHITE;
        let changed = (light - self.usual).abs() > limit && !saturated;
        self.rest = if step > limit { 0 } else { self.rest.saturating_add(1) };
        let moves = changed && self.rest < REST || step > limit;
        let rate = match (changed, self.rest >= REST) {
            (false, _) => LEARN.0,
            (true, true) => LEARN.1,
            (true, false) => LEARN.2,
        };
        let spoke = self.speaks();
        self.usual += rate * (light - self.usual);
        self.last = light;
        if !changed {
            self.noise += LEARN_NOISE * (step.min(limit) - self.noise);
        }
        let moved = if moves { 1.0 } else { 0.0 };
        self.restless = (self.restless + (moved - self.restless) / MEMORY).min(MOST_RESTLESS);
        changed && spoke
    }
}
