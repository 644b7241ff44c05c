"""Hostile input at the command line: exit code 2, one line on stderr, and nothing else happens."""

from __future__ import annotations

import contextlib
import errno
import html
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from conftest import linux, posix

from tinygrad_edu.cli import main

SVG = "{http://www.w3.org/2000/svg}"
X = ("--at", "x=1")
IMPORT = "from tinygrad_edu import Value\n"
GRAMMAR = "numbers, names, + - * / **"  # what every refusal of an expression might list
UNSEEN = f"U+|cannot be read|{GRAMMAR}"  # of a character that nobody can see
LINUX = sys.platform == "linux"
POSIX = os.name == "posix"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and a terminal of 80 columns that knows Unicode."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "TINYGRAD_EDU_DOT", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def contents(folder: Path) -> dict[str, tuple[int, str | bytes]]:
    """Everything below the folder: names, modes, and bytes or where a link leads to."""
    found: dict[str, tuple[int, str | bytes]] = {}
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        data = os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes()
        found[str(path)] = (mode, data or b"")
    return found


def run(*args: str) -> Result:
    return CliRunner().invoke(main, list(args), prog_name="tinygrad-edu")


def the_line(code: int, stdout: str, stderr: str) -> str:
    """What a refusal says, when it is what a refusal has to be."""
    assert code == 2, (code, stdout[:500], stderr[-2000:])
    assert stdout == ""
    assert stderr.startswith("Error: ")
    assert stderr.endswith("\n")
    line = stderr[: -len("\n")]
    assert line.isprintable(), "more than one line, or characters that a terminal obeys"
    assert len(line) <= 520
    assert "Traceback" not in line
    return line.removeprefix("Error: ")


def refusal(*args: str) -> str:
    """What the command says when it refuses, having done nothing."""
    message = success_or_refusal(*args)
    assert message is not None
    return message


def success_or_refusal(*args: str) -> str | None:
    """What the command says when it refuses, having done nothing; None when it succeeds."""
    here = Path.cwd()
    before = contents(here)
    result = run(*args)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError("a traceback") from result.exception
    if result.exit_code == 0:
        return None
    message = the_line(result.exit_code, result.stdout, result.stderr)
    assert contents(here) == before
    return message


def success(*args: str) -> str:
    result = run(*args)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError("a traceback") from result.exception
    assert result.exit_code == 0, result.stderr
    return result.stdout


def short(case: object) -> str | None:
    """A legible name for a test; pytest makes one up for None."""
    text = ascii(case)[1:-1] if isinstance(case, str) else ""
    return text[:40] or None


def every_refusal(text: str) -> list[str]:
    """What each command says of such an expression; `render` would have written a file."""
    return [
        refusal("render", text, *X, "-o", "y.dot"),
        refusal("check", text, *X),
        refusal("explain", text, *X, "--wrt", "x"),
        refusal("step", text, *X, "--all"),
        refusal("orders", text, *X),
    ]


# Syntax: the expression, and words of the answer (one of several, with | between)

SYNTAX = [
    ("", "empty"),
    (" ", "empty"),
    ("\n\t", "empty"),
    ("(", "never closed"),
    ("((x)", "never closed"),
    ("tanh(", "never closed"),
    ("tanh(x", "never closed"),
    (")", "unmatched"),
    ("(x))", "unmatched"),
    ("(x]", "does not match"),
    ("x +", "nothing follows"),
    ("* x", "nothing stands before it"),
    ("x + * x", GRAMMAR),
    ("x ** * x", GRAMMAR),
    ("x *** x", GRAMMAR),
    ("-", GRAMMAR),
    ("+-", "nothing follows"),
    ("()", GRAMMAR),
    ("x ()", "not a function"),
    ("x y", "x*y"),
    ("2x", "2*x"),
    ("2 x", "2*x"),
    ("x 2", "x*2"),
    ("2x + 1", "2*x"),
    ("tanh x", "tanh(x)"),
    ("tanh(2 x)", "*"),
    ("tanh(x x)", "*"),
    ("max(2x, 1)", "2*x"),
    ("(x)(x)", "not a function"),
    ("2(x)", "2*(x)"),
    ("tanh(x)(x)", "(tanh(x))*(x)"),
    ("x;x", "names, c = a+b"),
    ("x\nx", "names, c = a+b"),
    ("x,", "draw x alone"),
    ("x, x", "draw x or x alone"),
    ("(x, x)", "draw x or x alone"),
    ("tanh((x, x))", "draw x or x alone"),
    ("tanh(,)", GRAMMAR),
    ("x..x", GRAMMAR),
    (".", GRAMMAR),
    ("...", GRAMMAR),
    ("x!", GRAMMAR),
    ("x?", GRAMMAR),
    ("$x", GRAMMAR),
    ("`x`", GRAMMAR),
    ("#", GRAMMAR),
    ("x->x", GRAMMAR),
    ("@x", "there is no file 'x'"),
    ("x@", "nothing follows"),
    ("\\", GRAMMAR),
    ("x\\", GRAMMAR),
    ("x\\x", GRAMMAR),
    ("x^2", "**"),
    ("x^x^x", "**"),
    ("(x + 1)^-2", "**"),
    ("tanh(x^2)", "**"),
    ("x//2", "/"),
    ("x % 2", "/"),
    ("x @ x", "*"),
    ("x | 1", "abs(x)"),
    ("x & 1", "mask(a, b)"),
    ("x << 1", "x * 2**n"),
    ("x >> 1", "x / 2**n"),
    ("~x", "1 - x"),
    ("x²", "**"),
    ("x × 2", "*"),
    ("2·x", "*"),
    ("x − 1", "-"),
    ("x ÷ 2", "/"),
    ("√x", f"sqrt|{GRAMMAR}"),
    ("x ≤ 1", "1 - less(b, a)"),
    ("“x”", "leave it out"),
    ("x = x + 2", "a number and a definition"),
    ("x += 1", "y = x + 1"),
    ("x := 1", "--at NAME=NUMBER"),
    ("x*x, x=2", "--at NAME=NUMBER"),
    ("2 = x", "--at NAME=NUMBER"),
    ("x + 1 = x", "--at NAME=NUMBER"),
    ("y = ", "--at NAME=NUMBER"),
    ("= x", "--at NAME=NUMBER"),
    ("y = z = x", "z = x; y = z"),
    ("y, z = x, x", "a = ...; b = ..."),
    ("y: x = x", "such as c = a+b|, c = a+b"),
    ("y.z = x", "write c = a+b"),
    ("y[0] = x", "write c = a+b"),
    ("y = x; y = x; y", "defined twice"),
    ("y = x; x", "not in the expression"),
    ("z = y; y = x; z", "y is used before it is defined"),
    ("y = y", "y is used before it is defined"),
    ("tanh = x; tanh", "is a function"),
    ("y = x;; y", "c = a+b|*"),
    ("y = x\n\0", "c = a+b|characters|null"),
    ("x == 1", "a definition has one, x = 1"),
    ("x < 1", "less(x, 1)"),
    ("x != x", "less(x, x) + less(x, x)"),
    ("x < x < x", "less(x, x) * less(x, x)"),
    ("x\0", f"null|{UNSEEN}"),
    ("\0", f"null|{UNSEEN}"),
    ("x\ud800", "characters that cannot be read"),
    ("\udcff", "characters that cannot be read"),
    ("\x1b[31mx\x1b[0m", UNSEEN),
    ("x\x07", UNSEEN),
    ("x\x7f", UNSEEN),
    ("x\u202e", UNSEEN),
    ("\u200fx", UNSEEN),
    ("x\u200b", UNSEEN),
    ("\ufeffx", UNSEEN),
    ("x\x85x", UNSEEN),
    ("x\u2028x", UNSEEN),
]


@pytest.mark.parametrize(("text", "words"), SYNTAX, ids=short)
def test_what_is_no_expression_is_told_what_would_be(text: str, words: str) -> None:
    for message in every_refusal(text):
        assert any(word in message for word in words.split("|"))


# Attempts to reach Python

