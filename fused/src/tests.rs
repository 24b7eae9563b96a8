//! Graphs that no exporter of ours writes: whatever a node does, the outputs are those of tract alone.

use std::path::Path;

use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};

use super::*;

const SHAPE: [usize; 4] = [1, 3, 32, 64];

/// YuNet, whose input is 'input', after `change`.
fn yunet(change: impl FnOnce(&mut GraphProto)) -> ModelProto {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/yunet.onnx");
    let bytes = std::fs::read(path).expect("shipped model");
    let mut proto = tract_onnx::onnx().proto_model_for_read(&mut bytes.as_slice()).expect("shipped model");
    change(proto.graph.as_mut().expect("a graph"));
    proto
}

/// A node `to` that reads `from`.
fn node(operator: &str, from: &[&str], to: &str) -> NodeProto {
    NodeProto {
        name: to.to_owned(),
        op_type: operator.to_owned(),
        input: from.iter().map(|&name| name.to_owned()).collect(),
        output: vec![to.to_owned()],
        ..NodeProto::default()
    }
}

fn output(name: &str) -> ValueInfoProto {
    ValueInfoProto { name: name.to_owned(), ..ValueInfoProto::default() }
}

/// Output of the first node of this kind.
fn first(graph: &GraphProto, operator: &str) -> String {
    graph.node.iter().find(|n| n.op_type == operator).expect("there is one").output[0].clone()
}

fn input(graph: &GraphProto) -> String {
    graph.node.iter().find(|n| n.op_type == "QuantizeLinear").expect("there is one").input[0].clone()
}

/// The result of a layer in floats, of ten channels and several pixels: the corners of the smallest squares.
fn corners(graph: &GraphProto) -> String {
    graph.node.iter().rfind(|n| n.op_type == "Transpose").expect("there is one").input[0].clone()
}

fn run(model: InferenceModel, input: Tensor) -> TractResult<Vec<(Vec<usize>, Vec<f32>)>> {
    let outputs = model.into_optimized()?.into_runnable()?.run(tvec!(input.into_tvalue()))?;
    let plain = |o: &TValue| {
        let values = o.cast_to::<f32>()?.to_plain_array_view::<f32>()?.iter().copied().collect();
        Ok((o.shape().to_vec(), values))
    };
    outputs.iter().map(plain).collect()
}

/// How many layers are fused, once the outputs were found to be as those of tract alone.
fn layers(proto: &ModelProto) -> usize {
    let planes: Vec<f32> = (0..SHAPE.iter().product()).map(|i: usize| (i * 31 % 256) as f32).collect();
    let tensor = Tensor::from_shape(&SHAPE, &planes).expect("its shape");
    let alone = tract_onnx::onnx().model_for_proto_model(proto).expect("a model");
    let alone = alone.with_input_fact(0, f32::fact(SHAPE).into()).expect("its input");
    let want = run(alone, tensor.clone()).expect("runs");
    let mut layers = 0;
    for isa in [Isa::Portable, Isa::detect()] {
        let fused = fuse(proto.clone(), SHAPE, isa).expect("a model");
        layers = fused.layers;
        let seen =
            if fused.takes_pixels() { pixels(&planes, SHAPE).expect("its shape") } else { tensor.clone() };
        let got = run(fused.model, seen).expect("runs");
        assert_eq!(got.len(), want.len());
        for ((shape, got), (want_shape, want)) in got.iter().zip(&want) {
            assert_eq!(shape, want_shape);
            let size = |values: &[f32]| values.iter().map(|v| v * v).sum::<f32>();
            let apart: Vec<f32> = got.iter().zip(want).map(|(got, want)| got - want).collect();
            // tract rounds in other places.
            assert!(size(&apart) <= 0.02 * size(want), "{} of {}", size(&apart), size(want));
        }
    }
    layers
}

