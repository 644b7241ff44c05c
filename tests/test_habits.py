"""What people type first who come from other libraries: it works, or says what it is called."""

from __future__ import annotations

import builtins
import importlib
import re

import pytest

import tinygrad_edu
from tinygrad_edu import Value, compile, gradient, habits
from tinygrad_edu.compat.micrograd.engine import Value as Micrograds


@pytest.mark.parametrize("name", sorted(habits.NAMES))
def test_a_name_of_other_packages_says_what_it_is_here(name: str) -> None:
    assert name not in vars(tinygrad_edu)
    words = re.escape(f"there is no {name} in tinygrad_edu; here it is: {habits.NAMES[name]}")
    with pytest.raises(ImportError, match=words):
        exec(f"from tinygrad_edu import {name}")
    there = re.match(r"tinygrad_edu\.(\w+)\.(\w+)$", habits.NAMES[name])
    if there:
        assert there[2] in vars(importlib.import_module(f"tinygrad_edu.{there[1]}"))
    for called in re.findall(r"\b([a-z_]\w*)\(", habits.NAMES[name]):
        known = {*vars(tinygrad_edu), *dir(builtins), *dir(Value), "gauss", "random", "save"}
        assert called in known | {"MLP", "f"}


def test_other_names_are_missing_as_usual() -> None:
    assert not hasattr(Value, "__getattr__"), "it makes every attribute slow"
    with pytest.raises(ImportError, match="cannot import name 'nonsense'"):
        from tinygrad_edu import nonsense  # type: ignore[attr-defined]  # noqa: F401


def test_plus_item_and_detach() -> None:
    x, y = Value(0.5), Value(0.25)
    assert +x is x
    assert (x.item(), type(x.item())) == (0.5, float)
    z = (x * y).detach() * x
    assert [d.data for d in gradient(z, [x, y])] == [0.125, 0.0]
    assert type(Micrograds(2.0).detach()) is Micrograds


def test_a_detached_number_is_frozen_in_a_compiled_step_and_that_is_said() -> None:
    w = Value(2.0, label="w")
    with pytest.warns(tinygrad_edu.FrozenWarning, match="frozen it"):
        compile(lambda a: a.detach() * w, wrt=[w], inputs=[3.0])
