//! The second half of the stage before the comparison: the person is asked to turn their head, and what is compared are
//! frames taken after they did, of the same person all along.
//!
//! Once a question was put, an attempt that ends without an answer counts as a refused attack does, whatever the reason.
//! Otherwise somebody with a film could have the question drawn again until it suits.

use std::time::Duration;

use super::attack::AttackStage;
use super::capture::{CaptureWindow, Captured, Faults};
use super::{Cause, Observer, Pipeline, Progress, Trace, report};
use crate::camera::Frame;
use crate::detect::Face;
use crate::detect::attack::challenge::{Challenge, Moment};
use crate::detect::attack::track::{Loss, Seen, Track};
use crate::detect::attack::{Need, Presentation, Species};
use crate::detect::quality::RetryReason;
use crate::embed::{KeyedEmbedding, OtherKey, Role};
use crate::people::UserName;

/// Longest time from the first question to the last frame, beyond `decision.deadline_ms`. Most people need a third of it.
pub const CHALLENGE_LIMIT: Duration = Duration::from_secs(10);

/// How much of it may pass until the challenge is passed.
const ANSWER_LIMIT: Duration = Duration::from_secs(8);

/// A challenge that runs.
struct Asking {
    challenge: Challenge,
    track: Track,
    /// Probes from before the questions, then those on the way: all of one person.
    known: Vec<KeyedEmbedding>,
    /// What the person was told last.
    prompt: Option<Need>,
    /// A turn was asked for.
    asked: bool,
    /// Frames on the way that were found to show the same person.
    compared: usize,
}

impl Pipeline {
    /// Asks, and takes new probes once the challenge is passed. Only presentations that are live so far get here.
    pub(super) fn challenge(
        &mut self,
        claimed: Option<&UserName>,
        captured: Captured,
        observer: Observer<'_>,
        trace: &mut Trace,
    ) -> Result<Captured, Cause> {
        let Captured { probes, stage, .. } = captured;
        let now = self.clock.now();
        let mut asking = Asking {
            challenge: Challenge::new((self.random)(), now),
            track: Track::default(),
            known: probes,
            prompt: None,
            asked: false,
            compared: 0,
        };
        let (wanted, deadline) = (asking.known.len(), now.after(CHALLENGE_LIMIT));
        let done = match self.ask(&mut asking, observer, trace) {
            Ok(Presentation::Live(_)) => {
                let window = CaptureWindow { from: self.clock.now(), ..CaptureWindow::until(deadline, Role::Probe) };
                self.probes_after(&asking.known, stage, (wanted, window), observer, trace)
            }
            Ok(presentation) => Ok(Captured { probes: Vec::new(), presentation, stage }),
            Err(cause) => Err(cause),
        };
        if done.is_err() && asking.asked {
            self.count_attack(claimed)?;
        }
        done
    }

    /// Follows the face until the challenge is decided.
    fn ask(
        &mut self,
        asking: &mut Asking,
        observer: Observer<'_>,
        trace: &mut Trace,
    ) -> Result<Presentation, Cause> {
        let deadline = self.clock.now().after(ANSWER_LIMIT);
        let window = CaptureWindow::until(deadline, Role::Probe);
        let mut faults = Faults::default();
        loop {
            let now = self.clock.now();
            match asking.challenge.judge(now) {
                Presentation::MoreNeeded(need) => asking.tell(need, observer)?,
                // Nobody could tell whose head turned.
                Presentation::Live(_) if asking.compared == 0 => return Err(Cause::Retry(RetryReason::Unclear)),
                decided => return Ok(decided),
            }
            if asking.challenge.is_unanswered(now) || now >= deadline {
                return Err(faults.last.unwrap_or(Cause::Retry(RetryReason::NoAnswer)));
            }
            let Some(frame) = self.next_frame(&window, &mut faults, observer)? else { continue };
            faults = Faults::default();
            let faces = self.detect(&frame, trace)?;
            match asking.track.see(&frame, &faces) {
                Seen::Face(face) => self.follow(asking, &frame, &face)?,
                Seen::Nothing => {}
                Seen::Lost(Loss::Several) => return Err(Cause::Retry(RetryReason::SeveralFaces)),
                Seen::Lost(Loss::Gone | Loss::Jumped) => asking.challenge.lost(),
            }
        }
    }

    /// One frame of the face that is followed. A face that cannot be embedded, as one that is turned, shows nothing of whose
    /// it is.
    fn follow(&self, asking: &mut Asking, frame: &Frame, face: &Face) -> Result<(), Cause> {
        let size = (frame.width(), frame.height());
        if asking.challenge.see(frame.taken_at(), face, size) == Moment::Pass {
            return Ok(());
        }
        let gate = &self.rules.quality;
        let Ok(seen) = self.networks.embedder.examine(gate, frame, &[*face], &mut |_| ())? else { return Ok(()) };
        let probe = self.gallery.key().apply(&seen.embedding);
        if self.is_known(&asking.known, &probe)? {
            asking.compared += usize::from(asking.asked);
            asking.known.push(probe);
        } else {
            asking.challenge.swapped();
        }
        Ok(())
    }

    /// The probes to be compared: of the person who answered, and live by themselves as well.
    fn probes_after(
        &mut self,
        known: &[KeyedEmbedding],
        mut stage: AttackStage,
        (wanted, window): (usize, CaptureWindow),
        observer: Observer<'_>,
        trace: &mut Trace,
    ) -> Result<Captured, Cause> {
        let mut probes = Vec::with_capacity(wanted);
        while probes.len() < wanted {
            let seen = self.next_probe(&window, observer, trace)?;
            if !self.is_known(known, &seen.probe)? {
                return Ok(Captured { probes, presentation: Presentation::Attack(Species::Swap), stage });
            }
            stage.see(&seen.frame, &seen.face)?;
            probes.push(seen.probe);
            trace.frames = probes.len();
            report(observer, Progress::Captured { done: probes.len(), wanted })?;
        }
        Ok(Captured { probes, presentation: stage.judge(), stage })
    }

    /// Whether a probe shows the person of these: any of them, since a turned face is least like a straight one.
    fn is_known(&self, known: &[KeyedEmbedding], probe: &KeyedEmbedding) -> Result<bool, OtherKey> {
        known.iter().try_fold(false, |alike, one| Ok(alike || self.alike(one, probe)?))
    }
}

impl Asking {
    /// Tells the person what is needed, once.
    fn tell(&mut self, need: Need, observer: Observer<'_>) -> Result<(), Cause> {
        if need == Need::Frames || self.prompt == Some(need) {
            return Ok(());
        }
        self.prompt = Some(need);
        self.asked |= matches!(need, Need::TurnLeft | Need::TurnRight);
        report(observer, Progress::Prompt(need))
    }
}
