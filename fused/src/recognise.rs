//! Recognises layers in ONNX nodes; in: a graph, out: a program for its quantised part.
//!
//! Walks forward from the input. A tensor is *known* if the program produces it. A node joins the program if all its
//! inputs are known or constant and it matches a pattern of `layers.rs`; otherwise it, and what depends on it alone,
//! stays with tract. An unknown operator in the middle costs speed, never correctness.

use std::collections::HashMap;

use facelatch_kernels::{Isa, PIXEL, Quantise};
use tract_onnx::pb::{GraphProto, NodeProto};

use crate::graph::{Graph, live};
use crate::layers;
use crate::program::{Id, Layer, Output, Program, Size, Step, Value};

/// A program, and the names of its input and outputs in the graph.
pub(crate) struct Found {
    pub(crate) program: Program,
    pub(crate) input: String,
    pub(crate) outputs: Vec<String>,
}

/// A tensor the program produces.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) id: Id,
    pub(crate) size: Size,
    /// After a Flatten: one row in ONNX, in memory still pixels by channels.
    pub(crate) flat: bool,
}

/// A quantised tensor with the scale and zero point by which a DequantizeLinear reads it.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) known: Known,
    pub(crate) scale: f32,
    pub(crate) zero: u8,
}

/// What the patterns look at and add to.
pub(crate) struct Walk<'a> {
    pub(crate) graph: Graph<'a>,
    pub(crate) isa: Isa,
    pub(crate) program: Program,
    known: HashMap<&'a str, Known>,
    input: &'a str,
}

/// Finds everything the kernels can run.
pub(crate) fn recognise(graph: &GraphProto, input_shape: [usize; 4], isa: Isa) -> Found {
    let constants: Vec<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let mut inputs = graph.input.iter().map(|i| i.name.as_str()).filter(|name| !constants.contains(name));
    let input = inputs.next().unwrap_or("");
    let mut walk = Walk {
        graph: Graph::new(graph),
        isa,
        program: Program::new(isa, input_shape),
        known: HashMap::new(),
        input,
    };
    // None of our networks has a second input.
    if inputs.next().is_none() && input_shape[0] == 1 {
        for node in &graph.node {
            walk.node(node);
        }
    }
    let Walk { mut program, known, .. } = walk;
    // Some are for other layers only: the quantised input, and bytes in a flat order that ONNX does not have.
    let made = |name: &str| {
        known.get(name).is_some_and(|k| match program.values[k.id] {
            Value::Image => false,
            Value::Bytes(_) => !k.flat,
            Value::Floats(_) => true,
        })
    };
    let (_, outputs) = live(graph, made);
    for name in &outputs {
        let Known { id, size: [height, width, channels], flat } = known[name.as_str()].clone();
        let shape = match flat {
            true => vec![1, height * width * channels],
            false => vec![1, channels, height, width],
        };
        program.outputs.push(Output { value: id, shape });
    }
    program.finish();
    Found { program, input: input.to_owned(), outputs }
}

impl<'a> Walk<'a> {
    /// Adds the layer that ends at `node`, if it can. A layer ends at a QuantizeLinear or an f32 result of a quantised
    /// layer; the preceding nodes are found from there.
    fn node(&mut self, node: &'a NodeProto) -> Option<()> {
        let name = node.output.first()?.as_str();
        let known = match node.op_type.as_str() {
            "QuantizeLinear" if node.input.first()? == self.input => self.quantise(node)?,
            "QuantizeLinear" => layers::quantised(self, node)?,
            "MaxPool" => layers::max_pool(self, node)?,
            "Flatten" => self.flatten(node)?,
            "Gemm" => layers::dense(self, node)?,
            "Conv" => layers::float_conv(self, node)?,
            _ => return None,
        };
        self.known.insert(name, known);
        Some(())
    }

    /// The layer's result as a new known tensor.
    pub(crate) fn add(&mut self, layer: Layer, from: Vec<Id>, value: Value) -> Option<Known> {
        let (Value::Bytes(size) | Value::Floats(size)) = value else { return None };
        let id = self.program.value(value);
        self.program.steps.push(Step { layer, from, to: id });
        Some(Known { id, size, flat: false })
    }

    pub(crate) fn known(&self, name: &str) -> Option<&Known> {
        self.known.get(name)
    }

    /// `name` as the output of a DequantizeLinear of a known tensor.
    pub(crate) fn read(&self, name: &str) -> Option<Read> {
        let node = self.graph.made_by(name, "DequantizeLinear")?;
        let [x, scale, zero] = node.input.as_slice() else { return None };
        let known = self.known.get(x.as_str())?.clone();
        Some(Read { known, scale: self.graph.float(scale)?, zero: self.graph.byte(zero)? })
    }

    pub(crate) fn is_image(&self, known: &Known) -> bool {
        self.program.values[known.id] == Value::Image
    }

    fn quantise(&mut self, node: &NodeProto) -> Option<Known> {
        let [_, scale, zero] = node.input.as_slice() else { return None };
        let quantise = Quantise::new(self.isa, self.graph.float(scale)?, self.graph.byte(zero)?).ok()?;
        let [_, channels, height, width] = self.program.input_shape;
        // One image only: a second way of quantising the input stays with tract.
        if self.program.quantise.is_some() || !(1..=PIXEL).contains(&channels) {
            return None;
        }
        self.program.quantise = Some(quantise);
        let id = self.program.value(Value::Image);
        Some(Known { id, size: [height, width, channels], flat: false })
    }

    fn flatten(&mut self, node: &NodeProto) -> Option<Known> {
        let known = self.known(node.input.first()?)?;
        if self.is_image(known) || crate::graph::whole_number(node, "axis").unwrap_or(1) != 1 {
            return None;
        }
        Some(Known { flat: true, ..known.clone() })
    }
}
