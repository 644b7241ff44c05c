"""A Tape as a program in Python, C or JavaScript, for places where this package is not."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Literal, get_args

from tinygrad_edu.compiler.languages.c import C
from tinygrad_edu.compiler.languages.forms import helpers
from tinygrad_edu.compiler.languages.javascript import JavaScript, JavaScriptModule
from tinygrad_edu.compiler.languages.language import Parts, Writer, identifiers
from tinygrad_edu.compiler.languages.python import Python
from tinygrad_edu.compiler.languages.undefined import where_undefined
from tinygrad_edu.compiler.tape.listing import free, lines, names, readable
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
    """The first output and its gradient by `wrt`, as recorded, as a function and a main program.

    The function takes `arguments`, then what else the output depends on, in the order in which
    the graph uses it. So does the program, from its command line, by place or as NAME=NUMBER;
    the numbers that were recorded are its defaults, but those of `needed`, which have to be given.
    It prints a name and a number a line.
    name: of the function; it gets a _ where the graph or the language needs the name. module: an
    ES module, where the language is JavaScript. Labels are the names of the program wherever the
    language allows it, and a comment tells where it does not.
    FormatError for an operation of the user's own that cannot be traced, and for a name that is
    no name.
    """
    for op in tape.ops:
        if op.derivatives and op is not TABLE.get(op.name) and op.primitive:
            raise FormatError(
                f"{op.name} is an operation of your own whose value is not made of operators and "
                "functions of tinygrad_edu: no other language can say it"
            )
    target = JavaScriptModule() if module else _WRITERS[language]()
    shown, called = names(tape), names(tape, target.name)
    ends = [tape.outputs[0], *tape.gradients]
    computed = bool(tape.ops[ends[0]].derivatives)
    kept = {*tape.labels, *tape.gradients, *ends[:computed]}
    taken = set(called)
    made, texts = lines(
        tape,
        target.kind,
        called.__getitem__,
        ends,
        kept=kept,
        part=lambda i: free(f"p{i}", taken),
    )
    value, *gradient = (str(texts[k]) for k in ends)

    leaves = {x: k for x, k in tape.leaves.items() if k in texts}
    takes = list(dict.fromkeys([*arguments, *leaves]))
    told = {*shown[: tape.forward], *tape.labels.values()}
    own = {x: (called[k], shown[k]) for x, k in tape.leaves.items()}
    for i, x in enumerate(dict.fromkeys([*wrt, *takes])):
        if x not in own:  # nothing depends on it
            names_of = target.name(x.label) or f"x{i}", readable(x.label) or f"x{i}"
            own[x] = free(names_of[0], taken), free(names_of[1], told)
    labels = {
        called[k]: tape.labels.get(k, "") for k in [*leaves.values(), *(line.slot for line in made)]
    }
    labels |= {own[x][0]: x.label for x in takes if x not in leaves}
    results = [free(f"d_{own[x][1]}", told) for x in wrt]
    numbers = [tape.data[leaves[x]] if x in leaves else x.data for x in takes]
    before, undefined = (
        where_undefined(tape, wrt, texts, lambda i: free(f"u{i}", taken)) if computed else ([], [])
    )
    code = [*(line.text for line in made), value, *gradient, *(x for _, x in before), *undefined]
    prelude = helpers(target.key, set(re.findall(r"[a-z]\w*(?=\()", " ".join(code))))
    return target.write(
        Parts(
            name=_function(name, target, {*taken, *target.outer, *identifiers(prelude)}),
            arguments=[own[x][0] for x in takes],
            words=[own[x][1] for x in takes],
            numbers=[str(target.kind(x)) for x in numbers],
            given=[repr(x) for x in numbers],
            needed=[x in needed for x in takes],
            unused=[own[x][0] for x in takes if x not in leaves],
            lines=[(line.name, line.text) for line in made],
            value=value,
            gradient=gradient,
            by=[own[x][0] for x in wrt],
            results=[shown[ends[0]] if computed else "value", *results],
            undefined=undefined,
            before=before,
            helpers=prelude,
            changed=[(x, label) for x, label in labels.items() if label not in ("", x)],
        )
    )


def _function(name: str, target: Writer, taken: set[str]) -> str:
    """The name of the function, with as many _ as it takes to be no other name."""
    if not target.name(name):
        raise FormatError(f"{name[:60]!r} is no name of a function in {target.key}")
    return free(target.name(name), taken)
