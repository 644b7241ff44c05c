"""Linear regression: a line through noisy points."""

import random

import torch
from torch import nn
from torch.nn.functional import mse_loss

random.seed(0)
X = torch.tensor([[i / 20 - 1] for i in range(41)])
y = torch.tensor([[3 * x + 0.5 + random.gauss(0, 0.1)] for (x,) in X.tolist()])

model = nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
for _ in range(100):
    loss = mse_loss(model(X), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"slope {model.weight.item():.6f}, intercept {model.bias.item():.6f}")
print(f"loss {loss.item():.6f}")
