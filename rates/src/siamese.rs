//! Splits a siamese network (ONNX) into its tower, which embeds one picture, and the alpha and b of its head.
//!
//! Koch, Zemel, Salakhutdinov 2015: two pictures go through the same layers (the towers), then
//! `Sub -> Abs -> Gemm (or MatMul, Add) -> Sigmoid`. The tower becomes an embedder of `MODELS.toml`, the rest is the
//! formula of [`facelatch::head`].

mod tower;

use std::collections::HashMap;
use std::ops::RangeInclusive;

use prost::Message;
use sha2::{Digest, Sha256};
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, tensor_proto::DataType};

use facelatch::model::MAX_MODEL_BYTES;
pub use tower::{EMBEDDING, PICTURE, Pixels};

/// Operators that only pass values on or reshape them.
const PASSING: [&str; 6] = ["Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze"];

/// A siamese network, split.
#[derive(Debug, Clone)]
pub struct Siamese {
    /// ONNX bytes: [`PICTURE`] ([1, 3, height, width], f32, 0..=255) to [`EMBEDDING`] ([1, alpha.len()]).
    pub tower: Vec<u8>,
    /// Colour channels of its pictures, 1 or 3.
    pub colours: usize,
    /// One value for each coordinate of h.
    pub alpha: Vec<f32>,
    /// b; 0 if the network has none.
    pub bias: f32,
    /// Height and width of its pictures in pixels.
    pub size_px: (usize, usize),
}

/// Lookup tables of a graph. Names are unique in ONNX.
struct Names<'a> {
    graph: &'a GraphProto,
    producers: HashMap<&'a str, &'a NodeProto>,
    constants: HashMap<&'a str, &'a TensorProto>,
}

impl Siamese {
    /// Splits a network whose pictures have `pixels` as their value range.
    ///
    /// # Errors
    /// A message with what was expected and what was found.
    pub fn read(bytes: &[u8], pixels: Pixels) -> Result<Self, String> {
        if bytes.len() as u64 > MAX_MODEL_BYTES {
            return Err(format!("has {} bytes; a network may have at most {MAX_MODEL_BYTES}", bytes.len()));
        }
        let model = ModelProto::decode(bytes).map_err(|e| format!("is not an ONNX file: {e}"))?;
        let names = Names::of(model.graph.as_ref().ok_or("is not an ONNX file: it holds no graph")?);
        let (alpha, bias, h) = names.head()?;
        let towers = names.towers()?;
        let [one, other] = h.map(|name| towers.get(name).copied());
        let (Some(one), Some(other)) = (one, other) else {
            return Err("|h1 - h2| does not depend on the pictures alone".to_owned());
        };
        if one.input == other.input {
            return Err("both sides of Sub come from one picture; expected one each".to_owned());
        }
        if one.fingerprint != other.fingerprint {
            return Err(
                "the two towers differ (in layers or in weights), so it is not siamese: one network must embed both"
                    .to_owned(),
            );
        }
        let input = &names.graph.input[one.input];
        let (tower, layout) = tower::build(&model, names.graph, (input, h[0]), (alpha.len(), pixels))?;
        Ok(Self { tower, colours: layout.colours, alpha, bias, size_px: layout.size_px })
    }
}

/// What a value was computed from.
#[derive(Clone, Copy)]
struct Made {
    /// Number of the only picture it depends on.
    input: usize,
    /// Equal for two values when the same layers with the same weights make them.
    fingerprint: [u8; 32],
}

impl<'a> Names<'a> {
    fn of(graph: &'a GraphProto) -> Self {
        let made = |node: &'a NodeProto| node.output.iter().map(move |name| (name.as_str(), node));
        let mut constants: HashMap<_, _> = graph.initializer.iter().map(|t| (t.name.as_str(), t)).collect();
        for node in &graph.node {
            let value = match node.op_type.as_str() {
                "Constant" => node.attribute.iter().find_map(|a| a.t.as_ref()),
                // Keras gives the weights of the second tower new names.
                "Identity" => node.input.first().and_then(|name| constants.get(name.as_str()).copied()),
                _ => None,
            };
            constants.extend(node.output.first().zip(value).map(|(name, value)| (name.as_str(), value)));
        }
        Self { graph, producers: graph.node.iter().flat_map(made).collect(), constants }
    }

