use super::*;

/// Made by rates/tests/data/import/koch.py with PyTorch.
fn koch() -> ModelProto {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/import/koch.onnx");
    ModelProto::decode(std::fs::read(path).expect("file").as_slice()).expect("ONNX")
}

/// The same network with a collapsed tower: h depends on its last biases only, whatever the picture.
pub(crate) fn collapsed() -> Vec<u8> {
    let mut model = koch();
    let graph = model.graph.as_mut().expect("a graph");
    let h = last(graph, "Sub").input[0].clone();
    let layer = graph.node.iter().find(|n| n.output[0] == h).expect("h1").input[0].clone();
    let weights =
        graph.node.iter().find(|n| n.output[0] == layer).expect("the layer before").input[1].clone();
    let weights = graph.initializer.iter_mut().find(|t| t.name == weights).expect("its weights");
    weights.raw_data.fill(0);
    weights.float_data.fill(0.0);
    model.encode_to_vec()
}

/// The error after a change to the graph.
fn changed(change: impl FnOnce(&mut GraphProto)) -> Result<Siamese, String> {
    let mut model = koch();
    change(model.graph.as_mut().expect("a graph"));
    Siamese::read(&model.encode_to_vec(), Pixels::Unit)
}

fn refusal(change: impl FnOnce(&mut GraphProto)) -> String {
    changed(change).map(|_| ()).expect_err("refused")
}

fn last<'a>(graph: &'a mut GraphProto, kind: &str) -> &'a mut NodeProto {
    graph.node.iter_mut().rfind(|n| n.op_type == kind).expect("there")
}

#[test]
fn a_network_splits_into_tower_and_head() {
    let siamese = changed(|_| ()).expect("siamese");
    assert_eq!((siamese.alpha.len(), siamese.size_px), (48, (112, 112)));
    let tower = ModelProto::decode(siamese.tower.as_slice()).expect("ONNX").graph.expect("a graph");
    assert!(tower.node.len() < koch().graph.expect("a graph").node.len() / 2 + 3, "one tower only");
}

#[test]
fn a_network_without_a_bias_has_b_zero() {
    let without = changed(|graph| {
        let dense = last(graph, "Gemm");
        dense.input.truncate(2);
    });
    assert_eq!(without.expect("siamese").bias, 0.0);
}

#[test]
fn matmul_and_add_are_a_last_layer_too() {
    let gemm = changed(|_| ()).expect("siamese");
    let pair = changed(|graph| {
        let at = graph.node.iter().rposition(|n| n.op_type == "Gemm").expect("there");
        let gemm = graph.node[at].clone();
        let product =
            NodeProto { op_type: "MatMul".to_owned(), output: vec!["product".to_owned()], ..gemm.clone() };
        graph.node[at] = NodeProto {
            op_type: "Add".to_owned(),
            input: vec![gemm.input[2].clone(), "product".to_owned()],
            ..gemm
        };
        graph.node.insert(at, NodeProto { input: product.input[..2].to_vec(), ..product });
    });
    let pair = pair.expect("siamese");
    assert_eq!((pair.alpha, pair.bias), (gemm.alpha, gemm.bias));
}

#[test]
fn towers_with_other_weights_or_layers_are_not_siamese() {
    let weights = refusal(|graph| {
        let sub = last(graph, "Sub").input[1].clone();
        // The second tower gets a different weight: the last bias before h, doubled.
        let sigmoid = graph.node.iter().find(|n| n.output[0] == sub).expect("h2").input[0].clone();
        let gemm = graph.node.iter_mut().find(|n| n.output[0] == sigmoid).expect("the layer before");
        let name = std::mem::replace(&mut gemm.input[2], "changed".to_owned());
        let mut other = graph.initializer.iter().find(|t| t.name == name).expect("its bias").clone();
        other.name = "changed".to_owned();
        other.raw_data.iter_mut().for_each(|b| *b ^= 1);
        graph.initializer.push(other);
    });
    assert!(weights.contains("two towers differ"), "{weights}");
    let layers = refusal(|graph| {
        let node = graph.node.iter_mut().find(|n| n.op_type == "Relu").expect("there");
        node.op_type = "Tanh".to_owned();
    });
    assert!(layers.contains("two towers differ"), "{layers}");
}

