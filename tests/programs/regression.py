"""Linear regression: a line through noisy points."""

import random

from tinygrad_edu.losses import mse_loss
from tinygrad_edu.nn import Linear
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import train

random.seed(0)
X = [[i / 20 - 1] for i in range(41)]
y = [3 * x + 0.5 + random.gauss(0, 0.1) for (x,) in X]

model = Linear(1, 1)
history = train(model, mse_loss, (X, y), SGD(model.parameters(), lr=0.3), epochs=100)
print(f"slope {model.weight[0][0].item():.6f}, intercept {model.bias[0].item():.6f}")
print(f"loss {history.losses[-1]:.6f}")
