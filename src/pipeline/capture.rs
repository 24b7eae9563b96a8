//! Frames to probes: a probe is the embedding of a face that passed the quality gate.

use std::time::Duration;

use super::{Cause, Observer, Pipeline, Progress, Trace, report};
use crate::camera::{CameraError, Frame};
use crate::clock::BootTime;
use crate::detect::Face;
use crate::detect::quality::{self, RetryReason};
use crate::embed::{Chip, KeyedEmbedding, Measures, OtherKey, Role, align};

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
    role: Role,
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

impl Pipeline {
    /// Probes of one face in a row, as many as a decision needs.
    pub(super) fn capture(
        &mut self,
        observer: Observer<'_>,
        trace: &mut Trace,
    ) -> Result<Vec<KeyedEmbedding>, Cause> {
        let deadline = self.clock.now().after(self.rules.decision.deadline_ms.duration());
        let mut window = CaptureWindow::until(deadline, Role::Probe);
        let wanted = self.rules.decision.frames as usize;
        let mut probes: Vec<KeyedEmbedding> = Vec::with_capacity(wanted);
        while probes.len() < wanted {
            let probe = self.next_probe(&window, observer, trace)?;
            if let Some(last) = probes.last()
                && !self.alike(last, &probe)?
            {
                probes.clear();
                window.problem = Some(Cause::Retry(RetryReason::SeveralFaces));
            }
            probes.push(probe);
            trace.frames = probes.len();
            report(observer, Progress::Captured { done: probes.len(), wanted })?;
        }
        Ok(probes)
    }

    /// Probes of two people must never be judged together: the vote is a mean, and one probe of the enrolled user outweighs
    /// several of a stranger. Position in the frame proves nothing, since a second person may step into the same place.
    /// Each probe is compared with the one just before, so that a turning head passes.
    fn alike(&self, one: &KeyedEmbedding, next: &KeyedEmbedding) -> Result<bool, OtherKey> {
        self.gallery.head().matches(one, next)
    }

    /// The next frame that passes the quality gate, embedded. At the deadline it fails with the last thing that was wrong.
    pub(super) fn next_probe(
        &mut self,
        window: &CaptureWindow,
        observer: Observer<'_>,
        trace: &mut Trace,
    ) -> Result<KeyedEmbedding, Cause> {
        let (mut last, mut bad_frames) = (window.problem.clone(), 0);
        loop {
            if self.clock.now() >= window.deadline {
                return Err(last.unwrap_or(Cause::Retry(RetryReason::NoFace)));
            }
            let frame_deadline = self.clock.now().after(FRAME_WAIT).min(window.deadline);
            let frame = match self.frames.next_frame(frame_deadline) {
                Ok(frame) if window.is_too_early(&frame) => continue,
                Ok(frame) => frame,
                Err(error @ CameraError::Silent { .. })
                    if frame_deadline < window.deadline && self.clock.now() >= frame_deadline =>
                {
                    let why = error.to_string();
                    last.get_or_insert(Cause::Camera(why.clone()));
                    report(observer, Progress::Camera(why))?;
                    continue;
                }
                Err(error) if error.is_transient() && bad_frames < MAX_BAD_FRAMES => {
                    bad_frames += 1;
                    report(observer, Progress::Camera(error.to_string()))?;
                    continue;
                }
                Err(error) => {
                    let silent = matches!(error, CameraError::Silent { .. });
                    return Err(last.filter(|_| silent).unwrap_or(Cause::Camera(error.to_string())));
                }
            };
            trace.picture = frame.origin().map(str::to_owned);
            match self.examine(&frame, window.role, trace)? {
                Ok(probe) => return Ok(probe),
                Err(reason) => {
                    last = Some(Cause::Retry(reason));
                    report(observer, Progress::Guidance(reason))?;
                }
            }
        }
    }

    /// Frame to probe, or why not. A frame without a face that can be judged is looked at once more, turned.
    fn examine(
        &mut self,
        frame: &Frame,
        role: Role,
        trace: &mut Trace,
    ) -> Result<Result<KeyedEmbedding, RetryReason>, Cause> {
        let start = self.clock.now();
        let faces = self.networks.detector.detect(frame)?;
        trace.means.detect.add(self.ms_since(start));
        trace.face = faces.first().copied();
        let probe = match self.rules.quality.choose(frame, &faces) {
            Ok(face) => self.embed(frame, &face, trace)?,
            Err(reason) => Err(reason),
        };
        match probe {
            Ok((probe, chip)) => {
                self.turns.saw_upright();
                Ok(role.check(&chip).map(|()| probe))
            }
            Err(reason) => Ok(Err(self.look_turned(frame)?.unwrap_or(reason))),
        }
    }

    /// Face to probe, with its chip, each stage timed, or why its embedding is not to be believed.
    pub(super) fn embed(
        &self,
        frame: &Frame,
        face: &Face,
        trace: &mut Trace,
    ) -> Result<Result<(KeyedEmbedding, Chip), RetryReason>, Cause> {
        let embedder = &self.networks.embedder;
        let start = self.clock.now();
        let chip = align::align(frame, face);
        trace.means.align.add(self.ms_since(start));
        let start = self.clock.now();
        let embedded = embedder.embed(&chip)?;
        trace.means.embed.add(self.ms_since(start));
        let believed = embedder.check(&Measures::of(face, &embedded));
        Ok(match believed {
            Ok(()) => Ok((self.gallery.key().apply(&embedded.embedding), chip)),
            Err(reason) => Err(quality::tilt_of_unclear(face).unwrap_or(reason)),
        })
    }
}
