//! NEON of every aarch64 CPU: `SMULL`, `SMLAL2` and `SADALP` make 16 products of signed bytes.
//! Weights are -127..=127, so the two products that meet in 16 bits stay within -32512..=32512.

use std::arch::aarch64::*;
use std::arch::asm;

use super::{Elementwise, Other, Simd, neon_pixels};
use crate::Add;
use crate::post::PostPtr;

/// Needs neon. Activations are stored flipped (`Isa::flip`), so they are signed bytes here.
pub(crate) struct Neon;

/// [`PostPtr`] of 4 channels.
#[derive(Clone, Copy)]
pub(crate) struct Post {
    bias: int32x4_t,
    pos: float32x4_t,
    neg: float32x4_t,
    zero: i16,
    one_factor: bool,
}

/// Hides a pointer's origin from the compiler, which would otherwise step from pixel to pixel with additions in the
/// innermost loop instead of keeping one register for each.
#[inline(always)]
#[allow(clippy::pointers_in_nomem_asm_block, reason = "the pointer passes through, nothing is read")]
pub(crate) fn opaque(mut pointer: *const u8) -> *const u8 {
    // SAFETY: does nothing.
    unsafe { asm!("/* {0} */", inout(reg) pointer, options(pure, nomem, nostack, preserves_flags)) };
    pointer
}

/// 16 inputs of M pixels by four channels: the sums, or what is added to them.
#[inline(always)]
unsafe fn sixteen_inputs<const FIRST: bool, const M: usize>(
    sums: &mut [[int32x4_t; 4]; M],
    w: *const i8,
    pixels: [*const u8; M],
) {
    // SAFETY: the caller promises 64 weights, and 16 bytes of each pixel.
    unsafe {
        let w: [int8x16_t; 4] = std::array::from_fn(|n| vld1q_s8(w.add(n * 16)));
        for (row, pixel) in sums.iter_mut().zip(pixels) {
            let pixel = vld1q_s8(pixel.cast());
            for (sum, w) in row.iter_mut().zip(w) {
                let products = vmull_s8(vget_low_s8(pixel), vget_low_s8(w));
                let products = vmlal_high_s8(products, pixel, w);
                *sum = if FIRST { vpaddlq_s16(products) } else { vpadalq_s16(*sum, products) };
            }
        }
    }
}

