"""What is done to a sum at last, DOTS does itself: its row takes in the row of the sum."""

from __future__ import annotations

from collections import Counter

from tinygrad_edu import ops
from tinygrad_edu.native.lowering.form import ONE
from tinygrad_edu.native.lowering.rows import MINUS, Arena, Ref, Row

__all__ = ["fuse"]


def fuse(arena: Arena) -> None:
    """Takes in sums that one row alone uses, and leaves out rows that nobody does."""
    uses = Counter(x for row in arena.all for x in row.operands())
    for row in reversed(list(arena.all)):
        if not uses[row] and row.at < 0:
            uses.subtract(row.operands())
            del arena.all[row]
            if row.kind == "slope":
                row.args[0].slope = None

    def free(x: Ref) -> int:
        """How many terms it has, if it may be taken in, or 0."""
        plain = type(x) is Row and x.kind == "dots" and not x.finish and uses[x] == 1
        return len(x.terms) if plain else 0

    for row in list(arena.all):
        x: Ref = None
        other: Ref = None
        finish = "times"
        if row.op is ops.relu:
            (x,), finish = row.args, "relu"
        elif row.kind == "dots" and len(row.terms) == 1 and not row.finish:
            other, x = sorted(row.terms[0], key=free)
            if type(other) is not Row:
                continue
        if not free(x):
            continue
        if other is not None and uses[other] == 1:
            y = other.other
            if other.op is ops.step:
                finish, y = "times step", other.args[0]
            if finish != "times":
                del arena.all[other]
                other = y
        row.kind, row.op, row.args, row.terms = "dots", None, (), x.terms
        row.finish, row.other = finish, other
        del arena.all[x]
    for row in arena.all:
        if row.kind == "dots" and len(row.terms) == 2 and not row.finish:
            (one, x), (sign, y) = row.terms
            if one == ONE and sign in (ONE, MINUS) and type(x) is type(y) is Row:
                row.kind, row.args, row.terms = "operation", (x, y), ()
                row.op = ops.add if sign == ONE else ops.sub
