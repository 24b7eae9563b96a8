//! Requantisation: i32 sums to u8 activations. One formula for every layer:
//!
//! `y = clamp(zero + round_ties_even(f32(sum + bias) * (if sum + bias < 0 { neg } else { pos })), 0, 255)`
//!
//! `pos` = s_in * s_weight / s_out; `neg` = `pos` * slope gives PReLU, 0 ReLU, `pos` no activation at all.
//! A single multiplication, never fused, so every instruction set gives the same bits.

use crate::error::{LayerError, check_len};

/// Channel counts in memory are multiples of this.
pub const CHANNELS: usize = 16;

/// `channels` rounded up to the bytes a pixel takes in memory.
#[must_use]
pub fn padded(channels: usize) -> usize {
    channels.next_multiple_of(CHANNELS)
}

/// How the sums of one layer become activations of the next; per output channel.
#[derive(Debug, Clone, Copy)]
pub struct Requant<'a> {
    /// Added to the sum, in units of s_in * s_weight.
    pub bias: &'a [i32],
    /// Multiplier of sums at or above zero.
    pub pos: &'a [f32],
    /// Multiplier of sums below zero.
    pub neg: &'a [f32],
    /// Zero point of the input activations.
    pub zero_in: u8,
    /// Zero point of the output activations.
    pub zero_out: u8,
}

/// The same, checked, with the input's zero point folded into the bias, and padded for the widest kernel.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) bias: Vec<i32>,
    pub(crate) pos: Vec<f32>,
    pub(crate) neg: Vec<f32>,
    /// Zero point of the output as it is stored: a signed value where activations are flipped.
    pub(crate) zero: i32,
    /// Whether `pos` gives the same bytes for sums below zero, too: without an activation, or where all that is below zero
    /// becomes the least byte.
    pub(crate) one_factor: bool,
}

/// Pointers into a [`Post`] at some channel.
#[derive(Clone, Copy)]
pub(crate) struct PostPtr {
    pub(crate) bias: *const i32,
    pub(crate) pos: *const f32,
    pub(crate) neg: *const f32,
    pub(crate) zero: i32,
    /// As in [`Post`]. AVX2, AVX512 and aarch64 kernels are compiled for both cases and use `neg` only where it is false.
    pub(crate) one_factor: bool,
}

/// The widest block of channels that a kernel reads at once.
pub(crate) const WIDEST: usize = 64;

/// The largest scaled sum: adding 1.5 * 2^23 rounds it exactly (the portable kernel's trick).
const SCALED_LIMIT: f64 = (1u32 << 22) as f64;

impl Post {
    /// `rows[c]` yields the weights that reach output channel `c`; `flip` as in `Isa::flip`.
    pub(crate) fn new<'w>(
        requant: &Requant<'_>,
        flip: u8,
        rows: impl Iterator<Item = &'w [i8]>,
    ) -> Result<Post, LayerError> {
        let channels = requant.bias.len();
        check_len("pos", requant.pos.len(), channels)?;
        check_len("neg", requant.neg.len(), channels)?;
        let bias = fold_bias(requant.bias, requant.zero_in, flip, rows)?;
        let size = channels.next_multiple_of(WIDEST);
        let mut post = Post {
            bias: vec![0; size],
            pos: vec![0.0; size],
            neg: vec![0.0; size],
            zero: i32::from(requant.zero_out) - i32::from(flip),
            one_factor: true,
        };
        for (c, folded) in bias.iter().enumerate() {
            let (pos, neg) = (requant.pos[c], requant.neg[c]);
            if !pos.is_finite() || !neg.is_finite() {
                return Err(LayerError::NotFinite(c));
            }
            if folded.largest as f64 * f64::from(pos.abs().max(neg.abs())) >= SCALED_LIMIT {
                return Err(LayerError::Overflow(c));
            }
            (post.bias[c], post.pos[c], post.neg[c]) = (folded.bias, pos, neg);
            post.one_factor &= pos == neg || (requant.zero_out == 0 && pos >= 0.0 && neg >= 0.0);
        }
        Ok(post)
    }

    /// The same with the channels in another order: at `i` that of `channel(i)`.
    pub(crate) fn ordered(&self, channel: impl Fn(usize) -> usize) -> Post {
        let channels: Vec<usize> = (0..self.channels()).map(channel).collect();
        Post {
            bias: channels.iter().map(|&c| self.bias[c]).collect(),
            pos: channels.iter().map(|&c| self.pos[c]).collect(),
            neg: channels.iter().map(|&c| self.neg[c]).collect(),
            ..*self
        }
    }

    /// Channels that can be read.
    pub(crate) fn channels(&self) -> usize {
        self.bias.len().min(self.pos.len()).min(self.neg.len())
    }

    /// Pointers at channel `c`, good for [`WIDEST`] channels when `c` is a multiple of it.
    pub(crate) fn at(&self, c: usize) -> PostPtr {
        let (bias, pos, neg) = (&self.bias[c..], &self.pos[c..], &self.neg[c..]);
        let (zero, one_factor) = (self.zero, self.one_factor);
        PostPtr { bias: bias.as_ptr(), pos: pos.as_ptr(), neg: neg.as_ptr(), zero, one_factor }
    }
}

/// A bias with the zero point folded in, and the largest magnitude the sum can reach.
pub(crate) struct Folded {
    pub(crate) bias: i32,
    pub(crate) largest: i64,
}

/// `bias - zero * sum(w)`, and for flipped activations `+ 128 * sum(w)`; refuses what could leave 32 bits.
pub(crate) fn fold_bias<'w>(
    bias: &[i32],
    zero_in: u8,
    flip: u8,
    rows: impl Iterator<Item = &'w [i8]>,
) -> Result<Vec<Folded>, LayerError> {
    let shift = i64::from(flip) - i64::from(zero_in);
    let mut folded = Vec::with_capacity(bias.len());
    for (c, (&bias, row)) in bias.iter().zip(rows).enumerate() {
        let (mut sum, mut magnitude) = (0_i64, 0_i64);
        for &w in row {
            if w == i8::MIN {
                return Err(LayerError::Weight);
            }
            sum += i64::from(w);
            magnitude += i64::from(w.unsigned_abs());
        }
        let largest = magnitude * 255 + i64::from(bias).abs();
        let shifted = i64::from(bias) + shift * sum;
        // Sums wrap in 32 bits, so only the final value counts.
        let (Ok(_), Ok(bias)) = (i32::try_from(largest), i32::try_from(shifted)) else {
            return Err(LayerError::Overflow(c));
        };
        folded.push(Folded { bias, largest });
    }
    check_len("weight rows", folded.len(), bias.len())?;
    Ok(folded)
}

impl PostPtr {
    /// The pointers `c` channels on.
    ///
    /// # Safety
    /// `c` channels on must still be inside the [`Post`].
    #[inline(always)]
    pub(crate) unsafe fn add(self, c: usize) -> PostPtr {
        // SAFETY: what the caller promises, for each of the three arrays.
        unsafe { PostPtr { bias: self.bias.add(c), pos: self.pos.add(c), neg: self.neg.add(c), ..self } }
    }
}
