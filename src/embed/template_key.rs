//! Template protection: a secret orthogonal map ([`TemplateKey`]) that turns an [`Embedding`] into a [`KeyedEmbedding`].
//!
//! Templates are stored keyed, and probes are keyed alike before they are compared. So a template can be revoked (a new
//! key, no new picture), and templates of two devices cannot be linked while the keys are secret: the renewability and
//! unlinkability of ISO/IEC 24745. It is not irreversible: whoever has the key has the embedding.
//!
//! There are two kinds, because a head that sums |h1 - h2| over the coordinates themselves does not survive a rotation:
//! a signed permutation for such a head (alpha is permuted alike, so scores stay exact), and a rotation for a head that
//! projects (R becomes R * Q^T, and R * Q^T * Q * e = R * e).

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Embedding, NotAnEmbedding};

/// Tells template keys apart; says nothing about the secret.
pub type TemplateKeyId = [u8; 8];

/// Which family a key is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Signed permutation: for a head over the coordinates themselves.
    Permutation,
    /// Rotation (or rotation and reflection): for a head with a projection.
    Rotation,
}

impl KeyKind {
    /// "turn" is the word of the first version; another label would draw other keys.
    fn label(self) -> &'static [u8] {
        match self {
            Self::Permutation => b"facelatch turn permutation v1",
            Self::Rotation => b"facelatch turn rotation v1",
        }
    }
}

/// Which template key a store needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemplateKeySpec {
    /// The kind that suits the head.
    pub kind: KeyKind,
    /// Number of values in an embedding.
    pub length: usize,
}

/// An orthogonal map Q. Without `Debug` on purpose: it is as secret as its seed. Wiped on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct TemplateKey {
    id: TemplateKeyId,
    map: Map,
}

#[derive(Clone, Zeroize, ZeroizeOnDrop)]
enum Map {
    /// Leaves everything as it is.
    Identity,
    /// Coordinate i of the result is `sign[i]` times coordinate `from[i]`.
    Permutation { from: Vec<usize>, sign: Vec<f32> },
    /// Row by row, in f64 so that applying it costs one rounding to f32 and no more.
    Rotation { length: usize, matrix: Vec<f64> },
}

/// `Q * e`: a face in the axes of one [`TemplateKey`], comparable only with others of the same key.
///
/// Without `Debug` and `Serialize` on purpose: it is biometric data and reaches no log. Wiped on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct KeyedEmbedding {
    pub(super) values: Vec<f32>,
    pub(super) key_id: TemplateKeyId,
}

/// A face is in the axes of another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the template belongs to another template key: the templates were renewed; start again")]
pub struct OtherKey;

impl KeyedEmbedding {
    /// One from the store: `values` that were keyed with the key of this id.
    ///
    /// # Errors
    /// [`NotAnEmbedding`] for NaN, infinity, no values or all zeros.
    pub(crate) fn restore(values: Vec<f32>, key_id: TemplateKeyId) -> Result<Self, NotAnEmbedding> {
        let keyed = Self { values, key_id };
        super::norm(&keyed.values)?;
        Ok(keyed)
    }

    /// The coordinates: finite, and as long as the embedding, to rounding.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Euclidean length.
    pub fn norm(&self) -> f32 {
        self.values.iter().map(|v| v * v).sum::<f32>().sqrt()
    }

    /// Which key it is in.
    pub fn key_id(&self) -> TemplateKeyId {
        self.key_id
    }

    /// Passes if it is in this key.
    ///
    /// # Errors
    /// [`OtherKey`].
    pub fn check(&self, key_id: TemplateKeyId) -> Result<(), OtherKey> {
        if self.key_id == key_id { Ok(()) } else { Err(OtherKey) }
    }
}

impl TemplateKey {
    /// The key that changes nothing: for where there is no secret yet.
    pub fn identity() -> Self {
        Self { id: [0; 8], map: Map::Identity }
    }

    /// The key of a seed, for embeddings of `length` values. A seed gives the same key on every machine and in every
    /// version: only additions, products, quotients and roots of f64 are used, which IEEE 754 rounds alike everywhere.
    pub fn draw(seed: &[u8; 32], kind: KeyKind, length: usize) -> Self {
        let mut stream = Stream::new(seed, kind.label());
        let map = match kind {
            KeyKind::Permutation => permutation(&mut stream, length),
            KeyKind::Rotation => Map::Rotation { length, matrix: orthogonal(&mut stream, length) },
        };
        Self { id: Self::id_of(seed, kind), map }
    }

