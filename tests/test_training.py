"""Training as people ask for it: their data, validation, metrics by name, callbacks, compiled."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest

from tinygrad_edu import Value, compile
from tinygrad_edu.data import Example, gate, spirals
from tinygrad_edu.errors import LeftGraphError, LengthError, NonFiniteWarning, TapeError
from tinygrad_edu.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_squared_error,
    hinge_loss,
    mse_loss,
    nll_loss,
)
from tinygrad_edu.nn import MLP, Dropout, Linear, Sequential, Tanh
from tinygrad_edu.optim import SGD, Adam, Momentum, clip_grad_norm_
from tinygrad_edu.train import History, Turn, no_better, train
from tinygrad_edu.train.metrics import Accuracy

pytestmark = [
    pytest.mark.quick,
    # Without machine code, whichever test is the first to compile is told that it is slow.
    pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.SlowWarning"),
]

X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
Y = [0.0, 1.0, 1.0, 0.0]
LABELS = [0, 1, 1, 0]
EAGER_OR_COMPILED = pytest.mark.parametrize("compiled", [False, True])


def classes() -> MLP:
    return MLP(2, [4, 2], ["tanh", "linear"], seed=1)


def regression() -> MLP:
    return MLP(2, [4, 1], ["tanh", "linear"], seed=1)


def losses_of(data: Any, loss: Any = mse_loss, make: Any = regression, **how: Any) -> list[float]:
    model = make()
    return train(model, loss, data, SGD(model.parameters(), 0.1), epochs=3, **how).losses


def arrays() -> Any:
    return pytest.importorskip("numpy")


FORMS: dict[str, Any] = {
    "pairs": lambda: list(zip(X, Y)),
    "pairs of tuples": lambda: [(tuple(x), (y,)) for x, y in zip(X, Y)],
    "a zip": lambda: zip(X, Y),
    "lists of lists": lambda: [[x, [y]] for x, y in zip(X, Y)],
    "(X, y)": lambda: (X, Y),
    "(X, Y of rows)": lambda: (X, [[y] for y in Y]),
    "arrays": lambda: (arrays().array(X), arrays().array(Y)),
    "arrays of float32": lambda: (arrays().array(X, "f4"), arrays().array(Y, "f4")),
    "pairs of arrays": lambda: list(zip(arrays().array(X), arrays().array(Y))),
    "an array and a list": lambda: (arrays().array(X), Y),
    "Examples": lambda: gate("xor"),
    "a generator": lambda: ((x, y) for x, y in zip(X, Y)),
}


@EAGER_OR_COMPILED
@pytest.mark.parametrize("form", FORMS)
def test_data_in_every_form_are_the_same_data(form: str, compiled: bool) -> None:
    expected = losses_of(list(zip(X, Y)))
    assert losses_of(FORMS[form](), compiled=compiled) == pytest.approx(expected, rel=1e-12)


@EAGER_OR_COMPILED
@pytest.mark.parametrize("kind", ["int", "int8", "int64", "uint8", "bool", "array"])
def test_labels_of_any_integral_type(kind: str, compiled: bool) -> None:
    np = arrays()
    if kind == "array":
        labels: Any = np.array(LABELS)
    else:
        make = {"int": int, "bool": bool}.get(kind) or getattr(np, kind)
        labels = [make(x) for x in LABELS]
    found = losses_of((X, labels), cross_entropy, classes, compiled=compiled)
    one_hot = [(1.0 - y, y) for y in Y]
    assert found == pytest.approx(losses_of((X, one_hot), cross_entropy, classes), rel=1e-12)


@EAGER_OR_COMPILED
def test_scikit_learn(compiled: bool) -> None:
    """The iris set: 150 rows and labels 0, 1, 2, as `load_iris` gives them."""
    datasets = pytest.importorskip("sklearn.datasets")
    x, y = datasets.load_iris(return_X_y=True)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    model = MLP(4, [3], "linear", seed=0)
    optimizer = SGD(model.parameters(), lr=0.5, momentum=0.9)
    how: dict[str, Any] = {"epochs": 20, "validation": (x[::3], y[::3]), "metrics": ["accuracy"]}
    data = (x[1::3], y[1::3])
    history = train(model, cross_entropy, data, optimizer, compiled=compiled, **how)
    assert history.metrics["accuracy"][-1] >= 0.94
    assert history.metrics["val_accuracy"][-1] >= 0.9
    predicted = [max(range(3), key=row.__getitem__) for row in map(model.predict, x[::3])]
    right = sum(int(a == b) for a, b in zip(predicted, y[::3]))
    assert history.metrics["val_accuracy"][-1] == pytest.approx(right / 50)


def test_the_mean_over_the_examples_does_not_grow_with_the_data() -> None:
    once, twice = losses_of(list(zip(X, Y))), losses_of(list(zip(X + X, Y + Y)))
    assert twice == pytest.approx(once, rel=1e-12)
    total = losses_of(list(zip(X, Y)), reduction="sum")
    assert total[0] == pytest.approx(4 * once[0], rel=1e-12)


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ([], ValueError, "the data are empty: give one example or more"),
        ((X, Y[:3]), ValueError, "4 rows of inputs and 3 targets: give one for each"),
        ("xor", TypeError, r"data are pairs of inputs and target, or \(X, y\), not str"),
        (3, TypeError, "data are pairs of inputs and target"),
        ([(X[0], 1.0, 2.0)], TypeError, "example 0 is"),
        ([(X[0], "yes")], TypeError, "example 0 contains 'yes', which is not a number"),
        ([(X[0], None)], TypeError, "example 0 contains None"),
    ],
)
@EAGER_OR_COMPILED
def test_what_is_no_data(data: Any, error: type[Exception], words: str, compiled: bool) -> None:
    with pytest.raises(error, match=words):
        losses_of(data, compiled=compiled)


def test_one_array_is_no_data() -> None:
    with pytest.raises(TypeError, match=r"not one array: give \(X, y\)"):
        losses_of(arrays().array(X))


@pytest.mark.parametrize(
    ("word", "here"),
    [
        ("sweeps", "here it is epochs"),
        ("batch", "here it is batch_size"),
        ("mean", "here it is reduction='mean'"),
        ("validation_data", "here it is validation"),
        ("verbose", "here it is progress"),
        ("patience", r"here it is until=no_better\(10, 'val_loss'\)"),
        ("metrcs", r"did you mean metrics\?"),
        ("men", "it takes model, loss, data, optimizer, epochs, batch_size"),
    ],
)
@EAGER_OR_COMPILED
def test_an_unknown_keyword_is_an_error_and_says_which_it_is(
    word: str, here: str, compiled: bool
) -> None:
    with pytest.raises(TypeError, match=rf"train\(\) takes no {word}=: {here}"):
        losses_of(list(zip(X, Y)), compiled=compiled, **{word: 1})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p: SGD(p, learning_rate=0.1), "SGD takes no learning_rate=: here it is lr"),
        (lambda p: SGD(p, rate=0.1), "SGD takes no rate=: here it is lr"),
        (lambda p: SGD(p, decay=0.1), "SGD takes no decay=: here it is weight_decay"),
        (lambda p: Adam(p, beta1=0.9), r"Adam takes no beta1=: here it is betas=\(0.9, 0.999\)"),
        (lambda p: Adam(p, epsilon=0.9), "Adam takes no epsilon=: here it is eps"),
        (lambda p: Adam(p, nesterov=True), "Adam takes no nesterov=: it takes parameters, lr"),
        (lambda p: Momentum(p, learning_rate=1), "Momentum takes no learning_rate=: here it is lr"),
    ],
)
def test_an_optimizer_says_what_a_setting_is_called(call: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        call([Value(1.0)])


@EAGER_OR_COMPILED
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"batch_size": -1}, "batch_size must be a whole number, 1 or more, or 0 for all"),
        ({"batch_size": 2.0}, "batch_size must be a whole number"),
        ({"reduction": "max"}, "unknown reduction 'max': choose sum, mean"),
        ({"metrics": ["acc"]}, "unknown metric 'acc': choose accuracy, "),
        ({"metrics": "acc"}, "unknown metric 'acc': choose accuracy, "),
        ({"validation": []}, "the data are empty"),
    ],
)
def test_what_a_run_does_not_take(how: dict[str, Any], words: str, compiled: bool) -> None:
    with pytest.raises(ValueError, match=words):
        losses_of(list(zip(X, Y)), compiled=compiled, **how)


# --- compiled is eager ---------------------------------------------------------------------------

HOWS: dict[str, dict[str, Any]] = {
    "batches": {"batch_size": 3},
    "batches by seed": {"batch_size": 2, "seed": 5},
    "batches of one": {"batch_size": 1, "watch": "layer1.neuron1.b"},
    "batches that are too large": {"batch_size": 5, "metrics": "accuracy"},
    "validation": {"validation": (X[:3], LABELS[:3])},
    "metrics": {"metrics": ["accuracy", "nll_loss"]},
    "watched": {"watch": ["layer1.neuron2.w[1]", "layer2.neuron1.b"]},
    "all": {
        "batch_size": 3,
        "validation": (X, LABELS),
        "metrics": ["accuracy"],
        "watch": ["layer2.neuron2.b"],
    },
}


@pytest.mark.parametrize("optimizer", [partial(SGD, lr=0.3), partial(Adam, lr=0.05)])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", HOWS)
def test_a_compiled_run_is_the_eager_one(name: str, reduction: str, optimizer: Any) -> None:
    runs: list[tuple[History, MLP]] = []
    for compiled in (False, True):
        model = classes()
        learner = optimizer(model.parameters())
        how = {**HOWS[name], "reduction": reduction}
        data = (X, LABELS)
        history = train(model, cross_entropy, data, learner, epochs=12, compiled=compiled, **how)
        runs.append((history, model))
    (eager, model), (machine, other) = runs
    for kept in ("metrics", "parameters", "grads"):
        rows, others = getattr(eager, kept), getattr(machine, kept)
        assert rows.keys() == others.keys()
        for key in rows:
            assert others[key] == pytest.approx(rows[key], rel=1e-9, abs=1e-12)
    assert machine.losses == pytest.approx(eager.losses, rel=1e-9)
    assert (machine.epochs, machine.stopped) == (eager.epochs, eager.stopped)
    numbers = [[x for p in m.parameters() for x in (p.data, p.grad)] for m in (model, other)]
    assert numbers[1] == pytest.approx(numbers[0], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("backend", ["python", "numpy", "machine"])
@pytest.mark.parametrize("size", [1, 3, 10, 13])
def test_batches_are_the_eager_ones_on_every_back_end(
    backend: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend != "python":
        pytest.importorskip("numpy" if backend == "numpy" else "llvmlite")
    data = spirals(14, seed=3)[1:]
    how: dict[str, Any] = {
        "epochs": 4,
        "batch_size": size,
        "seed": 7,
        "validation": data[:5],
        "metrics": ["accuracy", mse_loss],
        "watch": ["layer1.neuron1.w[0]"],
    }
    runs = []
    for compiled in (False, True):
        if compiled:
            chosen = partial(compile, backend=backend)
            monkeypatch.setattr("tinygrad_edu.train.compiled_run.compile", chosen)
        model = regression()
        learner = Adam(model.parameters(), lambda step: 0.1 / (step + 1))
        loss = binary_cross_entropy_with_logits
        history = train(model, loss, data, learner, compiled=compiled, **how)
        numbers = [x for p in model.parameters() for x in (p.data, p.grad)]
        rows = {**history.metrics, **history.parameters, "loss": history.losses}
        grads = [x for row in history.grads.values() for x in row]
        runs.append(([x for row in rows.values() for x in row] + grads + numbers, [*rows]))
    assert runs[1][1] == runs[0][1]
    assert runs[1][0] == pytest.approx(runs[0][0], rel=1e-9, abs=1e-12)


def machine_steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Spies on the machine: the number of steps of each of its calls comes into the list."""
    pytest.importorskip("llvmlite")
    from tinygrad_edu.compiler.native.binding.program import Run

    counts, steps, fed = list[int](), Run.steps, Run.fed

    def spy(run: Run, count: int) -> Any:
        counts.append(count)
        return steps(run, count)

    def spy_on_batches(run: Run, batches: Any, weights: Any) -> Any:
        found = fed(run, batches, weights)
        counts.extend([1] * len(found) if len(batches) > 1 else [])  # a single one takes a step
        return found

    monkeypatch.setattr(Run, "steps", spy)
    monkeypatch.setattr(Run, "fed", spy_on_batches)
    return counts


