"""Complex tensors: pairs in Rust, along a last axis that a graph's shapes do not have.

Arithmetic has functions of its own, `ops::complex::mul`; sums, and what only moves elements, are
the calls of real tensors.
"""

from __future__ import annotations

from pycandle.graph import PARTS, Dim, TensorType
from pycandle.ops.create import candle_dtype
from pycandle.ops.expr import (
    Call,
    DeviceOf,
    Expr,
    Method,
    Number,
    Operator,
    Slice,
    flag,
    size,
)
from pycandle.ops.table import NARROW, Operand, complex_op, decline, number, op

Scalar = int | float | bool | complex | Dim


def lifted(x: Operand | Scalar, dtype: str) -> Expr:
    """A tensor or a number as a complex tensor of this dtype."""
    part = candle_dtype(PARTS[dtype])
    if isinstance(x, Operand):
        if x.dtype == dtype:
            return x.expr
        if x.type.is_complex:
            return Method(x.expr, "to_dtype", (part,))
        return Call("ops::complex::from_real", (x.expr, part))
    if isinstance(x, Dim):
        parts: tuple[Expr, Expr] = (size(x, "f64"), Number(0.0, "f64"))
    else:
        parts = (number(complex(x).real), number(complex(x).imag))
    return Call("ops::complex::scalar", (*parts, part, DeviceOf()))


@op("aten.view_as_real.default")
@complex_op("aten.view_as_real.default")
def view_as_real(x: Operand) -> Expr:
    """Real and imaginary parts along a new last axis."""
    decline(not x.type.is_complex, f"view_as_real of {x.dtype}")
    return x.expr


@complex_op("aten.view_as_complex.default")
def view_as_complex(x: Operand) -> Expr:
    """Complex numbers of the pairs along the last axis."""
    return x.expr


@op("aten.real.default", also=NARROW)
def real_of_real(x: Operand) -> Expr:
    """A real tensor itself."""
    return x.expr


@complex_op("aten.real.default")
def real(x: Operand) -> Expr:
    """The real parts."""
    return Call("ops::complex::real", (x.expr,))


@complex_op("aten.imag.default")
def imag(x: Operand) -> Expr:
    """The imaginary parts."""
    return Call("ops::complex::imag", (x.expr,))


@complex_op("aten.complex.default")
def complex_(re: Operand, im: Operand) -> Expr:
    """Complex numbers of their real and imaginary parts."""
    return Call("ops::complex::from_parts", (re.expr, im.expr))


@complex_op("aten.polar.default")
def polar(magnitude: Operand, angle: Operand) -> Expr:
    """Complex numbers of their magnitudes and angles."""
    return Call("ops::complex::polar", (magnitude.expr, angle.expr))


@complex_op("aten._conj.default", "aten.conj.default", "aten.conj_physical.default",
            "aten._conj_physical.default")  # fmt: skip
def conj(x: Operand) -> Expr:
    """The imaginary parts negated."""
    return Call("ops::complex::conj", (x.expr,))


@op("aten.conj.default", "aten.conj_physical.default", "aten.resolve_conj.default",
    "aten.resolve_neg.default", also=NARROW)  # fmt: skip
@complex_op("aten.positive.default", "aten.resolve_conj.default", "aten.resolve_neg.default")
def itself(x: Operand) -> Expr:
    """The tensor as it is; a conjugate or a negation is computed where it is taken."""
    return x.expr


@op("aten._neg_view.default")
@complex_op("aten._neg_view.default")
def neg_view(x: Operand) -> Expr:
    """Negation."""
    decline(not (x.type.is_float or x.type.is_complex), f"negation of {x.dtype}")
    return Call("ops::neg", (x.expr,))


def _arithmetic(
    name: str, x: Operand | Scalar, other: Operand | Scalar, alpha: Scalar, out: TensorType
) -> Expr:
    left, right = lifted(x, out.dtype), lifted(other, out.dtype)
    if alpha != 1:
        right = Call("ops::complex::mul", (right, lifted(alpha, out.dtype)))
    if name in ("mul", "div", "pow"):
        return Call(f"ops::complex::{name}", (left, right))
    if isinstance(x, Operand) and isinstance(other, Operand) and x.shape == other.shape:
        return Operator({"add": "+", "sub": "-"}[name], left, right)
    return Method(left, f"broadcast_{name}", (right,))


@complex_op("aten.add.Tensor", "aten.add.Scalar")
def add(x: Operand, other: Operand | Scalar, alpha: Scalar = 1, *, out: TensorType) -> Expr:
    """Sum, the second operand times alpha."""
    return _arithmetic("add", x, other, alpha, out)


@complex_op("aten.sub.Tensor", "aten.sub.Scalar", "aten.subtract.Tensor", "aten.subtract.Scalar")
def sub(x: Operand, other: Operand | Scalar, alpha: Scalar = 1, *, out: TensorType) -> Expr:
    """Difference, the second operand times alpha."""
    return _arithmetic("sub", x, other, alpha, out)


@complex_op("aten.rsub.Scalar", "aten.rsub.Tensor")
def rsub(x: Operand, other: Operand | Scalar, alpha: Scalar = 1, *, out: TensorType) -> Expr:
    """Difference the other way round: `other - alpha x`."""
    return _arithmetic("sub", other, x, alpha, out)


@complex_op("aten.mul.Tensor", "aten.mul.Scalar", "aten.multiply.Tensor", "aten.multiply.Scalar")
def mul(x: Operand, other: Operand | Scalar, *, out: TensorType) -> Expr:
    """Product."""
    return _arithmetic("mul", x, other, 1, out)


