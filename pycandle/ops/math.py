"""Mathematical functions, element by element; integers become float32."""

from __future__ import annotations

from pycandle.graph import TensorType
from pycandle.ops.expr import Call, Expr, Maybe
from pycandle.ops.promotion import Scalar, operands
from pycandle.ops.table import NARROW, Operand, decline, number, op


def _unary(name: str, x: Operand) -> Expr:
    return Call(f"ops::{name}", (x.expr,))


def _binary(name: str, x: Operand | Scalar, other: Operand | Scalar, out: TensorType) -> Expr:
    return Call(f"ops::{name}", operands(out.dtype, x, other))


@op("aten.exp.default", also=NARROW)
def exp(x: Operand) -> Expr:
    """Exponential."""
    return _unary("exp", x)


@op("aten.exp2.default", "aten.special_exp2.default", also=NARROW)
def exp2(x: Operand) -> Expr:
    """Two to the power of each element."""
    return _unary("exp2", x)


@op("aten.expm1.default", "aten.special_expm1.default", also=NARROW)
def expm1(x: Operand) -> Expr:
    """Exponential less one, exact near zero."""
    return _unary("expm1", x)


@op("aten.log.default", also=NARROW)
def log(x: Operand) -> Expr:
    """Natural logarithm."""
    return _unary("log", x)


@op("aten.log2.default", also=NARROW)
def log2(x: Operand) -> Expr:
    """Logarithm of base 2."""
    return _unary("log2", x)


@op("aten.log10.default", also=NARROW)
def log10(x: Operand) -> Expr:
    """Logarithm of base 10."""
    return _unary("log10", x)


@op("aten.log1p.default", "aten.special_log1p.default", also=NARROW)
def log1p(x: Operand) -> Expr:
    """Logarithm of one more, exact near zero."""
    return _unary("log1p", x)


@op("aten.sqrt.default", also=NARROW)
def sqrt(x: Operand) -> Expr:
    """Square root."""
    return _unary("sqrt", x)


@op("aten.rsqrt.default", also=NARROW)
def rsqrt(x: Operand) -> Expr:
    """Reciprocal of the square root."""
    return _unary("rsqrt", x)


@op("aten.reciprocal.default", also=NARROW)
def reciprocal(x: Operand) -> Expr:
    """One over each element."""
    return _unary("reciprocal", x)


@op("aten.sin.default", also=NARROW)
def sin(x: Operand) -> Expr:
    """Sine."""
    return _unary("sin", x)


@op("aten.cos.default", also=NARROW)
def cos(x: Operand) -> Expr:
    """Cosine."""
    return _unary("cos", x)


@op("aten.tan.default", also=NARROW)
def tan(x: Operand) -> Expr:
    """Tangent."""
    return _unary("tan", x)


@op("aten.asin.default", "aten.arcsin.default", also=NARROW)
def asin(x: Operand) -> Expr:
    """Arc sine."""
    return _unary("asin", x)


@op("aten.acos.default", "aten.arccos.default", also=NARROW)
def acos(x: Operand) -> Expr:
    """Arc cosine."""
    return _unary("acos", x)


@op("aten.atan.default", "aten.arctan.default", also=NARROW)
def atan(x: Operand) -> Expr:
    """Arc tangent."""
    return _unary("atan", x)


@op("aten.sinh.default", also=NARROW)
def sinh(x: Operand) -> Expr:
    """Hyperbolic sine."""
    return _unary("sinh", x)


@op("aten.cosh.default", also=NARROW)
def cosh(x: Operand) -> Expr:
    """Hyperbolic cosine."""
    return _unary("cosh", x)


@op("aten.tanh.default", also=NARROW)
def tanh(x: Operand) -> Expr:
    """Hyperbolic tangent."""
    return _unary("tanh", x)


@op("aten.asinh.default", "aten.arcsinh.default", also=NARROW)
def asinh(x: Operand) -> Expr:
    """Inverse hyperbolic sine."""
    return _unary("asinh", x)


@op("aten.acosh.default", "aten.arccosh.default", also=NARROW)
def acosh(x: Operand) -> Expr:
    """Inverse hyperbolic cosine."""
    return _unary("acosh", x)


@op("aten.atanh.default", "aten.arctanh.default", also=NARROW)
def atanh(x: Operand) -> Expr:
    """Inverse hyperbolic tangent."""
    return _unary("atanh", x)