    /// [`TemplateKey::id`] of the key of a seed, without drawing it.
    pub fn id_of(seed: &[u8; 32], kind: KeyKind) -> TemplateKeyId {
        let digest = Sha256::new().chain_update(b"facelatch turn id").chain_update(kind.label());
        let mut id = [0; 8];
        id.copy_from_slice(&digest.chain_update(seed).finalize()[..8]);
        id
    }

    /// Its id.
    pub fn id(&self) -> TemplateKeyId {
        self.id
    }

    /// `Q * e`.
    pub fn apply(&self, e: &Embedding) -> KeyedEmbedding {
        let e = e.values();
        let values = match &self.map {
            Map::Identity => e.to_vec(),
            Map::Permutation { from, sign } => {
                from.iter().zip(sign).map(|(from, sign)| sign * e[*from]).collect()
            }
            Map::Rotation { length, matrix } => matrix
                .chunks_exact(*length)
                .map(|row| row.iter().zip(e).map(|(q, v)| q * f64::from(*v)).sum::<f64>() as f32)
                .collect(),
        };
        KeyedEmbedding { values, key_id: self.id }
    }

    /// `Q^T * e`: what [`TemplateKey::apply`] was given, to one rounding.
    ///
    /// # Errors
    /// [`OtherKey`].
    pub fn undo(&self, keyed: &KeyedEmbedding) -> Result<Embedding, OtherKey> {
        keyed.check(self.id)?;
        let e = keyed.values();
        Ok(Embedding(match &self.map {
            Map::Identity => e.to_vec(),
            Map::Permutation { from, sign } => {
                let mut back = vec![0.0; e.len()];
                for ((v, from), sign) in e.iter().zip(from).zip(sign) {
                    back[*from] = sign * v;
                }
                back
            }
            Map::Rotation { length, matrix } => {
                let mut back = vec![0.0_f64; *length];
                for (row, v) in matrix.chunks_exact(*length).zip(e) {
                    back.iter_mut().zip(row).for_each(|(back, q)| *back += q * f64::from(*v));
                }
                let values = back.iter().map(|v| *v as f32).collect();
                back.zeroize();
                values
            }
        }))
    }

    /// Where each coordinate of the result comes from, if this is a signed permutation.
    pub fn permutation(&self) -> Option<&[usize]> {
        match &self.map {
            Map::Permutation { from, .. } => Some(from),
            _ => None,
        }
    }

    /// `Q^T`, row by row, for embeddings of `length` values; `None` for the identity.
    pub fn undo_matrix(&self, length: usize) -> Option<Vec<f32>> {
        let mut undo = vec![0.0; length * length];
        match &self.map {
            Map::Identity => return None,
            Map::Permutation { from, sign } => {
                for (i, (from, sign)) in from.iter().zip(sign).enumerate() {
                    undo[from * length + i] = *sign;
                }
            }
            Map::Rotation { matrix, .. } => {
                for (i, q) in matrix.iter().enumerate() {
                    undo[(i % length) * length + i / length] = *q as f32;
                }
            }
        }
        Some(undo)
    }
}

/// A Fisher-Yates shuffle, and a sign each.
fn permutation(stream: &mut Stream, length: usize) -> Map {
    let mut from: Vec<usize> = (0..length).collect();
    for i in (1..length).rev() {
        from.swap(i, stream.below(i + 1));
    }
    let sign = (0..length).map(|_| if stream.bits() >> 63 == 1 { -1.0 } else { 1.0 }).collect();
    Map::Permutation { from, sign }
}

/// Rows of nearly normal numbers, made orthogonal by Gram-Schmidt; twice, since once leaves rounding behind.
fn orthogonal(stream: &mut Stream, length: usize) -> Vec<f64> {
    // One allocation, so that no half-grown copy stays behind in memory.
    let mut rows: Vec<f64> = Vec::with_capacity(length * length);
    let mut row = Zeroizing::new(vec![0.0; length]);
    while rows.len() < length * length {
        row.iter_mut().for_each(|v| *v = stream.normal());
        for _ in 0..2 {
            for earlier in rows.chunks_exact(length) {
                let along: f64 = row.iter().zip(earlier).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(earlier).for_each(|(v, b)| *v -= along * b);
            }
            let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
            row.iter_mut().for_each(|v| *v /= norm);
        }
        // A row almost wholly in the span of the others is drawn again; this practically never happens.
        if row.iter().all(|v| v.is_finite()) {
            rows.extend_from_slice(&row);
        }
    }
    rows
}

/// Bytes of SHA-256 over label, seed and a counter. The hash wipes itself (sha2's feature `zeroize`).
struct Stream {
    state: Sha256,
    block: [u8; 32],
    counter: u64,
    used: usize,
}

