"""Reverse mode: one pass back; forward mode needs one for each input.

The chain rule can be read in two directions. Forward mode (Wengert 1964) computes d node / d input
from one input to the output. Reverse mode (Linnainmaa 1970, Werbos 1974) computes d output / d node
from the output to all inputs. Both give the same numbers. How much work is each?
"""

from __future__ import annotations

from random import Random

from tinygrad_edu import Value, graph, tanh, topological_order
from tinygrad_edu.analysis.check import central_difference
from tinygrad_edu.demos.laboratory import charts
from tinygrad_edu.lesson.claims import Claim, bounded
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.telling import Lesson
from tinygrad_edu.ops import CONSTANT

__all__ = ["main"]

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # inputs of the function
MILLION = 1_000_000
LINNAINMAA = "Linnainmaa 1970"
STEPS = [10.0**-k for k in range(1, 14)]


@command(seeds=20, quick=5)
def main(lesson: Lesson) -> None:
    used_twice(lesson)
    both_modes(lesson)
    differences(lesson)


def used_twice(lesson: Lesson) -> None:
    """A node used twice receives two contributions, and its gradient is their sum."""
    x, w = Value(2.0, label="x"), Value(-1.5, label="w")
    s = x * w
    s.label = "s"
    y = s * s + s
    y.label = "y"
    y.backward()
    whole = graph(y)
    number = whole.find("s").id
    arriving = [edge.contribution or 0.0 for edge in whole.edges if edge.source == number]
    lesson.say(
        "s = x*w is used three times in y = s*s + s, so three contributions arrive at s: "
        f"{', '.join(f'{x:g}' for x in arriving)}. The gradient of s is their sum, {s.grad:g}."
    )
    lesson.play(
        "1-used-twice",
        y.page,
        "s is one node, and the contributions to its gradient add up. Play it, and change x or w.",
    )
    claim = "contributions to a node that is used three times"
    lesson.claim(bounded(claim, "chain rule", len(arriving), 3, 3))
    off = abs(sum(arriving) - (2 * s.data + 1))
    claim = "error of their sum; d(s*s + s)/ds = 2s + 1"
    lesson.claim(bounded(claim, "calculus", off, high=1e-12))


def function(numbers: list[float]) -> tuple[Value, list[Value]]:
    """(y, inputs): y1 = tanh(x1) * x1, y2 = tanh(y1 + x2) * x2, ...; y is the last of them."""
    inputs = [Value(x, label=f"x{i}") for i, x in enumerate(numbers, 1)]
    y = tanh(inputs[0]) * inputs[0]
    y.label = "y1"
    for i, x in enumerate(inputs[1:], 2):
        y = tanh(y + x) * x
        y.label = f"y{i}"
    return y, inputs


def edges_of(n: int) -> int:
    """The number of edges in the graph of `function`: 3 for each input, 2 more for each sum."""
    return 3 * n + 2 * (n - 1)


def forward_mode(y: Value, x: Value) -> tuple[float, int]:
    """(d y / d x, number of edges passed), from x to y.

    Each edge adds (d operand / d x) * (local derivative). The local derivatives are from the table
    of operations.
    """
    slopes, passed = {x: 1.0}, 0
    for node in topological_order(y):
        numbers = [arg.data for arg in node.args]
        for arg, rule in zip(node.args, node.op.derivatives if node.args else ()):
            if arg.op is not CONSTANT:
                passed += 1
                share = slopes.get(arg, 0.0) * rule(node.data, *numbers)
                slopes[node] = slopes.get(node, 0.0) + share
    return slopes[y], passed


def reverse_mode(y: Value) -> tuple[dict[Value, float], int]:
    """(d y / d node for every node, number of edges passed), from y back.

    Each edge adds adjoint * (local derivative). The code is the same as in `forward_mode`, but it
    starts at the other end of the graph.
    """
    adjoints, passed = {y: 1.0}, 0
    for node in reversed(topological_order(y)):
        numbers = [arg.data for arg in node.args]
        for arg, rule in zip(node.args, node.op.derivatives if node.args else ()):
            if arg.op is not CONSTANT:
                passed += 1
                share = adjoints[node] * rule(node.data, *numbers)
                adjoints[arg] = adjoints.get(arg, 0.0) + share
    return adjoints, passed


