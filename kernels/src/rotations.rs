//! A stack of rotations, each the Hadamard matrix and signs, twice; in: [side] values, out: [side][rotations].

use crate::Isa;
use crate::error::LayerError;
use crate::simd::floats::Floats;
use crate::simd::{Simd, dispatch};

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
unsafe fn rotate<S: Simd>(rotations: &Rotations, values: &[f32], out: &mut [f32]) {
    let count = rotations.count();
    let wide = count / S::Floats::LANES * S::Floats::LANES;
    // SAFETY: as many rotations as a register has lanes begin at each of these; the caller of a `dispatch`ed function
    // vouches for S.
    unsafe {
        for first in (0..wide).step_by(S::Floats::LANES) {
            rotate_some::<S::Floats>(rotations, values, out, first);
        }
        for first in wide..count {
            rotate_some::<f32>(rotations, values, out, first);
        }
    }
}

/// As many rotations as a register has lanes, from `first` on.
///
/// # Safety
/// There are so many; `values` and `out` are as [`Rotations::apply`] wants them; the CPU has the instructions.
#[inline(always)]
unsafe fn rotate_some<F: Floats>(rotations: &Rotations, values: &[f32], out: &mut [f32], first: usize) {
    let count = rotations.count();
    let (before, between) = rotations.signs.split_at(out.len());
    debug_assert!(first + F::LANES <= count && between.len() == out.len(), "whole registers");
    // SAFETY: `first` plus the lanes is at most `count`, so each register lies within one row of `count` values; there
    // are `out.len() / count` rows of signs and of `out`, one for each of `values`.
    unsafe {
        for (c, value) in values.iter().enumerate() {
            let at = first + c * count;
            F::load(before.as_ptr().add(at)).mul(F::all(*value)).store(out.as_mut_ptr().add(at));
        }
        hadamard::<F>(out, first, count);
        for at in (first..out.len()).step_by(count) {
            let signed = F::load(out.as_ptr().add(at)).mul(F::load(between.as_ptr().add(at)));
            signed.store(out.as_mut_ptr().add(at));
        }
        hadamard::<F>(out, first, count);
    }
}

/// Times the Hadamard matrix, in place: vectors side by side from `first` on, in rows of `count`. Three of its steps at a
/// time, so that each value is read and written once for them.
///
/// # Safety
/// As for [`rotate_some`].
#[inline(always)]
unsafe fn hadamard<F: Floats>(out: &mut [f32], first: usize, count: usize) {
    let side = out.len() / count;
    let mut half = 1;
    // SAFETY: what the caller promises; `half` times 8, or 2, is at most the number of rows.
    unsafe {
        while half * 8 <= side {
            steps::<F, 8>(out, first, count, half);
            half *= 8;
        }
        while half < side {
            steps::<F, 2>(out, first, count, half);
            half *= 2;
        }
    }
}

/// The steps between rows that are `half`, `2 * half`, ... and `R / 2 * half` apart.
///
/// # Safety
/// As for [`rotate_some`]; `half * R` divides the number of rows.
#[inline(always)]
unsafe fn steps<F: Floats, const R: usize>(out: &mut [f32], first: usize, count: usize, half: usize) {
    let apart = half * count;
    for block in (first..out.len()).step_by(apart * R) {
        for at in (block..block + apart).step_by(count) {
            // SAFETY: row `at / count` and those up to `R - 1` times `half` below it are in one block of `half * R` rows.
            unsafe {
                let rows = out.as_mut_ptr().add(at);
                let mut v: [F; R] = std::array::from_fn(|k| F::load(rows.add(k * apart)));
                let mut half = 1;
                while half < R {
                    for pair in (0..R).filter(|k| k & half == 0) {
                        let (a, b) = (v[pair], v[pair + half]);
                        (v[pair], v[pair + half]) = (a.add(b), a.sub(b));
                    }
                    half *= 2;
                }
                for (k, v) in v.into_iter().enumerate() {
                    v.store(rows.add(k * apart));
                }
            }
        }
    }
}
