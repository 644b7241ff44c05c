"""Two moons, and a picture of the line that a network draws between them."""

import sys

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from tinygrad_edu.data import moons

X, y = map(torch.tensor, zip(*moons(100)))
model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for _ in range(200):
    logits = model(X)
    loss = binary_cross_entropy_with_logits(logits, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
accuracy = ((logits > 0) == y).double().mean()
print(f"accuracy {accuracy.item():.3f}")

a, b = torch.meshgrid(torch.linspace(-1.5, 2.5, 40), torch.linspace(-1, 1.5, 40), indexing="xy")
with torch.no_grad():
    heights = model(torch.stack([a, b], dim=-1)).squeeze(-1)
plt.pcolormesh(a, b, heights, cmap="RdBu", shading="nearest")
plt.contour(a, b, heights, levels=[0])
plt.scatter(*X.T, c=y.squeeze(), cmap="RdBu", edgecolors="black")
plt.savefig(sys.argv[1])
