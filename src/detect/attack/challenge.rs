//! The head is asked to turn, at a random moment to a random side, and on or back: a picture cannot, and a film does not know
//! when and where to.
//!
//! Each question asks for one of the two poses (left, straight, right) that the head is not in, by chance. A film that was
//! made before the question gives n answers with a chance of at most 1 / 2^n, at whatever moments it moves. A film that is chosen
//! after the question passes: no question is proof against somebody who reads it.
//!
//! Left and right are the person's own, and the picture must show them as another person sees them (`camera.mirror`).

use std::time::Duration;

use super::super::{Face, Point, geometry};
use super::turn::{Evidence, View};
use super::{Need, Presentation, Score, Species};
use crate::clock::BootTime;

mod question;
#[cfg(test)]
mod tests;

use question::Question;

/// Questions in a challenge.
pub const QUESTIONS: u32 = 2;

/// Frames of the straight face that the others are compared with.
const STRAIGHT_FRAMES: u32 = 3;

/// The largest [`geometry::yaw`] of a straight face.
const STRAIGHT_YAW: f32 = 0.25;

/// The first question comes this long after the face is known, and up to [`EXTRA_DELAY`] later.
const DELAY: Duration = Duration::from_millis(150);
const EXTRA_DELAY: Duration = Duration::from_millis(500);

/// Nobody answers sooner than this after the question.
const REACTION: Duration = Duration::from_millis(150);

/// Heads that are on their way when a question is past its time have this much more, for all questions together.
const EXTRA: Duration = Duration::from_millis(1500);

/// Frames in a row that a pose must be seen in.
const KEPT_FRAMES: u32 = 2;

/// Straight up to this parallax, in eye distances; turned from [`TURNED`] on, about 30 degrees.
const STRAIGHT: f64 = 0.12;
const TURNED: f64 = 0.25;

/// Faces on the way to a pose are compared whenever the nose has moved so far: whoever is recognised a little turned is still
/// recognised a little farther on, but not always from a straight face at once.
const COMPARED: f64 = 0.06;

/// Least log-odds of a head, for the answer to count.
const HEAD: Score = Score(2.0);

/// Log-odds at which a face that did not turn its nose was seen to tilt as a plane does.
const PLANE: Score = Score(-2.0);

/// How a head stands; left and right are the person's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pose {
    Left,
    Straight,
    Right,
}

/// What the pipeline must do with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Nothing.
    Pass,
    /// Embed the face, and compare it with the one that was embedded before it in this challenge; if they are two people, call
    /// [`Challenge::swapped`]. It is the first straight face, one of several on the way to a pose that was asked for, or the
    /// first in that pose.
    Compare,
}

/// Questions to one tracked face, and its answers.
pub struct Challenge {
    random: u64,
    questions: u32,
    newest: Option<BootTime>,
    /// Sum of the landmarks of the straight face, in units of its eyes, and how many frames it is of.
    straight: ([Point; 5], u32),
    /// When the next question is due, once the straight face is known.
    due: Option<BootTime>,
    /// The pose before the question.
    from: Pose,
    /// The pose in the newest frames, and in how many.
    held: (Option<Pose>, u32),
    /// The parallax of the newest frame.
    parallax: f64,
    question: Option<Question>,
    /// What is left of [`EXTRA`].
    extra: Duration,
    answered: u32,
    evidence: Evidence,
    outcome: Option<Presentation>,
}

impl Challenge {
    /// A challenge from random bits that nobody knows. Faces before `begun` are not looked at.
    pub fn new(random: u64, begun: BootTime) -> Self {
        Self {
            random,
            questions: QUESTIONS,
            newest: Some(begun),
            straight: ([Point::default(); 5], 0),
            due: None,
            from: Pose::Straight,
            held: (None, 0),
            parallax: 0.0,
            question: None,
            extra: EXTRA,
            answered: 0,
            evidence: Evidence::default(),
            outcome: None,
        }
    }

    /// Another number of questions, at least 1.
    pub fn with_questions(mut self, questions: u32) -> Self {
        self.questions = questions.max(1);
        self
    }

