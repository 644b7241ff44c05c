"""What large graphs cost until their first compiled step: CPU seconds, and memory.

    python benchmarks/large.py
    python benchmarks/large.py --beside ../another/checkout

An irregular graph is a random one, of mixed operations: nothing in it repeats, so each node is
lowered by itself. A multilayer perceptron of a million parameters is trained for three steps over
100 examples. Every case runs in a new process, in turns with the same case in the other checkout;
the ratio is the median of the ratios within each round. A small graph is compiled first: so the
interpreter of the machine code is there, and what is imported late.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from time import process_time
from typing import Any

from eager import table
from scale import high_water_mark

SIZES = (1_400, 14_000, 140_000)  # operations in an irregular graph
WIDTH = 1_000  # inputs and hidden units of the perceptron
PARAMETERS, INPUTS, NEAR = 300, 5, 3_000
EXAMPLES, STEPS = 100, 3

Measured = dict[str, float]


def irregular(size: int, seed: int = 1) -> tuple[Any, list[Any], list[Any]]:
    """A graph of that many operations, its parameters and its inputs.

    An operand is a leaf, or one of the last nodes; each node is used a few times.
    """
    from tinygrad_edu import Value, exp, relu, sigmoid, sin, tanh

    unary: list[Callable[[Any], Any]] = [tanh, sin, sigmoid, relu, lambda x: exp(-x)]
    random = Random(seed)
    leaves = [Value(random.uniform(-1, 1)) for _ in range(INPUTS + PARAMETERS)]
    nodes, used = list(leaves), set[int]()
    while len(nodes) < size + len(leaves):
        near = max(0, len(nodes) - NEAR) if random.random() < 0.8 else 0
        i = random.randrange(near, len(nodes) if near else len(leaves))
        j = random.randrange(len(nodes))
        a, b, kind = nodes[i], nodes[j], random.random()
        if kind < 0.8:
            y = a + b if kind < 0.3 else a - b if kind < 0.5 else a * b if kind < 0.75 else a / 1.5
            y = tanh(y) if abs(y.data) > 3 else y  # numbers stay small
        else:
            y = random.choice(unary)(a)
        nodes.append(y)
        used |= {i, j} if kind < 0.75 else {i}
    loose = [y for i, y in enumerate(nodes) if i not in used]
    return sum(loose[1:], loose[0]) * 0.01, leaves[INPUTS:], leaves[:INPUTS]


def first_step(size: int) -> Measured:
    """From an irregular graph, which is there, to its gradients for one example."""
    from tinygrad_edu import compile, topological_order

    loss, ws, xs = irregular(size)
    numbers = [x.data for x in xs]
    begin = process_time()
    compile(loss, ws, xs, backend="machine")(*numbers)
    seconds = process_time() - begin
    return {"nodes": len(topological_order(loss)), "seconds": seconds}


def perceptron(width: int) -> Measured:
    """From a new model to three steps over all examples."""
    from tinygrad_edu import Value, compile, losses
    from tinygrad_edu.nn import MLP
    from tinygrad_edu.optim import Adam

    begin = process_time()
    model = MLP(width, [width, 1], "tanh", seed=1)
    xs = [Value(0.1) for _ in range(width + 1)]
    loss = losses.mse_loss(model(xs[:width]), xs[width:])
    parameters = model.parameters()
    step = compile(loss, parameters, xs, reduction="mean", backend="machine")
    random = Random(1)
    columns = [[random.uniform(-1, 1) for _ in range(EXAMPLES)] for _ in xs]
    step.train(Adam(parameters, 1e-3), columns, STEPS, progress=False)
    return {"nodes": len(parameters), "seconds": process_time() - begin}


def measure(case: str, size: int) -> Measured:
    """One case, in this process."""
    first_step(30)
    found = first_step(size) if case == "irregular" else perceptron(size)
    return {**found, "memory": high_water_mark()}


def in_new_process(case: str, size: int, checkout: Path) -> Measured:
    """What `measure` finds there with the package of a checkout."""
    child = [sys.executable, __file__, "--child", case, "--size", str(size)]
    environment = {**os.environ, "PYTHONPATH": str(checkout.resolve())}
    run = subprocess.run(child, capture_output=True, text=True, check=False, env=environment)
    if run.returncode:
        sys.exit(f"{case} {size}: {run.stderr or run.returncode}")
    found: Measured = json.loads(run.stdout)
    return found


def row(case: str, size: int, beside: Path | None, rounds: int) -> list[str]:
    """One line of the table: medians, and the ratio to the other checkout."""
    here, ratios = [], []
    for _ in range(rounds):
        here.append(in_new_process(case, size, Path(__file__).parent.parent))
        if beside is not None:
            other = in_new_process(case, size, beside)
            ratios.append(other["seconds"] / here[-1]["seconds"])
    nodes, seconds, memory = (median(x[key] for x in here) for key in here[0])
    return [
        f"{case}, {nodes:,.0f} {'nodes' if case == 'irregular' else 'parameters'}",
        f"{seconds:.2f}",
        f"{1e6 * seconds / nodes:.1f}",
        f"{memory / 2**20:,.0f}",
        f"{median(ratios):.2f}" if ratios else "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--beside", type=Path, help="another checkout of the package")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--child", choices=["irregular", "perceptron"], help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.child, options.size)))
        return
    header = ["case", "CPU s", "us each", "peak MiB", "the other's time / ours"]
    cases = [*(("irregular", size) for size in SIZES), ("perceptron", WIDTH)]
    print(table(header, [row(*case, options.beside, options.rounds) for case in cases]))


if __name__ == "__main__":
    main()
