//! The files that `facelatch models add` knows, each by the SHA-256 of its bytes.

use super::folder::OperatingPoints;
use super::minifasnetv2;
use super::onnx::Scale;

/// A file of another project that the daemon can use once it is converted.
pub(super) struct Known {
    /// Its name in MODELS.toml.
    pub(super) name: &'static str,
    /// Of the file, lower-case hex.
    pub(super) sha256: &'static str,
    /// Who publishes it.
    pub(super) source: &'static str,
    /// Where it is there.
    pub(super) path: &'static str,
    /// Its terms.
    pub(super) licence: &'static str,
    /// Of the layers' outputs, in their order.
    pub(super) scales: &'static [Scale],
    /// As measured, quantised.
    pub(super) points: OperatingPoints,
    /// As measured, with floats.
    pub(super) float_points: OperatingPoints,
}

impl Known {
    /// What to look for.
    pub(super) fn words(&self) -> String {
        format!("{} of {} ({}, sha256 {})", self.path, self.source, self.licence, self.sha256)
    }
}

/// All of them.
pub(super) const KNOWN: [Known; 1] = [Known {
    name: "minifasnetv2",
    sha256: "a5eb02e1843f19b5386b953cc4c9f011c3f985d0ee2bb9819eea9a142099bec0",
    source: "https://github.com/minivision-ai/Silent-Face-Anti-Spoofing",
    path: "resources/anti_spoof_models/2.7_80x80_MiniFASNetV2.pth",
    licence: "Apache-2.0",
    scales: &minifasnetv2::SCALES,
    points: minifasnetv2::POINTS,
    float_points: minifasnetv2::FLOAT_POINTS,
}];
