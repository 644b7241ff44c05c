"""Explains the number of a gradient: the chain rule in numbers, in words and in mathematics.

If there are too many paths to read, the sum follows node by node, as `backward()` computes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import reduce
from math import isinf, isnan
from typing import Any, Literal, get_args

from tinygrad_edu.analysis.graph import Graph, Node, Passing, graph
from tinygrad_edu.analysis.notation import (
    clipped,
    derivative,
    local_derivative,
    name,
    number,
    operation,
    reason,
    shown,
    side,
)
from tinygrad_edu.analysis.paths import MOST_PATHS, Chain, Path, chain
from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import NumberError, ViewError
from tinygrad_edu.rows.formula import Formula, Latex, check_precision

__all__ = ["FORMS", "Explanation", "explain", "explanation"]

Form = Literal["text", "words", "latex"]
FORMS: tuple[Form, ...] = get_args(Form)
_CALCULATOR = Context(prec=50, traps=[])  # computes with the numbers that are shown


@dataclass(frozen=True, repr=False)
class Explanation:
    """The derivative d y / d x and its explanation: `text()` with numbers, `words()`, `latex()`.

    chain: the paths, their products and their sum, as data. precision: decimals of the numbers.
    """

    chain: Chain
    precision: int = 4

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return clipped(self.text())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/latex": f"$$\n{self.latex()}\n$$"}

    def _mime_(self) -> tuple[str, str]:
        """This returns the mathematics for marimo, as its own Markdown writes it."""
        tex = self.latex().replace("&", "&amp;").replace("<", "&lt;")
        return "text/html", f'<marimo-tex class="arithmatex">||[\n{tex}\n||]</marimo-tex>'

    def form(self, form: Form) -> str:
        """This returns the explanation in one of FORMS; ViewError for another form."""
        if form not in FORMS:
            raise ViewError(f"unknown form {form[:60]!r}: choose {', '.join(FORMS)}")
        return str(getattr(self, form)())

    def text(self) -> str:
        """This returns the nodes between y and x, each path as a product, and the sum, in lines."""
        y, x, paths = self._name(self.chain.y), self._name(self.chain.x), self.chain.paths
        lines = [f"d {y} / d {x} = {self._shown(self.chain.total)}"]
        if not self.chain.passings:
            same = self.chain.y is self.chain.x
            line = f"{y} {'is' if same else 'does not depend on'} {x}"
            return "\n  ".join([lines[0], *(self._kept_out() or [line])])
        lines += ["", "where", *(f"  {line}" for line in self._definitions()), ""]
        if not paths:
            lines.append(f"{self._too_many()} node by node:")
            lines += [f"  {line}" for line in [*self._arrivals(), *self._kept_out()]]
            return "\n".join(lines)
        lines.append("along the only path:" if len(paths) == 1 else f"along {len(paths)} paths:")
        for i, path in enumerate(paths, 1):
            way = [self.chain.y, *(self._node(p.source) for p in path.passings)]
            lines.append(f"  {i}. {' <- '.join(map(self._name, way))}")
            rules = _times([self._rule(p) for p in path.passings])
            numbers = _times([self._shown(p.local) for p in path.passings])
            lines.append(f"     {_equal(rules, numbers, self._shown(path.product))}")
        if len(paths) > 1:
            terms = _plus([self._shown(path.product) for path in paths])
            lines.append(f"sum: {terms} = {self._shown(self.chain.total)}")
        lines += self._kept_out()
        return "\n".join(lines)

    def _definitions(self) -> Iterator[str]:
        """Yields a line for each node between y and x, from y back, with its local derivatives."""
        leaving: dict[int, list[Passing]] = {}
        for p in self.chain.passings:
            leaving.setdefault(p.target, []).append(p)
        for i, passings in leaving.items():
            node = self._node(i)
            made = f"{self._name(node)} = {operation(self.chain.graph, node)}"
            rules = [
                f"by {self._name(self._node(p.source))}{self._side(p)}: "
                + local_derivative(self.chain.graph, p, self.precision)
                for p in passings
            ]
            yield f"{made} = {self._shown(number(node))};  local derivative {';  '.join(rules)}"

    def _kept_out(self) -> list[str]:
        """Returns a line for each operand that gets no adjoint, with the reason."""
        lines = []
        for node, place in self.chain.kept_out:
            condition, source = (self._name(self._node(node.args[i])) for i in (0, place))
            made = f"{self._name(node)} = {operation(self.chain.graph, node)}"
            why = (
                f"keeps it out, because {condition} = 0" if place else "only tests whether it is 0"
            )
            lines.append(f"not through {source}: {made} {why}")
        return lines

    def _arrivals(self) -> Iterator[str]:
        y = self._name(self.chain.y)
        for node, passings in self.chain.arrivals():
            terms, numbers = [], []
            for p in passings:
                target = self._name(self._node(p.target))
                terms.append(f"d {y} / d {target} * {_factor(self._rule(p))}")
                numbers.append(_times([self._shown(x) for x in (p.adjoint, p.local)]))
            line = _equal(" + ".join(terms), " + ".join(numbers))
            yield f"d {y} / d {self._name(node)} = {line} = {self._shown(passings[-1].running)}"

    def words(self) -> str:
        """This returns the explanation in plain words."""
        y, x = self._name(self.chain.y), self._name(self.chain.x)
        if self.chain.y is self.chain.x:
            return f"{y} is {x} itself: it changes just as much."
        kept_out = [f"({line[0].upper()}{line[1:]}.)" for line in self._kept_out()]
        if not self.chain.passings:
            here = "Here " if kept_out else ""
            line = f"{here}{y} does not depend on {x}: when {x} changes, {y} does not change."
            return "\n".join([line, *kept_out])
        total = self._shown(self.chain.total)
        lines = [f"When {x} grows by a little, {y} {_changes(self.chain.total, total)}."]
        if isnan(self.chain.total):
            lines = [f"How {y} changes with {x} is undefined."]
        elif isinf(self.chain.total):
            lines = [f"Here {y} changes infinitely fast with {x}: d {y} / d {x} is {total}."]
        elif self.chain.total < 0 and self.chain.total != -1:
            lines[0] += f" (The minus sign means that {y} shrinks.)"
        for kink in self._kinks():
            lines.append(f"({kink}.)")
        lines += kept_out
        if not self.chain.paths:
            lines.append(f"{self._too_many()} node by node, from {y} back to {x}:")
            return "\n".join([*lines, *self._arrivals_in_words()])
        one = self.chain.count == 1
        ways = "One path leads" if one else f"{self.chain.count} paths lead"
        lines.append(f"Why? {ways} from {x} to {y}.")
        for i, path in enumerate(self.chain.paths, 1):
            start = "Step by step" if one else f"Path {i}"
            lines.append(f"{start}: {self._path_in_words(path)}")
        if not one:
            parts = [self._shown(path.product) for path in self.chain.paths]
            same = reduce(_CALCULATOR.add, map(Decimal, parts)) == Decimal(total)
            made = f"{', '.join(parts)} make {'' if same else 'about '}{total}"
            lines.append(f"The paths act at the same time, so they add up: {made}.")
        return "\n".join(lines)

    def _path_in_words(self, path: Path) -> str:
        clauses, factors = [], []
        for p in reversed(path.passings):
            target, local, rule = self._node(p.target), self._shown(p.local), self._rule(p)
            named = "" if rule == local else f" ({rule})"
            source = f"{self._name(self._node(p.source))}{self._side(p)}"
            clauses.append(
                f"{self._name(target)} = {operation(self.chain.graph, target)} "
                f"{_changes(p.local, local, named, source)}"
                f"{reason(self.chain.graph, target, p.operand)}"
            )
            factors.append(local)
        product = self._shown(path.product)
        same = reduce(_CALCULATOR.multiply, map(Decimal, factors)) == Decimal(product)
        product = f"{' times '.join(factors)} is {'' if same else 'about '}{product}"
        return "; ".join(clauses) + (f". In all: {product}." if len(factors) > 1 else ".")

    def _kinks(self) -> Iterator[str]:
        """Yields a sentence for each operation at a kink, where the slope is a convention."""
        for i in dict.fromkeys(p.target for p in self.chain.passings):
            node = self._node(i)
            if node.op.kink and node.op.kink[0](*node.used):
                made = f"{self._name(node)} = {operation(self.chain.graph, node)}"
                agreed = f"is a convention, {node.op.kink[1]}"
                yield f"{made} has a kink here: its local derivative {agreed}"

    def _arrivals_in_words(self) -> Iterator[str]:
        for node, passings in self.chain.arrivals():
            parts = [
                f"{self._shown(p.adjoint)} times {self._shown(p.local)} "
                f"through {self._name(self._node(p.target))}{self._side(p)}"
                for p in passings
            ]
            line = f"{self._name(self.chain.y)} changes with {self._name(node)} by "
            total = f", in all {self._shown(passings[-1].running)}."
            yield f"- {line}{', plus '.join(parts)}{total}"

    def latex(self) -> str:
        """This returns the explanation as LaTeX for KaTeX: one `aligned` block."""
        whole = self._total(self.chain.x)
        total = self._shown(self.chain.total, Latex)
        if not self.chain.passings:
            return f"{whole} = {total}"
        if not self.chain.paths:
            rows = []
            for node, passings in self.chain.arrivals():
                partials = [
                    self._total(self._node(p.target)) + r" \cdot " + self._edge(p) for p in passings
                ]
                numbers = [
                    _times([self._shown(x, Latex) for x in (p.adjoint, p.local)], Latex)
                    for p in passings
                ]
                result = self._shown(passings[-1].running, Latex)
                line = f"{' + '.join(partials)} = {' + '.join(numbers)} = {result}"
                rows.append(f"{self._total(node)} &= {line}")
            return _aligned([rows[0], *self._where(), *rows[1:]])

        def products(factor: Any) -> str:
            terms = [_times(list(map(factor, path.passings)), Latex) for path in self.chain.paths]
            return _plus(terms, Latex)

        rows = [
            products(self._edge),
            products(lambda p: self._rule(p, Latex)),
            products(lambda p: self._shown(p.local, Latex)),
            _plus([self._shown(path.product, Latex) for path in self.chain.paths], Latex),
            total,
        ]
        first, *others = dict.fromkeys(rows)
        rest = [f"&= {row}" for row in others]
        return _aligned([f"{whole} &= {first}", *self._where(), *rest])

    def _where(self) -> Iterator[str]:
        """Yields the definitions of names that are not labels, as rows of LaTeX, from y back.

        They stand below the row that uses these names first.
        """
        graph = self.chain.graph
        targets = [self._node(p.target) for p in self.chain.passings]
        used = {i for node in targets for i in (node.id, *node.args)}
        for i in sorted(used, reverse=True):
            node = graph.nodes[i]
            if node.kind == "constant" or graph.names[i] == node.label:
                continue
            made = [operation(graph, node, Latex)] if node.op else []
            line = " = ".join([*made, self._shown(number(node), Latex)])
            yield rf"&\quad\text{{where }} {name(graph, node, Latex)} = {line}"

    def _edge(self, p: Passing) -> str:
        """Returns the partial derivative along one edge as a LaTeX fraction."""
        mark = rf"\Big|_{{\text{{{self._side(p).strip(' ()')}}}}}" if self._side(p) else ""
        y, x = (name(self.chain.graph, self._node(i), Latex) for i in (p.target, p.source))
        return rf"\frac{{\partial {y}}}{{\partial {x}}}" + mark

    def _total(self, x: Node) -> str:
        """Returns d y / d x, the total derivative, as a LaTeX fraction."""
        above, below = (name(self.chain.graph, node, Latex) for node in (self.chain.y, x))
        return rf"\frac{{d {above}}}{{d {below}}}"

    def _node(self, i: int) -> Node:
        return self.chain.graph.nodes[i]

    def _name(self, node: Node) -> str:
        return str(name(self.chain.graph, node))

    def _shown(self, x: float, cls: type[Formula] = Formula) -> str:
        return shown(x, self.precision, cls)

    def _rule(self, p: Passing, cls: type[Formula] = Formula) -> str:
        target = self._node(p.target)
        named = derivative(self.chain.graph, target, p.operand, self.precision, cls)
        return named or self._shown(p.local, cls)

    def _side(self, p: Passing) -> str:
        return side(self._node(p.target), p)

    def _too_many(self) -> str:
        if self.chain.count > MOST_PATHS:
            many = "More than 2**64" if self.chain.count >= 2**64 else f"{self.chain.count:,}"
            return f"{many} paths are too many to list, so the sum follows"
        return "Not every number on the paths is finite, so the sum follows"


def _changes(slope: float, shown: str, rule: str = "", source: str = "") -> str:
    """Returns a change in words. shown: the slope as a number. rule: its formula."""
    if slope == 0:
        return f"does not change{rule}" + (f" with {source}" if source else "")
    than = f" as {source}" if source else ""
    if shown in ("1", "-1"):
        return f"changes by the same amount{rule}{than}" + ", the other way" * (slope < 0)
    return f"changes {shown} times{rule} as much{than}"


def _open(text: str) -> bool:
    """Whether a formula needs brackets as a factor."""
    return text.startswith("-") or any(sign in text for sign in (" + ", " - ", " / "))


def _factor(text: str) -> str:
    return f"({text})" if _open(text) else text


def _times(factors: Sequence[str], cls: type[Formula] = Formula) -> str:
    """Returns the product as text, with the necessary brackets."""
    if len(factors) == 1:
        return factors[0]
    if cls is Latex:
        return r" \cdot ".join(rf"\left({x}\right)" if _open(x) else x for x in factors)
    return " * ".join(map(_factor, factors))


def _plus(terms: Sequence[str], cls: type[Formula] = Formula) -> str:
    """Returns the sum as text, with brackets around negative terms after the first."""
    first, *others = terms
    brackets = r"\left(%s\right)" if cls is Latex else "(%s)"
    return " + ".join([first, *(brackets % x if x.startswith("-") else x for x in others)])


def _equal(*texts: str) -> str:
    return " = ".join(dict.fromkeys(texts))


def _aligned(rows: list[str]) -> str:
    body = " \\\\\n".join(rows)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def explain(y: Value, x: Value | str, precision: int = 4) -> Explanation:
    """This returns an explanation of d y / d x at the numbers with which the graph was computed.

    x: a Value, or the label of a Value in the graph. precision: decimals of the numbers. It neither
    reads nor sets a grad. NumberError if `y` or `x` is not a Value; ViewError if `x` is a constant,
    which has no derivative, or an unknown label.
    """
    if isinstance(x, str) and isinstance(y, Value):
        whole = graph(y)
        return explanation(whole, whole.find(x).id, precision)
    for value in (y, x):
        if not isinstance(value, Value):
            raise NumberError(f"expected a Value, not {type(value).__name__}")
    assert isinstance(x, Value)
    order = topological_order(y)
    if x in order:
        return explanation(graph(y), order.index(x), precision)
    both = graph(x, y)
    return explanation(both, both.outputs[0], precision)


def explanation(graph: Graph, x: int, precision: int = 4) -> Explanation:
    """Returns an explanation of the derivative of the graph's output by the node with id `x`."""
    if graph.nodes[x].kind == "constant":
        raise ViewError(
            f"{graph.names[x]} is a constant and has no derivative: choose another node"
        )
    check_precision(precision)
    return Explanation(chain(graph, x), precision)
