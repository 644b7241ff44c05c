"""The limit: hand.c, compiled here and now for this processor."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
from collections.abc import Iterable
from ctypes import CDLL, Array, c_double, c_long
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from training import ALPHA, BETAS, EPSILON, RATES, STEPS, Contender, family_columns
from workloads import DECAY, Workload, moons, name_tokens

# Tried besides, on Zen 5 with gcc 12: -O2 (a tie), -mprefer-vector-width=512 (W2 slower by a
# tenth; the vectors are written out), -ffast-math (not allowed: it removes the rounding in exp).
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-std=gnu11")


def compiler() -> str:
    """The C compiler, with its version."""
    run = subprocess.run([_cc(), "--version"], capture_output=True, text=True, check=True)
    return run.stdout.partition("\n")[0]


def _cc() -> str:
    return os.environ.get("CC", "cc")


@cache
def library() -> CDLL:
    """hand.c with its data; OSError where it cannot be compiled."""
    directory = mkdtemp()
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    target = Path(directory, "hand.so")
    source = Path(__file__).with_name("hand.c")
    command = [_cc(), *FLAGS, "-shared", "-fPIC", "-o", str(target), str(source), "-lm"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        reasons = [line for line in run.stderr.splitlines() if "error" in line]
        raise OSError(reasons[0].rpartition("error")[2].strip(' :"') if reasons else run.stderr)
    hand = CDLL(str(target))
    hand.W1_data(_array(x for point, _ in moons() for x in point), _array(s for _, s in moons()))
    inputs, targets = family_columns()
    hand.W2_data(
        *(_array(x for column in columns for x in column) for columns in (inputs, targets))
    )
    hand.W3_data(_array(name_tokens()))
    return hand


def _array(numbers: Iterable[float]) -> Array[c_double]:
    listed = list(numbers)
    return (c_double * len(listed))(*listed)


SETTINGS = {"W1": (DECAY,), "W2": (ALPHA,), "W3": (*BETAS, EPSILON)}  # after the rate


class Hand:
    """`STEPS` steps in one call."""

    name = "C by hand"
    steps = STEPS

    def __init__(self, workload: Workload) -> None:
        hand, name = library(), workload.name
        self.first = _array(workload.numbers())
        self.own = _array(self.first)
        self._set, self._get, self._gradient, self._train = (
            getattr(hand, f"{name}_{what}") for what in ("set", "get", "gradient", "train")
        )
        self._settings = [c_double(x) for x in (RATES[name], *SETTINGS[name])]
        self._of_loss = self._settings[1:] if name == "W1" else []
        self.losses = _array([0.0] * STEPS)

    def reset(self) -> None:
        self._set(self.first)

    def gradients(self) -> list[float]:
        self._gradient(self.own, *self._of_loss)
        return list(self.own)

    def train(self, steps: int) -> None:
        self._train(self.losses, c_long(steps), *self._settings)

    def parameters(self) -> list[float]:
        self._get(self.own)
        return list(self.own)


class HandOnce(Hand):
    """A call from Python for each step."""

    name = "C by hand, one call a step"

    def train(self, steps: int) -> None:
        for _ in range(steps):
            self._train(self.losses, 1, *self._settings)


class HandInside(Hand):
    """Adam inside of the sums of the gradients, which nobody can read afterwards."""

    name = "C by hand, gradients used up"

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self._train = library().W3_train_inside


def contenders(workload: Workload) -> list[Contender]:
    """The limit, what of it a call from Python leaves, and what more can be saved."""
    found: list[Contender] = [Hand(workload), HandOnce(workload)]
    return [*found, HandInside(workload)] if workload.name == "W3" else found
