//! AVX512-VNNI: `VPDPBUSD` adds four u8 x s8 products to each of 16 sums, without saturation.

use std::arch::x86_64::*;

use super::{Elementwise, Other, Simd, TILE, avx2_pixels};
use crate::Add;
use crate::post::PostPtr;

/// Needs avx2, avx512f, avx512bw and avx512vnni. Tiles are `VECTORS`, 1 or 2, times 16 outputs wide.
pub(crate) struct Vnni<const VECTORS: usize>;

/// [`PostPtr`] of 16 channels.
#[derive(Clone, Copy)]
pub(crate) struct Post {
    bias: __m512i,
    pos: __m512,
    neg: __m512,
    pub(super) zero: __m512i,
    one_factor: bool,
}

#[inline(always)]
pub(super) unsafe fn scaled(sums: __m512i, post: &Post) -> __m512 {
    // SAFETY: the CPU has the instructions (trait).
    unsafe {
        let sums = _mm512_add_epi32(sums, post.bias);
        let below = || _mm512_cmplt_epi32_mask(sums, _mm512_setzero_si512());
        let either = || _mm512_mask_blend_ps(below(), post.pos, post.neg);
        _mm512_mul_ps(_mm512_cvtepi32_ps(sums), if post.one_factor { post.pos } else { either() })
    }
}

/// Rounding is to nearest even: Rust code always runs with the default MXCSR.
#[inline(always)]
unsafe fn rounded(scaled: __m512, post: &Post, out: *mut u8) {
    // SAFETY: the caller promises 16 bytes at `out`; the CPU has the instructions (trait).
    unsafe {
        let y = _mm512_add_epi32(_mm512_cvtps_epi32(scaled), post.zero);
        let y = _mm512_max_epi32(y, _mm512_setzero_si512());
        _mm_storeu_si128(out.cast(), _mm512_cvtusepi32_epi8(y));
    }
}

impl<const VECTORS: usize> Simd for Vnni<VECTORS> {
    type Sums = __m512i;
    type Post = Post;
    type Row = [__m512i; VECTORS];
    /// 16 channels of (row 0, row 1, row 2, 0).
    type Column = __m512i;
    type Taps = [__m512i; 3];
    type Block = [__m512i; 1];
    type Blocks = super::interleaved::Interleaved512;
    type Elementwise = Self;

    const LANES: usize = 16;
    const MR: usize = 12;
    const NR: usize = 16 * VECTORS;
    const KG: usize = 4;
    const DEPTH: usize = 16;

    #[inline(always)]
    unsafe fn tile<const M: usize>(x: *const u8, stride: usize, w: *const i8, k: usize) -> [Self::Row; M] {
        // SAFETY: 4 bytes at a time of the k (a multiple of 16) bytes of each of the M pixels, and
        // 64 * VECTORS weights for each such group: what the trait promises. The CPU has the instructions.
        unsafe {
            let mut sums = [[_mm512_setzero_si512(); VECTORS]; M];
            for group in 0..k / 4 {
                let mut weights = [_mm512_setzero_si512(); VECTORS];
                for (v, weights) in weights.iter_mut().enumerate() {
                    *weights = _mm512_loadu_si512(w.add((group * VECTORS + v) * 64).cast());
                }
                for (m, row) in sums.iter_mut().enumerate() {
                    let bytes = x.add(m * stride + group * 4).cast::<i32>().read_unaligned();
                    let pixel = _mm512_set1_epi32(bytes);
                    for (sums, weights) in row.iter_mut().zip(weights) {
                        *sums = _mm512_dpbusd_epi32(*sums, pixel, weights);
                    }
                }
            }
            sums
        }
    }

    #[inline(always)]
    unsafe fn post(post: PostPtr) -> Post {
        // SAFETY: the caller promises LANES = 16 values in each.
        unsafe {
            Post {
                bias: _mm512_loadu_si512(post.bias.cast()),
                pos: _mm512_loadu_ps(post.pos),
                neg: _mm512_loadu_ps(post.neg),
                zero: _mm512_set1_epi32(post.zero),
                one_factor: post.one_factor,
            }
        }
    }

