"""A recurrent network that remembers, over eight steps, the sign of the first number."""

import random

from tinygrad_edu.losses import cross_entropy
from tinygrad_edu.nn import Linear, Module, Tanh
from tinygrad_edu.optim import Adam
from tinygrad_edu.train import train


class Memory(Module):
    def __init__(self):
        self.cell = Linear(1 + 8, 8)
        self.answer = Linear(8, 2)

    def forward(self, xs):
        h = [0.0] * 8
        for x in xs:
            h = Tanh()(self.cell([x, *h]))
        return self.answer(h)


random.seed(0)
X = [random.choices((-1.0, 1.0), k=8) for _ in range(64)]
y = [int(xs[0] > 0) for xs in X]
model = Memory()
optimizer = Adam(model.parameters(), lr=0.02)
history = train(
    model, cross_entropy, (X, y), optimizer, epochs=60, metrics=["accuracy"], compiled=True
)
print(f"accuracy {history.metrics['accuracy'][-1]:.3f}")
