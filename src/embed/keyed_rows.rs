//! Many keyed embeddings in one piece of memory, so that a probe can be compared with all of them in one pass.

use std::ops::Range;

use zeroize::Zeroizing;

use super::{KeyedEmbedding, OtherKey, TemplateKeyId};

/// Embeddings of one key and length, one after another. Wiped on drop; without `Debug`, as the embeddings are.
pub struct KeyedRows {
    values: Zeroizing<Vec<f32>>,
    length: usize,
    key_id: TemplateKeyId,
    longest: f32,
}

impl KeyedRows {
    /// None yet, with room for `count` of `length` values: while there is, no copy is left behind in memory.
    pub fn with_capacity(key_id: TemplateKeyId, length: usize, count: usize) -> Self {
        let values = Zeroizing::new(Vec::with_capacity(length.saturating_mul(count)));
        Self { values, length, key_id, longest: 0.0 }
    }

    /// Another one.
    ///
    /// # Errors
    /// [`OtherKey`], also for one of another length.
    pub fn push(&mut self, embedding: &KeyedEmbedding) -> Result<(), OtherKey> {
        embedding.check(self.key_id)?;
        let values = embedding.values();
        if values.len() != self.length {
            return Err(OtherKey);
        }
        self.longest = self.longest.max(embedding.norm());
        self.values.extend_from_slice(values);
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.length).unwrap_or(0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Values of each.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Which key they are in.
    pub fn key_id(&self) -> TemplateKeyId {
        self.key_id
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Euclidean length of the longest.
    pub fn longest(&self) -> f32 {
        self.longest
    }

    /// A copy of some of them; none where there is none.
    pub fn copy(&self, rows: Range<usize>) -> Vec<KeyedEmbedding> {
        let of = |row: &[f32]| KeyedEmbedding { values: row.to_vec(), key_id: self.key_id };
        let values = self.values.get(rows.start * self.length..rows.end * self.length).unwrap_or(&[]);
        values.chunks_exact(self.length.max(1)).map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::{Embedding, TemplateKey};

    #[test]
    fn rows_are_what_was_pushed() {
        let key = TemplateKey::identity();
        let mut rows = KeyedRows::with_capacity(key.id(), 2, 1);
        let face = |x, y| key.apply(&Embedding::as_given(vec![x, y]).expect("finite"));
        assert!(rows.is_empty() && rows.copy(0..1).is_empty());
        rows.push(&face(3.0, 4.0)).expect("one key");
        rows.push(&face(1.0, 0.0)).expect("one key");
        assert_eq!((rows.len(), rows.values(), rows.longest()), (2, &[3.0, 4.0, 1.0, 0.0][..], 5.0));
        let copies = rows.copy(1..2);
        assert!(copies.len() == 1 && copies[0].values() == [1.0, 0.0] && copies[0].key_id() == key.id());
        assert!(rows.copy(1..3).is_empty());
    }

    #[test]
    fn another_key_or_length_is_refused() {
        let mut rows = KeyedRows::with_capacity([0; 8], 2, 1);
        let face = Embedding::new(vec![0.6, 0.8]).expect("unit");
        let other = TemplateKey::draw(&[1; 32], crate::embed::KeyKind::Permutation, 2).apply(&face);
        assert_eq!(rows.push(&other), Err(OtherKey));
        let longer = Embedding::new(vec![0.6, 0.8, 0.0]).expect("unit");
        assert_eq!(rows.push(&TemplateKey::identity().apply(&longer)), Err(OtherKey));
        assert!(rows.is_empty());
    }
}
