//! Ways to make one decision of templates and frames.

use super::faces::{Face, Faces};
use facelatch::head::{Formula, LogOdds};
use facelatch::judge::vote;

/// Which embedding of a picture is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// That of the chip.
    Plain,
    /// The mean of those of the chip and of its mirror image, scaled to unit length. Two runs of the embedder.
    Both,
}

/// Scores of frames and templates to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fusion {
    /// Mean over the frames of the mean of this many best templates. The daemon's, with 2.
    Best(usize),
    /// Mean over the frames, each against the mean of all templates, scaled to unit length.
    MeanTemplate,
    /// The same, each template weighted by its norm.
    WeightedTemplate,
    /// Mean over the frames of the mean of the two best, the mean template being one more.
    OneMore,
    /// The mean of the frames, scaled to unit length, against the two best templates.
    MeanFrame,
    /// The same, the mean template being one more.
    MeanFrameOneMore,
    /// The mean of the frames against the mean of the templates.
    Means,
    /// Two best templates; frames weighted by their norm.
    WeightedFrames,
    /// Two best templates; the best frame alone.
    BestFrame,
}

/// When the frames are embedded once more, mirrored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Again {
    /// Where the first answer misses the threshold by less than this many log-odds.
    NearMiss(f32),
    /// Where it is less than this far from the threshold, on either side.
    Unsure(f32),
}

impl Again {
    /// Whether this first answer calls for it.
    pub(super) fn wanted(self, z: f32, threshold: f32) -> bool {
        match self {
            Self::NearMiss(by) => z < threshold && z > threshold - by,
            Self::Unsure(by) => (z - threshold).abs() < by,
        }
    }
}

/// One way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Way {
    /// Of the templates.
    pub(super) templates: View,
    /// Of the frames.
    pub(super) frames: View,
    /// How scores come together.
    pub(super) fusion: Fusion,
    /// Whether the frames may be embedded again.
    pub(super) again: Option<Again>,
}

impl Way {
    /// The daemon's.
    pub(super) const SHIPPED: Self =
        Self { templates: View::Plain, frames: View::Plain, fusion: Fusion::Best(2), again: None };

    /// Log-odds of a decision, by sample numbers; `None` without a template or a frame.
    pub(super) fn decide(
        &self,
        faces: &Faces,
        head: (&Formula, f32),
        templates: &[usize],
        frames: &[usize],
    ) -> Option<f32> {
        let first = self.once(self.frames, faces, head.0, templates, frames)?;
        match self.again {
            Some(again) if again.wanted(first, head.1) => {
                self.once(View::Both, faces, head.0, templates, frames)
            }
            _ => Some(first),
        }
    }

    fn once(
        &self,
        view: View,
        faces: &Faces,
        formula: &Formula,
        templates: &[usize],
        frames: &[usize],
    ) -> Option<f32> {
        if templates.is_empty() || frames.is_empty() {
            return None;
        }
        let z = |t: usize, f: usize| faces.score(Face(self.templates, t), Face(view, f));
        let one =
            |frame: usize, best: usize| best_mean(templates.iter().map(|t| z(*t, frame)).collect(), best);
        let template = |weight: &dyn Fn(usize) -> f32| faces.mean(self.templates, templates, weight);
        let frame = || faces.mean(view, frames, &|_| 1.0);
        let h = |f: &usize| faces.h(Face(view, *f));
        let log_odds = |t: &[f32], f: &[f32]| formula.log_odds(t, f).0;
        let each = |score: &dyn Fn(&usize) -> f32| mean(frames.iter().map(|f| (score(f), 1.0)));
        let against_each = |t: &[f32]| each(&|f| log_odds(t, h(f)));
        let against_templates = |f: &[f32]| -> Vec<f32> {
            templates.iter().map(|t| log_odds(faces.h(Face(self.templates, *t)), f)).collect()
        };
        match self.fusion {
            Fusion::Best(2) => {
                vote::combine(frames.len(), templates.len(), |f, t| LogOdds(z(templates[t], frames[f])))
                    .map(|z| z.0)
            }
            Fusion::Best(best) => each(&|f| one(*f, best)),
            Fusion::MeanTemplate => against_each(&template(&|_| 1.0)),
            Fusion::WeightedTemplate => against_each(&template(&|t| faces.norm(t))),
            Fusion::OneMore => {
                let template = template(&|_| 1.0);
                let scores = |f: &usize| {
                    templates.iter().map(|t| z(*t, *f)).chain([log_odds(&template, h(f))]).collect()
                };
                each(&|f| best_mean(scores(f), 2))
            }
            Fusion::MeanFrame => Some(best_mean(against_templates(&frame()), 2)),
            Fusion::MeanFrameOneMore => {
                let frame = frame();
                let mut scores = against_templates(&frame);
                scores.push(log_odds(&template(&|_| 1.0), &frame));
                Some(best_mean(scores, 2))
            }
            Fusion::Means => Some(log_odds(&template(&|_| 1.0), &frame())),
            Fusion::WeightedFrames => mean(frames.iter().map(|f| (one(*f, 2), faces.norm(*f)))),
            Fusion::BestFrame => frames.iter().map(|f| one(*f, 2)).max_by(f32::total_cmp),
        }
    }
}

/// Mean of the `best` largest.
fn best_mean(mut scores: Vec<f32>, best: usize) -> f32 {
    scores.sort_by(|a, b| b.total_cmp(a));
    scores.truncate(best.max(1));
    scores.iter().sum::<f32>() / scores.len() as f32
}

/// Of values with their weights.
fn mean(values: impl Iterator<Item = (f32, f32)>) -> Option<f32> {
    let (sum, weight) =
        values.fold((0.0, 0.0), |(sum, all), (value, weight)| (sum + value * weight, all + weight));
    (weight > 0.0).then(|| sum / weight)
}
