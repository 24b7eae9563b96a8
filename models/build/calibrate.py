"""Find activation ranges, channel scales and bias shifts of an embedder: ranges-NAME.json.

    python models/build/calibrate.py sface DATA_DIR [WORK_DIR]

DATA_DIR holds the sets named in datasets.py. Half of the people of att and wild112 are used (even
numbers in sorted order), so that report.py can measure on people never calibrated on.
The file holds all that build.py needs, so nobody else needs the pictures.
"""

import copy
import sys
from pathlib import Path

import numpy as np
import onnx

import datasets
import equalise
import graphs
import recipe
import vision

CHIPS = 320
PIXELS = 24  # sampled positions a chip and tensor


def calibration_chips(sets):
    pool = []
    for name in ("att", "wild112"):
        chips, people = sets[name]
        pool.append(chips[datasets.calibration_half(people)])
    share = CHIPS // len(pool)
    return np.concatenate([c[np.linspace(0, len(c) - 1, min(share, len(c))).astype(int)] for c in pool])


def as_input(chip):
    return np.ascontiguousarray(chip.transpose(2, 0, 1)[None], dtype=np.float32)


def expose(model, names):
    del model.graph.output[:]
    for name in names:
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    return model


class Statistics:
    """Of every tensor: extremes a channel, and sampled positions, all from the float network."""

    def __init__(self, layers, chips):
        names = [layer.y for layer in layers]
        run = vision.session(expose(graphs.float_graph(layers, "float"), names).SerializeToString(),
                             optimise=True).run
        random = np.random.default_rng(1)
        high, low, samples = ({n: [] for n in names} for _ in range(3))
        for chip in chips:
            for name, value in zip(names, run(names, {"data": as_input(chip)})):
                flat = value.reshape(value.shape[1], -1)
                high[name].append(flat.max(1))
                low[name].append(flat.min(1))
                take = random.integers(0, flat.shape[1], PIXELS) if flat.shape[1] > PIXELS else slice(None)
                samples[name].append(flat[:, take].T)
        # A channel's range is what 1 chip in 100 exceeds somewhere: rarer peaks may be clipped.
        self.high = {n: np.quantile(high[n], 0.99, axis=0).clip(0).astype(float) for n in names}
        self.low = {n: np.quantile(low[n], 0.01, axis=0).clip(None, 0).astype(float) for n in names}
        self.samples = {n: np.concatenate(samples[n]).astype(np.float32) for n in names}


def quantised(x, scale, zero):
    return (np.clip(np.rint(x / scale) + zero, 0, 255) - zero) * scale


