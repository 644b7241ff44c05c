"""What a command is about: an expression, typed or read, or a Value of a script."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO, cast

import click

from tinygrad_edu.analysis.graph import Graph, graph
from tinygrad_edu.cli.common import reading
from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import ExpressionError, ScriptError, ViewError
from tinygrad_edu.ops import LEAF
from tinygrad_edu.reading.expression import LONGEST, bindings, expression, leaves
from tinygrad_edu.reading.options import files, unknown
from tinygrad_edu.reading.rerun import rerun
from tinygrad_edu.reading.script import load, named, own_stdout
from tinygrad_edu.reading.slips import GRAMMAR, SHOWN, shown

__all__ = ["Target", "argument", "load_target"]

_SCRIPT = re.compile(r"(.+\.pyw?):(.*)", re.DOTALL)
_NAMES = re.compile(r"[^\W\d][\w-]*:[^\W\d]\w*")  # as x:y, which is no expression
_ENDING = re.compile(r"\.[A-Za-z]\w*")
_COMMA = re.compile(r"\s*,\s*(?![^\[\]]*\])")  # outside of brackets
_FILE = re.compile(r"([^\s()*+]{1,300}?)(?::([^\s:]*))?")  # FILE or FILE:NAME

argument: Callable[[Any], Any] = click.argument("target", shell_complete=files)


@dataclass
class Target:
    """The Values that a target stands for, and where standard output is.

    text: of an expression, None for a script. numbers: that were given by name. unset: names that
    have no number of their own, and got the default. read: the files that were read. variables: of
    a script. made: the nodes that were computed again, by those of the script.
    """

    values: list[Value]
    stdout: TextIO
    text: str | None
    numbers: dict[str, float]
    unset: Sequence[str] = ()
    read: Sequence[str | int] = ()
    variables: Mapping[str, object] = field(default_factory=dict)
    made: Mapping[Value, Value] = field(default_factory=dict)

    @property
    def value(self) -> Value:
        """The only Value; ViewError if there are several."""
        if len(self.values) > 1:
            names = [value.label for value in self.values if value.label]
            choose = f": choose one of {', '.join(names[:20])}" if names else ""
            raise ViewError(f"there are {len(self.values)} outputs, and this shows one{choose}")
        return self.values[0]

    def learned(self) -> set[Value]:
        """The parameters of the models and the optimizers that are variables of the script."""
        from tinygrad_edu.nn.module import Module  # late: a picture needs neither
        from tinygrad_edu.optim import Optimizer

        found: list[Value] = []
        for x in self.variables.values():
            if issubclass(type(x), Module):  # isinstance would ask the stranger itself
                found += cast(Module, x).parameters()
            elif issubclass(type(x), Optimizer):
                found += cast(Optimizer, x).parameters
        return {self.made.get(p, p) for p in found}

    def names(self, texts: Sequence[str], whole: Graph | None = None) -> list[str]:
        """The names in the texts, of which one may have several, with commas.

        See `called`.
        """
        if not texts:
            return []
        whole = whole or graph(self.value)
        return [
            self.called(name, whole)
            for text in texts
            for name in ([text] if _is_name(text, whole) else _COMMA.split(text.strip()))
        ]

    def called(self, name: str, whole: Graph) -> str:
        """What the graph calls a node that may have one more name in the script: `a = b = ...`."""
        return _called(name, whole, self.values, self.variables, self.made)

    def keep(self, outputs: Iterable[str]) -> None:
        """Refuses to write over a file that was read."""
        for file in self.read:
            _keep(file, outputs)


def load_target(
    text: str,
    assignments: Sequence[str],
    *,
    default: float | None = None,
    outputs: Iterable[str] = (),
) -> Target:
    """The typed expression, differentiated; or a script's Values, as the script left them.

    text: an expression, `-` for standard input, `@FILE`, or FILE.py:NAME. default: of names that
    have no number. outputs: files that will be written, of which none may be one that is read.
    With numbers a script's graph is computed again, on nodes of its own.
    """
    stripped = text.strip()
    script = _SCRIPT.fullmatch(stripped)
    if script:
        _keep(script[1], outputs)
        target = _of_script(script[1], script[2], assignments)
        target.keep(outputs)
        return target
    typed, read, where = text, list[str | int](), ""
    if stripped == "-":
        typed, where = _standard_input(outputs), "standard input: "
        number = _number_of(sys.stdin)
        read += [] if number is None else [number]
    elif stripped.startswith("@") and len(stripped) > 1:
        read.append(stripped[1:])
        _keep(stripped[1:], outputs)
        typed, where = _text_of(stripped[1:]), f"{shown(stripped[1:])[1:-1]}: "
    numbers = bindings(assignments)
    try:
        unset = []
        if default is not None:
            unset = [name for name, x in leaves(typed, numbers).items() if x is None]
        value = expression(typed, numbers | dict.fromkeys(unset, default or 0.0))
    except ExpressionError as error:
        named = "" if where else _file_instead(stripped)
        raise ExpressionError(named or f"{where}{error}") from None
    value.backward()
    return Target([value], sys.stdout, typed, numbers, unset, read)


def _of_script(path: str, name: str, assignments: Sequence[str]) -> Target:
    numbers = bindings(assignments, str)
    stdout = own_stdout()
    if stdout is not sys.stdout:
        click.get_current_context().call_on_close(stdout.close)
    with reading():
        values, variables = load(path, name)
        made: dict[Value, Value] = {}
        if numbers:
            made = rerun(*values, numbers=_leaves(values, numbers, variables))
            values = [made[value] for value in values]
    used = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    read = [path, *(x for x in used if isinstance(x, str))]
    return Target(values, stdout, None, numbers, read=read, variables=variables, made=made)


def _leaves(
    values: Sequence[Value], numbers: dict[str, float], variables: Mapping[str, object]
) -> dict[Value, float]:
    """The numbers by leaf; ViewError for a name that is none of a leaf."""
    whole, nodes = graph(*values), list(dict.fromkeys(topological_order(*values)))
    known = [whole.names[i] for i, node in enumerate(nodes) if node.op is LEAF]
    found: dict[Value, float] = {}
    for name, number in numbers.items():
        called = _called(name, whole, values, variables, {})
        if not _is_name(called, whole):
            raise ViewError(unknown("name", name, known[:20]) if known else "there is no leaf")
        node = nodes[whole.find(called).id]
        if node.op is not LEAF:
            raise ViewError(f"{shown(name)} is computed: set one of {', '.join(known[:20])}")
        if node in found:
            raise ViewError(f"{shown(name)} has two numbers, one by another name: give it one")
        found[node] = number
    return found


def _is_name(name: str, whole: Graph) -> bool:
    return name in whole.names or any(name == node.label != "" for node in whole.nodes)


def _called(
    name: str,
    whole: Graph,
    values: Sequence[Value],
    variables: Mapping[str, object],
    made: Mapping[Value, Value],
) -> str:
    """What the graph of the values calls what the script calls `name`; that, if it is neither."""
    if not variables or _is_name(name, whole):
        return name
    x = named(variables, name)
    if not isinstance(x, Value):
        return name
    order = dict.fromkeys(topological_order(*values))  # as the graph has its nodes
    found = [i for i, node in enumerate(order) if node is made.get(x, x)]
    return whole.names[found[0]] if found else name


def _standard_input(outputs: Iterable[str]) -> str:
    if sys.stdin is None:
        raise ExpressionError("standard input is closed: write the expression in quotes")
    number = _number_of(sys.stdin)
    if number is not None:
        _keep(number, outputs)
    if sys.stdin.isatty():
        click.echo("Note: type the expression, and Ctrl-D in a line of its own", err=True)
    try:
        read = sys.stdin.read(LONGEST + 2).removeprefix("\ufeff")  # of files that Windows wrote
    except (OSError, ValueError) as error:
        raise ExpressionError(f"standard input cannot be read: {error}") from error
    return _checked(read, "standard input")


def _text_of(path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            read = file.read(LONGEST + 1)
    except UnicodeDecodeError:
        raise ExpressionError(f"{shown(path)[1:-1]} is no text in UTF-8: save it as such") from None
    except FileNotFoundError:
        raise ExpressionError(f"there is no file {shown(path)}: write @FILE") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ExpressionError(f"cannot read {shown(path)[1:-1]}: {reason}") from None
    return _checked(read, shown(path)[1:-1])


def _checked(read: str, what: str) -> str:
    if len(read) > LONGEST:
        raise ExpressionError(
            f"{what} has more than the {LONGEST} characters that an expression may have: "
            "build it in Python, and draw FILE.py:NAME"
        )
    if not read.strip():
        raise ExpressionError(f"{what} is empty: write {GRAMMAR}")
    return read


def _file_instead(text: str) -> str:
    """What to write for what is no expression, but seems to be the name of a file; else ''."""
    found = _FILE.fullmatch(text)
    if found is None or "\0" in text:
        return ""
    path, name = found[1], found[2]
    ending = os.path.splitext(path)[1]
    if ending in (".py", ".pyw"):
        return "a script is drawn as FILE.py:NAME, with the name of one of its Values"
    if ending == ".ipynb":
        return (
            f"{shown(path)} is a notebook, which is not run: save it as a script, and write "
            f"{path[:-6][:60]}.py:{name or 'NAME'}"
        )
    if os.path.isfile(f"{path}.py"):
        return f"{shown(path)} is a script: write {path[:60]}.py:{name or 'NAME'}"
    if name is None and (os.path.isfile(path) or ending == ".txt"):
        return f"write @{path[:60]} to read the expression from that file"
    if os.path.isfile(path) or _NAMES.fullmatch(text) or (name and _ENDING.fullmatch(ending)):
        return f"{shown(path)} is no Python script: write FILE.py:NAME"
    return ""


def _keep(read: str | int, outputs: Iterable[str]) -> None:
    """Refuses to write over a file that is read, by whatever name, link or detour."""
    for output in outputs:
        # the second is where `nodir/../net.py` leads once there is such a folder
        if any(_same_file(place, read) for place in (output, os.path.realpath(output))):
            raise ScriptError(
                f"{shown(output[-SHOWN:])[1:-1]} is a file that is read, which would be lost: "
                "choose another place"
            )


def _same_file(output: str, read: str | int) -> bool:
    try:
        there, here = os.stat(output), os.stat(read)
    except (OSError, ValueError):  # one of them is not there, or is no name: others will say so
        return False
    return os.path.samestat(there, here) and stat.S_ISREG(here.st_mode)


def _number_of(stream: TextIO) -> int | None:
    """The number of the open file."""
    try:
        return stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None
