"""Arithmetic, comparisons, logic and activations, element by element.

A plain operator is used where both sides have one floating dtype, or are both int64, and where a
constant is added; everything else goes through `pycandle_runtime::ops`, which promotes as PyTorch
does.
"""

from __future__ import annotations

from pycandle.graph import Dim, TensorType
from pycandle.ops.create import candle_dtype
from pycandle.ops.expr import Call, Expr, Method, Operator, Raw, size
from pycandle.ops.table import Decline, Operand, decline, number, op

Scalar = int | float | bool | Dim

_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}


def _arithmetic(name: str, x: Operand, other: Operand | Scalar) -> Expr:
    if not isinstance(other, Operand):
        return _with_scalar(name, x, other)
    narrow = {x.dtype, other.dtype} - {"f64", "f32", "f16", "bf16", "i64"}
    decline(bool(narrow), f"{name} of {' and '.join(sorted(narrow))}", "convert it with .long()")
    plain = x.type.is_float or (x.dtype == "i64" and name != "div")
    if x.dtype != other.dtype or not plain:
        return Call(f"ops::{name}", (x.expr, other.expr))
    if x.shape == other.shape:
        return Operator(_SIGNS[name], x.expr, other.expr)
    return Method(x.expr, f"broadcast_{name}", (other.expr,))


def _with_scalar(name: str, x: Operand, other: Scalar) -> Expr:
    narrow = not x.type.is_float and x.dtype != "i64"
    decline(narrow, f"{name} of a {x.dtype} tensor", "convert it with .long()")
    if isinstance(other, Dim):
        if not x.type.is_float and name != "div":
            return Call(f"ops::{name}_scalar_i64", (x.expr, size(other, "i64")))
        return Call(f"ops::{name}_scalar", (x.expr, size(other, "f64")))
    # Candle computes `x * a` as `x * a + 0`, which loses the sign of zero, and `x / a` as a product
    # with the reciprocal; only sums are exact as operators.
    if x.dtype in ("f32", "f64") and name in ("add", "sub"):
        return Operator(_SIGNS[name], x.expr, number(other, label="term"))
    if isinstance(other, int) and not x.type.is_float and name != "div":
        return Call(f"ops::{name}_scalar_i64", (x.expr, number(other, "i64")))
    return Call(f"ops::{name}_scalar", (x.expr, number(other)))


@op("aten.add.Tensor", "aten.add.Scalar")
def add(x: Operand, other: Operand | Scalar, alpha: Scalar = 1) -> Expr:
    """Sum, the second operand times alpha."""
    decline(alpha != 1, "add with alpha", "multiply the operand")
    return _arithmetic("add", x, other)


@op("aten.sub.Tensor", "aten.sub.Scalar")
def sub(x: Operand, other: Operand | Scalar, alpha: Scalar = 1) -> Expr:
    """Difference, the second operand times alpha."""
    decline(alpha != 1, "sub with alpha", "multiply the operand")
    return _arithmetic("sub", x, other)


@op("aten.rsub.Scalar")
def rsub(x: Operand, other: Scalar, alpha: Scalar = 1) -> Expr:
    """`other - x`."""
    decline(alpha != 1, "rsub with alpha", "multiply the operand")
    if x.dtype == "i64" and isinstance(other, int):
        return Call("ops::rsub_scalar_i64", (x.expr, number(other, "i64")))
    decline(not x.type.is_float, f"rsub of {x.dtype} and a float", "convert it to float32")
    return Call("ops::rsub_scalar", (x.expr, number(other)))


@op("aten.mul.Tensor", "aten.mul.Scalar")
def mul(x: Operand, other: Operand | Scalar) -> Expr:
    """Product."""
    return _arithmetic("mul", x, other)


@op("aten.div.Tensor", "aten.div.Scalar")
def div(x: Operand, other: Operand | Scalar) -> Expr:
    """True quotient; integers give float32."""
    return _arithmetic("div", x, other)


@op("aten.pow.Tensor_Scalar")
def pow_scalar(x: Operand, exponent: Scalar) -> Expr:
    """A tensor to a constant power."""
    if x.dtype == "i64" and isinstance(exponent, int) and exponent >= 0:
        return Call("ops::pow_scalar_i64", (x.expr, number(exponent, "i64")))
    decline(not x.type.is_float, f"pow of {x.dtype}", "convert it to float32")
    return Call("ops::pow_scalar", (x.expr, number(exponent, label="exponent")))


