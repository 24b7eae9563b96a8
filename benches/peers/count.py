"""Instructions of one inference in onnxruntime and ncnn, in a guest whose clock counts them (qemu -icount shift=0).

    python count.py FORMS [SITE]

FORMS: a folder with what forms.py makes (sface-split.onnx, sface-int8.onnx, sface.ncnn.*, sface-int8.ncnn.*).
SITE: a folder with the unpacked aarch64 wheels of numpy, onnxruntime and ncnn, when pip is not to be had.
Prints million instructions: the least of three runs, one thread, the kernel's ticks included.
"""
import importlib.util
import sys
import time
from pathlib import Path

forms = Path(sys.argv[1])
site = Path(sys.argv[2]) if len(sys.argv) > 2 else None
if site:
    sys.path.insert(0, str(site))

import numpy as np  # noqa: E402

PICTURE = (np.arange(3 * 112 * 112) * 7919 % 256).astype(np.float32).reshape(1, 3, 112, 112)


def least(run, rounds=3):
    counts = []
    for _ in range(rounds):
        start = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        run()
        counts.append(time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW) - start)
    return min(counts) / 1e6


def show(what, run):
    print(f"{what}: {least(run):.1f}", flush=True)


def with_onnxruntime():
    import onnxruntime

    for form in ("sface-split", "sface-int8"):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(forms / f"{form}.onnx"), options)
        feed = {session.get_inputs()[0].name: PICTURE}
        show(f"onnxruntime {form}", lambda: session.run(None, feed))


def ncnn_module():
    """The compiled part alone: the package around it asks for downloaders that nobody needs here."""
    if not site:
        import ncnn

        return ncnn
    library = next((site / "ncnn").glob("ncnn.*.so"))
    spec = importlib.util.spec_from_file_location("ncnn", library)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def with_ncnn():
    ncnn = ncnn_module()
    picture = ncnn.Mat(PICTURE[0]).clone()
    fp32 = {"use_fp16_packed": False, "use_fp16_storage": False, "use_fp16_arithmetic": False}
    kinds = [("sface", "fp32", fp32), ("sface", "fp16", {}), ("sface", "bf16", {"use_bf16_storage": True}),
             ("sface-int8", "int8", {})]
    for form, kind, switches in kinds:
        net = ncnn.Net()
        net.opt.num_threads = 1
        for name, value in switches.items():
            setattr(net.opt, name, value)
        net.load_param(str(forms / f"{form}.ncnn.param"))
        net.load_model(str(forms / f"{form}.ncnn.bin"))

        def run():
            extractor = net.create_extractor()
            extractor.input("in0", picture)
            return np.array(extractor.extract("out0")[1])

        show(f"ncnn {kind}", run)


with_onnxruntime()
with_ncnn()
