//! Tiles of two pixels by four output channels. Loads of 32 bytes make up for there being half as many registers as on
//! aarch64: 56 instructions make 256 products and sums.

use super::{Rounding, neon};
use crate::pointwise::Job;
use crate::simd::Other;

/// Output channels in a tile.
pub(super) const NR: usize = 4;

/// What [`finish!`] reads, in this order.
#[repr(C)]
struct Constants {
    bias: [i32; NR],
    pos: [f32; NR],
    neg: [f32; NR],
    rounding: Rounding,
    zero: [i32; NR],
    factor: [f32; NR],
}

/// 16 inputs of two pixels by four channels: `$a` and `$b` are the pixels' halves; the weights of two channels are in q6 and
/// q7, those of the other two are next in memory. Weights are -127..=127, so two products fit 16 bits.
macro_rules! group {
    ($a0:literal, $a1:literal, $b0:literal, $b1:literal, $next:literal) => {
        concat!(
            channel!($a0, $a1, $b0, $b1, "d12", "d13", "", "q8", "q12"),
            channel!($a0, $a1, $b0, $b1, "d14", "d15", "vld1.8 {{q6, q7}}, [{w}]!\n", "q9", "q13"),
            channel!($a0, $a1, $b0, $b1, "d12", "d13", "", "q10", "q14"),
            channel!($a0, $a1, $b0, $b1, "d14", "d15", $next, "q11", "q15"),
        )
    };
}

/// One channel of a group; `$next` is loaded as soon as the weights have been used.
macro_rules! channel {
    ($a0:literal, $a1:literal, $b0:literal, $b1:literal, $w0:literal, $w1:literal, $next:literal, $a:literal, $b:literal) => {
        concat!(
            "vmull.s8 q4, ",
            $a0,
            ", ",
            $w0,
            "\n",
            "vmull.s8 q5, ",
            $b0,
            ", ",
            $w0,
            "\n",
            "vmlal.s8 q4, ",
            $a1,
            ", ",
            $w1,
            "\n",
            "vmlal.s8 q5, ",
            $b1,
            ", ",
            $w1,
            "\n",
            $next,
            "vpadal.s16 ",
            $a,
            ", q4\n",
            "vpadal.s16 ",
            $b,
            ", q5\n",
        )
    };
}

/// The sums of two pixels in q0 and q1; `{w}` ends where it was, `{a}` and `{b}` a pixel further on.
macro_rules! two_pixels {
    () => {
        concat!(
            "add {b}, {a}, {stride}\n",
            "vmov.i32 q8, #0\nvmov.i32 q9, #0\nvmov.i32 q10, #0\nvmov.i32 q11, #0\n",
            "vmov.i32 q12, #0\nvmov.i32 q13, #0\nvmov.i32 q14, #0\nvmov.i32 q15, #0\n",
            "lsrs {i}, {k}, #5\n",
            "beq 3f\n",
            "2:\n",
            "vld1.8 {{q0, q1}}, [{a}]!\n",
            "vld1.8 {{q6, q7}}, [{w}]!\n",
            "vld1.8 {{q2, q3}}, [{b}]!\n",
            group!("d0", "d1", "d4", "d5", "vld1.8 {{q6, q7}}, [{w}]!\n"),
            "subs {i}, {i}, #1\n",
            group!("d2", "d3", "d6", "d7", ""),
            "bne 2b\n",
            "3:\n",
            "tst {k}, #16\n",
            "beq 4f\n",
            "vld1.8 {{q0}}, [{a}]!\n",
            "vld1.8 {{q6, q7}}, [{w}]!\n",
            "vld1.8 {{q2}}, [{b}]!\n",
            group!("d0", "d1", "d4", "d5", ""),
            "4:\n",
            "sub {w}, {w}, {k}, lsl #2\n",
            "vpadd.i32 d0, d16, d17\nvpadd.i32 d1, d18, d19\nvpadd.i32 d2, d20, d21\nvpadd.i32 d3, d22, d23\n",
            "vpadd.i32 d4, d24, d25\nvpadd.i32 d5, d26, d27\nvpadd.i32 d6, d28, d29\nvpadd.i32 d7, d30, d31\n",
            "vpadd.i32 d0, d0, d1\nvpadd.i32 d1, d2, d3\nvpadd.i32 d2, d4, d5\nvpadd.i32 d3, d6, d7\n",
        )
    };
}