    /// The tracked face in the next frame. Frames out of order, and faces with impossible landmarks or beyond the border of
    /// the frame of `size` (width, height), say nothing.
    pub fn see(&mut self, taken_at: BootTime, face: &Face, size: (u32, u32)) -> Moment {
        let late = self.newest.is_none_or(|newest| taken_at > newest);
        if self.outcome.is_some() || !late || !is_usable(face, size) {
            return Moment::Pass;
        }
        self.newest = Some(taken_at);
        if self.straight.1 < STRAIGHT_FRAMES {
            return self.learn(taken_at, face);
        }
        let Some(view) = View::between(&self.straight_face(), face) else {
            return Moment::Pass;
        };
        self.evidence.add(&view);
        self.parallax = view.parallax.x;
        self.hold(Pose::of(&view));
        match self.question {
            Some(question) => self.answer(taken_at, question),
            None => self.wait(),
        }
    }

    /// The track was lost. Before the first question the challenge begins anew. After it this is an attack, or a film could be
    /// covered whenever the question does not suit it; a caller that goes away then must count as a miss, too.
    pub fn lost(&mut self) {
        if self.question.is_some() || self.answered > 0 {
            self.swapped();
        } else {
            self.begin_anew();
        }
    }

    /// It is not the person any more that it was.
    pub fn swapped(&mut self) {
        self.outcome.get_or_insert(Presentation::Attack(Species::Swap));
    }

    /// What came out, or what to tell the person: show it at once, since the answer is timed from `now` when this puts a
    /// question.
    pub fn judge(&mut self, now: BootTime) -> Presentation {
        if let Some(outcome) = self.outcome {
            return outcome;
        }
        if self.question.is_none() && self.due.is_some_and(|due| now >= due) {
            let wanted = self.other_pose();
            self.question = Some(Question::new((self.from, wanted), self.parallax, now, self.extra));
            self.held = (None, 0);
        }
        if let Some(question) = self.question
            && question.is_past(now)
        {
            return self.end_unanswered(&question);
        }
        Presentation::MoreNeeded(
            self.question.as_mut().map_or(Need::LookStraight, |question| question.need(now)),
        )
    }

    /// A question was put, so that whoever ends the attempt now must be counted as if the answer were wrong.
    pub fn is_asked(&self) -> bool {
        self.question.is_some() || self.answered > 0
    }

    /// A question is past its time, and the face kept still at the first, or did not turn far enough as asked. No attack, and
    /// no answer either: tell the person what is wanted.
    pub fn is_unanswered(&self, now: BootTime) -> bool {
        let is_past = self.question.is_some_and(|question| question.is_past(now));
        matches!(self.outcome, None | Some(Presentation::MoreNeeded(_))) && is_past
    }

    /// Adds up the straight face; another one, when it moves.
    fn learn(&mut self, taken_at: BootTime, face: &Face) -> Moment {
        if geometry::yaw(face) > STRAIGHT_YAW {
            self.begin_anew();
            return Moment::Pass;
        }
        let Some(landmarks) = upright(&face.landmarks) else { return Moment::Pass };
        if self.straight.1 > 0
            && View::between(&self.straight_face(), face)
                .is_none_or(|view| Pose::of(&view) != Some(Pose::Straight))
        {
            self.begin_anew();
        }
        for (sum, point) in self.straight.0.iter_mut().zip(landmarks) {
            (sum.x, sum.y) = (sum.x + point.x, sum.y + point.y);
        }
        self.straight.1 += 1;
        if self.straight.1 < STRAIGHT_FRAMES {
            return Moment::Pass;
        }
        let extra = EXTRA_DELAY.mul_f64(self.draw() as f64 / u64::MAX as f64);
        self.due = Some(taken_at.after(DELAY + extra));
        Moment::Compare
    }

    /// Before the first question: a head that turns by itself is not ready.
    fn wait(&mut self) -> Moment {
        if self.answered == 0 && self.held.0.is_some_and(|pose| pose != Pose::Straight) {
            self.begin_anew();
        }
        Moment::Pass
    }

    /// Is this the answer?
    fn answer(&mut self, taken_at: BootTime, mut question: Question) -> Moment {
        question.see(taken_at, self.parallax);
        self.question = Some(question);
        let (pose, frames) = self.held;
        let kept = pose.filter(|_| frames >= KEPT_FRAMES);
        if taken_at < question.asked_at.after(REACTION) {
            // Who turns by chance just now is taken for a film, too: nobody else moves before they can know where to.
            if self.answered == 0 && pose.is_some_and(|pose| pose != self.from) {
                self.outcome = Some(Presentation::Attack(Species::Film));
            }
            return Moment::Pass;
        }
        if kept == Some(question.wanted) && self.evidence.score() >= HEAD {
            return self.take_answer(taken_at, &question);
        }
        // On the way from one side to the other a head is straight.
        let others = [self.from, question.wanted, Pose::Straight];
        if kept.is_some_and(|pose| !others.contains(&pose)) {
            self.outcome = Some(Presentation::Attack(Species::Film));
            return Moment::Pass;
        }
        let on_the_way = pose != Some(question.wanted) && self.parallax.abs() < TURNED;
        let is_due = on_the_way && (self.parallax - question.compared).abs() >= COMPARED;
        if !is_due {
            return Moment::Pass;
        }
        question.compared = self.parallax;
        self.question = Some(question);
        Moment::Compare
    }

