"""Networks: found in graphs that were written in many ways, with numbers that add up.

Published numbers are those of M. Mazur, "A Step by Step Backpropagation Example" (2015), and of
Stanford's CS231n, "Backpropagation, Intuitions".
"""

from __future__ import annotations

import runpy
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import differentiated
from hypothesis import given
from hypothesis import strategies as st

from demos.laboratory.trial import Direct
from tinygrad_edu import Op, Value, ViewError, graph, losses, nn, tanh
from tinygrad_edu.analysis.graph import Graph
from tinygrad_edu.analysis.network import Network, Neuron, network
from tinygrad_edu.analysis.zoom import zoom
from tinygrad_edu.compat import micrograd
from tinygrad_edu.ops import add, exp, maximum, mul, neg, sub
from tinygrad_edu.reading.expression import expression, leaves

XOR = Path(__file__).parent.parent / "diagrams" / "network.py"


def typed(text: str, **numbers: float) -> Graph:
    """The graph of an expression as the commands make it; other names get small numbers."""
    names = leaves(text, numbers)
    given = {x: 0.3 + 0.1 * i if n is None else n for i, (x, n) in enumerate(names.items())}
    return graph(differentiated(expression(text, given)))


def found(text: str) -> list[str]:
    """The neurons of an expression as text: activation, weights with inputs, biases."""
    whole = typed(text)
    checked(whole)
    return [told(whole, neuron) for neuron in network(whole).neurons]


def told(whole: Graph, neuron: Neuron) -> str:
    parts = [
        f"{'-' if w.sign < 0 else ''}{whole.names[w.leaf]}*{whole.names[w.source]}"
        for w in neuron.weights
    ]
    parts += [f"{'-' if b.sign < 0 else ''}{whole.names[b.leaf]}" for b in neuron.biases]
    return f"{neuron.activation}({', '.join(parts)})"


def names(whole: Graph, ids: Sequence[int]) -> list[str]:
    return [whole.names[i] for i in ids]


def checked(whole: Graph) -> Network:
    """The network, after a look at what holds for every one."""
    net = network(whole)
    inside = Counter(i for neuron in net.neurons for i in neuron.inside)
    assert set(inside.values()) == {1}
    assert sorted([*inside, *net.rest]) == [node.id for node in whole.nodes]
    assert [n.output for n in net.neurons] == sorted(n.output for n in net.neurons)
    outputs = {neuron.output: neuron for neuron in net.neurons}
    for neuron in net.neurons:
        assert neuron.output in neuron.inside
        for w in neuron.weights:
            assert w.target == neuron.output
            assert w.source in outputs or w.source in net.rest
            assert (w.data, w.grad) == (whole.nodes[w.leaf].data, whole.nodes[w.leaf].grad)
            assert whole.nodes[w.leaf].kind == "leaf"
    assert set(net.inputs) | set(net.targets) <= set(net.rest)
    conserved(whole, net)
    return net


def conserved(whole: Graph, net: Network) -> None:
    """What comes back to a node over weights, and from all other uses, adds up to its gradient.

    The same holds for the shares of a weight's and a bias's uses, and their gradient.
    """
    arrived: dict[int, list[float]] = defaultdict(list)
    for neuron in net.neurons:
        for w in neuron.weights:
            # to the leaf and to the input; both edges belong to the circle
            arrived[w.leaf].append(w.share or 0.0)
            arrived[w.source].append(w.contribution or 0.0)
        for b in neuron.biases:
            arrived[b.leaf].append(b.share or 0.0)
    home = {i: neuron.output for neuron in net.neurons for i in neuron.inside}
    for edge in whole.edges:
        if edge.target not in home:
            arrived[edge.source].append(edge.contribution or 0.0)
    for i, parts in arrived.items():
        node = whole.nodes[i]
        if node.kind != "constant" and i not in whole.outputs:
            assert sum(parts) == pytest.approx(node.grad, abs=1e-12 * max(map(abs, parts)))


# --- written in many ways ------------------------------------------------------------------------

