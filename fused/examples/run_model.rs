//! Runs a model as the daemon does, so many times: the instructions of one run are the difference of two counts.
//!
//! `cargo run --release -p facelatch-fused --example run_model -- FILE HEIGHT WIDTH RUNS`
#![allow(missing_docs)]

use facelatch_fused::{Isa, pixels, read};
use tract_onnx::prelude::*;

fn main() -> TractResult<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, height, width, runs] = arguments.as_slice() else {
        return Err(TractError::msg("wanted: FILE HEIGHT WIDTH RUNS"));
    };
    let shape = [1, 3, height.parse()?, width.parse()?];
    let isa =
        std::env::var("FACELATCH_ISA").map_or(Isa::detect(), |name| name.parse().expect("a known name"));
    let fused = read(&std::fs::read(file)?, shape, isa)?;
    let takes_pixels = fused.takes_pixels();
    let model = fused.model.into_optimized()?.into_runnable()?;
    let values: Vec<f32> = (0..shape.iter().product()).map(|i: usize| (i * 7919 % 256) as f32).collect();
    let input = if takes_pixels { pixels(&values, shape)? } else { Tensor::from_shape(&shape, &values)? };
    let input = input.into_tvalue();
    for _ in 0..runs.parse()? {
        model.run(tvec!(input.clone()))?;
    }
    Ok(())
}
