"""A release: what a wheel and an sdist hold, and where the README leads on a package index."""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

pytest.importorskip("build", reason="build is in the extra release")
renderer = pytest.importorskip("readme_renderer.markdown", reason="it is in the extra release")
pytestmark = pytest.mark.machine  # the build installs setuptools

ROOT = Path(__file__).parents[1]
ADDRESSES = {"README_PAGES": "https://example.org/p", "README_PICTURES": "https://example.org/f"}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the wheel and the sdist: DIST, or what is built here."""
    if "DIST" in os.environ:
        return Path(os.environ["DIST"])
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **ADDRESSES})
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(dist.glob("*.whl")))


@pytest.fixture(scope="module")
def source(dist: Path) -> set[str]:
    """The paths in the sdist, below its own folder."""
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        return {member.name.partition("/")[2] for member in archive if member.isfile()}


def lessons(paths: Iterable[str], folder: str) -> set[str]:
    return {
        path.removeprefix(folder)
        for path in paths
        if path.startswith(folder) and path.endswith(".py")
    }


def test_wheel_sdist_and_checkout_hold_the_same_lessons(
    wheel: zipfile.ZipFile, source: set[str]
) -> None:
    here = lessons((path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py")), "demos/")
    assert {"the_loop.py", "the_wall.py"} <= here
    assert lessons(source, "demos/") == here
    assert lessons(wheel.namelist(), "tinygrad_edu/demos/") == here | {"__init__.py"}
    assert "tinygrad_edu/demos/laboratory/expected.json" in wheel.namelist()


def test_no_keyword_is_empty(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    keywords = email.message_from_bytes(wheel.read(name))["Keywords"].split(",")
    assert {"autograd", "graphviz"} <= {word.strip() for word in keywords}
    assert all(keywords)


def test_a_wheel_holds_the_types_and_no_tests(wheel: zipfile.ZipFile) -> None:
    assert "tinygrad_edu/py.typed" in wheel.namelist()
    assert {name.split("/")[0].split("-")[0] for name in wheel.namelist()} == {"tinygrad_edu"}


def test_an_sdist_holds_what_a_packager_needs(source: set[str]) -> None:
    tests = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")}
    assert tests <= source
    pictures = {f"diagrams/{path.name}" for path in (ROOT / "diagrams").glob("*.svg")}
    assert pictures
    assert pictures <= source
    needed = {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "setup.cfg", "setup.py"}
    assert needed <= source
    assert not [path for path in source if path.endswith(".pyc")]


def test_every_link_of_the_readme_leads_somewhere_from_a_package_index(
    wheel: zipfile.ZipFile,
) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    text = str(email.message_from_bytes(wheel.read(name)).get_payload(decode=True), "utf-8")
    page = renderer.render(text)
    found = re.findall(r'<(?:a|img)\b[^>]* (?:href|src)="([^"]*)"', page)
    assert len(found) >= 4
    assert [link for link in found if not re.match(r"https?://|#", link)] == []
    ours = [link for link in found if "example.org" in link]
    for link in ours:  # to .../pages/FILE or .../files/FILE
        path = re.sub(r"^https://example\.org/(tinygrad-edu/)?[a-z]+/", "", link)
        assert (ROOT / path).exists(), link
    code = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert code.findall(text.strip()) == code.findall(readme)
