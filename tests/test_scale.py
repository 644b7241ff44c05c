"""Graphs twenty thousand operations deep or wide, in a process that can hardly recurse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tinygrad_edu

SIZE = 20_000
RECURSION_LIMIT = 120  # frames, of which a program by itself needs a few dozen; Python's is 1,000
MANY, MOST_BYTES = 250_000, 260  # for each node of a graph after backward()

CHAIN = "reduce(lambda y, _: y + x, range(size), x)"
BALANCED = """reduce(
    lambda level, _: [a + b for a, b in zip(level[::2], level[1::2])] + level[len(level) & ~1:],
    range(size.bit_length()),
    [Value(1.0) for _ in range(size)],
)[0]"""

LIFE = """
import gc, json, sys
from functools import reduce
from tinygrad_edu import Value, gradient, topological_order

gc.disable()
sys.setrecursionlimit({limit})
size = {size}
x = Value(1.0)
y = {graph}
y.backward()
leaf = topological_order(y)[0]
facts = {{"value": y.data, "grad": leaf.grad, "nodes": len(topological_order(y)), "repr": repr(y)}}
(derivative,) = gradient(y, [leaf])
facts["gradient"] = derivative.data
y.zero_grad()
facts["zeroed"] = leaf.grad
del x, y, leaf, derivative
facts["left"] = sum(isinstance(thing, Value) for thing in gc.get_objects())
print(json.dumps(facts))
"""

MEMORY = r"""
import re, resource, sys
from pathlib import Path
from tinygrad_edu import Value

def most_bytes():
    if sys.platform == "linux":  # where ru_maxrss begins with the memory of the parent
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before = most_bytes()
x, y = Value(1.0), Value(1e-6)
for _ in range({size}):
    x = x + y
x.backward()
print("[", most_bytes() - before, ",", y.grad, "]")
"""


def run(program: str) -> Any:
    """What the program prints, run by a new interpreter."""
    root = str(Path(tinygrad_edu.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("graph", [CHAIN, BALANCED], ids=["deep", "wide"])
def test_a_big_graph_lives_and_dies_without_recursion(graph: str) -> None:
    """It is built, differentiated both ways, zeroed, shown, and freed by reference counts alone."""
    facts = run(LIFE.format(limit=RECURSION_LIMIT, size=SIZE, graph=graph))
    deep = graph is CHAIN
    grad = SIZE + 1.0 if deep else 1.0
    value = SIZE + (1.0 if deep else 0.0)
    assert facts == {
        "value": value,
        "grad": grad,
        "gradient": grad,
        "nodes": SIZE + 1 if deep else 2 * SIZE - 1,
        "repr": f"Value({value}, grad=1.0, op='+')",
        "zeroed": 0.0,
        "left": 0,
    }


def test_a_node_takes_little_memory() -> None:
    """The most that a long chain ever needs, backward() included."""
    most, grad = run(MEMORY.format(size=MANY))
    assert grad == MANY
    assert most / MANY <= MOST_BYTES


TAPE = r"""
import gc, re, resource, sys
from pathlib import Path
from tinygrad_edu import Value
from tinygrad_edu.compiler.tape.tape import record

def most_bytes():
    if sys.platform == "linux":  # where ru_maxrss begins with the memory of the parent
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

gc.disable()
sys.setrecursionlimit({limit})
before = most_bytes()
x, step = Value(1.0), Value(1e-6)
y = x
for i in range({size} // 2):
    y = (y + step).tanh()
graph = most_bytes()
tape = record([y], {wrt})
tape.verify()
slots = tape.run()
same = slots[tape.outputs[0]] == y.data
slopes = [slots[k] for k in tape.gradients]
print("[", most_bytes() - before, ",", most_bytes() - graph, ",", len(tape), ",", int(same), ",",
      slopes, "]")
"""
MOST_BYTES_OF_A_TAPE = 400


def test_a_long_tape_takes_little_memory() -> None:
    """Recorded, verified and run, the graph itself included."""
    most, _, slots, same, _ = run(TAPE.format(limit=RECURSION_LIMIT, size=MANY, wrt="[]"))
    assert (slots, same) == (MANY + 2, 1)
    assert most / MANY <= MOST_BYTES_OF_A_TAPE


def test_a_slot_of_an_adjoint_takes_little_memory() -> None:
    """Of the derivatives of a tape too deep to recurse: as much as a slot of the forward pass."""
    size = MANY // 2
    program = TAPE.format(limit=RECURSION_LIMIT, size=size, wrt="[x, step]")
    _, most, slots, same, (dx, dstep) = run(program)
    assert (slots > 2 * size, same) == (True, 1)
    assert 0 < dx < 1 < dstep
    assert most / slots <= MOST_BYTES_OF_A_TAPE
