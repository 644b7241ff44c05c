"""Groups and zoom: what belongs to a group, and that numbers are conserved at every level.

`path` says once more, in another way than the package, which group's box a value is drawn in; which
call's, test_calls says.
"""

from __future__ import annotations

import asyncio
import math
import pickle
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextvars import copy_context
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from conftest import differentiated
from hypothesis import given
from hypothesis import strategies as st
from test_explain import random_dag

from tinygrad_edu import Value, ViewError, gradient, graph, group, maximum, tanh, topological_order
from tinygrad_edu.analysis.calls import boxes
from tinygrad_edu.analysis.graph import Graph
from tinygrad_edu.analysis.zoom import WHOLE, zoom
from tinygrad_edu.draw import picture as picture_module
from tinygrad_edu.draw.compose import laid_out, single
from tinygrad_edu.draw.layout import LayoutError
from tinygrad_edu.draw.sketch import Panel, drawn, sketch
from tinygrad_edu.draw.view import View
from tinygrad_edu.engine import as_value
from tinygrad_edu.groups import current_group

GRAPHS = 80
LEVELS: list[str | int] = ["node", "neuron", "layer", 0, 1, 2, 3, 4]
PARTS = ("layer0", "layer1", "Layer2", "neuron0", "neuron1", "NEURON2", "block", "x", "a b")


# --- groups --------------------------------------------------------------------------------------


def test_outside_of_all_groups_a_value_has_none() -> None:
    assert current_group() == ""
    assert Value(1.0).group == (Value(1.0) + 1).group == as_value(1.0).group == ""


def test_leaves_constants_and_operations_belong_to_the_group_they_are_made_in() -> None:
    outside = Value(2.0)
    with group("g") as path:
        made = [
            Value(1.0),
            as_value(3.0),
            outside * 4,
            (outside * 4).args[1],
            -outside,
            2 - outside,
            tanh(outside),
            maximum(outside, 1.0),
            as_value(2.0) * 3.0,
        ]
    assert path == "g"
    assert [x.group for x in made] == ["g"] * len(made)
    assert outside.group == ""
    assert (made[0] + made[2]).group == ""


def test_derivatives_belong_to_the_group_they_are_computed_in() -> None:
    x = Value(2.0)
    y = x * x * x
    with group("derivative"):
        (slope,) = gradient(y, [x])
    new = set(topological_order(slope)) - set(topological_order(y))
    assert {node.group for node in new} == {"derivative"}
    assert {node.group for node in topological_order(y)} == {""}


def test_groups_nest_and_a_path_may_be_written_at_once() -> None:
    with group("layer1"):
        assert current_group() == "layer1"
        with group("neuron3") as path:
            assert path == current_group() == Value(1.0).group == "layer1/neuron3"
            with group("gate/inner"):
                assert Value(1.0).group == "layer1/neuron3/gate/inner"
            assert Value(1.0).group == "layer1/neuron3"
        assert Value(1.0).group == "layer1"
    with group("layer1/neuron3"):
        assert Value(1.0).group == "layer1/neuron3"
    assert Value(1.0).group == ""


def test_a_group_that_is_entered_again_is_the_same() -> None:
    x = Value(2.0)
    with group("g"):
        y = x * 2
    with group("g"):
        z = x * 3
    found = zoom(graph(y + z), 1)
    assert [node.label for node in found.nodes if node.kind == "group"] == ["g"]
    with group("a"), group("a"):
        assert current_group() == "a/a"


def test_a_path_is_a_text_and_is_saved_as_one() -> None:
    with group("layer1") as path, group("neuron2"):
        x = Value(2.0)
    assert path == "layer1"
    assert f"{path}: {x.group}" == "layer1: layer1/neuron2"
    loaded = pickle.loads(pickle.dumps(x))
    assert loaded.group == x.group
    assert type(loaded.group) is str


def test_an_exception_leaves_the_group() -> None:
    with group("outer"):
        with pytest.raises(KeyError), group("inner"):
            raise KeyError
        assert current_group() == "outer"
    with pytest.raises(ZeroDivisionError), group("a"), group("b"):
        raise ZeroDivisionError
    assert current_group() == ""


@pytest.mark.parametrize("name", ["", " ", "/", "a//b", "/a", "a/", "a/ /b", "\n", "a\tb", "a/\0"])
def test_a_group_has_a_name_that_can_be_shown(name: str) -> None:
    with group("outer"):
        with pytest.raises(ValueError, match="a group is printable text"), group(name):
            raise AssertionError("unreachable")
        assert current_group() == "outer"


