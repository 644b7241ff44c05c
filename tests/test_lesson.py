"""What lessons share: claims with slack, seeds that are kept, one page, the same options."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

import click
import pytest
from click.testing import CliRunner
from conftest import posix

from tinygrad_edu import Value
from tinygrad_edu.data import parity
from tinygrad_edu.demos.laboratory.trial import (
    TASKS,
    End,
    Trial,
    begin,
    build,
    compiled,
    end,
    fate,
    learn,
    measured,
    network,
    right,
)
from tinygrad_edu.lesson import telling
from tinygrad_edu.lesson.claims import Claim, bounded, falling, share, table, typical
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.page import Figure, Lines, Text, page
from tinygrad_edu.lesson.seeds import run_all
from tinygrad_edu.lesson.telling import Lesson
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.optim import Momentum
from tinygrad_edu.train import train

pytestmark = pytest.mark.quick

XOR = Trial("xor", 2, rate=0.5, alpha=0.9, init=0.3, epochs=2_000)


# --- claims --------------------------------------------------------------------------------------


def test_a_number_is_within_its_bounds_or_not() -> None:
    assert bounded("c", "s", 1e-10, high=1e-9) == Claim("c", "s", "at most 1e-09", "1e-10", True)
    assert bounded("c", "s", 0.94, low=0.95).holds is False
    assert bounded("c", "s", 3, 3, 3).cells() == ("c", "s", "3", "3", "yes")
    assert bounded("c", "s", float("nan"), 0, 1).holds is False
    assert bounded("c", "s", 2, 0.5, 3).expected == "0.5 to 3"


def test_a_share_of_all_seeds_is_strict_and_of_few_seeds_has_slack() -> None:
    assert share("c", "s", 183, 200, 0.85, 0.97, of=200).holds
    assert not share("c", "s", 169, 200, 0.85, 0.97, of=200).holds
    assert not share("c", "s", 196, 200, 0.85, 0.97, of=200).holds
    assert share("c", "s", 20, 20, 0.85, 0.97, of=200).holds  # 0.97**20 is 54 %
    assert share("c", "s", 15, 20, 0.85, 0.97, of=200).holds
    assert not share("c", "s", 12, 20, 0.85, 0.97, of=200).holds
    assert not share("c", "s", 5, 5, 0.0, 0.04, of=50).holds
    assert not share("c", "s", 4, 5, 1.0).holds
    row = share("c", "s", 183, 200, 0.85, 0.97)
    assert (row.expected, row.measured) == ("85 to 97 %", "183 of 200 (91.5%)")
    assert share("c", "s", 0, 9, high=0.04).expected == "at most 4 %"


def test_medians_fall_and_few_runs_have_slack() -> None:
    assert falling("c", "s", [[9, 8, 7], [6, 5, 4, None]]).holds
    assert not falling("c", "s", [[5, 6, 7], [6, 7, 8]]).holds
    assert falling("c", "s", [[5, 6, 7], [6, 7, 8]], of=200).holds
    assert not falling("c", "s", [[5, 6, 7], [60, 70, 80]], of=200).holds
    assert falling("c", "s", [[5, 6], [None]]).holds is None


def test_a_mean_of_few_seeds_has_slack_and_of_all_has_none() -> None:
    assert typical("c", "s", [1.0, 2.0, 3.0], 2, 3).holds
    assert not typical("c", "s", [1.0, 2.0, 3.0], 2.1, 3).holds
    assert typical("c", "s", [1.0, 2.0, 3.0], 2.1, 3, of=10).holds
    assert not typical("c", "s", [1.0, 2.0, 3.0], 9, 10, of=10).holds
    assert typical("c", "s", [1.0, 2.0, 9.0], 2, 2, by=median).measured == "2"
    assert typical("c", "s", [1.0], 2, 2).holds is None


def test_the_table_is_no_wider_than_it_may_be() -> None:
    rows = [
        Claim("a claim of many words, " * 4, "s", "e", "m", False),
        Claim("c", "", "", "", None),
    ]
    for width in (60, 80, 100):
        lines = table(rows, width).splitlines()
        assert max(map(len, lines)) <= width
        assert lines[0].split() == ["claim", "source", "expected", "measured", "holds"]
        assert lines[2].endswith("NO")
        assert lines[-1].endswith("shown")


# --- seeds ---------------------------------------------------------------------------------------


def square(seed: int) -> int:
    return seed * seed


def odd(seed: int) -> int:
    if seed == 3:
        raise KeyboardInterrupt
    return -seed


def test_results_come_in_the_order_of_the_jobs(tmp_path: Path) -> None:
    assert run_all(square, [(3,), (1,), (2,)], tmp_path / "kept") == [9, 1, 4]


def test_an_executor_of_ones_own_will_do(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as executor:
        assert run_all(square, [(3,), (1,)], tmp_path / "kept", executor) == [9, 1]


def test_what_was_finished_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept"
    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(KeyboardInterrupt):
            run_all(odd, [(1,), (2,), (3,)], kept, executor)
        with open(kept, "a") as file:
            file.write('\n["a line that was cut')
        results = run_all(odd, [(1,), (2,)], kept, executor)
    assert results == [-1, -2]
    assert "2 of 2 runs are saved" in capsys.readouterr().out


# --- the page ------------------------------------------------------------------------------------


def test_the_page_needs_no_script_and_nothing_from_outside() -> None:
    parts = [Text("a < b"), Lines("1 & 2"), Figure("y.svg", 'the "y"', 100.0)]
    text = page("A lesson", parts, [Claim("c", "s", "e", "m", False)])
    for word in ("<script", "http:", "https:", "@import", "url("):
        assert word not in text
    for word in ("a &lt; b", "1 &amp; 2", 'src="y.svg"', "&quot;y&quot;", 'class="NO">NO'):
        assert word in text
    assert 'name="viewport"' in text
    assert text.startswith("<!DOCTYPE html>")


def test_a_lesson_without_extras_says_once_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tinygrad_edu.demos.laboratory.charts import lines

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    many = sum([Value(1.0) for _ in range(400)], Value(1.0))  # more than Python alone lays out
    lesson = Lesson("A lesson", 0, 1, False, tmp_path / "out")
    for i in range(2):
        lesson.plot(f"p{i}", lambda: lines({"": [(0, 0)]}, "x", "y"), "a plot")
        lesson.picture(f"d{i}", many.draw(), "a diagram")
    lesson.claim(bounded("one", "s", 1.0, 1, 1))
    assert lesson.finish()
    told = capsys.readouterr().out
    assert told.count("(no plots: plots need matplotlib") == 1
    assert told.count("(no diagrams:") == 1
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["index.html"]


def test_every_picture_is_on_the_page(tmp_path: Path) -> None:
    lesson = Lesson("A lesson", 0, 1, False, tmp_path)
    x = Value(2.0, label="x")
    lesson.picture("square", (x * x).draw(), "a square")
    lesson.finish()
    assert ElementTree.parse(tmp_path / "square.svg").getroot().tag.endswith("svg")
    assert 'src="square.svg"' in (tmp_path / "index.html").read_text()


def test_without_machine_code_a_lesson_says_once_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(telling, "machine_code", lambda: False)
    lesson = Lesson("A lesson", 0, 1, False, tmp_path)
    assert [lesson.run(square, [(n,)], 240.0) for n in (2, 3)] == [[4], [9]]
    told = capsys.readouterr().out
    assert told.count('pip install "tinygrad-edu[fast]"') == 1
    assert told.index("no machine code") < told.index("1 runs on")


# --- the command ---------------------------------------------------------------------------------


@command(seeds=7, quick=2, seed=1)
def tell(lesson: Lesson) -> None:
    lesson.say(f"seeds {lesson.seed} and {lesson.seeds} {lesson.quick}")
    lesson.claim(bounded("seeds below 5", "nobody", lesson.seeds, high=4))


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(tell, words)
    return done.exit_code, done.output


def test_a_claim_that_fails_is_exit_code_1(tmp_path: Path) -> None:
    out, file = str(tmp_path / "out"), tmp_path / "claims.json"
    assert isinstance(tell, click.Command)
    assert tell.name == "test_lesson"
    code, told = run("--out", out, "--json", str(file))
    assert code == 1
    assert "seeds 1 and 7 False" in told
    (row,) = json.loads(file.read_text())
    assert row == {
        "claim": "seeds below 5",
        "source": "nobody",
        "expected": "at most 4",
        "measured": "7",
        "holds": False,
    }
    code, told = run("--out", out, "--quick", "--seed", "4")
    assert (code, "seeds 4 and 2 True" in told) == (0, True)
    assert run("--out", out, "--quick", "--seeds", "5")[0] == 1
    assert run("--seeds", "0")[0] == 2


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, told = run("--out", str(tmp_path / "file" / "out"))
    assert code == 2
    assert "Error: cannot write" in told
    assert "; choose another place\n" in told
    assert "Traceback" not in told


SLOW = """
import time
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.claims import bounded

