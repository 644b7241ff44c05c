"""Plots of a training run, with matplotlib (the extra `plots`), in the colours of the diagrams.

Every plot is a matplotlib Figure, which a notebook shows; `canvas.save` writes it to a file.
`plot(history, kind)` makes each kind of plot in one call from a History.
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
