"""Are the gradients of a model right? All its parameters beside differences of its loss."""

import torch
from torch import nn
from torch.autograd import gradcheck
from torch.func import functional_call
from torch.nn.functional import cross_entropy

X = torch.tensor([[0.5, -1.0], [2.0, 0.1], [-0.3, 0.7]], dtype=torch.float64)
y = torch.tensor([0, 2, 1])
model = nn.Sequential(nn.Linear(2, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 3)).double()
names, parameters = zip(*model.named_parameters())


def loss(*parameters):
    return cross_entropy(functional_call(model, dict(zip(names, parameters)), X), y)


print(f"gradcheck {gradcheck(loss, parameters)}")
