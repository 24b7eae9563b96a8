//! Times each layer of SFace, or of the detector at 320x320, on each instruction set, with made-up weights. Without a
//! harness, so that it also runs under callgrind and under emulation, where the clock can count instructions.
//!
//! `cargo bench -p facelatch-kernels --bench layers -- [ISA|all] [ROUNDS] [sface|yunet] [NAME]` prints the minimum of the rounds,
//! in ms (1 round under `cargo test`), of the layers whose names begin with NAME.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::time::Instant;

use facelatch_kernels::{
    Add, Bytes, Dense, Depthwise, Isa, MaxPool, PIXEL, Pointwise, Quantise, Requant, Stem, Term, Window,
    padded,
};

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

/// Slope below zero of SFace's layers.
const PRELU: f32 = 0.3;
/// No activation; the detector's layers have that or ReLU, and one factor does for either (`post.rs`).
const NONE: f32 = 1.0;

type Run = Box<dyn FnMut()>;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let isas = match arguments.first() {
        Some(name) if name != "all" => vec![name.parse().expect("an instruction set of this CPU")],
        _ => Isa::all_available(),
    };
    let network = match arguments.get(2).map(String::as_str) {
        None | Some("sface") => sface,
        Some("yunet") => yunet,
        Some(other) => panic!("unknown network '{other}'"),
    };
    let benchmarked = std::env::args().any(|a| a == "--bench");
    let rounds = arguments.get(1).map_or(if benchmarked { 30 } else { 1 }, |n| n.parse().expect("a number"));
    let mut networks: Vec<(Isa, Vec<(String, Run)>)> = isas.iter().map(|isa| (*isa, network(*isa))).collect();
    let wanted = arguments.get(3).map_or("", String::as_str);
    networks.iter_mut().for_each(|(_, layers)| layers.retain(|(name, _)| name.starts_with(wanted)));
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
fn sface(isa: Isa) -> Vec<(String, Run)> {
    let mut runs: Vec<(String, Run)> = Vec::new();
    stem((&mut runs, isa, PRELU), (112, 1), 32);
    let mut before = 32;
    for (side, channels, stride) in LAYERS {
        depthwise((&mut runs, isa, PRELU), (side * stride, stride), before);
        pointwise((&mut runs, isa, PRELU), side, (before, channels));
        before = channels;
    }
    dense(&mut runs, isa, 1, (50_176, 128));
    runs
}

/// The layers of the detector at 320x320, each with its own buffers.
fn yunet(isa: Isa) -> Vec<(String, Run)> {
    let mut runs: Vec<(String, Run)> = Vec::new();
    stem((&mut runs, isa, NONE), (320, 2), 16);
    for (side, channels, outputs, units) in [
        (160, 16, 16, 1),
        (80, 16, 16, 1),
        (80, 16, 32, 1),
        (80, 32, 32, 1),
        (80, 32, 64, 1),
        (40, 64, 64, 3),
        (20, 64, 64, 3),
        (10, 64, 64, 3),
    ] {
        for _ in 0..units {
            pointwise((&mut runs, isa, NONE), side, (channels, outputs));
            depthwise((&mut runs, isa, NONE), (side, 1), outputs);
        }
    }
    for (side, channels) in [(160, 16), (80, 64), (40, 64), (20, 64)] {
        let pool = MaxPool::new(isa, side, side, channels).expect("pool");
        let (x, mut out) = (noise(side * side * channels), noise(side * side / 4 * channels));
        let name = format!("pool {side}x{side}x{channels}");
        runs.push((name, Box::new(move || pool.run(&x, &mut out))));
    }
    for side in [40, 20] {
        let terms = [Term { zero: 3, factor: 0.7 }, Term { zero: 5, factor: 0.4 }];
        let add = Add::new(isa, [side, side, 64], 2, terms, 9).expect("sum");
        let (a, b, mut out) = (noise(side * side * 64), noise(side * side * 16), noise(side * side * 64));
        runs.push((format!("add {side}x{side}x64"), Box::new(move || add.run(&a, &b, &mut out))));
    }
    for side in [40, 20, 10] {
        for outputs in [1, 4, 1, 10] {
            pointwise((&mut runs, isa, NONE), side, (64, outputs));
            depthwise((&mut runs, isa, NONE), (side, 1), outputs);
        }
    }
    runs
}

fn window(side: usize, stride: usize) -> Window {
    Window { height: side, width: side, stride, pad: [1; 4] }
}

/// The quantised input and the first layer: `side` and stride of the picture.
fn stem(
    (runs, isa, slope): (&mut Vec<(String, Run)>, Isa, f32),
    (side, stride): (usize, usize),
    outputs: usize,
) {
    let make = |q: &Requant<'_>| Stem::new(isa, window(side, stride), 3, &weights(outputs * 27), q);
    let stem = with_requant(outputs, slope, make);
    let (mut image, seen) = (stem.image(), vec![100; side * side * PIXEL]);
    let quantise = Quantise::new(isa, 1.0, 0).expect("quantise");
    let name = format!("quantise {side}x{side}x3");
    runs.push((name, Box::new(move || quantise.run(&seen, &mut image))));
    let (rows, columns) = window(side, stride).output();
    let (image, mut patches, mut out) =
        (stem.image(), stem.scratch(), noise(rows * columns * padded(outputs)));
    let name = format!("stem {side}x{side}x3 to {outputs} by {stride}");
    runs.push((name, Box::new(move || stem.run(&image, &mut patches, &mut out))));
}

fn depthwise(
    (runs, isa, slope): (&mut Vec<(String, Run)>, Isa, f32),
    (side, stride): (usize, usize),
    channels: usize,
) {
    let make = |q: &Requant<'_>| Depthwise::new(isa, window(side, stride), &weights(channels * 9), q);
    let layer = with_requant(channels, slope, make);
    let (n, out) = (padded(channels), side / stride);
    let (x, mut out) = (noise(side * side * n), noise(out * out * n));
    let name = format!("depthwise {side}x{side}x{channels} by {stride}");
    runs.push((name, Box::new(move || layer.run(&x, &mut out))));
}

fn pointwise(
    (runs, isa, slope): (&mut Vec<(String, Run)>, Isa, f32),
    side: usize,
    (inputs, outputs): (usize, usize),
) {
    let make = |q: &Requant<'_>| Pointwise::new(isa, inputs, &weights(inputs * outputs), q);
    let layer = with_requant(outputs, slope, make);
    let (x, mut out) = (noise(side * side * padded(inputs)), noise(side * side * padded(outputs)));
    let name = format!("pointwise {side}x{side}x{inputs} to {outputs}");
    runs.push((name, Box::new(move || layer.run(&x, &[], &mut out))));
}

fn dense(runs: &mut Vec<(String, Run)>, isa: Isa, pixels: usize, (inputs, outputs): (usize, usize)) {
    let (bias, scale) = (vec![0; outputs], vec![1e-4; outputs]);
    let dense = Dense::new(isa, inputs, &weights(inputs * outputs), &bias, &scale, 128).expect("dense");
    let (x, mut sums, mut out) = (noise(pixels * inputs), dense.scratch(), vec![0.0; pixels * outputs]);
    let name = format!("dense {pixels}x{inputs} to {outputs}");
    runs.push((name, Box::new(move || dense.run(&x, &mut sums, &mut out))));
}

fn with_requant<T, E: std::fmt::Debug>(
    channels: usize,
    slope: f32,
    make: impl FnOnce(&Requant<'_>) -> Result<T, E>,
) -> T {
    let (bias, pos, neg) = (vec![100; channels], vec![3e-4; channels], vec![3e-4 * slope; channels]);
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
