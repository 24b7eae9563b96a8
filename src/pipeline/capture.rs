//! Frames to probes: a probe is the embedding of a face that passed the quality gate.

use super::ahead::{Ahead, Beside, Found, Taken};
use super::attack::AttackStage;
use super::{Cause, Observer, Pipeline, Progress, Trace, ms, report};
use crate::camera::{CameraError, Frame};
use crate::clock::BootTime;
use crate::detect::Face;
use crate::detect::attack::passive::Scored;
use crate::detect::attack::{Need, Presentation};
use crate::detect::quality::RetryReason;
use crate::embed::{Fitness, KeyedEmbedding, OtherKey, Role};
use crate::model::ModelError;

/// A camera that gives this many unusable frames in a row is broken.
const MAX_BAD_FRAMES: usize = 30;

/// When a probe may be taken.
pub(super) struct CaptureWindow {
    /// Camera frames taken earlier are skipped. Pictures of a folder are not: each was put there on purpose.
    pub(super) from: BootTime,
    /// When to give up.
    pub(super) deadline: BootTime,
    /// What the probes are for.
    pub(super) role: Role,
    /// Why earlier probes were discarded; the cause of failure unless something else goes wrong.
    pub(super) problem: Option<Cause>,
}

impl CaptureWindow {
    /// Any frame until `deadline`.
    pub(super) fn until(deadline: BootTime, role: Role) -> Self {
        Self { from: BootTime::default(), deadline, role, problem: None }
    }

    fn is_too_early(&self, frame: &Frame) -> bool {
        frame.origin().is_none() && frame.taken_at() < self.from
    }
}

/// What went wrong while frames were waited for.
#[derive(Default)]
pub(super) struct Faults {
    /// The last thing that was wrong; the cause of failure at the deadline.
    pub(super) last: Option<Cause>,
    /// Unusable frames in a row.
    bad_frames: usize,
}

/// A face that may be judged, with its frame.
pub(super) struct Seen {
    pub(super) frame: Frame,
    pub(super) face: Face,
    pub(super) probe: KeyedEmbedding,
    /// What the network that looks out for attacks says of it, if it was asked already.
    pub(super) scored: Option<Result<Scored, ModelError>>,
}

/// The face in a frame that may be judged, with its probe; or why there is none.
type Probed = Result<(Face, KeyedEmbedding), RetryReason>;

/// The probes of one face, and whether it is a live one.
pub(super) struct Captured {
    pub(super) probes: Vec<KeyedEmbedding>,
    /// Either live or an attack.
    pub(super) presentation: Presentation,
    /// Which has seen all frames of the face.
    pub(super) stage: AttackStage,
}

impl Pipeline {
    /// Probes of one face in a row, as many as a decision needs, and as many as it takes to tell whether it is live.
    pub(super) fn capture(&mut self, observer: Observer<'_>, trace: &mut Trace) -> Result<Captured, Cause> {
        let deadline = self.clock.now().after(self.rules.decision.deadline_ms.duration());
        let mut window = CaptureWindow::until(deadline, Role::Probe);
        self.cameras.used_mut().open_infrared()?;
        let mut stage = self.attack_stage();
        let wanted = (self.rules.decision.frames as usize).max(stage.frames());
        let mut probes: Vec<KeyedEmbedding> = Vec::with_capacity(wanted + 1);
        let mut ahead = Ahead::default();
        loop {
            ahead.wanted = probes.len() + 1 < wanted;
            let mut seen = self.next_probe(&window, &mut ahead, observer, trace)?;
            if let Some(last) = probes.last()
                && !self.alike(last, &seen.probe)?
            {
                probes.clear();
                trace.scores.clear();
                self.faces.saw_several();
                stage = self.attack_stage();
                window.problem = Some(Cause::Retry(RetryReason::SeveralFaces));
            }
            let counts = self.present(&mut stage, &mut seen)?.is_some();
            probes.push(seen.probe);
            if probes.len() > wanted {
                probes.remove(0);
            }
            trace.keep(probes.len());
            report(observer, Progress::Captured { done: probes.len(), wanted })?;
            let scene = &self.cameras.used().scene;
            trace.scores.extend(stage.score(scene).filter(|_| counts));
            match stage.judge(scene) {
                Presentation::MoreNeeded(Need::Frames) if probes.len() < wanted => {}
                Presentation::MoreNeeded(need @ Need::Frames) => window.problem = Some(self.lacks(need)),
                Presentation::MoreNeeded(need) => window.problem = Some(self.ask_for(need, observer)?),
                presentation if probes.len() == wanted => {
                    return Ok(Captured { probes, presentation, stage });
                }
                Presentation::Live(_) | Presentation::Attack(_) => {}
            }
        }
    }

