//! Layers that work byte by byte: quantising pixels, pooling, adding. Plain loops, the last two compiled
//! once per instruction set for the compiler to vectorise. All are bit-exact: no fused multiplication.

use crate::Isa;
use crate::error::LayerError;
use crate::post::padded;
use crate::simd::{Elementwise, Kernels, dispatch};
use crate::stem::{Image, PIXEL};
use crate::window::check_rows;

/// Adding and subtracting this rounds an f32 below 2^22 in magnitude to a whole number, ties to even; larger values
/// stay far outside any byte.
const ROUND: f32 = 12_582_912.0;

/// `clamp(zero + round_ties_even(x / scale), 0, 255)` of a pixel's bytes: a table.
#[derive(Debug, Clone)]
pub struct Quantise {
    table: [u8; 256],
    /// Where it only flips bits: these.
    flips: Option<u8>,
}

impl Quantise {
    /// # Errors
    /// When `isa` is not available or `scale` is not a positive number.
    pub fn new(isa: Isa, scale: f32, zero: u8) -> Result<Self, LayerError> {
        if !isa.is_available() {
            return Err(LayerError::Unavailable(isa));
        }
        if !(scale.is_finite() && scale > 0.0) {
            return Err(LayerError::NotFinite(0));
        }
        let flip = isa.flip();
        let one = |x: u8| {
            // The cast saturates.
            let q = (f32::from(x) / scale).round_ties_even() as i32;
            q.saturating_add(i32::from(zero)).clamp(0, 255) as u8 ^ flip
        };
        let table = std::array::from_fn(|x| one(x as u8));
        let flips = table.iter().zip(0..=255).all(|(q, x)| *q == x ^ flip).then_some(flip);
        Ok(Quantise { table, flips })
    }

    /// Rows of pixels of [`PIXEL`] bytes to those of `image`, from the top. Bytes of channels that the layer does not have are
    /// not used.
    ///
    /// # Panics
    /// When `pixels` is not whole rows of the image, or more than it has.
    pub fn run(&self, pixels: &[u8], image: &mut Image) {
        let (height, width) = image.size();
        let rows = pixels.chunks_exact(width * PIXEL);
        assert!(rows.remainder().is_empty() && rows.len() <= height, "rows of the image");
        for (y, row) in rows.enumerate() {
            let pairs = image.row_mut(y).iter_mut().zip(row);
            match self.flips {
                Some(flips) => pairs.for_each(|(to, from)| *to = from ^ flips),
                None => pairs.for_each(|(to, from)| *to = self.table[usize::from(*from)]),
            }
        }
    }
}

/// Maximum of each 2x2 square; in: `[height][width][padded(channels)]`, out: half of each side, rounded down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPool {
    isa: Isa,
    height: usize,
    width: usize,
    n: usize,
}

impl MaxPool {
    /// # Errors
    /// When `isa` is not available or a side is below 2.
    pub fn new(isa: Isa, height: usize, width: usize, channels: usize) -> Result<Self, LayerError> {
        if !isa.is_available() {
            return Err(LayerError::Unavailable(isa));
        }
        if height < 2 || width < 2 || channels == 0 {
            return Err(LayerError::Dimension("height, width or channels"));
        }
        Ok(MaxPool { isa, height, width, n: padded(channels) })
    }

    /// Writes all rows, or as many as `out` holds.
    ///
    /// # Panics
    /// When the lengths do not fit.
    pub fn run(&self, x: &[u8], out: &mut [u8]) {
        let (rows, columns) = (self.height / 2, self.width / 2);
        assert_eq!(x.len(), self.height * self.width * self.n, "input size");
        check_rows(out.len(), columns * self.n, rows);
        let (pool, isa) = (self, self.isa);
        // SAFETY: a safe function; `new` checked that the CPU has the instructions.
        unsafe { dispatch!(isa, pool_all(pool: &MaxPool, x: &[u8], out: &mut [u8])) }
    }
}

#[inline(always)]
fn pool_all<S: Kernels>(pool: &MaxPool, x: &[u8], out: &mut [u8]) {
    let (n, row, flip) = (pool.n, pool.width * pool.n, pool.isa.flip());
    for (y, out) in out.chunks_exact_mut(pool.width / 2 * n).enumerate() {
        let rows = [&x[2 * y * row..][..row], &x[(2 * y + 1) * row..][..row]];
        // SAFETY: the caller of a `dispatch`ed function vouches for S.
        unsafe { S::Elementwise::largest(rows, n, flip, out) }
    }
}

