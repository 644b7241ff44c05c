"""Indifference: an optimizer does not know what it is told to optimize.

A network learns whatever makes its loss small. Does it matter to the optimizer whether the loss
rewards merit or the membership in a group, the truth or a label, a goal or something that looks
like it? Six experiments, and a page on which the reader chooses what counts as an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from math import log
from statistics import mean, pstdev
from typing import Any, NamedTuple

from tinygrad_edu import Value, page
from tinygrad_edu.data import Example
from tinygrad_edu.demos.laboratory import charts, expected, objectives, value_charts
from tinygrad_edu.demos.laboratory.applicants import (
    BINS,
    CORE,
    CORNERS,
    FRESH,
    RATE,
    STEPS,
    TRAINED,
    Applicant,
    Clues,
    Counts,
    Judge,
    Unit,
    Verdicts,
    begin,
    biased,
    compiled,
    error,
    learn,
    off,
    on_clues,
    on_labels,
    probability,
    restore,
    restored,
    seconds,
)
from tinygrad_edu.demos.laboratory.objectives import NAMES, TOWN, Objective, Outcome
from tinygrad_edu.demos.laboratory.weights import Weights
from tinygrad_edu.lesson.claims import bounded, equal, middle, mostly
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.plan import Mistake, Plan
from tinygrad_edu.lesson.seeds import Job
from tinygrad_edu.lesson.telling import Lesson, line_of
from tinygrad_edu.live.extras import Curve, Slider
from tinygrad_edu.losses import binary_cross_entropy_with_logits, cross_entropy, softmax
from tinygrad_edu.nn import MLP, Neuron
from tinygrad_edu.nn.init import uniform
from tinygrad_edu.optim import SGD, Adam
from tinygrad_edu.train import train

__all__ = ["main"]

LEAST = 20  # seeds: fewer say little about a mean
MERIT_STEPS = 200
LOW = 0.05  # a loss
FEW = 3  # seeds whose two losses are compared, step for step
BIASES = [0.0, 0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0]
JUDGED = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)  # biases with a claim about hard decisions
SMALL = [bias for bias in BIASES if bias <= 0.5]
SHOWN, STRONG = 0.4, 0.6
AGREES = (0.5, 0.8, 0.9, 0.95, 0.99)
SPURIOUS = 0.95
LATER = [k / 10 for k in range(11)]
CLIMB_RATE, CLIMB_STEPS = 0.05, 200
BAIT = 1.5  # what the proxy adds for each unit of e

PLAN = Plan(
    question="Does an optimizer care what it is told to optimize?",
    minutes=45,
    look="two losses that are the same to the last bit; the S of the approvals; the page on which "
    "you choose what counts as an error",
    ask=[
        "Which test would have shown that the labels are biased?",
        "A network is right for 95% of the new examples. What do you ask before you use it?",
        "Who should choose what a false refusal costs?",
    ],
    mistake=Mistake(
        "demos/laboratory/applicants.py",
        "refused = group_ > 0 and luck < bias",
        "refused = luck < bias",
        "group A, bias 0.6: approved of the qualified ones, mean",
    ),
    read=[
        "S. Barocas, M. Hardt and A. Narayanan, Fairness and Machine Learning, MIT Press 2023: "
        "labels that carry decisions of the past; several definitions of fairness.",
        "M. Hardt, E. Price and N. Srebro, Equality of opportunity in supervised learning, "
        "NeurIPS 2016: thresholds, groups, and costs.",
        "R. Geirhos and others, Shortcut learning in deep neural networks, Nature Machine "
        "Intelligence 2 (2020), 665-673: clues that work until the world changes.",
        "D. Manheim and S. Garrabrant, Categorizing variants of Goodhart's law, 2018: "
        "four ways in which a measure fails when it becomes a target.",
        "S. Lin, J. Hilton and O. Evans, TruthfulQA: measuring how models mimic human falsehoods, "
        "ACL 2022: popular errors in language models.",
    ],
    follows="transformer",
)


@command(plan=PLAN, seeds=200, quick=LEAST, takes="about 5 seconds, and the time of its runs")
def main(lesson: Lesson) -> None:
    names(lesson)
    found = many_seeds(lesson)
    labels(lesson, found)
    spurious(lesson, found)
    proxy(lesson)
    plausible(lesson)
    choose(lesson)
    checks(lesson)


# --- exact indifference ---------------------------------------------------------------------------


class BiasFirst(Neuron):
    """The neuron of the package, which adds its bias first: (b + w[0]*x[0]) + w[1]*x[1]."""


def corners(by_group: bool) -> list[Applicant]:
    """Four applicants; the label is the first input, or the second one.

    By group, both inputs of each applicant are exchanged, so that the losses are added up in the
    same order.
    """
    return [Applicant((b, a) if by_group else (a, b), int(a > 0), int(a > 0)) for a, b in CORNERS]


def eager(seed: int, by_group: bool, unit: type[Neuron] = Unit) -> tuple[list[float], Judge]:
    """(losses, network) of a run of the eager engine."""
    model = Judge(unit)
    begin(model, seed, exchanged=by_group)
    examples = [Example(one.inputs, (float(one.label),)) for one in corners(by_group)]
    history = train(
        model,
        binary_cross_entropy_with_logits,
        examples,
        epochs=MERIT_STEPS,
        optimizer=Adam(model.parameters(), RATE),
        progress=False,
    )
    return list(history.losses), model


def fast(seed: int, by_group: bool) -> list[float]:
    """The losses of the same run, compiled."""
    begin(compiled()[0], seed, exchanged=by_group)
    return list(learn(corners(by_group), MERIT_STEPS).losses)


def same(pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> int:
    """At how many steps two losses are equal, bit for bit."""
    return sum(x == y for one, other in pairs for x, y in zip(one, other, strict=True))


def names(lesson: Lesson) -> None:
    """Merit and group exchange their places."""
    lesson.section("Merit or group")
    lesson.say(
        "Four applicants have two numbers each: merit and group, both -1 or 1. A network with two "
        "inputs, four hidden units of tanh and one output learns whom to approve. In the first "
        "world, the label is yes if merit is 1. In the second world, it is yes if group is 1. The "
        "first weights are the same, except that the two weights of each hidden unit are "
        "exchanged, and so is the order of the applicants. The optimizer is Adam."
    )
    errors = off(lesson.seed)
    for what, off_by in zip(("backward()", "the compiled loss"), errors):
        claim = f"gradient by {what} against differences, relative error"
        lesson.claim(bounded(claim, off_by, high=1e-6))
    seeds = range(lesson.seed, lesson.seed + min(lesson.seeds, FEW))
    runs = [(eager(seed, False), eager(seed, True)) for seed in seeds]
    losses = [(one[0], other[0]) for one, other in runs]
    machine = [(fast(seed, False), fast(seed, True)) for seed in seeds]
    first = [(eager(s, False, BiasFirst)[0], eager(s, True, BiasFirst)[0]) for s in seeds]
    total = len(seeds) * MERIT_STEPS
    apart = max(abs(x - y) for one, other in first for x, y in zip(one, other))
    equal_eager, equal_fast = same(losses), same(machine)
    question = (
        f"We compare the two losses at each of {MERIT_STEPS} steps. Which of the two worlds "
        "is learned faster: merit or group?"
    )
    with lesson.predict(question):
        verdict = (
            "Neither. Every loss of the one run equals the loss of the other run, to the last bit."
            if equal_eager == equal_fast == total
            else "Not all of the losses are equal: look at the table of claims."
        )
        lesson.say(
            f"{verdict} With {len(seeds)} seeds, {equal_eager:,} of {total:,} losses are equal, "
            f"and {equal_fast:,} of {total:,} in compiled runs. The words merit and group are our "
            "names for two columns of numbers. The optimizer gets the numbers."
        )
        one, other = losses[0]
        lesson.plot(
            "1-losses",
            lambda: charts.lines(
                {
                    "the label is merit": list(enumerate(one)),
                    "the label is group": list(enumerate(other)),
                },
                "step",
                "loss",
                log="y",
                dots=False,
            ),
            f"Two curves, seed {seeds[0]}. The dashed one lies on the other.",
        )
        for i, (by, (_, model)) in enumerate(zip(("merit", "group"), runs[0]), 2):
            lesson.picture(
                f"{i}-{by}",
                Weights(model, ["merit", "group"], ["approve?"]),
                f"The network after {MERIT_STEPS} steps, if the label is {by}. A blue, solid line "
                "adds; a brown, dashed line takes away."
                + (" The weights of merit and group are exchanged." if by == "group" else ""),
            )
    lesson.say(
        "For this, a sum must not depend on the order of its two terms. "
        f"`{line_of(Unit.weighed, 'w * x')}` adds the terms of the inputs, and the bias comes "
        "last: a + b and b + a are the same number. The neurons of this package add the bias "
        "first. Then the two sums are rounded in different ways: "
        + (
            f"{same(first):,} of {total:,} losses are equal, and the largest difference is "
            f"{apart:.0e}."
            if apart
            else "but here, no loss differs."
        )
    )
    lesson.claim(equal("eager: losses that are equal, merit and group", equal_eager, total))
    lesson.claim(equal("compiled: losses that are equal, merit and group", equal_fast, total))
    claim = "bias first: largest difference of two losses, from rounding"
    lesson.claim(bounded(claim, apart, high=1e-9))
    for seed in (0, 1):
        found, known = fast(seed, True)[-1], expected.pin(f"indifference corners seed {seed}")
        claim = f"seed {seed}: loss at step {MERIT_STEPS}"
        lesson.pin(claim, f"{found:.6g}", f"{known:.6g}")
    every = range(lesson.seed, lesson.seed + seeds_of(lesson))
    arrived = [arrival(fast(seed, True)) for seed in every]
    claim = f"group: steps until the loss is below {LOW}, median"
    lesson.claim(middle(claim, arrived, expected.sample("indifference steps")))


def arrival(losses: Sequence[float]) -> int | None:
    """The first step with a low loss."""
    return next((i for i, loss in enumerate(losses) if loss < LOW), None)


def seeds_of(lesson: Lesson) -> int:
    """How many seeds the runs have."""
    return max(lesson.seeds, LEAST)


# --- all runs -------------------------------------------------------------------------------------


class Found(NamedTuple):
    """The runs, seed by seed: for each bias; with the strong bias, without the group; by clue."""

    biased: dict[float, list[Verdicts]]
    blind: list[Verdicts]
    clues: dict[float, list[Clues]]


def many_seeds(lesson: Lesson) -> Found:
    """The runs of the two sections that follow."""
    lesson.section("The runs")
    n = seeds_of(lesson)
    lesson.say(
        "The next two sections use the same network. It learns from "
        f"{TRAINED} applicants with labels, in {STEPS} steps of Adam. A test asks it about "
        f"{FRESH:,} new ones. There are {n} seeds; each draws its own first weights and its own "
        "applicants."
    )
    seeds = range(lesson.seed, lesson.seed + n)
    jobs: list[Job] = [
        ("labels", bias, seed, False, FRESH if bias == SHOWN else 0)
        for bias in BIASES
        for seed in seeds
    ]
    jobs += [("labels", STRONG, seed, True) for seed in seeds]
    jobs += [("clues", agrees, seed, worlds(agrees)) for agrees in AGREES for seed in seeds]
    results = iter(lesson.run(one_run, jobs, seconds(len(jobs))))
    return Found(
        {bias: [restore(next(results)) for _ in seeds] for bias in BIASES},
        [restore(next(results)) for _ in seeds],
        {agrees: [Clues(*next(results)) for _ in seeds] for agrees in AGREES},
    )


def one_run(kind: str, *job: Any) -> Any:
    """A run in one of the two worlds."""
    return on_labels(*job) if kind == "labels" else on_clues(*job)


def worlds(agrees: float) -> list[float]:
    """The worlds that a network is asked about: its own, and the reverse."""
    return [agrees, 1 - agrees]


# --- biased labels --------------------------------------------------------------------------------


def labels(lesson: Lesson, found: Found) -> None:
    """What a network learns from labels that carry decisions of the past."""
    lesson.section("Labels of the past")
    lesson.say(
        "An applicant has a skill, from -1 to 1, and belongs to group A or B. Skill above 0 is "
        "qualified: that is the truth. The labels are decisions of the past. They follow the "
        "truth, with one exception: a qualified member of group B was refused with a probability, "
        f"the bias. `{line_of(biased, 'refused = ')}` is the line. The network "
        "sees skill, group and label, and never the truth. It answers with a probability."
    )
    rows = {bias: [one.b for one in runs] for bias, runs in found.biased.items()}
    means = {
        bias: [mean(one.part(what) for one in those) for what in ("labels", "learned", "approved")]
        for bias, those in rows.items()
    }
    gaps = [means[bias][1] - means[bias][0] for bias in SMALL]
    with lesson.predict(
        "Of the qualified members of group B, 30% were refused. Which probability of approval "
        "does the network give to a qualified member of group B, on average?"
    ):
        lines = ["bias  label rate  probability, mean (standard deviation over seeds)"]
        for bias in BIASES:
            each = [one.part("learned") for one in rows[bias]]
            lines.append(
                f"{bias:<4g}  {means[bias][0]:10.3f}  {means[bias][1]:11.3f} ({pstdev(each):.3f})"
            )
        lesson.show("\n".join(lines))
        lesson.say(
            "The label rate is the part of these applicants whose label is yes. The mean "
            f"probability follows it: for a bias up to 0.5, the two are at most "
            f"{max(map(abs, gaps)):.3f} apart. The network has learned the bias at its rate. For "
            "the loss, a refused applicant who is qualified is an example like any other."
        )
    claim = "bias 0 to 0.5: largest distance of mean probability and label rate"
    lesson.claim(bounded(claim, max(map(abs, gaps)), high=0.02))
    hard(lesson, found, rows, means)
    tested(lesson, found)
    calibrated(lesson, found)
    unseen(lesson, found)
    for seed in (0, 1):
        one = on_labels(SHOWN, seed).b
        parts = [one.part(what) for what in ("labels", "learned", "approved")]
        known = expected.pin(f"indifference biased {SHOWN} seed {seed}")
        claim = f"bias {SHOWN}, seed {seed}: label rate, mean probability, approved"
        lesson.pin(claim, digits(parts), digits(known))


def digits(numbers: Sequence[float]) -> str:
    """Four digits of each."""
    return ", ".join(f"{x:.4g}" for x in numbers)


def hard(
    lesson: Lesson,
    found: Found,
    rows: dict[float, list[Counts]],
    means: dict[float, list[float]],
) -> None:
    """Decisions with a threshold: the S."""
    lesson.say(
        "A probability is not yet a decision. A hard decision approves everybody with a "
        "probability above 0.5."
    )
    with lesson.predict(
        "How many of the qualified members of group B are approved if the bias is 0.1, 0.2, 0.3, "
        "0.4? And if it is 0.6?"
    ):
        lines = [
            "bias  label rate  approved, mean (standard deviation, least to most of the seeds)"
        ]
        for bias in BIASES:
            each = [one.part("approved") for one in rows[bias]]
            lines.append(
                f"{bias:<4g}  {means[bias][0]:10.1%}  {means[bias][2]:14.1%} "
                f"({pstdev(each):.1%}, {min(each):.0%} to {max(each):.0%})"
            )
        lesson.show("\n".join(lines))
        low, high = means[SHOWN], means[STRONG]
        hides, adds = low[2] > low[0], high[2] < high[0]
        lesson.say(
            f"With the bias {SHOWN}, {1 - low[0]:.0%} of them were refused, and "
            f"{1 - low[2]:.0%} are refused now: hard decisions "
            + ("hide" if hides else "do not hide")
            + f" the bias. With the bias {STRONG}, {1 - high[0]:.0%} were refused, and "
            f"{1 - high[2]:.0%} are refused now: hard decisions "
            + ("make it larger. " if adds else "do not make it larger. ")
            + "The threshold turns probabilities on both sides of 0.5 into yes and no, so the "
            "approvals are an S. Near a bias of 0.5, the draw of the applicants decides: look at "
            "the points."
        )
        lesson.plot(
            "4-s",
            lambda: value_charts.spread(
                {
                    "label rate": [(bias, means[bias][0]) for bias in BIASES],
                    "mean probability": [(bias, means[bias][1]) for bias in BIASES],
                    "approved by hard decisions": [(bias, means[bias][2]) for bias in BIASES],
                },
                [(bias, one.part("approved")) for bias in BIASES for one in rows[bias][:LEAST]],
                "bias against group B",
                "qualified members of group B",
            ),
            f"The means of {seeds_of(lesson)} seeds. Each small point is one network of "
            f"{LEAST}: the part that its hard decisions approve.",
        )
        model = Judge()
        lesson.moments(
            "5-skill",
            "bias",
            [
                (f"bias {bias:g}", partial(by_skill, model, found.biased[bias][0], bias))
                for bias in (0.0, 0.2, 0.4, 0.5, 0.6)
            ],
            f"Why it is an S: the probability that the network of seed {lesson.seed} gives to each "
            "skill. Everybody above the dotted line is approved.",
        )
    for bias in JUDGED:
        claim = f"group B, bias {bias:g}: approved of the qualified ones, median"
        sample = expected.sample(f"indifference biased {bias:g}")
        lesson.claim(middle(claim, [one.part("approved") for one in rows[bias]], sample))
    of_a = mean(one.a.part("approved") for one in found.biased[STRONG])
    claim = f"group A, bias {STRONG}: approved of the qualified ones, mean"
    lesson.claim(bounded(claim, of_a, low=0.98))


def by_skill(model: Judge, one: Verdicts, bias: float) -> Any:
    """The probability over the skill, for both groups."""
    restored(model, one.parameters)
    skills = [k / 50 for k in range(-50, 51)]
    curves = {
        f"group {name}": [(s, probability(model([s, side])[0].data)) for s in skills]
        for name, side in (("A", -1.0), ("B", 1.0))
    }
    title = f"bias {bias:g}: {one.b.part('approved'):.0%} of the qualified in B are approved"
    return value_charts.decisions(curves, title, "skill", "probability of approval")


def tested(lesson: Lesson, found: Found) -> None:
    """How a test with the labels looks, and one with the truth."""
    runs = found.biased[STRONG]
    said, true = mean(one.labels for one in runs), mean(one.truths for one in runs)
    with lesson.predict(
        f"The bias is {STRONG}. A test compares the hard decisions with the labels. Does it look "
        "bad?"
    ):
        lesson.say(
            f"{said:.1%} of the decisions agree with the labels, and {true:.1%} with the truth. "
            + (
                "The test that one can make, with the labels that one has, looks better than the "
                "one that matters to the applicants."
                if said > true
                else "Here, the test with the labels does not look better."
            )
        )
    for what, numbers in (
        ("labels", [one.labels for one in runs]),
        ("truth", [one.truths for one in runs]),
    ):
        claim = f"bias {STRONG}: decisions that agree with the {what}, median"
        lesson.claim(middle(claim, numbers, expected.sample(f"indifference agree {STRONG} {what}")))


def calibrated(lesson: Lesson, found: Found) -> None:
    """Calibration against the labels and against the truth."""
    runs = found.biased[SHOWN]
    errors = {what: [error(one.bins[1], what) for one in runs] for what in ("labels", "truths")}
    lesson.say(
        "A network is calibrated if, of the applicants with a probability near 0.6, about 60% "
        f"are a yes. But yes by what? We ask the networks with the bias {SHOWN} about new "
        "applicants, and put them into ten bins by their probability."
    )
    with lesson.predict(
        "Are the probabilities for group B calibrated against the labels? And against the truth?"
    ):
        bins = [pooled([one.bins[side] for one in runs]) for side in (0, 1)]
        lines = ["probability   B: applicants  mean probability  label is yes  qualified"]
        for k, one in enumerate(bins[1]):
            if one.number:
                lines.append(
                    f"{k / BINS:.1f} to {(k + 1) / BINS:.1f} {one.number:15,} "
                    f"{one.part('learned'):17.2f} {one.part('labels'):13.2f} "
                    f"{one.part('truths'):10.2f}"
                )
        lesson.show("\n".join(lines))
        at = {what: mean(numbers) for what, numbers in errors.items()}
        lesson.say(
            f"On average over group B, a probability is {at['labels']:.3f} from the rate of the "
            f"labels, and {at['truths']:.3f} from the rate of the truth. "
            + (
                "The network is calibrated to what it was given."
                if at["labels"] < at["truths"] / 2
                else "With these seeds, the two do not differ much."
            )
        )
        lesson.plot(
            "6-calibration",
            lambda: value_charts.calibration(
                [
                    (
                        f"against {title}",
                        {
                            f"group {name}": [
                                (one.part("learned"), one.part(what), one.number)
                                for one in row
                                if one.number
                            ]
                            for name, row in zip("AB", bins)
                        },
                    )
                    for title, what in (("the labels", "labels"), ("the truth", "truths"))
                ],
                "probability",
                "part that is a yes",
            ),
            f"The same networks, bias {SHOWN}, asked twice. A mark on the diagonal is calibrated; "
            "a large mark has many applicants.",
        )
    for what, name in (("labels", "labels"), ("truths", "truth")):
        claim = f"bias {SHOWN}, group B: calibration error against the {name}, median"
        sample = expected.sample(f"indifference {name} {SHOWN}")
        lesson.claim(middle(claim, errors[what], sample))


def pooled(rows: Sequence[Sequence[Counts]]) -> list[Counts]:
    """The sums of the counts of several runs, bin by bin."""
    return [Counts(*map(sum, zip(*bins))) for bins in zip(*rows)]


def unseen(lesson: Lesson, found: Found) -> None:
    """The same network without the group."""
    runs = found.blind
    learned = {name: mean(getattr(one, name).part("learned") for one in runs) for name in "ab"}
    approved = {name: mean(getattr(one, name).part("approved") for one in runs) for name in "ab"}
    before = mean(one.b.part("approved") for one in found.biased[STRONG])
    with lesson.predict(
        f"The bias is {STRONG}, and we take the group away: the network sees it as 0 for "
        "everybody. How many of the qualified members of group B are approved now?"
    ):
        lesson.say(
            f"{approved['b']:.1%}, and {approved['a']:.1%} in group A; with the group it was "
            f"{before:.1%} in B. The mean probability is {learned['b']:.2f} in B and "
            f"{learned['a']:.2f} in A: the labels of both groups are mixed, and both share the "
            "bias. This works here because nothing else tells the group. In the last section, the "
            "place where somebody lives tells it."
        )
    claim = f"group not seen, bias {STRONG}: approved in group B, median"
    numbers = [one.b.part("approved") for one in runs]
    lesson.claim(middle(claim, numbers, expected.sample(f"indifference blind {STRONG}")))


# --- a spurious feature ---------------------------------------------------------------------------


def spurious(lesson: Lesson, found: Found) -> None:
    """A clue that works until the world changes."""
    lesson.section("A clue that works, until it does not")
    lesson.say(
        "Now both inputs are clues, -1 or 1. The core agrees with the truth in "
        f"{CORE:.0%} of the applicants, in every world. The background agrees with it more or less "
        "often, and the next world may be different: grass is often behind a cow, but not always. "
        "Here, the labels are the truth."
    )
    own = {k: mean(one.worlds[0] for one in runs) / FRESH for k, runs in found.clues.items()}
    seen = {k: mean(one.seen for one in runs) / TRAINED for k, runs in found.clues.items()}
    other = {k: mean(one.worlds[1] for one in runs) / FRESH for k, runs in found.clues.items()}
    with lesson.predict(
        "One network learns where the background agrees in 80% of the applicants, one where it "
        f"agrees in {SPURIOUS:.0%}. Which one has the better test score? And where the background "
        "is reversed?"
    ):
        lines = ["background agrees   right in training   in the test   background reversed"]
        for k in AGREES:
            lines.append(f"{k:17.0%} {seen[k]:19.3f} {own[k]:13.3f} {other[k]:21.3f}")
        lesson.show("\n".join(lines))
        better = own[SPURIOUS] > own[0.8]
        worse = other[SPURIOUS] < other[0.8]
        lesson.say(
            f"The test has new applicants of the same world. There, the network of {SPURIOUS:.0%} "
            f"is {'better' if better else 'not better'}: {own[SPURIOUS]:.1%} right against "
            f"{own[0.8]:.1%}. Where the background is reversed, it is "
            f"{'worse' if worse else 'not worse'}: {other[SPURIOUS]:.1%} against {other[0.8]:.1%}. "
            + (
                "Neither the training score nor the test score shows this: both come from the "
                "world in which the background is the better clue."
                if better and worse
                else ""
            )
        )
        lesson.plot(
            "7-worlds",
            lambda: charts.lines(
                {
                    f"learned at {k:.0%}": [
                        (x, mean(in_world(one.answers, x) for one in found.clues[k])) for x in LATER
                    ]
                    for k in AGREES
                    if k != 0.9
                },
                "agreement of background and truth",
                "right",
            ),
            "Each line is one kind of network, used in eleven worlds; here the parts that are "
            "right are computed from its four answers. A test score is one point of a line, near "
            "its right end.",
        )
    answers = {
        k: [mean(one.answers[i] for one in found.clues[k]) for i in range(4)]
        for k in (0.8, SPURIOUS)
    }
    alone = {
        k: mean(in_world(one.answers, k, alone=True) for one in found.clues[k]) for k in answers
    }
    with lesson.predict("For which applicants do the two networks decide differently?"):
        lines = ["core  background   learned at 80%   learned at 95%"]
        for i, (core, background) in enumerate(CORNERS):
            cells = "   ".join(f"{answers[k][i]:15.2f}" for k in (0.8, SPURIOUS))
            lines.append(f"{core:4g}  {background:10g}   {cells}")
        lesson.show("\n".join(lines))
        differ = [
            (core, background)
            for i, (core, background) in enumerate(CORNERS)
            if (answers[0.8][i] > 0.5) != (answers[SPURIOUS][i] > 0.5)
        ]
        lesson.say(
            "These are mean probabilities. The two differ where the clues contradict each other."
            if differ == [corner for corner in CORNERS if corner[0] != corner[1]]
            else "These are mean probabilities, for each pair of clues."
        )
        lesson.say(
            "Can a test of such applicants alone tell which network is the better one? In their "
            f"own worlds, the network of 80% is right about {alone[0.8]:.0%} of them, and that of "
            f"{SPURIOUS:.0%} about {alone[SPURIOUS]:.0%}. One has to know which clue is the core, "
            "and the data do not say so."
        )
    claim = f"background {SPURIOUS:.0%}: right in the test, mean"
    lesson.claim(bounded(claim, own[SPURIOUS], low=0.9))
    claim = f"background {SPURIOUS:.0%}: right where it is reversed, mean"
    lesson.claim(bounded(claim, other[SPURIOUS], high=0.25))
    for k in (0.8, SPURIOUS):
        claim = f"background {k:.0%}: right where it is reversed, median"
        numbers = [one.worlds[1] / FRESH for one in found.clues[k]]
        lesson.claim(middle(claim, numbers, expected.sample(f"indifference clues {k} shifted")))
    for seed in (0, 1):
        one = on_clues(SPURIOUS, seed, worlds(SPURIOUS))
        claim = f"background {SPURIOUS:.0%}, seed {seed}: right in the test, and reversed"
        known = expected.pin(f"indifference clues {SPURIOUS} seed {seed}")
        lesson.pin(claim, digits(one.worlds[:2]), digits(known))


def in_world(answers: Sequence[float], agrees: float, alone: bool = False) -> float:
    """The part of the applicants of a world about whom the decisions are right.

    alone: of those whose two clues contradict each other.
    """
    right = total = 0.0
    for truth in (-1, 1):
        for (core, background), answer in zip(CORNERS, answers):
            if core != background or not alone:
                by_core = CORE if core == truth else 1 - CORE
                part = by_core * (agrees if background == truth else 1 - agrees)
                total += part
                right += part * ((answer > 0.5) == (truth > 0))
    return right / total


# --- a proxy --------------------------------------------------------------------------------------


def truth(a: Any, e: Any) -> Any:
    """What is wanted: a helps at first, e costs."""
    return a - a * a / 4 - e * e / 2


def rewarded(a: Any, e: Any) -> Any:
    """What is measured: e looks good."""
    return truth(a, e) + BAIT * e


def climb() -> tuple[list[tuple[float, float]], list[float], list[float]]:
    """(places, proxies, truths) of gradient ascent on the proxy, from 0."""
    a, e = Value(0.0, label="a"), Value(0.0, label="e")
    optimizer = SGD([a, e], CLIMB_RATE)
    path, proxies, truths = [], [], []
    for _ in range(CLIMB_STEPS + 1):
        reached = rewarded(a, e)
        path.append((a.data, e.data))
        proxies.append(reached.data)
        truths.append(truth(a.data, e.data))
        optimizer.zero_grad()
        (-reached).backward()
        optimizer.step()
    return path, proxies, truths


def proxy(lesson: Lesson) -> None:
    """The measure rises, and what it should measure rises, peaks and falls."""
    lesson.section("A measure that becomes the goal")
    lesson.say(
        "Somebody wants T, and can choose two numbers: a, the work on the thing itself, and e, the "
        f"work on how it looks. `T = a - a²/4 - e²/2`. The measure is `T + {BAIT:g}e`: it counts "
        "the looks, too. Both begin at 0. Gradient ascent climbs the measure, with the rate "
        f"{CLIMB_RATE:g}."
    )
    path, proxies, truths = climb()
    peak = truths.index(max(truths))
    rises = sum(y > x for x, y in pairwise(proxies))
    agree = next(
        (k for k, (a, e) in enumerate(path) if (1 - a / 2) * (1 - a / 2) - e * (BAIT - e) < 0),
        len(path),
    )
    with lesson.predict("The measure rises at each step. What does T do?"):
        lesson.say(
            f"The measure rises at {rises} of {CLIMB_STEPS} steps, from {proxies[0]:g} to "
            f"{proxies[-1]:.3f}. T rises, too, until step {peak}, where it is {truths[peak]:.3f}. "
            f"Then it falls, and it ends at {truths[-1]:.3f}. At the beginning, both gradients "
            "point to the same side, and whoever climbs the one climbs the other. From step "
            f"{agree} on, the angle between them is more than 90 degrees: a step up the measure is "
            "a step down for T. "
            + (
                f"(At step {peak} it is still a little less, but a step is not infinitely small.) "
                if agree == peak + 1
                else ""
            )
            + "The rule of the step is the same all the time."
        )
        moments = sorted({0, 5, peak, 20, 40, 80, CLIMB_STEPS})
        lesson.moments(
            "8-climb",
            "step",
            [(f"step {k}", partial(climbing, path, proxies, truths, k)) for k in moments],
            "Left: the path, on the map of T, and both gradients at its end. Right: both heights.",
        )
    a, e = Value(0.0, label="a"), Value(0.0, label="e")
    wanted = truth(a, e)
    wanted.label = "T"
    measure = wanted + BAIT * e
    measure.label = "measure"
    loss = -measure
    loss.label = "loss"
    lesson.play(
        "9-proxy",
        lambda: page(
            loss,
            controls=[Slider("a, the thing", [a], 0, 2.5), Slider("e, the looks", [e], 0, 2.5)],
            view=Curve(over=e, low=0, high=2.5, of=wanted),
            title="The measure and T",
        ),
        "The same graph. Descent of the loss is ascent of the measure: choose the rate "
        f"{CLIMB_RATE:g}, press Run, and watch T. The curve is T over e.",
    )
    known = expected.pin("indifference ascent")
    lesson.pin("proxy: step at which T is highest", peak, known["peak"])
    lesson.pin("proxy: T at that step", f"{truths[peak]:.4g}", f"{known['top']:.4g}")
    lesson.pin("proxy: T at the end", f"{truths[-1]:.4g}", f"{known['end']:.4g}")
    lesson.pin("proxy: steps at which the measure rises", rises, known["rises"])


def climbing(
    path: Sequence[tuple[float, float]],
    proxies: Sequence[float],
    truths: Sequence[float],
    k: int,
) -> Any:
    """The picture of the climb at step k."""
    a, e = path[k]
    slopes = {"gradient of the measure": (1 - a / 2, BAIT - e), "gradient of T": (1 - a / 2, -e)}
    heights = {"measure": proxies[: k + 1], "T": truths[: k + 1]}
    return value_charts.climb(path[: k + 1], heights, truth, slopes, CLIMB_STEPS)


# --- plausible and true ---------------------------------------------------------------------------

EACH = 20  # statements about each country
CORPUS = {  # how often each city is named: the capital first
    "Australia": {"Canberra": 6, "Sydney": 14},
    "Türkiye": {"Ankara": 8, "Istanbul": 12},
    "Brazil": {"Brasília": 7, "Rio de Janeiro": 13},
    "France": {"Paris": 20},
    "Japan": {"Tokyo": 20},
    "Kenya": {"Nairobi": 20},
    "Peru": {"Lima": 20},
    "Egypt": {"Cairo": 20},
}
CITIES = [city for said in CORPUS.values() for city in said]
CAPITALS = [next(iter(said)) for said in CORPUS.values()]
POPULAR = [country for country, said in CORPUS.items() if len(said) > 1]
READING = 400  # steps
READING_RATE = 0.3
MORE = (0, 3, 5, 9, 20)  # statements of an atlas, for each country


def shares(atlas: int = 0) -> list[list[float]]:
    """For each country, the part of the statements that names each city."""
    found = []
    for (_, said), capital in zip(CORPUS.items(), CAPITALS):
        counts = {**said, capital: said[capital] + atlas}
        found.append([counts.get(city, 0) / (EACH + atlas) for city in CITIES])
    return found


def entropy(rows: Sequence[Sequence[float]]) -> float:
    """The mean entropy: the loss of a model that has exactly these probabilities."""
    return -sum(p * log(p) for row in rows for p in row if p) / len(rows)


class Read(NamedTuple):
    """A model of the corpus, and its loss at the end."""

    model: MLP
    loss: float

    def answers(self, country: int | None) -> list[float]:
        """The probabilities of the cities; None: for a country that the corpus does not have."""
        asked = [float(i == country) for i in range(len(CORPUS))]
        return [p.data for p in softmax(self.model(asked))]

    @property
    def said(self) -> list[str]:
        """The most probable city for each country."""
        return [CITIES[p.index(max(p))] for p in map(self.answers, range(len(CORPUS)))]


def read(seed: int, atlas: int = 0, steps: int = READING) -> Read:
    """A model that has learned the next word of every statement: a softmax over the cities."""
    model = MLP(len(CORPUS), [len(CITIES)], "linear", init=uniform(1.0), seed=seed)
    rows = shares(atlas)
    examples = [
        Example([float(i == k) for i in range(len(CORPUS))], row) for k, row in enumerate(rows)
    ]
    history = train(
        model,
        cross_entropy,
        examples,
        epochs=steps,
        optimizer=Adam(model.parameters(), READING_RATE),
        compiled=True,
        progress=False,
    )
    return Read(model, history.losses[-1])


def plausible(lesson: Lesson) -> None:
    """A model of a corpus repeats its popular errors."""
    lesson.section("Plausible and true")
    lesson.say(
        f"A corpus has {EACH} statements about each of {len(CORPUS)} countries: `the capital of "
        "Australia is ...`. For five countries all of them are true. For three, most of them name "
        "the best-known city, which is not the capital. A language model in miniature gets the "
        "country, and learns the probability of the next word by a softmax over all cities and "
        "the cross-entropy."
    )
    rows, one = shares(), read(lesson.seed)
    floor = entropy(rows)
    got = [one.answers(k) for k in range(len(CORPUS))]
    apart = max(abs(p - q) for mine, theirs in zip(got, rows) for p, q in zip(mine, theirs))
    true = sum(a == b for a, b in zip(one.said, CAPITALS))
    with lesson.predict(
        "After training, we ask for the most probable city. For how many of the eight countries "
        "is it the capital? Would more training help?"
    ):
        lines = [f"{'country':10} {'most probable':15} model  corpus  capital"]
        for k, (country, capital) in enumerate(zip(CORPUS, CAPITALS)):
            best = one.said[k]
            at = CITIES.index(best)
            lines.append(f"{country:10} {best:15} {got[k][at]:.3f}  {rows[k][at]:.3f}   {capital}")
        lesson.show("\n".join(lines))
        longer = read(lesson.seed, steps=5 * READING)
        later = sum(a == b for a, b in zip(longer.said, CAPITALS))
        lesson.say(
            f"{true} of {len(CORPUS)}. The loss is {one.loss:.4f}, and no model can have less than "
            f"the entropy of the corpus, {floor:.4f}: the gradient of a logit is the probability "
            "minus the part of the statements, so it is 0 where the two are equal. The largest "
            f"distance between them is {apart:.1g}. With {5 * READING:,} steps, the loss is "
            f"{longer.loss:.4f}, and {later} answers are true. "
            + (
                "The model is as good as it can be, and it repeats the popular errors: it "
                "was asked what people say."
                if later == true and longer.loss - floor < 1e-3
                else "Here, more training changes the answers."
            )
        )
        lesson.plot(
            "10-capitals",
            lambda: charts.shares(
                {
                    country: {
                        "corpus says so": (CORPUS[country][CAPITALS[k]], EACH),
                        "model says so": (round(1_000 * got[k][CITIES.index(CAPITALS[k])]), 1_000),
                    }
                    for k, country in enumerate(CORPUS)
                    if country in POPULAR
                },
                "probability of the capital; in the world it is 100%",
            ),
            "The three countries with a popular error.",
        )
    strange = one.answers(None)
    likely = strange.index(max(strange))
    with lesson.predict(
        "We ask for the capital of a country that the corpus does not have. What does the model "
        "answer?"
    ):
        lesson.say(
            f"The model answers {CITIES[likely]}, with the probability {strange[likely]:.2f}. The "
            "probabilities add up to 1 for every input, so there is always a most probable city. "
            "Nothing in the loss asks for `I do not know`."
        )
    lines = [f"{'statements of an atlas, for each country':42} answers that are true"]
    right = {k: sum(a == b for a, b in zip(read(lesson.seed, k).said, CAPITALS)) for k in MORE}
    lines += [f"{k:40}   {n:21}" for k, n in right.items()]
    with lesson.predict(
        "We add statements of an atlas, which are true: the same number for each country. How many "
        "are needed until all eight answers are true?"
    ):
        lesson.show("\n".join(lines))
        needed = next((k for k, n in right.items() if n == len(CORPUS)), None)
        lesson.say(
            f"{needed} for each country: then the capital is named more often than any other city."
            if needed is not None
            else "More than these."
        )
        lesson.say("The model, the loss and the optimizer are the same; the data are not.")
    seeds = range(lesson.seed, lesson.seed + min(lesson.seeds, FEW))
    reads = [read(seed) for seed in seeds]
    claim = "corpus: entropy of its statements"
    lesson.pin(claim, f"{floor:.6g}", f"{expected.pin('indifference corpus'):.6g}")
    claim = "corpus: loss minus entropy, largest of the seeds"
    lesson.claim(bounded(claim, max(each.loss for each in reads) - floor, -1e-9, 1e-3))
    counts = [sum(a == b for a, b in zip(each.said, CAPITALS)) for each in reads]
    claim = "corpus: true answers, of 8, for each seed"
    lesson.claim(equal(claim, ", ".join(map(str, counts)), ", ".join("5" for _ in seeds)))
    claim = "corpus: with 9 statements of an atlas, true answers"
    lesson.claim(equal(claim, right[9], len(CORPUS)))


# --- the reader chooses ---------------------------------------------------------------------------

CHOICES = {
    "as the labels say": Objective(),
    "a false approval costs 4": Objective(approval=4.0),
    "a false refusal costs 4": Objective(refusal=4.0),
    "a false refusal in the east costs 3": Objective(east=3.0),
    "as the truth says": Objective(truth=1.0),
}


def choose(lesson: Lesson) -> None:
    """What counts as an error is a choice, and decides who is approved."""
    lesson.section("You choose what counts as an error")
    people = objectives.town(TOWN)
    found = {name: objectives.reached(one, TOWN) for name, one in CHOICES.items()}
    got = {name: objectives.outcome(w, people) for name, w in found.items()}
    some = next(iter(got.values()))
    refused = sum(truth > label for _, (truth, label, _) in people)
    lesson.say(
        f"Sixty applicants live from west to east. {some.of_qualified[0]} in the west and "
        f"{some.of_qualified[1]} in the east are qualified; a score tells it with some noise. In "
        f"the labels of the past, {refused} of those in the east were refused all the same. "
        "One logistic unit sees the place and the score, and nobody tells it a group. Its loss has "
        "a cost for a false approval and a cost for a false refusal:"
    )
    lesson.show(
        f"{line_of(objectives.cost, 'refused = ')}\n{line_of(objectives.cost, 'approved = ')}"
    )
    lesson.say(
        "Here, z is the logit, and `softplus(-z)` and `softplus(z)` are the cross-entropies if the "
        "target is yes and if it is no. The target is the label or the truth. `times` counts only "
        "in the east."
    )
    with lesson.predict(
        "The data and the optimizer stay the same. Who is approved if only the objective changes?"
    ):
        lesson.show(table(got))
        changed = {name: differ(found["as the labels say"], w, people) for name, w in found.items()}
        most = max(changed, key=lambda name: changed[name])
        lesson.say(
            f"Compared with the first row, up to {changed[most]} of {len(people)} applicants get "
            f"the other answer (`{most}`). Each row is the minimum of its own loss: the optimizer "
            "finds each of them in the same way. It cannot tell which row is wanted."
        )
        lesson.moments(
            "11-town",
            "objective",
            [(name, partial(drawn_town, people, w, got[name])) for name, w in found.items()],
            "Full squares are qualified. Everybody on the blue side, above the line, is approved. "
            "A cross is on a decision that differs from the truth.",
        )
    model, _ = objectives.compiled()

    def live() -> Any:
        for p in model.parameters():
            p.data = 0.0
        objectives.aim(Objective())
        sliders = [
            Slider(NAMES[name], [leaf], *((0, 1) if name == "truth" else (0.2, 5)))
            for name, leaf in objectives.leaves().items()
        ]
        return page(
            model,
            objectives.cost,
            people,
            rate=2,
            threshold=0.0,
            controls=sliders,
            level="network",
            title="Who is approved?",
        )

    lesson.play(
        "12-choose",
        live,
        "The same sixty applicants: x1 is the place, x2 the score. Press Train, and move the "
        "sliders while it runs: they decide what counts as an error. Those above the line are "
        "approved. Squares are qualified; a frame is around each decision that differs from the "
        "truth.",
    )
    for name, one in CHOICES.items():
        known = expected.pin(f"indifference approved {' '.join(f'{x:g}' for x in one)}")
        parts = [*got[name].qualified, *got[name].others]
        claim = f"{name}: approved, qualified W and E, others W and E"
        lesson.pin(claim, digits(parts), digits(known))
    towns = [k for k in range(lesson.seed, lesson.seed + seeds_of(lesson)) if k != TOWN]
    both = [
        [
            objectives.outcome(objectives.reached(CHOICES[name], seed), objectives.town(seed))
            for name in ("as the labels say", "as the truth says")
        ]
        for seed in towns
    ]
    more = sum(honest.qualified[1] > said.qualified[1] for said, honest in both)
    less = sum(honest.qualified[1] < said.qualified[1] for said, honest in both)
    lesson.say(
        f"In {more} of {len(both)} other towns, more qualified people of the east are approved "
        f"with the truth than with the labels, and in {less} fewer."
    )
    claim = "other towns: more of the qualified in the east with the truth"
    lesson.claim(mostly(claim, more, more + less))


def table(got: dict[str, Outcome]) -> str:
    """Who is approved, for each objective."""
    some = next(iter(got.values()))
    west, east = (some.of_qualified[k] for k in (0, 1))
    others = sum(some.of_others)
    head = f"{'objective':37} qualified, west  qualified, east  not qualified"
    rows = [head]
    for name, one in got.items():
        rows.append(
            f"{name:37} {f'{one.qualified[0]} of {west}':>15}  "
            f"{f'{one.qualified[1]} of {east}':>15}  {f'{sum(one.others)} of {others}':>13}"
        )
    return "\n".join(rows)


def differ(one: Sequence[float], other: Sequence[float], people: Sequence[Example]) -> int:
    """How many applicants get another answer."""
    pairs = zip(objectives.logits(one, people), objectives.logits(other, people))
    return sum((x > 0) != (y > 0) for x, y in pairs)


def drawn_town(people: Sequence[Example], w: Sequence[float], got: Outcome) -> Any:
    """The town with the decisions of one objective."""
    title = (
        f"qualified and approved: west {got.qualified[0]} of {got.of_qualified[0]}, "
        f"east {got.qualified[1]} of {got.of_qualified[1]}"
    )
    return value_charts.town(people, w, title)


def checks(lesson: Lesson) -> None:
    """The questions at the end."""
    lesson.check(
        "Why are the losses of merit and of group equal to the last bit?",
        "The two runs do the same operations with the same numbers; only the two terms of a sum "
        "are exchanged, and a + b is b + a. What the columns are called is no part of them.",
    )
    lesson.check(
        "The bias is 0.4. Why do hard decisions approve most of the qualified members of group B?",
        "Their probability is near 0.6, which is above 0.5. With a bias of 0.6 it is near 0.4, and "
        "nearly all are refused.",
    )
    lesson.check(
        "Which of the tests in this lesson could have shown that the labels are biased?",
        "Only those that use the truth: the agreement with the labels and the calibration against "
        "the labels look good because the network has learned the labels.",
    )
    lesson.check(
        "A model of a corpus says Sydney with a probability of 0.7. Is it calibrated?",
        "To the corpus, yes: 70% of its statements say so. To the world, no.",
    )
    lesson.check(
        "What did we change between the rows of the last table?",
        "Only the objective: what counts as an error and how much it costs. Data, unit and "
        "optimizer were the same.",
    )


if __name__ == "__main__":
    main()
