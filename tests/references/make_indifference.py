"""Adds the lesson about indifference to demos/laboratory/expected.json; see make_lessons.py.

    python tests/references/make_indifference.py         # everything
    python tests/references/make_indifference.py clues   # these parts; the others stay

The network is 2-4-1, with tanh in the hidden units and a logit as its output; the loss is the mean
cross-entropy, and Adam has the rate 0.07. A seed draws 17 weights from -1 to 1, of each unit its
weights and then its bias, and after them three numbers for each applicant: 400 to learn from, then
1,000 new ones. There are 400 steps.

Rows "indifference ...". steps: the first step of 200 with a loss below 0.05, for the four pairs of
signs with the first of them as the label. biased BIAS: approved by hard decisions (probability
above 0.5), of the qualified ones in group B that the network has learned from; blind BIAS: the same
for a network that always sees the group 0. labels, truth 0.4: the calibration error over the new
applicants of group B, in ten bins of the probability. agree 0.6 labels, truth: the part of the
applicants that it has learned from for whom the hard decision agrees. clues AGREES, test and
shifted: right decisions about the new applicants, in the same world, and in one where the second
clue agrees with the truth as often as it did not.

"pins" are single runs of small seeds, the ascent of the proxy, the corpus, and who is approved by
the minimum of each objective, which Newton's method finds.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from math import log
from random import Random

import make_lessons as lessons
import numpy as np

HIDDEN, RATE, STEPS = 4, 0.07, 400
SEEN, NEW = 400, 1_000
CORE = 0.9
SEEDS = range(lessons.FIRST, lessons.FIRST + 4_000)
TOGETHER = 40  # networks at a time: more do not fit into a cache
RANKS = 60  # of a sample that are kept: there are many samples, and every wheel carries the file


# --- the network ----------------------------------------------------------------------------------


def drawn(seeds, people):
    """(first weights, three numbers for each applicant) of each seed."""
    weights, draws = [], []
    for seed in seeds:
        random = Random(seed).random
        weights.append([2 * random() - 1 for _ in range(4 * HIDDEN + 1)])
        draws.append([[random(), random(), random()] for _ in range(people)])
    return np.array(weights), np.array(draws)


def forward(w, x):
    """(answers of the hidden units, logits) for x: networks x applicants x 2."""
    units = w[:, : 3 * HIDDEN].reshape(len(w), HIDDEN, 3)
    hidden = np.tanh(units[:, :, :2] @ x.swapaxes(1, 2) + units[:, :, 2:])
    return hidden, (w[:, None, 3 * HIDDEN : -1] @ hidden)[:, 0] + w[:, -1:]


def slopes(w, x, t):
    hidden, z = forward(w, x)
    e = (lessons.logistic(z) - t) / t.shape[1]
    back = e[:, None] * w[:, 3 * HIDDEN : -1, None] * (1 - hidden**2)
    first = np.concatenate([back @ x, back.sum(axis=2, keepdims=True)], axis=2)
    last = (hidden @ e[:, :, None])[:, :, 0]
    return np.concatenate([first.reshape(len(w), -1), last, e.sum(axis=1, keepdims=True)], axis=1)


def loss(w, x, t):
    _, z = forward(w, x)
    return (np.logaddexp(0, z) - t * z).mean(axis=1)


def learn(w, x, t, steps=STEPS, told=lambda step, w: None):
    """The weights after those steps of Adam (Kingma and Ba 2015, algorithm 1)."""
    w, mean, square = w.copy(), np.zeros_like(w), np.zeros_like(w)
    for step in range(1, steps + 1):
        told(step - 1, w)
        g = slopes(w, x, t)
        mean += 0.1 * (g - mean)
        square += 0.001 * (g**2 - square)
        typical = np.sqrt(square / (1 - 0.999**step)) + 1e-8
        w -= RATE * mean / (1 - 0.9**step) / typical
    return w


# --- the applicants -------------------------------------------------------------------------------


def biased(draws, bias):
    """(inputs, truth, label): half of them are in group B."""
    skill, group = 2 * draws[:, :, 0] - 1, np.where(draws[:, :, 1] < 0.5, -1.0, 1.0)
    truth = skill > 0
    label = truth & ~((group > 0) & (draws[:, :, 2] < bias))
    return np.stack([skill, group], axis=2), truth, label


def clues(draws, agrees):
    truth = draws[:, :, 0] < 0.5
    sign = np.where(truth, 1.0, -1.0)
    first = np.where(draws[:, :, 1] < CORE, sign, -sign)
    second = np.where(draws[:, :, 2] < agrees, sign, -sign)
    return np.stack([first, second], axis=2), truth, truth


def runs(world, strength, seeds, blind=False):
    """Yields (seeds, weights at the end, draws) of some networks at a time."""
    for start in range(0, len(seeds), TOGETHER):
        some = seeds[start : start + TOGETHER]
        w, draws = drawn(some, SEEN + NEW)
        x, _, label = world(draws[:, :SEEN], strength)
        if blind:
            x[:, :, 1] = 0
        yield some, learn(w, x, label.astype(float)), draws


def approvals(w, draws, bias, blind=False):
    """(label rate, mean probability, part approved) of the qualified ones of group B, each network.

    After them: the parts of all applicants where the hard decision is the label, and the truth.
    """
    x, truth, label = biased(draws[:, :SEEN], bias)
    those = truth & (x[:, :, 1] > 0)
    if blind:
        x[:, :, 1] = 0
    _, z = forward(w, x)
    p, yes, n = lessons.logistic(z), z > 0, those.sum(axis=1)
    rates = [(y * those).sum(axis=1) / n for y in (label, p, yes)]
    return [*rates, (yes == label).mean(axis=1), (yes == truth).mean(axis=1)]


def calibration(w, draws, bias):
    """(error against the labels, against the truth) for the new applicants of group B."""
    x, truth, label = biased(draws[:, SEEN:], bias)
    p, those = lessons.logistic(forward(w, x)[1]), x[:, :, 1] > 0
    errors = np.zeros((2, len(w)))
    for k in range(10):
        inside = those & (np.minimum((10 * p).astype(int), 9) == k)
        for error, said in zip(errors, (label, truth)):
            error += abs(((p - said) * inside).sum(axis=1))
    return errors / those.sum(axis=1)


def right(w, draws, agrees):
    x, truth, _ = clues(draws, agrees)
    return ((forward(w, x)[1] > 0) == truth).sum(axis=1)


# --- rows of the file -----------------------------------------------------------------------------


def sample(values, patience=None):
    """The row of `make_lessons.sample`, with fewer ranks."""
    values = sorted(values, key=lambda x: (x is None, x))
    m, there = len(values), sum(x is not None for x in values)
    ranks = {1, 2, 5, m - 4, m - 1, m, there, *(round(k * m / RANKS) for k in range(1, RANKS))}
    ranks = sorted(ranks - {0})
    row = {"seeds": m} | ({"patience": patience, "learned": there} if patience else {})
    return row | {"ranks": ranks, "values": [values[rank - 1] for rank in ranks]}


def of_parts(numbers):
    return sample([lessons.rounded(x, 4) for x in np.concatenate(numbers)])


def biased_rows(name):
    bias = float(name.split()[1])
    blind = name.startswith("blind")
    found = [[] for _ in range(7)]
    for _, w, draws in runs(biased, bias, SEEDS, blind):
        numbers = [*approvals(w, draws, bias, blind), *calibration(w, draws, bias)]
        for row, x in zip(found, numbers):
            row.append(x)
    means = [np.concatenate(row) for row in found[:3]]
    apart = (means[1] - means[0]).mean(), (means[1] - means[0]).std()
    print(name, [round(float(x.mean()), 4) for x in means], "learned - label: mean, sd", apart)
    rows = {f"indifference {name}": of_parts(found[2])}
    if name == "biased 0.4":
        rows |= {"indifference labels 0.4": of_parts(found[5])}
        rows |= {"indifference truth 0.4": of_parts(found[6])}
    if name == "biased 0.6":
        rows |= {"indifference agree 0.6 labels": of_parts(found[3])}
        rows |= {"indifference agree 0.6 truth": of_parts(found[4])}
    return rows


def clue_rows(_):
    rows = {}
    for agrees in (0.8, 0.95):
        found = [], []
        for _, w, draws in runs(clues, agrees, SEEDS):
            for row, world in zip(found, (agrees, 1 - agrees)):
                row.append(right(w, draws[:, SEEN:], world) / NEW)
        for row, name in zip(found, ("test", "shifted")):
            print(agrees, name, np.concatenate(row).mean(), np.concatenate(row).std())
            rows[f"indifference clues {agrees} {name}"] = of_parts(row)
    return rows


def corners(seeds, steps, told):
    """Trains on the four pairs of signs; the label is the first of them."""
    x = np.array([(a, b) for a in (-1.0, 1.0) for b in (-1.0, 1.0)])
    x = np.broadcast_to(x, (len(seeds), 4, 2))
    t = np.broadcast_to(x[0, :, 0] > 0, (len(seeds), 4)).astype(float)
    w, _ = drawn(seeds, 0)
    w = learn(w, x, t, steps, lambda step, w: told(step, loss(w, x, t)))
    told(steps, loss(w, x, t))


def step_rows(_):
    first = np.full(len(SEEDS), None)

    def told(step, losses):
        for i in np.flatnonzero(losses < 0.05):
            first[i] = step if first[i] is None and step < 200 else first[i]

    corners(SEEDS, 200, told)
    return {"indifference steps": sample(first.tolist(), 200)}


# --- one run each, or none: numbers that every seed shares ----------------------------------------


def ascent():
    """The proxy T + 1.5 e is climbed, and the truth T = a - a^2/4 - e^2/2 is watched."""
    a = e = 0.0
    truths, proxies = [], []
    for _ in range(201):
        truths.append(a - a * a / 4 - e * e / 2)
        proxies.append(truths[-1] + 1.5 * e)
        a, e = a + 0.05 * (1 - a / 2), e + 0.05 * (1.5 - e)
    peak = truths.index(max(truths))
    rises = sum(y > x for x, y in pairwise(proxies))
    return {"peak": peak, "top": truths[peak], "end": truths[-1], "rises": rises}


COUNTS = [20, 20, 20, 20, 20, (6, 14), (8, 12), (7, 13)]  # of 20 statements: (true, popular)


def corpus():
    """The entropy of the corpus: no model of the eight questions has a smaller mean loss."""
    total = 0.0
    for row in COUNTS:
        for count in row if isinstance(row, tuple) else ():
            total -= count / 20 * log(count / 20)
    return total / len(COUNTS)


def town(seed):
    """Sixty applicants: place, score, truth, label."""
    random, rows = Random(seed).random, []
    for _ in range(60):
        place, skill = 2 * random() - 1, 2 * random() - 1
        score = skill + 0.6 * (random() + random() - 1)
        refused = random() < 0.5 and place > 0
        rows.append((place, score, skill > 0, skill > 0 and not refused))
    return np.array(rows, float)


OBJECTIVES = {  # cost of a false approval, of a false refusal, times in the east, label or truth
    "1 1 1 0": (1, 1, 1, 0),
    "4 1 1 0": (4, 1, 1, 0),
    "1 4 1 0": (1, 4, 1, 0),
    "1 1 3 0": (1, 1, 3, 0),
    "1 1 1 1": (1, 1, 1, 1),
}


def minimum(rows, approval, refusal, east, truth):
    """The logits at the minimum of a cost, by Newton's method."""
    x = np.column_stack([rows[:, :2], np.ones(len(rows))])
    target = rows[:, 3] + truth * (rows[:, 2] - rows[:, 3])
    yes = refusal * np.where(rows[:, 0] > 0, east, 1) * target
    no, w = approval * (1 - target), np.zeros(3)
    for _ in range(50):
        p = lessons.logistic(x @ w)
        curvature = x.T @ (x * ((yes + no) * p * (1 - p))[:, None])
        w = w - np.linalg.solve(curvature, x.T @ ((yes + no) * p - yes))
    return x @ w


