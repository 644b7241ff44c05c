"""Two spirals in each other, told apart by 2-16-16-1; some points are kept for validation."""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, TensorDataset

from tinygrad_edu.data import spirals, split

points, others = split(spirals(200, turns=1.0), 0.8, seed=0)
loader = DataLoader(TensorDataset(*map(torch.tensor, zip(*points))), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for _ in range(60):
    for X, y in loader:
        loss = binary_cross_entropy_with_logits(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
X, y = map(torch.tensor, zip(*others))
with torch.no_grad():
    logits = model(X)
    loss = binary_cross_entropy_with_logits(logits, y)
    accuracy = ((logits > 0) == y).double().mean()
print(f"accuracy {accuracy.item():.3f}, loss {loss.item():.3f}")
