//! Depthwise blocks of AVX2 and AVX512 in the order in which `VPUNPCK` leaves bytes: it and `VPACK` work within 128 bits, so that
//! packing the activations puts them in order again, and nothing need be widened or permuted.

use std::arch::x86_64::*;

use super::avx2::Post as Post256;
use super::vnni::{Post as Post512, Vnni};
use super::{Blocks, Posts, Simd, avx2, vnni};

/// The channel of a sum of a pixel of `n`, in blocks of `depth` and vectors of `lanes`; what is no whole block is in order.
fn interleaved(sum: usize, n: usize, depth: usize, lanes: usize) -> usize {
    let (block, place) = (sum / depth * depth, sum % depth);
    if block + depth > n {
        return sum;
    }
    // Each 128 bits of a vector hold four sums; the vectors one after the other go on where it ends.
    let (vector, part) = (place / lanes, place % lanes / 4);
    block + part * (4 * depth / lanes) + vector * 4 + place % 4
}

/// 16 channels in 256 bits.
pub(crate) struct Interleaved256;

/// A column of 16 channels of 16 bits.
#[derive(Clone, Copy)]
pub(crate) struct Column256 {
    /// Rows 0 and 1 in pairs.
    upper: [__m256i; 2],
    /// Row 2, in the order of the channels.
    lowest: __m256i,
}

/// The weights of 16 channels, in pairs of 16 bits.
#[derive(Clone, Copy)]
pub(crate) struct Taps256 {
    /// Of rows 0 and 1, for each column.
    upper: [[__m256i; 2]; 3],
    /// Of row 2: columns 0 and 1; none and column 2.
    lowest: [[__m256i; 2]; 2],
}

#[inline(always)]
unsafe fn pairs(a: __m256i, b: __m256i) -> [__m256i; 2] {
    // SAFETY: the CPU has AVX2 (the caller).
    unsafe { [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)] }
}

impl<S: Simd<Sums = __m256i, Post = Post256>> Blocks<S> for Interleaved256 {
    type Column = Column256;
    type Taps = Taps256;
    type Sums = [__m256i; 2];

    const DEPTH: usize = 16;

    fn channel(sum: usize, n: usize) -> usize {
        interleaved(sum, n, 16, 8)
    }

    #[inline(always)]
    unsafe fn taps(w: *const i8, step: usize) -> Taps256 {
        // SAFETY: nine rows of DEPTH = 16 weights.
        unsafe {
            let row = |t: usize| _mm256_cvtepi8_epi16(_mm_loadu_si128(w.add(t * step).cast()));
            let none = _mm256_setzero_si256();
            Taps256 {
                upper: [pairs(row(0), row(3)), pairs(row(1), row(4)), pairs(row(2), row(5))],
                lowest: [pairs(row(6), row(7)), pairs(none, row(8))],
            }
        }
    }

    #[inline(always)]
    unsafe fn column(rows: [*const u8; 3]) -> Column256 {
        // SAFETY: the caller promises DEPTH = 16 bytes in each row.
        unsafe {
            let words = |row: *const u8| _mm256_cvtepu8_epi16(_mm_loadu_si128(row.cast()));
            Column256 { upper: pairs(words(rows[0]), words(rows[1])), lowest: words(rows[2]) }
        }
    }

    #[inline(always)]
    unsafe fn window(columns: [Column256; 3], taps: &Taps256) -> [__m256i; 2] {
        let [a, b, c] = columns;
        // SAFETY: the CPU has the instructions (trait).
        unsafe {
            // The next window has the second of these as its first.
            let (first, second) = (pairs(a.lowest, b.lowest), pairs(b.lowest, c.lowest));
            let half = |h: usize| {
                let product = |x: &[__m256i; 2], w: &[__m256i; 2]| _mm256_madd_epi16(x[h], w[h]);
                let sums =
                    _mm256_add_epi32(product(&a.upper, &taps.upper[0]), product(&b.upper, &taps.upper[1]));
                let lowest =
                    _mm256_add_epi32(product(&first, &taps.lowest[0]), product(&second, &taps.lowest[1]));
                _mm256_add_epi32(_mm256_add_epi32(sums, product(&c.upper, &taps.upper[2])), lowest)
            };
            [half(0), half(1)]
        }
    }

