//! How a depthwise layer takes channels: in blocks, whose sums are in the order of the channels or in another one.

use super::{Posts, Simd, finish_rows};

/// Blocks of channels of one instruction set.
///
/// # Safety
/// As for [`Simd`].
pub(crate) trait Blocks<S: Simd> {
    /// A column of `DEPTH` channels.
    type Column: Copy;
    /// The nine weights of `DEPTH` channels.
    type Taps: Copy;
    /// The sums of `DEPTH` channels.
    type Sums: AsRef<[S::Sums]> + Copy;

    /// Channels in a block; a multiple of `LANES`.
    const DEPTH: usize;

    /// The channel whose sum is the `sum`th of a pixel of `n` channels.
    fn channel(sum: usize, n: usize) -> usize;
    /// Reads nine rows of `DEPTH` weights, `step` bytes apart.
    unsafe fn taps(w: *const i8, step: usize) -> Self::Taps;
    /// Reads `DEPTH` bytes of each of three rows.
    unsafe fn column(rows: [*const u8; 3]) -> Self::Column;
    /// The sums of a 3x3 window given by its three columns.
    unsafe fn window(columns: [Self::Column; 3], taps: &Self::Taps) -> Self::Sums;
    /// Writes `DEPTH` activations of each of `M` pixels, `step` bytes apart; `posts` are in the order of the sums.
    unsafe fn finish<const M: usize>(sums: &[Self::Sums; M], posts: &Posts<S>, out: *mut u8, step: usize);
}

/// The sums in the order of the channels.
pub(crate) struct Straight;

// Each passes the caller's promises on.
impl<S: Simd> Blocks<S> for Straight {
    type Column = S::Column;
    type Taps = S::Taps;
    type Sums = S::Block;

    const DEPTH: usize = S::DEPTH;

    fn channel(sum: usize, _: usize) -> usize {
        sum
    }

    #[inline(always)]
    unsafe fn taps(w: *const i8, step: usize) -> S::Taps {
        // SAFETY: as above.
        unsafe { S::taps(w, step) }
    }

    #[inline(always)]
    unsafe fn column(rows: [*const u8; 3]) -> S::Column {
        // SAFETY: as above.
        unsafe { S::column(rows) }
    }

    #[inline(always)]
    unsafe fn window(columns: [S::Column; 3], taps: &S::Taps) -> S::Block {
        // SAFETY: as above.
        unsafe { S::window(columns, taps) }
    }

    #[inline(always)]
    unsafe fn finish<const M: usize>(sums: &[S::Block; M], posts: &Posts<S>, out: *mut u8, step: usize) {
        // SAFETY: as above.
        unsafe { finish_rows::<S, S::Block, M>(sums, S::DEPTH, posts, out, step) }
    }
}
