"""A model, its optimizer and its history in one JSON file, to be loaded and continued.

Version 1:

    {"format": "tinygrad-edu model", "version": 1, "model": "MLP(2, [2, 1])...",
     "chance": {}, "parameters": {"layer1.neuron1.w[0]": 0.25, ...},
     "optimizer": {...}, "history": {...}}

`chance` says how many numbers each dropout had drawn, by its name. Numbers are exact; what JSON
cannot say is "nan", "inf" or "-inf". Nothing in a file is ever run.
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
    """What has a state of its own to be saved: see `optim`."""

    def state_dict(self) -> dict[str, Any]:
        """All that it needs to go on, as JSON can say it."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes such a state over, or raises StateError and changes nothing."""


def save(
    path: str | os.PathLike[str],
    model: Module,
    optimizer: Stateful | None = None,
    history: History | None = None,
) -> None:
    """Writes what is given to the file, which appears whole or not at all.

    TypeError unless the model is a Module, whose parameters are saved by their names.
    """
    _check(path, model, "save(path, model, optimizer)")
    told: dict[str, Any] = {"format": _FORMAT, "version": 1, "model": repr(model)}
    told["chance"] = {name: part.drawn for name, part in _chancy(model)}
    told["parameters"] = {name: jsonable(p.data) for name, p in model.named_parameters()}
    if optimizer is not None:
        told["optimizer"] = optimizer.state_dict()
    if history is not None:
        told["history"] = {key: _written(getattr(history, key)) for key in _RECORDED}
    write_whole(path, (json.dumps(told, allow_nan=False) + "\n").encode())


def load(path: str | os.PathLike[str], model: Module, optimizer: Stateful | None = None) -> History:
    """The history in the file, an empty one if there is none; model and optimizer as they were.

    StateError, in one line, for a file that is no such file, is cut off or damaged, or was
    written for another model or optimizer: then nothing has changed. OSError as from `open`.
    """
    _check(path, model, "load(path, model, optimizer)")
    told = _read(path)
    numbers = _parameters(told, model)
    if told.get("model") != repr(model):
        raise StateError(f"{_short(path)} is of another model: {str(told.get('model'))[:60]!r}...")
    history = _history(told.get("history", {}))
    chance = told.get("chance")
    parts = dict(_chancy(model))
    if not isinstance(chance, dict) or set(chance) != set(parts):
        raise StateError("the file is of another model: its dropouts are others")
    if not all(type(drawn) is int and 0 <= drawn < _MOST_DRAWN for drawn in chance.values()):
        raise StateError("how far chance had come is damaged in the file")
    if optimizer is not None:
        if not isinstance(told.get("optimizer"), dict):
            raise StateError(f"{_short(path)} has no optimizer in it: load the model alone")
        optimizer.load_state_dict(told["optimizer"])  # all of it or nothing
    for p, x in numbers:
        p.data = x
    for name, part in parts.items():
        part.go_on(chance[name])
    return history


def _check(path: Any, model: Any, how: str) -> None:
    if not isinstance(path, str | os.PathLike) or not isinstance(model, Module):
        raise TypeError(
            f"{how} is given a file name and a model, whose state_dict it takes itself, not "
            f"{type(path).__name__} and {type(model).__name__}"
        )


def _chancy(model: Module) -> Iterator[tuple[str, Dropout]]:
    """What draws numbers while the model runs, so that a run can go on with the next."""
    parts = [("", model), *model.walk()]
    return ((name, part) for name, part in parts if isinstance(part, Dropout))


def _read(path: str | os.PathLike[str]) -> dict[str, Any]:
    with open(path, "rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise StateError(f"{_short(path)} is larger than any file of ours")
    try:
        text = data.decode("utf-8")
        told = json.loads(text, object_pairs_hook=_once, parse_constant=_none_such)
    except (ValueError, RecursionError):
        raise StateError(f"{_short(path)} is no JSON, or only a part of it") from None
    if not isinstance(told, dict) or told.get("format") != _FORMAT:
        raise StateError(f"{_short(path)} is no {_FORMAT}: give a file that save() wrote")
    if type(told.get("version")) is not int or told["version"] != 1:
        raise StateError(f"{_short(path)} is of another version: 1 is the one known here")
    strange = set(told) - _KEYS
    if strange:
        raise StateError(f"{_short(path)} has {min(strange)[:60]!r} in it, which is none of ours")
    return told


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, if no key is there twice."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _none_such(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _parameters(told: dict[str, Any], model: Module) -> list[tuple[Any, float]]:
    saved, own = told.get("parameters"), dict(model.named_parameters())
    if not isinstance(saved, dict):
        raise StateError("the file has no parameters: it is damaged")
    missing = next((name for name in own if name not in saved), None)
    strange = next((name for name in saved if name not in own), None)
    if missing is not None or strange is not None:
        which = f"has no {missing}" if missing is not None else f"has {str(strange)[:60]!r} besides"
        raise StateError(f"the file is of another model: it {which}; {len(saved)} to {len(own)}")
    return [(p, _number(saved[name], name)) for name, p in own.items()]


def _history(told: Any) -> History:
    history = History()
    if not isinstance(told, dict) or not set(told) <= set(_RECORDED):
        raise StateError("the history in the file is damaged")
    for key, x in told.items():
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
            if isfinite(float(x)):  # 1e999 is none that we wrote
                return float(x)
        except OverflowError:
            pass
    raise StateError(f"{name} in the file is {str(x)[:40]!r}, which is no number: it is damaged")


def _written(x: Any) -> Any:
    if isinstance(x, dict):
        return {name: _written(row) for name, row in x.items()}
    if isinstance(x, list):
        return [_written(item) for item in x]
    return jsonable(x) if isinstance(x, float) else x


def _short(path: str | os.PathLike[str]) -> str:
    return os.path.basename(os.fspath(path))[-60:]
