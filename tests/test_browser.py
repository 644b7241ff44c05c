"""Pictures in a browser: they open, they fit the page, they play, and they ask for nothing.

A screenshot of the film at some time looks like one of the picture of that time.
"""

from __future__ import annotations

import io
import json
import os
import select
import shutil
import subprocess
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import REAL_PATH, differentiated, neuron

from tinygrad_edu import Trace, Value, trace
from tinygrad_edu.cli import main as cli
from tinygrad_edu.demos import LESSONS
from tinygrad_edu.draw.film import SECONDS, files, film
from tinygrad_edu.draw.svg import fitting
from tinygrad_edu.draw.theme import THEMES
from tinygrad_edu.draw.view import View

pytestmark = pytest.mark.machine

LONG = "pdp_set"  # a lesson that takes minutes
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)
LAUNCH = ("sh", "-c", 'exec "$@" 3<&0 4>&1 0</dev/null 1>&2', "sh")  # it listens at 3, talks at 4
PATIENCE = 60.0  # seconds for whatever the browser does
MEASURE = """(() => {
    const pictures = [...document.querySelectorAll("img, svg, iframe")].map(picture => {
        const box = picture.getBoundingClientRect();
        const whole = picture.tagName != "IMG" || picture.complete && picture.naturalWidth > 0;
        const room = picture.parentElement.clientWidth;
        const {left, right, width, height} = box;
        return {left, right, width, height, whole, room};
    });
    const page = document.documentElement;
    return {page: page.clientWidth, wanted: page.scrollWidth, pictures};
})()"""
SEEK = """document.getAnimations().map(animation => {
    animation.pause();
    animation.currentTime = 1000 * %f;
}).length"""


