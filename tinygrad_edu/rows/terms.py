"""The expression behind a value or a rule of the table, found by calling it with Terms.

Called with Terms instead of numbers, a value or a rule returns a Term: primitives applied to other
terms. An operation made of other operations is replaced by these, so that a target (a language,
machine code) needs to know only primitives: rows whose value is a function of floats from `math`
or `ieee`, comparisons, and `choose`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tinygrad_edu.rows.symbolic import Row, Symbolic

__all__ = ["Term", "traced"]


class Term(Symbolic):
    """An operation `op` applied to the terms `args`: a row, "choose", or the sign of a comparison.

    Without args it is a name or a number, and `op` is that name (a str) or number (a float).
    """

    __slots__ = ("args", "op")
    fixed = True

    def __init__(self, op: Row | str | float, *args: Term) -> None:
        self.op, self.args = op, args

    def _apply(self, op: Row, /, *args: Any) -> Any:
        terms = [self._lift(x) for x in args]
        return Term(op, *terms) if op.primitive else op.value(*terms)

    def _compare(self, sign: str, other: Any) -> Term:
        return Term(sign, self, self._lift(other))

    def _choose(self, x: Any, y: Any) -> Term:
        return Term("choose", self, self._lift(x), self._lift(y))

    def _lift(self, number: Any) -> Term:
        return number if isinstance(number, Term) else Term(float(number))

    def __eq__(self, other: object) -> bool:
        raise TypeError(f"{self} has no number for ==: write equals(a, b)")

    __hash__ = object.__hash__

    def uses(self, seen: set[int] | None = None) -> Iterator[Term]:
        """Yields this term and all terms inside of it, each as often as it is used."""
        seen = set() if seen is None else seen
        yield self
        if id(self) not in seen:
            seen.add(id(self))
            for x in self.args:
                yield from x.uses(seen)


def traced(function: Callable[..., Any], names: str) -> Term | None:
    """Returns the Term of `function` for operands with these one-letter names, or None.

    None: the function needs floats, like those of `math`, or branches on its numbers.
    """
    try:
        made = function(*map(Term, names))
        return made if isinstance(made, Term) else Term(float(made))
    except NameError:  # a typing mistake, which the author must see
        raise
    except Exception:  # a user's function may raise anything: it cannot be traced
        return None
