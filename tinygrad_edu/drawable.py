"""The interface of objects that can be drawn, for modules that must not import `draw`."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, NoReturn, Protocol, TypeVar

from tinygrad_edu.hooks import draws, pages

__all__ = [
    "PATIENCE",
    "Calls",
    "Direction",
    "Drawable",
    "EdgeText",
    "Fit",
    "Form",
    "Format",
    "Hideable",
    "Labels",
    "Level",
    "Page",
    "PageTheme",
    "Picture",
    "Role",
    "Roles",
    "ThemeName",
    "mime",
]

EdgeText = Literal["formula", "numbers", "local", "contribution"]  # the texts on an edge
Hideable = Literal["leaves", "values", "grads", "edges"]
Direction = Literal["LR", "TB"]
Form = Literal["compact", "circles"]
Fit = Literal["16:9", "4:3", "A4", "none"]
Labels = Literal["html", "plain"]
ThemeName = Literal["light", "dark", "print", "contrast"]
Calls = Literal["sequence", "apart", "together"]  # how a group that is entered again is drawn
Level = Literal["node", "neuron", "layer", "network"]
Role = Literal["input", "parameter", "loss"]
Format = Literal["svg", "png", "pdf", "html", "dot", "json", "txt"]
PageTheme = Literal["system", "light", "dark", "print", "contrast"]
K = TypeVar("K", bound="Drawable | str")  # a Value, or its label
Roles = Mapping[K, Role] | Mapping["Drawable | str", Role]  # all of one kind, or of both


class Picture(Protocol):
    """The drawing of a graph: `save` it or print `text()`; a notebook shows it automatically."""

    @property
    def note(self) -> str:
        """Remarks on the last drawing, such as one on numbers too small for a class; or ''."""

    @property
    def dot(self) -> str:
        """The drawing in Graphviz' language."""

    @property
    def alt(self) -> str:
        """The drawing described in sentences, for readers who cannot see it."""

    def text(self, *, width: int = 0, unicode: bool = True, color: bool = False) -> str:
        """The drawing as text of at most `width` columns; 0 means as wide as the graph needs."""

    def render(self, format: Format) -> bytes:
        """The bytes of a file in that format: svg, png, pdf, html, dot, json or txt."""

    def save(self, path: str | os.PathLike[str], format: Format | None = None) -> None:
        """Writes the drawing to a file, in `format` or the format of the file name's ending."""

    def mimebundle(self, plain: str) -> dict[str, str]:
        """The MIME bundle for a notebook: the picture, and `plain` as the text."""


class Page(Protocol):
    """The live page of a graph: `save` it; a notebook shows it automatically."""

    @property
    def html(self) -> str:
        """The text of the page: one file, which loads nothing."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the page to a file whose name ends in .html."""

    def key(self, html: bool = False) -> str:
        """The answers of a worksheet, as text or as an HTML page."""


PATIENCE = 5.0  # seconds that a cell of a notebook waits for a picture that nobody asked for