#[test]
fn pixels_are_for_a_network_whose_input_tract_does_not_read() {
    assert_eq!(layers(&yunet(|_| ())), 59);
    let others: [&dyn Fn(&mut GraphProto); 6] = [
        &|graph| graph.output.push(output(&input(graph))),
        &|graph| graph.output.push(output(&first(graph, "QuantizeLinear"))),
        &|graph| {
            graph.node.push(node("Relu", &[&input(graph)], "second"));
            graph.output.push(output("second"));
        },
        &|graph| {
            graph.node.push(node("Neg", &[&first(graph, "DequantizeLinear")], "second"));
            graph.output.push(output("second"));
        },
        &|graph| {
            let quantise = graph.node.iter().find(|n| n.op_type == "QuantizeLinear").expect("there is one");
            let zero = quantise.input[2].clone();
            graph.node.push(node("QuantizeLinear", &[&input(graph), "five", &zero], "fifths"));
            graph.initializer.push(TensorProto {
                name: "five".to_owned(),
                data_type: 1,
                float_data: vec![5.0],
                ..TensorProto::default()
            });
            graph.node.push(node("DequantizeLinear", &["fifths", "five", &zero], "floats"));
            let mut conv = graph.node.iter().find(|n| n.op_type == "Conv").expect("there is one").clone();
            (conv.input[0], conv.output[0]) = ("floats".to_owned(), "sums".to_owned());
            graph.node.push(NodeProto { name: "sums".to_owned(), ..conv });
            graph.node.push(node("QuantizeLinear", &["sums", "five", &zero], "second"));
            graph.output.push(output("second"));
        },
        &|graph| {
            let from = input(graph);
            branches(graph, &from);
        },
    ];
    for other in others {
        assert_eq!(layers(&yunet(other)), 0);
    }
    // Nobody needs what this one makes.
    assert_eq!(layers(&yunet(|graph| graph.node.push(node("Relu", &[&input(graph)], "second")))), 59);
}

/// An If of two branches, both of which read `from`.
fn branches(graph: &mut GraphProto, from: &str) {
    let branch = |name: &str, operator| AttributeProto {
        name: name.to_owned(),
        g: Some(GraphProto {
            name: name.to_owned(),
            node: vec![node(operator, &[from], &format!("{name}.result"))],
            output: vec![output(&format!("{name}.result"))],
            ..GraphProto::default()
        }),
        r#type: 5,
        ..AttributeProto::default()
    };
    let attribute = vec![branch("then_branch", "Relu"), branch("else_branch", "Neg")];
    graph.node.push(NodeProto { attribute, ..node("If", &["condition"], "second") });
    graph.initializer.push(TensorProto {
        name: "condition".to_owned(),
        data_type: 9,
        raw_data: vec![1],
        ..TensorProto::default()
    });
    graph.output.push(output("second"));
}

#[test]
fn the_branches_of_an_if_see_what_is_fused() {
    let proto = yunet(|graph| {
        let from = corners(graph);
        branches(graph, &from);
    });
    assert_eq!(layers(&proto), 59);
}

#[test]
fn floats_are_flattened_in_the_order_of_onnx() {
    let proto = yunet(|graph| {
        graph.node.push(node("Flatten", &[&corners(graph)], "flat"));
        graph.output.push(output("flat"));
    });
    assert_eq!(layers(&proto), 59);
}

#[test]
fn constants_and_the_same_result_twice_may_be_outputs() {
    let proto = yunet(|graph| {
        let (planes, pixels) = (corners(graph), first(graph, "Transpose"));
        let slopes = graph.initializer.iter().find(|t| t.data_type == 1).expect("floats").name.clone();
        graph.output.extend([&planes, &pixels, &planes, &pixels, &slopes].map(|name| output(name)));
    });
    assert_eq!(layers(&proto), 59);
}

#[test]
fn graphs_that_make_no_sense_are_errors() {
    let refused = |proto| {
        let model = fuse(proto, SHAPE, Isa::detect()).and_then(|fused| fused.model.into_optimized());
        model.expect_err("makes no sense").to_string()
    };
    let nothing = yunet(|graph| graph.output.push(output("nothing")));
    assert_eq!(refused(nothing), "nothing in the ONNX file makes its output 'nothing'");
    // The floats of a layer are no bytes, even if a node takes them for such.
    refused(yunet(|graph| {
        let floats = corners(graph);
        let [_, scale, zero] =
            graph.node.iter().find(|n| n.op_type == "QuantizeLinear").expect("one").input.as_slice()
        else {
            panic!("three inputs")
        };
        let nodes = [
            node("DequantizeLinear", &[&floats, scale, zero], "again"),
            node("Add", &["again", "again"], "twice"),
            node("QuantizeLinear", &["twice", scale, zero], "bytes"),
        ];
        graph.node.extend(nodes);
        graph.output.push(output("bytes"));
    }));
    // As many outputs as no memory holds, of no input.
    refused(yunet(|graph| {
        let weights = graph.initializer.iter_mut().find(|t| t.data_type == 3).expect("weights");
        weights.dims = vec![1 << 40, 0, 3, 3];
        weights.raw_data.clear();
    }));
}

#[test]
fn a_layer_whose_scale_is_negative_is_left_to_tract() {
    let proto = yunet(|graph| {
        let weights = graph.node.iter().find(|n| n.op_type == "DequantizeLinear" && !n.attribute.is_empty());
        let name = weights.expect("weights").input[1].clone();
        let scale = graph.initializer.iter_mut().find(|t| t.name == name).expect("its scale");
        for value in scale.raw_data.as_chunks_mut().0 {
            *value = (-f32::from_le_bytes(*value)).to_le_bytes();
        }
    });
    assert!(layers(&proto) < 59);
}