MLP = (
    "h1 = tanh(w11*x1 + w12*x2 + b1); h2 = tanh(w21*x1 + w22*x2 + b2); "
    "y = sigmoid(v1*h1 + v2*h2 + c); (y - t)**2"
)


def test_a_perceptron_that_is_written_out() -> None:
    whole = typed(MLP)
    net = checked(whole)
    assert [neuron.name for neuron in net.neurons] == ["h1", "h2", "y"]
    assert [told(whole, neuron) for neuron in net.neurons] == [
        "tanh(w11*x1, w12*x2, b1)",
        "tanh(w21*x1, w22*x2, b2)",
        "sigmoid(v1*h1, v2*h2, c)",
    ]
    assert names(whole, net.inputs) == ["x1", "x2"]
    assert names(whole, net.targets) == ["t"]
    assert [str(whole.nodes[i].op) for i in net.rest if whole.nodes[i].args] == ["-", "**"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("w*x + b", "(w*x, b)"),
        ("x*w", "(w*x)"),
        ("tanh(x1*w1 + x2*w2 + b)", "tanh(w1*x1, w2*x2, b)"),
        ("tanh(b + (x1*w1 + (w2*x2 + x3*w3)))", "tanh(w1*x1, w2*x2, w3*x3, b)"),
        ("tanh(w*x - theta)", "tanh(w*x, -theta)"),
        ("tanh(b - w*x)", "tanh(-w*x, b)"),
        ("tanh(-w*x)", "tanh(-w*x)"),
        ("tanh(-(w*x + b))", "tanh(-w*x, -b)"),
        ("tanh(w*(-x) - -b)", "tanh(-w*x, b)"),
        ("w1*x + w2*(-1) + b", "(w1*x, w2*-1, b)"),
        ("tanh(k1*s1 + k2*(-1))", "tanh(k1*s1, k2*-1)"),
        ("tanh(w*x + 0.5)", "tanh(w*x, 0.5)"),
        ("tanh(0 + w*x + b)", "tanh(w*x, b)"),
        ("tanh(0.5*w + b)", "tanh(w*0.5, b)"),
        ("tanh(0.5*w)", "tanh(w*0.5)"),
        ("tanh(w*x - 1)", "tanh(w*x, -1)"),
        ("tanh(w*x - k + b)", "tanh(w*x, -k, b)"),
        ("w*x + u*h + b1 + b2", "(w*x, u*h, b1, b2)"),
        ("w*x - b", "(w*x, -b)"),
        ("tanh(w*x + u*h + b1 + b2)", "tanh(w*x, u*h, b1, b2)"),
        ("relu(theta1*x + theta0)", "relu(theta1*x, theta0)"),
        ("m*x + c", "(m*x, c)"),
        ("a*x + b", "(a*x, b)"),
        ("w2*k + w1*k + b", "(w2*k, w1*k, b)"),
        ("step(w*i1 + v*a1)", "step(w*i1, v*a1)"),
    ],
)
def test_a_neuron_in_any_order_and_with_any_signs(text: str, expected: str) -> None:
    assert found(text) == [expected]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1/(1 + exp(-(%s)))", "sigmoid"),
        ("1/(exp(-(%s)) + 1)", "sigmoid"),
        ("1/(1 + e**-(%s))", "sigmoid"),
        ("(1 + exp(-(%s)))**-1", "sigmoid"),
        ("exp(%s)/(1 + exp(%s))", "sigmoid"),
        ("(exp(%s) - exp(-(%s)))/(exp(%s) + exp(-(%s)))", "tanh"),
        ("(exp(2*(%s)) - 1)/(1 + exp((%s)*2))", "tanh"),
        ("2/(1 + exp(-2*(%s))) - 1", "tanh"),
        ("2*sigmoid(2*(%s)) - 1", "tanh"),
        ("max(0, %s)", "relu"),
        ("max(%s, 0)", "relu"),
        ("leaky_relu(%s)", "leaky_relu"),
        ("leaky_relu(%s, 0.2)", "leaky_relu"),
        ("max(0.1*(%s), %s)", "leaky_relu"),
        ("silu(%s)", "silu"),
        ("gelu(%s)", "gelu"),
        ("sin(%s)", "sin"),
    ],
)
def test_an_activation_that_is_written_out(text: str, name: str) -> None:
    """The sum has a name, so that it is computed once, as in a program."""
    assert found(f"z = w*x + b; {text.replace('%s', 'z')}") == [f"{name}(w*x, b)"]


