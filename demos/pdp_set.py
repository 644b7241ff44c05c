"""The laboratory of 1986: which of its famous runs were luck?

Parity, the encoder, negation, addition, and one unit with direct links: the simulations of chapter
8 of Parallel Distributed Processing, volume 1 (Rumelhart, Hinton and Williams 1986), over many
seeds. The chapter reports single runs. It does not state some settings, such as the range of the
first weights; the lesson states its own.
"""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

from tinygrad_edu import Value, plots
from tinygrad_edu.demos.laboratory import charts
from tinygrad_edu.demos.laboratory.trial import (
    End,
    Trial,
    after_all,
    begin,
    build,
    end,
    network,
    seconds,
)
from tinygrad_edu.lesson.claims import share
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.telling import Lesson
from tinygrad_edu.losses import half_squared_error

__all__ = ["main"]

SEEDS = 50
PDP = "PDP 1986, ch. 8"


class Row(NamedTuple):
    """A setting, the claim about it, and the result of a program with NumPy for 50 seeds.

    low, high: the claimed share of seeds that learn it. learned, median: NumPy's number of seeds
    and median epoch. epochs: the mean number of epochs of a run, roughly; runs that reach the limit
    count, too.
    """

    name: str
    trial: Trial
    low: float
    high: float
    learned: int
    median: int | None
    epochs: int


ROWS = [
    Row(
        "XOR, 1 hidden + links",
        Trial("xor", 1, 0.5, 0.9, 0.3, 2_000, True),
        0.76,
        0.98,
        44,
        617,
        750,
    ),
    Row(
        "parity of 4, 4 hidden",
        Trial("parity", 4, 0.5, 0.9, 0.5, 4_000),
        0.1,
        0.5,
        16,
        1_057,
        3_300,
    ),
    Row("parity of 4, 8 hidden", Trial("parity", 8, 0.5, 0.9, 0.5, 4_000), 0.7, 1.0, 44, 636, 850),
    Row("encoder 8-3-8", Trial("encoder", 3, 0.1, 0.9, 0.3, 2_000), 0.98, 1.0, 50, 548, 500),
    Row(
        "negation, 3 hidden", Trial("negation", 3, 0.3, 0.9, 0.3, 2_000), 0.0, 0.04, 0, None, 2_000
    ),
    Row("negation, 8 hidden", Trial("negation", 8, 0.3, 0.9, 0.3, 2_000), 0.96, 1.0, 50, 147, 150),
    Row(
        "addition, 3 hidden", Trial("addition", 3, 0.5, 0.9, 1.0, 5_000), 0.0, 0.05, 0, None, 5_000
    ),
    Row("addition, 6 hidden", Trial("addition", 6, 0.5, 0.9, 1.0, 5_000), 0.9, 1.0, 49, 182, 400),
]
ENCODER = next(row.trial for row in ROWS if row.trial.task == "encoder")


@command(seeds=SEEDS, quick=20, takes="")
def main(lesson: Lesson) -> None:
    direct_links(lesson)
    codes(lesson, many_seeds(lesson))


def direct_links(lesson: Lesson) -> None:
    """The smallest network for exclusive or, on one example."""
    model, examples = begin(ROWS[0].trial, lesson.seed)
    inputs = [Value(x, label=f"x{i}") for i, x in enumerate(examples[1].inputs, 1)]
    outputs = model(inputs)
    error = half_squared_error(outputs, examples[1].targets)
    outputs[0].label, error.label = "y", "error"
    lesson.play(
        "1-direct",
        lambda: error.page(level="network", precision=2),
        "One hidden unit, and an output that is connected to it and to the inputs: the smallest "
        "network that can compute exclusive or.",
    )


