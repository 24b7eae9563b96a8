//! Frames to looks: the embedding of a face that passed the quality gate.

use std::time::Duration;

use super::{Attempt, Listener, Networks, Pipeline, Progress, Stop, tell};
use crate::camera::{CameraError, Frame};
use crate::clock::BootTime;
use crate::detect::quality::RetryReason;
use crate::embed::{Embedding, align};
use crate::judge::Cause;

/// Longest wait for one frame before we look whether anybody still wants it, and show that we are alive.
const GLANCE: Duration = Duration::from_secs(5);

/// A camera that gives only so many unusable frames in a row is broken.
const MAX_BAD_FRAMES: usize = 30;

/// When a look is wanted.
pub(super) struct Search {
    /// Frames of a camera that were taken earlier are passed over. Pictures of a folder are not: they are as far
    /// apart as whoever put them there wished.
    pub(super) from: BootTime,
    /// It is given up then.
    pub(super) deadline: BootTime,
    /// What was wrong before it began.
    pub(super) trouble: Option<Cause>,
}

impl Search {
    /// From now on until `deadline`.
    pub(super) fn until(deadline: BootTime) -> Self {
        Self { from: BootTime::default(), deadline, trouble: None }
    }

    fn too_early(&self, frame: &Frame) -> bool {
        frame.origin().is_none() && frame.taken_at() < self.from
    }
}

impl Pipeline {
    /// Looks at one and the same face in a row, as many as a decision needs.
    pub(super) fn look(
        &mut self,
        listener: Listener<'_>,
        attempt: &mut Attempt,
    ) -> Result<Vec<Embedding>, Stop> {
        let mut search = Search::until(self.clock.now().after(self.rules.decision.deadline_ms.duration()));
        let wanted = self.rules.decision.frames as usize;
        let mut looks: Vec<Embedding> = Vec::with_capacity(wanted);
        while looks.len() < wanted {
            let look = self.good_frame(&search, listener, attempt)?;
            if looks.last().is_some_and(|last| !self.alike(last, &look)) {
                looks.clear();
                search.trouble = Some(Cause::Retry(RetryReason::SeveralFaces));
            }
            looks.push(look);
            attempt.frames = looks.len();
            tell(listener, Progress::Captured { done: looks.len(), wanted })?;
        }
        Ok(looks)
    }

    /// Looks of two people must never be judged together: the vote is a mean, and one look of the owner outweighs several
    /// of a stranger. Where the face is says nothing, since somebody else may step into its place. A head that turns
    /// passes: each look is compared with the one just before.
    fn alike(&self, one: &Embedding, next: &Embedding) -> bool {
        let head = self.gallery.head();
        head.probability(one, next) >= head.threshold()
    }

    /// The next frame that passes the quality gate, embedded. Gives up at the deadline with what was wrong last.
    pub(super) fn good_frame(
        &mut self,
        search: &Search,
        listener: Listener<'_>,
        attempt: &mut Attempt,
    ) -> Result<Embedding, Stop> {
        let (mut last, mut bad_frames) = (search.trouble.clone(), 0);
        loop {
            if self.clock.now() >= search.deadline {
                return Err(Stop::Unavailable(last.unwrap_or(Cause::Retry(RetryReason::NoFace))));
            }
            let glance = self.clock.now().after(GLANCE).min(search.deadline);
            let frame = match self.frames.next_frame(glance) {
                Ok(frame) if search.too_early(&frame) => continue,
                Ok(frame) => frame,
                Err(error @ CameraError::Silent { .. })
                    if glance < search.deadline && self.clock.now() >= glance =>
                {
                    let why = error.to_string();
                    last.get_or_insert(Cause::Camera(why.clone()));
                    tell(listener, Progress::Camera(why))?;
                    continue;
                }
                Err(error) if error.is_passing() && bad_frames < MAX_BAD_FRAMES => {
                    bad_frames += 1;
                    tell(listener, Progress::Camera(error.to_string()))?;
                    continue;
                }
                Err(error) => {
                    let silent = matches!(error, CameraError::Silent { .. });
                    let why = last.filter(|_| silent).unwrap_or(Cause::Camera(error.to_string()));
                    return Err(Stop::Unavailable(why));
                }
            };
            attempt.picture = frame.origin().map(str::to_owned);
            match self.examine(&frame, attempt)? {
                Ok(look) => return Ok(look),
                Err(reason) => {
                    last = Some(Cause::Retry(reason));
                    tell(listener, Progress::Guidance(reason))?;
                }
            }
        }
    }

    /// Frame to face to embedding, each stage timed.
    fn examine(&self, frame: &Frame, attempt: &mut Attempt) -> Result<Result<Embedding, RetryReason>, Stop> {
        let Networks { detector, embedder, .. } = &self.networks;
        let start = self.clock.now();
        let faces = detector.detect(frame)?;
        attempt.means.detect.add(self.ms_since(start));
        attempt.face = faces.first().copied();
        let face = match self.rules.quality.choose(frame, &faces) {
            Ok(face) => face,
            Err(reason) => return Ok(Err(reason)),
        };
        let start = self.clock.now();
        let chip = align::align(frame, &face);
        attempt.means.align.add(self.ms_since(start));
        let start = self.clock.now();
        // From here on the face is known in the device's own axes only.
        let embedding = self.gallery.turn().apply(&embedder.embed(&chip)?);
        attempt.means.embed.add(self.ms_since(start));
        Ok(Ok(embedding))
    }
}
