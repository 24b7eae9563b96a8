//! AVX2 for the layers of `pixels.rs`, in which x86 stores activations as they are.

use std::arch::x86_64::*;

use crate::{Quantise, Term};

/// Writes as many pixels of four bytes as there are whole vectors in `rows`, and returns how many; the fourth byte is 0
/// unless there are four channels.
///
/// # Safety
/// The CPU has AVX2; each of the rows of a channel is good for `pixels` values, `out` for as many pixels.
#[inline(always)]
pub(super) unsafe fn quantise(
    quantise: &Quantise,
    rows: [*const f32; 4],
    channels: usize,
    pixels: usize,
    out: *mut u8,
) -> usize {
    // SAFETY: eight values of each row and pixels of `out` at a time, below `pixels`.
    unsafe {
        let whole = pixels / 8 * 8;
        for x in (0..whole).step_by(8) {
            let (a, b) = (eight(quantise, rows[0].add(x)), eight(quantise, rows[1].add(x)));
            let mut pixel = _mm256_or_si256(a, _mm256_slli_epi32::<8>(b));
            pixel = _mm256_or_si256(pixel, _mm256_slli_epi32::<16>(eight(quantise, rows[2].add(x))));
            if channels == 4 {
                pixel = _mm256_or_si256(pixel, _mm256_slli_epi32::<24>(eight(quantise, rows[3].add(x))));
            }
            _mm256_storeu_si256(out.add(4 * x).cast(), pixel);
        }
        whole
    }
}

/// Eight values of a row, in 0..=255.
///
/// # Safety
/// The CPU has AVX2; there are eight.
#[inline(always)]
unsafe fn eight(quantise: &Quantise, row: *const f32) -> __m256i {
    // SAFETY: what the caller promises.
    unsafe {
        let x = _mm256_loadu_ps(row);
        let x = if quantise.scale() == 1.0 { x } else { _mm256_div_ps(x, _mm256_set1_ps(quantise.scale())) };
        // NaN becomes 0.
        let x = _mm256_and_ps(x, _mm256_cmp_ps::<_CMP_ORD_Q>(x, x));
        let x = _mm256_min_ps(_mm256_max_ps(x, _mm256_set1_ps(-255.0)), _mm256_set1_ps(255.0));
        let q = _mm256_add_epi32(_mm256_cvtps_epi32(x), _mm256_set1_epi32(quantise.zero()));
        _mm256_min_epi32(_mm256_max_epi32(q, _mm256_setzero_si256()), _mm256_set1_epi32(255))
    }
}

/// The sum of two pixels of `n` channels, a multiple of 16.
///
/// # Safety
/// The CPU has AVX2; all three are good for `n` bytes.
#[inline(always)]
pub(super) unsafe fn add(terms: [Term; 2], zero: u8, x: [*const u8; 2], n: usize, out: *mut u8) {
    // SAFETY: eight bytes at a time, below `n`.
    unsafe {
        let zeros = terms.map(|term| _mm256_set1_epi32(i32::from(term.zero)));
        let factors = terms.map(|term| _mm256_set1_ps(term.factor));
        let term = |i: usize, at: usize| {
            let bytes = _mm256_cvtepu8_epi32(_mm_loadl_epi64(x[i].add(at).cast()));
            _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(bytes, zeros[i])), factors[i])
        };
        // Below 2^22 in magnitude, since factors are below 1000: 32 bits hold it, 16 saturate to the same byte.
        let rounded = |at: usize| _mm256_cvtps_epi32(_mm256_add_ps(term(0, at), term(1, at)));
        for at in (0..n).step_by(16) {
            let words = _mm256_packs_epi32(rounded(at), rounded(at + 8));
            let words = _mm256_adds_epi16(words, _mm256_set1_epi16(i16::from(zero)));
            // Packing works within 128 bits: four bytes of each half, then the other four of each.
            let bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storeu_si128(out.add(at).cast(), _mm_shuffle_epi32::<0b11_01_10_00>(bytes));
        }
    }
}
