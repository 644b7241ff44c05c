"""Writes a Tape as text: as lines of a program in some language, or as a table for readers.

No derivative is known here. A line is an operation of the table applied to text, as in `formula`. A
slot that is used once is written inside the expression that uses it, if this expression stays short
enough for readers and flat enough for parsers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from math import nan
from types import MappingProxyType
from typing import Any, NamedTuple

from tinygrad_edu.compiler.tape.tape import Tape
from tinygrad_edu.ops import CONSTANT, LEAF, TABLE
from tinygrad_edu.rows.formula import rounded
from tinygrad_edu.rows.op import Op
from tinygrad_edu.rows.source import Source, dissolved

__all__ = ["DEEPEST", "LONGEST", "Line", "free", "lines", "names", "readable", "table"]

DEEPEST = 40  # levels of brackets in an expression; C promises 63 (C99, 5.2.4.1)
LONGEST = 72  # characters of an expression inside another


class Line(NamedTuple):
    """The line `name = text`, for a slot, or for a part that several operations share."""

    slot: int
    name: str
    text: str


def lines(
    tape: Tape,
    kind: type[Source],
    names: Callable[[int], str],
    ends: Sequence[int],
    *,
    kept: Collection[int] = (),
    longest: int = LONGEST,
    own: Mapping[Any, str] = MappingProxyType({}),
    part: Callable[[int], str] = "p{}".format,
) -> tuple[list[Line], dict[int, Source]]:
    """Returns (lines, texts): the lines of a program, and the text that stands for each slot.

    A slot has a line `name = expr` or is written where it is used. ends: the slots that are wanted;
    what they do not need is left out. kept: slots that always have a line. own: names of operations
    that are not in the table; a user's other operations dissolve into what they are made of. part:
    names the parts that operations share.
    """

    def dissolves(op: Op, exponent: str) -> bool:
        if op.primitive or op in own:
            return False
        own_row = kind.foreign and op is not TABLE.get(op.name)
        return own_row or (kind.dissolves and not kind.form(op, exponent))

    needed, uses = set(ends), Counter(ends)
    for k in reversed(range(len(tape))):
        if k in needed:
            a, b, op = tape.a[k], tape.b[k], tape.ops[k]
            exponent = kind(tape.data[b]).text if b >= 0 and tape.ops[b] is CONSTANT else ""
            for x, place, letter in ((a, "{0}", "a"), (b, "{1}", "b")):
                if x >= 0:
                    needed.add(x)
                    if dissolves(op, exponent):
                        assert op.traced is not None
                        uses[x] += sum(term.op == letter for term in op.traced.uses())
                    else:
                        uses[x] += max(1, kind.form(op, exponent).count(place))
    made: list[Line] = []
    texts: dict[int, Source] = {}
    depth: dict[int, int] = {}
    shared: dict[str, str] = {}  # the name of each part of operations that dissolve
    for k in sorted(needed):
        op, operands = tape.ops[k], [x for x in (tape.a[k], tape.b[k]) if x >= 0]
        depth[k] = 1 + max((depth[x] for x in operands), default=-1)
        if op is CONSTANT:
            texts[k] = kind(tape.data[k])
        elif op is LEAF:
            texts[k] = kind(names(k))
        else:
            args = [texts[x] for x in operands]
            if op in own:
                text = kind(f"{own[op]}({', '.join(map(str, args))})")
            elif dissolves(op, args[-1].text):

                def share(text: str, k: int = k) -> str:
                    if text not in shared:
                        shared[text] = part(len(shared))
                        made.append(Line(k, shared[text], text))
                    return shared[text]

                assert op.traced is not None
                text = dissolved(op.traced, dict(zip("ab", args)), share)
            else:
                text = op(*args)
            if uses[k] == 1 and k not in kept and depth[k] < DEEPEST and len(text.text) <= longest:
                texts[k] = text
            else:
                made.append(Line(k, names(k), text.text))
                texts[k], depth[k] = kind(names(k)), 0
    return made, texts


_READABLE = re.compile(r"[^\W\d][\w.\[\]']*")


def readable(label: str) -> str:
    """Returns the label if readers take it for one name, else ''."""
    return label if _READABLE.fullmatch(label) else ""


def names(tape: Tape, write: Callable[[str], str] = readable) -> list[str]:
    """Returns a name for each slot: its label, if no other slot has it, or v3, as in a picture.

    The adjoint of x is called d_x, and any other slot t7, by its number. write: returns the name
    that a label becomes, '' if it cannot be a name. A label that already is a name is kept.
    """
    count = Counter(tape.labels.values())
    labels = {k: x for k, x in tape.labels.items() if count[x] == 1}
    kept = {k: x for k, x in labels.items() if write(x) == x}
    taken = set(kept.values())
    called = [
        kept.get(k) or free(write(labels.get(k, "")) or f"v{tape.ids[k]}", taken)
        for k in range(tape.forward)
    ]
    called += [free(f"t{k}", taken) for k in range(tape.forward, len(tape))]
    for k, d in tape.adjoints.items():
        if d >= tape.forward and called[d].startswith("t"):
            called[d] = free(f"d_{called[k]}", taken)
    return called


def free(name: str, taken: set[str]) -> str:
    """Returns the name, with _ added until no label has it, and adds it to `taken`."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def table(tape: Tape, numbers: bool = True, precision: int = 4) -> str:
    """Returns the tape as a table: the id in a picture, the name, the formula and the number.

    The forward pass comes first, then the adjoints: d_x is d output / d x.
    """
    called = names(tape)
    ends = [*tape.outputs, *tape.gradients, *tape.adjoints.values()]
    kept = {*range(tape.forward), *tape.adjoints.values()}
    made, texts = lines(tape, Source, called.__getitem__, ends, kept=kept)
    told = {line.slot: line.text for line in made}
    owners: dict[int, list[int]] = {}
    for k, d in tape.adjoints.items():
        owners.setdefault(d, []).append(k)
    rows = [("id", "name", "formula", "number")]
    data = tape.run()
    taken = set(called)
    defined = data[tape.outputs[0]] == data[tape.outputs[0]]  # else no derivative is

    def write(k: int, name: str, formula: str, node: int | None = None) -> None:
        place = k if node is None else node
        i = str(tape.ids[place]) if place < tape.forward else ""
        has_number = defined or (node is None and k < tape.forward) or node == tape.outputs[0]
        number = data[k] if has_number else nan
        rows.append((i, name, formula, rounded(number, precision)))

    for k in range(tape.forward):
        if k in told or tape.ops[k] is LEAF:
            write(k, called[k], told.get(k, "given"))
    if len(rows) == 1:
        rows.append(
            ("", "output", str(texts[tape.outputs[0]]), rounded(data[tape.outputs[0]], precision))
        )
    backward = [d for d in owners if d not in told or d < tape.forward]  # constants, and copies
    for d in [*backward, *(k for k in told if k >= tape.forward)]:
        for i, node in enumerate(owners.get(d, [None])):
            first = node is None or (not i and d >= tape.forward)
            name = called[d] if first or node is None else free(f"d_{called[node]}", taken)
            write(d, name, told[d] if first and d in told else str(texts[d]), node)
    if not numbers:
        rows = [(*row[:3], "") for row in rows]
    width = [max(map(len, column)) for column in zip(*rows)]
    return "".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, width)).rstrip() + "\n" for row in rows
    )
