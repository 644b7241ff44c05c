"""Curves, maps and squares of a run, with matplotlib (the extra `plots`), in the diagrams' colours.

Every plot is a matplotlib Figure, which a notebook shows; `canvas.save` writes it.
`plot(history, kind)` makes any of them in one call from what `train` has kept.
"""

from tinygrad_edu.plots.runs import (
    KINDS,
    decision_boundary,
    gradient_sizes,
    hidden_maps,
    hinton,
    loss_curve,
    plot,
    surface,
    weight_paths,
)

__all__ = [
    "KINDS",
    "decision_boundary",
    "gradient_sizes",
    "hidden_maps",
    "hinton",
    "loss_curve",
    "plot",
    "surface",
    "weight_paths",
]
