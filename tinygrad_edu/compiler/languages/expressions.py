"""How each language writes an operation of the table: in a form of its own, or as a call."""

from __future__ import annotations

from tinygrad_edu.compiler.languages.prelude import prelude
from tinygrad_edu.rows.formula import Formula
from tinygrad_edu.rows.source import Source
from tinygrad_edu.rows.symbolic import TABLE, Row

__all__ = ["C", "JavaScript", "Python", "helpers"]


class Python(Source):
    """Calls this package's functions, which take floats, Values and IEEE numbers."""

    __slots__ = ()
    foreign = True
    forms = {"abs": "abs({0})"}  # noqa: RUF012

    def _called(self, op: Row, operands: list[Formula]) -> Formula:
        return type(self)(f"{op.__name__}({', '.join(x.text for x in operands)})")


class C(Source):
    """Calls functions of libm and of the prelude."""

    __slots__ = ()
    foreign = True
    suffix = ".0"  # 1 / 2 is 0 in C
    words = {"inf": "INFINITY", "nan": "NAN"}  # noqa: RUF012
    forms = {"pow": "pow({0}, {1})", "abs": "fabs({0})"}  # noqa: RUF012
    choice = "({0} ? {1} : {2})"


class JavaScript(Source):
    """Calls functions of Math and of the prelude."""

    __slots__ = ()
    foreign = True
    words = {"inf": "Infinity", "nan": "NaN"}  # noqa: RUF012
    forms = {"pow": "pow({0}, {1})"}  # noqa: RUF012
    choice = "({0} ? {1} : {2})"


def helpers(language: str, called: set[str]) -> str:
    """Returns the imports or definitions of the functions that a program calls."""
    if language == "python":
        own = {op.__name__ for op in TABLE.values()} & called
        return f"from tinygrad_edu.ops import {', '.join(sorted(own))}\n" if own else ""
    lines, library = prelude(language, {"c": C, "javascript": JavaScript}[language], called)
    if language == "javascript" and library:
        lines = [f"const {{ {', '.join(library)} }} = Math;", *lines]
    return "".join(f"{line}\n" for line in lines) + "\n" * bool(lines)
