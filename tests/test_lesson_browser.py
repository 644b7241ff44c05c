"""Every lesson's page in Chromium and in Firefox: predict, slider, film, keyboard, no script.

The lessons run once, with --quick. `every_part` is a page that has each part a lesson can have.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from test_live_browser import BROWSERS, Browser

from tinygrad_edu import Value, tanh, trace
from tinygrad_edu.demos import LESSONS
from tinygrad_edu.demos.laboratory import charts
from tinygrad_edu.lesson.claims import bounded, share
from tinygrad_edu.lesson.facts import Fact
from tinygrad_edu.lesson.plan import Mistake, Plan
from tinygrad_edu.lesson.telling import Lesson

pytestmark = pytest.mark.machine

ROOT = Path(__file__).parent.parent
NAMES = ["every_part", *(str(lesson.name) for lesson in LESSONS)]
Made = Callable[[str], Path]


@pytest.fixture(scope="module", params=BROWSERS)
def started(request: pytest.FixtureRequest) -> Iterator[Browser]:
    browser = Browser(request.param)
    yield browser
    browser.end()


@pytest.fixture
def browser(started: Browser) -> Iterator[Browser]:
    """A browser whose page must not have complained, nor asked for anything outside its folder."""
    started.asked, started.errors = [], []
    yield started
    assert started.errors == []
    folder = started.file.parent
    for url in started.asked:
        parts = urlsplit(url)
        name = Path(unquote(parts.path))
        if parts.netloc == "page.test":
            assert (folder / name.name).exists() or name.name == "frame-without-scripts", url
        else:
            assert (parts.scheme, name.parent) == ("file", folder), url


def every_part(out: Path) -> None:
    """Writes a page with every part."""
    mistake = Mistake("tinygrad_edu/ops.py", "a = b", "a = c", "XOR, seed 3")
    plan = Plan("Can a unit do it?", 20, "the film", ["Why `w`?"], mistake, ["A paper."], "credit")
    lesson = Lesson("A try: does it work?", 0, 1, True, out, name="try", plan=plan)
    x, w = Value(2.0, label="x"), Value(-3.0, label="w")
    y = tanh(x * w + 1)
    y.label = "y"
    y.backward()
    lesson.section("One step")
    lesson.say("A neuron `y = tanh(x*w + 1)`.")
    with lesson.predict("In which direction does w move?"):
        lesson.say("To the left.")
        lesson.film("film", trace(y), "Both passes.")
        lesson.picture("neuron", y.draw(), "The neuron.")
    lesson.show("\n".join("  ".join(f"{i * j:6}" for i in range(12)) for j in range(4)))
    lesson.equations("Nature", [(2, "y_j = 1 / (1 + e^(−x_j))", "1 / (1 + exp(-total))")])
    moments = [
        (f"epoch {i}", lambda i=i: charts.scatter({"": [(0, i), (i, 3)]}, "x", "y"))
        for i in range(5)
    ]
    lesson.moments("dots", "epoch", moments, "The dots move.")
    with lesson.predict("What if you change w yourself?"):
        lesson.play("live", y.page, "The neuron, live.")
    fact = Fact("A paper", "Fig. 1", "one network learned it.", "one network")
    lesson.claim(share("how many learned it", 180, 200, (3940, 4000), fact))
    lesson.claim(bounded("a number", 1, 0, 2))
    lesson.check("What is w?", "It is -3.")
    lesson.finish()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The page of a lesson, by its name; each is made once, or taken from $LESSON_PAGES."""
    kept = os.environ.get("LESSON_PAGES")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("lessons")

    def of(name: str) -> Path:
        file = folder / name / "index.html"
        if not file.exists():
            if name == "every_part":
                every_part(file.parent)
            else:
                command = [sys.executable, str(ROOT / "demos" / f"{name}.py"), "--quick"]
                subprocess.run([*command, "--out", str(file.parent)], capture_output=True)
        return file

    return of


def count(browser: Browser, selector: str) -> int:
    return int(browser.say(f"document.querySelectorAll({json.dumps(selector)}).length"))


def opened(browser: Browser, file: Path, **more: Any) -> None:
    """Opens the page, and all that is folded; what is loaded late is loaded."""
    browser.open(file, **more)
    browser.say(OPEN)
    browser.do(["wait", 300])


OPEN = """(document.querySelectorAll('details').forEach(x => { x.open = true; }),
    document.querySelectorAll('[loading]').forEach(x => { x.loading = 'eager'; }), 0)"""
SEEN = "[...document.querySelectorAll(%s)].map(x => x.checkVisibility())"


def seen(browser: Browser, selector: str) -> list[bool]:
    """For each such element, whether it is displayed."""
    found: list[bool] = browser.say(SEEN % json.dumps(selector))
    return found


