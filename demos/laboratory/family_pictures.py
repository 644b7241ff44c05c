"""Figures 2 and 3 of the paper of 1986: two family trees, and a network's activity."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import pairwise

import graphviz

from tinygrad_edu.data import CHILDREN, COUPLES, ENGLISH, ITALIAN, MEN
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.layout import layout
from tinygrad_edu.files import write_whole

__all__ = ["Lit", "Trees"]

_ROWS = ((0, 1, 2, 3), (4, 5, 6, 7, 8, 9), (10, 11))  # each generation, from left to right
_LEAST = 0.05  # a smaller activity is not written


class _Drawn:
    """A picture as DOT text, with a title and a description."""

    title: str
    dot: str
    alt: str

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture as SVG; LayoutError if there is no Graphviz."""
        write_whole(path, layout(self.dot, "svg", 20.0))


class Trees(_Drawn):
    """The two trees: boxes for men, ovals for women, `=` between husband and wife."""

    title = "Two family trees"

    def __init__(self, look: str = "light") -> None:
        colors = theme.THEMES[look]
        digraph = _digraph(colors, {"ranksep": "0.3", "nodesep": "0.12"})
        said = []
        for tree, names in enumerate((ENGLISH, ITALIAN)):
            fill = (colors.leaf, colors.parameter)[tree]
            for row in _ROWS:
                with digraph.subgraph(graph_attr={"rank": "same"}) as rank:
                    for place in row:
                        shape = "box" if place in MEN else "ellipse"
                        look_of = {"shape": shape, "fillcolor": fill}
                        rank.node(f"p{tree}_{place}", graphviz.escape(names[place]), **look_of)
                    for k, (husband, wife) in enumerate(COUPLES):
                        if husband in row:
                            ends = sorted((husband, wife), key=row.index)
                            name = f"c{tree}_{k}"
                            rank.node(
                                name,
                                "=",
                                shape="none",
                                width="0.3",
                                fixedsize="true",
                                fillcolor=colors.paper,
                            )
                            rank.edge(f"p{tree}_{ends[0]}", name)
                            rank.edge(name, f"p{tree}_{ends[1]}")
                    for left, right in pairwise(row):
                        rank.edge(f"p{tree}_{left}", f"p{tree}_{right}", style="invis")
            for couple, born in CHILDREN.items():
                for child in born:
                    digraph.edge(f"c{tree}_{COUPLES.index(couple)}", f"p{tree}_{child}")
                parents = " and ".join(names[x] for x in couple)
                said.append(f"{parents}: {', '.join(names[x] for x in born)}")
            said += [f"{names[a]} = {names[b]}" for a, b in COUPLES if (a, b) not in CHILDREN]
        digraph.edge("p0_10", "p1_1", style="invis", minlen="1")  # second tree below the first
        digraph.edge("p0_11", "p1_2", style="invis", minlen="1")
        self.dot, self.alt = str(digraph.source), "; ".join(said)


class Lit(_Drawn):
    """Layers of a network from left to right; the shade of a unit is its activity, 0 to 1.

    blocks: columns of units by the title of the block; a unit is (name, activity). edges: pairs of
    titles. marked: by title, the names of the units with a thick frame.
    """

    def __init__(
        self,
        title: str,
        blocks: Mapping[str, Sequence[Sequence[tuple[str, float]]]],
        edges: Sequence[tuple[str, str]],
        marked: Mapping[str, Sequence[str]],
        look: str = "light",
    ) -> None:
        colors = theme.THEMES[look]
        digraph = _digraph(colors, {"rankdir": "LR", "ranksep": "0.5", "nodesep": "0.3"})
        digraph.attr("edge", arrowhead="normal", color=colors.line, penwidth="2")
        said = []
        for name, block in blocks.items():
            table = _table(name, block, marked.get(name, ()), colors)
            digraph.node(name, table, shape="plain", style="")
            units = [f"{unit} {x:.2f}".strip() for column in block for unit, x in column]
            said.append(f"{name}: {', '.join(units)}")
        for tail, head in edges:
            digraph.edge(tail, head)
        self.title, self.dot, self.alt = title, str(digraph.source), "; ".join(said)


def _digraph(colors: theme.Theme, how: Mapping[str, str]) -> graphviz.Digraph:
    return graphviz.Digraph(
        "tinygrad_edu",
        graph_attr={"bgcolor": colors.paper, **how},
        node_attr={
            "fontname": theme.FONT,
            "fontsize": str(theme.SMALL),
            "fontcolor": colors.ink,
            "color": colors.line,
            "style": "filled",
            "margin": "0.1,0.03",
            "height": "0.35",
        },
        edge_attr={"arrowhead": "none", "color": colors.line},
    )


def _table(
    title: str,
    block: Sequence[Sequence[tuple[str, float]]],
    marked: Sequence[str],
    colors: theme.Theme,
) -> str:
    """The units of a block as an HTML table of Graphviz, one column for each column of units."""

    def words(text: str) -> str:  # spaces, because letters may be wider than Graphviz thinks
        return f'<FONT POINT-SIZE="{theme.SMALL}">&nbsp;{text}&nbsp;&nbsp;</FONT>'

    rows = [f'<TR><TD COLSPAN="{len(block)}" BORDER="0">{words(_escaped(title))}</TD></TR>']
    for units in zip(*block):
        cells = []
        for name, x in units:
            number = f"{x:.2f}" if x >= _LEAST or not name else ""
            text = "&nbsp;".join(filter(None, (_escaped(name), number)))
            look = f'BORDER="{4 if name in marked else 1}" BGCOLOR="{_shade(x, colors)}"'
            cells.append(f'<TD {look} ALIGN="LEFT">{words(text)}</TD>')
        rows.append(f"<TR>{''.join(cells)}</TR>")
    look = 'BORDER="0" CELLBORDER="1" CELLSPACING="2" CELLPADDING="3"'
    return f'<<TABLE {look} COLOR="{colors.ink}">{"".join(rows)}</TABLE>>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _shade(x: float, colors: theme.Theme) -> str:
    """A colour between the background and the positive colour, light enough for letters."""
    pairs = zip(*(bytes.fromhex(c.removeprefix("#")) for c in (colors.paper, colors.positive)))
    part = 0.55 * min(max(x, 0.0), 1.0)
    return "#" + "".join(f"{round(a + part * (b - a)):02x}" for a, b in pairs)