def test_the_sign_of_a_written_sigmoid_is_that_of_the_sigmoid() -> None:
    assert found("1/(1 + exp(-w*x - b))") == ["sigmoid(w*x, b)"]
    assert found("1/(1 + exp(b - w*x))") == ["sigmoid(w*x, -b)"]
    assert found("1/(1 + exp(w*x))") == ["sigmoid(-w*x)"]


def test_nearly_an_activation_is_none() -> None:
    assert found("z = w*x + b; 1/(2 + exp(-z))") == ["(w*x, b)"]
    assert found("z = w*x + b; max(1, z)") == ["(w*x, b)"]
    assert found("z = w*x + b; 1/(1 + exp(-z)) + z") == ["(w*x, b)"]
    assert found("z = w*x + b; p = 1 + exp(-z); 1/p + p") == ["(w*x, b)"]


@pytest.mark.parametrize(
    "text",
    [
        "a + b",
        "a*a + b*b",
        "0.5*(y - t)**2",
        "3*x**2 - 4*x + 5",
        "x1*x2 + b",
        "w/x + b",
        "2*w",
        "2*h + b",
    ],
)
def test_no_neuron_at_all_is_an_error(text: str) -> None:
    with pytest.raises(ViewError, match=r"^there is no neuron, such as tanh\(w\*x \+ b\)"):
        network(typed(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h = exp(s); tanh(w*x + h)", ["(w*x)"]),
        ("tanh(w*x1 + x2)", ["(w*x1)"]),
        ("tanh(w*q + q)", ["(w*q)"]),
        ("tanh(w*x/2 + b)", ["(w*x)"]),
        ("(w*x + b + k)**2", ["(w*x, b)"]),
        ("h = tanh(w*x); d*h + b", ["tanh(w*x)"]),
        ("h = tanh(w*x); k*h + b", ["tanh(w*x)", "(k*h, b)"]),
        ("h = tanh(w*x); k*exp(h) + b", ["tanh(w*x)"]),
        ("h = tanh(w*x); k*h", ["tanh(w*x)"]),
        ("sin(w)*x + w1*x", ["(w1*x)"]),
    ],
)
def test_what_is_no_weighted_sum_stays_outside(text: str, expected: list[str]) -> None:
    assert found(text) == expected


def test_what_losses_use_too_is_an_activation_before_another_neuron() -> None:
    assert found("h = softplus(w1*x + b1); tanh(w2*h + b2)")[0] == "softplus(w1*x, b1)"
    assert found("h = log(1 + exp(w1*x + b1)); tanh(w2*h + b2)")[0] == "softplus(w1*x, b1)"
    assert found("exp(w1*x + b1)") == ["(w1*x, b1)"]


def test_roles_decide_before_names() -> None:
    w, x, k = Value(0.5, label="x"), Value(2.0, label="w"), Value(0.25, label="b")
    y = differentiated(tanh(w * x + k))

    def neuron(roles: dict[Value, Any]) -> Neuron:
        (neuron,) = checked(graph(y, roles=roles)).neurons
        return neuron

    assert neuron({}).weights[0].data == 2.0
    assert neuron({w: "parameter", k: "parameter"}).weights[0].data == 0.5
    assert neuron({w: "parameter"}).activation == ""  # k is no parameter, and so no bias
    assert neuron({k: "input"}).activation == ""
    z = differentiated(Value(0.5, label="w") * x)
    assert network(graph(z, roles={x: "input"})).neurons[0].weights[0].data == 0.5