    #[inline(always)]
    unsafe fn finish(sums: __m512i, post: &Post, out: *mut u8) {
        // SAFETY: the caller promises 16 bytes at `out`.
        unsafe { rounded(scaled(sums, post), post, out) }
    }

    #[inline(always)]
    unsafe fn finish_pixels(sums: [__m512i; 4], post: &Post, out: *mut u8, step: usize) {
        // SAFETY: the caller promises 16 bytes at each of the four pixels.
        unsafe {
            // Four times by hand: `map` became a call.
            let [a, b, c, d] = sums;
            let (a, b) = (_mm512_cvtps_epi32(scaled(a, post)), _mm512_cvtps_epi32(scaled(b, post)));
            let (c, d) = (_mm512_cvtps_epi32(scaled(c, post)), _mm512_cvtps_epi32(scaled(d, post)));
            // The zero point comes after saturation to 16 bits: adding it there, saturating, gives the same byte.
            let zero = _mm512_packs_epi32(post.zero, post.zero);
            let first = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero);
            let second = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero);
            // Packing works within 128 bits: four bytes of each pixel, four times.
            let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            let y = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(first, second));
            _mm_storeu_si128(out.cast(), _mm512_castsi512_si128(y));
            _mm_storeu_si128(out.add(step).cast(), _mm512_extracti32x4_epi32::<1>(y));
            _mm_storeu_si128(out.add(2 * step).cast(), _mm512_extracti32x4_epi32::<2>(y));
            _mm_storeu_si128(out.add(3 * step).cast(), _mm512_extracti32x4_epi32::<3>(y));
        }
    }

    #[inline(always)]
    unsafe fn finish_with(sums: __m512i, post: &Post, other: Other, out: *mut u8) {
        // SAFETY: the caller promises 16 bytes at `other` and at `out`.
        unsafe {
            let bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128(other.bytes.cast()));
            let bytes = _mm512_sub_epi32(bytes, _mm512_set1_epi32(other.zero));
            let added = _mm512_mul_ps(_mm512_cvtepi32_ps(bytes), _mm512_set1_ps(other.factor));
            rounded(_mm512_add_ps(scaled(sums, post), added), post, out);
        }
    }

    #[inline(always)]
    unsafe fn store(sums: __m512i, out: *mut i32) {
        // SAFETY: the caller promises room for LANES = 16 sums.
        unsafe { _mm512_storeu_si512(out.cast(), sums) }
    }

    #[inline(always)]
    unsafe fn taps(w: *const i8, step: usize) -> Self::Taps {
        // SAFETY: nine rows of DEPTH = 16 weights.
        std::array::from_fn(|dx| unsafe { quads([0, 3, 6].map(|row| w.add((row + dx) * step).cast())) })
    }

    #[inline(always)]
    unsafe fn column(rows: [*const u8; 3]) -> __m512i {
        // SAFETY: the caller promises DEPTH = 16 bytes in each row.
        unsafe { quads(rows) }
    }

    #[inline(always)]
    unsafe fn window(columns: [__m512i; 3], taps: &Self::Taps) -> [__m512i; 1] {
        // SAFETY: the CPU has the instructions (trait).
        let mut sums = unsafe { _mm512_setzero_si512() };
        for (column, taps) in columns.into_iter().zip(taps) {
            // SAFETY: the CPU has the instruction (trait).
            sums = unsafe { _mm512_dpbusd_epi32(sums, column, *taps) };
        }
        [sums]
    }
}

impl<const VECTORS: usize> Elementwise for Vnni<VECTORS> {
    type Floats = std::arch::x86_64::__m256;

    #[inline(always)]
    unsafe fn largest(rows: [&[u8]; 2], n: usize, _flip: u8, out: &mut [u8]) {
        // SAFETY: the CPU has the instructions (trait).
        unsafe { avx2_pixels::largest(rows, n, out) }
    }

