"""What a slip at the shell is told: one line, exit code 2, and what would have been right."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tinygrad_edu import demos
from tinygrad_edu.cli import main

pytestmark = pytest.mark.quick

AT = ("--at", "x=2,w=3")
LESSONS = ", ".join(lesson.name for lesson in demos.LESSONS)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    script = "from tinygrad_edu import Value\nx = Value(2.0)\ny = x * 3\ny.backward()\n"
    (tmp_path / "ok.py").write_text(script)
    (tmp_path / "plain").write_text("x*w\n")
    (tmp_path / "book.ipynb").write_text("{}\n")
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner().invoke(main, list(args), prog_name="tinygrad-edu", catch_exceptions=False)


def refusal(*args: str) -> str:
    """The one line of an error, and nothing else: no file, either."""
    before = sorted(os.listdir())
    result = run(*args)
    assert (result.exit_code, result.stdout, sorted(os.listdir())) == (2, "", before)
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) < 520
    return result.stderr.removeprefix("Error: ").rstrip("\n")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        # words that are none
        (
            ["x*w", *AT, "--edges", "gradient"],
            "unknown word of --edges 'gradient': choose formula,",
        ),
        (["x*w", *AT, "--edges", "locl"], "unknown word of --edges 'locl' (did you mean local?): "),
        (["x*w", *AT, "--edges", "none,local"], "--edges none stands alone: write none, or the"),
        (["x*w", *AT, "--edges", "all,local"], "--edges all stands alone: write all, or the words"),
        (
            ["x*w", *AT, "--edges", "local contribution"],
            "; write them with commas, such as formula,",
        ),
        (
            ["x*w", *AT, "--hide", "numbers"],
            "unknown word of --hide 'numbers': choose leaves, values,",
        ),
        (["x*w", *AT, "--theme", "night"], "unknown theme 'night'"),
        (["x*w", *AT, "--direction", "up"], "unknown direction 'up': choose LR, TB"),
        (
            ["x*w", *AT, "--format", "gif"],
            "unknown format 'gif': choose svg, png, pdf, html, dot, json, txt",
        ),
        (
            ["x*w", *AT, "-o", "x.gif"],
            "unknown ending .gif: choose .svg, .png, .pdf, .html, .dot, .json, .txt",
        ),
        (["x*w", *AT, "-o", "picture"], "the file name has no ending: choose .svg, .png"),
        (
            ["x*w", *AT, "--level", "boo"],
            "unknown level 'boo': choose node, neuron, layer, network, 0, 1, 2, ...",
        ),
        (["x*w", *AT, "--level", "-1"], "unknown level '-1': choose node, neuron, layer"),
        (
            ["x*w", *AT, "--role", "x=weight"],
            "unknown role 'weight': choose input, parameter, loss",
        ),
        (["x*w", *AT, "--role", "q=input"], "unknown name 'q': choose x, w"),
        (["x*w", *AT, "--role", "x"], "--role 'x' has no =: write NAME=input, without blanks"),
        (["x*w", *AT, "--wrt", "q"], "unknown name 'q': choose x, w, v2"),
        (["x*w", *AT, "--highlight", "q"], "unknown name 'q': choose x, w, v2"),
        (
            ["x*w", *AT, "--order", "7", "--wrt", "x"],
            "--order is a whole number from 1 to 6, not '7'",
        ),
        (
            ["x*w", *AT, "--order", "2"],
            "--order needs a name to differentiate by: add --wrt NAME",
        ),
        (["x*w", *AT, "--precision", "x"], "--precision is a whole number from 0 to 17, not 'x'"),
        (
            ["x*w", *AT, "--timeout", "0"],
            "--timeout is a number of seconds above 0 and at most 1000000",
        ),
        (["x*w", *AT, "--fromat", "svg"], "unknown option '--fromat' (did you mean --format"),
        # twice
        (
            ["x*w", *AT, "--theme", "dark", "--theme", "light"],
            "--theme is given twice, 'dark' and 'light'",
        ),
        (["x*w", *AT, "--format", "svg", "--format", "svg"], "--format is given twice"),
        (
            ["x*w", *AT, "--edges", "local", "--edges", "formula"],
            "--edges is given twice, 'local' and 'formula': write them with commas",
        ),
        (["x*w", *AT, "--update", "1", "--update", "2"], "--update is given twice, '1' and '2'"),
        (["x*w", *AT, "--steps", "a", "--steps", "b"], "--steps is given twice, 'a' and 'b'"),
        (["x*w", *AT, "--level", "1", "--level", "2"], "--level is given twice"),
        (["x*w", *AT, "--order", "1", "--order", "2", "--wrt", "x"], "--order is given twice"),
        (["x*w", *AT, "--at", "x=4"], "x has two numbers: give it one"),
        (["x*w", *AT, "--role", "x=input", "--role", "x=loss"], "'x' has two roles: give it one"),
        # numbers
        (
            ["w1*x1 + b"],
            "'w1', 'x1', 'b' have no number: add --at w1=NUMBER --at x1=NUMBER --at b=NUMBER",
        ),
        (
            ["x*w", "--at", "x=1,5", "--at", "w=2"],
            "'1,5' is not a number: write x=NUMBER with a point, x=1.5",
        ),
        (
            ["x*w", "--at", "x=\N{MINUS SIGN}3"],
            "write x=NUMBER; \N{MINUS SIGN} (character 1) is not understood: write -",
        ),
        (["x*w", "--at", "x", "=", "3"], "unexpected word '=': write x=3, without blanks around ="),
        (["x*w", "--at", "x=", "3"], "unexpected word '3': write x=3, without blanks around ="),
        (["x*w", "--at", "x", "=3"], "unexpected word '=3': write x=3, without blanks around ="),
        (["x*w", "x=2", "w=3"], "unexpected word 'x=2': write --at before it, --at x=2"),
        (["x*w", "--at", "x=2", "w=3"], "unexpected word 'w=3': write --at before it, --at w=3"),
        (["x*w", "--at", "x=2 w=3"], "separate several by commas, x=2,w=3"),
        # what is missing, and what is Python's
        (
            ["x*", *AT],
            "cannot read 'x*' at character 2 (nothing follows *): write a number",
        ),
        (["(x*)", *AT], "at character 3 (nothing follows *)"),
        (["y = x +; y", *AT], "at character 7 (nothing follows +)"),
        (["(/x)*2 + (x", *AT], "at character 10 ('(' was never closed): write a ) for it"),
        (["x + /2)", *AT], "at character 7 (unmatched ')'): leave it out"),
        (["y = /2", *AT], "at character 5 (nothing stands before /)"),
        (["*x", *AT], "begins with *, and nothing stands before it"),
        (["tanh(x", *AT], "at character 5 ('(' was never closed): write a ) for it"),
        (["@"], "cannot read '@': @ stands before the name of a file"),
        (["x%2", *AT], "% (character 2) is not an operation here: write x - 2*floor(x/2)"),
        (["(x+1)//(2*w)", *AT], "write floor((x+1)/(2*w))"),
        (["-x % w", *AT], "write (-x) - w*floor((-x)/w)"),
        (
            ["print(x)", *AT],
            "print (character 1) is a function of Python, and no arithmetic: write x",
        ),
        (["sorted(x, w)", *AT], "sorted (character 1) is a function of Python, and no arithmetic"),
        # words that are too many
        (
            ["x*w", *AT, "--edges", "local", "contribution"],
            "unexpected word 'contribution': write --edges local,contribution, with a comma",
        ),
        (["ok.py", "y"], "unexpected word 'y': write ok.py:y"),
        (["x", "*", "w"], "unexpected word '*': put the expression in quotes"),
        # files
        (["ok.py"], "to draw a script, write FILE.py:NAME, with the name of one of its Values"),
        (["ok:y"], "'ok' is a script: write ok.py:y"),
        (["ok5:y"], "'ok5' is not a Python script: write FILE.py:NAME"),
        (["plain:y"], "'plain' is not a Python script: write FILE.py:NAME"),
        (["net.txt:y"], "'net.txt' is not a Python script: write FILE.py:NAME"),
        (
            ["book.ipynb:y"],
            "'book.ipynb' is a notebook, and cannot be run: save it as a script",
        ),
        (
            ["net.ipynb"],
            "save it as a script, and write net.py:NAME",
        ),
        (["plain.txt"], "write @plain.txt to read the expression from that file"),
        (["net.py:loss"], "there is no file 'net.py': write FILE.py:NAME"),
        (["ok.py:z"], "ok.py defines no 'z'; its Values are x, y"),
        (
            ["ok.py:"],
            "write FILE.py:NAME, such as net.py:loss; its Values are x, y",
        ),
        ([], 'TARGET is missing: write an expression, for example "x*w" --at x=2 --at w=3'),
    ],
)
def test_slips_of_render(typed: list[str], sentence: str) -> None:
    assert sentence in refusal("render", *typed)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (["ok.py:y"], "unknown command 'ok.py:y': write tinygrad-edu render 'ok.py:y'"),
        (["x*w", *AT], "unknown command 'x*w': write tinygrad-edu render 'x*w'"),
        (["help"], "unknown command 'help': write tinygrad-edu --help, or a command and --help"),
        (
            ["rendr", "x"],
            "unknown command 'rendr' (did you mean render?): choose check, compile, demo",
        ),
        (["--verbose"], "unknown option '--verbose'"),
        (
            ["demo", "thewall"],
            f"unknown lesson 'thewall' (did you mean the_wall?): choose {LESSONS}",
        ),
        (["demo", "nope"], f"unknown lesson 'nope': choose {LESSONS}"),
        (["demo", "3"], f"unknown lesson '3': choose {LESSONS}"),
        (
            ["demo", "the_wall", "--fast"],
            "unknown option '--fast': choose --seed, --seeds, --out, --quick,",
        ),
        (["demo", "the_wall", "fast"], "unexpected word 'fast'"),
        (["demo", "the_wall", "--seed", "x"], "--seed is a whole number from 0 on, not 'x'"),
        (
            ["demo", "the_wall", "--seeds", "1", "--seeds", "2"],
            "--seeds is given twice, '1' and '2'",
        ),
        (["explain", "x*w", *AT], "--wrt is missing: write a name, for example --wrt x"),
        (
            ["explain", "x*w", *AT, "--wrt", "x", "--form", "html"],
            "unknown form 'html': choose text, words, latex",
        ),
        (["explain", "x = 2; w = 3; y = x*w", "--wrt", "z"], "unknown name 'z': choose x, w, y"),
        (["explain", "3", "--wrt", "x"], "unknown name 'x'"),
        (
            ["compile", "x*w", "--to", "rust"],
            "unknown language 'rust': choose python, c, javascript, table",
        ),
        (
            ["compile", "x*w", "--to", "c", "--to", "python"],
            "--to is given twice, 'c' and 'python'",
        ),
        (["compile", "x*w", "-o", "x.rs"], "unknown ending .rs: choose .py, .c, .js"),
        (["compile", "x*w", "--at", "q=1"], "q has a number but is not in the expression"),
        (["compile", "x*w", "--to", "c", "-o", "x.js"], "the ending .js and --to c disagree"),
        (["compile", "ok.py:y", "--to", "python", "-o", "ok.py"], "ok.py is read by this command"),
        (["check", "3"], "no name to differentiate by: write one, such as x"),
        (["step", "x*w", "--at", "x=2"], "'w' has no number: add --at w=NUMBER"),
        (["orders", "x*w"], "'x', 'w' have no number: add --at x=NUMBER --at w=NUMBER"),
    ],
)
def test_slips_of_other_commands(typed: list[str], sentence: str) -> None:
    assert sentence in refusal(*typed)


@pytest.mark.parametrize("name", sorted(set(main.commands) - {"demo"}))
def test_every_command_asks_for_its_target(name: str) -> None:
    assert refusal(name).startswith("TARGET is missing: write an expression, for example")


# What used to lose the first


def test_several_files_at_once(folder: Path) -> None:
    assert run("render", "x*w", *AT, "-o", "a.svg", "-o", "a.dot", "-o", "a.json").exit_code == 0
    assert (folder / "a.svg").read_text().startswith("<svg ")
    assert (folder / "a.dot").read_text().startswith("digraph")
    assert (folder / "a.json").read_text().startswith("{")
    assert run("compile", "x*w", "-o", "a.py", "-o", "a.c", "-o", "a.txt").exit_code == 0
    assert "def f(x, w):" in (folder / "a.py").read_text()
    assert "#include" in (folder / "a.c").read_text()
    assert (folder / "a.txt").read_text().startswith("id  name")


def test_several_names_at_once() -> None:
    both = run("explain", "x*w", *AT, "--wrt", "x", "--wrt", "w").stdout
    each = [run("explain", "x*w", *AT, "--wrt", name).stdout for name in "xw"]
    assert both == "\n".join(each)
    drawn = run("render", "x*x*w", *AT, "--wrt", "x", "--wrt", "w").stdout
    assert re.search(r"^.*d.*/.*d.*x.*= 12", drawn, re.M)
    assert re.search(r"^.*d.*/.*d.*w.*= 4", drawn, re.M)
    both = run("compile", "x*w", "--wrt", "w", "--wrt", "x", "--to", "python").stdout
    assert 'results = ["v2", "d_w", "d_x"]' in both


# What is said beside a picture or a program


def test_a_level_without_groups_is_noted() -> None:
    for level in ("neuron", "layer", "1"):
        result = run("render", "x*w", *AT, "--level", level)
        assert result.exit_code == 0
        assert result.stderr == (
            f"Note: --level {level} changes nothing: no Value was computed in a group, such as "
            'with group("layer1/neuron1")\n'
        )
    assert run("render", "x*w", *AT, "--level", "node").stderr == ""
    assert "the calculation = 6  (1 value)" in run("render", "x*w", *AT, "--level", "0").stdout


def test_numbers_that_a_table_does_not_show_are_noted() -> None:
    result = run("compile", "x*w + b", "--at", "x=2")
    assert result.exit_code == 0
    assert result.stderr == (
        "Note: no numbers are shown, because w, b have none: add --at w=NUMBER --at b=NUMBER\n"
    )
    for more in (["--to", "c"], ["--at", "w=1,b=2"], ["--to", "python"]):
        assert run("compile", "x*w + b", "--at", "x=2", *more).stderr == ""


# Names that a program keeps


@pytest.mark.parametrize("language", ["python", "c", "javascript"])
def test_the_ending_says_the_language_and_names_are_kept(language: str, folder: Path) -> None:
    ending = {"python": "py", "c": "c", "javascript": "js"}[language]
    for text, names in (
        ("v1 + 10*v0", ["v1", "v0"]),
        ("v1*h1 + v2*h2", ["v1", "h1", "v2", "h2"]),
        ("d_x*x + d_w*w", ["d_x", "x", "d_w", "w"]),
        ("L = (a*b + c) * f", ["a", "b", "c", "f"]),
        ("-(t*log(y) + (1 - t)*log(1 - y))", ["t", "y"]),
    ):
        assert run("compile", text, "-o", f"n.{ending}").exit_code == 0
        made = (folder / f"n.{ending}").read_text()
        assert made == run("compile", text, "--to", language).stdout
        found = re.search(r"f_?\(((?:double )?\w+(?:, (?:double )?\w+)*)\)", made)
        assert found is not None
        assert found[1].split(", ") == names
