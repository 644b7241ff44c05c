"""A Tape as text: its lines in some language, and as a table to follow with a finger.

No derivative is known here. A line is a row of the table applied to text, as `formula` does it;
a slot that is used once is written inside the expression that uses it, as long as that stays
short enough for readers, and flat enough for parsers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from math import nan
from types import MappingProxyType
from typing import Any, ClassVar

from tinygrad_edu.formula import Formula, rounded
from tinygrad_edu.ops import CONSTANT, LEAF, TABLE, Op, neg
from tinygrad_edu.tape import Tape

DEEPEST = 40  # levels of one expression; the least that parsers promise is 63 (C99, 5.2.4.1)
LONGEST = 72  # characters of an expression that goes into another


class Source(Formula):
    """A formula in a language, in which `forms` are the rows that it writes in its own way."""

    __slots__ = ()
    forms: ClassVar[Mapping[str, str]] = {}
    words: ClassVar[Mapping[str, str]] = {}  # for inf and nan
    suffix: ClassVar[str] = ""  # of a whole number

    def __init__(self, text: str | float, strength: int = Formula("").strength) -> None:
        super().__init__(text, strength)
        if not isinstance(text, str):
            short = self.text if self.text != "-0" else "-0.0"
            self.text = short + self.suffix * short.lstrip("-").isdigit()
            for word, written in self.words.items():
                self.text = self.text.replace(word, written)

    @classmethod
    def form(cls, op: Op, b: str) -> str:
        """How a row is written in a way of its own, '' if there is none; "pow 2" for b = 2."""
        if op is not TABLE.get(op.name):
            return ""
        return cls.forms.get(f"{op.name} {b}") or cls.forms.get(op.name, "")

    def _apply(self, op: Op, *args: Any) -> Formula:
        operands = [self._of(x) for x in args]
        form = self.form(op, operands[-1].text)
        if op is neg and operands[0].text.startswith("-"):
            operands = [type(self)(f"({operands[0]})")]  # --x is something else in C
        return type(self)(form.format(*operands)) if form else super()._apply(op, *operands)


def lines(
    tape: Tape,
    kind: type[Source],
    names: Callable[[int], str],
    ends: Sequence[int],
    *,
    kept: Collection[int] = (),
    longest: int = LONGEST,
    own: Mapping[int, str] = MappingProxyType({}),
) -> tuple[list[tuple[int, str]], dict[int, Source]]:
    """The slots that are a line of their own, with their expressions; how each slot is referred to.

    ends: the slots that are wanted; what they do not need is left out. kept: slots that are lines
    in any case. own: what to call operations that are not in the table, by id().
    """
    needed, uses = set(ends), Counter(ends)
    for k in reversed(range(len(tape))):
        if k in needed:
            a, b = tape.a[k], tape.b[k]
            exponent = kind(tape.data[b]).text if b >= 0 and tape.ops[b] is CONSTANT else ""
            for x, place in ((a, "{0}"), (b, "{1}")):
                if x >= 0:
                    needed.add(x)
                    uses[x] += max(1, kind.form(tape.ops[k], exponent).count(place))
    made: list[tuple[int, str]] = []
    texts: dict[int, Source] = {}
    depth: dict[int, int] = {}
    for k in sorted(needed):
        op, operands = tape.ops[k], [x for x in (tape.a[k], tape.b[k]) if x >= 0]
        depth[k] = 1 + max((depth[x] for x in operands), default=-1)
        if op is CONSTANT:
            texts[k] = kind(tape.data[k])
        elif op is LEAF:
            texts[k] = kind(names(k))
        else:
            args = [texts[x] for x in operands]
            own_call = f"{own.get(id(op))}({', '.join(map(str, args))})"
            text = kind(own_call) if id(op) in own else op(*args)
            if uses[k] == 1 and k not in kept and depth[k] < DEEPEST and len(text.text) <= longest:
                texts[k] = text
            else:
                made.append((k, text.text))
                texts[k], depth[k] = kind(names(k)), 0
    return made, texts


_READABLE = re.compile(r"[^\W\d][\w.\[\]']*")


def readable(label: str) -> str:
    """The label if a reader takes it for one name, else ''."""
    return label if _READABLE.fullmatch(label) else ""


def names(tape: Tape, write: Callable[[str], str] = readable) -> list[str]:
    """What to call each slot: its label, if it is the only one, or v3, as in a picture.

    The adjoint of x is d_x, and what is neither is t7, by its slot. write: the name that a label
    becomes, '' if it cannot be a name. A label that is its own name is kept in any case.
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
    """The name, with as many _ after it as it takes: a label may be like it. It is taken then."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def table(tape: Tape, numbers: bool = True, places: int = 4) -> str:
    """The tape line by line: a picture's id, the name, the formula it came from, its number.

    First the forward pass, then the adjoints: d_x is d output / d x.
    """
    called = names(tape)
    ends = [*tape.outputs, *tape.gradients, *tape.adjoints.values()]
    kept = {*range(tape.forward), *tape.adjoints.values()}
    made, texts = lines(tape, Source, called.__getitem__, ends, kept=kept)
    told = dict(made)
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
        told = defined or (node is None and k < tape.forward) or node == tape.outputs[0]
        number = data[k] if told else nan
        rows.append((i, name, formula, rounded(number, places)))

    for k in range(tape.forward):
        if k in told or tape.ops[k] is LEAF:
            write(k, called[k], told.get(k, "given"))
    if len(rows) == 1:
        rows.append(
            ("", "output", str(texts[tape.outputs[0]]), rounded(data[tape.outputs[0]], places))
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
