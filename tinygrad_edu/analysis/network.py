"""The network of a computation graph, as textbooks draw it: neurons, and weights between them.

A neuron is found by its algebra. It is a sum of products weight * input, with any order, brackets
and signs, perhaps with a bias, and perhaps an activation of that sum: a row of the table, or an
expression that stands for one (see `activations`). A weight is a leaf; an input is a leaf, a
constant or a computed value. Not a neuron is: a sum with another computed value in it, as in
tanh(w*x + h); a product of two computed values, as in attention; a constant times an input; x / w.

Which leaf of a product is the weight? The roles decide, then the names (w, v, u, theta are weights;
x, t, y are none), then the uses: an input is used by several neurons. At last, it is the first
one, as in `nn`. If any node has the role `parameter`, only parameters are weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tinygrad_edu.analysis.activations import LATE, Activation, activations
from tinygrad_edu.analysis.graph import Graph, Node
from tinygrad_edu.errors import ViewError
from tinygrad_edu.ops import absolute, add, mul, neg, power, sub

__all__ = ["Bias", "Network", "Neuron", "Weight", "network"]


class Weight(NamedTuple):
    """One use of a weight: the product of the leaf `leaf` with the value of `source`.

    source: the id of an input, or of the output of another neuron. target: the id of the output of
    the neuron. sign: -1 if the product is subtracted. data, grad: of the leaf. share: the
    contribution of this use to the gradient of the leaf, which is all of it unless the weight is
    shared. contribution: what flows back to `source`. These are None as in a `Graph`.
    """

    source: int
    target: int
    leaf: int
    sign: int
    data: float | None
    grad: float | None
    share: float | None
    contribution: float | None


class Bias(NamedTuple):
    """One use of a bias, a leaf or a constant: like `Weight`, with the input 1."""

    leaf: int
    sign: int
    data: float | None
    grad: float | None
    share: float | None


class Neuron(NamedTuple):
    """A weighted sum and its activation.

    output: the id of the value after the activation. total: the id of the sum, or of minus the sum
    as in 1 / (1 + exp(-w*x - b)); it is the output of a linear neuron. name: its label, or the last
    part of its group, or ''. activation: the name of a row or a function, '' for a linear neuron.
    biases: almost always one or none. inside: the ids of all nodes that its circle stands for; a
    shared weight is inside of its first neuron.
    """

    output: int
    total: int
    name: str
    activation: str
    weights: tuple[Weight, ...]
    biases: tuple[Bias, ...]
    inside: frozenset[int]


class Network(NamedTuple):
    """Neurons in the order of evaluation, and the ids of all other nodes.

    rest: what no neuron has inside: inputs, targets, the operations of a loss. inputs: leaves and
    constants that weights multiply, and other leaves of which a neuron's input was computed.
    targets: leaves that are used only with what the neurons give, and constants in an error y - 1.
    """

    neurons: tuple[Neuron, ...]
    rest: tuple[int, ...]
    inputs: tuple[int, ...]
    targets: tuple[int, ...]


def network(graph: Graph) -> Network:
    """This returns the network of a graph; ViewError if no neuron is found.

    The sign of each weight and bias is its sign in what the activation is applied to. Equal
    constants that stand for the inputs of one example, as in model([1.0, 0.0]), are one input for
    all neurons: the first of them.
    """
    found = _Finder(graph).neurons()
    if not found:
        raise ViewError(
            "there is no neuron, such as tanh(w*x + b), in this graph: choose another level"
        )
    neurons = _joined(graph, found)
    inside = {i for neuron in neurons for i in neuron.inside}
    inputs = _inputs(graph, neurons, inside)
    return Network(
        tuple(neurons),
        tuple(node.id for node in graph.nodes if node.id not in inside),
        inputs,
        tuple(_targets(graph, neurons, inside.union(inputs))),
    )


_FIRST_WORD = re.compile(r"(?:.*\.)?([^\W\d_]+)", re.DOTALL)  # w of layer1.w[0], x of x12
_WEIGHTS = re.compile("w[a-z]{0,2}|weights?|theta|θ|[uv]h?|kernel")
_NO_WEIGHTS = re.compile("x[a-z]?|in|inp|inputs?|features?|pixels?|t|targets?|y|labels?")
_TARGETS = re.compile("t|targets?|y|labels?|d|desired")
_MAYBE = re.compile("[abdhiopqsz]")  # of two of them, one may be a weight
_BIASES = re.compile("b[a-z]?|bias|biases|beta|intercept|threshold|θ|theta")
_NEVER, _POOR, _UNKNOWN, _LIKELY, _SURE = range(5)  # how well a leaf would do as a weight


class _Term(NamedTuple):
    """A product in a sum. `at`, `from_`: (target, operand) of the leaf's and the source's edge."""

    leaf: int
    source: int
    sign: int
    at: tuple[int, int]
    from_: tuple[int, int]


class _Sum(NamedTuple):
    """A weighted sum: products, biases as (id, sign, edge), and the ids of its own nodes."""

    terms: list[_Term]
    biases: list[tuple[int, int, tuple[int, int]]]
    inside: set[int]


class _Candidate(NamedTuple):
    output: int
    total: int
    activation: str
    sum: _Sum


class _Finder:
    """Finds the neurons of one graph."""

    def __init__(self, graph: Graph) -> None:
        self.nodes = graph.nodes
        self.outputs = set(graph.outputs)
        self.users: list[list[int]] = [[] for _ in graph.nodes]
        for node in graph.nodes:
            for x in node.args:
                self.users[x].append(node.id)
        self.strict = any(node.role == "parameter" for node in graph.nodes)
        self.ranks = [self._rank(node) for node in graph.nodes]
        self.no_sums: set[int] = set()  # operations that hold a term which is no product
        self.able: set[int] = set()  # the factors that can be the output of a neuron
        for node in self.nodes:
            factor = node.args and any(self.nodes[i].op is mul for i in self.users[node.id])
            if factor and next(self._candidates(node, True), None):
                self.able.add(node.id)

    def neurons(self) -> list[_Candidate]:
        """Returns the neurons in the order of evaluation, each as large as possible."""
        chosen: list[_Candidate] = []
        taken: set[int] = set()
        sources: set[int] = set()
        for node in reversed(self.nodes):
            if not node.args or node.id in taken:
                continue
            found = next(self._candidates(node, node.id in sources), None)
            if found:
                chosen.append(found)
                taken |= found.sum.inside
                sources.update(term.source for term in found.sum.terms)
        return chosen[::-1]

    def _candidates(self, node: Node, is_source: bool) -> Iterator[_Candidate]:
        """Yields the neurons whose output is this node, the largest first.

        is_source: whether a weight multiplies this node, so that it belongs to no loss.
        """
        for activation in activations(self.nodes, node.id):
            part = bool(node.group and self.nodes[activation.of].group)  # of a module, not a loss
            if (activation.name not in LATE or is_source or part) and self._closed(activation):
                found = self._sum(activation.of, activation)
                if found:
                    yield _Candidate(node.id, activation.of, activation.name, found)
        if node.op in (add, sub, mul):
            found = self._sum(node.id, None)
            if found:
                yield _Candidate(node.id, node.id, "", found)

    def _closed(self, activation: Activation) -> bool:
        """Whether nothing else uses the sum, or what the activation computes on its way."""
        result = max(activation.inside)
        return all(
            i not in self.outputs and activation.inside.issuperset(self.users[i])
            for i in (activation.inside - {result}) | {activation.of}
        )

    def _inner(self, i: int) -> bool:
        """Whether the node is an operation with one use, so that a neuron can hide it."""
        node = self.nodes[i]
        return bool(node.args) and len(self.users[i]) == 1 and i not in self.outputs

    def _sum(self, total: int, activation: Activation | None) -> _Sum | None:
        """Returns the node as a weighted sum, None if it is not."""
        found = _Sum([], [], {total})
        waiting = [(total, activation.sign if activation else 1, (-1, 0))]
        parent: dict[int, int] = {}
        while waiting:
            i, sign, edge = waiting.pop()
            node = self.nodes[i]
            parent[i] = edge[0]
            if not node.args:
                found.biases.append((i, sign, edge))
                continue
            found.inside.add(i)
            if node.op in (add, sub, neg) and i not in self.no_sums:
                signs = (-sign,) if node.op is neg else (sign, -sign if node.op is sub else sign)
                waiting += [(x, s, (i, k)) for k, (x, s) in enumerate(zip(node.args, signs))]
                if not any(self.nodes[x].args and not self._inner(x) for x in node.args):
                    continue
            elif node.op is mul:
                term = self._product(node, sign, found.inside)
                if term:
                    found.terms.append(term)
                    continue
            while i >= 0:  # a sum that holds this term is no weighted sum, and none that holds that
                self.no_sums.add(i)
                i = parent[i]
            return None
        found.terms.reverse()
        found.biases.reverse()
        if not self._biased(found, activation) or not self._weighted(found, activation):
            return None
        if activation:
            found.inside.update(activation.inside)
        return found

    def _product(self, product: Node, sign: int, inside: set[int]) -> _Term | None:
        """Returns the product of a weight and an input, either of them perhaps negated."""
        factors, edges = list(product.args), [(product.id, 0), (product.id, 1)]
        for k in (0, 1):
            while self.nodes[factors[k]].op is neg and self._inner(factors[k]):
                inside.add(factors[k])
                edges[k], sign = (factors[k], 0), -sign
                factors[k] = self.nodes[factors[k]].args[0]
        first, second = factors
        ranks = self.ranks[first], self.ranks[second]
        if first == second or max(ranks) == (_NEVER, 0):
            return None
        k = int(ranks[1] > ranks[0])
        leaf, source = factors[k], factors[1 - k]
        if self.nodes[source].args and ranks[k][0] <= _UNKNOWN:
            if ranks[k][0] < _UNKNOWN or source not in self.able:
                return None
        elif self.nodes[source].kind == "constant" and ranks[k][0] < _UNKNOWN:
            return None
        return _Term(leaf, source, sign, edges[k], edges[1 - k])

    def _rank(self, node: Node) -> tuple[int, int]:
        """How well a node would do as a weight: by role and name, then the fewer uses the better.

        (_NEVER, 0) for what cannot be a weight.
        """
        word = _word(node)
        if node.kind != "leaf" or (self.strict and node.role != "parameter"):
            rank = _NEVER
        elif node.role:
            rank = _SURE if node.role == "parameter" else _NEVER
        elif _WEIGHTS.fullmatch(word):
            rank = _LIKELY
        elif _NO_WEIGHTS.fullmatch(word):
            rank = _NEVER
        else:
            rank = _POOR if _MAYBE.fullmatch(word) else _UNKNOWN
        return rank, -len(set(self.users[node.id])) if rank else 0

    def _weighted(self, found: _Sum, activation: Activation | None) -> bool:
        """Whether the sum has a product that is no mere scaling, such as 2*w or c*h alone."""
        if len(found.terms) > 1 and not activation:  # micrograd's y - t is y + t * -1
            fixed = [term for term in found.terms if self.nodes[term.source].kind == "constant"]
            if len(fixed) == 1 and _is_minus_1(self.nodes[fixed[0].source]):
                return self.ranks[fixed[0].leaf][0] > _UNKNOWN
        if len(found.terms) > 1 or activation or found.biases:
            return bool(found.terms)
        for term in found.terms:
            source, rank = self.nodes[term.source], self.ranks[term.leaf][0]
            need = _SURE if source.kind == "constant" else _LIKELY if source.args else _POOR
            return rank >= need
        return False

    def _biased(self, found: _Sum, activation: Activation | None) -> bool:
        """Whether the terms without a weight are biases, and no inputs or targets.

        Without an activation, y - t ends in a target: only a single term with the sign of the
        products is a bias there, or what is called so. Removes constants that are 0.
        """
        sources = {term.source for term in found.terms}
        unsure = []
        for i, sign, edge in [*found.biases]:
            node, word = self.nodes[i], _word(self.nodes[i])
            if node.kind == "constant" and node.data == 0:
                found.biases.remove((i, sign, edge))
                found.inside.add(i)
            elif node.role == "parameter" or (node.kind == "constant" and activation):
                continue
            elif node.kind == "constant":
                unsure.append(sign)
            elif i in sources or node.role or self.strict or _NO_WEIGHTS.fullmatch(word):
                return False
            elif not _BIASES.fullmatch(word) and not activation:
                unsure.append(sign)
        like = all(term.sign == sign for sign in unsure for term in found.terms)
        return not unsure or (len(found.biases) == 1 and like)


def _negates(nodes: Sequence[Node], node: Node) -> bool:
    """Whether the node is -a, or micrograd's a * -1."""
    return node.op is neg or (node.op is mul and _is_minus_1(nodes[node.args[1]]))


