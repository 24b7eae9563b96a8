//! Distances: `VABD` and `VMLA`, which rounds the product before it adds, as the plain loop does.

use super::neon;

/// [`crate::simd::Elementwise::distance`]
///
/// # Safety
/// `blocks` of each.
#[inline(always)]
pub(super) unsafe fn floats(
    w: *const [f32; 16],
    p: *const [f32; 16],
    t: *const [f32; 16],
    blocks: usize,
) -> f32 {
    let mut sum = [0.0_f32; 2];
    if blocks == 0 {
        return 0.0;
    }
    // SAFETY: 16 values of each at a time, `blocks` times; then one pair at `sum`.
    unsafe {
        neon!(
            concat!(
                "vmov.i32 q8, #0\nvmov.i32 q9, #0\nvmov.i32 q10, #0\nvmov.i32 q11, #0\n",
                "2:\n",
                "vld1.32 {{q0, q1}}, [{p}]!\n",
                "vld1.32 {{q4, q5}}, [{t}]!\n",
                "vld1.32 {{q2, q3}}, [{p}]!\n",
                "vld1.32 {{q6, q7}}, [{t}]!\n",
                "vabd.f32 q0, q0, q4\nvabd.f32 q1, q1, q5\n",
                "vld1.32 {{q12, q13}}, [{w}]!\n",
                "vabd.f32 q2, q2, q6\nvabd.f32 q3, q3, q7\n",
                "vld1.32 {{q14, q15}}, [{w}]!\n",
                "subs {blocks}, {blocks}, #1\n",
                "vmla.f32 q8, q0, q12\nvmla.f32 q9, q1, q13\nvmla.f32 q10, q2, q14\nvmla.f32 q11, q3, q15\n",
                "bne 2b\n",
                // As a tree: the upper half onto the lower one.
                "vadd.f32 q8, q8, q10\nvadd.f32 q9, q9, q11\n",
                "vadd.f32 q8, q8, q9\n",
                "vadd.f32 d16, d16, d17\n",
                "vpadd.f32 d16, d16, d16\n",
                "vst1.32 {{d16}}, [{sum}]\n",
            ),
            w = inout(reg) w => _, p = inout(reg) p => _, t = inout(reg) t => _, blocks = inout(reg) blocks => _,
            sum = in(reg) &raw mut sum,
        );
    }
    sum[0]
}

/// [`crate::simd::Elementwise::distance_bytes`]
///
/// # Safety
/// `blocks` of each.
#[inline(always)]
pub(super) unsafe fn bytes(
    w: *const [i16; 16],
    p: *const [u8; 16],
    t: *const [u8; 16],
    blocks: usize,
) -> i32 {
    let mut sum = [0_i32; 2];
    if blocks == 0 {
        return 0;
    }
    // SAFETY: 16 values of each at a time, `blocks` times; then one pair at `sum`.
    unsafe {
        neon!(
            concat!(
                "vmov.i32 q8, #0\nvmov.i32 q9, #0\n",
                "2:\n",
                "vld1.8 {{q0}}, [{p}]!\n",
                "vld1.8 {{q1}}, [{t}]!\n",
                "vld1.16 {{q2, q3}}, [{w}]!\n",
                "vabd.u8 q0, q0, q1\n",
                "vmovl.u8 q1, d1\nvmovl.u8 q0, d0\n",
                "subs {blocks}, {blocks}, #1\n",
                "vmlal.s16 q8, d0, d4\nvmlal.s16 q9, d1, d5\nvmlal.s16 q8, d2, d6\nvmlal.s16 q9, d3, d7\n",
                "bne 2b\n",
                "vadd.i32 q8, q8, q9\n",
                "vadd.i32 d16, d16, d17\n",
                "vpadd.i32 d16, d16, d16\n",
                "vst1.32 {{d16}}, [{sum}]\n",
            ),
            w = inout(reg) w => _, p = inout(reg) p => _, t = inout(reg) t => _, blocks = inout(reg) blocks => _,
            sum = in(reg) &raw mut sum,
        );
    }
    sum[0]
}