# --- predict, then reveal ------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_folded_and_open_by_click_and_by_key(
    name: str, browser: Browser, made: Made
) -> None:
    browser.open(made(name))
    assert not any(browser.say("[...document.querySelectorAll('details')].map(x => x.open)"))
    assert count(browser, "details.predict") >= 2
    assert not any(seen(browser, "details.predict > :not(summary)"))
    browser.do(["click", "details.predict > summary"])
    assert seen(browser, "details.predict[open] > :not(summary)")
    assert all(seen(browser, "details.predict[open] > :not(summary):not(details)"))
    browser.do(["click", "details.predict > summary"])
    assert count(browser, "details[open]") == 0
    for key in ("Enter", " "):
        browser.do(["focus", "details.check > summary"], ["key", key])
        assert count(browser, "details.check[open]") == 1
        browser.do(["key", key])
        assert count(browser, "details[open]") == 0


@pytest.mark.parametrize("name", NAMES)
def test_the_keyboard_reaches_everything(name: str, browser: Browser, made: Made) -> None:
    """Whatever can be clicked or scrolled has the focus once, in the order of the page."""
    opened(browser, made(name))
    reached = "a[href], summary, button, input, [tabindex='0']"
    found = browser.say(
        f"[...document.querySelectorAll({json.dumps(reached)})].map(x => x.tabIndex)"
    )
    assert found
    assert set(found) == {0}
    browser.do(["focus", "summary"], ["key", "Tab"])
    assert browser.say("document.activeElement !== document.body")


# --- the slider ----------------------------------------------------------------------------------

LABEL = "document.querySelector('.frames output').textContent"
SHOWN = "document.querySelectorAll('.frames')[0].querySelectorAll('.frame:not([hidden])').length"
LABELS = (
    "[...document.querySelectorAll('.frames')[0].querySelectorAll('.frame > p')]"
    ".map(p => p.textContent)"
)


def with_slider(browser: Browser, file: Path) -> list[str]:
    """The labels of the first slider of the page; it is skipped if there is none."""
    opened(browser, file)
    if not count(browser, ".frames"):
        pytest.skip("this lesson has no slider")
    labels: list[str] = browser.say(LABELS)
    assert len(set(labels)) == len(labels) > 1
    return labels


@pytest.mark.parametrize("name", NAMES)
def test_a_slider_shows_one_moment_at_a_time(name: str, browser: Browser, made: Made) -> None:
    labels = with_slider(browser, made(name))
    assert (browser.say(LABEL), browser.say(SHOWN)) == (labels[0], 1)
    browser.do(["focus", ".frames input"])
    for key, label in (("ArrowRight", labels[1]), ("End", labels[-1]), ("Home", labels[0])):
        browser.do(["key", key])
        assert (browser.say(LABEL), browser.say(SHOWN)) == (label, 1)
        heard = "document.querySelector('.frames input').getAttribute('aria-valuetext')"
        assert browser.say(heard) == label
    browser.do(["drag", ".frames input", 40, 0])
    assert browser.say(LABEL) in labels[1:]
    before = browser.say("document.querySelector('.frames').getBoundingClientRect().height")
    browser.do(["focus", ".frames input"], ["key", "End"])
    after = browser.say("document.querySelector('.frames').getBoundingClientRect().height")
    assert abs(after - before) < 2  # nothing jumps


@pytest.mark.parametrize("name", NAMES)
def test_a_slider_plays_and_stops(name: str, browser: Browser, made: Made) -> None:
    labels = with_slider(browser, made(name))
    button = "document.querySelector('.frames button').textContent"
    browser.do(["click", ".frames button"])
    assert browser.say(button) == "Stop"
    browser.do(["until", f"{LABEL} !== {json.dumps(labels[0])}"])
    browser.do(["click", ".frames button"])
    place = browser.say(LABEL)
    browser.do(["wait", 1000])
    assert (browser.say(button), browser.say(LABEL)) == ("Play", place)
    browser.do(["click", ".frames button"], ["until", f"{LABEL} === {json.dumps(labels[-1])}"])
    assert browser.say(button) == "Play"
    browser.do(["click", ".frames button"])
    assert browser.say(LABEL) == labels[0]  # it begins again


# --- the film ------------------------------------------------------------------------------------

LINKS = """[...document.querySelectorAll('a')].filter(a => {
    const style = getComputedStyle(a);
    return style.display !== 'none' && style.visibility === 'visible' && style.opacity === '1';
})"""
WORDS = f"{LINKS}.map(a => a.textContent.replace(/[^a-z]/g, ''))"
PLACE = f"Number({LINKS}[0].id.split('-').pop())"


def press(browser: Browser, word: str) -> None:
    """Clicks on a link of the film."""
    at = f"{LINKS}.find(a => a.textContent.includes('{word}')).querySelector('rect')"
    middle = "(b => [b.left + b.width / 2, b.top + b.height / 2])"
    browser.do(["touch", "iframe.film", f"{middle}({at}.getBoundingClientRect())"], ["wait", 200])


