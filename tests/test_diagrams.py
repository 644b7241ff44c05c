"""The gallery is what its commands make: diagrams/README.md holds picture and command together."""

import os
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from tinygrad_edu.cli import main

FOLDER = Path(__file__).parent.parent / "diagrams"
sys.path.insert(0, str(FOLDER))
from make import commands  # noqa: E402  (the folder is no package)

README = (FOLDER / "README.md").read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"
PICTURES = [words for words in commands() if "--steps" not in words]


def name(words: list[str]) -> str:
    return Path(words[-1]).stem


@pytest.mark.parametrize("words", PICTURES, ids=name)
def test_the_dot_text_is_what_the_command_makes(words, monkeypatch):
    monkeypatch.chdir(FOLDER.parent)
    made = CliRunner().invoke(main, [*words[:-2], "--format", "dot", "-o", "-"])
    assert made.exit_code == 0
    assert made.stdout == (FOLDER / f"{name(words)}.dot").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", PICTURES, ids=name)
def test_the_svg_shows_what_the_dot_text_says(words):
    """Engines place things differently, so an SVG is not compared byte by byte."""
    dot = (FOLDER / f"{name(words)}.dot").read_text(encoding="utf-8")
    svg = ElementTree.parse(FOLDER / f"{name(words)}.svg").getroot()
    assert svg.get("role") == "img"
    assert svg[0].tag == f"{SVG}title"
    assert svg[1].tag == f"{SVG}desc"
    shown = "".join(text.text or "" for text in svg.iter(f"{SVG}text")).replace("\xa0", " ")
    for number in re.findall(r"<B>([^<]+)</B>|>([-\d.e+]+)</FONT>", dot):
        assert "".join(number).split("<BR/>")[0] in shown


def test_every_file_is_shown_and_has_its_command():
    files = {file.stem for file in FOLDER.glob("*.svg")}
    assert files == {name(words) for words in PICTURES} | {"steps"}
    assert files == set(re.findall(r"\]\(([\w-]+)\.svg\)", README))
    assert {file.stem for file in FOLDER.glob("*.dot")} == files - {"steps"}
    assert len(files) >= 24


def test_the_moving_picture_plays_the_steps_of_its_command(tmp_path, monkeypatch, no_dot):
    (words,) = (words for words in commands() if "--steps" in words)
    made = CliRunner().invoke(main, [*words[:-1], os.fspath(tmp_path / "slides")])
    assert made.exit_code == 0

    def told(file: Path) -> list[str]:
        """All words; the lines of a caption are broken elsewhere where letters are wider."""
        texts = ElementTree.parse(file).getroot().iter(f"{SVG}text")
        return " ".join((text.text or "").replace("\xa0", " ") for text in texts).split()

    assert told(FOLDER / "steps.svg") == told(tmp_path / "slides" / "steps.svg")
