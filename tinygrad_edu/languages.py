"""A Tape as a program in Python, C or JavaScript, for places where this package is not."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from string import Template
from typing import Literal, get_args
from unicodedata import normalize

from tinygrad_edu.emit import lines, names
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import FormatError
from tinygrad_edu.formula import Formula
from tinygrad_edu.ops import CONSTANT, LEAF, TABLE
from tinygrad_edu.prelude import prelude
from tinygrad_edu.source import Source
from tinygrad_edu.symbolic import Row
from tinygrad_edu.tape import Tape

Language = Literal["python", "c", "javascript"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


class Python(Source):
    """Made of this package's functions: a number may be a float, a Value or an IEEE number."""

    __slots__ = ()
    forms = {"abs": "abs({0})"}  # noqa: RUF012

    def _called(self, op: Row, operands: list[Formula]) -> Formula:
        return type(self)(f"{op.__name__}({', '.join(x.text for x in operands)})")


class C(Source):
    """Made of libm's functions, and of those of the prelude."""

    __slots__ = ()
    suffix = ".0"  # 1 / 2 is 0 in C
    words = {"inf": "INFINITY", "nan": "NAN"}  # noqa: RUF012
    forms = {"pow": "pow({0}, {1})", "abs": "fabs({0})"}  # noqa: RUF012
    choice = "({0} ? {1} : {2})"


class JavaScript(Source):
    """Made of Math's functions, and of those of the prelude."""

    __slots__ = ()
    words = {"inf": "Infinity", "nan": "NaN"}  # noqa: RUF012
    forms = {"pow": "pow({0}, {1})"}  # noqa: RUF012
    choice = "({0} ? {1} : {2})"


_NAME = r"(?![vt]\d+$|d_)(?!\w*[A-Z][A-Z_])"  # not what we call the rest, no macro of C
_WORDS = (  # the reserved ones of both languages, and what else has a meaning there
    "auto bool break case catch char class const constexpr continue debugger default delete do "
    "double else enum export extends extern false finally float for function goto if implements "
    "import in inline instanceof int interface let long main new null nullptr package private "
    "protected public register restrict return short signed sizeof static struct super switch "
    "this throw true try typedef typeof union unsigned var void volatile while with yield alignas "
    "alignof thread_local static_assert arguments await eval undefined errno signgam linux unix "
    "i386 fabs log1p gradient maximum minimum inf nan asm math_errhandling Infinity NaN"
)

_READER = """\
static double at(int argc, char *argv[], int i, double otherwise)
{
    char *end;
    double x = i < argc ? strtod(argv[i], &end) : otherwise;
    if (i < argc && (end == argv[i] || *end)) {
        fprintf(stderr, "%s: %s is no number\\n", argv[0], argv[i]);
        exit(2);
    }
    return x;
}

"""  # of a number of the command line, where a C program has any

_PROGRAMS = {
    "python": '''\
"""$title

python FILE $at
"""
$helpers

def $name($leaves):
$body    return $value, [$gradient]


if __name__ == "__main__":
    import sys
    from tinygrad_edu.ieee import IEEE  # its arithmetic never raises

    given = [$numbers]
    given[: len(sys.argv) - 1] = map(float, sys.argv[1:])
    value, gradient = $name(*map(IEEE, given))
    if value != value:  # undefined, and so is every derivative
        gradient = [x and value for x in gradient]
    for name, x in zip([$results], [value, *gradient]):
        print(name, float(x))
''',
    "c": """\
/* $title
   cc -Wall -Wextra FILE -lm && ./a.out $at        (cc -DNO_MAIN: the function alone) */
#include <math.h>

${helpers}double $name($leaves)
{
$body    return $value;
}

#ifndef NO_MAIN
#include <stdio.h>
#include <stdlib.h>

${reader}int main(int argc, char *argv[])
{
    const char *results[] = {$results};
    double gradient[$size];
    if (argc > $count + 1)
        return fprintf(stderr, "%s: $count numbers at most\\n", argv[0]), 2;
    printf("%s %.17g\\n", results[0], $name($given));
    for (int i = 1; i < $size; i++)
        printf("%s %.17g\\n", results[i], gradient[i - 1]);
    return 0;
}
#endif
""",
    "javascript": """\
// $title
// node FILE $at
"use strict";

${helpers}function $name($leaves) {
$body  return [$value, [$gradient]];
}

module.exports = $name;

if (require.main === module) {
  const results = [$results];
  const given = [$numbers];
  process.argv.slice(2).forEach((x, i) => {
    given[i] = Number(x.replace("inf", "Infinity"));
    if (i >= $count || (Number.isNaN(given[i]) && x !== "nan")) {
      console.error(i < $count ? x + " is no number" : "$count numbers at most");
      process.exit(2);
    }
  });
  const [value, gradient] = $name(...given);
  [value, ...gradient].forEach((x, i) => {
    const number = Object.is(x, -0) ? "-0" : String(x);
    console.log(results[i] + " " + number.replace("Infinity", "inf").replace("NaN", "nan"));
  });
}
""",
}


