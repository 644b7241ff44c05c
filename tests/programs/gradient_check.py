"""Are the gradients of a model right? All its parameters beside differences of its loss."""

from tinygrad_edu import gradcheck
from tinygrad_edu.losses import cross_entropy
from tinygrad_edu.nn import GELU, LayerNorm, Linear, Sequential

X = [[0.5, -1.0], [2.0, 0.1], [-0.3, 0.7]]
y = [0, 2, 1]
model = Sequential(Linear(2, 4), LayerNorm(4), GELU(), Linear(4, 3))


def loss():
    return cross_entropy(model(X), y)


print(f"gradcheck {gradcheck(loss, wrt=model.parameters())}")
