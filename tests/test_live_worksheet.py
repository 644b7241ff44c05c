"""Worksheets: what the file tells and does not tell, how answers are marked, and the key."""

from __future__ import annotations

import json
import random
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import tinygrad_edu
from tinygrad_edu import Value, nn, sigmoid, tanh
from tinygrad_edu.analysis.graph import Graph, differentiated, graph
from tinygrad_edu.cli import main
from tinygrad_edu.errors import ViewError
from tinygrad_edu.live.page import Page, page
from tinygrad_edu.live.questions import Question, digits, near, questions, written
from tinygrad_edu.rows.formula import rounded

WEB = Path(tinygrad_edu.__file__).parent / "live" / "web"
NEURON = ["tanh(x*w + b)", "--at", "x=2", "--at", "w=-3", "--at", "b=6.8813735870195432"]


def neuron() -> Value:
    x, w, b = Value(2.0, label="x"), Value(-3.0, label="w"), Value(6.8813735870195432, label="b")
    y = tanh(x * w + b)
    y.label = "y"
    return y


def two_paths() -> Value:
    x, w = Value(1.7, label="x"), Value(-3.2, label="w")
    return x * w + x * x


def asked(y: Value, *hide: str, precision: int = 4) -> dict[tuple[str, str], Question]:
    made = questions(differentiated(graph(y)), hide or ("values", "grads"), precision)
    return {(each.kind, each.of): each for each in made}


def data_of(made: Page) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', made.html, re.S)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


@pytest.fixture(scope="module")
def script() -> Any:
    engine = pytest.importorskip("quickjs").Context()
    for name in ("numbers", "answers", "sheet"):
        engine.eval((WEB / f"{name}.js").read_text(encoding="utf-8"))
    return engine


def mark(script: Any, data: dict[str, Any], i: int, text: str) -> dict[str, Any]:
    call = f"marked({json.dumps(data)}, {json.dumps(data['questions'][i])}, {json.dumps(text)})"
    marked: dict[str, Any] = json.loads(script.eval(f"JSON.stringify({call})"))
    return marked


def test_the_page_has_its_own_sha_256(script: Any) -> None:
    texts = ["", "abc", *("x" * n for n in (55, 56, 63, 64, 65, 119, 120, 1000))]
    for text in texts:
        assert script.eval(f"sha256({text!r})") == sha256(text.encode()).hexdigest()


def test_python_and_the_page_round_alike(script: Any) -> None:
    pick = random.Random(1)
    numbers = [0.0, -0.0, 1.0, 0.99999, 0.0999996, 9.99996, 1e7, 9999999.99996, 1e-320, 1e300]
    numbers += [pick.uniform(-1, 1) * 10.0 ** pick.randint(-9, 9) for _ in range(300)]
    for x in numbers:
        for precision in (0, 1, 4, 17):
            assert json.loads(script.eval(f"JSON.stringify(nearby({x!r}, {precision}))")) == near(
                x, precision
            )


def test_a_rounded_number_is_the_one_that_a_picture_shows() -> None:
    pick = random.Random(2)
    for _ in range(500):
        x, precision = pick.uniform(-1, 1) * 10.0 ** pick.randint(-9, 9), pick.randint(0, 8)
        n, e = digits(x, precision)
        assert float(f"{n}e{e}") == float(rounded(x, precision))
        assert float(written(n, e)) == float(rounded(x, precision))


@pytest.mark.parametrize("typed", ["0.5", ".5", "0,5", " 0.5 ", "1/2", "1 / 2", "5e-1", "0.5001"])
def test_every_usual_form_of_a_number_is_read(script: Any, typed: str) -> None:
    x = Value(0.5, label="x")
    data = data_of(page(x * x, worksheet=True, hide=["leaves"]))
    assert mark(script, data, 0, typed)["right"]


def test_right_answers_and_their_neighbours_are_right(script: Any) -> None:
    for y in (neuron(), two_paths()):
        data = data_of(page(y, worksheet=True))
        for i, question in enumerate(asked(y).values()):
            n, e = digits(question.right, 4)
            for step in (-1, 0, 1):
                assert mark(script, data, i, f"{n + step}e{e}") == {"right": True, "reason": ""}
            for step in (-40, 40):
                assert not mark(script, data, i, f"{n + step}e{e}")["right"]
            assert mark(script, data, i, " ") == {"right": False, "reason": ""}
            assert "not a number" in mark(script, data, i, "half")["reason"]


