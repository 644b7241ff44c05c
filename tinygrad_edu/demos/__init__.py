"""The lessons, in the order of a course. Each lesson is a command and a script.

In a wheel, their files are in this folder. In a checkout, they are in `demos/` beside the package,
where people look for them.
"""

from pathlib import Path

_BESIDE = Path(__file__).parents[2] / "demos"
if (_BESIDE / "the_loop.py").exists():
    __path__.append(str(_BESIDE))

from contextlib import suppress  # noqa: E402
from importlib import import_module  # noqa: E402

LESSONS = []
for _name in (
    "the_loop reverse_mode the_wall hidden_units credit pdp_set symmetry family_trees"
).split():
    with suppress(ImportError):
        LESSONS.append(import_module(f"tinygrad_edu.demos.{_name}").main)