impl Stream {
    fn new(seed: &[u8; 32], label: &[u8]) -> Self {
        let state = Sha256::new().chain_update(label).chain_update(seed);
        Self { state, block: [0; 32], counter: 0, used: 32 }
    }

    fn bits(&mut self) -> u64 {
        if self.used == self.block.len() {
            let block = self.state.clone().chain_update(self.counter.to_le_bytes()).finalize();
            self.block.copy_from_slice(&block);
            self.counter += 1;
            self.used = 0;
        }
        let mut eight = [0; 8];
        eight.copy_from_slice(&self.block[self.used..self.used + 8]);
        self.used += 8;
        u64::from_le_bytes(eight)
    }

    /// `0..n`; with 64 bits against a few hundred the bias is far too small to measure.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// The sum of four uniform 16-bit numbers, centred on 0: close to normal, without a logarithm.
    fn normal(&mut self) -> f64 {
        let bits = self.bits();
        (0..4).map(|i| ((bits >> (16 * i)) & 0xFFFF) as f64 - 32767.5).sum()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.block.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KINDS: [KeyKind; 2] = [KeyKind::Permutation, KeyKind::Rotation];

    fn distance(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
    }

    /// Embeddings have no `Debug`, so values are drawn.
    fn values() -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec(-1.0_f32..1.0, 128)
    }

    #[test]
    fn a_seed_always_gives_the_same_key() {
        let e = Embedding::new((1..=4).map(|v| v as f32).collect()).expect("valid");
        let text = |kind| {
            let keyed = TemplateKey::draw(&[7; 32], kind, 4).apply(&e);
            keyed.values().iter().map(|v| format!("{v:.6}")).collect::<Vec<_>>().join(" ")
        };
        insta::assert_snapshot!(text(KeyKind::Permutation), @"-0.547723 0.730297 -0.182574 0.365148");
        insta::assert_snapshot!(text(KeyKind::Rotation), @"-0.898805 -0.280154 0.205481 0.267287");
    }

    #[test]
    fn rows_are_orthogonal() {
        let length = 64;
        let q = orthogonal(&mut Stream::new(&[3; 32], b"test"), length);
        for (i, a) in q.chunks_exact(length).enumerate() {
            for (j, b) in q.chunks_exact(length).enumerate() {
                let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                assert!((dot - f64::from(u8::from(i == j))).abs() < 1e-14, "{i} {j} {dot}");
            }
        }
    }

    #[test]
    fn the_identity_changes_nothing() {
        let e = Embedding::new(vec![0.6, 0.8]).expect("valid");
        let identity = TemplateKey::identity();
        let keyed = identity.apply(&e);
        assert!(keyed.values() == e.values() && identity.undo(&keyed).is_ok_and(|back| back == e));
        assert!(identity.undo_matrix(2).is_none());
    }

    #[test]
    fn one_key_does_not_undo_another() {
        let e = Embedding::new(vec![0.6, 0.8]).expect("valid");
        for kind in KINDS {
            let (one, other) = (TemplateKey::draw(&[1; 32], kind, 2), TemplateKey::draw(&[2; 32], kind, 2));
            assert_eq!(other.undo(&one.apply(&e)).err(), Some(OtherKey));
        }
    }

    #[test]
    fn nan_infinity_and_zero_are_not_restored() {
        let restore = |values| KeyedEmbedding::restore(values, [1; 8]).err();
        assert_eq!(restore(vec![f32::NAN, 1.0]), Some(NotAnEmbedding::NotFinite));
        assert_eq!(restore(vec![f32::INFINITY]), Some(NotAnEmbedding::NotFinite));
        assert_eq!(restore(vec![0.0; 4]), Some(NotAnEmbedding::Zero));
        assert_eq!(restore(vec![]), Some(NotAnEmbedding::Zero));
        assert_eq!(restore(vec![3.0, 4.0]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn undoing_gives_back_what_was_keyed_and_lengths_stay(values in values(), seed: [u8; 32]) {
            prop_assume!(Embedding::new(values.clone()).is_ok());
            let e = Embedding::new(values).expect("not zero");
            for kind in KINDS {
                let key = TemplateKey::draw(&seed, kind, 128);
                let keyed = key.apply(&e);
                let length: f32 = keyed.values().iter().map(|v| v * v).sum();
                prop_assert!((length - 1.0).abs() < 1e-6);
                let back = key.undo(&keyed).expect("the same key");
                prop_assert!(distance(back.values(), e.values()) < 1e-6);
                prop_assert!(distance(keyed.values(), e.values()) > 0.1, "a keyed face is elsewhere");
            }
        }
    }
}
