//! A question that waits for its answer: how far the head has come since, and until when the answer counts.

use std::time::Duration;

use super::super::Need;
use super::Pose;
use crate::clock::BootTime;

/// The answer must be there this long after the question.
const ANSWER: Duration = Duration::from_millis(3000);

/// A head that has not come farther for so long has stopped.
const STOPPED: Duration = Duration::from_millis(600);

/// To turn farther takes so long, from when somebody is told to.
const FARTHER: Duration = Duration::from_millis(1500);

/// What counts as farther, in eye distances of parallax: more than noise.
const STEP: f64 = 0.04;

/// From here on a head has begun to turn as asked.
const BEGUN: f64 = 0.12;

/// A question, and what the head has done since.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) wanted: Pose,
    pub(super) asked_at: BootTime,
    /// The parallax at which a face was to be compared last, or of the question.
    pub(super) compared: f64,
    /// Which way the nose must go: 1 to the right of the picture, -1 to the left.
    way: f64,
    /// How far it was that way in the last frame; the least that two frames in a row agreed on, and the
    /// most since.
    newest: f64,
    least: f64,
    most: f64,
    /// When it came farther last.
    came_at: BootTime,
    until: BootTime,
    /// As long as `until` may be put off.
    latest: BootTime,
    told_farther: bool,
}

impl Question {
    /// To a head in the pose `from` with this `parallax`. A head that is on its way at the end has up to `extra` more.
    pub(super) fn new(
        (from, wanted): (Pose, Pose),
        parallax: f64,
        asked_at: BootTime,
        extra: Duration,
    ) -> Self {
        let way = if wanted.side() > from.side() { 1.0 } else { -1.0 };
        let (here, until) = (way * parallax, asked_at.after(ANSWER));
        Self {
            wanted,
            asked_at,
            compared: parallax,
            way,
            newest: here,
            least: here,
            most: here,
            came_at: asked_at,
            until,
            latest: until.after(extra),
            told_farther: false,
        }
    }

    /// The parallax in the next frame.
    pub(super) fn see(&mut self, taken_at: BootTime, parallax: f64) {
        let here = self.way * parallax;
        let (low, high) = (here.min(self.newest), here.max(self.newest));
        self.newest = here;
        if high < self.least {
            // It is not on its way yet, or not any more.
            (self.least, self.most) = (high, high);
        }
        if low >= self.most + STEP {
            (self.most, self.came_at) = (low, taken_at);
            self.put_off(taken_at.after(STOPPED));
        }
    }

    /// Whether the head has turned as asked, far enough or not.
    pub(super) fn is_begun(&self) -> bool {
        self.most - self.least >= BEGUN
    }

    /// Whether the answer comes too late.
    pub(super) fn is_past(&self, now: BootTime) -> bool {
        now > self.until
    }

    /// How much of the time beyond the usual one this answer took.
    pub(super) fn extra_used(&self, answered_at: BootTime) -> Duration {
        answered_at.since(self.asked_at.after(ANSWER))
    }

    /// What to tell the person.
    pub(super) fn need(&mut self, now: BootTime) -> Need {
        let is_stopped = now > self.came_at.after(STOPPED);
        if self.wanted != Pose::Straight && self.is_begun() && is_stopped && !self.told_farther {
            self.told_farther = true;
            self.put_off(now.after(FARTHER));
        }
        if self.told_farther { Need::TurnFarther } else { self.wanted.need() }
    }

    fn put_off(&mut self, until: BootTime) {
        self.until = self.until.max(until.min(self.latest));
    }
}
