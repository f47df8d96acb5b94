"""Arithmetic, element by element, and the larger and smaller of two.

A plain operator is used where both sides have one floating dtype, and where a constant is added;
everything else goes through `pycandle_runtime::ops`, which promotes as PyTorch does and wraps
integers around.
"""

from __future__ import annotations

from pycandle.graph import TensorType
from pycandle.ops.expr import SIGNS, Call, Expr, Method, Operator
from pycandle.ops.promotion import Scalar, operands, scalar
from pycandle.ops.table import NARROW, Operand, decline, op

_LABELS = {"add": "term", "sub": "term", "mul": "factor", "div": "divisor"}


def _binary(name: str, x: Operand | Scalar, other: Operand | Scalar, out: TensorType) -> Expr:
    """A function of the runtime whose operands meet in the dtype of the result."""
    return Call(f"ops::{name}", operands(out.dtype, x, other))


def _arithmetic(name: str, x: Operand, other: Operand | Scalar, out: TensorType) -> Expr:
    if isinstance(other, Operand):
        if x.dtype == other.dtype and x.type.is_float:
            if x.shape == other.shape:
                return Operator(SIGNS[name], x.expr, other.expr)
            return Method(x.expr, f"broadcast_{name}", (other.expr,))
    # Candle computes `x * a` as `x * a + 0`, which loses the sign of zero, and `x / a` as a product
    # with the reciprocal; only sums are exact as operators.
    elif isinstance(other, (int, float)) and x.dtype in ("f32", "f64") and name in ("add", "sub"):
        return Operator(SIGNS[name], x.expr, scalar(other, x.dtype, _LABELS[name]))
    return Call(f"ops::{name}", operands(out.dtype, x, other, label=_LABELS[name]))


def _with_alpha(
    name: str, x: Operand | Scalar, other: Operand | Scalar, alpha: Scalar, out: TensorType
) -> Expr:
    args = (*operands(out.dtype, x, other), scalar(alpha, out.dtype, "alpha"))
    return Call(f"ops::{name}_alpha", args)


def _no_bools(name: str, fix: str, *given: Operand | Scalar) -> None:
    bools = any(isinstance(x, Operand) and x.dtype == "bool" for x in given)
    decline(bools, f"{name} of booleans", fix)


@op(
    "aten.add.Tensor", "aten.add.Scalar",
    also=NARROW,
)  # fmt: skip
def add(x: Operand, other: Operand | Scalar, alpha: Scalar = 1, *, out: TensorType) -> Expr:
    """Sum, the second operand times alpha; of booleans, whether either is true."""
    if out.dtype == "bool":
        decline(not isinstance(other, Operand) or alpha != 1, "add of booleans and a number",
                "use torch.logical_or")  # fmt: skip
        return Call("ops::logical_or", operands("bool", x, other))
    if alpha != 1:
        return _with_alpha("add", x, other, alpha, out)
    return _arithmetic("add", x, other, out)


@op(
    "aten.sub.Tensor", "aten.sub.Scalar", "aten.subtract.Tensor", "aten.subtract.Scalar",
    also=NARROW,
)  # fmt: skip
def sub(x: Operand, other: Operand | Scalar, alpha: Scalar = 1, *, out: TensorType) -> Expr:
    """Difference, the second operand times alpha."""
    _no_bools("sub", "use torch.logical_xor or torch.logical_not", x, other)
    if alpha != 1:
        return _with_alpha("sub", x, other, alpha, out)
    return _arithmetic("sub", x, other, out)


@op("aten.rsub.Tensor", "aten.rsub.Scalar", also=NARROW)
def rsub(x: Operand, other: Operand | Scalar, alpha: Scalar = 1, *, out: TensorType) -> Expr:
    """`other - alpha * x`."""
    _no_bools("rsub", "use torch.logical_not", x, other)
    if alpha != 1:
        return _with_alpha("sub", other, x, alpha, out)
    if isinstance(other, Operand):
        return _arithmetic("sub", other, x, out)
    return Call("ops::sub", operands(out.dtype, other, x, label="term"))


