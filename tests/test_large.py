"""Before the eager engine builds a graph that is too large, the user hears of it, once."""

from __future__ import annotations

import re
import warnings
from itertools import count
from typing import Any

import pytest

from tinygrad_edu import topological_order
from tinygrad_edu.errors import SlowWarning
from tinygrad_edu.losses import mse_loss
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import large, loop, train

pytestmark = pytest.mark.quick

sizes = count(40)  # of data sets: equal messages are shown once in a process


def data() -> list[Any]:
    """Examples, in a number that no other test has."""
    return [([0.1 * i, 1.0], 0.5) for i in range(next(sizes))]


def told(monkeypatch: pytest.MonkeyPatch, most: int, examples: list[Any], **how: Any) -> list[str]:
    """What a run of two epochs warns of, if graphs of more than `most` nodes are large."""
    monkeypatch.setattr(large, "MOST", most)
    model = MLP(2, [4, 1], seed=1)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        train(model, mse_loss, examples, SGD(model.parameters(), 0.1), epochs=2, **how)
    for warning in found:
        assert warning.category is SlowWarning
        assert warning.filename == __file__
    return [str(warning.message) for warning in found]


def nodes(examples: list[Any]) -> int:
    """How many nodes a graph over all examples has, without the loss."""
    model = MLP(2, [4, 1], seed=1)
    outputs = [model(x) for x, _ in examples]
    return len(topological_order(*(y if not isinstance(y, list) else y[0] for y in outputs)))


def test_a_large_graph_is_told_of_once_with_its_size_and_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    examples = data()
    (message,) = told(monkeypatch, 500, examples)
    size = int(re.findall(r"about ([\d,]+) nodes", message)[0].replace(",", ""))
    assert size == pytest.approx(nodes(examples), rel=0.02)
    assert f"of {len(examples)} examples" in message
    assert "GB" in message
    assert "compiled=True" in message
    batch = int(re.findall(r"batch_size=(\d+)", message)[0])
    assert not told(monkeypatch, 500, examples, batch_size=batch)


def test_the_limit_is_the_number_of_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = data()
    enough = nodes(examples)
    assert not told(monkeypatch, enough + 100, examples)
    assert told(monkeypatch, enough - 100, examples)


def test_it_is_told_before_the_rest_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "MOST", 500)
    model, calls = MLP(2, [4, 1], seed=1), 0

    def counting(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return model(x)

    steps = loop(counting, mse_loss, data(), SGD(model.parameters(), 0.1), epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SlowWarning):
            next(steps)
    assert calls == 1


def test_validation_is_told_of_too_and_batches_are_no_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (message,) = told(monkeypatch, 500, data()[:3], validation=data())
    assert "compiled=True" in message
    assert "batch_size" not in message


def test_a_compiled_run_has_no_large_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = told(monkeypatch, 500, data(), compiled=True)
    assert not [message for message in messages if "nodes" in message]
