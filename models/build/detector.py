"""YuNet as layers and the steps between them; both forms of its graph, float and QDQ int8.

A tensor goes by the name that the original graph gives it. What a ReLU, a pooling or an enlargement makes has
the scale of what it reads, so all of them share that tensor's scale; a sum has one of its own. The last
convolution of each head gives f32, and sigmoids and shapes after it stay as they are.
"""

import copy

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto

import graphs
from layers import Layer

OPSET, IR = 13, 8


class YuNet:
    def __init__(self, data):
        self.graph = onnx.load_from_string(data).graph
        self.values = {i.name: numpy_helper.to_array(i) for i in self.graph.initializer}
        self.layers, self.relu, self.sums = [], set(), {}
        self.source = {"input": "input"}  # tensor of the original -> tensor whose scale it has
        for node in self.graph.node:
            self.read(node)
        # The heads' last convolutions: their results are not quantised.
        self.results = {self.source[n.input[0]] for n in self.graph.node if n.op_type == "Transpose"}

    def read(self, node):
        x, y = node.input[0], node.output[0]
        if node.op_type == "Conv":
            attrs = {a.name: a for a in node.attribute}
            w, b = (self.values[name].astype(float) for name in node.input[1:])
            self.layers.append(Layer(y, self.source[x], y, w, b, attrs["strides"].ints[0],
                                     tuple(attrs["pads"].ints), attrs["group"].i))
            self.source[y] = y
        elif node.op_type == "Relu":
            self.source[y] = self.source[x]
            self.relu.add(self.source[x])
        elif node.op_type in ("MaxPool", "Resize"):
            self.source[y] = self.source[x]
        elif node.op_type == "Add":
            self.source[y] = y
            self.sums[y] = [self.source[name] for name in node.input]

    def groups(self):
        """Tensors that must share a scale, because a sum joins them."""
        tied = {}
        for y, terms in self.sums.items():
            for tensor in terms:
                tied.setdefault(tensor, set()).update([*terms, y])
        groups, done = [], set(self.results)
        for layer in self.layers:
            if layer.y not in done:
                group = sorted(tied.get(layer.y, {layer.y}))
                groups.append(group)
                done.update(group)
        return groups

    def seen_as(self, tensor):
        """Where a tensor's values appear in the float graph: after its ReLU."""
        return f"{tensor}_relu" if tensor in self.relu else tensor

    def model(self, layers, tensors=None, extra=()):
        """The graph with free height and width; int8 with `tensors`: name -> (scale, zero point).

        `extra`: more tensors to give out.
        """
        return Build(self, layers, tensors).model(extra)


class Build:
    def __init__(self, net, layers, tensors):
        self.net, self.layers, self.tensors = net, {layer.y: layer for layer in layers}, tensors
        self.out = graphs.Writer()
        self.now = {"input": self.quantised("input", "input")}  # original tensor -> tensor here

    def scale_of(self, tensor):
        scale, zero = self.tensors[tensor]
        return (self.out.const(f"{tensor}_scale", np.float32(scale)),
                self.out.const(f"{tensor}_zero", np.uint8(zero)))

    def quantised(self, tensor, value):
        if self.tensors is None or tensor in self.net.results:
            return value
        return self.out.node("QuantizeLinear", [value, *self.scale_of(tensor)], f"{value}_u8")

    def dequantised(self, tensor, value, reader):
        """One node per reader, so that a graph rewrite sees whole patterns."""
        if self.tensors is None:
            return value
        return self.out.node("DequantizeLinear", [value, *self.scale_of(tensor)], f"{value}_dq_{reader}")

    def weights(self, layer):
        if self.tensors is None:
            return self.out.const(f"{layer.name}_weight", layer.w.astype(np.float32))
        q, scale = graphs.quantise_weights(layer)
        return self.out.node("DequantizeLinear",
                             [self.out.const(f"{layer.name}_weight_s8", q),
                              self.out.const(f"{layer.name}_weight_scale", scale),
                              self.out.const(f"{layer.name}_weight_zero", np.zeros(len(scale), np.int8))],
                             f"{layer.name}_weight_dq", axis=0)

    def conv(self, node):
        layer = self.layers[node.output[0]]
        x = self.dequantised(layer.x, self.now[node.input[0]], layer.name)
        b = self.out.const(f"{layer.name}_bias", layer.b.astype(np.float32))
        y = self.out.node("Conv", [x, self.weights(layer), b], layer.y, kernel_shape=layer.w.shape[2:],
                          strides=[layer.stride] * 2, pads=layer.pads, group=layer.group)
        return y if layer.y in self.net.relu else self.quantised(layer.y, y)

    def add(self, node):
        terms = [self.dequantised(self.net.source[name], self.now[name], f"{node.output[0]}_{k}")
                 for k, name in enumerate(node.input)]
        return self.quantised(node.output[0], self.out.node("Add", terms, node.output[0]))

    def step(self, node):
        """Converts one node of the original; returns its output here."""
        y = node.output[0]
        if node.op_type == "Conv":
            return self.conv(node)
        if node.op_type == "Add":
            return self.add(node)
        if node.op_type == "Relu":
            tensor = self.net.source[y]
            return self.quantised(tensor, self.out.node("Relu", [self.now[node.input[0]]], f"{tensor}_relu"))
        if node.op_type == "MaxPool":
            return self.out.node("MaxPool", [self.now[node.input[0]]], f"{y}_pool", kernel_shape=[2, 2],
                                 strides=[2, 2])
        if node.op_type == "Resize":
            twice = self.out.const("twice", np.array([1, 1, 2, 2], np.float32))
            return self.out.node("Resize", [self.now[node.input[0]], "", twice], f"{y}_twice", mode="nearest",
                                 coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        same = copy.deepcopy(node)
        same.input[0] = self.now.get(node.input[0], node.input[0])
        for name in node.input:
            if name in self.net.values:
                self.out.const(name, self.net.values[name])
        self.out.nodes.append(same)
        return y

    def model(self, extra):
        for node in self.net.graph.node:
            self.now[node.output[0]] = self.step(node)
        outputs = [helper.make_tensor_value_info(
            o.name, TensorProto.FLOAT,
            [1, f"cells_{o.name.split('_')[1]}", o.type.tensor_type.shape.dim[2].dim_value])
            for o in self.net.graph.output]
        inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "height", "width"])]
        graph = helper.make_graph(self.out.nodes, "yunet", inputs, outputs, list(self.out.values.values()))
        graph.output.extend(helper.make_empty_tensor_value_info(name) for name in extra)
        return helper.make_model(graph, producer_name="facelatch models/build",
                                 opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
