//! The linear map R of `h = R * e` that a head may have: a learned matrix, seeded rotations, or both.
//!
//! |h1 - h2| summed over coordinates depends on the axes; over many random rotations stacked it comes
//! near a multiple of the length |e1 - e2|, which for unit vectors orders pairs as the cosine does.
//!
//! A rotation is H D2 H D1: D random signs, H the Hadamard matrix (Ailon, Chazelle 2006). It costs n log n where
//! a full matrix costs n * n, and needs no memory.

use std::fmt;
use std::path::Path;

use facelatch_kernels::{Isa, Rotations};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::bounded;

/// Most values in a learned matrix.
const MAX_VALUES: usize = 256 * 256;

/// Most values in h.
const MAX_ROWS: usize = 1 << 16;

/// `[projection]` of a head file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawProjection {
    /// How many seeded random rotations are stacked, divided by the root of their number; 0 for none.
    #[serde(default)]
    pub rotations: usize,
    /// What the rotations are drawn from.
    #[serde(default)]
    pub seed: u64,
    /// A learned matrix, applied before the rotations: a file of little-endian f32 beside the head, row by row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<String>,
    /// SHA-256 of that file, lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix_sha256: Option<String>,
}

/// R, ready to use.
#[derive(Clone)]
pub struct Projection {
    length: usize,
    /// The learned part, row by row; each row has `length` values. Without it, the embedding passes unchanged. In a head
    /// for a template key it is as secret as the key.
    matrix: Option<Zeroizing<Vec<f32>>>,
    stretch: f32,
    /// Applied to vectors that are padded with 0 to its side. h has all rotations of a coordinate side by side.
    rotations: Option<Rotations>,
    seed: u64,
    /// Values of h.
    rows: usize,
}

impl fmt::Debug for Projection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Projection")
            .field("length", &self.length)
            .field("rows", &self.rows())
            .finish_non_exhaustive()
    }
}

impl RawProjection {
    /// Reads and draws R for embeddings of `length` values; `folder` is that of the head.
    ///
    /// # Errors
    /// Text that says what is wrong.
    pub fn build(&self, length: usize, folder: &Path) -> Result<Projection, String> {
        let matrix = match (&self.matrix, &self.matrix_sha256) {
            (Some(file), Some(sha256)) => Some(read_matrix(folder, file, sha256, length)?),
            (None, None) => None,
            _ => return Err("projection: matrix and matrix_sha256 belong together".to_owned()),
        };
        Projection::new(length, matrix, self.rotations, self.seed)
    }
}

impl Projection {
    /// `matrix` (row by row, `length` columns), then `rotations` stacked, divided by the root of their number.
    ///
    /// # Errors
    /// Text that says what is wrong: neither of the two, too large, not finite, no whole rows, all zero.
    pub fn new(length: usize, matrix: Option<Vec<f32>>, rotations: usize, seed: u64) -> Result<Self, String> {
        let rows = match &matrix {
            None if rotations == 0 => return Err("projection: has neither rotations nor a matrix".to_owned()),
            None => length,
            Some(m) if length == 0 || m.is_empty() || m.len() % length != 0 || m.len() > MAX_VALUES => {
                return Err(format!(
                    "projection: a matrix of {} values is not whole rows of {length}",
                    m.len()
                ));
            }
            Some(m) => m.len() / length,
        };
        let stretch = matrix.as_deref().map_or(Ok(1.0), |m| stretch(m, length))?;
        let side = if rotations == 0 { rows } else { rows.next_power_of_two() };
        if side.saturating_mul(rotations) > MAX_ROWS {
            return Err(format!("projection: {rotations} rotations of {rows} coordinates are too many"));
        }
        let unturned =
            Self { length, matrix: matrix.map(Zeroizing::new), stretch, rotations: None, seed, rows: side };
        if rotations == 0 {
            return Ok(unturned);
        }
        let mut random = SplitMix64(seed);
        let mut signs = vec![1.0; 2 * side * rotations];
        for (rotation, round) in (0..rotations).flat_map(|r| [(r, 0), (r, 1)]) {
            for coordinate in (0..side).filter(|_| random.bits() >> 63 == 1) {
                signs[(round * side + coordinate) * rotations + rotation] = -1.0;
            }
        }
        let stack = Rotations::new(Isa::detect(), side, signs).map_err(|why| format!("projection: {why}"))?;
        Ok(Self { rotations: Some(stack), rows: side * rotations, ..unturned })
    }

