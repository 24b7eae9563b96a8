//! Stage 3: [`Frame`] and [`Face`] to [`Embedding`], by way of the aligned [`Chip`].

pub mod align;
pub mod turn;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::camera::Frame;
use crate::detect::Face;
use crate::model::{ModelError, Network};

pub use align::{CHIP_SIDE_PX, Chip};
pub use turn::{Turn, TurnKind};

/// A face as a point on the unit sphere; 128 values from SFace, 192 from MobileFaceNet. Networks of one's own may ask in
/// `MODELS.toml` (`normalise = false`) for theirs to stay as they are: then of any length but 0.
///
/// Without `Debug` and `Serialize` on purpose: it is biometric data and reaches no log. Wiped on drop.
#[derive(Clone, PartialEq, Zeroize, ZeroizeOnDrop)]
pub struct Embedding(Vec<f32>);

/// Why numbers are no embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEmbedding {
    /// NaN or infinity among the values.
    #[error("the embedding holds a value that is not finite")]
    NotFinite,
    /// Nothing to normalise.
    #[error("the embedding has no length")]
    Zero,
}

impl Embedding {
    /// Scales `values` to unit length.
    ///
    /// # Errors
    /// [`NotAnEmbedding`] for NaN, infinity, no values or all zeros.
    pub fn new(mut values: Vec<f32>) -> Result<Self, NotAnEmbedding> {
        let norm = values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt();
        let bad = if !norm.is_finite() {
            Some(NotAnEmbedding::NotFinite)
        } else if norm < 1e-12 {
            Some(NotAnEmbedding::Zero)
        } else {
            None
        };
        if let Some(bad) = bad {
            values.zeroize();
            return Err(bad);
        }
        for value in &mut values {
            *value = (f64::from(*value) / norm) as f32;
        }
        Ok(Self(values))
    }

    /// The values of an embedding, turned: finite and as long as it was, to rounding.
    fn turned(values: Vec<f32>) -> Self {
        Self(values)
    }

    /// `values` as they are: of a network whose embeddings are not scaled, or scaled before.
    ///
    /// # Errors
    /// As [`Embedding::new`].
    pub fn as_given(values: Vec<f32>) -> Result<Self, NotAnEmbedding> {
        Self::new(values.clone()).map(|_| Self(values))
    }

    /// The coordinates: finite, of unit length unless the network's list entry says otherwise.
    pub fn values(&self) -> &[f32] {
        &self.0
    }
}

/// Turns aligned faces into embeddings with one of the shipped networks.
pub struct Embedder {
    network: Network,
}

impl Embedder {
    /// An embedder on a loaded network of kind `embedder`.
    pub fn new(network: Network) -> Self {
        Self { network }
    }

    /// Its name in `MODELS.toml`.
    pub fn name(&self) -> &str {
        self.network.name()
    }

    /// SHA-256 of the model file, lower-case hex. Embeddings of different models must never be compared.
    pub fn model_sha256(&self) -> &str {
        self.network.sha256()
    }

    /// What does not run on the int8 kernels, for people.
    pub fn notes(&self) -> &[String] {
        self.network.notes()
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
    pub fn embed(&self, chip: &Chip) -> Result<Embedding, ModelError> {
        let (height, width) = self.network.input_size();
        let rgb = chip.resized(width, height).map_err(|why| self.network.bad_output(why))?;
        let planes = self.network.planes(&rgb, width, height);
        let values = self.network.run(planes)?.swap_remove(0);
        let embedding =
            if self.has_unit_length() { Embedding::new(values) } else { Embedding::as_given(values) };
        embedding.map_err(|why| self.network.bad_output(why.to_string()))
    }

    /// Frame and face to embedding: align, then embed.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn embed_face(&self, frame: &Frame, face: &Face) -> Result<Embedding, ModelError> {
        self.embed(&align::align(frame, face))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
