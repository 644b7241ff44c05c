"""The commands that explain: `explain`, `step` and `orders`, in pipes and on terminals."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import unicodedata
from math import atanh
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import posix

from tinygrad_edu import Value
from tinygrad_edu.cli import main

# L = (a*b + c) * f, v2 = a*b = -6, v4 = v2 + c = 4: dL/da = f*b = 6, dL/db = f*a = -4,
# dL/dc = f = -2, dL/df = v4 = 4.
L = "L = (a*b + c) * f"
AT = ("--at", "a=2", "--at", "b=-3", "--at", "c=10", "--at", "f=-2")
GRADS = {"a": 6, "b": -4, "c": -2, "f": 4}

# micrograd's thread #68: y = c+d + c*d at c = a+b = 5, d = a*b = 6:
# dy/da = (1+d) + (1+c)*b = 7 + 18 = 25, dy/db = (1+d) + (1+c)*a = 7 + 12 = 19.
THREAD = "c = a+b; d = a*b; e = c+d; f = c*d; y = e+f"
THREAD_AT = ("--at", "a=2", "--at", "b=3")

COMMANDS: dict[str, tuple[str, ...]] = {
    "text": ("explain", "--wrt", "a"),
    "words": ("explain", "--wrt", "a", "--form", "words"),
    "step": ("step", "--all"),
    "orders": ("orders",),
}
SCRIPT = """\
from tinygrad_edu import Value
a, b, c, f = (Value(x, label=n) for n, x in (("a", 2), ("b", -3), ("c", 10), ("f", -2)))
L = (a*b + c) * f
L.label = "L"
"""
HOSTILE = [
    "漢字かな",
    "é",
    "x" * 300,
    "漢" * 200,
    "👩\u200d👩\u200d👧 🏳\ufe0f",
    "\x1b[31mred",
    "a\nb",
    "",
    " ",
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and a terminal of 80 columns that knows Unicode."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "LC_ALL", "LC_CTYPE", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")  # none of this needs Graphviz
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner().invoke(main, list(args), prog_name="tinygrad-edu", catch_exceptions=False)


def output(*args: str) -> str:
    """What a command prints that succeeds and has nothing to remark."""
    result = run(*args)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def refusal(*args: str) -> str:
    """The one line on stderr of a command that refuses."""
    result = run(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.endswith("\n")
    assert result.stderr[:-1].isprintable()
    assert len(result.stderr) < 530
    return result.stderr


def unfolded(text: str) -> str:
    """The text with the lines put together again that were broken for their width."""
    return re.sub(r"\n {4,}(?=\S)", " ", text)


def with_label(label: str) -> None:
    """A script whose `a` has that label, and whose output, too, nearly so."""
    Path("hostile.py").write_text(
        f"{SCRIPT}a.label = {label!a}\nL.label = 'L' + {label!a}\n", encoding="ascii"
    )


# explain


@pytest.mark.quick
def test_the_only_path_is_a_product() -> None:
    text = output("explain", L, *AT, "--wrt", "a")
    assert text.splitlines() == [
        "d L / d a = 6",
        "",
        "where",
        "  L = v4 * f = -8;  local derivative by v4: f = -2",
        "  v4 = v2 + c = 4;  local derivative by v2: 1",
        "  v2 = a * b = -6;  local derivative by a: b = -3",
        "",
        "along the only path:",
        "  1. L <- v4 <- v2 <- a",
        "     f * 1 * b = (-2) * 1 * (-3) = 6",
    ]


@pytest.mark.parametrize("name", GRADS)
def test_every_name_has_its_gradient(name: str) -> None:
    grad = GRADS[name]
    first, *_, last = output("explain", L, *AT, "--wrt", name).splitlines()
    assert first == f"d L / d {name} = {grad}"
    assert last.split(" = ")[-1].strip(" ()") == str(grad)
    words = unfolded(output("explain", L, *AT, "--wrt", name, "--form", "words"))
    assert f"When {name} grows by a little, L changes {grad} times as much." in words
    assert ("The minus sign means that L shrinks" in words) == (grad < 0)
    latex = output("explain", L, *AT, "--wrt", name, "--form", "latex")
    assert latex.startswith("\\begin{aligned}\n")
    assert "\n\\frac{d L}{d " + name + "} &=" in latex
    assert latex.endswith(f"&= {grad}\n" + "\\end{aligned}\n")


@pytest.mark.quick
def test_several_paths_are_added_up() -> None:
    # y = x*x + 3*x at 2: the paths are x, x and 3
    text = output("explain", "x*x + 3*x", "--wrt", "x", "--at", "x=2")
    assert text.startswith("d v4 / d x = 7\n")
    assert "along 3 paths:" in text
    assert text.endswith("sum: 2 + 2 + 3 = 7\n")
    words = output("explain", "x*x + 3*x", "--wrt", "x", "--at", "x=2", "--form", "words")
    assert "3 paths lead from x to v4" in words
    assert words.endswith("so they add up: 2, 2, 3 make 7.\n")
    latex = output("explain", "x*x + 3*x", "--wrt", "x", "--at", "x=2", "--form", "latex")
    assert "&= 2 + 2 + 3 \\\\\n&= 7\n" in latex


def test_the_paths_of_the_thread() -> None:
    text = output("explain", THREAD, *THREAD_AT, "--wrt", "a")
    assert text.startswith("d y / d a = 25\n")
    assert "along 4 paths:" in text
    last = text.splitlines()[-1]  # by e and c, e and d, f and c, f and d
    assert sorted(last.removeprefix("sum: ").partition(" = ")[0].split(" + ")) == [
        *("1", "15", "3", "6")
    ]
    assert output("explain", THREAD, *THREAD_AT, "--wrt", "b").startswith("d y / d b = 19\n")
    assert output("explain", THREAD, *THREAD_AT, "--wrt", "c").startswith("d y / d c = 7\n")


def test_a_node_without_a_name_is_called_by_its_number() -> None:
    assert output("explain", L, *AT, "--wrt", "v2").startswith("d L / d v2 = -2\n")
    assert output("explain", L, *AT, "--wrt", "L") == "d L / d L = 1\n  L is L\n"


def test_too_many_paths_are_told_node_by_node() -> None:
    text = "; ".join(f"x{i} = x{i - 1}+x{i - 1}" for i in range(1, 41))
    told = output("explain", text, "--at", "x0=1", "--wrt", "x0")  # or it would not end
    assert told.startswith("d x40 / d x0 = 1.100e+12\n")
    assert "1,099,511,627,776 paths are too many to list" in told
    assert "node by node" in unfolded(
        output("explain", text, "--at", "x0=1", "--wrt", "x0", "--form", "words")
    )
    latex = output("explain", text, "--at", "x0=1", "--wrt", "x0", "--form", "latex")
    assert latex.startswith("\\begin{aligned}\n")


@pytest.mark.parametrize(
    ("precision", "shown"), [("0", "0.3"), ("1", "0.3"), ("3", "0.333"), ("6", "0.333333")]
)
def test_the_precision_of_an_explanation(precision: str, shown: str) -> None:
    words = ("explain", "tanh(x)*y", "--wrt", "y", "--at", f"x={atanh(1 / 3)!r}", "--at", "y=1")
    text = output(*words, "--precision", precision)
    assert text.startswith(f"d v3 / d y = {shown}\n")
    assert text.endswith(f" = {shown}\n")
    told = output(*words, "--precision", precision, "--form", "words")
    assert f"v3 changes {shown} times as much" in told


def test_what_does_not_depend_on_a_name(folder: Path) -> None:
    (folder / "apart.py").write_text(f"{SCRIPT}y = a * 1\nz = b * 0 + y * 0\n")
    assert output("explain", "apart.py:z", "--wrt", "b").startswith("d z / d b = 0\n")
    assert refusal("explain", "apart.py:y", "--wrt", "b").startswith("Error: unknown name 'b'")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--wrt", "z"), "unknown name 'z': choose a, b, v2, c, v4, f, L"),
        (("--wrt", ""), "unknown name '': choose a, b, v2, c, v4, f, L"),
        (("--wrt", "v0"), "unknown name 'v0'"),
        (("--wrt", "\x1b[31m"), "unknown name"),
        (("--wrt", "q" * 10_000), "unknown name"),
        (("--wrt", "-a"), "unknown name '-a'"),
        (("--wrt",), "--wrt"),
        ((), "--wrt"),
        (("--wrt", "a", "--form", "html"), "unknown form 'html': choose text, words, latex"),
        (("--wrt", "a", "--form", ""), "unknown form '': choose text, words, latex"),
        (("--wrt", "a", "--precision", "-1"), "--precision"),
        (("--wrt", "a", "--precision", "18"), "--precision"),
        (("--wrt", "a", "--precision", "x"), "--precision"),
        (("--wrt", "a", "--at", "q=1"), "q has a number"),
        (("--wrt", "a", "--order", "2"), "--order"),
        (("--wrt", "a", "-o", "y.svg"), "-o"),
    ],
    ids=str,
)
def test_what_explain_refuses(args: tuple[str, ...], words: str) -> None:
    assert words in refusal("explain", L, *AT, *args)


def test_nothing_is_explained_by_a_constant(folder: Path) -> None:
    assert "3 is a constant" in refusal("explain", "3*x", "--at", "x=1", "--wrt", "3")
    assert "e is a constant" in refusal("explain", "e*x", "--at", "x=1", "--wrt", "e")
    (folder / "twice.py").write_text(f"{SCRIPT}b.label = 'a'\n")
    assert "2 nodes have the name 'a'" in refusal("explain", "twice.py:L", "--wrt", "a")


# step


STEPS = """\
given     a = 2, b = -3, c = 10, f = -2
forward   v2 = a * b = 2 * (-3) = -6
forward   v4 = v2 + c = -6 + 10 = 4
forward   L = v4 * f = 4 * (-2) = -8
backward  L is the output: d L / d L = 1, grad L = 1
backward  L -> v4: local derivative f = -2; contribution 1 * (-2) = -2; grad v4 = -2
backward  L -> f: local derivative v4 = 4; contribution 1 * 4 = 4; grad f = 4
backward  v4 -> v2: local derivative 1; contribution (-2) * 1 = -2; grad v2 = -2
backward  v4 -> c: local derivative 1; contribution (-2) * 1 = -2; grad c = -2
backward  v2 -> a: local derivative b = -3; contribution (-2) * (-3) = 6; grad a = 6
backward  v2 -> b: local derivative a = 2; contribution (-2) * 2 = -4; grad b = -4
"""


def test_both_passes_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unfolded(output("step", L, *AT, "--all")) == STEPS
    monkeypatch.setenv("COLUMNS", "120")
    assert output("step", L, *AT) == STEPS


def test_a_gradient_grows_step_by_step() -> None:
    lines = output("step", "x*x + x", "--at", "x=3").splitlines()
    grads = [line.partition("grad x = ")[2] for line in lines if "grad x = " in line]
    text = unfolded(output("step", "x*x + x", "--at", "x=3"))
    assert "grad x = 1\n" in text
    assert "grad x = 1 + 3 = 4\n" in text
    assert text.endswith("grad x = 4 + 3 = 7\n")
    assert grads


def test_the_steps_as_json() -> None:
    events = json.loads(output("step", L, *AT, "--json"))
    assert [event["phase"] for event in events] == ["forward"] * 3 + ["backward"] * 7
    assert [event["data"] for event in events[:4]] == [-6, 4, -8, -8]
    assert (events[3]["node"], events[3]["running"]) == (6, 1)
    assert events[-2] == {
        "phase": "backward",
        "node": 0,
        "op": "mul",
        "operands": [0, 1],
        "data": 2.0,
        "target": 2,
        "operand": 0,
        "adjoint": -2.0,
        "local": -3.0,
        "contribution": 6.0,
        "before": None,
        "running": 6.0,
    }
    assert all(e["contribution"] == e["adjoint"] * e["local"] for e in events[4:])
    assert output("step", L, *AT, "--json", "--all") == output("step", L, *AT, "--json")


def test_json_can_say_what_is_not_finite() -> None:
    events = json.loads(output("step", "log(x)", "--at", "x=0", "--json"))
    assert (events[0]["data"], events[-1]["local"]) == ("-inf", "inf")


def test_the_precision_of_the_steps() -> None:
    assert " = 0.33\n" in output("step", "x/3", "--at", "x=1", "--precision", "2")
    assert " = 0.333333\n" in output("step", "x/3", "--at", "x=1", "--precision", "6")


@pytest.mark.parametrize("command", ["step", "orders"])
@pytest.mark.parametrize(
    "args",
    [("--precision", "-1"), ("--precision", "x"), ("--precision", ""), ("--wrt", "a"), ("-o", "y")],
    ids=str,
)
def test_what_step_and_orders_refuse(command: str, args: tuple[str, ...]) -> None:
    assert args[0] in refusal(command, L, *AT, *args)


# orders


ORDERS = """\
node  topological  naive recursion  pre-order
y     1            1                1
f     1            1                1
e     1            1                1
d     6            6                6
c     7            7                7
b     19           22 *             3 *        <- the first that differs
a     25           29 *             4 *
"""


def test_the_orders_of_the_thread() -> None:
    text = output("orders", THREAD, *THREAD_AT)
    assert text.startswith(ORDERS)
    told = unfolded(text)
    assert "naive recursion: wrong, first at b: 22, not 19; c passed on 1 before its grad" in told
    assert "pre-order: wrong, first at b: 3, not 19; c passed on 1 before its gradient" in told
    visits = dict(re.findall(r"^(topological|naive recursion|pre-order) +(.*)$", told, re.M))
    assert visits["topological"] == "y f e d c b a"
    assert visits["naive recursion"] == "y e c! a b d! a b f c! a b d! a b"
    assert visits["pre-order"].startswith("y e c! a b d! f")


def test_on_a_tree_every_order_is_right() -> None:
    text = output("orders", L, *AT)
    assert text.count("every gradient is right on this graph") == 2
    assert "<-" not in text
    assert not re.search(r"\d \*", text)
    for name, grad in GRADS.items():
        assert re.search(rf"^{name} +{grad} +{grad} +{grad}$", text, re.M)


def test_recursion_without_end_is_stopped() -> None:
    text = "; ".join(f"x{i} = x{i - 1}+x{i - 1}" for i in range(1, 41))
    told = output("orders", text, "--at", "x0=1")
    assert "naive recursion: stopped after 100,000 visits" in unfolded(told)
    assert re.search(r"^x0 +1\.100e\+12 +\? +1\.100e\+12$", told, re.M)


@pytest.mark.parametrize("args", [("3",), ("x", "--at", "x=2")], ids=str)
def test_a_graph_of_one_node(args: tuple[str, ...]) -> None:
    name = args[0]
    assert re.search(rf"^{name} +1 +1 +1$", output("orders", *args), re.M)
    assert f"d {name} / d {name} = 1" in output("step", *args)


# What all have in common


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_script_s_value_is_taken_too(command: tuple[str, ...], folder: Path) -> None:
    (folder / "lesson.py").write_text(SCRIPT)
    name, *options = command
    assert output(name, "lesson.py:L", *options) == output(name, L, *AT, *options)
    (folder / "lesson.py").write_text(f"print('epoch')\n{SCRIPT}L.backward()\n")
    result = run(name, "lesson.py:L", *options)
    assert (result.exit_code, result.stderr) == (0, "epoch\n")
    assert result.stdout == output(name, L, *AT, *options)
    (folder / "lesson.py").write_text(SCRIPT)
    other = [word.replace("a=2", "a=1.5") for word in AT]
    assert output(name, "lesson.py:L", *options, "--at", "a=1.5") == output(
        name, L, *other, *options
    )
    told = refusal(name, "lesson.py:L", *options, "--at", "q=1")
    assert told.startswith("Error: unknown name 'q': choose a, b, ")
    told = refusal(name, "lesson.py:L", *options, "--at", "L=1")
    assert told.startswith("Error: 'L' is computed: set one of a, b, c, f")
    assert "FILE.py:NAME" in refusal(name, "lesson.py", *options)
    assert "no file" in refusal(name, "none.py:L", *options)
    assert "its Values are a, b, c, f, L" in refusal(name, "lesson.py:M", *options)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_an_expression_may_begin_with_a_dash(command: tuple[str, ...]) -> None:
    name, *options = command
    drawn = output(name, " -a*b", "--at", "a=2", "--at", "b=3", *options)
    assert output(name, "-a*b", "--at", "a=2", "--at", "b=3", *options) == drawn
    assert output(name, *options, "--at", "a=2", "--at=b=3", "-a*b") == drawn


def test_explaining_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Value] = []
    monkeypatch.setattr(sys, "kept", kept, raising=False)
    (folder / "lesson.py").write_text(
        f"{SCRIPT}L.backward()\nimport sys\nsys.kept[:] = a, b, c, f\n"
    )
    for name, *options in COMMANDS.values():
        output(name, "lesson.py:L", *options)
        assert [value.grad for value in kept] == [6, -4, -2, 4], name
        kept.clear()


def columns(line: str) -> int:
    """The columns of a terminal that a line takes."""
    return sum(
        0
        if unicodedata.combining(c) or unicodedata.category(c) == "Cf"
        else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in line
    )


@pytest.mark.parametrize("language", ["C.UTF-8", "C"])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_no_line_is_wider_than_the_terminal(
    command: tuple[str, ...], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", language)
    name, *options = command
    long = "é" * 45
    expression = f"{long} = tanh(a*b + 漢字); y = {long}*{long}*a"
    for width in (*range(20, 30), *range(30, 121, 15)):
        monkeypatch.setenv("COLUMNS", str(width))
        at = ("--at", "a=1.23456e-99", "--at", "b=-3", "--at", "漢字=1e99")
        lines = run(name, expression, *at, *options).stdout.split("\n")
        assert len(lines) > 5
        assert max(map(columns, lines)) <= width
        assert language == "C.UTF-8" or all(map(str.isascii, lines))


@pytest.mark.parametrize("label", HOSTILE, ids=lambda label: ascii(label)[1:20])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_no_label_breaks_out_of_its_line(
    command: tuple[str, ...], label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_label(label)
    name, *options = command
    options = ["b" if word == "a" else word for word in options]
    for width in (20, 33, 80, 120):
        for language in ("C.UTF-8", "C"):
            monkeypatch.setenv("LANG", language)
            monkeypatch.setenv("COLUMNS", str(width))
            text = output(name, "hostile.py:L", *options)
            lines = text.split("\n")
            assert max(map(columns, lines)) <= width
            assert all(line.isprintable() for line in lines)
            assert language == "C.UTF-8" or text.isascii()
    monkeypatch.setenv("COLUMNS", "120")
    assert len(output(name, "hostile.py:L", *options).splitlines()) >= 3


ONE_AFTER_THE_OTHER = """
import json, sys
from tinygrad_edu.cli import main
for words in json.loads(sys.argv[1]):
    main(words, prog_name="tinygrad-edu", standalone_mode=False)
