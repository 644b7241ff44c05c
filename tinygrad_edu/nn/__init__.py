"""Networks: neurons, layers and MLPs; linear maps, embeddings, norms, dropout; attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.habits.hints import elsewhere
from tinygrad_edu.nn.init import manual_seed
from tinygrad_edu.nn.layers import (
    GELU,
    Dropout,
    Embedding,
    Identity,
    LayerNorm,
    LeakyReLU,
    Linear,
    ReLU,
    RMSNorm,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
    residual,
)
from tinygrad_edu.nn.module import Module, Parameter
from tinygrad_edu.nn.perceptron import MLP, Layer, Neuron
from tinygrad_edu.nn.transformer import Attention, Block

__all__ = [
    "GELU",
    "MLP",
    "Attention",
    "Block",
    "Dropout",
    "Embedding",
    "Identity",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "Module",
    "Neuron",
    "Parameter",
    "RMSNorm",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "manual_seed",
    "residual",
]

_LOSSES = "the losses are functions of tinygrad_edu.losses"
_ELSEWHERE = {  # names from other libraries
    "functional": "tinygrad_edu.losses has the losses, tinygrad_edu the functions: relu, tanh",
    "F": "tinygrad_edu.losses has the losses, tinygrad_edu the functions: relu, tanh",
    "MSELoss": f"mse_loss; {_LOSSES}",
    "L1Loss": f"l1_loss; {_LOSSES}",
    "HuberLoss": f"huber_loss; {_LOSSES}",
    "SmoothL1Loss": f"smooth_l1_loss; {_LOSSES}",
    "BCELoss": f"binary_cross_entropy; {_LOSSES}",
    "BCEWithLogitsLoss": f"binary_cross_entropy_with_logits; {_LOSSES}",
    "CrossEntropyLoss": f"cross_entropy; {_LOSSES}",
    "NLLLoss": f"nll_loss; {_LOSSES}",
    "Softmax": "the function softmax of tinygrad_edu.losses",
    "LogSoftmax": "the function log_softmax of tinygrad_edu.losses",
    "RNN": "h = tanh(w*x + u*h + b) in a loop; a graph can have any length",
    "LSTM": "its formulas in a loop; a graph can have any length",
    "GRU": "its formulas in a loop; a graph can have any length",
    "RNNCell": "h = tanh(w*x + u*h + b) in a loop; a graph can have any length",
    "Conv1d": "sum(w * x) over each window, with the same weights",
    "Conv2d": "sum(w * x) over each window, with the same weights",
    "MaxPool2d": "maximum(x, y) over each window",
    "BatchNorm1d": "LayerNorm, which normalizes one example",
    "MultiheadAttention": "Attention, which is causal; Block is a block of a transformer",
    "TransformerEncoderLayer": "Block, which is causal",
    "TransformerDecoderLayer": "Block",
    "ModuleList": "a list of modules: its parameters are found",
    "ModuleDict": "a dict of modules: its parameters are found",
    "ParameterList": "a list of Parameters: they are found",
    "ParameterDict": "a dict of Parameters: they are found",
    "BatchNorm2d": "LayerNorm, which normalizes one example",
    "GroupNorm": "LayerNorm",
    "InstanceNorm2d": "LayerNorm",
    "Conv3d": "sum(w * x) over each window, with the same weights",
    "MaxPool1d": "maximum(x, y) over each window",
    "AvgPool2d": "sum(xs) / len(xs) over each window",
    "Flatten": "[x for row in rows for x in row]",
    "LSTMCell": "its formulas in a loop; a graph can have any length",
    "GRUCell": "its formulas in a loop; a graph can have any length",
    "Transformer": "Block, which is causal",
    "TransformerEncoder": "Block, which is causal",
    "GPT": "Embedding, Block and Linear, one after the other",
    "SelfAttention": "Attention, which is causal",
    "CausalSelfAttention": "Attention",
    "PositionalEncoding": "Embedding, of positions",
    "FeedForward": "Sequential(Linear(4, 16), GELU(), Linear(16, 4))",
    "Dropout2d": "Dropout",
    "Softmin": "the function softmax of tinygrad_edu.losses, of -x",
    "ELU": "a function is an activation: lambda x: where(step(x), x, expm1(x))",
    "SELU": "a function is an activation: lambda x: where(step(x), x, expm1(x))",
    "Mish": "a function is an activation: lambda x: x * tanh(softplus(x))",
    "Softsign": "a function is an activation: lambda x: x / (1 + abs(x))",
    "Hardtanh": "a function is an activation: lambda x: clip(x, -1, 1)",
    "ReLU6": "a function is an activation: lambda x: clip(x, 0, 6)",
    "PReLU": "LeakyReLU, or a Parameter times the part below 0",
    "LogSigmoid": "a function is an activation: lambda x: -softplus(-x)",
    "Swish": "SiLU",
    "Bilinear": "sum(w * a * b) over all pairs of inputs",
    "KLDivLoss": "sum(p * (log(p) - log(q)) for p, q in zip(ps, qs))",
    "HingeEmbeddingLoss": f"hinge_loss; {_LOSSES}",
    "DataParallel": "compile(..., backend='machine') is fast",
    "Dense": "Layer(inputs, outputs, activation), or Linear(inputs, outputs)",
    "Perceptron": "Neuron(inputs, 'step')",
    "MLPClassifier": "MLP(inputs, sizes), and train() with cross_entropy",
    "MLPRegressor": "MLP(inputs, sizes), and train() with mse_loss",
    "init": "tinygrad_edu.nn.init has the rules: xavier(), he(), uniform(r), normal(deviation)",
    "utils": "clip_grad_norm_ is in tinygrad_edu.optim",
    "parameter": "Parameter(0.5)",
}


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        elsewhere(name, _ELSEWHERE, __name__)
