"""What a notebook shows, and a prompt: pictures that fit, mathematics, text; never a traceback."""

from __future__ import annotations

import os
import pickle
import re
import struct
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from conftest import REAL_PATH
from test_browser import MEASURE, opened

from tinygrad_edu import Value, explain, graph, orders, tanh, trace
from tinygrad_edu.draw import layout as layout_module
from tinygrad_edu.draw.layout import LayoutError

SVG = "{http://www.w3.org/2000/svg}"
PICTURES = ("value", "graph", "picture", "steps")
SHOWN = (*PICTURES, "explanation")


@pytest.fixture(autouse=True)
def nothing_installed(no_dot: None) -> None:
    """Every test begins with the wheel's Graphviz alone."""


def neuron() -> tuple[Value, Value]:
    x = Value(2.0, label="x")
    y = tanh(x * Value(-3.0, label="w") + Value(7.0, label="b"))
    y.label = "y"
    y.backward()
    return y, x


def things() -> dict[str, Any]:
    y, x = neuron()
    return {
        "value": y,
        "graph": graph(y),
        "picture": y.draw(),
        "steps": trace(y),
        "explanation": explain(y, x),
        "orders": orders(y),
    }


def bundle(thing: Any) -> dict[str, str]:
    """What a notebook gets, as IPython asks for it."""
    shown: dict[str, str] = thing._repr_mimebundle_(include=None, exclude=None)
    assert all(isinstance(x, str) for part in shown.items() for x in part)
    return shown


def check_fits(svg: str) -> ElementTree.Element:
    """The SVG is whole, in its own size, and only as wide as the page where it would be wider."""
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    left, top, width, height = map(float, (root.get("viewBox") or "").split())
    assert left == top == 0
    assert width > height > 50
    if width > 600:  # more than a cell is wide, as an image that cannot shrink
        assert (root.get("width"), root.get("height")) == ("100%", None)
        assert root.get("style") == f"max-width: {width:g}pt; min-width: 320px; height: auto"
    else:
        assert (root.get("width"), root.get("height")) == (f"{width:g}pt", f"{height:g}pt")
        least = min(320, round(width * 96 / 72))
        assert root.get("style") == f"max-width: 100%; min-width: {least}px; height: auto"
    return root


# --- without a notebook --------------------------------------------------------------------------


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_and_text_beside_it(name: str) -> None:
    thing = things()[name]
    shown = bundle(thing)
    assert set(shown) == {"image/svg+xml", "image/png", "text/plain"}
    texts = {t.text for t in check_fits(shown["image/svg+xml"]).iter(f"{SVG}text")}
    assert {"x", "w", "b", "y", "0.7616", "-1.2599"} <= texts
    assert "0.76" in shown["text/plain"]
    assert "\x1b" not in shown["text/plain"]


@pytest.mark.parametrize("name", PICTURES)
def test_an_untrusted_notebook_has_a_png_of_the_same_size(name: str) -> None:
    shown = bundle(things()[name])
    data = b64decode(shown["image/png"], validate=True)
    assert data.startswith(b"\x89PNG\r\n")
    pixels = struct.unpack(">II", data[16:24])
    _, _, width, height = map(float, check_fits(shown["image/svg+xml"]).attrib["viewBox"].split())
    assert pixels[0] == pytest.approx(width * 96 / 72, abs=2)
    below = 32 * (name == "steps")  # links, which only play in a film
    assert pixels[1] == pytest.approx((height - below) * 96 / 72, abs=2)


def test_a_picture_of_many_boxes_is_not_painted_too() -> None:
    y = Value(1.0, label="x")
    for _ in range(45):
        y = y + 1.0
    assert set(bundle(y)) == {"image/svg+xml", "text/plain"}


def test_where_nothing_can_be_painted_there_is_the_svg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout_module, "_require_fonts", no_fonts)
    assert set(bundle(things()["value"])) == {"image/svg+xml", "text/plain"}


def no_fonts(*_: object) -> None:
    raise LayoutError("this machine has no font", "no fonts")


@pytest.mark.parametrize("name", PICTURES)
def test_marimo_gets_the_picture(name: str) -> None:
    """marimo shows lists of what has `_mime_`, and nothing for what has only a bundle."""
    thing = things()[name]
    assert thing._mime_() == ("text/html", bundle(thing)["image/svg+xml"])


