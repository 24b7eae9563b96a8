//! From the coefficients of a baseline JPEG to pixels: dequantisation, inverse DCT, wider and taller colours, RGB. Plain loops,
//! compiled once per instruction set for the compiler to vectorise; whole numbers only, so all give the same bits.
//!
//! The DCT is the exact one (ITU-T T.81, A.3.3) by the factors of Loeffler, Ligtenberg and Moschytz (1989) in 12 bits.

use crate::Isa;
use crate::error::LayerError;
use crate::simd::{Simd, dispatch};

/// Values of a block, and of a table of quantisation steps.
const BLOCK: usize = 64;

/// So many coefficients in zigzag order are in the upper left quarter of a block.
const IN_QUARTER: usize = 10;

/// Binary places of the factors.
const PLACES: u32 = 12;

/// Binary places kept between the columns and the rows.
const KEPT: u32 = 2;

/// Binary places of the factors from YCbCr to RGB.
const COLOUR_PLACES: u32 = 14;

/// Turns coefficients into samples, and samples into RGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JpegPixels {
    isa: Isa,
}

impl JpegPixels {
    /// # Errors
    /// When `isa` is not available.
    pub fn new(isa: Isa) -> Result<Self, LayerError> {
        if isa.is_available() { Ok(JpegPixels { isa }) } else { Err(LayerError::Unavailable(isa)) }
    }

    /// The 8x8 samples of a block, `0..=255`, to eight rows of `out` that begin `stride` apart. `coefficients` are row by row, in
    /// units of `steps`; only the first `count` in zigzag order may be other than zero.
    ///
    /// # Panics
    /// When `out` ends before the eighth row.
    pub fn block(
        &self,
        coefficients: &[i16; BLOCK],
        steps: &[i16; BLOCK],
        count: usize,
        out: &mut [[u8; 8]],
        stride: usize,
    ) {
        let mut samples = [0; BLOCK];
        let (c, steps, to) = (coefficients, steps, &mut samples);
        if count <= 1 {
            let mean = i32::from(c[0]) * i32::from(steps[0]);
            *to = [(((mean + 4) >> 3) + 128).clamp(0, 255) as u8; BLOCK];
        } else if count <= IN_QUARTER {
            // SAFETY: a safe function; `new` checked that the CPU has the instructions.
            unsafe {
                dispatch!(
                    self.isa,
                    inverse_quarter(c: &[i16; BLOCK], steps: &[i16; BLOCK], to: &mut [u8; BLOCK])
                );
            }
        } else {
            // SAFETY: as above.
            unsafe {
                dispatch!(
                    self.isa,
                    inverse_whole(c: &[i16; BLOCK], steps: &[i16; BLOCK], to: &mut [u8; BLOCK])
                );
            }
        }
        for (y, row) in samples.as_chunks().0.iter().enumerate() {
            out[y * stride] = *row;
        }
    }

    /// A row between two rows of samples, three times nearer to `near`.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn between(&self, near: &[u8], far: &[u8], out: &mut [u8]) {
        assert!(near.len() == out.len() && far.len() == out.len(), "rows of one length");
        // SAFETY: as in `block`.
        unsafe { dispatch!(self.isa, blend(near: &[u8], far: &[u8], out: &mut [u8])) }
    }

    /// A row at twice its width: each sample three parts its own, one part its neighbour's.
    ///
    /// # Panics
    /// When `out` is not twice as long as `row`, or `row` is empty.
    pub fn widened(&self, row: &[u8], out: &mut [u8]) {
        assert!(!row.is_empty() && out.len() == row.len() * 2, "a row of twice the length");
        // SAFETY: as in `block`.
        unsafe { dispatch!(self.isa, widen(row: &[u8], out: &mut [u8])) }
    }

    /// A row of RGB from its light and its two colours (BT.601, full range), which may be longer.
    ///
    /// # Panics
    /// When a row is shorter than `out` has pixels.
    pub fn rgb(&self, y: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8]) {
        let width = out.len() / 3;
        let (y, cb, cr) = (&y[..width], &cb[..width], &cr[..width]);
        // SAFETY: as in `block`.
        unsafe { dispatch!(self.isa, colour(y: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8])) }
    }
}

