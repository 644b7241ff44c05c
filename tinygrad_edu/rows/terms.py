"""What a function of the table says, before anybody is given a number.

A value or a rule is called with Terms instead of numbers, and gives a Term: which primitive is
applied to what. An operation that is itself made of others dissolves into them, so that a target
(a language, machine code) has to know primitives only: those rows whose value is a function of
floats from elsewhere, comparisons, and `choose`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tinygrad_edu.rows.symbolic import Row, Symbolic

__all__ = ["Term", "traced"]


class Term(Symbolic):
    """`op` of the terms `args`: a row, "choose", or the sign of a comparison.

    Without args it is a name (a text) or a number (a float), which is then `op` itself.
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
        raise TypeError(f"{self} is no number yet: == cannot be asked of it")

    __hash__ = object.__hash__

    def uses(self, seen: set[int] | None = None) -> Iterator[Term]:
        """Every term that it is made of, itself included, as often as it is used."""
        seen = set() if seen is None else seen
        yield self
        if id(self) not in seen:
            seen.add(id(self))
            for x in self.args:
                yield from x.uses(seen)


def traced(function: Callable[..., Any], names: str) -> Term | None:
    """What `function` makes of operands with these names, a letter each; None if none can tell.

    It cannot be told of functions of floats, such as those of `math`, and of functions that ask
    which number they are given.
    """
    try:
        made = function(*map(Term, names))
        return made if isinstance(made, Term) else Term(float(made))
    except NameError:  # a slip of the pen, and no reason of its own
        raise
    except Exception:  # whatever else a function of somebody's raises, it is not to be told
        return None
