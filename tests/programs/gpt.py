"""A small transformer that learns one sentence by heart: the next letter at every position."""

from tinygrad_edu.losses import cross_entropy
from tinygrad_edu.nn import Block, Embedding, LayerNorm, Linear, Module, residual
from tinygrad_edu.optim import Adam

text = "abracadabra"
letters = sorted(set(text))
ids = [letters.index(c) for c in text]


class GPT(Module):
    def __init__(self, size=8):
        self.tokens = Embedding(len(letters), size)
        self.places = Embedding(len(text), size)
        self.block = Block(size, heads=2, hidden=16)
        self.norm = LayerNorm(size)
        self.logits = Linear(size, len(letters))

    def forward(self, ids):
        x = residual(self.tokens(ids), self.places(range(len(ids))))
        return self.logits(self.norm(self.block(x)))


model = GPT()
optimizer = Adam(model.parameters(), lr=0.03)
for _ in range(25):
    loss = cross_entropy(model(ids[:-1]), ids[1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.4f}")
print(text[0] + "".join(letters[row.index(max(row))] for row in model.predict(ids[:-1])))
