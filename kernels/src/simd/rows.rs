//! Rows of sums, written as activations: what comes after the sum and differs from channel to channel is read once.

use super::{Other, Simd};
use crate::post::PostPtr;

/// Most vectors in a row of sums.
const VECTORS: usize = 16;

/// A [`PostPtr`] for each vector of a row of sums, read before the loop that writes the rows: the compiler cannot tell that what it
/// writes is something else.
pub(crate) struct Posts<S: Simd> {
    from: PostPtr,
    read: [S::Post; VECTORS],
}

impl<S: Simd> Posts<S> {
    /// Vectors of 512 bits are read for each row: their sums fill the registers.
    const READ: bool = S::LANES < 16;

    /// # Safety
    /// As for [`Simd`]; `from` is good for `channels`, a multiple of `LANES`.
    #[inline(always)]
    pub(crate) unsafe fn new(from: PostPtr, channels: usize) -> Self {
        let vectors = if Self::READ { channels / S::LANES } else { 1 };
        // SAFETY: LANES channels at a time, below `channels`. Where a row is shorter, the first ones again.
        let at = |v| unsafe { S::post(from.add(if v < vectors { v * S::LANES } else { 0 })) };
        // One by one: a loop would leave them in memory.
        let read = [
            at(0),
            at(1),
            at(2),
            at(3),
            at(4),
            at(5),
            at(6),
            at(7),
            at(8),
            at(9),
            at(10),
            at(11),
            at(12),
            at(13),
            at(14),
            at(15),
        ];
        Posts { from, read }
    }

    /// Of vector `v`.
    ///
    /// # Safety
    /// As for [`Simd`]; the row has such a vector.
    #[inline(always)]
    pub(super) unsafe fn at(&self, v: usize) -> S::Post {
        // SAFETY: what the caller promises.
        if Self::READ { self.read[v] } else { unsafe { S::post(self.from.add(v * S::LANES)) } }
    }
}

/// Writes `width` channels, a multiple of `LANES`, of each row of sums: `M` pixels `step` bytes apart.
///
/// # Safety
/// As for [`Simd`]; `posts` are those of the row, and `out` is good for `width` bytes of each pixel.
#[inline(always)]
pub(crate) unsafe fn finish_rows<S: Simd, R: AsRef<[S::Sums]>, const M: usize>(
    rows: &[R; M],
    width: usize,
    posts: &Posts<S>,
    out: *mut u8,
    step: usize,
) {
    let vectors = rows[0].as_ref().len();
    let mut v = 0;
    // SAFETY: v vectors are v * LANES channels; `vectors` covers at least `width`.
    unsafe {
        while v + 4 <= vectors && (v + 4) * S::LANES <= width {
            let posts = [posts.at(v), posts.at(v + 1), posts.at(v + 2), posts.at(v + 3)];
            for (m, row) in rows.iter().enumerate() {
                let row = row.as_ref();
                let four = [row[v], row[v + 1], row[v + 2], row[v + 3]];
                S::finish_four(four, &posts, out.add(m * step + v * S::LANES));
            }
            v += 4;
        }
        while S::SQUARES && v + 2 <= vectors && (v + 2) * S::LANES <= width {
            let c = v * S::LANES;
            let posts = [posts.at(v), posts.at(v + 1)];
            let two = |m: usize| [rows[m].as_ref()[v], rows[m].as_ref()[v + 1]];
            let mut m = 0;
            while m + 2 <= M {
                S::finish_square([two(m), two(m + 1)], &posts, out.add(m * step + c), step);
                m += 2;
            }
            if m < M {
                let [left, right] = two(m);
                S::finish(left, &posts[0], out.add(m * step + c));
                S::finish(right, &posts[1], out.add(m * step + c + S::LANES));
            }
            v += 2;
        }
        while v < vectors && v * S::LANES < width {
            let c = v * S::LANES;
            let post = posts.at(v);
            let mut m = 0;
            while m + 4 <= M {
                let four = std::array::from_fn(|i| rows[m + i].as_ref()[v]);
                S::finish_pixels(four, &post, out.add(m * step + c), step);
                m += 4;
            }
            while m < M {
                S::finish(rows[m].as_ref()[v], &post, out.add(m * step + c));
                m += 1;
            }
            v += 1;
        }
    }
}

/// [`finish_rows`] with `other` added.
///
/// # Safety
/// As for [`finish_rows`]; `other` is good where `out` is.
#[inline(always)]
pub(crate) unsafe fn finish_rows_with<S: Simd, R: AsRef<[S::Sums]>, const M: usize>(
    rows: &[R; M],
    width: usize,
    post: PostPtr,
    other: Other,
    (out, step): (*mut u8, usize),
) {
    for v in 0..rows[0].as_ref().len().min(width / S::LANES) {
        let c = v * S::LANES;
        // SAFETY: c + LANES <= width channels.
        unsafe {
            let post = S::post(post.add(c));
            for (m, row) in rows.iter().enumerate() {
                S::finish_with(row.as_ref()[v], &post, other.add(m * step + c), out.add(m * step + c));
            }
        }
    }
}