def test_the_machine_makes_a_step_for_each_batch_and_prepares_the_data_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = machine_steps(monkeypatch)
    model = regression()
    data = spirals(14, seed=3)[1:]
    how: dict[str, Any] = {"epochs": 3, "batch_size": 4, "compiled": True}
    history = train(model, mse_loss, data, SGD(model.parameters(), 0.01), **how)
    assert len(history.losses) == len(made) == 3 * math.ceil(len(data) / 4)


@EAGER_OR_COMPILED
def test_batches_that_diverge_keep_the_steps_before_it(
    compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = machine_steps(monkeypatch)
    model = regression()
    optimizer = SGD(model.parameters(), lambda step: 1e200 if step == 6 else 0.01)
    how: dict[str, Any] = {"epochs": 9, "batch_size": 1, "watch": "layer1.neuron1.b"}
    with pytest.warns(NonFiniteWarning) if compiled else pytest.MonkeyPatch.context():
        history = train(model, mse_loss, (X, Y), optimizer, compiled=compiled, **how)
    assert history.stopped == "the loss is inf at step 7"
    assert len(history.losses) == 8
    assert optimizer.steps == 7
    assert [len(row) for row in (*history.parameters.values(), *history.grads.values())] == [8, 8]
    assert history.epochs == 1
    assert bool(made) == compiled


@EAGER_OR_COMPILED
def test_a_callback_may_clip(compiled: bool) -> None:
    model = regression()

    def clip(turn: Turn) -> None:
        if turn.phase == "backward":
            clip_grad_norm_(model.parameters(), 0.01)

    before = [p.data for p in model.parameters()]
    optimizer = SGD(model.parameters(), 1.0)
    train(model, mse_loss, (X, Y), optimizer, epochs=1, callbacks=clip, compiled=compiled)
    moved = math.hypot(*(p.data - x for p, x in zip(model.parameters(), before)))
    assert moved == pytest.approx(0.01, rel=1e-3)


def test_callbacks_see_every_phase_of_the_loop() -> None:
    phases: dict[bool, list[str]] = {False: [], True: []}
    for compiled, seen in phases.items():
        losses_of((X, Y), compiled=compiled, callbacks=[lambda t, s=seen: s.append(t.phase)])
    assert phases[False] == ["forward", "loss", "backward", "update"] * 3
    assert phases[True] == ["backward", "update"] * 3


def test_no_better_can_look_at_the_validation() -> None:
    """What is learned is 1, what is asked is 0: the validation gets worse from the beginning."""
    model = regression()
    data, other = [([1.0, 0.0], 1.0)], [([1.0, 0.0], -5.0)]
    how: dict[str, Any] = {"validation": other, "until": no_better(4, "val_loss")}
    history = train(model, mse_loss, data, SGD(model.parameters(), 0.01), epochs=50, **how)
    assert history.stopped == "val_loss no better for 4 steps"
    assert history.epochs < 50
    with pytest.raises(ValueError, match="unknown metric 'val_loss': choose loss"):
        losses_of((X, Y), until=no_better(4, "val_loss"))


def test_dropout_is_off_in_the_validation_and_on_again() -> None:
    model = Sequential(Linear(2, 8, seed=0), Tanh(), Dropout(0.5, seed=0), Linear(8, 1, seed=0))
    optimizer = SGD(model.parameters(), 0.0)
    how: dict[str, Any] = {"epochs": 5, "validation": (X, Y)}
    history = train(model, mse_loss, (X, Y), optimizer, **how)
    assert len(set(history.metrics["val_loss"])) == 1
    assert len(set(history.losses)) > 1
    assert all(part.training for _, part in model.walk())


@EAGER_OR_COMPILED
def test_a_run_that_diverges_leaves_finite_parameters(compiled: bool) -> None:
    model = regression()
    optimizer = SGD(model.parameters(), 1e160)
    with pytest.warns(NonFiniteWarning) if compiled else pytest.MonkeyPatch.context():
        history = train(model, mse_loss, (X, Y), optimizer, epochs=50, compiled=compiled)
    assert history.stopped == f"the loss is {history.losses[-1]} at step {len(history.losses) - 1}"
    assert all(math.isfinite(p.data) for p in model.parameters())
    assert history.epochs == len(history.losses) - 1 == optimizer.steps


def test_the_history_is_told_in_one_line() -> None:
    model = classes()
    optimizer = SGD(model.parameters(), 0.1)
    history = train(model, cross_entropy, (X, LABELS), optimizer, epochs=500, metrics="accuracy")
    assert len(repr(history)) < 200
    assert repr(history).startswith("<History: 500 epochs, 500 steps; loss 0.")
    assert "accuracy 0.5 to 1" in repr(history)
    assert repr(History()) == "<History: 0 epochs, 0 steps>"
    assert History() == History([], 0, {}, {}, {}, "")


# --- accuracy ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "target", "right"),
    [
        ([0.1, 0.7, 0.2], 1, 1),
        ([0.1, 0.7, 0.2], 2, 0),
        ([0.1, 0.7, 0.2], [0, 1, 0], 1),
        ([0.1, 0.7, 0.2], [0, 0, 1], 0),
        ([0.5, 0.5, 0.5], 0, 1),  # the first of the largest, as of argmax
        ([0.5, 0.5, 0.5], 1, 0),
        ([0.2, 0.5, 0.5], 1, 1),
        ([[2.0, 1.0], [2.0, 1.0], [0.0, 1.0]], [0, 1, 1], 2 / 3),
    ],
)
def test_accuracy_of_several_outputs(outputs: Any, target: Any, right: float) -> None:
    accuracy = Accuracy(None, None)
    assert float(accuracy(outputs, target)) == pytest.approx(right)
    if not isinstance(outputs[0], list):
        values = [Value(y) for y in outputs]
        assert float(accuracy(values, target)) == right
        targets = target if isinstance(target, list) else [target]

        def recorded(*xs: Any) -> Any:
            found = xs[3:] if isinstance(target, list) else xs[3]
            return accuracy(list(xs[:3]), found) + 0.0 * xs[0]

        step = compile(recorded, inputs=[*outputs, *map(float, targets)], backend="python")
        assert step(*outputs, *map(float, targets))[0] == right


