"""The demos do what they say: run as a class runs them, their numbers and their pictures."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from tinygrad_edu import ops, topological_order
from tinygrad_edu.cli import main as cli
from tinygrad_edu.data import symmetry as data_symmetry
from tinygrad_edu.demos import LESSONS, family_trees, reverse_mode, symmetry, the_wall
from tinygrad_edu.demos.laboratory import trial
from tinygrad_edu.demos.laboratory.families import WORKING
from tinygrad_edu.lesson import telling

NAMES = [lesson.name for lesson in LESSONS]
LONG = ("hidden_units", "pdp_set", "symmetry", "family_trees")
ROOT = Path(__file__).parent.parent
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def the_loop(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    out = tmp_path_factory.mktemp("demo") / "the_loop"
    command = [sys.executable, str(ROOT / "demos" / "the_loop.py"), "--out", str(out)]
    command += ["--seeds", "2", "--json", str(out.with_suffix(".json"))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout, out


def test_the_loop_tells_every_number_of_one_step(the_loop: tuple[str, Path]) -> None:
    """y = sigmoid(0.5*1 + 0.25*-2 + 0.1), by hand: 0.525; E = (y-1)**2/2; dE/dw = (y-1)y(1-y)x."""
    told, _ = the_loop
    phases = [told.index(word) for word in ("FORWARD", "LOSS", "BACKWARD", "UPDATE")]
    assert phases == sorted(phases)
    for line in (
        "y = sigmoid(v8) = sigmoid(0.1000) = 0.5250",
        "loss = v13 / 2 = 0.2256 / 2 = 0.1128",
        "grad w[0] = -0.1185",
        "grad w[1] = 0.2369",
        "grad b = -0.1185",
        "w[0] = 0.7369",
        "w[1] = -0.2238",
        "the loss: 0.1128 before, 0.0161 now",
        "loss below 0.001 after 638 epochs",
    ):
        assert line in " ".join(told.split())  # a paragraph may break a line there


def test_the_loop_draws_its_four_phases(the_loop: tuple[str, Path]) -> None:
    _, out = the_loop
    said = {}
    for file in sorted(out.glob("[1-4]-*.svg")):
        texts = ElementTree.parse(file).getroot().iter(f"{SVG}text")
        said[file.stem] = " ".join(text.text or "" for text in texts)
    assert list(said) == ["1-forward", "2-loss", "3-backward", "4-update"]
    assert "0.5250" in said["1-forward"]
    assert "loss" not in said["1-forward"]
    assert "grad" not in said["2-loss"]
    assert "0.1128" in said["2-loss"]
    assert "-0.1185" in said["3-backward"]
    before, after = said["4-update"].index("before"), said["4-update"].index("after")
    for number in ("0.5", "0.1128", "0.7369", "-0.2238", "0.01606"):
        assert f" {number} " in said["4-update"]
    assert 0 <= before < after


@pytest.mark.machine
def test_the_loop_draws_its_loss_curve(the_loop: tuple[str, Path]) -> None:
    _, out = the_loop
    assert ElementTree.parse(out / "6-loss-curve.svg").getroot().tag == f"{SVG}svg"


# --- all of them ---------------------------------------------------------------------------------


def demo(*words: str) -> Result:
    return CliRunner().invoke(cli, ["demo", *words], catch_exceptions=False)


@pytest.mark.quick
def test_the_lessons_are_listed_with_a_line_each() -> None:
    listed = demo()
    assert listed.exit_code == 0
    assert [line.split()[0] for line in listed.output.splitlines()] == NAMES
    assert all(30 < len(line) <= 85 for line in listed.output.splitlines())
    assert {file.stem for file in (ROOT / "demos").glob("*.py")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_lesson_has_the_same_options_and_its_question(name: str) -> None:
    told = demo(name, "--help").output
    for option in ("--seed ", "--seeds ", "--out ", "--quick ", "--json "):
        assert option in told
    assert "?" in told


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LONG])
def test_every_claim_holds(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Those of LONG are run by .ci/run, as all are, but with processes of their own."""
    if name == "the_loop":
        _, out = request.getfixturevalue("the_loop")
    else:
        out = tmp_path / "out"
        done = demo(name, "--quick", "--out", str(out), "--json", str(out.with_suffix(".json")))
        assert done.exit_code == 0, done.output
    rows = json.loads(out.with_suffix(".json").read_text())
    assert rows
    assert all(row["holds"] is not False for row in rows)
    page = (out / "index.html").read_text()
    pictures = set(re.findall(r'src="([^"]+)"', page))
    assert pictures == {file.name for file in out.glob("[0-9]*.*")}
    assert pictures
    assert "<script" not in page


