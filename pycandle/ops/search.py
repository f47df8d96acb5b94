"""Finding values among others: places in a sorted axis, histograms, quantiles."""

from __future__ import annotations

from pycandle.graph import Size, TensorType
from pycandle.ops.expr import Call, DeviceOf, Expr, Maybe, flag, size
from pycandle.ops.reduce import axis, converted, named
from pycandle.ops.table import NARROW, Operand, decline, number, op


@op("aten.searchsorted.Tensor", "aten.searchsorted.Scalar", also=NARROW)
def searchsorted(
    sequence: Operand, x: Operand | float, *, out_int32: bool = False, right: bool = False,
    side: str | None = None, sorter: Operand | None = None, out: TensorType,
) -> Expr:  # fmt: skip
    """Where each value goes in the sorted last axis."""
    behind = flag(right or side == "right")
    order = Maybe(None if sorter is None else sorter.expr)
    places = Call("ops::searchsorted", (sequence.expr, _values(x, sequence), behind, order))
    return converted(places, out.dtype, "i64")


@op("aten.bucketize.Tensor", "aten.bucketize.Scalar", also=NARROW)
def bucketize(
    x: Operand | float, boundaries: Operand, *, out_int32: bool = False, right: bool = False,
    out: TensorType,
) -> Expr:  # fmt: skip
    """Which interval between the sorted boundaries each value lies in."""
    places = Call("ops::bucketize", (_values(x, boundaries), boundaries.expr, flag(right)))
    return converted(places, out.dtype, "i64")


def _values(x: Operand | float, other: Operand) -> Expr:
    """A tensor, or a number as one without axes."""
    if isinstance(x, Operand):
        return x.expr
    kind = "f64" if isinstance(x, float) else "i64"
    return Call("Tensor::new", (number(x, kind), DeviceOf(other.expr)))


@op("aten.histc.default")
def histc(x: Operand, bins: Size = 100, low: float = 0, high: float = 0) -> Expr:
    """How many elements lie in each of equal intervals."""
    decline(not x.type.is_float, f"histc of {x.dtype}", "convert it to float32")
    return Call(
        "ops::histc", (x.expr, size(bins, label="bins"), number(float(low)), number(float(high)))
    )


@op(
    "aten.quantile.default",
    "aten.quantile.scalar",
)
def quantile(
    x: Operand, q: Operand | float, dim: int | None = None, keepdim: bool = False, *,
    interpolation: str = "linear",
) -> Expr:  # fmt: skip
    """What lies above a part `q` of the elements."""
    return _quantile("quantile", x, q, dim, keepdim, interpolation)


@op("aten.nanquantile.default", "aten.nanquantile.scalar")
def nanquantile(
    x: Operand, q: Operand | float, dim: int | None = None, keepdim: bool = False, *,
    interpolation: str = "linear",
) -> Expr:  # fmt: skip
    """What lies above a part `q` of the elements that are not NaN."""
    return _quantile("nanquantile", x, q, dim, keepdim, interpolation)


def _quantile(
    name: str, x: Operand, q: Operand | float, dim: int | None, keepdim: bool, interpolation: str
) -> Expr:
    kinds = ("linear", "lower", "higher", "midpoint", "nearest")
    decline(interpolation not in kinds, f"{name} with interpolation={interpolation!r}")
    part = q.expr if isinstance(q, Operand) else _values(float(q), x)
    chosen = Maybe(None if dim is None else axis(x, dim))
    kind = named(f"QuantileInterpolation::{interpolation.capitalize()}")
    return Call(f"ops::{name}", (x.expr, part, chosen, flag(keepdim), kind))
