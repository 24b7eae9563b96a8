//! Work that other threads do while this one embeds a face: is it live, and what is in the next frame?
//!
//! Embedding is more than half of the work on a frame. What is found beside it is used where one thread would have found it, and
//! what was not done beside it is done then. So the outcome is the same with any number of threads. All of them have ended, and
//! all frames are wiped, before an attempt is over.

use std::panic::resume_unwind;
use std::thread::{Builder, scope};
use std::time::Duration;

use super::{Camera, Networks, Pipeline, Trace, ms};
use crate::camera::{CameraError, Frame};
use crate::clock::{BootTime, Clock};
use crate::detect::attack::passive::Scored;
use crate::detect::quality::RetryReason;
use crate::detect::{Detector, Face};
use crate::embed::{Examined, Step};
use crate::model::ModelError;

/// Longest wait for one frame. Then we check that the caller is still there, and report that we are alive.
const FRAME_WAIT: Duration = Duration::from_secs(5);

/// The frame after the one that is being judged.
#[derive(Default)]
pub(super) struct Ahead {
    /// Whether there has to be one, whatever this one shows. No other may be taken: the next attempt would miss it.
    pub(super) wanted: bool,
    pub(super) next: Option<Taken>,
}

/// What a camera answered.
pub(super) struct Taken {
    pub(super) frame: Result<Frame, CameraError>,
    /// How long it could have taken.
    pub(super) deadline: BootTime,
    /// When it answered.
    pub(super) at: BootTime,
    /// What the infrared camera beside it saw until then.
    pub(super) infrared: Vec<Frame>,
    /// The faces in it, if they have been looked for.
    pub(super) found: Option<Found>,
}

/// What the detector said of a frame.
pub(super) struct Found {
    pub(super) faces: Result<Vec<Face>, ModelError>,
    pub(super) took: Duration,
}

/// What was found while a face was embedded.
#[derive(Default)]
pub(super) struct Beside {
    /// Of this face.
    pub(super) scored: Option<Result<Scored, ModelError>>,
    /// The next frame.
    pub(super) next: Option<Taken>,
}

impl Taken {
    /// The next frame of a camera; `None` once it is too late for one.
    pub(super) fn from(camera: &mut Camera, clock: &dyn Clock, deadline: BootTime) -> Option<Self> {
        let now = clock.now();
        if now >= deadline {
            return None;
        }
        let deadline = now.after(FRAME_WAIT).min(deadline);
        let frame = camera.frames.next_frame(deadline);
        let at = clock.now();
        let infrared = camera.infrared.as_ref().filter(|_| frame.is_ok());
        let infrared = infrared.map(|second| second.take()).unwrap_or_default();
        Some(Self { frame, deadline, at, infrared, found: None })
    }

    /// With the faces in it.
    pub(super) fn searched(self, detector: &Detector, clock: &dyn Clock) -> Self {
        let found = self.frame.as_ref().ok().map(|frame| Found::in_frame(frame, detector, clock));
        Self { found, ..self }
    }
}

impl Found {
    /// All faces in a frame, the largest first.
    pub(super) fn in_frame(frame: &Frame, detector: &Detector, clock: &dyn Clock) -> Self {
        let start = clock.now();
        let faces = detector.detect(frame);
        Self { faces, took: clock.now().since(start) }
    }
}

impl Pipeline {
    /// Embeds the face that may be judged, if there is one; on other threads meanwhile it is judged live, and the next frame is
    /// taken until then.
    pub(super) fn embed_beside(
        &mut self,
        frame: &Frame,
        faces: &[Face],
        next_until: Option<BootTime>,
        trace: &mut Trace,
    ) -> (Result<Result<Examined, RetryReason>, ModelError>, Beside) {
        let Self {
            networks: Networks { detector, embedder, passive, .. }, rules, gate, cameras, clock, ..
        } = self;
        let (clock, camera) = (&**clock, cameras.used_mut());
        let mut start = clock.now();
        let mut embed = || {
            embedder.examine(gate, frame, faces, &mut |step| {
                let now = clock.now();
                let took = ms(now.since(std::mem::replace(&mut start, now)));
                match step {
                    Step::Choose => {}
                    Step::Align => trace.means.align.add(took),
                    Step::Embed(measures) => {
                        trace.means.embed.add(took);
                        trace.note(|explanation| explanation.measured(embedder.told(&measures)));
                    }
                }
            })
        };
        let has_work = rules.engine.threads > 1 && (passive.is_some() || next_until.is_some());
        let face = if has_work { gate.choose(frame, faces).ok() } else { None };
        let Some(face) = face else { return (embed(), Beside::default()) };
        let scored = || passive.as_ref().map(|detector| detector.score(frame, &face));
        let mut next = || {
            let taken = next_until.and_then(|until| Taken::from(camera, clock, until));
            taken.map(|taken| taken.searched(detector, clock))
        };
        let (seen, beside) = match rules.engine.threads {
            2 => together(embed, || Beside { scored: scored(), next: next() }),
            _ => together(embed, || {
                let (next, scored) = together(next, scored);
                Beside { scored: scored.flatten(), next }
            }),
        };
        (seen, beside.unwrap_or_default())
    }
}

/// Does the first here and the second on a thread of its own, and waits for both. `None` where the system has no thread for it:
/// then the second is not done.
fn together<A, B: Send>(here: impl FnOnce() -> A, beside: impl FnOnce() -> B + Send) -> (A, Option<B>) {
    scope(|scope| {
        let thread = Builder::new().name("beside".to_owned()).spawn_scoped(scope, beside).ok();
        let first = here();
        let second = thread.map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        (first, second)
    })
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc::channel;

    use super::*;

    /// Far longer than a thread takes to answer.
    const PATIENCE: Duration = Duration::from_secs(120);

    #[test]
    fn both_run_at_the_same_time() {
        let ((ask, asked), (answer, answered)) = (channel(), channel());
        let here = move || {
            ask.send(1).expect("sent");
            answered.recv_timeout(PATIENCE)
        };
        let beside = move || {
            let number: i32 = asked.recv_timeout(PATIENCE).expect("asked");
            answer.send(number + 1).expect("sent");
            number
        };
        assert_eq!(together(here, beside), (Ok(2), Some(1)));
    }

    #[test]
    fn a_panic_on_either_side_is_that_of_both_and_the_other_has_ended() {
        for here_panics in [true, false] {
            let (done, ended) = channel();
            let other = done.clone();
            let work = move |panics: bool, done: std::sync::mpsc::Sender<()>| {
                assert!(!panics, "told to");
                done.send(()).expect("sent");
            };
            let both = || together(|| work(here_panics, done), || work(!here_panics, other));
            assert!(catch_unwind(AssertUnwindSafe(both)).is_err());
            assert_eq!(ended.try_iter().count(), 1, "the one that did not panic is done");
        }
    }
}
