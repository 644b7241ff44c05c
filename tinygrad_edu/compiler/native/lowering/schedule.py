"""Pass 8, row program to bytecode: level by level, with similar rows in one instruction.

The level of a row is one more than the highest level of its operands. Rows of one level can be
computed in any order. The neurons of a layer, for instance, are sums over the same rows with
different factors. One DOTS computes several such rows, and reads the shared rows once. UPDATE
changes parameters between other instructions, as soon as no later instruction reads them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import chain, pairwise, takewhile, tee, zip_longest

from tinygrad_edu.compiler.native.lowering.gradient_blocks import Block
from tinygrad_edu.compiler.native.lowering.layout import Arena, Layout
from tinygrad_edu.compiler.native.lowering.nodes import (
    ONE,
    Apply,
    Column,
    Dots,
    Gather,
    Given,
    LaneSums,
    Number,
    Pattern,
    Row,
    Slope,
    Uniform,
    Zero,
    assert_never,
    operands,
    rows_of,
)
from tinygrad_edu.compiler.native.lowering.row_program import RowProgram, Writer
from tinygrad_edu.compiler.native.machine.arithmetic import PAIRS
from tinygrad_edu.compiler.native.machine.interpreter import (
    BLOCK,
    DOTS,
    ELEMENTWISE,
    EPILOGUES,
    GATHER,
    HEAD,
    OPS,
    REDUCE,
    TRANSPOSE,
    UPDATE,
)

__all__ = ["Bytecode", "schedule"]

SLOPES = dict(PAIRS.keys())  # by operation, the derivative that the same instruction can compute


@dataclass(frozen=True)
class Bytecode:
    """numbers: the instructions. size: doubles in the arena. constants: its content, by address."""

    numbers: Sequence[int]
    size: int
    constants: Mapping[int, float]


def schedule(
    program: RowProgram, layout: Layout, blocks: Sequence[Block], sizes: Sequence[int]
) -> Bytecode:
    """Returns the bytecode of a program. sizes: the numbers of rows that DOTS can compute."""
    return _Schedule(program, layout, blocks, sizes).bytecode()


class _Schedule:
    """The state of the pass. waiting: updates of parameters that are not read any more."""

    def __init__(
        self, program: RowProgram, layout: Layout, blocks: Sequence[Block], sizes: Sequence[int]
    ) -> None:
        self.program, self.layout, self.sizes = program, layout, sizes
        self.arena, self.writer = Arena(program.lanes, layout), Writer(program)
        self.blocks = {block.gradients: i for i, block in enumerate(blocks)}
        self.slopes = {x.of: row for row, x in program.rows.items() if isinstance(x, Slope)}
        self.waiting: list[tuple[int, int, int]] = []
        self.code: list[int] = []

    def bytecode(self) -> Bytecode:
        for level in self._levels():
            for in_blocks in (False, True):
                self._instructions([row for row in level if (row in self.blocks) == in_blocks])
        while self.waiting:
            self._write(UPDATE, *self.waiting.pop(0))
        self.code += [0, 0]
        return Bytecode(self.code, self.arena.size, self.arena.numbers)

    def _levels(self) -> Iterator[list[Row]]:
        """Yields the rows that instructions compute, level by level.

        The gradient of a parameter comes after all rows that read the parameter, because UPDATE may
        change the parameter once its gradient is known.
        """
        rows = self.program.rows
        made = {r: x for r, x in rows.items() if not isinstance(x, Given | Pattern)}
        number = {row: i for i, row in enumerate(made)}
        blocks = {i: row for row, i in self.blocks.items()}
        needed = {row: [x for x in rows_of(node) if x in number] for row, node in made.items()}
        for row, node in made.items():
            for x in operands(node):
                if isinstance(x, int):
                    at = self.arena.slots[x] - self.layout.parameters_at
                    block = blocks.get(at // BLOCK)
                    if block is not None:
                        needed[block].append(row)
        order = TopologicalSorter(needed)
        order.prepare()
        while level := order.get_ready():
            yield sorted(level, key=number.__getitem__)
            order.done(*level)

    def _instructions(self, level: Sequence[Row]) -> None:
        """Writes the instructions for the rows of one level, kind by kind."""
        gathers: list[tuple[Row, Gather]] = []
        columns: list[tuple[Row, Column]] = []
        dots: list[tuple[Row, Dots]] = []
        applied: list[tuple[Row, Apply]] = []
        sums: list[tuple[Row, LaneSums]] = []
        zeros: list[Row] = []
        for row in level:
            node = self.program.rows[row]
            if isinstance(node, Dots):
                dots.append((row, node))
            elif isinstance(node, Apply):
                applied.append((row, node))
            elif isinstance(node, LaneSums):
                sums.append((row, node))
            elif isinstance(node, Gather):
                gathers.append((row, node))
            elif isinstance(node, Column):
                columns.append((row, node))
            elif isinstance(node, Zero):
                zeros.append(row)
            elif isinstance(node, Given | Pattern | Slope):
                pass  # there before the run, or computed with another row
            else:
                assert_never(node)
        self._gather(gathers)
        self._transpose(columns)
        if dots:
            self._dots(dots)
        self._apply(applied)
        self._sums(sums)
        self._update(zeros)

    def _write(self, code: int, *numbers: int) -> None:
        self.code += [code, 2 + len(numbers), *numbers]
        if self.waiting and code != UPDATE:  # one at a time, between other instructions
            self._write(UPDATE, *self.waiting.pop(0))

    def _update(self, rows: Iterable[Row]) -> None:
        """Adds the parameters of these gradients to the waiting updates."""
        places = sorted([self.blocks[row]] for row in rows if row in self.blocks)
        while places:
            count, (step,) = _run(places[:BLOCK])
            self.waiting.append((places[0][0], count, max(step, 1)))
            del places[:count]

    def _gather(self, found: Sequence[tuple[Row, Gather]]) -> None:
        """Writes GATHERs: one for all rows that are side by side."""
        self.arena.place(row for row, _ in found)
        sources: list[int] = []
        for (row, node), following in zip_longest(found, found[1:]):
            some = next(x for x in node.sources if x is not None)
            wanted = (some if x is None else x for x in node.sources)  # unused lanes stay finite
            sources += [self.arena.address(x) for x in wanted if not isinstance(x, Row)]
            sources += [0] * (-len(sources) % BLOCK)
            end = self.arena.rows[row] + len(node.sources) + -len(node.sources) % BLOCK
            if following is None or self.arena.rows[following[0]] != end:
                self._write(GATHER, end - len(sources), len(sources) // BLOCK, *sources)
                sources = []
        self._update(row for row, _ in found)

    def _transpose(self, found: Sequence[tuple[Row, Column]]) -> None:
        """Writes TRANSPOSEs: columns come eight at a time."""
        self.arena.place(row for row, _ in found)
        at = self.arena.rows
        for row, node in found[::BLOCK]:
            self._write(TRANSPOSE, at[row], *(at[x] for x in node.rows))

    def _apply(self, found: list[tuple[Row, Apply]]) -> None:
        """Writes ELEMENTWISEs.

        One instruction computes many rows if the addresses of the rows are equal steps apart, and
        the addresses of their operands are, too.
        """
        at = self.arena.rows

        def order(item: tuple[Row, Apply]) -> tuple[str, list[int]]:
            return self._name(item), [at[x] for x in reversed(item[1].rows)]

        found.sort(key=order)
        self.arena.place(row for row, _ in found)
        self.arena.place(self.slopes[row] for row, _ in found if row in self.slopes)
        names = [self._name(item) for item in found]
        beside = [self._beside(*item) for item in found]
        k = 0
        while k < len(found):
            alike = takewhile(lambda i: names[i] == names[k], range(k, len(found)))  # noqa: B023
            count, steps = _run([*beside[i], at[found[i][0]]] for i in alike)
            count = count if steps[-1] == self.arena.lanes else 1
            places = [x for pair in zip(beside[k], steps) for x in pair] * 2
            self._write(ELEMENTWISE + OPS.index(names[k]), at[found[k][0]], count, *places[:4])
            k += count

    def _name(self, item: tuple[Row, Apply]) -> str:
        """Returns the name of the instruction, which may compute the derivative as well."""
        row, node = item
        return node.op.name + (f" and {SLOPES[node.op.name]}" if row in self.slopes else "")

    def _beside(self, row: Row, node: Apply) -> list[int]:
        """Returns the addresses of the operands, and of the derivative if it is computed, too."""
        slope = [self.slopes[row]] if row in self.slopes else []
        return [self.arena.rows[x] for x in (*node.rows, *slope)]

    def _dots(self, rows: Sequence[tuple[Row, Dots]]) -> None:
        """Writes DOTSs: sums over the same rows go into one instruction."""
        found = [_Dots(row, node) for row, node in rows]
        if self.sizes[-1] > 2:
            self._own_factors(found)
        used = Counter(x for s in found for pair in s.rr for x in pair)
        alike: dict[object, list[_Dots]] = {}
        at = self.arena.rows
        for s in found:
            s.rr = [(y, x) if used[y] > used[x] else (x, y) for x, y in s.rr]
            s.find(self.arena)
            key = (s.node.epilogue, len(s.rr), *(at[r] for _, r in s.ur))
            alike.setdefault(s.row if s.uu else key, []).append(s)
        groups = [sorted(group, key=lambda s: s.columns) for group in alike.values()]
        groups.sort(key=lambda group: group[0].columns)
        self.arena.place(s.row for group in groups for s in group)
        more = [self.arena.take(self.arena.lanes) for _ in self.sizes[1:]]
        free = {*more, *(at[row] for row, _ in rows)}  # addresses that hold no needed number yet
        for group in groups:
            k = 0
            while k < len(group):
                k += self._together(group[k : k + self.sizes[-1]], free)

    def _own_factors(self, found: Sequence[_Dots]) -> None:
        """Rewrites number * row, so that sums that differ only in such numbers share one DOTS.

        A product that occurs in many of the sums stays as it is. In every other product, a row with
        this number in every lane replaces the number, so the product has two rows.
        """
        for s in found:
            filled = [(self._number_in(x), y) for x, y in s.rr]
            s.ur += [(x, y) for x, y in filled if x is not None]
            s.rr = [pair for pair, (x, _) in zip(s.rr, filled) if x is None]
        fixed = Counter(pair for s in found for pair in s.ur if isinstance(pair[0], Number))
        for s in found:
            most = 2 if all(isinstance(u, Number) for u, _ in s.ur) else len(found)
            common: list[tuple[Uniform, Row]] = []
            for u, row in s.ur:
                if isinstance(u, Number) and fixed[u, row] <= most:
                    s.rr.append((self._filling(u), row))
                else:
                    common.append((u, row))
            s.ur = common

    def _number_in(self, row: Row) -> Number | None:
        """Returns the number that a row has in all lanes; None if they differ or are unknown."""
        node = self.program.rows.get(row)
        if isinstance(node, Pattern) and len({*map(repr, node.numbers)}) == 1:
            return Number(node.numbers[0])
        return None

    def _filling(self, x: Number) -> Row:
        """Returns the row with that number in every lane; gives it an address if it has none."""
        row = self.writer.filling(x)
        node = self.writer.rows[row]
        if row not in self.arena.rows and isinstance(node, Pattern):
            self.arena.place_pattern(row, node)
        return row

    def _together(self, group: Sequence[_Dots], free: set[int]) -> int:
        """Writes one DOTS for as many of the first sums as possible, and returns their number.

        It may compute more rows than are needed, if their addresses are free: that is faster than
        two instructions.
        """
        for s in group:
            s.columns[-1] = [self.arena.rows[s.row]]
        first, columns = group[0], group[0].columns
        count, found = _run(list(chain(*s.columns)) for s in group)
        each = iter(found)
        steps = [{step for _, step in zip(column, each)} or {0} for column in columns]
        if any(len(step) > 1 for step in steps):
            count, steps = 1, [{0}] * len(steps)
        u_step, a_step, b_step, init_step, other_step, out_step = (min(step) for step in steps)
        us, a, b, (init,), (other,), (out,) = columns
        j = max(i for i, size in enumerate(self.sizes) if size <= count)
        larger = self.sizes[min(j + 1, len(self.sizes) - 1)]
        if larger // 2 < count < larger:
            ends = [x + (larger - 1) * min(step) for xs, step in zip(columns, steps) for x in xs]
            inside = min(ends) >= 0 and max(ends) + self.arena.lanes <= self.arena.size
            j += inside and free.issuperset(out + i * out_step for i in range(count, larger))
        count = min(count, self.sizes[j])
        free.difference_update(self.arena.rows[s.row] for s in group[:count])
        pairs = [x for u, (_, r) in zip(us, first.ur) for x in (u, self.arena.rows[r])]
        pairs += [self.arena.address(u) for pair in first.uu for u in pair]
        pairs += [x for pair in zip(a, b) for x in pair]
        epilogue = EPILOGUES.index(first.node.epilogue)
        head = (out, out_step, init, init_step, len(us), u_step, epilogue)
        rest = (other, other_step, len(first.uu), len(a), a_step, b_step)
        assert 2 + len(head) + len(rest) == HEAD
        self._write(DOTS + j, *head, *rest, *pairs)
        self._update(s.row for s in group[:count])
        return count

    def _sums(self, found: Sequence[tuple[Row, LaneSums]]) -> None:
        """Writes REDUCEs: eight sums each, or sixteen if two hubs multiply the same rows."""
        at = self.arena.rows
        parts = []
        for row, node in found:
            others = [at[x] for _, *eight in node.terms for x in eight]
            parts.append((others, [at[hub] for hub, *_ in node.terms], [at[row]]))
        parts.sort(reverse=True)  # neighbours read the same rows
        while parts:
            others, hubs, outs = parts.pop()
            if parts and parts[-1][0] == others and len(hubs) == 1:
                _, more, further = parts.pop()
                hubs, outs = hubs + more, outs + further
            n = len(hubs) // len(outs)
            lists = [
                x for t in range(n) for x in (*hubs[t::n], *others[t * BLOCK : (t + 1) * BLOCK])
            ]
            self._write(REDUCE + len(outs) - 1, n, *outs, *lists)
        self._update(row for row, _ in found)


class _Dots:
    """A row that DOTS computes, with its products by the kinds of their factors.

    ur: the first factor is uniform, the second is a row. rr: both are rows. uu: both are uniform.
    init: the first number of the sum. columns: six lists of addresses: the uniform factors of `ur`,
    the first rows of `rr`, the second rows of `rr`, init, the epilogue's row, and the row itself.
    One DOTS computes several rows if each list has a step of its own: from one row to the next, all
    addresses in the list grow by this step.
    """

    def __init__(self, row: Row, node: Dots) -> None:
        self.row, self.node, number = row, node, -0.0  # -0 + x is x, even for -0
        self.ur: list[tuple[Uniform, Row]] = []
        self.rr: list[tuple[Row, Row]] = []
        self.uu: list[tuple[Uniform, Uniform]] = []
        for x, y in node.terms:
            if isinstance(x, Row):
                if isinstance(y, Row):
                    self.rr.append((x, y))
                else:
                    self.ur.append((y, x))
            elif isinstance(y, Row):
                self.ur.append((x, y))
            elif isinstance(x, Number) and isinstance(y, Number):
                number += x.value * y.value
            else:
                self.uu.append((x, y))
        self.init: Uniform = Number(number)
        if not number and self.uu and self.uu[0][0] == ONE:
            _, self.init = self.uu.pop(0)
        self.columns: list[list[int]] = []

    def find(self, arena: Arena) -> None:
        """Sets `columns`. The row itself has no address yet."""
        other = 0 if self.node.other is None else arena.rows[self.node.other]
        self.columns = [
            [arena.address(u) for u, _ in self.ur],
            [arena.rows[x] for x, _ in self.rr],
            [arena.rows[y] for _, y in self.rr],
            [arena.address(self.init)],
            [other],
            [arena.rows.get(self.row, -1)],
        ]


def _run(places: Iterable[Sequence[int]]) -> tuple[int, list[int]]:
    """Returns (length, steps) of the longest arithmetic sequence at the start of `places`.

    Each place has several addresses, and each of them has its own step. A sequence of two places
    counts as one place if the second begins a longer sequence.
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
