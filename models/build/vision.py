"""Picture in, faces, aligned chip and embedding out: the daemon's steps written again in numpy.

It shares no code with the daemon, so that frozen values made here can prove the daemon wrong.
"""

import numpy as np
import onnxruntime as ort
from PIL import Image

# Where eyes, nose and mouth corners lie in a 112x112 chip, image left first (ArcFace convention).
TEMPLATE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366],
                     [41.5493, 92.3655], [70.7299, 92.2041]])
CHIP = 112
FIELD = 2.7  # side of what the attack network sees, in longer sides of the face's box


def session(path, optimise=False):
    """One thread, and by default no graph optimisation: then the file's own arithmetic is run."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimise else level.ORT_DISABLE_ALL
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def read_rgb(path):
    """(H, W, 3) u8."""
    return np.asarray(Image.open(path).convert("RGB"))


def letterbox(rgb, side=320):
    """(H, W, 3) to (side, side, 3), top left, rest black; returns the scale too.

    Pillow's bilinear is a triangle filter that widens when it shrinks, so nothing aliases.
    """
    height, width = rgb.shape[:2]
    scale = side / max(width, height)
    size = (min(side, max(1, round(width * scale))), min(side, max(1, round(height * scale))))
    canvas = np.zeros((side, side, 3), np.uint8)
    canvas[:size[1], :size[0]] = np.asarray(Image.fromarray(rgb).resize(size, Image.BILINEAR))
    return canvas, scale


def detector_input(canvas):
    """RGB (H, W, 3) to what YuNet takes: BGR (1, 3, H, W), 0..255."""
    return np.ascontiguousarray(canvas[:, :, ::-1].transpose(2, 0, 1)[None], dtype=np.float32)


def decode(outputs, side, scale, threshold):
    """The twelve maps of YuNet to faces in picture pixels, before suppression."""
    faces = []
    for stride in (8, 16, 32):
        cols = side // stride
        cls, obj, box, kps = (outputs[f"{name}_{stride}"][0] for name in ("cls", "obj", "bbox", "kps"))
        score = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1))
        for i in np.flatnonzero(score >= threshold):
            cell = np.array([i % cols, i // cols])
            centre = (cell + box[i, :2]) * stride
            extent = np.exp(box[i, 2:]) * stride
            points = (cell + kps[i].reshape(5, 2)) * stride
            faces.append({"score": float(score[i]), "cell": [stride, int(i)],
                          "box": np.concatenate([centre - extent / 2, extent]) / scale,
                          "points": points / scale})
    return faces


def iou(a, b):
    left, top = np.maximum(a[:2], b[:2])
    right, bottom = np.minimum(a[:2] + a[2:], b[:2] + b[2:])
    shared = max(0.0, right - left) * max(0.0, bottom - top)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def suppress(faces, overlap=0.3):
    kept = []
    for face in sorted(faces, key=lambda f: -f["score"]):
        if all(iou(face["box"], other["box"]) <= overlap for other in kept):
            kept.append(face)
    return kept


class Detector:
    def __init__(self, path, optimise=False):
        self.run = session(path, optimise).run

    def outputs(self, canvas):
        names = [f"{n}_{s}" for n in ("cls", "obj", "bbox", "kps") for s in (8, 16, 32)]
        return dict(zip(names, self.run(names, {"input": detector_input(canvas)})))

    def faces(self, rgb, side=320, threshold=0.6):
        """Best score first."""
        canvas, scale = letterbox(rgb, side)
        return suppress(decode(self.outputs(canvas), side, scale, threshold))


def similarity(points, template=TEMPLATE):
    """The 2x3 turn, scale and shift that brings `points` nearest to the template (least squares)."""
    p, t = np.asarray(points, float), template
    p0, t0 = p - p.mean(0), t - t.mean(0)
    norm = (p0 ** 2).sum()
    a = (p0 * t0).sum() / norm
    b = (p0[:, 0] * t0[:, 1] - p0[:, 1] * t0[:, 0]).sum() / norm
    turn = np.array([[a, -b], [b, a]])
    return np.hstack([turn, (t.mean(0) - turn @ p.mean(0))[:, None]])


def warp(rgb, matrix, side=CHIP):
    """(side, side, 3) u8: bilinear sampling, pixel centres at whole numbers, black outside."""
    turn, shift = matrix[:, :2], matrix[:, 2]
    y, x = np.mgrid[:side, :side]
    sx, sy = np.einsum("ij,jhw->ihw", np.linalg.inv(turn),
                       np.stack([x - shift[0], y - shift[1]]).astype(float))
    x0, y0 = np.floor(sx).astype(int), np.floor(sy).astype(int)
    fx, fy = (sx - x0)[..., None], (sy - y0)[..., None]

    def at(yy, xx):
        inside = (yy >= 0) & (yy < rgb.shape[0]) & (xx >= 0) & (xx < rgb.shape[1])
        value = rgb[yy.clip(0, rgb.shape[0] - 1), xx.clip(0, rgb.shape[1] - 1)].astype(float)
        return value * inside[..., None]

    top = at(y0, x0) * (1 - fx) + at(y0, x0 + 1) * fx
    low = at(y0 + 1, x0) * (1 - fx) + at(y0 + 1, x0 + 1) * fx
    return np.floor(top * (1 - fy) + low * fy + 0.5).clip(0, 255).astype(np.uint8)


def around(rgb, box):
    """The square around a face, moved inside the picture and no larger than its shorter side."""
    height, width = rgb.shape[:2]
    side = int(np.clip(np.floor(FIELD * max(box[2:]) + 0.5), 1, min(width, height)))
    x, y = (int(np.clip(np.floor(at + length / 2 - side / 2 + 0.5), 0, most - side))
            for at, length, most in ((box[0], box[2], width), (box[1], box[3], height)))
    return rgb[y:y + side, x:x + side]


class Embedder:
    """`data` [1, 3, 112, 112] RGB 0..255 to a unit-length vector."""

    def __init__(self, path, optimise=False):
        self.session = session(path, optimise)
        self.input = self.session.get_inputs()[0].name

    def raw(self, chip):
        data = np.ascontiguousarray(chip.transpose(2, 0, 1)[None], dtype=np.float32)
        return self.session.run(None, {self.input: data})[0][0].astype(float)

    def __call__(self, chip):
        value = self.raw(chip)
        return value / np.linalg.norm(value)
