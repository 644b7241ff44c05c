"""The lines of a program that computes a tape, as text in some language.

A line is `name = expression`. The expression is an operation of the table applied to text, as in
`formula`, so this module contains no rule of a derivative. A slot that is used once has no line of
its own: it is written inside the expression that uses it, if that stays short enough for readers
and flat enough for parsers. For x*w + b the tape has five slots, and the program may have one line:

    y = x * w + b
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from tinygrad_edu.compiler.tape.tape import Tape
from tinygrad_edu.ops import CONSTANT, LEAF, TABLE
from tinygrad_edu.rows.op import Op
from tinygrad_edu.rows.source import Source, dissolved
from tinygrad_edu.rows.terms import Term

__all__ = ["DEEPEST", "LONGEST", "Line", "lines"]

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
    own: Mapping[Op, str] = MappingProxyType({}),
    part: Callable[[int], str] = "p{}".format,
) -> tuple[list[Line], dict[int, Source]]:
    """Returns (lines, texts): the lines of a program, and the text that stands for each slot.

    The text of a slot is the name of its line, or the expression itself. ends: the wanted slots;
    slots that they do not need are left out. kept: slots that always have a line. longest:
    characters of an expression inside another. own: names for some of the user's operations.
    Each of the others is replaced by the operations that it is made of. part: makes a name from a
    number, for each expression that several operations share.
    """
    writer = _Writer(tape, kind, own, part)
    uses = writer.uses(ends)
    depth: dict[int, int] = {}  # levels of brackets in the text of a slot
    for k in sorted(uses):
        depth[k] = 0
        if tape.ops[k] is CONSTANT:
            writer.texts[k] = kind(tape.data[k])
        elif tape.ops[k] is LEAF:
            writer.texts[k] = kind(names(k))
        else:
            depth[k] = 1 + max([depth[x] for x in tape.operands(k)])
            text = writer.expression(k)
            inside = uses[k] == 1 and k not in kept and depth[k] < DEEPEST
            if inside and len(text.text) <= longest:
                writer.texts[k] = text
            else:
                writer.lines.append(Line(k, names(k), text.text))
                writer.texts[k], depth[k] = kind(names(k)), 0
    return writer.lines, writer.texts


class _Writer:
    """The lines as they are written. shared: the name of each shared part, by its text."""

    def __init__(
        self, tape: Tape, kind: type[Source], own: Mapping[Op, str], part: Callable[[int], str]
    ) -> None:
        self.tape, self.kind, self.own, self.part = tape, kind, own, part
        self.lines: list[Line] = []
        self.texts: dict[int, Source] = {}
        self.shared: dict[str, str] = {}

    def uses(self, ends: Sequence[int]) -> Counter[int]:
        """Returns how often the text of each needed slot occurs in other expressions."""
        tape, uses = self.tape, Counter(ends)
        for k in reversed(range(len(tape))):
            operands = tape.operands(k)
            if operands and k in uses:
                op, b = tape.ops[k], operands[-1]
                is_known = len(operands) == 2 and tape.ops[b] is CONSTANT
                exponent = self.kind(tape.data[b]).text if is_known else ""
                parts = self._parts(op, exponent)
                form = "" if parts is not None else self.kind.form(op, exponent)
                for x, place, letter in zip(operands, ("{0}", "{1}"), "ab"):
                    if parts is not None:
                        uses[x] += sum(term.op == letter for term in parts.uses())
                    else:
                        uses[x] += form.count(place) or 1
        return uses

    def expression(self, k: int) -> Source:
        """Returns the expression that computes slot k from the texts of its operands."""
        op, args = self.tape.ops[k], [self.texts[x] for x in self.tape.operands(k)]
        if op in self.own:
            return self.kind(f"{self.own[op]}({', '.join(map(str, args))})")
        parts = self._parts(op, args[-1].text)
        if parts is None:
            text: Source = op(*args)
            return text

        def share(text: str) -> str:
            if text not in self.shared:
                self.shared[text] = self.part(len(self.shared))
                self.lines.append(Line(k, self.shared[text], text))
            return self.shared[text]

        return dissolved(parts, dict(zip("ab", args)), share)

    def _parts(self, op: Op, exponent: str) -> Term | None:
        """Returns the operation as a formula; None if the language can write the operation.

        exponent: the text of the second operand, on which the form of a power depends.
        """
        if op.primitive or op in self.own:
            return None
        is_users = self.kind.foreign and op is not TABLE.get(op.name)
        if is_users or (self.kind.dissolves and not self.kind.form(op, exponent)):
            assert op.traced is not None
            return op.traced
        return None
