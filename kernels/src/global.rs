//! Depthwise convolution with the whole picture as its window; in: `[height][width][padded(channels)]` u8, out: one pixel.

use crate::error::{LayerError, check_len};
use crate::post::{Post, padded};
use crate::simd::{Kernels, dispatch};
use crate::{Bytes, Isa, Requant};

/// A depthwise layer that reduces a picture to one value per channel.
#[derive(Clone)]
pub struct GlobalDepthwise {
    isa: Isa,
    n: usize,
    /// `[cells][n]`
    taps: Bytes,
    post: Post,
}

impl GlobalDepthwise {
    /// `weights` is `[channels][cells]`, -127..=127, where cells = height * width; `requant` has `channels`
    /// channels.
    ///
    /// # Errors
    /// When `isa` is not available, a length is wrong or a sum could overflow.
    pub fn new(isa: Isa, cells: usize, weights: &[i8], requant: &Requant<'_>) -> Result<Self, LayerError> {
        if !isa.is_available() {
            return Err(LayerError::Unavailable(isa));
        }
        let channels = requant.bias.len();
        if cells == 0 || channels == 0 {
            return Err(LayerError::Dimension("cells or channels"));
        }
        check_len("weights", weights.len(), channels * cells)?;
        // The loop below undoes the flip, so the bias is for plain bytes.
        let mut post = Post::new(requant, 0, weights.chunks_exact(cells))?;
        post.zero = i32::from(requant.zero_out) - i32::from(isa.flip());
        let n = padded(channels);
        let mut taps = Bytes::zeroed(cells * n);
        for (c, row) in weights.chunks_exact(cells).enumerate() {
            for (t, &w) in row.iter().enumerate() {
                taps[t * n + c] = w as u8;
            }
        }
        Ok(GlobalDepthwise { isa, n, taps, post })
    }

    /// One picture to one pixel.
    ///
    /// # Panics
    /// When the lengths do not fit.
    pub fn run(&self, x: &[u8], out: &mut [u8]) {
        assert_eq!(x.len(), self.taps.len(), "input size");
        assert_eq!(out.len(), self.n, "output size");
        let (layer, isa) = (self, self.isa);
        // SAFETY: `new` checked that the CPU has the instructions; `reduce` is otherwise safe.
        unsafe { dispatch!(isa, reduce(layer: &GlobalDepthwise, x: &[u8], out: &mut [u8])) }
    }
}

/// 16 channels at a time; the compiler vectorises the loop over them.
#[inline(always)]
fn reduce<S: Kernels>(layer: &GlobalDepthwise, x: &[u8], out: &mut [u8]) {
    let flip = layer.isa.flip();
    for (block, out) in out.chunks_exact_mut(16).enumerate() {
        let mut sums = [0_i32; 16];
        for (x, w) in x.chunks_exact(layer.n).zip(layer.taps.chunks_exact(layer.n)) {
            let (x, w) = (&x[block * 16..][..16], &w[block * 16..][..16]);
            for ((sum, x), w) in sums.iter_mut().zip(x).zip(w) {
                *sum += i32::from(x ^ flip) * i32::from(*w as i8);
            }
        }
        for (c, (sum, out)) in sums.iter().zip(out).enumerate() {
            // The same formula as in `post.rs` and the portable kernel.
            let c = block * 16 + c;
            let sum = sum.wrapping_add(layer.post.bias[c]);
            let scaled = sum as f32 * if sum < 0 { layer.post.neg[c] } else { layer.post.pos[c] };
            let y = scaled.round_ties_even() as i32 + layer.post.zero + i32::from(flip);
            *out = y.clamp(0, 255) as u8 ^ flip;
        }
    }
}
