//! Frames to samples: a sample is the embedding of a face that passed the quality gate.

use std::time::Duration;

use super::{Cause, Networks, Observer, Pipeline, Progress, Trace, tell};
use crate::camera::{CameraError, Frame};
use crate::clock::BootTime;
use crate::detect::quality::RetryReason;
use crate::embed::{KeyedEmbedding, OtherKey, align};

/// Longest wait for one frame. Then we check that the caller is still there, and report that we are alive.
const FRAME_WAIT: Duration = Duration::from_secs(5);

/// A camera that gives this many unusable frames in a row is broken.
const MAX_BAD_FRAMES: usize = 30;

/// When a sample may be taken.
pub(super) struct CaptureWindow {
    /// Camera frames taken earlier are skipped. Pictures of a folder are not: each was put there on purpose.
    pub(super) from: BootTime,
    /// When to give up.
    pub(super) deadline: BootTime,
    /// Why earlier samples were discarded; the cause of failure unless something else goes wrong.
    pub(super) trouble: Option<Cause>,
}

impl CaptureWindow {
    /// Any frame until `deadline`.
    pub(super) fn until(deadline: BootTime) -> Self {
        Self { from: BootTime::default(), deadline, trouble: None }
    }

    fn is_too_early(&self, frame: &Frame) -> bool {
        frame.origin().is_none() && frame.taken_at() < self.from
    }
}

impl Pipeline {
    /// Samples of one face in a row, as many as a decision needs.
    pub(super) fn capture(
        &mut self,
        observer: Observer<'_>,
        trace: &mut Trace,
    ) -> Result<Vec<KeyedEmbedding>, Cause> {
        let mut window =
            CaptureWindow::until(self.clock.now().after(self.rules.decision.deadline_ms.duration()));
        let wanted = self.rules.decision.frames as usize;
        let mut samples: Vec<KeyedEmbedding> = Vec::with_capacity(wanted);
        while samples.len() < wanted {
            let sample = self.next_sample(&window, observer, trace)?;
            if let Some(last) = samples.last()
                && !self.alike(last, &sample)?
            {
                samples.clear();
                window.trouble = Some(Cause::Retry(RetryReason::SeveralFaces));
            }
            samples.push(sample);
            trace.frames = samples.len();
            tell(observer, Progress::Captured { done: samples.len(), wanted })?;
        }
        Ok(samples)
    }

    /// Samples of two people must never be judged together: the vote is a mean, and one sample of the owner outweighs
    /// several of a stranger. Position in the frame proves nothing, since a second person may step into the same place.
    /// Each sample is compared with the one just before, so that a turning head passes.
    fn alike(&self, one: &KeyedEmbedding, next: &KeyedEmbedding) -> Result<bool, OtherKey> {
        self.gallery.head().matches(one, next)
    }

    /// The next frame that passes the quality gate, embedded. At the deadline it fails with the last thing that was wrong.
    pub(super) fn next_sample(
        &mut self,
        window: &CaptureWindow,
        observer: Observer<'_>,
        trace: &mut Trace,
    ) -> Result<KeyedEmbedding, Cause> {
        let (mut last, mut bad_frames) = (window.trouble.clone(), 0);
        loop {
            if self.clock.now() >= window.deadline {
                return Err(last.unwrap_or(Cause::Retry(RetryReason::NoFace)));
            }
            let patience = self.clock.now().after(FRAME_WAIT).min(window.deadline);
            let frame = match self.frames.next_frame(patience) {
                Ok(frame) if window.is_too_early(&frame) => continue,
                Ok(frame) => frame,
                Err(error @ CameraError::Silent { .. })
                    if patience < window.deadline && self.clock.now() >= patience =>
                {
                    let why = error.to_string();
                    last.get_or_insert(Cause::Camera(why.clone()));
                    tell(observer, Progress::Camera(why))?;
                    continue;
                }
                Err(error) if error.is_transient() && bad_frames < MAX_BAD_FRAMES => {
                    bad_frames += 1;
                    tell(observer, Progress::Camera(error.to_string()))?;
                    continue;
                }
                Err(error) => {
                    let silent = matches!(error, CameraError::Silent { .. });
                    return Err(last.filter(|_| silent).unwrap_or(Cause::Camera(error.to_string())));
                }
            };
            trace.picture = frame.origin().map(str::to_owned);
            match self.examine(&frame, trace)? {
                Ok(sample) => return Ok(sample),
                Err(reason) => {
                    last = Some(Cause::Retry(reason));
                    tell(observer, Progress::Guidance(reason))?;
                }
            }
        }
    }

    /// Frame to face to embedding, each stage timed.
    fn examine(
        &self,
        frame: &Frame,
        trace: &mut Trace,
    ) -> Result<Result<KeyedEmbedding, RetryReason>, Cause> {
        let Networks { detector, embedder, .. } = &self.networks;
        let start = self.clock.now();
        let faces = detector.detect(frame)?;
        trace.means.detect.add(self.ms_since(start));
        trace.face = faces.first().copied();
        let face = match self.rules.quality.choose(frame, &faces) {
            Ok(face) => face,
            Err(reason) => return Ok(Err(reason)),
        };
        let start = self.clock.now();
        let chip = align::align(frame, &face);
        trace.means.align.add(self.ms_since(start));
        let start = self.clock.now();
        let embedding = self.gallery.key().apply(&embedder.embed(&chip)?);
        trace.means.embed.add(self.ms_since(start));
        Ok(Ok(embedding))
    }
}