def _is_minus_1(node: Node) -> bool:
    return node.kind == "constant" and node.data == -1


def _word(node: Node) -> str:
    """The first word of the last part of the node's label, in small letters; '' without one."""
    found = _FIRST_WORD.match(node.label)
    return found[1].lower() if found else ""


def _joined(graph: Graph, found: list[_Candidate]) -> list[Neuron]:
    """Returns the neurons with their numbers; each leaf is inside of at most one."""
    nodes = graph.nodes
    contributions = {(edge.target, edge.operand): edge.contribution for edge in graph.edges}
    input_of = _constants(graph, found)
    outside = {input_of.get(term.source, term.source) for one in found for term in one.sum.terms}
    neurons = []
    for one, name in zip(found, _names(graph, found)):
        weights, biases, inside = [], [], set(one.sum.inside)
        for leaf, source, sign, at, from_ in one.sum.terms:
            numbers = nodes[leaf].data, nodes[leaf].grad, contributions[at], contributions[from_]
            first = input_of.get(source, source)
            weights.append(Weight(first, one.output, leaf, sign, *numbers))
            inside |= {leaf, source} if first != source else {leaf}
        for leaf, sign, at in one.sum.biases:
            node = nodes[leaf]
            biases.append(Bias(leaf, sign, node.data, node.grad, contributions[at]))
            inside.add(leaf)
        inside -= outside - {one.output}
        outside |= inside
        parts = tuple(weights), tuple(biases), frozenset(inside)
        neurons.append(Neuron(one.output, one.total, name, one.activation, *parts))
    return neurons


