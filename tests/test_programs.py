"""Fifteen programs that people write first, as in PyTorch, and no longer than there.

Each program of tests/programs stands beside its twin for PyTorch, in tests/programs/torch. Where
no chance is in it, but for the first weights, it prints the numbers that PyTorch's prints, which
tests/references/programs.json has; and of both it is asked what has to be true.
"""

from __future__ import annotations

import ast
import io
import json
import os
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import erf, exp, isclose, log, pi, sqrt
from pathlib import Path
from random import Random

import pytest

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
NAMES = sorted(path.stem for path in PROGRAMS.glob("*.py"))
PYTORCH = json.loads((HERE / "references" / "programs.json").read_text(encoding="utf-8"))["printed"]
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
# Chance has more in these than the first weights: batches are drawn, and PyTorch's RNN and its
# transformer have other parameters than ours.
BY_CHANCE = {"gpt", "makemore", "rnn", "spirals"}
NEEDS_MATPLOTLIB = pytest.param("decision_boundary", marks=pytest.mark.machine)


def numbers(line: str) -> list[float]:
    return [float(x) for x in NUMBER.findall(line)]


def code_lines(path: Path) -> int:
    """Lines that are not blank, and no comment or docstring."""
    text = path.read_text(encoding="utf-8")
    prose = {
        tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
        tokenize.ENDMARKER, tokenize.ENCODING,
    }  # fmt: skip
    tokens = [
        t for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type not in prose
    ]
    if ast.get_docstring(ast.parse(text)) is not None:
        del tokens[0]
    return len({line for t in tokens for line in range(t.start[0], t.end[0] + 1)})


# --- what has to be true of what a program prints, whoever computed it ---------------------------


def of_regression(lines: Sequence[str]) -> None:
    """The least squares of the same points."""
    random = Random(0)
    xs = [i / 20 - 1 for i in range(41)]
    ys = [3 * x + 0.5 + random.gauss(0, 0.1) for x in xs]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((a - x) * (b - y) for a, b in zip(xs, ys)) / sum((a - x) ** 2 for a in xs)
    rest = [b - y - slope * (a - x) for a, b in zip(xs, ys)]
    assert numbers(lines[0]) == pytest.approx([slope, y - slope * x], abs=2e-6)
    assert numbers(lines[1]) == pytest.approx([sum(r * r for r in rest) / len(xs)], abs=2e-6)


def of_xor(lines: Sequence[str]) -> None:
    assert lines[0].startswith("[0, 1, 1, 0] ")
    assert numbers(lines[0])[0] < 0.05


def of_spirals(lines: Sequence[str]) -> None:
    accuracy, loss = numbers(lines[0])
    assert accuracy >= 0.95
    assert loss < 0.2


def of_accuracy(lines: Sequence[str]) -> None:
    assert numbers(lines[0])[0] >= 0.95


WORDS = [f".{name}." for name in "anna hanna nan noah hana ann nahan noan".split()]


def surprise(words: Sequence[str], context: int) -> float:
    """The least mean loss of whoever sees so many letters: the conditional entropy, in nats."""
    seen: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for word in words:
        padded = "." * (context - 1) + word
        for i in range(context, len(padded)):
            seen[padded[i - context : i]] += 1
            pairs[padded[i - context : i], padded[i]] += 1
    return -sum(n * log(n / seen[before]) for (before, _), n in pairs.items()) / seen.total()


def of_bigram(lines: Sequence[str]) -> None:
    """What counting gives."""
    least = surprise(WORDS, 1)
    assert least < numbers(lines[0])[0] < least + 0.01
    after = Counter(b for word in WORDS for a, b in pairwise(word) if a == "n")
    told = ast.literal_eval(lines[1].removeprefix("after n: "))
    assert told == pytest.approx({c: after[c] / after.total() for c in told}, abs=0.015)


def of_makemore(lines: Sequence[str]) -> None:
    """Better than anybody can be who sees one letter; not better than three letters allow."""
    assert surprise(WORDS, 3) < numbers(lines[0])[0] < surprise(WORDS, 1) - 0.3
    assert re.fullmatch("likeliest name n[ahno]*", lines[1])  # half of the names begin with n


def of_gpt(lines: Sequence[str]) -> None:
    """Nobody can know what comes after an a who does not see what is before it."""
    assert surprise(["abracadabra"], 1) > 0.4
    assert numbers(lines[0])[0] < 0.1
    assert lines[1] == "abracadabra"


def of_newton(lines: Sequence[str]) -> None:
    assert numbers(" ".join(lines)) == pytest.approx([2 ** (1 / 3), 1, -1, 240], abs=1e-12)


