"""Running results along one axis, and differences of neighbours."""

from __future__ import annotations

from pycandle.graph import TensorType
from pycandle.ops.expr import Call, Expr, Maybe, Slice
from pycandle.ops.reduce import axis, converted, floating
from pycandle.ops.table import NARROW, Operand, decline, number, op


def _scan(name: str, x: Operand, dim: int, dtype: str | None, out: TensorType) -> Expr:
    """A running sum or product, in the dtype that was asked for; int64 for integers."""
    # Integers wrap, so the running result may be converted as well as the elements.
    source = x.expr if dtype is None else converted(x, out.dtype)
    return converted(
        Call(f"ops::{name}", (source, axis(x, dim))),
        out.dtype,
        out.dtype if out.is_float else "i64",
    )


@op("aten.cumsum.default", also=NARROW)
def cumsum(x: Operand, dim: int, *, dtype: str | None = None, out: TensorType) -> Expr:
    """Running sum; booleans and integers give int64."""
    return _scan("cumsum", x, dim, dtype, out)


@op("aten.cumprod.default", also=NARROW)
def cumprod(x: Operand, dim: int, *, dtype: str | None = None, out: TensorType) -> Expr:
    """Running product; booleans and integers give int64."""
    return _scan("cumprod", x, dim, dtype, out)


@op("aten.logcumsumexp.default", "aten._logcumsumexp.default")
def logcumsumexp(x: Operand, dim: int) -> Expr:
    """Logarithm of the running sum of exponentials."""
    decline(not x.type.is_float, f"logcumsumexp of {x.dtype}", "convert it to float32")
    return Call("ops::logcumsumexp", (x.expr, axis(x, dim)))


@op("aten.cummax.default", also=NARROW)
def cummax(x: Operand, dim: int) -> Expr:
    """Running maximum, and the last place of it."""
    return Call("ops::cummax", (x.expr, axis(x, dim)))


@op("aten.cummin.default", also=NARROW)
def cummin(x: Operand, dim: int) -> Expr:
    """Running minimum, and the last place of it."""
    return Call("ops::cummin", (x.expr, axis(x, dim)))


@op("aten.diff.default", also=frozenset({"i32", "i16"}))
def diff(
    x: Operand, n: int = 1, dim: int = -1,
    prepend: Operand | None = None, append: Operand | None = None,
) -> Expr:  # fmt: skip
    """Each element less the one before it, `n` times."""
    decline(n < 0, "diff with a negative n")
    if n == 0:
        return x.expr
    parts = tuple(part.expr for part in (prepend, x, append) if part is not None)
    joined = Call("ops::cat", (Slice(parts), axis(x, dim)))
    source = joined if len(parts) > 1 else x.expr
    times = number(n, "usize", "n")
    return Call("ops::diff", (source, times, axis(x, dim)))


@op("aten.trapezoid.dx", "aten.trapz.dx", also=NARROW)
def trapezoid_dx(y: Operand, *, dx: float = 1, dim: int = -1, out: TensorType) -> Expr:
    """Area under a line through points at equal distances."""
    return _area("trapezoid", y, None, dx, dim, out)


@op("aten.trapezoid.x", "aten.trapz.x", also=NARROW)
def trapezoid_x(y: Operand, x: Operand, *, dim: int = -1, out: TensorType) -> Expr:
    """Area under a line through points at `x`."""
    return _area("trapezoid", y, x, 1, dim, out)


@op("aten.cumulative_trapezoid.dx", also=NARROW)
def cumulative_trapezoid_dx(y: Operand, *, dx: float = 1, dim: int = -1, out: TensorType) -> Expr:
    """Running area under a line through points at equal distances."""
    return _area("cumulative_trapezoid", y, None, dx, dim, out)


@op("aten.cumulative_trapezoid.x", also=NARROW)
def cumulative_trapezoid_x(y: Operand, x: Operand, *, dim: int = -1, out: TensorType) -> Expr:
    """Running area under a line through points at `x`."""
    return _area("cumulative_trapezoid", y, x, 1, dim, out)


def _area(name: str, y: Operand, x: Operand | None, dx: float, dim: int, out: TensorType) -> Expr:
    points = Maybe(None if x is None else floating(x, name, out))
    heights = floating(y, name, out)
    return Call(f"ops::{name}", (heights, points, number(float(dx), label="dx"), axis(y, dim)))
