//! Quantised networks for tract; in: the bytes of an ONNX file, out: a tract model in which all layers that
//! [`facelatch_kernels`] knows are one operator, and a list of those it does not know.
//!
//! tract 0.23.9 reads QDQ graphs (DequantizeLinear, Conv, PRelu, QuantizeLinear) correctly but converts all weights to
//! floats and computes in f32, slower than a float network. So the graph is rewritten as a protobuf *before* tract
//! builds it, and weights stay bytes. tract then checks shapes, plans, and runs what is left.
//!
//! - `graph`: the protobuf with names resolved.
//! - `recognise`: a walk over the nodes; `conv`: a convolution's numbers; `layers`: patterns to layers.
//! - `bottom`: rows of a black input that need no computing.
//! - `program`: the layers in order, with shared buffers; no allocation after the first picture of each height.
//! - `op`: the tract operator that owns a program.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod bottom;
mod conv;
mod graph;
mod layers;
mod op;
mod program;
mod recognise;

pub use facelatch_kernels::Isa;
use tract_onnx::prelude::*;

/// A model for tract to optimise and plan as usual, and a list of what the kernels do not run.
pub struct Fused {
    /// The model, with the inputs and outputs of the file; the first input's shape is set.
    pub model: InferenceModel,
    /// Operators left to tract, such as `Sigmoid 'cls_8'`; empty if everything is fused.
    pub left_over: Vec<String>,
    /// Number of layers the kernels run.
    pub layers: usize,
}

/// Reads an ONNX file and fuses what it can, for an input of `input_shape` ([1, channels, height, width], f32).
///
/// A graph with nothing to fuse is returned as tract alone would read it. Whoever gives the bytes away needs less memory: they are
/// dropped once they are parsed.
///
/// # Errors
/// When the bytes are not an ONNX model that tract can read.
pub fn read(bytes: impl AsRef<[u8]>, input_shape: [usize; 4], isa: Isa) -> TractResult<Fused> {
    let onnx = tract_onnx::onnx();
    let mut proto = onnx.proto_model_for_read(&mut bytes.as_ref())?;
    drop(bytes);
    let fact = f32::fact(input_shape).into();
    let Some(graph) = proto.graph.as_mut() else {
        return Err(TractError::msg("no graph in the ONNX file"));
    };
    let found = recognise::recognise(graph, input_shape, isa);
    let layers = found.program.layers();
    let left_over = graph::cut(graph, &found);
    let mut model = onnx.model_for_proto_model(&proto)?.with_input_fact(0, fact)?;
    if layers > 0 {
        op::install(&mut model, found.program)?;
    }
    Ok(Fused { model, left_over, layers })
}
