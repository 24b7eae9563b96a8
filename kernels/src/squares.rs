//! How far a few probes are from many templates; in: [probes][length] and [count][length], out: [count][probes] squares of
//! Euclidean distances, in one pass at about the speed of memory.

use crate::Isa;
use crate::error::LayerError;
use crate::simd::{Simd, dispatch};

/// Values in a block: sums side by side, and the order of addition, so that all instruction sets round alike.
const LANES: usize = 16;

/// Templates that stay in the first cache while every probe is compared with them.
const NEAR: usize = 16;

/// Squared distances between vectors of one length.
#[derive(Debug, Clone, Copy)]
pub struct Squares {
    isa: Isa,
    length: usize,
}

impl Squares {
    /// # Errors
    /// When `isa` is not available, or `length` is 0.
    pub fn new(isa: Isa, length: usize) -> Result<Self, LayerError> {
        if !isa.is_available() {
            return Err(LayerError::Unavailable(isa));
        }
        if length == 0 {
            return Err(LayerError::Dimension("length"));
        }
        Ok(Self { isa, length })
    }

    /// `sum_j (probe_j - template_j)^2` of each template and probe, template by template. Bit-identical on every instruction
    /// set.
    ///
    /// # Panics
    /// When `probes` and `templates` are not whole rows, or `out` does not have one value for each pair of them.
    pub fn run(self, probes: &[f32], templates: &[f32], out: &mut [f32]) {
        let length = self.length;
        let rows = |values: &[f32]| {
            assert!(values.len().is_multiple_of(length), "rows");
            values.len() / length
        };
        assert_eq!(rows(probes) * rows(templates), out.len(), "one square for each pair");
        if out.is_empty() {
            return;
        }
        // SAFETY: `new` checked that the CPU has the instructions.
        unsafe {
            dispatch!(
                self.isa,
                squares(length: usize, probes: &[f32], templates: &[f32], out: &mut [f32])
            )
        }
    }
}

#[inline(always)]
fn squares<S: Simd>(length: usize, probes: &[f32], templates: &[f32], out: &mut [f32]) {
    let count = probes.len() / length;
    for (templates, out) in templates.chunks(NEAR * length).zip(out.chunks_mut(NEAR * count)) {
        for (at, probe) in probes.chunks_exact(length).enumerate() {
            for (template, out) in templates.chunks_exact(length).zip(out.chunks_exact_mut(count)) {
                out[at] = square(probe, template);
            }
        }
    }
}

#[inline(always)]
fn square(a: &[f32], b: &[f32]) -> f32 {
    let ((a, last_a), (b, last_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            let apart = a[i] - b[i];
            sums[i] += apart * apart;
        }
    }
    // As a tree: upper half onto lower half, four times; vectors add in the same order.
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
    }
    last_a.iter().zip(last_b).fold(sums[0], |sum, (a, b)| sum + (a - b) * (a - b))
}
