"""A face network as a plain list of layers, read from SFace's ONNX or MobileFaceNet's TFLite.

A layer is one convolution (or the last matrix) with everything that follows it in the same pass:
bias, batch normalisation (folded), residual sum, PReLU. Tensors go by name; the picture is "data",
taken as (pixel - 128) / 128.
"""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper

import tflite


@dataclass
class Layer:
    name: str
    x: str
    y: str
    w: np.ndarray  # (out, in / group, kernel, kernel), float64
    b: np.ndarray  # (out,)
    stride: int = 1
    pads: tuple = (0, 0, 0, 0)  # top, left, bottom, right
    group: int = 1
    slope: np.ndarray | None = None  # PReLU, one an output channel
    residual: str | None = None  # added before anything else sees the result
    dense: bool = False  # flatten first, then a matrix
    picture: int = 112  # side of the input; read from the first layer

    @property
    def depthwise(self):
        return self.group > 1


def scale_outputs(layer, gain, shift):
    layer.w = layer.w * gain.reshape(-1, 1, 1, 1)
    layer.b = layer.b * gain + shift


def centre_input(layers):
    """The networks want (pixel - 127.5) / 128; our zero is pixel 128, so half a level goes to the bias.

    Inside the picture that is exact. A padded border now reads as pixel 128 instead of 127.5.
    """
    first = layers[0]
    first.b = first.b + first.w.sum((1, 2, 3)) * (0.5 / 128)


def read_sface(data):
    graph = onnx.load_from_string(data).graph
    value = {i.name: numpy_helper.to_array(i).astype(np.float64) for i in graph.initializer}
    layers, pending = [], None

    def normalisation(node):
        gamma, beta, mean, var = (value[n] for n in node.input[1:])
        gain = gamma / np.sqrt(var + next(a.f for a in node.attribute if a.name == "epsilon"))
        return gain, beta - mean * gain

    assert value["scalar_op1"] == 127.5 and value["scalar_op2"] == 1 / 128
    for node in graph.node:
        attrs = {a.name: a for a in node.attribute}
        if node.op_type == "Conv":
            w = value[node.input[1]]
            name = node.output[0].removesuffix("_conv2d")
            layers.append(Layer(name, layers[-1].y if layers else "data", name, w, np.zeros(len(w)),
                                attrs["strides"].ints[0], tuple(attrs["pads"].ints), attrs["group"].i))
        elif node.op_type == "PRelu":
            layers[-1].slope = value[node.input[1]].reshape(-1)
        elif node.op_type == "Gemm":
            w = value[node.input[1]]
            gain, shift = pending
            w = w.reshape(len(w), len(gain), -1)
            b = value[node.input[2]] + (w * shift[None, :, None]).sum((1, 2))
            w = (w * gain[None, :, None]).reshape(len(w), len(gain), 7, 7)
            layers.append(Layer("fc1", layers[-1].y, "fc1", w, b, dense=True))
        elif node.op_type == "BatchNormalization":
            # The one after the last PReLU can't go back through it, so it goes into the matrix.
            if layers[-1].slope is None:
                scale_outputs(layers[-1], *normalisation(node))
            else:
                pending = normalisation(node)
        else:
            assert node.op_type in ("Sub", "Mul", "Dropout", "Flatten"), node.op_type
    centre_input(layers)
    return layers


def same_padding(size, kernel, stride):
    """What TensorFlow calls SAME: the odd pixel goes to the far side."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def read_mobilefacenet(data):
    model = tflite.read(data)
    tensors, layers = model.tensors, []
    names = {model.inputs[0]: "data"}
    made_by = {}
    for op in model.operators:
        x, y = op.inputs[0], op.outputs[0]
        if op.kind in ("conv", "depthwise"):
            w = tensors[op.inputs[1]].value.astype(np.float64)
            depthwise = op.kind == "depthwise"
            w = w.transpose(3, 0, 1, 2) if depthwise else w.transpose(0, 3, 1, 2)
            before, after = same_padding(tensors[x].shape[1], w.shape[2], op.stride)
            pads = (before, before, after, after) if op.same else (0, 0, 0, 0)
            layer = Layer(f"conv_{len(layers) + 1}" + ("_dw" if depthwise else ""), names[x], "", w,
                          tensors[op.inputs[2]].value.astype(np.float64), op.stride, pads,
                          len(w) if depthwise else 1)
            layer.y = names[y] = layer.name
            layers.append(layer)
            made_by[y] = layer
        elif op.kind == "mul":  # PReLU is written relu(x) + k * (x - |x|), so its slope is 2k
            layers[-1].slope = 2 * tensors[x].value.astype(np.float64)
        elif op.kind == "add":
            if x in made_by:
                layer = made_by[x]
                layer.residual = names[op.inputs[1]]
            else:
                layer = layers[-1]
            names[y] = layer.y
            made_by[y] = layer
        else:
            assert op.kind in ("relu", "abs", "sub", "reshape"), op.kind
    merge_linear_tail(layers)
    centre_input(layers)
    return layers


def merge_linear_tail(layers):
    """Merges the last two 1x1 layers into one matrix, since nothing lies between them."""
    first, second = layers[-2:]
    assert first.slope is None and first.residual is None and first.w.shape[2] == 1
    a, b = first.w[:, :, 0, 0], second.w[:, :, 0, 0]
    merged = Layer("embedding", first.x, "embedding", (b @ a)[:, :, None, None],
                   b @ first.b + second.b, dense=True)
    layers[-2:] = [merged]
