"""Makes every diagram of this folder again, its DOT text and its SVG: `python diagrams/make.py`."""

from __future__ import annotations

from pathlib import Path

from tinygrad_edu.draw.picture import draw
from tinygrad_edu.expression import bindings, expression

HERE = Path(__file__).parent
DIAGRAMS = {"neuron": ("tanh(x*w + b)", ["x=2", "w=-3", "b=7"])}


def main() -> None:
    for name, (text, assignments) in DIAGRAMS.items():
        value = expression(text, bindings(assignments))
        value.backward()
        for ending in ("dot", "svg"):
            draw(value).save(HERE / f"{name}.{ending}")


if __name__ == "__main__":
    main()