def grid(low, high):
    """Scale and zero point for a range that holds 0."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = round_to((high - low) / 255)
    return scale, int(np.clip(np.rint(-low / scale), 0, 255))


def round_to(value, digits=6):
    """Few digits, so that the file is small and reads back the same."""
    return float(f"{value:.{digits}g}")


def readers(layers, tensors):
    return [l for l in layers if l.x in tensors]


def output_error(reader, x, scale, zero):
    """Mean square error of a 1x1 reader, from its input's and its weights' rounding."""
    if reader.depthwise or reader.w.shape[2] > 1:
        return float(((quantised(x, scale, zero) - x) ** 2).mean())
    w = reader.w[:, :, 0, 0]
    q, s = graphs.quantise_weights(reader)
    wq = (q.reshape(w.shape) * s[:, None]).astype(np.float32)
    error = quantised(x, scale, zero) @ wq.T - x @ w.T.astype(np.float32)
    return float((error ** 2).mean() / (x @ w.T.astype(np.float32)).var())


def choose_range(layers, tensor, x, low, high):
    best = None
    for shrink_high in (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6):
        for shrink_low in (1.0, 0.9, 0.8, 0.7):
            scale, zero = grid(low * shrink_low, high * shrink_high)
            error = sum(output_error(r, x, scale, zero) for r in readers(layers, [tensor]))
            if best is None or error < best[0]:
                best = (error, scale, zero)
    return best


def equalised(layers, stats, group):
    """Scale one group of tensors by the strength that gives its readers the least error."""
    low = np.min([stats.low[t] for t in group], axis=0)
    high = np.max([stats.high[t] for t in group], axis=0)
    full, _ = equalise.channel_scale(low, high)
    full = full / np.exp(np.log(full).mean())
    free = all(r.depthwise for r in readers(layers, group))
    best = None
    for strength in ([1.0] if free else [0.0, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]):
        s = np.array([round_to(v, 5) for v in full ** strength])
        trial = copy.deepcopy(readers(layers, group))
        equalise.apply(trial, group, s)
        error = 0.0
        for tensor in group:
            x = stats.samples[tensor][::4] / s.astype(np.float32)
            lo, hi = (stats.low[tensor] / s).min(), (stats.high[tensor] / s).max()
            error += choose_range(trial, tensor, x, lo, hi)[0]
        if best is None or error < best[0]:
            best = (error, s, strength)
    return best


def bias_shifts(layers, plain, tensors, chips):
    """Corrects, layer by layer, the shift of each channel's mean caused by the rounding so far."""
    shifts = {}
    for k in range(len(layers)):
        both = []
        for source, build in ((plain, graphs.float_graph),
                              (layers, lambda l, n: graphs.qdq_graph(l, tensors, n))):
            part = copy.copy(source[:k + 1])
            part[k] = copy.copy(part[k])
            part[k].slope = None
            model = expose(build(part, "part"), [part[k].y])
            session = vision.session(model.SerializeToString(), optimise=True)
            axis = (0,) if part[k].dense else (0, 2, 3)
            both.append(np.mean([session.run(None, {"data": as_input(c)})[0].mean(axis)
                                 for c in chips], axis=0))
        shift = np.array([round_to(v, 4) for v in both[0] - both[1]])
        layers[k].b = layers[k].b + shift
        shifts[layers[k].name] = shift.tolist()
    return shifts


def ranges(layers, chips):
    """Channel scales, activation ranges and bias shifts; `layers` are changed on the way."""
    stats = Statistics(layers, chips)
    out = {"channel_scales": [], "tensors": {}, "bias_shifts": {}}
    for group in equalise.groups(layers):
        error, s, strength = equalised(layers, stats, group)
        equalise.apply(layers, group, s)
        for tensor in group:
            stats.low[tensor], stats.high[tensor] = stats.low[tensor] / s, stats.high[tensor] / s
            stats.samples[tensor] = stats.samples[tensor] / s.astype(np.float32)
        out["channel_scales"].append({"tensors": group, "scale": s.tolist()})
        print(f"{group[0]} ({len(group)}): strength {strength}, error {error:.2e}")
    for layer in layers[:-1]:
        t = layer.y
        error, scale, zero = choose_range(layers, t, stats.samples[t],
                                          stats.low[t].min(), stats.high[t].max())
        out["tensors"][t] = [scale, zero]
        print(f"{t}: scale {scale}, zero {zero}, error {error:.2e}")
    plain = copy.deepcopy(layers)
    out["bias_shifts"] = bias_shifts(layers, plain, out["tensors"], chips[::4])
    return out


def main():
    name, data = sys.argv[1:3]
    work = Path(sys.argv[3] if len(sys.argv) > 3 else "work")
    sets = datasets.load(data, str(recipe.MODELS / "yunet.onnx"), work / "chips.npz")
    chips = calibration_chips(sets)
    found = ranges(recipe.read_layers(name, work / "packages"), chips)
    out = {"embedder": name, "calibrated_on": f"{len(chips)} chips: even people of att and wild112", **found}
    path = recipe.BUILD / f"ranges-{name}.json"
    path.write_text(recipe.compact(out))
    print(path)


if __name__ == "__main__":
    main()
