"""The numbers in cli/src/models/minifasnetv2.rs, and what the converted network gives on pictures.

    python models/build/minifasnetv2.py check CHECKOUT OWN PICTURES
    python models/build/minifasnetv2.py ranges OWN PICTURES
    python models/build/minifasnetv2.py points OWN CLIPS [SOURCE...]

CHECKOUT is a clone of minivision-ai/Silent-Face-Anti-Spoofing (PyTorch is needed for `check` alone). OWN is a folder that
`facelatch models add FILE --folder OWN` wrote; `ranges` needs `--float`. PICTURES is a folder of pictures with faces; CLIPS is
one of `SOURCE/{live,print,phone,...}/CLIP/NNNN.jpg`. Where sources are named, thresholds are set on their live clips, and
all others are judged. Nothing is written.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import vision

HERE = Path(__file__).parent
CROP = 2.7
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2)
MAX_YAW = 0.2
FRAMES = 3


def crop(rgb, box):
    height, width = rgb.shape[:2]
    side = min(CROP * max(box[2:]), width, height)
    left = min(max(box[0] + box[2] / 2 - side / 2, 0), width - side)
    top = min(max(box[1] + box[3] / 2 - side / 2, 0), height - side)
    return np.asarray(Image.fromarray(rgb).resize((80, 80), Image.BILINEAR, box=(left, top, left + side, top + side)))


def planes(files, frontal=False):
    """(n, 3, 80, 80), blue first, 0..255: the largest face of each picture."""
    detector, found = vision.Detector(str(HERE.parent / "yunet.onnx")), []
    for file in files:
        rgb = vision.read_rgb(file)
        faces = [f for f in detector.faces(rgb) if f["box"][2] >= 20]
        if not faces:
            continue
        face = max(faces, key=lambda f: f["box"][2] * f["box"][3])
        left, right, nose = face["points"][:3]
        yaw = abs((nose - (left + right) / 2)[0]) / max(np.linalg.norm(right - left), 1e-6)
        if not frontal or yaw <= MAX_YAW:
            found.append(crop(rgb, face["box"])[:, :, ::-1].transpose(2, 0, 1))
    return np.array(found, np.float32).reshape(-1, 3, 80, 80)


def run(own, batch, outputs=None):
    session = vision.session(str(Path(own) / "minifasnetv2.onnx"))
    each = [session.run(outputs, {"data": x[None]}) for x in batch]
    return [np.concatenate(values) for values in zip(*each)] if each else [np.zeros((0, 3))]


def log_odds(logits):
    return logits[:, 1] - np.logaddexp(logits[:, 0], logits[:, 2])


def pictures(folder):
    return sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))


def check(checkout, own, folder):
    sys.path.insert(0, checkout)
    import torch
    from src.model_lib.MiniFASNet import MiniFASNetV2
    state = torch.load(f"{checkout}/resources/anti_spoof_models/2.7_80x80_MiniFASNetV2.pth", "cpu", weights_only=True)
    model = MiniFASNetV2(conv6_kernel=(5, 5)).eval()
    model.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})
    batch = planes(pictures(folder)[:20])
    with torch.no_grad():
        theirs = model(torch.from_numpy(batch)).numpy()
    ours = run(own, batch)[0]
    print(f"{len(batch)} faces: outputs differ by {abs(ours - theirs).max():.2g} at most, of {abs(theirs).max():.2g};",
          f"log-odds by {np.sqrt(np.mean((log_odds(ours) - log_odds(theirs)) ** 2)):.2g} (root mean square)")


def ranges(own, folder):
    import onnx
    import onnxruntime
    model = onnx.load(str(Path(own) / "minifasnetv2.onnx"))
    names = [n.output[0].removesuffix(".sum") for n in model.graph.node if n.op_type == "Conv"]
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, 1, None) for name in names)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    each = [[(v.min(), v.max()) for v in session.run(names, {"data": x[None]})] for x in planes(pictures(folder))]
    least, most = np.array(each).transpose(2, 1, 0)
    for name, low, high in zip(names, least, most):
        low, high = 0.8 * min(np.percentile(low, 1), 0), 0.8 * max(np.percentile(high, 99), 0)
        scale = np.float32(f"{(high - low) / 255:.5g}")
        print(f"    Scale {{ scale: {scale:.5g}, zero: {int(np.clip(round(-low / float(scale)), 0, 255))} }}, // {name}")


def points(own, clips, *sources):
    scores = {}
    for kind in sorted(p for p in Path(clips).glob("*/*") if p.is_dir()):
        files = [f for clip in sorted(kind.iterdir()) if clip.is_dir() for f in pictures(clip)[::max(1, len(pictures(clip)) // 24)]]
        found = log_odds(run(own, planes(files, frontal=True))[0])
        if len(found) >= FRAMES:
            scores[kind.parent.name, kind.name] = found
    means = {key: np.convolve(values, np.ones(FRAMES) / FRAMES, "valid") for key, values in scores.items()}

    def quantile(of, share):
        """Each source weighs the same."""
        values = [of[s, "live"] for s in sources if (s, "live") in of]
        weights = np.concatenate([np.full(len(v), 1 / len(v) / len(values)) for v in values])
        values = np.concatenate(values)
        order = np.argsort(values)
        return values[order][np.searchsorted(np.cumsum(weights[order]), share)]

    limits = [quantile(means, share) for share in SHARES] if sources else [0.0]
    print("thresholds", [round(float(limit), 2) for limit in limits])
    if sources:
        print("median of live frames", round(float(quantile(scores, 0.5)), 2))
    for (source, kind), values in means.items():
        if source not in sources:
            print(f"{source:16} {kind:8} {len(values):4} decisions, taken for live:", *(f"{np.mean(values >= x):5.0%}" for x in limits))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
