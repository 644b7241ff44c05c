"""Training that is saved, and goes on in another model, as if there had been no break."""

import sys

from tinygrad_edu.losses import mse_loss
from tinygrad_edu.nn import Linear, Sequential, Tanh
from tinygrad_edu.optim import Adam
from tinygrad_edu.saving import load, save
from tinygrad_edu.train import train

path = sys.argv[1]
X = [[i / 10] for i in range(-10, 11)]
y = [x**2 for (x,) in X]


def new():
    model = Sequential(Linear(1, 16), Tanh(), Linear(16, 1))
    return model, Adam(model.parameters(), lr=0.05)


model, optimizer = new()
train(model, mse_loss, (X, y), optimizer, epochs=60)
save(path, model, optimizer)
unbroken = train(model, mse_loss, (X, y), optimizer, epochs=30)

model, optimizer = new()
load(path, model, optimizer)
resumed = train(model, mse_loss, (X, y), optimizer, epochs=30)
print(f"unbroken {unbroken.losses[-1]!r}")
print(f"resumed {resumed.losses[-1]!r}")
