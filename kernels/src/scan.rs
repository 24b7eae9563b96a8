//! One probe against many templates; in: [count][length] templates, out: one weighted L1 distance each,
//! `sum_j weight_j * |probe_j - template_j|`, in one pass at about the speed of memory.

use crate::Isa;
use crate::error::LayerError;
use crate::simd::{Simd, dispatch};

/// Sums side by side; also the order of addition, so that all instruction sets round alike.
const LANES: usize = 16;

/// A scan with f32 templates. The length is that of `weights`, a multiple of 16.
#[derive(Debug, Clone)]
pub struct Scan {
    isa: Isa,
    weights: Vec<f32>,
}

impl Scan {
    /// # Errors
    /// When `isa` is not available, the length is not a multiple of 16, or a weight is not finite.
    pub fn new(isa: Isa, weights: &[f32]) -> Result<Self, LayerError> {
        if !isa.is_available() {
            return Err(LayerError::Unavailable(isa));
        }
        if weights.is_empty() || !weights.len().is_multiple_of(LANES) {
            return Err(LayerError::Dimension("length"));
        }
        match weights.iter().position(|w| !w.is_finite()) {
            Some(j) => Err(LayerError::NotFinite(j)),
            None => Ok(Scan { isa, weights: weights.to_vec() }),
        }
    }

    /// # Panics
    /// When `probe` has another length than the weights, or `templates` is not one row for each of `out`.
    pub fn run(&self, probe: &[f32], templates: &[f32], out: &mut [f32]) {
        assert_eq!(probe.len(), self.weights.len(), "probe length");
        assert_eq!(templates.len(), out.len() * self.weights.len(), "templates");
        let weights = self.weights.as_slice();
        // SAFETY: a safe function; `new` made sure that the CPU has the instructions.
        unsafe {
            dispatch!(
                self.isa,
                scan_floats(weights: &[f32], probe: &[f32], templates: &[f32], out: &mut [f32])
            )
        }
    }
}

#[inline(always)]
fn scan_floats<S: Simd>(weights: &[f32], probe: &[f32], templates: &[f32], out: &mut [f32]) {
    let (weights, probe) = (weights.as_chunks::<LANES>().0, probe.as_chunks::<LANES>().0);
    for (out, template) in out.iter_mut().zip(templates.chunks_exact(weights.len() * LANES)) {
        let mut sums = [0.0_f32; LANES];
        for ((w, p), t) in weights.iter().zip(probe).zip(template.as_chunks::<LANES>().0) {
            for i in 0..LANES {
                sums[i] += w[i] * (p[i] - t[i]).abs();
            }
        }
        // As a tree: upper half onto lower half, four times.
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                sums[i] += sums[i + half];
            }
        }
        *out = sums[0];
    }
}

/// A scan with templates of one byte a value: a quarter of the memory to read.
#[derive(Debug, Clone)]
pub struct ByteScan {
    isa: Isa,
    weights: Vec<i16>,
    scale: f32,
}

impl ByteScan {
    /// Rounds `weights` to 16 bits; `step` is what one unit of a byte stands for.
    ///
    /// # Errors
    /// When `isa` is not available, the length is not a multiple of 16 or above 256, a weight is not finite, or
    /// all are zero.
    pub fn new(isa: Isa, weights: &[f32], step: f32) -> Result<Self, LayerError> {
        Scan::new(isa, weights)?;
        let largest = weights.iter().fold(0.0_f32, |most, w| most.max(w.abs()));
        let unit = largest / f32::from(i16::MAX);
        // 256 * 255 * 32767 is just below 2^31.
        if weights.len() > 256 {
            return Err(LayerError::Dimension("length"));
        }
        if !(unit.is_normal() && step.is_finite()) {
            return Err(LayerError::NotFinite(0));
        }
        let weights = weights.iter().map(|w| (w / unit).round() as i16).collect();
        Ok(ByteScan { isa, weights, scale: unit * step })
    }

    /// # Panics
    /// When `probe` has another length than the weights, or `templates` is not one row for each of `out`.
    pub fn run(&self, probe: &[u8], templates: &[u8], out: &mut [f32]) {
        assert_eq!(probe.len(), self.weights.len(), "probe length");
        assert_eq!(templates.len(), out.len() * self.weights.len(), "templates");
        let scan = self;
        // SAFETY: a safe function; `new` made sure that the CPU has the instructions.
        unsafe {
            dispatch!(scan.isa, scan_bytes(scan: &ByteScan, probe: &[u8], templates: &[u8], out: &mut [f32]))
        }
    }
}

#[inline(always)]
fn scan_bytes<S: Simd>(scan: &ByteScan, probe: &[u8], templates: &[u8], out: &mut [f32]) {
    let (weights, probe) = (scan.weights.as_chunks::<LANES>().0, probe.as_chunks::<LANES>().0);
    for (out, template) in out.iter_mut().zip(templates.chunks_exact(weights.len() * LANES)) {
        let mut sums = [0_i32; LANES];
        for ((w, p), t) in weights.iter().zip(probe).zip(template.as_chunks::<LANES>().0) {
            for i in 0..LANES {
                sums[i] += i32::from(w[i]) * i32::from(p[i].abs_diff(t[i]));
            }
        }
        *out = sums.iter().sum::<i32>() as f32 * scan.scale;
    }
}
