"""Gradient clipping: down a cliff where plain gradient descent would fly away."""

from tinygrad_edu import Value, exp
from tinygrad_edu.optim import SGD, clip_grad_norm_

w, b = Value(3.0), Value(-1.0)
optimizer = SGD([w, b], lr=0.1, momentum=0.5)
for step in range(60):
    loss = exp(2 * w) + (w - 3 * b) ** 2 + exp(-w)
    optimizer.zero_grad()
    loss.backward()
    norm = clip_grad_norm_([w, b], max_norm=1.0)
    optimizer.step()
    if step % 20 == 0:
        print(f"step {step}: loss {loss.item():.6f}, norm {norm:.6f}")
print(f"w {w.item():.6f}, b {b.item():.6f}")
