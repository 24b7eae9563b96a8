"""The forms in which the peers are at their fastest, made once into a folder.

    python forms.py PACKAGES OUT

PACKAGES: where models/build keeps the registry packages. OUT gets, for each embedder:
NAME.onnx (float), NAME-split.onnx (PRelu as max(x, ax), or relu(x) + a(x - relu(x)) where a slope is above 1: the
same function, twice as fast in onnxruntime), NAME-int8.onnx (onnxruntime's own quantisation of that, u8 x s8),
NAME.ncnn and NAME-int8.ncnn; and yunet.onnx, yunet-int8.onnx, yunet.ncnn, mobilefacenet.tflite.
Calibrated on noise: what a network says is worthless then, how long it takes is not.
"""
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

import ncnn_int8

sys.path.insert(0, str(Path(__file__).parents[2] / "models/build"))
import packages  # noqa: E402
import recipe  # noqa: E402


def noise(side, count=2):
    random = np.random.default_rng(1)
    return [random.integers(0, 256, (3, side, side)).astype(np.float32) for _ in range(count)]


class Noise(CalibrationDataReader):
    def __init__(self, name, side):
        self.pictures = iter({name: picture[None]} for picture in noise(side))

    def get_next(self):
        return next(self.pictures, None)


def split_prelu(model):
    slopes = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        if node.op_type != "PRelu":
            nodes.append(node)
            continue
        (x, a), y = node.input, node.output[0]
        if slopes[a].max() <= 1:
            nodes += [helper.make_node("Mul", [x, a], [y + "_ax"]), helper.make_node("Max", [x, y + "_ax"], [y])]
        else:
            nodes += [helper.make_node("Relu", [x], [y + "_pos"]), helper.make_node("Sub", [x, y + "_pos"], [y + "_neg"]),
                      helper.make_node("Mul", [y + "_neg", a], [y + "_aneg"]),
                      helper.make_node("Add", [y + "_pos", y + "_aneg"], [y])]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def quantised(source, out, side):
    name = onnx.load(source).graph.input[0].name
    quantize_static(source, out, Noise(name, side), per_channel=True, activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8, op_types_to_quantize=["Conv", "Gemm"])


def pnnx_program():
    return str(Path(importlib.util.find_spec("pnnx").origin).with_name("pnnx"))


def ncnn(path, side):
    """NAME.ncnn.param and .bin beside NAME.onnx."""
    words = [pnnx_program(), path.name, f"inputshape=[1,3,{side},{side}]", "fp16=0"]
    subprocess.run(words, cwd=path.parent, check=True, stdout=subprocess.DEVNULL)


def embedder(name, folder, out):
    path = out / f"{name}.onnx"
    path.write_bytes(recipe.float_embedder(name, folder))
    onnx.save(split_prelu(onnx.load(path)), out / f"{name}-split.onnx")
    quantised(out / f"{name}-split.onnx", out / f"{name}-int8.onnx", 112)
    ncnn(path, 112)
    ncnn_int8.convert(out / f"{name}.ncnn", out / f"{name}-int8.ncnn", noise(112))


def main():
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    for name in ["sface", "mobilefacenet"]:
        embedder(name, folder, out)
    detector = onnx.load_from_string(recipe.float_detector(folder))
    for dimension, size in zip(detector.graph.input[0].type.tensor_type.shape.dim, [1, 3, 320, 320]):
        dimension.dim_value = size
    onnx.save(detector, out / "yunet.onnx")
    quantised(out / "yunet.onnx", out / "yunet-int8.onnx", 320)
    ncnn(out / "yunet.onnx", 320)
    (out / "mobilefacenet.tflite").write_bytes(packages.source("mobilefacenet", folder))


main()
