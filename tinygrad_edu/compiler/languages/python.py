"""A program in Python, which imports functions from this package."""

from __future__ import annotations

import keyword
import re
from string import Template
from unicodedata import normalize

from tinygrad_edu.compiler.languages import expressions
from tinygrad_edu.compiler.languages.writer import Parts, Writer, identifiers

__all__ = ["Python"]

_PROGRAM = Template('''\
"""$title

$usage
"""
$changed$imports

@total_program
def $name($arguments):
$body$undefined    return $value, [$gradient]


if __name__ == "__main__":
    import re
    import sys

    names = [$names]
    given = [$numbers]
    results = [$results]
    number = r"[+-]?(([0-9]+[.]?[0-9]*|[.][0-9]+)(e[+-]?[0-9]+)?|inf|infinity|nan)"

    def refuse(problem):
        print(re.sub(r"[\\x00-\\x1f\\x7f]", "?", problem), file=sys.stderr)
        sys.exit(2)

    seen = set()
    position = 0
    for word in sys.argv[1:]:
        name, equals, text = word.partition("=")
        text = text if equals else word
        if equals and name not in names:
            refuse(f"unknown argument {name}: $choice")
        if not equals and position >= $count:
            refuse("$most")
        place = names.index(name) if equals else position
        position += not equals
        if place in seen:
            refuse(f"{names[place]} is given twice")
        if not re.fullmatch(number, text, re.ASCII | re.IGNORECASE):
            refuse(f"{text or repr(text)} is not a number")
        seen.add(place)
        given[place] = float(text)
${missing}    value, gradient = $name(*given)
    for name, x in zip(results, [value, *gradient]):
        print(name, repr(float(x)).removesuffix(".0"))
''')
_UNDEFINED = """\
    if $value != $value:  # undefined, and so is every derivative
$before        return $value, $gradient
"""
_MISSING = """\
    for name, x in zip(names, given):
        if x is None:
            refuse(f"{name}$missing")
"""


class Python(Writer):
    """Python 3.10 or later."""

    kind = expressions.Python
    key = "python"
    words = frozenset([*keyword.kwlist, "__debug__", "inf", "nan"])
    outer = identifiers(_PROGRAM.template)
    allowed = re.compile(r"\w+")

    def name(self, label: str) -> str:
        """Returns the label if it can be a name that Python leaves as it is (NFKC), else ''."""
        return super().name(label) if normalize("NFKC", label) == label else ""

    def write(self, parts: Parts) -> str:
        """Returns the text of the program."""
        code = [*(text for _, text in parts.lines), parts.value, *parts.gradient, *parts.numbers]
        words = sorted(set(re.findall(r"\b(?:inf|nan)\b", " ".join(code))))
        imports = f"from math import {', '.join(words)}\n" if words else ""
        imports += (
            "from tinygrad_edu.rows.ieee import total_program  # its arithmetic never raises\n"
        )
        undefined = ""
        if parts.undefined:
            many = f"[{parts.value}] * {len(parts.gradient)}"
            listed = many if parts.all_undefined else f"[{', '.join(parts.undefined)}]"
            before = "".join(f"        {name} = {text}\n" for name, text in parts.before)
            undefined = Template(_UNDEFINED).substitute(
                value=parts.value, gradient=listed, before=before
            )
        return _PROGRAM.substitute(
            title=parts.title,
            usage=parts.usage("python FILE"),
            changed="".join(f"# {line}\n" for line in parts.note()),
            imports=imports + parts.helpers,
            name=parts.name,
            arguments=", ".join(parts.arguments),
            body="".join(f"    {name} = {text}\n" for name, text in parts.lines),
            undefined=undefined,
            value=parts.value,
            gradient=", ".join(parts.gradient),
            names=", ".join(f'"{x}"' for x in parts.words),
            numbers=parts.defaults("None"),
            missing=parts.refusal(_MISSING, "python FILE"),
            results=", ".join(f'"{x}"' for x in parts.results),
            choice=parts.choice,
            count=len(parts.words),
            most=parts.most,
        )
