//! One model in `MODELS.toml`.

use std::path::PathBuf;

use serde::Deserialize;

use super::{ChildLimits, OperatingPoints};

/// Most pixels a side of an input: what the list says is bounded before memory is taken for it.
pub(super) const MAX_SIDE_PX: usize = 4096;

/// What a network is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Picture to faces.
    Detector,
    /// Aligned face to embedding.
    Embedder,
    /// Face with its surroundings to live, or an attack.
    Attack,
}

impl Kind {
    /// In words.
    pub(super) fn with_article(self) -> &'static str {
        match self {
            Self::Detector => "a detector",
            Self::Embedder => "an embedder",
            Self::Attack => "a network for attacks",
        }
    }
}

/// One model of the list. Keys that only people need (source, licence) are not read here.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) file: PathBuf,
    pub(super) sha256: String,
    pub(super) input_shape: [Side; 4],
    pub(super) colour: Colours,
    pub(super) outputs: Vec<String>,
    /// Whether embeddings are scaled to unit length; another network may need its own as they are.
    #[serde(default = "yes")]
    pub(super) normalise: bool,
    /// What people who use it should know, in a sentence; with what to do after a semicolon.
    pub(super) note: Option<String>,
    /// For an embedder: when to believe it.
    pub(super) quality: Option<QualityLimits>,
    /// For an embedder: what tells small children.
    pub(super) child: Option<ChildLimits>,
    /// For a network that finds attacks: which of its logits is for a live face; the others are for attacks.
    #[serde(default)]
    pub(super) live: usize,
    /// For the same: its thresholds.
    pub(super) operating_points: Option<OperatingPoints>,
}

/// The least that makes an embedding of this network worth judging, each found by `facelatch-rates stress`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityLimits {
    /// Length of its output before it is scaled; above 0.
    pub min_norm: f32,
    /// The detector's confidence in the face, `0..=1`.
    #[serde(default)]
    pub min_confidence: f32,
}

fn yes() -> bool {
    true
}

impl Entry {
    pub(super) fn check_shape(&self) -> Result<(), String> {
        let within = |side: &Side| match side {
            Side::Fixed(length) => (1..=MAX_SIDE_PX as u64).contains(length),
            Side::Named(_) => true,
        };
        if self.input_shape.iter().all(within) {
            return Ok(());
        }
        Err(format!("input_shape: a side is out of range; use 1 to {MAX_SIDE_PX}"))
    }

    pub(super) fn check_quality(&self) -> Result<(), String> {
        let Some(QualityLimits { min_norm, min_confidence }) = self.quality else { return Ok(()) };
        if !(min_norm.is_finite() && min_norm > 0.0) {
            return Err(format!("min_norm: {min_norm} is out of range; use a number above 0"));
        }
        if !(0.0..=1.0).contains(&min_confidence) {
            return Err(format!("min_confidence: {min_confidence} is out of range; use 0 to 1"));
        }
        Ok(())
    }
}

/// One dimension of a shape: fixed, or named and chosen when it is loaded.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Side {
    Fixed(u64),
    Named(#[expect(dead_code, reason = "the name is for people")] String),
}

/// Order of the planes. Values stay 0..=255: each network scales them itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Colours {
    Rgb,
    Bgr,
}