#[test]
fn another_ending_is_refused_with_what_was_found() {
    let found = |kind: &str, other: &str| refusal(|graph| last(graph, kind).op_type = other.to_owned());
    assert!(
        refusal(|graph| {
            let p = graph.output[0].name.clone();
            graph.node.iter_mut().find(|n| n.output[0] == p).expect("there").op_type = "Tanh".to_owned();
        })
        .contains("p comes from Tanh")
    );
    assert!(found("Abs", "Relu").contains("comes from Relu"));
    assert!(found("Sub", "Mul").contains("comes from Mul"));
    assert!(found("Gemm", "Conv").contains("takes from Conv"));
    assert!(refusal(|graph| graph.node.clear()).contains("comes from no layer"));
    assert!(refusal(|graph| graph.output.clear()).contains("0 outputs"));
    assert!(refusal(|graph| drop(graph.input.pop())).contains("takes 1 pictures"));
    let both = refusal(|graph| {
        let sub = last(graph, "Sub");
        sub.input[1] = sub.input[0].clone();
    });
    assert!(both.contains("one picture"), "{both}");
}

#[test]
fn odd_graphs_are_refused_and_neither_panic_nor_hang() {
    let three = refusal(|graph| {
        let dense = last(graph, "Gemm");
        dense.op_type = "Add".to_owned();
    });
    assert!(three.contains("Add of 3 inputs"), "{three}");
    let ring = refusal(|graph| {
        let dense = last(graph, "Gemm");
        let pass = |from: &str, to: &str| NodeProto {
            op_type: "Identity".to_owned(),
            input: vec![from.to_owned()],
            output: vec![to.to_owned()],
            ..Default::default()
        };
        dense.input[0] = "one".to_owned();
        graph.node.extend([pass("other", "one"), pass("one", "other")]);
    });
    assert!(ring.contains("comes from no layer"), "{ring}");
}

#[test]
fn names_in_the_network_do_not_clash_with_those_of_the_tower() {
    let rename = |graph: &mut GraphProto, from: &str, to: &str| {
        let names = graph.node.iter_mut().flat_map(|n| n.input.iter_mut().chain(&mut n.output));
        names
            .chain(graph.input.iter_mut().map(|i| &mut i.name))
            .filter(|n| **n == from)
            .for_each(|n| *n = to.to_owned());
    };
    let called = |picture: &str, h: &str| {
        changed(|graph| {
            let (old_picture, old_h) = (graph.input[0].name.clone(), last(graph, "Sub").input[0].clone());
            rename(graph, &old_picture, picture);
            rename(graph, &old_h, h);
        })
    };
    let tower = called("data", "embedding").expect("siamese").tower;
    let graph = ModelProto::decode(tower.as_slice()).expect("ONNX").graph.expect("a graph");
    let mut made: Vec<_> = graph.node.iter().flat_map(|n| &n.output).chain([&graph.input[0].name]).collect();
    let all = made.len();
    made.sort();
    made.dedup();
    assert_eq!(made.len(), all, "each value has a name of its own");
    let taken = called("x", "facelatch.embedding").map(|_| ()).expect_err("taken");
    assert!(taken.contains("called facelatch.embedding"), "{taken}");
}

#[test]
fn inputs_that_are_no_pictures_are_refused() {
    let side = refusal(|graph| {
        let shape = graph.input[0].r#type.as_mut().and_then(|t| t.value.as_mut());
        let Some(tract_onnx::pb::type_proto::Value::TensorType(tensor)) = shape else { panic!("a tensor") };
        tensor.shape.as_mut().expect("a shape").dim.truncate(3);
    });
    assert!(side.contains("expected [N, 1 or 3, height, width]"), "{side}");
}

#[test]
fn bytes_that_are_no_network_are_refused() {
    assert!(Siamese::read(b"no network", Pixels::Unit).is_err());
    let whole = koch().encode_to_vec();
    for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
        assert!(Siamese::read(&whole[..cut], Pixels::Unit).is_err(), "{cut}");
    }
}
