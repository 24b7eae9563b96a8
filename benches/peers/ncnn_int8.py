"""A float network of ncnn as int8, in the layout that ncnn reads (its own tools are not on PyPI).

Weights one scale a channel (depthwise: a group), inputs one scale a layer, from the largest value seen on
some pictures. Good for timing; a few pictures of noise are no calibration.
"""
import struct
from pathlib import Path

import ncnn
import numpy as np

INT8 = 0x000D4B38  # ncnn's mark in front of int8 weights
FLOAT = 0


def largest_inputs(stem, names, pictures):
    net = ncnn.Net()
    net.load_param(f"{stem}.param")
    net.load_model(f"{stem}.bin")
    most = dict.fromkeys(names, 0.0)
    for picture in pictures:
        mat = ncnn.Mat(picture).clone()
        for name in names:
            extractor = net.create_extractor()
            extractor.input("in0", mat)
            most[name] = max(most[name], float(np.abs(np.array(extractor.extract(name)[1])).max()))
    return most


def convert(stem, out, pictures):
    """Reads stem.param and stem.bin, writes out.param and out.bin; pictures: float32 [3][h][w]."""
    lines = Path(f"{stem}.param").read_text().splitlines()
    layers = [line.split() for line in lines[2:]]
    weighted = {"Convolution": (0, 5, 6), "ConvolutionDepthWise": (7, 5, 6), "InnerProduct": (0, 1, 2)}
    most = largest_inputs(stem, [words[4] for words in layers if words[0] in weighted], pictures)
    data, at, made = Path(f"{stem}.bin").read_bytes(), 0, b""

    def floats(count):
        nonlocal at
        at += 4 * count
        return np.frombuffer(data, "<f4", count, at - 4 * count)

    for i, words in enumerate(layers):
        ins, outs = int(words[2]), int(words[3])
        numbers = dict(word.split("=") for word in words[4 + ins + outs:] if not word.startswith("-"))
        if words[0] == "PReLU":
            made += floats(int(numbers["0"])).tobytes()
        if words[0] not in weighted:
            continue
        rows, bias, size = (int(numbers.get(str(key), 0)) for key in weighted[words[0]])
        (mark,) = struct.unpack_from("<I", data, at)
        assert mark == FLOAT, f"{words[1]}: weights are not fp32"
        at += 4
        weights = floats(size).reshape(rows, -1)
        scales = 127 / np.maximum(np.abs(weights).max(1), 1e-9)
        whole = np.clip(np.round(weights * scales[:, None]), -127, 127).astype(np.int8).tobytes()
        made += struct.pack("<I", INT8) + whole + bytes(-len(whole) % 4)
        if bias:
            made += floats(int(numbers["0"])).tobytes()
        made += scales.astype("<f4").tobytes() + struct.pack("<f", 127 / max(most[words[4]], 1e-9))
        lines[2 + i] += " 8=1"
    assert at == len(data), f"{len(data) - at} bytes of {stem}.bin were not understood"
    Path(f"{out}.param").write_text("\n".join(lines) + "\n")
    Path(f"{out}.bin").write_bytes(made)
