//! SSE4.1 for rows of values. x86 stores activations as they are.

use std::arch::x86_64::*;

use crate::{Add, Term};

/// [`super::Elementwise::largest`]: pixels have a multiple of 16 channels.
///
/// # Safety
/// The CPU has SSE2.
#[inline(always)]
pub(super) unsafe fn largest([upper, lower]: [&[u8]; 2], n: usize, out: &mut [u8]) {
    let pixels = (out.len() / n).min(upper.len().min(lower.len()) / (2 * n));
    let (upper, lower, out) = (upper.as_ptr(), lower.as_ptr(), out.as_mut_ptr());
    for x in 0..pixels {
        for c in (0..n / 16 * 16).step_by(16) {
            // SAFETY: 16 bytes of the channels of each: pixels 2x and 2x + 1 are in both rows, x in `out`.
            unsafe {
                let both = |row: *const u8| {
                    let at = row.add(2 * x * n + c);
                    _mm_max_epu8(_mm_loadu_si128(at.cast()), _mm_loadu_si128(at.add(n).cast()))
                };
                _mm_storeu_si128(out.add(x * n + c).cast(), _mm_max_epu8(both(upper), both(lower)));
            }
        }
    }
}

/// [`super::Elementwise::sum`]: pixels have a multiple of 16 channels.
///
/// # Safety
/// The CPU has SSE4.1.
#[inline(always)]
pub(super) unsafe fn sum(layer: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
    let zero = i16::from(layer.zero_out);
    for ((to, a), b) in out.chunks_exact_mut(16).zip(a.chunks_exact(16)).zip(b.chunks_exact(16)) {
        // SAFETY: 16 bytes of each.
        unsafe {
            // Below 2^22 in magnitude, since factors are below 1000: 32 bits hold it, 16 saturate to the same byte.
            let eight = |c: usize| {
                let words =
                    _mm_packs_epi32(both(layer, &a[c..], &b[c..]), both(layer, &a[c + 4..], &b[c + 4..]));
                _mm_adds_epi16(words, _mm_set1_epi16(zero))
            };
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm_packus_epi16(eight(0), eight(8)));
        }
    }
}

/// The scaled sum of four bytes each.
///
/// # Safety
/// The CPU has SSE4.1.
#[inline(always)]
unsafe fn both(layer: &Add, a: &[u8], b: &[u8]) -> __m128i {
    let [first, second] = layer.terms;
    // SAFETY: what the caller promises.
    unsafe { _mm_cvtps_epi32(_mm_add_ps(term(first, a), term(second, b))) }
}

#[inline(always)]
unsafe fn term(of: Term, bytes: &[u8]) -> __m128 {
    // SAFETY: what the caller promises; the slice has four bytes.
    unsafe {
        let bytes = _mm_cvtepu8_epi32(_mm_loadu_si32(bytes[..4].as_ptr()));
        let bytes = _mm_sub_epi32(bytes, _mm_set1_epi32(i32::from(of.zero)));
        _mm_mul_ps(_mm_cvtepi32_ps(bytes), _mm_set1_ps(of.factor))
    }
}

/// [`super::Elementwise::distance`].
///
/// # Safety
/// There are `blocks` of 16 values; the CPU has SSE3.
#[inline(always)]
pub(super) unsafe fn distance(
    w: *const [f32; 16],
    p: *const [f32; 16],
    t: *const [f32; 16],
    blocks: usize,
) -> f32 {
    // SAFETY: what the caller promises.
    unsafe {
        let sign = _mm_set1_ps(-0.0);
        let mut sums = [_mm_setzero_ps(); 4];
        for j in 0..blocks {
            for (i, sums) in sums.iter_mut().enumerate() {
                let [w, p, t] = [w, p, t].map(|x| _mm_loadu_ps(x.add(j).cast::<f32>().add(4 * i)));
                let distance = _mm_andnot_ps(sign, _mm_sub_ps(p, t));
                *sums = _mm_add_ps(*sums, _mm_mul_ps(w, distance));
            }
        }
        // Upper half onto lower half, four times.
        let four = _mm_add_ps(_mm_add_ps(sums[0], sums[2]), _mm_add_ps(sums[1], sums[3]));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }
}
