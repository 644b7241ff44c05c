"""The laboratory of 1986: which of its famous runs were luck?

Parity, the encoder, negation, addition, and one unit with direct links: the simulations of chapter
8 of Parallel Distributed Processing, volume 1 (Rumelhart, Hinton and Williams 1986), over many
seeds. The chapter reports single runs. It does not state some settings, such as the range of the
first weights; the lesson states its own.
"""

from __future__ import annotations

from functools import partial
from math import inf
from statistics import median_low
from typing import NamedTuple

from tinygrad_edu import Value
from tinygrad_edu.demos.laboratory import charts
from tinygrad_edu.demos.laboratory.expected import known, pin, sample, scored
from tinygrad_edu.demos.laboratory.sources import ADDITION, ENCODER, PARITY, XOR_DIRECT
from tinygrad_edu.demos.laboratory.trial import (
    End,
    Trial,
    after_all,
    begin,
    build,
    end,
    mean_epochs,
    network,
    seconds,
    slope_error,
)
from tinygrad_edu.lesson.claims import bounded, middle, share, soon
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.plan import Mistake, Plan
from tinygrad_edu.lesson.telling import Lesson
from tinygrad_edu.losses import half_squared_error

__all__ = ["main"]

FEW = 5  # seeds of the narrow networks with --quick: they use up all their patience


class Row(NamedTuple):
    """A network. expected: its name in expected.json. pinned: a seed of its `pins` there."""

    name: str
    expected: str
    trial: Trial
    pinned: int | None

    @property
    def within(self) -> str:
        """The patience in words."""
        return f"within {self.trial.epochs:,} epochs"


def _row(
    task: str, hidden: int, rate: float, init: float, patience: int, pinned: int | None
) -> Row:
    trial = Trial(task, hidden, rate, 0.9, init, patience)
    return Row(f"{task}, {hidden} hidden", f"{task}-{hidden}", trial, pinned)


DIRECT = Row(
    "XOR, 1 hidden + links", "xor-direct", Trial("xor", 1, 0.5, 0.9, 0.3, 200_000, True), 3
)
PARITY_4 = _row("parity", 4, 0.5, 0.5, 100_000, 6)
CODER = _row("encoder", 3, 0.1, 0.3, 50_000, 0)._replace(expected="encoder")
NEGATION_3 = _row("negation", 3, 0.3, 0.3, 100_000, None)  # no seed is known that learns it
ADDITION_3 = _row("addition", 3, 0.5, 1.0, 100_000, 434)
ROWS = [
    DIRECT,
    PARITY_4,
    _row("parity", 8, 0.5, 0.5, 100_000, 1),
    CODER,
    NEGATION_3,
    _row("negation", 8, 0.3, 0.3, 100_000, 1),
    ADDITION_3,
    _row("addition", 6, 0.5, 1.0, 100_000, 0),
]
NARROW = (NEGATION_3, ADDITION_3)
FAMOUS = {DIRECT: (558, XOR_DIRECT), PARITY_4: (2_825, PARITY)}  # epochs that the chapter reports
LONG = 2_000  # epochs of the encoder, until its codes are clear
MOMENTS = (0, 50, 100, 200, 300, 400, 600, 800, 1_200, LONG)

ASKED = [  # a task, a row that has it, what is asked, and the inputs of an example
    ("XOR", DIRECT, "2 bits: is exactly one of them 1?", "10"),
    ("parity", PARITY_4, "4 bits: is the number of ones odd?", "1011"),
    ("negation", NEGATION_3, "a flag, 3 bits: the bits, inverted if the flag is 1", "1 011"),
    ("addition", ADDITION_3, "two numbers of 2 bits: their sum, in 3 bits", "10 11"),
    ("encoder", CODER, "8 bits, one of them 1: the same, through 3 hidden units", "00100000"),
]

PLAN = Plan(
    question="Which of the famous runs of 1986 were luck?",
    minutes=30,
    look="the result of each seed by task; the codes of the encoder, under the slider",
    ask=[
        "How would you encode eight things in three numbers?",
        "Each output of negation is exclusive or of two inputs. How many hidden units would you "
        "give it?",
    ],
    mistake=Mistake(
        file="tinygrad_edu/data.py",
        line="total = _number(bits[:n]) + _number(bits[n:])",
        instead="total = _number(bits[:n]) ^ _number(bits[n:])",
        fails="addition, 6 hidden, seed 0: epochs until learned",
    ),
    read=[
        "D. E. Rumelhart, G. E. Hinton, R. J. Williams: Learning internal representations by error "
        "propagation. Parallel Distributed Processing 1 (1986), chapter 8, 318-362.",
        "D. H. Ackley, G. E. Hinton, T. J. Sejnowski: A learning algorithm for Boltzmann machines. "
        "Cognitive Science 9 (1985), 147-169, on the encoder.",
    ],
    follows="symmetry",
)
Found = dict[Row, list[int | None]]


