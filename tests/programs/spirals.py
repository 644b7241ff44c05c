"""Two spirals in each other, told apart by 2-16-16-1; some points are kept for validation."""

from tinygrad_edu.data import spirals, split
from tinygrad_edu.losses import binary_cross_entropy_with_logits
from tinygrad_edu.nn import Linear, Sequential, Tanh
from tinygrad_edu.optim import Adam
from tinygrad_edu.train import train

points, others = split(spirals(200, turns=1.0), 0.8, seed=0)
model = Sequential(Linear(2, 16), Tanh(), Linear(16, 16), Tanh(), Linear(16, 1))
optimizer = Adam(model.parameters(), lr=0.02)
history = train(
    model,
    binary_cross_entropy_with_logits,
    points,
    optimizer,
    epochs=60,
    batch_size=32,
    validation=others,
    metrics=["accuracy"],
    compiled=True,
)
loss, accuracy = (history.metrics[name][-1] for name in ("val_loss", "val_accuracy"))
print(f"accuracy {accuracy:.3f}, loss {loss:.3f}")
