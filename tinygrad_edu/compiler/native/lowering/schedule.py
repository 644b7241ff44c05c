"""Pass 8, row program to bytecode: level by level, with similar rows in one instruction.

The level of a row is one more than the highest level of its operands. Rows of one level can be
computed in any order. The neurons of a layer, for instance, are sums over the same rows with
different factors. One DOTS computes several such rows, and reads the shared rows once. UPDATE
changes parameters between other instructions, as soon as no later instruction reads them.
"""

from __future__ import annotations

from array import array
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from operator import attrgetter, itemgetter

from tinygrad_edu.compiler.native.lowering.gradient_blocks import Blocks
from tinygrad_edu.compiler.native.lowering.layout import Arena, Layout
from tinygrad_edu.compiler.native.lowering.nodes import (
    ONE,
    Apply,
    Beside,
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
MOST_BLOCKS = 4  # in one UPDATE: its divisions overlap with the sums before and after it
CODES = {name: ELEMENTWISE + i for i, name in enumerate(OPS)}


@dataclass(frozen=True)
class Bytecode:
    """numbers: the instructions. size: doubles in the arena. constants: its content, by address."""

    numbers: Sequence[int]
    size: int
    constants: Mapping[int, float]


def schedule(
    program: RowProgram, layout: Layout, found: Blocks, sizes: Sequence[int], hubs: int
) -> Bytecode:
    """Returns the bytecode of a program.

    sizes: the numbers of rows that DOTS can compute. hubs: the most hubs of a REDUCE.
    """
    return _Schedule(program, layout, found, sizes, hubs).bytecode()


class _Schedule:
    """The state of the pass.

    waiting: updates of parameters that are not read any more. fillings: the rows that have one
    number in all lanes, with this number. blocks: by row of gradients, the numbers of the blocks
    that have gradients in it. unfinished: by block, the rows that have its gradients and are not
    computed yet. reading: by row of parameters, the numbers of the blocks that are in it.
    """

    def __init__(
        self,
        program: RowProgram,
        layout: Layout,
        found: Blocks,
        sizes: Sequence[int],
        hubs: int,
    ) -> None:
        self.program, self.layout, self.sizes, self.hubs = program, layout, sizes, hubs
        self.arena, self.writer = Arena(program.lanes, layout), Writer(program)
        self.order = found.blocks
        self.blocks = {block.gradients: [i] for i, block in enumerate(found.blocks)}
        self.reading: dict[Row, list[int]] = {}
        for k, window in enumerate(found.windows):
            begin, end = k * program.lanes // BLOCK, -(-(k + 1) * program.lanes // BLOCK)
            inside = [*range(begin, min(end, len(found.blocks)))]
            self.reading[window.parameters] = inside
            if window.gradients is not None:
                self.blocks[window.gradients] = inside
                for i in inside:
                    self.blocks.pop(found.blocks[i].gradients, None)
        self.unfinished: list[set[Row]] = [set() for _ in found.blocks]
        for row, inside in self.blocks.items():
            for i in inside:
                self.unfinished[i].add(row)
        self.slopes = {x.of: row for row, x in program.rows.items() if isinstance(x, Slope)}
        self.waiting: deque[tuple[int, int, int]] = deque()
        self.fillings = {row: x for row in program.rows if (x := self._number_in(row)) is not None}
        self.code = array("i")

    def bytecode(self) -> Bytecode:
        for rows, gradients in self._levels():
            self._instructions(rows)
            self._instructions(gradients)
        while self.waiting:
            self._write(UPDATE, self.waiting.popleft())
        self.code.extend((0, 0))
        return Bytecode(self.code, self.arena.size, self.arena.numbers)

    def _levels(self) -> Iterable[tuple[list[Row], list[Row]]]:
        """Returns the rows that instructions compute, level by level, gradients of blocks apart.

        The gradient of a parameter comes after all rows that read the parameter, because UPDATE may
        change the parameter once its gradient is known. No row reads it.
        """
        block_of = {p: i for i, block in enumerate(self.order) for p in block.parameters}
        level_of: dict[Row, int] = {}
        readers = [-1] * len(self.order)  # by block: the last level that reads its parameters
        rows: dict[int, list[Row]] = {}
        gradients: dict[int, list[Row]] = {}
        for row, node in self.program.rows.items():  # operands first, but for gradients
            if row in self.blocks:
                continue
            if isinstance(node, Given | Pattern):
                level_of[row] = -1
                continue
            level = -1
            for x in rows_of(node):
                if level_of[x] > level:
                    level = level_of[x]
            level_of[row] = level = level + 1
            rows.setdefault(level, []).append(row)
            if not isinstance(node, Apply):
                for slot in operands(node):
                    if isinstance(slot, int) and slot in block_of:
                        readers[block_of[slot]] = max(readers[block_of[slot]], level)
            for read in rows_of(node) if self.reading else ():
                for i in self.reading.get(read, ()):
                    readers[i] = max(readers[i], level)
        for row in self.program.rows:
            if row in self.blocks:
                needed = map(level_of.__getitem__, rows_of(self.program.rows[row]))
                level_of[row] = 1 + max(*map(readers.__getitem__, self.blocks[row]), *needed, -1)
        for row, level in self._together_at(level_of):
            gradients.setdefault(level, []).append(row)
        levels = range(1 + max([*rows, *gradients], default=-1))
        return ((rows.get(level, []), gradients.get(level, [])) for level in levels)

    def _together_at(self, level_of: Mapping[Row, int]) -> Iterable[tuple[Row, int]]:
        """Returns each row of gradients and its level.

        Sums that multiply the same eight rows by different hubs wait for the last of them: one
        REDUCE computes several, such as those of weights and biases of a layer.
        """
        keys: dict[Row, object] = {}
        last: dict[object, int] = {}
        for row, node in self.program.rows.items():
            if row in self.blocks:
                key: object = row
                if isinstance(node, LaneSums) and len(node.terms) == 1:
                    key = node.terms[0][1:]
                keys[row] = key
                last[key] = max(last.get(key, -1), level_of[row])
        return ((row, last[key]) for row, key in keys.items())

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
            elif isinstance(node, Given | Pattern | Slope | Beside):
                pass  # there before the run, or computed with other rows
            else:
                assert_never(node)
        self._gather(gathers)
        self._transpose(columns)
        if dots:
            self._dots(dots)
        self._apply(applied)
        self._sums(sums)
        self._update(zeros)

    def _write(self, code: int, numbers: Sequence[int]) -> None:
        self.code.fromlist([code, 2 + len(numbers), *numbers])
        if self.waiting and code != UPDATE:  # one at a time, between other instructions
            self._write(UPDATE, self.waiting.popleft())

    def _update(self, rows: Iterable[Row]) -> None:
        """Adds the parameters of these gradients to the waiting updates."""
        done = []
        for row in rows:
            for i in self.blocks.get(row, ()):
                self.unfinished[i].discard(row)
                if not self.unfinished[i]:
                    done.append([i])
        places, k = sorted(done), 0
        while k < len(places):
            count, (step,) = _run(places, k, min(k + MOST_BLOCKS, len(places)))
            self.waiting.append((places[k][0], count, max(step, 1)))
            k += count

    def _gather(self, found: Sequence[tuple[Row, Gather]]) -> None:
        """Writes GATHERs: one for all rows that are side by side.

        Eight rows of eight lanes become a TRANSPOSE, which is faster, if in each lane their numbers
        are side by side in the arena, such as the parameters of an embedding.
        """
        gathered = [(row, self._sources(node)) for row, node in found]
        if not any(row in self.arena.rows for row, _ in found):
            gathered.sort(key=itemgetter(1))
        if self.arena.lanes % BLOCK:  # a GATHER writes whole eights: rows of others stay apart
            for row, _ in gathered:
                self.arena.place([row])
        self.arena.place(row for row, _ in gathered)
        gathers = [(self.arena.rows[row], sources) for row, sources in gathered]
        sources: list[int] = []
        k = 0
        while k < len(gathers):
            out, numbers = gathers[k]
            if not sources and self._are_columns(gathers[k : k + BLOCK]):
                self._write(TRANSPOSE, [out, *numbers])
                k += BLOCK
                continue
            sources += numbers
            end, k = out + len(numbers), k + 1
            if (
                k == len(gathers)
                or gathers[k][0] != end
                or self._are_columns(gathers[k : k + BLOCK])
            ):
                self._write(GATHER, [end - len(sources), len(sources) // BLOCK, *sources])
                sources = []
        self._update(row for row, _ in found)

    def _sources(self, node: Gather) -> list[int]:
        """Returns the addresses of the numbers of a row, up to a whole eight."""
        some = next(x for x in node.sources if x is not None)
        wanted = (some if x is None else x for x in node.sources)  # unused lanes stay finite
        sources = [self.arena.address(x) for x in wanted if not isinstance(x, Row)]
        return sources + [0] * (-len(sources) % BLOCK)

    def _are_columns(self, eight: Sequence[tuple[int, list[int]]]) -> bool:
        """Returns whether these rows, with addresses and sources, are the columns of eight rows."""
        if self.arena.lanes != BLOCK or len(eight) < BLOCK:
            return False
        out, begins = eight[0]
        return all(
            at == out + k * BLOCK and numbers == [begin + k for begin in begins]
            for k, (at, numbers) in enumerate(eight)
        )

    def _transpose(self, found: Sequence[tuple[Row, Column]]) -> None:
        """Writes TRANSPOSEs: columns come eight at a time."""
        self.arena.place(row for row, _ in found)
        at = self.arena.rows
        for row, node in found[::BLOCK]:
            self._write(TRANSPOSE, [at[row], *(at[x] for x in node.rows)])

    def _apply(self, found: list[tuple[Row, Apply]]) -> None:
        """Writes ELEMENTWISEs.

        One instruction computes many rows if the addresses of the rows are equal steps apart, and
        the addresses of their operands are, too.
        """
        at, slopes = self.arena.rows, self.slopes
        named = [
            (self._name(row, node), [at[x] for x in node.rows[::-1]], i)
            for i, (row, node) in enumerate(found)
        ]
        named.sort()
        rows = [found[i][0] for *_, i in named]
        self.arena.place(rows)
        self.arena.place(slopes[row] for row in rows if row in slopes)
        places = []  # of each row's operands, of the derivative if it is computed, too, of the row
        for row, (_, addresses, _) in zip(rows, named):
            addresses.reverse()
            if row in slopes:
                addresses.append(at[slopes[row]])
            addresses.append(at[row])
            places.append(addresses)
        k = 0
        for name, alike in groupby(named, key=itemgetter(0)):
            code, end = CODES[name], k + sum(1 for _ in alike)
            while k < end:
                count, steps = _run(places, k, end)
                count = count if steps[-1] == self.arena.lanes else 1
                *beside, out = places[k]
                pairs = [x for pair in zip(beside, steps) for x in pair] * 2
                self._write(code, [out, count, *pairs[:4]])
                self._update(rows[k : k + count])
                k += count

    def _name(self, row: Row, node: Apply) -> str:
        """Returns the name of the instruction, which may compute the derivative as well."""
        return node.op.name + (f" and {SLOPES[node.op.name]}" if row in self.slopes else "")

    def _dots(self, rows: Sequence[tuple[Row, Dots]]) -> None:
        """Writes DOTSs: sums over the same rows go into one instruction."""
        own = self.sizes[-1] > 2
        fillings = self.fillings if own else {}
        found = [_Dots(row, node, fillings) for row, node in rows]
        if own:
            self._own_factors(found)
        used = Counter(chain.from_iterable([pair for s in found for pair in s.rr]))
        alike: dict[object, list[_Dots]] = {}
        for s in found:
            alike.setdefault(s.find(self.arena, used), []).append(s)
        groups = [*alike.values()]
        for group in groups:
            if len(group) > 1:
                group.sort(key=_places)
        groups.sort(key=_columns)
        self.arena.place([s.row for group in groups for s in group])
        more = [self.arena.take(self.arena.lanes) for _ in self.sizes[1:]]
        at = self.arena.rows
        for s in found:
            s.places[-1] = at[s.row]
        free = {*more, *[s.places[-1] for s in found]}  # addresses that hold no needed number yet
        for group in groups:
            k = 0
            while k < len(group):
                k += self._together(group, k, free)

    def _own_factors(self, found: Sequence[_Dots]) -> None:
        """Rewrites number * row, so that sums that differ only in such numbers share one DOTS.

        A product that occurs in many of the sums stays as it is. In every other product, a row with
        this number in every lane replaces the number, so the product has two rows.
        """
        fixed = Counter([pair for s in found for pair in s.ur if isinstance(pair[0], Number)])
        if not fixed:
            return
        for s in found:
            numbers = [u for u, _ in s.ur if isinstance(u, Number)]
            if not numbers:
                continue
            most = 2 if len(numbers) == len(s.ur) else len(found)
            common: list[tuple[Uniform, Row]] = []
            for u, row in s.ur:
                if isinstance(u, Number) and fixed[u, row] <= most:
                    s.rr.append((self._filling(u), row))
                else:
                    common.append((u, row))
            s.ur = common

    def _number_in(self, row: Row) -> Number | None:
        """Returns the number that a row has in all lanes; None if they differ or are unknown."""
        node = self.program.rows[row]
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

    def _together(self, group: Sequence[_Dots], k: int, free: set[int]) -> int:
        """Writes one DOTS for as many sums from number k on as possible, and returns how many.

        It may compute more rows than are needed, if their addresses are free: that is faster than
        two instructions.
        """
        first, end = group[k], min(k + self.sizes[-1], len(group))
        count, steps, j = 1, [0] * len(first.places), 0
        if k + 1 < end and first.evenly(group[k + 1]):
            count, steps = _run([s.places for s in group[k:end]], 0, end - k)
            j = max(i for i, size in enumerate(self.sizes) if size <= count)
            larger = self.sizes[min(j + 1, len(self.sizes) - 1)]
            if larger // 2 < count < larger:
                ends = [x + (larger - 1) * step for x, step in zip(first.places, steps)]
                inside = min(ends) >= 0 and max(ends) + self.arena.lanes <= self.arena.size
                outs = (first.places[-1] + i * steps[-1] for i in range(count, larger))
                j += inside and free.issuperset(outs)
            count = min(count, self.sizes[j])
        for s in group[k : k + count]:
            free.discard(s.places[-1])
        n, m, (init, other, out) = len(first.ur), len(first.rr), first.places[-3:]
        init_step, other_step, out_step = steps[-3:]
        u_step, a_step, b_step = steps[0] if n else 0, *((steps[n], steps[n + m]) if m else (0, 0))
        epilogue = EPILOGUES.index(first.node.epilogue)
        numbers = [out, out_step, init, init_step, n, u_step, epilogue]
        numbers += other, other_step, len(first.uu), m, a_step, b_step
        assert 2 + len(numbers) == HEAD
        numbers += first.pairs
        if first.uu:
            numbers += [self.arena.address(u) for pair in first.uu for u in pair]
        numbers += first.more
        self._write(DOTS + j, numbers)
        if first.row in self.blocks:
            self._update([s.row for s in group[k : k + count]])
        return count

    def _sums(self, found: Sequence[tuple[Row, LaneSums]]) -> None:
        """Writes REDUCEs: eight sums each, or more if several hubs multiply the same rows."""
        at = self.arena.rows
        parts = []
        for row, node in found:
            if node.fresh:
                self._write(GATHER, [at[row], 1, *[0] * BLOCK])
            others = [at[x] for _, *eight in node.terms for x in eight]
            parts.append((others, [at[hub] for hub, *_ in node.terms], [at[row]]))
        parts.sort(reverse=True)  # neighbours read the same rows
        while parts:
            others, hubs, outs = parts.pop()
            single = len(hubs) == 1
            while single and len(hubs) < self.hubs and parts and parts[-1][0] == others:
                _, more, further = parts.pop()
                hubs, outs = hubs + more, outs + further
            n = len(hubs) // len(outs)
            lists = [
                x for t in range(n) for x in (*hubs[t::n], *others[t * BLOCK : (t + 1) * BLOCK])
            ]
            self._write(REDUCE + len(outs) - 1, [n, *outs, *lists])
        self._update(row for row, _ in found)


class _Dots:
    """A row that DOTS computes, with its products by the kinds of their factors.

    ur: the first factor is uniform, the second is a row. rr: both are rows. uu: both are uniform.
    init: the first number of the sum. pairs, more: the addresses of the factors in `ur` and `rr`.
    places: the addresses for which DOTS has a step: of the uniform factors of `ur`, the first rows
    of `rr`, the second rows of `rr`, init, the epilogue's row, and the row itself. One DOTS
    computes several rows if from one row to the next all addresses of a kind grow by the same step.
    """

    __slots__ = ("init", "more", "node", "pairs", "places", "row", "rr", "ur", "uu")

    def __init__(self, row: Row, node: Dots, fillings: Mapping[Row, Number]) -> None:
        """fillings: first rows of `rr` that have one number in all lanes, and are uniform here."""
        self.row, self.node, number = row, node, -0.0  # -0 + x is x, even for -0
        self.ur: list[tuple[Uniform, Row]] = []
        self.rr: list[tuple[Row, Row]] = []
        self.uu: list[tuple[Uniform, Uniform]] = []
        filled: list[tuple[Uniform, Row]] = []
        for x, y in node.terms:
            if isinstance(x, Row):
                if not isinstance(y, Row):
                    self.ur.append((y, x))
                elif x in fillings:
                    filled.append((fillings[x], y))
                else:
                    self.rr.append((x, y))
            elif isinstance(y, Row):
                self.ur.append((x, y))
            elif isinstance(x, Number) and isinstance(y, Number):
                number += x.value * y.value
            else:
                self.uu.append((x, y))
        self.ur += filled
        self.init: Uniform = Number(number)
        if not number and self.uu and self.uu[0][0] == ONE:
            _, self.init = self.uu.pop(0)

    def find(self, arena: Arena, used: Mapping[Row, int]) -> object:
        """Sets the addresses; the row itself perhaps has none yet: -1. Returns a key: one DOTS can
        compute sums with the same key.

        used: how many sums have a row in `rr`. The row with more of them becomes the first.
        """
        at, address = arena.rows, arena.address
        self.pairs: list[int] = []
        self.more: list[int] = []
        for u, row in self.ur:
            self.pairs += address(u), at[row]
        for x, y in self.rr:
            self.more += (at[y], at[x]) if used[y] > used[x] else (at[x], at[y])
        node = self.node
        init, other = address(self.init), 0 if node.other is None else at[node.other]
        self.places: list[int] = [
            *self.pairs[::2], *self.more[::2], *self.more[1::2], init, other, at.get(self.row, -1)
        ]  # fmt: skip
        return self.row if self.uu else (node.epilogue, len(self.rr), *self.pairs[1::2])

    def evenly(self, following: _Dots) -> bool:
        """Returns whether the addresses of each kind grow by one step to the following sum."""
        n, m = len(self.ur), len(self.rr)
        xs, ys, begin = self.places, following.places, 0
        for end in (n, n + m, n + 2 * m):
            for i in range(begin + 1, end):
                if ys[i] - xs[i] != ys[begin] - xs[begin]:
                    return False
            begin = end
        return True


_places = attrgetter("places")  # the key by which sums over the same rows are sorted


def _columns(group: Sequence[_Dots]) -> tuple[list[int], ...]:
    """Returns the key by which groups of sums are sorted."""
    s = group[0]
    return s.pairs[::2], s.more[::2], s.more[1::2], s.places[-3:]


def _run(places: Sequence[Sequence[int]], k: int, end: int) -> tuple[int, list[int]]:
    """Returns (length, steps) of the longest arithmetic sequence from place k on, before `end`.

    Each place has several addresses, and each of them has its own step. A sequence of two places
    counts as one place if the second begins a longer sequence.
    """
    if k + 1 == end:
        return 1, [0] * len(places[k])
    steps, count = _steps(places, k), 2
    while k + count < end and _steps(places, k + count - 1) == steps:
        count += 1
    if count == 2 and k + 3 < end and _steps(places, k + 1) == _steps(places, k + 2):
        return 1, [0] * len(steps)
    return count, steps


def _steps(places: Sequence[Sequence[int]], k: int) -> list[int]:
    """Returns by how much each address grows from place k to the next."""
    return [y - x for x, y in zip(places[k], places[k + 1])]
