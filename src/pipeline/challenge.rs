//! The second half of the stage before the comparison: the person is asked to turn their head, and what is compared are
//! frames taken after they did, of the same person all along.
//!
//! Once a question was put, an attempt that ends without an answer counts as a refused attack does, whatever the reason.
//! Otherwise somebody with a film could have the question drawn again until it suits. After the answer the frames decide.

use std::time::Duration;

use super::ahead::Ahead;
use super::capture::{CaptureWindow, Captured, Faults, Run};
use super::{Cause, Observer, Pipeline, Progress, Trace, report};
use crate::camera::Frame;
use crate::config::QualityGate;
use crate::detect::attack::challenge::{Challenge, Moment};
use crate::detect::attack::track::{Loss, Seen, Track};
use crate::detect::attack::{Need, Presentation, Species};
use crate::detect::quality::RetryReason;
use crate::detect::{Face, geometry};
use crate::embed::{KeyedEmbedding, OtherKey, Role};
use crate::people::UserName;

/// Longest time from the first prompt to the last frame, beyond `decision.deadline_ms`. Most people need a third of it. Who has
/// not answered by `ANSWER_LIMIT` is refused; whoever has is judged at this limit by the frames that there are, and counted as
/// an attack only if these say so. Clients wait as long: `serve` checks that they are told the same.
pub const CHALLENGE_LIMIT: Duration = Duration::from_secs(12);

/// How much of it may pass until the challenge is passed.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A face turned at least this far was not seen before the question: the nose from the middle of the eyes, in eye distances.
const TURNED_YAW: f32 = 0.2;

/// A face turned farther than this is embedded too badly to tell whose it is.
const MAX_YAW: f32 = 0.6;

/// So many frames in a row that show another person are no blurred ones.
const MAX_UNLIKE: usize = 3;

