//! Linux's Video4Linux structures and constants, ready-made: what the crate v4l2-sys-mit 0.3.0 makes
//! with libclang at every build. README.md says why and how.

#![allow(missing_docs, unreachable_pub, non_camel_case_types, non_upper_case_globals, non_snake_case)]
#![allow(clippy::all, clippy::undocumented_unsafe_blocks)]

#[cfg_attr(target_pointer_width = "64", path = "bindings_64.rs")]
#[cfg_attr(target_pointer_width = "32", path = "bindings_32.rs")]
mod bindings;

pub use bindings::*;

/// The kernel takes a structure's size from the request number, so a wrong size is a wrong request.
/// bindgen's tests look at every field, but only where they run; these hold for cross builds too.
/// Sizes from `gcc` and `arm-linux-gnueabihf-gcc` (`sizes.c`).
const _: () = {
    const fn holds<T>(bytes_64: usize, bytes_32: usize) -> bool {
        std::mem::size_of::<T>() == if cfg!(target_pointer_width = "64") { bytes_64 } else { bytes_32 }
    }
    assert!(holds::<v4l2_buffer>(88, 68));
    assert!(holds::<v4l2_capability>(104, 104));
    assert!(holds::<v4l2_ext_control>(20, 20));
    assert!(holds::<v4l2_ext_controls>(32, 24));
    assert!(holds::<v4l2_fmtdesc>(64, 64));
    assert!(holds::<v4l2_format>(208, 204));
    assert!(holds::<v4l2_frmivalenum>(52, 52));
    assert!(holds::<v4l2_frmsizeenum>(44, 44));
    assert!(holds::<v4l2_query_ext_ctrl>(232, 232));
    assert!(holds::<v4l2_querymenu>(44, 44));
    assert!(holds::<v4l2_requestbuffers>(20, 20));
    assert!(holds::<v4l2_streamparm>(204, 204));
};
