//! SSE4.1, in x86 without AVX2: bytes widened to 16 bits, then `PMADDWD`, as with AVX2 but on 128 bits.

use std::arch::x86_64::*;

use super::{Elementwise, Other, Simd, sse41_rows};
use crate::Add;
use crate::post::PostPtr;

/// Needs sse4.1.
pub(crate) struct Sse41;

/// [`PostPtr`] of 4 channels.
#[derive(Clone, Copy)]
pub(crate) struct Post {
    bias: __m128i,
    pos: __m128i,
    /// What makes `neg` of `pos`, bit by bit: `BLENDVPS` takes its mask in one fixed register, and is slow in small cores.
    change: __m128i,
    /// In 16 bits.
    zero: __m128i,
}

/// The formula of `post.rs`, rounded: to nearest even, since Rust code always runs with the default MXCSR.
#[inline(always)]
unsafe fn rounded(sums: __m128i, post: &Post) -> __m128i {
    // SAFETY: the CPU has the instructions (trait).
    unsafe { _mm_cvtps_epi32(scaled(sums, post)) }
}

#[inline(always)]
unsafe fn scaled(sums: __m128i, post: &Post) -> __m128 {
    // SAFETY: the CPU has the instructions (trait).
    unsafe {
        let sums = _mm_add_epi32(sums, post.bias);
        let change = _mm_and_si128(_mm_srai_epi32::<31>(sums), post.change);
        _mm_mul_ps(_mm_cvtepi32_ps(sums), _mm_castsi128_ps(_mm_xor_si128(post.pos, change)))
    }
}

/// The bytes of four vectors, one after the other. The zero point comes after saturation to 16 bits: adding it there,
/// saturating, gives the same byte.
#[inline(always)]
unsafe fn packed([a, b, c, d]: [__m128i; 4], post: &Post) -> __m128i {
    // SAFETY: the CPU has the instructions (trait).
    unsafe {
        let first = _mm_adds_epi16(_mm_packs_epi32(a, b), post.zero);
        let second = _mm_adds_epi16(_mm_packs_epi32(c, d), post.zero);
        _mm_packus_epi16(first, second)
    }
}

/// `MOVLPS` and `MOVHPS`; `_mm_storel_pd` and `_mm_storeh_pd` require aligned pointers.
///
/// # Safety
/// There are 8 bytes at `low` and at `high`.
#[inline(always)]
pub(super) unsafe fn store_halves(y: __m128i, low: *mut u8, high: *mut u8) {
    // SAFETY: what the caller promises; every x86-64 CPU has the instructions.
    unsafe {
        let y = _mm_castsi128_pd(y);
        low.cast::<f64>().write_unaligned(_mm_cvtsd_f64(y));
        high.cast::<f64>().write_unaligned(_mm_cvtsd_f64(_mm_unpackhi_pd(y, y)));
    }
}

impl Simd for Sse41 {
    type Sums = __m128i;
    type Post = Post;
    type Row = [__m128i; 1];
    /// 4 channels of 16-bit (row 0, row 1) and of (row 2, 0).
    type Column = [__m128i; 2];
    type Taps = [[__m128i; 2]; 3];
    type Block = [__m128i; 1];
    type Blocks = super::Straight;
    type Elementwise = Self;

    const LANES: usize = 4;
    const MR: usize = 6;
    const NR: usize = 4;
    const KG: usize = 4;
    const DEPTH: usize = 4;
    const WIDE: bool = true;
    const SQUARES: bool = true;

    #[inline(always)]
    unsafe fn tile<const M: usize>(x: *const u8, stride: usize, w: *const i8, k: usize) -> [[__m128i; 1]; M] {
        // SAFETY: four 16-bit inputs at a time of the k (a multiple of 16) of each of the M pixels, and
        // 16 weights for each such group: what the trait promises. The CPU has the instructions.
        unsafe {
            // Each output has two sums side by side: a group of four inputs fills 64 bits, and such a half repeats as it is
            // loaded, where 32 bits would have to be shuffled.
            let mut sums = [[_mm_setzero_si128(); 2]; M];
            for group in 0..k / 4 {
                let w = w.add(group * 16);
                let left = _mm_cvtepi8_epi16(_mm_loadl_epi64(w.cast()));
                let right = _mm_cvtepi8_epi16(_mm_loadl_epi64(w.add(8).cast()));
                for (m, row) in sums.iter_mut().enumerate() {
                    // `MOVDDUP` from memory; `_mm_loaddup_pd` requires an aligned pointer.
                    let inputs = x.add(m * stride + group * 8).cast::<f64>().read_unaligned();
                    let pixel = _mm_castpd_si128(_mm_set1_pd(inputs));
                    row[0] = _mm_add_epi32(row[0], _mm_madd_epi16(pixel, left));
                    row[1] = _mm_add_epi32(row[1], _mm_madd_epi16(pixel, right));
                }
            }
            let mut rows = [[_mm_setzero_si128()]; M];
            for (row, [left, right]) in rows.iter_mut().zip(sums) {
                row[0] = _mm_hadd_epi32(left, right);
            }
            rows
        }
    }

    #[inline(always)]
    unsafe fn post(post: PostPtr) -> Post {
        // SAFETY: the caller promises LANES = 4 values in each.
        unsafe {
            let pos = _mm_loadu_si128(post.pos.cast());
            Post {
                bias: _mm_loadu_si128(post.bias.cast()),
                pos,
                change: _mm_xor_si128(pos, _mm_loadu_si128(post.neg.cast())),
                zero: _mm_set1_epi16(post.zero as i16),
            }
        }
    }

