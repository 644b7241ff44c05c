"""Newton's method: the cube root of 2 as a zero, and the bottom of a valley of two variables."""

import numpy as np

from tinygrad_edu import cosh, grad, hessian


def zero(f, x):
    for _ in range(8):
        x = x - f(x) / grad(f)(x)
    return x


def bottom(f, p):
    for _ in range(8):
        p = p - np.linalg.solve(hessian(f)(p), grad(f)(p))
    return p


print(f"zero {zero(lambda x: x**3 - 2, 1.0):.12f}")
x, y = bottom(lambda p: cosh(p[0] - 1) + (p[0] + p[1]) ** 2, np.zeros(2))
print(f"bottom {x:.12f} {y:.12f}")
print(f"fourth derivative {grad(grad(grad(grad(lambda x: x**5))))(2.0):.1f}")
