"""Puts the lessons into a wheel, and addresses into the README's links. All else is in setup.cfg.

In a wheel, `demos/` becomes `tinygrad_edu/demos/`. An editable install needs no copy, because the
package looks for `demos/` beside itself. A line `package_dir` for the lessons would say the same as
this file, but then setuptools installs an import hook in place of a path, and type checkers and
editors do not see the package.
"""

import os
import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# Code stays as it is. A link has the mark of a picture or none, its text, and a relative path.
CODE_OR_LINK = re.compile(r"```.*?```|`[^`]*`|(!?)(\[[^][]*\]\()(?![a-z]+:|#)([^)]*\))", re.DOTALL)


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


def readme() -> str:
    """This returns the README, whose links lead to the addresses that .ci/release sets, if any."""

    def absolute(found: "re.Match[str]") -> str:
        address = os.environ.get("README_PICTURES" if found[1] else "README_PAGES")
        if not address or not found[2]:
            return found[0]
        return f"{found[1]}{found[2]}{address.rstrip('/')}/{found[3]}"

    return CODE_OR_LINK.sub(absolute, Path("README.md").read_text(encoding="utf-8"))


setup(cmdclass={"build_py": WithLessons}, long_description=readme())
