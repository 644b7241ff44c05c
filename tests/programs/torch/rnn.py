"""A recurrent network that remembers, over eight steps, the sign of the first number."""

import random

import torch
from torch import nn
from torch.nn.functional import cross_entropy


class Memory(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(1, 8, batch_first=True)
        self.answer = nn.Linear(8, 2)

    def forward(self, xs):
        _, h = self.rnn(xs)
        return self.answer(h[-1])


random.seed(0)
X = torch.tensor([random.choices((-1.0, 1.0), k=8) for _ in range(64)]).unsqueeze(-1)
y = (X[:, 0, 0] > 0).long()
model = Memory()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for _ in range(60):
    logits = model(X)
    loss = cross_entropy(logits, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
accuracy = (logits.argmax(1) == y).double().mean()
print(f"accuracy {accuracy.item():.3f}")
