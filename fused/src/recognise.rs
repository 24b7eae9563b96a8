//! Recognises layers in ONNX nodes; in: a graph, out: a program for its quantised part.
//!
//! Walks forward from the input. A tensor is *known* if the program produces it. A node joins the program if all its
//! inputs are known or constant and it matches a pattern of `layers.rs`; otherwise it, and what depends on it alone,
//! stays with tract. An unknown operator in the middle costs speed, never correctness.

use std::collections::HashMap;

use facelatch_kernels::{Isa, PIXEL, Quantise};
use tract_onnx::pb::{GraphProto, NodeProto};

use crate::graph::{Graph, live, reads, whole_number, whole_numbers};
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
    pub(crate) form: Form,
}

/// What ONNX takes a tensor for that is pixels by channels in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// [1, channels, height, width].
    Planes,
    /// [1, height, width, channels], after a Transpose.
    Pixels,
    /// [1, height * width, channels], after a Reshape of that.
    Cells,
    /// [1, height * width * channels], after a Flatten.
    Row,
}

impl Known {
    /// What ONNX takes it for.
    fn shape(&self) -> Vec<usize> {
        let [height, width, channels] = self.size;
        match self.form {
            Form::Planes => vec![1, channels, height, width],
            Form::Pixels => vec![1, height, width, channels],
            Form::Cells => vec![1, height * width, channels],
            Form::Row => vec![1, height * width * channels],
        }
    }
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
            Value::Bytes(_) => k.form == Form::Planes,
            Value::Floats(_) => true,
        })
    };
    let (nodes, outputs) = live(graph, made);
    // The input is pixels for the program, and so for nobody else.
    let is_shared = nodes.iter().any(|&node| reads(&graph.node[node]).contains(&input))
        || graph.output.iter().any(|output| output.name == input);
    if is_shared {
        let program = Program::new(isa, input_shape);
        return Found { program, input: input.to_owned(), outputs: Vec::new() };
    }
    for name in &outputs {
        let known = &known[name.as_str()];
        let is_planes = known.form == Form::Planes;
        program.outputs.push(Output { value: known.id, shape: known.shape(), is_planes });
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
            "Transpose" => self.transpose(node)?,
            "Reshape" => self.reshape(node)?,
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
        Some(Known { id, size, form: Form::Planes })
    }

    pub(crate) fn known(&self, name: &str) -> Option<&Known> {
        self.known.get(name)
    }

    /// `name` as the output of a DequantizeLinear of a known tensor.
    pub(crate) fn read(&self, name: &str) -> Option<Read> {
        let node = self.graph.made_by(name, "DequantizeLinear")?;
        let [x, scale, zero] = node.input.as_slice() else { return None };
        let known = self.known(x).filter(|known| self.is_bytes(known) || self.is_image(known))?.clone();
        Some(Read { known, scale: self.graph.float(scale)?, zero: self.graph.byte(zero)? })
    }

    pub(crate) fn is_image(&self, known: &Known) -> bool {
        self.program.values[known.id] == Value::Image
    }

    pub(crate) fn is_bytes(&self, known: &Known) -> bool {
        matches!(self.program.values[known.id], Value::Bytes(_))
    }

    fn quantise(&mut self, node: &NodeProto) -> Option<Known> {
        let [_, scale, zero] = node.input.as_slice() else { return None };
        let quantise = Quantise::new(self.isa, self.graph.float(scale)?, self.graph.byte(zero)?).ok()?;
        let [_, channels, height, width] = self.program.input_shape;
        // There is one image, with one scale.
        if self.program.quantise.is_some() || !(1..=PIXEL).contains(&channels) {
            return None;
        }
        self.program.quantise = Some(quantise);
        let id = self.program.value(Value::Image);
        Some(Known { id, size: [height, width, channels], form: Form::Planes })
    }

    fn flatten(&mut self, node: &NodeProto) -> Option<Known> {
        let known = self.known(node.input.first()?)?;
        let is_whole = known.form == Form::Planes && whole_number(node, "axis").unwrap_or(1) == 1;
        (is_whole && self.is_bytes(known)).then(|| Known { form: Form::Row, ..known.clone() })
    }

    /// Of an f32 result, which no layer reads.
    fn transpose(&self, node: &NodeProto) -> Option<Known> {
        let known = self.floats(node, Form::Planes)?;
        (whole_numbers(node, "perm")? == [0, 2, 3, 1]).then(|| Known { form: Form::Pixels, ..known.clone() })
    }

    fn reshape(&self, node: &NodeProto) -> Option<Known> {
        let known = self.floats(node, Form::Pixels)?;
        let cells = Known { form: Form::Cells, ..known.clone() };
        let wanted = self.graph.integers(node.input.get(1)?)?;
        let shape = cells.shape();
        // -1 is whatever is left.
        let fits = |(i, length): (usize, &i64)| {
            usize::try_from(*length) == Ok(shape[i]) || (i == 1 && *length == -1)
        };
        (wanted.len() == shape.len() && wanted.iter().enumerate().all(fits)).then_some(cells)
    }

    /// The input of `node`, if that is a result in f32 of this form.
    fn floats(&self, node: &NodeProto, form: Form) -> Option<&Known> {
        let known = self.known(node.input.first()?)?;
        (known.form == form && matches!(self.program.values[known.id], Value::Floats(_))).then_some(known)
    }
}