def of_black_scholes(lines: Sequence[str]) -> None:
    """The formulas of the price and the Greeks in any textbook."""
    spot, strike, rate, volatility, time = 100, 110, 0.05, 0.2, 0.5
    d1 = (log(spot / strike) + (rate + volatility**2 / 2) * time) / (volatility * sqrt(time))
    d2 = d1 - volatility * sqrt(time)
    n1, n2 = (0.5 * (1 + erf(d / sqrt(2))) for d in (d1, d2))
    density, paid = exp(-d1 * d1 / 2) / sqrt(2 * pi), strike * exp(-rate * time)
    gamma, vega = density / (spot * volatility * sqrt(time)), spot * density * sqrt(time)
    theta = -spot * density * volatility / (2 * sqrt(time)) - rate * paid * n2
    right = [spot * n1 - paid * n2, n1, gamma, vega, time * paid * n2, theta]
    assert numbers(" ".join(lines)) == pytest.approx(right, abs=1e-6)


def of_own_op(lines: Sequence[str]) -> None:
    def f(x: float) -> float:
        u = (1 + exp(x)) ** 2  # tanh(log(v)) is (v**2 - 1) / (v**2 + 1)
        return x * x * (u - 1) / (u + 1)

    slope = (f(0.5 + 1e-6) - f(0.5 - 1e-6)) / 2e-6
    assert numbers(lines[0]) == pytest.approx([f(0.5), slope], abs=1e-6)
    assert lines[0].endswith("gradcheck True")


def of_gradient_check(lines: Sequence[str]) -> None:
    assert lines == ["gradcheck True"]


def of_clipping(lines: Sequence[str]) -> None:
    """The norm at first, and the bottom: there w is 3b, and 2 exp(2w) is exp(-w)."""
    by_w, by_b = 2 * exp(6) + 2 * 6 - exp(-3), -6 * 6
    assert numbers(lines[0])[1] == pytest.approx(sqrt(by_w**2 + by_b**2), abs=1e-6)
    assert numbers(lines[-1]) == pytest.approx([-log(2) / 3, -log(2) / 9], abs=1e-4)


def of_schedule(lines: Sequence[str]) -> None:
    """The rates, as the documentation of the three schedules has them."""
    steps = [0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05]
    ramp = [0.2 * min(1, 0.1 + 0.9 * n / 4) for n in range(8)]
    assert numbers(lines[0])[:8] == pytest.approx(steps, abs=1e-4)
    assert numbers(lines[1])[:8] == pytest.approx(ramp, abs=1e-4)
    assert numbers(lines[2])[:8:4] == pytest.approx([0.2, (0.2 + 0.01) / 2], abs=1e-4)


def of_save_and_resume(lines: Sequence[str]) -> None:
    """Not one bit is lost."""
    unbroken, resumed = (line.split()[1] for line in lines)
    assert unbroken == resumed
    assert float(resumed) < 0.01


FACTS: dict[str, Callable[[Sequence[str]], None]] = {
    "bigram": of_bigram,
    "black_scholes": of_black_scholes,
    "clipping": of_clipping,
    "decision_boundary": of_accuracy,
    "gpt": of_gpt,
    "gradient_check": of_gradient_check,
    "makemore": of_makemore,
    "newton": of_newton,
    "own_op": of_own_op,
    "regression": of_regression,
    "rnn": of_accuracy,
    "save_and_resume": of_save_and_resume,
    "schedule": of_schedule,
    "spirals": of_spirals,
    "xor": of_xor,
}


def test_every_program_has_a_twin_and_something_to_be_true() -> None:
    twins = sorted(path.stem for path in (PROGRAMS / "torch").glob("*.py"))
    assert NAMES == twins == sorted(FACTS) == sorted(PYTORCH)


@pytest.mark.parametrize("name", NAMES)
def test_a_program_is_no_longer_than_its_twin(name: str) -> None:
    ours, theirs = (code_lines(folder / f"{name}.py") for folder in (PROGRAMS, PROGRAMS / "torch"))
    assert ours <= theirs


@pytest.mark.parametrize(
    "name", [NEEDS_MATPLOTLIB if name == "decision_boundary" else name for name in NAMES]
)
def test_a_program_prints_what_is_true_and_what_its_twin_prints(name: str, tmp_path: Path) -> None:
    file = tmp_path / "file.png"
    done = subprocess.run(
        [
            sys.executable,
            *("-W", "error", "-W", "ignore:a compiled loss is much faster"),
            str(PROGRAMS / f"{name}.py"),
            str(file),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    ours, theirs = done.stdout.splitlines(), PYTORCH[name]
    for lines in (ours, theirs):
        FACTS[name](lines)
    if name not in BY_CHANCE:
        assert [NUMBER.sub("#", line) for line in ours] == [NUMBER.sub("#", x) for x in theirs]
        for a, b in zip(NUMBER.findall(done.stdout), NUMBER.findall("\n".join(theirs))):
            last = 10.0 ** -len(b.partition(".")[2])  # place that is printed
            assert isclose(float(a), float(b), rel_tol=1e-9, abs_tol=1.5 * last)
    if name == "decision_boundary":
        assert file.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
