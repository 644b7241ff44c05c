"""The lessons do what they say: run as a class runs them, their plans, tables and pages."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import judge
import plans
import pytest
from click.testing import CliRunner, Result
from plans import PLANS

from tinygrad_edu.cli import main as cli
from tinygrad_edu.data import symmetry as data_symmetry
from tinygrad_edu.demos import reverse_mode, the_wall
from tinygrad_edu.demos.laboratory import mirror, modes, sources
from tinygrad_edu.engine import topological_order
from tinygrad_edu.lesson.facts import Fact
from tinygrad_edu.lesson.telling import CHANGED

NAMES = list(PLANS)
FACTS = [x for x in vars(sources).values() if isinstance(x, Fact)]
LONG = ("hidden_units", "pdp_set", "symmetry", "family_trees", "indifference", "transformer")
ROOT = Path(__file__).parent.parent
SVG = "{http://www.w3.org/2000/svg}"
Ran = Callable[[str], tuple[Result, Path]]


def demo(*words: str) -> Result:
    return CliRunner().invoke(cli, ["demo", *words], catch_exceptions=False)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The quick run of a lesson, and its folder; each is made once."""
    folder = tmp_path_factory.mktemp("quick")

    @cache
    def of(name: str) -> tuple[Result, Path]:
        out = folder / name
        return demo(name, "--quick", "--out", str(out), "--json", f"{out}.json"), out

    return of


# --- the loop ------------------------------------------------------------------------------------


def test_the_loop_tells_every_number_of_one_step(ran: Ran) -> None:
    """y = sigmoid(0.5*1 + 0.25*-2 + 0.1), by hand: 0.525; E = (y-1)**2/2; dE/dw = (y-1)y(1-y)x."""
    told = " ".join(ran("the_loop")[0].output.split())  # a paragraph may break a line anywhere
    phases = [told.index(word) for word in ("FORWARD", "LOSS", "BACKWARD", "UPDATE")]
    assert phases == sorted(phases)
    for line in (
        "y = sigmoid(s) = sigmoid(0.1000) = 0.5250",
        "loss = square / 2 = 0.2256 / 2 = 0.1128",
        "grad w[0] = -0.1185",
        "grad w[1] = 0.2369",
        "grad b = -0.1185",
        "w[0] := 0.5 - 2 x (-0.1185) ≈ 0.7369",
        "w[1] := 0.25 - 2 x 0.2369 = -0.2238",
        "loss: 0.1128 before the step, 0.0161 after it",
        "The network of seed 3 learns it in 638 epochs.",
    ):
        assert line in told


def test_the_loop_draws_its_four_phases(ran: Ran) -> None:
    """The names in the text are the names in the pictures, and no gradient is told too early."""
    _, out = ran("the_loop")
    said = []
    for file in sorted(out.glob("2-phases-0*.svg")):
        texts = ElementTree.parse(file).getroot().iter(f"{SVG}text")
        said.append(" ".join(text.text or "" for text in texts))
    forward, loss, backward, update = said
    assert "0.5250" in forward
    assert "0.1128" in loss
    assert "-0.1185" not in forward
    assert "-0.1185" not in loss
    assert "-0.1185" in backward
    assert "0.7369" in update


# --- all of them ---------------------------------------------------------------------------------


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


@pytest.mark.quick
def test_every_lesson_has_a_plan_and_leads_to_the_next() -> None:
    assert [plan.follows for plan in PLANS.values()] == [*NAMES[1:], ""]
    for name, plan in PLANS.items():
        assert plan.question.endswith("?"), name
        assert 10 <= plan.minutes <= 60, name
        assert plan.ask, name
        assert plan.read, name
        assert all("?" in question for question in plan.ask), name


@pytest.mark.quick
def test_the_table_of_the_lessons_is_that_of_their_plans() -> None:
    assert plans.table() in plans.PAGE.read_text(encoding="utf-8")


