"""Saving a model, its optimizer and its history in one JSON file, and loading them.

Version 1:

    {"format": "tinygrad-edu model", "version": 1, "model": "MLP(2, [2, 1])...",
     "chance": {}, "parameters": {"layer1.neuron1.w[0]": 0.25, ...},
     "optimizer": {...}, "history": {...}}

`chance` is the number of random numbers that each dropout had drawn, by its name. Numbers are
exact; JSON has no nan and infinities, so they are "nan", "inf" and "-inf". Loading runs no code.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import fields
from math import isfinite
from typing import Any, Protocol

from tinygrad_edu.analysis.graph import jsonable
from tinygrad_edu.errors import StateError
from tinygrad_edu.files import write_whole
from tinygrad_edu.nn.layers import Dropout
from tinygrad_edu.nn.module import Module
from tinygrad_edu.train import History

__all__ = ["Stateful", "load", "save"]

_FORMAT = "tinygrad-edu model"
_KEYS = {"format", "version", "model", "chance", "parameters", "optimizer", "history"}
_RECORDED = [item.name for item in fields(History) if item.compare]
_MOST_BYTES = 1_000_000_000
_MOST_DRAWN = 10**9  # numbers that can be drawn again in a minute


class Stateful(Protocol):
    """An object with a state to save, such as an optimizer of `optim`."""

    def state_dict(self) -> dict[str, Any]:
        """This returns its whole state, in types that JSON has."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the state, or raises StateError and changes nothing."""


def save(
    path: str | os.PathLike[str],
    model: Module,
    optimizer: Stateful | None = None,
    history: History | None = None,
) -> None:
    """Writes the model, and the other arguments if given, to a file that is never half written.

    The parameters are saved by their names. TypeError if the model is not a Module.
    """
    _check(path, model, "save(path, model, optimizer)")
    content: dict[str, Any] = {"format": _FORMAT, "version": 1, "model": repr(model)}
    content["chance"] = {name: part.drawn for name, part in _chancy(model)}
    content["parameters"] = {name: jsonable(p.data) for name, p in model.named_parameters()}
    if optimizer is not None:
        content["optimizer"] = optimizer.state_dict()
    if history is not None:
        content["history"] = {key: _written(getattr(history, key)) for key in _RECORDED}
    write_whole(path, (json.dumps(content, allow_nan=False) + "\n").encode())


def load(path: str | os.PathLike[str], model: Module, optimizer: Stateful | None = None) -> History:
    """Restores model and optimizer from a file, and returns its history, or an empty History.

    StateError, in one line, if the file has another format, is cut off or damaged, or belongs to
    another model or optimizer: then nothing has changed. OSError as from `open`.
    """
    _check(path, model, "load(path, model, optimizer)")
    content = _read(path)
    numbers = _parameters(content, model)
    if content.get("model") != repr(model):
        raise StateError(
            f"{_short(path)} belongs to another model, {str(content.get('model'))[:60]!r}...: "
            "load it into that model"
        )
    history = _history(content.get("history", {}))
    chance = content.get("chance")
    parts = dict(_chancy(model))
    if not isinstance(chance, dict) or set(chance) != set(parts):
        raise StateError(
            "the file belongs to another model, with other dropouts: load it into that model"
        )
    if not all(type(drawn) is int and 0 <= drawn < _MOST_DRAWN for drawn in chance.values()):
        raise StateError("the chance of a dropout in the file is damaged: save the model again")
    if optimizer is not None:
        if not isinstance(content.get("optimizer"), dict):
            raise StateError(f"{_short(path)} has no optimizer: load the model alone")
        optimizer.load_state_dict(content["optimizer"])  # all of it or nothing
    for p, x in numbers:
        p.data = x
    for name, part in parts.items():
        part.go_on(chance[name])
    return history


