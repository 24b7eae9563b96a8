"""facelatch beside its peers, one thread each, interleaved in one run; prints JSON (`cargo xtask peers --json`).

    python peers.py BIN FORMS [--json]

BIN: folder with time_model, time_frame and rten-peer; FORMS: what forms.py made. Each round lets every contender
run some times, so a busy minute hits all. Milliseconds are medians over the rounds' medians; `spread` has the
least and the largest of those. Ratios are theirs over ours: above 1 means that we are faster.
"""
import json
import re
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import ncnn
import numpy as np
import onnxruntime as ort
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
ROUNDS, RUNS = 12, 7


def median(run):
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return float(np.median(times[2:]))  # two to warm up


@cache
def picture(side):
    """A face, float32 [1][3][side][side]: onnxruntime's PRelu takes half as long again on noise."""
    photo = Image.open(ROOT / "tests/data/faces/obama-3.jpg").convert("RGB")
    edge = min(photo.size)
    left, top = (photo.width - edge) // 2, (photo.height - edge) // 2
    small = photo.resize((side, side), box=(left, top, left + edge, top + edge))
    return np.ascontiguousarray(np.asarray(small, np.float32).transpose(2, 0, 1)[None])


def program(*words, what=""):
    text = subprocess.run([str(w) for w in words], check=True, capture_output=True, text=True).stdout
    return float(re.search(what + r".*median ([\d.]+) ms", text).group(1))


def with_tract(bin, path, side, fused=False):
    face = bin / f"face-{side}.f32"
    picture(side).tofile(face)
    words = [bin / "time_model", path, side, side, 0 if fused else 1, face]
    return lambda: program(*words, what="fused" if fused else "tract alone")


def with_onnxruntime(path, side):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: picture(side)}
    return lambda: median(lambda: session.run(None, feed))


def with_ncnn(stem, **options):
    net = ncnn.Net()
    net.opt.num_threads = 1
    for name, value in options.items():
        setattr(net.opt, name, value)
    assert net.load_param(f"{stem}.param") == 0 and net.load_model(f"{stem}.bin") == 0, stem
    mat = ncnn.Mat(picture(112)[0]).clone()

    def run():
        extractor = net.create_extractor()
        extractor.input("in0", mat)
        return np.array(extractor.extract("out0")[1])
    return lambda: median(run)


def with_litert(path):
    """The file takes two pictures at a time, and XNNPACK refuses another number: half the time of both."""
    network = Interpreter(str(path), num_threads=1)
    network.allocate_tensors()
    pair = np.repeat(picture(112).transpose(0, 2, 3, 1), 2, axis=0)
    network.set_tensor(network.get_input_details()[0]["index"], pair)
    return lambda: median(network.invoke) / 2


def embedders(name, bin, forms):
    floats = dict.fromkeys(["use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"], False)
    ours, original = MODELS / f"{name}.onnx", forms / f"{name}.onnx"
    return {
        "facelatch_int8": with_tract(bin, ours, 112, fused=True),
        "tract_int8": with_tract(bin, ours, 112),
        "tract_fp32": with_tract(bin, original, 112),
        "onnxruntime_int8": with_onnxruntime(forms / f"{name}-int8.onnx", 112),
        "onnxruntime_int8_our_file": with_onnxruntime(MODELS / f"{name}.onnx", 112),
        "onnxruntime_fp32": with_onnxruntime(forms / f"{name}.onnx", 112),
        "onnxruntime_fp32_split_prelu": with_onnxruntime(forms / f"{name}-split.onnx", 112),
        "ncnn_int8": with_ncnn(forms / f"{name}-int8.ncnn"),
        "ncnn_fp32": with_ncnn(forms / f"{name}.ncnn", **floats),
        "ncnn_fp16": with_ncnn(forms / f"{name}.ncnn"),
        "ncnn_bf16": with_ncnn(forms / f"{name}.ncnn", use_bf16_storage=True),
        "rten_fp32": lambda: program(bin / "rten-peer", forms / f"{name}.onnx", 112, RUNS),
        "rten_int8": lambda: program(bin / "rten-peer", forms / f"{name}-int8.onnx", 112, RUNS),
    }


