"""From trained weights to weights.npz and ranges-attack.json, which are committed: build.py needs nothing else.

    python models/build/attack/quantise.py TRAINED_DIR

TRAINED_DIR is what train.py wrote: weights, and of people it was not trained on the logits and some inputs. The
temperature, by which logits become log-odds that can be believed, is fitted on these and goes into the last matrix.
"""

import copy
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
import calibrate  # noqa: E402
import graphs  # noqa: E402
import recipe  # noqa: E402
import vision  # noqa: E402
from attack import folded, train  # noqa: E402


def log_odds(logits):
    return logits[:, 0] - np.logaddexp(logits[:, 1], logits[:, 2])


def temperature(logits, classes):
    """What the logits must be divided by so that their log-odds are right on average (Guo et al. 2017)."""
    def loss(t):
        odds = log_odds(logits / t)
        return np.logaddexp(0, np.where(classes == 0, -odds, odds)).mean()
    return min(np.geomspace(0.4, 3, 400), key=loss)


def run(model, inputs):
    session = vision.session(model, optimise=True)
    return np.concatenate([session.run(None, {"data": x[None].astype(np.float32)})[0] for x in inputs])


def main():
    folder = Path(sys.argv[1])
    validation = np.load(folder / f"{train.SHIPPED}-validation.npz")
    state = torch.load(folder / f"{train.SHIPPED}.pt", map_location="cpu")
    values = folded.fold(state)
    t = temperature(validation["logits"].astype(float), validation["classes"])
    values["logits.w"], values["logits.b"] = values["logits.w"] / t, values["logits.b"] / t
    np.savez_compressed(folded.WEIGHTS, **{k: v.astype(np.float16) for k, v in values.items()})
    print(f"temperature {t:.3f}, {folded.WEIGHTS.stat().st_size} bytes of weights")

    inputs = np.load(folder / f"{train.SHIPPED}-inputs.npz")["inputs"]
    chips, unseen = inputs[::2].transpose(0, 2, 3, 1), inputs[1::2]
    plain = folded.read()
    ranges = calibrate.ranges(copy.deepcopy(plain), chips)
    out = {"network": "attack", "calibrated_on": f"{len(chips)} simulated pictures of people not trained on", **ranges}
    (recipe.BUILD / "ranges-attack.json").write_text(recipe.compact(out))

    exact = log_odds(run(graphs.float_graph(plain, "attack").SerializeToString(), unseen))
    rounded = log_odds(run(recipe.quantised_attack(), unseen))
    print(f"log-odds int8 against float on {len(unseen)} others: correlation {np.corrcoef(exact, rounded)[0, 1]:.5f}, "
          f"mean difference {np.abs(exact - rounded).mean():.3f}, largest {np.abs(exact - rounded).max():.3f}, "
          f"spread {exact.std():.2f}")


if __name__ == "__main__":
    main()