def _check(path: Any, model: Any, how: str) -> None:
    if not isinstance(path, str | os.PathLike) or not isinstance(model, Module):
        raise TypeError(
            f"{type(path).__name__} and {type(model).__name__}"
            f"{how} takes a file name and a model, not {type(path).__name__} and "
            f"{type(model).__name__}"
            f"{type(path).__name__} and {type(model).__name__}"
        )


def _chancy(model: Module) -> Iterator[tuple[str, Dropout]]:
    """Returns the dropouts, whose random numbers must continue where a saved run stopped."""
    parts = [("", model), *model.walk()]
    return ((name, part) for name, part in parts if isinstance(part, Dropout))


def _read(path: str | os.PathLike[str]) -> dict[str, Any]:
    with open(path, "rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise StateError(f"{_short(path)} is larger than any file that save() wrote")
    try:
        text = data.decode("utf-8")
        content = json.loads(text, object_pairs_hook=_once, parse_constant=_none_such)
    except (ValueError, RecursionError):
        raise StateError(f"{_short(path)} is not JSON, or only a part of it") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise StateError(f"{_short(path)} is not a {_FORMAT}: give a file that save() wrote")
    if type(content.get("version")) is not int or content["version"] != 1:
        raise StateError(f"{_short(path)} has another version: only version 1 can be loaded")
    strange = set(content) - _KEYS
    if strange:
        raise StateError(f"{_short(path)} has an unknown key {min(strange)[:60]!r}: it is damaged")
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns a JSON object as a dict; ValueError if it has a key twice."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _none_such(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _parameters(content: dict[str, Any], model: Module) -> list[tuple[Any, float]]:
    saved, own = content.get("parameters"), dict(model.named_parameters())
    if not isinstance(saved, dict):
        raise StateError("the file has no parameters: it is damaged")
    missing = next((name for name in own if name not in saved), None)
    strange = next((name for name in saved if name not in own), None)
    if missing is not None or strange is not None:
        which = f"has no {missing}" if missing is not None else f"has a {str(strange)[:60]!r}"
        raise StateError(
            f"the file belongs to another model: it {which}, and {len(saved)} parameters, not "
            f"{len(own)}"
        )
    return [(p, _number(saved[name], name)) for name, p in own.items()]


def _history(content: Any) -> History:
    history = History()
    if not isinstance(content, dict) or not set(content) <= set(_RECORDED):
        raise StateError("the history in the file is damaged")
    for key, x in content.items():
        now = getattr(history, key)
        if type(x) is not type(now) or (key == "epochs" and x < 0):
            raise StateError(f"the history in the file is damaged: its {key}")
        if isinstance(x, list):
            x = [_number(item, key) for item in x]
        elif isinstance(x, dict):
            if not all(isinstance(row, list) for row in x.values()):
                raise StateError(f"the history in the file is damaged: its {key}")
            x = {name: [_number(item, name) for item in row] for name, row in x.items()}
        setattr(history, key, x)
    rows = [*history.parameters.values(), *history.grads.values()]
    if (
        any(len(row) != len(history.losses) for row in rows)
        or set(history.parameters) != set(history.grads)
        or any(len(row) != history.epochs for row in history.metrics.values())
        or history.epochs > len(history.losses)
        or not history.stopped.isprintable()
    ):
        raise StateError("the history in the file is damaged: its parts do not fit together")
    return history


def _number(x: Any, name: str) -> float:
    if isinstance(x, str) and x in ("nan", "inf", "-inf"):
        return float(x)
    if type(x) in (int, float):
        try:
            if isfinite(float(x)):  # save() writes no 1e999
                return float(x)
        except OverflowError:
            pass
    raise StateError(f"{name} in the file is {str(x)[:40]!r}, not a number: it is damaged")


def _written(x: Any) -> Any:
    if isinstance(x, dict):
        return {name: _written(row) for name, row in x.items()}
    if isinstance(x, list):
        return [_written(item) for item in x]
    return jsonable(x) if isinstance(x, float) else x


def _short(path: str | os.PathLike[str]) -> str:
    return os.path.basename(os.fspath(path))[-60:]
