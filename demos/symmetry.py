"""Symmetry: two hidden units learn whether six bits are a mirror image.

Figure 1 of the paper of 1986 (Rumelhart, Hinton and Williams, Nature 323, 533-536) shows one
network after 1,425 epochs. This lesson trains two hundred networks. Which weights do they learn,
and why these?
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import exp
from statistics import median_low
from typing import Any

from tinygrad_edu import Value, page
from tinygrad_edu.data import symmetry
from tinygrad_edu.demos.laboratory import charts, equations, expected
from tinygrad_edu.demos.laboratory.mirror import (
    ORDERS,
    RATIOS,
    Found,
    gap,
    halves,
    look,
    named,
    sizes,
    stairs,
    triples,
)
from tinygrad_edu.demos.laboratory.sources import MIRROR, RATIO, SYMMETRY_RUN, TWINS
from tinygrad_edu.demos.laboratory.trial import (
    Fate,
    Trial,
    begin,
    build,
    compiled,
    end,
    fate,
    learn,
    longer,
    network,
    seconds,
)
from tinygrad_edu.demos.laboratory.weights import Weights
from tinygrad_edu.lesson.claims import bounded, equal, middle, mostly, share, soon
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.plan import Mistake, Plan
from tinygrad_edu.lesson.telling import Lesson, line_of
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.optim import Momentum

__all__ = ["main"]

PLAN = Plan(
    question="How do two hidden units represent six bits? And do all seeds find the same weights?",
    minutes=30,
    look="Figure 1; the sums of the eight half patterns, under the slider; the result of each seed",
    ask=[
        "Why 1:2:4?",
        "Would the sizes 1, 2 and 3 work?",
        "Can one unit alone have more examples right than the answer `no` to all of them?",
    ],
    mistake=Mistake(
        "tinygrad_edu/data.py",
        "lambda bits: (int(bits == bits[::-1]),)",
        "lambda bits: (int(bits[1:-1] == bits[-2:0:-1]),)",
        "rate 0.05: sizes 1:2:4 in both units",
    ),
    read=[
        "D. E. Rumelhart, G. E. Hinton and R. J. Williams, Learning representations by "
        "back-propagating errors, Nature 323 (1986), 533-536: Figure 1.",
        "M. Minsky and S. Papert, Perceptrons, MIT Press 1969: what one layer cannot compute.",
        "J. H. Conway and R. K. Guy, Sets of natural numbers with distinct sums, Notices of the "
        "American Mathematical Society 15 (1968), 345: how small can the largest number be?",
    ],
    follows="family_trees",
)
SEEDS = 200
PAPER = Trial("symmetry", 2, rate=0.1, alpha=0.9, init=0.3, epochs=200_000, margin=0.3)
CLASS = PAPER._replace(rate=0.05, epochs=50_000)
TWICE = PAPER._replace(rate=0.2, epochs=20_000)
ALONE = CLASS._replace(hidden=0, epochs=5_000)
FROZEN = ALONE._replace(hidden=2, frozen=True)
LIVE = PAPER._replace(rate=1.0, alpha=0.0, epochs=20_000)  # the descent of the live page
# The epochs that `fate` makes, on average: for an estimate of the time.
TRIALS = {PAPER: 21_000, CLASS: 6_000, TWICE: 25_000, ALONE: 5_000, FROZEN: 5_000}
PINNED = {CLASS: ("symmetry-0.05", (1, 3)), PAPER: ("symmetry-0.1", (1, 8))}
RATES = CLASS, PAPER, TWICE
PRINTED_EPOCHS = 1_425
HEAD = f"rate     learned    fastest     median    slowest  within {PRINTED_EPOCHS:,}"


@command(plan=PLAN, seeds=SEEDS, quick=20, takes="about 3 seconds, and the time of its runs")
def main(lesson: Lesson) -> None:
    task(lesson)
    found = many_seeds(lesson)
    chosen = next((i for i, one in enumerate(found[CLASS]) if clear(one)), None)
    if chosen is not None:
        figure_1(lesson, lesson.seed + chosen, found[CLASS][chosen])
    else:
        lesson.say("No network here has the weights of Figure 1; with more seeds, some have.")
    why(lesson, found[CLASS])
    every_seed(lesson, found)
    controls(lesson, found)
    checks(lesson)


def checks(lesson: Lesson) -> None:
    """The questions at the end."""
    lesson.check(
        "A unit has the weights 1, 2, 4, -4, -2, -1 and the bias -0.5. What is its sum, with the "
        "bias, for `101101`, and for `100000`?",
        "For `101101`: 1 + 4 - 4 - 1 - 0.5 = -0.5; the pattern is symmetric, only the bias is "
        "left. For `100000`: 1 - 0.5 = 0.5.",
    )
    lesson.check(
        "Why are two hidden units needed, with opposite weights?",
        "If the halves differ, the sum of a unit is positive for some patterns and negative for "
        "others. Its bias is negative, so it is on only if its sum is positive. The other unit has "
        "the opposite sum, and is on for the other patterns.",
    )
    lesson.check(
        "Do the sizes 2, 3 and 5 work?",
        "No: 2 + 3 - 5 = 0, so two different halves have the same sum.",
    )
    lesson.check(
        "A classmate stops a network after 20,000 epochs with 56 of 64 right and says that it will "
        "never learn the task. What do you answer?",
        "56 right is no more than the answer `no` to everything gives. But a limit on the epochs "
        "shows only that the task was not learned within the limit: the table shows how many "
        "epochs our slowest network needed.",
    )


# --- the task -------------------------------------------------------------------------------------


def unit(w: Sequence[float], ys: Sequence[float]) -> float:
    """The answer of a unit; the last of its parameters is the bias."""
    x = sum(y * w_ji for y, w_ji in zip(ys, w)) + w[-1]
    return 1 / (1 + exp(-x))


def error(parameters: Sequence[float]) -> float:
    """The error of a 6-2-1 network over all 64 patterns, in plain Python."""
    total = 0.0
    for bits, (d,) in symmetry():
        hidden = [unit(parameters[0:7], bits), unit(parameters[7:14], bits)]
        total += (unit(parameters[14:17], hidden) - d) ** 2 / 2
    return total


def task(lesson: Lesson) -> None:
    """The task, the network, and its gradient against differences."""
    lesson.section("The task")
    lesson.say(
        "The network sees six bits. Are they the same from left to right and from right to left? "
        "`011110` is symmetric; `011100` is not. The network has two hidden units and one output "
        "unit, all logistic. Nobody tells the hidden units what to answer."
    )
    with lesson.predict("How many of the 64 patterns are right if the answer is always `no`?"):
        lesson.say(
            "56. A symmetric pattern is known from its left half, and there are 8 halves of three "
            "bits, so 8 patterns are symmetric and 56 are not. A network can be right for most "
            "patterns and know nothing about symmetry."
        )
    lesson.say(
        "The error is the sum over all 64 patterns, and each epoch is one step with its gradient. "
        "The equations of the paper, and the lines of code that are them:"
    )
    code = {
        "eq1": line_of(unit, "x = "),
        "eq2": line_of(unit, "exp(-x)"),
        "eq3": line_of(error, "total +="),
        "eq9": line_of(Momentum, "last = -lr"),
    }
    lesson.equations(equations.NATURE, equations.rows(**code))
    model, examples = begin(PAPER, lesson.seed)
    parameters = model.parameters()
    start = [p.data for p in parameters]
    differences = []
    for i in range(len(start)):
        up, down = ([x + h * (i == j) for j, x in enumerate(start)] for h in (1e-5, -1e-5))
        differences.append((error(up) - error(down)) / 2e-5)
    total = Value(0.0)
    for bits, d in examples:
        total = total + half_squared_error(model(bits), d)
    total.backward()
    program, columns = compiled(PAPER)
    name = "gradient by {} against differences, relative error"
    for way, slopes in (
        ("backward()", [p.grad for p in parameters]),
        ("the compiled loss", program(*columns)[1]),
    ):
        largest = max(map(abs, differences))
        off = max(abs(g - d) for g, d in zip(slopes, differences)) / largest
        lesson.claim(bounded(name.format(way), off, high=1e-6))


# --- two hundred runs -----------------------------------------------------------------------------


def many_seeds(lesson: Lesson) -> dict[Trial, list[Fate]]:
    """The results of each trial, seed by seed."""
    lesson.section("How long does it take?")
    lesson.say(
        "The first weights and biases are random, from -0.3 to 0.3; the seed decides them. The "
        "momentum is 0.9. The paper's rate is 0.1; this lesson also uses half of it, and twice as "
        "much. A network has learned the task when every output is above 0.8 for yes and below "
        "0.2 for no. We wait for it: up to 200,000 epochs at the paper's rate, 50,000 at half of "
        "it and 20,000 at twice the rate."
    )
    seeds = range(lesson.seed, lesson.seed + lesson.seeds)
    jobs = [(trial, seed) for trial in TRIALS for seed in seeds]
    cost = sum(seconds(trial, epochs) for trial, epochs in TRIALS.items()) * lesson.seeds
    results = iter(lesson.run(fate, jobs, cost))
    found = {trial: [Fate(*next(results)) for _ in seeds] for trial in TRIALS}
    for trial, (name, pinned) in PINNED.items():
        for seed in pinned:
            claim = f"rate {trial.rate:g}, seed {seed}: epochs until learned"
            lesson.pin(claim, end(trial, seed).epochs, expected.pin(f"{name} seed {seed}"))
    times(lesson, {trial: [one.epochs for one in row] for trial, row in found.items()})
    return found


def times(lesson: Lesson, epochs: dict[Trial, list[int | None]]) -> None:
    """How many epochs each network took, and the claims about it."""
    n = lesson.seeds
    question = (
        f"Figure 1 of the paper is one network after {PRINTED_EPOCHS:,} epochs, at the rate 0.1. "
        f"How many of our {n} networks have learned the task by then, at the same rate?"
    )
    with lesson.predict(question):
        lesson.show("\n".join([HEAD, *(row(trial, epochs[trial]) for trial in RATES)]))
        sooner, there = (within(epochs[PAPER], limit) for limit in (PRINTED_EPOCHS, PAPER.epochs))
        slowest = max((x for x in epochs[PAPER] if x is not None), default=0)
        lesson.say(
            f"{sooner} of {n}. With patience, {there} of {n} learn the task within "
            f"{PAPER.epochs:,} epochs; the slowest of them needs {slowest:,}. A limit on the "
            "epochs tells how many are learned within the limit, and no more. And a larger step "
            f"is not always a faster way. Within {TWICE.epochs:,} epochs, "
            f"{within(epochs[CLASS], TWICE.epochs)} of {n} learn it at the rate 0.05, "
            f"{within(epochs[PAPER], TWICE.epochs)} at 0.1, and "
            f"{within(epochs[TWICE], TWICE.epochs)} at 0.2."
        )
    for trial, name in ((CLASS, "symmetry-0.05"), (PAPER, "symmetry-0.1")):
        rate, those, known = f"rate {trial.rate:g}", epochs[trial], expected.sample(name)
        claim = f"{rate}: learned within {trial.epochs:,} epochs"
        lesson.claim(soon(claim, those, trial.epochs, known))
        lesson.claim(middle(f"{rate}: median of the epochs", those, known))
    claim, known = f"rate 0.1: learned within {PRINTED_EPOCHS:,} epochs", expected.sample(name)
    lesson.claim(soon(claim, epochs[PAPER], PRINTED_EPOCHS, known, SYMMETRY_RUN))
    wins = sum(within([x], y or TWICE.epochs) for x, y in zip(epochs[PAPER], epochs[TWICE]))
    lesson.claim(mostly("learned sooner at rate 0.1 than at 0.2, same seed", wins, n))


def row(trial: Trial, epochs: Sequence[int | None]) -> str:
    """A row of the table of epochs; a run that was not learned is longer than all others."""
    long = trial.epochs + 1
    every = sorted(long if x is None else x for x in epochs)
    cells = [
        f"{x:,}" if x < long else f"> {trial.epochs:,}"
        for x in (every[0], median_low(every), every[-1])
    ]
    return (
        f"{trial.rate:<4g}  {within(epochs, trial.epochs):3} of {len(epochs):3}  "
        + "  ".join(f"{cell:>9}" for cell in cells)
        + f"  {within(epochs, PRINTED_EPOCHS):12}"
    )


def within(epochs: Sequence[int | None], limit: int) -> int:
    """How many runs have learned the task within so many epochs."""
    return sum(x is not None and x <= limit for x in epochs)


# --- one network ----------------------------------------------------------------------------------


def clear(one: Fate) -> bool:
    """Whether a network has all that the paper says of Figure 1."""
    if one.epochs is None:
        return False
    w, found = one.parameters, look(one.parameters)
    signs = all(x < 0 for x in (w[6], w[13], w[14], w[15])) and w[16] > 0
    above = found.gap * max(found.sizes) > -min(w[6], w[13])  # the smallest sum, and the biases
    return found.ratio == "1:2:4" and found.twins and signs and above


def figure_1(lesson: Lesson, seed: int, one: Fate) -> None:
    """One network, drawn as in the paper, and how its weights came about."""
    assert one.epochs is not None
    lesson.section("What has the network learned?")
    found, w = look(one.parameters), one.parameters
    epochs = longer(one.epochs)
    small, half, large = sorted(found.sizes)
    lesson.say(
        f"We look at one network: rate 0.05, seed {seed}. It learned the task at epoch "
        f"{one.epochs:,}; we read its weights at epoch {epochs:,}."
    )
    question = (
        "A hidden unit should have the same sum for every symmetric pattern. What must hold for "
        "the weights of bit 1 and bit 6, of bit 2 and bit 5, of bit 3 and bit 4?"
    )
    with lesson.predict(question):
        lesson.say(
            "In a symmetric pattern, both bits of a pair are 0 or both are 1. The sum does not "
            "change if their two weights add up to 0: the same size, opposite signs. The paper "
            "says so of its network, and that the sizes on one side are 1:2:4, that the two hidden "
            "units have the same weights with opposite signs, and that the biases of both are "
            "negative. So both are off if the pattern is symmetric; then the bias of the output "
            "turns the output on. Our network:"
        )
        ratio = f"1 : {half / small:.2f} : {large / small:.2f}"
        lesson.show(
            f"largest distance from equal and opposite  {found.off:.1g} of the largest weight\n"
            f"sizes, smallest first                     {ratio}\n"
            f"biases of the hidden units                {w[6]:.2f}, {w[13]:.2f}\n"
            f"weights and bias of the output            {w[14]:.2f}, {w[15]:.2f}, {w[16]:.2f}"
        )
        lesson.say(
            "If the pattern is not symmetric, the sum of one unit is positive and that of the "
            "other is negative. The positive sum is larger than the bias can take away, so one "
            "unit is on, and turns the output off."
        )
        lesson.picture(
            "1-figure-1",
            Weights(network(CLASS, w), [f"bit {i}" for i in range(1, 7)], ["mirror?"]),
            f"Figure 1 of 1986, from our own weights at epoch {epochs:,}. Bit 6 takes away what "
            "bit 1 adds. A blue, solid line adds; a brown, dashed line takes away.",
        )
        lesson.moments(
            "2-stairs",
            "epoch",
            [(f"epoch {n:,}", partial(moment, seed, n, w[:6])) for n in moments(one)],
            "Left: the weights of hidden unit 1. Right: its sum for each left half of a pattern, "
            "in the order of the last moment. Pairs become equal and opposite, and the eight "
            "sums move apart; at the end they are evenly spaced.",
        )
    live(lesson, seed)


def moments(one: Fate) -> list[int]:
    """The epochs under the slider: most of them while the network learns."""
    learned = one.epochs or 1
    shares = (0, 0.4, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.6)
    return [*(round(share * learned) for share in shares), longer(learned)]


def moment(seed: int, epochs: int, last: Sequence[float]) -> Any:
    """The picture of one moment."""
    return stairs(after(seed, epochs), last)


def after(seed: int, epochs: int) -> list[float]:
    """The weights of hidden unit 1 after so many epochs at the rate 0.05."""
    model, _ = begin(CLASS, seed)
    if epochs:
        learn(CLASS, seed, epochs)
    return [p.data for p in model.parameters()[:6]]


def live(lesson: Lesson, seed: int) -> None:
    """The same network before its first epoch, in the hands of the class."""
    steps = end(LIVE, seed).epochs
    if steps is None:
        return
    model, examples = begin(LIVE, seed)
    lesson.play(
        "3-training",
        lambda: page(
            model,
            half_squared_error,
            examples,
            rate=LIVE.rate * len(examples),
            level="network",
            title="6-2-1 learns symmetry",
        ),
        "The same network before its first epoch; x1 to x6 are the bits. Press Train, and look at "
        "the pairs of weights. "
        "This is plain gradient descent without momentum, on the mean of the 64 errors: the rate "
        f"64 is the rate 1 for their sum. It learns the task at step {steps:,}.",
    )


# --- why these sizes ------------------------------------------------------------------------------


def why(lesson: Lesson, found: Sequence[Fate]) -> None:
    """Which sizes keep the patterns apart, and how well."""
    lesson.section("Why 1:2:4?")
    lesson.say(
        "With opposite weights, a hidden unit compares the left half of a pattern with the "
        "mirrored right half: its sum is the sum of the one minus the sum of the other. If the "
        "halves differ, the sums of the halves must differ, or the unit takes the pattern for a "
        "symmetric one. So the eight halves need eight different sums."
    )
    with lesson.predict("Would the sizes 1, 2 and 3 work?"):
        lesson.say(
            "No: 1 + 2 - 3 = 0. With the weights 1, 2, 3, -3, -2, -1, the pattern `110100` is not "
            "symmetric, but its sum is 1 + 2 - 3 = 0, as for a symmetric pattern. Neither a "
            "bias nor a unit with the opposite weights can tell the difference."
        )
    best = triples(9)
    names = [*map(named, best[:5]), "1:3:5", "1:2:3"]
    rows = ["sizes   sums of the eight halves     gap / largest size"]
    for name in names:
        one_side = [int(x) for x in name.split(":")]
        sums = " ".join(f"{x:g}" for x in halves(one_side).values())
        rows.append(f"{name:7} {sums:28} {gap(one_side):.3f}")
    top = [named(triple) for triple in best if gap(triple) == gap(best[0])]
    lesson.say(
        f"Of the whole numbers up to 9, {len(best)} ratios give eight different sums, 1:3:5 among "
        "them. They are not equally good. The gap is the smallest difference between two sums: "
        "the larger it is, the easier it is for the bias to separate equal halves from different "
        "ones. Compare it with the largest size:"
    )
    lesson.show("\n".join(rows))
    lesson.say(
        f"{' and '.join(top)} are the best of all, and not only of whole numbers. Let the sizes "
        "be a, b and c, the smallest first, and g the gap. Then a is at least g, and b at least "
        "a + g. If c is above a + b, it is at least a + b + g: the sizes are at least g, 2g and "
        "4g. If c is below a + b, then a + b is at least c + g, and c at least b + g: the sizes "
        "are at least 2g, 3g and 4g. In both cases the gap is at most a quarter of the largest "
        "size, and only 1:2:4 and 2:3:4 reach it."
    )
    lesson.claim(equal("ratios up to 9 with the largest gap", ", ".join(top), "1:2:4, 2:3:4"))
    learned = [one for one in found if one.epochs is not None]
    if not learned:
        return
    gaps = [look(one.parameters).gap for one in learned]
    kinds = 0
    for seed, one in enumerate(found, lesson.seed):
        if one.epochs is not None:
            learn(CLASS, seed, one.epochs)
            early = look([p.data for p in build(CLASS)[0].parameters()])
            kinds += early.wide == (look(one.parameters).ratio == "1:2:4")
    n = len(learned)
    lesson.say(
        "This does not say that training finds them; the runs do. At the rate 0.05, the gap of "
        f"{n} networks is {min(gaps):.3f} to {max(gaps):.3f} of the largest size. Where the "
        "largest size is the sum of the other two, the gap is 0, and some patterns are wrong. So "
        "we expect that a network does not cross this border after it has learned the task: with "
        "the largest size above that sum it goes on to 1:2:4, with the largest size below it to "
        f"2:3:4. This is so for {kinds} of {n}. We know no proof that training always makes the "
        "gap as large as it can be."
    )
    claim = "rate 0.05: 1:2:4 if largest > the sum of the others when learned"
    lesson.claim(mostly(claim, kinds, n))
    closing(lesson, found)


def closing(lesson: Lesson, found: Sequence[Fate]) -> None:
    """How the gap of a network of each ratio grows while it is trained."""
    series = {}
    for ratio in RATIOS:
        for seed, one in enumerate(found, lesson.seed):
            if one.epochs is not None and look(one.parameters).ratio == ratio:
                last = longer(one.epochs)
                points = [round(last * i / 60) for i in range(61)]
                name = f"{ratio}, seed {seed}, learned at {one.epochs:,}"
                series[name] = [(float(n), gap(sizes(after(seed, n)))) for n in points]
                break
    if series:
        lesson.plot(
            "4-gap",
            lambda: charts.lines(series, "epoch", "gap / largest size", dots=False, level=0.25),
            "The gap of hidden unit 1 while it learns, for one network of each ratio. The "
            "dotted line is a quarter, the largest gap there is.",
        )


# --- all networks ---------------------------------------------------------------------------------


def every_seed(lesson: Lesson, found: dict[Trial, list[Fate]]) -> None:
    """For each seed: the epoch at which it learned the task, and its weights."""
    lesson.section("Do all seeds find the same weights?")
    panels, rows = [], ["rate  1:2:4  2:3:4  other  not within limit   " + "  ".join(ORDERS)]
    for trial in (CLASS, PAPER):
        columns: dict[str, list[tuple[float, str]]] = {order: [] for order in ORDERS}
        late = [one for one in found[trial] if one.epochs is not None]
        for one in late:
            columns[look(one.parameters).order].append(
                (max(one.epochs or 0, 1.0), look(one.parameters).ratio)
            )
        every = [look(one.parameters).ratio for one in late]
        counts = "  ".join(f"{every.count(k):5}" for k in (*RATIOS, "other"))
        each = "  ".join(f"{len(columns[order]):3}" for order in ORDERS)
        rows.append(f"{trial.rate:<4g} {counts}  {len(found[trial]) - len(late):16}   {each}")
        lost = len(found[trial]) - len(late)
        if lost:
            columns["not"] = [(float(trial.epochs), f"not within {trial.epochs:,}")] * lost
        panels.append((f"rate {trial.rate:g}", columns))
    lesson.say(
        "S, M and L mark the pairs of bits with the small, the middle and the large weights; the "
        "first letter is for the outer pair, bits 1 and 6."
    )
    with lesson.predict("Which pair of bits has the largest weights: the outer or the inner one?"):
        lesson.show("\n".join(rows))
        seen = len({look(one.parameters).order for one in found[CLASS] if one.epochs is not None})
        lesson.say(
            "The task treats the three pairs alike, so only the first weights of a seed can decide "
            f"the order and the ratio. Of the 6 orders, {seen} occur at the rate 0.05."
        )
        lesson.plot(
            "5-seeds",
            lambda: charts.kinds(
                panels,
                "order of the weights, outer pair first; below, number of seeds",
                "epochs until learned",
                (PRINTED_EPOCHS, f"paper: {PRINTED_EPOCHS:,}"),
                across=True,
            ),
            "All seeds: the epoch at which each learned the task, its ratio, its order.",
        )
    patterns(lesson, [look(one.parameters) for one in found[CLASS] if one.epochs is not None])


def patterns(lesson: Lesson, found: Sequence[Found]) -> None:
    """The claims about the weights at the rate 0.05."""
    if not found:
        return
    n, known = len(found), expected.sample("symmetry-0.05 off")
    claim = "rate 0.05: weights equal and opposite, up to 0.1 %"
    lesson.claim(soon(claim, [one.off for one in found], 1e-3, known, MIRROR))
    rest, seeds = 0, 0
    for ratio, report in (("1:2:4", RATIO), ("2:3:4", None)):
        count = sum(one.ratio == ratio for one in found)
        those, seeds = expected.known(f"symmetry-0.05 {ratio}")
        rest += those
        claim = f"rate 0.05: sizes {ratio} in both units"
        lesson.claim(share(claim, count, n, (those, seeds), report))
    other = sum(one.ratio == "other" for one in found)
    lesson.claim(share("rate 0.05: other sizes", other, n, (seeds - rest, seeds)))
    twins, known_twins = sum(one.twins for one in found), expected.known("symmetry-0.05 opposite")
    claim = "rate 0.05: the two units have opposite weights"
    lesson.claim(share(claim, twins, n, known_twins, TWINS))


# --- controls -------------------------------------------------------------------------------------


def controls(lesson: Lesson, found: dict[Trial, list[Fate]]) -> None:
    """Controls: a network without hidden units, and one whose hidden units do not learn."""
    lesson.section("Is the hidden layer needed?")
    alone, frozen = ([one.most for one in found[trial]] for trial in (ALONE, FROZEN))
    question = "Can one unit alone have more examples right than the answer `no` to all of them?"
    with lesson.predict(question):
        lesson.say(
            "One more: 57 of 64, and never 58, whatever its weights. Suppose that it says yes to "
            "two symmetric patterns. Swap their right halves: the two new patterns are not "
            "symmetric. But their two sums add up to the same total as before, so the unit says "
            "yes to at least one of them, which is wrong. So if a unit says yes to k symmetric "
            "patterns, at least k(k-1)/2 of its answers to other patterns are wrong. It has at "
            "most 56 + k - k(k-1)/2 right answers, and this number is at most 57."
        )
        lesson.say(
            f"Of {lesson.seeds} networks without a hidden layer, {alone.count(57)} had 57 right at "
            f"some epoch of {ALONE.epochs:,}. With two hidden units that are random and do not "
            f"learn, the most that a network had right was {max(frozen)}."
        )
    n, claim = lesson.seeds, "no hidden layer: most examples right, of 64"
    lesson.claim(bounded(claim, max(alone), high=57))
    known = expected.scored("symmetry no hidden layer", 57, 57)
    lesson.claim(share("no hidden layer: 57 of 64 right", alone.count(57), n, known))
    known = expected.scored("symmetry frozen", 0, 56)
    claim = "random, frozen hidden units: at most 56 of 64 right"
    lesson.claim(share(claim, sum(most <= 56 for most in frozen), n, known))


if __name__ == "__main__":
    main()
