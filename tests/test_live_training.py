"""Training in the page is the training of the package: the same weights, losses and order.

The expected numbers are those of `train` with SGD, the eager Loop, in Python. The page's own files
run in node and in QuickJS, whose elementary functions have other last digits.
"""

from __future__ import annotations

import json
from functools import partial
from math import isfinite, isnan, nan
from typing import Any

import pytest
from test_live_engine import WEB, Run, in_node, in_quickjs, source
from test_live_page import data_of

from tinygrad_edu import Value, graph, less, log, mask
from tinygrad_edu.data import BIPOLAR, as_examples, gate, moons, rings
from tinygrad_edu.draw.view import View
from tinygrad_edu.errors import LengthError, NumberError
from tinygrad_edu.live.page import _data, page, recomputed
from tinygrad_edu.live.rows import lanes
from tinygrad_edu.live.training import MOST, training
from tinygrad_edu.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    mse_loss,
)
from tinygrad_edu.nn import MLP, Dropout, Linear, Sequential
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import Accuracy, History, loop, train

STEPS, RATE = 20, 0.3

three = [(e.inputs, i % 3) for i, e in enumerate(rings(30))]
CASES: dict[str, tuple[Any, Any, Any]] = {
    "xor": (lambda: MLP(2, [4, 1], seed=1), mse_loss, gate("xor", BIPOLAR, BIPOLAR)),
    "moons": (lambda: MLP(2, [5, 5, 1], seed=2), binary_cross_entropy_with_logits, moons(20)),
    "relu": (lambda: MLP(2, [6, 1], ["relu", "linear"], seed=3), hinge_loss,
             moons(20, targets=BIPOLAR)),
    "masks": (lambda: MLP(2, [4, 1], ["tanh", "sigmoid"], seed=4), binary_cross_entropy, moons(20)),
    "classes": (lambda: MLP(2, [5, 3], ["tanh", "linear"], seed=5), cross_entropy, three),
    "weights": (lambda: MLP(2, [5, 3], ["tanh", "linear"], seed=6),
                partial(cross_entropy, weight=[1.0, 5.0, 0.5]), three),
    "a curve": (lambda: MLP(1, [4, 1], ["tanh", "linear"], seed=7), mse_loss,
                ([-2.0, -1.0, 0.0, 1.0, 2.0], [4.0, 1.0, 0.0, 1.0, 4.0])),
}  # fmt: skip


@pytest.fixture(scope="module", params=["node", "quickjs"])
def run(request: pytest.FixtureRequest) -> Run:
    return in_node if request.param == "node" else in_quickjs


def in_page(run: Run, model: Any, loss: Any, data: Any, answer: str) -> Any:
    """What these statements of JavaScript return about `it`, the trainer of the page."""
    lesson = training(model, loss, data, RATE)
    whole = recomputed(graph(lesson.loss, roles=lesson.roles))
    ops = list(dict.fromkeys(node.op for node in whole.nodes if node.op))
    found = {**_data(whole, ops, View(), "", []), "train": lesson.data}
    file = (WEB / "train.js").read_text("utf-8")
    return run(
        f"{source(ops)}{lanes(ops)}{file}\nconst data = {json.dumps(found)};\n"
        "const graph = new Graph(data); graph.run(); const it = new Trainer(graph, data.train);\n"
        "const first = graph.value.slice();\n"
        f"const answer = () => {{ {answer} }};"
    )


@pytest.mark.machine
@pytest.mark.parametrize("size", [0, 3])
@pytest.mark.parametrize("case", CASES)
def test_the_weights_are_those_of_train(run: Run, case: str, size: int) -> None:
    make, loss, data = CASES[case]
    steps = f"it.size = {size}; for (let i = 0; i < {STEPS}; i++) it.step();"
    weights = "data.train.parameters.map((p) => [data.label[p], graph.value[p]])"
    found = in_page(run, make(), loss, data, f"{steps} return [{weights}, it.losses];")
    model = make()
    losses = []
    for turn in loop(
        model, loss, data, SGD(model.parameters(), lr=RATE), epochs=STEPS, batch_size=size
    ):
        if turn.phase == "update" and turn.loss is not None:
            losses.append(turn.loss.data)
            if len(losses) == STEPS:
                break
    assert found[1] == pytest.approx(losses, rel=1e-9, abs=1e-12)
    assert dict(found[0]) == pytest.approx(model.state_dict(), rel=1e-9, abs=1e-12)


@pytest.mark.machine
def test_a_loss_that_is_not_finite_stops_the_run_before_the_update(run: Run) -> None:
    model, data = MLP(1, [1], "linear", seed=0), [(1e200, 0.0)]
    steps = "const good = [it.step(), it.step(), it.step()];"
    same = "data.train.parameters.every((p) => graph.value[p] === first[p])"
    answer = f"{steps} return [good, it.steps, {same}];"
    assert in_page(run, model, mse_loss, data, answer) == [[False] * 3, 0, True]


