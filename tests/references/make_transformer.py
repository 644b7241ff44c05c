"""Adds the lesson about the transformer to demos/laboratory/expected.json; see make_lessons.py.

    python tests/references/make_transformer.py              # everything
    python tests/references/make_transformer.py "1000 steps" # these parts; the others stay

The first names of the package `names` (US census of 1990, women and men together) in small letters,
in alphabetical order, without repetition. The 500 that SplitMix64 shuffles to the front with the
seed 0 are held out. Token 0 is the mark before and after a name, the letters are 1 to 26. A loss is
in nats for each predicted letter, the mark at the end included.

Rows "names ...": the loss of tables of counts on the held-out names. counts: each count has k
added, and k is the one of CONSTANTS that is best on the held-out names. blended: the shares of
Witten and Bell (1991), each mixed with those of the next shorter context. letter and place: of the
table that sees one letter and its place in the name.

Rows "transformer STEPS ...": networks of many seeds after so many steps. held out: the loss.
vowels: how much larger the cosine between two vowels is than between a vowel and a consonant, for
the embeddings minus their mean; y is left out. nearest: for how many vowels the nearest letter is a
vowel, of 5. no attention: see `Net`.
"""

from __future__ import annotations

import sys
from collections import Counter
from math import cos, log, pi, sqrt
from pathlib import Path
from random import Random

import make_lessons as lessons
import names
import numpy as np

# --- the names ------------------------------------------------------------------------------------

HELD_OUT = 500
LETTERS = 27
PLACES = 12


def shuffled(n, seed):
    """The numbers 0 to n - 1 as SplitMix64 shuffles them."""
    state, order = seed, list(range(n))
    for i in range(n - 1, 0, -1):
        while True:
            state = (state + 0x9E3779B97F4A7C15) % 2**64
            z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
            z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
            z ^= z >> 31
            if z < 2**64 - 2**64 % (i + 1):
                break
        j = z % (i + 1)
        order[i], order[j] = order[j], order[i]
    return order


def read():
    """(training names, held-out names)."""
    folder, found = Path(names.__file__).parent, set()
    for file in ("dist.female.first", "dist.male.first"):
        for line in (folder / file).read_text(encoding="ascii").splitlines():
            found.add(line.split()[0].lower())
    words = sorted(found)
    order = shuffled(len(words), 0)
    return [words[i] for i in order[HELD_OUT:]], [words[i] for i in order[:HELD_OUT]]


TRAINING, TESTS = read()


def rows_of(words):
    """(tokens seen, tokens to predict, 1 where there is one to predict), names x places."""
    seen = np.zeros((len(words), PLACES), int)
    wanted, there = seen.copy(), np.zeros((len(words), PLACES))
    for i, word in enumerate(words):
        tokens = [0, *(ord(c) - 96 for c in word), 0]
        seen[i, : len(tokens) - 1] = tokens[:-1]
        wanted[i, : len(tokens) - 1] = tokens[1:]
        there[i, : len(tokens) - 1] = 1
    return seen, wanted, there


# --- tables of counts -----------------------------------------------------------------------------

