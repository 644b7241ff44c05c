"""What a row of the table is: an operation, and all that is known of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from math import nan
from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from tinygrad_edu import ieee
from tinygrad_edu.documentation import Description
from tinygrad_edu.errors import RuleError
from tinygrad_edu.ieee import IEEE, number, total
from tinygrad_edu.source import plain_function
from tinygrad_edu.symbolic import TABLE, Applies
from tinygrad_edu.terms import Term, leaves_the_graph, traced

__all__ = ["Binary", "Op", "Rule", "Unary", "defined", "one", "row", "telling"]

Rule = Callable[..., Any]
S = TypeVar("S", bound=Applies)


_INNER = {"absorbs", "da", "db", "fast", "fold", "primitive", "safe", "traced"}


def one(y: Any, a: Any, b: Any = None) -> float:
    """1: the rule that passes an adjoint on as it is, which a sweep looks for."""
    return 1.0


class Op:
    """An operation of one or two operands: its value, its local derivatives, its name.

    Your own is one row too: `cube = Op("cube", lambda a: a**3, lambda y, a: 3 * a**2)`. The value
    is a function of the operands, a rule one of the result and the operands. Where both are made
    of operators and of functions of this package, the operation can be differentiated to any
    order, compiled, and written in other languages. RuleError (a TypeError) if a rule takes its
    number from `math`: the derivative of the rule itself would be lost.

    symbol: what a picture shows, the name if there is none. reads: the rules as people read them,
    where the numbers come from forms that keep more digits. precedence: how strongly its symbol
    binds, from 1 (a sum) to 5 (a call). latex: its sign or command, or a form with %s. says: what
    it computes, in words. spoken: the words between its operands. commutes: whether operands can
    be exchanged. kink: whether operands are at a kink, and which
    derivative is agreed upon there. example:
    numbers to try it on. safe: operands at which it is finite. fold: the result, where that is
    known although an operand is not a number yet, or else None. absorbs: whether an operand can
    be nan and the result be a number.
    """

    __doc__ = Description(__doc__)  # type: ignore[assignment]
    value: Rule
    derivatives: tuple[Rule, ...]

    def __new__(cls, name: str, value: Rule | None, *rules: Rule, **_: Any) -> Op:
        kinds = (cls, Unary, Binary)
        return object.__new__(kinds[min(len(rules), 2)] if cls is Op else cls)

    def __init__(
        self,
        name: str,
        value: Rule | None,
        *rules: Rule,
        symbol: str = "",
        python: str = "",
        reads: Rule | Sequence[Rule] = (),
        precedence: int = 5,
        latex: str = "",
        says: str = "",
        spoken: str = "",
        commutes: bool = False,
        kink: tuple[Callable[..., bool], str] | None = None,
        example: Sequence[float] = (),
        safe: float | None = None,
        fold: Rule | None = None,
        absorbs: bool = False,
        module: str = "",
    ) -> None:
        if not name.isidentifier() or len(rules) > 2 or not all(map(callable, rules)):
            raise TypeError(f"{name!r}: expected an identifier, a function, a rule per argument")
        self.name, self.symbol, self.derivatives = name, symbol or name, rules
        self.value = value or _nothing
        self.reads = tuple(reads) if isinstance(reads, Sequence) else (reads,)
        self.reads = self.reads or rules
        self.precedence, self.latex, self.says, self.spoken = precedence, latex, says, spoken
        self.commutes, self.kink, self.example, self.safe = commutes, kink, example, safe
        self.fold, self.absorbs = fold, absorbs
        self.fast: Rule = lambda *numbers: total(self.value, *numbers)
        self.da, self.db = (*rules, _nothing, _nothing)[:2]
        self.__name__ = self.__qualname__ = python or name
        self.__module__ = module or str(sys._getframe(1).f_globals.get("__name__", ""))
        letters = [Parameter(x, Parameter.POSITIONAL_ONLY) for x in "ab"[: len(rules)]]
        self.__signature__ = Signature(letters)
        if not module and type(self) in (Unary, Binary):
            self._refuse_rules_that_leave()

    def _refuse_rules_that_leave(self) -> None:
        for rule, operand in zip(self.derivatives, "ab"):
            if leaves_the_graph(rule, "yab"[: 1 + len(self.derivatives)]):
                raise RuleError(
                    f"the rule of {self.name} by {operand} takes its number from math, where its "
                    "own derivative is lost: use the functions of tinygrad_edu in it"
                )

    def __get__(self, instance: object, owner: type | None = None) -> Op:
        return self  # `help` takes what has a __get__ for a function, which it is

    def __call__(self, *args: Any) -> Any:
        """The result: a float for numbers, a Value for Values, text for Formulas."""
        if len(args) != len(self.derivatives):
            count = len(self.derivatives)
            raise TypeError(f"{self.name} takes {count} operand{'s' * (count > 1)}, not {len(args)}")
        for x in args:
            if type(x) is not float and hasattr(x, "_apply"):
                known = self.fold(*args) if self.fold else None
                return x._apply(self, *args) if known is None else x._lift(known)
        if IEEE in map(type, args):
            return IEEE(total(self.value, *map(number, args)))
        return self.fast(*map(number, args))

    def __bool__(self) -> bool:
        return bool(self.derivatives)

    def __dir__(self) -> list[str]:
        """What an operation is to those who use it; the rest is for the engine and compilers."""
        return sorted({*super().__dir__()} - _INNER)

    def __str__(self) -> str:
        return self.symbol if self.derivatives else ""

    def __repr__(self) -> str:
        return f"<operation {self.__name__}>"

    def __reduce__(self) -> str:
        return self.__name__  # copied and pickled as functions are: not at all, and by name

    @property
    def traced(self) -> Term | None:
        """What its value is made of, or None for a primitive, which a target has to know itself."""
        if "_traced" not in self.__dict__:
            from_elsewhere = isinstance(self.value, BuiltinFunctionType) or (
                getattr(self.value, "__module__", "") == ieee.__name__
            )
            letters = "ab"[: len(self.derivatives)]
            self._traced = None if from_elsewhere else traced(self.value, letters)
        return self._traced

    @property
    def primitive(self) -> bool:
        """Whether its value is a function of floats from elsewhere, made of no other rows."""
        return self.traced is None

    def _hasten(self) -> None:
        """Has its value and rules, when they are called, become plain Python first.

        Only for rows of the table, which remember nothing and decide nothing by themselves.
        """
        if not isinstance(self.value, BuiltinFunctionType) and self.value.__name__ == "<lambda>":
            self._become("fast", self.value, "ab"[: len(self.derivatives)])
        else:
            self.fast = self.value
        for place, rule in zip(("da", "db"), self.derivatives):
            if rule is not one:
                self._become(place, rule, "yab"[: 1 + len(self.derivatives)])

    def _become(self, attribute: str, function: Rule, names: str) -> None:
        def first(*numbers: float) -> Any:
            setattr(self, attribute, made := plain_function(function, names))
            return made(*numbers)

        setattr(self, attribute, first)


class Unary(Op):
    """An operation of one operand."""

    __doc__ = Description(__doc__)  # type: ignore[assignment]
    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def __call__(self, a: S, /) -> S: ...
        @overload
        def __call__(self, a: float, /) -> float: ...
        def __call__(self, a: Any, /) -> Any: ...


class Binary(Op):
    """An operation of two operands."""

    __doc__ = Description(__doc__)  # type: ignore[assignment]
    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def __call__(self, a: S, b: S | float, /) -> S: ...
        @overload
        def __call__(self, a: float, b: S, /) -> S: ...
        @overload
        def __call__(self, a: float, b: float, /) -> float: ...
        def __call__(self, a: Any, b: Any, /) -> Any: ...


@overload
def row(name: str, value: Rule, da: Rule, /, **traits: Any) -> Unary: ...
@overload
def row(name: str, value: Rule, da: Rule, db: Rule, /, **traits: Any) -> Binary: ...
def row(name: str, value: Rule, /, *rules: Rule, **traits: Any) -> Op:
    """A new row of the table, which is the operation itself."""
    module = str(sys._getframe(1).f_globals.get("__name__", ""))
    TABLE[name] = op = Op(name, value, *rules, module=module, **traits)
    op._hasten()
    return op


def _nothing(*_: Any) -> float:
    return nan


UNDEFINED = Op(
    "undefined", None, lambda y, a, b=0.0: a * nan, lambda y, a, b: b * nan, module=__name__
)


def defined(op: Op, y: float) -> Op:
    """The operation, or, where its result is nan, one whose every local derivative is nan.

    This is the rule about nan, for what has numbers; `telling` is the same for what has none yet.
    """
    return op if y == y else UNDEFINED


def telling(op: Op) -> Op:
    """The operation with local derivatives that are nan wherever its result will be nan."""
    less = TABLE["less"]

    def tells(rule: Rule) -> Rule:
        return lambda y, *args: rule(y, *args) + less(y, y)  # less(y, y) is 0, but nan for nan

    return Op(op.name, op.value, *map(tells, op.derivatives), symbol=op.symbol, module=__name__)