def test_a_parameter_is_neither_an_input_nor_a_target() -> None:
    w, x, m, k = (Value(0.5 + i, label=name) for i, name in enumerate(["w", "x", "m", "k"]))
    y = differentiated((tanh(w * (x - m)) - k) ** 2)
    whole = graph(y, roles={w: "parameter"})
    net = checked(whole)
    assert (names(whole, net.inputs), names(whole, net.targets)) == (["x", "m"], ["k"])
    whole = graph(y, roles={w: "parameter", m: "parameter", k: "parameter"})
    net = checked(whole)
    assert (names(whole, net.inputs), names(whole, net.targets)) == (["x"], [])


# --- losses and their targets --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "neuron", "targets"),
    [
        ("(w*x + b - t)**2", "(w*x, b)", ["t"]),
        ("(w*x - t)**2", "(w*x)", ["t"]),
        ("(t - w*x)**2", "(w*x)", ["t"]),
        ("(t - (w*x + b))**2", "(w*x, b)", ["t"]),
        ("abs(w*x + b - t)", "(w*x, b)", ["t"]),
        ("(m*x + c - y)**2", "(m*x, c)", ["y"]),
        ("(w*x + b - 1)**2", "(w*x, b)", ["1"]),
        ("(w*x - 1)**2", "(w*x)", ["1"]),
        ("(tanh(w*x + b) - t)**2 + lam*w**2", "tanh(w*x, b)", ["t"]),
        ("p = sigmoid(w*x + b); -(t*log(p) + (1 - t)*log(1 - p))", "sigmoid(w*x, b)", ["t"]),
        ("softplus(-(w*x + b))", "(w*x, b)", []),
        ("max(0, 1 - t*(w*x + b))", "(w*x, b)", ["t"]),
        ("max(0, 1 - d*(w*x + b))", "(w*x, b)", ["d"]),
        ("(w*x - d)**2", "(w*x)", ["d"]),
        ("p = w*x + b; (exp(p) - 3)**2", "(w*x, b)", ["3"]),
        ("e = w*x + b - 1; e*e", "(w*x, b)", ["1"]),
        ("(tanh(w*x + b) - 1)**2 + t**2", "tanh(w*x, b)", ["1"]),
        ("y = sigmoid(w*x + b); y*(1 - y)", "sigmoid(w*x, b)", []),
    ],
)
def test_a_loss_is_outside_of_the_neuron(text: str, neuron: str, targets: list[str]) -> None:
    whole = typed(text)
    net = checked(whole)
    assert [told(whole, one) for one in net.neurons] == [neuron]
    assert names(whole, net.targets) == targets
    assert whole.output.id in net.rest


def test_a_polynomial_has_computed_inputs() -> None:
    assert found("w2*x**2 + w1*x + w0") == ["(w2*v3, w1*x, w0)"]
    whole = typed("w2*x**2 + w1*x + w0")
    assert names(whole, network(whole).inputs) == ["x"]


def test_what_an_input_is_computed_of_is_an_input() -> None:
    whole = typed("h = relu(w1*((x - m)/s) + b1); (w2*(h + k) - t)**2")
    net = checked(whole)
    assert [told(whole, n) for n in net.neurons] == ["relu(w1*v6, b1)", "(w2*v12)"]
    assert names(whole, net.inputs) == ["x", "m", "s", "k"]
    assert names(whole, net.targets) == ["t"]


def test_the_state_of_a_cell_is_no_target() -> None:
    whole = typed(
        "f = sigmoid(wf*x + uf*h + bf); i = sigmoid(wi*x + ui*h + bi); g = tanh(wg*x + ug*h + bg);"
        "o = sigmoid(wo*x + uo*h + bo); c1 = f*c0 + i*g; o*tanh(c1)"
    )
    net = checked(whole)
    assert sorted(neuron.name for neuron in net.neurons) == ["f", "g", "i", "o"]
    assert (names(whole, net.inputs), net.targets) == (["x", "h"], ())


# --- models --------------------------------------------------------------------------------------

