//! Whether a face is a small child's. Small children lie close together in an embedder's space, each a good face by every other
//! measure: of two up to two years old, one pair in three matches. So a face that lies in their direction is compared only with
//! people for whom an owner has allowed it.
//!
//! The daemon and `facelatch-rates` both decide here. Direction and limit belong to the network: `[NAME.child]` in `MODELS.toml`.

use super::{Embedding, KeyedEmbedding, NotAnEmbedding, OtherKey, TemplateKey};
use crate::model::ChildLimits;

/// The cue of one embedder.
#[derive(Clone)]
pub struct ChildCue {
    /// From adults to children, of length 1.
    direction: Embedding,
    min_cosine: f32,
    rates: String,
}

impl ChildCue {
    /// What `MODELS.toml` says.
    ///
    /// # Errors
    /// [`NotAnEmbedding`] for a direction that is none.
    pub fn of(limits: &ChildLimits) -> Result<Self, NotAnEmbedding> {
        let direction = Embedding::new(limits.direction.clone())?;
        Ok(Self { direction, min_cosine: limits.min_cosine, rates: limits.rates() })
    }

    /// How often another child of an age would be let in as well, in words; empty if nobody has measured it.
    pub fn rates(&self) -> &str {
        &self.rates
    }

    /// The same for keyed embeddings. An orthogonal map changes no cosine.
    pub fn for_key(&self, key: &TemplateKey) -> KeyedChildCue {
        KeyedChildCue { direction: key.apply(&self.direction), min_cosine: self.min_cosine }
    }
}

/// A [`ChildCue`] in a template key.
pub struct KeyedChildCue {
    direction: KeyedEmbedding,
    min_cosine: f32,
}

impl KeyedChildCue {
    /// From which cosine on a face is taken for a small child's.
    pub fn min_cosine(&self) -> f32 {
        self.min_cosine
    }

    /// Mean cosine of these embeddings of one face to the direction of small children; 0 without any.
    ///
    /// # Errors
    /// [`OtherKey`].
    pub fn cosine(&self, embeddings: &[KeyedEmbedding]) -> Result<f32, OtherKey> {
        let mut sum = 0.0;
        for embedding in embeddings {
            embedding.check(self.direction.key_id())?;
            sum += cosine(embedding.values(), self.direction.values());
        }
        Ok(sum / embeddings.len().max(1) as f32)
    }

    /// Whether these embeddings of one face, on the mean, look like a small child's. What is not a number does.
    ///
    /// # Errors
    /// [`OtherKey`].
    pub fn is_child(&self, embeddings: &[KeyedEmbedding]) -> Result<bool, OtherKey> {
        let mean = self.cosine(embeddings)?;
        Ok(mean.is_nan() || mean >= self.min_cosine)
    }
}

/// Cosine between two vectors of any length but 0: squares of large numbers fit, too.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    (dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt())) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::KeyKind;

    fn cue() -> ChildCue {
        let limits = ChildLimits { min_cosine: 0.5, direction: vec![0.0, 3.0, 0.0, 0.0], alike: Vec::new() };
        ChildCue::of(&limits).expect("a direction")
    }

    fn face(values: [f32; 4]) -> Embedding {
        Embedding::new(values.to_vec()).expect("valid")
    }

    #[test]
    fn a_face_is_judged_alike_under_every_key() {
        let (child, adult) = (face([0.1, 1.0, -0.2, 0.3]), face([1.0, 0.2, -0.7, 0.3]));
        for key in [
            TemplateKey::identity(),
            TemplateKey::draw(&[3; 32], KeyKind::Rotation, 4),
            TemplateKey::draw(&[4; 32], KeyKind::Permutation, 4),
        ] {
            let cue = cue().for_key(&key);
            let is_child = |faces: &[&Embedding]| {
                let keyed: Vec<KeyedEmbedding> = faces.iter().map(|face| key.apply(face)).collect();
                cue.is_child(&keyed).expect("its key")
            };
            assert!(is_child(&[&child]) && !is_child(&[&adult]));
            assert!(is_child(&[&child, &child, &adult]), "the mean of all frames counts");
            assert!(!is_child(&[&child, &adult, &adult]));
        }
    }

    #[test]
    fn another_key_is_an_error_and_large_numbers_are_measured() {
        let key = TemplateKey::draw(&[3; 32], KeyKind::Rotation, 4);
        let elsewhere = TemplateKey::identity().apply(&face([0.0, 1.0, 0.0, 0.0]));
        assert_eq!(cue().for_key(&key).is_child(&[elsewhere]), Err(OtherKey));
        assert_eq!(cue().for_key(&key).is_child(&[]), Ok(false), "nothing was seen");
        let huge = |values| [KeyedEmbedding::restore(values, [0; 8]).expect("finite")];
        let plain = cue().for_key(&TemplateKey::identity());
        assert_eq!(plain.is_child(&huge(vec![0.0, f32::MAX, f32::MAX, 0.0])), Ok(true));
        assert_eq!(plain.is_child(&huge(vec![f32::MAX, 0.0, f32::MAX, 0.0])), Ok(false));
    }
}
