"""Writes programs.json: what the programs of tests/programs/torch print.

    python3 -m venv /tmp/torch && /tmp/torch/bin/pip install torch==2.14.1 matplotlib
    PYTHONPATH=. /tmp/torch/bin/python tests/references/make_programs.py

Some of them take their data from `tinygrad_edu.data`, and nothing else of this package. All
numbers are doubles. Linear maps and embeddings begin with the numbers that ours begin with, so
that a program without other chance prints the same numbers.
"""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from math import cos, log, pi, sqrt
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import nn

HERE = Path(__file__).parent
PROGRAMS = HERE.parent / "programs" / "torch"

seeds = count()


def fill(tensor: Any, draw: Callable[[], float]) -> None:
    with torch.no_grad():
        tensor.copy_(torch.tensor([draw() for _ in range(tensor.numel())]).view_as(tensor))


def linear(self: Any) -> None:
    """Uniform in +-1/sqrt(inputs), weights and then biases, each map with the next seed."""
    random, r = Random(next(seeds)), 1 / sqrt(self.in_features)
    for tensor in (self.weight, self.bias):
        fill(tensor, lambda: r * (2 * random.random() - 1))


def embedding(self: Any) -> None:
    """Standard normal, by Box and Muller."""
    random = Random(next(seeds))
    fill(self.weight, lambda: sqrt(-2 * log(1 - random.random())) * cos(2 * pi * random.random()))


def run(program: str) -> None:
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    nn.Linear.reset_parameters = linear
    nn.Embedding.reset_parameters = embedding
    runpy.run_path(program)


def printed() -> Iterator[tuple[str, list[str]]]:
    """The names of the programs, and the lines that they print. Some are given a file to write."""
    for program in sorted(PROGRAMS.glob("*.py")):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, str(program), f"{folder}/file.png"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        yield program.stem, done.stdout.splitlines()


if __name__ == "__main__":
    if sys.argv[1:]:
        del sys.argv[0]
        run(sys.argv[0])
    else:
        told = {"torch": torch.__version__, "printed": dict(printed())}
        text = json.dumps(told, indent=1)
        (HERE / "programs.json").write_text(text + "\n", encoding="utf-8")
