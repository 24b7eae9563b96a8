//! Compares one probe with many templates; in: [count][length] templates, out: one weighted L1 distance each,
//! `sum_j weight_j * |probe_j - template_j|`, in one pass at about the speed of memory; or many probes with many templates,
//! at the speed of the arithmetic.

use crate::Isa;
use crate::error::LayerError;
use crate::simd::{Elementwise, Kernels, TILE, dispatch};

/// Values in a block: sums side by side, and the order of addition, so that all instruction sets round alike.
const LANES: usize = 16;

/// A scan with f32 templates as long as `weights`; fastest when the length is a multiple of 16.
#[derive(Debug, Clone)]
pub struct Scan {
    isa: Isa,
    weights: Vec<f32>,
}

impl Scan {
    /// # Errors
    /// When `isa` is not available, there is no weight, or one is not finite.
    pub fn new(isa: Isa, weights: &[f32]) -> Result<Self, LayerError> {
        if !isa.is_available() {
            return Err(LayerError::Unavailable(isa));
        }
        if weights.is_empty() {
            return Err(LayerError::Dimension("length"));
        }
        match weights.iter().position(|w| !w.is_finite()) {
            Some(j) => Err(LayerError::NotFinite(j)),
            None => Ok(Scan { isa, weights: weights.to_vec() }),
        }
    }

    /// Factor of each difference.
    #[must_use]
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The distance between two vectors. Symmetric, and bit-identical on every instruction set.
    ///
    /// # Panics
    /// When either length differs from that of the weights.
    #[must_use]
    pub fn distance(&self, probe: &[f32], template: &[f32]) -> f32 {
        let mut out = [0.0];
        self.run(probe, template, &mut out);
        out[0]
    }

    /// # Panics
    /// When `probe` is not as long as the weights, or `templates` does not have one row for each of `out`.
    pub fn run(&self, probe: &[f32], templates: &[f32], out: &mut [f32]) {
        assert_eq!(probe.len(), self.weights.len(), "probe length");
        assert_eq!(templates.len(), out.len() * self.weights.len(), "templates");
        let weights = self.weights.as_slice();
        // SAFETY: the lengths are as asserted; `new` checked that the CPU has the instructions.
        unsafe {
            dispatch!(
                self.isa,
                scan_floats(weights: &[f32], probe: &[f32], templates: &[f32], out: &mut [f32])
            )
        }
    }

    /// The distances of each of `probes` to each of `templates`, probe by probe; bit-identical to [`Scan::distance`].
    /// Fastest when both are small enough to stay in the cache.
    ///
    /// # Panics
    /// When `probes` and `templates` are not whole rows, or `out` does not have one value for each pair of them.
    pub fn between(&self, probes: &[f32], templates: &[f32], out: &mut [f32]) {
        let length = self.weights.len();
        let rows = |values: &[f32]| {
            assert!(values.len().is_multiple_of(length), "rows");
            values.len() / length
        };
        assert_eq!(rows(probes) * rows(templates), out.len(), "one distance for each pair");
        let weights = self.weights.as_slice();
        // SAFETY: all are whole rows, as asserted; `new` checked that the CPU has the instructions.
        unsafe {
            dispatch!(
                self.isa,
                between_floats(weights: &[f32], probes: &[f32], templates: &[f32], out: &mut [f32])
            )
        }
    }
}

/// Tile by tile; what is left at the right and below goes one by one.
#[inline(always)]
unsafe fn between_floats<S: Kernels>(weights: &[f32], probes: &[f32], templates: &[f32], out: &mut [f32]) {
    let length = weights.len();
    let count = templates.len() / length;
    let (blocks, last_weights) = weights.as_chunks::<LANES>();
    let across = count / TILE * TILE;
    for (probes, out) in probes.chunks(length * TILE).zip(out.chunks_mut((count * TILE).max(1))) {
        let row = |of: &[f32], at: usize| of[at * length..][..length].as_ptr().cast();
        let tiled = if probes.len() == length * TILE { across } else { 0 };
        for at in (0..tiled).step_by(TILE) {
            let (p, t) =
                (std::array::from_fn(|i| row(probes, i)), std::array::from_fn(|i| row(templates, at + i)));
            // SAFETY: `row` gave rows as long as the weights; the caller of a `dispatch`ed function vouches for S.
            let tile = unsafe { S::Elementwise::distance_tile(blocks.as_ptr(), p, t, blocks.len()) };
            for (i, tile) in tile.iter().enumerate() {
                out[i * count + at..][..TILE].copy_from_slice(tile);
            }
        }
        for (probe, out) in probes.chunks_exact(length).zip(out.chunks_exact_mut(count)) {
            let last = &probe[blocks.len() * LANES..];
            for (template, out) in templates.chunks_exact(length).zip(&mut out[..tiled]) {
                add_last(last_weights, last, &template[blocks.len() * LANES..], out);
            }
            // SAFETY: the same weights, and whole rows.
            unsafe { scan_floats::<S>(weights, probe, &templates[tiled * length..], &mut out[tiled..]) }
        }
    }
}

/// What is left after whole blocks.
#[inline(always)]
fn add_last(weights: &[f32], probe: &[f32], template: &[f32], out: &mut f32) {
    for ((w, p), t) in weights.iter().zip(probe).zip(template) {
        *out += w * (p - t).abs();
    }
}

#[inline(always)]
unsafe fn scan_floats<S: Kernels>(weights: &[f32], probe: &[f32], templates: &[f32], out: &mut [f32]) {
    let length = weights.len();
    let ((weights, last_weights), (probe, last_probe)) =
        (weights.as_chunks::<LANES>(), probe.as_chunks::<LANES>());
    for (out, template) in out.iter_mut().zip(templates.chunks_exact(length)) {
        let (template, last) = template.as_chunks::<LANES>();
        // SAFETY: `run` saw that all are as long as the weights; the caller of a `dispatch`ed function vouches for S.
        *out = unsafe {
            S::Elementwise::distance(weights.as_ptr(), probe.as_ptr(), template.as_ptr(), weights.len())
        };
        add_last(last_weights, last_probe, last, out);
    }
}

/// A scan with templates of one byte per value: a quarter of the memory to read.
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
        if !weights.len().is_multiple_of(LANES) {
            return Err(LayerError::Dimension("length"));
        }
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
    /// When `probe` is not as long as the weights, or `templates` does not have one row for each of `out`.
    pub fn run(&self, probe: &[u8], templates: &[u8], out: &mut [f32]) {
        assert_eq!(probe.len(), self.weights.len(), "probe length");
        assert_eq!(templates.len(), out.len() * self.weights.len(), "templates");
        let scan = self;
        // SAFETY: the lengths are as asserted; `new` checked that the CPU has the instructions.
        unsafe {
            dispatch!(scan.isa, scan_bytes(scan: &ByteScan, probe: &[u8], templates: &[u8], out: &mut [f32]))
        }
    }
}

#[inline(always)]
unsafe fn scan_bytes<S: Kernels>(scan: &ByteScan, probe: &[u8], templates: &[u8], out: &mut [f32]) {
    let (weights, probe) = (scan.weights.as_chunks::<LANES>().0, probe.as_chunks::<LANES>().0);
    for (out, template) in out.iter_mut().zip(templates.chunks_exact(weights.len() * LANES)) {
        // SAFETY: as in `scan_floats`.
        let sum = unsafe {
            S::Elementwise::distance_bytes(
                weights.as_ptr(),
                probe.as_ptr(),
                template.as_ptr().cast(),
                weights.len(),
            )
        };
        *out = sum as f32 * scan.scale;
    }
}
