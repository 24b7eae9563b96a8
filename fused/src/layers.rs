//! One function per pattern; in: the node where it ends, out: the tensor the new layer produces, or `None` if the
//! preceding nodes do not match.

use facelatch_kernels::{
    Add, Dense, Depthwise, GlobalDepthwise, MaxPool, Pointwise, Requant, Stem, Term, padded,
};
use tract_onnx::pb::NodeProto;

use crate::conv::{Conv, Rescale};
use crate::graph::{text, whole_number, whole_numbers};
use crate::program::{Id, Layer, Value};
use crate::recognise::{Form, Known, Read, Walk};

/// QuantizeLinear of an f32 result: Conv with PRelu, Relu or nothing, or Add of two known tensors.
pub(crate) fn quantised<'a>(walk: &mut Walk<'a>, node: &'a NodeProto) -> Option<Known> {
    let [x, scale, zero] = node.input.as_slice() else { return None };
    let (scale, zero) = (walk.graph.float(scale)?, walk.graph.byte(zero)?);
    if !(scale.is_finite() && scale > 0.0) {
        return None;
    }
    if let Some(add) = walk.graph.made_by(x, "Add") {
        return sum(walk, add, scale, zero).or_else(|| residual(walk, add, scale, zero));
    }
    let (x, slope) = activation(walk, x)?;
    let conv = Conv::read(walk, walk.graph.made_by(x, "Conv")?)?;
    let outputs = conv.shape[0];
    let slope = match slope {
        slope if slope.len() == outputs => slope,
        slope if slope.len() == 1 => vec![slope[0]; outputs],
        _ => return None,
    };
    let (layer, id, size) = convolution(walk, &conv, &conv.rescale(&slope, scale, zero))?;
    walk.add(layer, vec![id], Value::Bytes(size))
}

/// The input of an activation and the slope below zero; 1 without an activation.
fn activation<'a>(walk: &Walk<'a>, name: &'a str) -> Option<(&'a str, Vec<f32>)> {
    if let Some(node) = walk.graph.made_by(name, "PRelu") {
        let [x, slope] = node.input.as_slice() else { return None };
        return Some((x, walk.graph.floats(slope)?));
    }
    if let Some(node) = walk.graph.made_by(name, "Relu") {
        return Some((node.input.first()?, vec![0.0]));
    }
    Some((name, vec![1.0]))
}

/// The layer for a convolution, its input, and the size of its output.
fn convolution(walk: &Walk<'_>, conv: &Conv, rescale: &Rescale) -> Option<(Layer, Id, [usize; 3])> {
    let (isa, requant, weights) = (walk.isa, &rescale.view(), conv.weights.as_slice());
    let Known { id, size: [height, width, channels], .. } = conv.read.known;
    let [outputs, inputs, kernel_height, kernel_width] = *conv.shape.as_slice() else { return None };
    if inputs * conv.group != channels {
        return None;
    }
    let (depthwise, kernel) = (conv.group == channels && outputs == channels, [kernel_height, kernel_width]);
    if walk.is_image(&conv.read.known) {
        if kernel != [3, 3] || conv.group != 1 {
            return None;
        }
        let stem = Stem::new(isa, conv.window(), channels, weights, requant).ok()?;
        let (rows, columns) = conv.window().output();
        return Some((Layer::Stem(Box::new(stem)), id, [rows, columns, outputs]));
    }
    if kernel == [1, 1] && conv.group == 1 && conv.stride == 1 && conv.pad == [0; 4] {
        let layer = Pointwise::new(isa, channels, weights, requant).ok()?;
        return Some((Layer::Pointwise(Box::new(layer)), id, [height, width, outputs]));
    }
    if depthwise && kernel == [3, 3] {
        let layer = Depthwise::new(isa, conv.window(), weights, requant).ok()?;
        let (rows, columns) = conv.window().output();
        return Some((Layer::Depthwise(Box::new(layer)), id, [rows, columns, channels]));
    }
    if depthwise && kernel == [height, width] && conv.pad == [0; 4] {
        let layer = GlobalDepthwise::new(isa, height * width, weights, requant).ok()?;
        return Some((Layer::GlobalDepthwise(Box::new(layer)), id, [1, 1, channels]));
    }
    None
}

