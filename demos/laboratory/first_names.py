"""First names, from the package `names`, and tables that count their letters.

The package has the first names of the US census of 1990. It is an extra, imported only here;
nothing is downloaded. A name is a word in small letters. Token 0 is the mark that stands before and
behind each name; the letters are 1 to 26.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from math import log
from pathlib import Path
from typing import NamedTuple

from tinygrad_edu.data import shuffled
from tinygrad_edu.errors import MissingError

__all__ = [
    "ALPHABET",
    "CONSTANTS",
    "HELD_OUT",
    "MARK",
    "TOKENS",
    "Split",
    "blended",
    "counted",
    "names",
    "placed",
    "text_of",
    "tokens",
    "unseen",
]

ALPHABET = ".abcdefghijklmnopqrstuvwxyz"
MARK, TOKENS = ALPHABET[0], len(ALPHABET)
HELD_OUT = 500
CONSTANTS = (1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)  # that are tried, to be added to each count


class Split(NamedTuple):
    """The names to train on, and those that are held out; together, each name once."""

    training: list[str]
    held_out: list[str]


@cache
def names() -> Split:
    """All names, in a random order that is always the same. MissingError without the package."""
    try:
        import names as package
    except ImportError:
        raise MissingError(
            "this lesson needs a list of names: pip install 'tinygrad-edu[lessons]', "
            "or pip install names"
        ) from None
    folder, found = Path(package.__file__).parent, set()
    for file in ("dist.female.first", "dist.male.first"):
        lines = (folder / file).read_text(encoding="ascii").splitlines()
        found |= {line.split()[0].lower() for line in lines}
    order = shuffled(sorted(found), 0)
    return Split(order[HELD_OUT:], order[:HELD_OUT])


def tokens(name: str) -> list[int]:
    """The tokens of a name, with a mark before it and behind it."""
    return [ALPHABET.index(c) for c in f"{MARK}{name}{MARK}"]


def text_of(some: Sequence[int]) -> str:
    """The letters of these tokens."""
    return "".join(ALPHABET[token] for token in some)


# --- tables of counts -----------------------------------------------------------------------------


def _pairs(words: Sequence[str], n: int) -> Iterator[tuple[str, str]]:
    """Yields (the n - 1 letters before, the letter) for each letter, and the mark at the end."""
    start = max(n - 1, 1)
    for word in words:
        text = MARK * start + word + MARK
        for i in range(start, len(text)):
            yield text[i - n + 1 : i], text[i]


def counted(n: int) -> tuple[float, float]:
    """(loss on the held-out names, constant) of the table that sees n - 1 letters before.

    The probability of a letter is (its count + k) / (the count of all letters + 27 k), after the
    same n - 1 letters. The constant k is the one of CONSTANTS that is best on the held-out names.
    """
    words = names()
    pairs = Counter(_pairs(words.training, n))
    before = Counter(context for context, _ in _pairs(words.training, n))
    return _best([(pairs[pair], before[pair[0]]) for pair in _pairs(words.held_out, n)])


def placed() -> float:
    """The loss on the held-out names of the table that sees one letter, and its place."""

    def seen(some: Sequence[str]) -> Iterator[tuple[tuple[int, str], str]]:
        for word in some:
            yield from (((i, a), b) for i, (a, b) in enumerate(pairwise(MARK + word + MARK)))

    words = names()
    pairs, before = Counter(seen(words.training)), Counter(at for at, _ in seen(words.training))
    tests = [(pairs[pair], before[pair[0]]) for pair in seen(words.held_out)]
    return _best(tests)[0]


def _best(tests: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """The least loss with one of CONSTANTS added to each count, and this constant.

    tests: for each letter, its count and that of all letters in its place.
    """

    def loss(k: float) -> float:
        return sum(-log((count + k) / (total + TOKENS * k)) for count, total in tests) / len(tests)

    return min((loss(k), k) for k in CONSTANTS)


def blended(n: int) -> float:
    """The loss on the held-out names of a table that blends all contexts of up to n - 1 letters.

    After letters with c counts of k different letters, the probability is c / (c + k) times the
    share of the letter, plus k / (c + k) times the probability after one letter less (Witten and
    Bell 1991, method C).
    """
    words = names()
    pairs = [Counter(_pairs(words.training, m)) for m in range(1, n + 1)]
    before, kinds = [Counter[str]() for _ in pairs], [Counter[str]() for _ in pairs]
    for counts, total, kind in zip(pairs, before, kinds):
        for (context, _), count in counts.items():
            total[context] += count
            kind[context] += 1
    losses = []
    for whole, letter in _pairs(words.held_out, n):
        p = 1 / TOKENS
        for m, (counts, total, kind) in enumerate(zip(pairs, before, kinds)):
            context = whole[len(whole) - m :]
            if total[context]:
                k = kind[context]
                p = (counts[context, letter] + k * p) / (total[context] + k)
        losses.append(-log(p))
    return sum(losses) / len(losses)


def unseen(n: int) -> float:
    """The share of the held-out letters that never follow these n - 1 letters in the training."""
    words = names()
    pairs = {*_pairs(words.training, n)}
    tests = [pair not in pairs for pair in _pairs(words.held_out, n)]
    return sum(tests) / len(tests)
