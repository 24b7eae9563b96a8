//! Do the surroundings of a face move with it? Beside and above a live head is the room, which stays where it is. Around
//! the face in a picture is more of the picture, and its border: when a hand moves it before a fixed camera, they move with
//! the face.

use std::collections::VecDeque;
use std::time::Duration;

use super::Score;
use crate::camera::Frame;
use crate::camera::grey::Grey;
use crate::clock::BootTime;
use crate::detect::{Bbox, Face, Point};

#[cfg(test)]
mod tests;

/// Cells along the longer side of a frame.
const LONG: u32 = 160;

/// A frame that is older than this is not compared with.
const MAX_LAG: Duration = Duration::from_millis(1200);

/// Frames that are kept at most.
const MAX_KEPT: usize = 12;

/// Pairs of frames that are judged together, the newest.
const MAX_PAIRS: usize = 64;

/// Fewer pairs than this say nothing.
const MIN_PAIRS: usize = 4;

/// Farthest displacement that is looked for, in cells.
const REACH: isize = 4;

/// Cells of a region that are compared, at least and at most.
const CELLS: (usize, usize) = (40, 800);

/// A larger difference of light counts as this one: what comes or goes must not outweigh what moves.
const MAX_DIFFERENCE: f32 = 30.0;

/// By how much one cell beside the best displacement must fit worse, in levels of light. Less is a wall without marks.
const MIN_SHARPNESS: f32 = 0.15;

/// How far the face must have moved, in cells. With less it does not tell whether anything moves with it, and with more
/// what does is beyond reach.
const MOVE: std::ops::RangeInclusive<f32> = 0.4..=3.0;

/// A room that moved farther, in cells, is seen by a camera that moved. Then what is near moves against what is far.
const MAX_ROOM_MOVE: f32 = 0.25;

/// Log-odds of live where nothing moves with the face, and their slope by the share of its movement that is shared: a
/// logistic regression (docs/attacks.md says on what).
const LINE: (f32, f32) = (0.66, -13.0);

/// No cue outweighs everything else.
const LIMITS: (f32, f32) = (-3.0, 0.7);

/// The frames of one face, and how far its surroundings moved with it.
#[derive(Default)]
pub struct Surroundings {
    kept: VecDeque<Seen>,
    shares: VecDeque<Shares>,
}

impl Surroundings {
    /// Another frame of the face, newer than the last. One without the face says nothing.
    pub fn see(&mut self, frame: &Frame, face: Option<&Face>) {
        let Some(face) = face else { return };
        let now = Seen::new(frame, face);
        let old = self
            .kept
            .iter()
            .filter(|old| now.taken_at.since(old.taken_at) <= MAX_LAG && MOVE.contains(&now.moved_since(old)))
            .max_by(|one, other| now.moved_since(one).total_cmp(&now.moved_since(other)));
        self.shares.extend(old.and_then(|old| shared(old, &now)));
        self.kept.push_back(now);
        self.kept.drain(..self.kept.len().saturating_sub(MAX_KEPT));
        self.shares.drain(..self.shares.len().saturating_sub(MAX_PAIRS));
    }

    /// The share of the face's movement that its surroundings have in common with it: 0 for a head before a room, 1 for a
    /// picture. `None` when it hardly moved, when the camera did, and before a wall without marks.
    pub fn share(&self) -> Option<f32> {
        if self.shares.len() < MIN_PAIRS {
            return None;
        }
        let median = |of: fn(&Shares) -> f32| {
            let mut shares: Vec<f32> = self.shares.iter().map(of).collect();
            shares.sort_by(f32::total_cmp);
            shares.get(shares.len() / 2).copied()
        };
        // Long hair beside the head moves with it, and a screen may end above it: what moves less decides.
        Some(median(|shares| shares.around)?.min(median(|shares| shares.above)?))
    }

    /// Log-odds that the face is live. A film whose screen does not move looks like a head here, so a high score says
    /// little.
    pub fn score(&self) -> Option<Score> {
        let share = self.share()?;
        Some(Score((LINE.0 + LINE.1 * share).clamp(LIMITS.0, LIMITS.1)))
    }
}

/// A frame of the face; all lengths in cells.
struct Seen {
    taken_at: BootTime,
    grey: Grey,
    bbox: Bbox,
    /// Middle of the landmarks.
    middle: Point,
}

/// What is seen in a cell.
#[derive(Debug, PartialEq, Clone, Copy)]
enum Place {
    /// The head and what is below, and the seam between the other places: left out.
    Body,
    /// Near the head, at its sides.
    Beside,
    /// Near the head, above it: no hair reaches there.
    Above,
    /// Away from it.
    Room,
}

impl Seen {
    fn new(frame: &Frame, face: &Face) -> Self {
        let grey = Grey::of(frame, LONG);
        let k = grey.scale();
        let Bbox { x, y, w, h } = face.bbox;
        let sum = face.landmarks.iter().fold(Point::default(), |s, p| Point { x: s.x + p.x, y: s.y + p.y });
        Self {
            taken_at: frame.taken_at(),
            bbox: Bbox { x: x * k, y: y * k, w: w * k, h: h * k },
            middle: Point { x: sum.x * k / 5.0, y: sum.y * k / 5.0 },
            grey,
        }
    }

