"""Does folding change the networks? Folded fp32 against the original files, on the golden chips.

    python models/build/check_folding.py [WORK_DIR]

SFace runs in onnxruntime. MobileFaceNet needs the TFLite runtime (`pip install ai-edge-litert`), which
is not among the pinned requirements; without it that half is skipped.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import packages
import recipe
import vision

CHIPS = sorted((recipe.MODELS.parent / "tests/data/golden").glob("*.chip.png"))


def tflite_embedder(data):
    from ai_edge_litert.interpreter import Interpreter
    net = Interpreter(model_content=data, num_threads=1)
    net.allocate_tensors()
    into, out = net.get_input_details()[0]["index"], net.get_output_details()[0]["index"]

    def embed(chip):
        scaled = (chip.astype(np.float32) - 127.5) / 128
        net.set_tensor(into, np.stack([scaled, scaled]))  # the file's batch is 2
        net.invoke()
        value = net.get_tensor(out)[0].astype(float)
        return value / np.linalg.norm(value)

    return embed


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else recipe.BUILD / "work") / "packages"
    for name, open_original in (("sface", vision.Embedder), ("mobilefacenet", tflite_embedder)):
        try:
            original = open_original(packages.source(name, folder))
        except ImportError as missing:
            print(f"{name}: skipped, {missing}")
            continue
        folded = vision.Embedder(recipe.float_embedder(name, folder))
        chips = [np.asarray(Image.open(path)) for path in CHIPS]
        apart = [1 - original(chip) @ folded(chip) for chip in chips]
        print(f"{name}: 1 - cosine at most {max(apart):.1e} over {len(chips)} chips")


if __name__ == "__main__":
    main()
