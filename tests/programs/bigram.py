"""A bigram model of names: the logits of the next letter, one row for each letter before it."""

from itertools import pairwise

from tinygrad_edu.losses import cross_entropy, softmax
from tinygrad_edu.nn import Embedding
from tinygrad_edu.optim import Adam

names = ["anna", "hanna", "nan", "noah", "hana", "ann", "nahan", "noan"]
letters = sorted(set(".".join(names)))
words = [[letters.index(c) for c in f".{name}."] for name in names]
X, y = zip(*(pair for word in words for pair in pairwise(word)))

model = Embedding(len(letters), len(letters))
optimizer = Adam(model.parameters(), lr=0.2)
for _ in range(100):
    loss = cross_entropy(model(X), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.8f}")
after = softmax(model(letters.index("n")))
print("after n:", {c: round(p.item(), 2) for c, p in zip(letters, after)})
