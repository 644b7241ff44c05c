"""Writes demos/laboratory/expected.json: what NumPy finds for the networks of the lessons.

    python tests/references/make_lessons.py                   # everything
    python tests/references/make_lessons.py xor-2 parity-4    # these parts; the others stay

Nothing of this package is imported here. All networks of a part are trained together, in arrays of
networks x units x examples, in doubles. The first weights are Python's `random.Random(seed)`, from
-init to init, for each unit its weights, then its bias: a single run can be compared with the
package, epoch for epoch. The seeds of a sample begin at FIRST, so that no class has used them.

Epochs: a network has learned at epoch t if, before the update of epoch t, every output of every
example is on the right side of 0.5 by more than the margin (0.3 for symmetry, otherwise 0). None:
not within the patience, which is the number of updates allowed.

The file has three kinds of rows. {"seeds", "patience", "learned", "values"}: the epochs of all
networks, in order, None last, and how many are not None; with "ranks", only the values of these
ranks (1 is the smallest) are kept. Rows without a patience are other numbers. {"seeds", "count"}:
the number of networks with that property. {"seeds", "histogram"}: how many networks have the score
0, 1, 2 ...

The weights of symmetry are looked at when it is learned ("learned") and, if nothing is added to the
name, after 3 times as many epochs, but at least 5,000. 1:2:4 and 2:3:4: in both hidden units, the
sizes on one side have this ratio, up to 2 %. opposite: every weight of one unit plus its weight in
the other is smaller than 5 % of the largest size in the first unit.

"pins" are single runs of small seeds; rounding does not change them. tests/test_expected.py runs
some of them again, here and with the package.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np

FILE = Path(__file__).parents[2] / "demos" / "laboratory" / "expected.json"
FIRST = 100_000  # the first seed of a sample
ALL = 250  # a sample of so many numbers is stored as a whole


# --- the tasks: inputs and targets, an example in each column -------------------------------------


def patterns(n, rule):
    """Every pattern of n bits, in counting order, and rule(its bits, as a list)."""
    rows = [[i >> k & 1 for k in reversed(range(n))] for i in range(2**n)]
    return np.array(rows, float).T, np.array([rule(row) for row in rows], float).T


def total(bits):
    a, b, c, d = bits
    s = 2 * a + b + 2 * c + d
    return [s // 4, s // 2 % 2, s % 2]


TASKS = {
    "xor": patterns(2, lambda bits: [int(bits[0] != bits[1])]),
    "parity": patterns(4, lambda bits: [sum(bits) % 2]),
    "encoder": (np.eye(8), np.eye(8)),
    "negation": patterns(4, lambda bits: [1 - bit if bits[0] else bit for bit in bits[1:]]),
    "addition": patterns(4, total),
    "symmetry": patterns(6, lambda bits: [int(bits[:3] == bits[:2:-1])]),
}


class Trial(NamedTuple):
    """hidden: 0 for no hidden layer. direct: outputs see the inputs, too. frozen: hidden units."""

    task: str
    hidden: int
    rate: float
    init: float
    patience: int
    seeds: int
    margin: float = 0.0
    direct: bool = False
    frozen: bool = False


TRIALS = {
    **{f"xor-{n}": Trial("xor", n, 0.5, 0.3, 200_000, 4_000) for n in (2, 3, 4, 8)},
    "xor-direct": Trial("xor", 1, 0.5, 0.3, 200_000, 4_000, direct=True),
    "parity-4": Trial("parity", 4, 0.5, 0.5, 100_000, 2_000),
    "parity-8": Trial("parity", 8, 0.5, 0.5, 100_000, 4_000),
    "encoder": Trial("encoder", 3, 0.1, 0.3, 50_000, 4_000),
    "negation-3": Trial("negation", 3, 0.3, 0.3, 100_000, 250),
    "negation-8": Trial("negation", 8, 0.3, 0.3, 100_000, 4_000),
    "addition-3": Trial("addition", 3, 0.5, 1.0, 100_000, 1_000),
    "addition-6": Trial("addition", 6, 0.5, 1.0, 100_000, 4_000),
    "symmetry-0.1": Trial("symmetry", 2, 0.1, 0.3, 200_000, 2_000, 0.3),
    "symmetry-0.05": Trial("symmetry", 2, 0.05, 0.3, 50_000, 4_000, 0.3),
}
ALPHA = 0.9
CONTROLS = {
    "symmetry no hidden layer": Trial("symmetry", 0, 0.05, 0.3, 5_000, 1_000, 0.3),
    "symmetry frozen": Trial("symmetry", 2, 0.05, 0.3, 5_000, 1_000, 0.3, frozen=True),
}


# --- networks of at most one hidden layer: lists of weights and biases, layer after layer --------


def logistic(x):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def drawn(layers, init, seeds):
    """[weights, biases, weights, biases ...] of layers = [(inputs, units) ...], for all seeds."""
    count = sum((inputs + 1) * units for inputs, units in layers)
    rows = []
    for seed in seeds:
        random = Random(seed)
        rows.append([init * (2 * random.random() - 1) for _ in range(count)])
    flat, at, found = np.array(rows), 0, []
    for inputs, units in layers:
        size = (inputs + 1) * units
        block = flat[:, at : at + size].reshape(-1, units, inputs + 1)
        found += [block[:, :, :-1].copy(), block[:, :, -1:].copy()]
        at += size
    return found


def begin(trial, seeds):
    """The first weights."""
    inputs, outputs = (len(rows) for rows in TASKS[trial.task])
    if not trial.hidden:
        return drawn([(inputs, outputs)], trial.init, seeds)
    seen = trial.hidden + inputs * trial.direct
    return drawn([(inputs, trial.hidden), (seen, outputs)], trial.init, seeds)


def answers(trial, ws):
    """(what the output layer sees, the answers of the hidden units or None, the outputs)."""
    x, _ = TASKS[trial.task]
    if not trial.hidden:
        return x, None, logistic(ws[0] @ x + ws[1])
    hidden = logistic(ws[0] @ x + ws[1])
    seen = hidden
    if trial.direct:
        seen = np.concatenate([hidden, np.broadcast_to(x, (len(hidden), *x.shape))], axis=1)
    return seen, hidden, logistic(ws[2] @ seen + ws[3])


def right(trial, outputs):
    """For each network, the number of examples that are right."""
    _, d = TASKS[trial.task]
    sides = (outputs - 0.5) * (2 * d - 1) > trial.margin
    return sides.all(axis=1).sum(axis=1)


def slopes(trial, ws, seen, hidden, outputs):
    """The gradient of E = 1/2 * the sum of (y - d)**2, in the order of ws; None for frozen ones."""
    x, d = TASKS[trial.task]
    e = (outputs - d) * outputs * (1 - outputs)
    found = [e @ seen.swapaxes(-1, -2), e.sum(axis=2, keepdims=True)]
    if trial.frozen:
        return [None, None, *found]
    if hidden is None:
        return found
    back = ws[2][:, :, : trial.hidden].swapaxes(1, 2) @ e * hidden * (1 - hidden)
    return [back @ x.T, back.sum(axis=2, keepdims=True), *found]


def update(trial, ws, changes, gradient):
    """Equation 9 of 1986, in place."""
    for w, change, g in zip(ws, changes, gradient):
        if g is not None:
            change *= ALPHA
            change -= trial.rate * g
            w += change


def learn(trial, seeds):
    """(for each seed, the epoch when it is learned or None; the weights then, or at the end)."""
    ws = begin(trial, seeds)
    kept, changes = [w.copy() for w in ws], [np.zeros_like(w) for w in ws]
    epochs, who, waiting = [None] * len(seeds), np.arange(len(seeds)), np.ones(len(seeds), bool)
    examples = TASKS[trial.task][0].shape[1]
    for epoch in range(trial.patience + 1):
        seen, hidden, outputs = answers(trial, ws)
        new = waiting & (right(trial, outputs) == examples)
        if new.any() or epoch == trial.patience:
            waiting &= ~new
            for i in who[new]:
                epochs[i] = epoch
            leaving = new | waiting if epoch == trial.patience else new
            for all_, w in zip(kept, ws):
                all_[who[leaving]] = w[leaving]
            if not waiting.any():
                break
        update(trial, ws, changes, slopes(trial, ws, seen, hidden, outputs))
        if waiting.sum() < 0.95 * len(who):  # the others are no longer trained
            ws, changes = [w[waiting] for w in ws], [c[waiting] for c in changes]
            who, waiting = who[waiting], waiting[waiting]
    return epochs, kept


def after(trial, seeds, epochs):
    """(the weights of each seed after its number of epochs, the most examples right until then)."""
    order = sorted(range(len(seeds)), key=lambda i: -epochs[i])
    counts = [epochs[i] for i in order]
    ws = begin(trial, [seeds[i] for i in order])
    changes, kept = [np.zeros_like(w) for w in ws], [w.copy() for w in ws]
    most = np.zeros(len(seeds), int)
    for epoch in range(counts[0] + 1):
        seen, hidden, outputs = answers(trial, ws)
        n = len(outputs)
        most[:n] = np.maximum(most[:n], right(trial, outputs))
        if counts[n - 1] == epoch:
            while n and counts[n - 1] == epoch:
                n -= 1
            for all_, w in zip(kept, ws):
                all_[n : len(w)] = w[n:]
            ws, changes = [w[:n] for w in ws], [c[:n] for c in changes]
            seen, hidden, outputs = seen[:n] if seen.ndim == 3 else seen, hidden, outputs[:n]
            hidden = None if hidden is None else hidden[:n]
        if n:
            update(trial, ws, changes, slopes(trial, ws, seen, hidden, outputs))
    back = np.argsort(order)
    return [w[back] for w in kept], most[back]


# --- rows of the file -----------------------------------------------------------------------------


def sample(values, patience=None):
    """The row of these numbers, None last."""
    m, learned = len(values), sum(x is not None for x in values)
    values = sorted(values, key=lambda x: (x is None, x))
    row = {"seeds": m} | ({"patience": patience, "learned": learned} if patience else {})
    if m <= ALL:
        return row | {"values": values}
    every = {round(k * m / 200) for k in range(1, 200)}
    ranks = {1, 2, 5, 10, *every, learned, m - 9, m - 4, m - 1, m} - {0}
    return row | {"ranks": sorted(ranks), "values": [values[rank - 1] for rank in sorted(ranks)]}


def share(flags):
    return {"seeds": len(flags), "count": int(sum(flags))}


def histogram(scores, most):
    scores = [int(x) for x in scores]
    return {"seeds": len(scores), "histogram": [scores.count(k) for k in range(most + 1)]}


def many(trial):
    return range(FIRST, FIRST + trial.seeds)


def epochs_of(name):
    """The part of a trial."""
    trial = TRIALS[name]
    epochs, ws = learn(trial, many(trial))
    rows = {name: sample(epochs, trial.patience)}
    if name == "encoder":
        rows |= codes(trial, ws)
    if name == "symmetry-0.05":
        rows |= patterns_of(name, ws, " learned")
        later = [max(5_000, 3 * epoch) for epoch in epochs if epoch is not None]
        seeds = [seed for seed, epoch in zip(many(trial), epochs) if epoch is not None]
        rows |= patterns_of(name, after(trial, seeds, later)[0], "")
    if name == "symmetry-0.1":
        rows |= patterns_of(name, ws, " learned")
    return rows


def codes(trial, ws):
    """Are the rounded answers of the hidden units eight different codes?"""
    rows, seeds = {}, many(trial)
    later, _ = after(trial, seeds, [2_000] * len(seeds))
    for moment, weights in (("learned", ws), ("2000", later)):
        _, hidden, _ = answers(trial, weights)
        numbers = np.array([4, 2, 1]) @ (hidden > 0.5)
        rows[f"encoder eight codes {moment}"] = share([len(set(row)) == 8 for row in numbers])
        between = ((hidden > 0.2) & (hidden < 0.8)).sum(axis=(1, 2))
        rows[f"encoder between {moment}"] = histogram(between, 24)
    return rows


def patterns_of(name, ws, moment):
    """The patterns in the weights of the hidden units, networks x 2 units x 6 inputs."""
    w = ws[0]
    sizes = np.sort(abs(w[:, :, :3] - w[:, :, :2:-1]) / 2, axis=2)
    rows, ratios = {}, sizes[:, :, 1:] / sizes[:, :, :1]
    for ratio, wanted in (("1:2:4", (2, 4)), ("2:3:4", (1.5, 2))):
        near = (abs(ratios / np.array(wanted) - 1) <= 0.02).all(axis=(1, 2))
        rows[f"{name} {ratio}{moment}"] = share(near)
    opposite = abs(w.sum(axis=1)).max(axis=1) < 0.05 * sizes[:, 0, 2]
    rows[f"{name} opposite{moment}"] = share(opposite)
    off = abs(w[:, :, :3] + w[:, :, :2:-1]).max(axis=2) / abs(w).max(axis=2)
    rows[f"{name} off{moment}"] = sample([rounded(x) for x in off.max(axis=1)])
    return rows


def rounded(x, digits=3):
    return float(f"{x:.{digits}g}")


def control(name):
    """The most examples right at any epoch, of 64."""
    trial = CONTROLS[name]
    _, most = after(trial, many(trial), [trial.patience] * trial.seeds)
    return {name: histogram(most, 64)}


# --- credit: what is a hidden unit's signal worth? ------------------------------------------------

UNTRAINED = Trial("xor", 3, 0.5, 0.3, 0, 10_000)


def silenced(init, seeds):
    """(change of the error as the signals predict, as measured), networks x units, summed."""
    trial = UNTRAINED._replace(init=init)
    ws, (_, d) = begin(trial, seeds), TASKS["xor"]
    _, hidden, y = answers(trial, ws)
    signal = ws[2].swapaxes(1, 2) * ((y - d) * y * (1 - y))
    predicted = -(hidden * signal).sum(axis=2)
    measured = []
    for j in range(3):
        without = hidden.copy()
        without[:, j] = 0
        z = logistic(ws[2] @ without + ws[3])
        measured.append((((z - d) ** 2 - (y - d) ** 2) / 2).sum(axis=(1, 2)))
    return predicted, np.array(measured).T


def credit(_):
    """Correlations over blocks of 5 seeds, which are 15 units; right signs, of 3."""
    rows = {}
    for init in (0.3, 1, 2):
        predicted, measured = silenced(init, many(UNTRAINED))
        signs = ((predicted > 0) == (measured > 0)).sum(axis=1)
        rows[f"credit {init} signs"] = histogram(signs, 3)
        blocks = zip(predicted.reshape(-1, 15), measured.reshape(-1, 15))
        found = [rounded(np.corrcoef(*pair)[0, 1], 4) for pair in blocks]
        rows[f"credit {init} r, blocks of 5"] = sample(found)
    return rows


# --- single runs ----------------------------------------------------------------------------------

PINNED = {
    "xor-2": (0, 1, 3, 4, 5),
    "xor-3": (0, 1, 2, 3, 4),
    "xor-4": (0, 1, 2, 3, 4),
    "xor-8": (0, 1, 2, 3, 4),
    "xor-direct": (0, 1, 2, 3, 4),
    "parity-4": (0, 6, 12, 20, 30),
    "parity-8": (0, 1, 3, 4, 5),
    "encoder": (0, 1, 2, 3, 4),
    "negation-8": (0, 1, 2, 3, 4),
    "addition-3": (434,),
    "addition-6": (0, 1, 2, 4, 5),
    "symmetry-0.1": (1, 5, 8, 12, 13),
    "symmetry-0.05": (0, 1, 2, 3, 4),
}


def pins(_):
    found = {}
    for name, seeds in PINNED.items():
        for seed, epoch in zip(seeds, learn(TRIALS[name], seeds)[0]):
            found[f"{name} seed {seed}"] = epoch
    return {"pins": found}


PARTS = {
    **dict.fromkeys(TRIALS, epochs_of),
    **dict.fromkeys(CONTROLS, control),
    "credit": credit,
    "pins": pins,
}


def main(names):
    measure({name: PARTS[name] for name in names or PARTS})


def measure(parts):
    """Replaces the rows of these parts in the file."""
    for name, part in parts.items():
        began = time.perf_counter()
        rows = part(name)
        kept = stored()
        pins = kept.get("pins", {}) | rows.pop("pins", {})
        write(kept | rows | {"pins": pins})
        print(f"{name}: {time.perf_counter() - began:.1f} s", flush=True)


def stored():
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def write(rows):
    """A row in each line."""
    lines = [f"{json.dumps(name)}: {json.dumps(rows[name])}" for name in sorted(rows)]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
