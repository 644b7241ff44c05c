"""Networks: values and gradients are PyTorch's, names and groups are those of the pictures."""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tinygrad_edu import Op, Value, data, gelu, graph, maximum, tanh, topological_order
from tinygrad_edu.analysis.zoom import zoom
from tinygrad_edu.draw.sketch import drawn
from tinygrad_edu.errors import LengthError
from tinygrad_edu.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_squared_error,
    hinge_loss,
    mse_loss,
    softmax,
)
from tinygrad_edu.nn import (
    GELU,
    MLP,
    Layer,
    Linear,
    Module,
    Neuron,
    Parameter,
    Sequential,
    Tanh,
    init,
)
from tinygrad_edu.nn.init import he, linear_default, normal, uniform, xavier
from tinygrad_edu.nn.layers import Dropout, Embedding, LayerNorm, RMSNorm, residual
from tinygrad_edu.nn.transformer import Attention, Block
from tinygrad_edu.optim import lr_scheduler
from tinygrad_edu.saving import load, save
from tinygrad_edu.trees import numbers

pytestmark = pytest.mark.quick

REFERENCES = json.loads((Path(__file__).parent / "references" / "layers.json").read_text())
CLOSE: dict[str, Any] = {"rel": 1e-10, "abs": 1e-12}


def attention() -> Attention:
    module = Attention(4, 2, init=normal(0.02), seed=0)
    module.label()
    return module


MODULES = {
    "mlp tanh": lambda: MLP(3, [4, 2], ["tanh", "linear"]),
    "mlp relu": lambda: MLP(3, [4, 2], ["relu", "linear"]),
    "mlp sigmoid": lambda: MLP(3, [4, 2], ["sigmoid", "linear"]),
    "layer norm": lambda: LayerNorm(5),
    "rms norm": lambda: RMSNorm(5),
    "attention": attention,
    "block layer": lambda: Block(4, 2, hidden=6),
    "block rms": lambda: Block(4, 2, hidden=6, norm=RMSNorm),
}


def values(x: Any) -> Any:
    return [values(item) for item in x] if isinstance(x, list) else Value(x)


def flat(x: Any) -> list[Any]:
    return [leaf for item in x for leaf in flat(item)] if isinstance(x, list) else [x]


@pytest.mark.parametrize("name", MODULES)
def test_value_and_every_gradient_are_those_of_pytorch(name: str) -> None:
    module, reference = MODULES[name](), REFERENCES[name]
    parameters = dict(module.named_parameters())
    assert set(parameters) == set(reference["parameters"])
    for key, p in parameters.items():
        assert p.label == key
        p.data = reference["parameters"][key]
    inputs = values(reference["inputs"])
    outputs = flat(module(inputs))
    assert [y.data for y in outputs] == pytest.approx(flat(reference["outputs"]), **CLOSE)
    loss = sum((i * y for i, y in enumerate(outputs, 1)), Value(0.0))
    loss.backward()
    assert loss.data == pytest.approx(reference["loss"], **CLOSE)
    grads = {key: p.grad for key, p in parameters.items()}
    assert grads == pytest.approx(reference["grads"], **CLOSE)
    input_grads = flat(reference["input_grads"])
    assert [x.grad for x in flat(inputs)] == pytest.approx(input_grads, **CLOSE)


@pytest.mark.parametrize("example", REFERENCES["losses"], ids=str)
def test_a_cross_entropy_is_that_of_pytorch_however_large_the_logits(example: Any) -> None:
    logits = [Value(x) for x in example["logits"]]
    if example["kind"] == "softmax":
        loss = cross_entropy(logits, example["target"])
    else:
        loss = binary_cross_entropy_with_logits(logits[0], example["target"])
    loss.backward()
    assert math.isfinite(loss.data)
    assert loss.data == pytest.approx(example["loss"], **CLOSE)
    assert [z.grad for z in logits] == pytest.approx(example["grads"], **CLOSE)


def test_a_later_token_changes_nothing_that_was_before_it() -> None:
    block = Block(4, 2, seed=7)
    sequence = [[math.sin(t + i) for i in range(4)] for t in range(5)]
    before = [[y.data for y in vector] for vector in block(values(sequence))]
    sequence[3] = [100.0, -100.0, 3.0, 0.0]
    after = [[y.data for y in vector] for vector in block(values(sequence))]
    assert after[:3] == before[:3]
    assert after[3] != before[3]
    assert after[4] != before[4]