/// Add of two known tensors; the second may be upsampled by two.
fn sum(walk: &mut Walk<'_>, node: &NodeProto, scale: f32, zero: u8) -> Option<Known> {
    let [a, b] = node.input.as_slice() else { return None };
    let (a, b, repeat) = match (walk.read(a), walk.read(b)) {
        (Some(a), Some(b)) => (a, b, 1),
        (Some(a), None) => (a, enlarged(walk, b)?, 2),
        (None, Some(b)) => (b, enlarged(walk, a)?, 2),
        (None, None) => return None,
    };
    let (large, small) = (a.known.size, b.known.size);
    let fits = large == [small[0] * repeat, small[1] * repeat, small[2]];
    if !fits || [&a, &b].iter().any(|r| !walk.is_bytes(&r.known) || r.known.form != Form::Planes) {
        return None;
    }
    let term = |read: &Read| Term { zero: read.zero, factor: read.scale / scale };
    let add = Add::new(walk.isa, large, repeat, [term(&a), term(&b)], zero).ok()?;
    walk.add(Layer::Add(add), vec![a.known.id, b.known.id], Value::Bytes(large))
}

/// Add of a 1x1 convolution and a known tensor: the convolution adds it before it rounds.
fn residual(walk: &mut Walk<'_>, node: &NodeProto, scale: f32, zero: u8) -> Option<Known> {
    let [a, b] = node.input.as_slice() else { return None };
    let (conv, other) = match (walk.graph.made_by(a, "Conv"), walk.graph.made_by(b, "Conv")) {
        (Some(conv), None) => (conv, b),
        (None, Some(conv)) => (conv, a),
        _ => return None,
    };
    let (conv, other) = (Conv::read(walk, conv)?, walk.read(other)?);
    let linear = vec![1.0; conv.shape[0]];
    let (layer, id, size) = convolution(walk, &conv, &conv.rescale(&linear, scale, zero))?;
    let Layer::Pointwise(layer) = layer else { return None };
    if other.known.size != size || other.known.form != Form::Planes || !walk.is_bytes(&other.known) {
        return None;
    }
    let layer = layer.adding(Term { zero: other.zero, factor: other.scale / scale }).ok()?;
    walk.add(Layer::Pointwise(Box::new(layer)), vec![id, other.known.id], Value::Bytes(size))
}

/// `name` as DequantizeLinear of a Resize that repeats each pixel twice in both directions.
fn enlarged(walk: &Walk<'_>, name: &str) -> Option<Read> {
    let node = walk.graph.made_by(name, "DequantizeLinear")?;
    let [x, scale, zero] = node.input.as_slice() else { return None };
    let resize = walk.graph.made_by(x, "Resize")?;
    let [x, _, factors] = resize.input.as_slice() else { return None };
    let mode = |name| text(resize, name).unwrap_or(b"");
    // Both coordinate conventions come to floor(i / 2) for a factor of 2.
    let nearest = mode("mode") == b"nearest"
        && matches!(
            (mode("coordinate_transformation_mode"), mode("nearest_mode")),
            (b"asymmetric", b"floor" | b"round_prefer_floor" | b"") | (b"half_pixel" | b"", _)
        );
    if !nearest || mode("nearest_mode") == b"ceil" || walk.graph.floats(factors)? != [1.0, 1.0, 2.0, 2.0] {
        return None;
    }
    let known = walk.known(x)?.clone();
    Some(Read { known, scale: walk.graph.float(scale)?, zero: walk.graph.byte(zero)? })
}

/// MaxPool 2x2 with stride 2 on bytes: scaling does not change the order.
pub(crate) fn max_pool<'a>(walk: &mut Walk<'a>, node: &'a NodeProto) -> Option<Known> {
    let known = walk.known(node.input.first()?)?.clone();
    let [height, width, channels] = known.size;
    let is = |name: &str, want: &[i64]| whole_numbers(node, name).is_none_or(|v| v == want);
    let square = whole_numbers(node, "kernel_shape")? == [2, 2] && whole_numbers(node, "strides")? == [2, 2];
    let plain =
        is("pads", &[0; 4]) && is("dilations", &[1, 1]) && whole_number(node, "ceil_mode").unwrap_or(0) == 0;
    let fits = known.form == Form::Planes && walk.is_bytes(&known);
    if !square || !plain || !fits || node.output.len() != 1 {
        return None;
    }
    let pool = MaxPool::new(walk.isa, height, width, channels).ok()?;
    walk.add(Layer::MaxPool(pool), vec![known.id], Value::Bytes([height / 2, width / 2, channels]))
}

