"""Layers to ONNX: float, or QDQ int8 with given activation scales. The same layers, the same bytes."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR = 13, 8
PIXEL_SCALE, PIXEL_ZERO = 1 / 128, 128


class Writer:
    def __init__(self):
        self.nodes, self.values = [], {}

    def const(self, name, array):
        if name not in self.values:
            self.values[name] = numpy_helper.from_array(np.asarray(array, order="C"), name)
        return name

    def node(self, op, inputs, output, **attrs):
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attrs))
        return output

    def model(self, name, layers):
        side, last = layers[0].picture, layers[-1]
        graph = helper.make_graph(
            self.nodes, name,
            [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, side, side])],
            [helper.make_tensor_value_info(last.y, TensorProto.FLOAT, [1, len(last.b)])],
            list(self.values.values()))
        return helper.make_model(graph, producer_name="facelatch models/build",
                                 opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)


def float_graph(layers, name):
    """The folded network in fp32, with its own input shift: for comparison and calibration."""
    out = Writer()
    shifted = out.node("Sub", ["data", out.const("pixel_zero", np.float32(PIXEL_ZERO))], "shifted")
    out.node("Mul", [shifted, out.const("pixel_scale", np.float32(PIXEL_SCALE))], "scaled")
    for layer in layers:
        x = "scaled" if layer.x == "data" else layer.x
        if layer.dense:
            x = out.node("Flatten", [x], f"{layer.name}_flat")
        w = out.const(f"{layer.name}_weight", shaped(layer, layer.w).astype(np.float32))
        b = out.const(f"{layer.name}_bias", layer.b.astype(np.float32))
        product(out, layer, x, w, b, lambda tensor: tensor)
    return out.model(name, layers)


def quantise_weights(layer):
    """Signed, one scale an output channel, never -128: two products then fit a 16-bit sum."""
    flat = layer.w.reshape(len(layer.w), -1)
    scale = (np.abs(flat).max(1).clip(1e-12) / 127).astype(np.float32)
    q = np.rint(flat / scale[:, None].astype(np.float64)).clip(-127, 127).astype(np.int8)
    return q.reshape(layer.w.shape), scale


def qdq_graph(layers, tensors, name):
    """`tensors`: name -> (scale, zero point) of every tensor between layers, u8."""
    out = Writer()

    def dequantised(tensor):
        """One node per reader, so that a graph rewrite sees whole patterns."""
        scale, zero = scale_of(tensor)
        count = sum(n.op_type == "DequantizeLinear" and n.input[0] == f"{tensor}_u8" for n in out.nodes)
        suffix = f"_{count + 1}" if count else ""
        return out.node("DequantizeLinear", [f"{tensor}_u8", scale, zero], f"{tensor}_dq{suffix}")

    def scale_of(tensor):
        scale, zero = (PIXEL_SCALE, PIXEL_ZERO) if tensor == "data" else tensors[tensor]
        return (out.const(f"{tensor}_scale", np.float32(scale)),
                out.const(f"{tensor}_zero", np.uint8(zero)))

    # A pixel is its own u8; it is read back around 128, which makes zero padding a grey border.
    out.node("QuantizeLinear", ["data", out.const("pixel_scale", np.float32(1)),
                                out.const("pixel_zero", np.uint8(0))], "data_u8")
    for layer in layers:
        if layer.dense:
            flat = out.node("Flatten", [f"{layer.x}_u8"], f"{layer.name}_flat_u8")
            x = out.node("DequantizeLinear", [flat, *scale_of(layer.x)], f"{layer.name}_flat_dq")
        else:
            x = dequantised(layer.x)
        q, scale = quantise_weights(layer)
        w = out.node("DequantizeLinear",
                     [out.const(f"{layer.name}_weight_s8", shaped(layer, q)),
                      out.const(f"{layer.name}_weight_scale", scale),
                      out.const(f"{layer.name}_weight_zero", np.zeros(len(scale), np.int8))],
                     f"{layer.name}_weight_dq", axis=0)
        b = out.const(f"{layer.name}_bias", layer.b.astype(np.float32))
        last = layer is layers[-1]
        y = product(out, layer, x, w, b, dequantised, layer.y if last else f"{layer.y}_f32")
        if not last:
            out.node("QuantizeLinear", [y, *scale_of(layer.y)], f"{layer.y}_u8")
    return out.model(name, layers)


def shaped(layer, w):
    return w.reshape(len(w), -1) if layer.dense else w


def product(out, layer, x, w, b, residual, final=None):
    """Convolution or matrix, then residual sum, then PReLU: the last of them is named `final`."""
    final = final or layer.y
    steps = [layer.residual is not None, layer.slope is not None]
    y = f"{layer.name}_conv" if any(steps) else final
    if layer.dense:
        out.node("Gemm", [x, w, b], y, transB=1)
    else:
        kernel = layer.w.shape[2:]
        out.node("Conv", [x, w, b], y, kernel_shape=kernel, strides=[layer.stride] * 2,
                 pads=layer.pads, group=layer.group)
    if layer.residual is not None:
        y = out.node("Add", [y, residual(layer.residual)], f"{layer.name}_sum" if steps[1] else final)
    if layer.slope is not None:
        slope = out.const(f"{layer.name}_slope", layer.slope.reshape(-1, 1, 1).astype(np.float32))
        y = out.node("PRelu", [y, slope], final)
    return y
