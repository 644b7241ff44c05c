"""An operation of one's own, mish(x) = x * tanh(log(1 + exp(x))), with its derivative."""

import torch
from torch.nn.functional import softplus


class Mish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return a * torch.tanh(softplus(a))

    @staticmethod
    def backward(ctx, grad):
        (a,) = ctx.saved_tensors
        t = torch.tanh(softplus(a))
        return grad * (t + a * (1 - t**2) * torch.sigmoid(a))


x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
y = Mish.apply(x) * x
y.backward()
check = torch.autograd.gradcheck(Mish.apply, x)
print(f"y {y.item():.6f}, dy/dx {x.grad:.6f}, gradcheck {check}")