def test_a_thread_starts_outside_of_all_groups_and_its_own_do_not_leak() -> None:
    inside, go = threading.Event(), threading.Event()
    seen: list[str] = []

    def work() -> None:
        seen.append(Value(1.0).group)
        with group("thread"):
            inside.set()
            assert go.wait(10)
            seen.append(Value(1.0).group)
        seen.append(Value(1.0).group)

    thread = threading.Thread(target=work)
    with group("main"):
        thread.start()
        assert inside.wait(10)
        assert Value(1.0).group == "main"
    assert Value(1.0).group == ""
    go.set()
    thread.join()
    assert seen == ["", "thread", ""]


def test_tasks_and_contexts_keep_their_groups_to_themselves() -> None:
    async def task(name: str) -> list[str]:
        seen = [current_group()]
        with group(name):
            for _ in range(3):
                await asyncio.sleep(0)
                seen.append(current_group())
        return seen

    async def both() -> list[list[str]]:
        with group("main"):
            return await asyncio.gather(task("a"), task("b"))

    assert asyncio.run(both()) == [["main", *["main/a"] * 3], ["main", *["main/b"] * 3]]


def test_a_context_keeps_its_groups_to_itself() -> None:
    def inside() -> Iterator[str]:
        with group("elsewhere"):
            yield Value(1.0).group
            yield Value(1.0).group

    context, values = copy_context(), inside()
    assert context.run(next, values) == "elsewhere"
    assert current_group() == ""
    assert context.run(next, values) == "elsewhere"
    assert context.run(list, values) == []
    assert context.run(current_group) == ""


# --- levels --------------------------------------------------------------------------------------


def random_paths(random: Random) -> list[str]:
    """Some groups, nested up to four deep, and the place outside of all."""
    paths = [
        "/".join(random.choice(PARTS) for _ in range(random.randint(1, 4)))
        for _ in range(random.randint(1, 5))
    ]
    return [*paths, *([""] * random.randint(0, 3))]


@cache
def graphs() -> list[Graph]:
    """Random graphs in random groups, which mostly feed each other."""
    found = []
    for seed in range(GRAPHS):
        random = Random(seed)
        y = random_dag(random, random.randint(1, 40), random_paths(random))
        found.append(graph(differentiated(y)))
    return found


def path(g: Graph, i: int, level: str | int) -> str:
    """The path of the box that value i is drawn in: its group as far as the level goes, or ''."""
    node = g.nodes[i]
    users = {other.group for other in g.nodes if i in other.args}
    free = not node.group and node.kind in ("leaf", "constant") and len(users) == 1
    whole = min(users) if free else node.group
    if level == 0:
        return WHOLE if whole or node.kind != "leaf" else ""
    return kept(whole, level)


def kept(path: str, level: str | int) -> str:
    """As much of the path of a group as is kept, '' for none."""
    if level == "node" or not path:
        return ""
    parts = path.split("/")
    count = level
    if isinstance(level, str):
        named = [n for n, part in enumerate(parts, 1) if part.lower().startswith(level)]
        count = named[0] if named else {"layer": 1, "neuron": 2}[level]
    return "/".join(parts[: int(count)])


def placed(g: Graph, level: str | int) -> list[str]:
    """The name of what each value is drawn in: of a box, or its own."""
    if level == 0:
        return [path(g, i, 0) or node.label for i, node in enumerate(g.nodes)]
    found = boxes(g, lambda path: kept(path, level), "sequence")
    return [found[node.id].name if node.id in found else node.label for node in g.nodes]


def close(found: float, exact: float, parts: list[float]) -> bool:
    """To 1e-12, or where the parts cancel, to the last digits of the parts."""
    return abs(found - exact) <= 1e-12 * abs(exact) + 1e-15 * math.fsum(map(abs, parts))


@pytest.mark.parametrize("level", LEVELS)
def test_what_arrives_at_a_value_adds_up_to_its_gradient(level: str | int) -> None:
    summed = relative = 0
    for g in graphs():
        zoomed = zoom(g, level)
        arriving: dict[int, list[float]] = defaultdict(list)
        for edge in zoomed.edges:
            if edge.contribution is not None:
                arriving[edge.source].append(edge.contribution)
        for node in zoomed.nodes:
            if node.id == zoomed.output.id:
                assert node.id not in arriving
            elif node.grad is not None:
                parts = arriving[node.id]
                assert close(math.fsum(parts), node.grad, parts)
                summed += len(parts) > 1
                relative += math.isclose(math.fsum(parts), node.grad, rel_tol=1e-12)
    assert summed > 15 or level == 0  # where there is but one box
    assert relative > 0.98 * sum(
        node.grad is not None and node.id != zoomed.output.id
        for zoomed in (zoom(g, level) for g in graphs())
        for node in zoomed.nodes
    )


