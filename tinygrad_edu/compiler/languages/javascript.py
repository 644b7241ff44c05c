"""A program in JavaScript, for web pages, for Node and Bun, and for bare engines."""

from __future__ import annotations

import re
from string import Template
from textwrap import indent
from typing import ClassVar

from tinygrad_edu.compiler.languages import expressions
from tinygrad_edu.compiler.languages.writer import Parts, Writer, identifiers

__all__ = ["JavaScript", "JavaScriptModule"]

_PROGRAM = Template("""\
// $title
// $usage
$changed$begin
  "use strict";
$helpers
  function $name($arguments) {
$body    return [$value, [$gradient]];
  }

  const main = (words) => {
    const names = [$names];
    const given = [$numbers];
    const results = [$results];
    const number = /^[+-]?(([0-9]+[.]?[0-9]*|[.][0-9]+)(e[+-]?[0-9]+)?|inf|infinity|nan)$$/i;
    const seen = new Set();
    let position = 0;
    for (const word of words) {
      const equals = word.indexOf("=");
      const name = word.slice(0, equals);
      const text = word.slice(equals + 1);
      const place = equals < 0 ? position++ : names.indexOf(name);
      if (place < 0) {
        return `unknown argument $${name}: $choice`;
      }
      if (place >= $count) return "$most";
      if (seen.has(place)) return `$${names[place]} is given twice`;
      if (!number.test(text)) return `$${text || "''"} is not a number`;
      seen.add(place);
      given[place] = Number(text.toLowerCase().replace(/inf(inity)?/, "Infinity"));
    }
${missing}    const [value, gradient] = $name(...given);
    [value, ...gradient].forEach((x, i) => {
      const text = Object.is(x, -0) ? "-0" : String(x);
      console.log(results[i] + " " + text.replace("Infinity", "inf").replace("NaN", "nan"));
    });
    return "";
  };

  // Whether this file is the program that was started, and not a part of another.
  const started = () => {
    if (typeof process !== "object" || !process.argv || !process.argv[1]) return false;
$common    const file = process.argv[1].replace(/\\\\/g, "/");
    const here = new Error().stack.split("\\n", 2).join(" ");
    return decodeURIComponent(here).includes(file + ":");
  };
$leave
  if (started()) {
    const problem = main(process.argv.slice(2));
    if (problem) {
      console.error(problem.replace(/[\\x00-\\x1f\\x7f]/g, "?"));
      process.exitCode = 2;
    }
  }
$end
""")
_MISSING = """\
    const missing = given.indexOf(null);
    if (missing >= 0) return `$${names[missing]}$missing`;
"""
_SCRIPT = {  # its only global name is the function; a page may load it twice
    "begin": "(() => {",
    "common": """\
    if (common) return typeof require === "function" && require.main === module;
""",
    "leave": """
  const common = typeof module === "object" && Boolean(module.exports); // as in Node
  if (common) module.exports = $name;
  else globalThis.$name = $name;
""",
    "end": "})();",
}
_MODULE = {
    "begin": "const $name = (() => {",
    "common": "",
    "leave": "",
    "end": "  return $name;\n})();\n\nexport { $name, $name as default };",
}
_WORDS = (  # reserved in strict code
    "arguments await break case catch class const continue debugger default delete do else enum "
    "eval export extends false finally for function if implements import in instanceof interface "
    "let new null package private protected public return static super switch this throw true try "
    "typeof var void while with yield "
    # names that the program itself uses
    "Infinity NaN undefined"
)


class JavaScript(Writer):
    """JavaScript ES2020 or later: a script that is also a CommonJS module."""

    kind = expressions.JavaScript
    key = "javascript"
    words = frozenset(_WORDS.split())
    outer = identifiers(_PROGRAM.template)
    allowed = re.compile(r"\w+")
    form: ClassVar[dict[str, str]] = _SCRIPT

    def write(self, parts: Parts) -> str:
        """Returns the text of the program."""
        body = [f"    const {name} = {text};\n" for name, text in parts.lines]
        if parts.undefined:
            nothing = ", ".join("NaN" if x == parts.value else x for x in parts.undefined)
            made = "".join(f"      const {name} = {text};\n" for name, text in parts.before)
            found = f"return [NaN, [{nothing}]];"
            found = f"{{\n{made}      {found}\n    }}" if made else found
            body.append(f"    if ({parts.value} !== {parts.value}) {found}\n")
        form = {k: Template(text).safe_substitute(name=parts.name) for k, text in self.form.items()}
        return _PROGRAM.substitute(
            form,
            title=parts.title,
            usage=parts.usage("node FILE"),
            changed="".join(f"// {line}\n" for line in parts.note()),
            helpers=indent(parts.helpers.rstrip("\n") + "\n", "  ") if parts.helpers else "",
            name=parts.name,
            arguments=", ".join(parts.arguments),
            body="".join(body),
            value=parts.value,
            gradient=", ".join(parts.gradient),
            names=", ".join(f'"{x}"' for x in parts.words),
            numbers=parts.defaults("null"),
            missing=parts.refusal(_MISSING, "node FILE"),
            results=", ".join(f'"{x}"' for x in parts.results),
            count=len(parts.words),
            choice=parts.choice,
            most=parts.most,
        )


class JavaScriptModule(JavaScript):
    """An ES module, which exports the function by its name and as the default."""

    form: ClassVar[dict[str, str]] = _MODULE