LOSSES: list[tuple[Callable[..., Value], str, list[float]]] = [
    (losses.mse_loss, "tanh", [0.3, -0.8]),
    (losses.mse_loss, "linear", [0.3, -0.8]),
    (losses.l1_loss, "relu", [0.3, -0.8]),
    (losses.huber_loss, "linear", [0.3, -0.8]),
    (losses.half_squared_error, "sigmoid", [1.0, 0.0]),
    (losses.binary_cross_entropy, "sigmoid", [1.0, 0.0]),
    (losses.binary_cross_entropy, "sigmoid", [0.25, 0.75]),
    (losses.binary_cross_entropy_with_logits, "linear", [1.0, 0.0]),
    (losses.binary_cross_entropy_with_logits, "linear", [0.25, 0.75]),
    (losses.cross_entropy, "linear", [0.25, 0.75]),
    (losses.hinge_loss, "linear", [1.0, -1.0]),
]


@pytest.mark.parametrize("values", [False, True], ids=["numbers", "values"])
@pytest.mark.parametrize(("loss", "last", "targets"), LOSSES)
@pytest.mark.parametrize("activation", ["tanh", "softplus", "gelu", "silu", "leaky_relu", "abs"])
def test_a_perceptron_of_nn(
    activation: str, loss: Any, last: str, targets: list[float], values: bool
) -> None:
    model = nn.MLP(2, [3, 2], [activation, last], seed=1)
    xs: list[Any] = [Value(0.5), Value(-0.25)] if values else [0.5, -0.25]
    ts: list[Any] = [Value(t) for t in targets] if values else targets
    y = differentiated(loss(model(xs), ts))
    hinge = loss is losses.hinge_loss  # without roles, relu(1 - t*y) may also be a neuron
    roles = dict.fromkeys(model.parameters(), "parameter") if hinge or not values else None
    whole = graph(y, roles=roles)
    net = checked(whole)
    shape = sorted((neuron.name, neuron.activation, len(neuron.weights)) for neuron in net.neurons)
    last = "" if last == "linear" else last
    assert shape == sorted(
        [(f"neuron{k}", activation, 2) for k in (1, 2, 3)]
        + [(f"neuron{k}", last, 3) for k in (1, 2)]
    )
    used = {w.leaf for neuron in net.neurons for w in neuron.weights}
    used |= {b.leaf for neuron in net.neurons for b in neuron.biases}
    assert names(whole, sorted(used)) == sorted(
        (name for name, _ in model.named_parameters()), key=names(whole, sorted(used)).index
    )
    assert [whole.nodes[i].data for i in net.inputs] == [0.5, -0.25]
    if values and not hinge:
        assert {whole.nodes[i].data for i in net.targets} == set(targets)


def test_xor_of_the_gallery() -> None:
    whole = graph(runpy.run_path(str(XOR))["xor"])
    net = checked(whole)
    assert [(neuron.name, neuron.activation) for neuron in net.neurons] == [
        ("neuron1", "tanh"),
        ("neuron2", "tanh"),
        ("y", "tanh"),
    ]
    assert names(whole, net.inputs) == ["x1", "x2"]
    assert [w.source for w in net.neurons[2].weights] == [n.output for n in net.neurons[:2]]
    assert names(whole, net.targets) == ["1"]


def test_two_examples_share_weights() -> None:
    model = nn.MLP(2, [2, 1], "tanh", seed=3)
    loss = losses.mse_loss(model([[0.0, 1.0], [0.0, 1.0]]), [[1.0], [0.0]])
    net = checked(graph(differentiated(loss)))
    assert [neuron.name for neuron in net.neurons] == ["neuron1", "neuron2", "neuron1"] * 2
    assert len(net.inputs) == 4  # equal numbers of two examples are not one input
    uses = Counter(w.leaf for neuron in net.neurons for w in neuron.weights)
    assert set(uses.values()) == {2}
    assert len(net.targets) == 2


def test_examples_without_names_are_told_apart_by_roles() -> None:
    w, b = Value(0.5), Value(0.1)
    xs = [Value(1.0), Value(2.0), Value(3.0)]
    y = differentiated(sum((tanh(x * w + b) for x in xs), Value(0.0)))
    whole = graph(y, roles={w: "parameter", b: "parameter"})
    net = checked(whole)
    assert {whole.nodes[neuron.weights[0].leaf].data for neuron in net.neurons} == {0.5}
    assert [whole.nodes[i].data for i in net.inputs] == [1.0, 2.0, 3.0]