@pytest.mark.parametrize("level", LEVELS)
def test_an_edge_carries_the_sum_of_the_edges_it_stands_for(level: str | int) -> None:
    bundled = 0
    for g in graphs():
        places = placed(g, level)
        zoomed = zoom(g, level)
        stands_for = defaultdict(list)
        for edge in g.edges:
            source, target = places[edge.source], places[edge.target]
            if source != target:
                single = target == g.nodes[edge.target].label  # its operands stay apart
                stands_for[source, target, edge.operand if single else -1].append(edge)
        assert len(zoomed.edges) == len(stands_for)
        for edge in zoomed.edges:
            target = zoomed.nodes[edge.target]
            operand = -1 if target.kind == "group" else edge.operand
            parts = stands_for[zoomed.nodes[edge.source].label, target.label, operand]
            assert edge.uses == len(parts)
            numbers = [p.contribution for p in parts if p.contribution is not None]
            if numbers:
                assert edge.contribution is not None
                assert close(edge.contribution, math.fsum(numbers), numbers)
            else:
                assert edge.contribution is None
            if operand >= 0:
                assert edge.local == parts[0].local
            bundled += edge.uses > 1
    assert bundled > 8 or level in ("node", 0)


@pytest.mark.parametrize("level", LEVELS)
def test_no_value_is_lost_and_the_output_comes_last(level: str | int) -> None:
    for g in graphs():
        zoomed = zoom(g, level)
        inside = defaultdict(list)
        for name, node in zip(placed(g, level), g.nodes):
            inside[name].append(node)
        assert len(zoomed.nodes) == len(inside)
        assert sum(node.holds for node in zoomed.nodes) == len(g.nodes)
        for node in zoomed.nodes:
            assert node.holds == len(inside[node.label])
            if node.kind != "group":
                (same,) = inside[node.label]
                assert node == same._replace(id=node.id, args=node.args)
        assert zoomed.outputs == (len(zoomed.nodes) - 1,)
        assert g.output in inside[zoomed.output.label]


@pytest.mark.parametrize("level", LEVELS)
def test_a_zoomed_graph_is_consistent(level: str | int) -> None:
    """Ids count the nodes; args are the sources of the edges, in the order of their operands."""
    for g in graphs():
        zoomed, places = zoom(g, level), placed(g, level)
        assert [node.id for node in zoomed.nodes] == list(range(len(zoomed.nodes)))
        for node in zoomed.nodes:
            edges = [edge for edge in zoomed.edges if edge.target == node.id]
            assert [edge.operand for edge in edges] == list(range(len(node.args)))
            assert tuple(edge.source for edge in edges) == node.args
            assert all(i < node.id for i in node.args)  # no circle, and operands come first
            if node.kind == "operation":
                old = next(x for x in g.nodes if x.label == node.label)
                assert [zoomed.nodes[i].label for i in node.args] == [places[i] for i in old.args]
        assert [e.target for e in zoomed.edges] == sorted(e.target for e in zoomed.edges)


@pytest.mark.parametrize("level", LEVELS)
def test_a_box_has_the_number_of_the_one_value_that_leaves_it(level: str | int) -> None:
    one = more = 0
    for g in graphs():
        places = placed(g, level)
        leaving = defaultdict(set)
        leaving[places[-1]].add(g.output)
        for edge in g.edges:
            if places[edge.source] != places[edge.target]:
                leaving[places[edge.source]].add(g.nodes[edge.source])
        for node in zoom(g, level).nodes:
            if node.kind == "group" and len(leaving[node.label]) == 1:
                (only,) = leaving[node.label]
                assert (node.data, node.grad) == (only.data, only.grad)
                one += 1
            elif node.kind == "group":
                assert (node.data, node.grad) == (None, None)
                more += 1
    assert level == "node" or one > 8
    assert level in ("node", 0) or more > 8


def test_at_node_level_a_graph_stays_what_it_is() -> None:
    for g in graphs()[:50]:
        assert zoom(g, "node") == g
        deepest = zoom(g, 4)
        assert zoom(g, 999) == deepest
        assert zoom(g, 5) == deepest


