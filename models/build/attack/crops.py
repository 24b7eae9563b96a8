"""Pictures of the sources to one file of person crops for simulate.py.

    python models/build/attack/crops.py FETCHED_DIR SEGMENTER.tflite OUTPUT.npz

FETCHED_DIR/NAME holds the repository of each source in sources.py. SEGMENTER is selfie_segmentation.tflite of the PyPI
package mediapipe 0.10.21 (Apache-2.0): it cuts a person out of a plain background, and is no part of what ships.
A crop is SIDE pixels wide, its face FACE pixels, with a mask of the person and one of what the picture covers.
"""

import csv
import sys
from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

sys.path.insert(0, str(Path(__file__).parent.parent))
import vision  # noqa: E402
from sources import SOURCES  # noqa: E402

SIDE, FACE = 288, 90
LEAST_FACE = 55  # pixels; smaller ones are blurred by enlarging
FIRST_CONGRESS = 107  # colour photographs from here on
YUNET = Path(__file__).parents[2] / "yunet.onnx"


class Segmenter:
    def __init__(self, path):
        self.net = Interpreter(model_path=str(path))
        self.net.allocate_tensors()
        self.input = self.net.get_input_details()[0]["index"]
        self.output = self.net.get_output_details()[0]["index"]

    def __call__(self, rgb):
        small = cv2.resize(rgb, (256, 256), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        self.net.set_tensor(self.input, small[None])
        self.net.invoke()
        mask = self.net.get_tensor(self.output)[0, :, :, 0]
        return cv2.resize(mask, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def recent(root):
    """Names of the portraits of recent members."""
    table = csv.DictReader((root / "members.csv").open())
    return {Path(row["image"]).name for row in table
            if row["source"] == "bio_guide" and int(row["congress"]) >= FIRST_CONGRESS}


def pictures(root):
    for source in SOURCES:
        folder = root / source.name
        wanted = recent(folder) if source.name == "bioguide" else None
        found = [p for p in sorted(folder.glob(source.files)) if wanted is None or p.name in wanted]
        yield from ((source.name, path) for path in found[::2 if wanted else 1])  # half of many alike


def is_grey(bgr):
    return float(np.abs(bgr.astype(int) - bgr.mean(2, keepdims=True)).mean()) < 4


def filled(bgr, person):
    """The background behind a person, guessed from around them: a few blurred steps of growth."""
    small = cv2.resize(bgr, (96, 96), interpolation=cv2.INTER_AREA)
    hole = (cv2.resize(person, (96, 96)) > 0.1).astype(np.uint8)
    hole = cv2.dilate(hole, np.ones((7, 7), np.uint8))
    if hole.mean() > 0.85:
        return None
    return cv2.inpaint(small, hole, 3, cv2.INPAINT_TELEA)


def crop(picture, box):
    """Square around the face, black where the picture ends; and where it does not."""
    scale = FACE / max(box[2:])
    centre = box[:2] + box[2:] / 2
    matrix = np.array([[scale, 0, SIDE / 2 - scale * centre[0]], [0, scale, SIDE / 2 - scale * centre[1]]])
    if scale < 0.5:  # shrink in steps so that nothing aliases
        sigma = 0.4 / scale
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    return cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR)


def main():
    root, segmenter, output = Path(sys.argv[1]), Segmenter(sys.argv[2]), sys.argv[3]
    detector = vision.Detector(str(YUNET), optimise=True)
    crops, masks, backs, names, left = [], [], [], [], {}
    for name, path in pictures(root):
        bgr = cv2.imread(str(path))
        if bgr is None or is_grey(bgr):
            continue
        faces = detector.faces(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), threshold=0.8)
        if len(faces) != 1 or max(faces[0]["box"][2:]) < LEAST_FACE:
            left[name] = left.get(name, 0) + 1
            continue
        person = segmenter(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
        box = faces[0]["box"]
        covered = crop(np.full(bgr.shape[:2], 255, np.uint8), box)
        mask = crop((person * 255).astype(np.uint8), box)
        both = np.stack([mask, covered, np.zeros_like(mask)], 2)
        crops.append(cv2.imencode(".jpg", crop(bgr, box), [cv2.IMWRITE_JPEG_QUALITY, 88])[1])
        masks.append(cv2.imencode(".jpg", cv2.resize(both, (144, 144), interpolation=cv2.INTER_AREA))[1])
        back = filled(bgr, person)
        backs.append(np.zeros(0, np.uint8) if back is None else cv2.imencode(".jpg", back)[1])
        names.append(f"{name}/{path.stem}")
    packed = {}
    for key, blobs in (("crops", crops), ("masks", masks), ("backs", backs)):
        packed[key] = np.concatenate([b.reshape(-1) for b in blobs])
        packed[f"{key}_at"] = np.cumsum([0] + [b.size for b in blobs])
    np.savez(output, names=np.array(names), **packed)
    print(f"{len(names)} people, {sum(v.size for v in packed.values() if v.dtype == np.uint8) / 1e6:.1f} MB; left out {left}")


if __name__ == "__main__":
    main()
