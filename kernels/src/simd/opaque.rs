//! A pointer as the compiler knows nothing of it.

use std::arch::asm;

/// Hides a pointer's origin. On NEON the compiler would otherwise step from pixel to pixel with additions in the innermost
/// loop instead of keeping one register for each; on SSE4.1 it would load inputs once for several steps, and then run out of
/// registers.
#[inline(always)]
#[allow(clippy::pointers_in_nomem_asm_block, reason = "the pointer passes through, nothing is read")]
pub(crate) fn opaque(mut pointer: *const u8) -> *const u8 {
    // SAFETY: does nothing.
    unsafe { asm!("/* {0} */", inout(reg) pointer, options(pure, nomem, nostack, preserves_flags)) };
    pointer
}
