"""The workloads in NumPy, forward and backward written out, one vector of all parameters.

A layer's matrix holds its biases in the last column, and its inputs end with a column of ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from training import (
    ALPHA,
    BETAS,
    EPSILON,
    LAYERS,
    RATES,
    STEPS,
    Contender,
    family_columns,
    imported,
    moons_columns,
)
from workloads import DECAY, GPT_MATRICES, HEADS, WIDTH, Workload, name_tokens

Array = Any


def views(name: str, vector: Array) -> list[Array]:
    """The matrices that lie one after the other in the vector."""
    shapes = [(o, i + 1) for i, o in LAYERS[name]] if name in LAYERS else GPT_MATRICES
    matrices, start = [], 0
    for rows, columns in shapes:
        matrices.append(vector[start : start + rows * columns].reshape(rows, columns))
        start += rows * columns
    return matrices


class Numpy:
    """What the three have in common: the vectors and the update, in place."""

    name = "NumPy by hand"
    steps = STEPS

    def __init__(self, workload: Workload) -> None:
        self.np = np = imported("numpy")
        self.workload = workload
        self._first = np.array(workload.numbers())
        self.w, self.g = self._first.copy(), np.zeros_like(self._first)
        self.ws, self.gs = views(workload.name, self.w), views(workload.name, self.g)
        self._mean, self._square, self._room = (np.zeros_like(self.w) for _ in range(3))
        self._made = 0
        self.prepare()

    def prepare(self) -> None:
        """The examples, and room for what is computed of them."""

    def step(self) -> float:
        """The loss; its gradients are left in `g`."""
        raise NotImplementedError

    def reset(self) -> None:
        self.w[:] = self._first
        self._mean[:] = self._square[:] = 0.0
        self._made = 0

    def gradients(self) -> list[float]:
        self.step()
        return [float(x) for x in self.g]

    def train(self, steps: int) -> None:
        rate, name = RATES[self.workload.name], self.workload.name
        w, g, mean = self.w, self.g, self._mean
        for _ in range(steps):
            self.step()
            if name == "W1":
                g *= rate
                w -= g
            elif name == "W2":
                mean *= ALPHA
                g *= rate
                mean -= g
                w += mean
            else:
                self._adam(rate)

    def _adam(self, rate: float) -> None:
        np, g, mean, square, room = self.np, self.g, self._mean, self._square, self._room
        beta1, beta2 = BETAS
        self._made += 1
        mean *= beta1
        np.multiply(g, 1 - beta1, out=room)
        mean += room
        square *= beta2
        np.multiply(g, g, out=g)
        g *= 1 - beta2
        square += g
        np.multiply(square, 1 / (1 - beta2**self._made), out=room)
        np.sqrt(room, out=room)
        room += EPSILON
        np.divide(mean, room, out=room)
        room *= rate / (1 - beta1**self._made)
        self.w -= room

    def parameters(self) -> list[float]:
        return [float(x) for x in self.w]


class Moons(Numpy):
    """W1."""

    def prepare(self) -> None:
        np = self.np
        x, y, opposite = map(np.array, moons_columns())
        self.x = np.stack([x, y, np.ones_like(x)], axis=1)
        self.opposite = opposite[:, None]
        self.h1, self.h2 = (np.ones((len(x), 17)) for _ in range(2))

    def step(self) -> float:
        np, h1, h2 = self.np, self.h1, self.h2
        a, b, c = self.ws
        np.maximum(self.x @ a.T, 0, out=h1[:, :16])
        np.maximum(h1 @ b.T, 0, out=h2[:, :16])
        hinges = np.maximum(1 + self.opposite * (h2 @ c.T), 0)
        d = np.where(hinges > 0, self.opposite, 0.0)
        d /= len(d)
        np.matmul(d.T, h2, out=self.gs[2])
        d = d * c[:, :16]
        d *= h2[:, :16] > 0
        np.matmul(d.T, h1, out=self.gs[1])
        d = d @ b[:, :16]
        d *= h1[:, :16] > 0
        np.matmul(d.T, self.x, out=self.gs[0])
        self.g += 2 * DECAY * self.w
        return float(hinges.sum() / len(hinges) + DECAY * (self.w @ self.w))


class Family(Numpy):
    """W2."""

    def prepare(self) -> None:
        np = self.np
        inputs, targets = (np.array(columns).T for columns in family_columns())
        ones = np.ones((len(inputs), 1))
        self.persons = np.hstack([inputs[:, :24], ones])
        self.relations = np.hstack([inputs[:, 24:], ones])
        self.targets = np.ascontiguousarray(targets)
        self.ys = [np.ones((len(inputs), size + 1)) for size in (12, 12, 6)]
        self.answers = np.empty_like(self.targets)

    def step(self) -> float:
        np = self.np
        codes = self.ys[0]
        np.matmul(self.persons, self.ws[0].T, out=codes[:, :6])
        np.matmul(self.relations, self.ws[1].T, out=codes[:, 6:12])
        self._logistic(codes[:, :12])
        outs = [y[:, :-1] for y in self.ys[1:]] + [self.answers]
        for x, w, out in zip(self.ys, self.ws[2:], outs):
            np.matmul(x, w.T, out=out)
            self._logistic(out)
        error = self.answers - self.targets
        d = error * self.answers
        d *= 1 - self.answers
        for k in (2, 1, 0):
            y = self.ys[k]
            np.matmul(d.T, y, out=self.gs[2 + k])
            y = y[:, :-1]
            d = d @ self.ws[2 + k][:, :-1]
            d *= y
            d *= 1 - y
        np.matmul(d[:, :6].T, self.persons, out=self.gs[0])
        np.matmul(d[:, 6:].T, self.relations, out=self.gs[1])
        return 0.5 * float(np.vdot(error, error))

    def _logistic(self, x: Array) -> None:
        np = self.np
        np.negative(x, out=x)
        np.exp(x, out=x)
        x += 1
        np.reciprocal(x, out=x)


class Gpt(Numpy):
    """W3."""

    def prepare(self) -> None:
        np = self.np
        tokens = name_tokens()
        self.tokens, self.following = np.array(tokens[:-1]), np.array(tokens[1:])
        size = len(self.tokens)
        self.places = np.arange(size)
        self.later = np.triu(np.full((size, size), -np.inf), 1)

    def step(self) -> float:
        np, size = self.np, len(self.tokens)
        tokens_in, places, tokens_out, wq, wk, wv, wo, up, down = self.ws
        x0, scale0 = self._normalized(tokens_in[self.tokens] + places[:size])
        x1, scale1 = self._normalized(x0)
        q, k, v = (self._heads(x1 @ w.T) for w in (wq, wk, wv))
        scores = q @ k.transpose(0, 2, 1)
        scores /= (WIDTH // HEADS) ** 0.5
        scores += self.later
        share = self._softmax(scores)
        read = self._joined(share @ v)
        x2 = read @ wo.T
        x2 += x0
        x3, scale3 = self._normalized(x2)
        hidden = np.maximum(x3 @ up.T, 0)
        x4 = hidden @ down.T
        x4 += x2
        d = self._softmax(x4 @ tokens_out.T)
        loss = -np.log(d[self.places, self.following]).mean()

        g_in, g_places, g_out, gq, gk, gv, go, g_up, g_down = self.gs
        d[self.places, self.following] -= 1
        d /= size
        np.matmul(d.T, x4, out=g_out)
        d2 = d @ tokens_out
        np.matmul(d2.T, hidden, out=g_down)
        d_hidden = d2 @ down
        d_hidden *= hidden > 0
        np.matmul(d_hidden.T, x3, out=g_up)
        d2 += self._back(d_hidden @ up, x3, scale3)
        np.matmul(d2.T, read, out=go)
        d_read = self._heads(d2 @ wo)
        dv = share.transpose(0, 2, 1) @ d_read
        ds = d_read @ v.transpose(0, 2, 1)
        ds -= (ds * share).sum(axis=2, keepdims=True)
        ds *= share
        ds /= (WIDTH // HEADS) ** 0.5
        d1 = np.zeros_like(x1)
        for dh, w, g in ((ds @ k, wq, gq), (ds.transpose(0, 2, 1) @ q, wk, gk), (dv, wv, gv)):
            dh = self._joined(dh)
            np.matmul(dh.T, x1, out=g)
            d1 += dh @ w
        d2 += self._back(d1, x1, scale1)
        d0 = self._back(d2, x0, scale0)
        g_in[:] = 0.0
        np.add.at(g_in, self.tokens, d0)
        g_places[:size] = d0
        g_places[size:] = 0.0
        return float(loss)

    def _normalized(self, x: Array) -> tuple[Array, Array]:
        scale = (self.np.einsum("ti,ti->t", x, x) / WIDTH + 1e-5) ** -0.5
        return x * scale[:, None], scale[:, None]

    def _back(self, dy: Array, y: Array, scale: Array) -> Array:
        share = self.np.einsum("ti,ti->t", dy, y) / WIDTH
        d = dy - y * share[:, None]
        d *= scale
        return d

    def _softmax(self, x: Array) -> Array:
        x -= x.max(axis=-1, keepdims=True)
        self.np.exp(x, out=x)
        x /= x.sum(axis=-1, keepdims=True)
        return x

    def _heads(self, x: Array) -> Array:
        return x.reshape(len(x), HEADS, -1).transpose(1, 0, 2)

    def _joined(self, x: Array) -> Array:
        return x.transpose(1, 0, 2).reshape(-1, WIDTH)


def contenders(workload: Workload) -> Iterator[Contender]:
    """The class of that workload."""
    yield {"W1": Moons, "W2": Family, "W3": Gpt}[workload.name](workload)
