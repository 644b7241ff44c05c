"""The package's errors and warnings, each a subclass of the builtin that a caller would expect."""

__all__ = [
    "ExpressionError",
    "FormatError",
    "FrozenWarning",
    "GradientError",
    "IdentityWarning",
    "InnerNodeError",
    "LeftGraphError",
    "LeftGraphWarning",
    "LengthError",
    "MissingError",
    "NonFiniteError",
    "NonFiniteWarning",
    "NumberError",
    "PrecisionError",
    "ScriptError",
    "SlowWarning",
    "StaleError",
    "StateError",
    "TapeError",
    "ViewError",
]


class NumberError(TypeError):
    """A number was needed, and the argument is not one real number."""


class InnerNodeError(AttributeError, TypeError):
    """An inner node cannot be set, copied or pickled; only a leaf can."""


class StaleError(RuntimeError):
    """A leaf got a new number after the graph was computed from its old one."""


class NonFiniteError(ArithmeticError):
    """An operation, or one of its local derivatives, gave nan or an infinity."""


class GradientError(AssertionError):
    """A gradient differs from the numerical derivative of the same function."""


class ExpressionError(ValueError):
    """The text is not an expression, or its names and numbers do not match."""


class FormatError(ValueError):
    """The format of a picture is unknown."""


class ViewError(ValueError):
    """A view option, a level or the name of a node is unknown, or options do not go together."""


class PrecisionError(ValueError):
    """Single precision was asked for, and this graph or back end has double precision alone."""


class MissingError(ImportError):
    """A feature needs a package that is not installed."""


class StateError(ValueError):
    """A saved state is damaged or belongs to another object; nothing was changed."""


class LengthError(ValueError):
    """A list has too many or too few numbers."""


class ScriptError(RuntimeError):
    """A script does not exist, fails, or does not define the name to be drawn."""


class TapeError(ValueError):
    """The instructions of a tape do not fit together, or numbers do not fit the tape."""


class LeftGraphError(TypeError):
    """A Value was used as a plain number, and its derivatives would be lost."""


class LeftGraphWarning(UserWarning):
    """A function of `math` got a Value: its result is a number without derivatives."""


class IdentityWarning(UserWarning):
    """A Value was compared with a number by `==`, or used as a condition: both mean the object."""


class NonFiniteWarning(RuntimeWarning):
    """A compiled loss computed nan or an infinity."""


class FrozenWarning(UserWarning):
    """A number was read while a graph was recorded: the graph keeps that number from then on."""


class SlowWarning(UserWarning):
    """A faster way exists, perhaps if a package is installed, or a way that needs less memory."""
