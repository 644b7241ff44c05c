"""A row of the table: an operation with its value, its rules and its traits."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from keyword import iskeyword
from math import nan
from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Any, NoReturn, TypedDict, TypeVar, cast, overload

from tinygrad_edu.errors import NumberError
from tinygrad_edu.rows import ieee, symbolic
from tinygrad_edu.rows.documentation import Description
from tinygrad_edu.rows.ieee import IEEE, number, total
from tinygrad_edu.rows.source import plain_function
from tinygrad_edu.rows.symbolic import Applies
from tinygrad_edu.rows.terms import Term, traced

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "TABLE",
    "Binary",
    "Op",
    "Rule",
    "Unary",
    "defined",
    "nothing",
    "of_one",
    "one",
    "row",
    "telling",
]

# Type checkers see a rule as a function of floats, which all other operands imitate.
Rule = Callable[..., float]
Rule1 = Callable[[float], float]
Rule2 = Callable[[float, float], float]
Rule3 = Callable[[float, float, float], float]
# A function annotated with Values is accepted too.
Made1 = Callable[[NoReturn], Applies | float]
Made2 = Callable[[NoReturn, NoReturn], Applies | float]
Made3 = Callable[[NoReturn, NoReturn, NoReturn], Applies | float]
S = TypeVar("S", bound=Applies)
TABLE: dict[str, Op] = symbolic.TABLE


# Attributes for the engine and the compilers, which dir() hides.
_INNER = {"absorbs", "da", "db", "fast", "fold", "primitive", "safe", "traced"}
_INNER |= {"_become", "_described", "_hasten", "_traced"}


def one(y: float, a: float, b: float = 0.0) -> float:
    """The rule that is 1 everywhere; `sweep` recognises it and skips the multiplication."""
    return 1.0


class Traits(TypedDict, total=False):
    """The traits of every operation: see `Op`."""

    symbol: str
    python: str
    precedence: int
    latex: str
    says: str
    spoken: str
    commutes: bool
    example: Sequence[float]
    safe: float | None
    absorbs: bool
    module: str


class UnaryTraits(Traits, total=False):
    """The traits of an operation of one operand."""

    reads: Rule2
    kink: tuple[Callable[[float], bool], str]


class BinaryTraits(Traits, total=False):
    """The traits of an operation of two operands."""

    reads: tuple[Rule3, Rule3]
    kink: tuple[Callable[[float, float], bool], str]
    fold: Callable[[float, float], float | None]


class Op:
    """An operation of one or two operands: its value, its local derivatives, its name.

    Your own operation is one row too: `cube = Op("cube", lambda a: a**3, lambda y, a: 3 * a**2)`.
    The value is a function of the operands; a rule is a function of the result and the operands. If
    both are made of operators and functions of this package, the operation can be differentiated to
    any order, compiled, and written in other languages. If a rule uses a function of `math`,
    `gradient` raises LeftGraphError: the derivative of the rule itself would be lost.

    symbol: the text in pictures, by default the name. reads: the textbook form of the rules, if the
    rules themselves have another form that keeps more digits. precedence: how strongly the symbol
    binds, from 1 (a sum) to 5 (a call). latex: its sign or command, or a form with %s. says: a
    sentence about the result. spoken: the words between the operands. commutes: whether the
    operands can be exchanged. kink: a function that is True for operands at a kink, and the
    convention there. example: operands for `help`. safe: an operand at which all is finite. fold:
    gives the result if it is known before all operands are numbers, else None. absorbs: whether
    the result can be a number although an operand is nan.
    """

    __doc__ = Description(__doc__)
    __name__: str
    __qualname__: str
    __signature__: Signature
    _traced: Term | None
    name: str
    symbol: str
    value: Rule
    derivatives: tuple[Rule, ...]
    reads: tuple[Rule, ...]
    precedence: int
    latex: str
    says: str
    spoken: str
    commutes: bool
    kink: tuple[Callable[..., bool], str] | None
    example: Sequence[float]
    safe: float | None
    fold: Callable[..., float | None] | None
    absorbs: bool
    fast: Rule
    da: Rule
    db: Rule

    @overload
    def __new__(
        cls, name: str, value: Rule1, da: Rule2, /, **traits: Unpack[UnaryTraits]
    ) -> Unary: ...
    @overload
    def __new__(
        cls, name: str, value: Rule2, da: Rule3, db: Rule3, /, **traits: Unpack[BinaryTraits]
    ) -> Binary: ...
    @overload
    def __new__(
        cls, name: str, value: Made1, da: Made2, /, **traits: Unpack[UnaryTraits]
    ) -> Unary: ...
    @overload
    def __new__(
        cls, name: str, value: Made2, da: Made3, db: Made3, /, **traits: Unpack[BinaryTraits]
    ) -> Binary: ...
    @overload
    def __new__(cls, name: str, value: None, *rules: Rule, **traits: Unpack[Traits]) -> Op: ...
    def __new__(
        cls,
        name: str,
        value: Callable[..., Any] | None,
        *rules: Callable[..., Any],
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
        fold: Callable[..., float | None] | None = None,
        absorbs: bool = False,
        module: str = "",
    ) -> Op:
        if not isinstance(name, str) or not name.isidentifier() or iskeyword(name):
            raise TypeError(f"{name!r}: the name of an operation must be an identifier")
        if not callable(value) and value is not None:
            raise TypeError(f"{name!r}: the value must be a function, not {value!r:.60}")
        if len(rules) > 2 or (value is not None and not rules) or not all(map(callable, rules)):
            raise TypeError(f"{name!r}: give one or two rules after the value, each a function")
        kinds = (cls, Unary, Binary)
        self = object.__new__(kinds[len(rules)] if cls is Op else cls)
        self.name, self.symbol, self.derivatives = name, symbol or name, rules
        self.value = value or nothing
        self.reads = tuple(reads) if isinstance(reads, Sequence) else (reads,)
        self.reads = self.reads or rules
        self.precedence, self.latex, self.says, self.spoken = precedence, latex, says, spoken
        self.commutes, self.kink, self.example, self.safe = commutes, kink, example, safe
        self.fold, self.absorbs = fold, absorbs
        self.fast = lambda *numbers: total(self.value, *numbers)
        self.da, self.db = (*rules, nothing, nothing)[:2]
        self.__name__ = self.__qualname__ = python or name
        self.__module__ = module or _caller()
        letters = [Parameter(x, Parameter.POSITIONAL_ONLY) for x in "ab"[: len(rules)]]
        self.__signature__ = Signature(letters)
        return self

    def __get__(self, instance: object, owner: type | None = None) -> Op:
        return self  # `help` treats an object with __get__ as a function

    def __call__(self, *args: Applies | float) -> Any:
        """Returns a float for numbers, a Value if an operand is a Value, a Formula for Formulas."""
        if len(args) != len(self.derivatives):
            count = len(self.derivatives)
            raise TypeError(
                f"{self.__name__} takes {count} operand{'s' * (count > 1)}, not {len(args)}"
            )
        for x in args:
            if type(x) is not float and hasattr(x, "_apply"):
                known = self.fold(*args) if self.fold else None
                return x._apply(self, *args) if known is None else cast(Applies, x)._lift(known)
        try:
            if IEEE in map(type, args):
                return IEEE(total(self.value, *map(number, args)))
            return self.fast(*map(number, args))
        except NumberError:
            of_one(self.__name__, *args)
            raise

    def __bool__(self) -> bool:
        return bool(self.derivatives)

    def __dir__(self) -> list[str]:
        """The attributes for users; the others are for the engine and the compilers."""
        return sorted({*super().__dir__()} - _INNER)

    def __str__(self) -> str:
        return self.symbol if self.derivatives else ""

    def __repr__(self) -> str:
        return f"<operation {self.__name__}>"

    def __reduce__(self) -> str:
        return self.__name__  # like a function: a copy is itself, a pickle its name

    @property
    def traced(self) -> Term | None:
        """The value as a Term of primitives; None for a primitive, which every target must know."""
        if "_traced" not in self.__dict__:
            from_elsewhere = isinstance(self.value, BuiltinFunctionType) or (
                getattr(self.value, "__module__", "") == ieee.__name__
            )
            letters = "ab"[: len(self.derivatives)]
            self._traced = None if from_elsewhere else traced(self.value, letters)
        return self._traced

    @property
    def primitive(self) -> bool:
        """Whether the value is a function of floats, from `math` or `ieee`, not of other rows."""
        return self.traced is None

    def _hasten(self) -> None:
        """Replaces the value and the rules, at their first call, by faster plain Python.

        Only for rows of the table, which are pure functions.
        """
        if not isinstance(self.value, BuiltinFunctionType) and self.value.__name__ == "<lambda>":
            self._become("fast", self.value, "ab"[: len(self.derivatives)])
        else:
            self.fast = self.value
        for place, rule in zip(("da", "db"), self.derivatives):
            if rule is not one:
                self._become(place, rule, "yab"[: 1 + len(self.derivatives)])

    def _become(self, attribute: str, function: Rule, names: str) -> None:
        def first(*numbers: float) -> float:
            made: Rule = plain_function(function, names)
            setattr(self, attribute, made)
            return made(*numbers)

        setattr(self, attribute, first)


class Unary(Op):
    """An operation of one operand."""

    __doc__ = Description(__doc__)
    if TYPE_CHECKING:

        @overload  # type: ignore[override]  # it takes one operand, an Op any number
        def __call__(self, a: S, /) -> S: ...
        @overload
        def __call__(self, a: float, /) -> float: ...
        def __call__(self, a: S | float, /) -> S | float: ...


class Binary(Op):
    """An operation of two operands."""

    __doc__ = Description(__doc__)
    if TYPE_CHECKING:

        @overload  # type: ignore[override]  # it takes two operands, an Op any number
        def __call__(self, a: S, b: S | float, /) -> S: ...
        @overload
        def __call__(self, a: float, b: S, /) -> S: ...
        @overload
        def __call__(self, a: float, b: float, /) -> float: ...
        def __call__(self, a: S | float, b: S | float, /) -> S | float: ...


_MODULES = {"gelu": "GELU", "leaky_relu": "LeakyReLU", "relu": "ReLU", "sigmoid": "Sigmoid"}
_MODULES |= {"silu": "SiLU", "softplus": "Softplus", "tanh": "Tanh"}


def of_one(name: str, *args: object) -> None:
    """Raises NumberError for lists and arrays, with the call for each number."""
    several = [x for x in args if isinstance(x, list | tuple) or bool(getattr(x, "ndim", 0))]
    if several:
        cure = f"[{name}(x) for x in xs]"
        if len(args) > 1:
            cure = f"[{name}(a, b) for a, b in zip(xs, ys)]"
        elif name in _MODULES:
            cure += f", or nn.{_MODULES[name]}()(xs)"
        raise NumberError(
            f"expected one real number, got a {type(several[0]).__name__}: take its numbers one by "
            f"one: {cure}"
        )


@overload
def row(name: str, value: Rule1, da: Rule2, /, **traits: Unpack[UnaryTraits]) -> Unary: ...
@overload
def row(
    name: str, value: Rule2, da: Rule3, db: Rule3, /, **traits: Unpack[BinaryTraits]
) -> Binary: ...
def row(name: str, value: Rule, /, *rules: Rule, **traits: Any) -> Op:
    """Adds a row to the table and returns it: the operation."""
    op: Op = Op(name, value, *rules, module=_caller(), **traits)
    TABLE[name] = op
    op._hasten()
    return op


def _caller() -> str:
    """Returns the name of the module that called the caller of this function."""
    return str(sys._getframe(2).f_globals.get("__name__", ""))


def nothing(*_: float) -> float:
    """The value of operations that compute nothing: leaves, constants, and nodes made by hand."""
    return nan


UNDEFINED = Op(
    "undefined", None, lambda y, a, b=0.0: a * nan, lambda y, a, b: b * nan, module=__name__
)


def defined(op: Op, y: float) -> Op:
    """Returns the operation, or for a nan result one whose local derivatives are all nan.

    `telling` does the same if the result is not a number yet.
    """
    return op if y == y else UNDEFINED


def telling(op: Op) -> Op:
    """Returns the operation with local derivatives that are nan whenever its result is nan."""
    if not op.derivatives:
        return op
    less: Rule = TABLE["less"]

    def tells(rule: Rule) -> Rule:
        def rule_or_nan(y: float, *args: float) -> float:
            return rule(y, *args) + less(y, y)  # less(y, y) is 0, but nan for nan

        return rule_or_nan

    return Op(op.name, op.value, *map(tells, op.derivatives), symbol=op.symbol, module=__name__)