@command(plan=PLAN, seeds=50, quick=20, takes="about 2 seconds, and the time of its runs")
def main(lesson: Lesson) -> None:
    tasks(lesson)
    found = many_seeds(lesson)
    luck(lesson, found)
    width(lesson, found)
    different = codes(lesson)
    questions(lesson, found, different)


def tasks(lesson: Lesson) -> None:
    """What the five tasks are, with an example of each, and the smallest network."""
    lesson.section("Five tasks of 1986")
    lesson.say(
        "Chapter 8 of Parallel Distributed Processing trains small networks on small tasks. Inputs "
        "and outputs are bits."
    )
    rows = [f"{'task':9} {'what is asked':56} an example"]
    for name, row, asked, given in ASKED:
        inputs = [float(bit) for bit in given if bit != " "]
        targets = next(e.targets for e in build(row.trial)[1] if [*e.inputs] == inputs)
        rows.append(f"{name:9} {asked:56} {given} -> {''.join(f'{d:g}' for d in targets)}")
    lesson.show("\n".join(rows))
    lesson.say(
        "All units are logistic. The gradients of all examples are added up before an update. The "
        "momentum is 0.9, and the rate is 0.5, but 0.3 for negation and 0.1 for the encoder. The "
        "first weights and biases are random numbers, at most 1 in size for addition, 0.5 for "
        "parity and 0.3 for the others. A network has learned its task when every output of every "
        "example is on the right side of 0.5, even if it is very close to 0.5. The momentum, and "
        "the rate of XOR and parity, are the chapter's; the rest is our choice. A network may take "
        f"{PARITY_4.trial.epochs:,} epochs; XOR may take {DIRECT.trial.epochs:,}, and the encoder "
        f"{CODER.trial.epochs:,}."
    )
    model, examples = begin(DIRECT.trial, lesson.seed)
    seen = [Value(x, label=f"x{i}") for i, x in enumerate(examples[1].inputs, 1)]
    outputs = model(seen)
    error = half_squared_error(outputs, examples[1].targets)
    outputs[0].label, error.label = "y", "error"
    lesson.play(
        "1-direct",
        lambda: error.page(level="network", precision=2),
        "The network for XOR: one hidden unit, and an output y that sees the hidden unit and, by "
        "direct links, the inputs x1 and x2. It has its first weights; nothing is learned yet.",
    )
    worst = max(slope_error(row.trial, lesson.seed) for row in ROWS)
    lesson.claim(bounded("gradients against differences, relative error", worst, high=1e-6))


def many_seeds(lesson: Lesson) -> Found:
    """For each network: the epoch at which each seed learned it, or None."""
    lesson.section("How long does a network learn?")
    few = min(FEW, lesson.seeds) if lesson.quick else lesson.seeds
    counts = {row: few if row in NARROW else lesson.seeds for row in ROWS}
    with lesson.predict(
        "Each network begins with different random numbers for each seed. Does each need about as "
        "many epochs as the others of its task? Which task needs the most?"
    ):
        jobs = [
            (row.trial, seed)
            for row, n in counts.items()
            for seed in range(lesson.seed, lesson.seed + n)
        ]
        cost = sum(
            n * seconds(row.trial, mean_epochs(row.expected, row.trial.epochs))
            for row, n in counts.items()
        )
        results = iter(lesson.run(end, jobs, cost))
        found = {row: [End(*next(results)).epochs for _ in range(n)] for row, n in counts.items()}
        lines = [f"{'network':22} learned  fastest  median  slowest"]
        for row, ends in found.items():
            there = sorted(x for x in ends if x is not None)
            half = median_low(inf if x is None else x for x in ends)
            ends_of = (f"{there[0]:7,}", f"{there[-1]:7,}") if there else ("      -", "      -")
            shown = "-" if half == inf else f"{half:,}"
            lines.append(
                f"{row.name:22} {len(there):2} of {len(ends):2}  {ends_of[0]}  {shown:>6}  "
                f"{ends_of[1]}"
            )
        lesson.show("\n".join(lines))
        lesson.say(spread(found))
        lesson.plot(
            "2-fates",
            lambda: charts.fates(
                {broken(row): ends for row, ends in found.items()},
                "epochs until learned",
                never="not within\nthe patience",
                told={broken(row): epochs for row, (epochs, _) in FAMOUS.items()},
            ),
            "Every point is a network, and the line is the median. A diamond is the one run that "
            "the chapter reports. Those at the top had not learned when their patience was spent.",
        )
    for row, ends in found.items():
        numbers = sample(row.expected)
        name, reports = f"{row.name}: learned {row.within}", ADDITION if row is ADDITION_3 else None
        lesson.claim(soon(name, ends, row.trial.epochs, numbers, reports))
        if row not in NARROW:
            lesson.claim(middle(f"{row.name}: median epochs", ends, numbers))
    for row in ROWS:
        if row.pinned is not None:
            name = f"{row.name}, seed {row.pinned}: epochs until learned"
            epochs = End(*end(row.trial, row.pinned)).epochs
            lesson.pin(name, epochs, pin(f"{row.expected} seed {row.pinned}"))
    return found