@pytest.mark.parametrize(
    ("loss", "targets", "output", "target", "right"),
    [
        (mse_loss, (0, 1), 0.6, 1, 1),
        (mse_loss, (0, 1), 0.4, 1, 0),
        (mse_loss, (-1, 1), 0.1, 1, 1),
        (mse_loss, (0.1, 0.9), 0.6, 0.9, 1),
        (binary_cross_entropy_with_logits, (0, 1), 0.4, 1, 1),
        (binary_cross_entropy_with_logits, (0, 1), -0.4, 1, 0),
        (hinge_loss, (-1, 1), -0.1, -1, 1),
        (partial(half_squared_error, dead_zone=0.2), (0, 1), 0.4, 0, 1),
    ],
)
def test_accuracy_of_one_output(
    loss: Any, targets: Any, output: float, target: float, right: float
) -> None:
    accuracy = Accuracy.of(loss, [Example([0.0], t) for t in targets])
    assert float(accuracy([output], target)) == right
    assert float(accuracy(Value(output), [target])) == right


@pytest.mark.parametrize(
    ("loss", "targets"), [(mse_loss, [0.0, 0.5, 1.0]), (lambda y, t: (y[0] - t) ** 2, [0.0, 1.0])]
)
def test_accuracy_does_not_guess(loss: Any, targets: list[float]) -> None:
    with pytest.raises(ValueError, match="which outputs of this loss mean yes"):
        losses_of((X[: len(targets)], targets), loss, metrics=["accuracy"])