CONSTANTS = (1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
LONGEST = 5


def contexts(words, n):
    """(the n - 1 letters before, the letter) for each letter of the words and the mark behind."""
    for word in words:
        text = "." * max(n - 1, 1) + word + "."
        start = max(n - 1, 1)
        for i in range(start, len(text)):
            yield text[i - n + 1 : i], text[i]


def counted(n, k):
    pairs = Counter(contexts(TRAINING, n))
    before = Counter(context for context, _ in contexts(TRAINING, n))
    found = [
        -log((pairs[pair] + k) / (before[pair[0]] + LETTERS * k)) for pair in contexts(TESTS, n)
    ]
    return sum(found) / len(found)


def placed():
    """The table that sees the place and the letter before."""

    def seen(words):
        for word in words:
            text = f".{word}."
            yield from (((i, text[i - 1]), text[i]) for i in range(1, len(text)))

    pairs, before = Counter(seen(TRAINING)), Counter(context for context, _ in seen(TRAINING))
    tests = [(pairs[pair], before[pair[0]]) for pair in seen(TESTS)]
    return min(
        sum(-log((count + k) / (whole + LETTERS * k)) for count, whole in tests) / len(tests)
        for k in CONSTANTS
    )


def blended(longest):
    tables = []
    for n in range(1, longest + 1):
        pairs = Counter((c[len(c) - n + 1 :], x) for c, x in contexts(TRAINING, longest))
        before, kinds = Counter(), Counter()
        for (context, _), count in pairs.items():
            before[context] += count
            kinds[context] += 1
        tables.append((n, pairs, before, kinds))
    total = count = 0
    for whole, x in contexts(TESTS, longest):
        p = 1 / LETTERS
        for n, pairs, before, kinds in tables:
            context = whole[len(whole) - n + 1 :]
            if before[context]:
                p = (pairs[context, x] + kinds[context] * p) / (before[context] + kinds[context])
        total, count = total - log(p), count + 1
    return total / count


def tables(_):
    found = {"names uniform": log(LETTERS), "names letter and place": placed()}
    for n in range(1, LONGEST + 1):
        found[f"names counts {n}"] = min(counted(n, k) for k in CONSTANTS)
        found[f"names blended {n}"] = blended(n)
    return {"pins": {name: lessons.rounded(x, 5) for name, x in found.items()}}


# --- the network ----------------------------------------------------------------------------------

SIZE, HEADS, HIDDEN = 16, 4, 64
WIDTH = SIZE // HEADS
SPREAD, RATE, BATCH = 0.08, 0.01, 8
SMALL = 1e-5  # in the norms
LATER = np.triu(np.ones((PLACES, PLACES), bool), 1)
# name: (rows, columns of weights, columns of biases), in the order of the package
SHAPES = (
    [("tokens", LETTERS, SIZE, 0), ("places", PLACES, SIZE, 0), ("norm1", 1, SIZE, 0)]
    + [("norm2", 1, SIZE, 0)]
    + [(f"{kind}{h}", WIDTH, SIZE, 0) for h in range(HEADS) for kind in ("query", "key", "value")]
    + [("output", SIZE, SIZE, 0), ("output bias", 1, SIZE, 0)]
    + [("wide", HIDDEN, SIZE, 1), ("narrow", SIZE, HIDDEN, 1)]
    + [("norm3", 1, SIZE, 0), ("logits", LETTERS, SIZE, 0)]
)


def normal(random):
    radius = sqrt(-2 * log(1 - random.random()))
    return radius * cos(2 * pi * random.random())


def first(seed):
    """The first parameters of a seed, by name; biases are 0 and the gains of norms 1."""
    random, found = Random(seed), {}
    for name, rows, columns, biases in SHAPES:
        if name.startswith("norm") or name == "output bias":
            found[name] = np.full((rows, columns), float(name.startswith("norm")))
            continue
        found[name] = np.array(
            [[SPREAD * normal(random) for _ in range(columns)] for _ in range(rows)]
        )
        if biases:
            found[f"{name} bias"] = np.zeros((1, rows))
    return found


class Net:
    """The networks of several seeds: arrays of networks x names x places x numbers.

    attention: False means that the output weights of the attention are 0 and do not learn.
    """

    def __init__(self, seeds, attention=True):
        each = [first(seed) for seed in seeds]
        self.w = {name: np.stack([one[name] for one in each]) for name in each[0]}
        for kind in ("query", "key", "value"):
            self.w[kind] = np.concatenate([self.w.pop(f"{kind}{h}") for h in range(HEADS)], axis=1)
        self.seeds, self.attention = seeds, attention
        if not attention:
            self.w["output"][:] = 0
        self.mean = {k: np.zeros_like(x) for k, x in self.w.items()}
        self.square = {k: np.zeros_like(x) for k, x in self.w.items()}

    def forward(self, seen):
        """(logits, all that the way back needs); seen: networks x names x places."""
        w, s = self.w, len(self.seeds)
        _, names_, places = seen.shape
        n = names_ * places
        k = {"seen": seen.reshape(s, n)}
        x = np.take_along_axis(w["tokens"], k["seen"][:, :, None], axis=1)
        x = x + np.tile(w["places"][:, :places], (1, names_, 1))
        k["y1"], k["u1"], k["r1"] = norm(x, w["norm1"])
        for kind in ("query", "key", "value"):
            k[kind] = split(k["y1"] @ w[kind].swapaxes(1, 2), s, names_, places)
        scores = k["query"] @ k["key"].swapaxes(-1, -2) / sqrt(WIDTH)
        scores[..., LATER[:places, :places]] = -np.inf
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        k["shares"] = shares / shares.sum(axis=-1, keepdims=True)
        k["mixed"] = joined(k["shares"] @ k["value"])
        x = x + k["mixed"] @ w["output"].swapaxes(1, 2) + w["output bias"]
        k["y2"], k["u2"], k["r2"] = norm(x, w["norm2"])
        k["inner"] = np.maximum(k["y2"] @ w["wide"].swapaxes(1, 2) + w["wide bias"], 0)
        x = x + k["inner"] @ w["narrow"].swapaxes(1, 2) + w["narrow bias"]
        k["y3"], k["u3"], k["r3"] = norm(x, w["norm3"])
        return k["y3"] @ w["logits"].swapaxes(1, 2), k

    def gradient(self, seen, wanted, there):
        """The mean over the names of the sum over their letters, by every parameter."""
        w, s = self.w, len(self.seeds)
        _, names_, places = seen.shape
        logits, k = self.forward(seen)
        e = np.exp(logits - logits.max(axis=-1, keepdims=True))
        e /= e.sum(axis=-1, keepdims=True)
        flat = wanted.reshape(s, -1)
        np.put_along_axis(
            e, flat[:, :, None], np.take_along_axis(e, flat[:, :, None], axis=2) - 1, axis=2
        )
        e *= there.reshape(s, -1, 1) / names_
        g = {"logits": e.swapaxes(1, 2) @ k["y3"]}
        d, g["norm3"] = norm_back(e @ w["logits"], k["u3"], k["r3"], w["norm3"])
        g["narrow"], g["narrow bias"] = d.swapaxes(1, 2) @ k["inner"], d.sum(axis=1, keepdims=True)
        inner = d @ w["narrow"] * (k["inner"] > 0)
        g["wide"], g["wide bias"] = inner.swapaxes(1, 2) @ k["y2"], inner.sum(axis=1, keepdims=True)
        more, g["norm2"] = norm_back(inner @ w["wide"], k["u2"], k["r2"], w["norm2"])
        d = d + more
        g["output"], g["output bias"] = d.swapaxes(1, 2) @ k["mixed"], d.sum(axis=1, keepdims=True)
        mixed = split(d @ w["output"], s, names_, places)
        value = k["shares"].swapaxes(-1, -2) @ mixed
        shares = mixed @ k["value"].swapaxes(-1, -2)
        scores = k["shares"] * (shares - (shares * k["shares"]).sum(axis=-1, keepdims=True))
        scores /= sqrt(WIDTH)
        parts = {"query": scores @ k["key"], "key": scores.swapaxes(-1, -2) @ k["query"]}
        y1 = 0
        for kind, part in {**parts, "value": value}.items():
            back = joined(part)
            g[kind] = back.swapaxes(1, 2) @ k["y1"]
            y1 = y1 + back @ w[kind]
        more, g["norm1"] = norm_back(y1, k["u1"], k["r1"], w["norm1"])
        d = d + more
        g["tokens"] = np.zeros_like(w["tokens"])
        for one, indices, rows in zip(g["tokens"], k["seen"], d):
            one += (np.arange(LETTERS)[:, None] == indices) @ rows
        g["places"] = np.zeros_like(w["places"])
        g["places"][:, :places] = d.reshape(s, names_, places, SIZE).sum(axis=1)
        if not self.attention:
            g["output"][:] = 0
        return g

    def loss(self, seen, wanted, there):
        """For each network, the mean loss of a letter."""
        found = []
        for i in range(0, len(seen), 100):
            rows = seen[i : i + 100], wanted[i : i + 100], there[i : i + 100]
            shape = (len(self.seeds), *rows[0].shape)
            logits, _ = self.forward(np.broadcast_to(rows[0], shape).copy())
            top = logits.max(axis=-1, keepdims=True)
            logs = logits - top - np.log(np.exp(logits - top).sum(axis=-1, keepdims=True))
            index = np.broadcast_to(rows[1], shape).reshape(len(logs), -1, 1)
            found.append(-(np.take_along_axis(logs, index, axis=2)[..., 0] @ rows[2].ravel()))
        return sum(found) / there.sum()

    def train(self, steps, looks=()):
        """Adam (Kingma and Ba 2015, algorithm 1); the rate falls to 0 along a line."""
        data = rows_of(TRAINING)
        full = len(TRAINING) // BATCH
        for t in range(steps):
            epoch, batch = divmod(t, full)
            if batch == 0:
                orders = np.array([shuffled(len(TRAINING), (s << 32) + epoch) for s in self.seeds])
            if t in looks:
                yield t
            now = orders[:, batch * BATCH : (batch + 1) * BATCH]
            rate = RATE * (1 - t / steps)
            for name, g in self.gradient(*(part[now] for part in data)).items():
                mean, square = self.mean[name], self.square[name]
                mean *= 0.9
                mean += 0.1 * g
                square *= 0.999
                square += 0.001 * g * g
                typical = np.sqrt(square / (1 - 0.999 ** (t + 1))) + 1e-8
                self.w[name] -= rate / (1 - 0.9 ** (t + 1)) * mean / typical
        yield steps


def norm(x, gain):
    """(gain * u, u, 1 / root), where u is x over the root of its mean square."""
    r = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + SMALL)
    u = x * r
    return u * gain, u, r


