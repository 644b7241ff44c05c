"""Which values share a box: groups and their calls, chosen so that no boxes form a circle.

What one entering of a group has computed is a *part*. (If a value leaves it and returns, there is a
part before and a part after.) Parts with the same path become one *call*, if the rule that was
asked for allows it and no value leaves the call and returns; on request, equal calls become one
box. So boxes always have an order, operands first. At last, leaves join the box that uses them,
where that keeps the order.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple, TypeVar

from tinygrad_edu.analysis.graph import Graph, Node
from tinygrad_edu.drawable import Calls

__all__ = ["Box", "boxes", "homes", "ordered"]

P = TypeVar("P", bound=Hashable)
_NUMBER = re.compile(r"\d+$")


class Box(NamedTuple):
    """A box of a picture: the path of its group, its name, and a number that no other has."""

    path: str
    name: str
    number: int


class _Part(NamedTuple):
    """What one entering of a group has computed, or a piece of it: see `_parts`."""

    path: str
    entering: int
    piece: int


class _Call(NamedTuple):
    """Call number `number` of a group; its parts share a box."""

    path: str
    number: int


Place = _Part | _Call | Box | int  # an int is the id of a computed node that is in no group
Operands = Mapping[Place, Set[Place]]


def boxes(graph: Graph, cut: Callable[[str], str], calls: Calls) -> dict[int, Box]:
    """Returns the box of each node that is in one; the other nodes stay alone.

    cut: gives the part of a group's path that is kept, '' for none. calls: see `zoom`.
    """
    part_of = _parts(graph, cut)
    entered: dict[Place, set[tuple[str, int]]] = defaultdict(set)
    for i, part in part_of.items():
        entered[part].add((graph.nodes[i].group, part.entering))
    operands = _operands(graph, part_of)
    paths: dict[Place, Hashable] = {part: part.path for part in part_of.values()}
    shared = _gathered(operands, paths, entered, "apart" if calls == "together" else calls)
    many: Counter[str] = Counter()
    number: dict[int, _Call] = {}  # the call for each number of `shared`
    for place, n in shared.items():
        if n not in number and isinstance(place, _Part):
            many[place.path] += 1
            number[n] = _Call(place.path, many[place.path])
    call_of = {i: number[shared[part]] for i, part in part_of.items()}
    if calls == "together":
        shared = _gathered(_operands(graph, call_of), _structure(graph, call_of), {}, calls)
    else:
        shared = {call: n for n, call in enumerate(number.values())}
    members: dict[int, list[_Call]] = defaultdict(list)
    for call, n in shared.items():
        if isinstance(call, _Call):
            members[n].append(call)
    box = {n: Box(same[0].path, _name(same, many), n) for n, same in members.items()}
    box_of = {i: box[shared[call]] for i, call in call_of.items()}
    return box_of | _leaves(graph, cut, many, call_of, box_of)


def ordered(operands: Mapping[P, Set[P]], rank: Callable[[P], Any]) -> list[P]:
    """Returns the places in order, operands first, else by rank; without those after a circle."""
    users: dict[P, list[P]] = defaultdict(list)
    for place, needed in operands.items():
        for x in needed:
            users[x].append(place)
    missing = {place: len(needed) for place, needed in operands.items()}
    number = {place: n for n, place in enumerate(operands)}  # among equal ranks
    ready = [(rank(place), number[place], place) for place in operands if not missing[place]]
    heapify(ready)
    order = []
    while ready:
        *_, place = heappop(ready)
        order.append(place)
        for user in users[place]:
            missing[user] -= 1
            if not missing[user]:
                heappush(ready, (rank(user), number[user], user))
    return order


def homes(graph: Graph) -> list[str]:
    """Returns the group of each node: its own, or of a leaf the one that uses it; '' for none.

    An input, or a leaf that several groups use, is in none.
    """
    users: dict[int, set[str]] = defaultdict(set)
    for node in graph.nodes:
        for source in node.args:
            users[source].add(node.group)
    return [
        min(users[node.id])
        if not node.group
        and not _computed(node)
        and node.role != "input"
        and len(users[node.id]) == 1
        else node.group
        for node in graph.nodes
    ]


def _computed(node: Node) -> bool:
    return node.kind in ("operation", "group")


def _parts(graph: Graph, cut: Callable[[str], str]) -> dict[int, _Part]:
    """Returns the part of each computed node in a group, so that no parts form a circle."""
    part_of: dict[int, _Part] = {}
    for node in graph.nodes:
        path = cut(node.group) if _computed(node) else ""
        if path:
            depth = path.count("/")
            entering = node.calls[depth] if depth < len(node.calls) else 0
            part_of[node.id] = _Part(path, entering, 0)
    circle: Operands = _operands(graph, part_of)
    for _ in range(2):  # without what comes before all circles; then without what comes after
        free = set(ordered(circle, lambda place: 0))
        turned: dict[Place, set[Place]] = {place: set() for place in circle if place not in free}
        for place, needed in circle.items():
            for x in needed - free:
                turned[x].add(place)
        circle = turned
    depths: dict[int, int] = {}  # how often a value has gone from one of these places to another
    for node in graph.nodes if circle else ():
        here = part_of.get(node.id, node.id)
        if here in circle:
            depths[node.id] = max(
                (depths[i] + (part_of.get(i, i) != here) for i in node.args if i in depths),
                default=0,
            )
    return part_of | {i: part_of[i]._replace(piece=d) for i, d in depths.items() if i in part_of}


def _operands(graph: Graph, place_of: Mapping[int, Place]) -> dict[Place, set[Place]]:
    """Returns for each place the places whose values it uses, without leaves.

    The places are in order, operands first, if they form no circle.
    """
    found: dict[Place, set[Place]] = {}
    for node in graph.nodes:
        if _computed(node):
            place = place_of.get(node.id, node.id)
            used = (place_of.get(i, i) for i in node.args if _computed(graph.nodes[i]))
            found.setdefault(place, set()).update(x for x in used if x != place)
    order = ordered(found, {place: n for n, place in enumerate(found)}.__getitem__)
    return {place: found[place] for place in order} if len(order) == len(found) else found


def _gathered(
    operands: Operands,
    alike: Mapping[Place, Hashable],
    entered: Mapping[Place, Set[tuple[str, int]]],
    rule: Calls,
) -> dict[Place, int]:
    """Returns a number for each place in `alike`: the same number if they may share a box.

    Only places with the same entry in `alike` may, and only if no value leaves the box and returns.
    entered: the groups and enterings of a place. rule: `sequence` makes a new box where a group is
    entered again and uses what the box has computed in it; `apart`, where it is entered again.
    """
    found: dict[Place, int] = {}
    before: list[int] = []  # for each box the set of boxes that it needs, as bits
    kin: dict[Hashable, int] = defaultdict(int)  # the boxes of one entry in `alike`
    passed: dict[Place, int] = {}  # the boxes whose values reach a node that is in no group
    history: dict[Place, Set[tuple[str, int]]] = {}  # the enterings that led to a place in its box
    inside: list[set[tuple[str, int]]] = []
    for place, needed in operands.items():
        direct = indirect = 0
        for x in needed:
            if x in found:
                direct |= 1 << found[x]
            else:
                indirect |= passed[x]
        if place not in alike:
            passed[place] = direct | indirect
            continue
        all_before = direct | indirect
        for i in _bits(all_before):
            indirect |= before[i]
        all_before |= indirect
        candidates = kin[alike[place]]
        if rule == "apart" and candidates:
            candidates = 1 << candidates.bit_length() - 1
        candidates &= ~indirect  # from these, a value would leave and return
        own = entered.get(place, set())
        past: Set[tuple[str, int]] = set()
        new = False
        for number in (*_bits(candidates & direct), *_bits(candidates & ~direct)):
            if rule == "apart":
                past = inside[number]
            elif rule == "sequence":
                past = {e for x in needed if found.get(x) == number for e in history[x]}
            if not any(path == name and n != m for path, n in own for name, m in past):
                break
        else:
            number, past, new = len(before), set(), True
            before.append(0)
            inside.append(set())
            kin[alike[place]] |= 1 << number
        found[place] = number
        history[place] = own | past
        inside[number] |= own
        bit = 1 << number
        if all_before & ~before[number] & ~bit:
            before[number] |= all_before & ~bit
            if not new:  # those that need the box need more now
                more = before[number]
                before = [needs | more if needs & bit else needs for needs in before]
    return found


def _bits(bits: int) -> Iterator[int]:
    """The numbers of the bits that are set, the lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _structure(graph: Graph, call_of: Mapping[int, _Call]) -> dict[Place, Hashable]:
    """Returns for each call its name without a number at its end, and its operations.

    Two are equal if they have the same operations, joined in the same way; numbers may differ.
    """
    shapes: dict[Hashable, int] = {}  # a number for each operation with all that leads to it
    shape: dict[int, int] = {}
    inside: dict[_Call, list[int]] = defaultdict(list)
    for node in graph.nodes:
        call = call_of.get(node.id)
        if call is not None:
            args = (shape[i] if call_of.get(i) == call else -1 for i in node.args)
            key = (node.kind, node.op.name if node.op else _stem(node.group), *args)
            shape[node.id] = shapes.setdefault(key, len(shapes))
            inside[call].append(shape[node.id])
    return {call: (_stem(call.path), tuple(sorted(found))) for call, found in inside.items()}


