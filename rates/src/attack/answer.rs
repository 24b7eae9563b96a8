//! A live clip that answers questions: the person turns as they once turned, and when they are asked.
//!
//! What is played are their own frames at their own rate, forth or back, always one next to the last. A question that the clip
//! has no answer to close by makes the try void, as if it had not been made; so does one whose way leads past the other side.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use facelatch::clock::BootTime;
use facelatch::detect::attack::Need;
use facelatch::detect::quality::RetryReason;
use facelatch::detect::{Detector, Face};
use facelatch::pipeline::Progress;

use super::clips::Clip;
use super::stage::Script;
use crate::{RatesError, picture};

/// From a question to the first movement.
const REACTION: Duration = Duration::from_millis(400);

/// A turn that takes longer is no answer of this clip, in seconds.
const LONGEST_S: f64 = 2.0;

/// A head that stays as it is moves by so many frames of the clip at most.
const RESTLESS: usize = 3;

/// The nose off the middle of the eyes, in eye distances, of a straight face at most and of a turned face at least.
const STRAIGHT: f32 = 0.1;
const TURNED: f32 = 0.27;

/// A head that gets so far to the other side before it turns as asked does not do as it is told.
const ASTRAY: f32 = 0.2;

/// How the head stands in each frame: the nose from the middle of the eyes along the line between them, in eye distances;
/// positive to the right of the picture, where a head goes that turns to its own left. `None` without a face.
pub type Poses = Arc<[Option<f32>]>;

/// Looks at each frame of a clip.
///
/// # Errors
/// When the detector fails. A picture that cannot be read shows no face.
pub fn poses(detector: &Detector, clip: &Clip) -> Result<Poses, RatesError> {
    let pose = |path| {
        let frame = picture::read(path).and_then(|picture| picture::frame(&picture));
        let faces = frame.map_or(Ok(Vec::new()), |frame| detector.detect(&frame))?;
        Ok(faces.first().map(pose))
    };
    clip.frames.iter().map(|path| pose(path)).collect()
}

fn pose(face: &Face) -> f32 {
    let [left, right, nose, ..] = face.landmarks;
    let (x, y) = (right.x - left.x, right.y - left.y);
    let off = (nose.x - (left.x + right.x) / 2.0, nose.y - (left.y + right.y) / 2.0);
    (off.0 * x + off.1 * y) / (x * x + y * y).max(1.0)
}

/// Whether a head that stands so does what was asked.
fn does(pose: Option<f32>, need: Need) -> bool {
    pose.is_some_and(|pose| match need {
        Need::TurnLeft => pose >= TURNED,
        Need::TurnRight => pose <= -TURNED,
        Need::LookStraight | Need::TurnFarther | Need::Frames | Need::Infrared | Need::Colour => {
            pose.abs() <= STRAIGHT
        }
    })
}

/// Whether a try may begin at this frame: the face is straight.
pub fn may_begin(poses: &Poses, frame: usize) -> bool {
    does(poses[frame], Need::LookStraight)
}

/// What the person was told, and whether they could do it.
#[derive(Clone)]
pub struct Told(Arc<Mutex<Heard>>);

struct Heard {
    need: Need,
    could: bool,
    /// Something was wrong with the newest frame.
    is_unfit: bool,
}

impl Default for Told {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Heard { need: Need::LookStraight, could: true, is_unfit: false })))
    }
}

impl Told {
    /// Listens to the pipeline.
    pub fn hear(&self, progress: &Progress) {
        match progress {
            // It turns as far as it once did.
            Progress::Prompt(Need::TurnFarther) => {}
            Progress::Prompt(need) => self.with(|told| told.need = *need),
            Progress::Guidance(reason) => self.with(|told| {
                told.is_unfit = true;
                if *reason == RetryReason::TurnedAway {
                    told.need = Need::LookStraight;
                }
            }),
            _ => {}
        }
    }

    /// Whether the clip had an answer to everything.
    pub fn could_answer(&self) -> bool {
        self.with(|told| told.could)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Heard) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The person in a live clip, listening.
pub struct Answering {
    poses: Poses,
    longest: usize,
    at: usize,
    /// The frame about which it stays.
    home: usize,
    forward: bool,
    told: Told,
    noticed: Need,
    moves_at: BootTime,
    does: Need,
}

impl Answering {
    /// Begins at this frame of the clip.
    pub fn from(start: usize, clip: &Clip, poses: &Poses, told: Told) -> Self {
        let longest = (LONGEST_S * clip.fps) as usize;
        let straight = Need::LookStraight;
        let moves_at = BootTime::default();
        Self {
            poses: poses.clone(),
            longest,
            at: start,
            home: start,
            forward: true,
            told,
            noticed: straight,
            moves_at,
            does: straight,
        }
    }

    /// The nearest frame that does what was asked.
    fn nearest(&self) -> Option<usize> {
        let does = (0..self.poses.len()).filter(|frame| does(self.poses[*frame], self.does));
        does.filter(|frame| !self.leads_astray(*frame)).min_by_key(|frame| frame.abs_diff(self.at))
    }

