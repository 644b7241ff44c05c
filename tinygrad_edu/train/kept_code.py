"""The code of a model's compiled losses, kept from one call of `train` to the next.

A call records the graph anew, because it depends on the user's model and loss, which may have
changed. If the instructions are those of an earlier call, one by one, so is everything that was
made from them: Python functions, machine code and the runs that wait in it. What is kept for a
model goes with the model.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from tinygrad_edu.compiler.backends import Backends
from tinygrad_edu.compiler.compiled import CompiledLoss
from tinygrad_edu.compiler.recording import same_instructions

__all__ = ["MOST", "with_kept_code"]

MOST = 2**17  # instructions that are kept for a model; together with their code, about 100 MB
_kept: WeakKeyDictionary[Any, list[Backends]] = WeakKeyDictionary()


def with_kept_code(model: Any, step: CompiledLoss) -> CompiledLoss:
    """This returns `step`, with the code of an equal loss of this model if one is kept."""
    try:
        others = _kept.setdefault(model, [])
    except TypeError:  # a model that has no hash, or no weak references
        return step
    for code in [*others]:
        asked = (code.asked, code.precision) == (step.backend, step.precision)
        if asked and same_instructions(code.graph, step.graph):
            step.backends = code
            break
    others[:] = _newest([*(code for code in others if code is not step.backends), step.backends])
    return step


def _newest(codes: list[Backends]) -> list[Backends]:
    """Returns the last of these that have no more than MOST instructions together."""
    found: list[Backends] = []
    total = 0
    for code in reversed(codes):
        total += len(code.graph.forward)
        if total > MOST:
            break
        found.insert(0, code)
    return found