@op(
    "aten.mul.Tensor", "aten.mul.Scalar", "aten.multiply.Tensor", "aten.multiply.Scalar",
    also=NARROW,
)  # fmt: skip
def mul(x: Operand, other: Operand | Scalar, *, out: TensorType) -> Expr:
    """Product; of booleans, whether both are true."""
    if out.dtype == "bool":
        decline(not isinstance(other, Operand), "mul of booleans and a number",
                "use torch.logical_and")  # fmt: skip
        return Call("ops::logical_and", operands("bool", x, other))
    return _arithmetic("mul", x, other, out)


@op(
    "aten.div.Tensor", "aten.div.Scalar", "aten.divide.Tensor", "aten.divide.Scalar",
    "aten.true_divide.Tensor", "aten.true_divide.Scalar",
    also=NARROW,
)  # fmt: skip
def div(x: Operand, other: Operand | Scalar, *, out: TensorType) -> Expr:
    """True quotient; integers give float32."""
    return _arithmetic("div", x, other, out)


@op(
    "aten.div.Tensor_mode", "aten.div.Scalar_mode",
    "aten.divide.Tensor_mode", "aten.divide.Scalar_mode",
    also=NARROW,
)  # fmt: skip
def div_mode(
    x: Operand, other: Operand | Scalar, *, rounding_mode: str | None = None, out: TensorType
) -> Expr:
    """Quotient, true, rounded down ("floor") or rounded towards zero ("trunc")."""
    if rounding_mode is None:
        return _arithmetic("div", x, other, out)
    decline(rounding_mode not in ("floor", "trunc"), f"div with rounding_mode={rounding_mode!r}")
    return _binary("floor_divide" if rounding_mode == "floor" else "trunc_divide", x, other, out)


@op("aten.floor_divide.default", "aten.floor_divide.Scalar", also=NARROW)
def floor_divide(x: Operand, other: Operand | Scalar, *, out: TensorType) -> Expr:
    """Quotient, rounded down."""
    return _binary("floor_divide", x, other, out)


@op(
    "aten.remainder.Tensor", "aten.remainder.Scalar", "aten.remainder.Scalar_Tensor",
    also=NARROW,
)  # fmt: skip
def remainder(x: Operand | Scalar, other: Operand | Scalar, *, out: TensorType) -> Expr:
    """Remainder with the divisor's sign, as Python's `%`."""
    return _binary("remainder", x, other, out)


@op("aten.fmod.Tensor", "aten.fmod.Scalar", also=NARROW)
def fmod(x: Operand, other: Operand | Scalar, *, out: TensorType) -> Expr:
    """Remainder with the dividend's sign, as C's `fmod`."""
    return _binary("fmod", x, other, out)


@op("aten.pow.Tensor_Scalar", "aten.pow.Tensor_Tensor", "aten.pow.Scalar", also=NARROW)
def pow_(x: Operand | Scalar, exponent: Operand | Scalar, *, out: TensorType) -> Expr:
    """One operand to the power of the other."""
    return Call("ops::pow", operands(out.dtype, x, exponent, label="exponent"))


@op(
    "aten.float_power.Tensor_Scalar", "aten.float_power.Tensor_Tensor", "aten.float_power.Scalar",
    also=NARROW,
)  # fmt: skip
def float_power(x: Operand | Scalar, exponent: Operand | Scalar, *, out: TensorType) -> Expr:
    """One operand to the power of the other, in float64."""
    return Call("ops::float_power", operands(out.dtype, x, exponent, label="exponent"))


@op("aten.square.default", also=NARROW)
def square(x: Operand, *, out: TensorType) -> Expr:
    """Each element times itself."""
    if x.type.is_float:
        return Method(x.expr, "sqr")
    return _binary("mul", x, x, out)


@op("aten.lerp.Scalar", "aten.lerp.Tensor")
def lerp(x: Operand, end: Operand, weight: Operand | Scalar, *, out: TensorType) -> Expr:
    """`x + weight * (end - x)`."""
    return Call("ops::lerp", operands(out.dtype, x, end, weight, label="weight"))


