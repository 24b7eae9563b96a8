"""Instructions of one inference in the peers, on an emulated CPU, with one thread.

    python count.py FORMS [SITE]             in a guest whose clock counts them (qemu -icount shift=0), all forms
    python count.py FORMS SITE FORM RUNS     so many of one form, under qemu-user and instructions.c: the difference of two

FORMS: a folder with what forms.py makes. SITE: a folder with the unpacked aarch64 wheels of numpy and of the peers, when pip is
not to be had. The first prints million instructions: the least of three runs, the kernel's ticks included.
"""
import importlib.util
import sys
import time
from functools import partial
from pathlib import Path

forms = Path(sys.argv[1])
site = Path(sys.argv[2]) if len(sys.argv) > 2 else None
if site:
    sys.path.insert(0, str(site))

import numpy as np  # noqa: E402


def picture(side):
    """[1][3][side][side] float32: any values do: what is counted does not depend on them."""
    return (np.arange(3 * side * side) * 7919 % 256).astype(np.float32).reshape(1, 3, side, side)


def with_onnxruntime(form, side):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(forms / f"{form}.onnx"), options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: picture(side)}
    return lambda: session.run(None, feed)


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


def with_ncnn(form, side, **switches):
    ncnn = ncnn_module()
    ncnn.set_cpu_powersave(0)
    ncnn.set_omp_num_threads(1)
    net = ncnn.Net()
    net.opt.num_threads = 1
    for name, value in switches.items():
        setattr(net.opt, name, value)
    assert net.load_param(str(forms / f"{form}.ncnn.param")) == 0
    assert net.load_model(str(forms / f"{form}.ncnn.bin")) == 0
    planes, outputs = ncnn.Mat(picture(side)[0]).clone(), net.output_names()

    def run():
        extractor = net.create_extractor()
        extractor.input("in0", planes)
        return [np.array(extractor.extract(name)[1]) for name in outputs]

    return run


def with_opencv(form, side):
    """FaceDetectorYN, from the picture to the faces."""
    import cv2

    cv2.setNumThreads(1)
    detector = cv2.FaceDetectorYN.create(str(forms / f"{form}.onnx"), "", (side, side))
    image = np.ascontiguousarray(picture(side)[0].transpose(1, 2, 0).astype(np.uint8))
    return lambda: detector.detect(image)


FLOATS = {"use_fp16_packed": False, "use_fp16_storage": False, "use_fp16_arithmetic": False, "use_bf16_storage": False}
COUNTED = {
    "onnxruntime-sface-fp32": partial(with_onnxruntime, "sface-split", 112),
    "onnxruntime-sface-int8": partial(with_onnxruntime, "sface-int8", 112),
    "ncnn-sface-fp32": partial(with_ncnn, "sface", 112, **FLOATS),
    "ncnn-sface-fp16": partial(with_ncnn, "sface", 112),
    "ncnn-sface-bf16": partial(with_ncnn, "sface", 112, use_bf16_storage=True),
    "ncnn-sface-int8": partial(with_ncnn, "sface-int8", 112),
    "onnxruntime-yunet-fp32": partial(with_onnxruntime, "yunet", 320),
    "onnxruntime-yunet-int8": partial(with_onnxruntime, "yunet-int8", 320),
    "ncnn-yunet-fp32": partial(with_ncnn, "yunet", 320, **FLOATS),
    "ncnn-yunet-fp16": partial(with_ncnn, "yunet", 320),
    "ncnn-yunet-bf16": partial(with_ncnn, "yunet", 320, use_bf16_storage=True),
    "opencv-yunet-fp32": partial(with_opencv, "yunet", 320),
}


def least(run, rounds=3):
    counts = []
    for _ in range(rounds):
        start = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        run()
        counts.append(time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW) - start)
    return min(counts) / 1e6


if len(sys.argv) > 4:
    run = COUNTED[sys.argv[3]]()
    for _ in range(int(sys.argv[4])):
        run()
else:
    for form, make in COUNTED.items():
        try:
            print(f"{form}: {least(make()):.1f}", flush=True)
        except ImportError as missing:
            print(f"{form}: {missing}", flush=True)