    /// Probes of two people must never be judged together: the vote is a mean, and one probe of the enrolled user outweighs
    /// several of a stranger. Position in the frame proves nothing, since a second person may step into the same place.
    /// Each probe is compared with the one just before, so that a turning head passes.
    pub(super) fn alike(&self, one: &KeyedEmbedding, next: &KeyedEmbedding) -> Result<bool, OtherKey> {
        self.gallery.head().matches(one, next)
    }

    /// The next frame that passes the quality gate, embedded. At the deadline it fails with the last thing that was wrong.
    pub(super) fn next_probe(
        &mut self,
        window: &CaptureWindow,
        ahead: &mut Ahead,
        observer: Observer<'_>,
        trace: &mut Trace,
    ) -> Result<Seen, Cause> {
        let mut faults = Faults { last: window.problem.clone(), bad_frames: 0 };
        loop {
            let Some((frame, found)) = self.next_frame(window, ahead.next.take(), &mut faults, observer)?
            else {
                continue;
            };
            let faces = self.detect(&frame, found, trace)?;
            let until = ahead.wanted.then_some(window.deadline);
            let (examined, Beside { scored, next }) =
                self.examine(&frame, &faces, (window.role, until), trace)?;
            ahead.next = next;
            trace.examined(examined.as_ref().err().copied());
            match examined {
                Ok((face, probe)) => return Ok(Seen { frame, face, probe, scored }),
                Err(reason) => {
                    if reason == RetryReason::SeveralFaces {
                        self.faces.saw_several();
                    }
                    faults.last = Some(Cause::Retry(reason));
                    report(observer, Progress::Guidance(reason))?;
                }
            }
        }
    }

    /// The next frame, which may have been taken already, and the faces in it then; `None` if there is none yet.
    pub(super) fn next_frame(
        &mut self,
        window: &CaptureWindow,
        taken: Option<Taken>,
        faults: &mut Faults,
        observer: Observer<'_>,
    ) -> Result<Option<(Frame, Option<Found>)>, Cause> {
        let camera = self.cameras.used_mut();
        let taken = taken.or_else(|| Taken::from(camera, &*self.clock, window.deadline));
        let Some(Taken { frame, deadline, at, infrared, found }) = taken else {
            return Err(faults.last.take().unwrap_or(Cause::Retry(RetryReason::NoFace)));
        };
        camera.keep_infrared(infrared);
        match frame {
            Ok(frame) if window.is_too_early(&frame) => Ok(None),
            Ok(frame) => Ok(Some((frame, found))),
            Err(error @ CameraError::Silent { .. }) if deadline < window.deadline && at >= deadline => {
                let why = error.to_string();
                faults.last.get_or_insert(Cause::Camera(why.clone()));
                report(observer, Progress::Camera(why))?;
                Ok(None)
            }
            Err(error) if error.is_transient() && faults.bad_frames < MAX_BAD_FRAMES => {
                faults.bad_frames += 1;
                report(observer, Progress::Camera(error.to_string()))?;
                Ok(None)
            }
            Err(error) => {
                let silent = matches!(error, CameraError::Silent { .. });
                Err(faults.last.take().filter(|_| silent).unwrap_or(Cause::Camera(error.to_string())))
            }
        }
    }

    /// All faces in a frame, the largest first.
    pub(super) fn detect(
        &mut self,
        frame: &Frame,
        found: Option<Found>,
        trace: &mut Trace,
    ) -> Result<Vec<Face>, Cause> {
        trace.picture = frame.origin().map(str::to_owned);
        let found = found.unwrap_or_else(|| Found::in_frame(frame, &self.networks.detector, &*self.clock));
        let faces = found.faces?;
        trace.means.detect.add(ms(found.took));
        trace.face = faces.first().copied();
        if self.networks.passive.is_some() {
            self.cameras.used_mut().scene.see(frame, faces.first());
        }
        Ok(faces)
    }

    /// Frame to face and probe, or why not. A frame without a face that can be judged is looked at once more, turned.
    fn examine(
        &mut self,
        frame: &Frame,
        faces: &[Face],
        (role, next_until): (Role, Option<BootTime>),
        trace: &mut Trace,
    ) -> Result<(Probed, Beside), Cause> {
        let (seen, beside) = self.embed_beside(frame, faces, next_until, trace);
        let examined = match seen? {
            Ok(seen) => {
                self.cameras.used_mut().turns.saw_upright();
                let probe = self.gallery.key().apply(&seen.embedding);
                trace.note(|explanation| explanation.fit(Fitness::of(&seen.chip).told()));
                if role == Role::Probe && self.adapts() && Role::Template.check(&seen.chip).is_ok() {
                    self.faces.add(probe.clone());
                }
                role.check(&seen.chip).map(|()| (seen.face, probe))
            }
            Err(reason) => Err(self.look_turned(frame)?.unwrap_or(reason)),
        };
        Ok((examined, beside))
    }
}