# --- compile: labels, rows, names ----------------------------------------------------------------


@pytest.mark.parametrize("loss", [cross_entropy, nll_loss])
@pytest.mark.parametrize("how", [{}, {"weight": [0.5, 2.0, 1.0]}, {"reduction": "sum"}])
def test_a_label_may_be_an_input(loss: Any, how: dict[str, Any]) -> None:
    ws = [Value(x) for x in (0.3, -0.4, 0.1)]
    step = compile(lambda label: loss(ws, label, **how), wrt=ws, inputs=[0.0], backend="python")
    for label in range(3):
        expected = loss(ws, label, **how)
        for w in ws:
            w.grad = 0.0
        expected.backward()
        value, slopes = step(float(label))
        assert value == pytest.approx(expected.data, rel=1e-14)
        assert slopes == pytest.approx([w.grad for w in ws], rel=1e-13, abs=1e-16)


@pytest.mark.parametrize("label", [3.0, -1.0, 0.5])
def test_a_label_that_is_no_index_is_told(label: float) -> None:
    ws = [Value(x) for x in (0.3, -0.4, 0.1)]
    step = compile(lambda t: cross_entropy(ws, t), wrt=ws, inputs=[0.0], backend="python")
    with pytest.raises(IndexError, match=f"the index t must be .* from 0 to 2, not {label:g}"):
        step(label)