def scan():
    """Milliseconds of the scan bench: plain reads and scans of 100,000 templates."""
    words = ["cargo", "bench", "--quiet", "--package", "facelatch-kernels", "--bench", "scan"]
    text = subprocess.run(words, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return {f"{kind}_{what}": float(ms) for kind, read, scan in
            re.findall(r"(\w+): +read ([\d.]+) ms, scan ([\d.]+) ms", text)
            for what, ms in [("read", read), ("scan", scan)]}


def contenders(bin, forms):
    small = embedders("mobilefacenet", bin, forms)
    small["litert_fp32"] = with_litert(forms / "mobilefacenet.tflite")
    return {
        "embed_ms": embedders("sface", bin, forms),
        "mobilefacenet_ms": small,
        "detect_ms": {
            "facelatch_int8": with_tract(bin, MODELS / "yunet.onnx", 320, fused=True),
            "tract_fp32": with_tract(bin, forms / "yunet.onnx", 320),
            "onnxruntime_int8": with_onnxruntime(forms / "yunet-int8.onnx", 320),
            "onnxruntime_fp32": with_onnxruntime(forms / "yunet.onnx", 320),
            "rten_fp32": lambda: program(bin / "rten-peer", forms / "yunet.onnx", 320, RUNS),
        },
        "frame_ms": {"facelatch_detect_align_embed": lambda: program(bin / "time_frame", RUNS)},
    }


def main():
    bin, forms = Path(sys.argv[1]), Path(sys.argv[2])
    groups = contenders(bin, forms)
    seen = {group: {name: [] for name in runs} for group, runs in groups.items()}
    scans = []
    for _ in range(ROUNDS):
        scans.append(scan())
        for group, runs in groups.items():
            for name, run in runs.items():
                seen[group][name].append(run())
    result = {group: {name: round(float(np.median(times)), 3) for name, times in runs.items()}
              for group, runs in seen.items()}
    embed, small, detect = (result[group] for group in ["embed_ms", "mobilefacenet_ms", "detect_ms"])
    result["spread"] = {group: {name: [round(min(times), 3), round(max(times), 3)] for name, times in runs.items()}
                        for group, runs in seen.items()}

    def ahead(runs, *makers):
        peers = {name: ms for name, ms in runs.items() if name.startswith(makers)}
        return min(peers, key=peers.get), round(min(peers.values()) / runs["facelatch_int8"], 2)

    everybody = ("onnxruntime", "ncnn", "rten", "litert")
    result["fastest_peer"], result["embed_vs_fastest_peer"] = ahead(embed, *everybody)
    result["mobilefacenet_fastest_peer"], result["mobilefacenet_vs_fastest_peer"] = ahead(small, *everybody)
    result["detect_vs_onnxruntime"] = ahead(detect, "onnxruntime")[1]
    result["int8_vs_own_fp32"] = round(embed["tract_fp32"] / embed["facelatch_int8"], 2)
    result["onnxruntime_int8_embed_vs_our_frame"] = round(
        embed["onnxruntime_int8"] / result["frame_ms"]["facelatch_detect_align_embed"], 2)
    result["scan_ms"] = {name: round(float(np.median([s[name] for s in scans])), 3) for name in scans[0]}
    for kind in ["f32", "byte"]:
        ratio = np.median([s[f"{kind}_read"] / s[f"{kind}_scan"] for s in scans])
        result["scan_vs_read" if kind == "f32" else "byte_scan_vs_read"] = round(float(ratio), 2)
    if "--json" in sys.argv:
        print(json.dumps(result, indent=1))
    else:
        table(result)


def table(result):
    for group, entries in result.items():
        if group == "spread":
            continue
        if not isinstance(entries, dict):
            print(f"{group:36} {entries}")
            continue
        print(f"\n{group}")
        for name, ms in sorted(entries.items(), key=lambda entry: entry[1]):
            least, most = result["spread"].get(group, {}).get(name, (ms, ms))
            print(f"  {name:34} {ms:9.3f}   {least:.3f} to {most:.3f}")
    print()


main()
