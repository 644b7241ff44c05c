"""Calls of a compiled loss that are not steps of a run: the forward pass, and columns as arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import process_time
from typing import Any

from fed_ours import Ours
from streams import digits
from training import imported
from workloads import SEED, hinge, moons_layers, moons_numbers

MANY = 10**5  # examples

Timers = dict[str, Callable[[], float]]


def timer(call: Callable[[], Any], repeats: int) -> Callable[[], float]:
    """Returns a function that gives the seconds of one call."""

    def sample() -> float:
        start = process_time()
        for _ in range(repeats):
            call()
        return (process_time() - start) / repeats

    return sample


def forward() -> Timers:
    """The outputs of all digits, beside a training step with all of them."""
    one = Ours(digits(0), one_hot=True)
    run = one.loss.begin(one.adam, one.xs, one.ys)
    return {
        "a step of a begun run": timer(run.step, 10),
        "step.outputs(X, Y)": timer(lambda: one.loss.outputs(one.xs, one.ys), 10),
        "step(X, Y)": timer(lambda: one.loss(one.xs, one.ys), 10),
    }


def columns() -> Timers:
    """Many points on two moons, as arrays and as lists."""
    from tinygrad_edu import Value, compile
    from tinygrad_edu.optim import SGD

    np = imported("numpy")
    draw = np.random.default_rng(SEED)
    side = draw.integers(0, 2, MANY) * 2.0 - 1
    arrays = [draw.normal(size=MANY), draw.normal(size=MANY), side]
    leaves = [Value(x) for x in moons_numbers()]
    x, y, opposite = inputs = [Value(0.5) for _ in arrays]
    loss = hinge(moons_layers(leaves), [x, y], opposite)
    step = compile(loss, leaves, inputs, reduction="mean")
    lists = [column.tolist() for column in arrays]
    run = step.begin(SGD(leaves, 1e-6), *arrays)

    def fed() -> float:
        run.feed(*arrays)
        return run.step()

    return {
        "a step of a begun run": timer(run.step, 3),
        "step(*arrays)": timer(lambda: step(*arrays), 3),
        "step(*lists)": timer(lambda: step(*lists), 3),
        "run.feed(*arrays), run.step()": timer(fed, 3),
    }


def groups() -> Iterator[tuple[str, Timers]]:
    """Titles, and what is compared; the first is what the others are compared with."""
    yield "Digits, all 1,797 examples", forward()
    yield f"Moons 2-16-16-1, {MANY:,} examples", columns()
