//! After the first, an inference allocates no memory of its own.
#![allow(missing_docs)]

use std::path::Path;

use facelatch_fused::{Isa, read};
use tract_onnx::prelude::*;

/// Allocations and bytes of one run, the third.
fn third_run(name: &str) -> (u64, u64) {
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(name))
        .expect("shipped model");
    let model = read(&bytes, [1, 3, 112, 112], Isa::detect()).expect("shipped model").model;
    let plan = model.into_optimized().and_then(|m| m.into_runnable()).expect("shipped model");
    let picture = Tensor::zero::<f32>(&[1, 3, 112, 112]).expect("small").into_tvalue();
    let run = || plan.run(tvec!(picture.clone())).expect("runs");
    run();
    run();
    let seen = allocation_counter::measure(|| drop(run()));
    (seen.count_total, seen.bytes_total)
}

#[test]
fn only_the_embedding_and_tracts_own_bookkeeping_are_allocated() {
    for name in ["sface.onnx", "mobilefacenet.onnx"] {
        let (count, bytes) = third_run(name);
        // Activations of one layer alone are 100 kB and more.
        assert!(count <= 8 && bytes <= 2048, "{name}: {count} allocations, {bytes} bytes");
    }
}
