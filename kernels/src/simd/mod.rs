//! The few operations that differ between instruction sets. Loops, borders and tiles are written once,
//! over this trait, in `pointwise.rs` and `depthwise.rs`; [`dispatch`] compiles them per instruction set.
//!
//! Terms:
//! - *lanes*: output channels in one vector of 32-bit sums.
//! - *tile*: a block of pixels by `NR` output channels whose sums stay in registers.
//! - *k*: input channels, taken `KG` at a time.
//! - *column*: three bytes below each other (rows y-1, y, y+1) for each channel of a block.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx2_pixels;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx_vnni;
mod blocks;
#[cfg(target_arch = "aarch64")]
pub(crate) mod dot;
mod elementwise;
pub(crate) mod floats;
#[cfg(target_arch = "aarch64")]
pub(crate) mod i8mm;
#[cfg(target_arch = "x86_64")]
mod interleaved;
mod kernels;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
#[cfg(target_arch = "arm")]
pub(crate) mod neon32;
#[cfg(target_arch = "aarch64")]
mod neon_pixels;
pub(crate) mod portable;
mod rows;
#[cfg(target_arch = "x86_64")]
pub(crate) mod sse41;
#[cfg(target_arch = "x86_64")]
mod sse41_rows;
#[cfg(target_arch = "x86_64")]
pub(crate) mod vnni;

pub(crate) use self::blocks::{Blocks, Straight};
pub(crate) use self::elementwise::{Elementwise, TILE};
pub(crate) use self::kernels::Kernels;
pub(crate) use self::rows::{Posts, finish_rows, finish_rows_with};
use crate::post::PostPtr;

/// One instruction set.
///
/// # Safety
/// Every method may be called only on a CPU that has the instructions, and, to be fast, only inlined
/// into a function with that `target_feature`. Pointers must be good for the sizes written below.
pub(crate) trait Simd: Sized {
    /// A vector of `LANES` 32-bit sums of neighbouring output channels.
    type Sums: Copy;
    /// A [`PostPtr`] in registers for `LANES` channels.
    type Post: Copy;
    /// The sums of one pixel of a tile.
    type Row: AsRef<[Self::Sums]> + Copy;
    /// A column of `DEPTH` channels.
    type Column: Copy;
    /// The nine weights of `DEPTH` channels.
    type Taps: Copy;
    /// The sums of `DEPTH` channels.
    type Block: AsRef<[Self::Sums]> + Copy;

    /// The largest blocks of channels that depthwise layers take.
    type Blocks: Blocks<Self>;

    /// What it does to rows of values.
    type Elementwise: Elementwise;

    /// Channels in `Sums`.
    const LANES: usize;
    /// Most pixels in a tile, 1 to 12.
    const MR: usize;
    /// Output channels in a tile.
    const NR: usize;
    /// Input channels that the packed weights keep together; divides 16.
    const KG: usize;
    /// Channels in the smallest depthwise block; divides 16.
    const DEPTH: usize;
    /// Whether tiles read inputs of 16 bits, widened once for all outputs.
    const WIDE: bool = false;
    /// Whether `finish_square` is cheaper than `finish_pixels`.
    const SQUARES: bool = false;

    /// Sums of `M` pixels by `NR` channels: pixel m at `x + m * stride` bytes, `k` inputs (a multiple of 16)
    /// each, of a byte or, if `WIDE`, of 16 bits; `w` packed `[k / KG][NR][KG]`.
    unsafe fn tile<const M: usize>(x: *const u8, stride: usize, w: *const i8, k: usize) -> [Self::Row; M];