def norm_back(d, u, r, gain):
    by_gain = (d * u).sum(axis=1, keepdims=True)
    d = d * gain
    return r * (d - u * (d * u).mean(axis=-1, keepdims=True)), by_gain


def split(x, s, names_, places):
    """networks x names x heads x places x WIDTH"""
    return x.reshape(s, names_, places, HEADS, WIDTH).swapaxes(2, 3)


def joined(x):
    s, names_, _, places, _ = x.shape
    return x.swapaxes(2, 3).reshape(s, names_ * places, SIZE)


# --- the embeddings of the letters ----------------------------------------------------------------

VOWELS = [1 + "abcdefghijklmnopqrstuvwxyz".index(c) for c in "aeiou"]
OTHERS = [1 + "abcdefghijklmnopqrstuvwxyz".index(c) for c in "bcdfghjklmnpqrstvwxz"]


def cosines(tokens):
    """Networks x letters x letters, vowels first; the mean of these letters is taken away."""
    x = tokens[:, VOWELS + OTHERS]
    x = x - x.mean(axis=1, keepdims=True)
    x = x / np.sqrt((x * x).sum(axis=2, keepdims=True))
    return x @ x.swapaxes(1, 2)


def vowel_gap(tokens):
    c, v = cosines(tokens), len(VOWELS)
    within = (c[:, :v, :v].sum(axis=(1, 2)) - v) / (v * (v - 1))
    return within - c[:, :v, v:].mean(axis=(1, 2))


