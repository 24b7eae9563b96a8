//! After the first picture of its height, an inference allocates no memory of its own.
#![allow(missing_docs)]

use std::path::Path;

use facelatch_fused::{Isa, pixels, read};
use tract_onnx::prelude::*;

/// Allocations and bytes of one run, the third, on a picture that is black but for its first `rows`.
fn third_run(name: &str, rows: usize) -> (u64, u64) {
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(name))
        .expect("shipped model");
    let model = read(&bytes, [1, 3, 112, 112], Isa::detect()).expect("shipped model").model;
    let plan = model.into_optimized().and_then(|m| m.into_runnable()).expect("shipped model");
    let planes: Vec<f32> =
        (0..3 * 112 * 112).map(|i| if i / 112 % 112 < rows { 99.0 } else { 0.0 }).collect();
    let picture = pixels(&planes, [1, 3, 112, 112]).expect("its shape").into_tvalue();
    let run = || plan.run(tvec!(picture.clone())).expect("runs");
    run();
    run();
    let seen = allocation_counter::measure(|| drop(run()));
    (seen.count_total, seen.bytes_total)
}

#[test]
fn only_the_embedding_and_tracts_own_bookkeeping_are_allocated() {
    for name in ["sface.onnx", "mobilefacenet.onnx"] {
        for rows in [0, 56, 112] {
            let (count, bytes) = third_run(name, rows);
            // Activations of one layer alone are 100 kB and more.
            assert!(count <= 8 && bytes <= 2048, "{name}, {rows} rows: {count} allocations, {bytes} bytes");
        }
    }
}
