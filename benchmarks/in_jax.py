"""The workloads in JAX: the whole step compiled, called once a step or looping by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from training import (
    ALPHA,
    BETAS,
    EPSILON,
    RATES,
    STEPS,
    Contender,
    as_layers,
    family_columns,
    flat,
    imported,
    moons_columns,
)
from workloads import DECAY, HEADS, WIDTH, Workload, name_tokens

Array = Any
Arrays = Sequence[Array]
State = tuple[Any, ...]  # parameters, what the optimizer remembers (two trees), steps made


def gpt_losses(jax: Any, p: Arrays, tokens: Array) -> Array:
    """The losses of W3 at each token of any name."""
    np = jax.numpy
    tokens_in, places, tokens_out, wq, wk, wv, wo, up, down = p
    size = len(tokens) - 1

    def normalized(x: Array) -> Array:
        return x * (np.mean(x * x, axis=1, keepdims=True) + 1e-5) ** -0.5

    x = normalized(tokens_in[tokens[:-1]] + places[:size])
    y = normalized(x)
    q, k, v = ((y @ w.T).reshape(size, HEADS, -1) for w in (wq, wk, wv))
    scores = np.einsum("thi,shi->hts", q, k) / (WIDTH // HEADS) ** 0.5
    scores = np.where(np.tril(np.ones((size, size), bool)), scores, -np.inf)
    read = np.einsum("hts,shi->thi", jax.nn.softmax(scores), v).reshape(size, WIDTH)
    x = read @ wo.T + x
    x = np.maximum(normalized(x) @ up.T, 0) @ down.T + x
    logs = jax.nn.log_softmax(x @ tokens_out.T)
    return -logs[np.arange(size), tokens[1:]]


def losses(jax: Any) -> dict[str, Callable[[Arrays], Array]]:
    """The loss of each workload, as a function of its matrices."""
    np = jax.numpy
    x, y, opposite = (np.array(column) for column in moons_columns())
    points = np.stack([x, y], axis=1)
    inputs, targets = (np.array(columns).T for columns in family_columns())
    tokens = np.array(name_tokens())

    def moons_loss(p: Arrays) -> Array:
        h = np.maximum(points @ p[0].T + p[1], 0)
        h = np.maximum(h @ p[2].T + p[3], 0)
        hinges = np.maximum(1 + opposite * (h @ p[4].T + p[5])[:, 0], 0)
        return np.mean(hinges) + DECAY * sum(np.sum(w * w) for w in p)

    def family_loss(p: Arrays) -> Array:
        person = jax.nn.sigmoid(inputs[:, :24] @ p[0].T + p[1])
        relation = jax.nn.sigmoid(inputs[:, 24:] @ p[2].T + p[3])
        h = np.concatenate([person, relation], axis=1)
        for w, b in zip(p[4::2], p[5::2]):
            h = jax.nn.sigmoid(h @ w.T + b)
        return 0.5 * np.sum((h - targets) ** 2)

    def name_loss(p: Arrays) -> Array:
        return np.mean(gpt_losses(jax, p, tokens))

    return {"W1": moons_loss, "W2": family_loss, "W3": name_loss}


def step(jax: Any, name: str, slopes: Callable[[Arrays], Any], state: State) -> tuple[State, Array]:
    """The state after one step, and the loss before it."""
    np, rate = jax.numpy, RATES[name]
    ws, mean, square, steps = state
    loss, gs = slopes(ws)
    steps = steps + 1
    if name == "W1":
        ws = [w - rate * g for w, g in zip(ws, gs)]
    elif name == "W2":
        mean = [ALPHA * m - rate * g for m, g in zip(mean, gs)]
        ws = [w + m for w, m in zip(ws, mean)]
    else:
        beta1, beta2 = BETAS
        mean = [beta1 * m + (1 - beta1) * g for m, g in zip(mean, gs)]
        square = [beta2 * s + (1 - beta2) * g * g for s, g in zip(square, gs)]
        scale, unbias = rate / (1 - beta1**steps), 1 / (1 - beta2**steps)
        ws = [w - scale * m / (np.sqrt(s * unbias) + EPSILON) for w, m, s in zip(ws, mean, square)]
    return (ws, mean, square, steps), loss


class Jax:
    """A call of the compiled step for each step; only the last is waited for."""

    name = "JAX jit, one call a step"
    steps = STEPS

    def __init__(self, workload: Workload) -> None:
        self.jax = jax = imported("jax")
        jax.config.update("jax_enable_x64", True)
        self.workload = workload
        name = workload.name
        slopes = jax.value_and_grad(losses(jax)[name])
        self._gradients = jax.jit(slopes)
        np = jax.numpy
        arrays = [np.array(array) for array in as_layers(name, workload.numbers())]
        zeros = [np.zeros_like(array) for array in arrays]
        kept = zeros if name != "W1" else [], zeros if name == "W3" else []
        self._first = (arrays, *kept, np.array(0.0))
        self._compile(partial(step, jax, name, slopes))
        self.reset()

    def _compile(self, step: Callable[[State], tuple[State, Array]]) -> None:
        self._step = self.jax.jit(step)

    def reset(self) -> None:
        self.state = self._first

    def gradients(self) -> list[float]:
        return flat(self.workload.name, self._gradients(self.state[0])[1])

    def train(self, steps: int) -> None:
        for _ in range(steps):
            self.state, self.loss = self._step(self.state)
        self.jax.block_until_ready(self.state)

    def parameters(self) -> list[float]:
        return flat(self.workload.name, self.state[0])


class JaxLoop(Jax):
    """All steps inside of one compiled call."""

    name = "JAX fori_loop, 100 steps a call"

    def _compile(self, step: Callable[[State], tuple[State, Array]]) -> None:
        jax = self.jax

        def loop(state: State, steps: int) -> tuple[State, Array]:
            first = (state, jax.numpy.array(0.0))
            found: tuple[State, Array] = jax.lax.fori_loop(0, steps, lambda _, s: step(s[0]), first)
            return found

        self._loop = jax.jit(loop)

    def train(self, steps: int) -> None:
        self.state, self.loss = self._loop(self.state, steps)
        self.jax.block_until_ready(self.state)


def contenders(workload: Workload) -> list[Contender]:
    """Both ways to drive the same step."""
    return [Jax(workload), JaxLoop(workload)]