def test_rows_of_a_table_are_examples() -> None:
    np = arrays()
    w = Value(2.0, "w")
    step = compile(lambda a, b, t: (a * w + b - t) ** 2, wrt=w, inputs=[0.0] * 3)
    expected = step(*zip(*([*x, y] for x, y in zip(X, Y))))
    table = np.array([[*x, y] for x, y in zip(X, Y)])
    for given in ((table,), (table.tolist(),), (np.array(X), Y), (X, np.array(Y))):
        assert step(*given) == expected
    assert step(*table.T) == expected
    with pytest.raises(LengthError, match="a table, whose rows are examples"):
        step(np.array(X))
    with pytest.raises(LengthError, match="the rows of the table have different lengths"):
        step([[1.0, 2.0, 3.0], [1.0]])


def test_what_to_differentiate_by_may_be_named() -> None:
    x, w = Value(3.0, "x"), Value(2.0, "w")
    y = x * w
    assert compile(y, "w", "x")([1.0, 2.0]) == compile(y, [w], [x])([1.0, 2.0]) == (6.0, [3.0])
    with pytest.raises(TapeError, match="wrt: no leaf is called 'v'; the labels are x, w"):
        compile(y, ["v"])
    with pytest.raises(TapeError, match="2 leaves are called 'w'"):
        compile(y * Value(1.0, "w"), "w")


