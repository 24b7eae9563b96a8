//! NEON with `SMMLA`: 2 pixels by 2 channels by 8 inputs in one instruction.
//! The intrinsic is not stable in Rust 1.95, so it is written as assembly.

use std::arch::aarch64::*;
use std::arch::asm;

use super::neon::Neon;
use super::{Other, Simd};
use crate::post::PostPtr;

/// Needs neon and i8mm. Activations are signed bytes, as for [`Neon`].
pub(crate) struct I8mm;

/// `sums[2p + c] += x[8p..8p + 8] . w[8c..8c + 8]` for p, c in 0..2.
#[inline(always)]
unsafe fn smmla(mut sums: int32x4_t, x: int8x16_t, w: int8x16_t) -> int32x4_t {
    // SAFETY: registers only; the caller vouches for i8mm.
    unsafe {
        asm!(
            ".arch_extension i8mm",
            "smmla {sums:v}.4s, {x:v}.16b, {w:v}.16b",
            sums = inout(vreg) sums, x = in(vreg) x, w = in(vreg) w,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// Bytes 0 to 7, then 8 to 15, of two pixels side by side.
#[inline(always)]
unsafe fn pair(a: int8x16_t, b: int8x16_t) -> [int8x16_t; 2] {
    // SAFETY: plain NEON.
    unsafe {
        let (a, b) = (vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b));
        [vreinterpretq_s8_s64(vzip1q_s64(a, b)), vreinterpretq_s8_s64(vzip2q_s64(a, b))]
    }
}

impl Simd for I8mm {
    type Sums = int32x4_t;
    type Post = <Neon as Simd>::Post;
    type Row = [int32x4_t; 2];
    type Column = <Neon as Simd>::Column;
    type Taps = <Neon as Simd>::Taps;
    type Block = <Neon as Simd>::Block;
    type Blocks = super::Straight;
    type Elementwise = Neon;

    const LANES: usize = 4;
    const MR: usize = 8;
    const NR: usize = 8;
    const KG: usize = 8;
    const DEPTH: usize = 16;

    #[inline(always)]
    unsafe fn tile<const M: usize>(
        x: *const u8,
        stride: usize,
        w: *const i8,
        k: usize,
    ) -> [[int32x4_t; 2]; M] {
        // SAFETY: 16 bytes at a time of the k (a multiple of 16) bytes of each of the M pixels, and
        // 128 weights for each such group: what the trait promises. The CPU has the instructions.
        unsafe {
            // sums[p][c]: pixels 2p, 2p + 1 by channels 2c, 2c + 1. Of an odd M the last pixel counts twice.
            let mut sums = [[vdupq_n_s32(0); 4]; 4];
            for group in 0..k / 16 {
                let w = w.add(group * 128);
                let w: [int8x16_t; 8] = std::array::from_fn(|i| vld1q_s8(w.add(i * 16)));
                for (p, sums) in sums.iter_mut().enumerate().take(M.div_ceil(2)) {
                    let (a, b) = (2 * p, (2 * p + 1).min(M - 1));
                    let at = |m: usize| vld1q_s8(x.add(m * stride + group * 16).cast());
                    let [first, second] = pair(at(a), at(b));
                    for c in 0..4 {
                        sums[c] = smmla(sums[c], first, w[c]);
                        sums[c] = smmla(sums[c], second, w[4 + c]);
                    }
                }
            }
            std::array::from_fn(|m| {
                let row = sums[m / 2].map(|s| vreinterpretq_s64_s32(s));
                let half = |a, b| if m % 2 == 0 { vzip1q_s64(a, b) } else { vzip2q_s64(a, b) };
                [half(row[0], row[1]), half(row[2], row[3])].map(|s| vreinterpretq_s32_s64(s))
            })
        }
    }

    // Everything but the tile is plain NEON.

    #[inline(always)]
    unsafe fn post(post: PostPtr) -> Self::Post {
        // SAFETY: the same contract.
        unsafe { Neon::post(post) }
    }

    #[inline(always)]
    unsafe fn finish(sums: int32x4_t, post: &Self::Post, out: *mut u8) {
        // SAFETY: the same contract.
        unsafe { Neon::finish(sums, post, out) }
    }

    #[inline(always)]
    unsafe fn finish_four(sums: [int32x4_t; 4], post: &[Self::Post; 4], out: *mut u8) {
        // SAFETY: the same contract.
        unsafe { Neon::finish_four(sums, post, out) }
    }

    #[inline(always)]
    unsafe fn finish_with(sums: int32x4_t, post: &Self::Post, other: Other, out: *mut u8) {
        // SAFETY: the same contract.
        unsafe { Neon::finish_with(sums, post, other, out) }
    }

    #[inline(always)]
    unsafe fn store(sums: int32x4_t, out: *mut i32) {
        // SAFETY: the same contract.
        unsafe { Neon::store(sums, out) }
    }

    #[inline(always)]
    unsafe fn taps(w: *const i8, step: usize) -> Self::Taps {
        // SAFETY: the same contract.
        unsafe { Neon::taps(w, step) }
    }

    #[inline(always)]
    unsafe fn column(rows: [*const u8; 3]) -> Self::Column {
        // SAFETY: the same contract.
        unsafe { Neon::column(rows) }
    }

    #[inline(always)]
    unsafe fn window(columns: [Self::Column; 3], taps: &Self::Taps) -> Self::Block {
        // SAFETY: the same contract.
        unsafe { Neon::window(columns, taps) }
    }
}
