"""Aligned chips of a folder of face sets, one sub-folder a set and in it one folder a person.

Expected sets: att, yale, faces94 (pictures) and wild112 (112x112 chips, used as they are).
The chips are kept in a cache file beside the float originals, never in the repository.
"""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

import vision

SETS = ("att", "yale", "faces94", "wild112")


def enlarged(rgb, pad=0.3, times=3):
    """Replicate the border and enlarge, because a face that fills its picture is not found."""
    top, left = (round(n * pad) for n in rgb.shape[:2])
    padded = np.pad(rgb, ((top, top), (left, left), (0, 0)), mode="edge")
    image = Image.fromarray(padded)
    return np.asarray(image.resize((image.width * times, image.height * times), Image.BICUBIC))


def chip_of(rgb, name, detector):
    if name == "wild112":
        return rgb
    rgb = enlarged(rgb) if name in ("att", "faces94") else rgb
    faces = detector.faces(rgb)
    if not faces:
        return None
    biggest = max(faces, key=lambda face: face["box"][2] * face["box"][3])
    return vision.warp(rgb, vision.similarity(biggest["points"]))


def load_set(folder, name, detector):
    """(chips u8 [n, 112, 112, 3], person number [n]); byte-identical files count once."""
    chips, people, seen, missed = [], [], set(), 0
    persons = sorted(p for p in (Path(folder) / name).iterdir() if p.is_dir())
    for number, person in enumerate(persons):
        for file in sorted(person.iterdir()):
            mark = hashlib.sha256(file.read_bytes()).digest()
            if mark in seen:
                continue
            seen.add(mark)
            chip = chip_of(vision.read_rgb(file), name, detector)
            if chip is None:
                missed += 1
                continue
            chips.append(chip)
            people.append(number)
    print(f"{name}: {len(persons)} people, {len(chips)} chips, {missed} without a face found")
    return np.stack(chips), np.array(people)


def load(folder, yunet, cache=None):
    """set -> (chips, people)."""
    if cache and Path(cache).exists():
        stored = np.load(cache)
        return {name: (stored[f"{name}_chips"], stored[f"{name}_people"]) for name in SETS}
    detector = vision.Detector(yunet, optimise=True)
    found = {name: load_set(folder, name, detector) for name in SETS}
    if cache:
        arrays = {f"{n}_chips": c for n, (c, _) in found.items()}
        np.savez(cache, **arrays, **{f"{n}_people": p for n, (_, p) in found.items()})
    return found


def calibration_half(people):
    """Even person numbers calibrate, odd ones are never calibrated on."""
    return people % 2 == 0
