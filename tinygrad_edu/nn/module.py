"""The base class of networks and their parts: names, parameters, parts, states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from numbers import Real
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, overload

from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import LengthError, StateError
from tinygrad_edu.habits.hints import alone
from tinygrad_edu.habits.keywords import Strict
from tinygrad_edu.ops import LEAF
from tinygrad_edu.rows.ieee import number
from tinygrad_edu.trees import has_value, is_tree, like, numbers

__all__ = [
    "Module",
    "Number",
    "Parameter",
    "VectorModule",
    "check_length",
    "check_size",
]

Number = Value | float
M = TypeVar("M", bound="Module")

_ELSEWHERE = {  # names from modules of other libraries
    "fit": "train(model, loss, (X, y), optimizer, epochs=10) of tinygrad_edu.train",
    "fit_transform": "train(model, loss, (X, y), optimizer, epochs=10) of tinygrad_edu.train",
    "partial_fit": "train(model, loss, (X, y), optimizer, epochs=10) of tinygrad_edu.train",
    "train_on_batch": "train(..., batch_size=32) of tinygrad_edu.train",
    "predict_proba": "predict(X), and softmax of tinygrad_edu.losses for logits",
    "evaluate": "train(..., metrics=['accuracy']), or predict(X) and a comparison",
    "accuracy": "train(..., metrics=['accuracy']), or predict(X) and a comparison",
    "loss": "a function of outputs and targets: mse_loss(model(x), [1.0]) of tinygrad_edu.losses",
    "optimizer": "SGD(model.parameters(), lr=0.1) of tinygrad_edu.optim",
    "score": "train(..., metrics=['accuracy']), or predict(X) and a comparison",
    "compile": "compile(loss, wrt=model.parameters()), or train(..., compiled=True)",
    "children": "parts() gives pairs of a name and a part",
    "named_children": "parts() gives pairs of a name and a part",
    "modules": "walk() gives pairs of a name and a part, at any depth",
    "named_modules": "walk() gives pairs of a name and a part, at any depth",
    "n_parameters": "len(model.parameters())",
    "num_parameters": "len(model.parameters())",
    "num_params": "len(model.parameters())",
    "count_params": "len(model.parameters())",
    "nparams": "len(model.parameters())",
    "numel": "len(model.parameters())",
    "save": "save(path, model) of tinygrad_edu.saving",
    "load": "load(path, model) of tinygrad_edu.saving",
    "save_weights": "save(path, model) of tinygrad_edu.saving",
    "load_weights": "load(path, model) of tinygrad_edu.saving",
    "coef_": "state_dict() has every parameter by its name",
    "intercept_": "state_dict() has every parameter by its name",
    "intercepts_": "state_dict() has every parameter by its name",
    "loss_curve_": "train(...) returns the history: history.losses",
    "get_params": "state_dict() has every parameter by its name",
    "set_params": "load_state_dict(state)",
    "get_parameter": "dict(model.named_parameters())['layer1.neuron1.b']",
    "get_submodule": "dict(model.walk())['layer1']",
    "trainable_variables": "parameters()",
    "variables": "parameters()",
    "params": "parameters()",
    "buffers": "vars(model) also has the attributes that are not leaves",
    "named_buffers": "vars(model) also has the attributes that are not leaves",
    "coefs_": "state_dict() has every parameter by its name",
    "get_weights": "state_dict() has every parameter by its name",
    "set_weights": "load_state_dict(state)",
    "weights": "parameters(), or state_dict() with their names",
    "weight": "a neuron's are w and b: model.layers[0].neurons[0].w; a Linear has weight and bias",
    "bias": "a neuron's are w and b: model.layers[0].neurons[0].b; a Linear has weight and bias",
    "draw": "y.draw(level='neuron') draws the network of an output y",
    "graph": "graph(y) has the network of an output y",
    "show": "y.draw(level='neuron') draws the network of an output y",
    "plot": "y.draw(level='neuron') draws the network of an output y",
    "backward": "loss.backward(), a method of the loss",
    "step": "optimizer.step()",
    "to": "nothing to do: every number is a Python float",
    "cuda": "nothing to do: every number is a Python float",
    "cpu": "nothing to do: every number is a Python float",
    "half": "nothing to do: every number is a Python float",
    "type": "nothing to do: every number is a Python float",
    "device": "nothing to do: every number is a Python float",
    "dtype": "nothing to do: every number is a Python float",
    "share_memory": "nothing to do: every number is a Python float",
    "double": "nothing to do: every number is a Python float",
    "float": "nothing to do: every number is a Python float",
    "register_parameter": "assign a leaf: self.w = Parameter(0.5)",
    "register_buffer": "assign a float, which is not a parameter: self.mean = 0.0",
    "add": "Sequential(Linear(2, 3), Tanh(), Linear(3, 1)) is made of all its parts",
    "append": "Sequential(Linear(2, 3), Tanh(), Linear(3, 1)) is made of all its parts",
    "register_module": "assign a part: self.layer = Linear(2, 1)",
    "register_forward_hook": "trace(y) has every event of both passes",
    "extra_repr": "about() is the first line of repr(model)",
    "input_size": "summary() has the parts and their sizes",
    "add_module": "assign a part: self.layer = Linear(2, 1)",
    "apply": "for p in model.parameters(): p.data = ...",
    "init_weights": "for p in model.parameters(): p.data = ...",
    "requires_grad_": "give the optimizer only the parameters to train",
    "freeze": "give the optimizer only the parameters to train",
    "history": "train(...) returns the history",
}


class Module(Strict):
    """A network or a part of one. Its parameters are the leaves among its attributes, in order.

    They include the leaves inside of lists, tuples, dicts and other Modules, at any depth. The
    Modules in a list `layers` have the names `layer1`, `layer2`, ...; the Values in a list `w` have
    the names `w[0]`, `w[1]`, ... Your own module defines `forward`.
    """

    training: bool = True

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """This returns `forward` of the inputs."""
        return self.forward(*inputs, **named)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """This returns the outputs for these inputs. Your own module defines it."""
        if type(self).__call__ is not Module.__call__:
            return self(*inputs, **named)
        raise NotImplementedError(f"{type(self).__name__} needs a method forward(self, x)")

    def predict(self, *inputs: Any, **named: Any) -> Any:
        """This returns the outputs as floats, in the same shape as the Values of a call."""
        return _floats(self(*inputs, **named))

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """This yields a pair of name and parameter for each parameter, in order.

        A parameter that occurs twice comes once, with its first name. ValueError if two parameters
        have the same name.
        """
        names = self._names()
        return zip(names.values(), names)

    def parameters(self) -> list[Value]:
        """This returns every parameter once, in order."""
        if type(self).named_parameters is not Module.named_parameters:  # a user's own
            return [p for _, p in self.named_parameters()]
        return list(self._names())

    @alone("every grad becomes 0.0", without_effect="set_to_none")
    def zero_grad(self) -> None:
        """Sets the grad of every parameter to 0."""
        for p in self.parameters():
            p.grad = 0.0

    def label(self) -> None:
        """Labels every parameter with its name, for pictures and files."""
        for name, value in self.named_parameters():
            value.label = name

    def state_dict(self) -> dict[str, float]:
        """This returns the number of every parameter, by its name."""
        return {name: p.data for name, p in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, float], *, strict: bool = True) -> None:
        """Sets the parameters to the numbers of a `state_dict()`.

        StateError if names are missing or unknown, NumberError if an entry is not a number; then
        nothing is changed.
        """
        if not strict:
            raise TypeError(
                "strict=False is not possible: for a part of a state, write "
                "model.load_state_dict({**model.state_dict(), **part})"
            )
        own = dict(self.named_parameters())
        missing = [name for name in own if name not in state]
        unknown = [str(name) for name in state if name not in own]
        problems = [
            f"{words} {', '.join(names[:4])}" + (", ..." if len(names) > 4 else "")
            for words, names in (("has no", missing), ("has an unknown", unknown))
            if names
        ]
        if problems:
            raise StateError(f"the state belongs to another model: it {' and '.join(problems)}")
        numbers = [(p, float(number(state[name]))) for name, p in own.items()]
        for p, x in numbers:
            p.data = x

    def train(self: M, mode: bool = True) -> M:
        """Switches the training mode on in every part, such as a Dropout; returns itself."""
        self.training = mode
        for _, part in self.walk():
            part.training = mode
        return self

    def eval(self: M) -> M:
        """Switches the training mode off in every part; returns itself."""
        return self.train(False)

    def parts(self) -> Iterator[tuple[str, Module]]:
        """This yields the Modules directly inside, as pairs of name and module."""
        for name, x in vars(self).items():
            yield from _modules(name, x)

    def walk(self) -> Iterator[tuple[str, Module]]:
        """This yields every part, at any depth, as pairs of full name and module."""
        for name, part in self.parts():
            yield name, part
            yield from ((f"{name}.{inner}", deeper) for inner, deeper in part.walk())

    def _names(self) -> dict[Value, str]:
        """Returns the parameters in order, each with its first name; see `named_parameters`."""
        found = self._named()
        names = {value: name for name, value in found}
        if len(names) < len(found):
            names = {}
            for name, value in found:
                names.setdefault(value, name)
        if len({*names.values()}) < len(names):
            raise ValueError("two parameters have the same name: rename the lists or parts")
        return names

    def _named(self, above: str = "") -> list[tuple[str, Value]]:
        """Returns the leaves with their names, perhaps more than once; `above` precedes each."""
        found: list[tuple[str, Value]] = []
        for name, x in vars(self).items():
            _add_leaves(found, above + name, x)
        for name, part in self.parts():
            found += part._named(f"{above}{name}.")
        return found

    def __repr__(self) -> str:
        """A description in lines, one for each part."""
        lines = [self.about()]
        for name, part in self.parts():
            first, *others = repr(part).splitlines()
            lines += [f"  {name}: {first}", *(f"  {line}" for line in others)]
        return "\n".join(lines)

    def about(self) -> str:
        """This returns a description in one line."""
        return type(self).__name__

    def summary(self, *example: Any) -> str:
        """This returns a table: the number of parameters of each part, and the number of nodes.

        example: arguments for a call, such as a list of numbers; only with it, the nodes count.
        """
        rows = [("part", "parameters")]
        rows += [(name, f"{len(part.parameters())}") for name, part in self.parts()]
        rows.append(("in all", f"{len(self.parameters())}"))
        width = max(len(name) for name, _ in rows)
        lines = [f"{name:<{width}}  {count:>10}" for name, count in rows]
        if example:
            ends = _values(self(*example))
            nodes = {node for y in ends for node in topological_order(y)}
            lines.append(f"{len(nodes)} scalar nodes per example")
        return "\n".join(lines)

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, x: Any) -> None:
            """Sets an attribute; refuses to replace a parameter by a plain number."""
            if name in vars(self) and not isinstance(x, Value | Module):
                held: list[tuple[str, Value]] = []
                _add_leaves(held, name, vars(self)[name])
                if held and isinstance(next(numbers(x), None), Real) and not has_value(x):
                    raise TypeError(
                        f"{name} is a parameter, not a plain number: write p.data = ... "
                        f"to change a leaf p of it, or {name} = Parameter(...) to replace it"
                    )
            super().__setattr__(name, x)

        def __getattr__(self, name: str) -> NoReturn:
            """Raises AttributeError for a missing attribute, with what to use instead."""
            kind = type(self).__name__
            if name in _ELSEWHERE:
                raise AttributeError(f"{kind} has no {name}; here it is: {_ELSEWHERE[name]}")
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")


class VectorModule(Module):
    """A module that maps the numbers of one example to a list of Values.

    Several examples, one in each row, give a list of such lists.
    """

    @overload
    def __call__(self, xs: Sequence[Number]) -> list[Value]: ...
    @overload
    def __call__(self, xs: Sequence[Sequence[Number]]) -> list[list[Value]]: ...
    def __call__(self, xs: Any, *others: NoReturn, **named: Any) -> Any:
        """This returns the outputs for one example, or a list of them for several rows."""
        if others:
            raise TypeError("give the inputs as one list: write model([x, y]), not model(x, y)")
        if _are_rows(xs):
            return [self(row, **named) for row in xs]
        return self.forward(_vector(xs), **named)


def _items(x: Any) -> list[Any]:
    """Returns the items of a list, a tuple or an array of Values."""
    if isinstance(x, list | tuple):
        return list(x)
    return list(x.tolist()) if getattr(x, "dtype", "") == "object" else []


@lru_cache(64)
def _brackets(count: int) -> list[str]:
    """Returns the endings [0], [1], ... of names: joining is much faster than writing numbers."""
    return [f"[{i}]" for i in range(count)]


def _add_leaves(found: list[tuple[str, Value]], name: str, x: Any) -> None:
    """Adds the leaves in `x` with their names; not those of Modules, which have other names."""
    if isinstance(x, Value):
        if x.op is LEAF:  # a computed Value, such as a stored output, is no parameter
            found.append((name, x))
    elif isinstance(x, dict):
        for key, item in x.items():
            _add_leaves(found, f"{name}[{key}]", item)
    else:
        items = _items(x)
        if {*map(type, items)} == {Value} and {item.op for item in items} == {LEAF}:
            found += zip(map(name.__add__, _brackets(len(items))), items)
            return
        for i, item in enumerate(items):
            _add_leaves(found, f"{name}[{i}]", item)


def _modules(name: str, x: Any) -> Iterator[tuple[str, Module]]:
    if isinstance(x, Module):
        yield name, x
    elif isinstance(x, dict):
        for key, item in x.items():
            yield from _modules(f"{name}[{key}]", item)
    elif isinstance(x, list | tuple):
        stem = f"{name}_" if name[-1].isdigit() else name.removesuffix("s")
        if {*map(type, x)} != {Value}:  # a list of parameters holds no module
            for i, item in enumerate(x, 1):
                yield from _modules(f"{stem}{i}", item)


def _values(x: Any) -> Iterator[Value]:
    if isinstance(x, Value):
        yield x
    elif isinstance(x, list | tuple):
        for item in x:
            yield from _values(item)


def _floats(x: Any) -> Any:
    if isinstance(x, Value):
        return x.data
    return [_floats(item) for item in x] if isinstance(x, list | tuple) else x


@overload
def Parameter(data: float) -> Value: ...
@overload
def Parameter(data: Sequence[Any]) -> list[Any]: ...
def Parameter(data: Any) -> Any:  # noqa: N802  # PyTorch's name
    """This returns a leaf to be learned; for lists or an array, a leaf for each number.

    They are in no group, so a picture puts them into the group that uses them.
    """
    if is_tree(data):
        return like(data, (Parameter(x) for x in numbers(data)))
    value = Value(data)
    value.group = ""
    return value


def _are_rows(x: Any) -> bool:
    """Whether `x` is the inputs of several examples, one in each row."""
    if not isinstance(x, list | tuple):
        return getattr(x, "ndim", 1) > 1
    return bool(x) and (isinstance(x[0], list | tuple) or getattr(x[0], "ndim", 0) > 0)


def _vector(x: Any) -> Sequence[Any]:
    """Returns the numbers of one example as a list, from a list, an array or one number."""
    if isinstance(x, list | tuple):
        return x
    if hasattr(x, "tolist"):
        x = x.tolist()
    return x if isinstance(x, list) else [x]


def check_size(name: str, *sizes: Any) -> None:
    """Raises ValueError unless every size is a whole number, 1 or more."""
    for size in sizes:
        if type(size) is not int or size < 1:
            raise ValueError(
                f"the size of a {name} must be a whole number, 1 or more, not {size!r}"
            )


def check_length(name: str, xs: Sequence[Number], length: int) -> None:
    """Raises LengthError, with both numbers, unless `xs` has `length` numbers."""
    if len(xs) != length:
        raise LengthError(f"this {name} takes {length} inputs, not {len(xs)}")
