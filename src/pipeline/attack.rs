//! The stage between the face and the comparison: is a live face before the camera, or a picture of one? Nothing is compared
//! before it has said so.

use super::capture::{Captured, Seen};
use super::explain::{LiveNote, Measure};
use super::{Cause, DenyReason, Observer, Pipeline, Progress, Trace, Verdict, misses::Tried, report};
use crate::detect::attack::infrared::Infrared;
use crate::detect::attack::passive::{MIN_FRAMES, Passive, calibration};
use crate::detect::attack::scene::Scene;
use crate::detect::attack::surroundings::Surroundings;
use crate::detect::attack::{CueScore, Need, Presentation, Score, Species};
use crate::detect::quality::RetryReason;
use crate::people::UserName;
use crate::store::LiveScore;

/// What the frames of one face say; without a detector that they are live.
pub(super) struct AttackStage(Option<Evidence>);

struct Evidence {
    passive: Passive,
    surroundings: Surroundings,
    /// `None` without an infrared camera.
    infrared: Option<Infrared>,
}

impl AttackStage {
    /// Frames that it needs at least.
    pub(super) fn frames(&self) -> usize {
        if self.0.is_some() { MIN_FRAMES } else { 0 }
    }

    /// What it lacks to judge.
    pub(super) fn needs(&self, scene: &Scene) -> Option<Need> {
        match self.judge(scene) {
            Presentation::MoreNeeded(need) => Some(need),
            Presentation::Live(_) | Presentation::Attack(_) => None,
        }
    }

    /// What they say so far, and what the room around them says.
    pub(super) fn judge(&self, scene: &Scene) -> Presentation {
        self.judge_by(scene, Passive::judge)
    }

    /// The same where no more frames come.
    pub(super) fn judge_at_end(&self, scene: &Scene) -> Presentation {
        self.judge_by(scene, Passive::judge_at_end)
    }

    fn judge_by(&self, scene: &Scene, judge: impl Fn(&Passive, &[CueScore]) -> Presentation) -> Presentation {
        let Some(evidence @ Evidence { passive, infrared, .. }) = &self.0 else {
            return Presentation::Live(Score(f32::INFINITY));
        };
        let presentation = judge(passive, &evidence.cues(scene).map(|(_, cue)| cue));
        infrared.as_ref().map_or(presentation, |infrared| infrared.confirm(presentation))
    }

    /// The same as one number; `None` without a detector, and while there are too few frames.
    pub(super) fn total(&self, scene: &Scene) -> Option<Score> {
        let evidence = self.0.as_ref()?;
        evidence.passive.total(&evidence.cues(scene).map(|(_, cue)| cue))
    }

    /// And by its parts; `None` without a detector.
    pub(super) fn explain(&self, scene: &Scene) -> Option<LiveNote> {
        let evidence = self.0.as_ref()?;
        let (passive, cues) = (&evidence.passive, evidence.cues(scene));
        let part =
            |name, score: Option<Score>| score.map(|score| Measure { name, value: score.0, least: None });
        let network = part("network", passive.mean());
        Some(LiveNote {
            log_odds: self.total(scene).map(|total| total.0),
            least: passive.threshold().0,
            parts: network
                .into_iter()
                .chain(cues.iter().filter_map(|(name, cue)| part(name, cue.score)))
                .collect(),
        })
    }
}

impl Evidence {
    /// What speaks beside the network, by name.
    fn cues(&self, scene: &Scene) -> [(&'static str, CueScore); 3] {
        let cue = |score| CueScore { score, species: Species::Flat };
        let infrared = self.infrared.as_ref().map_or(cue(None), Infrared::cue);
        [
            ("scene", cue(scene.score())),
            ("surroundings", cue(self.surroundings.score())),
            ("infrared", infrared),
        ]
    }
}

impl Pipeline {
    /// For an attempt; the owner's own frames have told how live faces score before this camera.
    pub(super) fn attack_stage(&mut self) -> AttackStage {
        self.cameras.used_mut().scene.start();
        let Some(detector) = &self.networks.passive else { return AttackStage(None) };
        let source = self.live_source(detector.id());
        let scores = self.gallery.live_scores().filter(|live| live.source == source);
        self.stage(detector.decision(calibration(scores.map(|live| live.score).collect())))
    }