def test_every_mistake_has_its_own_reason(script: Any) -> None:
    for y in (neuron(), two_paths()):
        data = data_of(page(y, worksheet=True))
        for i, question in enumerate(asked(y).values()):
            assert len(question.wrong) >= 3
            for wrong in question.wrong:
                told = mark(script, data, i, rounded(wrong.answer, 4))
                assert told == {"right": False, "reason": wrong.reason}


# the gradients of x*w + x*x at x = 1.7, w = -3.2 by hand: by x w + 2x = 0.2, by w x = 1.7
@pytest.mark.parametrize(
    ("of", "answer", "says"),
    [
        ("x", 3.4, "forgot to add the path through v2"),
        ("x", -1.5, "forgot to add the path through v3 (left)"),
        ("x", -3.2, "Only the path through v2 counts here, which came last"),
        ("x", 6.6, "sign of what comes by the path through v2 is lost"),
        ("x", 5.1, "derivative by x is the other factor"),
        ("x", -0.2, "the sign is not"),
        ("x", 3.0, "multiply each by the local derivative"),
        ("w", -3.2, "derivative by w is the other factor"),
        ("w", 1.0, "v2.grad alone"),
        ("w", 2.7, "You added"),
    ],
)
def test_what_was_forgotten_in_a_sum_of_paths(of: str, answer: float, says: str) -> None:
    question = asked(two_paths())["gradient", of]
    assert says in next(w.reason for w in question.wrong if abs(w.answer - answer) < 1e-9)


# at the README's b, v = 0.8814 and y = tanh(v) = 0.7071: 1 - y**2 is 0.5, and 1 - v**2 is 0.2232
@pytest.mark.parametrize(
    ("of", "answer", "says"),
    [
        ("v4", 0.2232, "y is the result, and not the operand"),
        ("v4", 0.2929, "the square is missing"),
        ("v4", 1.0, "y.grad alone"),
        ("w", 2.0, "local derivative alone"),
        ("w", 0.4464, "such as 1 - a² for tanh"),
        ("w", -1.5, "other factor"),
        ("y", 0.0, "by itself is 1"),
    ],
)
def test_what_was_forgotten_in_a_neuron(of: str, answer: float, says: str) -> None:
    question = asked(neuron())["gradient", of]
    assert says in next(w.reason for w in question.wrong if abs(w.answer - answer) < 1e-4)


def test_mistakes_in_values_and_in_local_derivatives() -> None:
    made = asked(neuron(), "values", "edges")
    (product,) = [w for w in made["value", "v2"].wrong if w.answer == -1]
    assert product.reason == "This is x + w. It is x·w."
    lost = "The minus sign of v2 is lost."  # 6 + 6.8814, in place of -6 + 6.8814
    (answer,) = [w.answer for w in made["value", "v4"].wrong if w.reason == lost]
    assert answer == pytest.approx(12.8814, abs=1e-4)
    told = {w.reason: w.answer for w in made["local derivative", "y by v4"].wrong}
    assert any("y is the result" in reason for reason in told)
    x = Value(-0.3, label="x")
    assert "relu lets a gradient" in asked(x.relu(), "grads")["gradient", "x"].wrong[0].reason
    assert "taken away" in asked(2 - x, "grads")["gradient", "x"].wrong[0].reason
    slope = asked(sigmoid(Value(0.3, label="a")), "grads")["gradient", "a"]
    assert any("the factor y is missing" in wrong.reason for wrong in slope.wrong)


def test_a_gradient_from_a_wrong_gradient_is_recognised() -> None:
    x = Value(1.3, label="x")
    s = x * x  # used twice
    loss = s * s * s
    last = 2 * 1.3 * 1.3**4  # `=` for `+=`: of s, only s * s is kept; then, of x, one of two
    reasons = [w.reason for w in asked(loss)["gradient", "x"].wrong if abs(w.answer - last) < 9]
    assert any("between here and the output" in reason for reason in reasons)


@pytest.mark.parametrize("seed", range(8))
def test_no_mistake_is_as_good_as_the_right_answer(seed: int) -> None:
    model = nn.MLP(2, [3, 1], seed=seed) if seed % 2 else nn.MLP(2, [2, 1], seed=seed)
    out = model([Value(0.3, label="x1"), Value(-0.7, label="x2")])
    out = out[0] if isinstance(out, list) else out
    for question in asked((out - 1) ** 2, precision=2).values():
        texts = [near(wrong.answer, 2)[0] for wrong in question.wrong]
        assert len(texts) == len({*texts})
        assert not {*texts} & {*near(question.right, 2)}