class Browser:
    """A Chromium with one page, told what to do through a pipe, in its DevTools' protocol."""

    def __init__(self, profile: Path) -> None:
        profile.mkdir(exist_ok=True)
        found = [shutil.which(name, path=REAL_PATH) for name in PROGRAMS]
        program = next(filter(None, found), None)
        assert program, (
            f"none of {', '.join(PROGRAMS)} is on the PATH: "
            "install chromium, or deselect the tests marked machine"
        )
        with (profile / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*LAUNCH, program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PATH": REAL_PATH},
            )
        self.calls, self.read, self.session = 0, b"", ""
        self.asked: list[str] = []  # addresses that pages have asked for
        self.loaded = False

    def begin(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        self.call("Page.enable")
        self.call("Network.enable")

    def end(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """What the browser answers."""
        self.calls += 1
        message = {"id": self.calls, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\0")
        self.process.stdin.flush()
        while (answer := self._message()).get("id") != self.calls:
            self._event(answer)
        assert "error" not in answer, answer["error"]
        found: dict[str, Any] = answer["result"]
        return found

    def _message(self) -> dict[str, Any]:
        answers = self.process.stdout
        assert answers
        while b"\0" not in self.read:
            ready, _, _ = select.select([answers], [], [], PATIENCE)
            more = os.read(answers.fileno(), 1 << 20) if ready else b""
            assert more, "the browser says nothing more"
            self.read += more
        message, _, self.read = self.read.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def _event(self, event: dict[str, Any]) -> None:
        if event["method"] == "Page.loadEventFired":
            self.loaded = True
        elif event["method"] == "Network.requestWillBeSent":
            self.asked.append(event["params"]["request"]["url"])

    def open(self, page: Path, width: int = 1100, height: int = 700) -> None:
        """Opens the page, from the beginning of what it plays."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.loaded = False
        self.asked = []
        self.call("Page.navigate", url=page.as_uri())
        while not self.loaded:
            self._event(self._message())

    def say(self, expression: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def seek(self, seconds: float) -> int:
        """Stops everything that plays where it is after so many seconds; how many that are."""
        return int(self.say(SEEK % seconds))

    def screenshot(self, height: float = 700.0) -> bytes:
        """The upper part of what is to be seen. height: in pixels."""
        clip = {"x": 0, "y": 0, "width": 1100, "height": height, "scale": 1}
        return b64decode(self.call("Page.captureScreenshot", format="png", clip=clip)["data"])

    def still(self, page: Path, height: float = 700.0) -> bytes:
        self.open(page)
        return self.screenshot(height)

    def wants_no_motion(self, wish: bool) -> None:
        value = "reduce" if wish else "no-preference"
        features = [{"name": "prefers-reduced-motion", "value": value}]
        self.call("Emulation.setEmulatedMedia", features=features)


@contextmanager
def opened(profile: Path) -> Iterator[Browser]:
    browser = Browser(profile)
    try:
        browser.begin()
        yield browser
    finally:
        browser.end()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with opened(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def image(svg: str) -> str:
    """The SVG as JupyterLab and nbconvert put it into a page."""
    data = b64encode(svg.encode()).decode()
    return f'<img src="data:image/svg+xml;base64,{data}">'


def inline(svg: str) -> str:
    """The SVG as other notebooks do."""
    return svg


def page(file: Path, *pictures: str) -> Path:
    body = "\n".join(f"<div>{picture}</div>" for picture in pictures)
    html = f'<!DOCTYPE html><meta charset="utf-8"><title>page</title><body>{body}</body>'
    file.write_text(html, encoding="utf-8")
    return file


def shows_an_error(browser: Browser) -> bool:
    return bool(browser.say("document.getElementsByTagName('parsererror').length"))


@pytest.fixture(scope="module")
def passes() -> Trace:
    x = Value(3.0, label="x")
    y = x * x + x
    y.label = "y"
    return trace(y)


@pytest.fixture(scope="module")
def folder(passes: Trace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The steps in files; beside each, a page that shows it as an image."""
    folder = tmp_path_factory.mktemp("steps")
    for name, data in files(passes, View(), "svg").items():
        (folder / name).write_bytes(data)
        page((folder / name).with_suffix(".html"), f'<img src="{name}" style="width: 100%">')
    return folder


# --- still pictures ------------------------------------------------------------------------------


def test_each_theme_opens_and_looks_different(browser: Browser, tmp_path: Path) -> None:
    y = differentiated(neuron())
    seen = {browser.still(page(tmp_path / "blank.html"))}
    for theme in THEMES:
        file = tmp_path / f"{theme}.svg"
        y.draw(theme=theme).save(file)
        seen.add(browser.still(file))
        assert not shows_an_error(browser)
        assert browser.say("document.title") == "Graph of o = 0.7071"
    assert len(seen) == len(THEMES) + 1


def test_a_broken_picture_is_noticed(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "broken.svg"
    file.write_text('<svg xmlns="http://www.w3.org/2000/svg"><g></svg>')
    browser.open(file)
    assert shows_an_error(browser)


@pytest.mark.parametrize("put", [image, inline])
@pytest.mark.parametrize("width", [400, 2400])
def test_a_picture_is_never_wider_than_the_page(
    put: Any, width: int, browser: Browser, tmp_path: Path
) -> None:
    """However notebooks put it into the page, it is whole, and where it can be, no larger."""
    small, large = Value(2.0, label="x").draw(), differentiated(neuron()).draw()
    raw = [picture.render("svg").decode() for picture in (small, large)]
    browser.open(page(tmp_path / "raw.html", *map(inline, raw)), width=4000)
    natural = browser.say(MEASURE)["pictures"]
    browser.open(page(tmp_path / "fitting.html", *map(put, map(fitting, raw))), width=width)
    found = browser.say(MEASURE)
    assert found["wanted"] == found["page"] == width
    assert len(found["pictures"]) == len(natural) == 2
    for box, whole in zip(found["pictures"], natural):
        assert box["whole"]
        assert 0 <= box["left"] < box["right"] <= width
        ratio = whole["width"] / whole["height"]
        assert box["width"] / box["height"] == pytest.approx(ratio, rel=0.01)
        fills = put is image and whole["width"] > 800  # an image cannot say that it may shrink
        expected = box["room"] if fills else min(box["room"], whole["width"])
        assert box["width"] == pytest.approx(expected, rel=0.01)


# --- the pages of the lessons --------------------------------------------------------------------


@pytest.fixture(scope="module", params=[lesson.name for lesson in LESSONS if lesson.name != LONG])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a lesson of a few seeds."""
    out = tmp_path_factory.mktemp(request.param)
    words = ["demo", request.param, "--quick", "--seeds", "3", "--out", str(out)]
    assert CliRunner().invoke(cli, words).exit_code == 0
    return out / "index.html"


@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_of_a_lesson_fits_and_asks_for_nothing_from_outside(
    width: int, browser: Browser, told: Path
) -> None:
    """What is too wide is moved within its frame; the page is never wider than the window."""
    browser.open(told, width=width)
    found = browser.say(MEASURE)
    assert found["wanted"] == found["page"] == width
    assert len(found["pictures"]) >= 3
    for box in found["pictures"]:
        assert box["whole"]
        assert 0 <= box["left"] < width
        assert box["width"] > 300
    assert all(address.startswith("file:") for address in browser.asked)
    assert {Path(address).suffix for address in browser.asked} == {".html", ".svg"}


# --- the film ------------------------------------------------------------------------------------

CONTROLS = 32 * 96 / 72  # pixels below the picture, for the links
LOOK = """[...document.querySelectorAll("svg")].map(svg => {
    const seen = [...svg.querySelectorAll("a")].filter(a => {
        const style = getComputedStyle(a);
        return style.visibility == "visible" && style.opacity == "1" && style.display != "none";
    });
    const picture = new Set(seen.map(a => a.id.split("-").pop()));
    const words = seen.map(a => a.textContent.replace(/[^a-z]/g, ""));
    return [[...picture].join(), ...words];
})"""
CLICK = """(() => {
    const svg = document.querySelectorAll("svg")[%d];
    const link = [...svg.querySelectorAll("a")].find(a =>
        getComputedStyle(a).visibility == "visible" && getComputedStyle(a).display != "none"
        && a.textContent.includes(%s));
    link.scrollIntoView({block: "nearest"});
    const box = link.querySelector("rect").getBoundingClientRect();
    return {x: box.left + box.width / 2, y: box.top + box.height / 2, height: box.height};
})()"""
PLAYED = ["back", "stop", "step", "slower"]
HELD = ["back", "play", "step", "slower"]
SLOW = ["back", "stop", "step", "faster"]


def click(browser: Browser, word: str, which: int = 0) -> None:
    """Clicks on the link with that word in one of the films, and waits for what comes of it."""
    place = browser.say(CLICK % (which, json.dumps(word)))
    assert place["height"] >= 24  # pixels, as fingers need (WCAG 2.2, 2.5.8)
    for what in ("mousePressed", "mouseReleased"):
        at = {"x": place["x"], "y": place["y"], "button": "left", "clickCount": 1}
        browser.call("Input.dispatchMouseEvent", type=what, **at)
    settle(browser)


def press(browser: Browser, key: str) -> None:
    code = {"Tab": 9, "Enter": 13}[key]
    text = {"text": "\r"} if key == "Enter" else {}
    for what in ("keyDown", "keyUp"):
        how = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        browser.call(
            "Input.dispatchKeyEvent", type=what, **how, **(text if what == "keyDown" else {})
        )
    settle(browser)


def settle(browser: Browser) -> None:
    """Waits until two frames have been painted."""
    wait = "new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))"
    browser.call("Runtime.evaluate", expression=wait, awaitPromise=True)


def looks(browser: Browser, which: int = 0) -> list[str]:
    """The number of the picture that is to be seen, and the words of its links."""
    found: list[list[str]] = browser.say(LOOK)
    return found[which]


def within(browser: Browser, seconds: float, expected: list[str]) -> None:
    """That is to be seen before so many seconds are over."""
    end = time.monotonic() + seconds
    while looks(browser) != expected:
        assert time.monotonic() < end, (looks(browser), expected)
        time.sleep(0.05)


def height(folder: Path) -> int:
    """The height of the pictures, in pixels."""
    first = (folder / "step-001.svg").read_text(encoding="utf-8").partition(">")[0]
    return int(float(first.partition(' height="')[2].partition("pt")[0]) * 96 / 72)


def alike(png: bytes, other: bytes) -> bool:
    """Whether two screenshots show the same; what is animated is painted a hair to the side."""

    imread = pytest.importorskip("matplotlib.image").imread

    def coarse(png: bytes) -> Any:
        pixels = imread(io.BytesIO(png))[..., :3]
        high, wide = (side // 8 * 8 for side in pixels.shape[:2])
        return pixels[:high, :wide].reshape(high // 8, 8, wide // 8, 8, 3).mean((1, 3))

    return bool(abs(coarse(png) - coarse(other)).max() < 0.25)


def test_the_film_shows_each_picture_in_its_time_and_begins_again(
    browser: Browser, folder: Path, passes: Trace
) -> None:
    count, high = len(passes), height(folder)
    stills = [browser.still(folder / f"step-{i:03}.svg", high) for i in range(1, count + 1)]
    assert len(set(stills)) == count
    times = [(i, i + part) for i in range(count) for part in (0, 0.01, 0.98)]
    times += [(0, count + 0.01), (count - 1, 5 * count - 0.02)]
    for i, when in times:
        browser.open(folder / "steps.svg")
        assert not shows_an_error(browser)
        assert browser.seek(SECONDS * when) > count
        assert looks(browser) == [str(i), *PLAYED]
        shot = browser.screenshot(high)
        assert [alike(shot, still) for still in stills] == [k == i for k in range(count)], when


@pytest.mark.parametrize("ending", ["svg", "html"], ids=["by itself", "as an image"])
def test_the_film_really_plays(ending: str, browser: Browser, folder: Path) -> None:
    stills = [browser.still(folder / f"step-00{i}.{ending}", height(folder)) for i in (1, 2)]
    browser.open(folder / f"steps.{ending}")
    for still in stills:
        end = time.monotonic() + 2 * SECONDS
        while not alike(browser.screenshot(height(folder)), still):
            assert time.monotonic() < end
            time.sleep(0.05)


def test_for_who_wants_no_motion_the_film_is_its_last_picture(
    browser: Browser, folder: Path, passes: Trace
) -> None:
    last = len(passes) - 1
    still = browser.still(folder / f"step-{len(passes):03}.svg", height(folder))
    browser.wants_no_motion(True)
    try:
        assert alike(browser.still(folder / "steps.svg", height(folder)), still)
        time.sleep(1.1 * SECONDS)
        assert looks(browser) == [str(last), *HELD]
        click(browser, "back")
        assert looks(browser) == [str(last - 1), *HELD]
        click(browser, "play")  # who asks for it gets it
        within(browser, 2 * SECONDS, [str(last), *PLAYED])
    finally:
        browser.wants_no_motion(False)


@pytest.mark.parametrize("put", [None, inline], ids=["by itself", "in a page"])
def test_the_film_can_be_stopped_stepped_and_slowed(
    put: Any, browser: Browser, folder: Path, tmp_path: Path
) -> None:
    file = folder / "steps.svg"
    if put:
        file = page(tmp_path / "film.html", file.read_text(encoding="utf-8"))
    browser.open(file)
    assert looks(browser) == ["0", *PLAYED]
    within(browser, 2 * SECONDS, ["1", *PLAYED])  # so that a pause alone would show another one
    click(browser, "stop")
    time.sleep(1.2 * SECONDS)
    assert looks(browser) == ["1", *HELD]
    for word, picture in (("step", 2), ("step", 3), ("back", 2), ("step", 3)):
        click(browser, word)
        assert looks(browser) == [str(picture), *HELD]
    click(browser, "play")
    assert looks(browser) == ["3", *PLAYED]
    within(browser, 2 * SECONDS, ["4", *PLAYED])
    click(browser, "slower")
    time.sleep(1.5 * SECONDS)
    assert looks(browser) == ["4", *SLOW]
    within(browser, 2 * SECONDS, ["5", *SLOW])
    click(browser, "faster")
    assert looks(browser) == ["5", *PLAYED]
    within(browser, 2 * SECONDS, ["6", *PLAYED])
    click(browser, "step")  # there is none after it
    assert looks(browser) == ["6", *HELD]


def test_a_held_film_is_the_picture(browser: Browser, folder: Path, passes: Trace) -> None:
    high = height(folder)
    stills = [browser.still(folder / f"step-{i + 1:03}.svg", high) for i in range(len(passes))]
    browser.open(folder / "steps.svg")
    click(browser, "step")
    for i in range(1, len(passes)):
        assert alike(browser.screenshot(high), stills[i])
        click(browser, "step")


def test_the_film_obeys_the_keyboard_and_shows_where_it_is(browser: Browser, folder: Path) -> None:
    focus = "document.activeElement.textContent.replace(/[^a-z]/g, '')"
    thick = "getComputedStyle(document.activeElement.querySelector('rect')).strokeWidth"
    browser.open(folder / "steps.svg")
    for word in PLAYED:
        press(browser, "Tab")
        assert browser.say(focus) == word
        assert browser.say(thick) == "4px"
    browser.open(folder / "steps.svg")
    for _ in range(2):
        press(browser, "Tab")
    press(browser, "Enter")
    assert looks(browser) == ["0", *HELD]
    assert browser.say(focus) == "play"
    press(browser, "Tab")
    for i in (1, 2, 3):  # the focus stays on "step"
        press(browser, "Enter")
        assert looks(browser) == [str(i), *HELD]
        assert browser.say(focus) == "step"
        assert browser.say(thick) == "4px"


def test_the_links_are_below_the_picture_and_inside_of_the_page(
    browser: Browser, folder: Path
) -> None:
    browser.open(folder / "steps.svg", width=2000)
    boxes = browser.say(
        "[...document.querySelectorAll('a rect')].filter(r => r.checkVisibility()).map(r => {"
        "const b = r.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]})"
    )
    for left, top, right, bottom in boxes:
        assert height(folder) <= top < bottom <= height(folder) + CONTROLS
        assert 0 <= left < right <= 2000


@pytest.mark.parametrize("order", [1, -1])
def test_two_films_in_one_page_play_each_in_its_own_time(
    order: int, passes: Trace, browser: Browser, tmp_path: Path
) -> None:
    """Some notebooks put SVG into the page itself, where styles are everybody's."""
    other = trace(Value(2.0, label="a") * Value(5.0, label="b"))
    assert (len(passes), len(other)) == (7, 4)
    films = [film(played) for played in (passes, other)[::order]]
    long, short = (0, 1)[::order]
    browser.open(page(tmp_path / "films.html", *films))
    for i in (2, 4):  # the one of 4 events begins again, while that of 7 plays
        assert browser.seek(SECONDS * (i + 0.5)) > 0
        assert looks(browser, long) == [str(i), *PLAYED]
        assert looks(browser, short) == [str(i % 4), *PLAYED]
    click(browser, "stop", short)
    assert looks(browser, short) == ["0", *HELD]
    assert looks(browser, long) == ["4", *PLAYED]
    click(browser, "step", short)
    assert looks(browser, short) == ["1", *HELD]
    assert looks(browser, long) == ["4", *PLAYED]


# --- nothing leaves ------------------------------------------------------------------------------


def test_a_picture_that_asks_for_something_is_noticed(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "asking.svg"
    asking = '<image href="http://outside.test/a.png"/><style>@import "b.css";</style>'
    file.write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{asking}</svg>')
    browser.open(file)
    expected = [file.as_uri(), "http://outside.test/a.png", (tmp_path / "b.css").as_uri()]
    assert sorted(browser.asked) == sorted(expected)


def test_neither_a_picture_nor_a_film_asks_for_anything(
    browser: Browser, folder: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "y.svg"
    differentiated(neuron()).draw().save(picture)
    for file in (picture, folder / "step-001.svg", folder / "steps.svg"):
        browser.open(file)
        browser.seek(SECONDS * 3)
        browser.screenshot()
        assert browser.asked == [file.as_uri()]
