//! Vectors of f32, for what is added in a stated order: on all instruction sets to the same bits.

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::*;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A register of floats. Left to the compiler, arrays of them became single ones.
///
/// # Safety
/// As for [`super::Simd`]; pointers must be good for `LANES` values.
pub(crate) trait Floats: Copy {
    /// How many it holds; divides 16.
    const LANES: usize;

    /// The same value in each lane.
    unsafe fn all(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
}

/// Plain Rust: one float.
impl Floats for f32 {
    const LANES: usize = 1;

    #[inline(always)]
    unsafe fn all(value: f32) -> f32 {
        value
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> f32 {
        // SAFETY: what the caller promises.
        unsafe { *from }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: what the caller promises.
        unsafe { *to = self }
    }

    #[inline(always)]
    unsafe fn add(self, other: f32) -> f32 {
        self + other
    }

    #[inline(always)]
    unsafe fn sub(self, other: f32) -> f32 {
        self - other
    }

    #[inline(always)]
    unsafe fn mul(self, other: f32) -> f32 {
        self * other
    }
}

/// `impl Floats for $register` by these instructions.
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
macro_rules! floats {
    ($register:ty, $lanes:literal, $all:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident) => {
        impl Floats for $register {
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn all(value: f32) -> Self {
                // SAFETY: the CPU has the instruction (trait); so below.
                unsafe { $all(value) }
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: the caller promises as many values.
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: the caller promises room for as many.
                unsafe { $store(to, self) }
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $add(self, other) }
            }

            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $sub(self, other) }
            }

            #[inline(always)]
            unsafe fn mul(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $mul(self, other) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
floats!(__m128, 4, _mm_set1_ps, _mm_loadu_ps, _mm_storeu_ps, _mm_add_ps, _mm_sub_ps, _mm_mul_ps);
#[cfg(target_arch = "x86_64")]
floats!(
    __m256,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps
);
#[cfg(target_arch = "aarch64")]
floats!(float32x4_t, 4, vdupq_n_f32, vld1q_f32, vst1q_f32, vaddq_f32, vsubq_f32, vmulq_f32);
