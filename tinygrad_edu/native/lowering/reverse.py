"""The backward pass over rows: adjoints are rows too, made by the table's own rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu.formula import Symbolic
from tinygrad_edu.native.lowering.form import ONE
from tinygrad_edu.native.lowering.rows import Arena, Pair, Ref, Row, row_of
from tinygrad_edu.native.lowering.sums import Sum, sums
from tinygrad_edu.ops import Op


def backward(
    arena: Arena, output: Ref, seed: Row, wanted: Iterable[int], quiet: set[Row]
) -> dict[int, Sum]:
    """The derivative of the output by each wanted slot: a sum over all lanes of products of rows.

    As `engine.gradient` goes, over rows instead of Values. What is used lane by lane has its
    adjoint lane by lane; what is the same in all lanes, or one lane that others use, is added up
    over all lanes. quiet: rows whose nan the output may not show, and their rules have to say.
    """
    rows = list(arena.all)
    slopes: dict[int, Sum] = {s: [] for s in wanted}
    needed: set[Ref] = set(slopes)
    for row in rows:
        if not needed.isdisjoint(map(row_of, arena.parts(row))):
            needed.add(row)
    adjoints: dict[Row, list[Pair]] = {}
    lanes: dict[Row, dict[int, Sum]] = {}

    def give(u: Ref, adjoint: Row, local: Ref) -> None:
        if type(u) is Row:
            adjoints.setdefault(u, []).append((local, adjoint))
        elif type(u) is int:
            slopes[u].append((adjoint, arena.as_row(local)))
        else:
            row, lane = u
            lanes.setdefault(row, {}).setdefault(lane, []).append((adjoint, arena.as_row(local)))

    if output in needed:
        give(output, seed, ONE)
    for row in reversed(rows):
        terms = adjoints.pop(row, [])
        if row in lanes:
            each = [lanes[row].get(lane, []) for lane in range(arena.lanes)]
            terms.append((ONE, sums(arena, each)))
        if row in needed and terms:
            adjoint = _total(arena, terms)
            for place, u in enumerate(arena.parts(row)):
                if row_of(u) in needed:
                    give(u, adjoint, _local(arena, row, place, row in quiet))
    return slopes


def _total(arena: Arena, terms: list[Pair]) -> Row:
    """The sum of local derivatives times adjoints.

    Two that are times the same adjoint, as of x / x, are added first: they may cancel, and then a
    product that was not rounded would show.
    """
    locals_of: dict[Row, list[Ref]] = {}
    for local, adjoint in terms:
        locals_of.setdefault(adjoint, []).append(local)
    terms = []
    for adjoint, found in locals_of.items():
        if len({*found}) == 2 == len(found) and type(found[0]) is type(found[1]) is Row:
            found = [arena.operation(ops.add, *found)]
        terms += ((local, adjoint) for local in found)
    return terms[0][1] if len(terms) == 1 and terms[0][0] == ONE else arena.dots(*terms)


def _local(arena: Arena, row: Row, place: int, quiet: bool) -> Ref:
    """The local derivative of a row by its part of that place."""
    if row.kind == "gather":
        return arena.pattern({place: ONE})
    op = arena.meant.get(row, (row.op, ()))[0]
    if op is None:
        rule, args = ops.mul.derivatives[place % 2], [None, *row.terms[place // 2]]
    else:
        rule, args = op.derivatives[place], [row, *arena.parts(row)]
    found = rule(*(_Operand(arena, x) for x in args))
    if quiet:
        y = _Operand(arena, row)  # and less(y, y) is 0, but nan where y is
        found = found + ops.less(y, y)
    return found.x if isinstance(found, _Operand) else (float(found),)


class _Operand(Symbolic):
    """What a row is made of, as a rule sees it: arithmetic on it makes rows."""

    __slots__ = ("arena", "x")

    def __init__(self, arena: Arena, x: Ref) -> None:
        self.arena, self.x = arena, x

    def _apply(self, op: Op, *args: Any) -> _Operand:
        xs = (u.x if isinstance(u, _Operand) else (float(u),) for u in args)
        return _Operand(self.arena, self.arena.operation(op, *xs))
