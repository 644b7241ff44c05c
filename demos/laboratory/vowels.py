"""Do the vowels find each other? Measures of the vectors of the letters."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, sqrt
from statistics import mean

__all__ = ["CONSONANTS", "LETTERS", "VOWELS", "Vectors", "gap", "nearest", "plane_of", "projected"]

VOWELS = "aeiou"
CONSONANTS = "bcdfghjklmnpqrstvwxz"  # y is left out: it can be either
LETTERS = VOWELS + CONSONANTS + "y"
_ROUNDS = 500  # far more than needed

Vectors = Sequence[Sequence[float]]


def _directions(tokens: Vectors, letters: str) -> list[list[float]]:
    """The vectors of these letters minus their mean, with the length 1; token 1 is a."""
    vectors = [tokens[ord(c) - ord("a") + 1] for c in letters]
    middle = [mean(column) for column in zip(*vectors)]
    rows = [[x - m for x, m in zip(row, middle)] for row in vectors]
    return [[x / hypot(*row) for x in row] for row in rows]


def _cosines(tokens: Vectors) -> list[list[float]]:
    """Between all letters but y, vowels first; the mean of the vectors is taken away."""
    units = _directions(tokens, VOWELS + CONSONANTS)
    return [[sum(a * b for a, b in zip(one, other)) for other in units] for one in units]


def gap(tokens: Vectors) -> float:
    """The mean cosine between two vowels, minus that between a vowel and a consonant."""
    rows, v = _cosines(tokens), len(VOWELS)
    within = [rows[i][j] for i in range(v) for j in range(i)]
    between = [x for row in rows[:v] for x in row[v:]]
    return mean(within) - mean(between)


def nearest(tokens: Vectors) -> dict[str, str]:
    """For each vowel, the letter with the largest cosine."""
    letters, found = VOWELS + CONSONANTS, {}
    for i, row in enumerate(_cosines(tokens)[: len(VOWELS)]):
        others = [(x, letters[j]) for j, x in enumerate(row) if j != i]
        found[letters[i]] = max(others)[1]
    return found


def plane_of(tokens: Vectors) -> list[list[float]]:
    """The two axes of the plane in which the directions of the letters differ most.

    They are found by repeated multiplication with the covariance. The sign is such that the vowels
    are on the positive side, on average.
    """
    rows = _directions(tokens, LETTERS)
    size, found = len(rows[0]), list[list[float]]()
    for k in range(2):
        axis = [1.0 if i == k else 0.1 for i in range(size)]
        for _ in range(_ROUNDS):
            along = [sum(x * a for x, a in zip(row, axis)) for row in rows]
            axis = [sum(y * row[i] for y, row in zip(along, rows)) for i in range(size)]
            for other in found:
                part = sum(a * b for a, b in zip(axis, other))
                axis = [a - part * b for a, b in zip(axis, other)]
            length = sqrt(sum(a * a for a in axis))
            axis = [a / length for a in axis]
        side = sum(x * a for row in rows[: len(VOWELS)] for x, a in zip(row, axis))
        found.append([a if side >= 0 else -a for a in axis])
    return found


def projected(tokens: Vectors, axes: Vectors) -> list[tuple[float, float]]:
    """The place of the direction of each of LETTERS in the plane of two axes."""
    rows = _directions(tokens, LETTERS)
    x, y = ([sum(a * b for a, b in zip(row, axis)) for row in rows] for axis in axes)
    return list(zip(x, y))
