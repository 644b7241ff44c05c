"""The examples of a compiled loss, run again by the eager engine, whose answer is the right one.

A back end's result counts only where it is finite. If it is not finite, or if Python's arithmetic
raised an error, the engine computes the numbers, and can name the example and the node in which the
nan or infinity first appeared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite

from tinygrad_edu.analysis.finite import first_nonfinite, nonfinite_message
from tinygrad_edu.compiler.recording import Recording
from tinygrad_edu.compiler.tape.python_function import Columns, Sums
from tinygrad_edu.engine import Value
from tinygrad_edu.functions import wrong_index

__all__ = ["nonfinite_node", "outputs_eagerly", "run_eagerly"]

Report = Callable[[str], None]  # is called with a message about a number that is not finite


def run_eagerly(graph: Recording, columns: Columns, count: int, report: Report) -> Sums:
    """Returns the same as `Backend.run`, but `columns` has a column for each input, used or not."""
    sums = [0.0] * (len(graph.outputs) + len(graph.wrt) - len(graph.per_example))
    lists: list[list[float]] = [[] for _ in graph.per_example]
    for i in range(count):
        nodes, outputs = _replayed(graph, columns, i)
        slopes = {x: nodes[k].grad for x, k in graph.forward.leaves.items()}
        results = [y.data for y in outputs]
        results += [slopes.get(x, 0.0) for x in graph.wrt if x not in graph.per_example]
        sums = [total + x for total, x in zip(sums, results)]
        for items, x in zip(lists, graph.per_example):
            items.append(slopes.get(x, 0.0))
        if not all(map(isfinite, [*results, *(items[-1] for items in lists)])):
            node = _first_nonfinite(outputs)
            if node is not None:
                report(_message(node, i, bool(graph.inputs)))
    if not all(map(isfinite, sums)):
        report("a sum over the examples is not finite")
    return sums, lists


def outputs_eagerly(
    graph: Recording, columns: Columns, count: int, report: Report
) -> list[list[float]]:
    """Returns a list for each output, with a number for each example."""
    rows = []
    for i in range(count):
        _, outputs = _replayed(graph, columns, i)
        node = _first_nonfinite(outputs)
        if node is not None and not all(isfinite(y.data) for y in outputs):
            report(_message(node, i, True))
        rows.append([y.data for y in outputs])
    return [list(column) for column in zip(*rows)]


def _message(node: Value, example: int, many: bool) -> str:
    """Returns a sentence about the node; IndexError for an index that is not in its table.

    many: whether there are several examples, so that the sentence names one.
    """
    where = f"example {example}: " if many else ""
    wrong = wrong_index(node)
    if wrong:
        raise IndexError(where + wrong)
    return where + nonfinite_message(node)


def nonfinite_node(graph: Recording, columns: Columns, count: int) -> tuple[int, Value] | None:
    """Returns the first example in which a node is not finite, and this node."""
    for i in range(count):
        _, outputs = _replayed(graph, columns, i)
        node = _first_nonfinite(outputs)
        if node is not None:
            return i, node
    return None


def _replayed(graph: Recording, columns: Columns, i: int) -> tuple[list[Value], list[Value]]:
    """Returns the nodes and the outputs of example `i`, after `backward` of the loss."""
    numbers = dict(zip(graph.constants, graph.numbers()))
    numbers |= {graph.inputs[k]: float(columns[k][i]) for k in graph.used}
    nodes, outputs = graph.forward.replay(numbers)
    outputs[0].backward()
    return nodes, outputs


def _first_nonfinite(outputs: Sequence[Value]) -> Value | None:
    return next((node for node in map(first_nonfinite, outputs) if node is not None), None)