    #[inline(always)]
    unsafe fn finish(sums: __m128i, post: &Post, out: *mut u8) {
        // SAFETY: the caller promises 4 bytes at `out`.
        unsafe {
            let y = rounded(sums, post);
            _mm_storeu_si32(out, packed([y; 4], post));
        }
    }

    #[inline(always)]
    unsafe fn finish_pixels(sums: [__m128i; 4], post: &Post, out: *mut u8, step: usize) {
        // SAFETY: the caller promises 4 bytes at each of the four pixels.
        unsafe {
            let [a, b, c, d] = sums;
            let y = [rounded(a, post), rounded(b, post), rounded(c, post), rounded(d, post)];
            let y = packed(y, post);
            _mm_storeu_si32(out, y);
            _mm_storeu_si32(out.add(step), _mm_shuffle_epi32::<1>(y));
            _mm_storeu_si32(out.add(2 * step), _mm_shuffle_epi32::<2>(y));
            _mm_storeu_si32(out.add(3 * step), _mm_shuffle_epi32::<3>(y));
        }
    }

    #[inline(always)]
    unsafe fn finish_square(sums: [[__m128i; 2]; 2], post: &[Post; 2], out: *mut u8, step: usize) {
        // SAFETY: the caller promises 8 bytes at both pixels.
        unsafe {
            let [[a, b], [c, d]] = sums;
            let [left, right] = post;
            let y = [rounded(a, left), rounded(b, right), rounded(c, left), rounded(d, right)];
            store_halves(packed(y, left), out, out.add(step));
        }
    }

    #[inline(always)]
    unsafe fn finish_with(sums: __m128i, post: &Post, other: Other, out: *mut u8) {
        // SAFETY: the caller promises 4 bytes at `other` and at `out`.
        unsafe {
            let bytes = _mm_cvtepu8_epi32(_mm_loadu_si32(other.bytes));
            let bytes = _mm_sub_epi32(bytes, _mm_set1_epi32(other.zero));
            let added = _mm_mul_ps(_mm_cvtepi32_ps(bytes), _mm_set1_ps(other.factor));
            let y = _mm_cvtps_epi32(_mm_add_ps(scaled(sums, post), added));
            _mm_storeu_si32(out, packed([y; 4], post));
        }
    }

    #[inline(always)]
    unsafe fn store(sums: __m128i, out: *mut i32) {
        // SAFETY: the caller promises room for LANES = 4 sums.
        unsafe { _mm_storeu_si128(out.cast(), sums) }
    }

    #[inline(always)]
    unsafe fn plus(sums: __m128i, to: *const i32) -> __m128i {
        // SAFETY: the caller promises LANES = 4 sums.
        unsafe { _mm_add_epi32(sums, _mm_loadu_si128(to.cast())) }
    }

    #[inline(always)]
    unsafe fn taps(w: *const i8, step: usize) -> Self::Taps {
        // SAFETY: nine rows of DEPTH = 4 weights.
        std::array::from_fn(|dx| unsafe {
            let [a, b, c] =
                [0, 3, 6].map(|row| _mm_cvtepi8_epi32(_mm_loadu_si32(w.add((row + dx) * step).cast())));
            // Signed: the low half must lose its sign bits before the high half is put above it.
            [_mm_blend_epi16::<0b1010_1010>(a, _mm_slli_epi32::<16>(b)), c]
        })
    }

    #[inline(always)]
    unsafe fn column(rows: [*const u8; 3]) -> [__m128i; 2] {
        // SAFETY: the caller promises DEPTH = 4 bytes in each row.
        unsafe {
            let [a, b, c] = rows.map(|row| _mm_loadu_si32(row));
            [_mm_cvtepu8_epi16(_mm_unpacklo_epi8(a, b)), _mm_cvtepu8_epi32(c)]
        }
    }

    #[inline(always)]
    unsafe fn window(columns: [[__m128i; 2]; 3], taps: &Self::Taps) -> [__m128i; 1] {
        // SAFETY: the CPU has the instructions (trait).
        unsafe {
            let mut sums = _mm_setzero_si128();
            for (column, taps) in columns.into_iter().zip(taps) {
                let upper = _mm_madd_epi16(column[0], taps[0]);
                // The high half of `column[1]` is 0, so what stands there in the taps does not count.
                let lower = _mm_madd_epi16(column[1], taps[1]);
                sums = _mm_add_epi32(sums, _mm_add_epi32(upper, lower));
            }
            [sums]
        }
    }
}

impl Elementwise for Sse41 {
    type Floats = __m128;

    #[inline(always)]
    unsafe fn largest(rows: [&[u8]; 2], n: usize, _flip: u8, out: &mut [u8]) {
        // SAFETY: the CPU has the instructions (trait).
        unsafe { sse41_rows::largest(rows, n, out) }
    }

    #[inline(always)]
    unsafe fn sum(layer: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
        // SAFETY: the CPU has the instructions (trait).
        unsafe { sse41_rows::sum(layer, a, b, out) }
    }

    #[inline(always)]
    unsafe fn distance(w: *const [f32; 16], p: *const [f32; 16], t: *const [f32; 16], blocks: usize) -> f32 {
        // SAFETY: the caller promises `blocks` of 16 values; the CPU has the instructions (trait).
        unsafe { sse41_rows::distance(w, p, t, blocks) }
    }
}
