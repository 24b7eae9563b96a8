//! Several frames against several templates to one score.
//!
//! Measured on hard pictures at FMR 1e-4: one frame and one template 0.756 true matches, one frame and five
//! templates 0.943, three frames and five templates 0.997. Log-odds add up over evidence, so the mean is
//! taken of z, not of p.

use std::borrow::Cow;

use crate::embed::{KeyedEmbedding, OtherKey};
use crate::head::{KeyedHead, LogOdds};

/// A frame is compared with the mean of this many best templates.
pub(super) const BEST_TEMPLATES: usize = 2;

/// Mean over the frames of the mean over the two best templates. `None` without a frame or a template.
///
/// # Errors
/// [`OtherKey`].
pub fn decide(
    head: &KeyedHead,
    frames: &[KeyedEmbedding],
    templates: &[KeyedEmbedding],
) -> Result<Option<LogOdds>, OtherKey> {
    decide_projected(head, &project(head, frames)?, templates)
}

/// As [`decide`], for frames that are compared with many people: h of each by [`project`].
///
/// # Errors
/// [`OtherKey`].
pub fn decide_projected(
    head: &KeyedHead,
    frames: &[Cow<'_, [f32]>],
    templates: &[KeyedEmbedding],
) -> Result<Option<LogOdds>, OtherKey> {
    let templates = project(head, templates)?;
    Ok(combine(frames.len(), templates.len(), |f, t| head.log_odds_of(&frames[f], &templates[t])))
}

/// The log-odds of each frame, of which these are h, against one template.
///
/// # Errors
/// [`OtherKey`].
pub fn of_template(
    head: &KeyedHead,
    frames: &[Cow<'_, [f32]>],
    template: &KeyedEmbedding,
) -> Result<Vec<LogOdds>, OtherKey> {
    let template = head.project(template)?;
    Ok(frames.iter().map(|frame| head.log_odds_of(frame, &template)).collect())
}

/// h of each embedding.
///
/// # Errors
/// [`OtherKey`].
pub fn project<'a>(
    head: &KeyedHead,
    embeddings: &'a [KeyedEmbedding],
) -> Result<Vec<Cow<'a, [f32]>>, OtherKey> {
    // One allocation: this runs for each person in an identification.
    let mut projected = Vec::with_capacity(embeddings.len());
    for embedding in embeddings {
        projected.push(head.project(embedding)?);
    }
    Ok(projected)
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
    use crate::embed::{Embedding, TemplateKey};
    use crate::head::Head;
    use std::path::Path;

    fn at(degrees: f32) -> KeyedEmbedding {
        let (y, x) = degrees.to_radians().sin_cos();
        TemplateKey::identity().apply(&Embedding::new(vec![x, y]).expect("unit"))
    }

    fn head_of(bias: f32, alpha: f32, threshold: f64) -> KeyedHead {
        let head = Head::new(Path::new("test"), bias, vec![alpha, alpha], threshold).expect("works");
        head.for_key(&TemplateKey::identity())
    }

    fn head() -> KeyedHead {
        head_of(4.0, -5.0, 0.9)
    }

    #[test]
    fn a_decision_is_the_mean_over_frames_of_the_two_best_templates() {
        let (head, templates) = (head(), [at(0.0), at(10.0), at(90.0)]);
        let frames = [at(2.0), at(20.0)];
        let z = |a: &KeyedEmbedding, b: &KeyedEmbedding| head.log_odds(a, b).expect("one key").0;
        let of = |f: &KeyedEmbedding| (z(f, &templates[0]) + z(f, &templates[1])) / 2.0;
        let wanted = (of(&frames[0]) + of(&frames[1])) / 2.0;
        let got = decide(&head, &frames, &templates).expect("one key").expect("evidence");
        assert!((got.0 - wanted).abs() < 1e-5);
    }

    #[test]
    fn one_template_is_enough_and_none_is_no_evidence() {
        let frames = [at(0.0)];
        assert_eq!(decide(&head(), &frames, &[at(0.0)]), Ok(Some(LogOdds(4.0))));
        assert_eq!(decide(&head(), &frames, &[]), Ok(None));
        assert_eq!(decide(&head(), &[], &[at(0.0)]), Ok(None));
    }

    #[test]
    fn a_template_in_another_key_is_an_error_and_no_evidence() {
        let face = Embedding::new(vec![0.6, 0.8]).expect("unit");
        let other = TemplateKey::draw(&[1; 32], crate::embed::KeyKind::Permutation, 2).apply(&face);
        assert_eq!(decide(&head(), &[at(0.0)], &[at(0.0), other.clone()]), Err(OtherKey));
        assert_eq!(decide(&head(), &[other], &[at(0.0)]), Err(OtherKey));
    }

    /// A mean alone guards nothing here: at the scale of a shipped head (b = 40.7, p >= 0.97 required) the very picture
    /// somebody was enrolled from outweighs two frames of a stranger. So frames of two people must never share a vote: the
    /// pipeline starts over when a probe is unlike the one before (`pipeline/capture.rs`).
    #[test]
    fn one_perfect_frame_carries_two_of_a_stranger_so_they_must_not_come_to_one_vote() {
        let head = head_of(40.7, -25.35, 0.970_688);
        let (owner, stranger) = ([at(0.0), at(0.0)], at(90.0));
        let vote =
            |frames: &[KeyedEmbedding]| decide(&head, frames, &owner).expect("one key").expect("evidence");
        assert!((vote(std::slice::from_ref(&stranger)).0 + 10.0).abs() < 1e-3);
        let mixed = vote(&[at(0.0), stranger.clone(), stranger.clone()]);
        assert!(mixed.probability() >= head.threshold(), "{mixed:?}");
        assert!(!head.matches(&owner[0], &stranger).expect("one key"), "what the pipeline notices");
    }
}