def test_a_lesson_runs_without_matplotlib_and_graphviz(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    done = demo("the_wall", "--seeds", "1", "--out", str(tmp_path))
    assert done.exit_code == 0
    assert done.output.count("pip install 'tinygrad-edu[plots]'") == 1
    assert "<svg" in (tmp_path / "1-unit.html").read_text()  # by ourselves
    assert "14 of the 16" in done.output


WRONG = {
    "the_loop": (ops.sigmoid, lambda y, a: y),
    "reverse_mode": (ops.tanh, lambda y, a: 1 - y),
    "the_wall": (ops.neg, lambda y, a: -0.5),
    "credit": (ops.sigmoid, lambda y, a: y * (1 - y) * 1.001),
    "hidden_units": (ops.sigmoid, lambda y, a: y * (y - 1)),
    "pdp_set": (ops.sigmoid, lambda y, a: y * (y - 1)),
}


@pytest.mark.parametrize("name", WRONG)
def test_with_a_wrong_rule_a_claim_fails(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    op, rule = WRONG[name]
    monkeypatch.setattr(op, "da", rule)
    monkeypatch.setattr(op, "derivatives", (rule,))
    # in this process: another one may not see the wrong rule
    monkeypatch.setattr(telling, "run_all", lambda f, jobs, kept: [f(*job) for job in jobs])
    trial.compiled.cache_clear()
    few = ["--quick", "--seeds", "2" if name in LONG else "1"]
    try:
        done = demo(name, *few, "--out", str(tmp_path))
    finally:
        trial.compiled.cache_clear()
    assert done.exit_code == 1, done.output
    assert re.search(r" NO$", done.output, re.MULTILINE)


@pytest.mark.quick
def test_two_corners_of_four_cannot_be_parted_by_a_line() -> None:
    found = the_wall.separations()
    tables = {"".join(bits) for bits in product("01", repeat=4)}
    assert tables - found == {"0110", "1001"}
    by_trying = {
        the_wall.answers((a / 4, b / 4, c / 8))
        for a in range(-8, 9)
        for b in range(-8, 9)
        for c in range(-17, 18)
    }
    assert by_trying == found


@pytest.mark.quick
def test_forward_mode_and_reverse_mode_pass_the_edges_they_are_said_to() -> None:
    y, inputs = reverse_mode.function([0.5, -1.0, 2.0])
    edges = sum(len(node.args) for node in topological_order(y))
    assert edges == reverse_mode.edges_of(3) == reverse_mode.reverse_mode(y)[1]
    slope, passed = reverse_mode.forward_mode(y, inputs[1])
    y.backward()
    assert (slope, passed) == (pytest.approx(inputs[1].grad, abs=1e-12), edges)


@pytest.mark.machine
def test_if_the_printed_recipe_did_train_its_claim_would_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(family_trees.RECIPES, "as printed", WORKING)
    done = demo("family_trees", "--quick", "--seeds", "2", "--out", str(tmp_path))
    assert done.exit_code == 1
    assert re.search(r"^as printed: training examples .* NO$", done.output, re.MULTILINE)


def test_the_weights_of_symmetry_are_looked_at_whatever_their_order() -> None:
    for w, ratio, order in (
        ((1.0, 2.0, 4.0), "1:2:4", "SML"),
        ((-4.0, 3.0, 2.0), "2:3:4", "LMS"),
        ((2.0, -4.0, 1.0), "1:2:4", "MLS"),
        ((1.0, 2.0, 3.0), "other", "SML"),
    ):
        unit = [*w, *(-x for x in reversed(w))]
        found = symmetry.look([*unit, -1.0, *(-x for x in unit), -1.0, -9.0, -9.0, 6.0])
        assert (found.off, found.ratio, found.order, found.twins) == (0.0, ratio, order, True)


def test_one_unit_alone_has_no_more_than_57_of_the_mirror_images() -> None:
    """The counting of the lesson, and a unit that has 57: yes to 000000 alone."""
    assert max(56 + k - k * (k - 1) // 2 for k in range(9)) == 57
    examples = data_symmetry()
    assert sum((0.5 - sum(c.inputs) > 0) == (c.targets[0] == 1) for c in examples) == 57