REACH = [
    "__import__('os')", "__import__('os').system('touch touched')",
    "__import__('pathlib').Path('touched').touch()", "eval('1')", 'exec(\'open("touched", "w")\')',
    "compile('1', '', 'eval')", "open('touched', 'w')", "input()", "print(x)", "breakpoint()",
    "exit()", "quit()", "help()", "vars()", "dir()", "globals()", "locals()", "getattr(x, 'data')",
    "setattr(x, 'data', 1)", "type(x)", "float(x)", "range(10**10)", "Value(1)", "x.data",
    "x.__class__", "x.backward()", "x.__class__.__mro__[1].__subclasses__()",
    "().__class__.__bases__[0].__subclasses__()", "''.__class__", "(1).real", "1 .real", "1..real",
    "tanh.value", "tanh.value(x)", "tanh.__globals__", "tanh.__class__.__new__",
    "(tanh if x else exp)(x)", "(lambda: x)()", "lambda: 0", "lambda x: x", "lambda *a, **k: x",
    "[x for x in (1, 2)]", "{x for x in (1, 2)}", "{x: x for x in (1, 2)}", "(x for x in (1, 2))",
    "max(x for x in (1, 2))", "[x]", "[]", "{x}", "{}", "{x: x}", "{**x}", "[*x]", "x[0]", "x[:]",
    "x[0:1, ...]", "'a'", '"a"', "'a' * 10**10", "'a' 'b'", "tanh('a')", "b'a'", "r'a'", "u'a'",
    "'''a'''", "f'{x}'", "f'{__import__(\"os\")}'", "f'{x!r:>{x}}'", "f'{'", "'abc", "'''abc",
    "(x := 1)", "tanh(x := 1)", "x := 1", "*x", "tanh(*x)", "max(*(x, x))", "tanh(**{})",
    "tanh(a=x)", "tanh(x, a=x)", "x if x else x", "x if x", "x and x", "x or x", "not x", "x is x",
    "x in x", "await x", "(await x)", "yield", "yield x", "(yield)", "(yield x)", "(yield from x)",
    "async x", "import os", "from os import system", "import os; os.system('touch touched')",
    "del x", "pass", "return x", "raise x", "global x", "def f(): pass", "class C: pass",
    "for x in x: x", "while 1: x", "with x: x", "assert x", "@x\ndef f(): pass", "None", "True",
    "False", "Ellipsis", "NotImplemented", "__debug__", "__builtins__", "__name__", "__file__",
    "__class__", "__loader__.load_module('os')", "ｅｖａｌ('1')", "__ｉｍｐｏｒｔ__('os')",
    "𝔢𝔳𝔞𝔩('1')", "x.＿＿class＿＿", "ｌａｍｂｄａ: x", "ｔａｎｈ.value",
    "\N{CYRILLIC SMALL LETTER HA}",
    "t\N{CYRILLIC SMALL LETTER A}nh(x)", "%s %(x)s {x} {0} {x.__class__}", "$(touch touched)",
    "`touch touched`", "x; touch touched", "x | touch touched", "../../etc/passwd",
    "file:///etc/passwd", "http://localhost/x",
]  # fmt: skip


@pytest.mark.parametrize("text", REACH, ids=short)
def test_python_is_out_of_reach(text: str) -> None:
    told = [refusal("check", typed, *X) for typed in (f"y = {text}", f"y = x\n{text}")]
    for message in [*every_refusal(text), *told]:
        assert re.search(
            r": (write|choose|leave|put it|give|add|a (definition|decimal) (has|is)|"
            r"functions such as)|"
            r" is written |--at NAME=NUMBER|not in the expr",
            message,
        ), f"no word of what would be right: {message}"


@pytest.mark.parametrize(
    ("text", "plain"),
    [("ｔａｎｈ(x)", "tanh(x)"), ("ｍａｘ(ｘ, １.5)", None), ("𝓮𝔁𝓹(x)", "exp(x)"), ("ｘ", "x")],
    ids=short,
)
def test_letters_that_python_normalises_are_the_allowed_names(text: str, plain: str | None) -> None:
    if plain is None:
        assert "(U+FF11)" in refusal("render", text, *X) or GRAMMAR in refusal("render", text, *X)
    else:
        assert success("render", text, *X) == success("render", plain, *X)


# Numbers

BAD_NUMBERS = [
    ("1j", "such as 0.5"),
    ("x*1j", "such as 0.5"),
    ("1e999j", "such as 0.5"),
    ("017", "0"),
    ("1__0", GRAMMAR),
    ("1_", GRAMMAR),
    ("0x", "0x"),
    ("0b2", "0b2"),
    ("0o8", "0o8"),
    ("0xg", "0xg"),
    ("1e", GRAMMAR),
    ("1e+", "nothing follows"),
    ("1.2.3", GRAMMAR),
    ("1,000", "1.000"),
    ("1 000", GRAMMAR),
    ("x*1,5", "x*1.5"),
    ("½", "1/2"),
    ("١٢", GRAMMAR),
    ("∞", "1e999"),
    ("5%", "nothing follows"),
    ("1k", GRAMMAR),
    ("inf", "inf=NUMBER"),
    ("nan", "nan=NUMBER"),
    ("tau", "tau=NUMBER"),
    ("9" * 10_001, "more than 10000"),
    ("9**" * 5_000 + "9", "more than 10000"),
    ("0." + "1" * 10_000, "more than 10000"),
]


@pytest.mark.parametrize(("text", "words"), BAD_NUMBERS, ids=short)
def test_what_is_no_number_is_told_so(text: str, words: str) -> None:
    assert words in refusal("render", text, *(X if "x*" in text else ()), "-o", "y.dot")


INFINITE = ["1e999", "9**9**9", "9**9**9**9", "10**400", "1e200*1e200", "9" * 4_000, "1/0"]


@pytest.mark.parametrize("text", INFINITE, ids=short)
def test_numbers_without_end_are_infinite_at_once(text: str) -> None:
    result = run("render", text, "--format", "json")
    assert json.loads(result.stdout)["nodes"][-1]["data"] == "inf"
    assert re.fullmatch(r"Note: .*\binf\n", result.stderr)
    assert "inf" in refusal("render", text, "--strict")


@pytest.mark.parametrize("digits", [4_301, 5_000, 9_999, 10_000])
@pytest.mark.parametrize("form", ["{}", "-{}", "2*{}", "{}.0", "1e{}", "0.{}", "{}j"])
def test_ten_thousand_digits_are_a_number_or_are_told_what_would_be(form: str, digits: int) -> None:
    text = form.format("9" * digits)
    message = success_or_refusal("render", text) or ""
    assert "sys." not in message, "advice to somebody else"
    assert "hexadecimal" not in message


def test_a_number_at_the_end_of_what_may_be_typed() -> None:
    assert success("render", "0x" + "f" * 9_998) == "inf\n"
    assert success("render", "0." + "1" * 9_998) == "0.1111\n"
    assert success("render", "1" * 4_000 + "e-3999") == "1.1111\n"


# Resources

