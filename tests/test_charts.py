"""The pictures of the lessons: a network as its weights, and plots of their numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tinygrad_edu.analysis.check import central_difference
from tinygrad_edu.data import gate
from tinygrad_edu.demos.laboratory import charts
from tinygrad_edu.demos.laboratory.weights import Weights
from tinygrad_edu.nn import MLP
from tinygrad_edu.plots.canvas import save

XOR = gate("xor")
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
    "folding": lambda: charts.folding(
        [("then", {"01": (0.1, 0.2), "11": (0.9, 0.8)})], "h1", "h2", on=("01",)
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


def test_a_network_is_drawn_with_every_weight_and_bias(tmp_path: Path) -> None:
    model = MLP(2, [2, 1], "sigmoid")
    for i, p in enumerate(model.parameters()):
        p.data = (-1) ** i * (i + 1.25)
    picture = Weights(model, ["left", "right"], ["y"], {"layer1.neuron2": "a note"})
    for number in (1.2, -2.2, -4.2, 5.2, 7.2, -8.2):
        assert re.search(rf">{number}\d?<", picture.dot), number
    for word in ("left", "right", "y\n", "bias 3.25", "bias -6.25", "bias 9.25", "a note"):
        assert word in picture.dot
    assert picture.dot.count("dashed") == 3
    picture.save(tmp_path / "net.svg")
    root = ElementTree.parse(tmp_path / "net.svg").getroot()
    assert root.get("role") == "img"
    assert "layer1.neuron1.w[0] 1.25" in "".join(root.itertext())


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


def test_numbers_stand_at_the_tails_of_many_arrows() -> None:
    assert "taillabel" not in Weights(MLP(2, [2, 1])).dot
    many = Weights(MLP(6, [2, 1])).dot
    assert (many.count("taillabel"), many.count("headlabel")) == (12, 2)
