"""Pictures of a graph, as SVG, PNG, PDF, DOT, JSON and text."""

import sys

from tinygrad_edu.habits.hints import CallableModule

__all__: list[str] = []

CallableModule.of(sys.modules[__name__], "write y.draw(), and y.draw().save('y.svg') for a file")
