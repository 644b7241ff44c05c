"""Deliberate mistakes are noticed: a lesson that is run with one has a row that fails.

A lesson names a line to change, and the row that fails then: a class tries it, and so do we. And of
the mistakes of tests/lessons/mutations.py, each lesson has to notice three here; that script tries
all of them. The runs take minutes, so they are marked `machine`, like all that is not for each
commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from mutations import MUTATIONS, ROOT, TELLING, Edit, changed, copy, failing
from plans import PLANS

PAIRS = [(lesson, name) for lesson in PLANS for name in TELLING[lesson]]


@pytest.mark.quick
@pytest.mark.parametrize("name", MUTATIONS)
def test_what_a_mistake_changes_is_there_once(name: str) -> None:
    for file, old, new in MUTATIONS[name].edits:
        assert (ROOT / file).read_text(encoding="utf-8").count(old) == 1, (file, old)
        assert new != old


def fails(lesson: str, edits: Sequence[Edit], folder: Path) -> list[str]:
    root = copy(folder / "copy")
    changed(root, edits)
    rows, sign = failing(root, lesson)
    assert sign == ""
    return rows


@pytest.mark.machine
@pytest.mark.parametrize("lesson", PLANS)
def test_the_line_that_a_class_breaks_makes_the_named_row_fail(lesson: str, tmp_path: Path) -> None:
    wrong = PLANS[lesson].mistake
    edit = Edit(wrong.file, wrong.line, wrong.instead)
    assert wrong.fails in fails(lesson, [edit], tmp_path)


@pytest.mark.machine
@pytest.mark.parametrize(("lesson", "name"), PAIRS)
def test_a_lesson_notices_a_mistake(lesson: str, name: str, tmp_path: Path) -> None:
    assert fails(lesson, MUTATIONS[name].edits, tmp_path)