def test_zooming_further_out_never_draws_more() -> None:
    """If each group is entered once, and no value leaves it and returns."""
    for seed in range(GRAPHS):
        g = graph(network([2, *(Random(seed).choices(range(1, 5), k=3)), 1], inside=seed % 2 == 0))
        assert all(
            len(zoom(g, n).nodes) <= len(zoom(g, n + 1).nodes) <= len(g.nodes) for n in range(4)
        )
    for g in graphs():
        assert all(len(zoom(g, n).nodes) <= len(g.nodes) for n in range(6))
        assert sum(node.kind == "group" for node in zoom(g, 0).nodes) <= 1


def test_zooming_twice_is_zooming_once() -> None:
    """A zoomed graph is a graph: `draw(level=...)` takes it, and no value or edge is forgotten."""
    for g in graphs():
        for near, far in ((4, 2), (4, 1), (4, "layer"), (3, 1), (2, 1)):
            twice = zoom(zoom(g, near), far)
            assert sum(node.holds for node in twice.nodes) == len(g.nodes)
            assert all(i < node.id for node in twice.nodes for i in node.args)
    g = graph(differentiated(network([2, 3, 2, 1], inside=True)))
    for near in (4, 3, 2, "neuron"):
        assert zoom(zoom(g, near), "layer").nodes == zoom(g, "layer").nodes


def test_before_backward_nothing_contributes() -> None:
    y = random_dag(Random(3), 20, ["a", "b/c"])
    for level in LEVELS:
        zoomed = zoom(graph(y), level)
        assert all(edge.contribution is None for edge in zoomed.edges)
        assert all(node.grad is None for node in zoomed.nodes)


def test_nothing_of_the_graph_is_changed() -> None:
    y = random_dag(Random(3), 20, ["a", "b/c"])
    g = graph(differentiated(y))
    before = g.to_json()
    for level in LEVELS:
        zoom(g, level)
    assert g.to_json() == before == graph(y).to_json()


def test_the_level_of_a_word_and_of_a_number() -> None:
    """A word looks for the part that begins with it, and else counts parts."""
    with group("net/layer1/neuron2/gate"):
        x = Value(1.0)
    with group("encoder/head/deep"):
        y = x * 2
    with group("Layers"):
        out = y + 1
    expected: dict[str | int, list[str]] = {
        "neuron": ["net/layer1/neuron2", "encoder/head", "Layers"],
        "layer": ["net/layer1", "encoder", "Layers"],
        0: [WHOLE],
        1: ["net", "encoder", "Layers"],
        2: ["net/layer1", "encoder/head", "Layers"],
        3: ["net/layer1/neuron2", "encoder/head/deep", "Layers"],
        4: ["net/layer1/neuron2/gate", "encoder/head/deep", "Layers"],
    }
    for level, labels in expected.items():
        found = zoom(graph(out), level)
        assert [node.label for node in found.nodes] == labels
        assert [node.group for node in found.nodes] == labels
        assert zoom(graph(out), str(level)) == found


def test_a_weight_made_outside_belongs_to_the_one_group_that_uses_it() -> None:
    w, shared, x, free = (Value(2.0, label=name) for name in ("w", "shared", "x", "free"))
    g1, g2 = group("g1"), group("g2")
    with g1:
        a = w * x + shared
    with g2:
        b = x * shared
    y = a + b * free
    y.label = "y"

    def labels(roles: dict[str, str]) -> set[str]:
        return {node.label for node in zoom(graph(y, roles=roles), 1).nodes if node.label}

    assert labels({}) == {"x", "shared", "free", "g1", "g2", "y"}
    assert labels({"w": "input"}) == {"w", "x", "shared", "free", "g1", "g2", "y"}
    assert labels({"w": "parameter"}) == {"x", "shared", "free", "g1", "g2", "y"}


def test_a_box_is_stale_where_a_value_in_it_is() -> None:
    with group("g"):
        x = Value(2.0)
        y = x * 3
    out = y + Value(1.0)
    assert [node.stale for node in zoom(graph(out), 1).nodes] == [False] * 3
    x.data = 5.0
    assert [node.stale for node in zoom(graph(out), 1).nodes] == [True, False, False]


@pytest.mark.parametrize("level", ["", "nodes", "Layer", "-1", -1, "1.5", 1.5, "1e3", "9999", None])
def test_there_is_no_other_level(level: Any) -> None:
    g = graphs()[0]
    with pytest.raises(ViewError, match="unknown level"):
        zoom(g, level)
    if level is not None:
        with pytest.raises(ViewError, match="unknown level"):
            g.draw(level=level)


