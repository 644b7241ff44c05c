"""Makes every diagram of this folder again: `python diagrams/make.py`.

The commands stand in README.md, below the pictures, and nowhere else.
"""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from pathlib import Path

from tinygrad_edu.cli import main as tinygrad_edu

HERE = Path(__file__).parent


def commands() -> list[list[str]]:
    """The words of each command in the README, without the name of the program."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    return [shlex.split(line) for line in re.findall(r"^tinygrad-edu (.*)$", text, re.MULTILINE)]


def main() -> None:
    os.chdir(HERE.parent)
    for words in commands():
        if "--steps" in words:
            with tempfile.TemporaryDirectory() as folder:
                tinygrad_edu([*words[:-1], folder], standalone_mode=False)
                (HERE / "steps.svg").write_bytes((Path(folder) / "steps.svg").read_bytes())
        else:
            tinygrad_edu(words, standalone_mode=False)


if __name__ == "__main__":
    main()