def nearest(tokens):
    c = cosines(tokens) - 9 * np.eye(len(VOWELS + OTHERS))
    return (c[:, : len(VOWELS)].argmax(axis=2) < len(VOWELS)).sum(axis=1)


# --- parts of the file ----------------------------------------------------------------------------

TOGETHER = 12  # networks
SEEDS = range(lessons.FIRST, lessons.FIRST + 240)
STEPS = (1_000, 2_000, 5_000)


def many(steps, attention=True):
    held, tokens, tests = [], [], rows_of(TESTS)
    for i in range(0, len(SEEDS), TOGETHER):
        net = Net(SEEDS[i : i + TOGETHER], attention)
        for _ in net.train(steps):
            pass
        held += [lessons.rounded(x, 4) for x in net.loss(*tests)]
        tokens.append(net.w["tokens"])
    return held, np.concatenate(tokens)


def trained(part):
    steps = int(part.split()[0])
    held, tokens = many(steps)
    return {
        f"transformer {steps} held out": lessons.sample(held),
        f"transformer {steps} vowels": lessons.sample(
            [lessons.rounded(x) for x in vowel_gap(tokens)]
        ),
        f"transformer {steps} nearest": lessons.histogram(nearest(tokens), len(VOWELS)),
    }


def without(_):
    held, _ = many(5_000, attention=False)
    return {"transformer 5000 no attention held out": lessons.sample(held)}


PINNED = (0, 1)
LOOKS = (0, 10, 100)


def pins(_):
    """The held-out loss of single runs of 1,000 steps: early to 8 digits, at the end to 4."""
    net, tests = Net(PINNED), rows_of(TESTS)
    found = {}
    for t in net.train(1_000, LOOKS):
        for seed, loss in zip(PINNED, net.loss(*tests)):
            key = f"transformer seed {seed} step {t}"
            found[key] = lessons.rounded(loss, 8 if t <= LOOKS[-1] else 4)
    for seed, x in zip(PINNED, vowel_gap(net.w["tokens"])):
        found[f"transformer seed {seed} vowels"] = lessons.rounded(x)
    return {"pins": found}


PARTS = {
    "tables": tables,
    "transformer pins": pins,
    "no attention": without,
    **{f"{steps} steps": trained for steps in STEPS},
}


def main(parts):
    lessons.measure({name: PARTS[name] for name in parts or PARTS})


if __name__ == "__main__":
    main(sys.argv[1:])
