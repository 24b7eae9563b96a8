//! A scripted network that tells attacks from live faces by a mark in the picture.

use std::sync::Arc;

use facelatch::camera::Frame;
use facelatch::detect::Face;
use facelatch::detect::attack::passive::PassiveDetector;
use facelatch::detect::attack::{FrameScore, Score};
use facelatch::model::{ModelError, OperatingPoints};

/// The first pixel of a picture that is scored so, in log-odds.
pub(crate) fn mark(score: i8) -> [u8; 3] {
    [255, 0, score.cast_unsigned()]
}

/// Sees the mark, and nothing else.
struct Marked;

impl FrameScore for Marked {
    fn id(&self) -> &str {
        "scripted"
    }

    fn score(&self, frame: &Frame, _: &Face) -> Result<Score, ModelError> {
        Ok(Score(match frame.rgb() {
            [255, 0, score, ..] => f32::from(score.cast_signed()),
            _ => 5.0,
        }))
    }
}

/// A detector with that network.
pub(crate) fn scripted(bpcer: f32) -> PassiveDetector {
    let points = OperatingPoints {
        bpcer: vec![0.001, 0.2],
        threshold: vec![-1.0, 1.0],
        live_median: 5.0,
        margin: 2.0,
    };
    PassiveDetector::new(Arc::new(Marked), &points, bpcer).expect("has a threshold")
}
