"""The lessons, in the order of a course: see README.md. Each is a command, and a script."""

from tinygrad_edu.demos import (
    credit,
    family_trees,
    hidden_units,
    pdp_set,
    reverse_mode,
    symmetry,
    the_loop,
    the_wall,
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
)
