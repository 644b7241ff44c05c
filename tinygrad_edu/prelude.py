"""The functions that a program in C or JavaScript needs beside those of the language.

An operation that is made of others is written out from its row. What neither the language nor the
table can say is a FormatError, which names the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tinygrad_edu.errors import FormatError
from tinygrad_edu.source import Source, dissolved
from tinygrad_edu.symbolic import TABLE
from tinygrad_edu.terms import Term

__all__ = ["C_LIBRARY", "JS_LIBRARY", "Prelude", "prelude"]

# C99, 7.12, and ECMAScript 2015, 20.2.2: functions of one or two numbers that give one.
C_LIBRARY = frozenset(
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 "
    "fabs fdim floor fmax fmin fmod hypot lgamma log log10 log1p log2 logb nearbyint nextafter pow "
    "remainder rint round sin sinh sqrt tan tanh tgamma trunc".split()
)
JS_LIBRARY = frozenset(
    "abs acos acosh asin asinh atan atan2 atanh cbrt ceil cos cosh exp expm1 floor hypot log log10 "
    "log1p log2 round sign sin sinh sqrt tan tanh trunc".split()
)

# What JavaScript has not, or not quite: Math.pow(1, NaN) is NaN there. erf is its power series near
# 0, all of whose terms are positive (Abramowitz and Stegun 7.1.6), and 1 minus a continued
# fraction further out (7.1.14), from its 80th level down; beyond 6 it is 1 to the last bit.
_JS = {
    "pow": "(a, b) => a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : Math.pow(a, b)",
    "erf": """(a) => {
  const x = Math.abs(a), scale = Math.exp(-x * x) / Math.sqrt(Math.PI);
  let y = 1;
  if (x < 3) {
    let term = 2 * x;
    y = term;
    for (let n = 1; term > y * 1e-17; n++) y += term *= 2 * x * x / (2 * n + 1);
    y *= scale;
  } else if (x < 6) {
    let below = x;
    for (let n = 80; n > 0; n--) below = x + n / 2 / below;
    y = 1 - scale / below;
  }
  return a < 0 ? -y : a >= 0 ? y : a;
}""",
}


class Prelude(NamedTuple):
    """`lines`, the definitions, and `library`, the names to be had from the language."""

    lines: list[str]
    library: list[str]


def prelude(language: str, kind: type[Source], names: Iterable[str]) -> Prelude:
    """Returns what a program in "c" or "javascript" needs that calls the rows with these names."""
    known = C_LIBRARY if language == "c" else JS_LIBRARY
    written: Mapping[str, str] = {} if language == "c" else _JS
    lines: dict[str, str] = {}
    library: set[str] = set()

    def need(name: str) -> None:
        if name in written:
            lines.setdefault(name, f"const {name} = {written[name]};")
        elif name in known:
            library.add(name)
        elif name not in lines:
            op = TABLE[name]
            if op.traced is None:
                raise FormatError(f"{language} has no function for the operation {name}")
            for term in op.traced.uses():
                if not isinstance(term.op, str | float) and term.op.precedence >= _CALLS:
                    need(
                        {"abs": "fabs"}.get(term.op.name, term.op.name)
                        if language == "c"
                        else term.op.name
                    )
            lines[name] = _definition(language, kind, name, op.traced, len(op.derivatives))

    for name in sorted(names):
        need(name)
    return Prelude(list(lines.values()), sorted(library))


_CALLS = 4  # from this precedence on, an operation is written as a call: a power, too


def _definition(language: str, kind: type[Source], name: str, term: Term, operands: int) -> str:
    parts: list[str] = []

    def share(text: str) -> str:
        parts.append(text)
        return f"t{len(parts)}"

    letters = "ab"[:operands]
    result = dissolved(term, {letter: kind(letter) for letter in letters}, share)
    if language == "c":
        given = ", ".join(f"double {letter}" for letter in letters)
        body = "".join(f"double t{i} = {text}; " for i, text in enumerate(parts, 1))
        return f"static double {name}({given}) {{ {body}return {result}; }}"
    body = "".join(f"const t{i} = {text}; " for i, text in enumerate(parts, 1))
    value = f"{{ {body}return {result}; }}" if parts else str(result)
    return f"const {name} = ({', '.join(letters)}) => {value};"
