"""The live page: what is in the file, what it may do, and what refuses to become one."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tinygrad_edu import Op, Value, graph, group, nn
from tinygrad_edu.draw.theme import THEMES
from tinygrad_edu.errors import FormatError, NumberError, ViewError
from tinygrad_edu.live.extras import Curve, Slider
from tinygrad_edu.live.page import page
from tinygrad_edu.live.rows import rows
from tinygrad_edu.ops import TABLE


def neuron() -> Value:
    x, w, b = Value(2.0, label="x"), Value(-3.0, label="w"), Value(7.0, label="b")
    y = (x * w + b).tanh()
    y.label = "y"
    return y


def data_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert found
    made: dict[str, Any] = json.loads(found[1])
    return made


def test_a_page_is_one_file_that_loads_nothing() -> None:
    html = neuron().page().html
    assert not re.search(r"(src|href)=", html)
    assert "http" not in html.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_the_policy_lets_this_script_and_this_style_run_and_nothing_else() -> None:
    html = neuron().page().html
    policy = unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', html)[0])
    assert policy.startswith("default-src 'none'; ")
    for tag in ("script", "style"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.S)
        assert f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in policy
    assert "unsafe" not in policy


def test_same_graph_same_bytes() -> None:
    assert neuron().page().html == neuron().page().html


def test_the_data_are_the_graph() -> None:
    data = data_of(neuron().page(precision=3).html)
    assert data["ops"] == ["mul", "add", "tanh"]
    assert data["op"] == [-1, -1, 0, -1, 1, 2]
    assert data["a"] == [-1, -1, 0, -1, 2, 4]
    assert data["b"] == [-1, -1, 1, -1, 3, -1]
    assert (data["kind"], data["output"], data["precision"]) == ("lloloo", 5, 3)
    assert data["data"][:5] == [2.0, -3.0, -6.0, 7.0, 1.0]


def test_the_table_of_numbers_is_there_without_scripts() -> None:
    html = neuron().page().html
    assert re.search(r'scope="row">w<td>-3<td>0\.8399', html)  # 2 * (1 - tanh(1)**2)


def test_a_box_has_the_name_that_events_use() -> None:
    x, w = Value(2.0, label="x"), Value(-3.0, label="my weight")
    html = (x * w).tanh().page().html
    boxes = re.findall(r'<g id="node-n\d".*?</g>', html, re.S)
    said = [unescape("".join(re.findall(r">([^<]+)<", box))) for box in boxes]
    names = [text.split("value")[0].strip().replace("= ", " = ") for text in said]
    # a name in a formula is one word: a label of two words is told beside it
    assert names == ["x", "my weight (v1)", "v2 = x·(my weight (v1))", "v3 = tanh(v2)"]


def test_a_page_shows_the_numbers_that_the_leaves_give_now() -> None:
    x = Value(2.0, label="x")
    y = x * x
    x.data = 5.0
    data = data_of(y.page().html)
    assert data["data"] == [5.0, 25.0]


def test_levels_are_laid_out_in_advance() -> None:
    model = nn.MLP(2, [3, 1])
    out = model([Value(1.0, label="x1"), Value(2.0, label="x2")])
    out = out[0] if isinstance(out, list) else out
    html = ((out - 1) ** 2).page(level="layer").html
    data = data_of(html)
    assert [level["name"] for level in data["levels"]] == ["node", "neuron", "layer", "network"]
    assert data["level"] == "layer"
    shown = re.findall(r'<svg (hidden )?class="level" id="level-(\w+)"', html)
    assert shown == [
        ("hidden ", "node"),
        ("hidden ", "neuron"),
        ("", "layer"),
        ("hidden ", "network"),
    ]
    for level in data["levels"][1:]:
        for part in [*level["boxes"], *level["links"]]:
            assert f'id="{part}"' in html, part


def test_the_links_of_a_group_stand_for_all_edges_that_cross_its_border() -> None:
    x = Value(2.0, label="x")
    with group("layer1"):
        inside = x * x + x
    y = inside * 3 + x  # x is used outside, too, so it has a box of its own
    data = data_of(y.page().html)
    layer = next(level for level in data["levels"] if level["name"] != "node")
    sums = {tuple(link["edges"]) for link in layer["links"].values()}
    uses = zip(data["a"], data["b"])
    of_x = [2 * k + i for k, ends in enumerate(uses) for i, source in enumerate(ends) if not source]
    assert len(of_x) == 4
    assert tuple(of_x[:3]) in sums
    assert tuple(of_x[3:]) in sums


def test_hostile_labels_stay_text() -> None:
    x = Value(1.0, label="</script><img src=x onerror=alert(1)>")
    html = (x * 2).page().html
    assert "<img" not in html
    assert html.count("</script>") == 2


@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_has_its_colours(theme: str) -> None:
    html = neuron().page().html
    (rule,) = re.findall(rf'data-theme="{theme}"\] {{([^}}]*)}}', html)
    for name, color in THEMES[theme]._asdict().items():
        assert f"--{name}: {color}" in rule


def test_every_row_of_the_table_can_be_printed() -> None:
    text = rows([*TABLE.values()])
    assert all(f"case {i}:" in text for i in range(len(TABLE)))


def test_what_a_page_cannot_show_is_refused(tmp_path: Path) -> None:
    y = neuron()
    with pytest.raises(ViewError, match="choose system"):
        y.page(theme="pink")  # type: ignore[arg-type]
    with pytest.raises(ViewError, match="level layer shows no more than another"):
        y.page(level="layer")
    with pytest.raises(ViewError, match="unknown level 'nod': choose node, network"):
        y.page(level="nod")  # type: ignore[arg-type]
    for odd_one in ({"controls": [1]}, {"view": "w"}):
        with pytest.raises(ViewError, match=r"no (Slider|Curve) of live\.extras"):
            y.page(**odd_one)  # type: ignore[arg-type]
    with pytest.raises(ViewError, match=r"\.html"):
        y.page().save(tmp_path / "y.svg")
    with pytest.raises(TypeError, match="named options"):
        y.page("y.html")  # type: ignore[arg-type]
    odd = Op("odd", lambda a: float(str(a)), lambda y, a: 1.0)
    with pytest.raises(FormatError, match="odd"):
        odd(Value(2.0)).page()
    stills = (
        {"hide": ["grads"]},
        {"edges": ["local"]},
        {"fit": "none"},
        {"scale": 2.0},
        {"size": (640, 480)},
    )
    for still in stills:
        with pytest.raises(ViewError, match=f"{next(iter(still))} is for pictures"):
            y.draw(**still).save(tmp_path / "y.html")  # type: ignore[arg-type]
    with pytest.raises(ViewError, match="one output"):
        page([y, y])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Value, a Graph or a model"):
        page("x*w")  # type: ignore[arg-type]
    assert not [*tmp_path.iterdir()]


def test_a_picture_saved_as_html_is_a_page(tmp_path: Path) -> None:
    neuron().draw().save(tmp_path / "y.html")
    assert (tmp_path / "y.html").read_text(encoding="utf-8") == neuron().page().html


def test_a_page_whose_formula_is_too_long_is_called_by_its_label_or_its_size() -> None:
    xs = [Value(i, label=f"x{i}") for i in range(40)]
    y = sum(xs[1:], xs[0])
    assert "<h1>A graph of 79 nodes</h1>" in page(y).html  # 40 leaves and 39 sums
    y.label = "total"
    assert "<h1>total</h1>" in page(y).html


@pytest.mark.parametrize(
    ("precision", "told"),
    [(0, "no decimals; below 1, 1 digit,"), (1, "1 decimal; below 1, 1 digit,"),
     (4, "4 decimals; below 1, 4 digits,")],
)  # fmt: skip
def test_a_worksheet_says_how_many_digits_it_wants(precision: int, told: str) -> None:
    assert f"Write {told}" in page(neuron(), worksheet=True, precision=precision).html


def test_a_notebook_shows_it_in_a_frame_of_its_own() -> None:
    made = page(neuron())._repr_html_()
    assert made.startswith('<iframe srcdoc="')
    assert 'sandbox="allow-scripts' in made


def test_a_lesson_adds_sliders_and_a_curve() -> None:
    w, x = Value(1.0, label="w"), Value(2.0, label="x")
    y = w * x
    curve = Curve(over=w, low=-1, high=3, points=[(0, 0), (1, 2)])
    html = y.page(controls=[Slider("both", [w, x], 0, 5)], view=curve).html
    data = data_of(html)
    assert data["controls"] == [{"name": "both", "leaves": [0, 1], "low": 0.0, "high": 5.0}]
    told = {"of": 2, "over": 0, "points": [[0.0, 0.0], [1.0, 2.0]], "low": -1.0, "high": 3.0}
    assert data["view"] == told
    assert "startView()" in html
    assert "function startView" in html
    assert "function startView" not in neuron().page().html
    for wrong in (
        Curve(over=w, low=2, high=2),
        Curve(over=y, low=0, high=1),
        Curve(w, 0, 1, Value(1.0)),
    ):
        with pytest.raises(ViewError):
            y.page(view=wrong)
    with pytest.raises(ViewError, match="low to high"):
        y.page(controls=[Slider("s", [w], 1, float("nan"))])


def test_a_page_that_trains_has_sliders_above_its_picture_and_a_threshold_of_its_own() -> None:
    cost = Value(2.0, label="cost")
    examples = [([-1.0], (0.0, 1.0)), ([1.0], (1.0, 0.0))]

    def loss(outputs: Any, targets: Any) -> Value:
        (y,), (d, more) = outputs, targets
        total: Value = cost * (y - d) ** 2 + more * y * y
        return total

    model = nn.MLP(1, [1], "linear", seed=0)
    sliders = [Slider("cost", [cost], 0, 5)]
    html = page(model, loss, examples, controls=sliders, threshold=0.25).html
    told = data_of(html)
    assert told["train"]["kind"] == "yes"
    assert told["train"]["threshold"] == 0.25
    assert told["train"]["classes"] == [0, 1]
    assert told["data"][told["controls"][0]["leaves"][0]] == 2
    assert html.count('<div id="controls"') == 1
    assert html.index('<div id="controls"') < html.index('<div id="picture"')
    assert data_of(page(model, loss, examples).html)["train"]["kind"] == "number"
    with pytest.raises(NumberError, match="threshold"):
        page(model, loss, examples, threshold=float("nan"))
    with pytest.raises(TypeError, match="threshold"):
        page(neuron(), threshold=0.5)


def test_a_large_graph_opens_where_it_can_be_looked_at() -> None:
    out = nn.MLP(2, [8, 8, 1], seed=0)([Value(1.0), Value(2.0)])
    html = (out[0] if isinstance(out, list) else out).page().html
    assert data_of(html)["level"] == "network"
    assert data_of(neuron().page().html)["level"] == "node"


def test_what_a_page_would_ignore_is_refused() -> None:
    w = Value(2.0, label="w")
    y = w * w
    with pytest.raises(ViewError, match="add worksheet=True"):
        page(y, edges=["local"])
    for other in ({"what": graph(y)}, {"what": y, "worksheet": True}):
        with pytest.raises(ViewError, match="drop them"):
            page(**other, view=Curve(w, 0, 1))
