"""A Value and its derivatives of higher orders, for one picture of all."""

from __future__ import annotations

from tinygrad_edu.engine import Value, gradient

__all__ = ["derivatives"]


def derivatives(y: Value, x: Value, order: int) -> list[Value]:
    """Returns `y`, dy/dx, d2y/dx2, ... up to `order`: one graph, each computed from the one before.

    Those without a label, `y` included, get these texts as labels.
    """
    y.label = y.label or "y"
    name, by = y.label, x.label or "x"
    values = [y]
    for n in range(1, order + 1):
        (value,) = gradient(values[-1], [x])
        power = "" if n == 1 else str(n)
        if not value.label:
            value.label = f"d{power}{name}/d{by}{power}"
        values.append(value)
    return values
