"""What no example changes: it is computed once, not for each example.

A penalty on the parameters, such as 0.01 * (w1**2 + w2**2 + ...), has the same number for every
example. `divided` separates such nodes from the others. For the others they are leaves, like
parameters: their numbers are given, and their adjoints are sums over all examples. If there is only
one example, `penalties` separates penalties, which have no other repeated parts than their terms.
Here the lanes of a row are not examples. They are similar nodes:

    window    as many parameters as a row has lanes, side by side in the arena, read as one row
    place     of a parameter: its number in the order of the blocks

For w1**2 + w2**2 + ... the windows are multiplied by themselves, the products are added to one row
of partial sums, and the lanes of this row are added up. The gradient of each window is a row, too.
It is added to the sums over the examples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from tinygrad_edu import ops
from tinygrad_edu.compiler.native.lowering.backward import Seeds, backward_once
from tinygrad_edu.compiler.native.lowering.forward import forward
from tinygrad_edu.compiler.native.lowering.gradient_blocks import Blocks, Window
from tinygrad_edu.compiler.native.lowering.lane_sums import LaneSum, sums
from tinygrad_edu.compiler.native.lowering.nodes import (
    ONE,
    Beside,
    Call,
    Definition,
    Dots,
    Factor,
    Gather,
    Given,
    Group,
    Lane,
    Node,
    Number,
    Operand,
    Product,
    Row,
    Slot,
    Sum,
    Term,
    Total,
    factors,
    rows_of,
)
from tinygrad_edu.compiler.native.lowering.row_program import RowProgram, Writer
from tinygrad_edu.compiler.native.machine.interpreter import BLOCK, PLAIN

__all__ = ["Divided", "divided", "penalties", "with_once"]

FEW = 8  # a sum of more products is added up lane by lane
MANY = 64  # products in a penalty, if there is only one example


@dataclass(frozen=True)
class Divided:
    """The nodes that examples change, those that none changes, and what the first read of them."""

    each: dict[int, Node]
    once: dict[int, Node]
    read: tuple[Slot, ...]


def divided(nodes: Mapping[int, Node], inputs: Container[int], outputs: Sequence[int]) -> Divided:
    """Returns the nodes in two parts.

    outputs: the slots of the outputs; the first is the loss. Terms that no example changes become a
    sum of their own, if there are several. A node stays with those that examples change if a mask
    may keep it from the loss in some examples: its adjoint needs the mask of each.
    """
    varying: set[Factor] = set()
    for s, node in nodes.items():
        if any(x in inputs or x in varying for x in factors(node)):
            varying.add(s)
    reached = _reached(nodes, varying, outputs[0])
    each: dict[int, Node] = {}
    once: dict[int, Node] = {}

    def same(x: Factor) -> bool:
        """Returns whether an operand is a number, a leaf or a node that no example changes."""
        return x in once or (x not in nodes and x not in inputs)

    for s, node in nodes.items():
        if s in reached and s not in varying:
            once[s] = node
            continue
        if s in reached and isinstance(node, Sum):
            fixed = [term for term in node.terms if same(term[0]) and same(term[1])]
            simple = any(isinstance(x, Number) for term in fixed for x in term)
            if len(fixed) > 1 or (fixed and not simple):
                new = -1 - len(once)  # a slot that no tape has
                once[new] = Sum(fixed)
                rest = [x for x in node.terms if not (same(x[0]) and same(x[1]))]
                node = Sum([(ONE, new), *rest])
        each[s] = node
    return Divided(each, once, _read(each, once, outputs))


def penalties(
    nodes: Mapping[int, Node], parameters: Collection[int], outputs: Sequence[int]
) -> Divided:
    """Returns the nodes of a single example in two parts: penalties are the second.

    A penalty is a long sum of functions of one parameter each, which are not linear: so it is no
    neuron. Nothing else uses these functions, and no mask may keep the sum from the loss.
    """
    made_of: dict[Factor, Factor | None] = {p: p for p in parameters}  # None: of several parameters
    users: Counter[Factor] = Counter()
    for s, node in nodes.items():
        used = set(factors(node))
        users.update(used)
        found = {made_of[x] for x in used if x in made_of}
        if found:
            made_of[s] = found.pop() if len(found) == 1 else None

    def is_function(term: Term) -> bool:
        """Returns whether a product is a number, or a function of one parameter, and not linear."""
        x, y = term
        if isinstance(x, Number):
            return isinstance(y, Number) or (y in nodes and made_of.get(y) is not None)
        return made_of.get(x) is not None and made_of.get(x) == made_of.get(y)

    def needed(s: int) -> list[int]:
        """Returns a node and all nodes that it needs."""
        below = (x for x in dict.fromkeys(factors(nodes[s])) if isinstance(x, int) and x in nodes)
        return [s, *chain.from_iterable(map(needed, below))]

    taken: set[Factor] = set()
    reached = _reached(nodes, nodes, outputs[0])
    for s, node in nodes.items():
        if s not in reached or not isinstance(node, Sum) or len(node.terms) < MANY:
            continue
        if made_of.get(s, s) is None and all(map(is_function, node.terms)):
            mine = needed(s)
            if all(users[x] == 1 for x in mine[1:]):
                taken.update(mine)
    once = {s: node for s, node in nodes.items() if s in taken}
    each = {s: node for s, node in nodes.items() if s not in taken}
    return Divided(each, once, _read(each, once, outputs))


def _read(
    each: Mapping[int, Node], once: Container[Factor], outputs: Sequence[int]
) -> tuple[Slot, ...]:
    """Returns the nodes of the second part that are outputs, or that the first part reads."""
    read = dict.fromkeys(x for node in each.values() for x in factors(node) if x in once)
    read |= dict.fromkeys(s for s in outputs if s in once)
    return tuple(x for x in read if isinstance(x, int))


def _reached(nodes: Mapping[int, Node], varying: Container[Factor], loss: int) -> set[Factor]:
    """Returns the nodes of which no mask that examples change keeps the loss."""
    reached: set[Factor] = {loss}
    for s in reversed(list(nodes)):
        if s in reached:
            node = nodes[s]
            masks = isinstance(node, Call) and node.op is ops.mask and s in varying
            reached.update(factors(node)[:1] if masks else factors(node))
    return reached


def with_once(
    found: Blocks,
    part: Divided,
    gradients: Mapping[int, LaneSum],
    absorbed: set[int],
) -> Blocks:
    """Returns the program with the nodes that no example changes, and with their gradients.

    found: the program of the other nodes. gradients: their contributions to the adjoints of what
    they read. absorbed: see `forward`.
    """
    lanes = found.program.lanes
    place: dict[Factor, int] = {
        p: i * BLOCK + k for i, b in enumerate(found.blocks) for k, p in enumerate(b.parameters)
    }
    windows = [Row() for _ in range(0, len(found.blocks) * BLOCK, lanes)]
    inputs = {p: Lane(windows[at // lanes], at % lanes) for p, at in place.items()}
    given: dict[Row, Definition] = {row: Given() for row in windows}
    known = found.program.patterns
    given |= {row: found.program.rows[row] for row in known.values()}
    nodes, groups = _grouped(part.once, place, lanes)
    ahead = forward(
        nodes, groups, RowProgram(lanes, given, patterns=known), inputs, absorbed, windows
    )
    writer, seeds = Writer(found.program), Seeds()
    wanted = [s for s in part.read if gradients.get(s)]
    for k in range(0, len(wanted), BLOCK):
        eight = wanted[k : k + BLOCK]
        adjoints = sums(writer, [gradients[s] for s in eight])
        for i, s in enumerate(eight):
            at = ahead.places[s]
            seeds.setdefault(at.row, {}).setdefault(at.lane, []).append(Lane(adjoints, i))
    program, adjoint = backward_once(ahead.program, seeds, windows, ahead.absorbed)
    merged = dict(ahead.program.rows)
    places = {s: ahead.places[s] for s in part.read}
    gradients_of = {block.gradients for block in found.blocks}  # perhaps before what they read
    for row in sorted(writer.rows, key=gradients_of.__contains__):
        merged[row] = _placed(writer.rows[row], places)
    merged |= program.rows
    joined = _joined(merged, found, windows, adjoint)
    every = RowProgram(lanes, merged, patterns=program.patterns)
    return Blocks(every, found.blocks, joined)


def _placed(node: Definition, places: Mapping[Slot, Lane]) -> Definition:
    """Returns a definition that reads the lanes of slots that have a place."""

    def at(x: Operand) -> Operand:
        return places.get(x, x) if isinstance(x, int) else x

    if isinstance(node, Dots):
        return replace(node, terms=tuple((at(x), at(y)) for x, y in node.terms))
    if isinstance(node, Gather):
        return Gather(tuple(None if x is None else at(x) for x in node.sources))
    return node


def _grouped(
    once: Mapping[int, Node], place: Mapping[Factor, int], lanes: int
) -> tuple[dict[int, Node], list[Group]]:
    """Returns the nodes, with `Total` for long sums, and groups of similar ones, operands first.

    Two nodes are similar if they have the same operation, and their operands are similar. A node
    comes into the lane of its first parameter, if this is not the lane of another one: then most of
    its operands are in this lane already.
    """
    kinds: dict[object, int] = {}
    kind: dict[Factor, int] = {}
    first: dict[Factor, int] = dict(place)
    nodes: dict[int, Node] = {}
    alike: list[list[Slot]] = []
    for s, node in once.items():
        used = factors(node)
        own = tuple(kind.get(x, -1 - (x in place) - 2 * isinstance(x, Number)) for x in used)
        if isinstance(node, Sum) and len(node.terms) > FEW:
            terms: dict[int, list[Term]] = {}
            for i, term in enumerate(node.terms):
                at = next((first[x] for x in term if x in first), i)
                terms.setdefault(at % lanes, []).append(term)
            node, own = Total(terms), tuple(sorted(set(own)))
        elif known := [first[x] for x in used if x in first]:
            first[s] = known[0]
        nodes[s] = node
        op = node.op if isinstance(node, Call) else type(node)
        kind[s] = kinds.setdefault((op, own), len(kinds))
        if kind[s] == len(alike):
            alike.append([])
        alike[kind[s]].append(s)
    return nodes, [group for slots in alike for group in _lanes(slots, first, lanes)]


def _lanes(slots: Sequence[Slot], first: Mapping[Factor, int], lanes: int) -> Iterable[Group]:
    """Returns similar nodes as groups; see `_grouped`."""
    dense = [slots[k : k + lanes] for k in range(0, len(slots), lanes)]
    places = {first[s]: s for s in slots if s in first}
    if len(places) == len(slots):
        groups: dict[int, Group] = {}
        for at, s in places.items():
            groups.setdefault(at // lanes, {})[at % lanes] = s
        if len(groups) <= 2 * len(dense):
            return groups.values()
    return [dict(enumerate(some)) for some in dense]


def _joined(
    rows: dict[Row, Definition],
    found: Blocks,
    windows: Sequence[Row],
    adjoints: Mapping[Row, Row],
) -> tuple[Window, ...]:
    """Adds rows that are the whole gradients of windows, and returns all windows.

    A block may lie in two windows, if a row's lanes are no multiple of eight. Then both windows get
    such a row, or none.
    """
    lanes = found.program.lanes
    changed = {i for i, window in enumerate(windows) if window in adjoints}
    for order in (range(1, len(windows)), range(len(windows) - 1, 0, -1)):
        for i in order:
            if i * lanes % BLOCK and {i - 1, i} & changed:
                changed |= {i - 1, i}
    joined, every = [], frozenset(windows)
    for i, window in enumerate(windows):
        if i not in changed:
            joined.append(Window(window))
            continue
        end = -(-(i + 1) * lanes // BLOCK)
        blocks = found.blocks[i * lanes // BLOCK : end]
        sums, gradients = Row(), Row()
        rows[sums] = Beside(tuple(block.gradients for block in blocks))
        rows[gradients] = Dots(((ONE, sums), *_terms(rows, window, every, adjoints.get(window))))
        joined.append(Window(window, sums, gradients))
    return tuple(joined)


def _terms(
    rows: Mapping[Row, Definition], window: Row, windows: Collection[Row], adjoint: Row | None
) -> Iterable[Product]:
    """Returns products whose sum is the adjoint of a window.

    They read no other window: after the sum is computed, an optimizer may change the window, and
    each window waits for everybody who reads it.
    """
    if adjoint is None:
        return ()
    node = rows[adjoint]
    if not isinstance(node, Dots) or node.epilogue is not PLAIN or len(node.terms) > FEW:
        return ((ONE, adjoint),)
    reads_other = any(row in windows and row is not window for row in rows_of(node))
    return ((ONE, adjoint),) if reads_other else node.terms
