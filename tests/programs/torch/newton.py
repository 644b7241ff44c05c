"""Newton's method: the cube root of 2 as a zero, and the bottom of a valley of two variables."""

import torch
from torch.func import grad, hessian


def zero(f, x):
    for _ in range(8):
        x = x - f(x) / grad(f)(x)
    return x


def bottom(f, p):
    for _ in range(8):
        p = p - torch.linalg.solve(hessian(f)(p), grad(f)(p))
    return p


print(f"zero {zero(lambda x: x**3 - 2, torch.tensor(1.0)):.12f}")
x, y = bottom(lambda p: torch.cosh(p[0] - 1) + (p[0] + p[1]) ** 2, torch.zeros(2))
print(f"bottom {x:.12f} {y:.12f}")
print(f"fourth derivative {grad(grad(grad(grad(lambda x: x**5))))(torch.tensor(2.0)):.1f}")
