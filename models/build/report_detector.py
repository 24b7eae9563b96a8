"""What quantising YuNet costs: landmarks, boxes, misses, and TAR through the whole chain.

    python models/build/report_detector.py DATA_DIR [WORK_DIR]

On the people with an odd number, which calibration did not use; TAR on all people of the set, with the shipped
SFace. Shifts are in pixels of the 112x112 chip, so that the size of the face does not matter.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

import calibrate_detector
import rates
import recipe
import vision

FMRS = (1e-2, 1e-3, 1e-4)


def largest(faces):
    return max(faces, key=lambda face: face["box"][2] * face["box"][3])


def compare(rgb, exact, rounded):
    """(landmark shifts [5], box shifts [4], chips) or how many faces each sees."""
    a, b = exact.faces(rgb), rounded.faces(rgb)
    if not a or not b:
        return None, len(a), len(b)
    matrix = vision.similarity(largest(a)["points"])
    unit = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    points = np.linalg.norm(largest(a)["points"] - largest(b)["points"], axis=1) * unit
    box = np.abs(largest(a)["box"] - largest(b)["box"]) * unit
    chips = [vision.warp(rgb, vision.similarity(largest(f)["points"])) for f in (a, b)]
    return (points, box, chips), len(a), len(b)


def shift_line(what, values):
    return (f"  {what}: mean {values.mean():.3f}, 95th percentile {np.quantile(values, 0.95):.3f}, "
            f"largest {values.max():.2f} chip pixels")


def main():
    data = sys.argv[1]
    work = Path(sys.argv[2] if len(sys.argv) > 2 else "work")
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        Path(file.name).write_bytes(recipe.float_detector(work / "packages"))
        exact = vision.Detector(file.name, optimise=True)
    rounded = vision.Detector(str(recipe.MODELS / "yunet.onnx"), optimise=True)
    embed = vision.Embedder(str(recipe.MODELS / "sface.onnx"), optimise=True)
    seen = {}
    for even in (True, False):
        for name, person, rgb in calibrate_detector.pictures(data, even):
            found, before, after = compare(rgb, exact, rounded)
            seen.setdefault(name, []).append((even, person, found, before, after))
    for name, rows in seen.items():
        unseen = [row for row in rows if not row[0]]
        points, boxes = (np.array([row[2][k] for row in unseen if row[2]]) for k in (0, 1))
        print(f"{name}: {len(unseen)} pictures of people not calibrated on")
        print(f"  faces lost {sum(r[3] > r[4] for r in unseen)}, more {sum(r[4] > r[3] for r in unseen)}")
        print(shift_line("landmarks", points))
        print(shift_line("box edges", boxes))
        used = [row for row in rows if row[2]]
        people = np.array([row[1] for row in used])
        for form, k in (("fp32", 0), ("int8", 1)):
            e = np.array([embed(row[2][2][k]) for row in used])
            genuine, impostor = rates.pair_scores(e, people)
            levels = ", ".join(f"@{fmr:.0e} {rates.tar(genuine, impostor, fmr):.4f}" for fmr in FMRS)
            print(f"  {form} detector: TAR {levels} ({len(genuine)} / {len(impostor)} pairs)")


if __name__ == "__main__":
    main()
