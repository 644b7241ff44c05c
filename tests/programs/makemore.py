"""A multi-layer perceptron that writes names: three letters of context, embedded, one to come."""

from tinygrad_edu.losses import cross_entropy
from tinygrad_edu.nn import Embedding, Linear, Module, Sequential, Tanh
from tinygrad_edu.optim import AdamW
from tinygrad_edu.train import train

names = ["anna", "hanna", "nan", "noah", "hana", "ann", "nahan", "noan"]
letters = sorted(set(".".join(names)))


class Makemore(Module):
    def __init__(self):
        self.embedding = Embedding(len(letters), 2)
        self.mlp = Sequential(Linear(3 * 2, 16), Tanh(), Linear(16, len(letters)))

    def forward(self, context):
        return self.mlp([x for vector in self.embedding(context) for x in vector])


text = [[letters.index(c) for c in f"...{name}."] for name in names]
X = [ids[i : i + 3] for ids in text for i in range(len(ids) - 3)]
y = [ids[i + 3] for ids in text for i in range(len(ids) - 3)]
model = Makemore()
optimizer = AdamW(model.parameters(), lr=0.03)
train(model, cross_entropy, (X, y), optimizer, epochs=30, batch_size=8)
print(f"loss {cross_entropy([model(x) for x in X], y).item():.3f}")

name = "..."
for _ in range(8):
    logits = model.predict([letters.index(c) for c in name[-3:]])
    name += letters[logits.index(max(logits))]
print(f"likeliest name {name[3:].split('.')[0]}")
