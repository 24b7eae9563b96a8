//! All that is known of a face without asking for anything: scores of several frontal frames, and of the cues, put together.
//!
//! The network scores frames one by one, and turned faces were seldom shown to it, so only frontal ones count.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use super::{CueScore, FrameScore, Need, Presentation, Score, Species};
use crate::camera::Frame;
use crate::clock::BootTime;
use crate::detect::{Face, geometry};
use crate::model::{ModelError, OperatingPoints};

/// Frontal frames of a decision that is clear at once: the frames of a comparison, so that it costs no time.
pub const MIN_FRAMES: usize = 3;

/// Frontal frames of a decision that is not. More tell little more: frames of one face are much alike (docs/attacks.md).
pub const MAX_FRAMES: usize = 10;

/// The frontal frames of a decision that is not clear are all taken within this time: a board that judges few frames a second does not
/// keep people waiting for ten, and frames farther apart tell more each (docs/attacks.md).
pub const MAX_TIME: Duration = Duration::from_secs(1);

/// A face turned farther than this is not frontal: the nose from the middle of the eyes, in eye distances.
pub const MAX_YAW: f32 = 0.2;

/// How far the owner's own live frames may move the threshold, in log-odds, either way.
pub const MAX_OFFSET: f32 = 1.0;

/// Fewer enrolled frames than this say nothing about a camera.
const MIN_CALIBRATION: usize = 3;

/// What the network says of one frame by itself, or what the frame lacks.
pub type Scored = Result<Score, Need>;

/// What a presentation has to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// The least total of a live one.
    pub threshold: f32,
    /// Totals nearer to it than this decide nothing before there are [`MAX_FRAMES`], or frames of [`MAX_TIME`]. A larger one than
    /// the network's costs frames and gains nothing (docs/attacks.md).
    pub margin: f32,
}

impl Bar {
    /// Whether a presentation with this total after so many frontal frames is live; `None` while it is too close to tell. A total
    /// that is no number is that of an attack.
    pub fn judge(&self, Score(total): Score, frames: usize) -> Option<bool> {
        let margin = if frames < MAX_FRAMES { self.margin } else { 0.0 };
        let is_live = total >= self.threshold + margin;
        let is_close = total >= self.threshold - margin;
        (is_live || !is_close).then_some(is_live)
    }

    /// The same where no more frames come: nothing is too close to tell.
    #[must_use]
    pub fn without_margin(self) -> Self {
        Self { margin: 0.0, ..self }
    }
}

/// A network, and the scores that its presentations must reach.
#[derive(Clone)]
pub struct PassiveDetector {
    network: Arc<dyn FrameScore>,
    live_median: f32,
    bar: Bar,
    enrolment_threshold: f32,
}

impl PassiveDetector {
    /// A detector that refuses the share `bpcer` of live presentations, if the network has a threshold for that.
    pub fn new(network: Arc<dyn FrameScore>, points: &OperatingPoints, bpcer: f32) -> Option<Self> {
        Some(Self {
            network,
            live_median: points.live_median,
            bar: Bar { threshold: points.threshold(bpcer)?, margin: points.margin },
            enrolment_threshold: points.most_generous()?,
        })
    }

    /// Tells its scores from those of another network.
    pub fn id(&self) -> &str {
        self.network.id()
    }

    /// One frame of a face by itself.
    ///
    /// # Errors
    /// When the network fails.
    pub fn score(&self, frame: &Frame, face: &Face) -> Result<Scored, ModelError> {
        score(&*self.network, frame, face)
    }

    /// A decision about a probe; `calibration` is what the camera's own live frames scored.
    pub fn decision(&self, calibration: Option<Score>) -> Passive {
        let threshold = self.bar.threshold + self.offset(calibration);
        Passive::new(self.network.clone(), Bar { threshold, ..self.bar })
    }

    /// A decision about an enrolment, the most generous there is: the camera is not known yet. All its frames decide, however
    /// many they are.
    pub fn enrolment(&self) -> Passive {
        Passive::new(self.network.clone(), Bar { threshold: self.enrolment_threshold, margin: 0.0 })
    }

    /// How far a camera's live frames score from those that the threshold was set on, within limits.
    fn offset(&self, calibration: Option<Score>) -> f32 {
        let offset = calibration.map_or(0.0, |Score(median)| median - self.live_median);
        if offset.is_finite() { offset.clamp(-MAX_OFFSET, MAX_OFFSET) } else { 0.0 }
    }
}

/// What the enrolled frames of a camera say: their median. `None` for too few.
pub fn calibration(mut scores: Vec<f32>) -> Option<Score> {
    if scores.len() < MIN_CALIBRATION {
        return None;
    }
    scores.sort_by(f32::total_cmp);
    Some(Score(scores[scores.len() / 2]))
}

