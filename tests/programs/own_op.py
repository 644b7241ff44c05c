"""An operation of one's own, mish(x) = x * tanh(log(1 + exp(x))), with its derivative."""

from tinygrad_edu import Op, Value, gradcheck, sech2, sigmoid, softplus, tanh

mish = Op(
    "mish",
    lambda a: a * tanh(softplus(a)),
    lambda y, a: tanh(softplus(a)) + a * sech2(softplus(a)) * sigmoid(a),
)

x = Value(0.5)
y = mish(x) * x
y.backward()
print(f"y {y.item():.6f}, dy/dx {x.grad:.6f}, gradcheck {gradcheck(mish, 0.5)}")
