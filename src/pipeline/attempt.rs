//! What is known about an attempt once it is over, and how long its stages took.

use super::Verdict;
use super::explain::Explanation;
use crate::detect::Face;
use crate::detect::attack::Score;
use crate::head::Probability;

/// An attempt and how it ended.
#[derive(Debug)]
pub struct Attempt {
    /// How it ended.
    pub verdict: Verdict,
    /// What was seen and measured on the way.
    pub trace: Trace,
}

/// What was seen and measured during an attempt, as far as it got.
#[derive(Debug, Default)]
pub struct Trace {
    /// What the head said, if a face was judged. Only the owner may see it.
    pub probability: Option<Probability>,
    /// What it had to reach, if a face was judged. Only the owner may see it.
    pub threshold: Option<Probability>,
    /// What was said of the presentation with each frame before a challenge, once there were enough. Only the owner may see it.
    pub scores: Vec<Score>,
    /// What was said of it after a challenge that was passed. Only the owner may see it.
    pub answered: Option<Score>,
    /// The PIN that came before the face was the one for duress.
    pub duress: bool,
    /// A PIN came before the face, and not the one for duress.
    pub(super) has_pin: bool,
    /// What the attempt rests on, if it was made to be explained.
    pub explanation: Option<Box<Explanation>>,
    /// Good frames in the current run; it starts again when the face changes.
    pub frames: usize,
    /// The largest face in the last frame, judged or not, in pixels of that frame.
    pub face: Option<Face>,
    /// File name of the last frame, if frames come from a folder of pictures.
    pub picture: Option<String>,
    pub(super) means: StageMeans,
    pub(super) score_ms: f64,
}

/// Milliseconds in each stage: a mean over the frames, and the scoring of the whole decision.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StageMs {
    /// Detecting faces.
    pub detect: f64,
    /// Aligning the face.
    pub align: f64,
    /// Embedding it.
    pub embed: f64,
    /// Comparing all frames with all templates.
    pub score: f64,
}

/// Mean milliseconds of the stages that every frame goes through.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StageMeans {
    pub(super) detect: Mean,
    pub(super) align: Mean,
    pub(super) embed: Mean,
}

/// A running mean.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mean {
    sum: f64,
    count: u32,
}

impl Trace {
    /// Time by stage.
    pub fn ms(&self) -> StageMs {
        let StageMeans { detect, align, embed } = self.means;
        StageMs { detect: detect.value(), align: align.value(), embed: embed.value(), score: self.score_ms }
    }
}

impl Mean {
    pub(super) fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn value(self) -> f64 {
        self.sum / f64::from(self.count.max(1))
    }
}
