//! Times each layer of SFace on each instruction set, with made-up weights. Without a harness, so that it also runs
//! under callgrind and under emulation, where the clock can count instructions.
//!
//! `cargo bench -p facelatch-kernels -- [ISA] [ROUNDS]` prints the minimum of the rounds, in ms (1 round under
//! `cargo test`).
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::time::Instant;

use facelatch_kernels::{Bytes, Dense, Depthwise, Isa, Pointwise, Quantise, Requant, Stem, Window, padded};

/// (side, channels) after each pointwise layer, and the stride of the depthwise layer before it.
const LAYERS: [(usize, usize, usize); 13] = [
    (112, 64, 1),
    (56, 128, 2),
    (56, 128, 1),
    (28, 256, 2),
    (28, 256, 1),
    (14, 512, 2),
    (14, 512, 1),
    (14, 512, 1),
    (14, 512, 1),
    (14, 512, 1),
    (14, 512, 1),
    (7, 1024, 2),
    (7, 1024, 1),
];

type Run = Box<dyn FnMut()>;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let isas = match arguments.first() {
        Some(name) => vec![name.parse().expect("an instruction set of this CPU")],
        None => Isa::all_available(),
    };
    let benchmarked = std::env::args().any(|a| a == "--bench");
    let rounds = arguments.get(1).map_or(if benchmarked { 30 } else { 1 }, |n| n.parse().expect("a number"));
    let mut networks: Vec<(Isa, Vec<(String, Run)>)> = isas.iter().map(|isa| (*isa, network(*isa))).collect();
    let mut best = vec![vec![f64::MAX; networks[0].1.len()]; networks.len()];
    // Interleaved, so that noise affects all alike.
    for _ in 0..rounds {
        for ((_, layers), best) in networks.iter_mut().zip(&mut best) {
            for ((_, run), best) in layers.iter_mut().zip(best) {
                let start = Instant::now();
                run();
                *best = best.min(start.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    println!("{:32}{}", "", isas.iter().map(|isa| format!("{:>14}", isa.name())).collect::<String>());
    for (i, (name, _)) in networks[0].1.iter().enumerate() {
        println!("{name:32}{}", best.iter().map(|b| format!("{:>14.4}", b[i])).collect::<String>());
    }
    println!(
        "{:32}{}",
        "sum",
        best.iter().map(|b| format!("{:>14.4}", b.iter().sum::<f64>())).collect::<String>()
    );
}

/// The layers of SFace, each with its own buffers.
fn network(isa: Isa) -> Vec<(String, Run)> {
    let mut runs: Vec<(String, Run)> = Vec::new();
    let window = |side, stride| Window { height: side, width: side, stride, pad: [1; 4] };
    let stem = with_requant(32, |q| Stem::new(isa, window(112, 1), 3, &weights(32 * 27), q));
    let (mut pixels, planes) = (stem.image(), vec![100.0; 3 * 112 * 112]);
    let quantise = Quantise::new(isa, 1.0, 0).expect("quantise");
    runs.push(("quantise 112x112x3".into(), Box::new(move || quantise.run(&planes, &mut pixels))));
    let (image, mut patches, mut out) = (stem.image(), stem.scratch(), Bytes::zeroed(112 * 112 * 32));
    runs.push(("stem 112x112x3 to 32".into(), Box::new(move || stem.run(&image, &mut patches, &mut out))));
    let mut before = 32;
    for (side, channels, stride) in LAYERS {
        let layer = with_requant(before, |q| {
            Depthwise::new(isa, window(side * stride, stride), &weights(before * 9), q)
        });
        let (x, mut out) = (noise(side * stride * side * stride * before), noise(side * side * before));
        let name = format!("depthwise {0}x{0}x{before} by {stride}", side * stride);
        runs.push((name, Box::new(move || layer.run(&x, &mut out))));
        let layer = with_requant(channels, |q| Pointwise::new(isa, before, &weights(before * channels), q));
        let (x, mut out) = (noise(side * side * before), Bytes::zeroed(side * side * padded(channels)));
        let name = format!("pointwise {side}x{side}x{before} to {channels}");
        runs.push((name, Box::new(move || layer.run(&x, &[], &mut out))));
        before = channels;
    }
    let dense = Dense::new(isa, 50_176, &weights(50_176 * 128), &[0; 128], &[1e-4; 128], 128).expect("dense");
    let (x, mut sums, mut out) = (noise(50_176), dense.scratch(), vec![0.0; 128]);
    runs.push(("dense 50176 to 128".into(), Box::new(move || dense.run(&x, &mut sums, &mut out))));
    runs
}

fn with_requant<T, E: std::fmt::Debug>(
    channels: usize,
    make: impl FnOnce(&Requant<'_>) -> Result<T, E>,
) -> T {
    let (bias, pos, neg) = (vec![100; channels], vec![3e-4; channels], vec![1e-4; channels]);
    make(&Requant { bias: &bias, pos: &pos, neg: &neg, zero_in: 120, zero_out: 117 }).expect("layer")
}

fn weights(n: usize) -> Vec<i8> {
    noise(n).iter().map(|b| (*b as i8).max(-127)).collect()
}

fn noise(n: usize) -> Bytes {
    let (mut bytes, mut state) = (Bytes::zeroed(n), 1_u64);
    for byte in bytes.iter_mut() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *byte = (state >> 56) as u8;
    }
    bytes
}