    /// A matrix alone; rows of `length` finite values.
    pub(super) fn of_matrix(length: usize, matrix: Vec<f32>) -> Self {
        let rows = matrix.len() / length.max(1);
        Self { length, matrix: Some(matrix.into()), stretch: 1.0, rotations: None, seed: 0, rows }
    }

    /// R after an orthogonal map given row by row: `R * undo`. Lengths stretch as by R alone.
    pub(super) fn after(&self, undo: Vec<f32>) -> Self {
        let Some(learned) = &self.matrix else {
            return Self { matrix: Some(undo.into()), ..self.clone() };
        };
        let undo = Zeroizing::new(undo);
        let mut product = Zeroizing::new(Vec::with_capacity(learned.len()));
        for row in learned.chunks_exact(self.length) {
            let mut sums = Zeroizing::new(vec![0.0_f64; self.length]);
            for (v, undo) in row.iter().zip(undo.chunks_exact(self.length)) {
                sums.iter_mut().zip(undo).for_each(|(sum, u)| *sum += f64::from(*v) * f64::from(*u));
            }
            product.extend(sums.iter().map(|sum| *sum as f32));
        }
        Self { matrix: Some(product), ..self.clone() }
    }

    /// Values of an embedding.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Values of h.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many rotations are stacked and the seed they are drawn from, where there is nothing else: then every length is kept.
    pub(super) fn rotations_alone(&self) -> Option<(usize, u64)> {
        if self.matrix.is_some() { None } else { self.rotations.as_ref().map(|r| (r.count(), self.seed)) }
    }

    /// No vector grows by more than this factor. Rotations keep every length, so only the learned part counts.
    pub fn stretch(&self) -> f32 {
        self.stretch
    }

    /// `R * e`; `e` has [`Projection::length`] values.
    pub fn apply(&self, e: &[f32]) -> Vec<f32> {
        // One allocation, so that no half-grown copy of a face stays behind in memory.
        let side = self.rotations.as_ref().map_or(self.rows, Rotations::side);
        let mut learned = Zeroizing::new(Vec::with_capacity(side.max(self.length)));
        match &self.matrix {
            Some(matrix) => learned.extend(matrix.chunks_exact(self.length).map(|row| dot(row, e))),
            None => learned.extend_from_slice(e),
        }
        let Some(rotations) = &self.rotations else {
            return std::mem::take(&mut *learned);
        };
        learned.resize(side, 0.0);
        // Each H lengthens by the root of its side, and there are two.
        let scale = 1.0 / (side as f32 * (rotations.count() as f32).sqrt());
        learned.iter_mut().for_each(|v| *v *= scale);
        let mut h = vec![0.0; self.rows];
        rotations.apply(&learned, &mut h);
        h
    }
}

/// Eight sums side by side, so that the compiler can use vector registers.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// An upper bound of the spectral norm: the root of the largest column sum times the largest row sum, or the root
/// of all squares.
fn stretch(matrix: &[f32], length: usize) -> Result<f32, String> {
    let squares: f64 = matrix.iter().map(|v| f64::from(*v).powi(2)).sum();
    if !squares.is_finite() || squares == 0.0 {
        return Err("projection: a value of the matrix is not finite, or all are 0".to_owned());
    }
    let rows = matrix.chunks_exact(length).map(|row| row.iter().map(|v| v.abs()).sum::<f32>());
    let columns = (0..length).map(|c| matrix.iter().skip(c).step_by(length).map(|v| v.abs()).sum::<f32>());
    Ok((rows.fold(0.0, f32::max) * columns.fold(0.0, f32::max)).sqrt().min(squares.sqrt() as f32))
}