def test_inputs_without_names_are_told_apart_by_their_uses() -> None:
    x1, x2 = Value(1.0), Value(2.0)
    hidden = [tanh(x1 * Value(0.1) + x2 * Value(0.2) + Value(0.3)) for _ in range(2)]
    net = checked(graph(differentiated(tanh(hidden[0] * Value(1.5) + hidden[1] * Value(2.5)))))
    assert [[w.data for w in neuron.weights] for neuron in net.neurons] == [
        [0.1, 0.2],
        [0.1, 0.2],
        [1.5, 2.5],
    ]


def test_a_recurrent_cell_uses_its_weights_at_every_step() -> None:
    cell = nn.Linear(1 + 2, 2, seed=1)
    h: list[Any] = [0.0, 0.0]
    for x in (1.0, -1.0, 1.0):
        h = nn.Tanh()(cell([x, *h]))
    y = differentiated(losses.cross_entropy(nn.Linear(2, 2, seed=2)(h), 1))
    whole = graph(y)
    net = checked(whole)
    assert [neuron.activation for neuron in net.neurons] == ["tanh"] * 6 + ["", ""]
    assert [len(neuron.weights) for neuron in net.neurons] == [3] * 6 + [2, 2]
    assert [whole.nodes[i].data for i in net.inputs] == [1.0, 0.0, 0.0, -1.0, 1.0]
    assert [w.source for w in net.neurons[4].weights[1:]] == [n.output for n in net.neurons[2:4]]


def test_two_matrices_of_a_recurrent_cell_have_two_biases() -> None:
    from_x, from_h = nn.Linear(2, 1, seed=1), nn.Linear(1, 1, seed=2)
    total = nn.residual(from_x([0.5, 1.0]), from_h([Value(0.25, label="h0")]))
    net = checked(graph(differentiated(tanh(total[0]))))
    assert [(len(n.weights), len(n.biases)) for n in net.neurons] == [(3, 2)]


@pytest.mark.parametrize("bias", [True, False])
def test_a_sequence_of_modules(bias: bool) -> None:
    model = nn.Sequential(nn.Linear(2, 3, bias), nn.ReLU(), nn.Linear(3, 2, bias), nn.Softplus())
    whole = graph(differentiated(losses.mse_loss(model([1.0, 2.0]), [1.0, 0.0])))
    net = checked(whole)
    assert [neuron.activation for neuron in net.neurons] == ["relu"] * 3 + ["softplus"] * 2
    assert {len(neuron.biases) for neuron in net.neurons} == {int(bias)}
    assert {neuron.name for neuron in net.neurons} == {""}  # a group of several neurons names none
    assert [whole.nodes[i].data for i in net.targets] == [1.0, 0.0]


def test_one_neuron_and_an_operation_of_ones_own() -> None:
    cube = Op("cube", lambda a: a**3, lambda y, a: 3 * a**2)
    y = nn.Neuron(3, cube, seed=0)([1.0, 2.0, 3.0])
    (neuron,) = checked(graph(differentiated(y))).neurons
    assert (neuron.activation, len(neuron.weights), len(neuron.biases)) == ("cube", 3, 1)


@pytest.mark.parametrize("values", [False, True])
def test_direct_connections_from_the_inputs(values: bool) -> None:
    model = Direct(2, 1, 1)
    xs: list[Any] = [Value(1.0), Value(0.0)] if values else [1.0, 0.0]
    whole = graph(differentiated(losses.half_squared_error(model(xs), [1.0])))
    hidden, output = checked(whole).neurons
    assert [w.source for w in output.weights] == [
        hidden.output,
        *(w.source for w in hidden.weights),
    ]


def test_a_network_of_a_transformer_keeps_every_node() -> None:
    """Attention is no neuron, and stays outside; the linear maps around it are neurons."""
    model = nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 3))
    xs = [Value(0.1 * i) for i in range(3)]
    y = losses.cross_entropy(nn.residual(xs, model(xs)), 0)
    net = checked(graph(differentiated(y)))
    assert Counter(n.activation for n in net.neurons) == {"gelu": 4, "": 6}