DEEP = {
    "100,000 brackets": "(" * 100_000 + "x" + ")" * 100_000,
    "100,000 opening brackets": "(" * 100_000,
    "100,000 closing brackets": ")" * 100_000,
    "10 MB": "x" * 10_000_000,
    "10 MB of operators": "x+" * 5_000_000 + "x",
    "10 MB of blanks": " " * 10_000_000 + "x" + " " * 10_000_000,
    "10 MB of script names": "a.py:" * 2_000_000 + "(",
    "10,000 minus signs": "-" * 10_000 + "x",
    "5,000 calls": "sin(" * 5_000 + "x" + ")" * 5_000,
    "5,000 powers": "x**" * 5_000 + "x",
    "5,000 brackets": "(" * 4_999 + "x" + ")" * 4_999,
    "2,000 calls": "sin(" * 1_999 + "x" + ")" * 1_999,
    "1,000 brackets": "(" * 1_000 + "x" + ")" * 1_000,
    "201 brackets": "(" * 201 + "x" + ")" * 201,
    "5,000 opening brackets": "(" * 5_000,
    "5,000 lists": "[" * 5_000 + "]" * 5_000,
    "5,000 closing brackets": ")" * 5_000,
    "3,000 arguments": "max(" + "x," * 3_000 + "x)",
    "4,000 attributes": "x" + ".a" * 4_000,
    "3,000 subscripts": "x" + "[0]" * 3_000,
    "3,000 calls of calls": "x" + "(0)" * 3_000,
    "1,400 lambdas": "lambda:" * 1_400 + "x",
    "2,000 nots": "not " * 2_000 + "x",
    "800 conditions": "x if x else " * 800 + "x",
    "4,000 comparisons": "x<" * 4_000 + "x",
    "2,000 tildes": "~" * 2_000 + "x",
    "100 f-strings": "f'{" * 100 + "x",
    "10,000 quotes": "'" * 9_999,
    "10,000 backslashes": "\\" * 9_999,
    "10,000 newlines": "x" + "\n" * 9_900 + "x",
    "a name of 9,000 letters": "q" * 9_000,
    "a function of 9,000 letters": "q" * 9_000 + "(x)",
    "200 names": "+".join(f"name_{i}" for i in range(200)),
    "10,000 combining accents": "x" + "\u0301" * 9_998,
    "10,000 emoji": "😀" * 9_999,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_what_would_take_too_much_is_refused(text: str) -> None:
    refusal("render", text, *X, "-o", "y.dot")
    message = refusal("check", text, *X)
    if text.startswith("("):
        assert re.search(r"fewer|nested|more than|never closed", message)


LONG = {
    "4,999 additions": "x+" * 4_999 + "x",
    "4,999 products": "x*" * 4_999 + "x",
    "4,999 differences": "x-" * 4_999 + "x",
    "3,333 powers": "x**" * 3_332 + "x",
    "9,999 minus signs": "-" * 9_999 + "x",
    "9,999 plus signs": "+" * 9_999 + "x",
    "4,900 negations": "x-" + "-" * 4_900 + "x",
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_long_row_of_operators_is_drawn_or_told_what_would_be_right(text: str) -> None:
    message = success_or_refusal("render", text, *X) or ""
    assert "brackets" not in message, "there are none to leave out"


def test_what_pythons_parser_can_nest_is_drawn() -> None:
    for text in ("(" * 150 + "x" + ")" * 150, "sin(" * 150 + "x" + ")" * 150, "-" * 900 + "x"):
        assert "x = 1" in success("render", text, *X)
    assert success("render", "x" + "+x" * 900, *X).startswith("+ = 901")


# --at

AT = [
    ([""], "NAME=NUMBER"),
    (["x"], "NAME=NUMBER"),
    (["x 1"], "NAME=NUMBER"),
    (["x:1"], "NAME=NUMBER"),
    (["--at"], "NAME=NUMBER"),
    (["="], "not a name"),
    (["=1"], "not a name"),
    ([" =1"], "not a name"),
    (["2=1"], "not a name"),
    (["2x=1"], "not a name"),
    (["x y=1"], "not a name"),
    (["x-y=1"], "not a name"),
    (["x.y=1"], "not a name"),
    (["x[0]=1"], "not a name"),
    (["x:=1"], "not a name"),
    (["'x'=1"], "not a name"),
    (["*x=1"], "not a name"),
    (["-x=1"], "not a name"),
    (["x\0=1"], "not a name"),
    (["\x1b[31mx=1"], "not a name"),
    (["\ud800=1"], "not a name"),
    (["\u202ex=1"], "not a name"),
    (["x²=1"], "not a name"),
    (["q" * 1_000_000 + "=1"], "not a name"),
    (["tanh=1"], "is a function"),
    (["ｔａｎｈ=1"], "is a function"),
    (["max=1", "x=1"], "is a function"),
    (["lambda=1"], "reserved word"),
    (["None=1"], "reserved word"),
    (["True=1"], "reserved word"),
    (["ｉｆ=1"], "reserved word"),
    (["x="], "x has no number: write x=NUMBER, without blanks around ="),
    (["x=="], "is not a number: write x=NUMBER"),
    (["x==1"], "is not a number: write x=NUMBER"),
    (["x=1=2"], "is not a number: write x=NUMBER"),
    (["x=one"], "is not a number: write x=NUMBER"),
    (["x=1,5"], "is not a number: write x=NUMBER"),
    (["x=1 2"], "is not a number: write x=NUMBER"),
    (["x=1__0"], "is not a number: write x=NUMBER"),
    (["x=1j"], "is not a number: write x=NUMBER"),
    (["x=True"], "is not a number: write x=NUMBER"),
    (["x=None"], "is not a number: write x=NUMBER"),
    (["x=−1"], "is not a number: write x=NUMBER"),
    (["x=½"], "is not a number: write x=NUMBER"),
    (["x=1\0"], "is not a number: write x=NUMBER"),
    (["x=\x1b[31m1"], "is not a number: write x=NUMBER"),
    (["x=\ud800"], "is not a number: write x=NUMBER"),
    (["x=1;import os"], "is not a number: write x=NUMBER"),
    (["x=__import__('os')"], "is not a number: write x=NUMBER"),
    (["x=" + "9" * 1_000_000 + "q"], "is not a number: write x=NUMBER"),
    (["x=1", "x=2"], "x has two numbers: give it one"),
    (["x=1", "x=1"], "x has two numbers: give it one"),
    (["x=1", "ｘ=1"], "x has two numbers: give it one"),
    (["x=1", "y=2"], "y has a number but is not in the expression"),
    (["x=1", "__import__=2"], "__import__ has a number but is not in the expression"),
    (["x=1", *(f"a{i}=1" for i in range(3_000))], "a0 has a number but is not in the expression"),
    ([], "'x' has no number: add --at x=NUMBER"),
    (["X=1"], "'x' has no number (did you mean X?): add --at x=NUMBER"),
    (["\N{CYRILLIC SMALL LETTER HA}=1"], "'x' has no number: add --at x=NUMBER"),
    ([f"a{i}=1" for i in range(3_000)], "'x' has no number: add --at x=NUMBER"),
]


@pytest.mark.parametrize(("assignments", "words"), AT, ids=lambda case: short(str(case)[1:]))
def test_a_mistake_in_a_number_is_told(assignments: list[str], words: str) -> None:
    at = [part for assignment in assignments for part in ("--at", assignment)]
    assert words in refusal("render", "x*x", *at, "-o", "y.dot")
    assert words in refusal("check", "x*x", *at)


@pytest.mark.parametrize(
    "text", ["nan", "inf", "-inf", "1e999", "-1e999", "9" * 100_000], ids=short
)
def test_a_number_that_is_not_finite_is_noted_and_refused_when_strict(text: str) -> None:
    result = run("render", "x*2", "--at", f"x={text}", "--format", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["nodes"][0]["data"] in ("nan", "inf", "-inf")
    assert result.stderr.startswith("Note: ")
    assert result.stderr.count("\n") == 1
    refusal("render", "x*2", "--at", f"x={text}", "--strict", "-o", "y.dot")


# Options

OPTIONS = [
    (["render"], "TARGET"),
    (["check"], "TARGET"),
    (["render", "--"], "TARGET"),
    (["render", *X], "TARGET"),
    (["render", "x", "x", *X], "x"),
    (["render", "x", *X, "-o"], "-o"),
    (["render", "x", "--at"], "--at"),
    (["render", "x", *X, "--format"], "--format"),
    (["render", "x", *X, "--format", ""], "svg"),
    (["render", "x", *X, "--format", "bmp"], "svg"),
    (["render", "x", *X, "--format", "\x1b[31m"], "svg"),
    (["render", "x", *X, "--format", "svg:cairo"], "svg"),
    (["render", "x", *X, "-o", "-", "--format", "gif"], "svg"),
    (["render", "x", *X, "--timeout", "0"], "--timeout"),
    (["render", "x", *X, "--timeout", "-1"], "--timeout"),
    (["render", "x", *X, "--timeout", "soon"], "--timeout"),
    (["render", "x", *X, "--timeout", ""], "--timeout"),
    (["render", "x", *X, "--timeout", "nan"], "timeout"),
    (["render", "x", *X, "--timeout", "nan", "-o", "y.dot"], "timeout"),
    (["render", "x", *X, "--timeout", "inf"], "--timeout"),
    (["render", "x", *X, "--timeout", "1e999"], "--timeout"),
    (["render", "x", *X, "--timeout", "1e7"], "1000000"),
    (["render", "x", *X, "--bogus"], "--bogus"),
    (["render", "x", *X, "-q"], "-q"),
    (["render", "x", *X, "--strict=1"], "--strict"),
    (["render", "x", *X, "--\x1b[31m"], "--"),
    (["render", "x", *X, "--" + "q" * 1_000_000], "--"),
    (["render", "x", *X, "--\ud800"], "--"),
    (["render", "x", "x=1"], "x=1"),
    (["render", "x", "at", "x=1"], "at"),
    (["render", "-x", "-y", *X], "-y"),
    (["check", "x", *X, "-o", "y.svg"], "-o"),
    (["check", "3"], "name"),
    (["check", "script.py:y"], ""),
    (["bogus"], "bogus"),
    (["rendr", "x", *X], "render"),
    (["\x1b[31m"], "command"),
    (["x*x", *X], "command"),
    (["--bogus"], "--bogus"),
]


@pytest.mark.parametrize(("args", "words"), OPTIONS, ids=lambda case: short(str(case)[1:-1]))
def test_a_mistake_in_the_options_is_told(args: list[str], words: str) -> None:
    assert words in refusal(*args)


VIEWS = [
    (["--precision", "-1"], "from 0 to 17"),
    (["--precision", "18"], "from 0 to 17"),
    (["--precision", "99999999999999999999"], "from 0 to 17"),
    (["--precision", "x"], "--precision"),
    (["--precision", "1.5"], "--precision"),
    (["--precision", ""], "--precision"),
    (["--precision", "-"], "--precision"),
    (["--precision"], "--precision"),
    (["--level", "-1"], "node, neuron, layer, network, 0, 1, 2"),
    (["--level", "foo"], "node, neuron, layer, network, 0, 1, 2"),
    (["--level", "99999999"], "node, neuron, layer, network, 0, 1, 2"),
    (["--level", "1.5"], "node, neuron, layer, network, 0, 1, 2"),
    (["--level", "²"], "node, neuron, layer, network, 0, 1, 2"),
    (["--level", "Layer"], "node, neuron, layer, network, 0, 1, 2"),
    (["--level", ""], "node, neuron, layer, network, 0, 1, 2"),
    (["--level", "layer\n"], "node, neuron, layer, network, 0, 1, 2"),
    (["--role", "x"], "write NAME=input"),
    (["--role", ""], "write NAME=input"),
    (["--role", "x=foo"], "input, parameter, loss"),
    (["--role", "x="], "input, parameter, loss"),
    (["--role", "x=input=loss"], "input, parameter, loss"),
    (["--role", "x=Input"], "input, parameter, loss"),
    (["--role", "z=input"], "'z'"),
    (["--role", "=input"], "''"),
    (["--role", "\x1b[31m=input"], "unknown name"),
    (["--wrt", "z"], "choose x, v1"),
    (["--wrt", ""], "choose x, v1"),
    (["--wrt", "-x"], "choose x, v1"),
    (["--wrt", "v0"], "choose x, v1"),
    (["--wrt", "\0"], "choose x, v1"),
    (["--wrt", "x", "--order", "0"], "from 1 to 6"),
    (["--wrt", "x", "--order", "7"], "from 1 to 6"),
    (["--wrt", "x", "--order", "-1"], "from 1 to 6"),
    (["--wrt", "x", "--order", "two"], "--order"),
    (["--wrt", "x", "--order", ""], "--order"),
    (["--wrt", "x", "--update", "0.1"], "drop one of them"),
    (["--order", "2"], "--wrt NAME"),
    (["--order", "1"], "--wrt NAME"),
    (["--update", "nan"], "such as --update 0.1"),
    (["--update", "inf"], "such as --update 0.1"),
    (["--update", "-inf"], "such as --update 0.1"),
    (["--update", "1e999"], "such as --update 0.1"),
    (["--update", "fast"], "--update"),
    (["--update", ""], "--update"),
    (["--update", "0.1", "--role", "z=parameter"], "'z'"),
    (["--edges", "foo"], "formula, numbers, local, contribution"),
    (["--edges", ""], "formula, numbers, local, contribution"),
    (["--edges", "local,"], "formula, numbers, local, contribution"),
    (["--edges", "local contribution"], "formula, numbers, local, contribution"),
    (["--edges", "Local"], "formula, numbers, local, contribution"),
    (["--edges", "all,local"], "all stands alone"),
    (["--edges", "-local"], "formula, numbers, local, contribution"),
    (["--hide", "foo"], "leaves, values, grads, edges"),
    (["--hide", ""], "leaves, values, grads, edges"),
    (["--hide", "values,,grads"], "leaves, values, grads, edges"),
    (["--hide", "formula"], "leaves, values, grads, edges"),
    (["--direction", "up"], "choose LR, TB"),
    (["--direction", ""], "choose LR, TB"),
    (["--direction", "RL"], "choose LR, TB"),
    (["--theme", "foo"], "light, dark, print, contrast"),
    (["--theme", ""], "light, dark, print, contrast"),
    (["--highlight", "z"], "choose x, v1"),
    (["--highlight", ""], "choose x, v1"),
    (["--highlight", "x", "--highlight", "z"], "choose x, v1"),
    (["--insist=1"], "--insist"),
]


@pytest.mark.parametrize(("args", "words"), VIEWS, ids=lambda case: short(str(case)[1:-1]))
def test_a_mistake_in_what_is_to_be_seen_is_told(args: list[str], words: str) -> None:
    for more in ([], ["-o", "y.dot"]):
        assert words in refusal("render", "x*x", *X, *args, *more)


STEPS = [
    (["--steps", "slides", "-o", "y.svg"], "drop -o"),
    (["--steps", "slides", "-o", "-"], "drop -o"),
    (["--steps", "slides", "--wrt", "x"], "drop --wrt"),
    (["--steps", "slides", "--update", "0.1"], "--update"),
    (["--steps", "slides", "--level", "layer"], "drop"),
    (["--steps", "slides", "--format", "dot"], "svg, png or pdf"),
    (["--steps", "slides", "--format", "json"], "svg, png or pdf"),
    (["--steps", "slides", "--format", "txt"], "svg, png or pdf"),
    (["--steps", "slides", "--timeout", "1e-9"], "did not finish"),
    (["--steps", "slides", "--at", "q=1"], "q has a number"),
    (["--steps", "slides", "--hide", "foo"], "leaves, values, grads, edges|drop"),
    (["--steps", "file"], "cannot write file: "),
    (["--steps", "file/slides"], "cannot write file/slides: "),
    (["--steps", "\0"], "cannot write"),
    (["--steps", "q" * 10_000], "cannot write"),
    (["--steps", ""], "--steps|cannot write"),
    (["--steps", "taken"], "cannot write taken"),
    (["--steps", "busy"], "cannot write busy"),
    (["--steps"], "--steps"),
]


@pytest.mark.parametrize(("args", "words"), STEPS, ids=lambda case: short(str(case)[1:-1]))
def test_steps_that_fail_leave_nothing_behind(args: list[str], words: str, folder: Path) -> None:
    (folder / "file").write_text("old")
    (folder / "taken" / "steps.svg").mkdir(parents=True)
    (folder / "busy" / "step-002.svg").mkdir(parents=True)
    (folder / "busy" / "step-001.svg").write_text("old")
    assert any(word in refusal("render", "x*x", *X, *args) for word in words.split("|"))


def test_steps_without_graphviz_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    png = ("--steps", "new/slides", "--format", "png")
    assert "TINYGRAD_EDU_DOT=none" in refusal("render", "x*x", *X, *png)
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "nowhere")
    assert "'nowhere'" in refusal("render", "x*x", *X, "--steps", "new/slides")


def test_strict_steps_of_what_is_not_finite_leave_nothing_behind() -> None:
    assert "log(0) is -inf" in refusal(
        "render", "log(x)", "--at", "x=0", "--strict", "--steps", "slides"
    )


def test_more_steps_than_one_can_watch_are_refused() -> None:
    long = "+".join(["x"] * 120)
    assert "--insist" in refusal("render", long, *X, "--steps", "slides")


def test_a_bad_rate_runs_no_script(folder: Path) -> None:
    (folder / "script.py").write_text(f"open('touched', 'w').close()\n{DRAWN}")
    for rate in ("-1", "nan", "0"):
        assert "a rate above 0" in refusal("render", "script.py:y", "--update", rate)


@pytest.mark.parametrize("text", ["d = +x; d*d", "d = x; d*x", "d = x*1; +d", "x", "0*x", "d = x"])
def test_an_update_of_any_expression_is_drawn(text: str) -> None:
    assert success("render", text, *X, "--update", "0.1").startswith("before:\n")


def test_an_update_that_leaves_the_numbers_is_noted() -> None:
    result = run("render", "x*x", *X, "--update", "1e308", "--at=w=1")
    assert result.exit_code == 2
    result = run("render", "x*x", "--at", "x=3", "--update", "1e308")
    assert result.exit_code == 0
    assert result.stderr == "Note: x was given as -inf\n"
    refusal("render", "x*x", "--at", "x=3", "--update", "1e308", "--strict")


def test_a_name_that_two_nodes_have(folder: Path) -> None:
    (folder / "script.py").write_text(
        f"{IMPORT}y = Value(1.0, label='x') * Value(2.0, label='x')\ny.backward()\n"
    )
    for option in ("--wrt", "--highlight"):
        assert "2 nodes have the name 'x'" in refusal("render", "script.py:y", option, "x")
    assert "2 nodes have the name 'x'" in refusal("explain", "script.py:y", "--wrt", "x")
    assert success("render", "script.py:y", "--role", "x=input").count("input") == 2


def test_a_derivative_by_a_constant_or_of_a_script_without_a_formula(folder: Path) -> None:
    (folder / "own.py").write_text(
        "from tinygrad_edu import Op, Value\n"
        "f = Op('f', lambda a: a, lambda y, a: 1.0 if a > 0 else 0.0)\n"
        "x = Value(2.0, label='x')\ny = f(x)\ny.backward()\n"
    )
    for args in (["--edges", "all"], ["--wrt", "x"], ["--steps", "slides"], ["-o", "y.svg"]):
        success_or_refusal("render", "own.py:y", *args)
    assert "d y / d x = 1" in success("explain", "own.py:y", "--wrt", "x")
    assert "grad x = 1" in success("step", "own.py:y")


STRANGE = [
    "",
    " ",
    "-",
    "--",
    "-1",
    "-x",
    "\x1b[31m",
    "\0",
    "\ud800",
    "a\nb",
    "é",
    "1e999",
    "=",
    ",",
]
STRANGE += ["%s", "$(touch touched)", "../..", "q" * 10_000, "9" * 10_000, "漢" * 10_000]
VALUED = {
    "render": [
        *("--precision", "--level", "--role", "--wrt", "--order", "--update", "--edges"),
        *("--hide", "--direction", "--theme", "--highlight", "--timeout", "--format", "--at"),
    ],
    "explain": ["--precision", "--wrt", "--form", "--at"],
    "step": ["--precision", "--at"],
    "orders": ["--precision", "--at"],
}


@pytest.mark.parametrize("value", STRANGE, ids=short)
def test_no_option_is_upset_by_a_strange_value(value: str) -> None:
    for command, options in VALUED.items():
        for option in options:
            for words in ([option, value], [f"{option}={value}"]):
                wrt = ["--wrt", "x"] if command == "explain" and option != "--wrt" else []
                success_or_refusal(command, "x*x", *X, *wrt, *words)


@pytest.mark.parametrize("value", STRANGE, ids=short)
def test_no_folder_for_steps_is_upset_by_its_name(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "no-such-program")
    refusal("render", "x*x", *X, f"--steps={value}")


@pytest.mark.parametrize(
    "output", [["-o", "y.json"], ["-oy.json"], ["--output=y.json"], ["--format=json", "-oy.json"]]
)
def test_an_expression_may_begin_with_a_dash_wherever_it_stands(
    output: list[str], folder: Path
) -> None:
    for parts in permutations((["-x*w"], ["--at", "x=2"], ["--at=w=-3"], output)):
        args = [word for part in parts for word in part]
        success("render", *args)
        drawing = json.loads((folder / "y.json").read_bytes())
        assert drawing["nodes"][-1]["data"] == 6.0, args
        (folder / "y.json").unlink()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *(("-x", "x"), ("--x", "x"), ("---x", "x"), ("-o", "o"), ("-h", "h"), ("-o*2", "o")),
        *(("-h*2", "h"), ("-at", "at"), ("-o-1", "o"), ("--at*2", "at"), ("-(x)", "x")),
    ],
)
def test_an_expression_may_begin_with_what_looks_like_an_option(text: str, name: str) -> None:
    drawn = success("render", f" {text}", "--at", f"{name}=2")
    assert f"{name} = 2" in drawn
    assert success("render", "--at", f"{name}=2", "--", text) == drawn
    if text not in ("-o", "-h"):
        assert success("render", text, "--at", f"{name}=2") == drawn
        assert success("render", "--at", f"{name}=2", "--strict", text) == drawn


