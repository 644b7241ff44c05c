"""The price of a call option by Black and Scholes, and its Greeks by backpropagation."""

import torch
from torch.autograd import grad


def cdf(x):
    return (1 + torch.erf(x / 2**0.5)) / 2


def call(spot, strike, rate, volatility, time):
    d1 = (torch.log(spot / strike) + (rate + volatility**2 / 2) * time) / (volatility * time.sqrt())
    return spot * cdf(d1) - strike * torch.exp(-rate * time) * cdf(d1 - volatility * time.sqrt())


market = [torch.tensor(x, requires_grad=True) for x in (100.0, 110.0, 0.05, 0.2, 0.5)]
price = call(*market)
delta, _, rho, vega, theta = grad(price, market, create_graph=True)
gamma, *_ = grad(delta, market)
print(f"price {price.item():.6f}, delta {delta.item():.6f}, gamma {gamma.item():.6f}")
print(f"vega {vega.item():.6f}, rho {rho.item():.6f}, theta {-theta.item():.6f}")
