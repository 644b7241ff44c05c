"""Names from other libraries: those that work here, and what to write instead of the others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from opcode import opmap
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from tinygrad_edu import ops
from tinygrad_edu.habits.calls import is_searched
from tinygrad_edu.habits.leaving import IDENTITY, TRUTH, compared, on_float
from tinygrad_edu.hooks import import_lines

__all__ = [
    "NAMES",
    "VALUES",
    "CallableModule",
    "Habits",
    "alone",
    "cut_off",
    "elsewhere",
    "is_cut",
    "is_import",
    "strictly",
]

V = TypeVar("V", bound="Habits")
F = TypeVar("F", bound=Callable[..., Any])
S = TypeVar("S")
T = TypeVar("T")

_IMPORT_FROM = bytes([opmap["IMPORT_FROM"]])

_ONE_NUMBER = "it is one number"
_PYTHONS = "its number is a Python float, 64 bits on the processor"
_OPERANDS = "args are the operands, in order"
_GRADIENT = (
    "every leaf gets a gradient; give an optimizer only the parameters to change; a constant "
    "is x.detach()"
)
_ANOTHER = "x * 1 is another node, Value(x.data) another leaf"
_IN_PLACE = "set x.data of a leaf x; the number of an inner node cannot change"
_ROUNDED = "write floor(x), ceil(x), or round(x.data) for a number"
_PICTURE = "write y.draw(), and y.draw().save('y.svg') for a file"
_OWN_RULE = "the local derivatives belong to op: help(tanh); make your own Op"
VALUES = {  # attributes of tensors, and of Value in micrograd and similar packages
    "requires_grad": _GRADIENT,
    "requires_grad_": _GRADIENT,
    "retain_grad": "every node keeps its grad",
    "retains_grad": "every node keeps its grad",
    "is_leaf": "a leaf has no args",
    "grad_fn": "op is the operation, args are its operands",
    "_op": "op is the operation; tinygrad_edu.compat.micrograd.engine has micrograd's Value",
    "_prev": f"{_OPERANDS}; tinygrad_edu.compat.micrograd.engine has micrograd's Value",
    "_children": f"{_OPERANDS}; tinygrad_edu.compat.micrograd.engine has micrograd's Value",
    "_backward": f"{_OWN_RULE}; tinygrad_edu.compat.micrograd.engine has micrograd's Value",
    "_local_grads": _OWN_RULE,
    "_forward": "compute the graph again, or compile(y, wrt=[x])",
    "prev": _OPERANDS,
    "children": _OPERANDS,
    "parents": _OPERANDS,
    "operands": _OPERANDS,
    "next_functions": _OPERANDS,
    "value": "data is the number",
    "val": "data is the number",
    "gradient": "x.grad is the number after y.backward(); write gradient(y, [x]) for a graph",
    "name": "label is the name",
    "numpy": "item() is the number",
    "tolist": "item() is the number",
    "clone": _ANOTHER,
    "copy": _ANOTHER,
    "new_tensor": "write Value(2.0)",
    "shape": _ONE_NUMBER,
    "size": _ONE_NUMBER,
    "ndim": _ONE_NUMBER,
    "dim": _ONE_NUMBER,
    "numel": _ONE_NUMBER,
    "nelement": _ONE_NUMBER,
    "T": _ONE_NUMBER,
    "mT": _ONE_NUMBER,
    "real": f"{_ONE_NUMBER}, and real",
    "imag": f"{_ONE_NUMBER}, and real",
    "view": _ONE_NUMBER,
    "reshape": _ONE_NUMBER,
    "ravel": _ONE_NUMBER,
    "flatten": _ONE_NUMBER,
    "squeeze": _ONE_NUMBER,
    "unsqueeze": _ONE_NUMBER,
    "transpose": _ONE_NUMBER,
    "permute": _ONE_NUMBER,
    "expand": _ONE_NUMBER,
    "repeat": _ONE_NUMBER,
    "contiguous": _ONE_NUMBER,
    "argmax": f"{_ONE_NUMBER}: write max(range(len(xs)), key=lambda i: xs[i].data)",
    "argmin": f"{_ONE_NUMBER}: write min(range(len(xs)), key=lambda i: xs[i].data)",
    "sum": f"{_ONE_NUMBER}: write sum([x, y])",
    "mean": f"{_ONE_NUMBER}: write sum(values) / len(values)",
    "std": f"{_ONE_NUMBER}: write sqrt(sum((x - m) ** 2 for x in values) / len(values))",
    "var": f"{_ONE_NUMBER}: write sum((x - m) ** 2 for x in values) / len(values)",
    "prod": f"{_ONE_NUMBER}: write math.prod(values)",
    "norm": f"{_ONE_NUMBER}: write sqrt(sum(x**2 for x in values))",
    "dot": f"{_ONE_NUMBER}: write sum(a * b for a, b in zip(xs, ys))",
    "matmul": f"{_ONE_NUMBER}: write sum(a * b for a, b in zip(xs, ys))",
    "mm": f"{_ONE_NUMBER}: write sum(a * b for a, b in zip(xs, ys))",
    "softmax": f"{_ONE_NUMBER}: softmax(values) is in tinygrad_edu.losses",
    "log_softmax": f"{_ONE_NUMBER}: log_softmax(values) is in tinygrad_edu.losses",
    "logsumexp": f"{_ONE_NUMBER}: logsumexp(values) is in tinygrad_edu.losses",
    "dtype": _PYTHONS,
    "type": _PYTHONS,
    "astype": _PYTHONS,
    "device": _PYTHONS,
    "to": _PYTHONS,
    "cpu": _PYTHONS,
    "cuda": _PYTHONS,
    "is_cuda": _PYTHONS,
    "double": _PYTHONS,
    "half": _PYTHONS,
    "bfloat16": _PYTHONS,
    "float": f"{_PYTHONS}: item()",
    "int": "int(x.data) is a whole number without derivatives, floor(x) a Value",
    "long": "int(x.data) is a whole number without derivatives, floor(x) a Value",
    "bool": "write x.data != 0",
    "pow": "write x**y",
    "power": "write x**y",
    "square": "write x**2",
    "cube": "write x**3",
    "cbrt": "write x ** (1 / 3)",
    "rsqrt": "write 1 / sqrt(x)",
    "reciprocal": "write 1 / x",
    "inv": "write 1 / x",
    "add": "write x + y",
    "sub": "write x - y",
    "subtract": "write x - y",
    "mul": "write x * y",
    "multiply": "write x * y",
    "div": "write x / y",
    "divide": "write x / y",
    "true_divide": "write x / y",
    "floor_divide": "write floor(x / y)",
    "logaddexp": "write log(exp(x) + exp(y))",
    "remainder": "write x - y * floor(x / y)",
    "fmod": "write x - y * sign(x / y) * floor(abs(x / y))",
    "mod": "write x - y * floor(x / y)",
    "negative": "write -x",
    "absolute": "write abs(x)",
    "fabs": "write abs(x)",
    "round": _ROUNDED,
    "rint": _ROUNDED,
    "trunc": _ROUNDED,
    "add_": _IN_PLACE,
    "sub_": _IN_PLACE,
    "mul_": _IN_PLACE,
    "div_": _IN_PLACE,
    "copy_": _IN_PLACE,
    "fill_": _IN_PLACE,
    "zero_": _IN_PLACE,
    "uniform_": _IN_PLACE,
    "normal_": _IN_PLACE,
    "clamp_": _IN_PLACE,
    "detach_": "x.detach() is a constant of the same number",
    "stop_gradient": "x.detach() is a constant of the same number",
    "max": "write maximum(x, y)",
    "maximum": "write maximum(x, y)",
    "min": "write minimum(x, y)",
    "minimum": "write minimum(x, y)",
    "clamp": "write clip(x, low, high)",
    "clip": "write clip(x, low, high)",
    "clamp_min": "write maximum(x, low)",
    "clamp_max": "write minimum(x, high)",
    "where": "write where(condition, x, y)",
    "gelu": "write gelu(x)",
    "silu": "write silu(x)",
    "swish": "write silu(x)",
    "leaky_relu": "write leaky_relu(x)",
    "relu6": "write clip(x, 0, 6)",
    "elu": "write where(step(x), x, expm1(x))",
    "selu": "write 1.0507 * where(step(x), x, 1.67326 * expm1(x))",
    "mish": "write x * tanh(softplus(x))",
    "softsign": "write x / (1 + abs(x))",
    "hardtanh": "write clip(x, -1, 1)",
    "logsigmoid": "write -softplus(-x)",
    "logit": "write log(x / (1 - x))",
    "logistic": "write x.sigmoid()",
    "heaviside": "write step(x)",
    "atan2": "write atan2(x, y)",
    "eq": "write x.data == y.data",
    "equal": "write x.data == y.data",
    "ne": "write x.data != y.data",
    "allclose": "write math.isclose(x.data, y.data)",
    "isclose": "write math.isclose(x.data, y.data)",
    "lt": "write x < y, or less(x, y) in a formula",
    "le": "write x <= y",
    "gt": "write x > y, or less(y, x) in a formula",
    "ge": "write x >= y",
    "isnan": "write math.isnan(x.data)",
    "isinf": "write math.isinf(x.data)",
    "isfinite": "write math.isfinite(x.data)",
    "zero_gradient": "write y.zero_grad()",
    "pow_": _IN_PLACE,
    "exp_": _IN_PLACE,
    "sqrt_": _IN_PLACE,
    "relu_": _IN_PLACE,
    "tanh_": _IN_PLACE,
    "sigmoid_": _IN_PLACE,
    "neg_": _IN_PLACE,
    "set_data": _IN_PLACE,
    "update": _IN_PLACE,
    "assign": _IN_PLACE,
    "zero": "write y.zero_grad(), or x.grad = 0.0",
    "zerograd": "write y.zero_grad(), or x.grad = 0.0",
    "reset_grad": "write y.zero_grad(), or x.grad = 0.0",
    "clear_grad": "write y.zero_grad(), or x.grad = 0.0",
    "freeze": _GRADIENT,
    "trainable": _GRADIENT,
    "constant": "x.detach() is a constant of the same number",
    "erfinv": "there is no such row: make an Op for your own",
    "lgamma": "there is no such row: make an Op for your own",
    "digamma": "there is no such row: make an Op for your own",
    "hardsigmoid": "write clip(x / 6 + 0.5, 0, 1)",
    "hardswish": "write x * clip(x / 6 + 0.5, 0, 1)",
    "prelu": "write leaky_relu(x)",
    "lerp": "write x + 0.5 * (y - x)",
    "frac": "write x - floor(x)",
    "eval": "data is the number, computed when the Value was made",
    "evaluate": "data is the number, computed when the Value was made",
    "numerical": "data is the number, computed when the Value was made",
    "forward": "compute the graph again, or compile(y, wrt=[x])",
    "subs": "compute the graph again, or compile(y, wrt=[x])",
    "simplify": "a graph records each operation: write explain(y, x) to read its derivatives",
    "latex": "write explain(y, x).latex()",
    "expr": "write graph(y), or y.draw() for its picture",
    "formula": "write graph(y), or y.draw() for its picture",
    "nodes": "write topological_order(y), or graph(y).nodes",
    "inputs": _OPERANDS,
    "output": "write graph(y) for the output y: a Value does not know the nodes that use it",
    "users": "write graph(y) for the output y: a Value does not know the nodes that use it",
    "build_topo": "write topological_order(y)",
    "toposort": "write topological_order(y)",
    "print": "write print(y), or graph(y) for the whole graph",
    "summary": "write print(y), or graph(y) for the whole graph",
    "register_hook": "read x.grad after backward(); write trace(y) for every event of both passes",
    "render": _PICTURE,
    "show": _PICTURE,
    "plot": _PICTURE,
    "view_graph": _PICTURE,
    "visualize": _PICTURE,
    "draw_dot": _PICTURE,
    "save": _PICTURE,
    "to_dot": "write y.draw().dot",
    "to_json": "write graph(y).to_json()",
    "graph": "write graph(y), or y.draw() for its picture",
    "explain": "write explain(y, x)",
    "steps": "write trace(y)",
    "trace": "write trace(y)",
    "orders": "write orders(y)",
    "topo": "write topological_order(y)",
    "topological_order": "write topological_order(y)",
    "backwards": "write y.backward()",
    "backprop": "write y.backward()",
    "derivative": "write gradient(y, [x])",
    "diff": "write gradient(y, [x])",
    "jacobian": "write jacobian(f)",
    "hessian": "write hessian(f)",
    "gradcheck": "write gradcheck(f, 2.0)",
    "compile": "write compile(y, wrt=[x])",
}
_PYTHON_RANDOM = "with import random"
_LISTS = "a list of Values, or an array of them with dtype=object"
_FLOATS = "a number is a Python float, 64 bits on the processor"
_GRAPHS = "compile(y, wrt=[x]) runs the graph of y on other numbers"
_GRADIENTS = "gradient(y, [x]) for Values, grad(f) for a function"
NAMES = {  # names of torch, jax, numpy, scikit-learn and micrograd
    "Tensor": "Value is one number that remembers how it was computed",
    "tensor": "Value is one number that remembers how it was computed",
    "Variable": "Value is one number that remembers how it was computed",
    "Scalar": "Value is one number that remembers how it was computed",
    "FloatTensor": "Value is one number that remembers how it was computed",
    "as_tensor": "Value(2.0)",
    "asarray": _LISTS,
    "array": _LISTS,
    "from_numpy": "[Value(v) for v in xs]; a module also takes arrays",
    "zeros": "[Value(0.0) for _ in range(n)]",
    "zeros_like": "[Value(0.0) for _ in xs]",
    "ones": "[Value(1.0) for _ in range(n)]",
    "ones_like": "[Value(1.0) for _ in xs]",
    "full": "[Value(2.0) for _ in range(n)]",
    "empty": "[Value(0.0) for _ in range(n)]",
    "eye": "[[float(i == j) for j in range(n)] for i in range(n)]",
    "arange": "range(n) is Python's own",
    "linspace": "[low + (high - low) * i / (n - 1) for i in range(n)]",
    "randn": f"[Value(random.gauss(0, 1)) for _ in range(n)], {_PYTHON_RANDOM}",
    "rand": f"[Value(random.random()) for _ in range(n)], {_PYTHON_RANDOM}",
    "randint": f"random.randrange(n), {_PYTHON_RANDOM}",
    "randperm": f"random.sample(range(n), n), {_PYTHON_RANDOM}",
    "normal": f"random.gauss(0, 1), {_PYTHON_RANDOM}",
    "multinomial": f"random.choices(range(n), weights), {_PYTHON_RANDOM}",
    "bernoulli": f"random.random() < p, {_PYTHON_RANDOM}",
    "random": "random functions take seed=, a number or a random.Random",
    "Generator": "random functions take seed=, a number or a random.Random",
    "set_grad_enabled": "with no_grad(): ...",
    "inference_mode": "with no_grad(): ...",
    "enable_grad": "write the lines outside of the block of no_grad()",
    "is_grad_enabled": "every Value has a graph, except inside of no_grad()",
    "stop_gradient": "x.detach() is a constant with the same number",
    "sum": "sum([x, y]) is Python's own",
    "mean": "sum(values) / len(values)",
    "std": "sqrt(sum((x - m) ** 2 for x in values) / len(values))",
    "var": "sum((x - m) ** 2 for x in values) / len(values)",
    "prod": "math.prod(values) is Python's own",
    "norm": "sqrt(sum(x**2 for x in values))",
    "linalg": "sqrt(sum(x**2 for x in values)) is a norm; there are no matrices",
    "dot": "sum(a * b for a, b in zip(xs, ys))",
    "matmul": "sum(a * b for a, b in zip(xs, ys)) for each row and column",
    "mm": "sum(a * b for a, b in zip(xs, ys)) for each row and column",
    "einsum": "sum(a * b for a, b in zip(xs, ys)) for each row and column",
    "outer": "[[a * b for b in ys] for a in xs]",
    "cat": "xs + ys, of lists",
    "concatenate": "xs + ys, of lists",
    "concat": "xs + ys, of lists",
    "stack": "[xs, ys] is a list of lists",
    "argmax": "max(range(len(xs)), key=lambda i: xs[i].data)",
    "argmin": "min(range(len(xs)), key=lambda i: xs[i].data)",
    "max": "maximum(x, y)",
    "min": "minimum(x, y)",
    "pow": "x**y",
    "power": "x**y",
    "square": "x**2",
    "abs": "abs(x) is Python's own",
    "absolute": "abs(x) is Python's own",
    "round": "floor(x + 0.5)",
    "add": "x + y",
    "sub": "x - y",
    "mul": "x * y",
    "div": "x / y",
    "neg": "-x",
    "rsqrt": "1 / sqrt(x)",
    "cbrt": "x ** (1 / 3)",
    "ln": "log(x)",
    "clamp": "clip(x, low, high)",
    "heaviside": "step(x)",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "swish": "silu",
    "relu6": "clip(x, 0, 6)",
    "elu": "where(step(x), x, expm1(x))",
    "mish": "x * tanh(softplus(x))",
    "softsign": "x / (1 + abs(x))",
    "hardtanh": "clip(x, -1, 1)",
    "logsigmoid": "-softplus(-x)",
    "log_sigmoid": "-softplus(-x)",
    "logit": "log(x / (1 - x))",
    "logistic": "sigmoid",
    "one_hot": "[float(i == k) for i in range(n)]; cross_entropy takes the label k itself",
    "gather": "take(table, index)",
    "index_select": "take(table, index) for each index",
    "embedding": "take(table, index), or nn.Embedding",
    "ReLU": "relu",
    "pi": "math.pi is Python's own",
    "e": "math.e is Python's own",
    "inf": "math.inf is Python's own",
    "nan": "math.nan is Python's own",
    "isnan": "math.isnan(x.data)",
    "isclose": "math.isclose(x.data, y.data)",
    "allclose": "math.isclose(x.data, y.data)",
    "float32": _FLOATS,
    "float64": _FLOATS,
    "int64": _FLOATS,
    "long": _FLOATS,
    "dtype": _FLOATS,
    "set_default_dtype": _FLOATS,
    "device": _FLOATS,
    "cuda": _FLOATS,
    "backends": _FLOATS,
    "mps": _FLOATS,
    "numpy": f"{_LISTS}; NumPy's own exp(x) takes a Value, too",
    "render": "y.draw().save('picture.svg')",
    "draw_dot": "y.draw(); tinygrad_edu.compat.micrograd has draw_dot(y)",
    "make_dot": "y.draw()",
    "show": "y.draw()",
    "plot": "y.draw(); tinygrad_edu.draw has loss_curve(history)",
    "backward": "y.backward()",
    "micrograd": "tinygrad_edu.compat.micrograd",
    "autograd": _GRADIENTS,
    "elementwise_grad": "[grad(f)(x) for x in xs]",
    "derivative": _GRADIENTS,
    "diff": _GRADIENTS,
    "vjp": "grad(f), or gradient(y, xs)",
    "jacrev": "jacobian(f)",
    "jacfwd": "jacobian(f)",
    "check_grads": "gradcheck(f, 2.0)",
    "func": "grad, jacobian, hessian and jvp",
    "functional": "tinygrad_edu.losses has the losses, tinygrad_edu the functions: relu, tanh",
    "F": "tinygrad_edu.losses has the losses, tinygrad_edu the functions: relu, tanh",
    "jit": _GRAPHS,
    "lax": "Python's own loops; a graph can have any length",
    "jax": _GRADIENTS,
    "fx": "trace(y) has the events of both passes, graph(y) has the nodes",
    "steps": "trace(y)",
    "vmap": "compile(y, wrt=[w], inputs=[x]), which takes columns of numbers",
    "tree_map": "like(tree, numbers) of tinygrad_edu.trees",
    "utils": "clip_grad_norm_ is in tinygrad_edu.optim; train(...) makes batches: batch_size=",
    "DataLoader": "train(model, loss, (X, y), optimizer, epochs=10, batch_size=32)",
    "TensorDataset": "(X, y), or [(x, y), ...], as train takes it",
    "Dataset": "(X, y), or [(x, y), ...], as train takes it",
    "train_test_split": "split(examples, 0.8, 0) of tinygrad_edu.data",
    "random_split": "split(examples, 0.8, 0) of tinygrad_edu.data",
    "StandardScaler": "(v - m) / s for each v of a column with mean m and standard deviation s",
    "make_moons": "moons() of tinygrad_edu.data",
    "make_circles": "rings() of tinygrad_edu.data",
    "load_iris": "iris() of tinygrad_edu.data",
    "load_digits": "digits() of tinygrad_edu.data",
    "MNIST": "digits() of tinygrad_edu.data, 8 pixels high",
    "datasets": "moons(), rings(), spirals(), iris() and digits() of tinygrad_edu.data",
    "xor": "parity() of tinygrad_edu.data",
    "accuracy": "train(..., metrics=['accuracy'])",
    "accuracy_score": "train(..., metrics=['accuracy'])",
    "fit": "train(model, loss, (X, y), optimizer, epochs=10) of tinygrad_edu.train",
    "Trainer": "train(model, loss, (X, y), optimizer, epochs=10) of tinygrad_edu.train",
    "trainer": "train(model, loss, (X, y), optimizer, epochs=10) of tinygrad_edu.train",
    "train_loop": "train(model, loss, (X, y), optimizer, epochs=10) of tinygrad_edu.train",
    "EarlyStopping": "train(..., until=no_better(10)) of tinygrad_edu.train",
    "early_stopping": "train(..., until=no_better(10)) of tinygrad_edu.train",
    "kl_div": "sum(p * (log(p) - log(q)) for p, q in zip(ps, qs))",
    "cosine_similarity": "sum(a * b for a, b in zip(xs, ys)) / (norm_of_xs * norm_of_ys)",
    "Model": "Module of tinygrad_edu.nn",
    "Dense": "Layer(inputs, outputs, activation), or Linear(inputs, outputs), of tinygrad_edu.nn",
    "save": "tinygrad_edu.saving.save",
    "load": "tinygrad_edu.saving.load",
}


def elsewhere(name: str, known: dict[str, str], where: str) -> NoReturn:
    """Raises the error for a missing name of a module, with the name to use instead.

    It is an AttributeError, but an ImportError in `from tinygrad_edu import ...`, because Python
    would drop the message of an AttributeError there.
    """
    found = known.get(name) or NAMES.get(name)
    if found is None and not name.startswith("_"):
        found = import_lines[-1](name)
    if not found:
        raise AttributeError(f"module {where!r} has no attribute {name!r}")
    words = f"there is no {name} in {where}; here it is: {found}"
    raise (ImportError if is_import(sys._getframe(2)) else AttributeError)(words)


def is_import(frame: FrameType) -> bool:
    """Whether the frame is running `from module import name`."""
    at = frame.f_code.co_code[frame.f_lasti : frame.f_lasti + 1]
    module = str(frame.f_globals.get("__name__"))  # that of Python itself has two names
    return at == _IMPORT_FROM or module.startswith(("importlib.", "_frozen_importlib"))


class CallableModule(ModuleType):
    """A module that raises TypeError when it is called, with the function to call instead."""

    instead: str

    @classmethod
    def of(cls, module: ModuleType, instead: str) -> None:
        """Makes `module` one of this class. instead: what to write."""
        module.__class__ = cls
        vars(module)["instead"] = instead

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(f"{self.__name__} is a module: {self.instead}")


def strictly(function: F) -> F:
    """Hides `*others` and `**named`, which the function takes only to refuse them, from `help`."""
    known = signature(function)
    kinds = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    shown = [p for p in known.parameters.values() if p.kind not in kinds]
    function.__signature__ = known.replace(parameters=shown)  # type: ignore[attr-defined]
    return function


def alone(words: str, without_effect: str = "") -> Callable[[Callable[[S], T]], Callable[[S], T]]:
    """Makes a method without arguments raise TypeError with `words` when it gets an argument.

    without_effect: keyword arguments that it accepts and ignores.
    """

    def decorate(method: Callable[[S], T]) -> Callable[[S], T]:
        @wraps(method)
        def taking_nothing(self: S, *others: object, **named: object) -> T:
            given = [*map(repr, others), *sorted(named.keys() - {without_effect})]
            if given:
                what = f"{', '.join(given):.60}"
                raise TypeError(f"{method.__name__}() takes no argument, not {what}: {words}")
            return method(self)

        return taking_nothing

    return decorate


class _Elsewhere:
    """A missing attribute whose AttributeError names what to use instead; `hasattr` is False."""

    def __init__(self, name: str, words: str) -> None:
        self.name, self.words = name, words

    def __get__(self, instance: object, owner: type) -> Any:
        own = getattr(instance, "__dict__", {})  # a subclass may have a __dict__ with it
        if self.name in own:
            return own[self.name]
        raise AttributeError(f"{owner.__name__!r} object has no attribute {self}")

    def __set__(self, instance: object, x: object) -> None:
        if not hasattr(instance, "__dict__"):
            kind = type(instance).__name__
            raise AttributeError(f"{kind!r} object has no attribute {self}")
        instance.__dict__[self.name] = x

    def __delete__(self, instance: object) -> None:
        del instance.__dict__[self.name]

    def __str__(self) -> str:
        return f"{self.name!r}: {self.words}"

    def __repr__(self) -> str:
        return f"<none: {self.words}>"


class Habits:
    """The attributes of a Value that tensors have, and hints for those that it lacks.

    No `__getattr__` here: with one, CPython 3.11 reads every attribute of a Value more slowly, and
    building a graph takes 1.5 times as long (findings/attrs-cached-property.sh).
    """

    __slots__ = ()

    if TYPE_CHECKING:
        _data: float
        a_data: float

        def _lift(self: V, x: V | float) -> V: ...
        def _apply(self: V, op: Any, /, *args: Any) -> V: ...

    def __pos__(self: V) -> V:
        return self

    def item(self) -> float:
        """This returns the number, as a float: the same as `data`."""
        return self._told(sys._getframe(1))

    def detach(self: V) -> V:
        """This returns a constant with the same number: no gradient goes through it.

        While a loss is compiled it gives a FrozenWarning: the number stays in the program.
        """
        return cut_off(self._lift(self._told(sys._getframe(1))))

    def _told(self, frame: FrameType) -> float:
        """Returns the number to the code in `frame`, and reports the reading, as `data` does."""
        asked = on_float.get()
        if asked is not None:
            asked(frame)
        return self._data

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Habits) and hasattr(other, "__float__"):
            if hasattr(other, "__len__"):  # an array compares its elements one by one
                return NotImplemented
            if isinstance(other, type):  # `x in (int, float)`
                return NotImplemented
            frame = sys._getframe(1)
            if not is_searched(frame, self):
                compared(IDENTITY, frame)
        return NotImplemented  # identity, as for any object

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        compared(TRUTH, sys._getframe(1))
        return True

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name not in VALUES or hasattr(self, name)]


def cut_off(constant: V) -> V:
    """Marks a constant that was cut off from a graph, so that `backward` refuses it."""
    constant.a_data = constant._data  # other constants have ABSENT there
    return constant


def is_cut(constant: Habits) -> bool:
    """Whether a constant was cut off from a graph."""
    return constant.a_data is not None


def _unary(op: Any) -> Any:
    return lambda self, /: self._apply(op, self)


def _binary(op: Any) -> Any:
    return lambda self, other, /: self._apply(op, self, other)


def _refused(words: str) -> Any:
    def refuse(self: object, *_: object) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot do that: {words}")

    return refuse


_QUOTIENT = "// and % have no rule: write floor(x / y) and x - y * floor(x / y)"
_WHOLE = "a whole number has no derivatives: write floor(x) for a Value, or int(x.data)"
_REFUSED = {
    "floordiv": _QUOTIENT,
    "rfloordiv": _QUOTIENT,
    "mod": _QUOTIENT,
    "rmod": _QUOTIENT,
    "divmod": _QUOTIENT,
    "matmul": "it is one number: write x * y, and sum(a * b for a, b in zip(xs, ys)) of lists",
    "rmatmul": "it is one number: write x * y, and sum(a * b for a, b in zip(xs, ys)) of lists",
    "round": f"it is not rounded: {_ROUNDED}",
    "int": _WHOLE,
    "trunc": _WHOLE,
}
for _name, _words in VALUES.items():
    setattr(Habits, _name, _Elsewhere(_name, _words))
for _name, _words in _REFUSED.items():
    setattr(Habits, f"__{_name}__", _refused(_words))
# NumPy calls a method of its own name on each object: np.arctan(np.array([x, y])).
_ASKED = {"arcsin": ops.asin, "arccos": ops.acos, "arctan": ops.atan}
_ASKED |= {"arcsinh": ops.asinh, "arccosh": ops.acosh, "arctanh": ops.atanh}
for _name, _unary_op in _ASKED.items():
    setattr(Habits, _name, _unary(_unary_op))
for _name, _binary_op in {"arctan2": ops.atan2, "hypot": ops.hypot}.items():
    setattr(Habits, _name, _binary(_binary_op))
