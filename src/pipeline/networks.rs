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
    #[error(transparent)]
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
    let points = network.operating_points()?.clone();
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
        key: "attack.bpcer".to_owned(),
        got: format!("{:?}", attack.bpcer),
        allowed: format!("{}, for which the model {} has thresholds", points.range(), attack.model),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::Frame;
    use crate::detect::Face;
    use crate::detect::attack::Score;

    struct Says;

    impl FrameScore for Says {
        fn id(&self) -> &str {
            "says"
        }

        fn score(&self, _: &Frame, _: &Face) -> Result<Score, ModelError> {
            Ok(Score(0.0))
        }
    }

    #[test]
    fn a_share_that_the_network_has_no_threshold_for_is_refused_with_those_it_has() {
        let points = OperatingPoints {
            bpcer: vec![0.01, 0.1],
            threshold: vec![-1.0, 1.0],
            live_median: 3.0,
            margin: 0.0,
        };
        let with = |bpcer| checked(Arc::new(Says), &points, &Attack { bpcer, ..Attack::default() });
        assert!(with(0.05).is_ok());
        for bpcer in [0.005, 0.15] {
            let why = with(bpcer).map(|_| ()).map_err(LoadError::from).expect_err("outside");
            let why = format!("{:#}", anyhow::Error::from(why));
            assert_eq!(why.matches("not allowed").count(), 1, "said once: {why}");
            assert!(
                why.contains(&format!("attack.bpcer = {bpcer:?}")) && why.contains("0.01 to 0.1"),
                "{why}"
            );
        }
    }

    #[test]
    fn a_refused_setting_is_told_once() {
        let refused = Refused {
            key: "attack.bpcer".to_owned(),
            got: "0.5".to_owned(),
            allowed: "0.01 to 0.1".to_owned(),
        };
        let told = format!("{:#}", anyhow::Error::from(LoadError::from(refused)));
        assert_eq!(told, "attack.bpcer = 0.5 is not allowed; use 0.01 to 0.1");
    }

    #[test]
    fn where_nobody_looks_out_for_attacks_no_network_is_needed() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        let manifest = Manifest::load(&folder).expect("models");
        let with = |level| passive(&manifest, &Attack { level, model: "nobody".into(), ..Attack::default() });
        assert!(with(AttackLevel::Off).is_ok_and(|detector| detector.is_none()));
        for level in [AttackLevel::Passive, AttackLevel::Challenge] {
            let why = with(level).map(|_| ()).expect_err("no such network").to_string();
            assert!(why.contains("model nobody: not in"), "{why}");
        }
    }
}
