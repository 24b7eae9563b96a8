//! AVX2: bytes widened to 16 bits, then `VPMADDWD`.
//!
//! `VPMADDUBSW` would take bytes, but saturates where the weights of a pair come to more than 128. Adding such a group's
//! excess in a second pass would be exact, but in the networks here 13 to 100 % of the groups of 16 outputs by 4 inputs
//! need it, and that costs what it saves.

use std::arch::x86_64::*;

use super::sse41::store_halves;
use super::{Elementwise, Other, Simd, TILE, avx2_pixels};
use crate::Add;
use crate::post::PostPtr;

/// Needs avx2. Tiles are `VECTORS`, 1 or 2, times 8 outputs wide.
pub(crate) struct Avx2<const VECTORS: usize>;

/// [`PostPtr`] of 8 channels.
#[derive(Clone, Copy)]
pub(crate) struct Post {
    bias: __m256i,
    pos: __m256,
    neg: __m256,
    pub(super) zero: __m256i,
    one_factor: bool,
}

#[inline(always)]
pub(super) unsafe fn scaled(sums: __m256i, post: &Post) -> __m256 {
    // SAFETY: the CPU has the instructions (trait).
    unsafe {
        let sums = _mm256_add_epi32(sums, post.bias);
        // blendv looks at the sign bit only.
        let either = || _mm256_blendv_ps(post.pos, post.neg, _mm256_castsi256_ps(sums));
        _mm256_mul_ps(_mm256_cvtepi32_ps(sums), if post.one_factor { post.pos } else { either() })
    }
}

/// Rounding is to nearest even: Rust code always runs with the default MXCSR.
#[inline(always)]
unsafe fn rounded(scaled: __m256, post: &Post, out: *mut u8) {
    // SAFETY: the caller promises 8 bytes at `out`; the CPU has the instructions (trait).
    unsafe {
        let y = _mm256_add_epi32(_mm256_cvtps_epi32(scaled), post.zero);
        let (low, high) = (_mm256_castsi256_si128(y), _mm256_extracti128_si256::<1>(y));
        let words = _mm_packs_epi32(low, high);
        _mm_storel_epi64(out.cast(), _mm_packus_epi16(words, words));
    }
}

/// The bytes of four vectors, one after the other.
#[inline(always)]
unsafe fn packed([a, b, c, d]: [__m256i; 4], post: &Post) -> __m256i {
    // SAFETY: the CPU has the instructions (trait).
    unsafe {
        // The zero point comes after saturation to 16 bits: adding it there, saturating, gives the same byte.
        let zero = _mm256_packs_epi32(post.zero, post.zero);
        let first = _mm256_adds_epi16(_mm256_packs_epi32(a, b), zero);
        let second = _mm256_adds_epi16(_mm256_packs_epi32(c, d), zero);
        // Packing works within 128 bits: four bytes of each vector, then the other four.
        let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        _mm256_permutevar8x32_epi32(_mm256_packus_epi16(first, second), order)
    }
}

impl<const VECTORS: usize> Simd for Avx2<VECTORS> {
    type Sums = __m256i;
    type Post = Post;
    type Row = [__m256i; VECTORS];
    /// 8 channels of 16-bit (row 0, row 1) and of (row 2, 0).
    type Column = [__m256i; 2];
    type Taps = [[__m256i; 2]; 3];
    type Block = [__m256i; 1];
    type Blocks = super::interleaved::Interleaved256;
    type Elementwise = Self;

    const LANES: usize = 8;
    const MR: usize = if VECTORS == 1 { 12 } else { 6 };
    const NR: usize = 8 * VECTORS;
    const KG: usize = 2;
    const DEPTH: usize = 8;
    const WIDE: bool = true;
    const SQUARES: bool = VECTORS == 2;

    #[inline(always)]
    unsafe fn tile<const M: usize>(x: *const u8, stride: usize, w: *const i8, k: usize) -> [Self::Row; M] {
        // SAFETY: two 16-bit inputs at a time of the k (a multiple of 16) of each of the M pixels, and
        // 16 * VECTORS weights for each such pair: what the trait promises. The CPU has the instructions.
        unsafe {
            let mut sums = [[_mm256_setzero_si256(); VECTORS]; M];
            for pair in 0..k / 2 {
                let w = w.add(pair * VECTORS * 16);
                let weights = |v: usize| _mm256_cvtepi8_epi16(_mm_loadu_si128(w.add(v * 16).cast()));
                // Not as a loop over both, which took 5 % longer.
                let (left, right) =
                    (weights(0), if VECTORS == 2 { weights(1) } else { _mm256_setzero_si256() });
                for (m, row) in sums.iter_mut().enumerate() {
                    let inputs = x.add(m * stride + pair * 4).cast::<i32>().read_unaligned();
                    let pixel = _mm256_set1_epi32(inputs);
                    row[0] = _mm256_add_epi32(row[0], _mm256_madd_epi16(pixel, left));
                    if VECTORS == 2 {
                        row[1] = _mm256_add_epi32(row[1], _mm256_madd_epi16(pixel, right));
                    }
                }
            }
            sums
        }
    }

