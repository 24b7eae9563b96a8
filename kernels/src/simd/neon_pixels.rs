//! NEON of aarch64 for the layers of `pixels.rs`; activations are signed bytes here.

use std::arch::aarch64::*;

use crate::{Add, Term};

/// [`super::Elementwise::largest`]: pixels have a multiple of 16 channels.
///
/// # Safety
/// The CPU has NEON.
#[inline(always)]
pub(super) unsafe fn largest([upper, lower]: [&[u8]; 2], n: usize, out: &mut [u8]) {
    let pixels = (out.len() / n).min(upper.len().min(lower.len()) / (2 * n));
    let (upper, lower, out) = (upper.as_ptr().cast::<i8>(), lower.as_ptr().cast::<i8>(), out.as_mut_ptr());
    for x in 0..pixels {
        for c in (0..n / 16 * 16).step_by(16) {
            // SAFETY: 16 bytes of the channels of each: pixels 2x and 2x + 1 are in both rows, x in `out`.
            unsafe {
                let both = |row: *const i8| {
                    let at = row.add(2 * x * n + c);
                    vmaxq_s8(vld1q_s8(at), vld1q_s8(at.add(n)))
                };
                vst1q_s8(out.add(x * n + c).cast(), vmaxq_s8(both(upper), both(lower)));
            }
        }
    }
}

/// [`super::Elementwise::sum`]: pixels have a multiple of 16 channels.
///
/// # Safety
/// The CPU has NEON.
#[inline(always)]
pub(super) unsafe fn sum(layer: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
    let [first, second] = layer.terms;
    for ((to, a), b) in out.chunks_exact_mut(16).zip(a.chunks_exact(16)).zip(b.chunks_exact(16)) {
        // SAFETY: 16 bytes of each.
        unsafe {
            let (a, b) = (term(first, a.as_ptr()), term(second, b.as_ptr()));
            let sum = |i: usize| vqmovn_s32(vcvtnq_s32_f32(vaddq_f32(a[i], b[i])));
            // Below 2^22 in magnitude, since factors are below 1000: 32 bits hold it, 16 saturate to the same byte.
            let zero = vdupq_n_s16(i16::from(layer.zero_out) - 128);
            let low = vqaddq_s16(vcombine_s16(sum(0), sum(1)), zero);
            let high = vqaddq_s16(vcombine_s16(sum(2), sum(3)), zero);
            vst1q_s8(to.as_mut_ptr().cast(), vcombine_s8(vqmovn_s16(low), vqmovn_s16(high)));
        }
    }
}

/// 16 bytes less the zero point, scaled.
///
/// # Safety
/// The CPU has NEON; there are 16.
#[inline(always)]
unsafe fn term(of: Term, bytes: *const u8) -> [float32x4_t; 4] {
    // SAFETY: what the caller promises.
    unsafe {
        let bytes = vld1q_s8(bytes.cast());
        let zero = vdup_n_s8((of.zero ^ 0x80) as i8);
        let (low, high) = (vsubl_s8(vget_low_s8(bytes), zero), vsubl_s8(vget_high_s8(bytes), zero));
        let four = |x: int16x4_t| vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(x)), of.factor);
        [
            four(vget_low_s16(low)),
            four(vget_high_s16(low)),
            four(vget_low_s16(high)),
            four(vget_high_s16(high)),
        ]
    }
}
