"""Activations, and dropout, which does nothing once a model is trained."""

from __future__ import annotations

import math

from pycandle.graph import Dim, TensorType
from pycandle.ops.expr import Call, DeviceOf, Expr, Maybe, Method, Number, Raw, shape
from pycandle.ops.promotion import Scalar, operands
from pycandle.ops.table import NARROW, Operand, decline, number, op


def _unary(name: str, x: Operand, **constants: Scalar) -> Expr:
    """A function of one tensor and of constants."""
    numbers = (number(_plain(value), label=label) for label, value in constants.items())
    return Call(f"ops::{name}", (x.expr, *numbers))


def _plain(value: Scalar) -> int | float | Dim:
    return int(value) if isinstance(value, bool) else value


def _within(x: Operand, name: str, value: Scalar) -> Scalar:
    """A constant in the dtype of the tensor: PyTorch cuts the fraction off among integers."""
    if not isinstance(value, float) or x.type.is_float:
        return value
    decline(not math.isfinite(value), f"{name} of {x.dtype} with {value}", "give an integer")
    return int(value)


@op("aten.relu.default", also=NARROW)
def relu(x: Operand) -> Expr:
    """The positive part; NaN stays NaN."""
    return _unary("relu", x)


@op("aten.relu6.default", also=NARROW)
def relu6(x: Operand) -> Expr:
    """The positive part, no higher than 6."""
    return _unary("relu6", x)


@op("aten.hardtanh.default", also=NARROW)
def hardtanh(x: Operand, low: Scalar = -1, high: Scalar = 1, *, out: TensorType) -> Expr:
    """Each element no lower than `low` and no higher than `high`; ReLU6 is one such."""
    if (low, high) == (0, 6):
        return _unary("relu6", x)
    bounds = (_within(x, "hardtanh", low), _within(x, "hardtanh", high))
    return Call("ops::clamp", operands(out.dtype, x, *bounds, label="bound"))


@op("aten.sigmoid.default", "aten.special_expit.default", also=NARROW)
def sigmoid(x: Operand) -> Expr:
    """Logistic function."""
    return _unary("sigmoid", x)


@op("aten.gelu.default")
def gelu(x: Operand, *, approximate: str = "none") -> Expr:
    """Gaussian error linear unit, exact (erf) or by tanh."""
    decline(approximate not in ("none", "tanh"), f"gelu with approximate={approximate!r}")
    return _unary("gelu_tanh" if approximate == "tanh" else "gelu", x)


@op("aten.silu.default")
def silu(x: Operand) -> Expr:
    """`x * sigmoid(x)`."""
    return _unary("silu", x)


@op("aten.mish.default")
def mish(x: Operand) -> Expr:
    """`x * tanh(softplus(x))`."""
    return _unary("mish", x)


@op("aten.hardswish.default")
def hardswish(x: Operand) -> Expr:
    """`x * relu6(x + 3) / 6`."""
    return _unary("hardswish", x)


@op("aten.hardsigmoid.default")
def hardsigmoid(x: Operand) -> Expr:
    """`relu6(x + 3) / 6`."""
    return _unary("hardsigmoid", x)


@op("aten.leaky_relu.default")
def leaky_relu(x: Operand, negative_slope: Scalar = 0.01) -> Expr:
    """Negative elements times a slope."""
    return _unary("leaky_relu", x, negative_slope=negative_slope)


@op("aten.rrelu.default")
def rrelu(
    x: Operand, lower: Scalar = 0.125, upper: Scalar = 1 / 3, training: bool = False,
    generator: None = None,
) -> Expr:  # fmt: skip
    """Negative elements times the mean of the slopes that training draws."""
    decline(training, "rrelu in training", "call model.eval() before recording")
    decline(isinstance(lower, Dim) or isinstance(upper, Dim), "rrelu with a size for a slope")
    assert isinstance(lower, (int, float)) and isinstance(upper, (int, float))
    return _unary("leaky_relu", x, negative_slope=(lower + upper) / 2)


@op("aten.elu.default")
def elu(x: Operand, alpha: Scalar = 1, scale: Scalar = 1, input_scale: Scalar = 1) -> Expr:
    """Negative elements by an exponential that ends at `-alpha`."""
    return _unary("elu", x, alpha=alpha, scale=scale, input_scale=input_scale)


