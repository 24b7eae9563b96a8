//! One row of a depthwise layer, eight channels at a time: their nine weights stay in registers.

use super::{Rounding, neon};
use crate::depthwise::{Line, Row};

/// Channels in a block.
const DEPTH: usize = 8;

/// What the loop reads for a block, in this order.
#[repr(C)]
struct Constants {
    bias: [i32; DEPTH],
    /// `pos` and `neg` of four channels, then of the other four.
    factors: [[[f32; 4]; 2]; 2],
    rounding: Rounding,
}

/// Nine rows of weights in d0 to d8, then pixel after pixel; `$next` takes the three rows back from the third column to
/// where the next window begins. Two products fit 16 bits.
macro_rules! pixels {
    ($next:expr) => {
        concat!(
            "vld1.8 {{d0}}, [{taps}], {n}\nvld1.8 {{d1}}, [{taps}], {n}\nvld1.8 {{d2}}, [{taps}], {n}\n",
            "vld1.8 {{d3}}, [{taps}], {n}\nvld1.8 {{d4}}, [{taps}], {n}\nvld1.8 {{d5}}, [{taps}], {n}\n",
            "vld1.8 {{d6}}, [{taps}], {n}\nvld1.8 {{d7}}, [{taps}], {n}\nvld1.8 {{d8}}, [{taps}]\n",
            "2:\n",
            "vld1.8 {{d10}}, [{a}], {a_step}\nvld1.8 {{d11}}, [{a}], {a_step}\nvld1.8 {{d12}}, [{a}]\n",
            "vld1.8 {{d13}}, [{b}], {b_step}\nvld1.8 {{d14}}, [{b}], {b_step}\nvld1.8 {{d15}}, [{b}]\n",
            "vld1.8 {{d16}}, [{c}], {c_step}\nvld1.8 {{d17}}, [{c}], {c_step}\nvld1.8 {{d18}}, [{c}]\n",
            $next,
            "vmull.s8 q10, d10, d0\nvmull.s8 q11, d12, d2\n",
            "vmlal.s8 q10, d11, d1\nvmlal.s8 q11, d13, d3\n",
            "vaddl.s16 q12, d20, d22\nvaddl.s16 q13, d21, d23\n",
            "vmull.s8 q10, d14, d4\nvmull.s8 q11, d16, d6\n",
            "vmlal.s8 q10, d15, d5\nvmlal.s8 q11, d17, d7\n",
            "vaddw.s16 q12, q12, d20\nvaddw.s16 q13, q13, d21\n",
            "vmull.s8 q10, d18, d8\n",
            "vaddw.s16 q12, q12, d22\nvaddw.s16 q13, q13, d23\n",
            "vld1.32 {{q14, q15}}, [{constants}]!\n",
            "vaddw.s16 q12, q12, d20\nvaddw.s16 q13, q13, d21\n",
            "vadd.i32 q12, q12, q14\nvadd.i32 q13, q13, q15\n",
            "vld1.32 {{q5, q6}}, [{constants}]!\n",
            "vld1.32 {{q7, q8}}, [{constants}]!\n",
            "vshr.s32 q14, q12, #31\nvshr.s32 q15, q13, #31\n",
            "vbsl q14, q6, q5\nvbsl q15, q8, q7\n",
            "vcvt.f32.s32 q12, q12\nvcvt.f32.s32 q13, q13\n",
            "vld1.32 {{q10, q11}}, [{constants}]\n",
            "vmul.f32 q12, q12, q14\nvmul.f32 q13, q13, q15\n",
            "sub {constants}, {constants}, #96\n",
            "vadd.f32 q12, q12, q10\nvadd.f32 q13, q13, q10\n",
            "vadd.i32 q12, q12, q11\nvadd.i32 q13, q13, q11\n",
            "subs {count}, {count}, #1\n",
            "vqmovn.s32 d24, q12\nvqmovn.s32 d25, q13\n",
            "vqmovn.s16 d24, q12\n",
            "vst1.8 {{d24}}, [{out}], {n}\n",
            "bne 2b\n",
        )
    };
}

/// One row, any stride.
///
/// # Safety
/// As for [`crate::simd::Kernels::line`].
#[inline(always)]
pub(super) unsafe fn whole<const STRIDE: usize>(line: &Line) {
    // Outputs whose window is inside the picture: all but one on each side.
    let first = line.left.min(line.columns);
    let inside = (line.width + line.left).checked_sub(3).map_or(0, |room| room / STRIDE + 1);
    let last = inside.clamp(first, line.columns);
    for c in (0..line.n).step_by(DEPTH) {
        // SAFETY: c + DEPTH <= n, so every access stays inside its pixel; the windows first..last are inside the rows, and
        // `edge` reads only columns of the picture or the pixel of zero points.
        unsafe {
            let constants = &block(line, c);
            if last > first {
                let column = first * STRIDE - line.left;
                let rows = line.rows.map(|row| Row { x: row.x.add(column * row.step + c), ..row });
                run::<STRIDE>(line, c, rows, first, last - first, constants);
            }
            for x in (0..first).chain(last..line.columns) {
                edge::<STRIDE>(line, c, x, constants);
            }
        }
    }
}

