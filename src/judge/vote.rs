//! Several frames against several templates to one decision.
//!
//! Measured on hard pictures at FMR 1e-4: one frame and one template 0.756 true matches, one frame and five
//! templates 0.943, three frames and five templates 0.997. Log-odds add up over evidence, so the mean is
//! taken of z, not of p.

use std::borrow::Cow;

use crate::embed::Embedding;
use crate::head::{Head, LogOdds};

/// A frame is as like a person as its best so many templates, on average.
const BEST_TEMPLATES: usize = 2;

/// Mean over the frames of the mean over the two best templates. `None` without a frame or a template.
pub fn decide<'a>(
    head: &Head,
    frames: &[Embedding],
    templates: impl Iterator<Item = &'a Embedding>,
) -> Option<LogOdds> {
    decide_projected(head, &project(head, frames.iter()), templates)
}

/// As [`decide`], for frames that are compared with many people: h of each by [`project`].
pub fn decide_projected<'a>(
    head: &Head,
    frames: &[Cow<'_, [f32]>],
    templates: impl Iterator<Item = &'a Embedding>,
) -> Option<LogOdds> {
    let templates = project(head, templates);
    combine(frames.len(), templates.len(), |f, t| head.log_odds_of(&frames[f], &templates[t]))
}

/// h of each embedding.
pub fn project<'a>(head: &Head, embeddings: impl Iterator<Item = &'a Embedding>) -> Vec<Cow<'a, [f32]>> {
    embeddings.map(|embedding| head.project(embedding)).collect()
}

/// The rule alone: `z(f, t)` is the log-odds of frame `f` against template `t`.
pub fn combine(frames: usize, templates: usize, z: impl Fn(usize, usize) -> LogOdds) -> Option<LogOdds> {
    let per_frame = (0..frames).map(|f| {
        let mut best: Vec<f32> = (0..templates).map(|t| z(f, t).0).collect();
        best.sort_by(|a, b| b.total_cmp(a));
        best.truncate(BEST_TEMPLATES);
        mean(&best)
    });
    mean(&per_frame.collect::<Option<Vec<f32>>>()?).map(LogOdds)
}

fn mean(values: &[f32]) -> Option<f32> {
    (!values.is_empty()).then(|| values.iter().sum::<f32>() / values.len() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn at(degrees: f32) -> Embedding {
        let (y, x) = degrees.to_radians().sin_cos();
        Embedding::new(vec![x, y]).expect("unit")
    }

    fn head() -> Head {
        Head::new(Path::new("test"), 4.0, vec![-5.0, -5.0], 0.9).expect("works")
    }

    #[test]
    fn a_decision_is_the_mean_over_frames_of_the_two_best_templates() {
        let (head, templates) = (head(), [at(0.0), at(10.0), at(90.0)]);
        let frames = [at(2.0), at(20.0)];
        let of =
            |f: &Embedding| (head.log_odds(f, &templates[0]).0 + head.log_odds(f, &templates[1]).0) / 2.0;
        let wanted = (of(&frames[0]) + of(&frames[1])) / 2.0;
        let got = decide(&head, &frames, templates.iter()).expect("evidence");
        assert!((got.0 - wanted).abs() < 1e-5);
    }

    #[test]
    fn one_template_is_enough_and_none_is_no_evidence() {
        let frames = [at(0.0)];
        assert_eq!(decide(&head(), &frames, [at(0.0)].iter()), Some(LogOdds(4.0)));
        assert_eq!(decide(&head(), &frames, [].iter()), None);
        assert_eq!(decide(&head(), &[], [at(0.0)].iter()), None);
    }

    /// A mean alone guards nothing here: at the scale of a shipped head (b = 40.7, p >= 0.97 asked) the very picture
    /// somebody is enrolled from outweighs two looks of a stranger. So looks of two people must never be put to one vote:
    /// the pipeline begins anew when a look is unlike the one before (`pipeline/capture.rs`).
    #[test]
    fn one_perfect_frame_carries_two_of_a_stranger_so_they_must_not_come_to_one_vote() {
        let head = Head::new(Path::new("test"), 40.7, vec![-25.35, -25.35], 0.970_688).expect("works");
        let (owner, stranger) = ([at(0.0), at(0.0)], at(90.0));
        let vote = |frames: &[Embedding]| decide(&head, frames, owner.iter()).expect("evidence");
        assert!((vote(std::slice::from_ref(&stranger)).0 + 10.0).abs() < 1e-3);
        let mixed = vote(&[at(0.0), stranger.clone(), stranger.clone()]);
        assert!(mixed.probability() >= head.threshold(), "{mixed:?}");
        assert!(head.probability(&owner[0], &stranger) < head.threshold(), "what the pipeline notices");
    }
}