/// The inverse DCT of one line of eight, `2^PLACES` times too large, with `bias` added to each.
#[inline(always)]
fn line(v: [i32; 8], bias: i32) -> [i32; 8] {
    let mul = |a: i32, b: i32| a.wrapping_mul(b);
    let add = |a: i32, b: i32| a.wrapping_add(b);
    let sub = |a: i32, b: i32| a.wrapping_sub(b);
    // The even half: a rotation by 22.5 degrees.
    let turn = mul(add(v[2], v[6]), 2217);
    let (low, high) = (add(turn, mul(v[2], 3135)), add(turn, mul(v[6], -7567)));
    let (sum, difference) = (add(add(v[0], v[4]) << PLACES, bias), add(sub(v[0], v[4]) << PLACES, bias));
    let even = [add(sum, low), add(difference, high), sub(difference, high), sub(sum, low)];
    // The odd half.
    let (a, b) = (add(v[7], v[3]), add(v[5], v[1]));
    let all = mul(add(a, b), 4816);
    let (a, b) = (add(all, mul(a, -8034)), add(all, mul(b, -1597)));
    let (outer, inner) = (mul(add(v[7], v[1]), -3685), mul(add(v[5], v[3]), -10497));
    let odd = [
        add(add(mul(v[1], 6149), outer), b),
        add(add(mul(v[3], 12586), inner), a),
        add(add(mul(v[5], 8410), inner), b),
        add(add(mul(v[7], 1223), outer), a),
    ];
    [
        add(even[0], odd[0]),
        add(even[1], odd[1]),
        add(even[2], odd[2]),
        add(even[3], odd[3]),
        sub(even[3], odd[3]),
        sub(even[2], odd[2]),
        sub(even[1], odd[1]),
        sub(even[0], odd[0]),
    ]
}

#[inline(always)]
fn inverse_whole<S: Simd>(coefficients: &[i16; BLOCK], steps: &[i16; BLOCK], out: &mut [u8; BLOCK]) {
    inverse::<8>(coefficients, steps, out);
}

#[inline(always)]
fn inverse_quarter<S: Simd>(coefficients: &[i16; BLOCK], steps: &[i16; BLOCK], out: &mut [u8; BLOCK]) {
    inverse::<4>(coefficients, steps, out);
}

/// Only the first `N` columns and rows are other than zero.
#[inline(always)]
fn inverse<const N: usize>(coefficients: &[i16; BLOCK], steps: &[i16; BLOCK], out: &mut [u8; BLOCK]) {
    let product = |at: usize| i32::from(coefficients[at]) * i32::from(steps[at]);
    let mut columns = [0_i16; BLOCK];
    // All columns, since a vector holds them: those that are zero cost nothing.
    for x in 0..8 {
        let done = line(
            std::array::from_fn(|y| if y < N { product(y * 8 + x) } else { 0 }),
            1 << (PLACES - KEPT - 1),
        );
        for (y, value) in done.into_iter().enumerate() {
            columns[y * 8 + x] = (value >> (PLACES - KEPT)) as i16;
        }
    }
    let columns = transposed(columns);
    let mut rows = [0_u8; BLOCK];
    // Half of the last place, and a little more: the level of the middle, 128, goes in with it.
    let shift = PLACES + KEPT + 3;
    let bias = (1 << (shift - 1)) + (128 << shift) + 512;
    for y in 0..8 {
        let done = line(std::array::from_fn(|x| if x < N { i32::from(columns[x * 8 + y]) } else { 0 }), bias);
        for (x, value) in done.into_iter().enumerate() {
            rows[x * 8 + y] = (value >> shift).clamp(0, 255) as u8;
        }
    }
    *out = transposed(rows);
}

/// Rows for columns, by three perfect shuffles, which vectors have instructions for.
#[inline(always)]
fn transposed<T: Copy + Default>(block: [T; BLOCK]) -> [T; BLOCK] {
    shuffled(shuffled(shuffled(block)))
}

#[inline(always)]
fn shuffled<T: Copy + Default>(block: [T; BLOCK]) -> [T; BLOCK] {
    let mut out = [T::default(); BLOCK];
    for i in 0..BLOCK / 2 {
        (out[2 * i], out[2 * i + 1]) = (block[i], block[i + BLOCK / 2]);
    }
    out
}

#[inline(always)]
fn blend<S: Simd>(near: &[u8], far: &[u8], out: &mut [u8]) {
    for ((out, near), far) in out.iter_mut().zip(near).zip(far) {
        *out = mixed(*near, *far);
    }
}

#[inline(always)]
fn mixed(near: u8, far: u8) -> u8 {
    ((3 * u16::from(near) + u16::from(far) + 2) >> 2) as u8
}

#[inline(always)]
fn widen<S: Simd>(row: &[u8], out: &mut [u8]) {
    let last = row.len() - 1;
    (out[0], out[2 * last + 1]) = (row[0], row[last]);
    for ((pair, here), next) in out[1..].chunks_exact_mut(2).zip(row).zip(&row[1..]) {
        pair[0] = mixed(*here, *next);
        pair[1] = mixed(*next, *here);
    }
}

#[inline(always)]
fn colour<S: Simd>(y: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8]) {
    let level = |value: i32| (value >> COLOUR_PLACES).clamp(0, 255) as u8;
    for (((rgb, y), cb), cr) in out.chunks_exact_mut(3).zip(y).zip(cb).zip(cr) {
        let (cb, cr) = (i32::from(*cb) - 128, i32::from(*cr) - 128);
        // 1.402, 0.34414, 0.71414 and 1.772; halves are rounded down.
        let light = (i32::from(*y) << COLOUR_PLACES) + (1 << (COLOUR_PLACES - 1)) - 1;
        rgb[0] = level(light + cr * 22970);
        rgb[1] = level(light - cr * 11700 - cb * 5638);
        rgb[2] = level(light + cb * 29032);
    }
}
