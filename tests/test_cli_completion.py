"""The Tab key: what the shells ask the command line for, and what a real Bash makes of it."""

from __future__ import annotations

import os
import select
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tinygrad_edu.cli import main

pytestmark = [pytest.mark.machine] if sys.platform == "win32" else []
FILES = ("lesson.py", "other.py", "expression.txt")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        (tmp_path / name).write_text("x*w\n")
    (tmp_path / "slides").mkdir()
    return tmp_path


def asked(**env: str) -> str:
    """What the command prints in answer to a shell."""
    done = CliRunner().invoke(main, [], prog_name="tinygrad-edu", env=env)
    assert done.stderr == ""
    return done.stdout


def answer(*words: str) -> set[str]:
    """The kinds and the values that complete the last of the words, as Bash hears them."""
    return set(
        asked(
            _TINYGRAD_EDU_COMPLETE="bash_complete",
            COMP_WORDS=" ".join(["tinygrad-edu", *(word for word in words if word)]),
            COMP_CWORD=str(len(words)),
        ).splitlines()
    )


def plain(*words: str) -> set[str]:
    return {f"plain,{word}" for word in words}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_printed(shell: str) -> None:
    printed = asked(_TINYGRAD_EDU_COMPLETE=f"{shell}_source")
    assert "_TINYGRAD_EDU_COMPLETE" in printed
    assert f"{shell}_complete" in printed
    assert "_TINYGRAD_EDU_COMPLETE=bash_source" in asked()


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("", {"render", "explain", "step", "orders", "check", "compile", "demo"}),
        ("re", {"render"}),
        ("demo the_", {"the_loop", "the_wall"}),
        ("demo the_wall --q", {"--quick"}),
        ("render --fo", {"--form", "--format"}),
        ("check --a", {"--at"}),
        ("step --a", {"--at", "--all"}),
        ("render x --format ", {"svg", "png", "pdf", "html", "dot", "json", "txt"}),
        ("render -x*w --format p", {"png", "pdf"}),
        ("render x --theme ", {"light", "dark", "print", "contrast"}),
        ("render x --theme dark --direction ", {"LR", "TB"}),
        ("render x --direction t", {"TB"}),
        ("render x --edges ", {"formula", "numbers", "local", "contribution", "all", "none"}),
        ("render x --edges local,", {"local,formula", "local,numbers", "local,contribution"}),
        ("render x --edges local,c", {"local,contribution"}),
        ("render x --hide ", {"leaves", "values", "grads", "edges", "all", "none"}),
        ("render x --hide values,g", {"values,grads"}),
        ("render x --level ", {"node", "neuron", "layer", "network"}),
        ("render x --level ne", {"neuron", "network"}),
        ("render x --form ", {"compact", "circles"}),
        ("render x --fit ", {"16:9", "4:3", "A4", "none"}),
        ("render x --fit a", {"A4"}),
        ("render x --size ", {"1280x720", "1920x1080", "A4"}),
        ("render x --size 12", {"1280x720"}),
        ("render x --labels ", {"html", "plain"}),
        ("render x --no", {"--no-legend"}),
        ("render x --role w=", {"w=input", "w=parameter", "w=loss"}),
        ("render x --role w=p", {"w=parameter"}),
        ("render x --role w=input,b=p", {"w=input,b=parameter"}),
        ("compile x --to ", {"python", "c", "javascript", "table"}),
        ("explain x --form ", {"text", "words", "latex"}),
        ("render @", {f"@{name}" for name in FILES} | {"@slides/"}),
        ("check @exp", {"@expression.txt"}),
    ],
)
def test_words_are_completed(typed: str, completed: set[str]) -> None:
    assert answer(*typed.split(" ")) == plain(*completed)


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        *((f"{name} les", "file") for name in ("render", "explain", "step", "orders", "check")),
        *((f"{name} x --at x=2 -o les", "file") for name in ("render", "compile")),
        ("compile x --output les", "file"),
        ("render x -o a.svg -o les", "file"),
        ("render x --steps les", "dir"),
        ("demo the_wall --out les", "dir"),
        ("demo the_wall --json les", "file"),
    ],
)
def test_names_of_files_are_left_to_the_shell(typed: str, kind: str) -> None:
    assert answer(*typed.split(" ")) == {f"{kind},les"}


@pytest.mark.parametrize(
    ("pieces", "completed"),
    [
        (("render", "x", "--role", "w", "="), {"input", "parameter", "loss"}),
        (("render", "x", "--role", "w", "=", "p"), {"parameter"}),
        (("render", "x", "--role", "w", "=", "input,b", "=", "p"), {"parameter"}),
        (("render", "x", "--theme", "=", "d"), {"dark"}),
        (("render", "x", "--at", "x", "=", "2", "--dir"), {"--direction"}),
        (("explain", "lesson.py", ":", "y", "--form", "l"), {"latex"}),
        (("check", "@", "exp"), {"@expression.txt"}),
    ],
)
def test_what_bash_takes_apart_is_put_together(
    pieces: tuple[str, ...], completed: set[str]
) -> None:
    assert answer(*pieces) == plain(*completed)


class Bash:
    """A shell at a terminal, with the completion switched on as --help says."""

    def __init__(self, folder: Path) -> None:
        import pty

        (folder / "bin").mkdir()
        command = folder / "bin" / "tinygrad-edu"
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tinygrad_edu "$@"\n')
        command.chmod(0o755)
        self.pid, self.terminal = pty.fork()
        if not self.pid:
            os.environ["PATH"] = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
            os.execlp("bash", "bash", "--norc", "--noprofile", "-i")
        self.write(
            "PS1=; bind 'set enable-bracketed-paste off'; "
            'eval "$(_TINYGRAD_EDU_COMPLETE=bash_source tinygrad-edu)"; echo REA""DY\n'
        )
        assert "READY" in self.read("READY")

    def write(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def read(self, end: str) -> str:
        """What is shown until it has the end, or until nothing more comes."""
        shown = b""
        while end.encode() not in shown and select.select([self.terminal], [], [], 30)[0]:
            shown += os.read(self.terminal, 4096)
        return shown.decode()

    def close(self) -> None:
        self.write("\x15exit\n")
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


@pytest.fixture
def bash(folder: Path) -> Iterator[Bash]:
    if shutil.which("bash") is None:
        pytest.skip("there is no Bash")
    shell = Bash(folder)
    yield shell
    shell.close()


def test_a_real_bash_completes_names_of_files_and_values(bash: Bash) -> None:
    for typed, completed in (
        ("render les", "render lesson.py "),
        ("render x --steps sl", "render x --steps slides/"),
        ("check @exp", "check @expression.txt "),
        ("render x --role w=p", "render x --role w=parameter "),
    ):
        bash.write(f"tinygrad-edu {typed}\t")
        assert completed in bash.read(completed)
        bash.write("\x15")
