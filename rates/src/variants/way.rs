//! Ways to make one decision of templates and frames.

use super::faces::Faces;
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
    /// The mean of the frames, scaled to unit length, against the two best templates.
    MeanFrame,
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
        let (kept, seen) = (faces.of(self.templates), faces.of(view));
        let z = |t: &[f32], f: &[f32]| formula.log_odds(t, f).0;
        let against = |frame: &[f32], best: usize| {
            best_mean(templates.iter().map(|t| z(kept.h(*t), frame)).collect(), best)
        };
        let each = |score: &dyn Fn(usize) -> f32| mean(frames.iter().map(|f| (score(*f), 1.0)));
        match self.fusion {
            Fusion::Best(2) => vote::combine(frames.len(), templates.len(), |f, t| {
                LogOdds(z(kept.h(templates[t]), seen.h(frames[f])))
            })
            .map(|z| z.0),
            Fusion::Best(best) => each(&|f| against(seen.h(f), best)),
            Fusion::MeanTemplate => {
                let template = kept.mean(templates, &|_| 1.0);
                each(&|f| z(&template, seen.h(f)))
            }
            Fusion::WeightedTemplate => {
                let template = kept.mean(templates, &|t| faces.norm(t));
                each(&|f| z(&template, seen.h(f)))
            }
            Fusion::MeanFrame => Some(against(&seen.mean(frames, &|_| 1.0), 2)),
            Fusion::Means => Some(z(&kept.mean(templates, &|_| 1.0), &seen.mean(frames, &|_| 1.0))),
            Fusion::WeightedFrames => mean(frames.iter().map(|f| (against(seen.h(*f), 2), faces.norm(*f)))),
            Fusion::BestFrame => frames.iter().map(|f| against(seen.h(*f), 2)).max_by(f32::total_cmp),
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
