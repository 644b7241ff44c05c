"""The table: rows become instructions, level by level, what is alike together.

Rows that are ready at the same time, and are sums of the same rows with other factors (a layer of
neurons), are made by one instruction, which reads those rows once. Parameters change (UPDATE)
between other instructions, as soon as nobody reads them any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from graphlib import TopologicalSorter
from itertools import chain, pairwise, takewhile, tee, zip_longest
from typing import Any

from tinygrad_edu.native.lowering.form import ONE
from tinygrad_edu.native.lowering.rows import Arena, Pair, Ref, Row, is_number
from tinygrad_edu.native.lowering.sums import Gradients
from tinygrad_edu.native.machine.arithmetic import PAIRS
from tinygrad_edu.native.machine.instructions import (
    BLOCK,
    DOTS,
    FINISH,
    GATHER,
    HEAD,
    OPS,
    ROWS,
    SUMS,
    TURN,
    UPDATE,
)

__all__ = ["Schedule"]


class Schedule:
    """`table`, of an arena whose rows are made by DOTS `sizes` at a time."""

    def __init__(self, arena: Arena, gradients: Gradients, sizes: Sequence[int]) -> None:
        self.arena, self.gradients, self.sizes = arena, gradients, sizes
        self.updates: list[tuple[int, int, int]] = []  # of parameters that nobody reads any more
        self.table: list[int] = []
        writers = {
            "gather": self._gather,
            "turn": self._turn,
            "dots": self._dots,
            "operation": self._ops,
            "sums": self._sums,
            "zero": self._change,
        }
        for level in self._levels():
            for last in (False, True):
                for kind, write in writers.items():
                    rows = [r for r in level if r.kind == kind and (r in gradients.rows) == last]
                    if rows:
                        write(rows)
        while self.updates:
            self._write(UPDATE, *self.updates.pop(0))
        self.table += [0, 0]

    def _levels(self) -> Iterator[list[Row]]:
        """The rows by level, which is one more than the highest of their operands'.

        A gradient's is higher than those of all that read its parameters, which then may change.
        """
        number = {row: i for i, row in enumerate(self.arena.all)}
        blocks = {block: row for row, block in self.gradients.rows.items()}
        needed = {row: [x for x in row.operands() if x in number] for row in number}
        for row in number:
            for u in row.refs():
                at = self.arena.addresses[u] if type(u) is int else -1
                block = blocks.get((at - self.gradients.parameters_at) // BLOCK)
                if block is not None:
                    needed[block].append(row)
        order = TopologicalSorter(needed)
        order.prepare()
        while level := order.get_ready():
            yield sorted(level, key=number.__getitem__)
            order.done(*level)

    def _write(self, code: int, *numbers: int) -> None:
        self.table += [code, 2 + len(numbers), *numbers]
        if self.updates and code != UPDATE:  # some at a time, while others are computed
            self._write(UPDATE, *self.updates.pop(0))

    def _change(self, rows: Sequence[Row]) -> None:
        """Has the parameters of these gradients change soon, a few at a time."""
        places = sorted([self.gradients.rows[row]] for row in rows if row in self.gradients.rows)
        while places:
            count, (step,) = _run(places[:BLOCK])
            self.updates.append((places[0][0], count, max(step, 1)))
            del places[:count]

    def _gather(self, rows: list[Row]) -> None:
        """Rows of lanes side by side; a lane that does not matter is like another: finite."""
        self.arena.place(rows)
        sources: list[int] = []
        for row, following in zip_longest(rows, rows[1:]):
            some = next(u for u in row.args if u is not None)
            sources += [self.arena.address(some if u is None else u) for u in row.args]
            sources += [0] * (-len(sources) % BLOCK)
            end = row.at + len(row.args) + -len(row.args) % BLOCK
            if following is None or following.at != end:
                self._write(GATHER, end - len(sources), len(sources) // BLOCK, *sources)
                sources = []
        self._change(rows)

    def _turn(self, rows: list[Row]) -> None:
        self.arena.place(rows)
        for row in rows[::BLOCK]:  # they were made together
            self._write(TURN, row.at, *(x.at for x in row.args))

    def _ops(self, rows: list[Row]) -> None:
        rows.sort(key=lambda row: (_name(row), [x.at for x in reversed(row.args)]))
        self.arena.place(rows)
        self.arena.place([row.slope for row in rows if row.slope is not None])
        k = 0
        while k < len(rows):
            alike = takewhile(lambda i: _name(rows[i]) == _name(rows[k]), range(k, len(rows)))  # noqa: B023
            count, steps = _run([*_beside(rows[i]), rows[i].at] for i in alike)
            count = count if steps[-1] == self.arena.lanes else 1
            places = [x for pair in zip(_beside(rows[k]), steps) for x in pair] * 2
            self._write(ROWS + OPS.index(_name(rows[k])), rows[k].at, count, *places[:4])
            k += count

    def _dots(self, rows: list[Row]) -> None:
        found = [_Dots(row) for row in rows]
        if self.sizes[-1] > 2:
            self._own(found)
        used = Counter(x for s in found for pair in s.rr for x in pair)
        alike: dict[Any, list[_Dots]] = {}
        for s in found:
            s.rr = [(y, x) if used[y] > used[x] else (x, y) for x, y in s.rr]
            s.find(self.arena)
            key = (s.row.finish, len(s.rr), *(r.at for _, r in s.ur))
            alike.setdefault(s.row if s.uu else key, []).append(s)
        groups = [sorted(group, key=lambda s: s.columns) for group in alike.values()]
        groups.sort(key=lambda group: group[0].columns)
        self.arena.place([s.row for group in groups for s in group])
        more = [self.arena.take(self.arena.lanes) for _ in self.sizes[1:]]
        self.free = {*more, *(row.at for row in rows)}  # where nothing is yet that is wanted
        for group in groups:
            k = 0
            while k < len(group):
                k += self._together(group[k : k + self.sizes[-1]])

    def _own(self, found: Sequence[_Dots]) -> None:
        """Writes products with a number so that rows with each its own go together.

        Where a row is in many of the sums it is common to them, else a row times a row.
        """
        given = {x for s in found for pair in s.rr for x in pair if x.kind == "given"}
        filled = {x: x.args[:1] for x in given if len({*map(repr, x.args)}) == 1}
        for s in found:
            s.ur += [(filled[x], y) for x, y in s.rr if x in filled]
            s.rr = [(x, y) for x, y in s.rr if x not in filled]
        fixed = Counter(pair for s in found for pair in s.ur if is_number(pair[0]))
        for s in found:
            most = 2 if all(is_number(u) for u, _ in s.ur) else len(found)
            own = [is_number(pair[0]) and fixed[pair] <= most for pair in s.ur]
            s.rr += [(self.arena.filling(u[0]), r) for (u, r), is_own in zip(s.ur, own) if is_own]
            s.ur = [pair for pair, is_own in zip(s.ur, own) if not is_own]

    def _together(self, group: Sequence[_Dots]) -> int:
        """Writes DOTS for as many of the first as go together, and says how many.

        It makes more rows than are wanted, rather than that there be two instructions, if these
        are where a row is written later.
        """
        for s in group:
            s.columns[-1] = [s.row.at]
        first, columns = group[0], group[0].columns
        count, found = _run(list(chain(*s.columns)) for s in group)
        each = iter(found)
        steps = [{step for _, step in zip(column, each)} or {0} for column in columns]
        if any(len(step) > 1 for step in steps):
            count, steps = 1, [{0}] * len(steps)
        u_step, a_step, b_step, init_step, other_step, out_step = (min(step) for step in steps)
        (us, a, b, (init,), (other,), (out,)) = columns
        j = max(i for i, size in enumerate(self.sizes) if size <= count)
        larger = self.sizes[min(j + 1, len(self.sizes) - 1)]
        if larger // 2 < count < larger:
            ends = [x + (larger - 1) * min(step) for xs, step in zip(columns, steps) for x in xs]
            inside = min(ends) >= 0 and max(ends) + self.arena.lanes <= self.arena.size
            wanted = (out + i * out_step for i in range(count, larger))
            j += inside and self.free.issuperset(wanted)
        count = min(count, self.sizes[j])
        self.free.difference_update(s.row.at for s in group[:count])
        pairs = [x for u, (_, r) in zip(us, first.ur) for x in (u, r.at)]
        pairs += [self.arena.address(u) for pair in first.uu for u in pair]
        pairs += [x for pair in zip(a, b) for x in pair]
        head = (out, out_step, init, init_step, len(us), u_step, FINISH.index(first.row.finish))
        rest = (other, other_step, len(first.uu), len(a), a_step, b_step)
        assert 2 + len(head) + len(rest) == HEAD
        self._write(DOTS + j, *head, *rest, *pairs)
        self._change([s.row for s in group[:count]])
        return count

    def _sums(self, rows: list[Row]) -> None:
        """Eight sums at a time, or twice eight, if these are of the same other rows."""
        parts = []
        for row in rows:
            others = [x.at for _, *eight in row.terms for x in eight]
            parts.append((others, [hub.at for hub, *_ in row.terms], [row.at]))
        parts.sort(reverse=True)  # in an order, because what was just read is near
        while parts:
            others, hubs, outs = parts.pop()
            if parts and parts[-1][0] == others and len(hubs) == 1:
                _, more, further = parts.pop()
                hubs, outs = hubs + more, outs + further
            n = len(hubs) // len(outs)
            lists = [
                x for t in range(n) for x in (*hubs[t::n], *others[t * BLOCK : (t + 1) * BLOCK])
            ]
            self._write(SUMS + len(outs) - 1, n, *outs, *lists)
        self._change(rows)


def _name(row: Row) -> str:
    """What ROWS calls the operation of a row, together with its slope if it makes that, too."""
    slope = next((b for a, b in PAIRS if a == row.op.name and row.slope is not None), "")
    return " and ".join(filter(None, (row.op.name, slope)))


def _beside(row: Row) -> list[int]:
    """The addresses of its operands, and of its slope if it makes one."""
    return [*(x.at for x in row.args), *([] if row.slope is None else [row.slope.at])]


class _Dots:
    """The products of a row of DOTS, by what they are of: `ur`, something the same in all lanes
    and a row; `rr`, two rows; `uu`, what is the same in all lanes, of which one is `init`.

    columns: addresses of the u's, the first and second of `rr`, init, the other row, the row."""

    def __init__(self, row: Row) -> None:
        self.row, number = row, -0.0  # to which anything can be added
        self.ur: list[Pair] = []
        self.rr: list[Pair] = []
        self.uu: list[Pair] = []
        for x, y in row.terms:
            if is_number(x) and is_number(y):
                number += x[0] * y[0]
            elif type(x) is Row and type(y) is Row:
                self.rr.append((x, y))
            elif type(x) is Row or type(y) is Row:
                self.ur.append((y, x) if type(x) is Row else (x, y))
            else:
                self.uu.append((x, y))
        self.init: Ref = (number,)
        if not number and self.uu and self.uu[0][0] == ONE:
            _, self.init = self.uu.pop(0)

    def find(self, arena: Arena) -> None:
        """Finds `columns`."""
        self.columns = [[arena.address(u) for u, _ in self.ur]]
        self.columns += [[pair[k].at for pair in self.rr] for k in (0, 1)]
        other = self.row.other.at if self.row.other else 0
        self.columns += [[arena.address(self.init)], [other], [self.row.at]]


def _run(places: Iterable[Sequence[int]]) -> tuple[int, list[int]]:
    """How many of the first lists are the same steps apart, and these steps.

    Two lists always are some steps apart; where the second begins a longer run, it is one.
    """
    places, ahead = tee(places)
    steps: list[list[int]] = []
    for x, y in pairwise(places):
        steps.append([b - a for a, b in zip(x, y)])
        if len(steps) > 2 and steps[-1] != steps[0]:
            break
    count = 1 + sum(1 for _ in takewhile(lambda step: step == steps[0], steps))
    if count == 1 or (count == 2 < len(steps) and steps[1] == steps[2]):
        return 1, [0] * len(next(ahead))
    return count, steps[0]
