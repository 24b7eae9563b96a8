"""Fused networks beside onnxruntime, one thread, interleaved in one run; prints JSON.

    python peers.py OURS EMBEDDER_INT8 [EMBEDDER_FP32 [DETECTOR_FP32 [DETECTOR_INT8]]]

OURS is target/release/examples/time_model. Each round starts OURS (five runs after loading) and then runs
the peer five times, so a busy minute hits both. Milliseconds: the least of all rounds, and the median of the
rounds' medians, made the same way for all. Ratios are theirs over ours; above 1 means that we are faster.
"""
import json
import re
import subprocess
import sys
import time

import numpy as np
import onnxruntime as ort

ROUNDS, RUNS = 12, 5


def session(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def ours(program, path, side, alone):
    rounds = str(RUNS) if alone else "0"
    text = subprocess.run([program, path, str(side), str(side), rounds], check=True, capture_output=True,
                          text=True).stdout
    name = "tract alone" if alone else "fused"
    least, median = re.search(name + r": least ([\d.]+) ms, median ([\d.]+) ms", text).groups()
    return [float(least), float(median)]


def theirs(peer, side):
    x = (np.arange(3 * side * side) * 7919 % 256).astype(np.float32).reshape(1, 3, side, side)
    name, times = peer.get_inputs()[0].name, []
    for _ in range(RUNS):
        start = time.perf_counter()
        peer.run(None, {name: x})
        times.append((time.perf_counter() - start) * 1e3)
    return [min(times), float(np.median(times))]


def main():
    program, *models = sys.argv[1:]
    embedder, embedder_fp32, detector, detector_int8 = (models + [None] * 4)[:4]
    contenders = {"embed": {}, "detect": {}}
    peers = {path: session(path) for path in models}
    embed, detect = contenders["embed"], contenders["detect"]
    embed["facelatch_int8"] = lambda: ours(program, embedder, 112, False)
    embed["onnxruntime_int8"] = lambda: theirs(peers[embedder], 112)
    if embedder_fp32:
        embed["onnxruntime_fp32"] = lambda: theirs(peers[embedder_fp32], 112)
        embed["tract_fp32"] = lambda: ours(program, embedder_fp32, 112, True)
    if detector:
        detect["onnxruntime_fp32"] = lambda: theirs(peers[detector], 320)
    if detector_int8:
        detect["facelatch_int8"] = lambda: ours(program, detector_int8, 320, False)
        detect["onnxruntime_int8"] = lambda: theirs(peers[detector_int8], 320)
    seen = {stage: {name: [] for name in runs} for stage, runs in contenders.items()}
    for _ in range(ROUNDS):
        for stage, runs in contenders.items():
            for name, run in runs.items():
                seen[stage][name].append(run())
    result = {}
    for stage, runs in seen.items():
        result[stage + "_ms"] = {n: {"least": round(min(l for l, _ in t), 3),
                                     "median": round(float(np.median([m for _, m in t])), 3)}
                                 for n, t in runs.items() if t}
        if mine := result[stage + "_ms"].get("facelatch_int8"):
            result[stage + "_ratio_to_ours"] = {
                n: {k: round(v[k] / mine[k], 2) for k in v}
                for n, v in result[stage + "_ms"].items() if n != "facelatch_int8"}
    print(json.dumps(result, indent=1))


main()
