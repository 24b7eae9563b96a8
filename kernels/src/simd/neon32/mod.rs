//! NEON of 32-bit ARM: `VMULL`, `VMLAL` and `VPADAL`, as on aarch64. Stable Rust has neither its intrinsics nor its vector
//! types, so a value cannot stay in a register from one operation to the next: each inner loop is one block of assembly,
//! assembled with `.fpu neon` and called only on a CPU that has it ([`is_available`]).
//!
//! Activations are stored flipped (`Isa::flip`), so they are signed bytes here. NEON always flushes subnormal numbers to zero:
//! such a factor or product rounds to a zero byte anyway.

mod line;
mod panel;
mod pixels;
mod scan;

use std::ffi::c_ulong;

use super::{Elementwise, Kernels};
use crate::depthwise::Line;
use crate::pixels::Add;
use crate::pointwise::Job;

/// Needs NEON.
pub(crate) struct Neon32;

/// Whether the kernel says that this CPU has NEON. Not every ARMv7 has.
pub(crate) fn is_available() -> bool {
    // From <elf.h> and the kernel's <asm/hwcap.h>.
    const AT_HWCAP: c_ulong = 16;
    const HWCAP_NEON: c_ulong = 1 << 12;
    unsafe extern "C" {
        safe fn getauxval(kind: c_ulong) -> c_ulong;
    }
    getauxval(AT_HWCAP) & HWCAP_NEON != 0
}

impl Kernels for Neon32 {
    type Elementwise = Self;

    const MR: usize = 2;
    const NR: usize = panel::NR;
    const KG: usize = 16;

    #[inline(always)]
    unsafe fn panel(job: &Job, width: usize) {
        debug_assert_eq!(width, Self::NR);
        // SAFETY: the caller's promises; `width` is NR, which divides every padded channel count.
        unsafe { panel::all_pixels(job) }
    }

    #[inline(always)]
    unsafe fn sums(x: *const u8, k: usize, w: *const i8, room: usize, sums: *mut i32) {
        for n in (0..room).step_by(Self::NR) {
            // SAFETY: `room` is whole panels of k * NR weights.
            unsafe { panel::sums(x, k, w.add(n * k), sums.add(n)) }
        }
    }

    #[inline(always)]
    unsafe fn line<const STRIDE: usize>(line: &Line) {
        // SAFETY: the caller's promises.
        unsafe { line::whole::<STRIDE>(line) }
    }

    #[inline(always)]
    unsafe fn line_sums<const STRIDE: usize>(line: &Line, sums: *mut i32) {
        // SAFETY: the caller's promises.
        unsafe { line::sums::<STRIDE>(line, sums) }
    }
}

impl Elementwise for Neon32 {
    type Floats = f32;

    #[inline(always)]
    unsafe fn largest([upper, lower]: [&[u8]; 2], n: usize, _flip: u8, out: &mut [u8]) {
        let pairs = upper.chunks_exact(2 * n).zip(lower.chunks_exact(2 * n));
        for (to, (upper, lower)) in out.chunks_exact_mut(n).zip(pairs) {
            let ((a, b), (c, d)) = (upper.split_at(n), lower.split_at(n));
            // SAFETY: the caller's promise.
            unsafe { pixels::largest([a, b, c, d], to) }
        }
    }

    #[inline(always)]
    unsafe fn sum(layer: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
        // SAFETY: the caller's promise.
        unsafe { pixels::sum(layer, a, b, out) }
    }

    #[inline(always)]
    unsafe fn distance(w: *const [f32; 16], p: *const [f32; 16], t: *const [f32; 16], blocks: usize) -> f32 {
        // SAFETY: the caller's promises.
        unsafe { scan::floats(w, p, t, blocks) }
    }

    #[inline(always)]
    unsafe fn distance_bytes(
        w: *const [i16; 16],
        p: *const [u8; 16],
        t: *const [u8; 16],
        blocks: usize,
    ) -> i32 {
        // SAFETY: the caller's promises.
        unsafe { scan::bytes(w, p, t, blocks) }
    }
}

/// What rounds scaled sums: adding 1.5 * 2^23 to an f32 rounds it to a whole number, ties to even, and leaves that number
/// in the low bits. `offset` takes those of the addend off and adds the zero point; saturation does the rest. Sums stay far
/// from where that would end (`Post::new`, `Pointwise::adding`).
#[derive(Clone, Copy)]
#[repr(C)]
struct Rounding {
    addend: [f32; 4],
    offset: [i32; 4],
}

impl Rounding {
    const ADDEND: f32 = 12_582_912.0;

    /// `zero` is the zero point as stored.
    #[inline(always)]
    fn new(zero: i32) -> Rounding {
        Rounding { addend: [Self::ADDEND; 4], offset: [zero - Self::ADDEND.to_bits() as i32; 4] }
    }
}

/// `asm!` that may change every vector register. Their halves are named, since a clobbered q register is ignored where the
/// compiler is not told of NEON. The template is one string, joined by `concat!`.
macro_rules! neon {
    ($template:expr, $($operands:tt)*) => {
        std::arch::asm!(
            ".fpu neon",
            $template,
            $($operands)*
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
            out("d16") _, out("d17") _, out("d18") _, out("d19") _, out("d20") _, out("d21") _, out("d22") _, out("d23") _,
            out("d24") _, out("d25") _, out("d26") _, out("d27") _, out("d28") _, out("d29") _, out("d30") _, out("d31") _,
            options(nostack)
        )
    };
}
use neon;