    #[inline(always)]
    unsafe fn post(post: PostPtr) -> Post {
        // SAFETY: the caller promises LANES = 8 values in each.
        unsafe {
            Post {
                bias: _mm256_loadu_si256(post.bias.cast()),
                pos: _mm256_loadu_ps(post.pos),
                neg: _mm256_loadu_ps(post.neg),
                zero: _mm256_set1_epi32(post.zero),
                one_factor: post.one_factor,
            }
        }
    }

    #[inline(always)]
    unsafe fn finish(sums: __m256i, post: &Post, out: *mut u8) {
        // SAFETY: the caller promises 8 bytes at `out`.
        unsafe { rounded(scaled(sums, post), post, out) }
    }

    #[inline(always)]
    unsafe fn finish_pixels(sums: [__m256i; 4], post: &Post, out: *mut u8, step: usize) {
        // SAFETY: the caller promises 8 bytes at each of the four pixels.
        unsafe {
            // Four times by hand: `map` became a call.
            let [a, b, c, d] = sums;
            let (a, b) = (_mm256_cvtps_epi32(scaled(a, post)), _mm256_cvtps_epi32(scaled(b, post)));
            let (c, d) = (_mm256_cvtps_epi32(scaled(c, post)), _mm256_cvtps_epi32(scaled(d, post)));
            let y = packed([a, b, c, d], post);
            store_halves(_mm256_castsi256_si128(y), out, out.add(step));
            store_halves(_mm256_extracti128_si256::<1>(y), out.add(2 * step), out.add(3 * step));
        }
    }

    #[inline(always)]
    unsafe fn finish_square(sums: [[__m256i; 2]; 2], post: &[Post; 2], out: *mut u8, step: usize) {
        // SAFETY: the caller promises 16 bytes at both pixels.
        unsafe {
            let [[a, b], [c, d]] = sums;
            let [left, right] = post;
            let (a, b) = (_mm256_cvtps_epi32(scaled(a, left)), _mm256_cvtps_epi32(scaled(b, right)));
            let (c, d) = (_mm256_cvtps_epi32(scaled(c, left)), _mm256_cvtps_epi32(scaled(d, right)));
            let y = packed([a, b, c, d], left);
            _mm_storeu_si128(out.cast(), _mm256_castsi256_si128(y));
            _mm_storeu_si128(out.add(step).cast(), _mm256_extracti128_si256::<1>(y));
        }
    }

    #[inline(always)]
    unsafe fn finish_with(sums: __m256i, post: &Post, other: Other, out: *mut u8) {
        // SAFETY: the caller promises 8 bytes at `other` and at `out`.
        unsafe {
            let bytes = _mm256_cvtepu8_epi32(_mm_loadl_epi64(other.bytes.cast()));
            let bytes = _mm256_sub_epi32(bytes, _mm256_set1_epi32(other.zero));
            let added = _mm256_mul_ps(_mm256_cvtepi32_ps(bytes), _mm256_set1_ps(other.factor));
            rounded(_mm256_add_ps(scaled(sums, post), added), post, out);
        }
    }

    #[inline(always)]
    unsafe fn store(sums: __m256i, out: *mut i32) {
        // SAFETY: the caller promises room for LANES = 8 sums.
        unsafe { _mm256_storeu_si256(out.cast(), sums) }
    }

    #[inline(always)]
    unsafe fn plus(sums: __m256i, to: *const i32) -> __m256i {
        // SAFETY: the caller promises LANES = 8 sums.
        unsafe { _mm256_add_epi32(sums, _mm256_loadu_si256(to.cast())) }
    }

    #[inline(always)]
    unsafe fn taps(w: *const i8, step: usize) -> Self::Taps {
        // SAFETY: nine rows of DEPTH = 8 weights.
        std::array::from_fn(|dx| unsafe {
            let [a, b, c] =
                [0, 3, 6].map(|row| _mm256_cvtepi8_epi32(_mm_loadl_epi64(w.add((row + dx) * step).cast())));
            // Signed: the low half must lose its sign bits before the high half is put above it.
            [_mm256_blend_epi16::<0b1010_1010>(a, _mm256_slli_epi32::<16>(b)), c]
        })
    }

    #[inline(always)]
    unsafe fn column(rows: [*const u8; 3]) -> [__m256i; 2] {
        // SAFETY: the caller promises DEPTH = 8 bytes in each row.
        unsafe {
            let [a, b, c] = rows.map(|row| _mm256_cvtepu8_epi32(_mm_loadl_epi64(row.cast())));
            [_mm256_or_si256(a, _mm256_slli_epi32::<16>(b)), c]
        }
    }

