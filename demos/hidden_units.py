"""Hidden units: two layers usually learn what one layer cannot do.

Exclusive or with 2, 3, 4 and 8 hidden units, as in chapter 8 of Parallel Distributed Processing
(Rumelhart, Hinton and Williams 1986). How many networks learn it, and after how many epochs? What
does each hidden unit compute? And what does a network learn if it never learns exclusive or?
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from math import dist
from statistics import median

from tinygrad_edu import gradient, page, plots
from tinygrad_edu.data import gate
from tinygrad_edu.demos.laboratory import charts
from tinygrad_edu.demos.laboratory.trial import End, Trial, begin, end, learn, seconds
from tinygrad_edu.demos.laboratory.weights import Weights
from tinygrad_edu.lesson.claims import falling, share
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.telling import Lesson
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.nn import MLP

__all__ = ["main"]

XOR = gate("xor")
SOURCE = "PDP 1986, ch. 8"
SEEDS = 200
# By hidden units: how many of 200 seeds learned it, and after how many epochs (the median). These
# numbers are from a program with NumPy.
REFERENCE = {2: (183, 490), 3: (197, 370), 4: (200, 320), 8: (200, 254)}
RANGE = {2: (0.85, 0.97), 3: (0.96, 1.0), 4: (0.99, 1.0), 8: (0.99, 1.0)}
TRIALS = {n: Trial("xor", n, rate=0.5, alpha=0.9, init=0.3, epochs=2_000) for n in REFERENCE}


@command(seeds=SEEDS, quick=50, takes="")
def main(lesson: Lesson) -> None:
    found = many_seeds(lesson)
    fates = list(zip(count(lesson.seed), found[2]))
    for seed, epochs in [(seed, epochs) for seed, epochs in fates if epochs is not None][:1]:
        folding(lesson, seed, epochs)
    for seed in [seed for seed, epochs in fates if epochs is None][:1]:
        local_minimum(lesson, seed)


def many_seeds(lesson: Lesson) -> dict[int, list[int | None]]:
    """For each number of hidden units: the epoch at which each seed learned it, or None."""
    lesson.say(
        "Exclusive or, with the settings of 1986: logistic units, rate 0.5, momentum 0.9, first "
        "weights and biases from -0.3 to 0.3, the gradients of all four examples added up. A "
        "network has learned it when all four outputs are on the right side of 0.5, within 2,000 "
        "epochs."
    )
    seeds = range(lesson.seed, lesson.seed + lesson.seeds)
    jobs = [(trial, seed) for trial in TRIALS.values() for seed in seeds]
    cost = sum(seconds(TRIALS[n], REFERENCE[n][1]) for n in TRIALS) * lesson.seeds
    results = iter(lesson.run(end, jobs, cost))
    found = {n: [End(*next(results)).epochs for _ in seeds] for n in TRIALS}
    rows = ["hidden  learned     median epoch  slowest   (NumPy: learned, median)"]
    for n, row in found.items():
        there = [epochs for epochs in row if epochs is not None]
        middle = median(there) if there else 0
        learned, epochs = REFERENCE[n]
        rows.append(
            f"{n:6}  {len(there):3} of {len(row):3}  {middle:12.0f}  {max(there, default=0):7}"
            f"   ({learned} of 200, {epochs})"
        )
        claim = f"2-{n}-1 learns XOR"
        lesson.claim(share(claim, SOURCE, len(there), len(row), *RANGE[n], of=SEEDS))
    lesson.show("\n".join(rows))
    claim = "more hidden units: smaller median"
    lesson.claim(falling(claim, SOURCE, list(found.values()), of=SEEDS))
    lesson.plot(
        "1-fates",
        lambda: charts.fates(
            {f"2-{n}-1": row for n, row in found.items()},
            "epochs until learned",
            never="never",
        ),
        "Every point is a network; the line is the median. Networks with more hidden units than "
        "they need learn sooner, and are hardly ever stuck.",
    )
    return found


def folding(lesson: Lesson, seed: int, epochs: int) -> None:
    """How the two hidden units map the square of the inputs, at four moments of training."""
    moments = [0, epochs // 2, epochs, 3 * epochs]
    surfaces, hidden = [], []
    for moment in moments:
        model = after(TRIALS[2], seed, moment)
        title = f"epoch {moment}"
        surfaces.append((title, output_of(model), 0.5))
        seen = {}
        for x, y in (example.inputs for example in XOR):
            first, second = model.layers[0]([x, y])
            seen[f"{x:g}{y:g}"] = first.data, second.data
        hidden.append((title, seen))
    together = min((("01", "10"), ("00", "11")), key=lambda pair: dist(*(seen[c] for c in pair)))
    lesson.say(
        f"Seed {seed} learns it at epoch {epochs}. The two hidden units map the square into "
        "another plane, and fold it there. No line could separate "
        f"{' and '.join(together)} from the other two corners of the square. After the fold "
        "these two corners lie close together, and one line is enough for the output."
    )
    lesson.show(seen_by(model))
    lesson.picture(
        "2-weights",
        Weights(model, ["x1", "x2"], ["y"]),
        "The weights that it has learned. A blue, solid line adds; a brown, dashed line takes "
        "away.",
    )
    lesson.plot(
        "3-surface",
        lambda: charts.surfaces(surfaces, [XOR] * len(surfaces)),
        "The output over the plane of the inputs, with the line where it is 0.5.",
    )
    lesson.plot(
        "4-folding",
        lambda: charts.folding(hidden, "hidden unit 1", "hidden unit 2", on=("01", "10")),
        "The answers of the hidden units to the four examples: the square is folded until one line "
        "is enough.",
    )
    lesson.play(
        "5-training",
        lambda: page(
            after(TRIALS[2], seed, 0),
            half_squared_error,
            XOR,
            rate=10,
            level="network",
            title="2-2-1 learns XOR",
        ),
        "The same network before its first epoch. Press Train, at slow speed: the line over the "
        "plane moves until it is folded. This is plain gradient descent, without the momentum of "
        "the runs above.",
    )
    lesson.plot(
        "6-units",
        lambda: plots.hidden_maps(model, XOR),
        "The answer of each hidden unit over the plane. Two units draw two lines; the single unit "
        "of the lesson the_wall drew one line.",
    )


def local_minimum(lesson: Lesson, seed: int) -> None:
    """A network that never learns it, and its answers."""
    trial = TRIALS[2]
    model = after(trial, seed, trial.epochs)
    error = sum(
        (half_squared_error(model(example.inputs), example.targets) for example in XOR[1:]),
        half_squared_error(model(XOR[0].inputs), XOR[0].targets),
    )
    slopes = [slope.data for slope in gradient(error, model.parameters())]
    unsure = [example for example in XOR if 0.2 < model(example.inputs)[0].data < 0.8]
    seen = [[h.data for h in model.layers[0](example.inputs)] for example in unsure]
    apart = max((dist(a, b) for a in seen for b in seen), default=0.0)
    lesson.say(
        f"Seed {seed} does not learn it. After {trial.epochs:,} epochs no gradient is larger than "
        f"{max(map(abs, slopes)):.1g} in size, but the error is still {error.data:.2f}. The "
        f"network gives no clear answer to {len(unsure)} of the examples: from one of these "
        f"examples to another, the answers of the hidden units differ by only {apart:.2g}. This is "
        "a local minimum, or a plateau so long that we do not see its end. It is rare, and even "
        "rarer with an extra hidden unit."
    )
    lesson.show(seen_by(model))
    function = output_of(model)
    lesson.plot(
        "7-stuck",
        lambda: charts.surfaces([(f"seed {seed}, epoch {trial.epochs:,}", function, 0.5)], [XOR]),
        "A network that is stuck.",
    )
    lesson.play(
        "8-stuck",
        lambda: page(
            model,
            half_squared_error,
            XOR,
            rate=10,
            level="network",
            title=f"2-2-1, stuck: seed {seed}, epoch {trial.epochs:,}",
        ),
        "The stuck network in your hands. Try any rate, or drag a weight until training gets on.",
    )


def seen_by(model: MLP) -> str:
    """A table with the answers of the hidden units and of the output to each example."""
    rows = ["inputs   hidden 1  hidden 2   output"]
    for example in XOR:
        a, b = (h.data for h in model.layers[0](example.inputs))
        answer = model(example.inputs)[0].data
        rows.append(
            f"{example.inputs[0]:g} {example.inputs[1]:g}     {a:8.3f}  {b:8.3f}  {answer:7.3f}"
        )
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


def output_of(model: MLP) -> Callable[[float, float], float]:
    return lambda x, y: model([x, y])[0].data


if __name__ == "__main__":
    main()