/// The largest of each square of two rows, of pixels of `n` bytes, channel by channel.
#[inline(always)]
pub(crate) fn largest([upper, lower]: [&[u8]; 2], n: usize, flip: u8, out: &mut [u8]) {
    let pairs = upper.chunks_exact(2 * n).zip(lower.chunks_exact(2 * n));
    for (to, (upper, lower)) in out.chunks_exact_mut(n).zip(pairs) {
        let ((a, b), (c, d)) = (upper.split_at(n), lower.split_at(n));
        for ((((to, a), b), c), d) in to.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            let [a, b, c, d] = [a, b, c, d].map(|x| x ^ flip);
            *to = a.max(b).max(c.max(d)) ^ flip;
        }
    }
}

/// One side of a sum: `(q - zero) * factor`, where `factor` = s_in / s_out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// Zero point.
    pub zero: u8,
    /// Scale over the output's scale; finite and below 1000 in magnitude.
    pub factor: f32,
}

/// Sum of two pictures; the second may have half the size and is then upsampled (nearest).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Add {
    pub(crate) isa: Isa,
    height: usize,
    width: usize,
    n: usize,
    /// How often each value of the second is repeated in each direction: 1 or 2.
    repeat: usize,
    pub(crate) terms: [Term; 2],
    pub(crate) zero_out: u8,
}

impl Add {
    /// Height, width and channels are those of the first and of the output.
    ///
    /// # Errors
    /// When `isa` is not available, a factor is out of range, or the sides cannot be halved.
    pub fn new(
        isa: Isa,
        [height, width, channels]: [usize; 3],
        repeat: usize,
        terms: [Term; 2],
        zero_out: u8,
    ) -> Result<Self, LayerError> {
        if !isa.is_available() {
            return Err(LayerError::Unavailable(isa));
        }
        if !terms.iter().all(|t| t.factor.abs() < 1000.0) {
            return Err(LayerError::NotFinite(0));
        }
        if !(1..=2).contains(&repeat)
            || height % repeat + width % repeat > 0
            || height * width * channels == 0
        {
            return Err(LayerError::Dimension("height, width, channels or repeat"));
        }
        Ok(Add { isa, height, width, n: padded(channels), repeat, terms, zero_out })
    }

    /// Writes all rows, or as many as `out` holds.
    ///
    /// # Panics
    /// When the lengths do not fit.
    pub fn run(&self, a: &[u8], b: &[u8], out: &mut [u8]) {
        let size = self.height * self.width * self.n;
        assert_eq!(a.len(), size, "first input size");
        assert_eq!(b.len(), size / (self.repeat * self.repeat), "second input size");
        check_rows(out.len(), self.width * self.n, self.height);
        let (add, isa) = (self, self.isa);
        // SAFETY: a safe function; `new` checked that the CPU has the instructions.
        unsafe { dispatch!(isa, add_all(add: &Add, a: &[u8], b: &[u8], out: &mut [u8])) }
    }
}

#[inline(always)]
fn add_all<S: Kernels>(add: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
    let n = add.n;
    let rows = a.chunks_exact(add.width * n).zip(out.chunks_exact_mut(add.width * n));
    for (y, (a, out)) in rows.enumerate() {
        let width = add.width / add.repeat * n;
        let b = &b[y / add.repeat * width..][..width];
        for (x, (a, out)) in a.chunks_exact(n).zip(out.chunks_exact_mut(n)).enumerate() {
            // SAFETY: the caller of a `dispatch`ed function vouches for S.
            unsafe { S::Elementwise::sum(add, a, &b[x / add.repeat * n..][..n], out) }
        }
    }
}

/// The sum of two pixels, channel by channel.
#[inline(always)]
pub(crate) fn sum(add: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
    let flip = add.isa.flip();
    let term = |q: u8, t: Term| (i32::from(q ^ flip) - i32::from(t.zero)) as f32 * t.factor;
    let [first, second] = add.terms;
    for ((to, a), b) in out.iter_mut().zip(a).zip(b) {
        let sum = term(*a, first) + term(*b, second);
        let q = ((sum + ROUND) - ROUND) as i32 + i32::from(add.zero_out);
        *to = q.clamp(0, 255) as u8 ^ flip;
    }
}
