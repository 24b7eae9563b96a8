//! Times a scan of 100,000 templates against a plain read of the same bytes, interleaved in one run.
//!
//! `cargo bench -p facelatch-kernels --bench scan` prints the minimum of 30 rounds, in ms.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::hint::black_box;
use std::time::Instant;

use facelatch_kernels::{ByteScan, Isa, Scan, Squares};

const LENGTH: usize = 128;

/// Of a decision.
const FRAMES: usize = 3;

fn main() {
    let benchmarked = std::env::args().any(|a| a == "--bench");
    let (count, rounds) = if benchmarked { (100_000, 30) } else { (100, 1) };
    let bytes: Vec<u8> = (0..count * LENGTH).map(|i| ((i * 7919) >> 3) as u8).collect();
    let floats: Vec<f32> = bytes.iter().map(|b| f32::from(*b) / 256.0).collect();
    let weights: Vec<f32> = (0..LENGTH).map(|j| -1.0 - j as f32 / 100.0).collect();
    let isa = Isa::detect();
    let (scan, byte_scan) =
        (Scan::new(isa, &weights).expect("scan"), ByteScan::new(isa, &weights, 1.0 / 256.0).expect("scan"));
    let mut out = vec![0.0; count];
    let squares = Squares::new(isa, LENGTH).expect("squares");
    let mut three = vec![0.0; FRAMES * count];
    let mut best = [f64::MAX; 5];
    for _ in 0..rounds {
        best[0] = best[0].min(time(|| read(as_words(&floats))));
        best[1] = best[1].min(time(|| scan.run(&floats[..LENGTH], &floats, &mut out)));
        best[2] = best[2].min(time(|| read(bytes.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)))));
        best[3] = best[3].min(time(|| byte_scan.run(&bytes[..LENGTH], &bytes, &mut out)));
        best[4] = best[4].min(time(|| squares.run(&floats[..FRAMES * LENGTH], &floats, &mut three)));
    }
    let [f_read, f_scan, b_read, b_scan, f_squares] = best;
    println!("{isa}, {count} templates of {LENGTH}");
    println!("f32:  read {f_read:.3} ms, scan {f_scan:.3} ms, ratio {:.2}", f_scan / f_read);
    println!("f32, squared distances to three frames: {f_squares:.3} ms, ratio {:.2}", f_squares / f_read);
    println!("byte: read {b_read:.3} ms, scan {b_scan:.3} ms, ratio {:.2}", b_scan / b_read);
}

fn as_words(floats: &[f32]) -> impl Iterator<Item = u64> {
    floats.as_chunks::<2>().0.iter().map(|[a, b]| u64::from(a.to_bits()) | u64::from(b.to_bits()) << 32)
}

/// A read the compiler cannot optimise away: the xor of all words, in vectors.
fn read(words: impl Iterator<Item = u64>) {
    black_box(words.fold(0, |sum, word| sum ^ word));
}

fn time(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64() * 1e3
}