/// The formula of `post.rs` for q0 and q1, up to rounding; leaves [`Rounding`] in q7 and q8.
macro_rules! scale {
    () => {
        concat!(
            "vld1.32 {{q4, q5}}, [{constants}]!\n",
            "vld1.32 {{q6, q7}}, [{constants}]!\n",
            "vadd.i32 q0, q0, q4\nvadd.i32 q1, q1, q4\n",
            "vshr.s32 q2, q0, #31\nvshr.s32 q3, q1, #31\n",
            "vld1.32 {{q8, q9}}, [{constants}]!\n",
            "vbsl q2, q6, q5\nvbsl q3, q6, q5\n",
            "vcvt.f32.s32 q0, q0\nvcvt.f32.s32 q1, q1\n",
            "vmul.f32 q0, q0, q2\nvmul.f32 q1, q1, q3\n",
        )
    };
}

/// Rounds q0 and q1 and writes both pixels; to `{constants}`'s start again.
macro_rules! round {
    () => {
        concat!(
            "sub {constants}, {constants}, #96\n",
            "vadd.f32 q0, q0, q7\nvadd.f32 q1, q1, q7\n",
            "vadd.i32 q0, q0, q8\nvadd.i32 q1, q1, q8\n",
            "vqmovn.s32 d0, q0\nvqmovn.s32 d1, q1\n",
            "vqmovn.s16 d0, q0\n",
            "vst1.32 {{d0[0]}}, [{out}], {step}\n",
            "vst1.32 {{d0[1]}}, [{out}], {step}\n",
        )
    };
}

/// Adds both pixels of another picture to q0 and q1: its zero point is in q9.
macro_rules! add_other {
    () => {
        concat!(
            "vld1.32 {{d30[0]}}, [{other}], {step}\n",
            "vld1.32 {{d30[1]}}, [{other}], {step}\n",
            "vld1.32 {{q10}}, [{constants}]\n",
            "vmovl.s8 q15, d30\n",
            "vmovl.s16 q12, d30\nvmovl.s16 q13, d31\n",
            "vsub.i32 q12, q12, q9\nvsub.i32 q13, q13, q9\n",
            "vcvt.f32.s32 q12, q12\nvcvt.f32.s32 q13, q13\n",
            "vmul.f32 q12, q12, q10\nvmul.f32 q13, q13, q10\n",
            "vadd.f32 q0, q0, q12\nvadd.f32 q1, q1, q13\n",
        )
    };
}

/// One panel of `NR` outputs of all pixels.
///
/// # Safety
/// As for [`crate::simd::Kernels::panel`].
#[inline(always)]
pub(super) unsafe fn all_pixels(job: &Job) {
    // SAFETY: `post` is good for NR channels; pairs of pixels inside the job, and a last one as both of its pair.
    unsafe {
        let post = job.post;
        let other = job.other.unwrap_or(Other { bytes: job.out, zero: 0, factor: 0.0 });
        let constants = Constants {
            bias: post.bias.cast::<[i32; NR]>().read(),
            pos: post.pos.cast::<[f32; NR]>().read(),
            neg: post.neg.cast::<[f32; NR]>().read(),
            rounding: Rounding::new(post.zero),
            zero: [other.zero; NR],
            factor: [other.factor; NR],
        };
        let pairs = job.pixels / 2;
        if pairs > 0 {
            tiles(job, pairs, job.k, job.n, &constants);
        }
        if job.pixels % 2 == 1 {
            let last = pairs * 2;
            let job = Job { x: job.x.add(last * job.k), ..job.further(last * job.n) };
            tiles(&job, 1, 0, 0, &constants);
        }
    }
}

