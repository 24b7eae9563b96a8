//! The pictures of a set as every way needs them: h of the chip, and of its mean with its mirror image.

use super::super::RatesError;
use super::super::set::{Sample, Set};
use super::super::table::{Features, Project};
use super::way::View;
use facelatch::embed::Embedding;

/// Both views of a set.
pub(super) struct Faces {
    plain: Seen,
    both: Seen,
    norms: Vec<f32>,
}

/// One view: embeddings, and h of each.
pub(super) struct Seen {
    embeddings: Vec<Embedding>,
    h: Features,
}

impl Faces {
    /// `length` values of h of each. `mirrored` holds the same pictures.
    ///
    /// # Errors
    /// [`RatesError::Asked`] where it does not.
    pub(super) fn new(
        plain: &Set,
        mirrored: &Set,
        (length, project): (usize, Project<'_>),
    ) -> Result<Self, RatesError> {
        let same = plain.samples.iter().map(|s| &s.path).eq(mirrored.samples.iter().map(|s| &s.path));
        if !same {
            return Err(RatesError::Asked("the mirrored pictures are not those of the set".to_owned()));
        }
        let both = plain
            .samples
            .iter()
            .zip(&mirrored.samples)
            .map(|(a, b)| middle(a, b))
            .collect::<Option<Vec<_>>>();
        let Some(both) = both else {
            return Err(RatesError::Asked("a face and its mirror image are opposite embeddings".to_owned()));
        };
        let own = plain.samples.iter().map(|sample| sample.embedding.clone()).collect();
        let seen = |embeddings: Vec<Embedding>| Seen {
            h: Features::of_embeddings(&embeddings, length, project),
            embeddings,
        };
        let norms = plain.samples.iter().map(|sample| sample.measures.norm.max(1e-3)).collect();
        Ok(Self { plain: seen(own), both: seen(both), norms })
    }

    /// One view of the pictures.
    pub(super) fn of(&self, view: View) -> &Seen {
        match view {
            View::Plain => &self.plain,
            View::Both => &self.both,
        }
    }

    /// The norm of a picture's embedding.
    pub(super) fn norm(&self, sample: usize) -> f32 {
        self.norms[sample]
    }
}

impl Seen {
    /// h of one picture.
    pub(super) fn h(&self, sample: usize) -> &[f32] {
        self.h.of(sample)
    }

    /// h of the weighted mean of these, scaled to unit length. R is linear, so it is the sum of their h by the length of the
    /// sum of their embeddings.
    pub(super) fn mean(&self, samples: &[usize], weight: &dyn Fn(usize) -> f32) -> Vec<f32> {
        let length = self.embeddings.first().map_or(0, |e| e.values().len());
        let mut embedding = vec![0.0_f32; length];
        for sample in samples {
            let (weight, values) = (weight(*sample), self.embeddings[*sample].values());
            embedding.iter_mut().zip(values).for_each(|(sum, v)| *sum += weight * v);
        }
        let norm = embedding.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-6);
        let mut h = vec![0.0_f32; self.h.length()];
        for sample in samples {
            let scale = weight(*sample) / norm;
            h.iter_mut().zip(self.h(*sample)).for_each(|(sum, v)| *sum += scale * v);
        }
        h
    }
}

/// The mean of two embeddings, scaled to unit length; `None` where it is 0.
fn middle(a: &Sample, b: &Sample) -> Option<Embedding> {
    let sum = a.embedding.values().iter().zip(b.embedding.values()).map(|(a, b)| a + b).collect();
    Embedding::new(sum).ok()
}