def program(tape: Tape, wrt: Sequence[Value], language: Language, name: str = "f") -> str:
    """The first output and its gradient by `wrt`, as recorded, as a function and a main program.

    The function takes the leaves in the order in which the graph uses them. So does the program,
    from its command line; the numbers that were recorded are its defaults. It prints a name and
    a number a line. FormatError for an operation of the user's own.
    """
    for op in tape.ops:
        if op.derivatives and op is not TABLE.get(op.name):
            raise FormatError(f"{op.name} is an operation of your own: only this package knows it")
    kind: type[Source] = {"python": Python, "c": C, "javascript": JavaScript}[language]
    taken = {*_WORDS.split(), *keyword.kwlist, *TABLE, name}
    fits = re.compile(_NAME + r"[^\W\d_]\w*", 0 if language == "python" else re.ASCII).fullmatch
    called = names(
        tape,
        lambda label: (
            fits(label)
            and label.isidentifier()
            and normalize("NFKC", label) == label
            and label not in taken
        ),
    )
    ends = [tape.outputs[0], *tape.gradients]
    kept = {*tape.labels, *tape.gradients}
    if tape.ops[ends[0]].derivatives:
        kept.add(ends[0])
    made, texts = lines(tape, kind, called.__getitem__, ends, kept=kept)
    value, *gradient = (str(texts[k]) for k in ends)
    leaves = [k for k in texts if tape.ops[k] is LEAF]
    by = [called[tape.leaves[x]] if x in tape.leaves else f"x{i}" for i, x in enumerate(wrt)]
    results = [called[ends[0]] if tape.ops[ends[0]].derivatives else "value"]
    results += [f"d_{x}" for x in by]
    numbers = [str(kind(tape.data[k])) for k in leaves]
    code = [*(line.text for line in made), value, *gradient]
    undefined = _undefined(tape, language, value)
    title = f"{name}({', '.join(called[k] for k in leaves)})"
    fields = {
        "name": name,
        "title": f"{title} and its derivatives by {', '.join(by) or 'nothing'}, in this order.",
        "at": " ".join(f"{tape.data[k]!r}" for k in leaves),
        "value": value,
        "gradient": ", ".join(gradient),
        "results": ", ".join(f'"{x}"' for x in results),
        "numbers": ", ".join(numbers),
        "size": len(ends),
        "count": len(leaves),
        "leaves": ", ".join(called[k] for k in leaves),
        "given": "",
        "reader": _READER if leaves else "",
        "helpers": _helpers(language, set(re.findall(r"[a-z]\w*(?=\()", " ".join(code)))),
    }
    form = {"python": "    {} = {}\n", "c": "    double {} = {};\n"}.get(
        language, "  const {} = {};\n"
    )
    body = [form.format(line.name, line.text) for line in made]
    if language == "c":
        more = ["double gradient[]"] if gradient else []
        fields["leaves"] = ", ".join([*(f"double {called[k]}" for k in leaves), *more]) or "void"
        passed = [f"at(argc, argv, {i}, {number})" for i, number in enumerate(numbers, 1)]
        fields["given"] = ", ".join(passed + ["gradient"] * len(more))
        body += [f"    gradient[{i}] = {text};\n" for i, text in enumerate(gradient)]
    if language == "python":
        words = sorted(set(re.findall(r"\b(?:inf|nan)\b", " ".join([*code, *numbers]))))
        imported = f"from math import {', '.join(words)}\n" if words else ""
        fields["helpers"] = imported + str(fields["helpers"])
    body.append(undefined)
    return Template(_PROGRAMS[language]).substitute(fields, body="".join(body))


def _undefined(tape: Tape, language: str, value: str) -> str:
    """The line that makes every derivative of a nan a nan, as everywhere; '' if there is none."""
    zeros = [tape.ops[k] is CONSTANT and tape.data[k] == 0 for k in tape.gradients]
    if all(zeros) or language == "python" or not tape.ops[tape.outputs[0]].derivatives:
        return ""  # Python's program says it, lest its function be harder to read
    if language == "c":
        places = "".join(f"gradient[{i}] = " for i, zero in enumerate(zeros) if not zero)
        return f"    if (isnan({value})) {places}NAN;\n"
    gradient = ", ".join("0" if zero else "NaN" for zero in zeros)
    return f"  if (Number.isNaN({value})) return [NaN, [{gradient}]];\n"


def _helpers(language: str, called: set[str]) -> str:
    """The lines that give the functions which are called their meaning."""
    if language == "python":
        own = sorted(called - {"abs"})
        return f"from tinygrad_edu.ops import {', '.join(own)}\n" if own else ""
    kind = {"c": C, "javascript": JavaScript}[language]
    lines, library = prelude(language, kind, called)
    if language == "javascript" and library:
        lines = [f"const {{ {', '.join(library)} }} = Math;", *lines]
    return "".join(f"{line}\n" for line in lines) + "\n" * bool(lines)
