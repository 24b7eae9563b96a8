//! The ONNX graph as a protobuf with names resolved, and the cut that replaces recognised nodes.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::{GraphProto, NodeProto, TensorProto, tensor_proto::DataType};

use crate::op::NAME;
use crate::recognise::Found;

/// Names to nodes and constants.
pub(crate) struct Graph<'a> {
    constants: HashMap<&'a str, &'a TensorProto>,
    producers: HashMap<&'a str, &'a NodeProto>,
    readers: HashMap<&'a str, Vec<&'a str>>,
}

/// Largest constant accepted, in values: four times the weights of SFace.
const MAX_VALUES: usize = 40 << 20;

impl<'a> Graph<'a> {
    pub(crate) fn new(graph: &'a GraphProto) -> Graph<'a> {
        let named = |node: &'a NodeProto| node.output.iter().map(move |name| (name.as_str(), node));
        let mut readers: HashMap<&str, Vec<&str>> = HashMap::new();
        for node in &graph.node {
            reads(node).into_iter().for_each(|name| readers.entry(name).or_default().push(&node.op_type));
        }
        Graph {
            readers,
            constants: graph.initializer.iter().map(|t| (t.name.as_str(), t)).collect(),
            producers: graph.node.iter().flat_map(named).collect(),
        }
    }

    /// The node that produces `name`, if it is a `kind`.
    pub(crate) fn made_by(&self, name: &str, kind: &str) -> Option<&'a NodeProto> {
        self.producers.get(name).copied().filter(|node| node.op_type == kind)
    }

    /// Whether one of these operators reads `name`.
    pub(crate) fn is_read_by(&self, name: &str, kinds: &[&str]) -> bool {
        self.readers.get(name).is_some_and(|readers| readers.iter().any(|kind| kinds.contains(kind)))
    }

    /// Shape of a constant.
    pub(crate) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.constants.get(name)?.dims.iter().map(|d| usize::try_from(*d).ok()).collect()
    }

    /// Values of an f32 constant.
    pub(crate) fn floats(&self, name: &str) -> Option<Vec<f32>> {
        let (tensor, values) = self.constant(name, DataType::Float)?;
        let floats: Vec<f32> = if tensor.float_data.is_empty() {
            tensor.raw_data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
        } else {
            tensor.float_data.clone()
        };
        (floats.len() == values && floats.iter().all(|v| v.is_finite())).then_some(floats)
    }

    /// The single value of an f32 constant.
    pub(crate) fn float(&self, name: &str) -> Option<f32> {
        single(self.floats(name)?)
    }

    /// Values of an s8 constant.
    pub(crate) fn signed_bytes(&self, name: &str) -> Option<Vec<i8>> {
        let (tensor, values) = self.constant(name, DataType::Int8)?;
        let bytes = tensor.raw_data.iter().map(|b| *b as i8).collect::<Vec<_>>();
        (bytes.len() == values).then_some(bytes)
    }

    /// The single value of a u8 constant.
    pub(crate) fn byte(&self, name: &str) -> Option<u8> {
        let (tensor, _) = self.constant(name, DataType::Uint8)?;
        single(tensor.raw_data.clone())
    }

    /// Values of an s64 constant.
    pub(crate) fn integers(&self, name: &str) -> Option<Vec<i64>> {
        let (tensor, values) = self.constant(name, DataType::Int64)?;
        let integers: Vec<i64> = if tensor.int64_data.is_empty() {
            tensor.raw_data.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect()
        } else {
            tensor.int64_data.clone()
        };
        (integers.len() == values).then_some(integers)
    }

    fn constant(&self, name: &str, kind: DataType) -> Option<(&'a TensorProto, usize)> {
        let tensor = *self.constants.get(name)?;
        let values = self.shape(name)?.iter().try_fold(1_usize, |n, d| n.checked_mul(*d))?;
        // With values, no side is longer than there are values.
        let is_sound = tensor.data_type == kind as i32 && (1..=MAX_VALUES).contains(&values);
        is_sound.then_some((tensor, values))
    }
}

fn single<T: Copy>(values: impl AsRef<[T]>) -> Option<T> {
    match values.as_ref() {
        [value] => Some(*value),
        _ => None,
    }
}