@op("aten.pow.Tensor_Tensor")
def pow_tensor(x: Operand, exponent: Operand) -> Expr:
    """A tensor to the power of another."""
    decline(not (x.type.is_float and exponent.type.is_float), "pow of integers", "use float32")
    return Call("ops::pow", (x.expr, exponent.expr))


def _unary(name: str, x: Operand) -> Expr:
    decline(not x.type.is_float, f"{name} of {x.dtype}", "convert it to float32")
    return Call(f"ops::{name}", (x.expr,))


@op("aten.abs.default")
def abs_(x: Operand) -> Expr:
    """Absolute value."""
    return _unary("abs", x)


@op("aten.ceil.default")
def ceil(x: Operand) -> Expr:
    """The next integer above."""
    return _unary("ceil", x)


@op("aten.cos.default")
def cos(x: Operand) -> Expr:
    """Cosine."""
    return _unary("cos", x)


@op("aten.erf.default")
def erf(x: Operand) -> Expr:
    """Error function."""
    return _unary("erf", x)


@op("aten.exp.default")
def exp(x: Operand) -> Expr:
    """Exponential."""
    return _unary("exp", x)


@op("aten.floor.default")
def floor(x: Operand) -> Expr:
    """The next integer below."""
    return _unary("floor", x)


@op("aten.log.default")
def log(x: Operand) -> Expr:
    """Natural logarithm."""
    return _unary("log", x)


@op("aten.neg.default")
def neg(x: Operand) -> Expr:
    """Negation."""
    decline(x.dtype not in ("f32", "f64", "f16", "bf16", "i64"), f"neg of {x.dtype}")
    return Call("ops::neg", (x.expr,))


@op("aten.reciprocal.default")
def reciprocal(x: Operand) -> Expr:
    """One over each element."""
    return _unary("reciprocal", x)


@op("aten.round.default")
def round_(x: Operand) -> Expr:
    """The nearest integer, halves to the even one."""
    return _unary("round", x)


@op("aten.rsqrt.default")
def rsqrt(x: Operand) -> Expr:
    """Reciprocal of the square root."""
    return _unary("rsqrt", x)


@op("aten.sigmoid.default")
def sigmoid(x: Operand) -> Expr:
    """Logistic function."""
    return _unary("sigmoid", x)


@op("aten.sin.default")
def sin(x: Operand) -> Expr:
    """Sine."""
    return _unary("sin", x)


@op("aten.sqrt.default")
def sqrt(x: Operand) -> Expr:
    """Square root."""
    return _unary("sqrt", x)


@op("aten.tanh.default")
def tanh(x: Operand) -> Expr:
    """Hyperbolic tangent."""
    return _unary("tanh", x)


@op("aten.gelu.default")
def gelu(x: Operand, *, approximate: str = "none") -> Expr:
    """Gaussian error linear unit, exact (erf) or by tanh."""
    decline(approximate not in ("none", "tanh"), f"gelu with approximate={approximate!r}")
    return _unary("gelu_tanh" if approximate == "tanh" else "gelu", x)


@op("aten.relu.default")
def relu(x: Operand) -> Expr:
    """The positive part; NaN stays NaN."""
    return _unary("relu", x)


@op("aten.silu.default")
def silu(x: Operand) -> Expr:
    """`x * sigmoid(x)`."""
    return _unary("silu", x)


@op("aten.maximum.default")
def maximum(x: Operand, other: Operand) -> Expr:
    """The larger of two; NaN wins."""
    return Call("ops::maximum", (x.expr, other.expr))


@op("aten.minimum.default")
def minimum(x: Operand, other: Operand) -> Expr:
    """The smaller of two; NaN wins."""
    return Call("ops::minimum", (x.expr, other.expr))


def _compare(name: str, x: Operand, other: Operand | Scalar) -> Expr:
    if isinstance(other, Operand):
        return Call(f"ops::{name}", (x.expr, other.expr))
    decline(isinstance(other, Dim), f"{name} of a tensor and a size", "use torch.arange")
    big = isinstance(other, int) and int(float(other)) != other
    decline(big, f"{name} with {other}, which float64 does not hold", "compare with a tensor")
    return Call(f"ops::{name}_scalar", (x.expr, number(other)))


@op("aten.eq.Tensor", "aten.eq.Scalar")
def eq(x: Operand, other: Operand | Scalar) -> Expr:
    """Where both are equal."""
    return _compare("eq", x, other)


