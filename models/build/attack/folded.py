"""The trained network as the list of layers that graphs.py writes, BatchNorm folded.

weights.npz holds what train.py found, folded, in half precision: the float network that the int8 one is made of.
"""

from pathlib import Path

import numpy as np

import layers
from attack import shape

WEIGHTS = Path(__file__).parent / "weights.npz"
SIDE = 128  # of the picture
EPSILON = 1e-5  # PyTorch's


def plan():
    """(name, key in the state of PyTorch, stride, residual, active) of every convolution, in order."""
    rows, inputs = [("stem", "stem", 2, False, True)], shape.STEM
    for i, (inner, outputs, stride) in enumerate(shape.BLOCKS):
        residual = stride == 1 and inputs == outputs
        rows += [(f"block{i + 1}_expand", f"blocks.{i}.expand", 1, False, True),
                 (f"block{i + 1}_depth", f"blocks.{i}.depth", stride, False, True),
                 (f"block{i + 1}_project", f"blocks.{i}.project", 1, residual, False)]
        inputs = outputs
    return rows + [("last", "last", 1, False, True)]


def fold(state):
    """PyTorch's state to name -> array, float64. The temperature is not in it yet."""
    out = {}
    value = {k: v.double().cpu().numpy() for k, v in state.items()}
    for name, key, _, _, active in plan():
        gain = value[f"{key}.1.weight"] / np.sqrt(value[f"{key}.1.running_var"] + EPSILON)
        out[f"{name}.w"] = value[f"{key}.0.weight"] * gain[:, None, None, None]
        out[f"{name}.b"] = value[f"{key}.1.bias"] - value[f"{key}.1.running_mean"] * gain
        if active:
            out[f"{name}.slope"] = value[f"{key}.2.weight"]
    out["pool.w"], out["pool.b"] = value["pool.weight"], value["pool.bias"]
    out["logits.w"], out["logits.b"] = value["logits.weight"][:, :, None, None], value["logits.bias"]
    return out


def read(path=WEIGHTS):
    with np.load(path) as file:
        value = {k: file[k].astype(np.float64) for k in file.files}
    out, x, before = [], "data", None
    for name, _, stride, residual, active in plan():
        if name.endswith("expand"):
            before = x
        w, deep = value[f"{name}.w"], name.endswith("depth")
        pads = (w.shape[2] // 2,) * 4
        out.append(layers.Layer(name, x, name, w, value[f"{name}.b"], stride, pads, len(w) if deep else 1,
                                value[f"{name}.slope"] if active else None, before if residual else None))
        x = name
    w = value["pool.w"]
    out.append(layers.Layer("pool", x, "pool", w, value["pool.b"], group=len(w)))
    out.append(layers.Layer("logits", "pool", "logits", value["logits.w"], value["logits.b"], dense=True))
    out[0].picture = SIDE
    return out