def test_parameters_have_names_and_a_fixed_order() -> None:
    names = list(MLP(2, [2, 1]).state_dict())
    assert names == [
        *("layer1.neuron1.w[0]", "layer1.neuron1.w[1]", "layer1.neuron1.b"),
        *("layer1.neuron2.w[0]", "layer1.neuron2.w[1]", "layer1.neuron2.b"),
        *("layer2.neuron1.w[0]", "layer2.neuron1.w[1]", "layer2.neuron1.b"),
    ]
    embedding = Embedding(2, 2, seed=0)
    names = ["weight[0][0]", "weight[0][1]", "weight[1][0]", "weight[1][1]"]
    assert list(embedding.state_dict()) == names
    assert embedding(1) == embedding.weight[1]


def test_a_parameter_that_two_parts_share_is_one() -> None:
    class Tied(Module):
        def __init__(self) -> None:
            self.first = Neuron(2, seed=0)
            self.second = self.first
            self.label()

    tied = Tied()
    assert list(tied.state_dict()) == ["first.w[0]", "first.w[1]", "first.b"]
    assert len(tied.parameters()) == 3


def test_networks_name_their_groups_for_the_zoom() -> None:
    model = MLP(2, [16, 16, 1])
    (y,) = model([1.0, -2.0])
    y.backward()
    whole = graph(y)
    assert [node.label for node in zoom(whole, "layer").nodes if node.kind == "group"] == [
        *("layer1", "layer2", "layer3")
    ]
    assert len([node for node in zoom(whole, "neuron").nodes if node.kind == "group"]) == 33
    assert drawn(zoom(whole, "layer"), "compact") <= 12
    assert drawn(zoom(whole, "neuron"), "compact") <= 60


def test_a_model_says_what_it_is() -> None:
    model = MLP(2, [2, 1], ["tanh", "sigmoid"])
    assert repr(model) == (
        "MLP(2, [2, 1])\n"
        "  layer1: Layer(2, 2, 'tanh')\n"
        "    neuron1: Neuron(2, 'tanh')\n"
        "    neuron2: Neuron(2, 'tanh')\n"
        "  layer2: Layer(2, 1, 'sigmoid')\n"
        "    neuron1: Neuron(2, 'sigmoid')"
    )
    nodes = len(topological_order(model([1.0, 0.0])[0]))
    assert model.summary([1.0, 0.0]) == (
        "part    parameters\n"
        "layer1           6\n"
        "layer2           3\n"
        "in all           9\n"
        f"{nodes} scalar nodes per example"
    )


@pytest.mark.parametrize(
    "module",
    [Neuron(2, seed=0), Layer(2, 3, seed=0), MLP(2, [3])],
    ids=lambda m: m.about(),
)
def test_a_wrong_number_of_inputs_is_an_error_with_both_numbers(module: Any) -> None:
    with pytest.raises(LengthError, match=r"takes 2 inputs, not 3"):
        module([1.0, 2.0, 3.0])


def test_other_slips_are_told() -> None:
    with pytest.raises(ValueError, match="unknown activation 'tahn': choose linear, neg"):
        Neuron(2, "tahn", seed=0)
    with pytest.raises(LengthError, match="2 layers and 1 activations"):
        MLP(2, [2, 1], ["tanh"])
    with pytest.raises(ValueError, match="3 heads cannot share 4 numbers"):
        Block(4, 3)
    with pytest.raises(IndexError, match="the index must be a whole number from 0 to 1, not 2"):
        Embedding(2, 2, seed=0)(2)
    with pytest.raises(LengthError, match="2 outputs and 1 targets"):
        mse_loss([Value(1.0), Value(2.0)], [1.0])
    with pytest.raises(LengthError, match="0 outputs and 0 targets"):
        half_squared_error([], [])
    with pytest.raises(IndexError, match="0 to 1, not -1"):
        cross_entropy([Value(1.0), Value(2.0)], -1)
    with pytest.raises(ValueError, match="-1 or 1, not 0"):
        hinge_loss(Value(1.0), 0)
    with pytest.raises(ValueError, match="0 to 1, not 2"):
        binary_cross_entropy_with_logits(Value(1.0), 2)
    with pytest.raises(ValueError, match="0 to 1, not 2"):
        Dropout(2, seed=0)
    with pytest.raises(LengthError, match="1 and 2 numbers"):
        residual([Value(1.0)], [Value(1.0), Value(2.0)])