@pytest.mark.quick
@pytest.mark.parametrize("name", NAMES)
def test_the_line_to_break_is_there_once(name: str) -> None:
    wrong = PLANS[name].mistake
    assert wrong.file.startswith(("tinygrad_edu/", "demos/"))
    assert (ROOT / wrong.file).read_text(encoding="utf-8").count(wrong.line) == 1
    assert wrong.instead != wrong.line


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LONG])
def test_no_claim_fails_and_every_verdict_follows_from_its_numbers(name: str, ran: Ran) -> None:
    """Those of LONG are run by .ci/checks, as all are, but with processes of their own."""
    done, out = ran(name)
    assert done.exit_code == 0, done.output
    table = judge.rows(out.with_suffix(".json"))
    assert table
    assert judge.contradictions(out.with_suffix(".json")) == []
    reports = {fact.cell for fact in FACTS}
    assert {row["report"] for row in table} <= {*reports, ""}
    assert PLANS[name].mistake.fails in {row["experiment"] for row in table}
    assert len({row["experiment"] for row in table}) == len(table)
    assert CHANGED not in done.output  # an equation shows a line that is there


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LONG])
def test_every_picture_is_on_the_page_which_has_no_script_but_the_sliders(
    name: str, ran: Ran
) -> None:
    _, out = ran(name)
    page = (out / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    slider = ROOT / "tinygrad_edu" / "lesson" / "web" / "page.js"
    assert [script.strip() for script in scripts] in ([], [slider.read_text().strip()])
    pictures = set(re.findall(r'src="([^"]+)"', page))
    assert pictures == {file.name for file in out.glob("[0-9]*.*")}
    assert pictures
    assert page.count('<details class="predict">') >= 2
    assert page.count('<details class="check">') >= 3


@pytest.mark.quick
def test_every_fact_says_where_it_is_and_where_it_was_read() -> None:
    assert len({fact.cell for fact in FACTS}) == len(FACTS)
    for fact in FACTS:
        assert fact.says.endswith("."), fact
        assert fact.place, fact
        assert len(fact.cell) <= 60, fact
        if fact.source == sources.PDP:
            assert fact.second_hand, fact  # we have not seen the book itself


def test_a_lesson_runs_without_matplotlib_and_graphviz(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    done = demo("the_wall", "--seeds", "1", "--out", str(tmp_path))
    assert done.exit_code == 0
    assert done.output.count("pip install 'tinygrad-edu[plots]'") == 1
    assert "14 of the 16" in done.output


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
    """Forward mode passes the edges that lead on from what depends on its input, reverse mode all
    that do not come from a constant."""
    y, inputs = reverse_mode.function([0.5, -1.0, 2.0, 0.25])
    nodes = topological_order(y)
    edges = [(arg, node) for node in nodes for arg in node.args]
    y.backward()
    total = 0
    for x in inputs:
        depends = {x}
        for arg, node in edges:
            if arg in depends:
                depends.add(node)
        slope, passed = modes.forward_mode(y, x)
        assert slope == pytest.approx(x.grad, abs=1e-12)
        assert passed == sum(arg in depends for arg, _ in edges)
        total += passed
    assert total == reverse_mode.edges_forward(4)
    adjoints, passed = modes.reverse_mode(y)
    assert [adjoints[x] for x in inputs] == pytest.approx([x.grad for x in inputs], abs=1e-12)
    assert passed == reverse_mode.edges_back(4)
    assert passed == sum(arg.op.name != "constant" for arg, _ in edges)


def test_the_weights_of_symmetry_are_looked_at_whatever_their_order() -> None:
    for w, ratio, order in (
        ((1.0, 2.0, 4.0), "1:2:4", "SML"),
        ((-4.0, 3.0, 2.0), "2:3:4", "LMS"),
        ((2.0, -4.0, 1.0), "1:2:4", "MLS"),
        ((1.0, 2.0, 3.0), "other", "SML"),
    ):
        unit = [*w, *(-x for x in reversed(w))]
        found = mirror.look([*unit, -1.0, *(-x for x in unit), -1.0, -9.0, -9.0, 6.0])
        assert (found.off, found.ratio, found.order, found.twins) == (0.0, ratio, order, True)


def test_one_unit_alone_has_no_more_than_57_of_the_mirror_images() -> None:
    """The counting of the lesson, and a unit that has 57: yes to 000000 alone."""
    assert max(56 + k - k * (k - 1) // 2 for k in range(9)) == 57
    examples = data_symmetry()
    assert sum((0.5 - sum(c.inputs) > 0) == (c.targets[0] == 1) for c in examples) == 57
