"""Gradient clipping: down a cliff where plain gradient descent would fly away."""

import torch
from torch.nn.utils import clip_grad_norm_

w, b = torch.tensor(3.0, requires_grad=True), torch.tensor(-1.0, requires_grad=True)
optimizer = torch.optim.SGD([w, b], lr=0.1, momentum=0.5)
for step in range(60):
    loss = torch.exp(2 * w) + (w - 3 * b) ** 2 + torch.exp(-w)
    optimizer.zero_grad()
    loss.backward()
    norm = clip_grad_norm_([w, b], max_norm=1.0)
    optimizer.step()
    if step % 20 == 0:
        print(f"step {step}: loss {loss.item():.6f}, norm {norm:.6f}")
print(f"w {w.item():.6f}, b {b.item():.6f}")