def test_sequences_of_vectors_are_added_like_vectors() -> None:
    """A list plus a list would be a longer list, and no error."""
    sums = residual([[Value(1.0), Value(2.0)], [Value(3.0)]], ([10, 20], [30]))
    assert [[y.data for y in row] for row in sums] == [[11, 22], [33]]
    with pytest.raises(LengthError, match="1 and 2 numbers"):
        residual([[Value(1.0)]], [[Value(1.0), Value(2.0)]])


def test_an_embedding_of_a_range_is_that_of_its_numbers() -> None:
    places = Embedding(3, 2, seed=0)
    assert places(range(1, 3)) == places([1, 2]) == [places(1), places(2)]


def test_operations_stand_in_a_sequential_and_are_saved_with_it(tmp_path: Path) -> None:
    """Those of the table, functions made of them, and one's own: each as the module that it is."""
    cube = Op("cube_of_a_list", lambda a: a**3, lambda y, a: 3 * a**2)
    model = Sequential(Linear(2, 3, seed=0), tanh, Linear(3, 2, seed=1), gelu, cube)
    same = Sequential(Linear(2, 3, seed=0), Tanh(), Linear(3, 2, seed=1), GELU())
    for xs in ([0.5, -1.0], [[0.5, -1.0], [2.0, 3.0]]):
        found, expected = (list(numbers(m.predict(xs))) for m in (model, same))
        assert found == pytest.approx([x**3 for x in expected], rel=1e-12)
    save(tmp_path / "model.json", model)
    load(tmp_path / "model.json", model)
    with pytest.raises(TypeError, match="maximum takes 2 operands"):
        Sequential(maximum)([1.0])
    with pytest.raises(TypeError, match="one by one"):
        Sequential([Linear(2, 1)])  # type: ignore[arg-type]


@pytest.mark.parametrize("module", [lr_scheduler, data, init])
def test_names_of_other_libraries_say_what_they_are_here(module: Any) -> None:
    for name, here in module._ELSEWHERE.items():
        with pytest.raises(ImportError) as caught:
            exec(f"from {module.__name__} import {name}")
        assert str(caught.value) == f"there is no {name} in {module.__name__}; here it is: {here}"


def test_parameters_come_in_lists_and_arrays() -> None:
    np = pytest.importorskip("numpy")
    module = Module()
    module.b, module.w = Parameter([0.5, 1.5]), Parameter(np.eye(2))
    assert module.state_dict() == {
        **{"b[0]": 0.5, "b[1]": 1.5},
        **{"w[0][0]": 1.0, "w[0][1]": 0.0, "w[1][0]": 0.0, "w[1][1]": 1.0},
    }
    assert (module.w @ np.array([2.0, 3.0]))[1].data == 3.0
    assert all(p.group == "" for p in module.parameters())


def test_the_same_seed_gives_the_same_network_and_chance_is_nobody_elses() -> None:
    import random

    def numbers(seed: int) -> list[float]:
        return [p.data for p in MLP(3, [4, 2], seed=seed).parameters()]

    state = random.getstate()
    assert numbers(1) == numbers(1) != numbers(2)
    assert random.getstate() == state


@pytest.mark.parametrize(
    ("init", "variance"),
    [
        (uniform(0.3), 0.3**2 / 3),
        (xavier(), 2 / (30 + 20)),
        (xavier(2.0), 4 * 2 / (30 + 20)),
        (he(), 2 / 30),
        (normal(0.02), 0.02**2),
    ],
)
def test_weights_begin_with_the_variance_of_their_source(init: Any, variance: float) -> None:
    random = Random(5)
    drawn_weights = [init(random, 30, 20) for _ in range(40_000)]
    mean = sum(drawn_weights) / len(drawn_weights)
    assert abs(mean) < 4 * math.sqrt(variance / len(drawn_weights))
    measured = sum((w - mean) ** 2 for w in drawn_weights) / len(drawn_weights)
    assert measured == pytest.approx(variance, rel=0.03)


