"""What several test files share: a machine without `dot`, example graphs, expected texts.

`REMAKE_GOLDEN=1 python -m pytest tests/test_dot.py tests/test_text.py` writes the files of
tests/golden again, from what the package draws now. Read the difference before you commit it.
"""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from functools import cache
from math import inf, nan
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import settings

from tinygrad_edu import TABLE, Value, tanh
from tinygrad_edu.draw import layout as layout_module
from tinygrad_edu.ops import CONSTANT

# The same examples in every run: a test that fails, fails for everybody.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

sys.path.append(str(Path(__file__).parent / "lessons"))  # for its judge and its mutations
GOLDEN = Path(__file__).parent / "golden"
REAL_PATH = os.environ.get("PATH", "")
TYPICAL = ("", "x", "w1", "loss", "x1*w1 + b", "learning rate")
SPECIAL = (nan, inf, -inf, 0.0, -0.0, 1.0, 5e-324, 1e-5, 1234567.891, 1.7976931348623157e308)


RUN_A_PROCESS = layout_module._run
WORKER = """
import io, os, pickle, sys, tempfile
asked, answers = sys.stdin.buffer, sys.stdout.buffer
while True:
    try:
        source, arguments, data = pickle.load(asked)
    except EOFError:
        break
    sys.argv = ["-c", *arguments]
    sys.stdout = io.TextIOWrapper(io.BytesIO())
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile("w+b", 0) as given:
        given.write(data)
        given.seek(0)
        sys.stdin = open(given.fileno(), closefd=False)
        os.dup2(errors.fileno(), 2)
        code = 0
        try:
            exec(source, {})
        except SystemExit as stop:
            code = 1
            print(stop.code, file=sys.stderr, flush=True)
        errors.seek(0)
        answer = code, sys.stdout.buffer.getvalue(), errors.read()
    pickle.dump(answer, answers)
    answers.flush()
"""
LAID_OUT: dict[tuple[bytes, ...], subprocess.CompletedProcess[bytes]] = {}
ONE_AT_A_TIME = threading.Lock()


def skip_if_ignored(how: signal.Signals) -> None:
    """With nohup, or in the background of a script, programs ignore signals, children as well."""
    if signal.getsignal(how) is signal.SIG_IGN:
        pytest.skip("these tests were started with the signal ignored")


@cache
def worker() -> subprocess.Popen[bytes]:
    """A process that runs one source after the other, until its input ends."""
    command = [sys.executable, "-I", "-c", WORKER]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(process.communicate)
    return process


def run_for_all(
    command: list[str], data: bytes, seconds: float, *dot: str
) -> subprocess.CompletedProcess[bytes]:
    """What pygraphviz' process answers, from one process for all tests, asked once for each text.

    To start a process takes thirty times as long as to lay out a graph. What is not asked of
    pygraphviz, or within less than a second, is run as always.
    """
    if layout_module.PYGRAPHVIZ not in command or seconds < 1:
        return RUN_A_PROCESS(command, data, seconds, *dot)
    at = command.index(layout_module.PYGRAPHVIZ)
    key = (data, *map(os.fsencode, command[at + 2 :]))
    with ONE_AT_A_TIME:
        if key not in LAID_OUT:
            process = worker()
            assert process.stdin
            assert process.stdout
            pickle.dump((command[at], command[at + 1 :], data), process.stdin)
            process.stdin.flush()
            LAID_OUT[key] = subprocess.CompletedProcess(command, *pickle.load(process.stdout))
        return LAID_OUT[key]


layout_module._run = run_for_all


def posix(test: Any) -> Any:
    """Marks what needs more of the machine than Windows has, such as #! lines and /dev."""
    return pytest.mark.machine(test) if sys.platform == "win32" else test


def linux(test: Any) -> Any:
    """Marks what only Linux has, such as /dev/full, or a machine without fonts."""
    return test if sys.platform.startswith("linux") else pytest.mark.machine(test)


@pytest.fixture
def no_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH on which nothing is installed, and no override."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.delenv("TINYGRAD_EDU_DOT", raising=False)


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares a text with the file of that name in tests/golden, byte by byte."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if os.environ.get("REMAKE_GOLDEN"):
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(text.encode())
        assert text == file.read_bytes().decode()

    return compare


def neuron() -> Value:
    """The neuron of the lecture, without its gradients."""
    numbers = {"x1": 2.0, "x2": 0.0, "w1": -3.0, "w2": 1.0, "b": 6.8813735870195432}
    x1, x2, w1, w2, b = (Value(number, label=label) for label, number in numbers.items())
    n = x1 * w1 + x2 * w2 + b
    n.label = "n"
    o = tanh(n)
    o.label = "o"
    return o


def differentiated(y: Value) -> Value:
    y.backward()
    return y


def random_value(random: Random, operations: int, labels: Sequence[str] = TYPICAL) -> Value:
    """A random graph of at most 4 leaves, `operations` operations and as many constants.

    Values are shared, numbers may be anything, nan less often than chance has it; three graphs of
    four have gradients, and one of four was set at a leaf afterwards.
    """

    def number() -> float:
        return random.choice([random.uniform(-3, 3), random.randint(-9, 9), random.choice(SPECIAL)])

    def some() -> bool:  # most, so that most numbers are some
        return random.random() < 0.8

    leaves = [Value(number()) for _ in range(random.randint(1, 4))]
    nodes = list(leaves)
    for _ in range(operations):
        result: Any = None
        while result is None or result.op is CONSTANT or (result.data != result.data and some()):
            op = random.choice(list(TABLE.values()))
            args: list[Any] = [random.choice(nodes[-6:]) for _ in op.derivatives]
            if len(args) == 2 and random.random() < 0.2:
                args[random.randrange(2)] = number()
            result = op(*args)
        nodes.append(result)
    for node in nodes:
        node.label = random.choice(labels)
    if random.random() < 0.75:
        nodes[-1].backward()
    if random.random() < 0.25:
        random.choice(leaves).data = number()
    return nodes[-1]
