//! The head is asked to turn, at a random moment to a random side, and back: a picture cannot, and a film does not know when
//! and where to.
//!
//! Each question asks for one of the two poses (left, straight, right) that the head is not in, by chance. A film that was
//! recorded before passes n questions with a chance of 1 / 2^n at most.
//!
//! Left and right are the person's own, and the picture shows them as another person sees them: `camera.mirror` must be set
//! where it does not.

use std::time::Duration;

use super::super::{Face, Point, geometry};
use super::plane::Parallax;
use super::turn::Evidence;
use super::{Need, Presentation, Species};
use crate::clock::BootTime;

/// Questions in a challenge.
const QUESTIONS: u32 = 2;

/// Frames of the straight face that the others are compared with.
const STRAIGHT_FRAMES: usize = 3;

/// The question comes this long after the face is known, and up to [`EXTRA_DELAY`] later.
const DELAY: Duration = Duration::from_millis(200);
const EXTRA_DELAY: Duration = Duration::from_millis(600);

/// Nobody answers sooner than this after the question.
const REACTION: Duration = Duration::from_millis(150);

/// The answer must be there this long after the question.
const ANSWER: Duration = Duration::from_millis(3000);

/// A pose counts when it was kept this long, in two frames at least.
const KEPT: Duration = Duration::from_millis(100);

/// The nose within this parallax: straight. Beyond [`TURNED`]: turned.
const STRAIGHT: f64 = 0.12;
const TURNED: f64 = 0.20;

/// How a head stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pose {
    /// Turned to the person's own left.
    Left,
    Straight,
    /// Turned to the person's own right.
    Right,
}

/// Whether the pipeline must make sure, at this frame, that it is still the same person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Nothing to do.
    Pass,
    /// Compare the embedding of this frame with the last one that was compared; another person is an attack
    /// ([`Challenge::swapped`]).
    Compare,
}

/// A question that was put.
#[derive(Debug, Clone, Copy)]
struct Question {
    wanted: Pose,
    asked_at: BootTime,
}

/// A pose and since when it has been kept.
#[derive(Debug, Clone, Copy)]
struct Held {
    pose: Pose,
    since: BootTime,
    frames: u32,
}

/// Turns of the head, asked for and watched, of one tracked face.
pub struct Challenge {
    random: u64,
    straight: Vec<[Point; 5]>,
    known_at: Option<BootTime>,
    newest: Option<BootTime>,
    pose: Pose,
    held: Option<Held>,
    question: Option<Question>,
    ask_at: BootTime,
    answered: u32,
    evidence: Evidence,
    outcome: Option<Presentation>,
}

impl Challenge {
    /// A challenge from random bits, which nobody may know before.
    pub fn new(random: u64, asked_at: BootTime) -> Self {
        Self {
            random,
            straight: Vec::new(),
            known_at: None,
            newest: None,
            pose: Pose::Straight,
            held: None,
            question: None,
            ask_at: asked_at,
            answered: 0,
            evidence: Evidence::default(),
            outcome: None,
        }
    }

    /// The tracked face in the next frame, which is `size` (width, height) pixels.
    pub fn see(&mut self, taken_at: BootTime, face: &Face, size: (u32, u32)) -> Moment {
        let _ = (taken_at, face, size, KEPT, ANSWER, REACTION, EXTRA_DELAY, DELAY, STRAIGHT, TURNED);
        let _ = (STRAIGHT_FRAMES, QUESTIONS, geometry::is_possible(face));
        let _ = (self.random, &self.straight, self.known_at, self.newest, self.pose, self.held, self.question);
        let _ = (self.ask_at, self.answered, &self.evidence, Parallax::default());
        Moment::Pass
    }

    /// The track was lost. Once a question was put this is an attack, or a film could be covered whenever the question does
    /// not suit it; before, the challenge starts anew.
    pub fn lost(&mut self) {
        self.outcome = Some(Presentation::Attack(Species::Swap));
    }

    /// It is not the person any more that it was.
    pub fn swapped(&mut self) {
        self.outcome = Some(Presentation::Attack(Species::Swap));
    }

    /// What to tell the person, or what came out. `now` is the time of the question if this puts one: show it at once.
    pub fn judge(&mut self, now: BootTime) -> Presentation {
        let _ = now;
        self.outcome.unwrap_or(Presentation::MoreNeeded(Need::LookStraight))
    }

    /// Nobody answered in time, and nothing moved: tell the person, and count no miss.
    pub fn is_unanswered(&self, now: BootTime) -> bool {
        self.question.is_some_and(|question| now.since(question.asked_at) > ANSWER)
    }
}
