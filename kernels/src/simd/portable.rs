//! Plain Rust, in a form that compilers can vectorise. For CPUs without any of the other instruction sets.

use super::{Elementwise, Other, Simd};
use crate::post::PostPtr;

/// No special instructions.
pub(crate) struct Portable;

/// Multiplier, bias and zero point of one channel.
#[derive(Clone, Copy)]
pub(crate) struct Channel {
    bias: i32,
    pos: f32,
    neg: f32,
    zero: i32,
}

#[inline(always)]
fn scaled(sum: i32, post: &Channel) -> f32 {
    let sum = sum.wrapping_add(post.bias);
    sum as f32 * if sum < 0 { post.neg } else { post.pos }
}

#[inline(always)]
fn rounded(scaled: f32, zero: i32) -> u8 {
    // Below 2^22 in magnitude (checked when the layer is built), so this addition rounds to whole
    // numbers, ties to even; 32-bit ARM would call libm for `round_ties_even`. Larger values, from a sum of two, are
    // far outside any byte.
    const ROUND: f32 = 12_582_912.0;
    (((scaled + ROUND) - ROUND) as i32 + zero).clamp(0, 255) as u8
}

impl Simd for Portable {
    type Sums = i32;
    type Post = Channel;
    type Row = [i32; 4];
    type Column = [[u8; 16]; 3];
    type Taps = [[i8; 16]; 9];
    type Block = [i32; 16];
    type Blocks = super::Straight;
    type Elementwise = Self;

    const LANES: usize = 1;
    const MR: usize = 2;
    const NR: usize = 4;
    const KG: usize = 1;
    const DEPTH: usize = 16;

    #[inline(always)]
    unsafe fn tile<const M: usize>(x: *const u8, stride: usize, w: *const i8, k: usize) -> [[i32; 4]; M] {
        let mut sums = [[0_i32; 4]; M];
        for i in 0..k {
            // SAFETY: `w` holds k * NR weights.
            let weights = unsafe { w.add(i * 4).cast::<[i8; 4]>().read() };
            for (m, row) in sums.iter_mut().enumerate() {
                // SAFETY: each of the M pixels has `k` bytes.
                let x = i32::from(unsafe { *x.add(m * stride + i) });
                for (sum, w) in row.iter_mut().zip(weights) {
                    // Each product fits 16 bits and no layer's sum leaves 32 (checked when it is built).
                    *sum = sum.wrapping_add(x * i32::from(w));
                }
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn post(post: PostPtr) -> Channel {
        // SAFETY: the caller promises LANES = 1 value in each.
        unsafe { Channel { bias: *post.bias, pos: *post.pos, neg: *post.neg, zero: post.zero } }
    }

    #[inline(always)]
    unsafe fn finish(sum: i32, post: &Channel, out: *mut u8) {
        // SAFETY: the caller promises LANES = 1 byte.
        unsafe { *out = rounded(scaled(sum, post), post.zero) }
    }

    #[inline(always)]
    unsafe fn finish_with(sum: i32, post: &Channel, other: Other, out: *mut u8) {
        // SAFETY: the caller promises LANES = 1 byte of each.
        unsafe {
            let added = (i32::from(*other.bytes) - other.zero) as f32 * other.factor;
            *out = rounded(scaled(sum, post) + added, post.zero);
        }
    }

    #[inline(always)]
    unsafe fn store(sum: i32, out: *mut i32) {
        // SAFETY: the caller promises room for LANES = 1 sum.
        unsafe { *out = sum }
    }

    #[inline(always)]
    unsafe fn taps(w: *const i8, step: usize) -> Self::Taps {
        // SAFETY: the caller promises nine rows of DEPTH = 16 weights.
        std::array::from_fn(|t| unsafe { w.add(t * step).cast::<[i8; 16]>().read() })
    }

    #[inline(always)]
    unsafe fn column(rows: [*const u8; 3]) -> Self::Column {
        // SAFETY: the caller promises DEPTH = 16 bytes in each row.
        rows.map(|row| unsafe { row.cast::<[u8; 16]>().read() })
    }

    #[inline(always)]
    unsafe fn window(columns: [Self::Column; 3], taps: &Self::Taps) -> [i32; 16] {
        let mut sums = [0_i32; 16];
        for (dx, column) in columns.iter().enumerate() {
            for (dy, bytes) in column.iter().enumerate() {
                for (c, sum) in sums.iter_mut().enumerate() {
                    *sum += i32::from(bytes[c]) * i32::from(taps[dy * 3 + dx][c]);
                }
            }
        }
        sums
    }
}

impl Elementwise for Portable {
    type Floats = f32;
}
