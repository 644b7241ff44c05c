"""Definitions of the functions that a program calls and that C or JavaScript does not have.

An operation that is made of others is defined by its row of the table. FormatError for a row that
neither the language nor the table can define.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tinygrad_edu.errors import FormatError
from tinygrad_edu.rows.source import Source, dissolved
from tinygrad_edu.rows.symbolic import TABLE
from tinygrad_edu.rows.terms import Term

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

# Functions that JavaScript lacks, and pow, which is wrong there: Math.pow(1, NaN) is NaN. Near 0,
# erf is a power series with positive terms only (Abramowitz and Stegun 7.1.6). Further out, erfc is
# a continued fraction (7.1.14), which begins at its 100th level.
_JS = {
    "pow": "(a, b) => a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : Math.pow(a, b)",
    "erf": """(a) => {
  const x = Math.abs(a);
  if (!(x < 2)) return a < 0 ? erfc(x) - 1 : 1 - erfc(x);
  let term = 2 * x, sum = term;
  for (let n = 1; term > sum * 1e-17; n++) sum += term *= 2 * x * x / (2 * n + 1);
  sum *= Math.exp(-x * x) / Math.sqrt(Math.PI);
  return a < 0 ? -sum : a > 0 ? sum : a;
}""",
    "erfc": """(a) => {
  if (a < 1.5) return 1 - erf(a);
  let x = a;
  for (let n = 100; n > 0; n--) x = a + n / 2 / x;
  return a < 30 ? Math.exp(-a * a) / Math.sqrt(Math.PI) / x : a >= 30 ? 0 : a;
}""",
}
_TOGETHER = {"erf": "erfc", "erfc": "erf"}  # each calls the other


class Prelude(NamedTuple):
    """lines: the definitions. library: the functions that the language has."""

    lines: list[str]
    library: list[str]


def prelude(language: str, kind: type[Source], names: Iterable[str]) -> Prelude:
    """Returns the prelude of a program in "c" or "javascript" that calls these rows."""
    known = C_LIBRARY if language == "c" else JS_LIBRARY
    written: Mapping[str, str] = {} if language == "c" else _JS
    lines: dict[str, str] = {}
    library: set[str] = set()

    def need(name: str) -> None:
        if name in written:
            for part in (name, _TOGETHER.get(name, name)):
                lines.setdefault(part, f"const {part} = {written[part]};")
        elif name in known:
            library.add(name)
        elif name not in lines:
            op = TABLE[name]
            if op.traced is None:
                raise FormatError(f"{language} has no function for the operation {name}")
            for term in op.traced.uses():
                if not isinstance(term.op, str | float) and term.op.precedence >= _CALLS:
                    is_fabs = language == "c" and term.op.name == "abs"
                    need("fabs" if is_fabs else term.op.name)
            lines[name] = _definition(language, kind, name, op.traced, len(op.derivatives))

    for name in sorted(names):
        need(name)
    return Prelude(list(lines.values()), sorted(library))


_CALLS = 4  # operations of this precedence or higher, such as powers, are written as calls


def _definition(language: str, kind: type[Source], name: str, term: Term, operands: int) -> str:
    """Returns a line: the function `name` takes so many operands and returns `term`."""
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