/// The integers of an attribute.
pub(crate) fn whole_numbers(node: &NodeProto, name: &str) -> Option<Vec<i64>> {
    node.attribute.iter().find(|a| a.name == name).map(|a| a.ints.clone())
}

/// The single integer of an attribute.
pub(crate) fn whole_number(node: &NodeProto, name: &str) -> Option<i64> {
    node.attribute.iter().find(|a| a.name == name).map(|a| a.i)
}

/// The text of an attribute.
pub(crate) fn text<'a>(node: &'a NodeProto, name: &str) -> Option<&'a [u8]> {
    node.attribute.iter().find(|a| a.name == name).map(|a| a.s.as_slice())
}

/// Names of what a node reads. The graphs that it holds, such as the branches of an If, see the tensors around it.
pub(crate) fn reads(node: &NodeProto) -> Vec<&str> {
    let mut names: Vec<&str> = node.input.iter().map(String::as_str).collect();
    for graph in node.attribute.iter().flat_map(|a| a.g.iter().chain(&a.graphs)) {
        names.extend(graph.node.iter().flat_map(reads));
        names.extend(graph.output.iter().map(|o| o.name.as_str()));
    }
    names
}

/// Finds the live part of the graph: walks back from the outputs and stops at tensors in `made`. Returns the indices of
/// live nodes and the names at which it stopped, in a fixed order.
pub(crate) fn live(graph: &GraphProto, made: impl Fn(&str) -> bool) -> (HashSet<usize>, Vec<String>) {
    let mut producers = HashMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        producers.extend(node.output.iter().map(|name| (name.as_str(), index)));
    }
    let mut todo: Vec<&str> = graph.output.iter().map(|o| o.name.as_str()).rev().collect();
    let (mut nodes, mut stops, mut seen) = (HashSet::new(), Vec::new(), HashSet::new());
    while let Some(name) = todo.pop() {
        if !seen.insert(name) {
            continue;
        }
        if made(name) {
            stops.push(name.to_owned());
        } else if let Some(&index) = producers.get(name) {
            nodes.insert(index);
            todo.extend(reads(&graph.node[index]).into_iter().rev());
        }
    }
    (nodes, stops)
}

/// Replaces everything that `found` computes by one node, and drops nodes that feed only those. Returns a line for each
/// operator that remains.
pub(crate) fn cut(graph: &mut GraphProto, found: &Found) -> Vec<String> {
    let fused = found.program.layers() > 0;
    let (nodes, _) = live(graph, |name| fused && found.outputs.iter().any(|output| output == name));
    let mut index = 0;
    graph.node.retain(|_| {
        index += 1;
        nodes.contains(&(index - 1))
    });
    let left_over = graph.node.iter().map(|n| format!("{} '{}'", n.op_type, output_name(n))).collect();
    if fused {
        let node = NodeProto {
            name: NAME.to_owned(),
            op_type: NAME.to_owned(),
            input: vec![found.input.clone()],
            output: found.outputs.clone(),
            ..NodeProto::default()
        };
        graph.node.insert(0, node);
    }
    let results = graph.output.iter().map(|o| o.name.as_str());
    let used: HashSet<&str> = graph.node.iter().flat_map(reads).chain(results).collect();
    graph.initializer.retain(|t| used.contains(t.name.as_str()));
    // Old exporters list constants among the inputs.
    graph.input.retain(|i| i.name == found.input || used.contains(i.name.as_str()));
    // Stored shapes may be for another input size, or for tensors that are gone.
    graph.value_info.clear();
    left_over
}

/// The first output that no node makes, and that is neither a constant nor an input: tract would panic.
pub(crate) fn output_of_nothing(graph: &GraphProto) -> Option<&str> {
    let made: HashSet<&str> = (graph.node.iter().flat_map(|n| &n.output).map(String::as_str))
        .chain(graph.initializer.iter().map(|t| t.name.as_str()))
        .chain(graph.input.iter().map(|i| i.name.as_str()))
        .collect();
    graph.output.iter().map(|o| o.name.as_str()).find(|name| !made.contains(name))
}

fn output_name(node: &NodeProto) -> &str {
    node.output.first().map_or("", String::as_str)
}
