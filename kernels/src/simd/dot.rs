//! NEON with `SDOT`: sixteen products of signed bytes in one instruction.
//! The intrinsic is not stable in Rust 1.95, so it is written as assembly.

use std::arch::aarch64::*;
use std::arch::asm;

use super::Simd;
use super::neon::Neon;
use crate::post::PostPtr;

/// Needs neon and dotprod. Activations are signed bytes, as for [`Neon`].
pub(crate) struct Dot;

/// `sums[i] += w[4i..4i + 4] . x[4 LANE..4 LANE + 4]` for i in 0..4.
#[inline(always)]
unsafe fn sdot<const LANE: usize>(mut sums: int32x4_t, w: int8x16_t, x: int8x16_t) -> int32x4_t {
    // SAFETY: registers only; the caller vouches for dotprod.
    unsafe {
        asm!(
            ".arch_extension dotprod",
            "sdot {sums:v}.4s, {w:v}.16b, {x:v}.4b[{lane}]",
            sums = inout(vreg) sums, w = in(vreg) w, x = in(vreg) x, lane = const LANE,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

impl Simd for Dot {
    type Sums = int32x4_t;
    type Post = <Neon as Simd>::Post;
    type Row = [int32x4_t; 2];
    type Column = <Neon as Simd>::Column;
    type Taps = <Neon as Simd>::Taps;
    type Block = <Neon as Simd>::Block;

    const LANES: usize = 4;
    const MR: usize = 8;
    const NR: usize = 8;
    const KG: usize = 4;
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
            let mut sums = [[vdupq_n_s32(0); 2]; M];
            for group in 0..k / 16 {
                let w = w.add(group * 128);
                let w: [int8x16_t; 8] = std::array::from_fn(|i| vld1q_s8(w.add(i * 16)));
                for (m, row) in sums.iter_mut().enumerate() {
                    let pixel = vld1q_s8(x.add(m * stride + group * 16).cast());
                    for n in 0..2 {
                        row[n] = sdot::<0>(row[n], w[n], pixel);
                        row[n] = sdot::<1>(row[n], w[2 + n], pixel);
                        row[n] = sdot::<2>(row[n], w[4 + n], pixel);
                        row[n] = sdot::<3>(row[n], w[6 + n], pixel);
                    }
                }
            }
            sums
        }
    }

    // All but the tile is plain NEON.

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
