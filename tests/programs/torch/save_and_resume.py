"""Training that is saved, and goes on in another model, as if there had been no break."""

import sys

import torch
from torch import nn
from torch.nn.functional import mse_loss

path = sys.argv[1]
X = torch.linspace(-1, 1, 21).unsqueeze(1)
y = X**2


def new():
    model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    return model, torch.optim.Adam(model.parameters(), lr=0.05)


def train(model, optimizer, epochs):
    for _ in range(epochs):
        loss = mse_loss(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


model, optimizer = new()
train(model, optimizer, epochs=60)
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
print(f"unbroken {train(model, optimizer, epochs=30)!r}")

model, optimizer = new()
checkpoint = torch.load(path)
model.load_state_dict(checkpoint["model"])
optimizer.load_state_dict(checkpoint["optimizer"])
print(f"resumed {train(model, optimizer, epochs=30)!r}")
