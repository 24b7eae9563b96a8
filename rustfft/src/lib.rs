//! tract links `rustfft` for networks that hear; ours see. Its planners for every length and processor are more than a
//! megabyte of each program that could never run, so this crate stands in its place (`[patch]` in the root's
//! Cargo.toml): the part of its interface that tract calls, by the definition of the transform. Right for any network,
//! and slow: `n * n` multiplications for `n` values.
//!
//! As there, neither direction divides by `n`.
#![forbid(unsafe_code)]

use std::fmt::Debug;
use std::sync::Arc;

pub use {num_complex, num_traits};

use num_complex::Complex;
use num_traits::{FromPrimitive, Num, Signed};

/// A number that can be transformed.
pub trait FftNum: Copy + FromPrimitive + Num + Signed + Sync + Send + Debug + 'static {}

impl<T: Copy + FromPrimitive + Num + Signed + Sync + Send + Debug + 'static> FftNum for T {}

/// Sign of the exponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FftDirection {
    /// `X_k = sum_j x_j exp(-2 pi i j k / n)`
    Forward,
    /// `x_j = sum_k X_k exp(2 pi i j k / n)`
    Inverse,
}

/// Makes transforms. There is nothing to plan.
#[derive(Debug, Default)]
pub struct FftPlanner;

impl FftPlanner {
    /// A planner.
    pub fn new() -> Self {
        Self
    }

    /// The transform of `length` values.
    pub fn plan_fft<T: FftNum>(&mut self, length: usize, direction: FftDirection) -> Arc<Fft<T>> {
        let sign = match direction {
            FftDirection::Forward => -1.0,
            FftDirection::Inverse => 1.0,
        };
        let root = |k: usize| {
            let angle = sign * std::f64::consts::TAU * k as f64 / length as f64;
            let part = |value| T::from_f64(value).unwrap_or_else(T::zero);
            Complex::new(part(angle.cos()), part(angle.sin()))
        };
        Arc::new(Fft { roots: (0..length).map(root).collect() })
    }

    /// The same, forward.
    pub fn plan_fft_forward<T: FftNum>(&mut self, length: usize) -> Arc<Fft<T>> {
        self.plan_fft(length, FftDirection::Forward)
    }
}

/// A transform of one length.
#[derive(Debug)]
pub struct Fft<T> {
    /// `exp(+-2 pi i k / n)` for each k.
    roots: Vec<Complex<T>>,
}

impl<T: FftNum> Fft<T> {
    /// Transforms each run of `n` values in its place.
    ///
    /// # Panics
    /// When the buffer does not hold a whole number of runs, as the original does.
    pub fn process(&self, buffer: &mut [Complex<T>]) {
        let n = self.roots.len();
        if n == 0 {
            return;
        }
        assert!(buffer.len().is_multiple_of(n), "{} values are no multiple of {n}", buffer.len());
        for run in buffer.chunks_exact_mut(n) {
            let values = run.to_vec();
            for (k, out) in run.iter_mut().enumerate() {
                let terms = values.iter().enumerate().map(|(j, value)| value * self.roots[j * k % n]);
                *out = terms.fold(Complex::new(T::zero(), T::zero()), |sum, term| sum + term);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: &[Complex<f64>], want: &[(f64, f64)]) -> bool {
        got.len() == want.len()
            && got.iter().zip(want).all(|(g, w)| (g.re - w.0).abs() < 1e-9 && (g.im - w.1).abs() < 1e-9)
    }

    fn complex(values: &[(f64, f64)]) -> Vec<Complex<f64>> {
        values.iter().map(|(re, im)| Complex::new(*re, *im)).collect()
    }

    #[test]
    fn known_values_of_length_four_and_two_runs_at_once() {
        let mut values = complex(&[
            (1.0, 0.0),
            (2.0, 0.0),
            (3.0, 0.0),
            (4.0, 0.0),
            (0.0, 0.0),
            (1.0, 0.0),
            (0.0, 0.0),
            (0.0, 0.0),
        ]);
        FftPlanner::new().plan_fft_forward(4).process(&mut values);
        assert!(near(&values[..4], &[(10.0, 0.0), (-2.0, 2.0), (-2.0, 0.0), (-2.0, -2.0)]), "{values:?}");
        assert!(near(&values[4..], &[(1.0, 0.0), (0.0, -1.0), (-1.0, 0.0), (0.0, 1.0)]), "{values:?}");
    }

    #[test]
    fn there_and_back_is_n_times_the_same_for_any_length() {
        for n in [1, 2, 3, 7, 12, 31] {
            let start: Vec<(f64, f64)> = (0..n).map(|i| (f64::from(i * i % 5), f64::from(i) - 2.0)).collect();
            let mut values = complex(&start);
            FftPlanner::new().plan_fft(n as usize, FftDirection::Forward).process(&mut values);
            FftPlanner::new().plan_fft(n as usize, FftDirection::Inverse).process(&mut values);
            let want: Vec<(f64, f64)> =
                start.iter().map(|(re, im)| (re * f64::from(n), im * f64::from(n))).collect();
            assert!(near(&values, &want), "{n}: {values:?}");
        }
    }

    #[test]
    #[should_panic(expected = "no multiple of 4")]
    fn half_a_run_is_refused() {
        FftPlanner::new().plan_fft_forward(4).process(&mut complex(&[(1.0, 0.0); 6]));
    }
}