def test_marimo_gets_mathematics() -> None:
    explanation = things()["explanation"]
    kind, data = explanation._mime_()
    assert kind == "text/html"
    root = ElementTree.fromstring(data)
    assert (root.tag, root.get("class")) == ("marimo-tex", "arithmatex")
    assert root.text == f"||[\n{explanation.latex()}\n||]"


def test_a_large_graph_is_text_at_once() -> None:
    y = Value(1.0, label="x")
    for _ in range(20_000):
        y = y + 1.0
    begin = time.process_time()
    shown = bundle(y)
    assert time.process_time() - begin < 2  # a second on an idle machine
    assert set(shown) == {"text/plain"}
    assert "are more than the" in shown["text/plain"]


def test_a_plot_shows_itself() -> None:
    """Without pyplot, and without `%matplotlib inline`."""
    pytest.importorskip("matplotlib")
    from tinygrad_edu.plots.canvas import new_figure

    figure, axes, _ = new_figure("light")
    axes.plot([1, 2], [3, 4])
    data = figure._repr_png_()
    assert data.startswith(b"\x89PNG\r\n")
    assert struct.unpack(">II", data[16:24]) == (614, 441)  # 6.4 x 4.6 inches
    assert data == pickle.loads(pickle.dumps(figure))._repr_png_()


def test_steps_play_in_a_notebook() -> None:
    svg = bundle(things()["steps"])["image/svg+xml"]
    assert "@keyframes" in svg
    assert "<script" not in svg


def test_an_explanation_is_mathematics_and_text_beside_it() -> None:
    explanation = things()["explanation"]
    shown = bundle(explanation)
    assert set(shown) == {"text/latex", "text/plain"}
    assert shown["text/plain"] == explanation.text()
    assert shown["text/latex"].startswith("$$\n\\begin{aligned}\n\\frac{d y}{d x}")
    assert shown["text/latex"].endswith("\\end{aligned}\n$$")
    assert shown["text/latex"] == f"$$\n{explanation.latex()}\n$$"


def test_orders_are_a_table_of_text() -> None:
    compared = things()["orders"]
    assert repr(compared) == str(compared)
    assert repr(compared).splitlines()[0].split() == [
        "node", "topological", "naive", "recursion", "pre-order"
    ]  # fmt: skip
    assert not hasattr(compared, "_repr_mimebundle_")


