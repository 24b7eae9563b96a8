"""Find the activation ranges of YuNet from pictures; writes ranges-yunet.json.

    python models/build/calibrate_detector.py DATA_DIR [WORK_DIR]

Needed only when the quantisation changes; everybody else uses the file. Pictures: every third of the people
with an even number in att, yale and faces94, half of them as they are and half made smaller somewhere in an
even frame, and seven bundled ones.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import calibrate
import datasets
import detector
import equalise
import packages
import recipe
import vision

SETS = ("att", "yale", "faces94")
BUNDLED = ("obama-1", "obama-2", "two-faces", "coffee", "rocket", "dark", "far")
FACES = recipe.MODELS.parent / "tests/data/faces"
TAIL = 0.999  # of the pictures, per channel: rarer extremes are clipped
SAMPLES = 40  # places kept of each tensor and picture


def pictures(data, even):
    """(set, person, RGB) of the people with an even, or odd, number."""
    for name in SETS:
        people = sorted(p for p in (Path(data) / name).iterdir() if p.is_dir())
        for person in people[0 if even else 1::2]:
            for file in sorted(person.iterdir()):
                rgb = vision.read_rgb(file)
                yield name, person.name, rgb if name == "yale" else datasets.enlarged(rgb)


def smaller(rgb, seed):
    """The picture at 25 to 100 % of its size, somewhere on even grey."""
    random = np.random.default_rng(seed)
    share = random.uniform(0.25, 1.0)
    width, height = (max(40, int(n * share)) for n in (rgb.shape[1], rgb.shape[0]))
    canvas = np.full(rgb.shape, int(random.integers(0, 255)), np.uint8)
    y = int(random.integers(0, canvas.shape[0] - height + 1))
    x = int(random.integers(0, canvas.shape[1] - width + 1))
    canvas[y:y + height, x:x + width] = np.asarray(
        Image.fromarray(rgb).resize((width, height), Image.BILINEAR))
    return canvas


def calibration_inputs(data):
    seen = [rgb for _, _, rgb in pictures(data, even=True)][::3]
    seen = [rgb if i % 2 else smaller(rgb, i) for i, rgb in enumerate(seen)]
    seen += [vision.read_rgb(FACES / f"{name}.jpg") for name in BUNDLED]
    return [vision.detector_input(vision.letterbox(rgb)[0]) for rgb in seen]


class Statistics:
    """Ranges per channel, and samples, of every tensor that will be quantised."""

    def __init__(self, net, tensors, inputs):
        names = [net.seen_as(t) for t in tensors]
        run = vision.session(net.model(net.layers, extra=names).SerializeToString(), optimise=True).run
        random = np.random.default_rng(2)
        high, low, samples = ({t: [] for t in tensors} for _ in range(3))
        for x in inputs:
            for tensor, value in zip(tensors, run(names, {"input": x})):
                flat = value.reshape(value.shape[1], -1)
                high[tensor].append(flat.max(1))
                low[tensor].append(flat.min(1))
                samples[tensor].append(flat[:, random.integers(0, flat.shape[1], SAMPLES)].T)
        self.high = {t: np.quantile(v, TAIL, axis=0).clip(0).astype(float) for t, v in high.items()}
        self.low = {t: np.quantile(v, 1 - TAIL, axis=0).clip(None, 0).astype(float) for t, v in low.items()}
        self.samples = {t: np.concatenate(v).astype(np.float32) for t, v in samples.items()}


def means(net, layers, tensors, names, inputs):
    run = vision.session(net.model(layers, tensors, names).SerializeToString(), optimise=True).run
    return [np.mean([v.mean((0, 2, 3)) for v in each], axis=0)
            for each in zip(*(run(names, {"input": x}) for x in inputs))]


def main():
    data = sys.argv[1]
    work = Path(sys.argv[2] if len(sys.argv) > 2 else "work")
    net = detector.YuNet(packages.source("yunet", work / "packages"))
    inputs = calibration_inputs(data)
    groups = net.groups()
    tensors = [t for group in groups for t in group]
    stats = Statistics(net, tensors, inputs)
    out = {"detector": "yunet", "calibrated_on": f"{len(inputs)} pictures: even people of {', '.join(SETS)}, "
           f"and {len(BUNDLED)} bundled ones", "channel_scales": [], "tensors": {"input": [1.0, 0]},
           "bias_shifts": {}}
    for group in groups:
        _, s, _ = calibrate.equalised(net.layers, stats, group)
        equalise.apply(net.layers, group, s)
        for tensor in group:
            stats.low[tensor], stats.high[tensor] = stats.low[tensor] / s, stats.high[tensor] / s
            stats.samples[tensor] = stats.samples[tensor] / s.astype(np.float32)
        out["channel_scales"].append({"tensors": group, "scale": s.tolist()})
    for tensor in tensors:
        low, high = stats.low[tensor].min(), stats.high[tensor].max()
        _, scale, zero = calibrate.choose_range(net.layers, tensor, stats.samples[tensor], low, high)
        out["tensors"][tensor] = [scale, zero]
    # Correct, layer by layer, the shift of each channel's mean caused by the rounding so far.
    some = inputs[::4]
    wanted = means(net, net.layers, None, [layer.y for layer in net.layers], some)
    for layer, exact in zip(net.layers, wanted):
        [rounded] = means(net, net.layers, out["tensors"], [layer.y], some)
        shift = np.array([calibrate.round_to(v, 4) for v in exact - rounded])
        layer.b = layer.b + shift
        out["bias_shifts"][layer.name] = shift.tolist()
    path = recipe.BUILD / "ranges-yunet.json"
    path.write_text(recipe.compact(out))
    print(path)


if __name__ == "__main__":
    main()
