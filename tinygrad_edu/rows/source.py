"""Operations as source text in a language, and Python functions compiled from such text."""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Callable, Mapping
from math import inf, nan
from types import CodeType, FunctionType
from typing import Any, ClassVar

from tinygrad_edu.rows.formula import Formula
from tinygrad_edu.rows.symbolic import TABLE, Row, choose
from tinygrad_edu.rows.terms import Term, traced

__all__ = ["Floats", "Source", "dissolved", "plain_function", "python", "written"]


class Source(Formula):
    """A formula in some language; `forms` has the rows that the language writes in its own way."""

    __slots__ = ()
    forms: ClassVar[Mapping[str, str]] = {}
    words: ClassVar[Mapping[str, str]] = {}  # the language's words for inf and nan
    suffix: ClassVar[str] = ""  # of a whole number
    choice: ClassVar[str] = "({1} if {0} else {2})"
    dissolves: ClassVar[bool] = False  # whether it writes an operation as its primitives
    foreign: ClassVar[bool] = False  # whether its programs cannot call users' operations

    def __init__(self, text: str | float, strength: int = Formula("").strength) -> None:
        super().__init__(text, strength)
        if not isinstance(text, str):
            short = self.text if self.text != "-0" else "-0.0"
            self.text = short + self.suffix * short.lstrip("-").isdigit()
            for word, written in self.words.items():
                self.text = self.text.replace(word, written)

    @classmethod
    def form(cls, op: Row, b: str) -> str:
        """Returns the language's own form of a row, or ''; a key "pow 2" is the form for b = 2."""
        if op is not TABLE.get(op.name):
            return ""
        return cls.forms.get(f"{op.name} {b}") or cls.forms.get(op.name, "")

    def _apply(self, op: Row, /, *args: Any) -> Formula:
        operands = [self._of(x) for x in args]
        form = self.form(op, operands[-1].text)
        if op is TABLE["neg"] and operands[0].text.startswith("-"):
            operands = [type(self)(f"({operands[0]})")]  # --x decrements x in C
        return type(self)(form.format(*operands)) if form else super()._apply(op, *operands)

    def _compare(self, sign: str, other: Any) -> Formula:
        return type(self)(f"{self} {sign} {self._of(other)}", 0)

    def _choose(self, x: Any, y: Any) -> Formula:
        return type(self)(self.choice.format(self, self._of(x), self._of(y)))


def dissolved(term: Term, operands: Mapping[str, Source], share: Callable[[str], str]) -> Source:
    """Returns the text of a term, with `operands` in place of its names.

    share: called with a text that is used more than once; returns a name for its result.
    """
    kind = type(next(iter(operands.values())))
    uses = Counter(map(id, term.uses()))
    made: dict[int, Source] = {}

    def write(x: Term) -> Source:
        if id(x) not in made:
            if isinstance(x.op, str) and not x.args:
                made[id(x)] = operands[x.op]
            elif isinstance(x.op, float):
                made[id(x)] = kind(x.op)
            else:
                a, *more = map(write, x.args)
                if x.op == "choose":
                    text: Any = choose(a, *more)
                elif isinstance(x.op, str):
                    text = a._compare(x.op, *more)
                else:
                    text = x.op(a, *more)
                made[id(x)] = text if uses[id(x)] == 1 else kind(share(text.text))
        return made[id(x)]

    return write(term)


def python(text: str, meaning: dict[str, Any]) -> Any:
    """Returns the function that `text` defines, with `meaning` as its globals.

    The text is compiled and wrapped without `exec`. It never contains text typed by a user.
    """
    module = builtins.compile(text, "<tinygrad_edu>", "exec")
    code = next(x for x in module.co_consts if isinstance(x, CodeType))
    return FunctionType(code, meaning)


class Floats(Source):
    """A formula for plain floats, with powers by `ieee.power`."""

    __slots__ = ()
    suffix = ".0"
    forms = {"pow": "pow({0}, {1})"}  # noqa: RUF012
    dissolves = True


def plain_function(function: Callable[..., Any], names: str) -> Callable[..., Any]:
    """Returns a function of the table's rows as plain Python: the same numbers, much faster.

    names: its parameters, one letter each. A function that cannot be traced is returned unchanged.
    The result may raise ArithmeticError, like Python's floats.
    """
    found = written(function, {name: name for name in names})
    if found is None:
        return function
    lines, result, called = found
    body = [f" {line}\n" for line in lines]
    text = f"def plain({', '.join(names)}):\n{''.join(body)} return {result}\n"
    return python(text, {**called, "inf": inf, "nan": nan})  # type: ignore[no-any-return]


def written(
    function: Callable[..., Any], names: Mapping[str, str]
) -> tuple[list[str], str, dict[str, Any]] | None:
    """Returns a function of the table's rows as plain Python, or None if it cannot be traced.

    names: for each of its parameters the text to write for it. The result has lines to run first,
    the text of the result, and the functions that are called in both by their names.
    """
    term = traced(function, "".join(names))
    if term is None:
        return None
    lines: dict[str, str] = {}
    operands = {name: Floats(text) for name, text in names.items()}
    result = dissolved(term, operands, lambda text: lines.setdefault(text, f"t{len(lines)}"))
    called = {x.op.name: x.op.value for x in term.uses() if not isinstance(x.op, str | float)}
    return [f"{name} = {text}" for text, name in lines.items()], result.text, called