@op("aten.ge.Tensor", "aten.ge.Scalar")
def ge(x: Operand, other: Operand | Scalar) -> Expr:
    """Where the first is at least the second."""
    return _compare("ge", x, other)


@op("aten.gt.Tensor", "aten.gt.Scalar")
def gt(x: Operand, other: Operand | Scalar) -> Expr:
    """Where the first is larger."""
    return _compare("gt", x, other)


@op("aten.le.Tensor", "aten.le.Scalar")
def le(x: Operand, other: Operand | Scalar) -> Expr:
    """Where the first is at most the second."""
    return _compare("le", x, other)


@op("aten.lt.Tensor", "aten.lt.Scalar")
def lt(x: Operand, other: Operand | Scalar) -> Expr:
    """Where the first is smaller."""
    return _compare("lt", x, other)


@op("aten.ne.Tensor", "aten.ne.Scalar")
def ne(x: Operand, other: Operand | Scalar) -> Expr:
    """Where both differ."""
    return _compare("ne", x, other)


def _logic(name: str, x: Operand, other: Operand | Scalar) -> Expr:
    if not isinstance(other, Operand) or x.dtype != "bool" or other.dtype != "bool":
        raise Decline(f"{name} of what is not boolean", "compare with != 0 first")
    return Call(f"ops::{name}", (x.expr, other.expr))


@op("aten.__and__.Tensor", "aten.bitwise_and.Tensor", "aten.logical_and.default")
def logical_and(x: Operand, other: Operand) -> Expr:
    """Conjunction of booleans."""
    return _logic("logical_and", x, other)


@op("aten.__or__.Tensor", "aten.bitwise_or.Tensor", "aten.logical_or.default")
def logical_or(x: Operand, other: Operand) -> Expr:
    """Disjunction of booleans."""
    return _logic("logical_or", x, other)


@op("aten.__xor__.Tensor", "aten.bitwise_xor.Tensor", "aten.logical_xor.default")
def logical_xor(x: Operand, other: Operand) -> Expr:
    """Where booleans differ."""
    return _logic("logical_xor", x, other)


@op("aten.bitwise_not.default", "aten.logical_not.default")
def logical_not(x: Operand) -> Expr:
    """Negation of booleans."""
    decline(x.dtype != "bool", f"not of {x.dtype}", "compare with == 0")
    return Call("ops::logical_not", (x.expr,))


@op("aten.where.self")
def where(condition: Operand, x: Operand, other: Operand) -> Expr:
    """The first operand where the condition holds, else the second."""
    return Call("ops::where_", (condition.expr, x.expr, other.expr))


@op("aten.masked_fill.Scalar")
def masked_fill(x: Operand, mask: Operand, value: Scalar) -> Expr:
    """The tensor with a constant where the mask holds."""
    big = isinstance(value, int) and int(float(value)) != value
    decline(big, f"masked_fill with {value}, which float64 does not hold", "use torch.where")
    return Call("ops::masked_fill", (x.expr, mask.expr, number(value)))


@op("aten.to.dtype")
def to_dtype(x: Operand, dtype: str, *, out: TensorType) -> Expr:
    """Conversion to another dtype; anything but zero is true."""
    if out.dtype == "bool":
        return Call("ops::to_bool", (x.expr,))
    decline(x.type.is_float and not out.is_float, f"conversion of {x.dtype} to {out.dtype}",
            "round with torch.trunc and compare")  # fmt: skip
    return Method(x.expr, "to_dtype", (candle_dtype(out.dtype),))


@op("aten.clamp.default")
def clamp(x: Operand, low: Scalar | None = None, high: Scalar | None = None) -> Expr:
    """Each element no lower than `low` and no higher than `high`."""
    if x.dtype == "i64" and all(b is None or isinstance(b, int) for b in (low, high)):
        least = Raw("i64::MIN") if low is None else number(low, "i64")
        most = Raw("i64::MAX") if high is None else number(high, "i64")
        return Call("ops::clamp_i64", (x.expr, least, most))
    decline(not x.type.is_float, f"clamp of {x.dtype}", "convert it to float32")
    bounds = (
        Raw("f64::NEG_INFINITY") if low is None else number(low),
        Raw("f64::INFINITY") if high is None else number(high),
    )
    return Call("ops::clamp", (x.expr, *bounds))