@pytest.mark.parametrize("name", NAMES)
def test_a_film_plays_stops_and_steps(name: str, browser: Browser, made: Made) -> None:
    opened(browser, made(name))
    if not count(browser, "iframe.film"):
        pytest.skip("this lesson has no film")

    def film(expression: str) -> Any:
        return browser.do(["within", "iframe.film", expression])[0]

    assert film(WORDS) == ["back", "stop", "step", "slower"]
    press(browser, "stop")
    assert film(WORDS) == ["back", "play", "step", "slower"]
    place = film(PLACE)
    for word, by in (("step", 1), ("step", 1), ("back", -1)):
        press(browser, word)
        place += by
        assert film(PLACE) == place
    browser.do(["wait", 3500])
    assert film(PLACE) == place
    press(browser, "play")
    assert film(WORDS) == ["back", "stop", "step", "slower"]


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_film_is_in_its_frame(name: str, browser: Browser, made: Made) -> None:
    for width in (1280, 400):
        opened(browser, made(name), width=width, height=720)
        for i in range(count(browser, "iframe.film")):
            frame = f"document.querySelectorAll('iframe.film')[{i}]"
            wide, high = browser.say(f"[{frame}.clientWidth, {frame}.clientHeight]")
            assert 0 < high <= 720, (width, high)
            ratio = float(browser.say(f"{frame}.style.aspectRatio").partition("/")[0])
            assert wide / high >= ratio * 0.98  # there may be room at its sides


# --- without a script ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_without_scripts_everything_is_there(name: str, browser: Browser, made: Made) -> None:
    browser.open(made(name), scripts=False)
    browser.errors.clear()  # the browser says itself that it ran no script
    assert count(browser, ".hand") == 0
    assert not any(browser.say("[...document.querySelectorAll('details')].map(x => x.open)"))
    browser.say(OPEN)
    browser.do(["wait", 500])
    assert all(seen(browser, ".frame, .frame img, figure, table, pre, p:not(.sign), h2, iframe"))
    pictures = browser.say(
        "[...document.querySelectorAll('img')].map(x => [x.complete, x.naturalWidth > 0])"
    )
    assert [picture for picture in pictures if picture != [True, True]] == []
    browser.errors.clear()  # live pages in frames have scripts, too


# --- for all eyes and ears -----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing(name: str, browser: Browser, made: Made) -> None:
    browser.open(made(name))
    assert browser.do(["axe"]) == [[]]
    opened(browser, made(name))
    assert browser.do(["axe"]) == [[]]


@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing_in_the_dark_theme(name: str, browser: Browser, made: Made) -> None:
    if browser.kind != "chromium":
        pytest.skip("a wish cannot be told over WebDriver BiDi yet")
    opened(browser, made(name), media={"prefers-color-scheme": "dark"})
    assert browser.say("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 28)"
    assert browser.do(["axe"]) == [[]]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_headings_in_order_and_names_for_what_is_heard(
    name: str, browser: Browser, made: Made
) -> None:
    opened(browser, made(name))
    levels = browser.say("[...document.querySelectorAll('h1, h2, h3')].map(x => +x.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    spoken = browser.say(
        "[...document.querySelectorAll('figure')].flatMap(f => [...f.querySelectorAll('img')]"
        ".map(x => [x.alt, f.querySelector('figcaption').textContent.trim()]))"
    )
    assert [pair for pair in spoken if not pair[0] or pair[0].strip() == pair[1]] == []


# --- every window --------------------------------------------------------------------------------

# What is wider than its place, and neither scrolls nor is within something that does.
CUT = """[...document.querySelectorAll('main *')].filter(x => {
    if (!x.checkVisibility() || x.closest('svg')) return false;
    const {left, right, width} = x.getBoundingClientRect();
    if (!width || (right <= innerWidth + 1 && left >= -1)) return false;
    return !x.closest('.picture, pre');
}).map(x => x.outerHTML.slice(0, 120))"""
# What scrolls sideways without a sign of it.
UNSIGNED = """[...document.querySelectorAll('.picture, pre')].filter(x => {
    if (!x.checkVisibility() || x.scrollWidth <= x.clientWidth + 1) return false;
    if (x.tagName === 'PRE') return !getComputedStyle(x).backgroundImage.includes('gradient');
    return !x.parentElement.querySelector('.sign').checkVisibility();
}).map(x => x.outerHTML.slice(0, 160))"""
TALL = """[...document.querySelectorAll('img, iframe')].filter(x =>
    x.checkVisibility() && x.getBoundingClientRect().height > innerHeight
).map(x => x.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_taller_than_the_window_or_cut_without_a_sign(
    name: str, browser: Browser, made: Made
) -> None:
    for width, height in ((1280, 720), (400, 800)):
        opened(browser, made(name), width=width, height=height)
        assert browser.say("document.documentElement.scrollWidth") <= width
        assert browser.say(TALL) == [], width
        assert browser.say(CUT) == [], width
        assert browser.say(UNSIGNED) == [], width


@pytest.mark.parametrize("name", NAMES)
def test_print_has_all_moments_and_all_answers(name: str, browser: Browser, made: Made) -> None:
    if browser.kind != "chromium":
        pytest.skip("only Chromium can be told to print")
    browser.open(made(name))
    browser.do(["medium", "print"])
    assert all(seen(browser, ".frame, .frame img, details > :not(summary)"))
    assert not any(seen(browser, "nav, .hand, .alone"))