def both_modes(lesson: Lesson) -> None:
    """The same derivatives by both modes, and the number of edges that each mode passes."""
    y, _ = function([0.5, -1.0, 2.0])
    y.backward()
    lesson.play(
        "2-graph",
        y.page,
        "y1 = tanh(x1)*x1, y2 = tanh(y1 + x2)*x2, y3 = tanh(y2 + x3)*x3: one pass back computes "
        "every gradient. Forward mode must go through this graph three times.",
    )
    off, counted, forward_work, reverse_work = 0.0, True, [], []
    rows = ["inputs  edges  passed: forward mode  reverse mode"]
    for n in SIZES:
        random = Random(lesson.seed + n)
        y, inputs = function([random.uniform(-2, 2) for _ in range(n)])
        found = [forward_mode(y, x) for x in inputs]
        adjoints, back = reverse_mode(y)
        y.backward()
        forward = sum(passed for _, passed in found)
        off = max(off, *(abs(slope - adjoints[x]) for (slope, _), x in zip(found, inputs)))
        off = max(off, *(abs(x.grad - adjoints[x]) for x in inputs))
        counted = counted and back == edges_of(n) and forward == n * edges_of(n)
        forward_work.append((n, forward))
        reverse_work.append((n, back))
        rows.append(f"{n:6}  {edges_of(n):5}  {forward:20,}  {back:12,}")
    lesson.say(
        "How many edges does each mode pass until every input has its derivative? Forward mode "
        "goes through the whole graph once for each input; reverse mode goes through it only once."
    )
    lesson.show("\n".join(rows))
    lesson.say(
        f"With {MILLION:,} inputs, forward mode would pass {MILLION * edges_of(MILLION):,} edges, "
        f"and reverse mode {edges_of(MILLION):,}. A network has one loss and a million weights. "
        "That is why one pass backward trains it. (With one input and a million outputs, forward "
        "mode wins.)"
    )
    lesson.claim(
        bounded(
            "largest difference of forward mode, reverse mode, backward()",
            LINNAINMAA,
            off,
            high=1e-12,
        )
    )
    lesson.claim(
        Claim(
            "E edges, n inputs: forward mode passes n*E, reverse mode E",
            LINNAINMAA,
            "exactly",
            "exactly" if counted else "not so",
            counted,
        )
    )
    lesson.plot(
        "3-work",
        lambda: charts.lines(
            {"forward mode": forward_work, "reverse mode": reverse_work},
            "inputs",
            "edges passed",
            log="xy",
        ),
        "Ten times as many inputs are ten times the work in reverse mode, and a hundred times in "
        "forward mode.",
    )


def differences(lesson: Lesson) -> None:
    """The slope between two points: which distance between them is the best?"""
    worst = dict.fromkeys(STEPS, 0.0)
    for seed in range(lesson.seed, lesson.seed + lesson.seeds):
        random = Random(seed)
        numbers = [random.uniform(-2, 2) for _ in range(3)]
        y, inputs = function(numbers)
        y.backward()
        for i, x in enumerate(inputs):

            def along(z: float, i: int = i, numbers: list[float] = numbers) -> float:
                return function([*numbers[:i], z, *numbers[i + 1 :]])[0].data

            for step in STEPS:
                error = abs(central_difference(along, x.data, step) - x.grad)
                worst[step] = max(worst[step], error)
    best = min(STEPS, key=lambda step: worst[step])
    lesson.say(
        "Without the chain rule, a derivative needs two values of the function for each input, and "
        "it is not exact. A wide step is wrong because the function is curved, a narrow step "
        f"because of rounding. The best step here is {best:g}, and even this step has an error of "
        f"{worst[best]:.1g}."
    )
    lesson.show("\n".join(f"step {step:6.0e}   error {worst[step]:.1e}" for step in STEPS))
    lesson.claim(bounded("best step of a central difference", "rounding", best, 1e-6, 1e-4))
    lesson.claim(bounded("its largest error", "rounding", worst[best], high=1e-9))
    sides = min(worst[STEPS[0]], worst[STEPS[-1]]) / worst[best]
    claim = "error at the ends of the U / that error, smaller end"
    lesson.claim(bounded(claim, "rounding", sides, low=1e3))
    lesson.plot(
        "4-differences",
        lambda: charts.lines(
            {"error": [(step, worst[step]) for step in STEPS]}, "step", "error", log="xy"
        ),
        "The error of a central difference: on the right because the function is curved, on the "
        "left because of rounding.",
    )


if __name__ == "__main__":
    main()