# Labels

LABELS = {
    "quote": '"',
    "quotes": "'\"'`",
    "end of a string": '"] n9 [label="injected',
    "end of DOT": '"]; } graph { a -- b; //',
    "attribute": 'x", URL="javascript:alert(1)',
    "entity in a quote": "&quot;] n9 [",
    "script": "<script>alert(1)</script>",
    "script in capitals": "<SCRIPT SRC=//localhost/x.js></SCRIPT>",
    "handler": '<img src=x onerror="alert(1)">',
    "svg": "</text></g></svg><script/>",
    "html": "<b>x</b>",
    "Graphviz' html": '<TABLE><TR><TD HREF="javascript:alert(1)">x</TD></TR></TABLE>',
    "angles": "<>",
    "only opened": "<",
    "only closed": ">",
    "comment": "<!-- x -->",
    "end of a comment": "-->",
    "end of CDATA": "]]>",
    "CDATA": "<![CDATA[x]]>",
    "instruction": "<?xml version='9'?>",
    "entity": '<!ENTITY x SYSTEM "file:///etc/passwd">&x;',
    "ampersand": "&",
    "escaped ampersand": "&amp;",
    "entities": "&lt;x&gt; &#60; &#x3c; &nbsp; &bogus; &",
    "null entity": "&#0;",
    "record": "{a|b}|<port> c",
    "backslash": "\\",
    "trailing backslash": "x\\",
    "backslashes": "\\\\\\",
    "backslash and quote": '\\"',
    "escapes": "\\N \\G \\L \\E \\T \\H \\l \\r \\n",
    "percent": "%s %n %d {} {0} $x ${x} %(x)s",
    "newline": "a\nb",
    "newlines": "\n\r\n\r",
    "tab": "a\tb",
    "NUL": "a\0b",
    "bell and backspace": "\a\b\f\v",
    "terminal colour": "\x1b[31mred\x1b[0m",
    "terminal title": "\x1b]0;title\x07",
    "control characters": "".join(map(chr, range(32))),
    "delete and C1": "".join(map(chr, range(0x7F, 0xA0))),
    "CSI of C1": "\x9b31mred",
    "lone surrogate": "a\ud800b",
    "lone surrogates": "\udc00\udfff\ud800",
    "byte as surrogate": "\udcff",
    "right to left marks": "\u202eabc\u202c \u200f\u200e \u2066x\u2069",
    "Arabic and Hebrew": "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd",
    "no characters": "\ufffe\uffff\U0001ffff\ufdd0",
    "separators": "a\u2028b\u2029c\x85d",
    "byte order mark": "\ufeffx",
    "zero width": "a\u200bb\u200dc\u2060d",
    "blanks": "  a  b  ",
    "one blank": " ",
    "other blanks": "a\u00a0b\u3000c",
    "wide": "漢字かな交じり文",
    "emoji": "👩\u200d👩\u200d👧 🏳\ufe0f\u200d🌈 😀",
    "combining": "e\u0301a\u0308" + "\u0301" * 30,
    "private and unassigned": "\ue000\u0378\U000e0041",
    "astral": "𝔛\U0010fffd",
    "10,000 letters": "x" * 10_000,
    "digits": "007",
    "looks like a number": "-1e999",
    "looks like our own text": "x = 3  grad 1  #0 above",
    "path": "../../etc/passwd",
    "nothing": "",
}


