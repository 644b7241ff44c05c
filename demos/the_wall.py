"""The wall: what one layer cannot do, whatever its weights.

Can a single unit learn exclusive or? A unit draws a line through the plane of its inputs and
answers yes on one side. But exclusive or has yes in two opposite corners. The lesson tries every
line. Then it tries the rule of Rosenblatt (1958), which learns everything that a line can do, and a
logistic unit, which descends to its lowest loss.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product
from math import log
from random import Random

from tinygrad_edu import Value
from tinygrad_edu.data import GATES, gate
from tinygrad_edu.demos.laboratory import charts
from tinygrad_edu.lesson.claims import Claim, bounded, share
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.telling import Lesson
from tinygrad_edu.losses import binary_cross_entropy_with_logits
from tinygrad_edu.nn import Neuron
from tinygrad_edu.nn.init import uniform
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import History, Turn, train

__all__ = ["main"]

CORNERS = [example.inputs for example in gate("xor")]  # 00, 01, 10, 11
MINSKY = "Minsky, Papert 1969"
ROSENBLATT = "Rosenblatt 1958"
PERCEPTRON_EPOCHS = 20
EPOCHS = 2_000

Line = tuple[float, float, float]  # w1, w2, b: yes where w1*x1 + w2*x2 + b > 0


@command(seeds=20, quick=5)
def main(lesson: Lesson) -> None:
    every_line(lesson)
    rosenblatt(lesson)
    logistic(lesson)


def separations() -> set[str]:
    """The truth tables of all lines: every way in which a line can separate the four corners.

    A line that separates corners can be moved until it touches two of them, and no other corner
    changes its side. So it is enough to try two kinds of lines: those with all corners on one side,
    and those through two corners. For a line through two corners, each side can be the yes side,
    and a small move of the line puts each of the two corners on the side that we choose.
    """
    tables = {"0000", "1111"}
    for p, q in combinations(CORNERS, 2):
        across = p[1] - q[1], q[0] - p[0]
        for yes_p, yes_q, flip in product((0, 1), repeat=3):
            said = ""
            for corner in CORNERS:
                side = sum(n * (x - y) for n, x, y in zip(across, corner, p)) > 0
                yes = yes_p if corner == p else yes_q if corner == q else side
                said += "01"[bool(yes) != bool(flip)]
            tables.add(said)
    return tables


def right(said: str, wanted: str) -> int:
    return sum(a == b for a, b in zip(said, wanted))


def best_line(wanted: str) -> Line:
    """A line with small whole weights; no other line has more corners right."""
    lines = product((-2, -1, 0, 1, 2), (-2, -1, 0, 1, 2), (-1.5, -0.5, 0.5, 1.5))
    return max(lines, key=lambda line: right(answers(line), wanted))


def answers(line: Line) -> str:
    return "".join("01"[line[0] * x + line[1] * y + line[2] > 0] for x, y in CORNERS)


def every_line(lesson: Lesson) -> None:
    """The best line on each of the sixteen Boolean functions of two inputs."""
    tables = separations()
    scores = {
        table: max(right(said, table) for said in tables)
        for table in map("".join, product("01", repeat=4))
    }
    names = {table: name for name, table in GATES.items()}
    failing = [names[table] for table, score in scores.items() if score < 4]
    lesson.say(
        f"One unit is one line. Lines through the square can compute {len(tables)} of the 16 "
        f"Boolean functions of its corners. They cannot compute {' and '.join(failing)}: the best "
        f"of all lines has {scores[GATES['xor']]} of 4 corners right."
    )
    lesson.claim(
        bounded("Boolean functions that a line separates, of 16", MINSKY, len(tables), 14, 14)
    )
    claim = "corners of XOR that the best of all lines has right"
    lesson.claim(bounded(claim, MINSKY, scores[GATES["xor"]], 3, 3))

    unit = Neuron(2, "step", seed=0)
    for p, x in zip(unit.parameters(), best_line(GATES["xor"])):
        p.data = x
    x1, x2 = Value(1.0, label="x1"), Value(1.0, label="x2")
    y = unit([x1, x2])
    y.label = "y"
    caption = (
        "A threshold unit, at the corner where its line is wrong. Its gradients are 0: the step "
        "has no slope that could say where to go."
    )
    lesson.play("1-unit", y.page, caption)
    three = ("and", "or", "xor")
    shown = [(f"{n}: {scores[GATES[n]]} of 4", line_of(best_line(GATES[n])), 0.0) for n in three]
    lesson.plot(
        "2-lines",
        lambda: charts.surfaces(shown, [gate(n) for n in three]),
        "The best lines. Full squares should be on the blue side.",
    )


def line_of(line: Line) -> Callable[[float, float], float]:
    return lambda x, y: line[0] * x + line[1] * y + line[2]


def rosenblatt_rule(wanted: str) -> tuple[list[Line], list[int]]:
    """(weights, number of right answers) after each epoch; a wrong example moves the line."""
    w1 = w2 = b = 0.0
    lines, scores = [], []
    for _ in range(PERCEPTRON_EPOCHS):
        for (x1, x2), d in zip(CORNERS, wanted):
            miss = int(d) - (w1 * x1 + w2 * x2 + b > 0)
            w1, w2, b = w1 + miss * x1, w2 + miss * x2, b + miss
        lines.append((w1, w2, b))
        scores.append(right(answers((w1, w2, b)), wanted))
    return lines, scores


def rosenblatt(lesson: Lesson) -> None:
    """The perceptron learns everything that a line can do. What does it do on exclusive or?"""
    rows = []
    for name in ("and", "or", "nand", "xor"):
        lines, scores = rosenblatt_rule(GATES[name])
        learned = scores.index(4) + 1 if 4 in scores else None
        rows.append(f"{name:4}  " + " ".join(map(str, scores)))
        if name != "xor":
            measured = f"epoch {learned}" if learned else "never"
            claim = f"Rosenblatt's rule learns {name.upper()}"
            lesson.claim(Claim(claim, ROSENBLATT, "yes", measured, learned is not None))
    repeats = len(set(lines[1:])) == 1
    lesson.say(
        "Rosenblatt's rule: the number of right corners after each epoch. If a line has all "
        "corners right, the rule finds such a line. On exclusive or, the updates of an epoch "
        f"cancel: after every epoch from the second on, the weights are {lines[1]}, and "
        f"{scores[-1]} of 4 corners are right. There is a line with 3 corners right, but the rule "
        "does not settle on it."
    )
    lesson.show("\n".join(rows))
    claim = "XOR: weights the same after each epoch from the second on"
    lesson.claim(Claim(claim, ROSENBLATT, "yes", "yes" if repeats else "no", repeats))


def logistic(lesson: Lesson) -> None:
    """A logistic unit on exclusive or: it reaches the lowest loss, and answers 0.5 everywhere."""
    ends = [descend(seed) for seed in range(lesson.seed, lesson.seed + lesson.seeds)]
    outputs = [y for ys, _, _ in ends for y in ys]
    bits = [loss for _, loss, _ in ends]
    lesson.say(
        f"A logistic unit, {lesson.seeds} seeds, {EPOCHS:,} epochs. At the end, its outputs for "
        f"all examples are {min(outputs):.4f} to {max(outputs):.4f}, and its loss is "
        f"{min(bits):.4f} to {max(bits):.4f} bits per example. It has learned to say that it does "
        "not know, and no line has a lower loss."
    )
    source = "convexity"
    off = max(abs(y - 0.5) for y in outputs)
    claim = "logistic unit: largest distance of an output from 0.5"
    lesson.claim(bounded(claim, source, off, high=1e-3))
    off = max(abs(loss - 1) for loss in bits)
    claim = "logistic unit: largest distance of the loss from 1 bit"
    lesson.claim(bounded(claim, source, off, high=1e-3))
    same = sum(max(abs(y - 0.5) for y in ys) < 1e-3 for ys, _, _ in ends)
    lesson.claim(share("seeds with all outputs near 0.5", source, same, lesson.seeds, 1.0))
    paths = ends[0][2]
    lesson.plot(
        "3-sinking",
        lambda: charts.lines(paths, "epoch", "output", level=0.5, dots=False),
        "The four outputs of the logistic unit in one run: all of them go to 0.5.",
    )


def descend(seed: int) -> tuple[list[float], float, dict[str, list[tuple[float, float]]]]:
    """(last outputs, last loss in bits, path of each output) of the run of a seed."""
    unit = Neuron(2, "linear", seed=0)
    draw, random = uniform(1.0), Random(seed)
    for p in unit.parameters():
        p.data = draw(random, 2, 1)
    rows: list[list[float]] = []

    def see(turn: Turn) -> None:
        if turn.phase == "forward":
            rows.append([y.sigmoid().data for y in turn.outputs])

    history: History = train(
        unit,
        binary_cross_entropy_with_logits,
        gate("xor"),
        SGD(unit.parameters(), 0.5),
        epochs=EPOCHS,
        callbacks=see,
        progress=False,
    )
    paths = {
        f"{int(x1)}{int(x2)}": [(float(i), row[k]) for i, row in enumerate(rows[:200])]
        for k, (x1, x2) in enumerate(CORNERS)
    }
    return rows[-1], history.losses[-1] / log(2), paths


if __name__ == "__main__":
    main()