@pytest.mark.parametrize("hide", [["grads"], ["values", "grads"], ["grads", "edges"], ["values"]])
def test_no_hidden_number_is_in_the_file(hide: list[str]) -> None:
    for y in (neuron(), two_paths()):
        html = page(y, worksheet=True, hide=hide).html
        shown: Graph = differentiated(graph(y))
        given = {rounded(n.data or 0.0, 4) for n in shown.nodes if n.kind == "leaf"}
        if "values" not in hide:
            given |= {rounded(n.data or 0.0, 4) for n in shown.nodes}
        if "values" not in hide and "edges" not in hide:
            given |= {rounded(e.local or 0.0, 4) for e in shown.edges}
        checked = 0
        for question in asked(y, *hide).values():
            text = rounded(question.right, 4)
            if len(text) > 3 and text not in given:
                checked += 1
                for form in (text, repr(question.right), str(question.right)[:8]):
                    assert form not in html
        assert checked
        assert "function forward" not in html
        assert '"op"' not in html
        assert "blank" in html  # what a screen reader says of a hidden number


def test_the_same_program_makes_the_same_bytes() -> None:
    assert page(neuron(), worksheet=True).html == page(neuron(), worksheet=True).html
    salts = [each["salt"] for each in data_of(page(neuron(), worksheet=True))["questions"]]
    assert len(salts) == len({*salts})


def test_the_key_is_a_file_of_its_own() -> None:
    made = neuron().page(worksheet=True)
    key = made.key()
    assert "gradient of w = 1.0000\n" in key or "gradient of w = 1\n" in key
    assert "v2.grad * (x) = 0.5000 * (2)" in key or "v2.grad * (x) = 0.5 * (2)" in key
    assert "value of y = 0.7071\n   tanh(v4) = tanh(0.8814)\n" in key
    assert "0.7071" not in made.html
    assert made.key(html=True).startswith("<!DOCTYPE html>")
    assert "<b>0.7071</b>" in made.key(html=True)
    with pytest.raises(ViewError, match="only a worksheet"):
        neuron().page().key()


def test_it_says_that_it_deters_and_does_not_secure() -> None:
    assert "deters" in neuron().page(worksheet=True).html


def test_hostile_labels_stay_text() -> None:
    x = Value(1.5, label="</script><img src=x onerror=alert(1)>")
    made = page(x * 2.5, worksheet=True)
    assert "<img" not in made.html
    assert made.html.count("</script>") == 2
    assert "<img" not in made.key(html=True)


def test_what_is_no_worksheet_is_refused() -> None:
    with pytest.raises(ViewError, match="worksheet=True"):
        neuron().page(hide=["grads"])
    with pytest.raises(ViewError, match="level"):
        neuron().page(worksheet=True, level="network")
    with pytest.raises(ViewError, match="hide grads"):
        Value(1.0, label="x").page(worksheet=True, hide=["values"])
    x = Value(1.0, label="x")
    y = x
    for _ in range(200):
        y = y * x
    with pytest.raises(ViewError, match="questions are more than"):
        y.page(worksheet=True)


def test_the_command_writes_sheet_and_key(tmp_path: Path) -> None:
    sheet, key = tmp_path / "sheet.html", tmp_path / "key.txt"
    words = ["render", *NEURON, "--worksheet", "-o", str(sheet), "--key", str(key)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert done.output == ""
    assert "0.7071" not in sheet.read_text(encoding="utf-8")
    assert "0.7071" in key.read_text(encoding="utf-8")
    page_key = tmp_path / "key.html"
    CliRunner().invoke(main, [*words[:-1], str(page_key)])
    assert page_key.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--worksheet", "-o FILE.html"),
        ("--worksheet -o a.svg", "-o FILE.html"),
        ("--worksheet -o a.html -o b.svg", "-o FILE.html"),
        ("--key k.txt -o a.html", "add --worksheet"),
        ("--worksheet -o a.html --key k.pdf", ".txt or .html"),
        ("--worksheet -o a.html --key a.html", "same file"),
        ("--worksheet -o a.html --level layer", "drop --level"),
        ("--worksheet -o a.html --wrt x", "--wrt"),
        ("--hide grads -o a.html", "--worksheet"),
    ],
)
def test_options_that_do_not_go_together(
    words: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["render", *NEURON, *words.split()])
    assert done.exit_code == 2
    assert says in done.output
    assert len(done.output.strip().splitlines()) == 1
    assert not [*tmp_path.iterdir()]
