//! The linear map R of `h = R * e` that a head may bring: learned, seeded rotations, or both.
//!
//! |h1 - h2| summed over coordinates depends on the axes; over many random rotations stacked it comes
//! near a multiple of the length |e1 - e2|, which for unit vectors orders pairs as the cosine does.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Most values in R: 64 rotations of 256 coordinates. Larger claims are refused before memory is taken.
const MAX_VALUES: usize = 64 * 256 * 256;

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
#[derive(Debug, Clone)]
pub struct Projection {
    length: usize,
    /// Row by row; each row has `length` values.
    values: Vec<f32>,
    stretch: f32,
}

impl RawProjection {
    /// Reads and draws R for embeddings of `length` values; `folder` is where the head lies.
    ///
    /// # Errors
    /// Text that says what is wrong.
    pub fn build(&self, length: usize, folder: &Path) -> Result<Projection, String> {
        let learned = match (&self.matrix, &self.matrix_sha256) {
            (Some(file), Some(sha256)) => Some(read_matrix(folder, file, sha256, length)?),
            (None, None) => None,
            _ => return Err("projection: matrix and matrix_sha256 belong together".to_owned()),
        };
        if self.rotations == 0 {
            let values = learned.ok_or("projection: has neither rotations nor a matrix")?;
            return Projection::new(length, values);
        }
        let rows = learned.as_ref().map_or(length, |matrix| matrix.len() / length);
        if rows.saturating_mul(rows.max(length)).saturating_mul(self.rotations) > MAX_VALUES {
            return Err(format!(
                "projection: {} rotations of {rows} coordinates are too many",
                self.rotations
            ));
        }
        // Stacked rotations keep every length, so only the learned part stretches.
        let rotations =
            Projection { stretch: 1.0, ..Projection::new(rows, rotations(rows, self.rotations, self.seed))? };
        match learned {
            Some(matrix) => Projection::new(length, matrix)?.then(&rotations),
            None => Ok(rotations),
        }
    }
}

impl Projection {
    /// R from its values, row by row.
    ///
    /// # Errors
    /// Text that says what is wrong: not finite, too large, no whole rows, or all zero.
    pub fn new(length: usize, values: Vec<f32>) -> Result<Self, String> {
        if length == 0 || values.is_empty() || values.len() % length != 0 || values.len() > MAX_VALUES {
            return Err(format!("projection: {} values are no whole rows of {length}", values.len()));
        }
        let squares: f64 = values.iter().map(|v| f64::from(*v).powi(2)).sum();
        if !squares.is_finite() || squares == 0.0 {
            return Err("projection: a value is not finite, or all are 0".to_owned());
        }
        let stretch = stretch(&values, length).min(squares.sqrt() as f32);
        Ok(Self { length, values, stretch })
    }

    /// This map, then stacked rotations.
    ///
    /// # Errors
    /// As [`Projection::new`].
    pub fn then(&self, rotations: &Self) -> Result<Self, String> {
        let values = product(&rotations.values, &self.values, self.length);
        Ok(Self { stretch: self.stretch, ..Self::new(self.length, values)? })
    }

    /// Values of an embedding.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Values of h.
    pub fn rows(&self) -> usize {
        self.values.len() / self.length
    }

    /// No vector grows by more than this factor.
    pub fn stretch(&self) -> f32 {
        self.stretch
    }

    /// `R * e`; `e` has [`Projection::length`] values.
    pub fn apply(&self, e: &[f32]) -> Vec<f32> {
        self.values.chunks_exact(self.length).map(|row| dot(row, e)).collect()
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

/// An upper bound of the spectral norm: the root of the largest column sum times the largest row sum.
fn stretch(values: &[f32], length: usize) -> f32 {
    let rows = values.chunks_exact(length).map(|row| row.iter().map(|v| v.abs()).sum::<f32>());
    let columns = (0..length).map(|c| values.iter().skip(c).step_by(length).map(|v| v.abs()).sum::<f32>());
    (rows.fold(0.0, f32::max) * columns.fold(0.0, f32::max)).sqrt()
}

fn product(left: &[f32], right: &[f32], columns: usize) -> Vec<f32> {
    let inner = right.len() / columns;
    let mut out = Vec::with_capacity(left.len() / inner * columns);
    for row in left.chunks_exact(inner) {
        for column in 0..columns {
            out.push(row.iter().enumerate().map(|(k, v)| v * right[k * columns + column]).sum());
        }
    }
    out
}

fn read_matrix(folder: &Path, file: &str, sha256: &str, length: usize) -> Result<Vec<f32>, String> {
    if file.contains(['/', '\\']) {
        return Err(format!("projection: matrix {file:?} must lie beside the head"));
    }
    let path = folder.join(file);
    let failed = |e: std::io::Error| format!("projection: matrix {}: {e}", path.display());
    let bytes = std::fs::metadata(&path).map_err(failed)?.len();
    if bytes > 4 * MAX_VALUES as u64 || bytes % (4 * length as u64) != 0 {
        return Err(format!(
            "projection: matrix {}: {bytes} bytes are no rows of {length} f32",
            path.display()
        ));
    }
    let bytes = std::fs::read(&path).map_err(failed)?;
    let got: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if !got.eq_ignore_ascii_case(sha256) {
        return Err(format!(
            "projection: matrix {}: sha256 is {got}, the head says {sha256}",
            path.display()
        ));
    }
    Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

/// `count` random rotations of `n` coordinates, stacked and divided by the root of `count`.
///
/// The same bits on every machine: SplitMix64 (Steele, Lea, Flood 2014) started at `seed`; each entry the
/// sum of 12 uniform numbers of 53 bits minus 6; each matrix made orthonormal row by row by modified
/// Gram-Schmidt, twice, in f64 (only + - * / and the square root, which IEEE 754 rounds exactly).
fn rotations(n: usize, count: usize, seed: u64) -> Vec<f32> {
    let mut random = SplitMix64(seed);
    let scale = 1.0 / (count as f64).sqrt();
    let mut out = Vec::with_capacity(n * n * count);
    for _ in 0..count {
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(n);
        for _ in 0..n {
            let mut row: Vec<f64> =
                (0..n).map(|_| (0..12).map(|_| random.uniform()).sum::<f64>() - 6.0).collect();
            for _ in 0..2 {
                for earlier in &rows {
                    let along: f64 = row.iter().zip(earlier).map(|(a, b)| a * b).sum();
                    row.iter_mut().zip(earlier).for_each(|(a, b)| *a -= along * b);
                }
            }
            let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
            row.iter_mut().for_each(|v| *v /= norm);
            rows.push(row);
        }
        out.extend(rows.iter().flatten().map(|v| (v * scale) as f32));
    }
    out
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
        let drawn = rotations(3, 1, 7);
        let text: Vec<String> = drawn.iter().map(|v| format!("{v:.6}")).collect();
        insta::assert_snapshot!(text.join(" "), @"-0.573196 0.763651 0.297126 -0.561278 -0.630086 0.536618 0.597004 0.140817 0.789783");
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
        assert!(Projection::new(2, vec![f32::NAN, 1.0]).is_err());
    }
}
