//! The networks and the gate of the daemon, loaded for measuring.

use std::path::Path;

use super::RatesError;
use super::acquire::Bench;
pub use crate::siamese::Pixels;
use facelatch::config::Config;
use facelatch::detect::Detector;
use facelatch::embed::Embedder;
use facelatch::model::Manifest;

/// Which networks.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// Of the embedder in `MODELS.toml`.
    pub embedder: &'a str,
    /// Of the detector; `None` for pictures that are aligned chips.
    pub detector: Option<&'a str>,
    /// As [`Bench::central`].
    pub central: bool,
}

/// What a head needs to know about its embedder.
#[derive(Debug, Clone)]
pub struct About {
    /// SHA-256 of its file, lower-case hex.
    pub sha256: String,
    /// Values of an embedding.
    pub length: usize,
    /// Whether embeddings have unit length.
    pub unit_length: bool,
}

/// Loads an embedder to learn its hash and length.
///
/// # Errors
/// [`RatesError::Model`].
pub fn about(models: &Path, embedder: &str) -> Result<About, RatesError> {
    let embedder = Embedder::new(Manifest::load(models)?.embedder(embedder)?);
    Ok(About {
        sha256: embedder.model_sha256().to_owned(),
        length: embedder.length(),
        unit_length: embedder.has_unit_length(),
    })
}

impl Bench {
    /// Loads them from the folder with `MODELS.toml`; the detector and the gate use the daemon's defaults.
    ///
    /// # Errors
    /// [`RatesError::Model`].
    pub fn load(models: &Path, names: Names<'_>) -> Result<Self, RatesError> {
        let (manifest, config) = (Manifest::load(models)?, Config::default());
        let embedder = Embedder::new(manifest.embedder(names.embedder)?);
        let side = config.detect.input_px as usize;
        let network = names.detector.map(|name| manifest.detector(name, side)).transpose()?;
        let detector_sha256 = network.as_ref().map_or(String::new(), |n| n.sha256().to_owned());
        let confidence = config.detect.min_confidence;
        let detector = network.map(|n| Detector::new(n, confidence)).transpose()?;
        let (gate, central) = (config.quality, names.central);
        Ok(Self { detector, detector_sha256, embedder, gate, central, mirrored: false, moment: 0 })
    }
}