/// A challenge that runs.
struct Asking {
    challenge: Challenge,
    track: Track,
    /// Probes from before the questions, then those on the way: all of one person.
    known: Vec<KeyedEmbedding>,
    /// What the person was told last.
    prompt: Option<Need>,
    /// Whether a turned face since that question was found to be theirs.
    confirmed: bool,
    /// Frames in a row that seem to show another person.
    unlike: usize,
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
        let (wanted, deadline) = (probes.len(), now.after(CHALLENGE_LIMIT));
        let mut asking = Asking {
            challenge: Challenge::new((self.random)(), now),
            track: Track::default(),
            known: probes,
            prompt: None,
            confirmed: false,
            unlike: 0,
        };
        let mut run = Run::new(stage, wanted);
        let judged = match self.ask(&mut asking, observer, trace) {
            Ok(Presentation::Live(_)) => {
                let from = self.clock.now();
                let window = CaptureWindow { from, ..CaptureWindow::until(deadline, Role::Probe) };
                self.probes_after(&mut asking, &mut run, window, observer, trace)
            }
            Err(cause) => {
                if asking.challenge.is_asked() {
                    self.count_attack(claimed)?;
                }
                return Err(cause);
            }
            refused => refused,
        };
        self.conclude(claimed, run, judged)
    }

    /// Follows the face until the challenge is decided.
    fn ask(
        &mut self,
        asking: &mut Asking,
        observer: Observer<'_>,
        trace: &mut Trace,
    ) -> Result<Presentation, Cause> {
        let window = CaptureWindow::until(self.clock.now().after(ANSWER_LIMIT), Role::Probe);
        let mut faults = Faults::default();
        loop {
            let now = self.clock.now();
            let presentation = asking.challenge.judge(now);
            if asking.challenge.is_unanswered(now) || now >= window.deadline {
                return Err(faults.last.unwrap_or(Cause::Retry(RetryReason::NoAnswer)));
            }
            match presentation {
                Presentation::MoreNeeded(need) if asking.is_new(need) => {
                    if let Some(swap) = asking.begin(need)? {
                        return Ok(swap);
                    }
                    report(observer, Progress::Prompt(need))?;
                }
                Presentation::MoreNeeded(_) => {}
                Presentation::Live(_) => {
                    return Ok(asking.begin(Need::LookStraight)?.unwrap_or(presentation));
                }
                Presentation::Attack(_) => return Ok(presentation),
            }
            let Some((frame, _)) = self.next_frame(&window, None, &mut faults, observer)? else { continue };
            faults = Faults::default();
            // Whoever hangs up ends the attempt at once.
            report(observer, Progress::Frame)?;
            let faces = self.detect(&frame, None, trace)?;
            match asking.track.see(&frame, &faces) {
                Seen::Face(face) => self.follow(asking, &frame, &face)?,
                Seen::Nothing => {}
                Seen::Lost(Loss::Several) => return Err(Cause::Retry(RetryReason::SeveralFaces)),
                Seen::Lost(Loss::Gone | Loss::Jumped) => asking.challenge.lost(),
            }
        }
    }

    /// One frame of the face that is followed. A face that cannot be embedded shows nothing of whose it is.
    fn follow(&self, asking: &mut Asking, frame: &Frame, face: &Face) -> Result<(), Cause> {
        let moment = asking.challenge.see(frame.taken_at(), face, (frame.width(), frame.height()));
        let turned = asking.challenge.is_asked() && geometry::yaw(face) >= TURNED_YAW;
        let is_confirmed = asking.confirmed || !turned;
        if moment == Moment::Pass && is_confirmed {
            return Ok(());
        }
        let gate = QualityGate { max_turn: MAX_YAW, ..self.rules.quality.clone() };
        let seen = self.networks.embedder.examine(&gate, frame, &[*face], &mut |_| ())?;
        let Ok(seen) = seen else { return Ok(()) };
        let probe = self.gallery.key().apply(&seen.embedding);
        let is_known = self.is_known(&asking.known, &probe)?;
        if asking.is_swap(is_known) {
            asking.challenge.swapped();
        } else if is_known {
            asking.confirmed |= turned;
            asking.known.push(probe);
        }
        Ok(())
    }

    /// The probes to be compared: of the person who answered, and live by themselves as well. If no more come after one that did
    /// not look like them, it is a swap.
    fn probes_after(
        &mut self,
        asking: &mut Asking,
        run: &mut Run,
        mut window: CaptureWindow,
        observer: Observer<'_>,
        trace: &mut Trace,
    ) -> Result<Presentation, Cause> {
        report(observer, Progress::Prompt(Need::LookStraight))?;
        loop {
            let mut seen = match self.next_probe(&window, &mut Ahead::default(), observer, trace) {
                Err(Cause::Retry(_) | Cause::Camera(_) | Cause::Cancelled) if asking.unlike > 0 => {
                    return Ok(SWAP);
                }
                seen => seen?,
            };
            let is_known = self.is_known(&asking.known, &seen.probe)?;
            if asking.is_swap(is_known) {
                return Ok(SWAP);
            }
            if !is_known {
                self.faces.saw_several();
                continue;
            }
            self.present(&mut run.stage, &mut seen)?;
            run.push(seen.probe, observer, trace)?;
            let presentation = run.stage.judge(&self.cameras.used().scene);
            if let Some(decision) = run.decided(presentation) {
                return Ok(decision);
            }
            if let Presentation::MoreNeeded(need) = presentation {
                window.problem = Some(self.lacks(need));
            }
        }
    }

    /// Whether a probe shows the person of these: any of them, since a turned face is least like a straight one.
    fn is_known(&self, known: &[KeyedEmbedding], probe: &KeyedEmbedding) -> Result<bool, OtherKey> {
        known.iter().try_fold(false, |alike, one| Ok(alike || self.alike(one, probe)?))
    }
}

const SWAP: Presentation = Presentation::Attack(Species::Swap);

impl Asking {
    /// Whether the person was not told this last.
    fn is_new(&self, need: Need) -> bool {
        need != Need::Frames && self.prompt != Some(need)
    }

    /// The next prompt. The turn before it must have shown the same person: a picture of them could come back for the rest.
    fn begin(&mut self, need: Need) -> Result<Option<Presentation>, Cause> {
        if need == Need::TurnFarther {
            self.prompt = Some(need);
            return Ok(None);
        }
        let turned = matches!(self.prompt, Some(Need::TurnLeft | Need::TurnRight | Need::TurnFarther));
        if turned && !self.confirmed {
            let unclear = Err(Cause::Retry(RetryReason::Unclear));
            return if self.unlike > 0 { Ok(Some(SWAP)) } else { unclear };
        }
        (self.prompt, self.confirmed) = (Some(need), false);
        Ok(None)
    }

    /// Takes note of whether a frame shows the same person; whether it is another one now.
    fn is_swap(&mut self, is_known: bool) -> bool {
        self.unlike = if is_known { 0 } else { self.unlike + 1 };
        self.unlike >= MAX_UNLIKE
    }
}
