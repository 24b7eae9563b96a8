//! Frames to probes: a probe is the embedding of a face that passed the quality gate.

use std::time::Duration;

use super::attack::AttackStage;
use super::{Cause, Observer, Pipeline, Progress, Trace, report};
use crate::camera::{CameraError, Frame};
use crate::clock::BootTime;
use crate::detect::Face;
use crate::detect::attack::{Need, Presentation};
use crate::detect::quality::RetryReason;
use crate::embed::{KeyedEmbedding, OtherKey, Role, Step};

/// Longest wait for one frame. Then we check that the caller is still there, and report that we are alive.
const FRAME_WAIT: Duration = Duration::from_secs(5);

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
}

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
        loop {
            let seen = self.next_probe(&window, observer, trace)?;
            if let Some(last) = probes.last()
                && !self.alike(last, &seen.probe)?
            {
                probes.clear();
                self.faces.saw_several();
                stage = self.attack_stage();
                window.problem = Some(Cause::Retry(RetryReason::SeveralFaces));
            }
            self.present(&mut stage, &seen)?;
            probes.push(seen.probe);
            if probes.len() > wanted {
                probes.remove(0);
            }
            trace.frames = probes.len();
            report(observer, Progress::Captured { done: probes.len(), wanted })?;
            match stage.judge(&self.cameras.used().scene) {
                Presentation::MoreNeeded(Need::Frames) => {}
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
        observer: Observer<'_>,
        trace: &mut Trace,
    ) -> Result<Seen, Cause> {
        let mut faults = Faults { last: window.problem.clone(), bad_frames: 0 };
        loop {
            let Some(frame) = self.next_frame(window, &mut faults, observer)? else { continue };
            let faces = self.detect(&frame, trace)?;
            match self.examine(&frame, &faces, window.role, trace)? {
                Ok((face, probe)) => return Ok(Seen { frame, face, probe }),
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

    /// The next frame; `None` if there is none yet.
    pub(super) fn next_frame(
        &mut self,
        window: &CaptureWindow,
        faults: &mut Faults,
        observer: Observer<'_>,
    ) -> Result<Option<Frame>, Cause> {
        if self.clock.now() >= window.deadline {
            return Err(faults.last.take().unwrap_or(Cause::Retry(RetryReason::NoFace)));
        }
        let frame_deadline = self.clock.now().after(FRAME_WAIT).min(window.deadline);
        let camera = self.cameras.used_mut();
        match camera.frames.next_frame(frame_deadline) {
            Ok(frame) if window.is_too_early(&frame) => Ok(None),
            Ok(frame) => {
                camera.take_infrared();
                Ok(Some(frame))
            }
            Err(error @ CameraError::Silent { .. })
                if frame_deadline < window.deadline && self.clock.now() >= frame_deadline =>
            {
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
    pub(super) fn detect(&mut self, frame: &Frame, trace: &mut Trace) -> Result<Vec<Face>, Cause> {
        trace.picture = frame.origin().map(str::to_owned);
        let start = self.clock.now();
        let faces = self.networks.detector.detect(frame)?;
        trace.means.detect.add(self.ms_since(start));
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
        role: Role,
        trace: &mut Trace,
    ) -> Result<Result<(Face, KeyedEmbedding), RetryReason>, Cause> {
        let mut start = self.clock.now();
        let seen = self.networks.embedder.examine(&self.rules.quality, frame, faces, &mut |step| {
            let took = self.ms_since(std::mem::replace(&mut start, self.clock.now()));
            match step {
                Step::Choose => {}
                Step::Align => trace.means.align.add(took),
                Step::Embed => trace.means.embed.add(took),
            }
        })?;
        match seen {
            Ok(seen) => {
                self.cameras.used_mut().turns.saw_upright();
                let probe = self.gallery.key().apply(&seen.embedding);
                if role == Role::Probe && self.adapts() && Role::Template.check(&seen.chip).is_ok() {
                    self.faces.add(probe.clone());
                }
                Ok(role.check(&seen.chip).map(|()| (seen.face, probe)))
            }
            Err(reason) => Ok(Err(self.look_turned(frame)?.unwrap_or(reason))),
        }
    }
}
