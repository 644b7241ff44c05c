"""A tape as a program in Python, C or JavaScript, for places where this package is not installed.

What happens, in order:

    __init__         asks for the lines of the tape, finds a name for everything, and collects the
                     parts of the program
    expressions      says how each language writes an operation of the table
    prelude          defines the functions that C or JavaScript lack
    nan_derivatives  writes the derivatives for the case that the value is nan
    writer           has the parts of a program, and what each language must be able to do
    python, c, javascript  put the parts into the text of a program

The neuron relu(x*w + b), differentiated by w, becomes in C

    double f(double x, double w, double b, double gradient[])
    {
        double v4 = x * w + b;
        double v5 = relu(v4);
        double d_w = step(v4) * x;
        gradient[0] = d_w;
        ...
        return v5;
    }

with definitions of relu and step above it, a case for nan at the dots, and a main program below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal, get_args

from tinygrad_edu.compiler.languages.c import C
from tinygrad_edu.compiler.languages.expressions import helpers
from tinygrad_edu.compiler.languages.javascript import JavaScript, JavaScriptModule
from tinygrad_edu.compiler.languages.nan_derivatives import where_undefined
from tinygrad_edu.compiler.languages.python import Python
from tinygrad_edu.compiler.languages.writer import Parts, Writer, identifiers
from tinygrad_edu.compiler.tape.lines import lines
from tinygrad_edu.compiler.tape.names import free, names, readable
from tinygrad_edu.compiler.tape.tape import Tape
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import FormatError
from tinygrad_edu.ops import TABLE

__all__ = ["LANGUAGES", "Language", "program"]

Language = Literal["python", "c", "javascript"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
_WRITERS: dict[str, type[Writer]] = {kind.key: kind for kind in (Python, C, JavaScript)}


def program(
    tape: Tape,
    wrt: Sequence[Value],
    language: Language,
    name: str = "f",
    *,
    arguments: Sequence[Value] = (),
    needed: Collection[Value] = (),
    module: bool = False,
) -> str:
    """Returns the text of a program: a function for the first output and its gradient by `wrt`.

    The function takes `arguments`, then the other leaves on which the output depends, in the order
    in which the graph uses them. The main program takes the same arguments from its command line,
    by position or as NAME=NUMBER, and prints a line with a name and a number for each result. The
    recorded numbers are the defaults of the main program; arguments in `needed` have no default.
    name: the name of the function; a _ is added if the graph or the language already uses this
    name. module: in JavaScript, an ES module. Labels become names wherever the language allows it;
    a comment says where it does not. FormatError if a user's own operation is not made of rows of
    the table, or if the language does not allow `name`.
    """
    for op in tape.ops:
        if op.derivatives and op is not TABLE.get(op.name) and op.primitive:
            raise FormatError(
                f"{op.name} is an operation of your own that no other language can say: define its "
                "value by operators and functions of tinygrad_edu"
            )
    target = JavaScriptModule() if module else _WRITERS[language]()
    return target.write(_Builder(tape, wrt, arguments, target).parts(name, needed))


class _Builder:
    """Collects the parts of a program.

    shown: the name of each slot on the command line and in the output. called: its name in the
    language. taken: all names in the program so far. words: all names on the command line and in
    the output. takes: the arguments. own: both names of each leaf.
    """

    def __init__(
        self, tape: Tape, wrt: Sequence[Value], arguments: Sequence[Value], target: Writer
    ) -> None:
        self.tape, self.wrt, self.target = tape, wrt, target
        self.shown, self.called = names(tape), names(tape, target.name)
        self.taken = set(self.called)
        ends = [tape.outputs[0], *tape.gradients]
        self.is_computed = bool(tape.ops[ends[0]].derivatives)
        kept = {*tape.labels, *tape.gradients, *ends[: self.is_computed]}
        self.lines, self.texts = lines(
            tape, target.kind, self.called.__getitem__, ends, kept=kept, part=self._numbered("p")
        )
        self.value, *self.gradient = (str(self.texts[k]) for k in ends)
        self.leaves = {x: k for x, k in tape.leaves.items() if k in self.texts}
        self.takes = list(dict.fromkeys([*arguments, *self.leaves]))
        self.words = {*self.shown[: tape.forward], *tape.labels.values()}
        self.own = {x: (self.called[k], self.shown[k]) for x, k in tape.leaves.items()}
        for i, x in enumerate(dict.fromkeys([*wrt, *self.takes])):
            if x not in self.own:  # no output depends on this leaf
                called = free(target.name(x.label) or f"x{i}", self.taken)
                self.own[x] = called, free(readable(x.label) or f"x{i}", self.words)

    def parts(self, name: str, needed: Collection[Value]) -> Parts:
        """Returns the parts of the program; name, needed: see `program`."""
        results = [free(f"d_{self.own[x][1]}", self.words) for x in self.wrt]
        before, undefined = list[tuple[str, str]](), list[str]()
        if self.is_computed:
            before, undefined = where_undefined(
                self.tape, self.wrt, self.texts, self._numbered("u")
            )
        code = [line.text for line in self.lines]
        code += [self.value, *self.gradient, *(x for _, x in before), *undefined]
        functions = set(re.findall(r"[a-z]\w*(?=\()", " ".join(code)))
        prelude = helpers(self.target.key, functions)
        numbers = [
            self.tape.data[self.leaves[x]] if x in self.leaves else x.data for x in self.takes
        ]
        return Parts(
            name=self._function(name, prelude),
            arguments=[self.own[x][0] for x in self.takes],
            words=[self.own[x][1] for x in self.takes],
            numbers=[str(self.target.kind(x)) for x in numbers],
            given=[repr(x) for x in numbers],
            needed=[x in needed for x in self.takes],
            unused=[self.own[x][0] for x in self.takes if x not in self.leaves],
            lines=[(line.name, line.text) for line in self.lines],
            value=self.value,
            gradient=self.gradient,
            by=[self.own[x][0] for x in self.wrt],
            results=[self.shown[self.tape.outputs[0]] if self.is_computed else "value", *results],
            undefined=undefined,
            before=before,
            helpers=prelude,
            changed=[(x, label) for x, label in self._labels() if label not in ("", x)],
        )

    def _numbered(self, letter: str) -> Callable[[int], str]:
        """Returns a function that names things by a letter and a number."""
        return lambda i: free(f"{letter}{i}", self.taken)

    def _labels(self) -> Iterable[tuple[str, str]]:
        """Returns the names in the program, each with the user's label."""
        slots = [*self.leaves.values(), *(line.slot for line in self.lines)]
        labels = {self.called[k]: self.tape.labels.get(k, "") for k in slots}
        labels |= {self.own[x][0]: x.label for x in self.takes if x not in self.leaves}
        return labels.items()

    def _function(self, name: str, prelude: str) -> str:
        """Returns the name of the function, with _ added until no other name is the same."""
        target = self.target
        if not target.name(name):
            raise FormatError(f"{name[:60]!r} is not a name of a function in {target.key}")
        return free(target.name(name), {*self.taken, *target.outer, *identifiers(prelude)})
