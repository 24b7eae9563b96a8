//! Times a model, fused and under tract alone, interleaved in one run, and prints the cosine between the two outputs.
//!
//! `cargo run --release -p facelatch-fused --example time_model -- FILE HEIGHT WIDTH [ROUNDS] [INPUT.f32 [OUTPUT.f32]]`
//!
//! The input is planes of whole numbers 0..=255, which ours takes as pixels.
#![allow(clippy::print_stdout, clippy::disallowed_methods, missing_docs)]

use std::time::Instant;

use facelatch_fused::{Isa, pixels, read};
use tract_onnx::prelude::*;

fn main() -> TractResult<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, or: usize| arguments.get(i).map_or(or, |a| a.parse().expect("a number"));
    let bytes = std::fs::read(&arguments[0])?;
    let shape = [1, 3, number(1, 112), number(2, 112)];
    let start = Instant::now();
    let isa =
        std::env::var("FACELATCH_ISA").map_or(Isa::detect(), |name| name.parse().expect("a known name"));
    let fused = read(&bytes, shape, isa)?;
    let (layers, left, takes_pixels) = (fused.layers, fused.left_over.len(), fused.takes_pixels());
    let ours = fused.model.into_optimized()?.into_runnable()?;
    println!("{isa}: {layers} layers fused, {left} left to tract, loaded in {:?}", start.elapsed());
    if std::env::var_os("FACELATCH_LEFT").is_some() {
        println!("{}", fused.left_over.join("\n"));
    }
    let alone =
        tract_onnx::onnx().model_for_read(&mut &*bytes)?.with_input_fact(0, f32::fact(shape).into())?;
    let theirs = match number(3, 20) {
        0 => None,
        _ => Some(alone.into_optimized()?.into_runnable()?),
    };
    let input = match arguments.get(4) {
        Some(path) => floats(&std::fs::read(path)?),
        None => (0..shape.iter().product()).map(|i: usize| ((i * 7919 + i / 97 * 31) % 256) as f32).collect(),
    };
    let seen = if takes_pixels { pixels(&input, shape)? } else { Tensor::from_shape(&shape, &input)? };
    let (seen, input) = (seen.into_tvalue(), Tensor::from_shape(&shape, &input)?.into_tvalue());
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..number(3, 20).max(1) {
        for _ in 0..5 {
            a.push(time(&ours, &seen)?);
        }
        if let Some(theirs) = &theirs {
            b.push(time(theirs, &input)?);
        }
    }
    report("fused", &mut a);
    let got = ours.run(tvec!(seen))?;
    if let Some(theirs) = &theirs {
        report("tract alone", &mut b);
        for (x, y) in got.iter().zip(theirs.run(tvec!(input))?.iter()) {
            println!("{:?} cosine {:.6}", x.shape(), cosine(x, y)?);
        }
    }
    if let Some(path) = arguments.get(5) {
        let values =
            got[0].to_plain_array_view::<f32>()?.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
        std::fs::write(path, values)?;
    }
    Ok(())
}

fn time(plan: &Arc<TypedRunnableModel>, input: &TValue) -> TractResult<f64> {
    let start = Instant::now();
    plan.run(tvec!(input.clone()))?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

fn report(name: &str, times: &mut [f64]) {
    times.sort_by(f64::total_cmp);
    println!("{name}: least {:.3} ms, median {:.3} ms", times[0], times[times.len() / 2]);
}

fn cosine(x: &TValue, y: &TValue) -> TractResult<f64> {
    let (x, y) = (x.to_plain_array_view::<f32>()?, y.to_plain_array_view::<f32>()?);
    let dot = |a: &tract_ndarray::ArrayViewD<f32>, b: &tract_ndarray::ArrayViewD<f32>| {
        a.iter().zip(b.iter()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
    };
    Ok(dot(&x, &y) / (dot(&x, &x) * dot(&y, &y)).sqrt())
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}