def script(label: str, before: str = "") -> None:
    source = f"{IMPORT}{before}y = Value(2.0, label={label!a}) * 3\ny.backward()\n"
    Path("label.py").write_text(source, encoding="ascii")


def is_control(c: str) -> bool:
    return unicodedata.category(c) in ("Cc", "Cs") or ord(c) & 0xFFFE == 0xFFFE


def shows(label: str) -> re.Pattern[str]:
    """What shows the label: itself, but for some one character in place of a control character.

    A line may end at a blank, where a picture breaks it.
    """
    blank = r"([ \xa0\n]|<BR/>)"
    return re.compile(
        "".join("." if is_control(c) else blank if c == " " else re.escape(c) for c in label),
        re.DOTALL,
    )


def parts_of(svg: bytes) -> tuple[ElementTree.Element, list[str], set[str]]:
    root = ElementTree.fromstring(svg)
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    ids = {g.get("id", "") for g in root.iter(f"{SVG}g") if "node" in g.get("class", "").split()}
    return root, texts, ids


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS)
def test_every_format_has_the_label_and_nothing_more(
    label: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script("plain")
    plain = success("render", "label.py:y", "--format", "dot")
    script(label)
    success("render", "label.py:y", "-o", "y.svg")
    check_svg((folder / "y.svg").read_bytes(), label)

    text = success("render", "label.py:y", "--format", "dot")
    assert text.isascii() or not any(map(is_control, text.replace("\n", "").replace("\t", "")))
    assert text.count("\n") == plain.count("\n")
    as_read = html.unescape(text.replace("\\\\", "\\"))
    assert shows(label.strip(" ")).search(as_read)

    drawing = json.loads(success("render", "label.py:y", "--format", "json"))
    assert [node["label"] for node in drawing["nodes"]] == [label, "", "y"]

    check_text(success("render", "label.py:y", "--format", "txt"), label)
    check_text(success("render", "label.py:y"), label)
    monkeypatch.setenv("LANG", "C")
    assert check_lines(success("render", "label.py:y"), label, 40).isascii()
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "30")
    check_lines(success("render", "label.py:y"), label, 10)


def check_svg(svg: bytes, label: str) -> None:
    root, _, ids = parts_of(svg)
    (part,) = [g for g in root.iter(f"{SVG}g") if g.get("id") == "n0"]
    bold = [text for text in part.iter(f"{SVG}text") if text.get("font-weight") == "bold"]
    shown = "\n".join("".join(text.itertext()) for text in bold)
    if len(label) > 1_000:
        label = label[:1_000] + "..."
    assert shows(label.strip(" ")).fullmatch(shown.strip(" \xa0"))
    assert ids == {"n0", "n2"}, "3 is a number in the title of the product"
    assert {element.tag for element in root.iter()} <= {
        *(SVG + tag for tag in ("svg", "g", "a", "title", "text", "path", "polygon", "polyline")),
        *(SVG + tag for tag in ("ellipse", "circle", "rect", "line", "tspan", "style", "desc")),
    }
    names = {name.rpartition("}")[2] for element in root.iter() for name in element.attrib}
    assert not {name for name in names if name == "href" or name.startswith("on")}


def check_text(text: str, label: str) -> None:
    line = check_lines(text, label, 40).split("\n")[1]
    assert not label or " = 2  grad 3" in line
    assert len(label) >= 50 or shows(label).search(line)


def check_lines(text: str, label: str, letters: int) -> str:
    """The text, of a line for each value, the label's with many of its letters."""
    lines = text.split("\n")
    assert len(lines) == 4
    assert not any(map(is_control, "".join(lines)))
    assert not label.startswith("x" * 100) or lines[1].count("x") > letters
    return text


@pytest.mark.parametrize("character", ["é", "<", "&", "\\", '"', "\n", "漢", "\ud800", "e\u0301"])
def test_ten_thousand_characters_of_any_kind_are_drawn(character: str, folder: Path) -> None:
    script(character * 10_000)
    for args in ([], ["-o", "y.svg"], ["-o", "y.dot"], ["-o", "y.json"]):
        success("render", "label.py:y", *args)
    _, texts, ids = parts_of((folder / "y.svg").read_bytes())
    assert any(shows(character * 200).match(text) for text in texts)
    assert ids == {"n0", "n2"}


@pytest.mark.parametrize("label", ["5", "None", "b'x'", "['x']", "2.5", "True", "object()"])
def test_a_label_that_is_no_text_is_shown_or_refused(label: str) -> None:
    for source in (f"y = Value(1, label={label})", f"y = Value(1)\ny.label = {label}"):
        Path("label.py").write_text(f"{IMPORT}{source}\n")
        for args in ([], ["--format", "json"], ["--format", "dot"], ["-o", "y.svg"]):
            success_or_refusal("render", "label.py:y", *args)