    #[inline(always)]
    unsafe fn finish<const M: usize>(sums: &[[__m256i; 2]; M], posts: &Posts<S>, out: *mut u8, step: usize) {
        // SAFETY: the caller promises DEPTH = 16 bytes in each pixel.
        unsafe {
            let (left, right) = (posts.at(0), posts.at(1));
            for (m, &[a, b]) in sums.iter().enumerate() {
                let (a, b) = (avx2::scaled(a, &left), avx2::scaled(b, &right));
                let words = _mm256_packs_epi32(_mm256_cvtps_epi32(a), _mm256_cvtps_epi32(b));
                let words = _mm256_adds_epi16(words, _mm256_packs_epi32(left.zero, left.zero));
                let bytes =
                    _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
                _mm_storeu_si128(out.add(m * step).cast(), bytes);
            }
        }
    }
}

/// 64 channels in 512 bits.
pub(crate) struct Interleaved512;

/// Lane by lane (row 0, row 1, row 2, 0).
#[inline(always)]
unsafe fn quads(rows: [*const u8; 3]) -> [__m512i; 4] {
    // SAFETY: the caller promises 64 bytes in each row.
    unsafe {
        let [a, b, c] = rows.map(|row| _mm512_loadu_si512(row.cast()));
        let none = _mm512_setzero_si512();
        let (low, lowest) = (_mm512_unpacklo_epi8(a, b), _mm512_unpacklo_epi8(c, none));
        let (high, highest) = (_mm512_unpackhi_epi8(a, b), _mm512_unpackhi_epi8(c, none));
        [
            _mm512_unpacklo_epi16(low, lowest),
            _mm512_unpackhi_epi16(low, lowest),
            _mm512_unpacklo_epi16(high, highest),
            _mm512_unpackhi_epi16(high, highest),
        ]
    }
}

impl<const VECTORS: usize> Blocks<Vnni<VECTORS>> for Interleaved512 {
    type Column = [__m512i; 4];
    type Taps = [[__m512i; 4]; 3];
    type Sums = [__m512i; 4];

    const DEPTH: usize = 64;

    fn channel(sum: usize, n: usize) -> usize {
        interleaved(sum, n, 64, 16)
    }

    #[inline(always)]
    unsafe fn taps(w: *const i8, step: usize) -> Self::Taps {
        // SAFETY: nine rows of DEPTH = 64 weights.
        unsafe {
            let column = |dx: usize| quads([0, 3, 6].map(|row| w.add((row + dx) * step).cast()));
            [column(0), column(1), column(2)]
        }
    }

    #[inline(always)]
    unsafe fn column(rows: [*const u8; 3]) -> [__m512i; 4] {
        // SAFETY: the caller promises DEPTH = 64 bytes in each row.
        unsafe { quads(rows) }
    }

    #[inline(always)]
    unsafe fn window(columns: [[__m512i; 4]; 3], taps: &Self::Taps) -> [__m512i; 4] {
        // SAFETY: the CPU has the instructions (trait).
        unsafe {
            let mut sums = [_mm512_setzero_si512(); 4];
            for (column, taps) in columns.iter().zip(taps) {
                for ((sums, column), taps) in sums.iter_mut().zip(column).zip(taps) {
                    *sums = _mm512_dpbusd_epi32(*sums, *column, *taps);
                }
            }
            sums
        }
    }

    #[inline(always)]
    unsafe fn finish<const M: usize>(
        sums: &[[__m512i; 4]; M],
        posts: &Posts<Vnni<VECTORS>>,
        out: *mut u8,
        step: usize,
    ) {
        // SAFETY: the caller promises DEPTH = 64 bytes in each pixel.
        unsafe {
            let rounded = |sums, post: &Post512| _mm512_cvtps_epi32(vnni::scaled(sums, post));
            for (m, &[a, b, c, d]) in sums.iter().enumerate() {
                let post = posts.at(0);
                let zero = _mm512_packs_epi32(post.zero, post.zero);
                let first = _mm512_packs_epi32(rounded(a, &post), rounded(b, &posts.at(1)));
                let second = _mm512_packs_epi32(rounded(c, &posts.at(2)), rounded(d, &posts.at(3)));
                let bytes =
                    _mm512_packus_epi16(_mm512_adds_epi16(first, zero), _mm512_adds_epi16(second, zero));
                _mm512_storeu_si512(out.add(m * step).cast(), bytes);
            }
        }
    }
}
