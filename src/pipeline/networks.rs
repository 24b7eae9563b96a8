//! Which networks and which head, to [`Networks`] that are loaded and checked.

use std::path::PathBuf;

use crate::detect::Detector;
use crate::embed::Embedder;
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

/// What to load; from the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkChoice {
    /// Folder that holds `MODELS.toml`.
    pub folder: PathBuf,
    /// Name of the detector in it.
    pub detector: String,
    /// Side of the square that the detector looks at, in pixels; a multiple of 32.
    pub input_px: usize,
    /// Faces below this confidence are none, `0..=1`.
    pub min_confidence: f32,
    /// Name of the embedder in `MODELS.toml`.
    pub embedder: String,
    /// The head file.
    pub head: PathBuf,
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
    pub fn load(choice: &NetworkChoice) -> Result<Self, LoadError> {
        let manifest = Manifest::load(&choice.folder)?;
        let detector = manifest.detector(&choice.detector, choice.input_px)?;
        let detector = Detector::new(detector, choice.min_confidence)?;
        let embedder = Embedder::new(manifest.embedder(&choice.embedder)?);
        let wanted = Wanted::of(&embedder);
        let head = Head::load(&choice.head, wanted)?;
        Ok(Self { detector, embedder, head })
    }
}