/// Gemm of a flattened picture, with an f32 result.
pub(crate) fn dense<'a>(walk: &mut Walk<'a>, node: &'a NodeProto) -> Option<Known> {
    let one = |name: &str| node.attribute.iter().find(|a| a.name == name).is_none_or(|a| a.f == 1.0);
    if whole_number(node, "transB") != Some(1) || whole_number(node, "transA").unwrap_or(0) != 0 {
        return None;
    }
    let conv = Conv::numbers(walk, node)?;
    let Known { id, size: [height, width, channels], form } = conv.read.known;
    let [outputs, inputs] = *conv.shape.as_slice() else { return None };
    if form != Form::Row || inputs != height * width * channels || !one("alpha") || !one("beta") {
        return None;
    }
    // ONNX flattens channels by pixels; memory holds pixels by (padded) channels.
    let (cells, n) = (height * width, padded(channels));
    let mut weights = vec![0_i8; outputs * cells * n];
    for (to, from) in weights.chunks_exact_mut(cells * n).zip(conv.weights.chunks_exact(inputs)) {
        for (cell, to) in to.chunks_exact_mut(n).enumerate() {
            for (to, from) in to.iter_mut().zip(from[cell..].iter().step_by(cells)) {
                *to = *from;
            }
        }
    }
    let scale = conv.float_scale();
    let layer = Dense::new(walk.isa, cells * n, &weights, &conv.bias, &scale, conv.read.zero).ok()?;
    let known = walk.add(Layer::Dense(Box::new(layer)), vec![id], Value::Floats([1, 1, outputs]))?;
    Some(Known { form: Form::Row, ..known })
}

/// Conv 1x1, or depthwise 3x3, whose f32 result is used as it is, not quantised.
pub(crate) fn float_conv<'a>(walk: &mut Walk<'a>, node: &'a NodeProto) -> Option<Known> {
    let result = node.output.first()?;
    if walk.graph.is_read_by(result, &["PRelu", "Relu", "QuantizeLinear", "Add"]) {
        return None;
    }
    let conv = Conv::read(walk, node)?;
    if walk.is_image(&conv.read.known) {
        return None;
    }
    let (layer, [rows, columns]) = float_pointwise(walk, &conv).or_else(|| float_depthwise(walk, &conv))?;
    walk.add(layer, vec![conv.read.known.id], Value::Floats([rows, columns, conv.shape[0]]))
}

fn float_pointwise(walk: &Walk<'_>, conv: &Conv) -> Option<(Layer, [usize; 2])> {
    let [height, width, channels] = conv.read.known.size;
    if conv.shape[1..] != [channels, 1, 1] || conv.stride != 1 || conv.pad != [0; 4] {
        return None;
    }
    let scale = conv.float_scale();
    let layer = Dense::new(walk.isa, channels, &conv.weights, &conv.bias, &scale, conv.read.zero).ok()?;
    Some((Layer::Dense(Box::new(layer)), [height, width]))
}

fn float_depthwise(walk: &Walk<'_>, conv: &Conv) -> Option<(Layer, [usize; 2])> {
    let channels = conv.read.known.size[2];
    if conv.shape != [channels, 1, 3, 3] || conv.group != channels {
        return None;
    }
    let (scale, bias) = (conv.float_scale(), &conv.bias);
    let requant = Requant { bias, pos: &scale, neg: &scale, zero_in: conv.read.zero, zero_out: 0 };
    let layer = Depthwise::new(walk.isa, conv.window(), &conv.weights, &requant).ok()?;
    let (rows, columns) = conv.window().output();
    Some((Layer::FloatDepthwise(Box::new(layer)), [rows, columns]))
}
