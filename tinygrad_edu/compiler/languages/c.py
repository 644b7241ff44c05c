"""A program in C99 or later, which needs only libm."""

from __future__ import annotations

import re
from string import Template

from tinygrad_edu.compiler.languages import expressions
from tinygrad_edu.compiler.languages.writer import Parts, Writer, identifiers

__all__ = ["C"]

_PROGRAM = Template("""\
/* $title
   cc -Wall -Wextra FILE -lm && $usage
   (cc -DNO_MAIN: the function alone)$changed*/
#include <math.h>

/* a * b + c is two operations, also where the processor has one for both: numbers stay the same */
#if defined __clang__
#pragma STDC FP_CONTRACT OFF
#elif defined __GNUC__
#pragma GCC optimize ("fp-contract=off")
#elif defined _MSC_VER
#pragma fp_contract (off)
#endif

${helpers}double $name($parameters)
{
$body    return $value;
}

#ifndef NO_MAIN
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const char *before, const char *word, const char *after)
{
    fputs(before, stderr);
    for (; *word; word++)
        fputc((unsigned char)*word < 32 || *word == 127 ? '?' : *word, stderr);
    fprintf(stderr, "%s\\n", after);
    return 2;
}

static void print_number(const char *name, double x)
{
    if (x != x)
        printf("%s nan\\n", name); /* and never -nan */
    else
        printf("%s %.17g\\n", name, x);
}

int main(int argc, char *argv[])
{
    const char *names[] = {${names}NULL};
    const char *results[] = {$results};
    double given[] = {${numbers}0};
${gradient}    char is_given[] = {${zeros}0};
    int position = 0;
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '='), *text = equals ? equals + 1 : argv[i], *end;
        int place = equals ? 0 : position++;
        if (equals) {
            *equals = 0;
            while (names[place] && strcmp(names[place], argv[i]))
                place++;
        }
        if (place >= $count && equals)
            return refuse("unknown argument ", argv[i],
                          ": $choice");
        if (place >= $count)
            return refuse("$most", "", "");
        if (is_given[place]++)
            return refuse("", names[place], " is given twice");
        given[place] = strtod(text, &end);
        if (end == text || *end || strpbrk(text, "xX(") || strspn(text, " \\t\\n\\v\\f\\r"))
            return refuse("", *text ? text : "''", " is not a number");
    }
${missing}${nothing}    print_number(results[0], $name($passed));
${prints}    return 0;
}
#endif
""")
_UNDEFINED = """\
    if ($value != $value) { /* undefined, and so is every derivative */
$found    }
"""
_ALL = """\
        for (int i = 0; i < $size; i++)
            $gradient[i] = NAN;
"""
_MISSING = """\
    const char needed[] = {$needed};
    for (int i = 0; i < $count; i++)
        if (needed[i] && !is_given[i])
            return refuse("", names[i], "$missing");
"""
_PRINTS = """\
    for (int i = 0; i < $size; i++)
        print_number(results[i + 1], gradient[i]);
"""
_WORDS = (  # reserved words up to C23, and those of extensions that compilers switch on by default
    "alignas alignof asm auto bool break case char const constexpr continue default do double else "
    "enum extern false float for goto if inline int long nullptr register restrict return short "
    "signed sizeof static static_assert struct switch thread_local true typedef typeof "
    "typeof_unqual union unsigned void volatile while "
    # words that some compilers or their headers define
    "errno i386 linux main math_errhandling signgam unix"
)
_MACROS = r"(?:_[A-Z_]|M_|FP_|MATH_|HUGE)\w*|INFINITY|NAN|MAXFLOAT|[XPT]?_?[TP]LOSS"  # of <math.h>
_MACROS += r"|DOMAIN|SING|OVERFLOW|UNDERFLOW|NO_MAIN|EOF|NULL"


class C(Writer):
    """C99 or later. Names are ASCII, which every compiler accepts."""

    kind = expressions.C
    key = "c"
    words = frozenset(_WORDS.split())
    outer = identifiers(_PROGRAM.template)
    allowed = re.compile(rf"(?!(?:{_MACROS})$)\w+", re.ASCII)

    def write(self, parts: Parts) -> str:
        """Returns the text of the program. The function's last parameter takes the gradient."""
        gradient = "gradient"
        while gradient in {*parts.arguments, *(name for name, _ in parts.lines)}:
            gradient += "_"
        size = len(parts.gradient)
        parameters = [f"double {x}" for x in parts.arguments]
        passed = [f"given[{i}]" for i in range(len(parts.arguments))]
        if size:
            parameters.append(f"double {gradient}[]")
            passed.append("gradient")
        body = [f"    (void){x};\n" for x in parts.unused]
        body += [f"    double {name} = {text};\n" for name, text in parts.lines]
        body += [f"    {gradient}[{i}] = {text};\n" for i, text in enumerate(parts.gradient)]
        if parts.undefined:
            found = Template(_ALL).substitute(size=size, gradient=gradient)
            if not parts.all_undefined:
                made = [f"        double {name} = {text};\n" for name, text in parts.before]
                each = (
                    f"        {gradient}[{i}] = {text};\n" for i, text in enumerate(parts.undefined)
                )
                found = "".join([*made, *each])
            body.append(Template(_UNDEFINED).substitute(value=parts.value, found=found))
        return _PROGRAM.substitute(
            title=parts.title,
            usage=parts.usage("./a.out"),
            changed="".join(f"\n   {line}" for line in parts.note()) + " ",
            helpers=parts.helpers,
            name=parts.name,
            parameters=", ".join(parameters) or "void",
            body="".join(body),
            value=parts.value,
            names="".join(f'"{x}", ' for x in parts.words),
            results=", ".join(f'"{x}"' for x in parts.results),
            numbers="".join(f"{x}, " for x in parts.numbers),
            zeros="0, " * len(parts.words),
            count=len(parts.words),
            choice=parts.choice,
            missing=parts.refusal(_MISSING, "./a.out"),
            nothing="" if parts.words else "    (void)given;\n",
            most=parts.most,
            passed=", ".join(passed),
            gradient=f"    double gradient[{size}];\n" if size else "",
            prints=Template(_PRINTS).substitute(size=size) if size else "",
        )