@complex_op(
    "aten.div.Tensor", "aten.div.Scalar", "aten.divide.Tensor", "aten.divide.Scalar",
    "aten.true_divide.Tensor", "aten.true_divide.Scalar",
)  # fmt: skip
def div(x: Operand, other: Operand | Scalar, *, out: TensorType) -> Expr:
    """Quotient."""
    return _arithmetic("div", x, other, 1, out)


@complex_op("aten.pow.Tensor_Scalar", "aten.pow.Tensor_Tensor", "aten.pow.Scalar")
def pow_(x: Operand | Scalar, exponent: Operand | Scalar, *, out: TensorType) -> Expr:
    """The principal value of a power."""
    return _arithmetic("pow", x, exponent, 1, out)


@complex_op("aten.neg.default", "aten.negative.default")
def neg(x: Operand) -> Expr:
    """Negation."""
    return Call("ops::neg", (x.expr,))


def _unary(name: str, *aliases: str) -> None:
    @complex_op(*(f"aten.{known}.default" for known in (name, *aliases)))
    def function(x: Operand) -> Expr:
        """A function of each complex number."""
        return Call(f"ops::complex::{name}", (x.expr,))


for _name in (
    "exp", "log", "log2", "log10", "sqrt", "rsqrt", "reciprocal", "square", "sin", "cos", "tan",
    "sinh", "cosh", "tanh", "silu", "sgn", "angle", "isnan", "isinf", "isfinite",
):  # fmt: skip
    _unary(_name)
for _name in ("asin", "acos", "atan", "asinh", "acosh", "atanh"):
    _unary(_name, f"arc{_name[1:]}")
for _name, _alias in (
    ("expm1", "special_expm1"), ("log1p", "special_log1p"), ("sigmoid", "special_expit"),
    ("abs", "absolute"),
):  # fmt: skip
    _unary(_name, _alias)


def _compare(name: str, x: Operand, other: Operand | Scalar) -> Expr:
    dtypes = [o.dtype for o in (x, other) if isinstance(o, Operand)]
    wide = "c128" if "c128" in dtypes or {"c64", "f64"} <= set(dtypes) else "c64"
    return Call(f"ops::complex::{name}", (lifted(x, wide), lifted(other, wide)))


@complex_op("aten.eq.Tensor", "aten.eq.Scalar")
def eq(x: Operand, other: Operand | Scalar) -> Expr:
    """Where both parts are equal."""
    return _compare("eq", x, other)


@complex_op("aten.ne.Tensor", "aten.ne.Scalar", "aten.not_equal.Tensor", "aten.not_equal.Scalar")
def ne(x: Operand, other: Operand | Scalar) -> Expr:
    """Where a part differs."""
    return _compare("ne", x, other)


@complex_op("aten.where.self")
def where(condition: Operand, x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """The first operand where the condition holds, else the second."""
    decline(condition.dtype != "bool", f"where with a condition of {condition.dtype}",
            "compare it with != 0")  # fmt: skip
    args = (condition.expr, lifted(x, out.dtype), lifted(other, out.dtype))
    return Call("ops::complex::where_", args)


@complex_op("aten.masked_fill.Scalar", "aten.masked_fill.Tensor")
def masked_fill(x: Operand, mask: Operand, value: Operand | Scalar, *, out: TensorType) -> Expr:
    """The tensor with a constant where the mask holds."""
    decline(mask.dtype != "bool", f"masked_fill with a mask of {mask.dtype}", "use a bool mask")
    return Call("ops::complex::where_", (mask.expr, lifted(value, out.dtype), x.expr))


@complex_op("aten.to.dtype")
def to_dtype(x: Operand, dtype: str, *, out: TensorType) -> Expr:
    """Conversion; a real tensor becomes the real parts, and gets only those of a complex one."""
    if out.is_complex:
        return lifted(x, out.dtype)
    if out.dtype == "bool":
        return Call("ops::complex::to_bool", (x.expr,))
    decline(not out.is_float, f"conversion of {x.dtype} to {out.dtype}", "take .real first")
    parts = Call("ops::complex::real", (x.expr,))
    same = PARTS[x.dtype] == out.dtype
    return parts if same else Method(parts, "to_dtype", (candle_dtype(out.dtype),))


def _reduced(
    name: str, x: Operand, dim: tuple[int, ...] | int | None, keepdim: bool, out: TensorType
) -> Expr:
    dims = (dim,) if isinstance(dim, int) else dim
    axes = sorted({x.axis(d) for d in dims}) if dims else range(x.rank)
    source = lifted(x, out.dtype)
    if x.rank == 0:
        return source  # no axes would mean all, the pairs' too
    items = Slice(tuple(Number(axis, "usize") for axis in axes))
    return Call(f"ops::{name}", (source, items, flag(keepdim)))


@complex_op("aten.sum.dim_IntList", "aten.sum.default")
def sum_(
    x: Operand, dim: tuple[int, ...] | None = None, keepdim: bool = False, *,
    dtype: str | None = None, out: TensorType,
) -> Expr:  # fmt: skip
    """Sum over axes, over all by default."""
    return _reduced("sum", x, dim, keepdim, out)


@complex_op("aten.mean.dim", "aten.mean.default")
def mean(
    x: Operand, dim: tuple[int, ...] | None = None, keepdim: bool = False, *,
    dtype: str | None = None, out: TensorType,
) -> Expr:  # fmt: skip
    """Mean over axes, over all by default."""
    return _reduced("mean", x, dim, keepdim, out)


@complex_op("aten.cumsum.default")
def cumsum(x: Operand, dim: int, dtype: str | None = None, *, out: TensorType) -> Expr:
    """Running sum along one axis."""
    if x.rank == 0:
        return lifted(x, out.dtype)
    return Call("ops::cumsum", (lifted(x, out.dtype), Number(x.axis(dim), "usize")))
