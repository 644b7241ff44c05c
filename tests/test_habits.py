"""What people type first who come from other libraries: it works, or says what it is called."""

from __future__ import annotations

import builtins
import contextlib
import importlib
import io
import math
import pickle
import random
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu
from tinygrad_edu import (
    CompiledLoss,
    FrozenWarning,
    IdentityWarning,
    Value,
    compile,
    data,
    explain,
    grad,
    gradcheck,
    gradient,
    losses,
    mask,
    nn,
    no_grad,
    optim,
    train,
)
from tinygrad_edu.compat.micrograd.engine import Value as Micrograds
from tinygrad_edu.errors import MissingError
from tinygrad_edu.habits import hints, imports
from tinygrad_edu.nn import module

ROOMS = "nn nn.init optim optim.lr_scheduler losses train data saving draw plots compat".split()
LINES = [
    line
    for line in (Path(__file__).parent / "habits.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
START = """
import copy, pickle
import numpy as np
import tinygrad_edu as t
from tinygrad_edu import *
from tinygrad_edu import nn
from tinygrad_edu.losses import *
from tinygrad_edu.optim import *
from tinygrad_edu.nn import *
from tinygrad_edu.train import train
x = Value(2.0, label="x"); y = Value(3.0, label="y"); z = x * y + 1; m = MLP(2, [3, 1])
"""
# What Python says by itself, which tells a beginner nothing.
BARE = (
    r"has no attribute '\w+'$|cannot import name|not callable|not subscriptable|positional argument"
    r"|unexpected keyword|does not support ufuncs|unsupported operand|object is not iterable"
    r"|doesn't define|is not defined"
)
# grad is a float, and has no more than a float has; attributes of one's own take room.
WITHOUT_AN_ANSWER = {"x.grad.data", "z.backward(); x.grad.item()", "x.foo=1"}
TOLD = {  # what means something else elsewhere, and is told in a warning
    "if_=1 if x else 0": "a Value is true",
    "bool(x)": "a Value is true",
    "bool(Value(0.0))": "a Value is true",
    "x!=2.0": "== and != between a Value",
    '__import__("math").exp(x)': "math.exp(v) is a plain number",
    '__import__("math").sin(x)': "math.sin(v) is a plain number",
    '__import__("math").sqrt(x)': "math.sqrt(v) is a plain number",
}


def run(line: str) -> tuple[Any, list[str]]:
    """What a line gives, or the error that it raises; and what is told in warnings."""
    names: dict[str, Any] = {}
    exec(START, names)
    with warnings.catch_warnings(record=True) as told, contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("always")
        try:
            try:
                result = eval(line, names)
            except SyntaxError:
                result = exec(line, names)
        except Exception as error:
            result = error
    return result, [str(w.message) for w in told if w.category.__module__.startswith("tinygrad")]


@pytest.mark.parametrize("line", sorted({*LINES} - WITHOUT_AN_ANSWER))
def test_a_habit_works_or_says_what_it_is_called_here(line: str) -> None:
    result, told = run(line)
    if isinstance(result, Exception):
        assert not re.search(BARE, str(result)), repr(result)
    expected = [TOLD[line]] if line in TOLD and not line.startswith("__import__") else []
    assert [words[: len(part)] for words, part in zip(told, expected)] == expected
    assert len(told) == len(expected) or line.startswith("__import__")


def test_a_function_of_math_by_a_name_that_can_be_read() -> None:
    with pytest.warns(tinygrad_edu.LeftGraphWarning, match=r"math.exp\(v\) is a plain number"):
        math.exp(Value(2.0))  # behind __import__("math") nobody finds it


@pytest.mark.parametrize("line", sorted(WITHOUT_AN_ANSWER))
def test_what_has_no_answer_fails_all_the_same(line: str) -> None:
    result, _ = run(line)
    assert isinstance(result, AttributeError)


# --- attributes of a Value ------------------------------------------------------------------------

X, Y = Value(0.5, label="x"), Value(0.25, label="y")
KNOWN: dict[str, Any] = {name: getattr(tinygrad_edu, name) for name in dir(tinygrad_edu)} | {
    **{"x": Value(0.5), "y": X * Y, "xs": [X, Y], "ys": [Y, X], "values": [X, Y], "m": 0.0},
    **{"low": 0.0, "high": 1.0, "condition": 1.0, "math": math, "f": lambda x: x**2},
}


@pytest.mark.parametrize("name", sorted(hints.VALUES))
def test_an_attribute_of_tensors_says_what_it_is_here(name: str) -> None:
    assert not hasattr(Value, name)
    assert not hasattr(X, name)
    assert name not in dir(X)
    words = re.escape(f"'Value' object has no attribute '{name}': {hints.VALUES[name]}")
    with pytest.raises(AttributeError, match=words):
        getattr(X, name)
    with pytest.raises(AttributeError, match=words):
        setattr(X, name, 1)


@pytest.mark.parametrize("words", sorted({*hints.VALUES.values()}))
def test_what_is_to_be_written_can_be_written(words: str) -> None:
    written = re.search(r"write ([^;:]*?)(?:,? (?:or|and|in a|for) .*)?$", words)
    if written and not written[1].endswith("="):
        with contextlib.suppress(MissingError):  # a picture may want Graphviz
            for part in written[1].split(", "):
                if part.count("(") == part.count(")"):
                    eval(part, dict(KNOWN))


def test_a_subclass_may_have_what_a_value_has_not() -> None:
    class Named(Value):
        def __init__(self, data: float, name: str) -> None:
            super().__init__(data)
            self.name = name

        def square(self) -> Value:
            return self * self

    x = Named(2.0, "speed")
    assert (x.name, x.square().data, "name" in dir(x), "square" in dir(x)) == (
        "speed",
        4.0,
        True,
        True,
    )
    del x.name
    with pytest.raises(AttributeError, match="label is the name"):
        x.name  # noqa: B018


def test_plus_item_and_detach() -> None:
    x, y = Value(0.5), Value(0.25)
    assert +x is x
    assert (x.item(), type(x.item())) == (0.5, float)
    z = (x * y).detach() * x
    assert [d.data for d in gradient(z, [x, y])] == [0.125, 0.0]
    assert type(Micrograds(2.0).detach()) is Micrograds


def test_a_detached_number_is_frozen_in_a_compiled_step_and_that_is_said() -> None:
    w = Value(2.0, label="w")
    with pytest.warns(FrozenWarning, match="frozen it"):
        compile(lambda a: a.detach() * w, wrt=[w], inputs=[3.0])


@pytest.mark.parametrize(
    ("words", "attempt"),
    [
        ("not requires_grad: every leaf", lambda: Value(2.0, requires_grad=True)),
        ("write label: Value", lambda: Value(2.0, name="x")),
        ("a Python float", lambda: Value(2.0, dtype="float32")),
        ("not _children, _op: .*compat", lambda: Value(2.0, _children=(), _op="+")),
        ("not operands: .*compat", lambda: Value(2.0, (X, Y), "+")),
        ("not operands: .*compat", lambda: Value(2.0, (X, Y))),
        ("not operands: .*compat", lambda: Value(2.0, (X, Y), (1.0, 1.0))),
        ("not _prev: .*compat", lambda: Value(2.0, _prev=(X, Y))),
        ("not nonsense", lambda: Value(2.0, nonsense=3)),
        (
            r"takes no argument, not create_graph: write gradient",
            lambda: Y.backward(create_graph=True),
        ),
        (r"takes no argument, not 2.0: .*\(c \* y\)", lambda: Y.backward(2.0)),
        ("write floor", lambda: X // Y),
        ("write floor", lambda: 2 // X),
        ("write floor", lambda: X % 2),
        ("write floor", lambda: 2 % X),
        ("write floor", lambda: divmod(X, Y)),
        ("write x \\* y", lambda: X @ Y),
        ("write floor", lambda: round(X)),
        ("write floor", lambda: int(X)),
        ("write floor", lambda: math.trunc(X)),
        ("grad is a number, never None", lambda: setattr(X, "grad", None)),
        ("expected one real number, got a str", lambda: setattr(X, "grad", "s")),
        ("expected one real number, got a Value", lambda: setattr(X, "grad", Y)),
        ("expected one real number, got a str", lambda: setattr(Micrograds(1.0), "grad", "s")),
    ],
)
def test_what_cannot_be_says_what_can(words: str, attempt: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match=words):
        attempt()


def test_what_is_so_anyhow_may_be_asked_for() -> None:
    x = Value(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    assert x.grad == 8.0
    model = nn.MLP(1, [1])
    for zeroed in (y, model, optim.SGD(model.parameters(), lr=0.1)):
        zeroed.zero_grad(set_to_none=True)
    assert x.grad == 0.0
    x.grad = np.float32(0.5)  # type: ignore[assignment]
    assert (x.grad, type(x.grad)) == (0.5, float)


def test_the_signatures_that_are_shown_have_nothing_that_is_refused() -> None:
    from inspect import signature

    assert str(signature(Value)).startswith("(data: 'float', label: 'str' = '')")
    assert list(signature(Value.backward).parameters) == ["self"]


# --- by what is differentiated, explained, drawn and checked --------------------------------------


def test_a_derivative_by_one_value_is_a_value() -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    y = x * w
    assert gradient(y, x).data == 3.0
    assert [d.data for d in gradient(y, {"x": x, "w": w})] == [3.0, 2.0]  # type: ignore[arg-type]
    assert [d.data for d in gradient(y, (x, Value(1.0)))] == [3.0, 0.0]
    assert explain(y, "x").chain.total == 3.0
    drawn = repr(y.draw(highlight=["x"]))
    assert repr(y.draw(highlight=[x])) == repr(y.draw(highlight=x)) == drawn
    assert drawn != repr(y.draw())


MODEL = nn.MLP(2, [1])


@pytest.mark.parametrize(
    ("words", "attempt"),
    [
        ("not by the text 'x': write", lambda: gradient(Y, "x")),
        ("not by MLP: write model.parameters", lambda: gradient(Y, [MODEL])),
        ("not by Layer: write model.parameters", lambda: gradient(Y, MODEL)),
        ("not by NoneType: write", lambda: gradient(Y, [None])),
        ("not by float: write", lambda: gradient(Y, [2.0])),
        (r"as a list: write gradient\(y, \[x, w\]\)", lambda: gradient(Y, X, Y)),
        (r"take one entry, y\[0\]", lambda: gradient([Y], [X])),
        ("not a function", lambda: gradient(lambda a: a, [X])),
        ("a function, not Value.*gradient", lambda: grad(Y)),
        ("a function, not Value.*gradient", lambda: grad(Y, X)),
        ("argnums must be whole numbers", lambda: tinygrad_edu.jacobian(lambda a: [a], (1.0, 2.0))),
        ("expected a Value, not int", lambda: explain(Y, 2)),
        ("unknown name 'q': choose", lambda: explain(X * Y, "q")),
        ("not in this graph", lambda: (X * 2).draw(highlight=[Y])),
        ("named options: write y.draw.direction='TB'", lambda: (X * Y).draw("TB")),
        ("named options: write y.draw.direction='TB'", lambda: Micrograds(1.0).draw("TB")),
        ("wrt must be leaves", lambda: gradcheck(lambda: X * Y, wrt=[MODEL])),
        ("one list: write model", lambda: MODEL(1.0, 2.0)),
        ("one list: write model", lambda: MODEL(X, Y)),
        ("a list: take its numbers one by one", lambda: tinygrad_edu.tanh([X, Y])),
        ("a Value: its number is x.data", lambda: Value(X)),
        ("step.. takes no argument", lambda: optim.SGD([X], lr=0.1).step(lambda: Y)),
        ("zero_grad.. takes no argument, not 1", lambda: MODEL.zero_grad(1)),
    ],
)
def test_a_question_about_what_is_no_value_is_answered(
    words: str, attempt: Callable[[], object]
) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        attempt()


def test_the_gradients_of_a_model_are_checked_in_place() -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    before = model.state_dict()

    def loss() -> Value:
        return losses.mse_loss(model([0.5, -1.0]), [0.25])

    assert gradcheck(loss, wrt=model)
    assert gradcheck(loss, wrt=model.parameters()[:2])
    assert gradcheck(loss, wrt=model.parameters()[0])
    assert model.state_dict() == before


# --- == and truth ---------------------------------------------------------------------------------

ASKED = {
    "x == 2": False,
    "2.0 == x": False,
    "x != 2": True,
    "x == True": False,
    "x == np.float32(2)": False,
    "np.int64(2) == x": False,
    "2.0 in [x, y]": False,
    "[x, y].index(2.0)": ValueError,
    "bool(x)": True,
    "not x": False,
    "x and 1": 1,
    "[1 for v in (x, y) if v]": [1, 1],
    "any([x])": True,
    "np.array([x, y]) == 2.0": [False, False],
    "np.array([2.0, 3.0]) == x": [False, False],
    "np.array([2.0, 3.0]) != x": [True, True],
}


@pytest.mark.parametrize("kind", [Value, Micrograds])
@pytest.mark.parametrize("text", ASKED)
def test_a_question_about_the_object_is_told_once_with_its_line(text: str, kind: Any) -> None:
    names = {"x": kind(2.0), "y": kind(3.0), "np": np}
    code = builtins.compile(f"\n\n{text}", "lesson.py", "exec")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(3):
            if ASKED[text] is ValueError:
                with pytest.raises(ValueError):
                    exec(code, names)
            else:
                exec(code, names)
                result = eval(text, dict(names))
                result = result.tolist() if isinstance(result, np.ndarray) else result
                assert result == ASKED[text]
    there = [w for w in told if w.filename == "lesson.py"]
    assert [(w.category, w.lineno) for w in there] == [(IdentityWarning, 3)]


def test_nothing_is_said_where_values_are_told_apart() -> None:
    a, b = Value(1.0), Value(1.0)
    assert a == a
    assert a != b
    assert (a == "a", a is not None, a == None) == (False, True, False)  # noqa: E711
    assert a in {a, b}
    assert a in [b, a]
    assert {a: 1, b: 2}[b] == 2
    assert [b, a].index(a) == 1
    pickle.loads(pickle.dumps([a, b]))
    losses.cross_entropy([a, b], 0).draw().text()


def test_a_formula_that_asks_for_truth_is_noticed_where_it_is_recorded() -> None:
    w = Value(2.0, label="w")
    for asks in (lambda a: w if a else a, lambda a: w if a == 3 else a, lambda a: a if w else w):
        with pytest.warns(FrozenWarning, match="compared here while the graph was recorded"):
            assert isinstance(compile(asks, wrt=[w], inputs=[3.0]), CompiledLoss)


# --- no_grad --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Value, Micrograds])
def test_without_a_graph_there_are_numbers(kind: Any) -> None:
    x = kind(2.0)
    with no_grad():
        y = x * x + kind(1.0).exp()
        with no_grad():
            inner = -x
        still = x + 1
        leaf = kind(3.0)
    after = x * leaf
    assert y.data == 4 + math.exp(1)
    for z in (y, inner, still):
        assert z.args == ()
        assert [d.data for d in gradient(z * x, [x])] == [z.data]
    after.backward()
    assert (x.grad, leaf.grad) == (3.0, 2.0)


def test_a_function_without_a_graph_and_after_an_error() -> None:
    x = Value(2.0)

    @no_grad()
    def evaluate(x: Value) -> Value:
        return x / 0 if x > 2 else x * x

    assert evaluate(x).args == ()
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert (x * x).args == (x, x)


def test_other_threads_keep_their_graphs() -> None:
    from concurrent.futures import ThreadPoolExecutor

    x = Value(2.0)
    with no_grad(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: (x * x).args).result() == (x, x)
        assert (x * x).args == ()


@pytest.mark.parametrize("kind", [Value, Micrograds])
def test_there_is_no_way_back_without_a_graph(kind: Any) -> None:
    x = kind(2.0)
    with no_grad():
        y = x * x
    for constant in (y, x.detach()):
        if kind is Value:
            with pytest.raises(TypeError, match=r"no graph to go back through: .* no_grad\(\)"):
                constant.backward()
        with pytest.raises(AssertionError, match=r"0\.0 from the rules"):
            gradcheck(lambda a: a.detach(), 2.0, value=kind)
        (constant * x).backward()
    assert x.grad == 4.0 + 2.0
    mask(0.0, x).backward()  # what is a constant by its operands has a gradient: 0


# --- names of the package and its modules ---------------------------------------------------------


@pytest.mark.parametrize("name", sorted(hints.NAMES))
def test_a_name_of_other_packages_says_what_it_is_here(name: str) -> None:
    assert name not in dir(tinygrad_edu)
    assert not hasattr(tinygrad_edu, name)
    words = re.escape(f"there is no {name} in tinygrad_edu; here it is: {hints.NAMES[name]}")
    with pytest.raises(ImportError, match=words):
        exec(f"from tinygrad_edu import {name}")
    with pytest.raises(AttributeError, match=words):
        getattr(tinygrad_edu, name)
    there = re.match(r"tinygrad_edu\.(\w+)\.(\w+)$", hints.NAMES[name])
    if there:
        assert there[2] in vars(importlib.import_module(f"tinygrad_edu.{there[1]}"))
    modules = (tinygrad_edu, nn, losses, data, train, builtins, math, random, Value)
    known = {name for module in modules for name in dir(module)}
    known |= {"f", "save", "like", "loss_curve", "draw_dot"}
    for called in re.findall(r"\b([a-z_]\w*)\(", hints.NAMES[name]):
        assert called in known


def test_a_module_is_an_attribute_of_the_package() -> None:
    """Also where nobody has imported it: the package is imported anew for each."""
    program = f"""
import sys
for path in {ROOMS}:
    for name in [name for name in sys.modules if name.startswith("tinygrad_edu")]:
        del sys.modules[name]
    import tinygrad_edu as t
    assert eval(f"t.{{path}}.__name__") == f"tinygrad_edu.{{path}}"
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert not done.stderr


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        ("t.MLP", "from tinygrad_edu.nn import MLP"),
        ("t.SGD", "from tinygrad_edu.optim import SGD"),
        ("t.mse_loss", "from tinygrad_edu.losses import mse_loss"),
        ("t.moons", "from tinygrad_edu.data import moons"),
        ("t.manual_seed(0)", "from tinygrad_edu.nn import manual_seed"),
        ("t.train(m)", "from tinygrad_edu.train import train"),
        ("t.draw(z)", "write y.draw()"),
        ("t.xavier()", "from tinygrad_edu.nn.init import xavier"),
        ("t.loss_curve", "from tinygrad_edu.plots import loss_curve"),
        ("nn.relu", "from tinygrad_edu import relu"),
        ("nn.mse_loss", "from tinygrad_edu.losses import mse_loss"),
        ("t.optim.relu", "from tinygrad_edu import relu"),
        ("t.losses.MLP", "from tinygrad_edu.nn import MLP"),
        ("from tinygrad_edu.data import make_moons", "moons() of tinygrad_edu.data"),
        ("from tinygrad_edu.data import DataLoader", "batch_size=32"),
        ("from tinygrad_edu.train import EarlyStopping", "until=no_better(10)"),
        ("from tinygrad_edu.train import mse_loss", "from tinygrad_edu.losses import mse_loss"),
        ("from tinygrad_edu import Adam", "from tinygrad_edu.optim import Adam"),
    ],
)
def test_what_is_in_a_module_says_in_which(attempt: str, words: str) -> None:
    result, _ = run(attempt)
    assert isinstance(result, AttributeError | ImportError | TypeError)
    assert words in str(result)


def test_other_names_are_missing_as_usual() -> None:
    assert not hasattr(Value, "__getattr__"), "it makes every attribute slow"
    with pytest.raises(AttributeError, match=r"has no attribute 'nonsense'$"):
        tinygrad_edu.nonsense  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'nonsense'"):
        from tinygrad_edu import nonsense  # type: ignore[attr-defined]  # noqa: F401


def test_a_star_replaces_one_function_of_python_and_that_one_says_so() -> None:
    replaced = {*tinygrad_edu.__all__} & {*dir(builtins)}
    assert replaced == {"compile"}
    with pytest.raises(TypeError, match=r"a text is compiled by builtins.compile"):
        compile("1 + 1", "<text>", "eval")  # type: ignore[call-overload]
    for name in (nn, optim, losses, module):
        assert not {*name.__all__} & {*dir(builtins)}


# --- what is a habit in one place, and in another -------------------------------------------------


def test_a_leaf_learns_in_place_without_a_graph() -> None:
    w, b = Value(1.0), Value(0.5)
    first = w
    ((w - 3) ** 2).backward()
    with no_grad():
        w -= 0.25 * w.grad
        b *= 2
        b += 1
        b /= 4
    assert w is first
    assert (w.data, b.data) == (2.0, 0.5)
    w += 1  # with a graph it is a new node, and the leaf stays
    assert (w.data, first.data) == (3.0, 2.0)
    assert w.args[0] is first


def test_a_sum_that_begins_with_a_leaf_leaves_it_alone() -> None:
    bias = Value(0.5)
    with no_grad():
        total = bias
        total += Value(2.0) * 3
    assert (bias.data, total.data) == (0.5, 6.5)
    with pytest.warns(tinygrad_edu.LeftGraphWarning, match=r"write w.data -= v.data"), no_grad():
        bias -= bias * 0.5
    assert bias.data == 0.25


def test_a_subclass_with_its_own_addition_has_it_in_place() -> None:
    class Loud(Value):
        def __add__(self, other: Any) -> Any:
            return "loud"

    x: Any = Loud(1.0)
    x += 1
    assert x == "loud"


def test_an_array_without_a_length_is_a_number() -> None:
    three = np.array(3.0)
    x = Value(three)
    assert (x.data, (x * three).data) == (3.0, 9.0)
    x.data = np.array(2.0)
    x.grad = np.array(1.0)
    assert (x.data, x.grad, x < three) == (2.0, 1.0, True)
    assert grad(lambda v: v**2)(three) == 6.0
    line = nn.Linear(1, 1)
    line.load_state_dict(dict.fromkeys(line.state_dict(), three))
    assert [p.data for p in line.parameters()] == [3.0, 3.0]
    with pytest.raises(tinygrad_edu.NumberError):
        Value(np.array([3.0]))


class Plain(nn.Module):
    def forward(self, x: float, h: float = 0.0) -> float:
        return x + h


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("Linear takes no device=: nothing to do", "Linear(2, 1, device='cpu')"),
        ("Linear takes no dtype=: nothing to do", "Linear(2, 1, dtype=float)"),
        ("ReLU takes no inplace=: nothing to do: leave it out", "ReLU(inplace=True)"),
        (r"ReLU\(\) takes no argument, not True", "ReLU(True)"),
        ("Dropout takes no inplace=: nothing to do", "Dropout(0.5, inplace=True)"),
        ("GELU takes no approximate=: nothing to do: gelu is exact", "GELU(approximate='tanh')"),
        ("Softplus takes no beta=: here it is the function", "Softplus(beta=2)"),
        ("Embedding takes no padding_idx=: nothing of its own", "Embedding(3, 2, padding_idx=0)"),
        (r"hidden=: here it is sizes, .* MLP\(2, \[16, 1\]\)", "MLP(2, hidden=3)"),
        ("hidden_layer_sizes=: here it is sizes", "MLP(2, hidden_layer_sizes=(3,))"),
        ("nonlin=: here it is activation", "MLP(2, [1], nonlin='relu')"),
        ("normalized_shape=: here it is size", "LayerNorm(normalized_shape=3)"),
        ("StepLR takes no last_epoch=", "t.optim.lr_scheduler.StepLR(SGD([x]), 3, last_epoch=-1)"),
        (r"print\(scheduler", "t.optim.lr_scheduler.StepLR(SGD([x]), 3, verbose=True)"),
        ("here it is T_max", "t.optim.lr_scheduler.CosineAnnealingLR(SGD([x]), t_max=3)"),
        ("here it is AdamW", "Adam([x], decoupled_weight_decay=True)"),
        ("moons takes no n_samples=: here it is n", "t.data.moons(n_samples=4)"),
        ("model.load_state_dict", "m.load_state_dict(m.state_dict(), strict=False)"),
        (r"not \[.*write model.parameters\(\), or", "SGD([[x], [y]])"),
        (r"write model.parameters\(\).*two rates", "SGD([{'params': [x]}])"),
        (r"model.parameters\(\)", "SGD(m)"),
        (r"\[tanh\(x\) for x in xs\], or nn.Tanh\(\)\(xs\)", "tanh([x, y])"),
        (r"or nn.ReLU\(\)\(xs\)", "relu(np.array([x, y]))"),
        (r"\[gelu\(x\) for x in xs\], or nn.GELU", "gelu([x, y])"),
        (r"\[maximum\(a, b\) for a, b in zip", "maximum([1.0], [2.0])"),
        ("is a constant .*write Value", "x.detach().data = 5"),
        ("compat.micrograd.engine", "x._prev"),
        ("compat.micrograd.engine", "Value(2.0, (x, y), '*')"),
        ("tuples: write jvp", "jvp(tanh, 3.0, 1.0)"),
        (r"not a class: write Linear\(...\)", "Sequential(Linear, Tanh)"),
        ("layers is a parameter|write p.data", "n = Linear(2, 1); n.weight = [[1.0, 2.0]]"),
        ("write p.data", "n = Linear(2, 1); n.bias = np.zeros(1)"),
        ("no module tinygrad_edu.nn.functional; .*relu", "import tinygrad_edu.nn.functional as F"),
        (
            "tinygrad_edu.optim.lr_scheduler import",
            "from tinygrad_edu.lr_scheduler import StepLR",
        ),
        ("batch_size=", "import tinygrad_edu.utils.data"),
        ("grad, gradient", "import tinygrad_edu.autograd"),
        ("import Value", "import tinygrad_edu.tensor"),
        (r"train\(.*or Accuracy", "from tinygrad_edu.train.metrics import accuracy"),
        ("from tinygrad_edu.nn import MLP", "import tinygrad_edu.MLP"),
        ("No module named 'tinygrad_edu.foo'", "import tinygrad_edu.foo"),
        ("No module named 'tinygrad_edu.nn.foo'", "import tinygrad_edu.nn.foo"),
    ],
)
def test_what_is_written_elsewhere_says_what_to_write_here(words: str, line: str) -> None:
    result, _ = run(line)
    assert isinstance(result, Exception)
    assert re.search(words, str(result)), repr(result)


@pytest.mark.parametrize("name", sorted(imports.MODULES))
def test_a_module_of_elsewhere_names_what_can_be_imported(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="here it is"):
        importlib.import_module(f"tinygrad_edu.{name}")
    for statement in imports.MODULES[name].split("; "):
        if statement.startswith("from"):
            exec(statement.partition(", which")[0])
    for path in re.findall(r"\btinygrad_edu(?:\.[a-z_]+)+", imports.MODULES[name]):
        importlib.import_module(path)


def test_keywords_go_on_to_forward() -> None:
    assert Plain()(1.0, h=2.0) == 3.0
    assert Plain().predict(1.0, h=2.0) == 3.0
    with pytest.raises(TypeError, match="takes no argument, not 3"):
        Plain(3)  # type: ignore[call-arg]


def test_parameters_may_be_replaced_by_parameters() -> None:
    line = nn.Linear(2, 1)
    line.weight = nn.Parameter([[1.0, 2.0]])
    line.bias = []
    assert line.predict([1.0, 1.0]) == [3.0]


def test_a_list_of_places_and_a_model_will_do() -> None:
    assert grad(lambda a, b: a * b, argnums=[0, 1])(2.0, 3.0) == (3.0, 2.0)
    assert gradcheck(lambda a, b: a * b, (2.0, 3.0))
    line = nn.Linear(2, 1)
    for p in line.parameters():
        p.grad = 2.0
    assert optim.clip_grad_norm_(line, 1.0, norm_type="inf") == 2.0
    optim.clip_grad_value_(line, 0.25)
    assert {p.grad for p in line.parameters()} == {0.25}


def test_nothing_is_said_where_no_number_is_compared() -> None:
    x, y = Value(2.0), Value(3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (np.array([x, y], dtype=object) == x).tolist() == [True, False]
        assert [0.5, x].index(x) == 1
        assert x not in (int, float)
        assert np.isclose(x, 2.0)  # type: ignore[call-overload]
        assert np.allclose([x, y], [2.0, 3.0])  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["float(v) ** 2", "v.data**2", "v * v.item()", "(v * 2).data"])
def test_a_number_that_leaves_a_function_is_told_with_its_line(text: str) -> None:
    f = eval(builtins.compile(f"lambda v: {text}", "lesson.py", "eval"), {})
    for ask in (grad, tinygrad_edu.value_and_grad, tinygrad_edu.jacobian, tinygrad_edu.hessian):
        f = eval(builtins.compile(f"lambda v: {text}", "lesson.py", "eval"), {})
        with pytest.warns(tinygrad_edu.LeftGraphWarning, match="does not go through it") as told:
            ask(f)(3.0)
        assert {(w.filename, w.lineno) for w in told} == {("lesson.py", 1)}


def test_a_number_that_is_only_looked_at_is_not_told() -> None:
    seen: list[float] = []

    def f(v: Value) -> Value:
        print(v.data, f"{v.data:.2f} {v}")
        seen.append(v.data)
        while abs(v.data) > 1 or float(v) > 1 or v > 1:
            v = v / 2
        return v * v.detach()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert grad(f)(3.0) == 0.1875
