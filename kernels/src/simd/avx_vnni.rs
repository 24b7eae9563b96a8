//! AVX-VNNI: `VPDPBUSD` on 256 bits, in CPUs without AVX512 (Alder Lake and later). Everything else is AVX2's.
//!
//! With the feature `evex` the same code takes the encoding of AVX512-VNNI, to be tested on a CPU that has that one.

use std::arch::x86_64::*;

#[cfg(not(feature = "evex"))]
use std::arch::x86_64::_mm256_dpbusd_avx_epi32 as dpbusd;
#[cfg(feature = "evex")]
use std::arch::x86_64::_mm256_dpbusd_epi32 as dpbusd;

use super::{Other, Simd};
use crate::post::PostPtr;

type Avx2 = super::avx2::Avx2<2>;

/// Needs avx2, fma and avxvnni; with the feature `evex`, avx512vnni and avx512vl for the last.
pub(crate) struct AvxVnni;

impl Simd for AvxVnni {
    type Sums = __m256i;
    type Post = <Avx2 as Simd>::Post;
    type Row = [__m256i; 2];
    // Depthwise layers were 1.5 to 2 times slower with `VPDPBUSD`: it adds three products at a time and waits for itself.
    type Column = <Avx2 as Simd>::Column;
    type Taps = <Avx2 as Simd>::Taps;
    type Block = <Avx2 as Simd>::Block;
    type Blocks = super::interleaved::Interleaved256;
    type Elementwise = Avx2;

    const LANES: usize = 8;
    const MR: usize = 6;
    const NR: usize = 16;
    const KG: usize = 4;
    const SQUARES: bool = Avx2::SQUARES;
    const DEPTH: usize = Avx2::DEPTH;

    #[inline(always)]
    unsafe fn tile<const M: usize>(x: *const u8, stride: usize, w: *const i8, k: usize) -> [[__m256i; 2]; M] {
        // SAFETY: 4 bytes at a time of the k (a multiple of 16) bytes of each of the M pixels, and
        // 64 weights for each such group: what the trait promises. The CPU has the instructions.
        unsafe {
            let mut sums = [[_mm256_setzero_si256(); 2]; M];
            for group in 0..k / 4 {
                let w = w.add(group * 64);
                let (left, right) = (_mm256_loadu_si256(w.cast()), _mm256_loadu_si256(w.add(32).cast()));
                for (m, row) in sums.iter_mut().enumerate() {
                    let bytes = x.add(m * stride + group * 4).cast::<i32>().read_unaligned();
                    let pixel = _mm256_set1_epi32(bytes);
                    row[0] = dpbusd(row[0], pixel, left);
                    row[1] = dpbusd(row[1], pixel, right);
                }
            }
            sums
        }
    }

    #[inline(always)]
    unsafe fn taps(w: *const i8, step: usize) -> Self::Taps {
        // SAFETY: the same contract.
        unsafe { Avx2::taps(w, step) }
    }

    #[inline(always)]
    unsafe fn column(rows: [*const u8; 3]) -> Self::Column {
        // SAFETY: the same contract.
        unsafe { Avx2::column(rows) }
    }

    #[inline(always)]
    unsafe fn window(columns: [Self::Column; 3], taps: &Self::Taps) -> Self::Block {
        // SAFETY: the same contract.
        unsafe { Avx2::window(columns, taps) }
    }

    #[inline(always)]
    unsafe fn post(post: PostPtr) -> Self::Post {
        // SAFETY: the same contract.
        unsafe { Avx2::post(post) }
    }

    #[inline(always)]
    unsafe fn finish(sums: __m256i, post: &Self::Post, out: *mut u8) {
        // SAFETY: the same contract.
        unsafe { Avx2::finish(sums, post, out) }
    }

    #[inline(always)]
    unsafe fn finish_pixels(sums: [__m256i; 4], post: &Self::Post, out: *mut u8, step: usize) {
        // SAFETY: the same contract.
        unsafe { Avx2::finish_pixels(sums, post, out, step) }
    }

    #[inline(always)]
    unsafe fn finish_square(sums: [[__m256i; 2]; 2], post: &[Self::Post; 2], out: *mut u8, step: usize) {
        // SAFETY: the same contract.
        unsafe { Avx2::finish_square(sums, post, out, step) }
    }

    #[inline(always)]
    unsafe fn finish_with(sums: __m256i, post: &Self::Post, other: Other, out: *mut u8) {
        // SAFETY: the same contract.
        unsafe { Avx2::finish_with(sums, post, other, out) }
    }

    #[inline(always)]
    unsafe fn store(sums: __m256i, out: *mut i32) {
        // SAFETY: the same contract.
        unsafe { Avx2::store(sums, out) }
    }
}