    /// For an enrolment: a picture must not become a template.
    pub(super) fn enrolment_stage(&mut self) -> AttackStage {
        self.cameras.used_mut().scene.start();
        let Some(detector) = &self.networks.passive else { return AttackStage(None) };
        self.stage(detector.enrolment())
    }

    fn stage(&self, passive: Passive) -> AttackStage {
        let infrared = self.cameras.used().infrared.is_some().then(|| Infrared::new(None));
        AttackStage(Some(Evidence { passive, surroundings: Surroundings::default(), infrared }))
    }

    /// Another frame of the face. Returns what the network says of it alone, if it counts.
    pub(super) fn present(
        &mut self,
        stage: &mut AttackStage,
        seen: &mut Seen,
    ) -> Result<Option<Score>, Cause> {
        let Some(Evidence { passive, surroundings, infrared }) = &mut stage.0 else { return Ok(None) };
        if let Some((infrared, second)) = infrared.as_mut().zip(self.cameras.used_mut().infrared.as_mut()) {
            second.pair(infrared, seen, &self.networks.detector)?;
        }
        surroundings.see(&seen.frame, Some(&seen.face));
        Ok(passive.see_scored(&seen.frame, &seen.face, seen.scored.take())?)
    }

    /// Keeps what the frames said of the presentation.
    pub(super) fn judged(&self, captured: &Captured, trace: &mut Trace) {
        trace.note(|explanation| explanation.live = captured.stage.explain(&self.cameras.used().scene));
    }

    /// Tells the person what is lacking; returns the cause of failure if it stays so.
    pub(super) fn ask_for(&self, need: Need, observer: Observer<'_>) -> Result<Cause, Cause> {
        let cause = self.lacks(need);
        match &cause {
            Cause::Retry(reason) => report(observer, Progress::Guidance(*reason))?,
            Cause::Camera(why) => report(observer, Progress::Camera(why.clone()))?,
            _ => {}
        }
        Ok(cause)
    }

    /// Why an attempt ends that got no more than this.
    pub(super) fn lacks(&self, need: Need) -> Cause {
        match need {
            Need::Infrared => self.cameras.used().infrared_problem(),
            Need::Colour => Cause::Retry(RetryReason::NoColour),
            Need::Frames => Cause::Retry(RetryReason::Unclear),
            Need::LookStraight | Need::TurnLeft | Need::TurnRight | Need::TurnFarther => {
                Cause::Retry(RetryReason::TurnedAway)
            }
        }
    }

    /// A score to be kept with a template.
    pub(super) fn live_score(&self, score: Score) -> Option<LiveScore> {
        let detector = self.networks.passive.as_ref()?;
        Some(LiveScore { score: score.0, source: self.live_source(detector.id()) })
    }

    /// Scores of another network or camera say nothing about those of this one.
    fn live_source(&self, network: &str) -> u64 {
        let name = self.cameras.used().device();
        let bytes = network.bytes().chain([0]).chain(name.bytes());
        // FNV-1a, which stays the same from version to version.
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
    }

    /// Ends an attempt whose presentation is an attack: counted, and compared with nobody. The store is read again, as after
    /// a comparison.
    pub(super) fn refuse_attack(
        &mut self,
        claimed: Option<&UserName>,
        species: Species,
    ) -> Result<Verdict, Cause> {
        self.count_attack(claimed)?;
        Ok(Verdict::Denied(DenyReason::Attack(species)))
    }

    /// On the disk before anybody is told.
    pub(super) fn count_attack(&mut self, claimed: Option<&UserName>) -> Result<(), Cause> {
        if let Some(user) = claimed {
            self.check_not_removed(user, (claimed, Tried::Attack))?;
        }
        Ok(self.keep_misses(claimed, Tried::Attack)?)
    }
}
