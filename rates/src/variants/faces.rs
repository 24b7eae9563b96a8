//! The pictures of a set as every way needs them: h of the chip, and of its mean with its mirror image.

use super::super::RatesError;
use super::super::set::{Sample, Set};
use super::super::table::{Features, Table};
use super::way::View;
use facelatch::embed::Embedding;
use facelatch::head::Head;

/// Both views of a set.
pub(super) struct Faces {
    pictures: usize,
    /// The plain view of all pictures, then the other.
    embeddings: Vec<Embedding>,
    h: Features,
    scores: Table,
    norms: Vec<f32>,
}

/// A picture in one view.
#[derive(Debug, Clone, Copy)]
pub(super) struct Face(pub(super) View, pub(super) usize);

impl Faces {
    /// Under this head. `mirrored` holds the same pictures.
    ///
    /// # Errors
    /// [`RatesError::Asked`] where it does not.
    pub(super) fn new(plain: &Set, mirrored: &Set, head: &Head) -> Result<Self, RatesError> {
        let same = plain.samples.iter().map(|s| &s.path).eq(mirrored.samples.iter().map(|s| &s.path));
        if !same {
            return Err(RatesError::Asked("the mirrored pictures are not those of the set".to_owned()));
        }
        let both = plain.samples.iter().zip(&mirrored.samples).map(|(a, b)| middle(a, b));
        let Some(both) = both.collect::<Option<Vec<_>>>() else {
            return Err(RatesError::Asked("a face and its mirror image are opposite embeddings".to_owned()));
        };
        let own = plain.samples.iter().map(|sample| sample.embedding.clone());
        let embeddings: Vec<Embedding> = own.chain(both).collect();
        let length = head.formula().alpha().len();
        let h = Features::of_embeddings(&embeddings, length, &|e| head.project(e).into_owned());
        let scores = Table::new(&h, head.formula(), &mut |_, _| {});
        let norms = plain.samples.iter().map(|sample| sample.measures.norm.max(1e-3)).collect();
        Ok(Self { pictures: plain.samples.len(), embeddings, h, scores, norms })
    }

    fn place(&self, Face(view, picture): Face) -> usize {
        picture + if view == View::Plain { 0 } else { self.pictures }
    }

    /// Log-odds of two.
    pub(super) fn score(&self, a: Face, b: Face) -> f32 {
        self.scores.at(self.place(a), self.place(b))
    }

    /// h of one.
    pub(super) fn h(&self, face: Face) -> &[f32] {
        self.h.of(self.place(face))
    }

    /// The norm of a picture's embedding.
    pub(super) fn norm(&self, picture: usize) -> f32 {
        self.norms[picture]
    }

    /// h of the weighted mean of these, scaled to unit length. R is linear, so it is the sum of their h by the length of the
    /// sum of their embeddings.
    pub(super) fn mean(&self, view: View, pictures: &[usize], weight: &dyn Fn(usize) -> f32) -> Vec<f32> {
        let length = self.embeddings.first().map_or(0, |e| e.values().len());
        let mut embedding = vec![0.0_f32; length];
        for picture in pictures {
            let values = self.embeddings[self.place(Face(view, *picture))].values();
            let weight = weight(*picture);
            embedding.iter_mut().zip(values).for_each(|(sum, v)| *sum += weight * v);
        }
        let norm = embedding.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-6);
        let mut h = vec![0.0_f32; self.h.length()];
        for picture in pictures {
            let scale = weight(*picture) / norm;
            h.iter_mut().zip(self.h(Face(view, *picture))).for_each(|(sum, v)| *sum += scale * v);
        }
        h
    }
}

/// The mean of two embeddings, scaled to unit length; `None` where it is 0.
fn middle(a: &Sample, b: &Sample) -> Option<Embedding> {
    let sum = a.embedding.values().iter().zip(b.embedding.values()).map(|(a, b)| a + b).collect();
    Embedding::new(sum).ok()
}
