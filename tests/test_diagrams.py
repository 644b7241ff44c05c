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


def test_the_pictures_show_what_their_commands_make(monkeypatch, no_dot):
    monkeypatch.chdir(FOLDER.parent)
    for words in PICTURES:
        made = CliRunner().invoke(main, [*words[:-2], "-o", "-"])
        assert made.exit_code == 0, words
        svg, kept = (
            fromstring(made.stdout),
            fromstring((FOLDER / f"{name(words)}.svg").read_bytes()),
        )
        assert parts(kept) == parts(svg), words
        for drawing in (svg, kept):
            assert drawing.get("role") == "img"
            assert [part.tag for part in drawing[:2]] == [f"{SVG}title", f"{SVG}desc"]
        assert [part.text for part in kept[:2]] == [part.text for part in svg[:2]], words
        colors = [{x.get("fill") for x in root.iter()} for root in (kept, svg)]
        assert colors[0] == colors[1], words


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
