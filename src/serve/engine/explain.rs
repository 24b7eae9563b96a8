//! An attempt that is made to be explained. It is on record like any other; its scores go to the caller, and nowhere else.

use facelatch_wire::reply::{Event, EventKind, Explaining};

use super::{Question, Running};
use crate::pipeline::{DenyReason, Verdict};
use crate::serve::job::JobReporter;
use crate::serve::to_wire;

impl Running {
    pub(super) fn explain(&mut self, question: Question, reporter: JobReporter<Explaining>) {
        let Question { claimed, accounts, caller_uid, camera, door: _, by_owner: _ } = question;
        let camera = camera.as_deref();
        let place = Event { camera: self.status.named(camera), ..Event::default() };
        let (recorder, about) = (self.recorder.clone(), claimed.as_ref().map(ToString::to_string));
        let prompted = |prompt| recorder.announce_prompt(about.clone(), prompt, &place);
        let explained = self.on_camera(reporter, prompted, |pipeline, observer| {
            pipeline.explain(camera, claimed.as_ref(), &accounts, observer)
        });
        let Some((attempt, end)) = explained else { return };
        self.saw_camera(camera, &attempt.verdict);
        let explaining = to_wire::explained::explained(&attempt, claimed.as_ref());
        let judging = &explaining.attempt;
        let event = self.recorder.event(EventKind::Explain, judging.user.clone());
        let event = Event { verdict: judging.verdict, camera: place.camera, ..event };
        if let Verdict::Denied(DenyReason::Attack(species)) = attempt.verdict {
            self.status.saw_attack();
            self.recorder.record_attack(event, caller_uid, to_wire::species(species));
        } else {
            self.recorder.record_and_announce(event, caller_uid);
        }
        // The caller may have gone.
        let _ = end.send(explaining);
    }
}