    #[inline(always)]
    unsafe fn sum(layer: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
        // SAFETY: the CPU has the instructions (trait).
        unsafe { avx2_pixels::sum(layer, a, b, out) }
    }

    #[inline(always)]
    unsafe fn distance(w: *const [f32; 16], p: *const [f32; 16], t: *const [f32; 16], blocks: usize) -> f32 {
        // SAFETY: the caller promises `blocks` of 16 values; the CPU has the instructions (trait).
        unsafe {
            let mut sums = _mm512_setzero_ps();
            for j in 0..blocks {
                let [w, p, t] = [w, p, t].map(|x| _mm512_loadu_ps(x.add(j).cast()));
                let distance = _mm512_abs_ps(_mm512_sub_ps(p, t));
                sums = _mm512_add_ps(sums, _mm512_mul_ps(w, distance));
            }
            sum_of_sixteen(sums)
        }
    }

    #[inline(always)]
    unsafe fn distance_tile(
        w: *const [f32; 16],
        p: [*const [f32; 16]; TILE],
        t: [*const [f32; 16]; TILE],
        blocks: usize,
    ) -> [[f32; TILE]; TILE] {
        // SAFETY: as above.
        unsafe {
            let mut sums = [[_mm512_setzero_ps(); TILE]; TILE];
            for j in 0..blocks {
                let weights = _mm512_loadu_ps(w.add(j).cast());
                let probes = p.map(|p| _mm512_loadu_ps(p.add(j).cast()));
                for (k, t) in t.iter().enumerate() {
                    let template = _mm512_loadu_ps(t.add(j).cast());
                    for (sums, probe) in sums.iter_mut().zip(probes) {
                        let distance = _mm512_abs_ps(_mm512_sub_ps(probe, template));
                        sums[k] = _mm512_add_ps(sums[k], _mm512_mul_ps(weights, distance));
                    }
                }
            }
            sums.map(|sums| sums.map(|sums| sum_of_sixteen(sums)))
        }
    }

    #[inline(always)]
    unsafe fn distance_bytes(
        w: *const [i16; 16],
        p: *const [u8; 16],
        t: *const [u8; 16],
        blocks: usize,
    ) -> i32 {
        // SAFETY: as above; an odd block is left to AVX2.
        unsafe {
            let mut sums = _mm512_setzero_si512();
            for j in (0..blocks / 2 * 2).step_by(2) {
                let (p, t) = (_mm256_loadu_si256(p.add(j).cast()), _mm256_loadu_si256(t.add(j).cast()));
                let distance = _mm256_or_si256(_mm256_subs_epu8(p, t), _mm256_subs_epu8(t, p));
                let weights = _mm512_loadu_si512(w.add(j).cast());
                sums = _mm512_dpwssd_epi32(sums, _mm512_cvtepu8_epi16(distance), weights);
            }
            let even = blocks / 2 * 2;
            _mm512_reduce_add_epi32(sums)
                + super::avx2::Avx2::<2>::distance_bytes(w.add(even), p.add(even), t.add(even), blocks - even)
        }
    }
}

/// Upper half onto lower half, four times.
#[inline(always)]
unsafe fn sum_of_sixteen(sums: __m512) -> f32 {
    // SAFETY: registers only; the caller has AVX-512.
    unsafe {
        let upper = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(sums)));
        super::avx2::sum_of_eight(_mm256_add_ps(_mm512_castps512_ps256(sums), upper))
    }
}

/// Byte c of each row together: lane c is (rows[0][c], rows[1][c], rows[2][c], 0).
#[inline(always)]
unsafe fn quads(rows: [*const u8; 3]) -> __m512i {
    // SAFETY: the caller promises 16 bytes in each row.
    unsafe {
        let [a, b, c] = rows.map(|row| _mm512_cvtepu8_epi32(_mm_loadu_si128(row.cast())));
        _mm512_or_si512(_mm512_or_si512(a, _mm512_slli_epi32::<8>(b)), _mm512_slli_epi32::<16>(c))
    }
}
