"""Frozen expected values of every stage, from onnxruntime and numpy: tests/data/golden.

    python models/build/golden.py

What each file is: tests/data/golden/README.md.
"""

import json
import tomllib

import numpy as np
from PIL import Image

import packages
import recipe
import vision
from attack import folded

ROOT = recipe.MODELS.parent
FACES, GOLDEN = ROOT / "tests/data/faces", ROOT / "tests/data/golden"
SIDE, THRESHOLD, OVERLAP = 320, 0.6, 0.3
EMBEDDERS = ("sface", "mobilefacenet")
LOSSLESS = ("obama-1", "two-faces", "far")  # detector inputs kept as PNG
CELLS = 24  # best cells of the raw detector output that are kept
TEMPLATES = [f"obama-enrol-{n}" for n in range(1, 7)]
DECISIONS = {"obama-3, three frames": ["obama-3", "obama-3b", "obama-3c"], "obama-3 alone": ["obama-3"],
             "biden alone": ["biden"], "astronaut alone": ["astronaut"],
             "obama-1 (the templates' source)": ["obama-1"]}


def rounded(value, digits=7):
    if isinstance(value, dict):
        return {k: rounded(v, digits) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [rounded(v, digits) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.{digits}g}")
    return int(value) if isinstance(value, np.integer) else value


def write(name, content):
    """One line a field, and one line an entry where a field is a list of tables."""
    def field(value):
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return "[\n  " + ",\n  ".join(json.dumps(v) for v in value) + "\n ]"
        if isinstance(value, dict):
            return "{\n  " + ",\n  ".join(f'"{k}": {json.dumps(v)}' for k, v in value.items()) + "\n }"
        return json.dumps(value)

    lines = (f' "{key}": {field(value)}' for key, value in rounded(content).items())
    (GOLDEN / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def described(faces):
    return [{"score": f["score"], "box": f["box"], "points": f["points"], "stride": f["cell"][0],
             "cell": f["cell"][1]} for f in faces]


def raw_cells(outputs):
    """The best cells over the three strides, as the network gives them."""
    rows = []
    for stride in (8, 16, 32):
        cls, obj = (outputs[f"{n}_{stride}"][0, :, 0] for n in ("cls", "obj"))
        for i in np.argsort(-cls * obj, kind="stable")[:CELLS]:
            rows.append({"stride": stride, "cell": i, "cls": cls[i], "obj": obj[i],
                         "bbox": outputs[f"bbox_{stride}"][0, i], "kps": outputs[f"kps_{stride}"][0, i]})
    return sorted(rows, key=lambda r: -r["cls"] * r["obj"])[:CELLS]


def lossless_stage(name, detector):
    """Detector input as PNG; raw cells, faces and chip from exactly these bytes."""
    canvas, scale = vision.letterbox(vision.read_rgb(FACES / f"{name}.jpg"), SIDE)
    Image.fromarray(canvas).save(GOLDEN / f"{name}.letterbox.png", optimize=True)
    outputs = detector.outputs(canvas)
    faces = vision.suppress(vision.decode(outputs, SIDE, 1.0, THRESHOLD), OVERLAP)
    matrix = vision.similarity(faces[0]["points"])
    chip = vision.warp(canvas, matrix)
    Image.fromarray(chip).save(GOLDEN / f"{name}.letterbox-chip.png", optimize=True)
    write(f"{name}.letterbox", {
        "input": f"{name}.letterbox.png", "scale": scale, "score_threshold": THRESHOLD,
        "nms_overlap": OVERLAP, "cells": raw_cells(outputs), "faces": described(faces),
        "similarity": matrix, "chip": f"{name}.letterbox-chip.png"})


def picture_stage(path, detector, embedders):
    """Everything from the JPEG; returns the embeddings."""
    rgb = vision.read_rgb(path)
    faces = detector.faces(rgb, SIDE, THRESHOLD)
    out = {"picture": f"faces/{path.name}", "sha256": packages.digest(path.read_bytes()),
           "width": rgb.shape[1], "height": rgb.shape[0], "detector_side": SIDE,
           "scale": SIDE / max(rgb.shape[:2]), "score_threshold": THRESHOLD, "nms_overlap": OVERLAP,
           "faces": described(faces)}
    embeddings = {}
    if faces:
        matrix = vision.similarity(faces[0]["points"])
        chip = vision.warp(rgb, matrix)
        Image.fromarray(chip).save(GOLDEN / f"{path.stem}.chip.png", optimize=True)
        embeddings = {name: embed(chip) for name, embed in embedders.items()}
        out |= {"similarity": matrix, "chip": f"{path.stem}.chip.png", "embeddings": embeddings}
    write(path.stem, out)
    return embeddings


def attack_stage(detector):
    """Logits of live, print and screen for the first face of each lossless input."""
    session, rows = vision.session(str(recipe.MODELS / "attack.onnx")), []
    for name in LOSSLESS:
        canvas = vision.read_rgb(GOLDEN / f"{name}.letterbox.png")
        face = vision.suppress(vision.decode(detector.outputs(canvas), SIDE, 1.0, THRESHOLD), OVERLAP)[0]
        square = vision.around(canvas, face["box"])
        small = np.asarray(Image.fromarray(square).resize((folded.SIDE,) * 2, Image.BILINEAR))
        data = np.ascontiguousarray(small.transpose(2, 0, 1)[None], dtype=np.float32)
        rows.append({"input": f"{name}.letterbox.png", "box": face["box"], "points": face["points"],
                     "score": face["score"], "logits": session.run(None, {"data": data})[0][0]})
    write("attack", {"field": vision.FIELD, "faces": rows})


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def signs(seed, count):
    """The top bits of SplitMix64 (Steele, Lea, Flood 2014) as 1 and -1."""
    mask, out = (1 << 64) - 1, []
    for _ in range(count):
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = ((seed ^ seed >> 30) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & mask
        out.append(1 - 2 * ((z ^ z >> 31) >> 63))
    return np.array(out, np.float64)


def projected(embedding, projection):
    """h: stacked H D H D e, with H written out as a matrix."""
    side = 1 << (len(embedding) - 1).bit_length()
    hadamard = np.ones((1, 1))
    while len(hadamard) < side:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    hadamard /= np.sqrt(side)
    e = np.pad(np.asarray(embedding, np.float64), (0, side - len(embedding)))
    count = projection["rotations"]
    turns = signs(projection["seed"], 2 * side * count).reshape(count, 2, side)
    return np.concatenate([hadamard @ (d2 * (hadamard @ (d1 * e))) for d1, d2 in turns]) / np.sqrt(count)


def scores(name, embeddings):
    """z and p of every pair of base pictures, and of a few decisions."""
    head = tomllib.loads((recipe.MODELS / f"{name}.head.toml").read_text())
    h = {key: projected(of[name], head["projection"]) for key, of in embeddings.items() if of}

    def z(a, b):
        return head["bias"] + head["alpha"] * float(np.abs(h[a] - h[b]).sum())

    base = ["obama-1", "obama-2", "obama-3", "biden", "astronaut", "turned", "blurred", "dark", "far"]
    pairs = [{"a": a, "b": b, "z": z(a, b), "p": sigmoid(z(a, b))}
             for i, a in enumerate(base) for b in base[i:]]
    decisions = []
    for label, frames in DECISIONS.items():
        value = float(np.mean([np.mean(sorted(z(f, t) for t in TEMPLATES)[-2:]) for f in frames]))
        decisions.append({"what": label, "frames": frames, "templates": TEMPLATES, "z": value,
                          "p": sigmoid(value), "match": bool(sigmoid(value) >= head["threshold"])})
        print(f"{name}: {label}: p {sigmoid(value):.5f} (threshold {head['threshold']})")
    write(f"scores.{name}", {"head": f"{name}.head.toml", "bias": head["bias"], "alpha": head["alpha"],
                             "threshold": head["threshold"], "projection": head["projection"],
                             "pairs": pairs, "decisions": decisions})


def main():
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for old in [*GOLDEN.glob("*.json"), *GOLDEN.glob("*.png")]:
        old.unlink()
    detector = vision.Detector(str(recipe.MODELS / "yunet.onnx"))
    embedders = {n: vision.Embedder(str(recipe.MODELS / f"{n}.onnx")) for n in EMBEDDERS}
    embeddings = {p.stem: picture_stage(p, detector, embedders) for p in sorted(FACES.glob("*.jpg"))}
    for name in LOSSLESS:
        lossless_stage(name, detector)
    attack_stage(detector)
    for name in EMBEDDERS:
        scores(name, embeddings)
    total = sum(f.stat().st_size for f in GOLDEN.iterdir())
    print(f"{total} bytes in {GOLDEN.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
