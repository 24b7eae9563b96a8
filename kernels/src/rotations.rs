//! A stack of rotations, each the Hadamard matrix and signs, twice; in: [side] values, out: [side][rotations].

use crate::Isa;
use crate::error::LayerError;
use crate::simd::floats::Floats;
use crate::simd::{Elementwise, Kernels, dispatch};

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
unsafe fn rotate<S: Kernels>(rotations: &Rotations, values: &[f32], out: &mut [f32]) {
    let count = rotations.count();
    let lanes = <S::Elementwise as Elementwise>::Floats::LANES;
    let wide = count / lanes * lanes;
    // SAFETY: as many rotations as a register has lanes begin at each of these; the caller of a `dispatch`ed function
    // vouches for S.
    unsafe {
        for first in (0..wide).step_by(lanes) {
            rotate_some::<<S::Elementwise as Elementwise>::Floats>(rotations, values, out, first);
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
    let (side, count) = (rotations.side, rotations.count());
    let (before, between) = rotations.signs.split_at(out.len());
    debug_assert!(first + F::LANES <= count && between.len() == out.len(), "whole registers");
    // SAFETY: `first` plus the lanes is at most `count`, so each register lies within one row of `count` values; there
    // are `side` rows of signs and of `out`, and as many `values`.
    unsafe {
        let (before, between) = (before.as_ptr().add(first), between.as_ptr().add(first));
        let (values, out) = (values.as_ptr(), out.as_mut_ptr().add(first));
        hadamard(out, side, count, |c| F::load(before.add(c * count)).mul(F::all(*values.add(c))));
        hadamard(out, side, count, |c| F::load(out.add(c * count)).mul(F::load(between.add(c * count))));
    }
}

/// The Hadamard matrix times what `read` gives, row by row, to the `side` rows of a register each, `count` values apart, at `out`.
/// Several of its steps at a time, so that each value is read and written once for them.
///
/// # Safety
/// `out` is good for that; `read` is asked for a row before it is written.
#[inline(always)]
unsafe fn hadamard<F: Floats>(out: *mut f32, side: usize, count: usize, read: impl Fn(usize) -> F) {
    // SAFETY: what the caller promises; the last row of each block is below `side`, a power of two.
    unsafe {
        let again = |c: usize| F::load(out.add(c * count));
        let mut half = if side < 16 {
            steps::<F, 1>(out, side, count, 1, read);
            1
        } else {
            steps::<F, 16>(out, side, count, 1, read);
            16
        };
        while half * 8 <= side {
            steps::<F, 8>(out, side, count, half, again);
            half *= 8;
        }
        while half < side {
            steps::<F, 2>(out, side, count, half, again);
            half *= 2;
        }
    }
}

/// The steps between rows that are `half`, `2 * half`, ... and `R / 2 * half` apart.
///
/// # Safety
/// As for [`hadamard`]; `half * R` divides `side`.
#[inline(always)]
unsafe fn steps<F: Floats, const R: usize>(
    out: *mut f32,
    side: usize,
    count: usize,
    half: usize,
    read: impl Fn(usize) -> F,
) {
    for block in (0..side).step_by(half * R) {
        for row in block..block + half {
            let mut v: [F; R] = std::array::from_fn(|k| read(row + k * half));
            let mut near = 1;
            while near < R {
                for pair in (0..R).filter(|k| k & near == 0) {
                    let (a, b) = (v[pair], v[pair + near]);
                    // SAFETY: the CPU has the instructions.
                    unsafe { (v[pair], v[pair + near]) = (a.add(b), a.sub(b)) };
                }
                near *= 2;
            }
            for (k, v) in v.into_iter().enumerate() {
                // SAFETY: the last row of a block of `half * R` rows is below `side`.
                unsafe { v.store(out.add((row + k * half) * count)) };
            }
        }
    }
}
