"""The demos do what they say: run as a class runs them, their numbers and their pictures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def the_loop(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    out = tmp_path_factory.mktemp("demo") / "the_loop"
    command = [sys.executable, str(ROOT / "demos" / "the_loop.py"), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    return done.stdout, out


def test_the_loop_tells_every_number_of_one_step(the_loop: tuple[str, Path]) -> None:
    """y = sigmoid(0.5*1 + 0.25*-2 + 0.1), by hand: 0.525; E = (y-1)**2/2; dE/dw = (y-1)y(1-y)x."""
    told, _ = the_loop
    phases = [told.index(word) for word in ("FORWARD", "LOSS", "BACKWARD", "UPDATE")]
    assert phases == sorted(phases)
    for line in (
        "y = sigmoid(v8) = sigmoid(0.1) = 0.525",
        "loss = v13 / 2 = 0.2256 / 2 = 0.1128",
        "grad w[0] = -0.1185",
        "grad w[1] = 0.2369",
        "grad b = -0.1185",
        "w[0] = 0.7369",
        "w[1] = -0.2238",
        "the loss: 0.1128 before, 0.0161 now",
        "loss below 0.001 after 638 sweeps",
    ):
        assert line in told


def test_the_loop_draws_its_four_phases(the_loop: tuple[str, Path]) -> None:
    _, out = the_loop
    said = {}
    for file in sorted(out.glob("[1-4]-*.svg")):
        texts = ElementTree.parse(file).getroot().iter(f"{SVG}text")
        said[file.stem] = " ".join(text.text or "" for text in texts)
    assert list(said) == ["1-forward", "2-loss", "3-backward", "4-update"]
    assert "0.525" in said["1-forward"]
    assert "loss" not in said["1-forward"]
    assert "grad" not in said["2-loss"]
    assert "0.1128" in said["2-loss"]
    assert "-0.1185" in said["3-backward"]
    assert "before" in said["4-update"]
    assert "(was 0.5)" in said["4-update"]


@pytest.mark.machine
def test_the_loop_draws_its_loss_curve(the_loop: tuple[str, Path]) -> None:
    _, out = the_loop
    assert ElementTree.parse(out / "5-loss-curve.svg").getroot().tag == f"{SVG}svg"