@pytest.mark.machine
@pytest.mark.parametrize("hidden", [False, True])
def test_a_nan_that_the_loss_does_not_show_is_in_the_gradients(run: Run, hidden: bool) -> None:
    def loss(ys: Any, t: Any) -> Value:
        outside = log(ys[0] * 0 - 1)
        return (ys[0] - t) ** 2 + (mask(less(1, 0 * t), outside) if hidden else less(outside, 0.0))

    model = MLP(1, [1], "linear", seed=0)
    answer = "const good = it.step(); return [good, [...it.means].map((x) => x === x)];"
    found = in_page(run, MLP(1, [1], "linear", seed=0), loss, [(2.0, 1.0)], answer)
    total = loss(model([2.0]), Value(1.0))
    total.backward()
    assert found == [isfinite(total.data), [not isnan(p.grad) for p in model.parameters()]]
    assert found[1] == [hidden, hidden]


@pytest.mark.machine
def test_reset_gives_the_first_weights_and_the_same_run(run: Run) -> None:
    make, loss, data = CASES["moons"]
    five = "for (let i = 0; i < 5; i++) it.step();"
    twice = f"it.size = 3; {five} const losses = it.losses; it.reset(first); {five}"
    answer = f"{twice} return [losses, it.losses];"
    first, again = in_page(run, make(), loss, data, answer)
    assert first == again
    assert len({*first}) == 5


@pytest.mark.machine
@pytest.mark.parametrize("case", ["xor", "moons", "classes"])
def test_the_right_answers_are_those_of_accuracy(run: Run, case: str) -> None:
    make, loss, data = CASES[case]
    model = make()
    examples = as_examples(data)
    right = Accuracy.of(loss, examples)
    wrong = [i for i, (x, t) in enumerate(examples) if float(right(model.predict(x), t)) == 0]
    found = in_page(run, model, loss, data, "return it.judge();")
    assert found["wrong"] == wrong
    assert 0 < len(wrong) < len(examples)


def test_the_data_name_every_leaf_and_the_outputs_by_their_roles() -> None:
    html = page(MLP(2, [1], seed=0), mse_loss, gate("and"), rate=0.5).html
    data = data_of(html)
    lesson = data["train"]
    assert [data["label"][i] for i in lesson["inputs"]] == ["x1", "x2"]
    assert [data["label"][i] for i in lesson["targets"]] == ["t"]
    assert [data["label"][i] for i in lesson["outputs"]] == ["y"]
    assert {data["role"][i] for i in lesson["inputs"]} == {"input"}
    assert {data["role"][i] for i in lesson["parameters"]} == {"parameter"}
    assert (data["role"][data["output"]], data["label"][data["output"]]) == ("loss", "loss")
    assert lesson["examples"] == [[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 1]]
    assert lesson["rate"] == 0.5
    assert 'id="train-run"' in html


def test_other_pages_have_nothing_of_training() -> None:
    assert "train-run" not in Value(1.0).tanh().page().html
    assert "class Trainer" not in Value(1.0).tanh().page().html


ONE = MLP(2, [1])


@pytest.mark.parametrize(
    ("model", "loss", "data", "kind", "words"),
    [
        (MLP(2, [1]), mse_loss, moons(MOST + 2), ValueError, "shuffled(examples, seed=0)[:2000]"),
        (MLP(2, [1]), mse_loss, [], ValueError, "the data are empty"),
        (MLP(2, [1]), mse_loss, [((1, 2), 1), ((1,), 1)], LengthError, "of the same shape"),
        (MLP(2, [1]), mse_loss, [((1, 2, 3), 1)], LengthError, "takes 2 inputs, not 3"),
        (MLP(2, [1]), mse_loss, [((1, nan), 1)], NumberError, "example 0 contains nan"),
        (MLP(2, [1]), lambda ys, t: ys, moons(4), NumberError, "returned list"),
        (MLP(2, [1]), Value(1.0), moons(4), NumberError, "a function of the outputs"),
        (MLP(2, [1]), lambda ys, t: Value(1.0), moons(4), ValueError, "nothing to train"),
        (ONE, lambda ys, t: ONE.layers[0].neurons[0].b * 2, moons(4), ValueError, "no output"),
        (MLP(2, [1]), cross_entropy, [((1, 2), 3)], IndexError, "from 0 to 0, not 3"),
        (lambda x: x, mse_loss, moons(4), TypeError, "a page trains a model"),
        (MLP(2, [1]), mse_loss, None, TypeError, "needs a loss and data"),
        (Value(1.0), mse_loss, moons(4), TypeError, "not of a Value"),
        (Sequential(Linear(2, 2), Dropout(0.5)), mse_loss, [((1, 2), (1, 2))], ValueError,
         "model.eval()"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_refused_in_one_line(
    model: Any, loss: Any, data: Any, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind) as caught:
        page(model, loss, data)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_history_has_a_page_from_its_present_weights() -> None:
    model = MLP(2, [1], seed=0)
    how: dict[str, Any] = {"epochs": 3, "progress": False}
    history = train(model, mse_loss, gate("and"), SGD(model.parameters(), lr=1.0), **how)
    data = data_of(history.page(rate=1.0).html)
    found = {data["label"][p]: data["data"][p] for p in data["train"]["parameters"]}
    assert found == model.state_dict()
    with pytest.raises(ValueError, match="not a loaded one"):
        History(losses=[1.0]).page()
