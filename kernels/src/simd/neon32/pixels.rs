//! Layers that work byte by byte; the formulas are those of `pixels.rs`.

use super::{Rounding, neon};
use crate::pixels::Add;

/// The largest of four pixels, channel by channel.
///
/// # Safety
/// The CPU has NEON.
///
/// # Panics
/// When the lengths differ or are no multiple of 16.
#[inline(always)]
pub(super) unsafe fn largest(of: [&[u8]; 4], out: &mut [u8]) {
    assert!(of.iter().all(|x| x.len() == out.len()) && out.len().is_multiple_of(16), "whole pixels");
    let ([a, b, c, d], groups) = (of.map(<[u8]>::as_ptr), out.len() / 16);
    if groups == 0 {
        return;
    }
    // SAFETY: `groups` times 16 bytes of each, as asserted. Stored bytes are signed.
    unsafe {
        neon!(
            concat!(
                "2:\n",
                "vld1.8 {{q0}}, [{a}]!\nvld1.8 {{q1}}, [{b}]!\n",
                "vld1.8 {{q2}}, [{c}]!\nvld1.8 {{q3}}, [{d}]!\n",
                "vmax.s8 q0, q0, q1\nvmax.s8 q2, q2, q3\n",
                "subs {groups}, {groups}, #1\n",
                "vmax.s8 q0, q0, q2\n",
                "vst1.8 {{q0}}, [{out}]!\n",
                "bne 2b\n",
            ),
            a = inout(reg) a => _, b = inout(reg) b => _, c = inout(reg) c => _, d = inout(reg) d => _,
            groups = inout(reg) groups => _, out = inout(reg) out.as_mut_ptr() => _,
        )
    }
}

/// What [`sum`] reads before its loop, in this order.
#[repr(C)]
struct Constants {
    factors: [[f32; 4]; 2],
    rounding: Rounding,
    zeros: [[i8; 8]; 2],
}

/// `(x - zero) * factor` of eight bytes.
macro_rules! term {
    ($bytes:literal, $zero:literal, $factor:literal, $wide:literal, $half0:literal, $half1:literal, $low:literal, $high:literal) => {
        concat!(
            "vsubl.s8 ",
            $wide,
            ", ",
            $bytes,
            ", ",
            $zero,
            "\n",
            "vmovl.s16 ",
            $low,
            ", ",
            $half0,
            "\n",
            "vmovl.s16 ",
            $high,
            ", ",
            $half1,
            "\n",
            "vcvt.f32.s32 ",
            $low,
            ", ",
            $low,
            "\n",
            "vcvt.f32.s32 ",
            $high,
            ", ",
            $high,
            "\n",
            "vmul.f32 ",
            $low,
            ", ",
            $low,
            ", ",
            $factor,
            "\n",
            "vmul.f32 ",
            $high,
            ", ",
            $high,
            ", ",
            $factor,
            "\n",
        )
    };
}

/// The sum of two pixels, channel by channel.
///
/// # Safety
/// The CPU has NEON.
///
/// # Panics
/// When the lengths differ or are no multiple of 8.
#[inline(always)]
pub(super) unsafe fn sum(layer: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
    assert!(a.len() == out.len() && b.len() == out.len() && out.len().is_multiple_of(8), "whole pixels");
    let flip = i32::from(layer.isa.flip());
    let groups = out.len() / 8;
    if groups == 0 {
        return;
    }
    let constants = Constants {
        factors: layer.terms.map(|term| [term.factor; 4]),
        rounding: Rounding::new(i32::from(layer.zero_out) - flip),
        zeros: layer.terms.map(|term| [(i32::from(term.zero) - flip) as i8; 8]),
    };
    // SAFETY: `groups` times eight bytes of each, as asserted; `constants` is read only.
    unsafe {
        neon!(
            concat!(
                "vld1.32 {{q8, q9}}, [{constants}]!\n",
                "vld1.32 {{q10, q11}}, [{constants}]!\n",
                "vld1.8 {{q12}}, [{constants}]\n",
                "2:\n",
                "vld1.8 {{d0}}, [{a}]!\nvld1.8 {{d1}}, [{b}]!\n",
                term!("d0", "d24", "q8", "q1", "d2", "d3", "q2", "q3"),
                term!("d1", "d25", "q9", "q1", "d2", "d3", "q4", "q5"),
                "vadd.f32 q2, q2, q4\nvadd.f32 q3, q3, q5\n",
                "vadd.f32 q2, q2, q10\nvadd.f32 q3, q3, q10\n",
                "vadd.i32 q2, q2, q11\nvadd.i32 q3, q3, q11\n",
                "vqmovn.s32 d0, q2\nvqmovn.s32 d1, q3\n",
                "subs {groups}, {groups}, #1\n",
                "vqmovn.s16 d0, q0\n",
                "vst1.8 {{d0}}, [{out}]!\n",
                "bne 2b\n",
            ),
            a = inout(reg) a.as_ptr() => _, b = inout(reg) b.as_ptr() => _, groups = inout(reg) groups => _,
            out = inout(reg) out.as_mut_ptr() => _, constants = inout(reg) &raw const constants => _,
        )
    }
}
