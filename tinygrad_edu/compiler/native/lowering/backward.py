"""Pass 4, forward pass to both passes: adjoints become rows, written by the table's rules.

Every edge adds (adjoint of the result) * (local derivative) to the adjoint of the operand, as in
`sweep`. The adjoint of a row is a row: each lane has its own. The adjoint of a uniform operand,
such as a parameter, is a sum over all lanes. Here it is a list of products; `sums` makes a row from
it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from tinygrad_edu import ops
from tinygrad_edu.chain_rule import cut
from tinygrad_edu.compiler.native.lowering.lane_sums import LaneSum, sums, sums_by_lane
from tinygrad_edu.compiler.native.lowering.nodes import (
    ONE,
    Apply,
    Beside,
    Column,
    Dots,
    Gather,
    Given,
    Lane,
    LaneSums,
    Number,
    Operand,
    Pattern,
    Product,
    Row,
    Slope,
    Slot,
    Zero,
    assert_never,
    row_of,
)
from tinygrad_edu.compiler.native.lowering.row_program import RowProgram, Writer
from tinygrad_edu.compiler.native.machine.interpreter import BLOCK
from tinygrad_edu.rows.op import Op, Rule, telling
from tinygrad_edu.rows.symbolic import Symbolic

__all__ = ["Backward", "Seeds", "backward", "backward_once"]

Seeds = dict[Row, dict[int, list[Lane]]]  # by row and lane, single lanes that add to its adjoint

# One use of a row adds a contribution to its adjoint: the local derivative, the adjoint of the
# result, and a guard. The guard is the condition of the mask through which the adjoint came; None
# if it came through no mask. See `chain_rule`.
Contribution = tuple[Operand, Row, Operand | None]


@dataclass(frozen=True)
class Backward:
    """The program of both passes, and for each wanted slot the products of its gradient."""

    program: RowProgram
    gradients: dict[int, LaneSum]


def backward(
    program: RowProgram,
    output: Row | Slot | Number | None,
    seed: Row,
    wanted: Iterable[int],
    absorbed: Collection[Row],
) -> Backward:
    """Returns the program with the adjoints of all rows between the output and the wanted slots.

    output: nearly always a row; a slot or a number if the loss has no operation. seed: its adjoint.
    absorbed: rows whose nan could be absorbed; where they are nan, their local derivatives must be
    nan, too.
    """
    sweep = _Backward(program, wanted, absorbed)
    needed = sweep.needed(program, wanted)
    if output is not None and output in needed:
        sweep.give(output, seed, ONE, None)
    sweep.run(program, needed)
    return Backward(sweep.writer.program(), sweep.gradients)


def backward_once(
    program: RowProgram, seeds: Seeds, wanted: Iterable[Row], absorbed: Collection[Row]
) -> tuple[RowProgram, dict[Row, Row]]:
    """Returns the program with adjoints of rows that no example changes, and those of `wanted`.

    seeds: what is known of the adjoints before. A row of `wanted` has no adjoint if nothing depends
    on it. The adjoint of a row is 0 in lanes without a node.
    """
    sweep = _Backward(program, (), absorbed, seeds, wanted)
    sweep.run(program, sweep.needed(program, wanted))
    return sweep.writer.program(), sweep.found


class _Backward:
    """The state of the pass.

    adjoints: contributions to each row from uses of the whole row. lanes: contributions from uses
    of single lanes, by row and lane. seeds: contributions that are single lanes, if no example
    changes the program; else None. found: the adjoints of the rows that are to be kept.
    """

    def __init__(
        self,
        program: RowProgram,
        wanted: Iterable[int],
        absorbed: Collection[Row],
        seeds: Seeds | None = None,
        kept: Iterable[Row] = (),
    ) -> None:
        self.writer, self.absorbed, self.seeds = Writer(program), absorbed, seeds
        self.kept, self.found = set(kept), dict[Row, Row]()
        self.gradients: dict[int, LaneSum] = {s: [] for s in wanted}
        self.adjoints: dict[Row, list[Contribution]] = {}
        self.lanes: dict[Row, dict[int, LaneSum]] = {}

    def needed(self, program: RowProgram, wanted: Iterable[object]) -> set[object]:
        """Returns what is wanted, and all rows that depend on it."""
        needed = set(wanted)
        for row in program.rows:
            for u in self.writer.parts(row):
                if row_of(u) in needed:
                    needed.add(row)
                    break
        return needed

    def run(self, program: RowProgram, needed: set[object]) -> None:
        for row in reversed(list(program.rows)):
            if row not in needed:
                continue
            terms, seeds = self.adjoints.pop(row, []), (self.seeds or {}).get(row, {})
            definition = self.writer.rows[row]
            if row in self.lanes:
                each = [self.lanes[row].get(lane, []) for lane in range(self.writer.lanes)]
                add = sums if self.seeds is None else sums_by_lane
                terms.append((ONE, add(self.writer, each), None))
            if isinstance(definition, Beside):
                self._pass_on_sums(definition, terms, seeds, needed)
                continue
            terms += self._gathered(seeds) if seeds else []
            if terms and row in self.kept:
                self.found[row] = self._outright(terms)
            elif terms:
                self._pass_on(row, terms, needed)

    def _gathered(self, seeds: dict[int, list[Lane]]) -> list[Contribution]:
        """Returns single lanes as rows, which are 0 in all other lanes."""
        each: list[list[Lane]] = [seeds.get(lane, []) for lane in range(self.writer.lanes)]
        found: list[Contribution] = []
        for i in range(max(map(len, each))):
            layer = (lane[i] if i < len(lane) else Number(0.0) for lane in each)
            found.append((ONE, self.writer.row(Gather(tuple(layer))), None))
        return found

    def _pass_on_sums(
        self,
        definition: Beside,
        terms: list[Contribution],
        seeds: dict[int, list[Lane]],
        needed: set[object],
    ) -> None:
        """Gives the adjoints of sums over lanes to the rows that are added up."""
        adjoints: dict[int, Lane] = {}
        if not terms and all(len(lanes) == 1 for lanes in seeds.values()):
            adjoints = {lane: lanes[0] for lane, lanes in seeds.items()}
        elif terms := terms + self._gathered(seeds):
            total = self._outright(terms)
            adjoints = {lane: Lane(total, lane) for lane in range(self.writer.lanes)}
        for i, row in enumerate(definition.rows):
            node = self.writer.rows[row]
            for hub, *others in node.terms if isinstance(node, LaneSums) else ():
                for adjoint, other in zip(map(adjoints.get, count(i * BLOCK)), others):
                    for x, y in ((hub, other), (other, hub)):
                        if adjoint is not None and x in needed:
                            self.give(x, y, adjoint, None)

    def _pass_on(self, row: Row, terms: list[Contribution], needed: set[object]) -> None:
        """Gives the adjoint of a row, times the local derivatives, to its operands."""
        adjoint, guard = self._total(terms)
        definition, parts = self.writer.rows[row], self.writer.parts(row)
        op = definition.op if isinstance(definition, Apply) else None
        tells = row in self.absorbed
        for place, u in enumerate(parts):
            if u is None or row_of(u) not in needed:
                continue
            if op is ops.mask and cut(op, place, None) and not tells:
                continue
            inner = guard
            if op is ops.mask and place == 1:
                inner = parts[0]
                if guard is not None and inner is not None:
                    inner = self.writer.operation(ops.mask, guard, inner)
            if isinstance(u, Lane) and isinstance(definition, Gather) and self.seeds is not None:
                whole = self._masked(ONE, adjoint, inner) if inner is not None else adjoint
                lanes = self.seeds.setdefault(u.row, {})
                lanes.setdefault(u.lane, []).append(Lane(whole, place))
                continue
            plain = op is ops.mask and not tells
            local = ONE if plain else self._local(row, parts, place, tells)
            self.give(u, adjoint, local, inner)

    def give(self, u: Operand, adjoint: Row, local: Operand, guard: Operand | None) -> None:
        """Adds a contribution to the adjoint of an operand."""
        if isinstance(u, Row):
            self.adjoints.setdefault(u, []).append((local, adjoint, guard))
            return
        if guard is not None:  # both factors are masked: other products need the same two rows
            adjoint = self._masked(ONE, adjoint, guard)
            local = local if local == ONE else self._masked(ONE, self.writer.as_row(local), guard)
        if isinstance(u, Lane):
            lanes = self.lanes.setdefault(u.row, {})
            lanes.setdefault(u.lane, []).append((adjoint, self.writer.as_row(local)))
        elif isinstance(u, int):
            self.gradients[u].append((adjoint, self.writer.as_row(local)))
        elif isinstance(u, Number):
            raise AssertionError("a number has no adjoint")
        else:
            assert_never(u)

    def _masked(self, local: Operand, adjoint: Row, guard: Operand) -> Row:
        """Returns local * adjoint, but 0 in lanes where the guard is 0."""
        product = adjoint if local == ONE else self.writer.dots((local, adjoint))
        return self.writer.as_row(self.writer.operation(ops.mask, guard, product))

    def _outright(self, terms: list[Contribution]) -> Row:
        """Returns the sum of contributions; it is 0 in lanes where its guard is 0."""
        total, guard = self._total(terms)
        return total if guard is None else self._masked(ONE, total, guard)

    def _total(self, terms: list[Contribution]) -> tuple[Row, Operand | None]:
        """Returns the sum of contributions, and its guard if each contribution has one."""
        if len(terms) == 1:
            local, adjoint, guard = terms[0]
            return self._sum([(local, adjoint)]), guard
        guards = list(dict.fromkeys([guard for _, _, guard in terms]))
        if len(guards) == 1:
            return self._sum([(local, adjoint) for local, adjoint, _ in terms]), guards[0]
        pairs = [
            (local, adjoint) if guard is None else (ONE, self._masked(local, adjoint, guard))
            for local, adjoint, guard in terms
        ]
        known = [guard for guard in guards if guard is not None]
        if len(known) < len(guards):
            return self._sum(pairs), None
        either, *others = known
        for guard in others:
            either = self.writer.operation(ops.either, either, guard)
        return self._sum(pairs), either

    def _sum(self, terms: list[tuple[Operand, Row]]) -> Row:
        """Returns the sum of local derivatives times adjoints.

        Two local derivatives that have the same adjoint, as in x / x, are added first. Their sum
        may be exactly 0. But the sum of their products with the adjoint may be different from 0,
        because `muladd` may round one product and not the other.
        """
        if len(terms) == 1:
            local, adjoint = terms[0]
            return adjoint if local == ONE else self.writer.dots((local, adjoint))
        locals_of: dict[Row, list[Operand]] = {}
        for local, adjoint in terms:
            locals_of.setdefault(adjoint, []).append(local)
        products: list[Product] = []
        for adjoint, found in locals_of.items():
            if len(found) == 2 and found[0] != found[1] and all(isinstance(x, Row) for x in found):
                found = [self.writer.operation(ops.add, *found)]
            products += [(local, adjoint) for local in found]
        return self.writer.dots(*products)

    def _local(self, row: Row, parts: Sequence[Operand | None], place: int, tells: bool) -> Operand:
        """Returns the local derivative of a row by its operand at that place.

        tells: whether the derivative must be nan where the row is nan.
        """
        definition, meaning = self.writer.rows[row], self.writer.meanings.get(row)
        op: Op = ops.mul
        if meaning is not None:
            op, parts = meaning
        elif isinstance(definition, Dots):
            parts, place = definition.terms[place // 2], place % 2
            if not tells:  # the rule returns the other factor as it is
                pick: Callable[..., Operand] = op.derivatives[place]  # type: ignore[assignment]
                return pick(row, *parts)
        elif isinstance(definition, Apply):
            op = definition.op
        elif isinstance(definition, Gather):
            return self.writer.pattern({place: ONE})
        elif isinstance(definition, Given | Pattern | Slope | Column | LaneSums | Beside | Zero):
            raise AssertionError(f"{definition!r} is never differentiated")
        else:
            assert_never(definition)
        rule: Rule = (telling(op) if tells else op).derivatives[place]
        local = rule(*[_Symbol(self.writer, x) for x in (row, *parts) if x is not None])
        return local.x if isinstance(local, _Symbol) else Number(float(local))


class _Symbol(Symbolic):
    """An operand as the argument of a rule: arithmetic on it writes rows."""

    __slots__ = ("writer", "x")

    def __init__(self, writer: Writer, x: Operand) -> None:
        self.writer, self.x = writer, x

    def _known(self) -> float | None:
        return float(self.x.value) if isinstance(self.x, Number) else None

    def _apply(self, op: Op, /, *args: _Symbol | float) -> _Symbol:
        xs = (u.x if isinstance(u, _Symbol) else Number(float(u)) for u in args)
        return _Symbol(self.writer, self.writer.operation(op, *xs))