def test_programs_written_for_micrograd() -> None:
    """There a - b is a + b * -1, and a / b is a * b**-1."""
    model = micrograd.nn.MLP(2, [2, 1])
    x, t = micrograd.engine.Value(0.5), micrograd.engine.Value(-1.0)
    net = checked(graph(differentiated((model([1.0, x]) - t) ** 2)))
    assert [(n.name, n.activation, len(n.weights), len(n.biases)) for n in net.neurons] == [
        ("neuron1", "relu", 2, 1),
        ("neuron2", "relu", 2, 1),
        ("neuron1", "", 2, 1),
    ]
    assert len(net.targets) == 1
    w, x = micrograd.engine.Value(0.5, label="w"), micrograd.engine.Value(2.0)
    (neuron,) = checked(graph(differentiated(1 / (1 + (-(w * x)).exp())))).neurons
    assert (neuron.activation, neuron.weights[0].sign) == ("sigmoid", 1)


# --- numbers -------------------------------------------------------------------------------------


def test_the_neuron_of_cs231n() -> None:
    """w = 2, -3, -3 and x = -1, -2 give 0.73, and the gradients -0.2, -0.4, 0.2; 0.4, -0.6."""
    whole = typed("1/(1+exp(-(w0*x0 + w1*x1 + w2)))", w0=2, x0=-1, w1=-3, x1=-2, w2=-3)
    (neuron,) = checked(whole).neurons
    assert neuron.activation == "sigmoid"
    assert round(whole.nodes[neuron.output].data or 0, 2) == 0.73
    assert [round(w.grad or 0, 1) for w in neuron.weights] == [-0.2, -0.4]
    assert [round(b.grad or 0, 1) for b in neuron.biases] == [0.2]
    assert [round(w.contribution or 0, 1) for w in neuron.weights] == [0.4, -0.6]


def test_the_network_of_mazur() -> None:
    text = (
        "h1 = 1/(1+exp(-(w1*i1 + w2*i2 + b1))); h2 = 1/(1+exp(-(w3*i1 + w4*i2 + b1)));"
        "o1 = 1/(1+exp(-(w5*h1 + w6*h2 + b2))); o2 = 1/(1+exp(-(w7*h1 + w8*h2 + b2)));"
        "1/2*(t1 - o1)**2 + 1/2*(t2 - o2)**2"
    )
    weights = zip("w1 w2 w3 w4 w5 w6 w7 w8".split(), [0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55])
    others = {"i1": 0.05, "i2": 0.1, "b1": 0.35, "b2": 0.6, "t1": 0.01, "t2": 0.99}
    whole = typed(text, **dict(weights), **others)
    net = checked(whole)
    assert whole.output.data == pytest.approx(0.298371109, abs=5e-10)
    assert [neuron.name for neuron in net.neurons] == ["h1", "h2", "o1", "o2"]
    assert {neuron.activation for neuron in net.neurons} == {"sigmoid"}
    grad = {whole.names[w.leaf]: w.grad for neuron in net.neurons for w in neuron.weights}
    assert grad["w5"] == pytest.approx(0.082167041, abs=5e-10)
    assert grad["w1"] == pytest.approx(0.000438568, abs=5e-10)
    assert names(whole, net.inputs) == ["i1", "i2"]
    assert names(whole, net.targets) == ["t1", "t2"]
    # what flows back to h1 from o1 and o2, and their sum
    back = [w.contribution for n in net.neurons[2:] for w in n.weights[:1]]
    assert back == [pytest.approx(0.055399425, abs=5e-9), pytest.approx(-0.019049119, abs=5e-9)]


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.sampled_from(["tanh", "sigmoid", "relu", "linear", "softplus", "gelu", "leaky_relu"]),
    st.integers(0, 10_000),
)
def test_a_gradient_is_that_of_the_sum_times_the_input(
    sizes: list[int], activation: str, seed: int
) -> None:
    """d E / d w = d E / d sum * input, and back to the input goes d E / d sum * w."""
    random = Random(seed)
    model = nn.MLP(2, sizes, activation, seed=seed)
    xs = [Value(random.uniform(-1, 1)) for _ in range(2)]
    y = losses.mse_loss(model(xs), [random.uniform(-1, 1) for _ in range(sizes[-1])])
    whole = graph(differentiated(y), roles=dict.fromkeys(model.parameters(), "parameter"))
    net = checked(whole)
    assert len(net.neurons) == sum(sizes)
    for neuron in net.neurons:
        grad = whole.nodes[neuron.total].grad
        assert grad is not None
        for w in neuron.weights:
            x = whole.nodes[w.source].data
            assert x is not None
            assert w.grad == w.share == pytest.approx(grad * x, rel=1e-12, abs=1e-300)
            assert w.contribution == pytest.approx(grad * (w.data or 0), rel=1e-12, abs=1e-300)
        assert [b.grad for b in neuron.biases] == [grad]


