//! What is known of an attempt once it is over, and how long its stages took.

use crate::detect::Face;
use crate::head::Probability;
use crate::judge::{Cause, Verdict};
use crate::people::UserName;

/// Milliseconds in each stage: the mean over the frames that came so far, and the score of the whole decision.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StageMs {
    /// Finding the face.
    pub detect: f64,
    /// Cutting it out.
    pub align: f64,
    /// Embedding it.
    pub embed: f64,
    /// Comparing all frames with all templates.
    pub score: f64,
}

/// A mean that grows with each value.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mean {
    sum: f64,
    count: u32,
}

/// Means of the stages that every frame goes through.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StageMeans {
    pub(super) detect: Mean,
    pub(super) align: Mean,
    pub(super) embed: Mean,
}

/// An attempt and how it ended.
#[derive(Debug)]
pub struct Attempt {
    /// The decision.
    pub verdict: Verdict,
    /// What the head said, if a face was judged. For root's eyes only.
    pub probability: Option<Probability>,
    /// What it had to reach, if a face was judged. For root's eyes only.
    pub threshold: Option<Probability>,
    /// Whose own misses denied an identification that found him: he is the one to reset.
    pub barred: Option<UserName>,
    pub(super) score_ms: f64,
    pub(super) means: StageMeans,
    /// Frames judged.
    pub frames: usize,
    /// The largest face in the last frame, judged or not, in pixels of that frame.
    pub face: Option<Face>,
    /// Picture file of the last frame, where the camera is a folder of pictures.
    pub picture: Option<String>,
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

impl Attempt {
    /// Time by stage.
    pub fn ms(&self) -> StageMs {
        let StageMeans { detect, align, embed } = self.means;
        StageMs { detect: detect.value(), align: align.value(), embed: embed.value(), score: self.score_ms }
    }

    pub(super) fn unavailable(cause: Cause) -> Self {
        Self {
            verdict: Verdict::Unavailable(cause),
            probability: None,
            threshold: None,
            barred: None,
            score_ms: 0.0,
            means: StageMeans::default(),
            frames: 0,
            face: None,
            picture: None,
        }
    }
}
