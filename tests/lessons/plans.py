"""The table of demos/README.md, printed from the plans of the lessons.

`python tests/lessons/plans.py` writes it into the page; a test compares.
"""

from __future__ import annotations

from pathlib import Path

from tinygrad_edu.demos import LESSONS

__all__ = ["PAGE", "PLANS", "table"]

PAGE = Path(__file__).parents[2] / "demos" / "README.md"
PLANS = {lesson.name: lesson.plan for lesson in LESSONS}
_HEAD = "| lesson | question | minutes | look at | ask the class |"


def table() -> str:
    """A row for each lesson, in the order of the course."""
    rows = [_HEAD, "|---|---|---|---|---|"]
    for name, plan in PLANS.items():
        cells = (f"[`{name}`]({name}.py)", plan.question, str(plan.minutes), plan.look)
        rows.append(f"| {' | '.join((*cells, ' '.join(plan.ask)))} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    before, _, after = PAGE.read_text(encoding="utf-8").partition(_HEAD)
    rest = after.partition("\n\n")[2]
    PAGE.write_text(f"{before}{table()}\n{rest}", encoding="utf-8")
