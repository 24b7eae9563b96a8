//! Second factors on their way to the pipeline, and what comes of them on record.

use facelatch_wire::reply::{Event, EventKind};

use super::{Engine, Job, Question, Running};
use crate::pipeline::SecondFactor;

impl Engine {
    /// Passes on a second factor, unless the queue is full: then the templates stay what they were.
    pub(in crate::serve) fn second_factor(&self, shown: SecondFactor, caller_uid: u32) {
        let _ = self.jobs.try_send(Job::Adapt(shown, caller_uid));
    }
}

impl Question {
    /// Whether a second factor may follow: at a door, or at a login that the owner asked for.
    pub(super) fn is_trusted(&self) -> bool {
        !self.accounts.login || self.by_owner
    }
}

impl Running {
    /// What is left to do once the caller has the verdict, and the latch its grant.
    pub(super) fn after_attempt(&mut self, is_trusted: bool, caller_uid: u32) {
        if !is_trusted {
            self.pipeline.forget_candidate();
        }
        if let Some(shown) = self.pipeline.confirmed() {
            self.adapt(&shown, caller_uid);
        }
    }

    /// Makes the face of the last attempt a template, if it is this person's and the rule takes it.
    pub(super) fn adapt(&mut self, shown: &SecondFactor, caller_uid: u32) {
        let event = self.recorder.event(EventKind::Adapt, Some(shown.user.to_string()));
        let event = Event { door: shown.door.as_ref().map(ToString::to_string), ..event };
        match self.pipeline.adapt(shown) {
            Ok(true) => self.recorder.record_and_announce(event, caller_uid),
            Ok(false) => {}
            Err(error) => {
                tracing::error!(user = event.user, "{error}");
                self.recorder.record_failure(EventKind::Adapt, event.user, caller_uid);
            }
        }
    }
}
