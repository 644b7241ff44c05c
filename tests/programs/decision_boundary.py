"""Two moons, and a picture of the line that a network draws between them."""

import sys

from tinygrad_edu.data import moons
from tinygrad_edu.losses import binary_cross_entropy_with_logits
from tinygrad_edu.nn import Linear, ReLU, Sequential
from tinygrad_edu.optim import Adam
from tinygrad_edu.plots import plot
from tinygrad_edu.train import train

points = moons(100)
model = Sequential(Linear(2, 16), ReLU(), Linear(16, 1))
optimizer = Adam(model.parameters(), lr=0.05)
history = train(
    model,
    binary_cross_entropy_with_logits,
    points,
    optimizer,
    epochs=200,
    metrics=["accuracy"],
    compiled=True,
)
print(f"accuracy {history.metrics['accuracy'][-1]:.3f}")
plot(history, "boundary").savefig(sys.argv[1])
