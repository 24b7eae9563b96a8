//! What does not run on the int8 kernels, in words for the owner.

use std::collections::BTreeMap;

use facelatch_fused::Fused;

/// Operators of ONNX that multiply matrices: left to tract they take most of the time, all others little of it.
const COSTLY: &[&str] = &[
    "Conv",
    "ConvInteger",
    "ConvTranspose",
    "Einsum",
    "GRU",
    "Gemm",
    "LSTM",
    "MatMul",
    "MatMulInteger",
    "QLinearConv",
    "QLinearMatMul",
    "RNN",
];

/// A sentence on the network `name` if it is slower than it could be.
pub(super) fn notes(name: &str, fused: &Fused) -> Vec<String> {
    if fused.layers == 0 {
        return vec![format!("model {name} is not quantised: it runs in tract as it is")];
    }
    let left = fused.left_over.iter().map(|line| line.split_once(' ').unwrap_or((line, "")));
    let costly: Vec<_> = left.filter(|(kind, _)| COSTLY.contains(kind)).collect();
    let Some((kind, output)) = costly.first() else { return Vec::new() };
    let mut counts = BTreeMap::new();
    for (kind, _) in &costly {
        *counts.entry(kind).or_insert(0_usize) += 1;
    }
    let counted: Vec<String> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    vec![format!(
        "model {name}: {} run in tract, several times slower than on the int8 kernels (first: {kind} {output})",
        counted.join(", ")
    )]
}
