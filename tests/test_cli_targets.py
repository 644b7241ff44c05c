"""What commands are about: expressions from everywhere, scripts, their names and numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from tinygrad_edu.cli import main

NET = """\
from tinygrad_edu import Value, tanh
w = Value(0.5)
x = Value(2.0)
b = Value(0.1, label="bias")
y = tanh(w*x + b)
loss = (y - 1)**2
outputs = [loss, y]
pair = (y, loss)
named = {"cost": loss, "inner": [y]}
weights = [Value(1.0), Value(2.0)]
sums = {"s": weights[0] * weights[1]}
"""
DEFINITIONS = "x = 2  # the input\nw = 3\n\ny = x*w\n"
EVERY = {
    "render": [],
    "explain": ["--wrt", "w"],
    "step": ["--all"],
    "orders": [],
    "check": [],
    "compile": [],
}
COMMANDS = pytest.mark.parametrize("command", EVERY)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "LC_ALL", "LC_CTYPE", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "given.txt").write_text(DEFINITIONS)
    return tmp_path


def run(*args: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, list(args), input=typed, catch_exceptions=False)


def output(*args: str, typed: str | None = None) -> str:
    result = run(*args, typed=typed)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def refusal(*args: str, typed: str | None = None) -> str:
    """The one line of an error, and nothing else."""
    result = run(*args, typed=typed)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("Error: ").rstrip("\n")


def leaves(*args: str) -> dict[str, tuple[float, float]]:
    """The number and the gradient of each leaf that is drawn, by its label."""
    drawn = json.loads(output("render", *args, "--format", "json"))
    return {n["label"]: (n["data"], n["grad"]) for n in drawn["nodes"] if n["kind"] == "leaf"}


# Names of scripts


def test_variables_of_a_script_are_labels_where_nothing_else_was_said() -> None:
    assert leaves("net.py:y").keys() == {"w", "x", "bias"}
    assert output("render", "net.py:loss").startswith("loss (**) = 0.03980  grad 1\n")
    assert "├─ w = 0.5 " in output("render", "net.py:y")
    assert output("explain", "net.py:loss", "--wrt", "w").startswith("d loss / d w = ")
    assert leaves("net.py:sums['s']") == {"weights[0]": (1, 2), "weights[1]": (2, 1)}


def test_names_in_objects_and_of_what_has_two_names(folder: Path) -> None:
    (folder / "objects.py").write_text(
        "from tinygrad_edu import Value\n"
        "class Net:\n"
        "    def __init__(self):\n"
        "        self.w = Value(0.5)\n"
        "        self.b = {'first': [Value(1.0)]}\n"
        "net = Net()\n"
        "first = second = Value(2.0)\n"
        "other, taken = Value(3.0, label='taken'), Value(4.0)\n"
        "for i in range(3):\n"
        "    h = first * net.w + net.b['first'][0] + other * taken\n"
    )
    assert list(leaves("objects.py:h")) == ["first", "net.w", "net.b['first'][0]", "taken", ""]


def test_a_name_may_begin_with_an_underscore_and_lead_through_many_lists(folder: Path) -> None:
    (folder / "deep.py").write_text(
        "from tinygrad_edu import Value\n_x = Value(2.0)\nw = [[{'a': [[Value(3.0)]]}]]\n"
        "y = _x * w[0][0]['a'][0][0]\n"
    )
    assert list(leaves("deep.py:y")) == ["_x", "w[0][0]['a'][0][0]"]


def test_what_a_script_imports_has_the_name_that_it_gets_there(folder: Path) -> None:
    (folder / "parts.py").write_text(
        "from tinygrad_edu import Value\na, b = Value(7.0), Value(5.0)\n"
    )
    (folder / "whole.py").write_text("import parts\nfrom parts import a as c\ny = parts.b * c\n")
    assert leaves("whole.py:y") == {"": (5, 7), "c": (7, 5)}


# Numbers of scripts


@COMMANDS
def test_a_number_of_a_leaf_has_the_graph_computed_again(command: str, folder: Path) -> None:
    (folder / "other.py").write_text(NET.replace("Value(2.0)", "Value(-1.5)"))
    expected = output(command, "other.py:loss", *EVERY[command])
    assert output(command, "net.py:loss", "--at", "x=-1.5", *EVERY[command]) == expected
    assert output(command, "net.py:loss", "--at", "x=-3/2", *EVERY[command]) == expected


def test_several_numbers_by_variables_and_by_labels() -> None:
    assert leaves("net.py:y", "--at", "w=0,x=pi", "--at", "bias=0") == {
        "w": (0, pytest.approx(3.141592653589793)),
        "x": (pytest.approx(3.141592653589793), 0),
        "bias": (0, 1),
    }
    drawn = leaves("net.py:sums['s']", "--at", "weights[0]=5, weights[1]=-1")
    assert drawn == {"weights[0]": (5, -1), "weights[1]": (-1, 5)}


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        ("q=1", "unknown name 'q': choose w, x, bias"),
        ("y=1", "'y' is computed: set one of w, x, bias"),
        ("x", "'x' has no =: write NAME=NUMBER, such as x=2"),
        ("x=1,5", "'1,5' is not a number: write x=NUMBER with a point, x=1.5"),
    ],
)
@COMMANDS
def test_a_number_of_a_script_that_is_none(command: str, at: str, sentence: str) -> None:
    assert refusal(command, "net.py:y", "--at", at, *EVERY[command]) == sentence


def test_a_node_that_nobody_can_compute_again_is_told(folder: Path) -> None:
    (folder / "own.py").write_text(
        "from tinygrad_edu.compat.micrograd.engine import Value\n"
        "a = Value(0.5)\nb = Value(a.data**2, (a,), 'square')\n"
        "b._backward = lambda: None\n"
    )
    assert output("render", "own.py:b")
    assert "_backward of its own" in refusal("render", "own.py:b", "--at", "a=1")


ALIASES = """\
from tinygrad_edu import Value
a = b = Value(2.0)
w, x = Value(1.0), Value(3.0)
layer = {"w": [w]}
y = w * x * a
"""


@COMMANDS
@pytest.mark.parametrize("at", ["b=1", "layer['w'][0]=4", "b=1,layer['w'][0]=4"])
def test_a_leaf_is_set_by_each_of_its_names(command: str, at: str, folder: Path) -> None:
    (folder / "names.py").write_text(ALIASES)
    plain = at.replace("b=", "a=").replace("layer['w'][0]", "w")
    expected = output(command, "names.py:y", "--at", plain, *EVERY[command])
    assert output(command, "names.py:y", "--at", at, *EVERY[command]) == expected
    assert refusal(command, "names.py:y", "--at", "a=1,b=1", *EVERY[command]) == (
        "'b' has two names and two numbers: give it one number"
    )


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        (["explain", "--wrt", "b,w"], ["explain", "--wrt", "a", "--wrt", "w"]),
        (["compile", "--wrt", "w,b"], ["compile", "--wrt", "w", "--wrt", "a"]),
        (["render", "--wrt", "b, x"], ["render", "--wrt", "a", "--wrt", "x"]),
        (["render", "--highlight", "b,w"], ["render", "--highlight", "a", "--highlight", "w"]),
        (["render", "--role", "w,b=loss"], ["render", "--role", "w=loss", "--role", "a=loss"]),
        (
            ["render", "--role", "x=input,w,b=parameter"],
            ["render", "--role", "x=input", "--role", "w=parameter", "--role", "a=parameter"],
        ),
    ],
)
def test_names_with_commas_and_other_names(
    typed: list[str], plain: list[str], folder: Path
) -> None:
    (folder / "names.py").write_text(ALIASES)
    for more in ([], ["--at", "x=7"]):
        command, *options = typed
        expected = output(plain[0], "names.py:y", *plain[1:], *more)
        assert output(command, "names.py:y", *options, *more) == expected


def test_a_label_with_a_comma_is_one_name(folder: Path) -> None:
    (folder / "comma.py").write_text(
        "from tinygrad_edu import Value\nx = Value(2.0, label='p, q')\nd = {(0, 1): Value(3.0)}\n"
        "y = x * d[0, 1]\n"
    )
    assert run("explain", "comma.py:y", "--wrt", "p, q").exit_code == 0
    told = run("explain", "comma.py:y", "--wrt", "d[(0, 1)],p, q")
    assert "unknown name 'p'" in told.stderr


@pytest.mark.parametrize("more", [[], ["--at", "x=3"]], ids=str)
def test_every_command_uses_the_numbers_that_the_graph_was_computed_from(
    more: list[str], folder: Path
) -> None:
    lines = "from tinygrad_edu import Value\nw, x = Value(1.0), Value(3.0)\nh = w*x\ny = h*w\n"
    (folder / "plain.py").write_text(lines)
    (folder / "set.py").write_text(lines + "y.backward()\nw.data = 5.0\n")
    for command in ("check", "compile"):
        expected = output(command, "plain.py:y", *more)
        assert output(command, "set.py:y", *more) == expected
    for language in ("python", "c", "javascript"):
        expected = output("compile", "plain.py:y", "--to", language, *more)
        assert output("compile", "set.py:y", "--to", language, *more) == expected
    expected = output("render", "plain.py:y", "--wrt", "w", *more)
    assert output("render", "set.py:y", "--wrt", "w", *more) == expected
    assert output("explain", "set.py:y", "--wrt", "w", *more).startswith("d y / d w = 6\n")
    if more:
        assert output("render", "set.py:y", *more) == output("render", "plain.py:y", *more)


# Several outputs


def test_an_array_of_several_outputs(folder: Path) -> None:
    (folder / "array.py").write_text(
        NET + "import numpy as np\nflat = np.array([loss, y])\n"
        "grid = np.array([[loss], [y]])\nmixed = {'a': [grid]}\n"
    )
    expected = output("render", "array.py:outputs")
    for name in ("flat", "grid", "mixed"):
        assert output("render", f"array.py:{name}") == expected
    assert output("render", "array.py:flat[1]") == output("render", "array.py:y")


@pytest.mark.parametrize("name", ["outputs", "pair", "named"])
def test_several_outputs_are_one_graph(name: str) -> None:
    drawn = json.loads(output("render", f"net.py:{name}", "--format", "json"))
    labels = [node["label"] for node in drawn["nodes"]]
    assert sorted(labels[i] for i in drawn["outputs"]) == ["loss", "y"]
    assert (len(labels), labels.count("loss"), labels.count("y")) == (10, 1, 1)
    result = run("render", f"net.py:{name}", "-o", "both.svg", "--at", "x=3")
    assert result.exit_code == 0
    assert "each of the outputs has its own gradients: draw one" in result.stderr
    words = "".join(ElementTree.parse("both.svg").getroot().itertext())
    assert "loss" in words
    assert "w" in words


@pytest.mark.parametrize("command", ["explain", "step", "orders", "check", "compile"])
def test_what_shows_one_output_says_which_there_are(command: str) -> None:
    told = refusal(command, "net.py:outputs", *EVERY[command])
    assert told == "there are 2 outputs, and this command shows one: choose one of loss, y"


@pytest.mark.parametrize("options", [["--wrt", "w"], ["--update", "0.1"]], ids=str)
def test_options_about_one_output_say_which_there_are(options: list[str]) -> None:
    assert refusal("render", "net.py:pair", *options).startswith("there are 2 outputs")


@pytest.mark.parametrize("name", ["tanh", "Value", "__name__", "__builtins__"])
def test_what_is_no_value_is_told_with_those_there_are(name: str) -> None:
    told = refusal("render", f"net.py:{name}")
    assert "not Value; its Values are w, x, b, y, loss" in told


# Definitions that are numbers, files and standard input


@COMMANDS
def test_definitions_may_be_typed_or_read(command: str) -> None:
    typed = output(command, "x = 2; w = 3; y = x*w", *EVERY[command])
    assert output(command, DEFINITIONS, *EVERY[command]) == typed
    assert output(command, "@given.txt", *EVERY[command]) == typed
    assert output(command, "-", *EVERY[command], typed=DEFINITIONS) == typed
    assert output(command, "y = x*w", "--at", "x=2", "--at", "w=3", *EVERY[command]) == typed


@COMMANDS
def test_a_number_that_is_given_replaces_one_that_is_defined(command: str) -> None:
    expected = output(command, "y = x*w", "--at", "x=2,w=4", *EVERY[command])
    assert output(command, "@given.txt", "--at", "w=4", *EVERY[command]) == expected


def test_plain_numbers_are_leaves_with_gradients() -> None:
    assert leaves("x = 2; w = 3; y = x*w; z = y + 1") == {"x": (2, 3), "w": (3, 2)}
    assert leaves("x = 2; y = x*w", "--at", "w=3") == {"x": (2, 3), "w": (3, 2)}
    assert output("explain", "x = 2; w = 3; y = x*w", "--wrt", "w").startswith("d y / d w = 2\n")


@COMMANDS
def test_a_byte_order_mark_is_no_part_of_the_expression(command: str, folder: Path) -> None:
    expected = output(command, "@given.txt", *EVERY[command])
    (folder / "marked.txt").write_text(DEFINITIONS, encoding="utf-8-sig")
    assert output(command, "@marked.txt", *EVERY[command]) == expected
    assert output(command, "-", *EVERY[command], typed="\ufeff" + DEFINITIONS) == expected


def test_a_pipe(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tinygrad_edu", "render", "-", "--at", "x=2"],
        input=b"w = -3\ntanh(x*w)\n",
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "w = -3" in done.stdout.decode()


@pytest.mark.parametrize(
    ("target", "typed", "sentence"),
    [
        ("-", "", "standard input is empty: write numbers, names"),
        ("-", "\n# nothing\n", "standard input: the expression is empty"),
        ("-", "x*", "standard input: cannot read 'x*'"),
        ("-", "y = 2\nx^2\n", "standard input: ^ (line 2, character 2) is not an operation here"),
        ("-", "x" * 20_000, "standard input has more than the 10000 characters"),
        ("@none.txt", None, "there is no file 'none.txt': write @ and the name of a file"),
        ("@folder", None, "cannot read folder: Is a directory"),
        ("@binary", None, "binary is not text in UTF-8: save it as UTF-8"),
        ("@empty", None, "empty is empty: write numbers, names"),
        ("@wrong", None, "wrong: ^ (line 2, character 6) is not an operation here"),
        ("@", None, "cannot read '@'"),
    ],
)
def test_what_cannot_be_read(target: str, typed: str | None, sentence: str, folder: Path) -> None:
    (folder / "folder").mkdir()
    (folder / "binary").write_bytes(b"x*\xff")
    (folder / "empty").write_bytes(b"")
    (folder / "wrong").write_text("# a comment\ny = x^2\n")
    assert refusal("render", target, "--at", "x=1", typed=typed).startswith(sentence)


# Files that are read are not written over


@pytest.mark.parametrize("target", ["net.py:loss", "@given.txt", "-"])
@pytest.mark.parametrize("command", ["render", "compile"])
def test_what_is_read_is_not_written_over(command: str, target: str, folder: Path) -> None:
    read = folder / ("net.py" if target.startswith("net") else "given.txt")
    before = read.read_bytes()
    (folder / "sub").mkdir()
    os.link(read, "hard")
    places = [read.name, f"./{read.name}", f"sub/../{read.name}", str(read), "hard"]
    if os.name == "posix":
        os.symlink(read, "soft")
        places += ["soft", f"{folder}/../{folder.name}/{read.name}"]
    options = {"render": ["--format", "txt"], "compile": ["--to", "table"]}[command]
    if target == "-":  # a file that is standard input, by another name
        with read.open("rb") as stdin:
            done = subprocess.run(
                [sys.executable, "-m", "tinygrad_edu", command, "-", *options, "-o", "hard"],
                stdin=stdin,
                capture_output=True,
                encoding="utf-8",
                timeout=60,
            )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("Error: hard is read by this command, and would be lost")
        places = []
    for place in places:
        if place.endswith(".py"):
            options = ["--to", "python"] if command == "compile" else ["--format", "dot"]
        assert refusal(command, target, *options, "-o", place) == (
            f"{place[-60:]} is read by this command, and would be lost: choose another place"
        )
    assert read.read_bytes() == before


def test_a_module_of_the_script_and_frames_are_kept_too(folder: Path) -> None:
    (folder / "imported.py").write_text("from tinygrad_edu import Value\nx = Value(2.0)\n")
    (folder / "whole.py").write_text("import imported\ny = imported.x * 2\n")
    told = refusal("compile", "whole.py:y", "-o", "imported.py")
    assert told.startswith("imported.py is read by this command")
    (folder / "slides").mkdir()
    os.link("given.txt", folder / "slides" / "step-001.svg")
    told = refusal("render", "@given.txt", "--steps", "slides")
    assert "step-001.svg is read by this command" in told
    with open("given.txt", "rb") as stdin:
        done = subprocess.run(
            [sys.executable, "-m", "tinygrad_edu", "render", "-", "--steps", "slides"],
            stdin=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
    assert "step-001.svg is read by this command" in done.stderr
    assert (folder / "given.txt").read_text() == DEFINITIONS
    assert os.listdir(folder / "slides") == ["step-001.svg"]


@pytest.mark.parametrize("command", ["render", "compile"])
@pytest.mark.parametrize("target", ["net.py:loss", "@given.txt"])
def test_a_folder_that_is_not_there_is_no_way_back_to_what_is_read(
    command: str, target: str, folder: Path
) -> None:
    read = folder / ("net.py" if target.startswith("net") else "given.txt")
    before = read.read_bytes()
    options = {"render": ["--format", "txt"], "compile": ["--to", "table"]}[command]
    if command == "compile" and read.suffix == ".py":
        options = []
    for place in (f"nodir/../{read.name}", f"a/b/../../{read.name}", f"net.py/../{read.name}"):
        told = refusal(command, target, *options, "-o", place)
        assert told == (f"{place} is read by this command, and would be lost: choose another place")
        assert read.read_bytes() == before
    (folder / "slides").mkdir()
    os.link(read, folder / "slides" / "step-001.svg")
    if command == "render":
        told = refusal("render", target, "--steps", "nodir/../slides")
        assert "step-001.svg is read by this command" in told
    assert not (folder / "nodir").exists()


def test_a_file_beyond_a_folder_that_is_not_there_is_not_written(folder: Path) -> None:
    (folder / "old.dot").write_text("old")
    for place in ("nodir/../old.dot", "nodir/../new.dot"):
        told = refusal("render", "@given.txt", "-o", place)
        assert told.startswith(f"cannot write {place}: No such file or directory")
    assert (folder / "old.dot").read_text() == "old"
    assert not (folder / "new.dot").exists()


def test_another_place_may_be_written_over(folder: Path) -> None:
    (folder / "old.dot").write_text("old")
    output("render", "@given.txt", "-o", "old.dot")
    assert (folder / "old.dot").read_text().startswith("digraph")


# --update


def test_an_update_moves_the_parameters_of_a_script() -> None:
    shown = output("render", "net.py:loss", "--update", "1", "--role", "w=parameter,bias=parameter")
    after = shown.partition("after:\n")[2]
    assert "w = 0.7866 (was 0.5)" in after
    assert "x = 2  grad" in after
    assert "bias = 0.2433 (was 0.1)" in after
    assert "(was" not in shown.partition("after:\n")[0]
    assert run("render", "net.py:loss").stdout.startswith("loss (**) = 0.0398"), "nothing is kept"


@pytest.mark.parametrize(
    "lines",
    [
        "model = nn.Linear(1, 1)\nx = Value(2.0)\ny = model([x])[0]**2\n",
        "x, w, b = Value(2.0), Value(3.0), Value(1.0)\nopt = SGD([w, b], lr=9)\ny = (x*w + b)**2\n",
    ],
    ids=["model", "optimizer"],
)
def test_models_and_optimizers_know_the_parameters(lines: str, folder: Path) -> None:
    (folder / "model.py").write_text(
        f"from tinygrad_edu import Value, nn\nfrom tinygrad_edu.optim import SGD\n{lines}"
    )
    for more in ([], ["--at", "x=3"]):
        shown = output("render", "model.py:y", "--update", "0.1", *more, "--format", "json")
        before, after = json.loads(shown)
        moved = {
            old["label"]
            for old, new in zip(before["nodes"], after["nodes"])
            if old["kind"] == "leaf" and old["data"] != new["data"]
        }
        assert len(moved) == 2
        assert "x" not in moved


def test_an_update_asks_where_it_cannot_know() -> None:
    data = ("(w*x + b - t)**2", "--at", "w=0.5,x=2,b=0,t=3", "--update", "0.1")
    assert refusal("render", *data) == (
        "--update: which of w, x, b, t are parameters? Add --role w=parameter for each"
    )
    assert refusal("render", *data, "--role", "x=input", "--role", "t=input") == (
        "--update: which of w, b are parameters? Add --role w=parameter for each"
    )
    assert "t = 3  grad" in output("render", *data, "--role", "w=parameter").partition("after")[2]
    assert refusal("render", "net.py:loss", "--update", "0.1").startswith("--update: which of w, x")
    assert refusal("render", "3*4", "--update", "0.1") == (
        "--update changes parameters, and this graph has none: drop it"
    )
    told = refusal(
        "render", "c = x*2; c + 1", "--at", "x=1", "--update", "1", "--role", "c=parameter"
    )
    assert told == "c is computed, and --update changes only leaves: drop its role"


def test_the_only_name_that_can_be_one_is_the_parameter() -> None:
    alone = output("render", "(x - 1)**2", "--at", "x=3", "--update", "0.25")
    assert "x = 2 (was 3)" in alone
    shown = output("render", "x*w", "--at", "x=3,w=2", "--update", "1", "--role", "x=input")
    assert "w = -1 (was 2)" in shown


@pytest.mark.parametrize("rate", ["0", "-0.1", "nan", "inf", "-inf", "1e999", "x", "", "1,5"])
def test_a_rate_is_a_number_above_0(rate: str) -> None:
    told = refusal("render", "x*x", "--at", "x=1", "--update", rate)
    assert told == f"--update is a rate above 0, such as --update 0.1, not {rate!r}"


# Gradients of a script that did not compute them


def test_steps_of_a_script_show_gradients_and_say_nothing_else() -> None:
    result = run("render", "net.py:loss", "--steps", "D")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Note: 13 steps and steps.svg are in 'D'\n"


def test_a_picture_without_backward_has_the_gradients_it_would_give(folder: Path) -> None:
    result = run("render", "net.py:loss")
    assert result.stderr == (
        "Note: the script did not call backward(): these are the gradients that it would compute\n"
    )
    (folder / "net.py").write_text(f"{NET}loss.backward()\n")
    with_it = run("render", "net.py:loss")
    assert (with_it.stdout, with_it.stderr) == (result.stdout, "")


def test_gradients_of_other_passes_are_left_as_the_script_left_them(folder: Path) -> None:
    (folder / "net.py").write_text(f"{NET}loss.backward()\nloss.backward()\n")
    shown = output("render", "net.py:loss", "--format", "json")
    assert json.loads(shown)["nodes"][-1]["grad"] in (1, 2)