class Drawable:
    """An object with a picture of the graph that it was computed from."""

    __slots__ = ()

    def draw(
        self,
        *others: NoReturn,
        edges: Sequence[EdgeText] | None = None,
        hide: Collection[Hideable] = (),
        precision: int = 4,
        direction: Direction = "LR",
        highlight: Drawable | Sequence[Drawable | str] = (),
        theme: ThemeName = "light",
        level: Level | int | None = None,
        calls: Calls = "sequence",
        roles: Roles[K] | None = None,
        before: Drawable | None = None,
        form: Form = "compact",
        fit: Fit = "16:9",
        size: tuple[int, int] | None = None,
        scale: float = 1.0,
        title: str | None = None,
        legend: bool = True,
        labels: Labels = "html",
        timeout: float = 20.0,
        insist: bool = False,
    ) -> Picture:
        """This returns the picture of this node's graph with its present numbers.

        `y.draw().save("y.svg")` writes it to a file.

        edges: the texts on edges, any of "formula", "numbers", "local", "contribution". hide: the
        parts left blank, as an exercise: any of "leaves", "values", "grads", "edges". precision:
        decimals. direction: "LR" or "TB". highlight: Values, or labels, whose paths to the output
        stand out. theme: "light", "dark", "print" or "contrast". level: "node", "neuron", "layer",
        or how many parts of a group's path are kept; "network" draws the neurons as circles, as
        textbooks do. calls: "sequence" gives a group that uses what it computed before another box
        for each call, "apart" any group that is called again, and "together" draws equal calls as
        one box x N. roles: "input", "parameter" or "loss", by Value or label. before: the same
        graph before an update, drawn beside this one. form: "compact" draws an operation as one
        box, "circles" as a circle before the box of its result. fit: "16:9", "4:3" or "A4", the
        page for which a long picture is broken into rows; "none" breaks nothing. size: the width
        and the height of the page in pixels, such as (1280, 720); fit is then its ratio. scale:
        how much larger than usual. title: the line above the picture; by default the formula, and
        "" is none. legend: whether there are a title and a legend. labels: "html", or "plain" for
        programs that read DOT text without HTML. timeout: seconds that Graphviz may take. insist:
        draw a large graph in full. ViewError for an unknown option, level or label.
        """
        if others:
            raise TypeError(
                "draw() takes only named options: write y.draw(direction='TB', level='layer')"
            )
        picture: Picture = draws[-1](
            self,
            edges=edges,
            hide=hide,
            precision=precision,
            direction=direction,
            highlight=highlight,
            theme=theme,
            level=level,
            calls=calls,
            roles=roles,
            before=before,
            form=form,
            fit=fit,
            size=size,
            scale=scale,
            title=title,
            legend=legend,
            labels=labels,
            timeout=timeout,
            insist=insist,
        )
        return picture

    def page(
        self,
        *others: NoReturn,
        title: str | None = None,
        precision: int = 4,
        direction: Direction = "LR",
        theme: PageTheme = "system",
        level: Level | None = None,
        roles: Roles[K] | None = None,
        controls: Sequence[Any] = (),
        view: Any = None,
        timeout: float = 20.0,
        worksheet: bool = False,
        hide: Collection[Hideable] = (),
    ) -> Page:
        """This returns the live page of this node's graph: `y.page().save("y.html")` writes it.

        It is one HTML file that works offline. It plays the forward and the backward pass event by
        event. A student changes any leaf, and every number follows.

        title: of the page; by default the formula. precision: decimals. direction: "LR" or "TB".
        theme: "system" follows the reader's computer; "light", "dark", "print" or "contrast". The
        reader can change it. level: the picture shown first, "node", "neuron", "layer" or
        "network". roles: "input", "parameter" or "loss", by Value or label. controls, view: sliders
        and a curve of your own, `live.extras.Slider` and `Curve`. timeout: seconds that Graphviz
        may take. worksheet: a page that asks for the hidden numbers and marks the answers, without
        knowing them; `key()` has them. hide: what it asks for, any of "leaves", "values", "grads",
        "edges"; by default values and grads. ViewError for an unknown option, level or label.
        """
        if others:
            raise TypeError("page() takes only named options: write y.page(level='network')")
        page: Page = pages[-1](
            self,
            title=title,
            precision=precision,
            direction=direction,
            theme=theme,
            level=level,
            roles=roles,
            controls=controls,
            view=view,
            timeout=timeout,
            worksheet=worksheet,
            hide=hide,
        )
        return page

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return shown(self, lambda plain: self.draw(timeout=PATIENCE).mimebundle(plain))

    def _mime_(self) -> tuple[str, str]:
        return mime(self)


def mime(what: Any) -> tuple[str, str]:
    """This returns the SVG in the MIME bundle of `what`, or its text: the type and the data.

    marimo asks for it, as `_mime_`; a list of objects that have only a bundle is blank there, and
    an SVG in a list is only seen as HTML.
    """
    bundle: dict[str, str] = what._repr_mimebundle_()
    if "image/svg+xml" in bundle:
        return "text/html", bundle["image/svg+xml"]
    return "text/plain", bundle["text/plain"]


def shown(what: object, show: Callable[[str], dict[str, str]]) -> dict[str, str]:
    """Returns the MIME bundle of `what` for a notebook. It never fails, even for a broken graph."""
    plain = f"a {type(what).__name__}"
    try:
        plain = repr(what)
        return show(plain)
    except Exception as error:
        return {"text/plain": f"{plain}\n({error})"}
