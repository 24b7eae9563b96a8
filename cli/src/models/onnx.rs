//! Layers to the bytes of an ONNX file, with floats or quantised.
//!
//! Quantised means what `models/build/README.md` says of the files that ship: activations of one byte with one scale a tensor,
//! weights of one byte with one scale an output, biases and slopes as floats, one rounding a layer.

use super::network::{Layer, SIDE_PX};
use super::protobuf::Message;

/// Name of the input.
const INPUT: &str = "data";

/// Types of numbers, as ONNX counts them.
const FLOAT: u64 = 1;
const U8: u64 = 2;
const S8: u64 = 3;

/// The output of a layer as bytes: `value = scale * (byte - zero)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub(super) scale: f32,
    pub(super) zero: u8,
}

/// A pixel is its own byte.
const PIXELS: Scale = Scale { scale: 1.0, zero: 0 };

/// The file. With `scales`, one for each layer but the last, it is quantised.
pub(super) fn write(layers: &[Layer], scales: Option<&[Scale]>) -> Vec<u8> {
    let mut graph = Graph { message: Message::default(), quantised: scales.is_some() };
    if scales.is_some() {
        graph.quantise(INPUT, PIXELS);
    }
    for (index, layer) in layers.iter().enumerate() {
        let input = layer.input.map_or(INPUT, |input| layers[input].name.as_str());
        if index + 1 == layers.len() {
            graph.matrix(layer, input);
        } else {
            graph.convolution(layer, input, layer.added.map(|added| layers[added].name.as_str()));
            if let Some(scale) = scales.and_then(|scales| scales.get(index)) {
                graph.quantise(&layer.name, *scale);
            }
        }
    }
    let last = layers.last();
    let (name, outputs) = last.map_or((INPUT, 0), |layer| (layer.name.as_str(), layer.shape[0]));
    graph.message.text(2, "minifasnetv2");
    graph.message.message(11, &tensor_info(INPUT, &[1, 3, SIDE_PX, SIDE_PX]));
    graph.message.message(12, &tensor_info(name, &[1, outputs]));
    let mut operators = Message::default();
    operators.text(1, "").number(2, 13);
    let mut model = Message::default();
    model.number(1, 8).text(2, "facelatch").message(7, &graph.message).message(8, &operators);
    model.bytes
}

struct Graph {
    message: Message,
    quantised: bool,
}

impl Graph {
    /// The floats of an output, as the next layer reads them.
    fn read(&self, name: &str) -> String {
        if self.quantised { format!("{name}.q") } else { name.to_owned() }
    }

    /// NAME to NAME.u8, and back to NAME.q.
    fn quantise(&mut self, name: &str, Scale { scale, zero }: Scale) {
        let [by, at, bytes] = [".scale", ".zero", ".u8"].map(|end| format!("{name}{end}"));
        self.constant(&by, FLOAT, &[], &scale.to_le_bytes());
        self.constant(&at, U8, &[], &[zero]);
        self.node("QuantizeLinear", &[name, &by, &at], &bytes, &[]);
        self.node("DequantizeLinear", &[&bytes, &by, &at], &format!("{name}.q"), &[]);
    }

    fn convolution(&mut self, layer: &Layer, input: &str, added: Option<&str>) {
        let name = &layer.name;
        let (weights, bias) = self.weights(layer, &layer.shape);
        let sum = format!("{name}.sum");
        let attributes = [
            integers("kernel_shape", &layer.shape[2..]),
            integers("strides", &[layer.stride; 2]),
            integers("pads", &[layer.pad; 4]),
            integer("group", layer.groups),
        ];
        let plain = layer.slopes.is_empty() && added.is_none();
        let made = if plain { name } else { &sum };
        self.node("Conv", &[&self.read(input), &weights, &bias], made, &attributes);
        if let Some(added) = added {
            self.node("Add", &[&self.read(added), &sum], name, &[]);
        } else if !plain {
            let slopes = format!("{name}.slopes");
            self.constant(&slopes, FLOAT, &[layer.slopes.len(), 1, 1], &floats(layer.slopes.iter().copied()));
            self.node("PRelu", &[&sum, &slopes], name, &[]);
        }
    }

