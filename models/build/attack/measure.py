"""Attack networks on clips of sources that they were not trained on.

    python models/build/attack/measure.py CLIPS_DIR [--only NAME,...] [--without NAME,...] [--also FILE.onnx:SIDE:INDEX ...]

CLIPS_DIR/SOURCE/SPECIES/CLIP/*.jpg, species `live` or an attack. A decision is the median of three frontal frames, of 30
a clip at most; a source counts with ten decisions of a kind at most. The threshold for a source turns away 5 % of the live
decisions of all others. --offset also measures it after each source's first live decision was moved to the common middle,
within 2 either way, as an enrolment would. --also: other networks, BGR, 2.7 times the face, output INDEX against the rest.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))
import recipe  # noqa: E402
import vision  # noqa: E402

FRAMES, TOGETHER, MOST = 30, 3, 10
FRONTAL = 0.17  # of the eyes' distance, that the nose may be beside the middle
LEAST_FACE = 40
OFFSET = 2.0


class Ours:
    def __init__(self):
        self.name = "attack.onnx"
        self.session = vision.session(str(recipe.MODELS / "attack.onnx"), optimise=True)
        self.side = self.session.get_inputs()[0].shape[2]

    def __call__(self, rgb, box):
        small = Image.fromarray(vision.around(rgb, box)).resize((self.side,) * 2, Image.BILINEAR)
        data = np.asarray(small, np.float32).transpose(2, 0, 1)[None]
        live, *attacks = self.session.run(None, {self.session.get_inputs()[0].name: data})[0][0].astype(float)
        return live - np.logaddexp.reduce(attacks)


class Other(Ours):
    def __init__(self, text):
        path, side, index = text.rsplit(":", 2)
        self.name, self.side, self.index = Path(path).name, int(side), int(index)
        self.session = vision.session(path, optimise=True)

    def __call__(self, rgb, box):
        small = Image.fromarray(vision.around(rgb, box)).resize((self.side,) * 2, Image.BILINEAR)
        data = np.ascontiguousarray(np.asarray(small, np.float32)[:, :, ::-1].transpose(2, 0, 1)[None])
        out = self.session.run(None, {self.session.get_inputs()[0].name: data})[0][0].astype(float)
        if abs(out.sum() - 1) < 1e-3 and out.min() >= 0:  # probabilities already
            out = np.log(out.clip(1e-9))
        return out[self.index] - np.logaddexp.reduce(np.delete(out, self.index))


def frontal(points):
    eyes = points[1] - points[0]
    apart = np.linalg.norm(eyes)
    middle = points[[0, 1, 3, 4]].mean(0)
    return abs((points[2] - middle) @ eyes) / apart ** 2 < FRONTAL


def decisions(folder, detector, networks):
    """Median scores of each network over a clip's frames, three by three."""
    paths, scores = sorted(folder.glob("*.jpg")), []
    for i in np.unique(np.linspace(0, len(paths) - 1, FRAMES).astype(int)):
        rgb = vision.read_rgb(paths[i])
        faces = detector.faces(rgb, threshold=0.7)
        if faces:
            face = max(faces, key=lambda f: f["box"][2] * f["box"][3])
            if max(face["box"][2:]) >= LEAST_FACE and frontal(face["points"]):
                scores.append([network(rgb, face["box"]) for network in networks])
    whole = len(scores) // TOGETHER * TOGETHER
    return np.median(np.array(scores[:whole]).reshape(-1, TOGETHER, len(networks)), axis=1)


def thinned(values):
    return values if len(values) <= MOST else values[np.linspace(0, len(values) - 1, MOST).astype(int)]


def area(live, attack):
    return float((live[:, None] > attack[None]).mean() + (live[:, None] == attack[None]).mean() / 2)


def moved(live, attack):
    """Each source's scores after its first live decision was brought to the middle of all."""
    middle = np.median([np.median(v) for v in live.values()])
    shift = {s: np.clip(middle - v[0], -OFFSET, OFFSET) for s, v in live.items()}
    return ({s: v[1:] + shift[s] for s, v in live.items() if len(v) > 1},
            {s: v + shift.get(s, 0.0) for s, v in attack.items()})


def report(title, live, attack):
    lives, attacks = (np.concatenate([thinned(v) for v in kind.values()]) for kind in (live, attack))
    limits = np.concatenate([lives, attacks])
    eer = min(max((lives < t).mean(), (attacks >= t).mean()) for t in limits)
    print(f"{title}: AUC {area(lives, attacks):.3f}, EER {eer:.3f}, APCER at BPCER 5 % on the same pool "
          f"{(attacks >= np.quantile(lives, 0.05)).mean():.3f} ({len(lives)} live, {len(attacks)} attack decisions)")
    for source in sorted(live | attack):
        others = np.concatenate([thinned(v) for s, v in live.items() if s != source])
        limit, own, bad = np.quantile(others, 0.05), live.get(source), attack.get(source)
        parts = []
        if own is not None:
            parts.append(f"live median {np.median(own):+.1f}, BPCER {(own < limit).mean():.2f} ({len(own)})")
        if bad is not None:
            parts.append(f"attack median {np.median(bad):+.1f}, APCER {(bad >= limit).mean():.2f} ({len(bad)})")
        if own is not None and bad is not None:
            parts.append(f"AUC {area(own, bad):.2f}")
        print(f"  {source}: {'; '.join(parts)}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("clips", type=Path)
    options.add_argument("--only", default="")
    options.add_argument("--without", default="")
    options.add_argument("--also", action="append", default=[])
    options.add_argument("--offset", action="store_true")
    args = options.parse_args()
    networks = [Ours(), *(Other(text) for text in args.also)]
    detector = vision.Detector(str(recipe.MODELS / "yunet.onnx"), optimise=True)
    live, attack = {}, {}
    for clip in sorted(p for p in args.clips.glob("*/*/*") if p.is_dir()):
        source, species = clip.parts[-3:-1]
        if source in args.without.split(",") or args.only and source not in args.only.split(","):
            continue
        found = decisions(clip, detector, networks)
        if len(found):
            live_or_not = live if species == "live" else attack
            live_or_not[source] = np.concatenate([live_or_not.get(source, np.zeros((0, len(networks)))), found])
    for i, network in enumerate(networks):
        of = [{s: v[:, i] for s, v in kind.items()} for kind in (live, attack)]
        report(network.name, *of)
        if args.offset:
            report(f"{network.name}, moved by the first live decision", *moved(*of))


if __name__ == "__main__":
    main()
