"""Makes layers.json: what PyTorch 2.13 says of layers, norms, attention, a block and losses.

`pip install torch==2.13.0`, then `python tests/references/make_layers.py`. All in float64. The
numbers are stored by the names that tinygrad_edu gives to its parameters.
"""

import json
from pathlib import Path

import torch
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    layer_norm,
    rms_norm,
    scaled_dot_product_attention,
)

torch.set_default_dtype(torch.float64)
torch.manual_seed(1986)


def neurons(name, inputs, outputs):
    """The weights and biases of a layer, by the names of its scalars."""
    w = torch.randn(outputs, inputs, requires_grad=True)
    b = torch.randn(outputs, requires_grad=True)
    names = {}
    for k in range(outputs):
        names |= {f"{name}neuron{k + 1}.w[{i}]": (w, (k, i)) for i in range(inputs)}
        names[f"{name}neuron{k + 1}.b"] = (b, (k,))
    return w, b, names


def tensor(name, *shape):
    x = torch.randn(*shape, requires_grad=True)
    names = {}
    for index in torch.cartesian_prod(*(torch.arange(n) for n in shape)).reshape(-1, len(shape)):
        where = tuple(int(i) for i in index)
        names[name + "".join(f"[{i}]" for i in where)] = (x, where)
    return x, names


def told(loss, outputs, x, names):
    loss.backward()
    return {
        "parameters": {name: float(t[where]) for name, (t, where) in names.items()},
        "grads": {name: float(t.grad[where]) for name, (t, where) in names.items()},
        "inputs": x.tolist(),
        "input_grads": x.grad.tolist(),
        "outputs": outputs.tolist(),
        "loss": float(loss),
    }


def weighted(outputs):
    """A number that depends on every output differently."""
    return (outputs * torch.arange(1, outputs.numel() + 1).reshape(outputs.shape)).sum()


def mlp(activation):
    w1, b1, names1 = neurons("layer1.", 3, 4)
    w2, b2, names2 = neurons("layer2.", 4, 2)
    x = torch.randn(3, requires_grad=True)
    y = w2 @ activation(w1 @ x + b1) + b2
    return told(weighted(y), y, x, names1 | names2)


def norm(function, with_bias):
    g, names = tensor("weight", 5)
    b, more = tensor("bias", 5) if with_bias else (None, {})
    x = torch.randn(5, requires_grad=True)
    y = function(x, g, b) if with_bias else function(x, g)
    return told(weighted(y), y, x, names | more)


def attention(name, x, size, heads):
    width, names, answers = size // heads, {}, []
    for h in range(1, heads + 1):
        maps = []
        for part in ("query", "key", "value"):
            w, more = tensor(f"{name}head{h}.{part}.weight", width, size)
            names |= more
            maps.append(x @ w.T)
        answers.append(scaled_dot_product_attention(*maps, is_causal=True))
    w, more = tensor(f"{name}output.weight", size, size)
    b, most = tensor(f"{name}output.bias", size)
    return torch.cat(answers, dim=1) @ w.T + b, names | more | most


def block(kind, size=4, heads=2, hidden=6, length=3):
    x = torch.randn(length, size, requires_grad=True)
    g1, names = tensor("norm1.g", size)
    g2, more = tensor("norm2.g", size)
    names |= more
    if kind == "layer":
        b1, more1 = tensor("norm1.b", size)
        b2, more2 = tensor("norm2.b", size)
        names |= more1 | more2

        def norm1(v):
            return layer_norm(v, (size,), g1, b1, 1e-5)

        def norm2(v):
            return layer_norm(v, (size,), g2, b2, 1e-5)
    else:

        def norm1(v):
            return rms_norm(v, (size,), g1, 1e-5)

        def norm2(v):
            return rms_norm(v, (size,), g2, 1e-5)

    answers, more = attention("attention.", norm1(x), size, heads)
    w1, b1_, more1 = neurons("wide.", size, hidden)
    w2, b2_, more2 = neurons("narrow.", hidden, size)
    middle = x + answers
    y = middle + (torch.relu(norm2(middle) @ w1.T + b1_) @ w2.T + b2_)
    return told(weighted(y), y, x, names | more | more1 | more2)


def only_attention(size=4, heads=2, length=4):
    x = torch.randn(length, size, requires_grad=True)
    y, names = attention("", x, size, heads)
    return told(weighted(y), y, x, names)


def losses():
    cases = []
    for logits in ([0.3, -1.2, 2.0], [1000.0, -1000.0, 0.0], [-1000.0, -1000.0, -1000.0, 3.0]):
        for label in range(len(logits)):
            z = torch.tensor(logits, requires_grad=True)
            loss = cross_entropy(z, torch.tensor(label))
            loss.backward()
            row = {"kind": "softmax", "logits": logits, "target": label}
            cases.append(row | {"loss": float(loss), "grads": z.grad.tolist()})
    for logit in (-1000.0, -30.0, -0.7, 0.0, 1.3, 40.0, 1000.0):
        for target in (0.0, 1.0, 0.25):
            z = torch.tensor(logit, requires_grad=True)
            loss = binary_cross_entropy_with_logits(z, torch.tensor(target))
            loss.backward()
            row = {"kind": "binary", "logits": [logit], "target": target}
            cases.append(row | {"loss": float(loss), "grads": [float(z.grad)]})
    return cases


REFERENCES = {
    "mlp tanh": mlp(torch.tanh),
    "mlp relu": mlp(torch.relu),
    "mlp sigmoid": mlp(torch.sigmoid),
    "layer norm": norm(lambda x, g, b: layer_norm(x, (5,), g, b, 1e-5), True),
    "rms norm": norm(lambda x, g: rms_norm(x, (5,), g, 1e-5), False),
    "attention": only_attention(),
    "block layer": block("layer"),
    "block rms": block("rms"),
    "losses": losses(),
}

(Path(__file__).parent / "layers.json").write_text(json.dumps(REFERENCES) + "\n")
