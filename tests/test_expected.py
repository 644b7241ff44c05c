"""What the lessons expect: demos/laboratory/expected.json, which a program with NumPy has written.

The docstrings of the programs tests/references/make_*.py explain the rows. Here the programs repeat
some rows and single runs, and the package repeats the single runs: both must agree to the epoch.
"""

from __future__ import annotations

import importlib
import json
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from tinygrad_edu.demos.laboratory import (
    applicants,
    families,
    first_names,
    objectives,
    vowels,
    writer,
)
from tinygrad_edu.demos.laboratory.trial import Trial, end

ROOT = Path(__file__).parents[1]
FILE = ROOT / "demos" / "laboratory" / "expected.json"
EXPECTED: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
PINS: dict[str, Any] = EXPECTED["pins"]
MOST = 250_000  # bytes, because every wheel carries the file


PROGRAMS = ROOT / "tests" / "references"


def program(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A program of tests/references, as a module."""
    pytest.importorskip("numpy")
    monkeypatch.syspath_prepend(str(PROGRAMS))
    return importlib.import_module(name)


def test_the_file_is_small() -> None:
    assert FILE.stat().st_size < MOST


def test_every_row_is_complete() -> None:
    for name, row in EXPECTED.items():
        if name != "pins":
            assert complete(row), name


def complete(row: dict[str, Any]) -> bool:
    """Whether the numbers of a row fit together."""
    m = row["seeds"]
    if "relations" in row:
        return all((right or 0) <= of >= ranked for right, ranked, of in row["relations"].values())
    if "histogram" in row:
        return sum(row["histogram"]) == m
    if "count" in row:
        return 0 <= row["count"] <= m
    values = row["values"]
    there = [x for x in values if x is not None]
    ranks = row.get("ranks", [*range(1, len(values) + 1)])
    return (
        values == sorted(there) + [None] * (len(values) - len(there))
        and len(ranks) == len(values)
        and ("patience" not in row or (ranks[-1] == m and max(there, default=0) <= row["patience"]))
    )


def test_the_program_writes_these_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    made = program("make_lessons", monkeypatch)
    rows = {**made.PARTS["xor-8"]("xor-8"), **made.PARTS["credit"]("credit")}
    assert rows == {name: EXPECTED[name] for name in rows}


OWN = {"family", "indifference", "names", "transformer"}  # which have tests of their own


@pytest.mark.parametrize("name", sorted({pin.split()[0] for pin in PINS} - OWN))
def test_a_single_run_is_the_same_in_the_program_and_in_the_package(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    made = program("make_lessons", monkeypatch)
    pins = {seed: PINS[f"{name} seed {seed}"] for seed in made.PINNED[name]}
    seed = min(pins, key=lambda seed: pins[seed])
    t = made.TRIALS[name]
    assert made.learn(t, [seed])[0] == [pins[seed]]
    trial = Trial(
        t.task, t.hidden, t.rate, made.ALPHA, t.init, t.patience, t.direct, t.margin, t.frozen
    )
    epochs, _ = end(trial, seed)
    assert epochs == pins[seed]


RECIPES = {
    "printed": families.PRINTED,
    "working": families.WORKING,
    "modern": families.MODERN,
}


@pytest.mark.parametrize(
    ("name", "epochs"), [("printed", 200), ("working", 300), ("modern", 300), ("working", 1_500)]
)
def test_a_family_tree_is_the_same_in_the_program_and_in_the_package(
    monkeypatch: pytest.MonkeyPatch, name: str, epochs: int
) -> None:
    made = program("make_families", monkeypatch)
    for key, pin in made.pinned(name, epochs).items():
        stored = dict(PINS[key])
        sizes = stored.pop("sizes", None)
        assert pin.pop("sizes", None) == (sizes and pytest.approx(sizes, rel=1e-5))
        assert pin == stored
        seed = int(key.split()[3])
        one = families.ends(RECIPES[name]._replace(epochs=epochs), seed)[-1]
        found = {"ranked": sum(one.ranked[i] for i in families.split(seed)[0])}
        found["held out ranked"] = one.held_out(seed, "ranked")
        found["all ranked"] = one.all_ranked
        if name != "modern":
            found["right"], found["held out right"] = one.learned(seed), one.held_out(seed)
        assert found == stored
        if sizes:
            model = families.network(RECIPES[name], one.parameters)
            layers = model.layers().values()
            ws = [[w.data for unit in layer.neurons for w in unit.w] for layer in layers]
            assert sizes == pytest.approx([sqrt(sum(x * x for x in w) / len(w)) for w in ws], 1e-5)


def test_indifference_is_the_same_in_the_program_and_in_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = program("make_indifference", monkeypatch)
    pins = made.pins("indifference pins")["pins"]
    assert pins == {name: PINS[name] for name in pins}
    for seed in (0, 1):
        one = applicants.on_labels(0.4, seed).b
        parts = [one.part(what) for what in ("labels", "learned", "approved")]
        assert parts == pytest.approx(pins[f"indifference biased 0.4 seed {seed}"], rel=1e-3)
        two = applicants.on_clues(0.95, seed, [0.95, 1 - 0.95])
        assert two.worlds == pins[f"indifference clues 0.95 seed {seed}"]
    for name in made.OBJECTIVES:
        w = objectives.reached([float(x) for x in name.split()], objectives.TOWN)
        found = objectives.outcome(w, objectives.town(objectives.TOWN))
        assert [*found.qualified, *found.others] == pins[f"indifference approved {name}"]


def test_the_tables_of_letters_are_the_same_in_the_program_and_in_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("names")
    made = program("make_transformer", monkeypatch)
    pins = made.tables("tables")["pins"]
    assert pins == {name: PINS[name] for name in pins}
    ours = {"names letter and place": first_names.placed()}
    for n in range(1, 6):
        ours[f"names counts {n}"] = first_names.counted(n)[0]
        ours[f"names blended {n}"] = first_names.blended(n)
    assert {name: float(f"{x:.5g}") for name, x in ours.items()} == {
        name: pins[name] for name in ours
    }


def test_the_transformer_is_the_same_in_the_program_and_in_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("names")
    pytest.importorskip("llvmlite")
    made = program("make_transformer", monkeypatch)
    net, tests = made.Net([0]), made.rows_of(made.TESTS)
    moments = net.train(1_000, (0, 10))
    for step, at, _ in zip((0, 10), moments, writer.walk(writer.Recipe(1_000), 0, (0, 10))):
        assert step == at
        found = PINS[f"transformer seed 0 step {step}"]
        assert net.loss(*tests)[0] == pytest.approx(found, rel=1e-7)
        assert writer.held_out() == pytest.approx(found, rel=1e-7)
        model = writer.build()
        assert vowels.gap(writer.letters(model)) == pytest.approx(
            made.vowel_gap(net.w["tokens"])[0], abs=1e-9
        )
