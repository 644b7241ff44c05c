"""What can go wrong with numbers and graphs, each under the builtin a caller would expect."""

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
    "ScriptError",
    "SlowWarning",
    "StaleError",
    "StateError",
    "TapeError",
    "ViewError",
]


class NumberError(TypeError):
    """Something that is not one real number was used as one."""


class InnerNodeError(AttributeError, TypeError):
    """A node that was computed cannot be set, copied or pickled like a leaf."""


class StaleError(RuntimeError):
    """A leaf was given a new number after the graph was computed from its old one."""


class NonFiniteError(ArithmeticError):
    """An operation, or one of its local derivatives, gave nan or an infinity."""


class GradientError(AssertionError):
    """A gradient differs from the numerical derivative of the same function."""


class ExpressionError(ValueError):
    """What was typed is no expression, or its names and numbers do not match."""


class FormatError(ValueError):
    """A picture was asked for in a format that there is not."""


class ViewError(ValueError):
    """A graph was to be shown in a way that there is not, or by a name that nothing in it has."""


class MissingError(ImportError):
    """Something was asked for that needs a package which is not installed."""


class StateError(ValueError):
    """What was to be loaded is damaged, or the state of something else; nothing was changed."""


class LengthError(ValueError):
    """A list of numbers is longer or shorter than it must be."""


class ScriptError(RuntimeError):
    """A script to be drawn from is not there, fails, or does not define what was asked for."""


class TapeError(ValueError):
    """A tape whose instructions do not fit together, or numbers that do not fit a tape."""


class LeftGraphError(TypeError):
    """A Value was used as a plain number where its derivatives must not get lost."""


class LeftGraphWarning(UserWarning):
    """A function of `math` was given a Value: its result is a number, without derivatives."""


class IdentityWarning(UserWarning):
    """A Value was compared with a number by `==`, or asked for its truth: it is an object."""


class NonFiniteWarning(RuntimeWarning):
    """A compiled loss met a nan or an infinity."""


class FrozenWarning(UserWarning):
    """A number was asked for while a graph was recorded, which decides it once and for all."""


class SlowWarning(UserWarning):
    """There is a faster way, if a package is installed."""