def _constants(graph: Graph, found: list[_Candidate]) -> dict[int, int]:
    """Returns, for each constant that is an input, the first that stands for the same input.

    Neurons with other weights and the same constants have the same inputs. The same weights again
    are another example, or another step in time.
    """
    first: dict[int, int] = {}
    latest: dict[tuple[float | None, ...], tuple[list[int], set[int]]] = {}
    for one in found:
        terms = [t for t in one.sum.terms if graph.nodes[t.source].kind == "constant"]
        constants, leaves = [t.source for t in terms], {t.leaf for t in terms}
        key = tuple(graph.nodes[i].data for i in constants)
        if key not in latest or latest[key][1] & leaves:
            latest[key] = constants, set()
        same, known = latest[key]
        known |= leaves
        first.update(zip(constants, same))
    return first


def _names(graph: Graph, found: list[_Candidate]) -> list[str]:
    """The names of neurons; the group names one only if all neurons in it have its weights."""
    groups = [graph.nodes[one.total].group for one in found]
    weights: dict[str, set[tuple[int, ...]]] = {}
    for one, group in zip(found, groups):
        weights.setdefault(group, set()).add(tuple(term.leaf for term in one.sum.terms))
    return [
        graph.nodes[one.output].label
        or graph.nodes[one.total].label
        or (group.rpartition("/")[2] if len(weights[group]) == 1 else "")
        for one, group in zip(found, groups)
    ]