    /// alpha, b, and the names of h1 and h2.
    fn head(&self) -> Result<(Vec<f32>, f32, [&'a str; 2]), String> {
        let [output] = self.graph.output.as_slice() else {
            return Err(format!("has {} outputs; wanted one, p", self.graph.output.len()));
        };
        let sigmoid = self.node(&output.name, "Sigmoid", "p")?;
        let dense = self.producer(&sigmoid.input[0], "what Sigmoid takes")?;
        let (sum, alpha, bias) = match dense.op_type.as_str() {
            "Gemm" => self.gemm(dense)?,
            "MatMul" => (dense.input[0].as_str(), self.column(&dense.input[1])?, 0.0),
            "Add" => {
                let constant = dense.input.iter().position(|name| self.constants.contains_key(name.as_str()));
                let constant = constant.ok_or("Add before Sigmoid has no constant to add")?;
                let product = self.node(&dense.input[1 - constant], "MatMul", "what Add takes")?;
                (
                    product.input[0].as_str(),
                    self.column(&product.input[1])?,
                    self.single(&dense.input[constant])?,
                )
            }
            other => return Err(format!("Sigmoid takes from {other}; expected Gemm, or MatMul and Add")),
        };
        let abs = self.node(sum, "Abs", "what the last layer takes")?;
        let sub = self.node(&abs.input[0], "Sub", "what Abs takes")?;
        Ok((alpha, bias, [sub.input[0].as_str(), sub.input[1].as_str()]))
    }

    fn gemm(&self, node: &'a NodeProto) -> Result<(&'a str, Vec<f32>, f32), String> {
        let attribute = |name: &str| node.attribute.iter().find(|a| a.name == name);
        let scale = |name| attribute(name).map_or(1.0, |a| a.f);
        if attribute("transA").is_some_and(|a| a.i != 0) {
            return Err("the last Gemm transposes its input (transA)".to_owned());
        }
        let alpha = self.column(&node.input[1])?.iter().map(|v| v * scale("alpha")).collect();
        let bias = node.input.get(2).map_or(Ok(0.0), |name| self.single(name))? * scale("beta");
        Ok((&node.input[0], alpha, bias))
    }

    /// Follows `name` back over [`PASSING`] nodes to the node that makes it.
    fn producer(&self, name: &str, what: &str) -> Result<&'a NodeProto, String> {
        let mut node = self.producers.get(name).copied();
        // A path longer than the graph is a cycle.
        for _ in 0..=self.graph.node.len() {
            let Some(found) = node.filter(|n| PASSING.contains(&n.op_type.as_str())) else { break };
            node = found.input.first().and_then(|name| self.producers.get(name.as_str()).copied());
        }
        let node = node.filter(|n| !PASSING.contains(&n.op_type.as_str()));
        let node = node.ok_or_else(|| format!("{what} comes from no layer"))?;
        match inputs(&node.op_type).contains(&node.input.len()) {
            true => Ok(node),
            false => Err(format!("{what} comes from a {} of {} inputs", node.op_type, node.input.len())),
        }
    }

