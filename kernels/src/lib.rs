//! Int8 convolution kernels; in: u8 activations and s8 weights, out: u8 activations or f32.
//!
//! Every kernel is a layer that is built once (checked, weights packed for one [`Isa`]) and then run on slices whose
//! lengths are asserted. All unsafe arithmetic code of facelatch is in this crate, and [`forget_code`].
//!
//! - Activations are pixels by channels (NHWC), channels padded to [`CHANNELS`], stored as `q ^ isa.flip()`. A layer may
//!   leave the padding of its output unwritten: the next one has weights of zero there, or does not read it.
//! - Weights are signed, -127..=127, one scale per output channel.
//! - A layer ends with [`Requant`]: bias, scale, activation, rounding and clamping in one pass.
//! - All instruction sets give the same bits: `tests/exact.rs` compares each with a plain loop.
#![warn(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    allow(
        unused_unsafe,
        reason = "no instruction set is enabled by attribute there, so that safe functions are safe to call"
    )
)]

mod bytes;
mod dense;
mod depthwise;
mod error;
mod global;
mod isa;
mod jpeg;
mod pack;
mod pages;
mod pixels;
mod pointwise;
mod post;
mod rotations;
mod scan;
mod simd;
mod squares;
mod stem;
mod window;

pub use bytes::Bytes;
pub use dense::Dense;
pub use depthwise::Depthwise;
pub use error::LayerError;
pub use global::GlobalDepthwise;
pub use isa::Isa;
pub use jpeg::JpegPixels;
pub use pages::forget_code;
pub use pixels::{Add, MaxPool, Quantise, Term};
pub use pointwise::Pointwise;
pub use post::{CHANNELS, Requant, padded};
pub use rotations::Rotations;
pub use scan::{ByteScan, Scan};
pub use squares::Squares;
pub use stem::{Image, PIXEL, Stem};
pub use window::Window;
