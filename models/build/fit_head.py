"""Fit a head with one common alpha on the att set, and choose its threshold.

    python models/build/fit_head.py sface DATA_DIR [WORK_DIR]

z = b + alpha * sum_j |h1_j - h2_j|; a decision is the mean over 3 frames of the mean of the two best
of 5 templates. The threshold is the lowest that no impostor decision of att reaches in 2-fold,
identity-disjoint cross-validation, five times over. The other sets are only checked.
"""

import datetime
import hashlib
import sys
from pathlib import Path

import numpy as np

import datasets
import rates
import recipe
import vision

TOP = 8.0  # z of an identical pair: sigmoid(8) = 0.99966, so that p still tells decisions apart


def fit(d, same):
    """b, alpha of a logistic regression on one variable, both classes weighing the same."""
    weight = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    mean, spread = d.mean(), d.std()
    x = np.stack([np.ones(len(d)), (d - mean) / spread], 1)
    theta, ridge = np.zeros(2), np.diag([0, 1e-3])
    for _ in range(100):
        p = 1 / (1 + np.exp(-x @ theta))
        gradient = x.T @ (weight * (p - same)) + ridge @ theta
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + ridge
        theta -= np.linalg.solve(hessian, gradient)
    return theta[0] - theta[1] * mean / spread, theta[1] / spread


def tempered(b, alpha):
    """The same order of scores and the same zero, with an identical pair at z = TOP."""
    return TOP, alpha * TOP / b


def pairs(e, people):
    upper = np.triu_indices(len(e), 1)
    return rates.distances(e)[upper], (people[:, None] == people[None, :])[upper]


def cross_validated(e, people, repeats=5, draws=10):
    """z of (genuine, impostor) decisions, each scored by a head that never saw these people."""
    random, everyone = np.random.default_rng(7), np.unique(people)
    genuine, impostor = [], []
    for repeat in range(repeats):
        half = random.permutation(everyone)
        for fold in (half[: len(half) // 2], half[len(half) // 2:]):
            inside = np.isin(people, fold)
            b, alpha = tempered(*fit(*pairs(e[~inside], people[~inside])))
            g, i = rates.decisions(rates.distances(e[inside]), people[inside], draws, repeat)
            genuine.append(b + alpha * g)
            impostor.append(b + alpha * i)
    return np.concatenate(genuine), np.concatenate(impostor)


def line(name, genuine, impostor, level):
    misses, errors = int((genuine < level).sum()), int((impostor >= level).sum())
    bound = rates.upper_bound(errors, len(impostor))
    return (f"{name}: false matches {errors} of {len(impostor)} impostor decisions (95 % bound {bound:.1e} "
            f"if they were independent), misses {misses} of {len(genuine)} genuine "
            f"({100 * misses / len(genuine):.2f} %)")


def main():
    name, data = sys.argv[1:3]
    work = Path(sys.argv[3] if len(sys.argv) > 3 else "work")
    model = recipe.MODELS / f"{name}.onnx"
    sets = datasets.load(data, str(recipe.MODELS / "yunet.onnx"), work / "chips.npz")
    embed = vision.Embedder(str(model), optimise=True)
    e, people = {}, {}
    for key, (chips, who) in sets.items():
        e[key], people[key] = np.stack([embed(chip) for chip in chips]), who

    b, alpha = tempered(*fit(*pairs(e["att"], people["att"])))
    alpha = float(f"{alpha:.6g}")
    genuine, impostor = cross_validated(e["att"], people["att"])
    threshold = float(np.ceil(1000 / (1 + np.exp(-impostor.max()))) / 1000)
    level = np.log(threshold / (1 - threshold))

    found = [line("att, cross-validated", genuine, impostor, level)]
    for key in ("wild112", "yale", "faces94"):
        g, i = rates.decisions(rates.distances(e[key]), people[key], 200 if key == "wild112" else 100, 3)
        found.append(line(key, b + alpha * g, b + alpha * i, level))
    comments = "".join(f"# {text}\n" for text in found)
    text = f'''# Made by: python models/build/fit_head.py {name} DATA_DIR
# A decision is the mean over 3 frames of the mean of the two best of 5 templates.
# The threshold is the lowest, in steps of 0.001, that no impostor decision of att reaches (cross-validated,
# no person in both halves); wanted: at most 1 false match in 10,000 decisions, as a 95 % bound.
# The draws share few people (att 40, wild112 10, yale 15, faces94 18), so the bounds are too good.
{comments}schema = 1
embedder = "{name}"
embedder_sha256 = "{hashlib.sha256(model.read_bytes()).hexdigest()}"
bias = {b}
alpha = {alpha}
threshold = {threshold}
fitted_on = "AT&T (ORL) Database of Faces, 40 people, 400 pictures; Olivetti Research Laboratory, Samaria and Harter 1994"
fitted_at = "{datetime.date.today()}"
'''
    (recipe.MODELS / f"{name}.head.toml").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
