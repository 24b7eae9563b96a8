"""From the packages' files to the models that ship: what build.py and calibrate.py share."""

import json
from pathlib import Path

import numpy as np
import onnx

import detector
import equalise
import graphs
import layers
import packages
from attack import folded

BUILD = Path(__file__).parent
MODELS = BUILD.parent
READERS = {"sface": layers.read_sface, "mobilefacenet": layers.read_mobilefacenet}


def read_layers(name, folder):
    return READERS[name](packages.source(name, folder))


def compact(ranges):
    """One line a tensor: readable in a diff, and not one line a number."""
    def block(items):
        return ",\n".join("  " + item for item in items)

    def pairs(key):
        return block(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in ranges[key].items())

    head = ",\n".join(f"{json.dumps(k)}: {json.dumps(ranges[k])}" for k, v in ranges.items() if isinstance(v, str))
    scales = block(json.dumps(g) for g in ranges["channel_scales"])
    return (f"{{\n{head},\n\"tensors\": {{\n{pairs('tensors')}\n}},\n"
            f"\"channel_scales\": [\n{scales}\n],\n\"bias_shifts\": {{\n{pairs('bias_shifts')}\n}}\n}}\n")


def quantised_embedder(name, folder):
    return quantised(name, read_layers(name, folder))


def quantised_attack():
    """From the committed weights; how they were trained: attack/train.py."""
    return quantised("attack", folded.read())


def quantised(name, net):
    ranges = json.loads((BUILD / f"ranges-{name}.json").read_text())
    for group in ranges["channel_scales"]:
        equalise.apply(net, group["tensors"], np.array(group["scale"]))
    for layer in net:
        layer.b = layer.b + np.array(ranges["bias_shifts"][layer.name])
    return checked(graphs.qdq_graph(net, ranges["tensors"], name))


def float_embedder(name, folder):
    return checked(graphs.float_graph(read_layers(name, folder), name))


def checked(model):
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def quantised_detector(folder):
    ranges = json.loads((BUILD / "ranges-yunet.json").read_text())
    net = detector.YuNet(packages.source("yunet", folder))
    for group in ranges["channel_scales"]:
        equalise.apply(net.layers, group["tensors"], np.array(group["scale"]))
    for layer in net.layers:
        layer.b = layer.b + np.array(ranges["bias_shifts"][layer.name])
    return checked(net.model(net.layers, ranges["tensors"]))


def float_detector(folder):
    """YuNet with free height and width, nothing else changed."""
    net = detector.YuNet(packages.source("yunet", folder))
    return checked(net.model(net.layers))
