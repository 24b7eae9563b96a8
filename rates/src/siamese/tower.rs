//! Extracts one tower of a siamese network as a graph that takes the daemon's kind of picture.

use std::collections::HashSet;

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension::Value as Side};
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use tract_onnx::pb::{TensorShapeProto, TypeProto, type_proto};

/// Weights of red, green and blue in grey: ITU-R BT.601, as in PIL's `L` and OpenCV's grey.
const GREY: [f32; 3] = [0.299, 0.587, 0.114];

/// Name of the input of a tower.
pub const PICTURE: &str = "facelatch.picture";

/// Name of its output.
pub const EMBEDDING: &str = "facelatch.embedding";

/// Range of the pixel values a network takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pixels {
    /// 0..=255.
    Bytes,
    /// 0..=1: x / 255.
    Unit,
    /// -1..=1: x / 127.5 - 1.
    Signed,
}

impl Pixels {
    /// Factor of a byte, and the offset added to the product.
    fn scale_and_shift(self) -> (f32, f32) {
        match self {
            Self::Bytes => (1.0, 0.0),
            Self::Unit => (1.0 / 255.0, 0.0),
            Self::Signed => (1.0 / 127.5, -1.0),
        }
    }
}

/// Position of the colour channels in the shape of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) colours: usize,
    colours_last: bool,
    /// Height and width in pixels.
    pub(super) size_px: (usize, usize),
}

/// The ONNX bytes of what lies between the picture `input` and the value `h`, and the layout of the picture.
/// h has `length` values.
pub(super) fn build(
    model: &ModelProto,
    graph: &GraphProto,
    (input, h): (&ValueInfoProto, &str),
    (length, pixels): (usize, Pixels),
) -> Result<(Vec<u8>, Layout), String> {
    let layout = layout(input)?;
    let own = graph.node.iter().flat_map(|n| n.output.iter().chain([&n.name]));
    let own = own.chain(graph.initializer.iter().map(|t| &t.name)).chain(graph.input.iter().map(|i| &i.name));
    if let Some(taken) = own.into_iter().find(|name| name.starts_with("facelatch.")) {
        return Err(format!(
            "has a value called {taken}; names beginning with facelatch. are reserved for import: rename it"
        ));
    }
    let (nodes, used) = behind(graph, h);
    let (mut prepared, mut constants) = prepare(layout, pixels, &input.name);
    prepared.extend(nodes.into_iter().map(|index| graph.node[index].clone()));
    // A fixed name, whatever the file called h.
    prepared.push(node("Flatten", &[h], EMBEDDING));
    constants.extend(graph.initializer.iter().filter(|t| used.contains(t.name.as_str())).cloned());
    let (height, width) = layout.size_px;
    let tower = GraphProto {
        name: "tower".to_owned(),
        node: prepared,
        initializer: constants,
        input: vec![value(PICTURE, &[1, 3, height, width])],
        output: vec![value(EMBEDDING, &[1, length])],
        ..Default::default()
    };
    let model = ModelProto {
        ir_version: model.ir_version,
        opset_import: model.opset_import.clone(),
        producer_name: "facelatch-rates import".to_owned(),
        graph: Some(tower),
        functions: model.functions.clone(),
        ..Default::default()
    };
    Ok((model.encode_to_vec(), layout))
}

/// [N, colours, height, width] or [N, height, width, colours], with one or three colours.
fn layout(input: &ValueInfoProto) -> Result<Layout, String> {
    let shape = match input.r#type.as_ref().and_then(|t| t.value.as_ref()) {
        Some(type_proto::Value::TensorType(tensor)) if tensor.elem_type == DataType::Float as i32 => {
            tensor.shape.as_ref()
        }
        _ => return Err(format!("the picture {} is not float32", input.name)),
    };
    let side = |d: &Dimension| match d.value {
        Some(Side::DimValue(length)) => usize::try_from(length).ok().filter(|n| (1..=1024).contains(n)),
        _ => None,
    };
    let sides: Vec<Option<usize>> = shape.map_or(Vec::new(), |s| s.dim.iter().map(side).collect());
    match sides[..] {
        [_, Some(colours @ (1 | 3)), Some(height), Some(width)] => {
            Ok(Layout { colours, colours_last: false, size_px: (height, width) })
        }
        [_, Some(height), Some(width), Some(colours @ (1 | 3))] => {
            Ok(Layout { colours, colours_last: true, size_px: (height, width) })
        }
        _ => Err(format!(
            "the picture {} has shape {sides:?} (None: not fixed); expected [N, 1 or 3, height, width] or \
             [N, height, width, 1 or 3]",
            input.name
        )),
    }
}

/// Converts planes of 0..=255 to the network's input, under the name it reads.
fn prepare(layout: Layout, pixels: Pixels, name: &str) -> (Vec<NodeProto>, Vec<TensorProto>) {
    let (scale, shift) = pixels.scale_and_shift();
    // One 1x1 convolution scales, shifts and converts colours to grey.
    let weights: Vec<f32> = match layout.colours {
        1 => GREY.map(|share| share * scale).to_vec(),
        _ => (0..9).map(|at| if at % 4 == 0 { scale } else { 0.0 }).collect(),
    };
    let colours = layout.colours as i64;
    let constants = vec![
        tensor("facelatch.weights", &[colours, 3, 1, 1], &weights),
        tensor("facelatch.shift", &[colours], &vec![shift; layout.colours]),
    ];
    let inputs = [PICTURE, "facelatch.weights", "facelatch.shift"];
    if !layout.colours_last {
        return (vec![node("Conv", &inputs, name)], constants);
    }
    let mut transpose = node("Transpose", &["facelatch.planes"], name);
    transpose.attribute.push(AttributeProto {
        name: "perm".to_owned(),
        r#type: AttributeType::Ints as i32,
        ints: vec![0, 2, 3, 1],
        ..Default::default()
    });
    (vec![node("Conv", &inputs, "facelatch.planes"), transpose], constants)
}

/// Nodes on which `h` depends, in order, and the names they read.
fn behind<'a>(graph: &'a GraphProto, h: &'a str) -> (Vec<usize>, HashSet<&'a str>) {
    let (mut nodes, mut used) = (Vec::new(), HashSet::from([h]));
    for (index, node) in graph.node.iter().enumerate().rev() {
        if node.output.iter().any(|name| used.contains(name.as_str())) {
            nodes.push(index);
            used.extend(node.input.iter().map(String::as_str));
        }
    }
    nodes.reverse();
    (nodes, used)
}

fn node(kind: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        name: format!("facelatch.{kind}"),
        op_type: kind.to_owned(),
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.to_owned()],
        ..Default::default()
    }
}

fn tensor(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: DataType::Float as i32,
        float_data: values.to_vec(),
        ..Default::default()
    }
}

fn value(name: &str, shape: &[usize]) -> ValueInfoProto {
    let side =
        |length: &usize| Dimension { value: Some(Side::DimValue(*length as i64)), ..Default::default() };
    let tensor = type_proto::Tensor {
        elem_type: DataType::Float as i32,
        shape: Some(TensorShapeProto { dim: shape.iter().map(side).collect() }),
    };
    let value = Some(type_proto::Value::TensorType(tensor));
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto { value, ..Default::default() }),
        ..Default::default()
    }
}
