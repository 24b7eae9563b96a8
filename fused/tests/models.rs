//! Compares the shipped networks, fused, with tract alone, and tests unknown operators.
#![allow(missing_docs)]

use std::path::Path;

use facelatch_fused::{Fused, Isa, PIXEL, pixels, read};
use tract_onnx::prelude::*;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(name)).expect("shipped model")
}

const FACE: [usize; 2] = [112, 112];

/// A picture with edges and ramps: all 256 values, no noise.
fn picture([height, width]: [usize; 2]) -> Tensor {
    let value = |i: usize| {
        let (c, y, x) = (i / width / height, i / width % height, i % width);
        ((x * 5 + y * 3 + c * 40 + if (x / 9 + y / 13) % 2 == 0 { 60 } else { 0 }) % 256) as f32
    };
    Tensor::from_shape(&[1, 3, height, width], &(0..3 * height * width).map(value).collect::<Vec<_>>())
        .expect("shipped model")
}

/// The same as a fused model takes it.
fn seen(planes: &Tensor) -> Tensor {
    let shape = planes.shape().try_into().expect("four");
    let planes = planes.to_plain_array_view::<f32>().expect("f32");
    pixels(planes.as_slice().expect("in order"), shape).expect("its shape")
}

fn run(model: InferenceModel, picture: Tensor) -> Vec<Vec<f32>> {
    let plan = model.into_optimized().expect("shipped model").into_runnable().expect("shipped model");
    let outputs = plan.run(tvec!(picture.into_tvalue())).expect("shipped model");
    outputs
        .iter()
        .map(|o| o.to_plain_array_view::<f32>().expect("shipped model").iter().copied().collect())
        .collect()
}