def test_a_model_may_be_what_to_differentiate_by() -> None:
    model = regression()
    one = partial(lambda a, b, t: mse_loss(model([a, b]), t))
    step, named = (compile(one, wrt, [0.0] * 3) for wrt in (model, model.parameters()))
    assert step(X, Y) == named(X, Y)
    assert len(step(X, Y)[1]) == len(model.parameters())


def test_a_spiral_is_learned_in_batches() -> None:
    data = spirals(40, turns=0.5, noise=0.0, seed=1)
    model = MLP(2, [8, 1], ["tanh", "linear"], seed=1)
    learner = Momentum(model.parameters(), 0.02)
    how: dict[str, Any] = {"epochs": 60, "batch_size": 16, "metrics": ["accuracy"]}
    history = train(model, binary_cross_entropy_with_logits, data, learner, compiled=True, **how)
    assert history.metrics["accuracy"][-1] > 0.9


@pytest.mark.parametrize("count", [50, 300, 3_000])
def test_lists_of_any_length_are_learned_in_batches(count: int) -> None:
    """Columns are lists, rows of one table, or arrays: it depends on how many numbers they are."""
    xs = [[float(i % k) for k in (2, 3, 5, 7)] for i in range(count)]
    data = (xs, [sum(row) for row in xs])
    how: dict[str, Any] = {"epochs": 1, "batch_size": 8, "progress": False}
    runs = []
    for compiled in (False, True):
        model = MLP(4, [2, 1], seed=1)
        learner = SGD(model.parameters(), 0.001)
        runs.append(train(model, mse_loss, data, learner, compiled=compiled, **how).losses)
    assert runs[1] == pytest.approx(runs[0], rel=1e-9)


# --- what counts more, or not at all -------------------------------------------------------------