@given(st.text(max_size=8))
def test_a_text_is_a_level_or_an_error(level: str) -> None:
    g = graphs()[0]
    if level in ("node", "neuron", "layer") or (level.isdecimal() and len(level) < 4):
        assert zoom(g, level).nodes
    else:
        with pytest.raises(ViewError):
            zoom(g, level)


# --- networks ------------------------------------------------------------------------------------


def network(sizes: list[int], *, inside: bool) -> Value:
    """A tanh network on one sample, in the groups layerL/neuronK.

    inside: whether its weights are made in them, or all before.
    """
    random = Random(1)
    xs = [Value(random.uniform(-1, 1), label=f"x{i}") for i in range(sizes[0])]
    layers = list(pairwise(sizes))

    def weights(n: int) -> list[Value]:
        return [Value(random.uniform(-1, 1)) for _ in range(n + 1)]

    outside = [[weights(n) for _ in range(size)] for n, size in layers]
    for number, (n, size) in enumerate(layers, 1):
        outputs = []
        for k in range(size):
            with group(f"layer{number}"), group(f"neuron{k}"):
                ws = weights(n) if inside else outside[number - 1][k]
                sum_ = ws[-1]
                for w, x in zip(ws[:-1], xs):
                    sum_ = sum_ + w * x
                outputs.append(tanh(sum_))
        xs = outputs
    return xs[0]


@pytest.mark.parametrize("inside", [True, False])
def test_a_network_is_a_few_boxes(inside: bool) -> None:
    """2-16-16-1: by layer two inputs and three layers, by neuron two inputs and 33 neurons."""
    g = graph(differentiated(network([2, 16, 16, 1], inside=inside)))
    assert drawn(g, "circles") > 1500
    by_layer, by_neuron = zoom(g, "layer"), zoom(g, "neuron")
    assert drawn(by_layer, "compact") <= 12
    assert drawn(by_neuron, "compact") <= 60
    assert [node.label for node in by_layer.nodes] == ["x0", "x1", "layer1", "layer2", "layer3"]
    assert len(by_neuron.nodes) == 2 + 33
    assert [(e.source, e.target, e.uses) for e in by_layer.edges] == [
        (0, 2, 16),
        (1, 2, 16),
        (2, 3, 256),
        (3, 4, 16),
    ]
    assert len(by_neuron.edges) == 2 * 16 + 16 * 16 + 16
    for node in by_neuron.nodes[2:]:
        assert node.data is not None
        assert node.grad is not None
    assert by_layer.output.data == g.output.data


