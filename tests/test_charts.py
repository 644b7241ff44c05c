"""The pictures of the lessons: a network as its weights, and plots of their numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tinygrad_edu.analysis.check import central_difference
from tinygrad_edu.data import Example, gate
from tinygrad_edu.demos.laboratory import charts, value_charts
from tinygrad_edu.demos.laboratory.applicants import Judge
from tinygrad_edu.demos.laboratory.objectives import TOWN, town
from tinygrad_edu.demos.laboratory.weights import Weights
from tinygrad_edu.draw.compose import letters
from tinygrad_edu.nn import MLP
from tinygrad_edu.plots.canvas import save

XOR = gate("xor")
SVG = "{http://www.w3.org/2000/svg}"
CHARTS: dict[str, Callable[[], Any]] = {
    "lines": lambda: charts.lines(
        {"one": [(1, 1), (2, 4)], "two": [(1, 2), (2, 3)]},
        "across",
        "up",
        log="xy",
        marks={"here": 1.5},
        level=2.0,
    ),
    "scatter": lambda: charts.scatter({"a": [(0, 0)], "b": [(1, 2)]}, "x", "y", diagonal=True),
    "surfaces": lambda: charts.surfaces([("one", lambda x, y: x + y - 1, 0.0)] * 2, [XOR] * 2),
    "fold": lambda: charts.fold(
        lambda x, y: x + y - 0.5, XOR, {"01": (0.1, 0.2), "11": (0.9, 0.8)}, (1, -2, 0), on=("01",)
    ),
    "fates": lambda: charts.fates({"2-2-1": [10, None, 30], "2-4-1": [None]}, "y", never="never"),
    "kinds": lambda: charts.kinds(
        [("one", {"a": [(1.0, "x"), (20.0, "y")], "b": []}), ("two", {"a": [(3.0, "x")]})],
        "across",
        "up",
        (5.0, "five"),
    ),
    "shares": lambda: charts.shares({"wife (10)": {"one": (1, 4), "two": (0, 0)}}, "right"),
    "squares": lambda: charts.squares([("unit 1", [[1.0, -0.5], [0.0, 2.0]])], "ab", "cd"),
    "tables": lambda: charts.tables([("one", [[0.0, 1.0], [1.0, 0.0]], "ab")]),
    "grid": lambda: charts.grid([[0.0, 0.5], [1.0, 0.25]], "column", "row"),
    "spread": lambda: value_charts.spread(
        {"rate": [(0, 1), (1, 0)], "approved": [(0, 1), (1, 0.5)]}, [(1, 0.4), (1, 0.6)], "x", "y"
    ),
    "decisions": lambda: value_charts.decisions({"A": [(0, 0), (1, 1)]}, "title", "x", "y"),
    "calibration": lambda: value_charts.calibration(
        [("one", {"A": [(0.1, 0.2, 5)]}), ("two", {"A": [(0.1, 0.9, 5)]})], "x", "y"
    ),
    "town": lambda: value_charts.town(town(TOWN), (0.5, 2.0, -0.1), "title"),
    "climb": lambda: value_charts.climb(
        [(0, 0), (0.1, 0.1)],
        {"up": [0, 1]},
        lambda x, y: x - y * y,
        {"up": (1, 1), "down": (1, -1)},
        5,
    ),
}


@pytest.mark.machine
@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_the_same_every_time(name: str, tmp_path: Path) -> None:
    for file in ("one.svg", "two.svg"):
        save(CHARTS[name](), tmp_path / file)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    ElementTree.parse(tmp_path / "one.svg")


@pytest.mark.machine
def test_fates_count_those_that_never_end() -> None:
    axes = CHARTS["fates"]().axes[0]
    assert [text.get_text() for text in axes.texts] == ["1 of 3", "1 of 1"]
    assert axes.get_yticklabels()[-1].get_text() == "never"


@pytest.mark.machine
def test_a_cross_is_on_each_decision_that_differs_from_the_truth() -> None:
    people = [Example((0.5, 1.0), (1.0, 0.0, 1.0)), Example((-0.5, 1.0), (0.0, 0.0, 0.0))]
    (axes,) = value_charts.town(people, (0.0, 1.0, 0.0), "all approved").axes
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    assert [tuple(x[0] for x in line.get_data()) for line in crosses] == [(-0.5, 1.0)]


def test_a_network_is_drawn_with_every_weight_and_bias(tmp_path: Path) -> None:
    model = MLP(2, [2, 1], "sigmoid")
    for i, p in enumerate(model.parameters()):
        p.data = (-1) ** i * (i + 1.25)
    notes = {"layer1.neuron2": [("a note", "0.5")]}
    Weights(model, ["left", "right"], ["y"], notes).save(tmp_path / "net.svg")
    root = ElementTree.parse(tmp_path / "net.svg").getroot()
    parts = {g.get("id", ""): g for g in root.iter(f"{SVG}g")}
    words = {name: [t.text for t in g.iter(f"{SVG}text")] for name, g in parts.items()}
    assert words["layer1_neuron1"] == ["unit 1", "bias", "3.25"]
    assert words["layer1_neuron2"] == ["unit 2", "bias", "-6.25", "a note", "0.5"]
    assert words["layer2_neuron1"] == ["y", "bias", "9.25"]
    assert {name: words[name] for name in ("input0", "input1")} == {
        "input0": ["left"],
        "input1": ["right"],
    }
    weights = {name: words[name] for name in words if "edge" in parts[name].get("class", "")}
    assert weights.pop("") == []  # the lines of the legend
    assert weights == {
        "input0_layer1_neuron1": ["1.25"],
        "input1_layer1_neuron1": ["-2.25"],
        "input0_layer1_neuron2": ["-4.25"],
        "input1_layer1_neuron2": ["5.25"],
        "layer1_neuron1_layer2_neuron1": ["7.25"],
        "layer1_neuron2_layer2_neuron1": ["-8.25"],
    }
    dashed = {
        name for name in weights if any(x.get("stroke-dasharray") for x in parts[name].iter())
    }
    assert dashed == {name for name, (number,) in weights.items() if number.startswith("-")}
    assert root.get("role") == "img"
    title, description = (root.findtext(f"{SVG}{tag}") for tag in ("title", "desc"))
    assert title == "Weights of a 2-2-1 network"
    assert description is not None
    assert "layer1.neuron1.w[0] 1.25" in description


def test_a_central_difference_is_exact_for_a_parabola() -> None:
    assert central_difference(lambda x: x * x, 3.0, 0.5) == 6.0
    assert central_difference(lambda x: x**3, 0.0, 0.5) == 0.25


@pytest.mark.machine
def test_a_share_is_written_beside_its_bar() -> None:
    (axes,) = charts.shares({"wife": {"one": (1, 4), "two": (3, 3)}}, "right").axes
    assert [text.get_text() for text in axes.texts] == ["1 of 4", "3 of 3"]
    assert [bar.get_width() for bar in axes.patches] == [0.25, 1.0]


@pytest.mark.machine
def test_a_square_is_full_where_a_weight_is_positive_and_its_area_is_the_size() -> None:
    (axes,) = charts.squares([("unit 1", [[1.0, -4.0]])], "ab", "ab").axes
    small, large = axes.patches
    assert large.get_width() == pytest.approx(2 * small.get_width())
    assert (small.get_facecolor()[3], large.get_facecolor()[3]) == (1.0, 0.0)


@pytest.mark.machine
def test_every_number_is_in_its_column_with_the_mark_of_its_kind() -> None:
    (axes,) = charts.kinds([("", {"a": [(1.0, "x"), (2.0, "y")], "b": [(3.0, "x")]})], "", "").axes
    found = {line.get_label(): list(zip(*line.get_data())) for line in axes.lines}
    assert [y for _, y in found["x"]] == [1.0, 3.0]
    assert [round(x) for x, _ in found["x"]] == [0, 1]
    assert [y for _, y in found["y"]] == [2.0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["a\n2", "b\n1"]


@pytest.mark.parametrize("sizes", [(2, 2, 1), (2, 3, 1), (6, 2, 1)])
def test_the_weights_of_the_lessons_can_be_read_on_a_slide(sizes: tuple[int, ...]) -> None:
    model = MLP(sizes[0], sizes[1:], "sigmoid", seed=0)
    notes = {f"layer1.neuron{k + 1}": [("signal", "-0.00123")] for k in range(sizes[1])}
    assert letters(Weights(model, notes=notes).scene) >= 18


def test_the_weights_of_the_judge_can_be_read_on_a_slide() -> None:
    assert letters(Weights(Judge(), ["merit", "group"], ["approve?"]).scene) >= 18
