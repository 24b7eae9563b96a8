//! Which networks and which head, to [`Networks`] that are loaded and checked.

use std::sync::Arc;

use crate::config::{Attack, AttackLevel, Detect, Models, Refused};
use crate::detect::Detector;
use crate::detect::attack::FrameScore;
use crate::detect::attack::network::AttackNetwork;
use crate::detect::attack::passive::PassiveDetector;
use crate::embed::{Embedder, TemplateKeySpec};
use crate::head::file::Wanted;
use crate::head::{Head, HeadError};
use crate::model::{Manifest, ModelError, OperatingPoints};

/// The loaded networks and head.
pub struct Networks {
    /// Frame to faces.
    pub detector: Detector,
    /// Face to embedding.
    pub embedder: Embedder,
    /// Embeddings to probability.
    pub head: Head,
    /// Frames of a face to live, or an attack; `None` where nobody asks.
    pub passive: Option<PassiveDetector>,
}

/// Why something could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The head.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// A setting that the networks do not allow.
    #[error("configuration: {0}")]
    Setting(#[from] Refused),
}

impl Networks {
    /// Loads and checks all of them.
    ///
    /// # Errors
    /// [`LoadError`], naming the file and the fix.
    pub fn load(models: &Models, detect: &Detect, attack: &Attack) -> Result<Self, LoadError> {
        let manifest = Manifest::load(&models.folder)?.with_own(&models.own_folder)?;
        let detector = manifest.detector(&models.detector, detect.input_px as usize)?;
        let detector = Detector::new(detector, detect.min_confidence)?;
        let embedder = Embedder::new(manifest.embedder(&models.embedder)?);
        let wanted = Wanted::of(&embedder);
        let head = Head::load(&models.head_path(), wanted)?;
        Ok(Self { detector, embedder, head, passive: passive(&manifest, attack)? })
    }

    /// The template key that a store needs for them.
    pub fn template_key(&self) -> TemplateKeySpec {
        TemplateKeySpec { kind: self.head.key_kind(), length: self.embedder.length() }
    }
}

/// The detector of attacks, if there is to be one.
fn passive(manifest: &Manifest, attack: &Attack) -> Result<Option<PassiveDetector>, LoadError> {
    if attack.level == AttackLevel::Off {
        return Ok(None);
    }
    let network = manifest.attack(&attack.model)?;
    let points = network.operating_points().cloned().unwrap_or_default();
    let network = Arc::new(AttackNetwork::new(network)?);
    Ok(Some(checked(network, &points, attack)?))
}

/// With the threshold that the configuration wants.
///
/// # Errors
/// [`Refused`] where the network has none: whatever it would do then, it would take nearly everybody or nobody for an attack.
fn checked(
    network: Arc<dyn FrameScore>,
    points: &OperatingPoints,
    attack: &Attack,
) -> Result<PassiveDetector, Refused> {
    PassiveDetector::new(network, points, attack.bpcer).ok_or_else(|| Refused {
        key: "attack.bpcer",
        got: format!("{:?}", attack.bpcer),
        allowed: format!("{}, for which the model {} has thresholds", points.range(), attack.model),
    })
}
