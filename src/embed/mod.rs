//! Stage 3: [`Frame`] and [`Face`] to [`Embedding`], by way of the aligned [`Chip`].

pub mod align;
pub mod child;
pub mod examine;
pub mod fitness;
pub mod keyed_rows;
pub mod quality;
pub mod template_key;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::camera::Frame;
use crate::detect::Face;
use crate::detect::quality::RetryReason;
use crate::model::{ModelError, Network};

pub use align::{CHIP_SIDE_PX, Chip};
pub use child::{ChildCue, KeyedChildCue};
pub use examine::{Examined, Step};
pub use fitness::{Fitness, Role};
pub use keyed_rows::KeyedRows;
pub use quality::{Measure, Measures};
pub use template_key::{KeyKind, KeyedEmbedding, OtherKey, TemplateKey, TemplateKeyId, TemplateKeySpec};

/// A face as a point on the unit sphere: 128 values from SFace, 192 from MobileFaceNet. Other networks may turn scaling
/// off in `MODELS.toml` (`normalise = false`); theirs have any length but 0.
///
/// This is the raw face, as networks, heads and exports know it. What is stored and compared is a [`KeyedEmbedding`].
///
/// Without `Debug` and `Serialize` on purpose: it is biometric data and reaches no log. Wiped on drop.
#[derive(Clone, PartialEq, Zeroize, ZeroizeOnDrop)]
pub struct Embedding(Vec<f32>);

/// Why numbers are not an embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEmbedding {
    /// NaN or infinity among the values.
    #[error("the embedding has a value that is not finite")]
    NotFinite,
    /// No values, or all zero: nothing to normalise.
    #[error("the embedding has length zero")]
    Zero,
}

impl Embedding {
    /// Scales `values` to unit length.
    ///
    /// # Errors
    /// [`NotAnEmbedding`] for NaN, infinity, no values or all zeros.
    pub fn new(values: Vec<f32>) -> Result<Self, NotAnEmbedding> {
        // From here on the values are wiped on drop.
        let mut embedding = Self(values);
        let norm = norm(&embedding.0)?;
        for value in &mut embedding.0 {
            *value = (f64::from(*value) / norm) as f32;
        }
        Ok(embedding)
    }

    /// `values` as they are: scaled before, or from a network whose embeddings are not scaled.
    ///
    /// # Errors
    /// As [`Embedding::new`].
    pub fn as_given(values: Vec<f32>) -> Result<Self, NotAnEmbedding> {
        let embedding = Self(values);
        norm(&embedding.0)?;
        Ok(embedding)
    }

    /// The coordinates: finite, of unit length unless the network's entry in `MODELS.toml` says otherwise.
    pub fn values(&self) -> &[f32] {
        &self.0
    }
}

/// The Euclidean length of an embedding's values.
fn norm(values: &[f32]) -> Result<f64, NotAnEmbedding> {
    let norm = values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt();
    if !norm.is_finite() {
        Err(NotAnEmbedding::NotFinite)
    } else if norm < 1e-12 {
        Err(NotAnEmbedding::Zero)
    } else {
        Ok(norm)
    }
}

/// A face's embedding, and the length that scaling takes away: what tells most whether to believe it.
pub struct Embedded {
    /// What is compared.
    pub embedding: Embedding,
    /// Euclidean length of the network's output before it is scaled. Faces like those it was trained on have a long one.
    pub norm: f32,
}

/// Turns aligned faces into embeddings with one of the shipped networks.
pub struct Embedder {
    network: Network,
    child: Option<ChildCue>,
}

impl Embedder {
    /// An embedder on a loaded network of kind `embedder`.
    pub fn new(network: Network) -> Self {
        // The list was checked when it was read.
        let child = network.child().and_then(|limits| ChildCue::of(limits).ok());
        Self { network, child }
    }

    /// Its name in `MODELS.toml`.
    pub fn name(&self) -> &str {
        self.network.name()
    }

    /// SHA-256 of the model file, lower-case hex. Embeddings of different models must never be compared.
    pub fn model_sha256(&self) -> &str {
        self.network.sha256()
    }

