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
use crate::people::UserName;

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

/// The frames of one face, as they come.
pub(super) struct Run {
    /// The newest, at most as many as are wanted.
    pub(super) probes: Vec<KeyedEmbedding>,
    /// What was seen first.
    first: Option<KeyedEmbedding>,
    pub(super) stage: AttackStage,
    wanted: usize,
}

impl Run {
    /// Nothing seen yet; a decision takes so many probes.
    pub(super) fn new(stage: AttackStage, wanted: usize) -> Self {
        Self { probes: Vec::with_capacity(wanted + 1), first: None, stage, wanted }
    }

    fn is_full(&self) -> bool {
        self.probes.len() == self.wanted
    }

    /// Another good frame.
    pub(super) fn push(
        &mut self,
        probe: KeyedEmbedding,
        observer: Observer<'_>,
        trace: &mut Trace,
    ) -> Result<(), Cause> {
        self.first.get_or_insert_with(|| probe.clone());
        self.probes.push(probe);
        if self.probes.len() > self.wanted {
            self.probes.remove(0);
        }
        trace.keep(self.probes.len());
        report(observer, Progress::Captured { done: self.probes.len(), wanted: self.wanted })
    }

    /// The decision about it, once there are enough probes.
    pub(super) fn decided(&self, presentation: Presentation) -> Option<Presentation> {
        let is_decided = !matches!(presentation, Presentation::MoreNeeded(_));
        (is_decided && self.is_full()).then_some(presentation)
    }
}

impl Pipeline {
    /// Probes of one face in a row, as many as a decision needs, and as many as it takes to tell whether it is live.
    pub(super) fn capture(
        &mut self,
        claimed: Option<&UserName>,
        observer: Observer<'_>,
        trace: &mut Trace,
    ) -> Result<Captured, Cause> {
        let deadline = self.clock.now().after(self.rules.decision.deadline_ms.duration());
        self.cameras.used_mut().open_infrared()?;
        let stage = self.attack_stage();
        let wanted = (self.rules.decision.frames as usize).max(stage.frames());
        let mut run = Run::new(stage, wanted);
        let gathered = self.gather(claimed, &mut run, deadline, observer, trace);
        self.conclude(claimed, run, gathered)
    }

    /// Frames of one face until there are enough to decide.
    fn gather(
        &mut self,
        claimed: Option<&UserName>,
        run: &mut Run,
        deadline: BootTime,
        observer: Observer<'_>,
        trace: &mut Trace,
    ) -> Result<Presentation, Cause> {
        let mut window = CaptureWindow::until(deadline, Role::Probe);
        let mut ahead = Ahead::default();
        loop {
            ahead.wanted = run.probes.len() + 1 < run.wanted;
            let mut seen = self.next_probe(&window, &mut ahead, observer, trace)?;
            if !self.continues(run, &seen.probe)? {
                let left = run.stage.judge_at_end(&self.cameras.used().scene);
                *run = Run::new(self.attack_stage(), run.wanted);
                trace.scores.clear();
                self.faces.saw_several();
                window.problem = Some(Cause::Retry(RetryReason::SeveralFaces));
                if matches!(left, Presentation::Attack(_)) {
                    self.count_attack(claimed)?;
                }
            }
            let counts = self.present(&mut run.stage, &mut seen)?.is_some();
            run.push(seen.probe, observer, trace)?;
            let scene = &self.cameras.used().scene;
            trace.scores.extend(run.stage.total(scene).filter(|_| counts));
            let presentation = run.stage.judge(scene);
            if let Some(decision) = run.decided(presentation) {
                return Ok(decision);
            }
            match presentation {
                Presentation::MoreNeeded(Need::Frames) if !run.is_full() => {}
                Presentation::MoreNeeded(need @ Need::Frames) => window.problem = Some(self.lacks(need)),
                Presentation::MoreNeeded(need) => window.problem = Some(self.ask_for(need, observer)?),
                Presentation::Live(_) | Presentation::Attack(_) => {}
            }
        }
    }

    /// What the frames of a face say, of which no more come. Where they were too close to tell, they decide without a margin:
    /// to leave before it is clear must not buy another three frames for nothing, and a slow board gets no more in time.
    pub(super) fn conclude(
        &mut self,
        claimed: Option<&UserName>,
        run: Run,
        gathered: Result<Presentation, Cause>,
    ) -> Result<Captured, Cause> {
        let at_end = run.stage.judge_at_end(&self.cameras.used().scene);
        let presentation = match (gathered, at_end) {
            (Ok(presentation), _) => presentation,
            // Nothing but the deadline ends in a `Retry`.
            (Err(Cause::Retry(_)), Presentation::Attack(_)) => at_end,
            (Err(Cause::Retry(reason)), Presentation::Live(_))
                if reason != RetryReason::NoFace && run.is_full() =>
            {
                at_end
            }
            (Err(cause), Presentation::Attack(_)) => {
                self.count_attack(claimed)?;
                return Err(cause);
            }
            (Err(cause), _) => return Err(cause),
        };
        Ok(Captured { probes: run.probes, presentation, stage: run.stage })
    }

    /// Whether a probe shows the person of this run. Probes of two people must never be judged together: the vote is a mean, and
    /// one probe of the enrolled user outweighs several of a stranger. Position in the frame proves nothing, since a second
    /// person may step into the same place. Each probe is compared with the one just before, and with the first: a face that
    /// changes little by little into another would pass else.
    pub(super) fn continues(&self, run: &Run, probe: &KeyedEmbedding) -> Result<bool, OtherKey> {
        run.first
            .iter()
            .chain(run.probes.last())
            .try_fold(true, |same, one| Ok(same && self.alike(one, probe)?))
    }

    /// Whether two probes show one person.
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
