"""The backward pass over rows: adjoints are rows too, made by the table's own rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu.native.lowering.form import ONE
from tinygrad_edu.native.lowering.rows import Arena, Pair, Ref, Row, is_number, row_of
from tinygrad_edu.native.lowering.sums import Sum, sums
from tinygrad_edu.op import Op, telling
from tinygrad_edu.sweep import cut
from tinygrad_edu.symbolic import Symbolic

__all__ = ["Term", "backward"]

Term = tuple[Ref, Row, Ref]  # a local derivative, an adjoint, and its guard or None


def backward(
    arena: Arena, output: Ref, seed: Row, wanted: Iterable[int], quiet: set[Row]
) -> dict[int, Sum]:
    """The derivative of the output by each wanted slot: a sum over all lanes of products of rows.

    As `engine.gradient` goes, over rows instead of Values. What is used lane by lane has its
    adjoint lane by lane; what is the same in all lanes, or one lane that others use, is added up
    over all lanes. quiet: rows whose nan the output may not show, and their rules have to say.
    What comes through a mask has a guard, as in `sweep`: adjoints are multiplied inside of it.
    """
    rows = list(arena.all)
    slopes: dict[int, Sum] = {s: [] for s in wanted}
    needed: set[Ref] = set(slopes)
    for row in rows:
        if not needed.isdisjoint(map(row_of, arena.parts(row))):
            needed.add(row)
    adjoints: dict[Row, list[Term]] = {}
    lanes: dict[Row, dict[int, Sum]] = {}

    def give(u: Ref, adjoint: Row, local: Ref, guard: Ref) -> None:
        if type(u) is Row:
            adjoints.setdefault(u, []).append((local, adjoint, guard))
            return
        if guard is not None:
            local, adjoint = ONE, _masked(arena, local, adjoint, guard)
        if type(u) is int:
            slopes[u].append((adjoint, arena.as_row(local)))
        else:
            row, lane = u
            lanes.setdefault(row, {}).setdefault(lane, []).append((adjoint, arena.as_row(local)))

    if output in needed:
        give(output, seed, ONE, None)
    for row in reversed(rows):
        terms = adjoints.pop(row, [])
        if row in lanes:
            each = [lanes[row].get(lane, []) for lane in range(arena.lanes)]
            terms.append((ONE, sums(arena, each), None))
        if row in needed and terms:
            adjoint, guard = _total(arena, terms)
            for place, u in enumerate(arena.parts(row)):
                tells, inner = row in quiet, guard
                if row_of(u) not in needed or (cut(row.op, place, None) and not tells):
                    continue
                if row.op is ops.mask and place == 1:
                    inner = arena.parts(row)[0]
                    inner = inner if guard is None else arena.operation(ops.mask, guard, inner)
                plain = row.op is ops.mask and not tells
                give(u, adjoint, ONE if plain else _local(arena, row, place, tells), inner)
    return slopes


def _masked(arena: Arena, local: Ref, adjoint: Row, guard: Ref) -> Row:
    """Their product, or 0 in lanes where the guard is 0."""
    product = adjoint if local == ONE else arena.dots((local, adjoint))
    return arena.as_row(arena.operation(ops.mask, guard, product))


def _total(arena: Arena, terms: list[Term]) -> tuple[Row, Ref]:
    """The sum of local derivatives times adjoints, and its guard, if all have one."""
    guards = list(dict.fromkeys(guard for *_, guard in terms))
    if len(guards) == 1:
        return _sum(arena, [(local, adjoint) for local, adjoint, _ in terms]), guards[0]
    pairs = [
        (local, adjoint) if guard is None else (ONE, _masked(arena, local, adjoint, guard))
        for local, adjoint, guard in terms
    ]
    either = None
    if None not in guards:
        either, *others = guards
        for guard in others:
            either = arena.operation(ops.either, either, guard)
    return _sum(arena, pairs), either


def _sum(arena: Arena, terms: list[Pair]) -> Row:
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
        rule, args = ops.mul.derivatives[place % 2], [row, *row.terms[place // 2]]
    else:
        rule, args = op.derivatives[place], [row, *arena.parts(row)]
    if quiet:
        rule = telling(op or ops.mul).derivatives[place % 2]
    found = rule(*(_Operand(arena, x) for x in args))
    return found.x if isinstance(found, _Operand) else (float(found),)


class _Operand(Symbolic):
    """What a row is made of, as a rule sees it: arithmetic on it makes rows."""

    __slots__ = ("arena", "x")

    def __init__(self, arena: Arena, x: Ref) -> None:
        self.arena, self.x = arena, x

    def _known(self) -> float | None:
        return float(self.x[0]) if is_number(self.x) else None

    def _apply(self, op: Op, /, *args: Any) -> _Operand:
        xs = (u.x if isinstance(u, _Operand) else (float(u),) for u in args)
        return _Operand(self.arena, self.arena.operation(op, *xs))
