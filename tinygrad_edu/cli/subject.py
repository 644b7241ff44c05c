"""What `render` draws: the graph of a target, its derivatives, or two graphs around an update."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import NamedTuple

from tinygrad_edu.analysis.derivatives import derivatives
from tinygrad_edu.analysis.finite import first_nonfinite, nonfinite_message
from tinygrad_edu.analysis.graph import Graph, backward_pass, differentiated, graph
from tinygrad_edu.cli.request import Request, roles_of
from tinygrad_edu.cli.target import Target
from tinygrad_edu.drawable import Role
from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import NonFiniteError, ViewError
from tinygrad_edu.ops import LEAF
from tinygrad_edu.reading.rerun import rerun, used

__all__ = ["Subject", "subject"]

_NO_GROUP = 'no Value was computed in a group, such as with group("layer1/neuron1")'


class Subject(NamedTuple):
    """The graph to draw, that before the update or None, and the Values of the outputs."""

    whole: Graph
    before: Graph | None
    values: Sequence[Value]

    def remarks(self, request: Request, given: Target) -> list[str]:
        """The remarks for the reader, one sentence each; NonFiniteError with --strict."""
        remarks = list(_remarks(given, self.values, self.whole, request.folder is not None))
        grouped = any(node.group for node in self.whole.nodes)
        if request.depth not in (None, "node", "network", 0) and not grouped:
            remarks.append(f"--level {request.depth} changes nothing: {_NO_GROUP}")
        origin = _nonfinite(self.values, self.whole)
        if origin is not None:
            remarks.append(nonfinite_message(origin))
            if request.strict:
                raise NonFiniteError(remarks[-1])
        return remarks


def subject(request: Request, given: Target) -> Subject:
    """What the request asks for of its target; ViewError if its options do not fit the graph."""
    by = given.names(request.by)
    roles: dict[str, Role] = _learned(given) if request.level == "network" else {}
    if request.role_of:
        plain = graph(*given.values)
        told = ((given.called(name, plain), role) for name, role in request.role_of.items())
        roles |= roles_of(told)
    values, whole, before = _graphs(given, by, request.order or 1, request.update, roles)
    return Subject(whole, before, values)


def _learned(given: Target) -> dict[str, Role]:
    """The names of the parameters that the script's models and optimizers have in the graph.

    An update, or derivatives, are drawn of other Values with the same names.
    """
    learned = given.learned()
    nodes = dict.fromkeys(topological_order(*given.values))
    names = graph(*given.values).names
    return {name: "parameter" for node, name in zip(nodes, names) if node in learned}


def _graphs(
    given: Target, by: Sequence[str], order: int, update: float | None, roles: Mapping[str, Role]
) -> tuple[list[Value], Graph, Graph | None]:
    """(outputs, graph to draw, graph before the update or None)."""
    if by:
        value = given.value
        if used(value):  # derivatives are computed from the numbers of the graph
            value = rerun(value, numbers={})[value]
        return [value], graph(*_derivatives(value, by, order), roles=roles), None
    whole = graph(*given.values, roles=roles)
    if len(given.values) == 1 and whole.output.grad is None and whole.output.op:
        whole = differentiated(whole)
    if update is None:
        return given.values, whole, None
    nodes = topological_order(given.value)
    moved = {
        nodes[i]: (whole.nodes[i].data or 0.0) - update * (whole.nodes[i].grad or 0.0)
        for i in _parameters(whole, given, nodes)
    }
    after = rerun(given.value, numbers=moved)[given.value]
    after.backward()
    return [after], graph(after, roles=roles), whole


def _parameters(whole: Graph, given: Target, nodes: Sequence[Value]) -> list[int]:
    """The ids of the leaves that an update changes; ViewError if they are not known."""
    leaves = [node.id for node in whole.nodes if node.kind == "leaf"]
    told = [node for node in whole.nodes if node.role == "parameter"]
    for node in told:
        if node.op is not LEAF:
            raise ViewError(
                f"{node.label} is computed, and --update changes only leaves: drop its role"
            )
    if told:
        return [node.id for node in told]
    maybe = [i for i in leaves if whole.nodes[i].role != "input"]
    known = given.learned()
    learned = [i for i in maybe if nodes[i] in known]
    if learned:
        return learned
    if len(maybe) == 1:
        return maybe
    if not maybe:
        raise ViewError("--update changes parameters, and this graph has none: drop it")
    names = [whole.names[i] for i in maybe]
    raise ViewError(
        f"--update: which of {', '.join(names[:20])} are parameters? Add --role "
        f"{names[0]}=parameter for each"
    )


def _derivatives(value: Value, names: Sequence[str], order: int) -> list[Value]:
    """The value, and its derivatives by each of these names."""
    nodes, whole = topological_order(value), graph(value)
    by = dict.fromkeys(nodes[whole.find(name).id] for name in names)
    return [value, *(y for x in by for y in derivatives(value, x, order)[1:])]


def _remarks(
    given: Target, values: Sequence[Value], whole: Graph, both_passes: bool
) -> Iterator[str]:
    """Yields remarks for the reader of the picture, one sentence each."""
    fresh = given.text is None and values is given.values and not given.numbers
    if len(values) > 1:
        yield "each of the outputs has its own gradients: draw one output to see gradients"
    elif fresh and values[0].op and values[0].grad == 0 and not both_passes:
        yield "the script did not call backward(): these are the gradients that it would compute"
    if any(node.stale for node in whole.nodes):
        yield "a leaf was set after the graph was computed: the graph still uses its old number"


def _nonfinite(values: Sequence[Value], whole: Graph) -> Value | None:
    """The node with the first nan or infinity, also in the gradients that are drawn; or None."""
    for value in values:
        origin = first_nonfinite(value)
        if origin is not None:
            return origin
    if len(values) == len(whole.outputs) == 1 and whole.output.grad and not values[0].grad:
        nodes = topological_order(values[0])
        for p in backward_pass(whole):
            if isfinite(p.adjoint) and not isfinite(p.contribution):
                return nodes[p.target]
    return None
