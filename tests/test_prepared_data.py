"""Examples, their columns and the parameters of a model are prepared in bulk, and stay the same."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from numbers import Integral
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import Value
from tinygrad_edu.data import Example, as_examples
from tinygrad_edu.errors import LengthError
from tinygrad_edu.nn import MLP, Module, Neuron
from tinygrad_edu.train.compiled_run import columns_of
from tinygrad_edu.trees import numbers


class Point(NamedTuple):
    x: float
    y: float


numbers_of_a_row = st.one_of(
    st.floats(allow_nan=False), st.integers(-(2**60), 2**60), st.booleans(), st.fractions()
)


def rows(length: int) -> Any:
    row = st.lists(numbers_of_a_row, min_size=length, max_size=length)
    nested = st.lists(row, min_size=2, max_size=2)
    plain = st.lists(st.floats(allow_nan=False), min_size=length, max_size=length)
    return st.sampled_from([plain, plain.map(tuple), row, row.map(tuple), nested])


@st.composite
def data_sets(draw: Any) -> list[tuple[Any, Any]]:
    inputs = draw(rows(draw(st.integers(0, 4))))
    targets = draw(st.one_of(rows(2), st.just(numbers_of_a_row)))
    pairs: list[tuple[Any, Any]] = draw(
        st.lists(st.tuples(inputs, targets), min_size=1, max_size=6)
    )
    return pairs


def plain(x: Any) -> Any:
    """Returns the tree with Python's numbers, item by item."""
    if isinstance(x, list | tuple):
        return type(x)(plain(part) for part in x)
    return int(x) if isinstance(x, Integral) else float(x)


def told(x: Any) -> str:
    """Returns text that tells 1 from 1.0 and True, and a list from a tuple."""
    return repr(x)


@given(data_sets())
def test_examples_and_columns_are_those_of_each_alone(pairs: list[tuple[Any, Any]]) -> None:
    examples = as_examples(pairs)
    assert told(examples) == told([Example(plain(x), plain(t)) for x, t in pairs])
    by_row = [[float(x) for x in numbers(tuple(example))] for example in examples]
    assert told(columns_of(examples)) == told([list(column) for column in zip(*by_row)])
    assert told(columns_of([Example(*pair) for pair in pairs])) == told(columns_of(examples))


@pytest.mark.parametrize("kind", ["float64", "float32", "float16", "longdouble", "int8", "bool"])
def test_arrays_become_numbers_of_python(kind: str) -> None:
    np = pytest.importorskip("numpy")
    xs, ys = np.array([[1, 0], [0, 3]]).astype(kind), np.array([1, 0]).astype(kind)
    number = float if "float" in kind or kind == "longdouble" else int
    expected = [Example([number(a) for a in x], number(y)) for x, y in zip(xs, ys)]
    assert told(as_examples((xs, ys))) == told(expected)
    assert told(as_examples([*zip(xs, ys)])) == told(expected)
    assert told(columns_of(as_examples((xs, ys)))) == told(columns_of(expected))


def test_a_row_with_names_stays_one() -> None:
    (example,) = as_examples([(Point(1.0, 2.0), 1.0)])
    assert type(example.inputs) is Point
    assert columns_of([example, Example([3.0, 4.0], True)]) == [[1.0, 3.0], [2.0, 4.0], [1.0, 1.0]]


def test_the_wrong_example_is_named() -> None:
    good = [([1.0, 2.0], 1.0)] * 3
    for bad, words in (
        (([1.0, "2"], 1.0), "example 3 contains '2', which is not a number"),
        (([1.0, [None]], 1.0), "example 3 contains None"),
        (([1.0, 2.0],), r"example 3 is \(\[1.0, 2.0\],\)"),
        ("ab", "example 3 is 'ab'"),
        (7, "example 3 is 7"),
    ):
        with pytest.raises(TypeError, match=words):
            as_examples([*good, bad])


@pytest.mark.parametrize(
    "other", [([1.0], 1.0), ([1.0, 2.0], [1.0]), ([[1.0], [2.0]], 1.0), (1.0, 1.0)]
)
def test_examples_of_different_shapes_have_no_columns(other: Any) -> None:
    with pytest.raises(LengthError, match="the same shape"):
        columns_of([Example([1.0, 2.0], 1.0), Example(*other)])
    assert columns_of([Example([1.0, 2.0], 1.0), Example((Fraction(1, 2), 3), 0)]) == [
        [1.0, 0.5],
        [2.0, 3.0],
        [1.0, 0.0],
    ]


class Mixed(Module):
    """Leaves and modules in every kind of collection, some of them twice, and computed Values."""

    def __init__(self) -> None:
        self.w = [Value(1.0), Value(2.0)]
        self.same = [self.w[1], Value(3.0)]
        self.table = [[Value(4.0)], (Value(5.0), [Value(6.0)])]
        self.by_name = {"a": Value(7.0), "b": [Value(8.0), Neuron(1, seed=0)]}
        self.outputs = [self.w[0] + 1, self.w[1]]
        self.layers = [Neuron(1, seed=1), [Neuron(1, seed=2)], self.w[0]]
        self.numbers = [1.0, 2.0]


def test_names_and_order_of_parameters() -> None:
    model = Mixed()
    names = [name for name, _ in model.named_parameters()]
    assert names == [
        *("w[0]", "w[1]", "same[1]", "table[0][0]", "table[1][0]", "table[1][1][0]"),
        *("by_name[a]", "by_name[b][0]"),
        *("by_name[b]2.w[0]", "by_name[b]2.b", "layer1.w[0]", "layer1.b"),
        *("layer2_1.w[0]", "layer2_1.b"),
    ]
    assert model.parameters() == [p for _, p in model.named_parameters()]
    assert [p.data for p in model.parameters()][:8] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    assert len(set(model.parameters())) == len(model.parameters()) == 14


def test_a_model_may_name_its_parameters_itself() -> None:
    class Fewer(MLP):
        def named_parameters(self) -> Iterator[tuple[str, Value]]:
            return (pair for pair in super().named_parameters() if "w" in pair[0])

    model = Fewer(2, [3, 1], seed=0)
    assert model.parameters() == [p for _, p in model.named_parameters()]
    assert len(model.parameters()) == 9
