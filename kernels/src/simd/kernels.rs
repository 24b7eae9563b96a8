//! What the layers' loops call, above [`Simd`]. An instruction set with vector types gets all of it from there; 32-bit NEON,
//! for which stable Rust has no vector types, writes these loops in assembly instead.

use super::{Simd, TILE};
use crate::depthwise::{self, Line};
use crate::pixels::{self, Add, Quantise};
use crate::pointwise::{self, Job};
use crate::stem::PIXEL;

/// Inner loops of one instruction set.
///
/// # Safety
/// As for [`Simd`].
pub(crate) trait Kernels {
    /// Pixels that a tile takes at once; blocks of pixels are multiples of it.
    const MR: usize;
    /// Output channels in a panel of packed weights.
    const NR: usize;
    /// Input channels that the packed weights keep together; divides 16.
    const KG: usize;

    /// `width` <= `NR` outputs of all pixels of `job`.
    unsafe fn panel(job: &Job, width: usize);
    /// The bare sums of one pixel of `k` bytes: `room` of them, whole panels.
    unsafe fn sums(x: *const u8, k: usize, w: *const i8, room: usize, sums: *mut i32);
    /// One row of a depthwise layer; `STRIDE` is 1 or 2.
    unsafe fn line<const STRIDE: usize>(line: &Line);

    /// The first pixels of a row of [`Quantise`], and how many they are: none where compilers vectorise the plain code.
    #[inline(always)]
    unsafe fn quantise(_layer: &Quantise, _rows: &[&[f32]; PIXEL], _out: &mut [u8]) -> usize {
        0
    }
    /// The largest of four pixels, channel by channel; plain code by default, as above.
    #[inline(always)]
    unsafe fn largest(of: [&[u8]; 4], flip: u8, out: &mut [u8]) {
        pixels::largest(of, flip, out);
    }
    /// The sum of two pixels, channel by channel; plain code by default, as above.
    #[inline(always)]
    unsafe fn sum(layer: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
        pixels::sum(layer, a, b, out);
    }

    /// [`Simd::distance`]
    unsafe fn distance(w: *const [f32; 16], p: *const [f32; 16], t: *const [f32; 16], blocks: usize) -> f32;
    /// [`Simd::distance_tile`]
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
    /// [`Simd::distance_bytes`]
    unsafe fn distance_bytes(
        w: *const [i16; 16],
        p: *const [u8; 16],
        t: *const [u8; 16],
        blocks: usize,
    ) -> i32;
}

// Each passes the caller's promises on.
impl<S: Simd> Kernels for S {
    const MR: usize = S::MR;
    const NR: usize = S::NR;
    const KG: usize = S::KG;

    #[inline(always)]
    unsafe fn panel(job: &Job, width: usize) {
        // SAFETY: as above.
        unsafe { pointwise::one_panel::<S>(job, width) }
    }

    #[inline(always)]
    unsafe fn sums(x: *const u8, k: usize, w: *const i8, room: usize, sums: *mut i32) {
        // SAFETY: as above.
        unsafe { pointwise::one_pixel::<S>(x, k, w, room, sums) }
    }

    #[inline(always)]
    unsafe fn line<const STRIDE: usize>(line: &Line) {
        // SAFETY: as above.
        unsafe { depthwise::one_line::<S, STRIDE>(line) }
    }

    #[inline(always)]
    unsafe fn distance(w: *const [f32; 16], p: *const [f32; 16], t: *const [f32; 16], blocks: usize) -> f32 {
        // SAFETY: as above.
        unsafe { <S as Simd>::distance(w, p, t, blocks) }
    }

    #[inline(always)]
    unsafe fn distance_tile(
        w: *const [f32; 16],
        p: [*const [f32; 16]; TILE],
        t: [*const [f32; 16]; TILE],
        blocks: usize,
    ) -> [[f32; TILE]; TILE] {
        // SAFETY: as above.
        unsafe { <S as Simd>::distance_tile(w, p, t, blocks) }
    }

    #[inline(always)]
    unsafe fn distance_bytes(
        w: *const [i16; 16],
        p: *const [u8; 16],
        t: *const [u8; 16],
        blocks: usize,
    ) -> i32 {
        // SAFETY: as above.
        unsafe { <S as Simd>::distance_bytes(w, p, t, blocks) }
    }
}
