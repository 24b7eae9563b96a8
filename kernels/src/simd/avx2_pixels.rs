//! AVX2 for the layers of `pixels.rs`, in which x86 stores activations as they are.

use std::arch::x86_64::*;

// In 128 bits: a pixel has a multiple of 16 channels, and often no more.
pub(super) use super::sse41_rows::largest;
use crate::{Add, Term};

/// [`super::Elementwise::sum`]: pixels have a multiple of 16 channels.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
pub(super) unsafe fn sum(layer: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
    let zero = i16::from(layer.zero_out);
    for ((to, a), b) in out.chunks_exact_mut(16).zip(a.chunks_exact(16)).zip(b.chunks_exact(16)) {
        // SAFETY: 16 bytes of each.
        unsafe {
            // Below 2^22 in magnitude, since factors are below 1000: 32 bits hold it, 16 saturate to the same byte.
            let low = _mm256_cvtps_epi32(both(layer, a.as_ptr(), b.as_ptr()));
            let high = _mm256_cvtps_epi32(both(layer, a.as_ptr().add(8), b.as_ptr().add(8)));
            let words = _mm256_adds_epi16(_mm256_packs_epi32(low, high), _mm256_set1_epi16(zero));
            // Packing works within 128 bits: four bytes of each half, then the other four of each.
            let bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm_shuffle_epi32::<0b11_01_10_00>(bytes));
        }
    }
}

/// The scaled sum of eight bytes each.
///
/// # Safety
/// The CPU has AVX2; there are eight.
#[inline(always)]
unsafe fn both(layer: &Add, a: *const u8, b: *const u8) -> __m256 {
    let [first, second] = layer.terms;
    // SAFETY: what the caller promises.
    unsafe { _mm256_add_ps(term(first, a), term(second, b)) }
}

#[inline(always)]
unsafe fn term(of: Term, bytes: *const u8) -> __m256 {
    // SAFETY: what the caller promises: eight bytes.
    unsafe {
        let bytes = _mm256_cvtepu8_epi32(_mm_loadl_epi64(bytes.cast()));
        let bytes = _mm256_sub_epi32(bytes, _mm256_set1_epi32(i32::from(of.zero)));
        _mm256_mul_ps(_mm256_cvtepi32_ps(bytes), _mm256_set1_ps(of.factor))
    }
}