/// One decision: the frames of one face, one after another.
pub struct Passive {
    network: Arc<dyn FrameScore>,
    bar: Bar,
    /// Sum of the frontal frames' scores.
    sum: f32,
    /// Frontal frames.
    count: usize,
    /// When the first of them was taken, and the last frame.
    first_taken_at: Option<BootTime>,
    last_taken_at: Option<BootTime>,
    /// What the last frame lacked.
    lacks: Option<Need>,
}

impl Passive {
    /// A decision that takes presentations that reach this for live.
    pub fn new(network: Arc<dyn FrameScore>, bar: Bar) -> Self {
        Self { network, bar, sum: 0.0, count: 0, first_taken_at: None, last_taken_at: None, lacks: None }
    }

    /// Another frame of the face. A frame that is not newer than the last one is no evidence, and is left out. Returns the
    /// network's score of a frontal one.
    ///
    /// # Errors
    /// When the network fails.
    pub fn see(&mut self, frame: &Frame, face: &Face) -> Result<Option<Score>, ModelError> {
        self.see_scored(frame, face, None)
    }

    /// The same where [`PassiveDetector::score`] may have been asked about the frame already.
    ///
    /// # Errors
    /// When the network fails, or failed then.
    pub fn see_scored(
        &mut self,
        frame: &Frame,
        face: &Face,
        scored: Option<Result<Scored, ModelError>>,
    ) -> Result<Option<Score>, ModelError> {
        if self.last_taken_at.is_some_and(|last| frame.taken_at() <= last) {
            return Ok(None);
        }
        self.last_taken_at = Some(frame.taken_at());
        let scored = scored.unwrap_or_else(|| score(&*self.network, frame, face))?;
        self.lacks = scored.err();
        if let Ok(score) = scored {
            self.sum += score.0;
            self.count += 1;
            self.first_taken_at.get_or_insert(frame.taken_at());
        }
        Ok(scored.ok())
    }

    /// What the frames so far say, and the cues about the same frames.
    pub fn judge(&self, cues: &[CueScore]) -> Presentation {
        let time = self.last_taken_at.zip(self.first_taken_at).map(|(last, first)| last.since(first));
        if time.is_some_and(|time| time >= MAX_TIME) {
            return self.judge_at_end(cues);
        }
        self.judge_by(self.bar, cues)
    }

    /// The same where no more frames come: undecided only with too few.
    pub fn judge_at_end(&self, cues: &[CueScore]) -> Presentation {
        self.judge_by(self.bar.without_margin(), cues)
    }

    fn judge_by(&self, bar: Bar, cues: &[CueScore]) -> Presentation {
        let judged = self.total(cues).and_then(|total| Some((total, bar.judge(total, self.count)?)));
        match judged {
            None => Presentation::MoreNeeded(self.lacks.unwrap_or(Need::Frames)),
            Some((total, true)) => Presentation::Live(total),
            Some((_, false)) => Presentation::Attack(species(cues)),
        }
    }

    /// All of it together; `None` while there are too few frontal frames.
    pub fn total(&self, cues: &[CueScore]) -> Option<Score> {
        if self.count < MIN_FRAMES {
            return None;
        }
        // Log-odds add up over evidence: the mean frame, since frames of one face are no independent ones, and each cue.
        let told = cues.iter().filter_map(|cue| cue.score).map(|Score(score)| score);
        self.mean().map(|Score(mean)| Score(mean + told.sum::<f32>()))
    }

    /// What the network says of the frontal frames, if there are any.
    pub fn mean(&self) -> Option<Score> {
        (self.count > 0).then(|| Score(self.sum / self.count as f32))
    }

    /// The least total of a live presentation.
    pub fn threshold(&self) -> Score {
        Score(self.bar.threshold)
    }
}

/// What the network says of a frontal frame that it was made for.
fn score(network: &dyn FrameScore, frame: &Frame, face: &Face) -> Result<Scored, ModelError> {
    match () {
        () if geometry::yaw(face) > MAX_YAW => Ok(Err(Need::LookStraight)),
        () if !network.can_judge(frame, face) => Ok(Err(Need::Colour)),
        () => network.score(frame, face).map(Ok),
    }
}

/// The cue that speaks the most for an attack names it.
fn species(cues: &[CueScore]) -> Species {
    let against =
        |cue: &CueScore| cue.score.filter(|score| score.0 < 0.0).map(|score| (score.0, cue.species));
    let worst = cues.iter().filter_map(against).min_by(|(one, _), (other, _)| one.total_cmp(other));
    worst.map_or(Species::Flat, |(_, species)| species)
}
