//! How far a few probes are from many templates; in: [probes][length] and [count][length], out: [count][probes] squares of
//! Euclidean distances, in one pass at about the speed of memory.

use crate::Isa;
use crate::error::LayerError;
use crate::simd::floats::Floats;
use crate::simd::{Elementwise, Kernels, dispatch};

/// Values in a block: sums side by side, and the order of addition, so that all instruction sets round alike.
const LANES: usize = 16;

/// Probes whose sums fit the registers: the frames of a decision.
const TOGETHER: usize = 3;

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

/// Several probes at a time, so that a template is read once for them.
#[inline(always)]
unsafe fn squares<S: Kernels>(length: usize, probes: &[f32], templates: &[f32], out: &mut [f32]) {
    let count = probes.len() / length;
    for (template, out) in templates.chunks_exact(length).zip(out.chunks_exact_mut(count)) {
        for (probes, out) in probes.chunks(TOGETHER * length).zip(out.chunks_mut(TOGETHER)) {
            // SAFETY: all are whole rows; the caller of a `dispatch`ed function vouches for S.
            unsafe {
                if let Ok(out) = <&mut [f32; TOGETHER]>::try_from(&mut *out) {
                    *out = squared_distances::<<S::Elementwise as Elementwise>::Floats, TOGETHER>(
                        probes, template,
                    );
                    continue;
                }
                for (probe, out) in probes.chunks_exact(length).zip(out) {
                    [*out] = squared_distances::<<S::Elementwise as Elementwise>::Floats, 1>(probe, template);
                }
            }
        }
    }
}

/// The squares of `N` probes to a template.
///
/// # Safety
/// `probes` are `N` as long as `template`; the CPU has the instructions.
#[inline(always)]
unsafe fn squared_distances<F: Floats, const N: usize>(probes: &[f32], template: &[f32]) -> [f32; N] {
    let length = template.len();
    debug_assert_eq!(probes.len(), N * length, "whole probes");
    let whole = length / LANES * LANES;
    // SAFETY: reads stop before `whole`, which is at most `length`, of the template and of each probe; sums are stored to as
    // many lanes as they have.
    unsafe {
        let mut sums = [[0.0; LANES]; N];
        for lane in (0..LANES).step_by(F::LANES) {
            let mut totals = [F::all(0.0); N];
            for at in (lane..whole).step_by(LANES) {
                let template = F::load(template.as_ptr().add(at));
                for (n, sum) in totals.iter_mut().enumerate() {
                    let apart = F::load(probes.as_ptr().add(n * length + at)).sub(template);
                    *sum = sum.add(apart.mul(apart));
                }
            }
            for (sum, sums) in totals.into_iter().zip(&mut sums) {
                sum.store(sums.as_mut_ptr().add(lane));
            }
        }
        let mut out = [0.0; N];
        for (n, sums) in sums.iter().enumerate() {
            out[n] = total(sums);
            // What is left after whole blocks.
            for at in whole..length {
                let apart = probes[n * length + at] - template[at];
                out[n] += apart * apart;
            }
        }
        out
    }
}

/// As a tree: upper half onto lower half, four times. Written out, or it becomes a loop.
#[inline(always)]
fn total(sums: &[f32; LANES]) -> f32 {
    let eight: [f32; 8] = std::array::from_fn(|i| sums[i] + sums[i + 8]);
    let four: [f32; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}