@pytest.mark.parametrize(
    "symbol",
    [
        "<script>",
        "&amp;",
        '"',
        "\\N",
        "a\nb",
        "\x1b[31m",
        "\0",
        "\ud800",
        "\ufffe",
        "]]>",
        "∂",
        " ",
    ],
    ids=ascii,
)
def test_a_symbol_of_ones_own_operation_is_drawn_like_a_label(
    symbol: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("own.py").write_text(
        f"from tinygrad_edu import Op, Value\n"
        f"f = Op('f', lambda a: a, lambda y, a: 1.0, symbol={symbol!a})\n"
        f"y = f(Value(2.0))\ny.backward()\n"
    )
    success("render", "own.py:y", "-o", "y.svg", "--form", "circles")
    _, texts, ids = parts_of((folder / "y.svg").read_bytes())
    assert any(shows(symbol).fullmatch(text) for text in texts) or symbol == " "
    assert ids == {"n0", "n1", "op1"}
    lines = success("render", "own.py:y").split("\n")
    assert len(lines) == 3
    assert not any(map(is_control, "".join(lines)))
    assert len(json.loads(success("render", "own.py:y", "--format", "json"))["nodes"]) == 2
    monkeypatch.setenv("LANG", "C")
    assert success("render", "own.py:y").isascii()


def test_an_operation_without_a_symbol_is_drawn_or_refused() -> None:
    Path("own.py").write_text(
        "from tinygrad_edu import Op, Value\n"
        "f = Op('f', lambda a: a, lambda y, a: 1.0, symbol='')\n"
        "y = f(Value(2.0))\ny.backward()\n"
    )
    success_or_refusal("render", "own.py:y")


SPOILT = [
    *("y.grad = x.grad = 'a'", "x.grad = 'a'", "y.grad = None", "y.grad = 1 + 2j", "y.grad = []"),
    *(
        "y.op = '+'",
        "y.a = 3",
        "y.b = None",
        "y = Value.__new__(Value)",
        "y = object.__new__(Value)",
    ),
    "y.a_data = 'a'",
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_value_that_was_tampered_with_is_drawn_or_refused(spoil: str) -> None:
    Path("spoilt.py").write_text(f"{IMPORT}x = Value(1.0)\ny = x*2\n{spoil}\n")
    for args in ([], ["--strict"], ["--format", "json"], ["-o", "y.dot"]):
        success_or_refusal("render", "spoilt.py:y", *args)


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_value_that_was_tampered_with_is_explained_or_refused(spoil: str) -> None:
    Path("spoilt.py").write_text(f"{IMPORT}x = Value(1.0, label='x')\ny = x*2\n{spoil}\n")
    for command, *options in (
        ("explain", "--wrt", "x"),
        ("explain", "--wrt", "x", "--form", "latex"),
        ("step",),
        ("step", "--json"),
        ("orders",),
        ("render", "--edges", "all"),
        ("render", "--wrt", "x"),
        ("render", "--level", "0"),
    ):
        success_or_refusal(command, "spoilt.py:y", *options)


def test_derivatives_of_a_stale_graph_are_of_the_numbers_it_was_computed_with() -> None:
    Path("stale.py").write_text(f"{IMPORT}x = Value(3.0, label='x')\ny = x*x\nx.data = 5\n")
    told = CliRunner().invoke(main, ["render", "stale.py:y", "--wrt", "x"]).output
    assert "y (*) = 9" in told
    assert "dy/dx (+) = 6" in told


# Where the drawing goes

SQUARE = ("render", "x*x", "--at", "x=3")
PLACES = [
    ("none/y.dot", errno.ENOENT),
    ("none/none/y.svg", errno.ENOENT),
    ("folder.dot", errno.EISDIR),
    ("file/y.dot", errno.ENOTDIR),
    ("q" * 300 + ".dot", errno.ENAMETOOLONG),
    ("\x1b[31m/y.dot", errno.ENOENT),
    ("a\nb/y.dot", errno.ENOENT),
    ("new.dot/", 0),
    (". --format dot", errno.EISDIR),
    *([("/proc/y.dot", errno.ENOENT), ("/proc/self/y.svg", errno.ENOENT)] if LINUX else []),
    *([("/dev/full --format dot", errno.ENOSPC)] if LINUX else []),
    *([("/proc/version --format dot", 0), ("/dev/full/y.dot", errno.ENOTDIR)] if LINUX else []),
    *([("dangling.dot", errno.ENOENT), ("to_folder.dot", errno.EISDIR)] if POSIX else []),
    *([("loop.dot", errno.ELOOP), ("loop/y.dot", errno.ELOOP)] if POSIX else []),
]


@pytest.mark.parametrize(("place", "reason"), PLACES, ids=short)
def test_a_place_that_cannot_be_written_is_named_with_the_reason(
    place: str, reason: int, folder: Path
) -> None:
    (folder / "folder.dot").mkdir()
    (folder / "file").write_text("old")
    if POSIX:
        (folder / "dangling.dot").symlink_to("none/y.dot")
        (folder / "to_folder.dot").symlink_to("folder.dot")
        (folder / "loop.dot").symlink_to("loop.dot")
        (folder / "loop").symlink_to("loop")
    path, *more = place.split(" ")
    message = refusal(*SQUARE, "-o", path, *more)
    assert message.startswith("cannot write ")
    assert not reason or os.strerror(reason) in message


def test_a_very_long_name_leaves_room_for_the_reason() -> None:
    assert os.strerror(errno.ENAMETOOLONG) in refusal(*SQUARE, "-o", "q" * 5_000 + ".dot")
    assert os.strerror(errno.ENOENT) in refusal(*SQUARE, "-o", "q/" * 1_000 + "y.dot")


NO_FORMAT = [
    *("y", "y.", ".", "..", ".svg", ".dot", "", "svg", "-", "y.bmp", "y.pkl", "y.PKL", "y.pickle"),
    *("y.svg.gz", "y.svgz", "y.py", "y.svg ", "y.s vg", "y.svg:png", "y.dot.", "y/svg", "y.htm"),
    *("y.\x1b[31m", "y.\ud800", "y." + "q" * 5_000, "y.dot\0", "y.dot\n"),
]


@pytest.mark.parametrize("name", [name for name in NO_FORMAT if name != "-"], ids=short)
def test_an_ending_that_is_no_format_is_told_the_formats(name: str) -> None:
    message = refusal(*SQUARE, "-o", name)
    assert all(
        f".{format}" in message for format in ("svg", "png", "pdf", "html", "dot", "json", "txt")
    )


@pytest.mark.parametrize(
    ("name", "format"),
    [("y.svg", "png"), ("y.DOT", "svg"), ("y.json", "txt"), ("-.pdf", "dot"), ("a.b.png", "svg")],
)
def test_an_ending_and_a_format_that_disagree(name: str, format: str) -> None:
    message = refusal(*SQUARE, "-o", name, "--format", format)
    assert name.rpartition(".")[2].lower() in message
    assert format in message


@pytest.mark.parametrize("name", ["\0", "\0.dot", "a\0b.dot", "a\0/y.dot"], ids=ascii)
def test_a_name_that_no_file_can_have(name: str) -> None:
    refusal(*SQUARE, "-o", name, "--format", "dot")


@pytest.mark.parametrize(
    "name",
    ["-y.dot", "--y.dot", "-o.dot", "--at.dot", "-.dot", "y.DOT", "y.svg.dot", "a b.dot", "é.dot"]
    + ["$(touch touched).dot", "`touch touched`.dot", ";touch touched;.dot", "~.dot", "%s.dot"]
    + (["a\nb.dot", "\x1b[31m.dot", "'\".dot", "*.dot", "\\.dot"] if POSIX else [])
    + (["\udcff.dot"] if LINUX else []),
    ids=short,
)
def test_a_strange_name_is_the_name_of_the_file(name: str, folder: Path) -> None:
    assert success(*SQUARE, "-o", name) == ""
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_bytes().startswith(b"digraph")
    assert success("render", "-o", name, *SQUARE[1:]) == ""


@pytest.mark.parametrize("name", ["svg", "png", "dot"])
def test_a_name_without_an_ending_does_not_disagree_with_the_format(
    name: str, folder: Path
) -> None:
    success(*SQUARE, "-o", name, "--format", "json")
    json.loads((folder / name).read_bytes())


FAILURES = {
    "layout turned off": (("-o", "y.png"), {"TINYGRAD_EDU_DOT": "none"}),
    "layout missing": (("-o", "y.svg"), {"TINYGRAD_EDU_DOT": "no-such-program"}),
    "layout too slow": (("-o", "y.svg", "--timeout", "1e-9"), {}),
    "strict": (("-o", "y.dot", "--strict"), {}),
    "unknown format": (("-o", "y.svg.gz"), {}),
    "formats disagree": (("-o", "y.svg", "--format", "dot"), {}),
    "unknown option": (("-o", "y.svg", "--bogus"), {}),
    "unused number": (("-o", "y.svg", "--at", "q=1"), {}),
}


@pytest.mark.parametrize(("args", "env"), FAILURES.values(), ids=FAILURES)
def test_a_file_that_is_there_stays_as_it_is_when_the_drawing_fails(
    args: tuple[str, ...], env: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("y.svg", "y.png", "y.dot", "y.svg.gz"):
        (folder / name).write_text("old")
        (folder / name).chmod(0o640)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    refusal("render", "1/x", "--at", "x=0", *args)


@pytest.mark.parametrize("function", ["replace", "chmod"])
def test_a_file_that_is_there_stays_as_it_is_when_the_disk_fails(
    function: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "y.dot").write_text("old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, function, fail)
    assert os.strerror(errno.EIO) in refusal(*SQUARE, "-o", "y.dot")


def test_a_file_is_replaced_and_nothing_is_left_beside_it(folder: Path) -> None:
    for content in ("old", "x" * 1_000_000, ""):
        (folder / "y.dot").write_text(content)
        success(*SQUARE, "-o", "y.dot")
        assert [path.name for path in folder.iterdir()] == ["y.dot"]
        assert (folder / "y.dot").read_text() == success(*SQUARE, "--format", "dot")


@contextlib.contextmanager
def a_commoner() -> Iterator[None]:
    """Without the rights of the administrator, who may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@posix
@pytest.mark.parametrize("place", ["file.dot", "folder/y.dot", "folder/file.dot"])
def test_a_read_only_place(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    success(*SQUARE, "--format", "dot")  # whatever is imported late is, now
    with tempfile.TemporaryDirectory() as name:  # where others may look too
        there = Path(name)
        there.chmod(0o777)
        (there / "file.dot").write_text("old")
        (there / "folder").mkdir()
        (there / "folder" / "file.dot").write_text("old")
        for path in (there / "file.dot", there / "folder" / "file.dot"):
            path.chmod(0o444)
        (there / "folder").chmod(0o555)
        monkeypatch.chdir(there)
        with a_commoner():
            message = refusal(*SQUARE, "-o", place)
        (there / "folder").chmod(0o777)
        monkeypatch.undo()
    assert os.strerror(errno.EACCES) in message


@posix
@pytest.mark.parametrize("mode", [0o200, 0o600, 0o640, 0o755])
def test_a_file_keeps_its_permissions(mode: int, folder: Path) -> None:
    (folder / "y.dot").write_text("old")
    (folder / "y.dot").chmod(mode)
    success(*SQUARE, "-o", "y.dot")
    assert stat.S_IMODE((folder / "y.dot").stat().st_mode) == mode


@posix
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o027, 0o077])
def test_a_new_file_has_the_permissions_of_any_new_file(mask: int, folder: Path) -> None:
    before = os.umask(mask)
    try:
        success(*SQUARE, "-o", "y.dot")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "y.dot").stat().st_mode) == 0o666 & ~mask


@posix
@pytest.mark.parametrize("leads_to", ["there.dot", "new.dot", "folder/new.dot", "second.dot"])
def test_a_link_is_followed_and_stays_a_link(leads_to: str, folder: Path) -> None:
    (folder / "folder").mkdir()
    (folder / "there.dot").write_text("old")
    (folder / "second.dot").symlink_to("there.dot")
    (folder / "link.dot").symlink_to(leads_to)
    success(*SQUARE, "-o", "link.dot")
    assert os.readlink(folder / "link.dot") == leads_to
    assert os.readlink(folder / "second.dot") == "there.dot"
    assert (folder / leads_to).read_bytes().startswith(b"digraph")


@posix
def test_a_device_is_written_to_and_stays_a_device() -> None:
    assert success(*SQUARE, "-o", "/dev/null", "--format", "dot") == ""
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


# Scripts

DRAWN = f"{IMPORT}y = Value(2.0, label='x') * 3\ny.backward()\n"
FAILING: dict[str, tuple[str | bytes, str]] = {
    "an exception": ("\nraise ValueError('why')", "script.py, line 2: ValueError: why"),
    "a message of many lines": ("raise ValueError('a\\nb\\r\\n\\nc')", "ValueError: a b c"),
    "a message for the terminal": ("raise ValueError('\\x1b[31mred\\a')", "red"),
    "a long message": ("raise ValueError('why ' * 9000)", "why why"),
    "a message of surrogates": ("raise ValueError('why\\ud800')", "why"),
    "no message": ("raise ValueError", "ValueError"),
    "a failing message": (
        "class E(Exception):\n  def __str__(self): raise ValueError('hidden')\nraise E",
        "script.py, line 3: E",
    ),
    "a message that is no text": (
        "class E(Exception):\n  def __str__(self): return 3\nraise E",
        "script.py, line 3: E",
    ),
    "an exception that is none": ("class E(BaseException): pass\nraise E('why')", "line 2"),
    "the end of a generator": ("raise GeneratorExit('why')", "GeneratorExit: why"),
    "an exception from another": (
        "try: 1/0\nexcept ArithmeticError as e: raise ValueError('why') from e",
        "line 2: ValueError: why",
    ),
    "in a function": ("def f(): 1/0\nf()", "script.py, line 1: ZeroDivisionError"),
    "in a library": ("import json\njson.loads('{')", "script.py, line 2: JSONDecodeError"),
    "KeyError": ("{}['why']", "KeyError: 'why'"),
    "assert": ("assert 1 == 2, 'why'", "AssertionError: why"),
    "endless recursion": ("def f(): return f()\nf()", "RecursionError"),
    "syntax": ("x = 1\ndef f(:\n", "script.py, line 2: SyntaxError"),
    "an open bracket": ("x = (\n", "SyntaxError"),
    "indentation": ("x = 1\n  y = 2\n", "script.py, line 2: IndentationError"),
    "tabs and blanks": ("if 1:\n\tx = 1\n        y = 2\n", "line 3: TabError"),
    "too many brackets": ("(" * 300 + ")" * 300, "SyntaxError"),
    "a module that is not there": ("import no_such_module", "No module named 'no_such_module'"),
    "a name that is not there": ("from tinygrad_edu import nothing", "nothing"),
    "our own mistake": (f"{IMPORT}Value('2')", "script.py, line 2: NumberError"),
    "no text": (b"\xff\xfe\x00y", "script.py"),
    "no UTF-8": (b"y = '\xe9'\n", "script.py, line 1: SyntaxError"),
    "NUL": (b"y = 1\0", "null bytes"),
    "an unknown encoding": (b"# -*- coding: bogus -*-\n", "bogus"),
    "exit()": ("exit()", "ended itself"),
    "exit(0)": ("exit(0)", "ended itself"),
    "exit(3)": ("exit(3)", "ended itself (exit 3)"),
    "exit with a message": ("import sys; sys.exit('go\\nhome\\x1b[31m')", "go home"),
    "exit with a long number": ("raise SystemExit(10**5000)", "ended itself"),
    "exit with no text": (
        "class C:\n  def __str__(self): raise ValueError\nraise SystemExit(C())",
        "ended itself",
    ),
    "quit()": ("quit()", "ended itself"),
    "SystemExit": ("raise SystemExit", "ended itself"),
    "nothing": ("", "defines no 'y'"),
    "another name": (f"{IMPORT}loss = Value(1.0)", "its Values are loss"),
    "many names": (
        IMPORT + "".join(f"name_{i} = Value(1.0)\n" for i in range(1_000)),
        "defines no 'y'; its Values are name_0, name_1",
    ),
    "a number": ("y = 3", "has the type int"),
    "None": ("y = None", "has the type NoneType"),
    "a text": ("y = 'x'", "has the type str"),
    "the class": (f"{IMPORT}y = Value", "has the type type"),
    "a list": (f"{IMPORT}y = [Value(1.0), 2]", "has the type list"),
    "an empty list": (f"{IMPORT}y = []", "has the type list"),
    "a function": ("def y(): pass", "has the type function"),
    "a module": ("import math as y", "has the type module"),
    "a thing that answers nothing": (
        "class C:\n  def __getattribute__(self, name): raise RuntimeError(name)\ny = C()",
        "has the type C",
    ),
    "deleted": (f"{DRAWN}del y", "defines no 'y'"),
    "in another room": (f"{IMPORT}def f():\n  y = Value(1.0)\n  return y\nf()", "defines no 'y'"),
    "not finite, and strict": (f"{IMPORT}y = Value(1.0) / 0.0", ""),
}


@pytest.mark.parametrize(("source", "words"), FAILING.values(), ids=FAILING)
def test_a_script_that_does_not_define_the_value_is_told_why(
    source: str | bytes, words: str
) -> None:
    Path("script.py").write_bytes(source if isinstance(source, bytes) else source.encode())
    message = refusal("render", "script.py:y", "--strict", "-o", "y.dot")
    assert words in message
    assert "(script.py, line" not in message, "the place is named twice"
    assert words in refusal("render", "script.py:y", "--strict")


TARGETS = [
    ("none.py:y", "no file 'none.py'"),
    ("none/none.py:y", "no file"),
    ("folder.py:y", "'folder.py'"),
    ("script.py", "FILE.py:NAME"),
    ("script.py:", "its Values are y"),
    ("script.py:z", "its Values are y"),
    ("script.py:Y", "its Values are y"),
    ("script.py:é", "its Values are y"),
    ("script.py:__builtins__", "its Values are y"),
    ("script.py:__name__", "its Values are y"),
    ("script.py:Value", "its Values are y"),
    ("script.py:0", "its Values are y"),
    ("script.py:y.data", "has the type float, not Value; its Values are y"),
    ("script.py:y()", "FILE.py:NAME"),
    ("script.py:y y", "FILE.py:NAME"),
    ("script.py:y*2", "FILE.py:NAME"),
    ("script.py:-y", "FILE.py:NAME"),
    ("script.py::y", "FILE.py:NAME"),
    ("script.py: y", "FILE.py:NAME"),
    ("script.txt:y", ""),
    ("script:y", ""),
    (".py:y", ""),
    ("/:y", ""),
    ("q" * 5_000 + ".py:y", "no file"),
    ("script.py:" + "q" * 5_000, "its Values are y"),
    ("\x1b[31m.py:y", "no file"),
    ("\ud800.py:y", "no file"),
    ("a\0b.py:y", "no file"),
    ("a\nb.py:y", "no file"),
    ("http://localhost/x.py:y", "no file"),
    ("file:///x.py:y", "no file"),
]


@pytest.mark.parametrize(("target", "words"), TARGETS, ids=short)
def test_a_target_that_is_not_there_is_told_so(target: str, words: str, folder: Path) -> None:
    (folder / "script.py").write_text(DRAWN)
    (folder / "folder.py").mkdir()
    assert words in refusal("render", target, "-o", "y.dot")


def test_a_script_in_a_far_folder_leaves_room_for_the_reason(folder: Path) -> None:
    far = folder / ("q" * 200) / ("q" * 200) / ("q" * 200)
    far.mkdir(parents=True)
    (far / "script.py").write_text("raise ValueError('why')")
    assert "why" in refusal("render", f"{far / 'script.py'}:y")
    (far / "script.py").write_text("exit(3)")
    assert "ended itself" in refusal("render", f"{far / 'script.py'}:y")


def test_numbers_of_a_script_are_of_its_leaves(folder: Path) -> None:
    (folder / "script.py").write_text(DRAWN)
    for at, words in (
        ("q=1", "unknown name 'q': choose "),
        ("y=1", "'y' is computed"),
        ("=1", "unknown name ''"),
        ("\x1b[31m=1", "unknown name"),
        ("x=1\0", "is not a number"),
        ("x=__import__('os')", "is not a number"),
    ):
        assert words in refusal("render", "script.py:y", "--at", at)


def test_a_script_is_not_run_when_the_request_is_bad_anyway(folder: Path) -> None:
    (folder / "script.py").write_text(f"open('touched', 'w').close()\n{DRAWN}")
    bad = [["-o", "y.bmp"], ["-o", "y.svg", "--format", "dot"], ["--bogus"], ["--at", "x"]]
    bad += [["--edges", "foo"], ["--hide", "foo"], ["--theme", "foo"], ["--precision", "-1"]]
    bad += [["--order", "2"], ["--update", "0"], ["--steps", "slides", "-o", "y.svg"]]
    bad += [["--steps", "slides", "--format", "dot"], ["--level", "foo"], ["--role", "x"]]
    for args in bad:
        refusal("render", "script.py:y", *args)
    for command in ("explain", "step", "orders"):
        refusal(command, "script.py:y", "--precision", "-1")


def test_a_script_that_fails_after_it_printed_has_the_last_word(folder: Path) -> None:
    (folder / "script.py").write_text("print('line\\n' * 1000)\n1/0\n")
    result = run("render", "script.py:y")
    assert (result.exit_code, result.stdout) == (2, "")
    *printed, last, end = result.stderr.split("\n")
    assert set(printed) == {"line", ""}
    assert last == "Error: script.py, line 2: ZeroDivisionError: division by zero"
    assert end == ""


def test_a_script_that_moves_does_not_move_the_drawing(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "script.py").write_text(f"import os\nos.chdir('elsewhere')\n{DRAWN}")
    try:
        success("render", "script.py:y", "-o", "y.dot")
    finally:
        os.chdir(folder)
    assert {path.name for path in folder.iterdir()} == {"script.py", "elsewhere", "y.dot"}
    assert list((folder / "elsewhere").iterdir()) == []


# The same with real processes


def process(*args: str | bytes, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tinygrad_edu", *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        env={**os.environ, **env},
    )


REAL: list[tuple[list[str | bytes], str]] = [
    (["render"], "TARGET"),
    (["render", "(" * 60_000], "more than 10000"),
    (["render", "-" * 9_000 + "x", *X], "nest"),
    (["render", *([b"\xff\xfe"] if POSIX else ["\x7f"])], ""),
    (["render", "x", "--at", b"x=\xff" if POSIX else "x=?"], "is not a number"),
    (["render", "exits.py:y"], "ended itself (exit 3)"),
    (["render", "fails.py:y"], "fails.py, line 2: ValueError: a b"),
]


@pytest.mark.parametrize(("args", "words"), REAL, ids=lambda case: short(str(case)[1:-1]))
def test_a_process_refuses_in_one_line(args: list[str], words: str, folder: Path) -> None:
    (folder / "exits.py").write_text("print('out', flush=True) if 0 else exit(3)\n")
    (folder / "fails.py").write_text("\nraise ValueError('a\\nb')\n")
    before = contents(folder)
    done = process(*args)
    assert words in the_line(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert contents(folder) == before


PRINTS = """
import atexit, logging, os, subprocess, sys, warnings
print("printed 1")
print("printed 2\\n" * 100_000)
sys.stdout.write("printed 3\\n"); sys.stdout.flush()
sys.stdout.buffer.write(b"printed 4\\n")
print("printed 5", file=sys.__stdout__)
os.write(1, b"printed 6\\n")
subprocess.run([sys.executable, "-c", "print('printed 7')"])
atexit.register(print, "printed 8")
warnings.warn("printed 9")
logging.warning("printed 0")
"""


@pytest.mark.parametrize("last", ["", "sys.stdout = None", "sys.stdout = sys.stderr"])
def test_what_a_script_prints_does_not_mix_with_the_drawing(last: str, folder: Path) -> None:
    (folder / "script.py").write_text(f"{PRINTS if not last else 'import sys'}\n{last}\n{DRAWN}")
    done = process("render", "script.py:y", "--format", "json", "-o", "-")
    assert done.returncode == 0
    assert json.loads(done.stdout)["nodes"][0]["label"] == "x"
    assert last or [i for i in range(10) if b"printed %d" % i not in done.stderr] == []


@pytest.mark.parametrize(
    "source",
    [
        "import sys; sys.stdout.close(); 1/0",
        "import sys; sys.stderr = None; 1/0",
        "import sys; sys.stdout = sys.stderr = None; 1/0",
        "import sys; sys.setrecursionlimit(60); f = lambda: f(); f()",
        "import builtins, sys, threading; threading.Thread(target=lambda: None).start();"
        "sys.path.clear(); sys.modules.pop('tinygrad_edu');"
        "builtins.print = builtins.open = None; 1/0",
    ],
    ids=short,
)
def test_a_script_that_spoils_the_house_still_fails_in_one_line(source: str, folder: Path) -> None:
    (folder / "script.py").write_text(source)
    done = process("render", "script.py:y", "-o", "y.dot")
    message = the_line(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert message.startswith("script.py, line 1: ")
    assert [path.name for path in folder.iterdir()] == ["script.py"]


@linux
@pytest.mark.parametrize(
    "args",
    [
        ("render", "x", *X, "--format", "dot", "-o", "-"),
        ("check", "x", *X),
    ],
    ids=lambda args: " ".join(args[:2] + args[-1:]),
)
def test_a_full_disk_behind_standard_output(args: tuple[str, ...]) -> None:
    # what Python could not write, it tries to write once more at its end, unless it is unbuffered
    buffered = {name: x for name, x in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tinygrad_edu", *args],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            env=buffered,
        )
    message = the_line(done.returncode, "", done.stderr.decode())
    assert os.strerror(errno.ENOSPC) in message


@linux
def test_standard_output_that_is_closed() -> None:
    words = [sys.executable, "-m", "tinygrad_edu", "render", "x", *X]
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *words], stderr=subprocess.PIPE, timeout=60
    )
    the_line(done.returncode, "", done.stderr.decode())


@linux
def test_a_reader_who_left_gets_no_traceback() -> None:
    read, write = os.pipe()
    os.close(read)
    words = ["render", "x", *X, "--format", "dot", "-o", "-"]
    done = subprocess.run(
        [sys.executable, "-m", "tinygrad_edu", *words],
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(write)
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") <= 1


@linux
def test_standard_output_by_its_name_in_the_file_system(folder: Path) -> None:
    words = ("render", "x", *X, "--format", "dot", "-o", "/dev/stdout")
    assert process(*words).stdout.startswith(b"digraph")
    with open(folder / "all.txt", "wb") as file:
        file.write(b"before\n")
        file.flush()
        subprocess.run([sys.executable, "-m", "tinygrad_edu", *words], stdout=file, timeout=60)
        file.write(b"after\n")
    assert (folder / "all.txt").read_bytes().startswith(b"before\ndigraph")