/// `SMULL2`. Written out: from the intrinsic, the compiler extracts the upper half of the weights before the loop, and must
/// then extract that of every input too.
#[inline(always)]
unsafe fn mull_high(x: int8x16_t, w: int8x16_t) -> int16x8_t {
    let products;
    // SAFETY: registers only; the CPU has NEON.
    unsafe {
        asm!(
            "smull2 {products:v}.8h, {x:v}.16b, {w:v}.16b",
            products = lateout(vreg) products, x = in(vreg) x, w = in(vreg) w,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    products
}

/// `SMLAL2`, as above.
#[inline(always)]
unsafe fn mlal_high(mut sums: int16x8_t, x: int8x16_t, w: int8x16_t) -> int16x8_t {
    // SAFETY: registers only; the CPU has NEON.
    unsafe {
        asm!(
            "smlal2 {sums:v}.8h, {x:v}.16b, {w:v}.16b",
            sums = inout(vreg) sums, x = in(vreg) x, w = in(vreg) w,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// The formula of `post.rs` up to rounding.
#[inline(always)]
unsafe fn scaled(sums: int32x4_t, post: &Post) -> float32x4_t {
    // SAFETY: plain NEON.
    unsafe {
        let sums = vaddq_s32(sums, post.bias);
        let either = || vbslq_f32(vcltzq_s32(sums), post.neg, post.pos);
        vmulq_f32(vcvtq_f32_s32(sums), if post.one_factor { post.pos } else { either() })
    }
}

/// Four rounded values as bytes. The zero point comes after saturation to 16 bits: adding it there, saturating,
/// gives the same byte.
#[inline(always)]
unsafe fn rounded(scaled: float32x4_t, post: &Post, out: *mut u8) {
    // SAFETY: the caller promises 4 bytes at `out`.
    unsafe {
        let y = vqadd_s16(vqmovn_s32(vcvtnq_s32_f32(scaled)), vdup_n_s16(post.zero));
        let y = vqmovn_s16(vcombine_s16(y, y));
        out.cast::<u32>().write_unaligned(vget_lane_u32::<0>(vreinterpret_u32_s8(y)));
    }
}

impl Simd for Neon {
    type Sums = int32x4_t;
    type Post = Post;
    type Row = [int32x4_t; 1];
    type Column = [int8x16_t; 3];
    type Taps = [int8x16_t; 9];
    type Block = [int32x4_t; 4];
    type Blocks = super::Straight;
    type Elementwise = Self;

    const LANES: usize = 4;
    const MR: usize = 4;
    const NR: usize = 4;
    const KG: usize = 16;
    const DEPTH: usize = 16;

    #[inline(always)]
    unsafe fn tile<const M: usize>(
        x: *const u8,
        stride: usize,
        w: *const i8,
        k: usize,
    ) -> [[int32x4_t; 1]; M] {
        // SAFETY: 16 bytes at a time of the k (a multiple of 16) bytes of each of the M pixels, and
        // 64 weights for each such group: what the trait promises. The CPU has the instructions.
        unsafe {
            let pixels: [_; M] = std::array::from_fn(|m| opaque(x.add(m * stride)));
            let mut sums = [[vdupq_n_s32(0); 4]; M];
            // The first group by itself: a sum begins with it, and not with a zero.
            sixteen_inputs::<true, M>(&mut sums, w, pixels);
            for group in 1..k / 16 {
                let pixels = pixels.map(|pixel| pixel.add(group * 16));
                sixteen_inputs::<false, M>(&mut sums, w.add(group * 64), pixels);
            }
            // A loop: `map` became a call, with all sums on the stack.
            let mut rows = [[vdupq_n_s32(0)]; M];
            for (row, [a, b, c, d]) in rows.iter_mut().zip(sums) {
                row[0] = vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
            }
            rows
        }
    }

    #[inline(always)]
    unsafe fn post(post: PostPtr) -> Post {
        // SAFETY: the caller promises LANES = 4 values in each.
        unsafe {
            Post {
                bias: vld1q_s32(post.bias),
                pos: vld1q_f32(post.pos),
                neg: vld1q_f32(post.neg),
                zero: post.zero as i16,
                one_factor: post.one_factor,
            }
        }
    }

    #[inline(always)]
    unsafe fn finish(sums: int32x4_t, post: &Post, out: *mut u8) {
        // SAFETY: the caller promises 4 bytes at `out`.
        unsafe { rounded(scaled(sums, post), post, out) }
    }

    #[inline(always)]
    unsafe fn finish_pixels(sums: [int32x4_t; 4], post: &Post, out: *mut u8, step: usize) {
        // SAFETY: the caller promises 4 bytes at each of the four pixels.
        unsafe {
            let [a, b, c, d] = sums.map(|sums| vcvtnq_s32_f32(scaled(sums, post)));
            let zero = vdupq_n_s16(post.zero);
            let low = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a), b), zero);
            let high = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(c), d), zero);
            let y = vreinterpretq_u32_s8(vqmovn_high_s16(vqmovn_s16(low), high));
            out.cast::<u32>().write_unaligned(vgetq_lane_u32::<0>(y));
            out.add(step).cast::<u32>().write_unaligned(vgetq_lane_u32::<1>(y));
            out.add(2 * step).cast::<u32>().write_unaligned(vgetq_lane_u32::<2>(y));
            out.add(3 * step).cast::<u32>().write_unaligned(vgetq_lane_u32::<3>(y));
        }
    }

    #[inline(always)]
    unsafe fn finish_with(sums: int32x4_t, post: &Post, other: Other, out: *mut u8) {
        // SAFETY: the caller promises 4 bytes at `other` and at `out`.
        unsafe {
            let bytes = other.bytes.cast::<u32>().read_unaligned();
            let bytes = vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(bytes)))));
            let bytes = vsubq_s32(bytes, vdupq_n_s32(other.zero));
            let added = vmulq_n_f32(vcvtq_f32_s32(bytes), other.factor);
            rounded(vaddq_f32(scaled(sums, post), added), post, out);
        }
    }

    #[inline(always)]
    unsafe fn finish_four(sums: [int32x4_t; 4], post: &[Post; 4], out: *mut u8) {
        // SAFETY: the caller promises 16 bytes at `out`.
        unsafe {
            let [a, b, c, d]: [int32x4_t; 4] =
                std::array::from_fn(|i| vcvtnq_s32_f32(scaled(sums[i], &post[i])));
            let zero = vdupq_n_s16(post[0].zero);
            let low = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a), b), zero);
            let high = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(c), d), zero);
            vst1q_s8(out.cast(), vqmovn_high_s16(vqmovn_s16(low), high));
        }
    }

    #[inline(always)]
    unsafe fn store(sums: int32x4_t, out: *mut i32) {
        // SAFETY: the caller promises room for LANES = 4 sums.
        unsafe { vst1q_s32(out, sums) }
    }

    #[inline(always)]
    unsafe fn taps(w: *const i8, step: usize) -> [int8x16_t; 9] {
        // SAFETY: nine rows of DEPTH = 16 weights.
        std::array::from_fn(|t| unsafe { vld1q_s8(w.add(t * step)) })
    }

    #[inline(always)]
    unsafe fn column(rows: [*const u8; 3]) -> [int8x16_t; 3] {
        // SAFETY: the caller promises DEPTH = 16 bytes in each row.
        rows.map(|row| unsafe { vld1q_s8(row.cast()) })
    }

    #[inline(always)]
    unsafe fn window(columns: [[int8x16_t; 3]; 3], taps: &[int8x16_t; 9]) -> [int32x4_t; 4] {
        let x = |t: usize| columns[t % 3][t / 3];
        // SAFETY: the CPU has the instructions (trait).
        unsafe {
            let low = |t: usize| vmull_s8(vget_low_s8(x(t)), vget_low_s8(taps[t]));
            let high = |t: usize| mull_high(x(t), taps[t]);
            // Two products fit 16 bits; two such sums are added on the way to 32.
            let low_pair = |t| vmlal_s8(low(t), vget_low_s8(x(t + 1)), vget_low_s8(taps[t + 1]));
            let high_pair = |t| mlal_high(high(t), x(t + 1), taps[t + 1]);
            let four = |a: int16x8_t, b: int16x8_t, c: int16x8_t, d: int16x8_t, e: int16x8_t| {
                let lower = vaddq_s32(
                    vaddl_s16(vget_low_s16(a), vget_low_s16(b)),
                    vaddl_s16(vget_low_s16(c), vget_low_s16(d)),
                );
                let upper = vaddq_s32(vaddl_high_s16(a, b), vaddl_high_s16(c, d));
                [vaddw_s16(lower, vget_low_s16(e)), vaddw_high_s16(upper, e)]
            };
            let [a, b] = four(low_pair(0), low_pair(2), low_pair(4), low_pair(6), low(8));
            let [c, d] = four(high_pair(0), high_pair(2), high_pair(4), high_pair(6), high(8));
            [a, b, c, d]
        }
    }
}

