"""Exclusive or, by two layers and a loop of one's own."""

from tinygrad_edu.losses import binary_cross_entropy_with_logits
from tinygrad_edu.nn import Linear, Sequential, Tanh
from tinygrad_edu.optim import Adam

X = [[0, 0], [0, 1], [1, 0], [1, 1]]
y = [[0], [1], [1], [0]]

model = Sequential(Linear(2, 8), Tanh(), Linear(8, 1))
optimizer = Adam(model.parameters(), lr=0.1)
for _ in range(100):
    loss = binary_cross_entropy_with_logits(model(X), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print([int(logit > 0) for (logit,) in model(X)], f"loss {loss.item():.8f}")