    /// Whether the head turns to the other side on the way to this frame. It may be there at first.
    fn leads_astray(&self, goal: usize) -> bool {
        let astray = |frame: &usize| {
            self.poses[*frame].is_some_and(|pose| match self.does {
                Need::TurnLeft => pose <= -ASTRAY,
                Need::TurnRight => pose >= ASTRAY,
                Need::LookStraight | Need::TurnFarther | Need::Frames | Need::Infrared | Need::Colour => {
                    false
                }
            })
        };
        let (at, steps) = (self.at, goal.abs_diff(self.at));
        let mut way = (0..steps).map(|n| if goal > at { at + n } else { at - n }).skip_while(astray);
        way.any(|frame| astray(&frame))
    }

    /// Nobody stands still: one frame on, and back where the pose ends.
    fn stay(&mut self) {
        for _ in 0..2 {
            let next = if self.forward { self.at + 1 } else { self.at.wrapping_sub(1) };
            let is_near = self.home.abs_diff(next) <= RESTLESS;
            if is_near && self.poses.get(next).is_some_and(|pose| does(*pose, self.does)) {
                self.at = next;
                return;
            }
            self.forward = !self.forward;
        }
    }
}

impl Script for Answering {
    fn next(&mut self, now: BootTime) -> Option<usize> {
        let (need, is_unfit) = self.told.with(|told| (told.need, std::mem::take(&mut told.is_unfit)));
        if is_unfit {
            // They hear what is wrong, and do not stay as they are.
            self.home = self.at;
        }
        if need != self.noticed {
            (self.noticed, self.moves_at) = (need, now.after(REACTION));
        }
        if now >= self.moves_at {
            self.does = self.noticed;
        }
        if does(self.poses[self.at], self.does) {
            self.stay();
            return Some(self.at);
        }
        match self.nearest() {
            Some(goal) if goal.abs_diff(self.at) <= self.longest => {
                self.home = goal;
                self.at = if goal > self.at { self.at + 1 } else { self.at - 1 };
            }
            _ => self.told.with(|told| told.could = false),
        }
        Some(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use facelatch::detect::Point;

    fn clip(frames: usize) -> Clip {
        let text = || "x".to_owned();
        let frames = (0..frames).map(|n| n.to_string().into()).collect();
        Clip { source: text(), species: text(), name: text(), person: text(), fps: 10.0, frames }
    }

    /// The frames shown at ten a second, after this was asked at the first.
    fn shown(poses: &[f32], start: usize, need: Need, frames: u64) -> (Vec<usize>, bool) {
        let poses: Poses = poses.iter().map(|pose| Some(*pose)).collect();
        let told = Told::default();
        let mut script = Answering::from(start, &clip(poses.len()), &poses, told.clone());
        told.hear(&Progress::Prompt(need));
        let at = |n: u64| BootTime(Duration::from_secs(9) + Duration::from_millis(100 * n));
        ((0..frames).filter_map(|n| script.next(at(n))).collect(), told.could_answer())
    }

    #[test]
    fn the_person_turns_when_asked_and_stays_there() {
        let poses = [0.0, 0.05, 0.15, 0.3, 0.35, 0.2, 0.0];
        let (frames, could) = shown(&poses, 0, Need::TurnLeft, 10);
        assert_eq!(frames, [1, 0, 1, 0, 1, 2, 3, 4, 3, 4], "four frames to react, then to the turn");
        assert!(could);
    }

    #[test]
    fn a_clip_without_the_turn_is_void() {
        assert!(!shown(&[0.0, 0.05, 0.3], 0, Need::TurnRight, 9).1);
        let far: Vec<f32> = (0..40).map(|n| if n < 39 { 0.0 } else { 0.3 }).collect();
        assert!(!shown(&far, 0, Need::TurnLeft, 9).1, "farther than two seconds");
        assert!(shown(&far, 25, Need::TurnLeft, 9).1);
    }

    #[test]
    fn the_way_to_a_turn_does_not_lead_past_the_other_side() {
        let poses = [0.0, 0.3, 0.0, -0.3, 0.0, 0.0];
        let (frames, could) = shown(&poses, 0, Need::TurnRight, 6);
        assert!(!could, "left, then right: {frames:?}");
        assert!(shown(&poses, 2, Need::TurnRight, 6).1);
    }

    #[test]
    fn the_person_moves_on_while_something_is_wrong() {
        let (poses, told): (Poses, _) = ([Some(0.0); 30].into(), Told::default());
        let mut script = Answering::from(0, &clip(30), &poses, told.clone());
        let mut frames = (0..20).map(|n| {
            if n < 12 {
                told.hear(&Progress::Guidance(RetryReason::Unclear));
            }
            script.next(BootTime(Duration::from_millis(100 * n)))
        });
        assert_eq!(frames.nth(11), Some(Some(12)), "as the clip went on");
        assert!(frames.flatten().all(|frame| frame.abs_diff(11) <= RESTLESS), "and stays there");
    }

    #[test]
    fn the_nose_to_the_right_of_the_picture_is_a_turn_to_the_own_left() {
        let p = |x, y| Point { x, y };
        let landmarks = [p(100.0, 100.0), p(200.0, 100.0), p(180.0, 160.0), p(120.0, 200.0), p(180.0, 200.0)];
        let face = Face { bbox: Default::default(), landmarks, confidence: 1.0 };
        assert!((pose(&face) - 0.3).abs() < 1e-6 && does(Some(pose(&face)), Need::TurnLeft));
        assert!(!does(None, Need::LookStraight));
    }
}