def test_linear_maps_begin_within_the_bound_of_their_inputs_biases_too() -> None:
    """1 / sqrt(25), as in PyTorch, whatever the number of outputs."""
    linear = Linear(25, 1_000, seed=1)
    for parameters in (linear.bias, [p for row in linear.weight for p in row]):
        assert 0.199 < max(abs(p.data) for p in parameters) < 0.2


@pytest.mark.parametrize(
    ("init", "bound"),
    [
        (uniform(0.3), 0.3),
        (xavier(), math.sqrt(6) / math.sqrt(30 + 20)),  # Glorot and Bengio 2010, equation 16
        (xavier(2.0), 2 * math.sqrt(6) / math.sqrt(30 + 20)),
        (linear_default(), 1 / math.sqrt(30)),
    ],
)
def test_uniform_weights_go_as_far_as_their_bounds(init: Any, bound: float) -> None:
    random = Random(6)
    assert 0.999 * bound < max(abs(init(random, 30, 20)) for _ in range(10_000)) < bound


def test_the_error_of_1986_and_its_dead_zone() -> None:
    """1/2 * (0.3**2 + 0.1**2); with a dead zone of 0.2, 0.1 counts as none, nor has a gradient."""
    y1, y2 = Value(0.7), Value(0.1)
    assert half_squared_error([y1, y2], [1, 0]).data == pytest.approx(0.05)
    loss = half_squared_error([y1, y2], [1, 0], dead_zone=0.2)
    loss.backward()
    assert loss.data == pytest.approx(0.045)
    assert (y1.grad, y2.grad) == (pytest.approx(-0.3), 0.0)


def test_the_other_losses_by_hand() -> None:
    assert mse_loss([Value(1.0), Value(4.0)], [0, 2]).data == 2.5
    assert hinge_loss(Value(0.25), -1).data == 1.25
    assert hinge_loss(Value(2.0), 1).data == 0.0
    assert sum(p.data for p in softmax([Value(x) for x in (1000.0, 0.0, 999.0)])) == pytest.approx(
        1
    )


def test_dropout_leaves_out_its_share_and_scales_the_rest() -> None:
    dropout = Dropout(0.25, seed=3)
    ones = [Value(1.0) for _ in range(10_000)]
    kept = [y.data for y in dropout(ones)]
    assert set(kept) == {0.0, 1 / 0.75}
    assert kept.count(0.0) == pytest.approx(2500, abs=150)
    assert kept == [y.data for y in Dropout(0.25, seed=3)(ones)]
    dropout.training = False
    assert dropout(ones) == ones


def test_zeroing_the_gradients_of_a_model() -> None:
    model = MLP(2, [2, 1])
    model([1.0, 2.0])[0].backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert not any(p.grad for p in model.parameters())


@pytest.mark.parametrize(
    "made",
    [
        lambda: MLP(0, [1]),
        lambda: MLP(2, [-2, 1]),
        lambda: MLP(2, [2.5]),  # type: ignore[list-item]
        lambda: MLP(2, []),
        lambda: MLP(2, 3),  # type: ignore[arg-type]
        lambda: LayerNorm(0),
        lambda: RMSNorm(-1),
        lambda: Embedding(2, 0, seed=0),
        lambda: Block(4, 0),
        lambda: Block(0, 1),
    ],
)
def test_a_size_is_a_whole_number_above_zero(made: Any) -> None:
    with pytest.raises(ValueError, match=r"1 or more|the size of each layer"):
        made()


def test_two_parameters_of_one_name_are_refused() -> None:
    class Twice(Module):
        def __init__(self) -> None:
            self.layers = [Neuron(1, seed=0)]
            self.layer1 = Neuron(1, seed=1)

    with pytest.raises(ValueError, match="two parameters have the same name"):
        Twice().parameters()


def test_a_summary_of_what_takes_a_sequence_of_vectors() -> None:
    block = Block(4, 2, hidden=4)
    told = block.summary([[Value(1.0) for _ in range(4)] for _ in range(2)])
    assert told.splitlines()[-1].endswith("scalar nodes per example")
