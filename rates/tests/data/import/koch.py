"""A small siamese network after Koch et al. 2015, trained with and without the bias b on faces; the shipped one is a test file.

    pip install torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6 pillow==13.0.0
    facelatch-rates chips ATT --output chips          # ATT: the ORL (AT&T) faces, one folder a person
    python rates/tests/data/import/koch.py chips            # prints the table of docs/rates.md, writes koch.onnx, koch.json

28 people train, the other 12 are measured. One thread and fixed seeds: on one machine it gives the same again.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from PIL import Image
from torch import nn

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden"
STEPS, BATCH, TRAINED = 3000, 64, 28
GREY = np.array([0.299, 0.587, 0.114], np.float32)
torch.set_num_threads(1)


class Koch(nn.Module):
    """Two pictures [N, 1, 112, 112], 0..1, to p [N, 1]. h is the output of a sigmoid layer, as in the paper."""

    def __init__(self, bias):
        super().__init__()
        self.tower = nn.Sequential(
            nn.AvgPool2d(4),
            nn.Conv2d(1, 12, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(24, 32, 3), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 9, 48), nn.Sigmoid(),
        )
        self.head = nn.Linear(48, 1, bias=bias)

    def logit(self, one, other):
        return self.head(torch.abs(self.tower(one) - self.tower(other)))

    def forward(self, one, other):
        return torch.sigmoid(self.logit(one, other))


def chip(path):
    rgb = np.asarray(Image.open(path).convert("RGB"), np.float32)
    return ((rgb * (GREY / 255)).sum(2))[None]


def pairs(people, random, count):
    """Half of them genuine; numbers of (person, picture)."""
    one, other, same = [], [], []
    for number in range(count):
        genuine = number % 2 == 0
        a = random.choice(people)
        b = a if genuine else random.choice([p for p in people if p != a])
        first = random.integers(10)
        second = random.choice([i for i in range(10) if i != first]) if genuine else random.integers(10)
        one.append((a, first)), other.append((b, second)), same.append(float(genuine))
    return one, other, np.array(same, np.float32)


def take(pictures, which):
    return torch.tensor(np.stack([pictures[p][i] for p, i in which]))


def shaken(batch, random):
    """Mirrored by chance, moved by up to 4 pixels."""
    if random.random() < 0.5:
        batch = batch.flip(3)
    return torch.roll(batch, tuple(int(s) for s in random.integers(-4, 5, 2)), (2, 3))


def train(pictures, people, bias, seed):
    torch.manual_seed(seed)
    random, network = np.random.default_rng(seed), Koch(bias)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3, weight_decay=1e-4)
    loss = nn.BCEWithLogitsLoss()
    for step in range(STEPS):
        one, other, same = pairs(people, random, BATCH)
        z = network.logit(shaken(take(pictures, one), random), shaken(take(pictures, other), random))
        optimiser.zero_grad()
        loss(z[:, 0], torch.tensor(same)).backward()
        optimiser.step()
    return network.eval()


def measured(network, pictures, people):
    """Accuracy at p >= 0.5 over as many genuine as impostor pairs, EER of all pairs, p of an identical pair."""
    which = [(p, i) for p in people for i in range(10)]
    with torch.no_grad():
        h = network.tower(take(pictures, which)).numpy()
        weight = network.head.weight.numpy()[0]
        bias = float(network.head.bias[0]) if network.head.bias is not None else 0.0
    z = bias + np.abs(h[:, None] - h[None]) @ weight
    person = np.array([p for p, _ in which])
    upper = np.triu(np.ones_like(z, bool), 1)
    same = person[:, None] == person[None]
    genuine, impostor = z[upper & same], z[upper & ~same]
    accuracy = ((genuine >= 0).mean() + (impostor < 0).mean()) / 2
    levels = np.sort(np.concatenate([genuine, impostor]))
    misses = np.searchsorted(np.sort(genuine), levels) / len(genuine)
    matches = 1 - np.searchsorted(np.sort(impostor), levels) / len(impostor)
    at = np.argmin(np.abs(misses - matches))
    return accuracy, (misses[at] + matches[at]) / 2, 1 / (1 + np.exp(-bias))


def ship(network):
    """koch.onnx, and koch.json: p of pairs of bundled chips by onnxruntime."""
    example = (torch.zeros(1, 1, 112, 112), torch.zeros(1, 1, 112, 112))
    path = HERE / "koch.onnx"
    torch.onnx.export(network, example, path, input_names=["one", "other"], output_names=["p"], dynamo=False,
                      opset_version=17, dynamic_axes={"one": {0: "n"}, "other": {0: "n"}})
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = ["obama-1", "obama-2", "obama-3", "biden", "astronaut", "turned"]
    chips = {name: chip(GOLDEN / f"{name}.chip.png")[None] for name in names}
    rows = []
    for one in names:
        for other in names:
            p = session.run(None, {"one": chips[one], "other": chips[other]})[0].item()
            with torch.no_grad():
                by_torch = network(torch.tensor(chips[one]), torch.tensor(chips[other])).item()
            assert abs(p - by_torch) < 1e-6, (p, by_torch)
            rows.append({"one": one, "other": other, "p": p})
    (HERE / "koch.json").write_text(json.dumps(rows, indent=0) + "\n")


def main(folder):
    pictures = [[chip(p) for p in sorted(person.iterdir())] for person in sorted(Path(folder).iterdir())]
    order = np.random.default_rng(20261124).permutation(len(pictures))
    fit, test = order[:TRAINED], order[TRAINED:]
    print("| last layer | seed | accuracy at p >= 0.5 | EER | p of an identical pair |\n| --- | --- | --- | --- | --- |")
    for seed in range(2):
        for bias in (False, True):
            network = train(pictures, fit, bias, seed)
            accuracy, eer, identical = measured(network, pictures, test)
            name = "with b" if bias else "without b"
            print(f"| {name} | {seed} | {accuracy:.3f} | {100 * eer:.1f} % | {identical:.4f} |", flush=True)
            if bias and seed == 0:
                ship(network)


main(sys.argv[1])
