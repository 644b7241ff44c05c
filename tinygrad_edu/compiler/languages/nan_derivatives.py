"""The derivatives of a program in case its value is nan."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from tinygrad_edu.compiler.tape.tape import Tape
from tinygrad_edu.engine import Value
from tinygrad_edu.ops import CONSTANT, less, mask
from tinygrad_edu.rows.source import Source

__all__ = ["where_undefined"]


def where_undefined(
    tape: Tape, wrt: Sequence[Value], texts: Mapping[int, Source], name: Callable[[int], str]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Returns (lines, derivatives) for the case that the value is nan, as text.

    A nan of the output moves back through the graph along the same edges as the adjoints. So nearly
    all derivatives are nan. But where the condition of a mask is 0, the derivatives behind the mask
    are 0, as in the engine. The derivative by the condition is nan only if the result of the mask
    is nan. A derivative by a leaf on which the value does not depend is nan.
    texts: the text of each slot. name: names line 0, 1, 2, ...
    """
    output = tape.outputs[0]
    nan = texts[output]
    leads = _leading({tape.leaves[x] for x in wrt if x in tape.leaves}, tape, output)
    arriving: dict[int, dict[str, Source]] = {output: {str(nan): nan}}  # adjoints, by their text
    lines: list[tuple[str, str]] = []
    for k in range(output, -1, -1):
        if k not in arriving:
            continue
        first, *others = arriving[k].values()
        here = nan if str(nan) in arriving[k] else sum(others, first)
        if not str(here).isidentifier():
            lines.append((name(len(lines)), str(here)))
            here = type(nan)(lines[-1][0])
        arriving[k] = {str(here): here}
        a, b = tape.a[k], tape.b[k]
        if tape.ops[k] is mask:
            passed = [(a, mask(less(texts[k], texts[k]), here)), (b, mask(texts[a], here))]
            if k == output:
                passed[0] = (a, here)  # here y is nan, so less(y, y) is nan, too
        else:
            passed = [(a, here), (b, here)]
        for x, text in passed:
            if x in leads:
                arriving.setdefault(x, {})[str(text)] = text
    written = []
    for leaf, slope in zip(wrt, tape.gradients):
        found = arriving.get(tape.leaves[leaf], {}) if leaf in tape.leaves else {str(nan): nan}
        written.append(next(iter(found), str(texts[slope])))
    return _needed(lines, written), written


def _leading(leaves: set[int], tape: Tape, output: int) -> set[int]:
    """Returns the slots that depend on one of the leaves."""
    leads = set(leaves)
    for k in range(output + 1):
        if tape.ops[k] is not CONSTANT and (tape.a[k] in leads or tape.b[k] in leads):
            leads.add(k)
    return leads


def _needed(lines: Sequence[tuple[str, str]], texts: Sequence[str]) -> list[tuple[str, str]]:
    """Returns the lines that the texts need, directly or through other lines."""
    words = {word for text in texts for word in re.findall(r"\w+", text)}
    kept = []
    for name, text in reversed(lines):
        if name in words:
            words.update(re.findall(r"\w+", text))
            kept.append((name, text))
    return kept[::-1]