@op("aten.sinc.default", "aten.special_sinc.default", also=NARROW)
def sinc(x: Operand) -> Expr:
    """Sine of pi times each element, over that product."""
    return _unary("sinc", x)


@op("aten.deg2rad.default", also=NARROW)
def deg2rad(x: Operand) -> Expr:
    """Degrees as radians."""
    return _unary("deg2rad", x)


@op("aten.rad2deg.default", also=NARROW)
def rad2deg(x: Operand) -> Expr:
    """Radians as degrees."""
    return _unary("rad2deg", x)


@op("aten.frac.default", also=NARROW)
def frac(x: Operand) -> Expr:
    """What is left after the integer part."""
    return _unary("frac", x)


@op("aten.ceil.default", also=NARROW)
def ceil(x: Operand) -> Expr:
    """The next integer above."""
    return _unary("ceil", x)


@op("aten.floor.default", also=NARROW)
def floor(x: Operand) -> Expr:
    """The next integer below."""
    return _unary("floor", x)


@op("aten.trunc.default", "aten.fix.default", also=NARROW)
def trunc(x: Operand) -> Expr:
    """The next integer towards zero."""
    return _unary("trunc", x)


@op("aten.round.default", "aten.round.decimals", "aten.special_round.default", also=NARROW)
def round_(x: Operand, *, decimals: int = 0) -> Expr:
    """The nearest number of so many decimals, halves to the even one."""
    if decimals == 0:
        return _unary("round", x)
    return Call("ops::round_decimals", (x.expr, number(decimals, "i64", "decimals")))


@op("aten.atan2.default", "aten.arctan2.default", also=NARROW)
def atan2(x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """The angle of the point (other, x), in radians."""
    return _binary("atan2", x, other, out)


@op("aten.angle.default", also=NARROW)
def angle(x: Operand) -> Expr:
    """The angle of each number on the complex plane, in radians: 0, or pi where it is negative."""
    return _unary("angle", x)


@op("aten.hypot.default")
def hypot(x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """The root of the sum of both squares."""
    return _binary("hypot", x, other, out)


@op("aten.logaddexp.default")
def logaddexp(x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """Logarithm of the sum of both exponentials."""
    return _binary("logaddexp", x, other, out)


@op("aten.logaddexp2.default")
def logaddexp2(x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """Logarithm of base 2 of the sum of both powers of two."""
    return _binary("logaddexp2", x, other, out)


@op(
    "aten.xlogy.Tensor", "aten.xlogy.Scalar_Other", "aten.xlogy.Scalar_Self",
    "aten.special_xlogy.default", "aten.special_xlogy.other_scalar",
    "aten.special_xlogy.self_scalar",
    also=NARROW,
)  # fmt: skip
def xlogy(x: Operand | Scalar, other: Operand | Scalar, *, out: TensorType) -> Expr:
    """The first times the logarithm of the second; zero where the first is."""
    return _binary("xlogy", x, other, out)


@op(
    "aten.special_xlog1py.default", "aten.special_xlog1py.other_scalar",
    "aten.special_xlog1py.self_scalar",
    also=NARROW,
)  # fmt: skip
def xlog1py(x: Operand | Scalar, other: Operand | Scalar, *, out: TensorType) -> Expr:
    """The first times the logarithm of one more than the second; zero where the first is."""
    return _binary("xlog1py", x, other, out)


@op("aten.ldexp.Tensor", also=NARROW)
def ldexp(x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """The first times two to the power of the second."""
    return _binary("ldexp", x, other, out)


@op("aten.copysign.Tensor", "aten.copysign.Scalar", also=NARROW)
def copysign(x: Operand, other: Operand | Scalar, *, out: TensorType) -> Expr:
    """The magnitude of the first with the sign of the second."""
    return _binary("copysign", x, other, out)


@op("aten.nextafter.default")
def nextafter(x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """The next number of the dtype, on the way to the second."""
    decline(out.dtype not in ("f32", "f64"), f"nextafter of {out.dtype}", "use float32")
    return _binary("nextafter", x, other, out)


@op("aten.nan_to_num.default", also=NARROW)
def nan_to_num(
    x: Operand, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Expr:
    """NaN and infinities replaced, by default by zero and the dtype's extremes."""
    limits = (
        Maybe(None if limit is None else number(limit, label=label))
        for limit, label in ((posinf, "posinf"), (neginf, "neginf"))
    )
    return Call("ops::nan_to_num", (x.expr, number(nan or 0.0, label="nan"), *limits))
