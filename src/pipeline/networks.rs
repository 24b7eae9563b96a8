//! Which networks and which head, to [`Networks`] that are loaded and checked.

use crate::config::{Detect, Models};
use crate::detect::Detector;
use crate::embed::{Embedder, TemplateKeySpec};
use crate::head::file::Wanted;
use crate::head::{Head, HeadError};
use crate::model::{Manifest, ModelError};

/// The loaded networks and head.
pub struct Networks {
    /// Frame to faces.
    pub detector: Detector,
    /// Face to embedding.
    pub embedder: Embedder,
    /// Embeddings to probability.
    pub head: Head,
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
}

impl Networks {
    /// Loads and checks all three.
    ///
    /// # Errors
    /// [`LoadError`], naming the file and the fix.
    pub fn load(models: &Models, detect: &Detect) -> Result<Self, LoadError> {
        let manifest = Manifest::load(&models.folder)?.with_own(&models.own_folder)?;
        let detector = manifest.detector(&models.detector, detect.input_px as usize)?;
        let detector = Detector::new(detector, detect.min_confidence)?;
        let embedder = Embedder::new(manifest.embedder(&models.embedder)?);
        let wanted = Wanted::of(&embedder);
        let head = Head::load(&models.head_path(), wanted)?;
        Ok(Self { detector, embedder, head })
    }

    /// The template key that a store needs for them.
    pub fn template_key(&self) -> TemplateKeySpec {
        TemplateKeySpec { kind: self.head.key_kind(), length: self.embedder.length() }
    }
}
