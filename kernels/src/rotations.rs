//! A stack of rotations, each the Hadamard matrix and signs, twice; in: [side] values, out: [side][rotations].

use crate::Isa;
use crate::error::LayerError;
use crate::simd::{Simd, dispatch};

/// Rotations that are computed side by side, in vector registers.
const LANES: usize = 8;

/// Rotations of vectors of a length that is a power of two.
#[derive(Debug, Clone)]
pub struct Rotations {
    isa: Isa,
    side: usize,
    /// Those before the first Hadamard matrix, then those before the second; in each, coordinate by coordinate, that of
    /// every rotation.
    signs: Vec<f32>,
}

impl Rotations {
    /// # Errors
    /// When `isa` is not available, `side` is not a power of two, or `signs` are not two for each of its coordinates and
    /// each rotation.
    pub fn new(isa: Isa, side: usize, signs: Vec<f32>) -> Result<Self, LayerError> {
        if !isa.is_available() {
            return Err(LayerError::Unavailable(isa));
        }
        if !side.is_power_of_two() {
            return Err(LayerError::Dimension("side"));
        }
        if signs.is_empty() || !signs.len().is_multiple_of(2 * side) {
            return Err(LayerError::Dimension("signs"));
        }
        Ok(Self { isa, side, signs })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.signs.len() / (2 * self.side)
    }

    /// Length of a vector.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    /// Every rotation of `values`, coordinate by coordinate. Each is `side` times as long as `values`, since the matrices are
    /// of 1 and -1. Bit-identical on every instruction set.
    ///
    /// # Panics
    /// When `values` or `out` has another length.
    pub fn apply(&self, values: &[f32], out: &mut [f32]) {
        assert_eq!(values.len(), self.side, "values");
        assert_eq!(out.len(), self.side * self.count(), "out");
        let rotations = self;
        // SAFETY: `new` checked that the CPU has the instructions.
        unsafe { dispatch!(rotations.isa, rotate(rotations: &Rotations, values: &[f32], out: &mut [f32])) }
    }
}

/// Some neighbouring rotations at a time, so that their vectors stay in the first cache.
#[inline(always)]
fn rotate<S: Simd>(rotations: &Rotations, values: &[f32], out: &mut [f32]) {
    let count = rotations.count();
    let wide = count / LANES * LANES;
    for first in (0..wide).step_by(LANES) {
        rotate_some::<LANES>(rotations, values, out, first);
    }
    for first in wide..count {
        rotate_some::<1>(rotations, values, out, first);
    }
}

/// The `N` rotations from `first` on.
#[inline(always)]
fn rotate_some<const N: usize>(rotations: &Rotations, values: &[f32], out: &mut [f32], first: usize) {
    let count = rotations.count();
    let (before, between) = rotations.signs.split_at(out.len());
    for (at, value) in (first..).step_by(count).zip(values) {
        let signs = row::<N>(before, at);
        out[at..at + N].copy_from_slice(&signs.map(|sign| value * sign));
    }
    hadamard::<N>(out, first, count);
    for at in (first..out.len()).step_by(count) {
        let (signs, values) = (row::<N>(between, at), row::<N>(out, at));
        let signed: [f32; N] = std::array::from_fn(|i| values[i] * signs[i]);
        out[at..at + N].copy_from_slice(&signed);
    }
    hadamard::<N>(out, first, count);
}

/// Times the Hadamard matrix, in place: `N` vectors side by side from `first` on, in rows of `count`. Three of its steps at a
/// time, so that each value is read and written once for them.
#[inline(always)]
fn hadamard<const N: usize>(out: &mut [f32], first: usize, count: usize) {
    let side = out.len() / count;
    let mut half = 1;
    while half * 8 <= side {
        steps::<N, 8>(out, first, count, half);
        half *= 8;
    }
    while half < side {
        steps::<N, 2>(out, first, count, half);
        half *= 2;
    }
}

/// The steps between rows that are `half`, `2 * half`, ... and `R / 2 * half` apart.
#[inline(always)]
fn steps<const N: usize, const R: usize>(out: &mut [f32], first: usize, count: usize, half: usize) {
    let apart = half * count;
    for block in (first..out.len()).step_by(apart * R) {
        for at in (block..block + apart).step_by(count) {
            let mut rows: [[f32; N]; R] = std::array::from_fn(|k| row::<N>(out, at + k * apart));
            let mut half = 1;
            while half < R {
                for pair in (0..R).filter(|k| k & half == 0) {
                    let (a, b) = (rows[pair], rows[pair + half]);
                    rows[pair] = std::array::from_fn(|i| a[i] + b[i]);
                    rows[pair + half] = std::array::from_fn(|i| a[i] - b[i]);
                }
                half *= 2;
            }
            for (k, row) in rows.iter().enumerate() {
                out[at + k * apart..][..N].copy_from_slice(row);
            }
        }
    }
}

#[inline(always)]
fn row<const N: usize>(values: &[f32], at: usize) -> [f32; N] {
    let values = &values[at..at + N];
    std::array::from_fn(|i| values[i])
}
