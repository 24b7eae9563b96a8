//! What one instruction set does to rows of values, whatever layer they belong to: plain code by default, which compilers
//! vectorise.

use super::floats::Floats;
use crate::pixels::{self, Add};

/// Probes, and templates, that [`Elementwise::distance_tile`] compares at once.
pub(crate) const TILE: usize = 4;

/// One instruction set, on rows of values.
///
/// # Safety
/// As for [`super::Simd`].
pub(crate) trait Elementwise {
    /// A register of f32.
    type Floats: Floats;

    /// The largest of each square of two rows, of pixels of `n` bytes, channel by channel.
    #[inline(always)]
    unsafe fn largest(rows: [&[u8]; 2], n: usize, flip: u8, out: &mut [u8]) {
        pixels::largest(rows, n, flip, out);
    }

    /// The sum of two pixels, channel by channel.
    #[inline(always)]
    unsafe fn sum(layer: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
        pixels::sum(layer, a, b, out);
    }

    /// The distance of [`crate::Scan`] over `blocks` of 16 values.
    #[inline(always)]
    unsafe fn distance(w: *const [f32; 16], p: *const [f32; 16], t: *const [f32; 16], blocks: usize) -> f32 {
        let mut sums = [0.0_f32; 16];
        for j in 0..blocks {
            // SAFETY: the caller promises `blocks` of each.
            let (w, p, t) = unsafe { (&*w.add(j), &*p.add(j), &*t.add(j)) };
            for i in 0..16 {
                sums[i] += w[i] * (p[i] - t[i]).abs();
            }
        }
        // As a tree: upper half onto lower half, four times; vectors add in the same order.
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                sums[i] += sums[i + half];
            }
        }
        sums[0]
    }

    /// [`Self::distance`] of each probe to each template, to the same bits: what is read serves several sums.
    #[inline(always)]
    unsafe fn distance_tile(
        w: *const [f32; 16],
        p: [*const [f32; 16]; TILE],
        t: [*const [f32; 16]; TILE],
        blocks: usize,
    ) -> [[f32; TILE]; TILE] {
        // SAFETY: the caller promises `blocks` of each.
        p.map(|p| t.map(|t| unsafe { Self::distance(w, p, t, blocks) }))
    }

    /// The sum of [`crate::ByteScan`] over `blocks` of 16 values.
    #[inline(always)]
    unsafe fn distance_bytes(
        w: *const [i16; 16],
        p: *const [u8; 16],
        t: *const [u8; 16],
        blocks: usize,
    ) -> i32 {
        let mut sums = [0_i32; 16];
        for j in 0..blocks {
            // SAFETY: the caller promises `blocks` of each.
            let (w, p, t) = unsafe { (&*w.add(j), &*p.add(j), &*t.add(j)) };
            for i in 0..16 {
                sums[i] += i32::from(w[i]) * i32::from(p[i].abs_diff(t[i]));
            }
        }
        sums.iter().sum()
    }
}
