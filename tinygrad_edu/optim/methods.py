"""The optimization methods: each class is one formula and its settings."""

from __future__ import annotations

from tinygrad_edu.engine import Value
from tinygrad_edu.ops import less, sqrt
from tinygrad_edu.optim.optimizer import Optimizer, Parameters
from tinygrad_edu.optim.schedules import Rate, positive, within

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Momentum", "RMSprop"]


class SGD(Optimizer):
    """Gradient descent, with optional momentum in PyTorch's form: the rate multiplies the momentum.

    v = momentum * v + (1 - dampening) * g, and p decreases by lr * v; with nesterov, by
    lr * (g + momentum * v). The first v is g itself. weight_decay adds weight_decay * p to g.
    Without momentum it is gradient descent (Cauchy, 1847; equation 8 of Rumelhart, Hinton and
    Williams, 1986). ValueError for nesterov without momentum or with dampening.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: Rate = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        within("momentum", momentum)
        within("dampening", dampening)
        within("weight_decay", weight_decay)
        if nesterov and (not momentum or dampening):
            raise ValueError("nesterov needs a momentum above 0, and no dampening")
        mine = type(self).formula is not SGD.formula
        super().__init__(
            parameters,
            lr,
            formula=None if momentum or mine else _descend,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
        )

    @staticmethod
    def formula(
        p: Value, g: Value, v: Value, *, lr: Value, t: Value, momentum: float,
        dampening: float, weight_decay: float, nesterov: bool,
    ) -> tuple[Value, ...]:  # fmt: skip
        """The formula."""
        g = _pulled(g, p, weight_decay)
        fresh = g * (1 - dampening * less(1, t)) if dampening else g  # not at the first step
        v = momentum * v + fresh
        return p - lr * (g + momentum * v if nesterov else v), v


def _descend(p: Value, g: Value, *, lr: Value, weight_decay: float) -> Value:
    """SGD without momentum, which has no state."""
    return p - lr * _pulled(g, p, weight_decay)


def _pulled(g: Value, p: Value, weight_decay: float) -> Value:
    """Returns the gradient of the loss plus weight_decay/2 * p**2."""
    return g + weight_decay * p if weight_decay else g


class Momentum(Optimizer):
    """Repeats a part of the last change (Polyak, 1964), exactly as in equation 9 of 1986.

    delta_w(t) = -lr * dE/dw(t) + alpha * delta_w(t-1)  (Rumelhart, Hinton and Williams,
    "Learning representations by back-propagating errors", Nature 323; t counts epochs there).
    The state delta_w contains the rate. PyTorch's SGD keeps v = alpha * v + dE/dw and changes w by
    -lr * v. Both are equal while the rate is constant; when the rate falls, SGD slows down at once.
    decay: at each step, every weight w also decreases by lr * decay * w.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: Rate = 0.001,
        alpha: float = 0.9,
        decay: float = 0.0,
    ) -> None:
        within("alpha", alpha, below=1.0)
        within("decay", decay)
        super().__init__(parameters, lr, alpha=alpha, decay=decay)

    @staticmethod
    def formula(
        p: Value, g: Value, last: Value, *, lr: Value, alpha: float, decay: float,
    ) -> tuple[Value, ...]:  # fmt: skip
        """The formula."""
        last = -lr * g + alpha * last
        return (p - lr * (decay * p) if decay else p) + last, last