    /// How far the face moved.
    fn moved_since(&self, old: &Self) -> f32 {
        (self.middle.x - old.middle.x).hypot(self.middle.y - old.middle.y)
    }

    fn place(&self, x: usize, y: usize) -> Place {
        // From the middle of the box, in its widths and heights.
        let across = ((x as f32 + 0.5 - self.bbox.x) / self.bbox.w - 0.5).abs();
        let down = (y as f32 + 0.5 - self.bbox.y) / self.bbox.h - 0.5;
        match () {
            () if down > 0.35 && across < 2.2 => Place::Body,
            () if across > 1.7 || down < -1.7 => Place::Room,
            () if across > 1.5 || !(-1.5..=0.35).contains(&down) => Place::Body,
            () if down < -0.95 => Place::Above,
            () if across > 0.72 => Place::Beside,
            () => Place::Body,
        }
    }
}

/// The shares of the face's movement from one frame to another that what is around it has in common.
#[derive(Clone, Copy)]
struct Shares {
    /// Above it and beside it.
    around: f32,
    /// Above it only.
    above: f32,
}

fn shared(old: &Seen, now: &Seen) -> Option<Shares> {
    if !old.grey.is_like(&now.grey) {
        return None;
    }
    let (mut around, mut above, mut room) = (Vec::new(), Vec::new(), Vec::new());
    for (at, place) in places(old, now) {
        match place {
            Place::Beside => around.push(at),
            Place::Above => {
                around.push(at);
                above.push(at);
            }
            Place::Room => room.push(at),
            Place::Body => {}
        }
    }
    let shift = |cells: &[usize]| shift(&old.grey, &now.grey, cells);
    let room = shift(&room).filter(|room| room.x.hypot(room.y) <= MAX_ROOM_MOVE)?;
    let face = Point { x: now.middle.x - old.middle.x - room.x, y: now.middle.y - old.middle.y - room.y };
    let length = face.x.hypot(face.y);
    if !MOVE.contains(&length) {
        return None;
    }
    let share =
        |moved: Point| ((moved.x - room.x) * face.x + (moved.y - room.y) * face.y) / (length * length);
    Some(Shares { around: share(shift(&around)?), above: share(shift(&above)?) })
}

/// All cells that are the same place in both frames, no nearer to the border than the reach.
fn places(old: &Seen, now: &Seen) -> impl Iterator<Item = (usize, Place)> {
    let margin = REACH as usize;
    let width = now.grey.width();
    let height = now.grey.light().len() / width;
    let rows = margin..height.saturating_sub(margin);
    let cells = rows.flat_map(move |y| (margin..width.saturating_sub(margin)).map(move |x| (x, y)));
    cells.filter_map(move |(x, y)| {
        let place = now.place(x, y);
        (place != Place::Body && place == old.place(x, y)).then_some((y * width + x, place))
    })
}

/// How far these cells moved: the displacement that fits best, to a part of a cell. `None` for too few, for cells without
/// marks, and for a movement beyond reach.
fn shift(old: &Grey, now: &Grey, cells: &[usize]) -> Option<Point> {
    if cells.len() < CELLS.0 {
        return None;
    }
    let cells: Vec<usize> = cells.iter().copied().step_by(cells.len().div_ceil(CELLS.1)).collect();
    let mut changes: Vec<f32> = cells.iter().map(|at| now.light()[*at] - old.light()[*at]).collect();
    changes.sort_by(f32::total_cmp);
    // A camera that adapts to the light changes all cells alike.
    let brighter = changes[changes.len() / 2];
    let misfit = |dx: isize, dy: isize| {
        let back = dy * now.width() as isize + dx;
        let difference = |at: &usize| {
            let from = old.light()[at.wrapping_add_signed(-back)];
            (now.light()[*at] - from - brighter).abs().min(MAX_DIFFERENCE)
        };
        cells.iter().map(difference).sum::<f32>() / cells.len() as f32
    };
    let all = (-REACH..=REACH).flat_map(|dy| (-REACH..=REACH).map(move |dx| (dx, dy)));
    let (least, (dx, dy)) =
        all.map(|(dx, dy)| (misfit(dx, dy), (dx, dy))).min_by(|(a, _), (b, _)| a.total_cmp(b))?;
    if dx.abs() == REACH || dy.abs() == REACH {
        return None;
    }
    let x = refined(misfit(dx - 1, dy), least, misfit(dx + 1, dy))?;
    let y = refined(misfit(dx, dy - 1), least, misfit(dx, dy + 1))?;
    Some(Point { x: dx as f32 + x, y: dy as f32 + y })
}

/// Where the parabola through three misfits is least, `-0.5..=0.5`; `None` where the middle one is hardly less.
fn refined(before: f32, least: f32, after: f32) -> Option<f32> {
    let sharpness = before.min(after) - least;
    (sharpness >= MIN_SHARPNESS).then(|| 0.5 * (before - after) / (before - 2.0 * least + after))
}
