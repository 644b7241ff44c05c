"""The gallery is what its commands make: diagrams/README.md holds picture and command together."""

import os
import re
import sys
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, fromstring

from click.testing import CliRunner

from tinygrad_edu.cli import main

FOLDER = Path(__file__).parent.parent / "diagrams"
sys.path.insert(0, str(FOLDER))
from make import commands  # noqa: E402  (the folder is no package)

README = (FOLDER / "README.md").read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"
PICTURES = [words for words in commands() if "--steps" not in words]
NETWORKS = {Path(words[-1]).stem for words in PICTURES if "network" in words}


def name(words: list[str]) -> str:
    return Path(words[-1]).stem


def parts(svg: Element) -> dict[str, tuple[str, str]]:
    """The kind and the words of each node and edge; where they stand is the engine's affair."""
    return {
        part.get("id", ""): (part.get("class", ""), said(part))
        for part in svg.iter(f"{SVG}g")
        if part.get("class", "").split()[:1] in (["node"], ["edge"])
    }


def said(part: Element) -> str:
    texts = (text.text or "" for text in part.iter(f"{SVG}text"))
    return " ".join(" ".join(texts).replace("\xa0", " ").split())


def test_the_pictures_are_what_their_commands_make(monkeypatch, no_dot):
    """Byte by byte, unless this engine puts a box elsewhere; by words and colours, always."""
    monkeypatch.chdir(FOLDER.parent)
    same = set()
    for words in PICTURES:
        made = CliRunner().invoke(main, [*words[:-2], "-o", "-"])
        assert made.exit_code == 0, words
        kept = (FOLDER / f"{name(words)}.svg").read_bytes()
        if made.stdout_bytes == kept:
            same.add(name(words))
        drawings = [fromstring(text) for text in (kept, made.stdout_bytes)]
        assert parts(drawings[0]) == parts(drawings[1]), words
        colors = [{x.get("fill") for x in drawing.iter()} for drawing in drawings]
        assert colors[0] == colors[1], words
        for drawing in drawings:
            assert drawing.get("role") == "img"
            assert [part.tag for part in drawing[:2]] == [f"{SVG}title", f"{SVG}desc"]
        first, second = ([part.text for part in drawing[:2]] for drawing in drawings)
        assert first == second, words
    assert same >= NETWORKS  # no engine has a part in them
    assert len(same) >= 30


def letters(svg: Element) -> float:
    """The height of the smallest text with a digit where the picture fills a slide, in pixels."""
    width, height = map(float, svg.get("viewBox", "").split()[2:])
    texts = [text for text in svg.iter(f"{SVG}text") if re.search(r"\d", text.text or "")]
    smallest = min(float(text.get("font-size", "0")) for text in texts)
    return smallest * min(1220 / width, 610 / height)


def test_a_class_can_read_every_number_on_a_slide():
    """At least 18 pixels, of a slide of 1280x720, below a heading; else the README says why not."""
    small = {
        file.stem
        for file in FOLDER.glob("*.svg")
        if letters(ElementTree.parse(file).getroot()) < 18
    }
    sections = re.split("^##+ ", README, flags=re.MULTILINE)
    said = {
        shown
        for section in sections
        if "\nNot for a slide: " in section
        for shown in re.findall(r"\]\(([\w-]+)\.svg\)", section)
    }
    assert small == said == {"xor", "wide-neurons"}


def test_every_file_is_shown_and_has_its_command():
    files = {file.stem for file in FOLDER.glob("*.svg")}
    assert files == {name(words) for words in PICTURES} | {"steps"}
    assert files == set(re.findall(r"\]\(([\w-]+)\.svg\)", README))


def test_the_moving_picture_plays_the_steps_of_its_command(tmp_path, monkeypatch, no_dot):
    (words,) = (words for words in commands() if "--steps" in words)
    made = CliRunner().invoke(main, [*words[:-1], os.fspath(tmp_path / "slides")])
    assert made.exit_code == 0

    kept, played = (
        ElementTree.parse(folder / "steps.svg").getroot()
        for folder in (FOLDER, tmp_path / "slides")
    )
    assert said(kept) == said(played)
