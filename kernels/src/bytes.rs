//! A byte buffer aligned to a cache line (64 bytes).

use std::ops::{Deref, DerefMut};

/// One cache line; the unit of allocation, so that its alignment is the buffer's.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Bytes aligned to 64: a 64-byte load never straddles two cache lines.
#[derive(Clone, Default)]
pub struct Bytes {
    lines: Vec<Line>,
    len: usize,
}

impl Bytes {
    /// `len` bytes, all `value`.
    #[must_use]
    pub fn filled(len: usize, value: u8) -> Bytes {
        Bytes { lines: vec![Line([value; 64]); len.div_ceil(64)], len }
    }

    /// `len` zero bytes.
    #[must_use]
    pub fn zeroed(len: usize) -> Bytes {
        Bytes::filled(len, 0)
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        debug_assert!(self.len <= self.lines.len() * 64);
        // SAFETY: `lines` holds at least `len` initialised bytes (both are set together, in `filled`, and
        // never change), `Line` has no padding, and `u8` has no invalid values.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast::<u8>(), self.len) }
    }
}

impl DerefMut for Bytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        debug_assert!(self.len <= self.lines.len() * 64);
        // SAFETY: as in `deref`; `&mut self` makes the borrow unique.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast::<u8>(), self.len) }
    }
}
