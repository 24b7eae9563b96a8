//! A secret change of axes: key to [`Turn`], [`Embedding`] to the same face in a device's own axes and back.
//!
//! Templates are kept turned, and probes are turned alike, so that a template can be revoked (a new key, a new
//! turn) without a new picture, and so that templates of two devices say nothing of each other while the keys
//! are secret. It is no one-way street: who has the key has the embedding.
//!
//! Two kinds, since a head that sums |h1 - h2| over the coordinates themselves bears no rotation:
//! a signed permutation for such a head (alpha is permuted alike, so scores stay exact), and a rotation for a head
//! that projects (R * Q^T stands in the head in the place of R, and R * Q^T * Q * e = R * e).

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::Embedding;

/// Which family a turn is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnKind {
    /// Signed permutation: for a head over the coordinates themselves.
    Permutation,
    /// Rotation (or rotation and reflection): for a head with a projection.
    Rotation,
}

impl TurnKind {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Permutation => b"facelatch turn permutation v1",
            Self::Rotation => b"facelatch turn rotation v1",
        }
    }
}

/// An orthogonal map Q. Without `Debug` on purpose: it is as secret as its key. Wiped on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Turn {
    id: [u8; 8],
    axes: Axes,
}

#[derive(Clone, Zeroize, ZeroizeOnDrop)]
enum Axes {
    /// Leaves everything as it is.
    Kept,
    /// Coordinate i of the result is `sign[i]` times coordinate `from[i]`.
    Permuted { from: Vec<usize>, sign: Vec<f32> },
    /// Row by row, in f64 so that turning costs one rounding to f32 and no more.
    Rotated { length: usize, matrix: Vec<f64> },
}

impl Turn {
    /// The turn that changes nothing: of a store that has no key.
    pub fn none() -> Self {
        Self { id: [0; 8], axes: Axes::Kept }
    }

    /// The turn of a key, for embeddings of `length` values. The same key gives the same turn for ever, on every machine:
    /// only additions, products, quotients and roots of f64 are used, which IEEE 754 rounds alike everywhere.
    pub fn draw(key: &[u8; 32], kind: TurnKind, length: usize) -> Self {
        let mut stream = Stream::new(key, kind.label());
        let axes = match kind {
            TurnKind::Permutation => permuted(&mut stream, length),
            TurnKind::Rotation => Axes::Rotated { length, matrix: orthogonal(&mut stream, length) },
        };
        Self { id: Self::id_of(key, kind), axes }
    }

    /// [`Turn::id`] of the turn that a key would give, without drawing it.
    pub fn id_of(key: &[u8; 32], kind: TurnKind) -> [u8; 8] {
        let digest = Sha256::new().chain_update(b"facelatch turn id").chain_update(kind.label());
        let mut id = [0; 8];
        id.copy_from_slice(&digest.chain_update(key).finalize()[..8]);
        id
    }

    /// Tells turns apart; says nothing of the key.
    pub fn id(&self) -> [u8; 8] {
        self.id
    }

    /// `Q * e`.
    pub fn apply(&self, e: &Embedding) -> Embedding {
        let e = e.values();
        Embedding::turned(match &self.axes {
            Axes::Kept => e.to_vec(),
            Axes::Permuted { from, sign } => {
                from.iter().zip(sign).map(|(from, sign)| sign * e[*from]).collect()
            }
            Axes::Rotated { length, matrix } => matrix
                .chunks_exact(*length)
                .map(|row| row.iter().zip(e).map(|(q, v)| q * f64::from(*v)).sum::<f64>() as f32)
                .collect(),
        })
    }

    /// `Q^T * e`: what [`Turn::apply`] was given, to one rounding.
    pub fn undo(&self, e: &Embedding) -> Embedding {
        let e = e.values();
        Embedding::turned(match &self.axes {
            Axes::Kept => e.to_vec(),
            Axes::Permuted { from, sign } => {
                let mut back = vec![0.0; e.len()];
                for ((v, from), sign) in e.iter().zip(from).zip(sign) {
                    back[*from] = sign * v;
                }
                back
            }
            Axes::Rotated { length, matrix } => {
                let mut back = vec![0.0_f64; *length];
                for (row, v) in matrix.chunks_exact(*length).zip(e) {
                    back.iter_mut().zip(row).for_each(|(back, q)| *back += q * f64::from(*v));
                }
                let values = back.iter().map(|v| *v as f32).collect();
                back.zeroize();
                values
            }
        })
    }

    /// Where each coordinate of the result comes from, if this is a signed permutation.
    pub fn permutation(&self) -> Option<&[usize]> {
        match &self.axes {
            Axes::Permuted { from, .. } => Some(from),
            _ => None,
        }
    }

