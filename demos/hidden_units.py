"""Hidden units: two layers usually learn what one layer cannot do.

Exclusive or with 2, 3, 4 and 8 hidden units, as in chapter 8 of Parallel Distributed Processing
(Rumelhart, Hinton and Williams 1986). How many networks learn it, and after how many epochs? What
does each hidden unit compute? And what does a network answer if it is stuck?
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from math import dist, inf, log2
from statistics import median_low
from typing import Any

from tinygrad_edu import gradient, ops, page, plots
from tinygrad_edu.data import Example, gate
from tinygrad_edu.demos.laboratory import charts, equations
from tinygrad_edu.demos.laboratory.expected import pin, sample
from tinygrad_edu.demos.laboratory.sources import XOR_STUCK, XOR_WIDTH
from tinygrad_edu.demos.laboratory.trial import (
    End,
    Trial,
    begin,
    end,
    learn,
    mean_epochs,
    seconds,
    slope_error,
)
from tinygrad_edu.demos.laboratory.weights import Weights
from tinygrad_edu.lesson.claims import bounded, falling, middle, soon
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.plan import Mistake, Plan
from tinygrad_edu.lesson.telling import Lesson, line_of
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.nn import MLP, Neuron
from tinygrad_edu.optim import Momentum

__all__ = ["main"]

XOR = gate("xor")
PATIENCE = 200_000  # epochs; the slowest of 4,000 seeds that learned needed about 20,000
WITHIN = f"within {PATIENCE:,} epochs"
TRIALS = {n: Trial("xor", n, rate=0.5, alpha=0.9, init=0.3, epochs=PATIENCE) for n in (2, 3, 4, 8)}
TWO = TRIALS[2]
STUCK = 2  # a seed whose network is stuck, for a class whose own seeds all learn
PARTS = (0, 0.3, 0.6, 0.8, 0.9, 1, 1.1, 1.3, 1.7, 3)  # of the epochs until it is learned

PLAN = Plan(
    question="What do hidden units do to the square of the inputs? And does training always work?",
    minutes=30,
    look="the fold, under the slider; the result of each seed; the network that is stuck",
    ask=[
        "What do the hidden units of the stuck network answer to the examples it has wrong?",
        "Why are extra hidden units useful?",
    ],
    mistake=Mistake(
        file="tinygrad_edu/optim/methods.py",
        line="last = -lr * g + alpha * last",
        instead="last = -lr * g",
        fails="2-2-1, seed 3: epochs until learned",
    ),
    read=[
        "D. E. Rumelhart, G. E. Hinton, R. J. Williams: Learning internal representations by error "
        "propagation. Parallel Distributed Processing 1 (1986), chapter 8, 318-362.",
        "M. Minsky, S. Papert: Perceptrons (1969), on what one layer cannot do.",
    ],
    follows="credit",
)


@command(plan=PLAN, seeds=200, quick=50, takes="about 3 seconds, and the time of its runs")
def main(lesson: Lesson) -> None:
    settings(lesson)
    found = many_seeds(lesson)
    fates = list(zip(count(lesson.seed), found[2]))
    for seed, epochs in [(seed, epochs) for seed, epochs in fates if epochs is not None][:1]:
        folding(lesson, seed, epochs)
    stuck(lesson, [seed for seed, epochs in fates if epochs is None])
    questions(lesson, found)


def settings(lesson: Lesson) -> None:
    """The networks, the rule, and where each number is from."""
    lesson.section("The networks, and the rule that trains them")
    lesson.say(
        "A single unit cannot compute exclusive or: see the lesson `the_wall`. Here, the two "
        "inputs feed a layer of hidden units, and the hidden units feed one output. 2-3-1 means: 2 "
        "inputs, 3 hidden units, 1 output. All units are logistic."
    )
    lesson.say(
        f"The settings come from several places. The rate {TWO.rate:g} is one of those that "
        "chapter 8 of Parallel Distributed Processing (PDP) uses for exclusive or, and the "
        f"momentum {TWO.alpha:g} is its usual one (pages 330 to 332). "
        f"The first weights and biases, random numbers from -{TWO.init:g} to {TWO.init:g}, and the "
        "sum of the gradients of all examples before each update are those of another network, "
        "the one for symmetry in the paper in Nature. When a network counts as learned is our own "
        "choice: all four outputs are on the right side of 0.5. A network may take "
        f"{PATIENCE:,} epochs."
    )
    lesson.equations(
        equations.NATURE,
        equations.rows(
            eq1=line_of(Neuron.forward, "w * x"),
            eq2=line_of(ops, 'row("sigmoid"'),
            eq3=line_of(half_squared_error, "/ 2"),
            eq9=line_of(Momentum, "-lr * g + alpha"),
        ),
    )
    worst = max(slope_error(trial, lesson.seed) for trial in TRIALS.values())
    lesson.claim(bounded("gradient against differences, relative error", worst, high=1e-6))


def many_seeds(lesson: Lesson) -> dict[int, list[int | None]]:
    """For each number of hidden units: the epoch at which each seed learned it, or None."""
    lesson.section("Does training always work?")
    n = lesson.seeds
    seeds = range(lesson.seed, lesson.seed + n)
    with lesson.predict(
        f"{n} networks 2-2-1 begin with different random numbers. How many of them learn exclusive "
        "or? And are 8 hidden units faster than 2, or slower?"
    ):
        jobs = [(trial, seed) for trial in TRIALS.values() for seed in seeds]
        cost = sum(seconds(TRIALS[k], mean_epochs(f"xor-{k}", PATIENCE)) for k in TRIALS) * n
        results = iter(lesson.run(end, jobs, cost))
        found = {k: [End(*next(results)).epochs for _ in seeds] for k in TRIALS}
        report(lesson, found)
        lesson.plot(
            "1-fates",
            lambda: charts.fates(
                {f"2-{k}-1": row for k, row in found.items()},
                "epochs until learned",
                never=f"not within\n{PATIENCE:,}",
            ),
            "Every point is a network, and the line is the median. The numbers at the top count "
            f"the networks that did not learn {WITHIN}.",
        )
    for k, row in found.items():
        known = sample(f"xor-{k}")
        reports = XOR_STUCK if k == 2 else None
        lesson.claim(soon(f"2-{k}-1: learned {WITHIN}", row, PATIENCE, known, reports))
        lesson.claim(middle(f"2-{k}-1: median epochs until learned", row, known))
    claim = "median epochs with 2, 3, 4 and 8 hidden units"
    lesson.claim(falling(claim, list(found.values()), XOR_WIDTH))
    for k, trial in TRIALS.items():
        name = f"2-{k}-1, seed 3: epochs until learned"
        lesson.pin(name, End(*end(trial, 3)).epochs, pin(f"xor-{k} seed 3"))
    return found


def report(lesson: Lesson, found: dict[int, list[int | None]]) -> None:
    """The numbers of all networks, and what they say."""
    rows = ["network  learned       median  slowest   280 - 33 log2 H"]
    medians = {k: median_low(inf if x is None else x for x in row) for k, row in found.items()}
    for k, row in found.items():
        there = [epochs for epochs in row if epochs is not None]
        rows.append(
            f"2-{k}-1    {len(there):3} of {len(row):3}  {medians[k]:8,}  "
            f"{max(there, default=0):7,}   {280 - 33 * log2(k):15.0f}"
        )
    lesson.show("\n".join(rows))
    n, lost = lesson.seeds, [row.count(None) for row in found.values()]
    said = f"Of {n} networks with 2 hidden units, {_none(lost[0])} did not learn {WITHIN}"
    said += f" ({lost[0] / n:.1%}). " if lost[0] else ". "
    more = sum(lost[1:])
    said += f"Of the {3 * n} networks with more hidden units, {more or 'all'} "
    said += "did not. " if more else "learned. "
    said += (
        f"With two hidden units, the chapter reports two in hundreds of runs ({XOR_STUCK.place}). "
    )
    if all(medians[a] > medians[b] for a, b in zip(TRIALS, list(TRIALS)[1:])):
        said += "With more hidden units, half of the networks have learned sooner."
    lesson.say(said)
    lesson.say(
        "The last column is the chapter's own rule for H hidden units, at the rate 0.25 "
        f"({XOR_WIDTH.place}). It falls, too. Its numbers are smaller than ours although its rate "
        "is smaller; we do not know its first weights, nor when a network counted as learned, so "
        "only the direction can be compared."
        if all(280 - 33 * log2(k) < medians[k] for k in TRIALS)
        else "The last column is the chapter's own rule for H hidden units, at the rate 0.25 "
        f"({XOR_WIDTH.place}). We do not know its first weights, nor when a network counted as "
        "learned, so only the direction can be compared."
    )


def _none(number: int) -> str:
    return str(number) if number else "none"


def folding(lesson: Lesson, seed: int, epochs: int) -> None:
    """Where the two hidden units put the corners of the square, at ten moments of training."""
    lesson.section("How do two hidden units do it?")
    lesson.say(
        f"The network 2-2-1 of seed {seed} learns it at epoch {epochs:,}. Each example gets two "
        "numbers, the answers of hidden unit 1 and of hidden unit 2. They are a point of another "
        "plane, and the output sees nothing but this point."
    )
    lesson.play(
        "2-training",
        lambda: page(
            after(TWO, seed, 0),
            half_squared_error,
            XOR,
            rate=10,
            level="network",
            title="2-2-1 learns XOR",
        ),
        "The network before its first epoch. Press Train, at slow speed: the line over the plane "
        "bends. Here, hidden unit 1 is called neuron1. This is gradient descent, without the "
        "momentum of the runs above.",
    )
    moments = sorted({round(part * epochs) for part in PARTS})
    models = [after(TWO, seed, moment) for moment in moments]
    last = points(models[-1])
    a, b = min((("01", "10"), ("00", "11")), key=lambda pair: dist(*(last[c] for c in pair)))
    with lesson.predict(
        "In the square, no line separates 01 and 10 from 00 and 11. The hidden units move the four "
        "corners. Which of them must come close together, so that one line is enough?"
    ):
        lesson.say(
            f"Here {a} and {b} come close: they are {dist(last[a], last[b]):.2g} apart at epoch "
            f"{moments[-1]:,}, and {2**0.5:.2f} in the square. The square is folded. "
            + (
                "One line now separates the filled points from the others: the line at which the "
                "output is 0.5."
                if all(map(partial(_is_right, models[-1]), XOR))
                else "One line does not yet separate the filled points from the others."
            )
        )
        lesson.show(seen_by(models[-1]))
        lesson.moments(
            "3-fold",
            "epoch",
            [(f"epoch {moment:,}", partial(fold, model)) for moment, model in zip(moments, models)],
            "Left: the output over the square, and where it is 0.5. Right: the answers of the "
            "hidden units to the same four examples, and the same line as the output sees it.",
        )
    lesson.plot(
        "4-units",
        lambda: plots.hidden_maps(models[-1], XOR),
        "The answer of each hidden unit over the square. Each alone has straight borders, as the "
        "single unit of the lesson `the_wall`.",
    )
    lesson.picture(
        "5-weights",
        Weights(models[-1], ["x1", "x2"], ["y"]),
        f"The weights at epoch {moments[-1]:,}; unit 1 and unit 2 are hidden. A blue, solid line "
        "adds; a brown, dashed line takes away.",
    )


def fold(model: MLP) -> object:
    """The plane of the inputs and the plane of the hidden units, at one moment."""
    unit = model.layers[1].neurons[0]
    line = [p.data for p in (*unit.w, unit.b)]
    return charts.fold(output_of(model), XOR, points(model), line, on=("01", "10"))


def points(model: MLP) -> dict[str, tuple[float, float]]:
    """The answers of the two hidden units to each example, by its inputs."""
    found = {}
    for example in XOR:
        first, second = model.layers[0](example.inputs)
        found[_name(example)] = first.data, second.data
    return found


def stuck(lesson: Lesson, seeds: Sequence[int]) -> None:
    """A network that has not learned it, and its answers."""
    seed = seeds[0] if seeds else STUCK
    if not seeds and End(*end(TWO, STUCK)).epochs is not None:
        return
    lesson.section("A network that is stuck")
    model = after(TWO, seed, PATIENCE)
    errors = [half_squared_error(model(example.inputs), example.targets) for example in XOR]
    error = sum(errors[1:], errors[0])
    slope = max(abs(slope.data) for slope in gradient(error, model.parameters()))
    lesson.say(
        f"{'' if seeds else 'All networks of this run have learned; here is one of another seed. '}"
        f"The network 2-2-1 of seed {seed} has not learned it {WITHIN}. Its error is "
        f"{error.data:.3g}, and no number of its gradient is larger than {slope:.1g} in size. "
        "Whether this is a local minimum, or a plateau that takes longer, a run cannot tell."
    )
    unsure = [example for example in XOR if 0.2 < model(example.inputs)[0].data < 0.8]
    two = " and ".join(map(_name, unsure))
    question = (
        f"It answers about 0.5 to {two}. What do its hidden units answer to these two?"
        if len(unsure) == 2
        else "To which examples is its answer wrong, and what do its hidden units answer to them?"
    )
    with lesson.predict(question):
        lesson.show(seen_by(model))
        seen = [points(model)[_name(example)] for example in unsure]
        apart = max((dist(one, other) for one in seen for other in seen), default=1.0)
        if len({example.targets for example in unsure}) == len(unsure) == 2 and apart < 0.05:
            lesson.say(
                f"The same: the two points are {apart:.1g} apart. The output cannot tell {two} "
                "apart, and one of them should be 0, the other 1. The best answer to both is 0.5, "
                "which leaves the error 1/2 x 0.25 + 1/2 x 0.25 = 0.25. What the two examples ask "
                "of a hidden unit is opposite, and almost cancels."
            )
        lesson.plot(
            "6-stuck",
            partial(fold, model),
            f"The stuck network of seed {seed} at epoch {PATIENCE:,}.",
        )
    lesson.play(
        "7-stuck",
        lambda: page(
            model,
            half_squared_error,
            XOR,
            rate=10,
            level="network",
            title=f"2-2-1, stuck: seed {seed}, epoch {PATIENCE:,}",
        ),
        "The stuck network in your hands. Train it with any rate, or drag a weight until training "
        "gets on.",
    )


def questions(lesson: Lesson, found: dict[int, list[int | None]]) -> None:
    """The check at the end of the page."""
    lesson.check(
        "What does the output of a 2-2-1 network see of the inputs?",
        "Nothing but the answers of the two hidden units. If they put the examples where one line "
        "is enough, the output can separate them.",
    )
    lesson.check(
        "A network gives the same hidden answers to 01 and 11. Which error is left, at least?",
        "The output is the same for both, and one should be 1, the other 0. The best it can do is "
        "0.5, and the error is 1/2 x 0.25 + 1/2 x 0.25 = 0.25.",
    )
    lesson.check(
        f"How many of the {len(found[2])} networks 2-2-1 did not learn {WITHIN}, and what does the "
        "chapter report?",
        f"{_none(found[2].count(None)).capitalize()}. The chapter reports two in hundreds of runs.",
    )
    lesson.check(
        "Which numbers in the settings are not from chapter 8?",
        "The range of the first weights is that of a network in Nature; when a network counts as "
        "learned, and how long it may take, is our choice.",
    )


def seen_by(model: MLP) -> str:
    """A table with the answers of the hidden units and of the output to each example."""
    rows = ["inputs   hidden unit 1  hidden unit 2        y  target"]
    for example in XOR:
        a, b = points(model)[_name(example)]
        y = model(example.inputs)[0].data
        rows.append(f"{_name(example):6}   {a:13.3f}  {b:13.3f}  {y:7.3f}  {example.targets[0]:6g}")
    return "\n".join(rows)


def after(trial: Trial, seed: int, epochs: int) -> MLP:
    """A new network with the weights of the seed after that many epochs."""
    trained, _ = begin(trial, seed)
    if epochs:
        learn(trial, seed, epochs)
    model = MLP(2, [trial.hidden, 1], "sigmoid")
    for p, q in zip(model.parameters(), trained.parameters()):
        p.data = q.data
    return model


def output_of(model: MLP) -> Callable[[Any, Any], Any]:
    return lambda x, y: model([x, y])[0]


def _name(example: Example) -> str:
    """The inputs of an example, such as `01`."""
    return "".join(f"{x:g}" for x in example.inputs)


def _is_right(model: MLP, example: Example) -> bool:
    y: float = model(example.inputs)[0].data
    return (y > 0.5) == (float(example.targets[0]) > 0.5)


if __name__ == "__main__":
    main()
