//! The second half of the stage before the comparison: the person is asked to turn their head, and what is compared are
//! frames taken after they did, of the same person all along.
//!
//! Once a question was put, an attempt that ends without an answer counts as a refused attack does, whatever the reason.
//! Otherwise somebody with a film could have the question drawn again until it suits. After the answer the frames decide.
//!
//! What is compared with what. A head that turns is like itself a moment ago, and not always like its straight face, so a face
//! during the questions counts as another person's only if it is like no earlier one. Such a chain can lead from anybody to
//! anybody, by faces that are half of one and half of the other; so nothing is granted on it:
//! - A turned face speaks for the person from before the questions only if the two are rather alike themselves.
//! - A probe after the answer is like the person from before, rather like the turned face of each answer, which is a head's, and
//!   like the first of its run and the one before it. Who was there before may have been a picture, who turned was not.

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
use crate::head::LogOdds;
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

/// A turned face and a straight one of the same person are at least rather alike. Frontal ones of strangers are in 0.2 % of
/// decisions of one frame (docs/rates/search.md); turned ones were not measured.
const RATHER: LogOdds = LogOdds(0.0);

/// A challenge that runs.
struct Asking {
    challenge: Challenge,
    track: Track,
    /// Probes from before the questions.
    before: Vec<KeyedEmbedding>,
    /// Faces on the way, each like an earlier one.
    on_the_way: Vec<KeyedEmbedding>,
    /// The answers of those questions that are over.
    turned: Vec<KeyedEmbedding>,
    /// What the person was told last.
    prompt: Option<Need>,
    /// The newest face turned as that question asks, if it is rather like the person from before.
    answer: Option<KeyedEmbedding>,
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
            before: probes,
            on_the_way: Vec::new(),
            turned: Vec::new(),
            prompt: None,
            answer: None,
            unlike: 0,
        };
        match self.ask(&mut asking, observer, trace) {
            Ok(Presentation::Live(_)) => {
                let from = self.clock.now();
                self.cameras.used_mut().forget_infrared(from);
                let window = CaptureWindow { from, ..CaptureWindow::until(deadline, Role::Probe) };
                // What was live before the answer says nothing of what is there now.
                let mut run = Run::new(self.attack_stage(), wanted);
                let judged = self.probes_after(&mut asking, &mut run, window, observer, trace);
                self.conclude(claimed, run, judged)
            }
            Ok(presentation) => Ok(Captured { probes: Vec::new(), presentation, stage }),
            Err(cause) => {
                if asking.challenge.is_asked() {
                    self.count_attack(claimed)?;
                }
                Err(cause)
            }
        }
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

    /// One frame of the face that is followed. A face that cannot be embedded shows nothing of whose it is, and as an answer
    /// nobody.
    fn follow(&self, asking: &mut Asking, frame: &Frame, face: &Face) -> Result<(), Cause> {
        let moment = asking.challenge.see(frame.taken_at(), face, (frame.width(), frame.height()));
        let turned = asking.is_to_turn() && geometry::yaw(face) >= TURNED_YAW;
        let is_confirmed = asking.answer.is_some() || !turned;
        if moment == Moment::Pass && is_confirmed {
            return Ok(());
        }
        let gate = QualityGate { max_turn: MAX_YAW, ..self.rules.quality.clone() };
        let seen = self.networks.embedder.examine(&gate, frame, &[*face], &mut |_| ())?;
        let Ok(seen) = seen else {
            if turned {
                asking.answer = None;
            }
            return Ok(());
        };
        let probe = self.gallery.key().apply(&seen.embedding);
        let is_known = self.is_like_any(asking.before.iter().chain(&asking.on_the_way), &probe)?;
        if turned {
            let is_theirs = is_known && self.odds(&asking.before, &probe)?.iter().any(|odds| *odds >= RATHER);
            asking.answer = is_theirs.then(|| probe.clone());
        }
        if asking.is_swap(is_known) {
            asking.challenge.swapped();
        } else if is_known {
            asking.on_the_way.push(probe);
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
            let is_theirs = self.is_theirs(asking, run, &seen.probe)?;
            if asking.is_swap(is_theirs) {
                return Ok(SWAP);
            }
            if !is_theirs {
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

    /// Whether a probe after the answer shows the person who was there before, who turned, and who is in this run.
    fn is_theirs(&self, asking: &Asking, run: &Run, probe: &KeyedEmbedding) -> Result<bool, OtherKey> {
        Ok(self.is_like_any(&asking.before, probe)?
            && self.odds(&asking.turned, probe)?.iter().all(|odds| *odds >= RATHER)
            && self.continues(run, probe)?)
    }

    fn is_like_any<'a>(
        &self,
        known: impl IntoIterator<Item = &'a KeyedEmbedding>,
        probe: &KeyedEmbedding,
    ) -> Result<bool, OtherKey> {
        known.into_iter().try_fold(false, |like, one| Ok(like || self.alike(one, probe)?))
    }

    /// That each of these and the probe show one person.
    fn odds(&self, known: &[KeyedEmbedding], probe: &KeyedEmbedding) -> Result<Vec<LogOdds>, OtherKey> {
        known.iter().map(|one| self.gallery.head().log_odds(one, probe)).collect()
    }
}

const SWAP: Presentation = Presentation::Attack(Species::Swap);

impl Asking {
    /// Whether the person was not told this last.
    fn is_new(&self, need: Need) -> bool {
        need != Need::Frames && self.prompt != Some(need)
    }

    /// Whether they were told last to turn to a side.
    fn is_to_turn(&self) -> bool {
        matches!(self.prompt, Some(Need::TurnLeft | Need::TurnRight | Need::TurnFarther))
    }

    /// The next prompt. The turn before it must have shown the same person: a picture of them could come back for the rest.
    fn begin(&mut self, need: Need) -> Result<Option<Presentation>, Cause> {
        if need == Need::TurnFarther {
            self.prompt = Some(need);
            return Ok(None);
        }
        let answer = self.answer.take();
        if self.is_to_turn() && answer.is_none() {
            let unclear = Err(Cause::Retry(RetryReason::Unclear));
            return if self.unlike > 0 { Ok(Some(SWAP)) } else { unclear };
        }
        self.turned.extend(answer);
        self.prompt = Some(need);
        Ok(None)
    }

    /// Takes note of whether a frame shows the same person; whether it is another one now.
    fn is_swap(&mut self, is_known: bool) -> bool {
        self.unlike = if is_known { 0 } else { self.unlike + 1 };
        self.unlike >= MAX_UNLIKE
    }
}