def many_seeds(lesson: Lesson) -> list[End]:
    """Runs each setting over all seeds; returns the ends of the encoder."""
    lesson.say(
        "Logistic units, momentum 0.9, the gradients of all examples added up. A network has "
        "learned its task when every output of every example is on the right side of 0.5, even if "
        "the output is very close to 0.5. For some tasks there are two networks, one with too few "
        "hidden units and one with enough: the hidden layer must be wide enough to distinguish all "
        "the cases."
    )
    seeds = range(lesson.seed, lesson.seed + lesson.seeds)
    jobs = [(row.trial, seed) for row in ROWS for seed in seeds]
    cost = sum(seconds(row.trial, row.epochs) for row in ROWS) * lesson.seeds
    results = iter(lesson.run(end, jobs, cost))
    found = {row: [End(*next(results)) for _ in seeds] for row in ROWS}
    lines = [f"{'':22} learned   median  within   (NumPy: learned, median)"]
    for row, ends in found.items():
        there = [end.epochs for end in ends if end.epochs is not None]
        middle = f"{median(there):.0f}" if there else "-"
        lines.append(
            f"{row.name:22} {len(there):2} of {len(ends):2}  {middle:>6}  {row.trial.epochs:6,}   "
            f"({row.learned} of 50, {row.median or '-'})"
        )
        lesson.claim(share(row.name, PDP, len(there), len(ends), row.low, row.high, of=SEEDS))
    lesson.show("\n".join(lines))
    lesson.say(
        f"For XOR with one hidden unit, direct links and the rate {ROWS[0].trial.rate:g}, the "
        "chapter reports 558 epochs. For parity with 4 hidden units, it reports 2,825 epochs. Both "
        "numbers are from secondary sources that cite the page. These are single runs, and nobody "
        "says how they were chosen."
    )
    lesson.plot(
        "2-fates",
        lambda: charts.fates(
            {row.name.replace(", ", "\n"): [e.epochs for e in row_] for row, row_ in found.items()},
            "epochs until learned",
            never="never",
        ),
        "Every point is a network; the line is the median. Those at the top never learned it.",
    )
    return next(ends for row, ends in found.items() if row.trial == ENCODER)


def codes(lesson: Lesson, ends: list[End]) -> None:
    """The code that the encoder has invented: three numbers for each of eight things."""
    seeds = range(lesson.seed, lesson.seed + lesson.seeds)
    cost = seconds(ENCODER, ENCODER.epochs) * lesson.seeds
    trained = lesson.run(after_all, [(ENCODER, seed) for seed in seeds], cost)
    first = sum(map(is_binary, map(code_of, (end.parameters for end in ends))))
    found = list(map(code_of, trained))
    distinct = sum(map(is_binary, found))
    answers = [x for code in found for row in code for x in row]
    between = sum(0.2 < x < 0.8 for x in answers)
    lesson.say(
        "The encoder must distinguish eight things with only three hidden units, and nobody tells "
        "it how. In some networks, the rounded answers of the three units are eight different "
        "codes: the binary numbers in some order. This is so in "
        f"{first} of {len(found)} networks when they have just learned the task, and in {distinct} "
        f"after {ENCODER.epochs:,} epochs. The others use values between 0 and 1, as the chapter "
        "says of its own network. (In the program with NumPy, 31 of 50 networks had "
        "eight different codes, and 18 % of the answers were between 0.2 and 0.8.)"
    )
    rows = [" ".join(f"{x:.2f}" for x in row) for row in found[0]]
    lesson.show(f"seed {lesson.seed}\n  " + "\n  ".join(rows))
    lesson.claim(
        share("encoder: eight rounded codes", PDP, distinct, len(found), 0.5, 0.9, of=SEEDS)
    )
    claim = "encoder: answers between 0.2 and 0.8"
    lesson.claim(share(claim, PDP, between, len(answers), 0.05, 0.3, of=24 * SEEDS))
    lesson.plot(
        "3-codes",
        lambda: charts.grid(found[0], "hidden unit", "the one input that is on"),
        "A code for eight things, invented by three units.",
    )
    lesson.plot(
        "4-weights",
        lambda: plots.hinton(network(ENCODER, trained[0])),
        "The weights of this network: full squares are positive. Each column of the first layer is "
        "a code.",
    )


def code_of(parameters: list[float]) -> list[list[float]]:
    """The answers of the encoder's three hidden units to each of the eight examples."""
    model = network(ENCODER, parameters)
    return [[h.data for h in model.layers[0](example.inputs)] for example in build(ENCODER)[1]]


def is_binary(code: list[list[float]]) -> bool:
    """Whether the rounded answers are eight different codes."""
    return len({tuple(x > 0.5 for x in row) for row in code}) == 8


if __name__ == "__main__":
    main()
