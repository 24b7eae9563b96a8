//! The Video4Linux structures and constants of Linux that v4l and nokhwa use: what the crate v4l2-sys-mit 0.3.0
//! generates with libclang at every build. README.md says why, and how these were generated.

#![allow(missing_docs, unreachable_pub, non_camel_case_types, non_upper_case_globals, non_snake_case)]
#![allow(clippy::all, clippy::undocumented_unsafe_blocks)]

mod bindings;

pub use bindings::*;

/// The kernel reads a structure's size from the request number, so a wrong size is a wrong request. Checked at every
/// build, cross builds included, against what `gcc` and `arm-linux-gnueabihf-gcc` make of `sizes.c`: the structures of
/// every request that v4l makes, and the fields that move with the width of a pointer.
const _: () = {
    const fn is(bytes: usize, on_64_bit: usize, on_32_bit: usize) -> bool {
        bytes == if cfg!(target_pointer_width = "64") { on_64_bit } else { on_32_bit }
    }
    use std::mem::{offset_of, size_of};
    assert!(is(size_of::<v4l2_buffer>(), 88, 68));
    assert!(is(size_of::<v4l2_capability>(), 104, 104));
    assert!(is(size_of::<v4l2_ext_control>(), 20, 20));
    assert!(is(size_of::<v4l2_ext_controls>(), 32, 24));
    assert!(is(size_of::<v4l2_fmtdesc>(), 64, 64));
    assert!(is(size_of::<v4l2_format>(), 208, 204));
    assert!(is(size_of::<v4l2_frmivalenum>(), 52, 52));
    assert!(is(size_of::<v4l2_frmsizeenum>(), 44, 44));
    assert!(is(size_of::<v4l2_query_ext_ctrl>(), 232, 232));
    assert!(is(size_of::<v4l2_querymenu>(), 44, 44));
    assert!(is(size_of::<v4l2_requestbuffers>(), 20, 20));
    assert!(is(size_of::<v4l2_streamparm>(), 204, 204));
    assert!(is(offset_of!(v4l2_buffer, timestamp), 24, 20));
    assert!(is(offset_of!(v4l2_buffer, sequence), 56, 44));
    assert!(is(offset_of!(v4l2_buffer, m), 64, 52));
    assert!(is(offset_of!(v4l2_buffer, length), 72, 56));
    assert!(is(offset_of!(v4l2_ext_controls, controls), 24, 20));
    assert!(is(offset_of!(v4l2_format, fmt), 8, 4));
    assert!(is(offset_of!(v4l2_pix_format, xfer_func), 44, 44));
};