    fn matrix(&mut self, layer: &Layer, input: &str) {
        let shape = [layer.shape[0], layer.shape[1..].iter().product()];
        let (weights, bias) = self.weights(layer, &shape);
        let row = format!("{}.row", layer.name);
        if self.quantised {
            // The kernels want the bytes flattened.
            let [bytes, scale, zero] = [".u8", ".scale", ".zero"].map(|end| format!("{input}{end}"));
            self.node("Flatten", &[&bytes], &format!("{row}.u8"), &[]);
            self.node("DequantizeLinear", &[&format!("{row}.u8"), &scale, &zero], &self.read(&row), &[]);
        } else {
            self.node("Flatten", &[input], &row, &[]);
        }
        self.node("Gemm", &[&self.read(&row), &weights, &bias], &layer.name, &[integer("transB", 1)]);
    }

    /// Names of weights and bias, which are added to the graph.
    fn weights(&mut self, layer: &Layer, shape: &[usize]) -> (String, String) {
        let [weights, bias] = [".weights", ".bias"].map(|end| format!("{}{end}", layer.name));
        self.constant(&bias, FLOAT, &layer.shape[..1], &floats(layer.bias.iter().map(|bias| *bias as f32)));
        if !self.quantised {
            self.constant(&weights, FLOAT, shape, &floats(layer.weights.iter().map(|weight| *weight as f32)));
            return (weights, bias);
        }
        let (mut bytes, mut scales) = (Vec::with_capacity(layer.weights.len()), Vec::new());
        for row in layer.weights.chunks_exact((layer.weights.len() / layer.shape[0].max(1)).max(1)) {
            let largest = row.iter().fold(0.0_f64, |largest, weight| largest.max(weight.abs()));
            let scale = if largest > 0.0 { (largest / 127.0) as f32 } else { 1.0 };
            let whole = |weight: &f64| (weight / f64::from(scale)).round().clamp(-127.0, 127.0) as i8;
            bytes.extend(row.iter().map(whole).flat_map(i8::to_le_bytes));
            scales.push(scale);
        }
        let [stored, by] = [".s8", ".scales"].map(|end| format!("{weights}{end}"));
        self.constant(&stored, S8, shape, &bytes);
        self.constant(&by, FLOAT, &layer.shape[..1], &floats(scales.into_iter()));
        self.node("DequantizeLinear", &[&stored, &by], &weights, &[integer("axis", 0)]);
        (weights, bias)
    }

    fn constant(&mut self, name: &str, kind: u64, shape: &[usize], bytes: &[u8]) {
        let mut tensor = Message::default();
        for side in shape {
            tensor.number(1, *side as u64);
        }
        tensor.number(2, kind).text(8, name).field(9, bytes);
        self.message.message(5, &tensor);
    }

    fn node(&mut self, operator: &str, inputs: &[&str], output: &str, attributes: &[Message]) {
        let mut node = Message::default();
        for input in inputs {
            node.text(1, input);
        }
        node.text(2, output).text(3, output).text(4, operator);
        for attribute in attributes {
            node.message(5, attribute);
        }
        self.message.message(1, &node);
    }
}

fn floats(values: impl Iterator<Item = f32>) -> Vec<u8> {
    values.flat_map(f32::to_le_bytes).collect()
}

fn integer(name: &str, value: usize) -> Message {
    let mut attribute = Message::default();
    attribute.text(1, name).number(3, value as u64).number(20, 2);
    attribute
}

fn integers(name: &str, values: &[usize]) -> Message {
    let mut attribute = Message::default();
    attribute.text(1, name);
    for value in values {
        attribute.number(8, *value as u64);
    }
    attribute.number(20, 7);
    attribute
}

fn tensor_info(name: &str, shape: &[usize]) -> Message {
    let (mut sides, mut tensor) = (Message::default(), Message::default());
    for side in shape {
        let mut length = Message::default();
        length.number(1, *side as u64);
        sides.message(1, &length);
    }
    tensor.number(1, FLOAT).message(2, &sides);
    let (mut kind, mut info) = (Message::default(), Message::default());
    kind.message(1, &tensor);
    info.text(1, name).message(2, &kind);
    info
}
