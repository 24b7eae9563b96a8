"""Train on pictures that are simulated as they are needed.

    python models/build/attack/train.py FACES.npz OUTPUT_DIR [--minutes 5] [--batch 128] [--seed 16]

On a GPU; a minute makes some 100,000 pictures on a fast one. Several networks see the same pictures, so that input sizes
can be compared; the one that ships is in SHIPPED. GPU arithmetic is not the same twice, so the weights are kept
(weights.npz), and all after them is made again bit for bit.
"""

import argparse
import copy
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent))
import simulate  # noqa: E402
from camera import Random  # noqa: E402
from net import AttackNet, live_log_odds  # noqa: E402

NETS = {"wide128": (128, 2.7)}  # name: input side, field in faces
SHIPPED = "wide128"
RATE, DECAY = 4e-3, 0.02
POOL = 40  # batches that may be shown again, turned over


def auc(live, attack):
    both = torch.cat([live, attack])
    rank = torch.empty_like(both)
    rank[both.argsort()] = torch.arange(1, len(both) + 1, device=both.device, dtype=both.dtype)
    return float((rank[:len(live)].sum() - len(live) * (len(live) + 1) / 2) / len(live) / len(attack))


class Student:
    def __init__(self, name, device, start=None):
        self.name, (self.side, self.field) = name, NETS[name]
        self.net = AttackNet(self.side).to(device)
        if start:
            self.net.load_state_dict(torch.load(start / f"{name}.pt", map_location=device))
        self.mean = copy.deepcopy(self.net).eval()  # a running mean of the weights
        self.net.to(memory_format=torch.channels_last)
        self.values = [v for v in self.net.state_dict().values() if v.is_floating_point()]
        self.mean_values = [v for v in self.mean.state_dict().values() if v.is_floating_point()]
        decayed = [p for p in self.net.parameters() if p.ndim > 1]
        plain = [p for p in self.net.parameters() if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": DECAY},
                                            {"params": plain, "weight_decay": 0.0}], lr=RATE, foreach=True)
        self.loss = 0.0

    def step(self, pictures, classes, rate, keep):
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        x = pictures[self.name]
        with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=x.is_cuda):
            logits = self.net(x.to(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits.float(), classes, label_smoothing=0.02)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        with torch.no_grad():
            torch._foreach_lerp_(self.mean_values, self.values, 1 - keep)
        self.loss = 0.98 * self.loss + 0.02 * loss.detach()


def validate(student, batches, out):
    logits, classes = [], []
    with torch.no_grad():
        for pictures, which in batches:
            logits.append(student.mean(simulate.judged(pictures.float() / 255, student.side, student.field)))
            classes.append(which)
    logits, classes = torch.cat(logits), torch.cat(classes)
    odds = live_log_odds(logits)
    live = odds[classes == 0]
    limit = live.quantile(0.05)
    passed = [float((odds[classes == k] >= limit).float().mean()) for k in (1, 2)]
    aucs = [auc(live, odds[classes == k]) for k in (1, 2)]
    print(f"  {student.name}: loss {float(student.loss):.4f}, AUC print {aucs[0]:.4f} screen {aucs[1]:.4f}, "
          f"APCER at BPCER 5 %: print {passed[0]:.3f} screen {passed[1]:.3f}", flush=True)
    torch.save(student.mean.state_dict(), out / f"{student.name}.pt")
    np.savez(out / f"{student.name}-validation.npz", logits=logits.cpu().numpy(), classes=classes.cpu().numpy())


def calibration(student, batches, out, count=192):
    """Inputs for the ranges of the int8 network, u8."""
    shown = torch.cat([simulate.judged(p[::4].float() / 255, student.side, student.field) for p, _ in batches])[:count]
    np.savez_compressed(out / f"{student.name}-inputs.npz",
                        inputs=(shown * 128 + 128).round().clamp(0, 255).byte().cpu().numpy())


def main():
    options = argparse.ArgumentParser()
    options.add_argument("faces")
    options.add_argument("out", type=Path)
    options.add_argument("--minutes", type=float, default=5)
    options.add_argument("--batch", type=int, default=128)
    options.add_argument("--seed", type=int, default=16)
    options.add_argument("--rate", type=float, default=RATE)
    options.add_argument("--start", type=Path, help="folder of weights to go on from")
    options.add_argument("--limit", type=int, help="fewer people, to try the program out")
    args = options.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    begin = time.time()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(args.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    people = simulate.People(args.faces, device, limit=args.limit)
    held_back = simulate.People(args.faces, device, validation=True, limit=args.limit)
    print(f"{len(people.crops)} people, {len(held_back.crops)} for validation; {device}; {time.time() - begin:.0f} s", flush=True)
    random = Random(args.seed, device)
    students = [Student(name, device, args.start) for name in NETS]
    with torch.no_grad():
        fixed = Random(args.seed + 1, device)
        batches = [(b[0].mul(255).round().byte(), b[1])
                   for b in (simulate.batch_of(fixed, args.batch, held_back) for _ in range(24 if device == "cuda" else 2))]
    print(f"validation ready at {time.time() - begin:.0f} s", flush=True)
    began, steps, shown, pool = time.time(), 0, 0.0, []
    while (part := (time.time() - began) / 60 / args.minutes) < 1:
        with torch.no_grad():
            pictures, classes = simulate.batch_of(random, args.batch, people)
            fresh = {s.name: simulate.judged(pictures, s.side, s.field) for s in students}
            pool.append(({n: (x * 128 + 128).round().byte() for n, x in fresh.items()}, classes))
            pool = pool[-POOL:]
            for _ in range(2 if steps > 10 else 0):
                old, which = pool[int(random.pick(1, len(pool)))]
                turned = {n: (x.flip(3).float() - 128) / 128 for n, x in old.items()}
                fresh = {n: torch.cat([fresh[n], turned[n]]) for n in fresh}
                classes = torch.cat([classes, which])
        rate = args.rate * min(1, (steps + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * part)) + 1e-5
        for student in students:
            student.step(fresh, classes, rate, min(0.997, steps / (steps + 10)))
        steps += 1
        if time.time() - shown > 40:
            shown = time.time()
            print(f"{steps} steps, {shown - began:.0f} s", flush=True)
            for student in students:
                validate(student, batches, args.out)
    print(f"{steps} steps of {args.batch}, the end", flush=True)
    for student in students:
        validate(student, batches, args.out)
    calibration(students[0], batches, args.out)


if __name__ == "__main__":
    main()