    /// What does not run on the int8 kernels, and whether unfit faces and small children pass, for people.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.network.notes().to_vec();
        if self.network.quality().is_none() {
            let name = self.name();
            notes.push(format!(
                "model {name}: no [{name}.quality] in MODELS.toml, so faces that it cannot judge (turned, blurred, \
                 covered) are judged all the same"
            ));
        }
        if self.child.is_none() {
            let name = self.name();
            notes.push(format!(
                "model {name}: no [{name}.child] in MODELS.toml, so small children, who look alike to a network, are taken for one \
                 another"
            ));
        }
        notes
    }

    /// What tells small children, if anything does.
    pub fn child(&self) -> Option<&ChildCue> {
        self.child.as_ref()
    }

    /// With another cue for small children.
    #[must_use]
    pub fn with_child(self, child: Option<ChildCue>) -> Self {
        Self { child, ..self }
    }

    /// How many values an embedding has.
    pub fn length(&self) -> usize {
        self.network.output_len()
    }

    /// Whether its embeddings have unit length.
    pub fn has_unit_length(&self) -> bool {
        self.network.normalise()
    }

    /// Chip to embedding.
    ///
    /// # Errors
    /// [`ModelError`] when the network fails or gives numbers that are no embedding.
    pub fn embed(&self, chip: &Chip) -> Result<Embedded, ModelError> {
        let (height, width) = self.network.input_size();
        let resized = chip.resized(width, height).map_err(|why| self.network.bad_output(why))?;
        let rgb = resized.as_deref().map_or(chip.rgb(), Vec::as_slice);
        let values = self.network.run(rgb, width)?.swap_remove(0);
        let norm = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        let embedding =
            if self.has_unit_length() { Embedding::new(values) } else { Embedding::as_given(values) };
        let embedding = embedding.map_err(|why| self.network.bad_output(why.to_string()))?;
        Ok(Embedded { embedding, norm })
    }

    /// Frame and face to embedding: align, then embed.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn embed_face(&self, frame: &Frame, face: &Face) -> Result<Embedded, ModelError> {
        self.embed(&align::align(frame, face))
    }

    /// Whether an embedding with these measures may be judged, by the limits in `MODELS.toml`; always, if there are none.
    ///
    /// # Errors
    /// [`RetryReason::Unclear`].
    pub fn check(&self, measures: &Measures) -> Result<(), RetryReason> {
        self.network.quality().map_or(Ok(()), |limits| quality::check(limits, measures))
    }

    /// These measures beside their limits.
    pub fn told(&self, measures: &Measures) -> Vec<Measure> {
        measures.told(self.network.quality())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::Manifest;

    #[test]
    fn embedding_has_unit_length() {
        let e = Embedding::new(vec![3.0, 4.0]).expect("finite");
        assert_eq!(e.values(), [0.6, 0.8]);
    }

    #[test]
    fn nan_infinity_and_zero_are_no_embedding() {
        assert_eq!(Embedding::new(vec![f32::NAN, 1.0]).err(), Some(NotAnEmbedding::NotFinite));
        assert_eq!(Embedding::new(vec![f32::INFINITY]).err(), Some(NotAnEmbedding::NotFinite));
        assert_eq!(Embedding::new(vec![0.0; 4]).err(), Some(NotAnEmbedding::Zero));
        assert_eq!(Embedding::new(vec![]).err(), Some(NotAnEmbedding::Zero));
    }

    #[test]
    fn an_embedder_without_limits_believes_everything_and_says_so() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        let embedder =
            |folder: &Path| Manifest::load(folder).and_then(|list| list.embedder("sface")).map(Embedder::new);
        let with = embedder(&shipped).expect("loads");

        let folder = tempfile::tempdir().expect("folder");
        let list = std::fs::read_to_string(shipped.join("MODELS.toml")).expect("list");
        let file = format!("file = {:?}", shipped.join("sface.onnx"));
        let bare = list.replace("[sface.quality]", "[sface.unused]").replace("file = \"sface.onnx\"", &file);
        std::fs::write(folder.path().join("MODELS.toml"), bare).expect("written");
        let without = embedder(folder.path()).expect("loads");

        let bad = Measures { norm: 1.0, confidence: 0.1 };
        assert_eq!((with.check(&bad), without.check(&bad)), (Err(RetryReason::Unclear), Ok(())));
        assert_eq!(with.notes(), [""; 0]);
        assert!(
            without.notes().concat().contains("no [sface.quality] in MODELS.toml"),
            "{:?}",
            without.notes()
        );
    }
}
