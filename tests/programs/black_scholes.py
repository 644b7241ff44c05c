"""The price of a call option by Black and Scholes, and its Greeks by backpropagation."""

from tinygrad_edu import Value, erf, exp, gradient, log, sqrt


def cdf(x):
    return (1 + erf(x / sqrt(2))) / 2


def call(spot, strike, rate, volatility, time):
    d1 = (log(spot / strike) + (rate + volatility**2 / 2) * time) / (volatility * sqrt(time))
    return spot * cdf(d1) - strike * exp(-rate * time) * cdf(d1 - volatility * sqrt(time))


market = [Value(x) for x in (100.0, 110.0, 0.05, 0.2, 0.5)]
price = call(*market)
delta, _, rho, vega, theta = gradient(price, market)
gamma, *_ = gradient(delta, market)
print(f"price {price.item():.6f}, delta {delta.item():.6f}, gamma {gamma.item():.6f}")
print(f"vega {vega.item():.6f}, rho {rho.item():.6f}, theta {-theta.item():.6f}")