def test_before_the_backward_pass_there_are_no_gradients() -> None:
    net = network(graph(tanh(Value(2.0, label="w") * Value(3.0, label="x"))))
    (weight,) = net.neurons[0].weights
    assert (weight.data, weight.grad, weight.share, weight.contribution) == (2.0, None, None, None)


def test_two_outputs_are_not_hidden_in_a_neuron() -> None:
    w, x = Value(2.0, label="w"), Value(3.0, label="x")
    z = w * x
    net = network(graph(z, tanh(z)))
    assert [neuron.activation for neuron in net.neurons] == [""]
    net = network(graph(z, tanh(z + Value(0.5, label="b"))))
    assert [neuron.output for neuron in net.neurons] == [2]


def test_any_graph_is_split_or_refused() -> None:
    found = 0
    for seed in range(600):
        random = Random(seed)
        nodes = [Value(random.uniform(-1, 1), label=name) for name in ("", "w", "x", "b", "h", "t")]
        for _ in range(random.randint(1, 30)):
            op = random.choice([add, add, mul, mul, sub, neg, tanh, exp, maximum])
            args: list[Any] = [random.choice(nodes[-9:]) for _ in op.derivatives]
            if len(args) == 2 and random.random() < 0.2:
                args[random.randrange(2)] = float(random.randint(-2, 2))
            nodes.append(op(*args))
        if abs(nodes[-1].data) > 1e6:
            continue
        try:
            checked(graph(differentiated(nodes[-1])))
        except ViewError:
            continue
        found += 1
    assert found > 100


def looks(whole: Graph) -> int:
    """How often `network` looks at a node, as a time that is the same on every machine."""
    asked = 0

    class Counting(tuple[Any, ...]):
        def __getitem__(self, i: Any) -> Any:
            nonlocal asked
            asked += 1
            return super().__getitem__(i)

    network(Graph(Counting(whole.nodes), whole.outputs))
    return asked


def batch(examples: int) -> Graph:
    model = nn.MLP(2, [3, 1], "tanh", seed=0)
    rows = [[0.1 * i, 1.0] for i in range(examples)]
    return graph(losses.mse_loss(model(rows), [[0.5]] * examples))


def other_terms(products: int) -> Graph:
    """A sum with a term, at the bottom of all brackets, that makes it no weighted sum."""
    total = exp(Value(0.5))
    for i in range(products):
        total = Value(0.1, label="w") * Value(0.01 * i, label="x") + total
    return graph(total)


def layer(inputs: int) -> Graph:
    return graph(nn.Neuron(inputs, "tanh", seed=0)([0.5] * inputs))


@pytest.mark.parametrize("made", [batch, other_terms, layer])
def test_the_time_grows_with_the_graph(made: Callable[[int], Graph]) -> None:
    assert looks(made(200)) < 2.2 * looks(made(100))


def test_a_graph_of_groups_is_refused_or_read_as_far_as_it_goes() -> None:
    with pytest.raises(ViewError, match="there is no neuron"):
        network(zoom(graph(runpy.run_path(str(XOR))["xor"]), "neuron"))