    /// Reads `LANES` values of each array of `post`.
    unsafe fn post(post: PostPtr) -> Self::Post;
    /// Writes `LANES` activations at `out`.
    unsafe fn finish(sums: Self::Sums, post: &Self::Post, out: *mut u8);
    /// Writes 4 * `LANES` activations at `out`: where vectors are narrow, cheaper than four times `finish`.
    #[inline(always)]
    unsafe fn finish_four(sums: [Self::Sums; 4], post: &[Self::Post; 4], out: *mut u8) {
        for (v, (sums, post)) in sums.into_iter().zip(post).enumerate() {
            // SAFETY: the caller promises room for all four.
            unsafe { Self::finish(sums, post, out.add(v * Self::LANES)) }
        }
    }
    /// Writes `LANES` activations of each of four pixels, `step` bytes apart.
    #[inline(always)]
    unsafe fn finish_pixels(sums: [Self::Sums; 4], post: &Self::Post, out: *mut u8, step: usize) {
        for (m, sums) in sums.into_iter().enumerate() {
            // SAFETY: the caller promises room in all four pixels.
            unsafe { Self::finish(sums, post, out.add(m * step)) }
        }
    }
    /// Writes 2 * `LANES` activations of each of two pixels, `step` bytes apart; called only if `SQUARES`.
    #[inline(always)]
    unsafe fn finish_square(sums: [[Self::Sums; 2]; 2], post: &[Self::Post; 2], out: *mut u8, step: usize) {
        for (m, sums) in sums.into_iter().enumerate() {
            for (v, (sums, post)) in sums.into_iter().zip(post).enumerate() {
                // SAFETY: the caller promises room in both pixels.
                unsafe { Self::finish(sums, post, out.add(m * step + v * Self::LANES)) }
            }
        }
    }
    /// As `finish`, with `LANES` bytes of `other` added before rounding.
    unsafe fn finish_with(sums: Self::Sums, post: &Self::Post, other: Other, out: *mut u8);
    /// Writes `LANES` sums at `out`.
    unsafe fn store(sums: Self::Sums, out: *mut i32);
    /// Adds the `LANES` sums at `to`; called only if `WIDE`.
    #[inline(always)]
    unsafe fn plus(sums: Self::Sums, _to: *const i32) -> Self::Sums {
        sums
    }

    /// Reads nine rows of `DEPTH` weights, `step` bytes apart.
    unsafe fn taps(w: *const i8, step: usize) -> Self::Taps;
    /// Reads `DEPTH` bytes of each of three rows.
    unsafe fn column(rows: [*const u8; 3]) -> Self::Column;
    /// The sums of a 3x3 window given by its three columns.
    unsafe fn window(columns: [Self::Column; 3], taps: &Self::Taps) -> Self::Block;
}

/// The other operand of a sum: `(byte - zero) * factor`, with bytes laid out like the output.
#[derive(Clone, Copy)]
pub(crate) struct Other {
    pub(crate) bytes: *const u8,
    /// Zero point as stored: a signed value if activations are flipped.
    pub(crate) zero: i32,
    pub(crate) factor: f32,
}

impl Other {
    /// The same from `n` bytes on.
    ///
    /// # Safety
    /// `n` bytes on must still be inside the picture.
    #[inline(always)]
    pub(crate) unsafe fn add(self, n: usize) -> Other {
        // SAFETY: what the caller promises.
        Other { bytes: unsafe { self.bytes.add(n) }, ..self }
    }
}

