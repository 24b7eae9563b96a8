"""Last layers written by real Keras and PyTorch, and the p that these give for frozen h.

    pip install keras==3.15.1 jax==0.10.2 torch==2.15.0 numpy==2.4.6
    python rates/tests/data/import/make.py          # writes the other files of this folder
"""

import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
import keras
import numpy as np
import torch

HERE, N = Path(__file__).parent, 128
random = np.random.default_rng(20261124)
h = random.normal(size=(20, 2, N))
h /= np.linalg.norm(h, axis=2, keepdims=True)
h[:10, 1] = h[:10, 0] + random.normal(size=(10, N)) * 0.03  # genuine: near, then of unit length again
h[0, 1] = h[0, 0]  # an identical pair
h = (h / np.linalg.norm(h, axis=2, keepdims=True)).astype(np.float32)
distance = np.abs(h[:, 0] - h[:, 1])
alpha, bias = random.uniform(-1.5, 0.2, N).astype(np.float32), 4.25

dense = keras.layers.Dense(1, activation="sigmoid")
dense.build((None, N))
dense.set_weights([alpha[:, None], np.array([bias], np.float32)])
kernel, b = dense.get_weights()
np.savez_compressed(HERE / "keras.npz", kernel=kernel, bias=b)
p_keras = np.asarray(dense(distance), np.float64)[:, 0]

linear = torch.nn.Linear(N, 1)
with torch.no_grad():
    linear.weight.copy_(torch.tensor(alpha[None]))
    linear.bias.fill_(bias)
    p_torch = torch.sigmoid(linear.double()(torch.tensor(distance).double()))[:, 0].numpy()
state = {name: value.detach().numpy() for name, value in linear.float().state_dict().items()}
np.savez(HERE / "torch.npz", **state)
(HERE / "torch.json").write_text(json.dumps({name: value.tolist() for name, value in state.items()}))
rows = [{"h1": a.tolist(), "h2": b.tolist(), "keras": k, "torch": t} for (a, b), k, t in zip(h, p_keras, p_torch)]
(HERE / "expected.json").write_text(json.dumps(rows))
print("largest difference of the two", np.abs(p_keras - p_torch).max())