fn alone(bytes: &[u8], side: [usize; 2]) -> Vec<Vec<f32>> {
    let model = tract_onnx::onnx().model_for_read(&mut &*bytes).expect("shipped model");
    let model = model.with_input_fact(0, f32::fact([1, 3, side[0], side[1]]).into()).expect("shipped model");
    run(model, picture(side))
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn sface_is_fused_whole_and_all_instruction_sets_give_the_same_bits() {
    let bytes = file("sface.onnx");
    let want = alone(&bytes, FACE);
    let mut first: Option<Vec<Vec<f32>>> = None;
    for isa in Isa::all_available() {
        let Fused { model, left_over, layers } = read(&bytes, [1, 3, 112, 112], isa).expect("shipped model");
        assert_eq!((layers, left_over), (28, vec![]));
        let got = run(model, seen(&picture(FACE)));
        assert_eq!(first.get_or_insert(got.clone()), &got, "{isa} differs from the first");
        // tract rounds the sums of a layer in f32, the kernels do not: a last bit here and there.
        assert!(cosine(&got[0], &want[0]) > 0.995, "{isa}: {}", cosine(&got[0], &want[0]));
    }
}

#[test]
fn mobilefacenet_is_fused_whole_residuals_too() {
    let bytes = file("mobilefacenet.onnx");
    let want = alone(&bytes, FACE);
    let mut first: Option<Vec<Vec<f32>>> = None;
    for isa in Isa::all_available() {
        let Fused { model, left_over, layers } = read(&bytes, [1, 3, 112, 112], isa).expect("shipped model");
        assert_eq!((layers, left_over), (51, vec![]));
        let got = run(model, seen(&picture(FACE)));
        assert_eq!(first.get_or_insert(got.clone()), &got, "{isa} differs from the first");
        assert!(cosine(&got[0], &want[0]) > 0.99, "{isa}: {}", cosine(&got[0], &want[0]));
    }
}

#[test]
fn the_attack_network_is_fused_whole() {
    let (bytes, side) = (file("attack.onnx"), [128, 128]);
    let want = alone(&bytes, side);
    let mut first: Option<Vec<Vec<f32>>> = None;
    for isa in Isa::all_available() {
        let Fused { model, left_over, layers } = read(&bytes, [1, 3, 128, 128], isa).expect("shipped model");
        assert_eq!((layers, left_over), (34, vec![]));
        let got = run(model, seen(&picture(side)));
        assert_eq!(first.get_or_insert(got.clone()), &got, "{isa} differs from the first");
        assert!(cosine(&got[0], &want[0]) > 0.99, "{isa}: {:?} {:?}", got[0], want[0]);
    }
}

#[test]
fn unknown_operators_stay_with_tract_and_are_listed() {
    // The last residual sum becomes a maximum, which tract knows and the kernels do not.
    let mut bytes = file("mobilefacenet.onnx");
    let (add, max) = (b"\x22\x03Add", b"\x22\x03Max");
    let at = bytes.windows(add.len()).rposition(|w| w == add).expect("a node with op_type Add");
    bytes[at..at + max.len()].copy_from_slice(max);
    let Fused { model, left_over, layers } = read(&bytes, [1, 3, 112, 112], Isa::detect()).expect("a graph");
    assert!((40..51).contains(&layers), "{layers}");
    assert!(left_over.iter().any(|line| line.starts_with("Max ")), "{left_over:?}");
    let (got, want) = (run(model, seen(&picture(FACE))), alone(&bytes, FACE));
    assert!(cosine(&got[0], &want[0]) > 0.98, "{}", cosine(&got[0], &want[0]));
}

#[test]
fn of_yunet_only_sigmoids_stay_with_tract() {
    let (bytes, side) = (file("yunet.onnx"), [96, 64]);
    let want = alone(&bytes, side);
    let mut first: Option<Vec<Vec<f32>>> = None;
    for isa in Isa::all_available() {
        let Fused { model, left_over, layers } = read(&bytes, [1, 3, 96, 64], isa).expect("shipped model");
        let sigmoids = left_over.iter().filter(|line| line.starts_with("Sigmoid ")).count();
        assert_eq!((layers, left_over.len(), sigmoids), (59, 6, 6), "{left_over:?}");
        let got = run(model, seen(&picture(side)));
        assert_eq!(first.get_or_insert(got.clone()), &got, "{isa} differs from the first");
        for (got, want) in got.iter().zip(&want) {
            assert!(cosine(got, want) > 0.99, "{isa}: {}", cosine(got, want));
        }
    }
}

#[test]
fn a_black_bottom_changes_no_bit() {
    let (bytes, [height, width]) = (file("yunet.onnx"), [160, 96]);
    for isa in Isa::all_available() {
        let model = read(&bytes, [1, 3, height, width], isa).expect("shipped model").model;
        let plan = model.into_optimized().and_then(|m| m.into_runnable()).expect("shipped model");
        let run = |pixels: &[u8]| {
            let input = Tensor::from_shape(&[1, height, width, PIXEL], pixels).expect("its shape");
            let outputs = plan.run(tvec!(input.into_tvalue())).expect("runs");
            let bits = |o: &TValue| -> Vec<u32> {
                o.to_plain_array_view::<f32>().expect("f32").iter().map(|v| v.to_bits()).collect()
            };
            outputs.iter().map(bits).collect::<Vec<_>>()
        };
        let whole = seen(&picture([height, width]));
        let whole = whole.to_plain_array_view::<u8>().expect("u8");
        // Twice each, and with other heights between.
        for rows in [1, 16, 90, 17, 120, 159, 90, 32, 1, 120] {
            let lit = |(i, v): (usize, &u8)| if i / PIXEL / width < rows { *v } else { 0 };
            let mut pixels: Vec<u8> = whole.iter().enumerate().map(lit).collect();
            let got = run(&pixels);
            // The spare byte of a pixel counts for nothing, but the row is not taken for black: everything is computed.
            *pixels.last_mut().expect("a pixel") = 1;
            assert_eq!(got, run(&pixels), "{isa}: {rows} rows");
        }
    }
}

#[test]
fn a_float_network_is_left_as_it_is() {
    // One Conv 1x1 and a Relu.
    let bytes = include_bytes!("data/float.onnx");
    let Fused { model, left_over, layers } = read(bytes, [1, 3, 64, 64], Isa::detect()).expect("a graph");
    assert_eq!((layers, left_over.len()), (0, 2));
    assert_eq!(run(model, picture([64, 64])), alone(bytes, [64, 64]));
}

#[test]
fn bytes_that_are_not_a_model_are_an_error() {
    assert!(read(b"no model", [1, 3, 112, 112], Isa::Portable).is_err());
    assert!(read([], [1, 3, 112, 112], Isa::Portable).is_err());
    let bytes = file("mobilefacenet.onnx");
    assert!(read(&bytes[..bytes.len() / 2], [1, 3, 112, 112], Isa::Portable).is_err());
}
