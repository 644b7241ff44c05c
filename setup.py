"""Puts the lessons into a wheel: `demos/` becomes `tinygrad_edu/demos/`. All else is in setup.cfg.

An editable install needs no copy, because the package looks for `demos/` beside itself. A line
`package_dir` for the lessons would say the same as this file, but then setuptools installs an
import hook in place of a path, and type checkers and editors do not see the package.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithLessons(build_py):
    """Builds the package, and copies the lessons into it."""

    def run(self) -> None:
        """Copies the lessons only into a build that leaves the checkout."""
        super().run()
        if not self.editable_mode:
            shutil.copytree(
                "demos",
                Path(self.build_lib, "tinygrad_edu", "demos"),
                ignore=shutil.ignore_patterns("__pycache__", "README.md"),
                dirs_exist_ok=True,
            )


setup(cmdclass={"build_py": WithLessons})