def _stem(path: str) -> str:
    return _NUMBER.sub("", path)


def _name(calls: Sequence[_Call], many: Mapping[str, int]) -> str:
    """`cell`, `cell call 2`, `cell x 12`, or `layer2 to layer9 x 8`."""
    first, last = calls[0], calls[-1]
    names = [c.path + (f" call {c.number}" if many[c.path] > 1 else "") for c in (first, last)]
    if len(calls) == 1:
        return names[0]
    if all(call.path == first.path for call in calls):
        if len(calls) == many[first.path]:
            return f"{first.path} x {len(calls)}"
        return f"{names[0]} to call {last.number} x {len(calls)}"
    return f"{names[0]} to {names[1].rpartition('/')[2]} x {len(calls)}"


def _leaves(
    graph: Graph,
    cut: Callable[[str], str],
    many: Mapping[str, int],
    call_of: Mapping[int, _Call],
    box_of: Mapping[int, Box],
) -> dict[int, Box]:
    """Returns the box of each leaf or constant that belongs into one.

    A leaf belongs to the only call of its group. If the group has several calls, the leaves made
    outside are inputs, states and shared weights, which are seen; of those made inside, the ones
    that a single call uses belong to it. A group that has computed nothing is a box of its leaves.
    """
    users: dict[int, list[int]] = defaultdict(list)
    for node in graph.nodes:
        for source in node.args:
            users[source].append(node.id)
    operands = _operands(graph, box_of)
    rank = {place: (isinstance(place, int), n) for n, place in enumerate(operands)}
    position = {place: n for n, place in enumerate(ordered(operands, rank.__getitem__))}
    only = {call.path: (call, box_of[i]) for i, call in call_of.items() if many[call.path] == 1}
    found = {}
    for node, home in zip(graph.nodes, homes(graph)):
        path = cut(home) if not _computed(node) else ""
        if not path:
            continue
        if not many[path]:
            found[node.id] = Box(path, path, -1)
        elif path in only:
            box = only[path][1]
            places: list[Place] = [box_of.get(i, i) for i in users[node.id]]
            if all(position[box] <= position[place] for place in places):  # or else a circle
                found[node.id] = box
        elif node.group:
            calls = {call_of.get(i) for i in users[node.id]}
            call = calls.pop()
            if not calls and call is not None and call.path == path:
                found[node.id] = box_of[users[node.id][0]]
    return found
