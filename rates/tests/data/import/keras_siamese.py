"""A siamese network as Keras writes it to ONNX: colours last, one layer shared by two inputs. Random weights.

    pip install keras==3.15.1 torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6 pillow==13.0.0
    python rates/tests/data/import/keras_siamese.py         # writes keras.onnx and keras-siamese.json
"""

import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
import onnxruntime
from keras import layers
from PIL import Image

HERE = Path(__file__).parent
keras.utils.set_random_seed(5)
tower = keras.Sequential([
    keras.Input((112, 112, 3)),
    layers.Conv2D(4, 7, strides=4, activation="relu"),
    layers.MaxPooling2D(3),
    layers.Conv2D(8, 3, activation="relu"),
    layers.MaxPooling2D(2),
    layers.Flatten(),
    layers.Dense(16, activation="sigmoid"),
])
one, other = keras.Input((112, 112, 3), name="one"), keras.Input((112, 112, 3), name="other")
distance = keras.ops.abs(layers.Subtract()([tower(one), tower(other)]))
p = layers.Dense(1, activation="sigmoid")(distance)
network = keras.Model([one, other], p)
network.layers[-1].set_weights([np.linspace(-9, 1, 16, dtype=np.float32)[:, None], np.array([2.5], np.float32)])
network([np.zeros((1, 112, 112, 3), np.float32)] * 2)  # Keras exports only what has run once.
network.export(HERE / "keras.onnx", format="onnx", verbose=False)

session = onnxruntime.InferenceSession(HERE / "keras.onnx", providers=["CPUExecutionProvider"])
names = ["obama-1", "obama-2", "biden", "astronaut"]
chips = {n: np.asarray(Image.open(HERE.parent / f"golden/{n}.chip.png").convert("RGB"), np.float32)[None] / 127.5 - 1
         for n in names}
rows = []
for a in names:
    for b in names:
        inputs = [i.name for i in session.get_inputs()]
        p_onnx = session.run(None, dict(zip(inputs, (chips[a], chips[b]))))[0].item()
        p_keras = float(network([chips[a], chips[b]])[0, 0])
        assert abs(p_onnx - p_keras) < 1e-6, (p_onnx, p_keras)
        rows.append({"one": a, "other": b, "p": p_onnx})
(HERE / "keras-siamese.json").write_text(json.dumps(rows, indent=0) + "\n")
