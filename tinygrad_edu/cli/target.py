"""The TARGET of a command: an expression, typed or read from a file, or a Value of a script."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
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
_NAMES = re.compile(r"[^\W\d][\w-]*:[^\W\d]\w*")  # such as x:y, which is not an expression
_ENDING = re.compile(r"\.[A-Za-z]\w*")
_COMMA = re.compile(r"\s*,\s*(?![^\[\]]*\])")  # outside brackets
_FILE = re.compile(r"([^\s()*+]{1,300}?)(?::([^\s:]*))?")  # FILE or FILE:NAME

argument: Callable[[Any], Any] = click.argument("target", shell_complete=files)


class Target:
    """The Values of a TARGET, and the stream of standard output.

    text: the expression, None for a script. numbers: those given by --at. unset: names without a
    number, which have the default. read: the files that were read. variables: of the script. made:
    from each node of the script to the node that was computed again for it.
    """

    def __init__(
        self,
        values: list[Value],
        stdout: TextIO,
        text: str | None,
        numbers: dict[str, float],
        unset: Sequence[str] = (),
        read: Sequence[str | int] = (),
        variables: Mapping[str, object] = MappingProxyType({}),
        made: Mapping[Value, Value] = MappingProxyType({}),
    ) -> None:
        self.values, self.stdout, self.text, self.numbers = values, stdout, text, numbers
        self.unset, self.read, self.variables, self.made = unset, read, variables, made

    @property
    def value(self) -> Value:
        """The only Value; ViewError if there are several."""
        if len(self.values) > 1:
            names = [value.label for value in self.values if value.label]
            choose = f": choose one of {', '.join(names[:20])}" if names else ""
            problem = f"there are {len(self.values)} outputs, and this command shows one"
            raise ViewError(f"{problem}{choose}")
        return self.values[0]

    def learned(self) -> set[Value]:
        """The parameters of the models and the optimizers that are variables of the script."""
        from tinygrad_edu.nn.module import Module  # late: a picture needs neither
        from tinygrad_edu.optim import Optimizer

        found: list[Value] = []
        for x in self.variables.values():
            if issubclass(type(x), Module):  # isinstance would run code of the object itself
                found += cast(Module, x).parameters()
            elif issubclass(type(x), Optimizer):
                found += cast(Optimizer, x).parameters
        return {self.made.get(p, p) for p in found}

    def names(self, texts: Sequence[str], whole: Graph | None = None) -> list[str]:
        """The names in the texts, where one text may have several with commas; see `called`."""
        if not texts:
            return []
        whole = whole or graph(self.value)
        return [
            self.called(name, whole)
            for text in texts
            for name in ([text] if _is_name(text, whole) else _COMMA.split(text.strip()))
        ]

    def called(self, name: str, whole: Graph) -> str:
        """The name in the graph of a node, which may have other names in the script (`a = b`)."""
        return _called(name, whole, self.values, self.variables, self.made)

    def keep(self, outputs: Iterable[str]) -> None:
        """ScriptError if one of the outputs is a file that was read."""
        for file in self.read:
            _keep(file, outputs)


def load_target(
    text: str,
    assignments: Sequence[str],
    *,
    default: float | None = None,
    outputs: Iterable[str] = (),
) -> Target:
    """The Target of a text: an expression, differentiated, or the Values that a script left.

    text: an expression, `-` for standard input, `@FILE`, or FILE.py:NAME. assignments: the texts of
    --at; with them, a script's graph is computed again, on new nodes. default: the number of names
    that have none. outputs: the files that will be written; ScriptError if one of them is read.
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
    """The number of each leaf; ViewError for a name that is not the name of a leaf."""
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
            raise ViewError(f"{shown(name)} has two names and two numbers: give it one number")
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
    """The name in the graph of the script's Value `name`; `name` itself if there is none."""
    if not variables or _is_name(name, whole):
        return name
    x = named(variables, name)
    if not isinstance(x, Value):
        return name
    order = dict.fromkeys(topological_order(*values))  # the order of the nodes of the graph
    found = [i for i, node in enumerate(order) if node is made.get(x, x)]
    return whole.names[found[0]] if found else name


def _standard_input(outputs: Iterable[str]) -> str:
    if sys.stdin is None:
        raise ExpressionError("standard input is closed: write the expression in quotes")
    number = _number_of(sys.stdin)
    if number is not None:
        _keep(number, outputs)
    if sys.stdin.isatty():
        click.echo("Note: type the expression, then Ctrl-D on a new line", err=True)
    try:
        read = sys.stdin.read(LONGEST + 2).removeprefix("\ufeff")  # Windows adds this mark
    except (OSError, ValueError) as error:
        raise ExpressionError(f"standard input cannot be read: {error}") from error
    return _checked(read, "standard input")


def _text_of(path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            read = file.read(LONGEST + 1)
    except UnicodeDecodeError:
        problem = f"{shown(path)[1:-1]} is not text in UTF-8: save it as UTF-8"
        raise ExpressionError(problem) from None
    except FileNotFoundError:
        problem = f"there is no file {shown(path)}: write @ and the name of a file"
        raise ExpressionError(problem) from None
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
    """The message for a text that looks like the name of a file and not an expression; else ''."""
    found = _FILE.fullmatch(text)
    if found is None or "\0" in text:
        return ""
    path, name = found[1], found[2]
    ending = os.path.splitext(path)[1]
    if ending in (".py", ".pyw"):
        return "to draw a script, write FILE.py:NAME, with the name of one of its Values"
    if ending == ".ipynb":
        return (
            f"{shown(path)} is a notebook, and cannot be run: save it as a script, and write "
            f"{path[:-6][:60]}.py:{name or 'NAME'}"
        )
    if os.path.isfile(f"{path}.py"):
        return f"{shown(path)} is a script: write {path[:60]}.py:{name or 'NAME'}"
    if name is None and (os.path.isfile(path) or ending == ".txt"):
        return f"write @{path[:60]} to read the expression from that file"
    if os.path.isfile(path) or _NAMES.fullmatch(text) or (name and _ENDING.fullmatch(ending)):
        return f"{shown(path)} is not a Python script: write FILE.py:NAME"
    return ""


def _keep(read: str | int, outputs: Iterable[str]) -> None:
    """ScriptError if one of the outputs is the file `read`, by any name, link or path."""
    for output in outputs:
        # `nodir/../net.py` does not exist before the folder `nodir` does, but its real path may
        if any(_same_file(place, read) for place in (output, os.path.realpath(output))):
            raise ScriptError(
                f"{shown(output[-SHOWN:])[1:-1]} is read by this command, and would be lost: "
                "choose another place"
            )


def _same_file(output: str, read: str | int) -> bool:
    try:
        there, here = os.stat(output), os.stat(read)
    except (OSError, ValueError):  # one does not exist, or is not a valid name: reported elsewhere
        return False
    return os.path.samestat(there, here) and stat.S_ISREG(here.st_mode)


def _number_of(stream: TextIO) -> int | None:
    """The file descriptor of the stream, or None if it has none."""
    try:
        return stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None
