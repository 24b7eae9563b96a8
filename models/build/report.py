"""What quantisation costs: cosine int8 to fp32, and TAR of both, on att and wild112.

    python models/build/report.py DATA_DIR [WORK_DIR]

Calibration used the people with an even number; "unseen" are the others.
"""

import sys
from pathlib import Path

import numpy as np

import datasets
import rates
import recipe
import vision

FMRS = (1e-2, 1e-3, 1e-4)


def embeddings(model, chips):
    session = vision.session(model, optimise=True)
    rows = [session.run(None, {"data": np.ascontiguousarray(c.transpose(2, 0, 1)[None], np.float32)})[0]
            for c in chips]
    return rates.normalised(np.concatenate(rows).astype(float))


def cosine_line(which, cosine):
    return f"  {which}: cosine mean {cosine.mean():.5f}, 5th percentile {np.quantile(cosine, 0.05):.5f}"


def tar_line(form, e, people):
    genuine, impostor = rates.pair_scores(e, people)
    levels = ", ".join(f"@{fmr:.0e} {rates.tar(genuine, impostor, fmr):.4f}" for fmr in FMRS)
    return f"  {form}: TAR {levels} ({len(genuine)} / {len(impostor)} pairs)"


def main():
    data = sys.argv[1]
    work = Path(sys.argv[2] if len(sys.argv) > 2 else "work")
    sets = datasets.load(data, str(recipe.MODELS / "yunet.onnx"), work / "chips.npz")
    for name in recipe.READERS:
        plain = recipe.float_embedder(name, work / "packages")
        for key in ("att", "wild112"):
            chips, people = sets[key]
            exact = embeddings(plain, chips)
            rounded = embeddings(str(recipe.MODELS / f"{name}.onnx"), chips)
            cosine, seen = (exact * rounded).sum(1), datasets.calibration_half(people)
            print(f"{name}, {key}")
            print(cosine_line("calibration people", cosine[seen]))
            print(cosine_line("unseen people", cosine[~seen]))
            print(tar_line("fp32", exact, people))
            print(tar_line("int8", rounded, people))
            print(tar_line("fp32, unseen people", exact[~seen], people[~seen]))
            print(tar_line("int8, unseen people", rounded[~seen], people[~seen]))


if __name__ == "__main__":
    main()
