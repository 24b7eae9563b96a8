//! The files that `facelatch models add` knows, each by the SHA-256 of its bytes.

use super::minifasnetv2;
use super::onnx::Scale;

/// A file of another project that the daemon can use once it is converted.
pub(super) struct Known {
    /// Its name in MODELS.toml.
    pub(super) name: &'static str,
    /// Of the file, lower-case hex.
    pub(super) sha256: &'static str,
    /// What it is called where it is published.
    pub(super) file: &'static str,
    /// Who publishes it, and the terms.
    pub(super) source: &'static str,
    pub(super) licence: &'static str,
    /// Of the layers' outputs, in their order.
    pub(super) scales: &'static [Scale],
}

/// All of them.
pub(super) const KNOWN: [Known; 1] = [Known {
    name: "minifasnetv2",
    sha256: "a5eb02e1843f19b5386b953cc4c9f011c3f985d0ee2bb9819eea9a142099bec0",
    file: "2.7_80x80_MiniFASNetV2.pth",
    source: "minivision-ai/Silent-Face-Anti-Spoofing",
    licence: "Apache-2.0",
    scales: &minifasnetv2::SCALES,
}];