    #[inline(always)]
    unsafe fn window(columns: [[__m256i; 2]; 3], taps: &Self::Taps) -> [__m256i; 1] {
        // SAFETY: the CPU has the instructions (trait).
        unsafe {
            let mut sums = _mm256_setzero_si256();
            for (column, taps) in columns.into_iter().zip(taps) {
                let upper = _mm256_madd_epi16(column[0], taps[0]);
                // The high half of `column[1]` is 0, so what stands there in the taps does not count.
                let lower = _mm256_madd_epi16(column[1], taps[1]);
                sums = _mm256_add_epi32(sums, _mm256_add_epi32(upper, lower));
            }
            [sums]
        }
    }
}

impl<const VECTORS: usize> Elementwise for Avx2<VECTORS> {
    type Floats = __m256;

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
            let sign = _mm256_set1_ps(-0.0);
            let mut sums = [_mm256_setzero_ps(); 2];
            for i in (0..blocks * 2).step_by(2) {
                for (half, sums) in sums.iter_mut().enumerate() {
                    let [w, p, t] = [w, p, t].map(|x| _mm256_loadu_ps(x.cast::<f32>().add((i + half) * 8)));
                    let distance = _mm256_andnot_ps(sign, _mm256_sub_ps(p, t));
                    *sums = _mm256_add_ps(*sums, _mm256_mul_ps(w, distance));
                }
            }
            sum_of_eight(_mm256_add_ps(sums[0], sums[1]))
        }
    }

    #[inline(always)]
    unsafe fn distance_tile(
        w: *const [f32; 16],
        p: [*const [f32; 16]; TILE],
        t: [*const [f32; 16]; TILE],
        blocks: usize,
    ) -> [[f32; TILE]; TILE] {
        let mut tile = [[0.0; TILE]; TILE];
        // Sixteen registers hold the sums of two by two.
        for (i, k) in [(0, 0), (0, 2), (2, 0), (2, 2)] {
            // SAFETY: as above.
            let sums = unsafe { two_by_two(w, [p[i], p[i + 1]], [t[k], t[k + 1]], blocks) };
            for (row, sums) in tile[i..].iter_mut().zip(sums) {
                row[k..k + 2].copy_from_slice(&sums);
            }
        }
        tile
    }

    #[inline(always)]
    unsafe fn distance_bytes(
        w: *const [i16; 16],
        p: *const [u8; 16],
        t: *const [u8; 16],
        blocks: usize,
    ) -> i32 {
        // SAFETY: as above.
        unsafe {
            let mut sums = _mm256_setzero_si256();
            for j in 0..blocks {
                let (p, t) = (_mm_loadu_si128(p.add(j).cast()), _mm_loadu_si128(t.add(j).cast()));
                let distance = _mm_or_si128(_mm_subs_epu8(p, t), _mm_subs_epu8(t, p));
                let products =
                    _mm256_madd_epi16(_mm256_cvtepu8_epi16(distance), _mm256_loadu_si256(w.add(j).cast()));
                sums = _mm256_add_epi32(sums, products);
            }
            let four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
            let two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
            _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<1>(two)))
        }
    }
}

/// A quarter of [`Elementwise::distance_tile`].
#[inline(always)]
unsafe fn two_by_two(
    w: *const [f32; 16],
    p: [*const [f32; 16]; 2],
    t: [*const [f32; 16]; 2],
    blocks: usize,
) -> [[f32; 2]; 2] {
    // SAFETY: the caller promises `blocks` of 16 values, and AVX.
    unsafe {
        let sign = _mm256_set1_ps(-0.0);
        let mut sums = [[[_mm256_setzero_ps(); 2]; 2]; 2];
        for j in 0..blocks {
            for half in 0..2 {
                let at = |x: *const [f32; 16]| _mm256_loadu_ps(x.cast::<f32>().add(16 * j + 8 * half));
                let (weights, probes, templates) = (at(w), p.map(at), t.map(at));
                for (sums, probe) in sums.iter_mut().zip(probes) {
                    for (sums, template) in sums.iter_mut().zip(templates) {
                        let distance = _mm256_andnot_ps(sign, _mm256_sub_ps(probe, template));
                        sums[half] = _mm256_add_ps(sums[half], _mm256_mul_ps(weights, distance));
                    }
                }
            }
        }
        sums.map(|sums| sums.map(|sums| sum_of_eight(_mm256_add_ps(sums[0], sums[1]))))
    }
}

/// Upper half onto lower half, three times.
#[inline(always)]
pub(super) unsafe fn sum_of_eight(sums: __m256) -> f32 {
    // SAFETY: registers only; the caller has AVX.
    unsafe {
        let four = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps::<1>(sums));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
    }
}
