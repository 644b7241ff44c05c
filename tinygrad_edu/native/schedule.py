"""The table: rows become instructions, level by level, what is alike together.

Rows that are ready at the same time, and are sums of the same rows with other uniform factors (a
layer of neurons), are made by one instruction, which reads those rows once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby, pairwise, takewhile
from typing import Any

from tinygrad_edu.native.machine import (
    BLOCK,
    DOTS,
    FINISH,
    GATHER,
    HEAD,
    OPS,
    ROWS,
    SUMS,
    TURN,
)
from tinygrad_edu.native.rows import Arena, Row


class Cycle(Exception):  # noqa: N818  (nothing is wrong: another lowering is tried)
    """Rows that wait for each other."""


class Schedule:
    """`table`, of an arena whose rows are made by DOTS `sizes` at a time.

    far: from the gradients to their parameters.
    """

    def __init__(self, arena: Arena, sizes: Sequence[int], far: int) -> None:
        self.arena, self.sizes, self.far = arena, sizes, far
        self.table: list[int] = []
        writers = {
            "gather": self._gather,
            "turn": self._turn,
            "dots": self._dots,
            "rows": self._ops,
            "sums": self._sums,
        }
        for rows in _levels(arena.all):
            kinds: dict[str, list[Row]] = {}
            for row in rows:
                kinds.setdefault(row.kind, []).append(row)
            for kind, write in writers.items():
                if kind in kinds:
                    write(kinds[kind])
        self.table += [0, 0]

    def _write(self, code: int, *numbers: int) -> None:
        self.table += [code, 2 + len(numbers), *numbers]

    def _place(self, rows: Sequence[Row]) -> int:
        """The address of the first of these rows, which get room side by side."""
        lanes = self.arena.lanes
        out = self.arena.take(len(rows) * lanes)
        for i, row in enumerate(rows):
            row.at = out + i * lanes
        return out

    def _gather(self, rows: list[Row]) -> None:
        fresh = [row for row in rows if row.at < 0]
        together = (self._place(fresh), [u for row in fresh for u in row.init])
        for at, sources in (together, *((row.at, row.init) for row in rows if row not in fresh)):
            if sources:
                self._write(GATHER, at, len(sources), *map(self.arena.address, sources))

    def _turn(self, rows: list[Row]) -> None:
        for k in range(0, len(rows), BLOCK):  # they were made together
            out = self._place(rows[k : k + BLOCK])
            self._write(TURN, out, *(x.at for x in rows[k].rr[0]))

    def _ops(self, rows: list[Row]) -> None:
        rows.sort(key=lambda row: (row.op, [x.at for x in reversed(row.rr[0])]))
        for op, these in groupby(rows, key=lambda row: row.op):
            alike = list(these)
            operands = [[x.at for x in row.rr[0]] for row in alike]
            k = 0
            while k < len(alike):
                count, steps = _run(operands[k:])
                places = [x for pair in zip(operands[k], steps) for x in pair] * 2
                out = self._place(alike[k : k + count])
                self._write(ROWS, out, count, OPS.index(op), *places[:4])
                k += count

    def _dots(self, rows: list[Row]) -> None:
        if self.sizes[-1] > 2:
            self._own(rows)
        address, used = self.arena.address, Counter(r for row in rows for p in row.rr for r in p)
        alike: dict[Any, list[tuple[list[list[int]], Row]]] = {}
        for row in rows:
            row.rr = [(y, x) if used[y] > used[x] else (x, y) for x, y in row.rr]
            key = (row.finish, len(row.rr), *(r.at for _, r in row.ur))
            columns = [[address(u) for u, _ in row.ur]]
            columns += [[pair[k].at for pair in row.rr] for k in (0, 1)]
            columns += [[address(row.init)], [row.other.at if row.other else 0], [row.at]]
            alike.setdefault(row if row.uu else key, []).append((columns, row))
        for members in alike.values():
            members.sort(key=lambda member: member[0])
            k = 0
            while k < len(members):
                k += self._together(members[k : k + self.sizes[-1]])

    def _own(self, rows: Sequence[Row]) -> None:
        """Writes products with a constant so that rows with each its own go together.

        Where a row is in many of the sums it is common to them, else a row times a row.
        """
        arena = self.arena
        filled = {row: x for x, row in arena.filled.items()}
        for row in rows:
            found = [*row.ur, *((filled[x], y) for x, y in row.rr if x in filled)]
            row.rr = [(x, y) for x, y in row.rr if x not in filled]
            numbers = [arena.number(u) if type(u) is int else None for u, _ in found]
            row.ur = [(u if x is None else x, r) for x, (u, r) in zip(numbers, found)]
        fixed = Counter(pair for row in rows for pair in row.ur if type(pair[0]) is float)
        for row in rows:
            most = 2 if all(type(u) is float for u, _ in row.ur) else len(rows)
            own = [type(u) is float and fixed[u, r] <= most for u, r in row.ur]
            row.rr += [(arena.filling(u), r) for (u, r), is_own in zip(row.ur, own) if is_own]
            row.ur = [pair for pair, is_own in zip(row.ur, own) if not is_own]

    def _together(self, members: list[tuple[list[list[int]], Row]]) -> int:
        """Writes DOTS for as many of the first members as go together, and says how many."""
        (us, a, b, (init,), (other,), (out,)), first = members[0]
        steps, count = [0] * 6, 1
        if len(members) > 1:
            found = [
                [_step(x, y) for x, y in zip(one[0], next_[0])] for one, next_ in pairwise(members)
            ]
            if None not in found[0]:
                count = 1 + sum(1 for _ in takewhile(lambda steps: steps == found[0], found))
                steps = [step or 0 for step in found[0]]
        j = max(i for i, size in enumerate(self.sizes) if size <= count)
        count = self.sizes[j]
        if out < 0:
            out = self._place([row for _, row in members[:count]])
            steps[5] = self.arena.lanes
        u_step, a_step, b_step, init_step, other_step, out_step = steps
        pairs = [x for u, (_, r) in zip(us, first.ur) for x in (u, r.at)]
        pairs += [self.arena.address(u) for pair in first.uu for u in pair]
        pairs += [x for pair in zip(a, b) for x in pair]
        head = (out, out_step, init, init_step, len(us), u_step, FINISH.index(first.finish))
        rest = (other, other_step, len(first.uu), len(a), a_step, b_step)
        assert 2 + len(head) + len(rest) == HEAD
        self._write(DOTS + j, *head, *rest, *pairs)
        return count

    def _sums(self, rows: list[Row]) -> None:
        zero = self.arena.filling(0.0)
        parts: list[tuple[list[int], list[int], list[int], list[int]]] = []
        for row in rows:
            for k in range(0, max((len(term) - 1 for term in row.rr), default=1), BLOCK):
                others = [(*term[1:][k : k + BLOCK], *[zero] * BLOCK)[:BLOCK] for term in row.rr]
                scaled = [x for _, r in row.ur for x in (r.at, row.at + k + self.far)]
                hubs = [term[0].at for term in row.rr]
                parts.append(
                    ([x.at for other in others for x in other], scaled, hubs, [row.at + k])
                )
        parts.sort(reverse=True)  # in an order, because what was just read is near
        while parts:
            others_at, scaled, hubs, outs = parts.pop()
            if parts and not scaled and parts[-1][:2] == (others_at, []) and len(hubs) == 1:
                _, _, more, further = parts.pop()
                hubs, outs = hubs + more, outs + further
            n = len(hubs) // len(outs)
            lists = [x for t in range(n) for x in (*hubs[t::n], *others_at[t * BLOCK :][:BLOCK])]
            code = SUMS + len(outs) - 1
            self._write(code, n, len(scaled) // 2, *outs, *lists, *scaled)


def _run(places: Sequence[list[int]]) -> tuple[int, list[int]]:
    """How many of the first lists are the same steps apart, and these steps."""
    steps = [0] * len(places[0])
    if len(places) > 1:
        steps = [y - x for x, y in zip(places[0], places[1])]
    count = 1
    while count < len(places) and places[count] == [
        x + step for x, step in zip(places[count - 1], steps)
    ]:
        count += 1
    return count, steps


def _step(xs: Sequence[int], ys: Sequence[int]) -> int | None:
    """How far the second list is from the first, if that is one number."""
    steps = {y - x for x, y in zip(xs, ys)}
    return None if len(steps) > 1 else steps.pop() if steps else 0


def _levels(rows: dict[Row, None]) -> list[list[Row]]:
    """The rows by level, which is one more than the highest of their operands'.

    Cycle if some wait for each other.
    """
    waiting: dict[Row, int] = {}
    users: dict[Row, list[Row]] = {}
    for row in rows:
        needed = {x for x in row.operands() if x.kind != "given"}
        waiting[row] = len(needed)
        for x in needed:
            users.setdefault(x, []).append(row)
    ready = [row for row, count in waiting.items() if not count]
    levels: list[list[Row]] = []
    while ready:
        levels.append(ready)
        following = []
        for row in ready:
            for user in users.get(row, ()):
                waiting[user] -= 1
                if not waiting[user]:
                    following.append(user)
        ready = following
    if sum(map(len, levels)) < len(rows):
        raise Cycle
    return levels
