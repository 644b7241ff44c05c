"""A multi-layer perceptron that writes names: three letters of context, embedded, one to come."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

names = ["anna", "hanna", "nan", "noah", "hana", "ann", "nahan", "noan"]
letters = sorted(set(".".join(names)))


class Makemore(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(letters), 2)
        self.mlp = nn.Sequential(nn.Linear(3 * 2, 16), nn.Tanh(), nn.Linear(16, len(letters)))

    def forward(self, context):
        return self.mlp(self.embedding(context).flatten(-2))


text = [[letters.index(c) for c in f"...{name}."] for name in names]
X = torch.tensor([ids[i : i + 3] for ids in text for i in range(len(ids) - 3)])
y = torch.tensor([ids[i + 3] for ids in text for i in range(len(ids) - 3)])
model = Makemore()
optimizer = torch.optim.AdamW(model.parameters(), lr=0.03)
for _ in range(30):
    for batch, target in DataLoader(TensorDataset(X, y), batch_size=8, shuffle=True):
        loss = cross_entropy(model(batch), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(f"loss {cross_entropy(model(X), y).item():.3f}")

name = "..."
for _ in range(8):
    logits = model(torch.tensor([letters.index(c) for c in name[-3:]]))
    name += letters[logits.argmax()]
print(f"likeliest name {name[3:].split('.')[0]}")
