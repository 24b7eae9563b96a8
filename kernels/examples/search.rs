//! What a search costs in the kernels, `search PART N`: run twice under `benches/count`, the difference is that of the part.
//!
//! `quick`: squared distances of three frames to N thousand templates. `one`: the formula for N templates, each rotated by 64
//! rotations and compared with three frames.

use facelatch_kernels::{Isa, Rotations, Scan, Squares};

const LENGTH: usize = 128;
const ROTATIONS: usize = 64;
const FRAMES: usize = 3;

fn main() {
    let mut words = std::env::args().skip(1);
    let (part, times) =
        (words.next().unwrap_or_default(), words.next().and_then(|n| n.parse().ok()).unwrap_or(1));
    match part.as_str() {
        "quick" => quick(times),
        _ => one(times),
    }
}

fn wave(count: usize, step: f32) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * step).sin()).collect()
}

fn quick(thousands: usize) {
    let Ok(squares) = Squares::new(Isa::detect(), LENGTH) else { return };
    let (probes, templates) = (wave(FRAMES * LENGTH, 0.1), wave(1000 * LENGTH, 0.2));
    let mut out = vec![0.0; 1000 * FRAMES];
    for _ in 0..thousands {
        squares.run(std::hint::black_box(&probes), &templates, &mut out);
    }
    std::hint::black_box(out);
}

fn one(templates: usize) {
    let rows = LENGTH * ROTATIONS;
    let signs = (0..2 * rows).map(|i| if i * 7919 % 31 < 15 { -1.0 } else { 1.0 }).collect();
    let Ok(rotations) = Rotations::new(Isa::detect(), LENGTH, signs) else { return };
    let Ok(scan) = Scan::new(Isa::detect(), &vec![-0.5; rows]) else { return };
    let (template, frames, mut h) = (wave(LENGTH, 0.2), wave(FRAMES * rows, 0.1), vec![0.0; rows]);
    let mut sum = 0.0;
    for _ in 0..templates {
        rotations.apply(std::hint::black_box(&template), &mut h);
        sum += frames.chunks_exact(rows).map(|frame| scan.distance(frame, &h)).sum::<f32>();
    }
    std::hint::black_box(sum);
}