class RMSprop(Optimizer):
    """Divides a gradient by the root of its mean square (Tieleman and Hinton, lecture 6.5, 2012).

    alpha: the decay factor of the mean of the squared gradients. eps: added to the root. centered:
    uses the variance of the gradients instead of the mean square. weight_decay: as for SGD.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: Rate = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        within("alpha", alpha, below=1.0)
        positive("eps", eps)
        within("weight_decay", weight_decay)
        within("momentum", momentum)
        mine = type(self).formula is not RMSprop.formula
        super().__init__(
            parameters,
            lr,
            formula=None if momentum or centered or mine else _scale,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
        )

    @staticmethod
    def formula(
        p: Value, g: Value, square: Value, buffer: Value, mean: Value, *,
        lr: Value, alpha: float, eps: float, weight_decay: float, momentum: float, centered: bool,
    ) -> tuple[Value, ...]:  # fmt: skip
        """The formula."""
        g = _pulled(g, p, weight_decay)
        square = alpha * square + (1 - alpha) * g * g
        mean = alpha * mean + (1 - alpha) * g if centered else mean
        typical = sqrt(square - mean * mean if centered else square) + eps
        buffer = momentum * buffer + g / typical
        return p - lr * buffer, square, buffer, mean


def _scale(
    p: Value, g: Value, square: Value, *, lr: Value, alpha: float, eps: float,
    weight_decay: float,
) -> tuple[Value, ...]:  # fmt: skip
    """RMSprop without momentum and without `centered`."""
    g = _pulled(g, p, weight_decay)
    square = alpha * square + (1 - alpha) * g * g
    return p - lr * g / (sqrt(square) + eps), square


class Adagrad(Optimizer):
    """Each parameter has its own rate, which falls with its gradients (Duchi and others, 2011)."""

    def __init__(
        self,
        parameters: Parameters,
        lr: Rate = 0.01,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        within("lr_decay", lr_decay)
        within("weight_decay", weight_decay)
        positive("eps", eps)
        super().__init__(parameters, lr, lr_decay=lr_decay, weight_decay=weight_decay, eps=eps)

    @staticmethod
    def formula(
        p: Value, g: Value, square: Value, *, lr: Value, t: Value, lr_decay: float,
        weight_decay: float, eps: float,
    ) -> tuple[Value, ...]:  # fmt: skip
        """The formula."""
        g = _pulled(g, p, weight_decay)
        square = square + g * g
        lr = lr / (1 + (t - 1) * lr_decay) if lr_decay else lr
        return p - lr * g / (sqrt(square) + eps), square


class Adam(Optimizer):
    """Momentum and RMSprop together (Kingma and Ba, "Adam", 2015, algorithm 1).

    Both means start at 0, so at first they are too small, by the factor 1 - beta**t; the formula
    divides by that factor. weight_decay: as for SGD.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        beta1, beta2 = betas
        both = within("beta1", beta1, below=1.0), within("beta2", beta2, below=1.0)
        positive("eps", eps)
        within("weight_decay", weight_decay)
        super().__init__(parameters, lr, betas=both, eps=eps, weight_decay=weight_decay)

    @staticmethod
    def formula(
        p: Value, g: Value, mean: Value, square: Value, *, lr: Value, t: Value,
        betas: tuple[float, float], eps: float, weight_decay: float,
    ) -> tuple[Value, ...]:  # fmt: skip
        """The formula."""
        beta1, beta2 = betas
        g = _pulled(g, p, weight_decay)
        mean = beta1 * mean + (1 - beta1) * g
        square = beta2 * square + (1 - beta2) * g * g
        corrected = mean * (1 / (1 - beta1**t))  # the same factor for all parameters
        typical = sqrt(square * (1 / (1 - beta2**t))) + eps
        return p - lr * corrected / typical, mean, square


class AdamW(Adam):
    """Adam with decoupled decay (Loshchilov and Hutter, 2019, algorithm 2).

    At each step, every parameter p also decreases by lr * weight_decay * p, as in PyTorch; in the
    paper, the decay depends only on the schedule's factor, not on the rate of Adam.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay)

    @staticmethod
    def formula(
        p: Value, g: Value, mean: Value, square: Value, *, lr: Value, t: Value,
        betas: tuple[float, float], eps: float, weight_decay: float,
    ) -> tuple[Value, ...]:  # fmt: skip
        """The formula."""
        kept = p - lr * (weight_decay * p) if weight_decay else p
        return Adam.formula(
            kept, g, mean, square, lr=lr, t=t, betas=betas, eps=eps, weight_decay=0.0
        )
