"""One attention head at one place of a name, as a graph small enough to draw.

The query, the keys and the values are numbers of a trained network; they are the leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tinygrad_edu import exp
from tinygrad_edu.demos.laboratory.first_names import tokens
from tinygrad_edu.demos.laboratory.writer import Writer
from tinygrad_edu.engine import Value, no_grad
from tinygrad_edu.groups import group
from tinygrad_edu.nn.layers import residual, total

__all__ = ["OneHead", "one_head"]


class OneHead(NamedTuple):
    """output: the first number that the head reads at the last place. shares: of the places.

    error: the distance of the output from that of the network.
    """

    output: Value
    shares: list[Value]
    error: float


def one_head(model: Writer, name: str, index: int, digits: int = 3) -> OneHead:
    """The head of that index, at the third token of a name; leaves are rounded to some digits."""
    head = model.block.attention.heads[index]
    seen = tokens(name)[:3]
    with no_grad():
        xs = residual(model.tokens(seen), model.places(range(len(seen))))
        ys = [model.block.norm1(x) for x in xs]
        made = [head.query(ys[-1]), *map(head.key, ys), *map(head.value, ys)]
    n = len(seen)
    query, *rest = [[round(x.data, digits) for x in vector] for vector in made]
    q = _leaves("q", query)
    keys = [_leaves(f"k{j}", key) for j, key in enumerate(rest[:n], 1)]
    values = [Value(value[0], f"v{j}") for j, value in enumerate(rest[n:], 1)]
    scores = []
    for j, key in enumerate(keys, 1):
        with group(f"score {j}"):
            score = total([a * b for a, b in zip(q, key)]) / head.width**0.5
            score.label = f"score{j}"
            scores.append(score)
    with group("softmax"):
        powers = [exp(score) for score in scores]
        whole = total(powers)
        shares = [power / whole for power in powers]
    for j, share in enumerate(shares, 1):
        share.label = f"share{j}"
    with group("mean"):
        output = total([share * value for share, value in zip(shares, values)])
    output.label = "read"
    with no_grad():
        keys_and_values = [[list(map(Value, row)) for row in part] for part in (rest[:n], rest[n:])]
        theirs = head.attend(list(map(Value, query)), *keys_and_values)[0]
    return OneHead(output, shares, abs(output.data - theirs.data))


def _leaves(name: str, numbers: Sequence[float]) -> list[Value]:
    return [Value(x, f"{name}[{i}]") for i, x in enumerate(numbers, 1)]