"""


def printed_by(commands: list[list[str]], **env: str) -> bytes:
    """What a process prints that runs the commands one after the other."""
    done = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_THE_OTHER, json.dumps(commands)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        env={**os.environ, **env},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


@posix
@pytest.mark.parametrize(
    "env", [{"LC_ALL": "C", "LANG": "en_US.UTF-8"}, {"PYTHONIOENCODING": "latin-1"}], ids=str
)
def test_a_plain_terminal_gets_ascii(env: dict[str, str]) -> None:
    words = [*COMMANDS.values(), ("check",)]
    given = ["é = a*ß; é*a", "--at", "a=2", "--at", "ß=3"]
    assert printed_by([[name, *given, *options] for name, *options in words], **env).isascii()
    latex = ["explain", *given, "--wrt", "a", "--form", "latex"]  # which is not for the terminal
    assert printed_by([latex], **env)


@pytest.mark.parametrize("columns", ["0", "1", "9" * 5_000, "-5", "x", "", "٣"])
def test_a_strange_width_is_no_accident(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for name, *options in COMMANDS.values():
        assert "L" in output(name, L, *AT, *options)


# On a terminal


def process(*args: str, **pipes: int) -> subprocess.Popen[bytes]:
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": ""}
    return subprocess.Popen(
        [sys.executable, "-m", "tinygrad_edu", *args],
        env={name: value for name, value in env.items() if value},
        **pipes,  # type: ignore[call-overload]
    )


def shown_by(ours: int, asked: list[bytes]) -> bytes:
    """All that a terminal shows; at each question it is given the next of the keys."""
    import termios

    shown, count, waited = b"", 0, 0
    while True:
        try:
            read = os.read(ours, 65536)
        except OSError:  # what Linux says at the end
            return shown
        if not read:
            return shown
        shown += read
        while count < shown.count(b"q ends) "):
            count += 1
            while termios.tcgetattr(ours)[3] & termios.ICANON:  # until it waits for a key
                waited += 1
                assert waited < 5_000
                time.sleep(0.005)
            os.write(ours, asked.pop(0) if asked else b"\x03")


def walk(*args: str, keys: list[bytes]) -> tuple[int, str]:
    """The exit code, and what stays on the terminal where the keys are typed one by one."""
    import pty

    ours, its = pty.openpty()
    started = process(*args, stdin=its, stdout=its, stderr=its)
    os.close(its)
    shown = shown_by(ours, keys)
    os.close(ours)
    text = shown.decode().replace("\r\n", "\n")
    return started.wait(30), re.sub(r"\([^)\n]*q ends\) \r\x1b\[K", "", text)


X = ("x*w", "--at", "x=2", "--at", "w=3")
WALK = """\
given     x = 2, w = 3
forward   v2 = x * w = 2 * 3 = 6
backward  v2 is the output: d v2 / d v2 = 1, grad v2 = 1
backward  v2 -> x: local derivative w = 3; contribution 1 * 3 = 3; grad x = 3
backward  v2 -> w: local derivative x = 2; contribution 1 * 2 = 2; grad w = 2
"""


@posix
def test_any_key_goes_on() -> None:
    assert walk("step", *X, keys=[b" ", b"\r", b"\x1b[C", b"\xc3\xa9"]) == (0, WALK)


@posix
@pytest.mark.parametrize(("key", "after"), [(b"q", 0), (b"Q", 2), (b"\x1b", 1)], ids=ascii)
def test_q_ends(key: bytes, after: int) -> None:
    code, shown = walk("step", *X, keys=[b" "] * after + [key])
    assert code == 0
    assert shown == "".join(WALK.splitlines(keepends=True)[: after + 1])


@posix
def test_ctrl_c_ends() -> None:
    code, shown = walk("step", *X, keys=[b" ", b"\x03"])
    assert code == 130
    assert shown.startswith("".join(WALK.splitlines(keepends=True)[:2]))
    assert "Traceback" not in shown
    assert "v2 is the output" not in shown


@posix
@pytest.mark.parametrize("option", ["--all", "--json"])
def test_nothing_waits_that_need_not(option: str) -> None:
    code, shown = walk("step", *X, option, keys=[])
    assert code == 0
    assert shown == output("step", *X, option)


@posix
def test_a_script_is_walked_through_too(folder: Path) -> None:
    (folder / "lesson.py").write_text(
        "from tinygrad_edu import Value\n"
        "x, w = Value(2, label='x'), Value(3, label='w')\ny = x * w\n"
    )
    assert walk("step", "lesson.py:y", keys=[b" "] * 4) == (0, WALK.replace("v2", "y"))


@posix
@pytest.mark.parametrize("end", ["stdin", "stdout"])
def test_where_one_end_is_no_terminal_nothing_waits(end: str) -> None:
    import pty

    ours, its = pty.openpty()
    pipes = {"stdin": its, "stdout": its, "stderr": subprocess.PIPE}
    pipes[end] = subprocess.DEVNULL if end == "stdin" else subprocess.PIPE
    started = process("step", *X, **pipes)
    os.close(its)
    shown = b"" if end == "stdout" else shown_by(ours, [])
    printed, said = started.communicate(timeout=30)
    os.close(ours)
    assert started.returncode == 0
    assert said == b""
    assert (printed or shown).decode().replace("\r\n", "\n") == WALK
    assert b"\033" not in shown + (printed or b"")


def test_in_a_pipe_there_are_no_escape_codes() -> None:
    commands = [[name, L, *AT, *options] for name, *options in COMMANDS.values()]
    printed = printed_by(commands, FORCE_COLOR="1", TERM="xterm-256color").decode()
    assert "\033" not in printed
    assert printed.replace("\r\n", "\n") == "".join(output(*words) for words in commands)
