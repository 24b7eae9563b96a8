//! What the layers' loops call, above [`Simd`]. An instruction set with vector types gets all of it from there; 32-bit NEON,
//! for which stable Rust has no vector types, writes these loops in assembly instead.

use super::{Blocks, Elementwise, Simd};
use crate::depthwise::{self, Line};
use crate::pointwise::{self, Job};

/// Inner loops of one instruction set.
///
/// # Safety
/// As for [`Simd`].
pub(crate) trait Kernels {
    /// What it does to rows of values.
    type Elementwise: Elementwise;

    /// Pixels that a tile takes at once; blocks of pixels are multiples of it.
    const MR: usize;
    /// Output channels in a panel of packed weights.
    const NR: usize;
    /// Input channels that the packed weights keep together; divides 16.
    const KG: usize;
    /// As [`Blocks::channel`], of depthwise layers.
    const CHANNEL: fn(usize, usize) -> usize = |sum, _| sum;
    /// Whether `panel` and `sums` read inputs of 16 bits, widened once for all outputs.
    const WIDE: bool = false;

    /// `width` <= `NR` outputs of all pixels of `job`.
    unsafe fn panel(job: &Job, width: usize);
    /// The bare sums of one pixel of `k` bytes: `room` of them, whole panels.
    unsafe fn sums(x: *const u8, k: usize, w: *const i8, room: usize, sums: *mut i32);
    /// One row of a depthwise layer; `STRIDE` is 1 or 2.
    unsafe fn line<const STRIDE: usize>(line: &Line);
    /// The bare sums of one, n for each pixel.
    unsafe fn line_sums<const STRIDE: usize>(line: &Line, sums: *mut i32);
}

// Each passes the caller's promises on.
impl<S: Simd> Kernels for S {
    type Elementwise = S::Elementwise;

    const MR: usize = S::MR;
    const NR: usize = S::NR;
    const KG: usize = S::KG;
    const WIDE: bool = S::WIDE;
    const CHANNEL: fn(usize, usize) -> usize = <S::Blocks as Blocks<S>>::channel;

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
    unsafe fn line_sums<const STRIDE: usize>(line: &Line, sums: *mut i32) {
        // SAFETY: as above.
        unsafe { depthwise::sums_of_line::<S, STRIDE>(line, sums) }
    }
}