# The losses of four steps of PyTorch 2.14.1: F.cross_entropy of nn.Linear(2, 3) and SGD at 0.3.
WEIGHED: list[tuple[dict[str, Any], list[int], str, list[float]]] = [
    ({"weight": [1, 2, 10.0]}, [0, 1, 2, 0, 2], "mean", [1.531253435, 1.330961597, 1.162696481]),
    ({"ignore_index": 0}, [0, 1, 2, 0, 2], "mean", [1.220543235, 1.092224248, 0.977225122]),
    ({"weight": [1, 2, 10.0]}, [0, 1, 2, 0, 2], "sum", [36.750082438, 15.890948451, 5.069330618]),
    ({"ignore_index": 0}, [0, 1, 2, 0, 2], "sum", [3.661629705, 2.574152335, 1.845843809]),
    ({}, [0, 1, -100, 0, 2], "mean", [1.534309813, 1.311099592, 1.141064645]),
]


@EAGER_OR_COMPILED
@pytest.mark.parametrize(("how", "labels", "reduction", "expected"), WEIGHED)
def test_some_examples_count_more_or_not_at_all(
    how: dict[str, Any], labels: list[int], reduction: Any, expected: list[float], compiled: bool
) -> None:
    model = Linear(2, 3)
    for i, p in enumerate(model.parameters()):
        p.data = ((i * 7) % 5 - 2) / 4
    data = ([[0.5, 1.0], [1.0, -1.0], [-0.5, 0.3], [2.0, 0.1], [0.2, 0.2]], labels)
    loss = partial(cross_entropy, **how) if how else cross_entropy
    options: dict[str, Any] = {"epochs": 3, "reduction": reduction, "validation": data}
    history = train(model, loss, data, SGD(model.parameters(), 0.3), compiled=compiled, **options)
    assert history.losses == pytest.approx(expected, rel=1e-8)
    assert history.metrics["val_loss"][0] == pytest.approx(expected[1], rel=1e-8)


@EAGER_OR_COMPILED
@pytest.mark.parametrize(
    ("loss", "targets", "error", "words"),
    [
        (binary_cross_entropy_with_logits, [0.0, 1.0, 3.0, 1.0], ValueError, "not 3.0"),
        (hinge_loss, [-1, 1, 0, 1], ValueError, "the label of a hinge loss must be -1 or 1, not 0"),
        (cross_entropy, [0, 1, 5, 1], IndexError, "the label must be an index from 0 to 1, not 5"),
    ],
)
def test_a_target_that_is_none_is_told_before_it_is_learned(
    loss: Any, targets: Any, error: type[Exception], words: str, compiled: bool
) -> None:
    make = classes if loss is cross_entropy else regression
    with pytest.raises(error, match=words):
        losses_of((X, targets), loss, make, compiled=compiled)


# --- optimizers of one's own ---------------------------------------------------------------------


class Clipped(SGD):
    def step(self) -> None:
        clip_grad_norm_(self.parameters, 0.01)
        super().step()


class Halved(SGD):
    def rate_at(self, step: int) -> float:
        return super().rate_at(step) / 2


@pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.SlowWarning")
@pytest.mark.parametrize("batch_size", [0, 3])
@pytest.mark.parametrize("kind", [Clipped, Halved])
def test_a_step_of_ones_own_is_made_when_compiled_too(kind: Any, batch_size: int) -> None:
    found = []
    for compiled in (False, True):
        model = regression()
        optimizer = kind(model.parameters(), 0.5)
        how: dict[str, Any] = {"epochs": 5, "batch_size": batch_size, "compiled": compiled}
        found.append(train(model, mse_loss, (X, Y), optimizer, **how).losses)
    assert found[1] == pytest.approx(found[0], rel=1e-10)
    plain = regression()
    others = train(plain, mse_loss, (X, Y), SGD(plain.parameters(), 0.5), epochs=5).losses
    assert found[0][-1] != pytest.approx(others[-1], rel=1e-3)


def test_no_way_leads_back_from_floats() -> None:
    model = regression()
    with pytest.raises(LeftGraphError):
        mse_loss(model.predict([0.0, 1.0]), [1.0]).backward()
    with pytest.raises(LeftGraphError):
        cross_entropy([0.5, 1.0], 1).backward()