impl Elementwise for Neon {
    type Floats = float32x4_t;

    #[inline(always)]
    unsafe fn largest(rows: [&[u8]; 2], n: usize, _flip: u8, out: &mut [u8]) {
        // SAFETY: the CPU has the instructions (trait).
        unsafe { neon_pixels::largest(rows, n, out) }
    }

    #[inline(always)]
    unsafe fn sum(layer: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
        // SAFETY: the CPU has the instructions (trait).
        unsafe { neon_pixels::sum(layer, a, b, out) }
    }

    // Left to the compiler it took more than twice the instructions.
    #[inline(always)]
    unsafe fn distance(w: *const [f32; 16], p: *const [f32; 16], t: *const [f32; 16], blocks: usize) -> f32 {
        // SAFETY: the caller promises `blocks` of 16 values, and NEON.
        unsafe {
            let mut sums = [vdupq_n_f32(0.0); 4];
            for j in 0..blocks {
                let at = |x: *const [f32; 16], i: usize| vld1q_f32(x.add(j).cast::<f32>().add(4 * i));
                for (i, sums) in sums.iter_mut().enumerate() {
                    *sums = vaddq_f32(*sums, vmulq_f32(at(w, i), vabdq_f32(at(p, i), at(t, i))));
                }
            }
            let four = vaddq_f32(vaddq_f32(sums[0], sums[2]), vaddq_f32(sums[1], sums[3]));
            let two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
            vget_lane_f32::<0>(two) + vget_lane_f32::<1>(two)
        }
    }
}