/// Calls `$function::<S>($arguments)` with `S` of `$isa`, in a function with the right `target_feature`.
///
/// The caller vouches that `$isa` is available (`Isa::is_available`) and for `$function`'s own needs.
macro_rules! dispatch {
    ($isa:expr, $function:ident($($name:ident: $type:ty),*)) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "sse4.1")]
        #[allow(unused_unsafe, reason = "some functions are safe")]
        unsafe fn sse41($($name: $type),*) {
            // SAFETY: the caller has checked the CPU; the rest is `dispatch`'s condition.
            unsafe { $function::<crate::simd::sse41::Sse41>($($name),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        #[allow(unused_unsafe, reason = "some functions are safe")]
        unsafe fn avx2($($name: $type),*) {
            // SAFETY: as above.
            unsafe { $function::<crate::simd::avx2::Avx2<2>>($($name),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        #[allow(unused_unsafe, reason = "some functions are safe")]
        unsafe fn avx2_narrow($($name: $type),*) {
            // SAFETY: as above.
            unsafe { $function::<crate::simd::avx2::Avx2<1>>($($name),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[cfg_attr(not(feature = "evex"), target_feature(enable = "avx2,fma,avxvnni"))]
        #[cfg_attr(feature = "evex", target_feature(enable = "avx2,fma,avx512vl,avx512vnni"))]
        #[allow(unused_unsafe, reason = "some functions are safe")]
        unsafe fn avx_vnni($($name: $type),*) {
            // SAFETY: as above.
            unsafe { $function::<crate::simd::avx_vnni::AvxVnni>($($name),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vnni")]
        #[allow(unused_unsafe, reason = "some functions are safe")]
        unsafe fn vnni($($name: $type),*) {
            // SAFETY: as above.
            unsafe { $function::<crate::simd::vnni::Vnni<2>>($($name),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vnni")]
        #[allow(unused_unsafe, reason = "some functions are safe")]
        unsafe fn vnni_narrow($($name: $type),*) {
            // SAFETY: as above.
            unsafe { $function::<crate::simd::vnni::Vnni<1>>($($name),*) }
        }
        // Every aarch64 CPU has it, so nothing else keeps the caller from taking it in, with fewer registers left for its loops.
        #[cfg(target_arch = "aarch64")]
        #[target_feature(enable = "neon")]
        #[inline(never)]
        #[allow(unused_unsafe, reason = "some functions are safe")]
        unsafe fn neon($($name: $type),*) {
            // SAFETY: as above.
            unsafe { $function::<crate::simd::neon::Neon>($($name),*) }
        }
        #[cfg(target_arch = "aarch64")]
        #[target_feature(enable = "neon,dotprod")]
        #[allow(unused_unsafe, reason = "some functions are safe")]
        unsafe fn dot($($name: $type),*) {
            // SAFETY: as above.
            unsafe { $function::<crate::simd::dot::Dot>($($name),*) }
        }
        #[cfg(target_arch = "aarch64")]
        #[target_feature(enable = "neon,dotprod,i8mm")]
        #[allow(unused_unsafe, reason = "some functions are safe")]
        unsafe fn i8mm($($name: $type),*) {
            // SAFETY: as above.
            unsafe { $function::<crate::simd::i8mm::I8mm>($($name),*) }
        }
        match $isa {
            #[cfg(target_arch = "x86_64")]
            crate::Isa::Sse41 => sse41($($name),*),
            #[cfg(target_arch = "x86_64")]
            crate::Isa::Avx2 => avx2($($name),*),
            #[cfg(target_arch = "x86_64")]
            crate::Isa::Avx2Narrow => avx2_narrow($($name),*),
            #[cfg(target_arch = "x86_64")]
            crate::Isa::AvxVnni => avx_vnni($($name),*),
            #[cfg(target_arch = "x86_64")]
            crate::Isa::Avx512Vnni => vnni($($name),*),
            #[cfg(target_arch = "x86_64")]
            crate::Isa::Avx512VnniNarrow => vnni_narrow($($name),*),
            #[cfg(target_arch = "aarch64")]
            crate::Isa::Neon => neon($($name),*),
            #[cfg(target_arch = "arm")]
            crate::Isa::Neon => $function::<crate::simd::neon32::Neon32>($($name),*),
            #[cfg(target_arch = "aarch64")]
            crate::Isa::NeonDot => dot($($name),*),
            #[cfg(target_arch = "aarch64")]
            crate::Isa::NeonI8mm => i8mm($($name),*),
            _ => $function::<crate::simd::portable::Portable>($($name),*),
        }
    }};
}
pub(crate) use dispatch;

/// `$body` with the constant `$result` of type `$constant` of the trait for a run-time `$isa`.
macro_rules! of_isa {
    ($isa:expr, $constant:ident) => {{
        use crate::simd::Kernels;
        match $isa {
            #[cfg(target_arch = "x86_64")]
            crate::Isa::Sse41 => <crate::simd::sse41::Sse41 as Kernels>::$constant,
            #[cfg(target_arch = "x86_64")]
            crate::Isa::Avx2 => <crate::simd::avx2::Avx2<2> as Kernels>::$constant,
            #[cfg(target_arch = "x86_64")]
            crate::Isa::Avx2Narrow => <crate::simd::avx2::Avx2<1> as Kernels>::$constant,
            #[cfg(target_arch = "x86_64")]
            crate::Isa::AvxVnni => <crate::simd::avx_vnni::AvxVnni as Kernels>::$constant,
            #[cfg(target_arch = "x86_64")]
            crate::Isa::Avx512Vnni => <crate::simd::vnni::Vnni<2> as Kernels>::$constant,
            #[cfg(target_arch = "x86_64")]
            crate::Isa::Avx512VnniNarrow => <crate::simd::vnni::Vnni<1> as Kernels>::$constant,
            #[cfg(target_arch = "aarch64")]
            crate::Isa::Neon => <crate::simd::neon::Neon as Kernels>::$constant,
            #[cfg(target_arch = "arm")]
            crate::Isa::Neon => <crate::simd::neon32::Neon32 as Kernels>::$constant,
            #[cfg(target_arch = "aarch64")]
            crate::Isa::NeonDot => <crate::simd::dot::Dot as Kernels>::$constant,
            #[cfg(target_arch = "aarch64")]
            crate::Isa::NeonI8mm => <crate::simd::i8mm::I8mm as Kernels>::$constant,
            _ => <crate::simd::portable::Portable as Kernels>::$constant,
        }
    }};
}
pub(crate) use of_isa;