    fn take_answer(&mut self, taken_at: BootTime, question: &Question) -> Moment {
        self.answered += 1;
        self.extra = self.extra.saturating_sub(question.extra_used(taken_at));
        (self.from, self.question, self.due) = (question.wanted, None, Some(taken_at));
        if self.answered == self.questions {
            self.outcome = Some(Presentation::Live(self.evidence.score()));
        }
        Moment::Compare
    }

    /// The question is past its time. Who turned to one side only, or as asked but not far enough, has not answered wrongly.
    fn end_unanswered(&mut self, question: &Question) -> Presentation {
        let outcome = if self.evidence.score() <= PLANE {
            Presentation::Attack(Species::Flat)
        } else if self.answered > 0 && !question.is_begun() {
            Presentation::Attack(Species::Film)
        } else {
            Presentation::MoreNeeded(question.wanted.need())
        };
        *self.outcome.insert(outcome)
    }

    /// One of the two poses that the head is not in.
    fn other_pose(&mut self) -> Pose {
        let others = match self.from {
            Pose::Straight => [Pose::Left, Pose::Right],
            Pose::Left => [Pose::Straight, Pose::Right],
            Pose::Right => [Pose::Straight, Pose::Left],
        };
        others[usize::from(self.draw() >> 63 == 1)]
    }

    fn begin_anew(&mut self) {
        (self.straight, self.due, self.held) = (([Point::default(); 5], 0), None, (None, 0));
        self.evidence = Evidence::default();
    }

    fn hold(&mut self, pose: Option<Pose>) {
        let frames = if pose == self.held.0 { self.held.1 + 1 } else { 1 };
        self.held = (pose, frames);
    }

    /// The mean of the straight frames.
    fn straight_face(&self) -> [Point; 5] {
        let count = self.straight.1 as f32;
        self.straight.0.map(|sum| Point { x: sum.x / count, y: sum.y / count })
    }

    /// The next random bits (`SplitMix64`; Steele, Lea, Flood 2014). Who sees a question learns one bit of 64.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Pose {
    /// `None` between two poses.
    fn of(view: &View) -> Option<Self> {
        let x = view.parallax.x;
        if x.abs() <= STRAIGHT {
            return Some(Self::Straight);
        }
        // The person's left is at the right of the picture.
        (x.abs() >= TURNED).then_some(if x > 0.0 { Self::Left } else { Self::Right })
    }

    /// To which side of the picture the nose is.
    fn side(self) -> i8 {
        match self {
            Self::Left => 1,
            Self::Straight => 0,
            Self::Right => -1,
        }
    }

    fn need(self) -> Need {
        match self {
            Self::Left => Need::TurnLeft,
            Self::Straight => Need::LookStraight,
            Self::Right => Need::TurnRight,
        }
    }
}

/// Whether the landmarks can be a face's, and lie in the frame.
fn is_usable(face: &Face, (width, height): (u32, u32)) -> bool {
    let inside = |p: &Point| (0.0..width as f32).contains(&p.x) && (0.0..height as f32).contains(&p.y);
    geometry::is_possible(face) && face.landmarks.iter().all(inside)
}

/// The landmarks with the eyes at (-0.5, 0) and (0.5, 0). `None` where the eyes coincide.
fn upright(landmarks: &[Point; 5]) -> Option<[Point; 5]> {
    let [left, right, ..] = *landmarks;
    let (ex, ey) = (right.x - left.x, right.y - left.y);
    let length2 = ex * ex + ey * ey;
    (length2 > f32::EPSILON).then(|| {
        landmarks.map(|p| {
            let (x, y) = (p.x - (left.x + right.x) / 2.0, p.y - (left.y + right.y) / 2.0);
            Point { x: (x * ex + y * ey) / length2, y: (y * ex - x * ey) / length2 }
        })
    })
}
