"""Comparisons, tests of single elements, choices by a mask, and conversions between dtypes."""

from __future__ import annotations

import math

from pycandle.graph import TensorType
from pycandle.ops.create import candle_dtype
from pycandle.ops.expr import Call, DeviceOf, Expr, Method, Raw, flag, shape
from pycandle.ops.promotion import FLOATS, Scalar, common, operands, scalar
from pycandle.ops.table import NARROW, Operand, decline, number, op


def _test(name: str, x: Operand) -> Expr:
    return Call(f"ops::{name}", (x.expr,))


def _compare(name: str, x: Operand, other: Operand | Scalar) -> Expr:
    return Call(f"ops::{name}", operands(common(x, other), x, other))


@op("aten.eq.Tensor", "aten.eq.Scalar", also=NARROW)
def eq(x: Operand, other: Operand | Scalar) -> Expr:
    """Where both are equal."""
    return _compare("eq", x, other)


@op(
    "aten.ne.Tensor", "aten.ne.Scalar", "aten.not_equal.Tensor", "aten.not_equal.Scalar",
    also=NARROW,
)  # fmt: skip
def ne(x: Operand, other: Operand | Scalar) -> Expr:
    """Where both differ."""
    return _compare("ne", x, other)


@op(
    "aten.ge.Tensor", "aten.ge.Scalar",
    "aten.greater_equal.Tensor", "aten.greater_equal.Scalar",
    also=NARROW,
)  # fmt: skip
def ge(x: Operand, other: Operand | Scalar) -> Expr:
    """Where the first is at least the second."""
    return _compare("ge", x, other)


@op("aten.gt.Tensor", "aten.gt.Scalar", "aten.greater.Tensor", "aten.greater.Scalar", also=NARROW)
def gt(x: Operand, other: Operand | Scalar) -> Expr:
    """Where the first is larger."""
    return _compare("gt", x, other)


@op(
    "aten.le.Tensor", "aten.le.Scalar", "aten.less_equal.Tensor", "aten.less_equal.Scalar",
    also=NARROW,
)  # fmt: skip
def le(x: Operand, other: Operand | Scalar) -> Expr:
    """Where the first is at most the second."""
    return _compare("le", x, other)


@op("aten.lt.Tensor", "aten.lt.Scalar", "aten.less.Tensor", "aten.less.Scalar", also=NARROW)
def lt(x: Operand, other: Operand | Scalar) -> Expr:
    """Where the first is smaller."""
    return _compare("lt", x, other)


@op("aten.isnan.default", also=NARROW)
def isnan(x: Operand) -> Expr:
    """Where an element is NaN."""
    return _test("isnan", x)


@op("aten.isinf.default", also=NARROW)
def isinf(x: Operand) -> Expr:
    """Where an element is infinite."""
    return _test("isinf", x)


@op("aten.isposinf.default", also=NARROW)
def isposinf(x: Operand) -> Expr:
    """Where an element is inf."""
    return _test("isposinf", x)


@op("aten.isneginf.default", also=NARROW)
def isneginf(x: Operand) -> Expr:
    """Where an element is -inf."""
    return _test("isneginf", x)


@op("aten.isfinite.default", also=NARROW)
def isfinite(x: Operand) -> Expr:
    """Where an element is neither infinite nor NaN."""
    return _test("isfinite", x)


@op("aten.isreal.default", also=NARROW)
def isreal(x: Operand) -> Expr:
    """True everywhere: no tensor here is complex."""
    return Call("Tensor::ones", (shape(x.shape), Raw("DType::U8"), DeviceOf(x.expr)))


@op("aten.signbit.default", also=NARROW)
def signbit(x: Operand) -> Expr:
    """Where an element has a minus, -0.0 too."""
    return _test("signbit", x)


@op("aten.isclose.default", also=NARROW)
def isclose(
    x: Operand, other: Operand, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Expr:
    """Where both are equal or nearly so."""
    pair = operands(common(x, other), x, other)
    tolerances = (number(rtol, label="rtol"), number(atol, label="atol"))
    return Call("ops::isclose", (*pair, *tolerances, flag(equal_nan)))


@op("aten.heaviside.default", also=NARROW)
def heaviside(x: Operand, values: Operand) -> Expr:
    """0 below zero, 1 above, and `values` at zero."""
    return Call("ops::heaviside", (x.expr, values.expr))


@op(
    "aten.where.self", "aten.where.ScalarSelf", "aten.where.ScalarOther", "aten.where.Scalar",
    also=NARROW,
)  # fmt: skip
def where(
    condition: Operand, x: Operand | Scalar, other: Operand | Scalar, *, out: TensorType
) -> Expr:
    """The first operand where the condition holds, else the second."""
    if isinstance(x, Operand) or isinstance(other, Operand):
        return Call("ops::where_", (condition.expr, *operands(out.dtype, x, other)))
    chosen = (scalar(x, out.dtype), scalar(other, out.dtype))
    made = Call("ops::where_", (condition.expr, *chosen))
    natural = "f32" if out.dtype in FLOATS else "i64"
    if out.dtype == natural:
        return made
    return Method(made, "to_dtype", (candle_dtype(out.dtype),))


@op("aten.masked_fill.Scalar", "aten.masked_fill.Tensor", also=NARROW)
def masked_fill(x: Operand, mask: Operand, value: Operand | Scalar) -> Expr:
    """The tensor with a constant where the mask holds; its dtype stays."""
    if isinstance(value, Operand):
        return Call("ops::masked_fill", (x.expr, mask.expr, _converted(value, x.dtype)))
    if isinstance(value, float) and not x.type.is_float:
        decline(not math.isfinite(value), f"masked_fill of {x.dtype} with {value}")
        value = int(value)
    if x.dtype == "bool" and isinstance(value, int):
        value = int(value != 0)
    return Call("ops::masked_fill", (x.expr, mask.expr, scalar(value, x.dtype)))


@op("aten.to.dtype", also=NARROW)
def to_dtype(x: Operand, dtype: str, *, out: TensorType) -> Expr:
    """Conversion to another dtype; anything but zero is true."""
    return _converted(x, out.dtype)


def _converted(x: Operand, dtype: str) -> Expr:
    if x.dtype != "bool" and dtype == "bool":
        return Call("ops::to_bool", (x.expr,))
    if candle_dtype(x.dtype) == candle_dtype(dtype):
        return x.expr
    if x.type.is_float and dtype not in FLOATS:
        return Call("ops::to_dtype", (x.expr, candle_dtype(dtype)))
    return Method(x.expr, "to_dtype", (candle_dtype(dtype),))