/// The sums alone, in plain code: only the last layers of a detector's heads are such, a hundredth of its work.
///
/// # Safety
/// As for [`crate::simd::Kernels::line_sums`].
#[inline(always)]
pub(super) unsafe fn sums<const STRIDE: usize>(line: &Line, sums: *mut i32) {
    for x in 0..line.columns {
        // SAFETY: columns of the picture, or the pixel of zero points; nine rows of n weights, n sums for each pixel.
        unsafe {
            let window: [*const i8; 9] = std::array::from_fn(|t| {
                let row = line.rows[t / 3];
                match (x * STRIDE + t % 3).checked_sub(line.left) {
                    Some(i) if i < line.width => row.x.add(i * row.step).cast(),
                    _ => line.outside.cast(),
                }
            });
            for c in 0..line.channels {
                let product =
                    |t: usize| i32::from(*window[t].add(c)) * i32::from(*line.taps.add(t * line.n + c));
                *sums.add(x * line.n + c) = (0..9).map(product).sum();
            }
        }
    }
}

/// # Safety
/// c + DEPTH <= n
#[inline(always)]
unsafe fn block(line: &Line, c: usize) -> Constants {
    // SAFETY: `post` is good for n channels.
    unsafe {
        let post = line.post.add(c);
        let [[pos, more_pos], [neg, more_neg]] =
            [post.pos, post.neg].map(|f| f.cast::<[[f32; 4]; 2]>().read());
        Constants {
            bias: post.bias.cast::<[i32; DEPTH]>().read(),
            factors: [[pos, neg], [more_pos, more_neg]],
            rounding: Rounding::new(post.zero),
        }
    }
}

/// The window of output `x`, of which a column is outside the picture, by way of a copy.
#[inline(always)]
unsafe fn edge<const STRIDE: usize>(line: &Line, c: usize, x: usize, constants: &Constants) {
    // SAFETY: columns of the picture, or the pixel of zero points; then the copy.
    unsafe {
        let copy: [[[u8; DEPTH]; 3]; 3] = std::array::from_fn(|y| {
            std::array::from_fn(|i| {
                let row = line.rows[y];
                let from = match (x * STRIDE + i).checked_sub(line.left) {
                    Some(i) if i < line.width => row.x.add(i * row.step + c),
                    _ => line.outside.add(c),
                };
                from.cast::<[u8; DEPTH]>().read()
            })
        });
        let rows = copy.each_ref().map(|row| Row { x: row.as_ptr().cast(), step: DEPTH });
        run::<STRIDE>(line, c, rows, x, 1, constants);
    }
}

/// `count` > 0 outputs from number `x` on; `rows` begin at the first one's window.
#[inline(always)]
unsafe fn run<const STRIDE: usize>(
    line: &Line,
    c: usize,
    rows: [Row; 3],
    x: usize,
    count: usize,
    constants: &Constants,
) {
    // SAFETY: the caller's promises: nine rows of n weights, `count` windows in `rows`, as many pixels at `out`.
    unsafe {
        let ([a, b, c_row], taps) = (rows, line.taps.add(c));
        let out = line.out.add(x * line.n + c);
        if STRIDE == 1 {
            neon!(
                pixels!("sub {a}, {a}, {a_step}\nsub {b}, {b}, {b_step}\nsub {c}, {c}, {c_step}\n"),
                a = inout(reg) a.x => _, b = inout(reg) b.x => _, c = inout(reg) c_row.x => _,
                a_step = in(reg) a.step, b_step = in(reg) b.step, c_step = in(reg) c_row.step,
                taps = inout(reg) taps => _, n = in(reg) line.n, count = inout(reg) count => _,
                out = inout(reg) out => _, constants = inout(reg) constants => _,
            )
        } else {
            neon!(
                pixels!(""),
                a = inout(reg) a.x => _, b = inout(reg) b.x => _, c = inout(reg) c_row.x => _,
                a_step = in(reg) a.step, b_step = in(reg) b.step, c_step = in(reg) c_row.step,
                taps = inout(reg) taps => _, n = in(reg) line.n, count = inout(reg) count => _,
                out = inout(reg) out => _, constants = inout(reg) constants => _,
            )
        }
    }
}
