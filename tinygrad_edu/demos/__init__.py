"""The lessons, in the order of a course. Each lesson is a command and a script.

In a wheel, their files are in this folder. In a checkout, they are in `demos/` beside the package,
where people look for them.
"""

from pathlib import Path

_BESIDE = Path(__file__).parents[2] / "demos"
if (_BESIDE / "the_loop.py").exists():
    __path__.append(str(_BESIDE))

from tinygrad_edu.demos import (  # noqa: E402  # found by the line above
    credit,
    family_trees,
    hidden_units,
    indifference,
    pdp_set,
    reverse_mode,
    symmetry,
    the_loop,
    the_wall,
    transformer,
)

__all__ = ["LESSONS"]

LESSONS = (
    the_loop.main,
    reverse_mode.main,
    the_wall.main,
    hidden_units.main,
    credit.main,
    pdp_set.main,
    symmetry.main,
    family_trees.main,
    indifference.main,
    transformer.main,
)
