//! The stage between the face and the comparison: is a live face before the camera, or a picture of one? Nothing is compared
//! before it has said so.

use super::{Cause, DenyReason, Pipeline, Verdict, misses::Tried};
use crate::camera::Frame;
use crate::detect::Face;
use crate::detect::attack::passive::{FRAMES, Passive, calibration};
use crate::detect::attack::scene::Scene;
use crate::detect::attack::surroundings::Surroundings;
use crate::detect::attack::{CueScore, Presentation, Score, Species};
use crate::people::UserName;
use crate::store::LiveScore;

/// What the frames of one face say; without a detector that they are live.
pub(super) struct AttackStage(Option<Evidence>);

struct Evidence {
    passive: Passive,
    surroundings: Surroundings,
}

impl AttackStage {
    /// Frames that it needs at least.
    pub(super) fn frames(&self) -> usize {
        if self.0.is_some() { FRAMES } else { 0 }
    }

    /// Another frame of the face. Returns what the network says of it alone, if it counts.
    pub(super) fn see(&mut self, frame: &Frame, face: &Face) -> Result<Option<Score>, Cause> {
        let Some(Evidence { passive, surroundings }) = &mut self.0 else { return Ok(None) };
        surroundings.see(frame, Some(face));
        Ok(passive.see(frame, face)?)
    }

    /// Whether it cannot judge yet.
    pub(super) fn needs_more(&self) -> bool {
        let passive = self.0.as_ref().map(|evidence| evidence.passive.judge(&[]));
        matches!(passive, Some(Presentation::MoreNeeded(_)))
    }

    /// What they say so far, and what the room around them says.
    pub(super) fn judge(&self, scene: &Scene) -> Presentation {
        let Some(Evidence { passive, surroundings }) = &self.0 else {
            return Presentation::Live(Score(f32::INFINITY));
        };
        let cue = |score| CueScore { score, species: Species::Flat };
        passive.judge(&[cue(scene.score()), cue(surroundings.score())])
    }
}

impl From<Passive> for AttackStage {
    fn from(passive: Passive) -> Self {
        Self(Some(Evidence { passive, surroundings: Surroundings::default() }))
    }
}

impl Pipeline {
    /// For an attempt; the owner's own frames have told how live faces score before this camera.
    pub(super) fn attack_stage(&mut self) -> AttackStage {
        self.scene.start();
        let Some(detector) = &self.networks.passive else { return AttackStage(None) };
        let source = self.live_source(detector.id());
        let scores = self.gallery.live_scores().filter(|live| live.source == source);
        detector.decision(calibration(scores.map(|live| live.score).collect())).into()
    }

    /// For an enrolment: a picture must not become a template.
    pub(super) fn enrolment_stage(&mut self) -> AttackStage {
        self.scene.start();
        let Some(detector) = &self.networks.passive else { return AttackStage(None) };
        detector.enrolment().into()
    }

    /// A score to be kept with a template.
    pub(super) fn live_score(&self, score: Score) -> Option<LiveScore> {
        let detector = self.networks.passive.as_ref()?;
        Some(LiveScore { score: score.0, source: self.live_source(detector.id()) })
    }

    /// Scores of another network or camera say nothing about those of this one.
    fn live_source(&self, network: &str) -> u64 {
        let name = self.frames.name();
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
        if let Some(user) = claimed
            && self.was_removed(user)?
        {
            return Err(Cause::NotEnrolled);
        }
        Ok(self.keep_misses(claimed, Tried::Attack)?)
    }
}
