"""The compiler's result does not change unawares: fingerprints of what it makes of many graphs.

A change that is to leave the result alone leaves tests/references/bytecode.json alone. A change
that improves it writes the file again, `python tests/test_bytecode.py`, and the benchmarks say by
how much. `python tests/test_bytecode.py --all` prints fingerprints of more graphs, and of the
numbers in their arenas, to compare two versions of the package.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pytest
from conftest import random_value
from test_native import REPEATED, random_repetition, reached

from tinygrad_edu import Value, compile, gradient, losses, mask, maximum, where
from tinygrad_edu.compiler.tape.tape import record
from tinygrad_edu.nn import MLP
from tinygrad_edu.ops import either
from tinygrad_edu.optim import SGD, Adam, AdamW, Momentum, RMSprop

pytest.importorskip("llvmlite")
from tinygrad_edu.compiler.native import lowering
from tinygrad_edu.compiler.native.binding import program
from tinygrad_edu.compiler.native.lowering.backward import backward
from tinygrad_edu.compiler.native.lowering.forward import forward
from tinygrad_edu.compiler.native.lowering.fuse import fuse
from tinygrad_edu.compiler.native.lowering.gradient_blocks import blocks
from tinygrad_edu.compiler.native.lowering.lane_sums import sums
from tinygrad_edu.compiler.native.lowering.nodes import (
    Apply,
    Call,
    Factor,
    Given,
    Lane,
    LaneSums,
    Number,
    Pattern,
    Row,
)
from tinygrad_edu.compiler.native.lowering.normal_form import normal_form
from tinygrad_edu.compiler.native.lowering.row_program import RowProgram, Writer
from tinygrad_edu.compiler.native.machine.interpreter import (
    DOTS,
    PLAIN,
    REDUCE,
    RELU,
    TIMES_STEP,
    UPDATE,
    machine,
    wide,
)
from tinygrad_edu.compiler.native.machine.optimizer_update import Update

FILE = Path(__file__).parent / "references" / "bytecode.json"
REGISTERS = {2: 16, 4: 16, 8: 32}  # of processors with vectors of so many doubles
Plan = tuple[str, Any, int, int]  # name, compiled loss, examples, doubles in a vector


def digest(*parts: bytes | str) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part.encode() if isinstance(part, str) else part)
    return whole.hexdigest()[:16]


def plans(everything: bool) -> Iterator[Plan]:
    """Graphs of every kind that the tests and benchmarks of the compiler have."""
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from ours import compiled
    from workloads import WORKLOADS

    for name, workload in WORKLOADS.items():
        if name == "W3":
            loss, leaves = workload.build(Value)
            yield name, compile(loss, leaves, backend="machine"), 1, 8
            continue
        for width in REGISTERS:
            leaves = workload.parameters(Value)
            yield name, compiled(workload, leaves, "machine")[0], 100, width
        if everything:
            leaves = workload.parameters(Value)
            yield f"{name} one", compiled(workload, leaves, "machine")[0], 1, 8
    leaves = WORKLOADS["W1"].parameters(Value)
    yield "W1 inside", compiled(WORKLOADS["W1"], leaves, "machine", inside=True)[0], 100, 8
    sizes = [(1, [1]), (2, [9, 2]), (3, [4, 4, 1]), (8, [16, 8])]
    for activation in ("tanh", "sigmoid", "relu"):
        for n, layers in sizes:
            model = MLP(n, layers, activation, seed=1)
            xs = [Value(0.1 * i, label=f"x{i}") for i in range(n + layers[-1])]
            loss = losses.mse_loss(model(xs[:n]), xs[n:])
            step = compile(loss, model.parameters(), xs, also=loss * 2, backend="machine")
            for count in (1, 9, 1000):
                yield f"{activation} {n} {layers}", step, count, 4 if count == 9 else 8
    model = MLP(3, [5, 4], seed=2)
    xs = [Value(0.1 * i) for i in range(7)]
    scores = model(xs[:3])
    some = {
        "cross entropy": losses.cross_entropy(scores, xs[3:]),
        "hinge": losses.hinge_loss(scores, xs[3:]),
        "huber": losses.huber_loss(scores, xs[3:]),
        "bce": losses.binary_cross_entropy_with_logits(scores[0], xs[3]),
        "where": where(scores[0], xs[3].log(), scores[1]) + maximum(scores[2], scores[3]),
        "mask": mask(scores[0], xs[3].log()) ** scores[1] + either(scores[2], scores[3]),
        "second": sum(
            (g * g for g in gradient(losses.mse_loss(scores, xs[3:]), xs[:3])), Value(0.0)
        ),
    }
    ws = model.parameters() * 2
    short, long = (sum((w * (n + i + 0.5) for i, w in enumerate(ws[:n])), xs[2]) for n in (9, 88))
    some["subtracted"] = (xs[0] - short).tanh() + (xs[1] - long).tanh()
    for name, loss in some.items():
        for count in (1, 9, 300):
            step = compile(loss, model.parameters(), xs, backend="machine")
            yield name, step, count, 8 if count > 1 else 4
    for build in REPEATED:
        for length in (3, 9) if everything else (5,):
            y = build(Random(length), length)
            leaves = reached(y)
            for width in REGISTERS:
                yield build.__name__, compile(y, leaves, backend="machine"), 1, width
            step = compile(y, leaves[3:], leaves[:3], backend="machine")
            yield f"{build.__name__} batch", step, 17, 4
    for seed in range(60 if everything else 12):
        y = random_repetition(Random(seed))
        for width in REGISTERS:
            yield f"repetition {seed}", compile(y, reached(y), backend="machine"), 1, width
    for seed in range(300 if everything else 30):
        y = random_value(Random(seed), 3 + seed % 28, labels=("",))
        leaves = reached(y)
        yield f"random {seed}", compile(y, leaves, backend="machine"), 1, 8
        step = compile(y, leaves[1:], leaves[:1], also=y * 0.5, backend="machine")
        yield f"random {seed} batch", step, 9, 4


def fingerprint(step: Any, count: int, width: int, numbers: bool) -> str:
    """What an arena and the machine are given for so many examples, without machine code."""
    no_code = SimpleNamespace(address=lambda _: 0)
    with (
        mock.patch.object(program, "processor", return_value=(width, REGISTERS[width])),
        mock.patch.object(program, "library", return_value=no_code),
        mock.patch.object(program, "missing", frozenset),
    ):
        plan = step.program().plan(count)
    arrays = [
        plan.numbers,
        plan.at,
        plan.others_at,
        np.array([plan.parameters_at, plan.gradients_at]),
    ]
    arrays += [plan.fixed] if numbers else []  # which depend on the last bits of exp and log
    return digest(plan.bytecode, *(x.tobytes() for x in arrays), str(plan.fixed.size))


def fingerprints(everything: bool = False) -> dict[str, str]:
    """By name: of plans, of the machine by width, of updates."""
    each: dict[str, list[str]] = {}
    for name, step, count, width in plans(everything):
        each.setdefault(name, []).append(fingerprint(step, count, width, everything))
    found = {name: digest(*parts) for name, parts in each.items()}
    for width, registers in REGISTERS.items():
        texts = [machine(width, vectors, registers, {"pow"}) for vectors in (1, 4)]
        if everything:
            texts += [machine(width, vectors, registers) for vectors in program.VECTORS]
        found[f"machine {width}"] = digest(*texts)
        text = machine(2 * width, 2, registers, {"pow"}, "float")
        found[f"machine of singles {2 * width}"] = digest(text)
        ps = [Value(0.5), Value(0.25)]
        schedule = lambda i: 0.1 / (i + 1)  # noqa: E731
        texts = [
            Update(*optimizer.recorded(), width, wide(width)).text
            for optimizer in (
                SGD(ps, 0.1),
                SGD(ps, schedule, momentum=0.9, nesterov=True, weight_decay=0.01),
                Momentum(ps, 0.1, 0.9),
                RMSprop(ps),
                Adam(ps),
                AdamW(ps),
            )
        ]
        found[f"updates {width}"] = digest(*texts)
        update = Update(*Adam(ps).recorded(), 2 * width, wide(2 * width, "float"), "float")
        found[f"update of singles {2 * width}"] = digest(update.text)
    return found


def test_the_result_is_the_one_that_was_stored() -> None:
    """The names that differ say which graphs to look at."""
    stored, found = json.loads(FILE.read_text(encoding="utf-8")), fingerprints()
    changed = [name for name in {**stored, **found} if stored.get(name) != found.get(name)]
    assert not changed, (
        "if you meant to change machine code, or have added a row to the table, which numbers the "
        f"instructions anew: run python tests/test_bytecode.py and commit {FILE.name}; {changed}"
    )


# --- the example that explains the passes --------------------------------------------------------


def example() -> tuple[Value, list[Value], list[Value]]:
    """A loss, its parameters and its inputs."""
    x, w, b, t = (Value(0.5) for _ in range(4))
    return ((x * w + b).relu() - t) ** 2, [w, b], [x, t]


def worked_example() -> list[str]:
    """What each pass adds to the example in the text of `lowering`, as lines of that text."""
    loss, wrt, inputs = example()
    tape = record([loss])
    x, t, w, b = (tape.leaves[leaf] for leaf in (*inputs, *wrt))
    nodes = normal_form(tape, tape.outputs)
    writer = Writer(RowProgram(8))
    given = [writer.row(Given()) for _ in range(4)]
    places: dict[Factor, Lane] = {x: Lane(given[0], 0), t: Lane(given[1], 0)}
    ahead = forward(nodes, [{0: k} for k in nodes], writer.program(), places, set())
    last = ahead.places[tape.outputs[0]].row
    both = backward(ahead.program, last, given[2], [w, b], set())
    writer = Writer(both.program)
    total = sums(writer, [[(given[3], last)]])
    found = blocks(writer.program(), both.gradients, single=False)
    names = {row: f"r{i}" for i, row in enumerate(found.program.rows)}
    fused = fuse(found.program, {*given, total, *(block.gradients for block in found.blocks)})
    changed = {r: x for r, x in fused.rows.items() if x is not found.program.rows[r]}

    def word(x: Any) -> str:
        if isinstance(x, Number):
            return f"{x.value:g}"
        return names[x] if isinstance(x, Row) else f"s{x}"

    def text(node: Any) -> str:
        if isinstance(node, Call | Apply):
            args = node.args if isinstance(node, Call) else node.rows
            return f"{node.op.name}({', '.join(map(word, args))})"
        if isinstance(node, Pattern):
            return f"{node.numbers[0]:g} in all lanes"
        if isinstance(node, LaneSums):
            ((hub, *others),) = node.terms
            return f"sums of {word(hub)} * [{', '.join(map(word, others))}]"
        total = " + ".join(f"{word(x)}*{word(y)}" for x, y in node.terms)
        last = getattr(node, "epilogue", PLAIN)
        if last is TIMES_STEP:
            return f"({total}) * step({word(node.other)})"
        return f"relu({total})" if last is RELU else total

    lines = [f"s{k} = {text(node)}" for k, node in nodes.items()]
    rows = [*found.program.rows.items(), *changed.items()]
    return lines + [f"{word(r)} = {text(x)}" for r, x in rows if not isinstance(x, Given)]


def test_the_example_that_explains_the_passes() -> None:
    """Every line of it is what a pass makes, and nothing that they make is left out."""
    text = lowering.__doc__ or ""
    told = [line.strip() for line in text.splitlines() if re.match(r"    [sr]\d+ = ", line)]
    assert told == worked_example()
    step = compile(*example(), backend="machine")
    with mock.patch.object(program, "processor", return_value=(8, 32)):
        code = np.frombuffer(step.program().plan(8).bytecode, np.int32).tolist()
    names = {DOTS: "DOTS", REDUCE: "REDUCE", UPDATE: "UPDATE"}
    found, at = [], 0
    while code[at]:
        found.append(names.get(code[at], "ELEMENTWISE"))
        at += code[at + 1]
    assert f"instructions: {', '.join(found)}." in text


if __name__ == "__main__":
    if "--all" in sys.argv:
        print(json.dumps(fingerprints(everything=True), indent=0))
    else:
        FILE.write_text(json.dumps(fingerprints(), indent=0) + "\n", encoding="utf-8")