fn read_matrix(folder: &Path, file: &str, sha256: &str, length: usize) -> Result<Vec<f32>, String> {
    if file.contains(['/', '\\']) {
        return Err(format!("projection: matrix {file:?} must lie beside the head"));
    }
    let path = folder.join(file);
    let failed = |e: std::io::Error| format!("projection: matrix {}: {e}", path.display());
    let bytes = bounded::read(&path, 4 * MAX_VALUES as u64).map_err(failed)?;
    if bytes.len() % (4 * length) != 0 {
        let (path, bytes) = (path.display(), bytes.len());
        return Err(format!("projection: matrix {path}: {bytes} bytes are not whole rows of {length} f32"));
    }
    let got: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if !got.eq_ignore_ascii_case(sha256) {
        return Err(format!(
            "projection: matrix {}: sha256 is {got}, the head says {sha256}",
            path.display()
        ));
    }
    Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

/// A small generator whose numbers never change; for rotations and for the draws of error rates, not for secrets.
#[derive(Debug, Clone)]
pub struct SplitMix64(pub u64);

impl SplitMix64 {
    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Passes over `n` numbers.
    pub fn skip(&mut self, n: u64) {
        self.0 = self.0.wrapping_add(n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }

    /// `0..1`, 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// `0..n`; `n` must not be 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// Puts the items into random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix_gives_the_published_numbers() {
        let mut random = SplitMix64(1_234_567);
        let wanted = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([random.bits(), random.bits(), random.bits()], wanted);
        let mut random = SplitMix64(1_234_567);
        random.skip(2);
        assert_eq!(random.bits(), wanted[2]);
    }

    #[test]
    fn stacked_rotations_keep_every_length() {
        let projection = RawProjection { rotations: 4, seed: 7, ..Default::default() }
            .build(16, Path::new(""))
            .expect("works");
        assert_eq!((projection.rows(), projection.length()), (64, 16));
        let e: Vec<f32> = (0..16).map(|i| (i as f32 - 7.0) / 10.0).collect();
        let (h, norm) = (projection.apply(&e), |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt());
        assert!((norm(&h) - norm(&e)).abs() < 1e-5);
    }

    #[test]
    fn rotations_never_change() {
        let drawn = Projection::new(4, None, 2, 5).expect("works").apply(&[0.5, -1.0, 0.25, 2.0]);
        let text: Vec<String> = drawn.iter().map(|v| format!("{v:.6}")).collect();
        // The same by numpy: `projected` in models/build/golden.py.
        insta::assert_snapshot!(text.join(" "), @"0.176777 -1.149048 1.414214 0.088388 0.353553 -0.972272 0.707107 -0.618718");
    }

    #[test]
    fn lengths_that_are_no_power_of_two_are_filled_up() {
        let projection = Projection::new(3, None, 2, 7).expect("works");
        assert_eq!((projection.rows(), projection.length()), (8, 3));
        let norm: f32 = projection.apply(&[0.6, 0.0, 0.8]).iter().map(|v| v * v).sum();
        assert!((norm - 1.0).abs() < 1e-6);
    }

    #[test]
    fn over_many_rotations_the_distance_orders_pairs_as_the_angle_does() {
        let projection = Projection::new(64, None, 64, 5).expect("works");
        let mut random = SplitMix64(1);
        let mut vector = || -> Vec<f32> { (0..64).map(|_| random.uniform() as f32 - 0.5).collect() };
        let share = |e: Vec<f32>| {
            let l1: f32 = projection.apply(&e).iter().map(|v| v.abs()).sum();
            l1 / e.iter().map(|v| v * v).sum::<f32>().sqrt()
        };
        let axis = |at: usize| (0..64).map(|i| f32::from(u8::from(i == at))).collect();
        let shares: Vec<f32> =
            (0..10).map(|i| if i < 5 { share(vector()) } else { share(axis(i)) }).collect();
        let mean = shares.iter().sum::<f32>() / 10.0;
        assert!(shares.iter().all(|s| (s / mean - 1.0).abs() < 0.05), "{shares:?}");
    }

    #[test]
    fn a_projection_of_nothing_or_of_absurd_size_is_refused() {
        let build = |raw: RawProjection| raw.build(128, Path::new("")).expect_err("refused");
        assert!(build(RawProjection::default()).contains("neither"));
        assert!(build(RawProjection { rotations: usize::MAX, ..Default::default() }).contains("too many"));
        let outside = RawProjection {
            matrix: Some("../x".into()),
            matrix_sha256: Some(String::new()),
            ..Default::default()
        };
        assert!(build(outside).contains("beside the head"));
        assert!(Projection::new(2, Some(vec![f32::NAN, 1.0]), 0, 0).is_err());
        assert!(Projection::new(2, Some(vec![1.0; 3]), 0, 0).is_err());
    }
}