@pytest.mark.parametrize("name", SHOWN)
def test_a_prompt_shows_the_same_text_as_a_notebook_without_pictures(name: str) -> None:
    thing = things()[name]
    assert repr(thing) == bundle(thing)["text/plain"]


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("/no/such/dot", "not a program"),
        (sys.executable, "exit"),
    ],
)
def test_a_failing_layout_shows_text_and_the_reason(
    name: str, override: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing = things()[name]
    plain = bundle(thing)["text/plain"]
    monkeypatch.setenv("TINYGRAD_EDU_DOT", override)
    shown = bundle(thing)
    assert set(shown) == {"text/plain"}
    assert "Traceback" not in shown["text/plain"]
    text, _, why = shown["text/plain"].rpartition("\n")
    assert text == plain
    assert "TINYGRAD_EDU_DOT" in why
    assert re.fullmatch(rf"\(.*({reason}|cannot draw).*\)", why)


@pytest.mark.parametrize("name", PICTURES)
def test_without_graphviz_there_is_a_picture(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    shown = bundle(things()[name])
    assert set(shown) == {"image/svg+xml", "text/plain"}
    texts = {t.text for t in check_fits(shown["image/svg+xml"]).iter(f"{SVG}text")}
    assert {"x", "w", "b", "y", "0.7616", "-1.2599"} <= texts


def test_an_explanation_needs_no_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    before = bundle(things()["explanation"])
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    assert bundle(things()["explanation"]) == before


def set_grad(y: Value) -> None:
    y._grad = "x"  # type: ignore[assignment]


def set_inner_grad(y: Value) -> None:
    y.a._grad = None  # type: ignore[assignment, union-attr]


def set_op(y: Value) -> None:
    y.op = 3  # type: ignore[assignment]


def set_label(y: Value) -> None:
    class Unspeakable:
        def __str__(self) -> str:
            raise RuntimeError("no name")

        __repr__ = __str__

    y.label = Unspeakable()  # type: ignore[assignment]


@pytest.mark.parametrize("spoil", [set_grad, set_inner_grad, set_op, set_label])
def test_a_graph_that_somebody_broke_is_text_and_no_exception(
    spoil: Callable[[Value], None],
) -> None:
    y, x = neuron()
    made_before = [graph(y), y.draw(), trace(y), explain(y, x)]
    spoil(y)
    shown = bundle(y)
    assert set(shown) == {"text/plain"}
    assert re.search(r"\n\(.+\)$", shown["text/plain"])  # the reason
    for thing in made_before:  # they are as the graph was
        assert len(bundle(thing)) >= 2


WITHOUT = """
import sys
class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("IPython", "ipykernel", "jupyter_client", "traitlets"):
            asked.append(name)
            raise ModuleNotFoundError(name)
asked = []
sys.meta_path.insert(0, Nowhere())
import tinygrad_edu, tinygrad_edu.cli, tinygrad_edu.draw.film, tinygrad_edu.draw.picture
from tinygrad_edu import Value, explain, graph, orders, trace, tanh
x = Value(2.0, label="x")
y = tanh(x * 3.0)
y.backward()
for thing in (y, graph(y), y.draw(), trace(y), explain(y, x)):
    assert len(thing._repr_mimebundle_()) >= 2
    print(thing)
print(orders(y))
assert not asked, asked
assert "IPython" not in sys.modules
try:
    import IPython
except ModuleNotFoundError:
    print("there is no IPython")
"""


def test_without_ipython_everything_is_text() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("there is no IPython\n")
    assert "Value(0.99" in done.stdout
    assert "x = 2" in done.stdout


# --- in a real notebook --------------------------------------------------------------------------

CELLS = {
    "start": """
from tinygrad_edu import Value, explain, graph, orders, trace, tanh
small = Value(2.0, label="small")
x = Value(2.0, label="x")
y = tanh(x * Value(-3.0, label="w") + Value(7.0, label="b"))
y.backward()
""",
    "value": "y",
    "graph": "graph(y)",
    "picture": "y.draw(theme='dark')",
    "steps": "trace(y)",
    "small": "small",
    "explanation": "explain(y, x)",
    "orders": "orders(y)",
}


@pytest.fixture(scope="module")
def run_notebook(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Executes the cells in a real kernel, whose environment has these variables too."""

    def run(environment: dict[str, str], sources: Sequence[str] = tuple(CELLS.values())) -> Any:
        from jupyter_client.kernelspec import KernelSpec
        from jupyter_client.manager import AsyncKernelManager
        from nbclient import NotebookClient
        from nbformat import validate
        from nbformat.v4 import new_code_cell, new_notebook

        class ThisPython(AsyncKernelManager):  # type: ignore[misc]
            """The kernel of the Python that runs the tests, whatever else is installed."""

            @property
            def kernel_spec(self) -> KernelSpec:
                command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
                return KernelSpec(argv=command, display_name="tested", language="python")

        folder = tmp_path_factory.mktemp("notebook")
        home = {name: str(folder) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR")}
        notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
        client = NotebookClient(notebook, timeout=60, kernel_manager_class=ThisPython)
        client.execute(env={**os.environ, "PATH": REAL_PATH, **home, **environment})
        validate(notebook)
        return notebook

    return run


@pytest.fixture(scope="module")
def notebook(run_notebook: Callable[..., Any]) -> Any:
    return run_notebook({})


def outputs(notebook: Any) -> dict[str, dict[str, str]]:
    """What each cell shows, by its name; there are no errors and no warnings."""
    found = {}
    for name, cell in zip(CELLS, notebook.cells):
        assert [output.output_type for output in cell.outputs] == ["execute_result"] * (
            name != "start"
        )
        found[name] = dict(cell.outputs[0].data) if cell.outputs else {}
    return found


@pytest.mark.machine
@pytest.mark.parametrize("name", PICTURES)
def test_a_real_notebook_shows_a_picture(name: str, notebook: Any) -> None:
    shown = outputs(notebook)[name]
    assert set(shown) == {"image/svg+xml", "image/png", "text/plain"}
    texts = {t.text for t in check_fits(shown["image/svg+xml"]).iter(f"{SVG}text")}
    assert {"x", "w", "b", "0.7616"} <= texts
    assert "0.76" in shown["text/plain"]


@pytest.mark.machine
def test_a_real_notebook_shows_mathematics_and_tables(notebook: Any) -> None:
    shown = outputs(notebook)
    assert set(shown["explanation"]) == {"text/latex", "text/plain"}
    assert shown["explanation"]["text/latex"].startswith("$$\n\\begin{aligned}")
    assert set(shown["orders"]) == {"text/plain"}
    assert shown["orders"]["text/plain"].startswith("node")


@pytest.mark.machine
def test_a_real_notebook_without_pictures_shows_text_and_the_reason(
    run_notebook: Callable[..., Any], notebook: Any
) -> None:
    shown = outputs(run_notebook({"TINYGRAD_EDU_DOT": "/no/such/dot"}))
    with_pictures = outputs(notebook)
    for name in (*PICTURES, "small"):
        assert set(shown[name]) == {"text/plain"}
        text, _, reason = shown[name]["text/plain"].rpartition("\n")
        assert text == with_pictures[name]["text/plain"]
        assert reason.startswith("(TINYGRAD_EDU_DOT is '/no/such/dot', which is not a program")
    for name in ("explanation", "orders"):
        assert shown[name] == with_pictures[name]
    assert "Traceback" not in str(shown)


TRAINING = """
from tinygrad_edu.data import gate
from tinygrad_edu.losses import mse_loss
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import train

model = MLP(2, [3, 1], seed=0)
h = train(model, mse_loss, gate("xor"), SGD(model.parameters(), 0.1), epochs=300, compiled={})
"""


@pytest.mark.machine
@pytest.mark.parametrize("compiled", [False, True])
def test_a_real_notebook_shows_how_far_training_is(
    compiled: bool, run_notebook: Callable[..., Any]
) -> None:
    """One line, which has changed in its place: it stays as it was at the end."""
    (cell,) = run_notebook({}, [TRAINING.format(compiled)]).cells
    (shown,) = cell.outputs
    assert shown.output_type == "display_data"
    assert re.fullmatch(r"300 of 300 epochs, loss 0\.\d+", shown.data["text/plain"])
    assert '<progress value="300" max="300"></progress>' in shown.data["text/html"]


@pytest.mark.machine
def test_a_notebook_that_wants_no_progress_shows_none(run_notebook: Callable[..., Any]) -> None:
    (cell,) = run_notebook({}, [TRAINING.format("False, progress=False")]).cells
    assert cell.outputs == []


@pytest.mark.machine
@pytest.mark.parametrize("width", [500, 2400])
def test_in_a_page_made_of_it_no_picture_is_cut_off(
    width: int, notebook: Any, tmp_path: Path
) -> None:
    """As nbconvert writes it: each is whole, and takes the room that there is."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(mathjax_url="", require_js_url="")
    html, _ = exporter.from_notebook_node(notebook)
    file = tmp_path / "notebook.html"
    file.write_text(html, encoding="utf-8")
    with opened(tmp_path / "profile") as browser:
        browser.open(file, width=width, height=900)
        found = browser.say(MEASURE)
    assert found["wanted"] == found["page"] == width
    names = (*PICTURES, "small")
    svgs = [outputs(notebook)[name]["image/svg+xml"] for name in names]
    assert len(found["pictures"]) == len(svgs)
    for svg, box in zip(svgs, found["pictures"]):
        root = ElementTree.fromstring(svg)
        _, _, wide, high = map(float, root.attrib["viewBox"].split())
        assert box["whole"]
        assert 0 <= box["left"] < box["right"] <= width
        assert box["width"] / box["height"] == pytest.approx(wide / high, rel=0.02)
        natural = wide * 96 / 72
        expected = box["room"] if natural > 800 else min(natural, box["room"])
        assert box["width"] == pytest.approx(expected, rel=0.02)
