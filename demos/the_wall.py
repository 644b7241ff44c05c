"""The wall: what one layer cannot do, whatever its weights.

Can a single unit learn exclusive or? A unit draws a line through the plane of its inputs and
answers yes on one side. But exclusive or has yes in two opposite corners. The lesson tries every
line. Then it tries the rule of Rosenblatt (1958), which learns everything that a line can do, and a
logistic unit, which descends to its lowest loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations, product
from math import log
from random import Random
from typing import Any, NamedTuple

from tinygrad_edu import Value
from tinygrad_edu.data import GATES, gate
from tinygrad_edu.demos.laboratory import charts
from tinygrad_edu.demos.laboratory.differences import apart, backward
from tinygrad_edu.demos.laboratory.names import named
from tinygrad_edu.lesson.claims import bounded, equal
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.plan import Mistake, Plan
from tinygrad_edu.lesson.telling import Lesson
from tinygrad_edu.losses import binary_cross_entropy_with_logits
from tinygrad_edu.nn import Neuron
from tinygrad_edu.nn.init import uniform
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import History, Turn, train

__all__ = ["main"]

CORNERS = [example.inputs for example in gate("xor")]  # 00, 01, 10, 11
CALLED = ["".join(f"{x:g}" for x in corner) for corner in CORNERS]
PERCEPTRON_EPOCHS = 12
EPOCHS = 2_000
RATE = 0.5
MOMENTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 2_000)  # epochs of the slider
HAPPY = 1e-3  # outputs nearer to 0.5 than this count as 0.5

# A NumPy program without this package found these numbers. The first weights and the bias of the
# logistic unit are `2 * random() - 1` from `random.Random(0)`.
PINS = {
    "and": 5,
    "or": 3,
    "nand": 5,
    "loss": "0.694738",
    "outputs": "0.454629, 0.488417, 0.497294, 0.531165",
    "and outputs": "0.077964, 0.256796, 0.265394, 0.596171",
}

PLAN = Plan(
    question="Can a single unit learn exclusive or?",
    minutes=25,
    look="the best lines; the slider, with AND beside exclusive or; four outputs that go to 0.5",
    ask=[
        "Before the lesson says it: which two of the sixteen functions fail?",
        "Is 0.5 a bad answer?",
    ],
    mistake=Mistake(
        file="tinygrad_edu/nn/perceptron.py",
        line="total = self.b",
        instead="total = 0 * self.b",
        fails="functions that a threshold unit computes, of 16",
    ),
    read=[
        "F. Rosenblatt: The perceptron: a probabilistic model for information storage and "
        "organization in the brain. Psychological Review 65 (1958), 386-408.",
        "M. Minsky, S. Papert: Perceptrons. MIT Press, 1969.",
        "D. E. Rumelhart, G. E. Hinton, R. J. Williams: Learning representations by "
        "back-propagating errors. Nature 323 (1986), 533-536.",
    ],
    follows="hidden_units",
)

Line = tuple[float, float, float]  # w1, w2, b: yes where w1*x1 + w2*x2 + b > 0


@command(plan=PLAN, seeds=20, quick=5, takes="about 3 seconds")
def main(lesson: Lesson) -> None:
    seeds = range(lesson.seed, lesson.seed + lesson.seeds)
    for what, off in (("its loss", loss_off), ("its answers", answer_off)):
        claim = f"logistic unit: gradient of {what} against differences, largest error"
        lesson.claim(bounded(claim, max(map(off, seeds)), high=1e-6))
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


def wrong(said: str, wanted: str) -> list[int]:
    """The places of the corners with a wrong answer."""
    return [i for i, (a, b) in enumerate(zip(said, wanted)) if a != b]


def best_line(wanted: str) -> Line:
    """A line with small whole weights; of all lines, none has more corners right."""
    lines = product((-2, -1, 0, 1, 2), (-2, -1, 0, 1, 2), (-1.5, -0.5, 0.5, 1.5))

    def merit(line: Line) -> tuple[float, ...]:
        w1, w2, b = line
        return right(answers(line), wanted), -abs(w1) - abs(w2), w1 + w2, -abs(b)

    return max(lines, key=merit)


def answers(line: Line) -> str:
    """The answers of a threshold unit with those weights and that bias, at the four corners."""
    unit = threshold(line)
    return "".join("01"[unit(corner).data > 0.5] for corner in CORNERS)


def threshold(line: Line) -> Neuron:
    """A unit of the package which answers 1 above 0, and else 0."""
    unit = Neuron(2, "step", seed=0)
    for p, x in zip((*unit.w, unit.b), line):
        p.data = x
    return unit


def every_line(lesson: Lesson) -> None:
    """The best line on each of the sixteen Boolean functions of two inputs."""
    lesson.section("One unit is one line")
    lesson.say(
        "A unit with two inputs computes `w[0]*x1 + w[1]*x2 + b`. A threshold unit answers 1 if "
        "this is above 0, and else 0. So a line divides the plane: 1 on one side, 0 on the other. "
        "Two inputs that are 0 or 1 are the four corners of a square. A Boolean function gives "
        "each corner a 0 or a 1: there are sixteen such functions."
    )
    tables = separations()
    every = ["".join(bits) for bits in product("01", repeat=4)]
    best = {table: best_line(table) for table in every}
    scores = {table: right(answers(line), table) for table, line in best.items()}
    computed = [table for table in every if scores[table] == 4]
    names = {table: name for name, table in GATES.items()}
    failing = [names.get(table, table) for table in every if scores[table] < 4]
    xor = GATES["xor"]
    with lesson.predict(
        "Which of the sixteen functions can no threshold unit compute? How many corners of "
        "exclusive or does the best line have right?"
    ):
        lesson.say(
            f"Lines divide the four corners in {len(tables)} ways. The lesson has tried every "
            "line: a line that separates corners can be moved until it touches two of them, and "
            f"there are six pairs. Threshold units with small whole weights compute "
            f"{len(computed)} of the 16 functions, but not {' and '.join(failing)}. By the number "
            f"of right corners, the best line on xor has {scores[xor]} of 4."
        )
        lesson.say(
            "A proof for xor: corner 00 needs `b <= 0`; corners 01 and 10 need `w[1] + b > 0` and "
            "`w[0] + b > 0`; so `w[0] + w[1] + b > -b >= 0`. But corner 11 needs "
            "`w[0] + w[1] + b <= 0`."
        )
        three = ("and", "or", "xor")
        lesson.plot(
            "1-lines",
            lambda: marked(
                charts.surfaces(
                    [(title(n, best[GATES[n]]), height(best[GATES[n]]), 0.0) for n in three],
                    [gate(n) for n in three],
                ),
                [wrong(answers(best[GATES[n]]), GATES[n]) for n in three],
            ),
            "The best lines, by the number of right corners. Full squares should be on the blue "
            "side. A cross is on a corner with a wrong answer.",
        )
        line = best[xor]
        places = wrong(answers(line), xor)
        at = places[0] if places else 0
        unit = threshold(line)
        x1, x2 = (Value(x, label=f"x{i}") for i, x in enumerate(CORNERS[at], 1))
        y = unit([x1, x2])
        named(y, ("p", "r", "q", "s", "y")).backward()
        slopes = [p.grad for p in (*unit.w, unit.b)]
        lesson.play(
            "2-unit",
            y.page,
            f"The threshold unit with the best line on xor, at corner {CALLED[at]}: its answer is "
            f"{y.data:g}, and xor is {xor[at]}. The local derivative of its step is 0, so no "
            "weight gets a gradient that says where to go.",
        )
    lesson.pin("functions that a threshold unit computes, of 16", len(computed), 14)
    lesson.pin("the same, by geometry: ways to divide four corners", len(tables), 14)
    lesson.pin("XOR: right corners of the best line", scores[xor], 3)
    claim = "threshold unit: largest gradient of its weights"
    lesson.claim(bounded(claim, max(map(abs, slopes)), 0.0, 0.0))
    lesson.check(
        "A threshold unit has w[0] = 1, w[1] = 1 and b = -0.5. Which Boolean function is it, and "
        "which corner of xor has it wrong?",
        "It computes or; corner 11, where it answers 1 and xor is 0.",
    )


def title(name: str, line: Line) -> str:
    """The title of a panel: how many corners are right, and which are wrong."""
    bad = [CALLED[i] for i in wrong(answers(line), GATES[name])]
    return f"{name}: {4 - len(bad)} of 4" + (f", wrong at {', '.join(bad)}" if bad else "")


def height(line: Line) -> Callable[[float, float], float]:
    return lambda x, y: line[0] * x + line[1] * y + line[2]


def marked(figure: Any, bad: Sequence[Sequence[int]]) -> Any:
    """The figure, with a cross on these corners of each of its panels."""
    for place, corners in zip(figure.axes, bad):
        for i in corners:
            place.plot(*CORNERS[i], "x", color="black", markersize=26, markeredgewidth=3)
    return figure


def rosenblatt_rule(wanted: str) -> tuple[list[Line], list[int]]:
    """(weights, number of right answers) after each epoch; a wrong example moves the line."""
    unit = threshold((0.0, 0.0, 0.0))
    lines, scores = [], []
    for _ in range(PERCEPTRON_EPOCHS):
        for (x1, x2), d in zip(CORNERS, wanted):
            miss = int(d) - unit([x1, x2]).data
            for p, x in zip((*unit.w, unit.b), (x1, x2, 1.0)):
                p.data += miss * x
        w1, w2, b = (p.data for p in (*unit.w, unit.b))
        lines.append((w1, w2, b))
        scores.append(right(answers((w1, w2, b)), wanted))
    return lines, scores


def rosenblatt(lesson: Lesson) -> None:
    """The perceptron learns everything that a line can do. What does it do on exclusive or?"""
    lesson.section("Rosenblatt's rule")
    lesson.say(
        "Rosenblatt's rule begins with weights of 0. It shows the corners one after the other. If "
        "the answer is right, nothing changes. If it is wrong, each weight changes by (target - "
        "answer) x input, and the bias by (target - answer). If a line has all corners right, the "
        "rule ends with such a line: that is its convergence theorem."
    )
    runs = {name: rosenblatt_rule(GATES[name]) for name in ("and", "or", "nand", "xor")}
    with lesson.predict("What does the rule do on exclusive or, where no line has all right?"):
        lesson.say("The number of right corners after each epoch:")
        lesson.show(
            "\n".join(f"{n:4}  " + " ".join(map(str, scores)) for n, (_, scores) in runs.items())
        )
        lines, scores = runs["xor"]
        since = next(i for i, line in enumerate(lines) if line == lines[-1])
        weights = "w[0] = {:g}, w[1] = {:g}, b = {:g}".format(*lines[-1])
        if since < len(lines) - 1:
            lesson.say(
                f"On xor, the four changes of an epoch cancel: after every epoch from epoch "
                f"{since + 1} on, the weights are {weights}, and {scores[-1]} of 4 corners are "
                "right. The rule goes round in a circle, and does not stay at a line with 3 "
                "corners right."
            )
        else:
            lesson.say(f"On xor, the last weights are {weights}; the rule has not settled.")
    for name in ("and", "or", "nand"):
        scores = runs[name][1]
        learned = scores.index(4) + 1 if 4 in scores else None
        lesson.pin(f"Rosenblatt's rule: epoch that learns {name.upper()}", learned, PINS[name])
    repeats = len(set(runs["xor"][0][1:]))
    claim = "Rosenblatt's rule on XOR: different weights after epoch 1"
    lesson.claim(equal(claim, repeats, 1))
    lesson.check(
        "Why does Rosenblatt's rule never stop on xor?",
        "It stops when all answers are right, and no line has all four corners right.",
    )


def logistic(lesson: Lesson) -> None:
    """A logistic unit on exclusive or: it reaches the lowest loss, and answers 0.5 everywhere."""
    lesson.section("A logistic unit goes to its lowest loss")
    seeds = [*range(lesson.seed, lesson.seed + lesson.seeds)]
    lesson.say(
        "A logistic unit has a slope everywhere: `y = sigmoid(w[0]*x1 + w[1]*x2 + b)`. It answers "
        "with a probability, and its loss is the mean cross-entropy over the four corners. It "
        f"learns by gradient descent with the rate {RATE}, for {EPOCHS:,} epochs."
    )
    xor, other = descend(lesson.seed, "xor"), descend(lesson.seed, "and")
    path = xor.outputs
    ends = [end(seed) for seed in seeds]
    outputs = [y for ys, _ in ends for y in ys]
    bits = [loss / log(2) for _, loss in ends]
    with lesson.predict(
        "What does it answer at the four corners of exclusive or, at the end? Is that a bad answer?"
    ):
        lesson.moments(
            "3-units",
            "epoch",
            [(f"epoch {n:,}", partial(both, n, {"and": other, "xor": xor})) for n in MOMENTS],
            "The answers of the logistic unit on the square, from 0 (red) to 1 (blue), the line "
            "where it answers 0.5, and its loss. Left: and. Right: xor.",
        )
        low = [CALLED[i] for i, y in enumerate(path[0]) if y < 0.5]
        high = [CALLED[i] for i, y in enumerate(path[0]) if y >= 0.5]
        sides = [
            f"{side} 0.5 at {', '.join(where)}"
            for side, where in (("below", low), ("above", high))
            if where
        ]
        if max(abs(y - 0.5) for y in outputs) < HAPPY:
            lesson.say(
                f"{len(seeds)} seeds: at the end, all outputs are from {min(outputs):.4f} to "
                f"{max(outputs):.4f}, and the losses from {min(bits):.4f} to {max(bits):.4f} bits "
                "per example. The outputs go to 0.5 from both sides: those of seed "
                f"{lesson.seed} begin {' and '.join(sides)}. No weights have a lower loss: "
                "by the loss, this is the best unit; by the number of right corners, it is not. "
                "A unit that is surer at some corner is wrong at another, and the loss counts that "
                "more: 0.5 is not right, but it is the honest answer of a single unit."
            )
        else:
            lesson.say(
                f"{len(seeds)} seeds: at the end, the outputs are from {min(outputs):.4f} to "
                f"{max(outputs):.4f}. They are not all near 0.5."
            )
        lesson.plot(
            "4-outputs",
            lambda: charts.lines(
                {
                    name: [(float(i), row[k]) for i, row in enumerate(path[:200])]
                    for k, name in enumerate(CALLED)
                },
                "epoch",
                "output",
                level=0.5,
                dots=False,
            ),
            f"The four outputs of the logistic unit on exclusive or, seed {lesson.seed}. The "
            "dotted line is 0.5.",
        )
    near = max(abs(y - 0.5) for y in outputs)
    lesson.claim(bounded("XOR: largest distance of an output from 0.5", near, high=HAPPY))
    far = max(abs(loss - 1) for loss in bits)
    lesson.claim(bounded("XOR: largest distance of the loss from 1 bit", far, high=HAPPY))
    pinned = descend(0, "xor", 51)
    claim = "XOR, seed 0: loss after 50 epochs, in nats"
    lesson.pin(claim, f"{pinned.losses[50]:.6f}", PINS["loss"])
    for name, run, pin in (
        ("XOR", pinned, "outputs"),
        ("AND", descend(0, "and", 51), "and outputs"),
    ):
        found = ", ".join(f"{y:.6f}" for y in run.outputs[50])
        lesson.pin(f"{name}, seed 0: outputs after 50 epochs", found, PINS[pin])
    lesson.check(
        "Which loss, in bits per example, has a unit that answers 0.5 to everything?",
        "1 bit: -log2(0.5) = 1, whatever the target is.",
    )


class Run(NamedTuple):
    """Weights, outputs and loss of the logistic unit at each epoch, before its update."""

    lines: list[Line]
    outputs: list[list[float]]
    losses: list[float]


def both(epoch: int, runs: Mapping[str, Run]) -> Any:
    """The answers of the logistic units of these gates on the square, at that epoch."""
    panels = []
    for name, run in runs.items():
        unit = beginning(0)
        for p, x in zip((*unit.w, unit.b), run.lines[epoch]):
            p.data = round(x, 12)  # what is left of 0 is rounding
        said = f"{name}: {run.losses[epoch] / log(2):.3f} bits"
        panels.append((said, lambda x, y, u=unit: u([x, y]).sigmoid(), 0.5))
    figure = charts.surfaces(panels, list(map(gate, runs)))
    for place in figure.axes:
        place.collections[0].set_clim(0, 1)  # the same shades at all moments
    return figure


def beginning(seed: int) -> Neuron:
    """A unit without its sigmoid, whose parameters are random from -1 to 1."""
    unit = Neuron(2, "linear", seed=0)
    draw, random = uniform(1.0), Random(seed)
    for p in (*unit.w, unit.b):
        p.data = draw(random, 2, 1)
    return unit


def loss_off(seed: int) -> float:
    """How far the gradient of the loss is from differences, relative, on both gates."""

    def loss(unit: Neuron, name: str) -> Value:
        losses = [binary_cross_entropy_with_logits([unit(x)], d) for x, d in gate(name)]
        return sum(losses[1:], losses[0]) / len(losses)

    return max(off(seed, partial(loss, name=name)) for name in ("xor", "and"))


def answer_off(seed: int) -> float:
    """How far the gradient of an answer is from differences, relative, at all corners."""

    def answer(unit: Neuron, corner: Sequence[float]) -> Value:
        return unit(corner).sigmoid()

    return max(off(seed, partial(answer, corner=corner)) for corner in CORNERS)


def off(seed: int, result: Callable[[Neuron], Value]) -> float:
    """How far the gradient of a result of that unit is from differences, relative."""
    unit = beginning(seed)
    parameters = [*unit.w, unit.b]
    grads = backward(result(unit), parameters)
    found: float = apart(lambda: result(unit), parameters, grads)
    return found


def descend(seed: int, name: str, epochs: int = EPOCHS + 1) -> Run:
    """The run of a seed on that gate."""
    unit = beginning(seed)
    lines: list[Line] = []
    rows: list[list[float]] = []

    def see(turn: Turn) -> None:
        if turn.phase == "forward":
            lines.append((unit.w[0].data, unit.w[1].data, unit.b.data))
            rows.append([y.sigmoid().data for y in turn.outputs])

    history = trained(unit, name, epochs, callbacks=see)
    return Run(lines, rows, history.losses)


def end(seed: int) -> tuple[list[float], float]:
    """(outputs, loss) of the unit of a seed on exclusive or, at the end of a compiled run."""
    unit = beginning(seed)
    history = trained(unit, "xor", EPOCHS + 1, compiled=True)
    return [unit(corner).sigmoid().data for corner in CORNERS], history.losses[-1]


def trained(unit: Neuron, name: str, epochs: int, **how: Any) -> History:
    """The history of gradient descent on that gate."""
    loss, learner = binary_cross_entropy_with_logits, SGD(unit.parameters(), RATE)
    history: History = train(unit, loss, gate(name), learner, epochs=epochs, progress=False, **how)
    return history


if __name__ == "__main__":
    main()