/// `pairs` of pixels: a pair's second is `stride` bytes from its first, and `step` in the output.
#[inline(always)]
unsafe fn tiles(job: &Job, pairs: usize, stride: usize, step: usize, constants: &Constants) {
    // SAFETY: 16 or 32 bytes at a time of the k (a multiple of 16) bytes of each pixel, 64 or 128 weights for each such
    // group, NR bytes of each output (and other) pixel; `constants` is read only.
    unsafe {
        match job.other {
            None => neon!(
                concat!("1:\n", two_pixels!(), scale!(), round!(), "mov {a}, {b}\n", "subs {pairs}, {pairs}, #1\n", "bne 1b\n"),
                a = inout(reg) job.x => _, b = out(reg) _, w = inout(reg) job.w => _, i = out(reg) _,
                k = in(reg) job.k, stride = in(reg) stride, pairs = inout(reg) pairs => _,
                out = inout(reg) job.out => _, step = in(reg) step, constants = inout(reg) constants => _,
            ),
            Some(other) => neon!(
                concat!(
                    "1:\n", two_pixels!(), scale!(), add_other!(), round!(),
                    "mov {a}, {b}\n", "subs {pairs}, {pairs}, #1\n", "bne 1b\n"
                ),
                a = inout(reg) job.x => _, b = out(reg) _, w = inout(reg) job.w => _, i = out(reg) _,
                k = in(reg) job.k, stride = in(reg) stride, pairs = inout(reg) pairs => _,
                out = inout(reg) job.out => _, step = in(reg) step, constants = inout(reg) constants => _,
                other = inout(reg) other.bytes => _,
            ),
        }
    }
}

/// The sums of one pixel by `NR` channels.
///
/// # Safety
/// `x` is good for `k` bytes, a multiple of 16, `w` for a panel, `sums` for `NR` values.
#[inline(always)]
pub(super) unsafe fn sums(x: *const u8, k: usize, w: *const i8, sums: *mut i32) {
    // SAFETY: 16 bytes and 64 weights at a time, then NR sums.
    unsafe {
        neon!(
            concat!(
                "vmov.i32 q8, #0\nvmov.i32 q9, #0\nvmov.i32 q10, #0\nvmov.i32 q11, #0\n",
                "2:\n",
                "vld1.8 {{q0}}, [{x}]!\n",
                "vld1.8 {{q4, q5}}, [{w}]!\n",
                "vld1.8 {{q6, q7}}, [{w}]!\n",
                "vmull.s8 q12, d0, d8\nvmull.s8 q13, d0, d10\nvmull.s8 q14, d0, d12\nvmull.s8 q15, d0, d14\n",
                "vmlal.s8 q12, d1, d9\nvmlal.s8 q13, d1, d11\nvmlal.s8 q14, d1, d13\nvmlal.s8 q15, d1, d15\n",
                "subs {i}, {i}, #1\n",
                "vpadal.s16 q8, q12\nvpadal.s16 q9, q13\nvpadal.s16 q10, q14\nvpadal.s16 q11, q15\n",
                "bne 2b\n",
                "vpadd.i32 d0, d16, d17\nvpadd.i32 d1, d18, d19\nvpadd.i32 d2, d20, d21\nvpadd.i32 d3, d22, d23\n",
                "vpadd.i32 d0, d0, d1\nvpadd.i32 d1, d2, d3\n",
                "vst1.32 {{q0}}, [{sums}]\n",
            ),
            x = inout(reg) x => _, w = inout(reg) w => _, i = inout(reg) k / 16 => _, sums = in(reg) sums,
        )
    }
}