    /// `Q^T`, row by row, for embeddings of `length` values; `None` where nothing is turned.
    pub fn undo_matrix(&self, length: usize) -> Option<Vec<f32>> {
        let mut undo = vec![0.0; length * length];
        match &self.axes {
            Axes::Kept => return None,
            Axes::Permuted { from, sign } => {
                for (i, (from, sign)) in from.iter().zip(sign).enumerate() {
                    undo[from * length + i] = *sign;
                }
            }
            Axes::Rotated { matrix, .. } => {
                for (i, q) in matrix.iter().enumerate() {
                    undo[(i % length) * length + i / length] = *q as f32;
                }
            }
        }
        Some(undo)
    }
}

/// Fisher and Yates' shuffle, and a sign each.
fn permuted(stream: &mut Stream, length: usize) -> Axes {
    let mut from: Vec<usize> = (0..length).collect();
    for i in (1..length).rev() {
        from.swap(i, stream.below(i + 1));
    }
    let sign = (0..length).map(|_| if stream.bits() >> 63 == 1 { -1.0 } else { 1.0 }).collect();
    Axes::Permuted { from, sign }
}

/// Rows of nearly normal numbers, made orthogonal: twice, since once leaves rounding behind (Gram, Schmidt).
fn orthogonal(stream: &mut Stream, length: usize) -> Vec<f64> {
    // One allocation, so that no half-grown copy stays behind in memory.
    let mut rows: Vec<f64> = Vec::with_capacity(length * length);
    let mut row = Zeroizing::new(vec![0.0; length]);
    while rows.len() < length * length {
        row.iter_mut().for_each(|v| *v = stream.bell());
        for _ in 0..2 {
            for earlier in rows.chunks_exact(length) {
                let along: f64 = row.iter().zip(earlier).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(earlier).for_each(|(v, b)| *v -= along * b);
            }
            let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
            row.iter_mut().for_each(|v| *v /= norm);
        }
        // A row that lay almost wholly in the span of the others is drawn anew; practically never.
        if row.iter().all(|v| v.is_finite()) {
            rows.extend_from_slice(&row);
        }
    }
    rows
}

/// Bytes of SHA-256 over key, label and a counter. The hash wipes itself (sha2's feature `zeroize`).
struct Stream {
    state: Sha256,
    block: [u8; 32],
    counter: u64,
    used: usize,
}

impl Stream {
    fn new(key: &[u8; 32], label: &[u8]) -> Self {
        let state = Sha256::new().chain_update(label).chain_update(key);
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

    /// `0..n`; the bias of 64 bits against a few hundred is far below anything that could be told.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// The sum of four even numbers of 16 bits, around 0: near the bell curve, without a logarithm.
    fn bell(&mut self) -> f64 {
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

    const KINDS: [TurnKind; 2] = [TurnKind::Permutation, TurnKind::Rotation];

    fn distance(a: &Embedding, b: &Embedding) -> f32 {
        a.values().iter().zip(b.values()).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
    }

    /// Embeddings have no `Debug`, so values are drawn.
    fn values() -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec(-1.0_f32..1.0, 128)
    }

    #[test]
    fn a_key_gives_the_same_turn_for_ever() {
        let e = Embedding::new((1..=4).map(|v| v as f32).collect()).expect("valid");
        let text = |kind| {
            let turned = Turn::draw(&[7; 32], kind, 4).apply(&e);
            turned.values().iter().map(|v| format!("{v:.6}")).collect::<Vec<_>>().join(" ")
        };
        insta::assert_snapshot!(text(TurnKind::Permutation), @"-0.547723 0.730297 -0.182574 0.365148");
        insta::assert_snapshot!(text(TurnKind::Rotation), @"-0.898805 -0.280154 0.205481 0.267287");
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
    fn the_turn_that_changes_nothing_changes_nothing() {
        let e = Embedding::new(vec![0.6, 0.8]).expect("valid");
        assert!(Turn::none().apply(&e) == e && Turn::none().undo(&e) == e);
        assert!(Turn::none().undo_matrix(2).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn undoing_gives_back_what_was_turned_and_lengths_stay(values in values(), key: [u8; 32]) {
            prop_assume!(Embedding::new(values.clone()).is_ok());
            let e = Embedding::new(values).expect("not zero");
            for kind in KINDS {
                let turn = Turn::draw(&key, kind, 128);
                let turned = turn.apply(&e);
                let length: f32 = turned.values().iter().map(|v| v * v).sum();
                prop_assert!((length - 1.0).abs() < 1e-6);
                prop_assert!(distance(&turn.undo(&turned), &e) < 1e-6);
                prop_assert!(distance(&turned, &e) > 0.1, "a turned face is elsewhere");
            }
        }
    }
}
