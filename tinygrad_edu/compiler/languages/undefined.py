"""The derivatives of a program where its value is nan."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tinygrad_edu.compiler.tape.tape import Tape
from tinygrad_edu.engine import Value
from tinygrad_edu.ops import CONSTANT, less, mask
from tinygrad_edu.rows.source import Source

__all__ = ["where_undefined"]


def where_undefined(
    tape: Tape, wrt: Sequence[Value], texts: Mapping[int, Source], name: Callable[[int], str]
) -> tuple[list[tuple[str, str]], list[str]]:
    """This returns lines, and the text of each derivative, where the value is nan.

    Nearly all are nan, too. But even then nothing comes through a mask that keeps out what is
    behind it, and nothing to the condition of a mask, unless its own result is nan: so it is in the
    engine. A nan goes back from the output as the adjoints do; behind masks it is nan or 0.

    texts: of each slot. name: of line 0, 1, 2, ... What the value does not depend on is nan.
    """
    output = tape.outputs[0]
    nan = texts[output]
    leads = _leading({tape.leaves[x] for x in wrt if x in tape.leaves}, tape, output)
    arriving: dict[int, dict[str, Any]] = {output: {str(nan): nan}}
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
                passed[0] = (a, here)  # less(y, y) is known: it is nan
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
    """The slots that depend on one of the leaves."""
    leads = set(leaves)
    for k in range(output + 1):
        if tape.ops[k] is not CONSTANT and (tape.a[k] in leads or tape.b[k] in leads):
            leads.add(k)
    return leads


def _needed(lines: Sequence[tuple[str, str]], texts: Sequence[str]) -> list[tuple[str, str]]:
    """The lines whose names are in the texts, or in lines that are needed."""
    words = {word for text in texts for word in re.findall(r"\w+", text)}
    kept = []
    for name, text in reversed(lines):
        if name in words:
            words.update(re.findall(r"\w+", text))
            kept.append((name, text))
    return kept[::-1]
