"""What a page that trains shows over the inputs: axes, examples as marks, and what can be chosen.

None of it changes, so it is written once, as HTML and as data; `web/train.js` paints the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from tinygrad_edu.analysis.graph import Graph, jsonable
from tinygrad_edu.draw.theme import printable
from tinygrad_edu.rows.formula import rounded

__all__ = ["controls", "plane"]

_SIDE = 312.0  # of the map, as web/train.html has it
_BATCHES = (1, 2, 5, 10, 20, 50, 100)


def plane(lesson: Mapping[str, Any], whole: Graph) -> dict[str, Any]:
    """This returns more entries of `train`, for the axes of a curve or of a map.

    names: of the inputs. spans: of each input, the ends of its axis. over, marks: in words, the
    axes of a map, and what its marks mean.
    """
    names = [
        printable(whole.names[leaf]) if leaf >= 0 else f"input {i}"
        for i, leaf in enumerate(lesson["inputs"], 1)
    ]
    spans = [_span([row[i] for row in lesson["examples"]]) for i in range(len(names))]
    across, *up = (
        f"{name} from {rounded(low, 2)} to {rounded(high, 2)}"
        for name, (low, high) in zip([names[0], *(f"{x}, upwards," for x in names[1:])], spans)
    )
    marks = f"Squares have targets above {rounded(lesson['middle'], 2)}, circles below."
    if lesson["kind"] == "largest":
        marks = (
            "Digits are classes." if _digits(lesson) else "Squares are class 1, circles class 0."
        )
    return {
        "names": names,
        "spans": [[*map(jsonable, ends)] for ends in spans],
        "over": ", and ".join([f"over {across}", *up[:1]]),
        "marks": marks,
    }


def controls(lesson: Mapping[str, Any], whole: Graph) -> dict[str, str]:
    """This returns the marks of `web/train.html`: what can be chosen, and the examples."""
    inputs, count = len(lesson["inputs"]), len(lesson["examples"])
    last = {
        node.group: node.id
        for node in whole.nodes
        if node.group and node.op and node.id <= max(lesson["outputs"])
    }
    units = sorted((i, printable(group.replace("/", "."))) for group, i in last.items())
    sizes = [(0, f"all {count}"), *((n, str(n)) for n in _BATCHES if n < count)]
    return {
        "INPUTS": str(inputs),
        "COUNT": str(count),
        "RATE": repr(lesson["rate"]).removesuffix(".0"),
        "UNITS": _options(units),
        "BATCHES": _options(sizes),
        "EXAMPLES": "".join(_examples(lesson)) if inputs == 2 else "",
    }


def _options(choices: Sequence[tuple[int, str]]) -> str:
    return "".join(f'<option value="{value}">{escape(text)}' for value, text in choices)


def _span(xs: Sequence[float]) -> tuple[float, float]:
    """The range of an input over the examples, with a margin."""
    margin = 0.25 * (max(xs) - min(xs)) or 1.0
    return min(xs) - margin, max(xs) + margin


def _digits(lesson: Mapping[str, Any]) -> bool:
    """Whether the marks say classes, because there are more than two."""
    return lesson["kind"] == "largest" and len(lesson["outputs"]) > 2


def _examples(lesson: Mapping[str, Any]) -> list[str]:
    """The examples as marks on the map: each has its own look, and two frames."""
    (left, right), (bottom, top) = (_span([row[i] for row in lesson["examples"]]) for i in (0, 1))
    made = []
    for (x, y, *_), number in zip(lesson["examples"], lesson["classes"]):
        where = (
            f"{_SIDE * (x - left) / (right - left):.1f} {_SIDE * (top - y) / (top - bottom):.1f}"
        )
        looks = ["one"] * bool(number) + ["digit"] * _digits(lesson)
        text = f"<text>{number}</text>" if _digits(lesson) else ""
        made.append(
            f'<g class="{" ".join(looks)}" transform="translate({where})"><rect class="own"/>{text}'
            '<rect class="ring"/><rect class="frame"/></g>'
        )
    return made