    fn node(&self, name: &str, kind: &str, what: &str) -> Result<&'a NodeProto, String> {
        let node = self.producer(name, what)?;
        if node.op_type != kind {
            return Err(format!(
                "{what} comes from {}; expected {kind} (the network must end in Sub, Abs, Gemm or MatMul and Add, Sigmoid)",
                node.op_type
            ));
        }
        Ok(node)
    }

    /// A constant that is one column or one row.
    fn column(&self, name: &str) -> Result<Vec<f32>, String> {
        let tensor = self.constants.get(name).ok_or("the weights of the last layer are not constants")?;
        if tensor.dims.iter().filter(|d| **d != 1).count() > 1 {
            return Err(format!(
                "the last layer has weights of shape {:?}; expected one output, p",
                tensor.dims
            ));
        }
        let values = floats(tensor)
            .ok_or("the weights of the last layer are not float32, or not stored in the file")?;
        match values.iter().all(|v| v.is_finite()) {
            true if !values.is_empty() => Ok(values),
            _ => Err("the weights of the last layer are not finite".to_owned()),
        }
    }

    fn single(&self, name: &str) -> Result<f32, String> {
        match self.column(name)?.as_slice() {
            [value] => Ok(*value),
            values => Err(format!("the bias of the last layer has {} values; expected one", values.len())),
        }
    }

    /// For each value that depends on one picture alone: which picture, and how. ONNX nodes are in topological order.
    fn towers(&self) -> Result<HashMap<&'a str, Made>, String> {
        let pictures: Vec<&str> = self.graph.input.iter().map(|i| i.name.as_str()).collect();
        let mut made: HashMap<&str, Made> = HashMap::new();
        for (input, name) in pictures.iter().enumerate().filter(|(_, n)| !self.constants.contains_key(*n)) {
            made.insert(name, Made { input, fingerprint: [0; 32] });
        }
        if made.len() != 2 {
            return Err(format!("takes {} pictures; wanted two", made.len()));
        }
        let mut fixed: HashMap<&str, [u8; 32]> =
            self.constants.iter().map(|(n, t)| (*n, of_constant(t))).collect();
        fixed.insert("", [0xff; 32]); // An omitted input.
        let own =
            |node: &&NodeProto| node.output.iter().any(|name| !self.constants.contains_key(name.as_str()));
        for node in self.graph.node.iter().filter(own) {
            let sources: Vec<Made> =
                node.input.iter().filter_map(|i| made.get(i.as_str()).copied()).collect();
            let known =
                node.input.iter().all(|i| made.contains_key(i.as_str()) || fixed.contains_key(i.as_str()));
            let inputs = node.input.iter().filter_map(|i| {
                made.get(i.as_str()).map(|m| m.fingerprint).or_else(|| fixed.get(i.as_str()).copied())
            });
            let fingerprint = of_node(node, inputs);
            for (slot, output) in node.output.iter().enumerate().filter(|_| known) {
                let fingerprint =
                    Sha256::new().chain_update(fingerprint).chain_update([slot as u8]).finalize().into();
                match sources.first() {
                    None => drop(fixed.insert(output, fingerprint)),
                    Some(first) if sources.iter().all(|s| s.input == first.input) => {
                        made.insert(output, Made { input: first.input, fingerprint });
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(made)
    }
}

/// The number of inputs ONNX allows a node; checked for the nodes that [`Names::head`] reads by index.
fn inputs(kind: &str) -> RangeInclusive<usize> {
    match kind {
        "Gemm" => 2..=3,
        "MatMul" | "Add" | "Sub" => 2..=2,
        "Sigmoid" | "Abs" => 1..=1,
        _ => 0..=usize::MAX,
    }
}

fn of_constant(tensor: &TensorProto) -> [u8; 32] {
    let nameless = TensorProto { name: String::new(), doc_string: String::new(), ..tensor.clone() };
    Sha256::digest(nameless.encode_to_vec()).into()
}

fn of_node(node: &NodeProto, inputs: impl Iterator<Item = [u8; 32]>) -> [u8; 32] {
    let mut attributes = node.attribute.clone();
    attributes.sort_by(|a, b| a.name.cmp(&b.name));
    let nameless = NodeProto {
        op_type: node.op_type.clone(),
        domain: node.domain.clone(),
        attribute: attributes,
        ..Default::default()
    };
    inputs.fold(Sha256::new_with_prefix(nameless.encode_to_vec()), Digest::chain_update).finalize().into()
}

/// Values of an f32 tensor stored in the file itself.
fn floats(tensor: &TensorProto) -> Option<Vec<f32>> {
    let count = tensor.dims.iter().try_fold(1_usize, |n, d| n.checked_mul(usize::try_from(*d).ok()?))?;
    let values: Vec<f32> = match tensor.float_data.as_slice() {
        [] => tensor.raw_data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        values => values.to_vec(),
    };
    (tensor.data_type == DataType::Float as i32 && values.len() == count).then_some(values)
}

#[cfg(test)]
pub(crate) mod tests;