def broken(row: Row) -> str:
    """The name of a row in two lines."""
    return row.name.replace(", ", "\n")


def spread(found: Found) -> str:
    """How far the seeds of the slowest task are apart, in words."""
    most = max(
        (row for row in ROWS if row not in NARROW and any(found[row])),
        key=lambda row: median_low(inf if x is None else x for x in found[row]),
        default=None,
    )
    if most is None:
        return "No network has learned its task."
    there = sorted(x for x in found[most] if x is not None)
    lost = found[most].count(None)
    return (
        f"Of the networks that learn at all, {most.name} has the largest median. Its seeds need "
        f"from {there[0]:,} to {there[-1]:,} epochs"
        + (f", and {lost} of {len(found[most])} did not learn it {most.within}." if lost else ".")
        + " One run says little about a network."
    )


def luck(lesson: Lesson, found: Found) -> None:
    """Where the numbers that the chapter reports lie among our runs."""
    lesson.section("Which of the famous runs were luck?")
    lesson.say(
        "The chapter reports single numbers: "
        + " and ".join(f"{epochs:,} epochs for {row.name}" for row, (epochs, _) in FAMOUS.items())
        + ", both at the rate 0.5. We read them in texts that cite its pages. Nobody says how "
        "these runs were chosen. If such a run is ordinary, some of ours are faster, and others "
        "slower."
    )
    with lesson.predict("Which share of our networks is faster than each of these two runs?"):
        for row, (epochs, reports) in FAMOUS.items():
            ends = found[row]
            faster = sum(x is not None and x < epochs for x in ends)
            share_of = faster / len(ends)
            verdict = (
                "it was luck, or another setting"
                if share_of < 0.05
                else "it was slower than almost all of ours"
                if share_of > 0.95
                else "it was no luck: such a run is ordinary"
            )
            lesson.say(
                f"{row.name}: {faster} of {len(ends)} networks are faster than {epochs:,} epochs. "
                f"With our settings, {verdict}."
            )
            numbers = sample(row.expected)
            lesson.claim(
                soon(f"{row.name}: within {epochs:,} epochs", ends, epochs, numbers, reports)
            )
        learned = sum(x is not None for x in found[ADDITION_3])
        said = (
            f"The chapter has one more: addition with 3 hidden units is learned. With our settings "
            f"{learned or 'none'} of {len(found[ADDITION_3])} networks learned it "
            f"{ADDITION_3.within}"
        )
        lesson.say(
            f"{said}. Either that run was lucky, or its settings or its connections were not ours."
            if learned * 20 <= len(found[ADDITION_3])
            else f"{said}."
        )


def width(lesson: Lesson, found: Found) -> None:
    """Whether a narrow layer cannot learn a task, or hardly ever learns it."""
    lesson.section("Impossible, or rare?")
    with lesson.predict(
        "With 3 hidden units, most networks do not learn addition or negation; with more, most do. "
        "Does this show that 3 are too few to compute it?"
    ):
        counts = {row: sum(x is not None for x in found[row]) for row in NARROW}
        tried = {row: sample(row.expected) for row in NARROW}
        others = {row: _between(*tried[row].rank(row.trial.epochs)) for row in NARROW}
        pinned = End(*end(ADDITION_3.trial, ADDITION_3.pinned or 0)).epochs
        lesson.say(
            f"Addition: {counts[ADDITION_3]} of {len(found[ADDITION_3])} learned it "
            f"{ADDITION_3.within}. Another program tried {tried[ADDITION_3].seeds:,} other seeds: "
            f"{others[ADDITION_3]} of them did. "
            + (
                f"And the network of seed {ADDITION_3.pinned} learns it at epoch {pinned:,}. "
                if pinned is not None
                else ""
            )
            + "So 3 are enough to compute addition; training rarely finds out how."
        )
        lesson.say(
            f"Negation: {counts[NEGATION_3]} of {len(found[NEGATION_3])} learned it "
            f"{NEGATION_3.within}; in the other program, {others[NEGATION_3]} of "
            f"{tried[NEGATION_3].seeds:,}. "
            + (
                "So it is possible, and rare."
                if counts[NEGATION_3]
                else "Runs that fail cannot show that it is impossible; that needs a proof."
            )
        )