def _inputs(graph: Graph, neurons: list[Neuron], inside: set[int]) -> tuple[int, ...]:
    """Returns the ids of the inputs, by first use. inside: the ids of what is inside of neurons."""
    sources = dict.fromkeys(w.source for neuron in neurons for w in neuron.weights)
    before = set(sources)  # what a neuron's input was computed from, too
    for node in reversed(graph.nodes):
        if node.id in before:
            before.update(node.args)
    leaves = [x.id for x in graph.nodes if x.kind == "leaf" and x.role != "parameter"]
    found = [i for i in sources if not graph.nodes[i].args]
    found += [i for i in leaves if i in before and i not in inside]
    return tuple(dict.fromkeys(found))


def _targets(graph: Graph, neurons: list[Neuron], known: set[int]) -> Iterator[int]:
    """Yields the ids of the targets. known: the ids of what is inside of neurons or an input."""
    nodes = graph.nodes
    users: list[list[Node]] = [[] for _ in nodes]
    outputs = {neuron.output for neuron in neurons}
    after = set(outputs)  # what was computed from them, too
    squares = power, absolute
    for node in nodes:
        for x in node.args:
            users[x].append(node)
        if not after.isdisjoint(node.args):
            after.add(node.id)
    for node in nodes:
        if node.args or node.id in known or node.role == "parameter":
            continue
        uses = []
        for user in users[node.id]:
            uses += users[user.id] if _negates(nodes, user) else [user]
        uses = [user for user in uses if user.id in after]
        if node.kind == "leaf":
            # y*c may be the state of a cell behind its gate, unless c is called a target
            gated = all(user.op is mul and not outputs.isdisjoint(user.args) for user in uses)
            if uses and (not gated or _TARGETS.fullmatch(_word(node))):
                yield node.id
        elif any(
            error.op is sub
            and all(x.op in squares or x.args == (error.id,) * 2 for x in users[error.id])
            for error in uses
        ):
            yield node.id