def slow(seed):
    time.sleep(0.05 if seed < 4 else {seconds})
    return seed

@command(seeds=8)
def main(lesson):
    found = lesson.run(slow, [(seed,) for seed in range(lesson.seeds)], 1.0)
    lesson.claim(bounded("sum", "s", sum(found), 28, 28))

if __name__ == "__main__":
    main()
"""


@posix
def test_an_interrupted_lesson_keeps_its_runs_and_goes_on(tmp_path: Path) -> None:
    script = tmp_path / "slow.py"
    script.write_text(f'"""A slow lesson."""{SLOW.format(seconds=60)}')
    process = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    kept = tmp_path / "slow" / "unfinished.jsonl"
    while not (kept.exists() and kept.read_text().count("\n") >= 4):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    told, complaints = process.communicate(timeout=20)
    assert process.returncode == 130
    assert complaints == ""
    assert "Interrupted. Finished runs are in slow" in told
    script.write_text(f'"""A slow lesson."""{SLOW.format(seconds=0)}')
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert "4 of 8 runs are saved" in done.stdout
    assert not kept.exists()


# --- the laboratory ------------------------------------------------------------------------------


def test_right_is_every_output_on_its_side() -> None:
    assert right([Value(0.6), Value(0.4)], [1.0, 0.0]).data == 1
    assert right([Value(0.6), Value(0.6)], [1.0, 0.0]).data == 0
    assert right([Value(0.5)], [1.0]).data == 0
    assert right([Value(0.2)], [0.0]).data == 1


def test_a_run_ends_when_it_is_learned_or_at_its_limit() -> None:
    ended = End(*end(XOR, 0))
    assert ended.epochs is not None
    model, examples = begin(XOR, 0)
    assert [right(model(c.inputs), c.targets).data for c in examples] != [1.0] * 4
    before = learn(XOR, 0, ended.epochs)  # so many epochs later it is not yet seen
    assert before.metrics["right"][-1] < 4
    model = network(XOR, ended.parameters)
    assert [right(model(c.inputs), c.targets).data for c in examples] == [1.0] * 4
    assert end(XOR._replace(epochs=10), 0).epochs is None
    assert end(XOR, 0) == ended  # nothing is left of one run in the next


def test_a_trial_is_compiled_once_and_goes_as_the_eager_engine_does() -> None:
    assert compiled(XOR) is compiled(Trial(*XOR))
    history = learn(XOR, 7, 40)
    numbers = [p.data for p in build(XOR)[0].parameters()]
    model, examples = begin(XOR, 7)
    momentum = Momentum(model.parameters(), XOR.rate, XOR.alpha)
    eager = train(
        model,
        half_squared_error,
        examples,
        momentum,
        epochs=40,
        reduction="sum",
        metrics={"right": right},
    )
    assert history.losses == pytest.approx(eager.losses, rel=1e-9)
    assert history.metrics["right"] == [x * len(examples) for x in eager.metrics["right"]]
    assert numbers == pytest.approx([p.data for p in model.parameters()], rel=1e-9)


def test_the_same_seed_begins_the_same_network() -> None:
    first = [p.data for p in begin(XOR, 5)[0].parameters()]
    begin(XOR, 6)
    assert [p.data for p in begin(XOR, 5)[0].parameters()] == first
    assert max(map(abs, first)) <= 0.3
    assert len(set(first)) == 9  # biases, too


def test_a_margin_is_asked_for_on_both_sides() -> None:
    assert [right([Value(y)], [1.0], 0.3).data for y in (0.79, 0.81)] == [0, 1]
    assert [right([Value(y)], [0.0], 0.3).data for y in (0.19, 0.21)] == [1, 0]


def test_a_fate_tells_of_the_whole_run() -> None:
    one = fate(XOR, 0)
    assert one.epochs == End(*end(XOR, 0)).epochs
    assert (one.most, one.right) == (4, 4)
    assert fate(XOR._replace(epochs=5), 0).epochs is None


def test_frozen_hidden_units_stay_as_they_began() -> None:
    frozen = XOR._replace(task="symmetry", frozen=True, epochs=5)
    before = [p.data for p in begin(frozen, 0)[0].parameters()]
    after = fate(frozen, 0).parameters
    assert after[:14] == before[:14]
    assert all(a != b for a, b in zip(after[14:], before[14:]))
    alone, examples = build(frozen._replace(hidden=0))
    assert (len(alone.parameters()), len(examples)) == (7, 64)


def test_every_task_has_a_network() -> None:
    for task in TASKS:
        model, examples = build(XOR._replace(task=task))
        assert len(model(examples[0].inputs)) == len(examples[0].targets)
    direct, _ = build(XOR._replace(task="parity", direct=True))
    assert len(direct.parameters()) == 2 * 5 + 7
    assert len(direct(parity()[0].inputs)) == 1


def test_what_a_run_takes_is_told_from_a_part_of_it() -> None:
    asked: list[int] = []

    def run(epochs: int) -> None:
        asked.append(epochs)
        time.sleep(0.01 * epochs)

    assert 10 < measured(run, 1_000) < 20
    assert max(asked) <= 64
    assert measured(lambda n: None, 1_000) < 0.1
