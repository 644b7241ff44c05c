"""A bigram model of names: the logits of the next letter, one row for each letter before it."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn.functional import cross_entropy

names = ["anna", "hanna", "nan", "noah", "hana", "ann", "nahan", "noan"]
letters = sorted(set(".".join(names)))
words = [[letters.index(c) for c in f".{name}."] for name in names]
X, y = torch.tensor([pair for word in words for pair in pairwise(word)]).T

model = nn.Embedding(len(letters), len(letters))
optimizer = torch.optim.Adam(model.parameters(), lr=0.2)
for _ in range(100):
    loss = cross_entropy(model(X), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.8f}")
after = model(torch.tensor(letters.index("n"))).softmax(0)
print("after n:", {c: round(p.item(), 2) for c, p in zip(letters, after)})