@pytest.mark.parametrize("axis", [0, 1], ids=["LR", "TB"])
def test_where_all_feed_all_there_is_room_and_edges_keep_to_the_sides(axis: int) -> None:
    y = differentiated(network([2, 16, 16, 1], inside=True))
    view = View(direction=("LR", "TB")[axis], fit="none")
    made = sketch(Panel(zoom(graph(y), "neuron")), view)
    fan = single(made, laid_out([made], view, 20), view)
    places = {box.name: place for box, place in fan.boxes}
    sizes = {name: place[2 + axis] // 2 for name, place in places.items()}
    for link, (curve,), _ in fan.links:
        tail, head = (places[name][axis] for name in (link.tail, link.head))
        start, end = curve[0][axis], curve[-1][axis]
        assert abs(start - tail - sizes[link.tail]) <= 1  # from the middle of one side
        assert abs(end - head + sizes[link.head]) <= 1  # to the middle of the other
        assert end - start >= 2 * 72 - 2  # points


def recurrent(steps: int) -> Value:
    """Two cells that take turns, so that each feeds the other's next call."""
    with group("cell"):
        w = Value(0.9, label="w")
    x = h = Value(0.3, label="x")
    for _ in range(steps):
        with group("cell"):
            h = tanh(h * w)
        with group("gate"):
            h = h + x
    return differentiated(h)


@pytest.mark.parametrize("level", LEVELS)
def test_groups_that_feed_each_other_are_drawn(level: str | int) -> None:
    y = recurrent(50)
    picture = y.draw(level=level)
    if level in (1, 2, "layer", "neuron"):
        calls = [f"{name} call {n}" for n in range(1, 51) for name in ("cell", "gate")]
        assert [node.label for node in picture.graph.nodes] == ["x", "w", *calls]
        assert [node.args for node in picture.graph.nodes[2:5]] == [(0, 1), (2, 0), (3, 1)]
        assert all(edge.uses == 1 for edge in picture.graph.edges)
    assert picture.dot.count("->") >= len(picture.graph.edges)
    for width in (20, 80):
        lines = picture.text(width=width).splitlines()
        assert 0 < len(lines) < 2000
    shown = y.draw(level=level, edges=["local", "contribution"])
    assert shown.text(width=80)
    assert picture.alt
    assert picture.graph.to_json()
    if level != "node":
        assert picture.render("svg").startswith(b"<svg")
        highlighted = y.draw(level=level, highlight=["x"])
        assert highlighted.dot


# --- large graphs --------------------------------------------------------------------------------


def test_more_shapes_than_one_can_look_through_are_collapsed_and_it_is_said() -> None:
    y = differentiated(network([2, 16, 16, 1], inside=True))
    shapes = drawn(graph(y), "circles")
    assert shapes > picture_module.MANY_SHAPES == 1500
    picture = picture_module.draw(y, form="circles")
    svg = picture.render("svg").decode()
    assert f"{shapes} shapes were collapsed to 35, by neuron" in picture.note
    assert "insist" in picture.note
    assert "layer1/neuron15" in svg
    assert svg.count("values inside") == 33


def test_whoever_insists_or_chooses_a_level_gets_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a limit of 20, so that the whole graph is laid out in no time."""
    monkeypatch.setattr(picture_module, "MANY_SHAPES", 20)
    y = differentiated(network([2, 4, 1], inside=True))
    assert "collapsed" in collapsed(y)
    assert collapsed(y, insist=True) == ""
    assert collapsed(y, level="node") == ""
    assert collapsed(y, level="layer") == ""
    monkeypatch.setattr(picture_module, "MANY_SHAPES", 5)
    assert "to 4, by layer" in collapsed(y)  # by neuron there would be 7
    monkeypatch.setattr(picture_module, "MANY_SHAPES", 3)
    assert collapsed(y) == ""  # nothing helps, and so it is drawn as it is
    monkeypatch.setattr(picture_module, "MOST_SHAPES", 7)
    assert collapsed(y, level="neuron") == ""  # boxes count, not the values inside
    monkeypatch.setattr(picture_module, "MOST_SHAPES", 3)
    with pytest.raises(LayoutError, match="name groups to collapse"):
        collapsed(y)


def collapsed(y: Value, **how: Any) -> str:
    picture = picture_module.draw(y, fit="none", **how)  # no remark on small letters
    svg = picture.render("svg").decode()
    boxes = "collapsed" in picture.note or how.get("level") in ("neuron", "layer")
    assert ("values inside" in svg) == boxes
    return picture.note


def test_up_to_the_limit_nothing_is_collapsed(monkeypatch: pytest.MonkeyPatch) -> None:
    y = differentiated(network([2, 4, 1], inside=True))
    monkeypatch.setattr(picture_module, "MANY_SHAPES", drawn(graph(y), "compact"))
    assert collapsed(y) == ""
    monkeypatch.setattr(picture_module, "MANY_SHAPES", drawn(graph(y), "compact") - 1)
    assert "collapsed" in collapsed(y)


def test_text_and_data_say_everything_whatever_its_size() -> None:
    y = differentiated(network([2, 16, 16, 1], inside=True))
    assert y.draw().render("json").decode() == graph(y).to_json()
    assert "values inside" not in y.draw().render("dot").decode()


def test_a_highlighted_value_marks_the_boxes_that_it_reaches() -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    with group("layer1/neuron1"):
        a = x * w
    with group("layer1/neuron2"):
        b = x * 5.0
    with group("layer2/neuron1"):
        y = a + b
    y.backward()
    picture = y.draw(level="neuron", highlight=["w"])
    marked = {node.label for node in picture.graph.nodes if node.marked}
    assert marked == {"layer1/neuron1", "layer2/neuron1"}
    assert "layer1/neuron1 = 6  (2 values)  grad 1  (on the path)" in picture.text(width=80)
    assert "(on the path)" not in next(
        line for line in picture.text(width=80).splitlines() if "neuron2" in line
    )
    with pytest.raises(ViewError, match="unknown name 'q'"):
        y.draw(level="neuron", highlight=["q"])


def test_an_output_in_a_box_with_another_is_there_once() -> None:
    x = Value(2.0, label="x")
    both = graph(x * 3, x * 4)
    assert zoom(both, 0).outputs == (1,)