@op("aten.selu.default")
def selu(x: Operand) -> Expr:
    """`elu` with the constants that keep mean and variance."""
    return _unary("selu", x)


@op("aten.celu.default")
def celu(x: Operand, alpha: Scalar = 1.0) -> Expr:
    """`elu` whose slope is continuous at zero."""
    decline(isinstance(alpha, Dim), "celu with a size for alpha", "use a constant")
    assert isinstance(alpha, (int, float))
    return _unary("elu", x, alpha=alpha, scale=1, input_scale=1 / alpha)


@op("aten.softplus.default")
def softplus(x: Operand, beta: Scalar = 1, threshold: Scalar = 20) -> Expr:
    """Logarithm of one more than the exponential; linear beyond the threshold."""
    return _unary("softplus", x, beta=beta, threshold=threshold)


@op("aten.softshrink.default")
def softshrink(x: Operand, lambd: Scalar = 0.5) -> Expr:
    """Moved towards zero by lambda."""
    return _unary("softshrink", x, lambd=lambd)


@op("aten.hardshrink.default")
def hardshrink(x: Operand, lambd: Scalar = 0.5) -> Expr:
    """Zero within lambda of zero."""
    return _unary("hardshrink", x, lambd=lambd)


@op("aten.threshold.default", also=NARROW)
def threshold(x: Operand, threshold: Scalar, value: Scalar) -> Expr:
    """A constant up to the threshold."""
    constants = (_within(x, "threshold", threshold), _within(x, "threshold", value))
    return Call("ops::threshold", operands(x.dtype, x, *constants, label="threshold"))


@op("aten.log_sigmoid.default")
def log_sigmoid(x: Operand) -> Expr:
    """Logarithm of the logistic function."""
    return _unary("log_sigmoid", x)


@op("aten.log_sigmoid_forward.default")
def log_sigmoid_forward(x: Operand) -> Expr:
    """Logarithm of the logistic function, and what its gradient needs."""
    return _unary("log_sigmoid_forward", x)


@op("aten.glu.default")
def glu(x: Operand, dim: int = -1) -> Expr:
    """The first half of an axis, times the sigmoid of the second."""
    return Call("ops::glu", (x.expr, Number(x.axis(dim), "usize")))


@op("aten.prelu.default")
def prelu(x: Operand, weight: Operand) -> Expr:
    """Negative elements times a weight, one for all or one for each channel (axis 1)."""
    single = x.rank < 2 or weight.rank == 0 or weight.shape[0] == 1
    sizes = () if single else (1, weight.shape[0], *(1 for _ in range(x.rank - 2)))
    spread = Method(weight.expr, "reshape", (shape(sizes),)) if weight.rank else weight.expr
    return Call("ops::prelu", (x.expr, spread))


@op("aten._prelu_kernel.default")
def prelu_kernel(x: Operand, weight: Operand) -> Expr:
    """Negative elements times weights that broadcast."""
    return Call("ops::prelu", (x.expr, weight.expr))


@op("aten.logit.default", "aten.special_logit.default", also=NARROW)
def logit(x: Operand, eps: float | None = None) -> Expr:
    """Inverse of the logistic function, of elements kept within eps of 0 and 1."""
    limit = Maybe(None if eps is None else number(eps, label="eps"))
    return Call("ops::logit", (x.expr, limit))


@op(
    "aten.dropout.default", "aten.feature_dropout.default", "aten.alpha_dropout.default",
    "aten.feature_alpha_dropout.default",
)  # fmt: skip
def dropout(x: Operand, p: float, train: bool) -> Expr:
    """The tensor itself, outside of training."""
    decline(train, "dropout in training", "call model.eval() before recording")
    return x.expr


@op("aten.native_dropout.default")
def native_dropout(x: Operand, p: float, train: bool | None) -> tuple[Expr, Expr]:
    """The tensor itself, outside of training, and a mask that is true everywhere."""
    decline(train is not False, "dropout in training", "call model.eval() before recording")
    return x.expr, Call("Tensor::ones", (shape(x.shape), Raw("DType::U8"), DeviceOf(x.expr)))