@op("aten.addcmul.default", also=NARROW)
def addcmul(
    x: Operand, tensor1: Operand, tensor2: Operand, *, value: Scalar = 1, out: TensorType
) -> Expr:
    """`x + value * tensor1 * tensor2`."""
    fraction = isinstance(value, float) and not out.is_float
    decline(fraction, f"addcmul of integers with value={value}", "give an integer value")
    return Call("ops::addcmul", operands(out.dtype, x, tensor1, tensor2, value, label="value"))


@op("aten.addcdiv.default")
def addcdiv(
    x: Operand, tensor1: Operand, tensor2: Operand, *, value: Scalar = 1, out: TensorType
) -> Expr:
    """`x + value * tensor1 / tensor2`."""
    return Call("ops::addcdiv", operands(out.dtype, x, tensor1, tensor2, value, label="value"))


@op("aten.neg.default", "aten.negative.default", also=NARROW)
def neg(x: Operand) -> Expr:
    """Negation."""
    _no_bools("neg", "use torch.logical_not", x)
    return Call("ops::neg", (x.expr,))


@op("aten.abs.default", "aten.absolute.default", also=NARROW)
def abs_(x: Operand) -> Expr:
    """Absolute value."""
    return Call("ops::abs", (x.expr,))


@op("aten.sign.default", "aten.sgn.default", also=NARROW)
def sign(x: Operand) -> Expr:
    """-1, 0 or 1; NaN gives 0."""
    return x.expr if x.dtype == "bool" else Call("ops::sign", (x.expr,))


@op("aten.positive.default", also=NARROW)
def positive(x: Operand) -> Expr:
    """The tensor itself."""
    return x.expr


@op("aten.gcd.default", also=NARROW)
def gcd(x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """Greatest common divisor."""
    return _binary("gcd", x, other, out)


@op("aten.lcm.default", also=NARROW)
def lcm(x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """Least common multiple."""
    return _binary("lcm", x, other, out)


@op("aten.maximum.default", "aten.max.other", also=NARROW)
def maximum(x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """The larger of two; NaN wins."""
    return _binary("maximum", x, other, out)


@op("aten.minimum.default", "aten.min.other", also=NARROW)
def minimum(x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """The smaller of two; NaN wins."""
    return _binary("minimum", x, other, out)


@op("aten.fmax.default", also=NARROW)
def fmax(x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """The larger of two; NaN loses."""
    return _binary("fmax", x, other, out)


@op("aten.fmin.default", also=NARROW)
def fmin(x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """The smaller of two; NaN loses."""
    return _binary("fmin", x, other, out)


@op(
    "aten.clamp.default", "aten.clamp.Tensor", "aten.clip.default", "aten.clip.Tensor",
    also=NARROW,
)  # fmt: skip
def clamp(
    x: Operand, low: Operand | Scalar | None = None, high: Operand | Scalar | None = None,
    *, out: TensorType,
) -> Expr:  # fmt: skip
    """Each element no lower than `low` and no higher than `high`."""
    if low is not None and high is not None:
        kept, least, most = operands(out.dtype, x, low, high, label="bound")
        return Call("ops::clamp", (kept, least, most))
    if low is not None:
        return Call("ops::maximum", operands(out.dtype, x, low, label="least"))
    decline(high is None, "clamp without a bound")
    assert high is not None
    return Call("ops::minimum", operands(out.dtype, x, high, label="most"))


@op("aten.clamp_min.default", "aten.clamp_min.Tensor", also=NARROW)
def clamp_min(x: Operand, low: Operand | Scalar, *, out: TensorType) -> Expr:
    """Each element no lower than `low`."""
    return clamp(x, low, out=out)


@op("aten.clamp_max.default", "aten.clamp_max.Tensor", also=NARROW)
def clamp_max(x: Operand, high: Operand | Scalar, *, out: TensorType) -> Expr:
    """Each element no higher than `high`."""
    return clamp(x, None, high, out=out)