def _between(least: int, most: int) -> str:
    return f"{least} to {most}" if least < most else f"{least}"


def codes(lesson: Lesson) -> int:
    """The codes that the encoder has found; returns how many networks have eight different ones."""
    lesson.section("Eight things in three numbers")
    trial = CODER.trial._replace(epochs=LONG)
    lesson.say(
        "The encoder has 8 inputs, 3 hidden units and 8 outputs. For each thing, only one input "
        "is on, and the same output should be on. All that the outputs know is the answers of the "
        "3 hidden units: a code of three numbers between 0 and 1."
    )
    with lesson.predict("How would you encode eight things in three numbers?"):
        lesson.moments(
            "3-codes",
            "epoch",
            [
                (f"epoch {moment:,}", partial(grid_of, trial, lesson.seed, moment))
                for moment in MOMENTS
            ],
            f"The codes of the network of seed {lesson.seed}: a row for each thing, a column for "
            "each hidden unit.",
        )
        seeds = range(lesson.seed, lesson.seed + lesson.seeds)
        cost = seconds(trial, LONG) * lesson.seeds
        trained = lesson.run(after_all, [(trial, seed) for seed in seeds], cost)
        every = [code_of(parameters) for parameters in trained]
        n = len(every)
        different = sum(len(set(rounded(code))) == len(code) for code in every)
        between = sum(any(0.2 <= x <= 0.8 for row in code for x in row) for code in every)
        first = rounded(every[0])
        lesson.show(f"seed {lesson.seed}, rounded: {' '.join(first)}")
        lesson.say(
            f"At epoch {LONG:,}, the rounded codes of {different} of {n} networks are all "
            "different: the binary numbers from 000 to 111, in an order that nobody chose. "
            f"{between} of {n} networks have answers between 0.2 and 0.8, "
            + (
                "as the chapter says of its own network: a code need not be binary."
                if between
                else "although the chapter says so of its own network."
            )
        )
    name = f"encoder at epoch {LONG:,}: eight different rounded codes"
    lesson.claim(share(name, different, n, known("encoder eight codes 2000")))
    name = f"encoder at epoch {LONG:,}: some answers between 0.2 and 0.8"
    lesson.claim(share(name, between, n, scored("encoder between 2000", 1, 24), ENCODER))
    return different


def grid_of(trial: Trial, seed: int, epochs: int) -> object:
    """A picture of the codes of the encoder after so many epochs."""
    parameters = (
        after_all(trial._replace(epochs=epochs), seed)
        if epochs
        else [p.data for p in begin(trial, seed)[0].parameters()]
    )
    return charts.grid(code_of(parameters), "hidden unit", "the one input that is on")


def code_of(parameters: list[float]) -> list[list[float]]:
    """The answers of the encoder's three hidden units to each of the eight examples."""
    model = network(CODER.trial, parameters)
    return [[h.data for h in model.layers[0](example.inputs)] for example in build(CODER.trial)[1]]


def rounded(code: list[list[float]]) -> list[str]:
    """The codes with 0 and 1 alone, such as `011`."""
    return ["".join("1" if x > 0.5 else "0" for x in row) for row in code]


def questions(lesson: Lesson, found: Found, different: int) -> None:
    """The check at the end of the page."""
    asked = next(e for e in build(NEGATION_3.trial)[1] if e.inputs == (1, 1, 0, 1))
    lesson.check(
        "Negation: the flag is 1 and the bits are 101. What are the right outputs?",
        "".join(f"{d:g}" for d in asked.targets),
    )
    epochs, _ = FAMOUS[DIRECT]
    faster = sum(x is not None and x < epochs for x in found[DIRECT])
    lesson.check(
        f"The chapter reports {epochs} epochs for {DIRECT.name}. What does one need to know to "
        "call this luck?",
        f"How long other seeds take with the same settings. Here, {faster} of "
        f"{len(found[DIRECT])} networks are faster.",
    )
    lesson.check(
        "No network of a class has learned a task. What may the class say?",
        "That none of so many seeds learned it within so many epochs. That it is impossible needs "
        "a proof; addition with 3 hidden units looks impossible in many classes, and is not.",
    )
    lesson.check(
        "Must the three numbers of the encoder be near 0 or 1?",
        f"No. Each of the eight outputs must only be on the right side of 0.5. In {different} of "
        f"{lesson.seeds} networks, the rounded codes are all different.",
    )


if __name__ == "__main__":
    main()
