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

pub use facelatch_kernels::{Isa, PIXEL};
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;

/// A model for tract to optimise and plan as usual, and a list of what the kernels do not run.
pub struct Fused {
    /// The model, with the inputs and outputs of the file; the first input's shape is set: see [`Fused::takes_pixels`].
    pub model: InferenceModel,
    /// Operators left to tract, such as `Sigmoid 'cls_8'`; empty if everything is fused.
    pub left_over: Vec<String>,
    /// Number of layers the kernels run.
    pub layers: usize,
}

impl Fused {
    /// Whether the input is [1, height, width, [`PIXEL`]] in u8, the channels of each pixel and what is left of it 0, as it is
    /// wherever a layer is fused; else it is planes of f32.
    pub fn takes_pixels(&self) -> bool {
        self.layers > 0
    }
}

/// Reads an ONNX file and fuses what it can, for an input of `input_shape`, [1, channels, height, width], of whole numbers
/// 0..=255.
///
/// A graph with nothing to fuse, or whose input tract would have to read as well, is returned as tract alone would read it.
/// Whoever gives the bytes away needs less memory: they are dropped once they are parsed.
///
/// # Errors
/// When the bytes are not an ONNX model that tract can read.
pub fn read(bytes: impl AsRef<[u8]>, input_shape: [usize; 4], isa: Isa) -> TractResult<Fused> {
    let proto = tract_onnx::onnx().proto_model_for_read(&mut bytes.as_ref())?;
    drop(bytes);
    fuse(proto, input_shape, isa)
}

fn fuse(mut proto: ModelProto, input_shape: [usize; 4], isa: Isa) -> TractResult<Fused> {
    let Some(graph) = proto.graph.as_mut() else {
        return Err(TractError::msg("no graph in the ONNX file"));
    };
    let found = recognise::recognise(graph, input_shape, isa);
    let layers = found.program.layers();
    let left_over = graph::cut(graph, &found);
    if let Some(name) = graph::output_of_nothing(graph) {
        return Err(TractError::msg(format!("nothing in the ONNX file makes its output '{name}'")));
    }
    let fact = if layers > 0 { u8::fact(found.program.pixels()) } else { f32::fact(input_shape) };
    let mut model = tract_onnx::onnx().model_for_proto_model(&proto)?.with_input_fact(0, fact.into())?;
    if layers > 0 {
        op::install(&mut model, found.program)?;
    }
    Ok(Fused { model, left_over, layers })
}

/// Planes of whole numbers 0..=255, `[channels][height][width]`, as the input of a fused model.
///
/// # Errors
/// When `planes` are not those of `shape`, [1, channels, height, width].
pub fn pixels(planes: &[f32], shape: [usize; 4]) -> TractResult<Tensor> {
    let [_, channels, height, width] = shape;
    let plane = height * width;
    if planes.len() != channels * plane || channels > PIXEL {
        return Err(TractError::msg("planes of another shape"));
    }
    let byte = |i: usize| if i % PIXEL < channels { planes[i % PIXEL * plane + i / PIXEL] as u8 } else { 0 };
    Tensor::from_shape(&[1, height, width, PIXEL], &(0..plane * PIXEL).map(byte).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
