//! Compares two h of 8,192 values N times (default 100): run twice under `benches/count`, the difference is what that costs.

use facelatch_kernels::{Isa, Scan};

/// 64 rotations of 128 coordinates.
const LENGTH: usize = 8192;

fn main() {
    let times: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100);
    let Ok(scan) = Scan::new(Isa::detect(), &vec![-0.5; LENGTH]) else { return };
    let wave = |step: f32| (0..LENGTH).map(|i| (i as f32 * step).sin()).collect::<Vec<f32>>();
    let (a, b) = (wave(0.1), wave(0.2));
    let sum: f32 = (0..times).map(|_| scan.distance(std::hint::black_box(&a), &b)).sum();
    std::hint::black_box(sum);
}
