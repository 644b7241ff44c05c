"""How each language writes the rows of the table: in a form of its own, or by a helper."""

from __future__ import annotations

import re

from tinygrad_edu.emit import Source


class Python(Source):
    """Made of this package's functions: a number may be a float, a Value or an IEEE number."""

    __slots__ = ()
    forms = {"max": "maximum({0}, {1})", "min": "minimum({0}, {1})"}  # noqa: RUF012


class C(Source):
    """Made of libm's functions, and of those in _HELPERS."""

    __slots__ = ()
    suffix = ".0"  # 1 / 2 is 0 in C
    words = {"inf": "INFINITY", "nan": "NAN"}  # noqa: RUF012
    forms = {"pow": "pow({0}, {1})", "abs": "fabs({0})"}  # noqa: RUF012


class JavaScript(Source):
    """Made of Math's functions, and of those in _HELPERS."""

    __slots__ = ()
    words = {"inf": "Infinity", "nan": "NaN"}  # noqa: RUF012
    forms = {"pow": "pow({0}, {1})"}  # noqa: RUF012


# What is no function of C or JavaScript, or not quite: as in `ieee`.
_HELPERS = {
    "less": "a < b ? 1.0 : a >= b ? 0.0 : NAN",
    "mask": "a == 0 ? 0.0 : b",
    "max": "a > b || a != a ? a : b",
    "min": "a < b || a != a ? a : b",
    "relu": "a <= 0 ? 0.0 : a",
    "sigmoid": "a >= 0 ? 1 / (1 + exp(-a)) : exp(a) / (1 + exp(a))",
    "softplus": "(a <= 0 ? 0.0 : a) + log1p(exp(a > 0 ? -a : a))",
    "step": "a > 0 ? 1.0 : a <= 0 ? 0.0 : NAN",
}
_POW = "a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : Math.pow(a, b)"


def helpers(language: str, called: set[str]) -> str:
    """The lines that give the functions which are called their meaning."""
    if language == "python":
        own = sorted(called - {"abs"})
        return f"from tinygrad_edu.ops import {', '.join(own)}\n" if own else ""
    needed = [name for name in _HELPERS if name in called]
    made = []
    for name in needed:
        both = re.search(r"\bb\b", _HELPERS[name])
        if language == "c":
            arguments = "double a, double b" if both else "double a"
            made.append(f"static double {name}({arguments}) {{ return {_HELPERS[name]}; }}")
        else:
            body = _HELPERS[name].replace("NAN", "NaN")
            made.append(f"const {name} = ({'a, b' if both else 'a'}) => {body};")
    if language == "javascript":
        inner = {"sigmoid": {"exp"}, "softplus": {"exp", "log1p"}}
        math = called.union(*(inner.get(name, set()) for name in needed)) - {*needed, "pow"}
        made = [f"const {{ {', '.join(sorted(math))} }} = Math;"] * bool(math) + made
        made += [f"const pow = (a, b) => {_POW};"] * ("pow" in called)
    return "".join(f"{line}\n" for line in made) + "\n" * bool(made)