def approved(objective):
    """Qualified ones approved in the west and in the east, then the same of the others."""
    rows = town(2)
    yes, truth, east = minimum(rows, *objective) > 0, rows[:, 2] > 0, rows[:, 0] > 0
    return [int((yes & (truth == t) & (east == e)).sum()) for t in (1, 0) for e in (0, 1)]


def pins(_):
    found = {}
    for seed in (0, 1):
        losses = []
        corners([seed], 200, lambda step, row, into=losses: into.append(float(row[0])))
        found[f"indifference corners seed {seed}"] = lessons.rounded(losses[199], 6)
        for _, w, draws in runs(biased, 0.4, [seed]):
            label, learned, hard, *_ = (float(x[0]) for x in approvals(w, draws, 0.4))
            numbers = [lessons.rounded(x, 4) for x in (label, learned, hard)]
            found[f"indifference biased 0.4 seed {seed}"] = numbers
        for _, w, draws in runs(clues, 0.95, [seed]):
            numbers = [int(right(w, draws[:, SEEN:], world)[0]) for world in (0.95, 1 - 0.95)]
            found[f"indifference clues 0.95 seed {seed}"] = numbers
    found["indifference ascent"] = {
        k: x if isinstance(x, int) else lessons.rounded(x, 6) for k, x in ascent().items()
    }
    found["indifference corpus"] = lessons.rounded(corpus(), 6)
    for name, objective in OBJECTIVES.items():
        found[f"indifference approved {name}"] = approved(objective)
    return {"pins": found}


BIASED = [f"biased {k / 10:g}" for k in range(1, 7)]
PARTS = {
    **dict.fromkeys([*BIASED, "blind 0.6"], biased_rows),
    "clues": clue_rows,
    "steps": step_rows,
    "indifference pins": pins,
}


def main(names):
    lessons.measure({name: PARTS[name] for name in names or PARTS})


if __name__ == "__main__":
    main(sys.argv[1:])
