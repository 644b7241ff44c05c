"""Equations 1 to 9 of the paper of 1986, beside the lines of this package that are them.

Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 323,
533-536. Letters after `_` are indices. (8) and (9) are often copied with a gradient on the left;
they are about the change of a weight.
"""

from __future__ import annotations

__all__ = ["EQUATIONS", "NATURE", "rows"]

NATURE = "Nature 323, 533-536 (1986)"
EQUATIONS = {
    1: "x_j = Σ_i y_i · w_ji",
    2: "y_j = 1 / (1 + e^(−x_j))",
    3: "E = ½ Σ_c Σ_j (y_jc − d_jc)²",
    4: "∂E/∂y_j = y_j − d_j",
    5: "∂E/∂x_j = ∂E/∂y_j · y_j (1 − y_j)",
    6: "∂E/∂w_ji = ∂E/∂x_j · y_i",
    7: "∂E/∂y_i = Σ_j ∂E/∂x_j · w_ji",
    8: "Δw = −ε ∂E/∂w",
    9: "Δw(t) = −ε ∂E/∂w(t) + α Δw(t−1)",
}


def rows(**code: str) -> list[tuple[int, str, str]]:
    """(number, equation, code) for each; the names are `eq1` to `eq9`: see `telling.line_of`."""
    return [(n, EQUATIONS[n], code[f"eq{n}"]) for n in EQUATIONS if f"eq{n}" in code]
