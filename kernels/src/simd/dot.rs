//! NEON with `SDOT`: sixteen products of signed bytes in one instruction.
//! The intrinsic is not stable in Rust 1.95, so it is written as assembly.

use std::arch::aarch64::*;
use std::arch::asm;

use super::neon::{Neon, opaque};
use super::{Other, Simd};
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

/// Inputs 4 LANE to 4 LANE + 3 of M pixels, times the 64 weights at `w`. Its own function, so that its short
/// loops are unrolled and the sums stay in registers.
#[inline(always)]
unsafe fn four_inputs<const LANE: usize, const M: usize>(
    sums: &mut [[int32x4_t; 4]; M],
    w: *const i8,
    x: &[int8x16_t; M],
) {
    // SAFETY: the caller promises 64 weights; dotprod is there (trait).
    unsafe {
        let w: [int8x16_t; 4] = std::array::from_fn(|n| vld1q_s8(w.add(n * 16)));
        for m in 0..M {
            for n in 0..4 {
                sums[m][n] = sdot::<LANE>(sums[m][n], w[n], x[m]);
            }
        }
    }
}

impl Simd for Dot {
    type Sums = int32x4_t;
    type Post = <Neon as Simd>::Post;
    type Row = [int32x4_t; 4];
    type Column = <Neon as Simd>::Column;
    type Taps = <Neon as Simd>::Taps;
    type Block = <Neon as Simd>::Block;
    type Blocks = super::Straight;
    type Elementwise = Neon;

    const LANES: usize = 4;
    const MR: usize = 5;
    const NR: usize = 16;
    const KG: usize = 4;
    const DEPTH: usize = 16;

    #[inline(always)]
    unsafe fn tile<const M: usize>(
        x: *const u8,
        stride: usize,
        w: *const i8,
        k: usize,
    ) -> [[int32x4_t; 4]; M] {
        // SAFETY: 16 bytes at a time of the k (a multiple of 16) bytes of each of the M pixels, and
        // 256 weights for each such group: what the trait promises. The CPU has the instructions.
        unsafe {
            let pixels: [_; M] = std::array::from_fn(|m| opaque(x.add(m * stride)));
            let mut sums = [[vdupq_n_s32(0); 4]; M];
            for group in 0..k / 16 {
                let w = w.add(group * 256);
                let x: [int8x16_t; M] = std::array::from_fn(|m| vld1q_s8(pixels[m].add(group * 16).cast()));
                four_inputs::<0, M>(&mut sums, w, &x);
                four_inputs::<1, M>(&mut sums, w.add(64), &x);
                four_inputs::<2, M>(&mut sums, w.add(128), &x);
                four_inputs::<3, M>(&mut sums, w.add(192), &x);
            }
            sums
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
