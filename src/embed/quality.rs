//! Whether an embedding may be believed. An embedder maps whatever it is given to some point of the sphere, and faces unlike
//! those it was trained on (upside down, blurred, a dozen pixels wide) crowd into one region of it, where any two people
//! look alike. Such an embedding is no evidence for or against anybody, so it is never judged.
//!
//! The daemon and `facelatch-rates` both decide here. The limits belong to the network: `[NAME.quality]` in `MODELS.toml`.

use super::Embedded;
use crate::detect::Face;
use crate::detect::quality::RetryReason;
use crate::model::QualityLimits;

/// A number by its name, and the least that is wanted of it, if there is a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// What was measured.
    pub name: &'static str,
    /// The number.
    pub value: f32,
    /// Its limit.
    pub least: Option<f32>,
}

/// What was measured while a face became an embedding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// Length of the embedding before it was scaled.
    pub norm: f32,
    /// How sure the detector was of the face, `0..=1`.
    pub confidence: f32,
}

impl Measures {
    /// Of a face and its embedding.
    pub fn of(face: &Face, embedded: &Embedded) -> Self {
        Self { norm: embedded.norm, confidence: face.confidence }
    }

    /// Each beside its limit.
    pub fn told(&self, limits: Option<&QualityLimits>) -> Vec<Measure> {
        let least = |limit: fn(&QualityLimits) -> f32| limits.map(limit);
        vec![
            Measure { name: "norm", value: self.norm, least: least(|limits| limits.min_norm) },
            Measure {
                name: "confidence",
                value: self.confidence,
                least: least(|limits| limits.min_confidence),
            },
        ]
    }
}

/// Whether every measure reaches its limit.
///
/// # Errors
/// [`RetryReason::Unclear`].
pub fn check(limits: &QualityLimits, measures: &Measures) -> Result<(), RetryReason> {
    let reached = measures.norm >= limits.min_norm && measures.confidence >= limits.min_confidence;
    reached.then_some(()).ok_or(RetryReason::Unclear)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_below_its_limit_or_not_a_number_is_unclear() {
        let limits = QualityLimits { min_norm: 9.0, min_confidence: 0.7 };
        let check = |norm, confidence| check(&limits, &Measures { norm, confidence });
        assert_eq!(check(9.0, 0.7), Ok(()));
        for (norm, confidence) in [(8.999, 1.0), (50.0, 0.699), (f32::NAN, 1.0), (50.0, f32::NAN)] {
            assert_eq!(check(norm, confidence), Err(RetryReason::Unclear), "{norm}, {confidence}");
        }
    }
}
