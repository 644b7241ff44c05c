"""Symmetry: two units learn whether six bits are their own mirror image.

Figure 1 of the paper of 1986 (Rumelhart, Hinton and Williams, Nature 323, 533-536) shows one
network after 1,425 epochs. This lesson trains two hundred networks. Which weights do they learn,
and how many networks never learn the task?
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations, product
from statistics import median
from typing import NamedTuple

from tinygrad_edu.demos.laboratory import charts
from tinygrad_edu.demos.laboratory.trial import (
    Fate,
    Trial,
    after_all,
    begin,
    fate,
    network,
    seconds,
)
from tinygrad_edu.demos.laboratory.weights import Weights
from tinygrad_edu.lesson.claims import Claim, bounded, share, typical
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.telling import Lesson

__all__ = ["main"]

NATURE = "Nature 323, Fig. 1"
SEEDS = 200
PAPER = Trial("symmetry", 2, rate=0.1, alpha=0.9, init=0.3, epochs=20_000, margin=0.3)
CLASS = PAPER._replace(rate=0.05, epochs=5_000)
ALONE = CLASS._replace(hidden=0)
FROZEN = CLASS._replace(frozen=True)
TRIALS = {"class": CLASS, "paper": PAPER, "no hidden layer": ALONE, "frozen": FROZEN}
RATIOS = {"1:2:4": (2.0, 4.0), "2:3:4": (1.5, 2.0)}  # middle / smallest, largest / smallest
NEAR = 0.02
PRINTED_EPOCHS = 1_425
SIZES = "SML"  # small, middle, large


class Found(NamedTuple):
    """The pattern in the weights of a trained network.

    off: the distance from antisymmetry, relative to the largest weight. sizes: the sizes of the
    weights, the outer pair of inputs first. ratio: a name of RATIOS, or "other". order: the order
    of the sizes, three letters of SIZES. twins: whether the two hidden units have opposite weights.
    """

    off: float
    sizes: list[float]
    ratio: str
    order: str
    twins: bool


@command(seeds=SEEDS, quick=20, takes="")
def main(lesson: Lesson) -> None:
    fates = many_seeds(lesson)
    figure_1(lesson, fates["class"])
    fate_of_the_seeds(lesson, fates)
    controls(lesson, fates)


def many_seeds(lesson: Lesson) -> dict[str, list[Fate]]:
    """The result of each seed of each trial."""
    lesson.say(
        "The network sees six bits. Are they the same from left to right and from right to left? 8 "
        "of the 64 patterns are. There are two hidden units and an output, all logistic; first "
        "weights and biases are from -0.3 to 0.3; the gradients of all 64 examples are added up; "
        "the momentum is 0.9. The paper's rate is 0.1; this lesson also uses 0.05. A network has "
        "learned the task when every output is above 0.8 for yes and below 0.2 for no."
    )
    seeds = range(lesson.seed, lesson.seed + lesson.seeds)
    jobs = [(trial, seed) for trial in TRIALS.values() for seed in seeds]
    cost = sum(seconds(trial, trial.epochs) for trial in TRIALS.values()) * lesson.seeds
    results = iter(lesson.run(fate, jobs, cost))
    fates = {name: [Fate(*next(results)) for _ in seeds] for name in TRIALS}
    rows = [f"rate    learned    median  fastest  slowest  within {PRINTED_EPOCHS:,}"]
    for name in ("paper", "class"):
        there = [one.epochs for one in fates[name] if one.epochs is not None]
        soon = sum(epochs <= PRINTED_EPOCHS for epochs in there)
        middle = median(there or [0])
        rows.append(
            f"{TRIALS[name].rate:<4g}  {len(there):3} of {lesson.seeds:3}  {middle:6.0f}"
            f"  {min(there, default=0):7}  {max(there, default=0):7}  {soon:12}"
        )
    lesson.show("\n".join(rows))
    claims(lesson, fates)
    return fates


def claims(lesson: Lesson, fates: dict[str, list[Fate]]) -> None:
    n = lesson.seeds
    solved = {name: [one for one in fates[name] if one.epochs is not None] for name in TRIALS}
    epochs = [one.epochs for one in solved["class"] if one.epochs is not None]
    claim = f"rate 0.05: learned in {CLASS.epochs:,} epochs"
    lesson.claim(share(claim, NATURE, len(epochs), n, 0.99, of=SEEDS))
    claim = "rate 0.05: median of the epochs"
    lesson.claim(typical(claim, NATURE, epochs, 800, 1_050, of=SEEDS, by=median))
    claim = f"rate 0.1, the paper's: learned in {PAPER.epochs:,} epochs"
    lesson.claim(share(claim, NATURE, len(solved["paper"]), n, 0.85, 0.97, of=SEEDS))
    soon = sum(one.epochs is not None and one.epochs <= PRINTED_EPOCHS for one in fates["paper"])
    claim = f"rate 0.1: learned in {PRINTED_EPOCHS:,} epochs"
    lesson.claim(Claim(claim, NATURE, "one run", f"{soon} of {n} ({soon / n:.1%})", None))
    stuck = [one for one in fates["paper"] if one.epochs is None]
    if stuck:
        same = sum(one.right == one.most == 56 for one in stuck)
        claim = "rate 0.1: seeds that do not learn have 56 of 64"
        lesson.claim(share(claim, "measured", same, len(stuck), 1.0))
    found = [look(one.parameters) for one in solved["class"]]
    if not found:
        return
    claim = "rate 0.05: largest distance from antisymmetry"
    lesson.claim(bounded(claim, NATURE, max(one.off for one in found), high=1e-3))
    for ratio, low, high in (("1:2:4", 0.70, 0.87), ("2:3:4", 0.13, 0.30), ("other", 0.0, 0.0)):
        count = sum(one.ratio == ratio for one in found)
        source = NATURE if ratio == "1:2:4" else "measured"
        claim = f"rate 0.05: sizes as {ratio}" if ratio in RATIOS else "rate 0.05: other sizes"
        lesson.claim(share(claim, source, count, len(found), low, high, of=SEEDS))


def look(parameters: Sequence[float]) -> Found:
    """The pattern in the weights of a network with two hidden units."""
    units = [list(parameters[0:6]), list(parameters[7:13])]
    off = max(abs(w[i] + w[5 - i]) / max(map(abs, w)) for w in units for i in range(3))
    sizes = [[abs(w[i] - w[5 - i]) / 2 for i in range(3)] for w in units]
    ratio = "other"
    for name, wanted in RATIOS.items():
        if all(near(sorted(row), wanted) for row in sizes):
            ratio = name
    order = "".join(SIZES[sorted(sizes[0]).index(size)] for size in sizes[0])
    twins = all(abs(a + b) < 0.05 * max(sizes[0]) for a, b in zip(*units))
    return Found(off, sizes[0], ratio, order, twins)


def near(sizes: Sequence[float], wanted: tuple[float, float]) -> bool:
    """Whether three sizes, the smallest first, have that ratio, up to NEAR."""
    return all(abs(x / sizes[0] / y - 1) <= NEAR for x, y in zip(sizes[1:], wanted))


def figure_1(lesson: Lesson, fates: list[Fate]) -> None:
    """One network, drawn as in the paper, and the reason for its weights."""
    clear = (
        i for i, one in enumerate(fates) if one.epochs and look(one.parameters).ratio[0] == "1"
    )
    chosen = next(clear, None)
    if chosen is None:
        return
    seed, one = lesson.seed + chosen, fates[chosen]
    found, model = look(one.parameters), network(CLASS, one.parameters)
    small, middle, large = sorted(found.sizes)
    b1, b2 = one.parameters[6], one.parameters[13]
    out = one.parameters[14:]
    lesson.say(
        f"Seed {seed} learns the task at epoch {one.epochs}. The paper describes its own network: "
        "two weights at the same distance from the middle have the same size and opposite signs. "
        "The sizes on one side are 1:2:4. The two hidden units have the same weights with opposite "
        "signs. Their biases are negative, so both units are off when the pattern is symmetric; "
        "then the bias of the output turns the output on. Our network:"
    )
    lesson.show(
        f"largest distance from antisymmetry  {found.off:.1g} of the largest weight\n"
        f"sizes, smallest first               1 : {middle / small:.2f} : {large / small:.2f}\n"
        f"same weights, opposite signs        {'yes' if found.twins else 'no'}\n"
        f"biases of the hidden units          {b1:.2f}, {b2:.2f}\n"
        f"weights and bias of the output      {out[0]:.2f}, {out[1]:.2f}, {out[2]:.2f}"
    )
    bits = [f"bit {i}" for i in range(1, 7)]
    lesson.picture(
        "1-figure-1",
        Weights(model, bits, ["mirror?"]),
        f"Figure 1 of 1986, from our own weights after {CLASS.epochs:,} epochs. Bit 6 takes away "
        "what bit 1 adds. A blue, solid line adds; a brown, dashed line takes away.",
    )
    values(lesson, one.parameters, found)
    growing(lesson, seed, one)


def values(lesson: Lesson, parameters: Sequence[float], found: Found) -> None:
    """The sum of a hidden unit over the left half of a pattern is a number of three digits.

    Each weight has one digit. The digit of a positive weight is 1 if the bit is 1. The digit of a
    negative weight is 1 if the bit is 0.
    """
    w = parameters[:3]
    digits = [round(abs(x) / min(found.sizes)) for x in w]  # 1, 2 and 4 in some order
    sums = sorted(
        (
            sum(d * (b if x > 0 else 1 - b) for b, d, x in zip(bits, digits, w)),
            sum(b * x for b, x in zip(bits, w)),
        )
        for bits in product((0, 1), repeat=3)
    )
    gaps = sorted(abs(sums[i + 1][1] - sums[i][1]) for i in range(7))
    lesson.say(
        "Why 1:2:4? The hidden unit adds up three weights for the left half, and the same three "
        "weights, negated, for the right half. The sums of the eight left halves must all differ; "
        "otherwise two different halves would cancel. With the weights 1, 2 and 4, the sums are "
        "the numbers of three binary digits, evenly spaced "
        f"({gaps[0]:.2f} to {gaps[-1]:.2f} apart). Nobody told the network about binary numbers. "
        "With 2, 3 and 4, the sums are 0, 2, 3, 4, 5, 6, 7 and 9. They all differ, too, and some "
        "networks learn these weights."
    )
    lesson.plot(
        "2-binary",
        lambda: charts.lines(
            {"": [(float(n), total) for n, total in sums]},
            "the left half as a binary number",
            "its sum in hidden unit 1",
        ),
        "The sums of the eight left halves in hidden unit 1: each half has a different sum. The "
        "bit with the largest weight is the first digit; if a weight is negative, its digit is 1 "
        "when the bit is 0.",
    )


def growing(lesson: Lesson, seed: int, one: Fate) -> None:
    """How the sizes become 1:2:4 during training."""
    last = 3 * (one.epochs or 1)
    moments = [round(last * i / 40) for i in range(41)]
    series: dict[str, list[tuple[float, float]]] = {"middle": [], "large": []}
    for moment in moments:
        if moment:
            parameters = after_all(CLASS._replace(epochs=moment), seed)
        else:
            parameters = [p.data for p in begin(CLASS, seed)[0].parameters()]
        small, *others = sorted(look(parameters).sizes)
        for name, size in zip(series, others):
            series[name].append((float(moment), size / small))
    lesson.plot(
        "3-ratio",
        lambda: charts.lines(
            series,
            "epoch",
            "size of the weight / smallest size",
            dots=False,
        ),
        "The sizes of the weights on one side, divided by the smallest, during training: they "
        f"become 2 and 4. At epoch {one.epochs} the network has learned all examples.",
    )


def fate_of_the_seeds(lesson: Lesson, fates: dict[str, list[Fate]]) -> None:
    """For each seed: the epoch at which it learned the task, or never, and its weights."""
    panels, rows = [], ["rate  1:2:4  2:3:4  other  never   " + "  ".join(orders())]
    for name in ("class", "paper"):
        trial = TRIALS[name]
        columns: dict[str, list[tuple[float, str]]] = {order: [] for order in orders()}
        columns["never"] = []
        for one in fates[name]:
            if one.epochs is None:
                columns["never"].append((float(trial.epochs), "never"))
            else:
                found = look(one.parameters)
                columns[found.order].append((max(one.epochs, 1.0), found.ratio))
        every = [kind for row in columns.values() for _, kind in row]
        counts = "  ".join(f"{every.count(k):5}" for k in ("1:2:4", "2:3:4", "other", "never"))
        each = "  ".join(f"{len(columns[order]):3}" for order in orders())
        rows.append(f"{trial.rate:<4g} {counts}   {each}")
        panels.append((f"rate {trial.rate:g}, {trial.epochs:,} epochs", columns))
    lesson.say(
        "The weights of all networks. S, M and L mark the pairs of bits with the small, the middle "
        "and the large weights; the first letter is for the outer pair. Chance decides the order, "
        "and all six orders occur. The ratio is 1:2:4 or 2:3:4. The paper's run of "
        f"{PRINTED_EPOCHS:,} epochs is one of the faster runs at its rate. This rate is close to "
        "the largest rate that is stable."
    )
    lesson.show("\n".join(rows))
    twins = [look(one.parameters).twins for one in fates["class"] if one.epochs is not None]
    claim = "rate 0.05: units with same weights, opposite signs"
    if twins:
        lesson.claim(share(claim, NATURE, sum(twins), len(twins), 0.95, of=SEEDS))
    lesson.plot(
        "4-fates",
        lambda: charts.kinds(
            panels,
            "order of the Small, Middle, Large weights, outer pair first; below, number of seeds",
            "epochs until learned",
            (PRINTED_EPOCHS, f"paper: {PRINTED_EPOCHS:,}"),
        ),
        "All seeds: the epoch at which each learned the task, its ratio, its order, and the number "
        "of seeds that never learned it.",
    )


def orders() -> list[str]:
    return ["".join(order) for order in permutations(SIZES)]


def controls(lesson: Lesson, fates: dict[str, list[Fate]]) -> None:
    """Controls: a network without hidden units, and one whose hidden units do not learn."""
    alone = max(one.most for one in fates["no hidden layer"])
    frozen = max(one.most for one in fates["frozen"])
    lesson.say(
        "The answer `no` to every pattern is right for 56 of the 64 examples. Without a hidden "
        f"layer, no seed ever had more than {alone} right; with random hidden units that do not "
        f"learn, no seed had more than {frozen}. One unit alone cannot have more than 57 right, "
        "whatever its weights. Here is why. Suppose that it says yes to two symmetric patterns. "
        "Swap their right halves: the two new patterns are not symmetric. But their two sums add "
        "up to the same total as before, so the unit says yes to at least one of them, which is "
        "wrong. So if a unit says yes to k symmetric patterns, at least k(k-1)/2 of its answers "
        "to other patterns are wrong. It has at most 56 + k - k(k-1)/2 right answers, and this "
        "number is at most 57."
    )
    lesson.claim(bounded("no hidden layer: most examples right, of 64", "counting", alone, high=57))
    claim = "random, frozen hidden units: most right, of 64"
    lesson.claim(bounded(claim, "measured", frozen, high=56))


if __name__ == "__main__":
    main()
