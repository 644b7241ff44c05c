"""Writes moons.json: the hundred points of micrograd's demo, as scikit-learn 1.9.1 makes them.

    pip install scikit-learn && python tests/references/make_moons.py

The seeds, the call and the labels -1 and 1 are those of micrograd's demo.ipynb.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
from sklearn.datasets import make_moons

np.random.seed(1337)
random.seed(1337)
X, y = make_moons(n_samples=100, noise=0.1)
y = y * 2 - 1

rows = [json.dumps([*map(float, point), int(label)]) for point, label in zip(X, y)]
text = "[\n" + ",\n".join(rows) + "\n]\n"
Path(__file__).with_name("moons.json").write_text(text, encoding="utf-8")
