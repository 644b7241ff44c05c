"""Exclusive or, by two layers and a loop of one's own."""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])

model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
for _ in range(100):
    loss = binary_cross_entropy_with_logits(model(X), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print([int(logit > 0) for (logit,) in model(X)], f"loss {loss.item():.8f}")
