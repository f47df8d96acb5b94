"""Reductions over axes, and softmax."""

from __future__ import annotations

from pycandle.graph import TensorType
from pycandle.ops.create import candle_dtype
from pycandle.ops.expr import Call, Expr, Method, Number, Slice, flag
from pycandle.ops.table import Operand, decline, op


def _floating(x: Operand, name: str, out: TensorType) -> Expr:
    """The operand in the dtype that the result is computed in."""
    decline(not out.is_float, f"{name} of {x.dtype}", "convert it to float32")
    return (
        x.expr if x.dtype == out.dtype else Method(x.expr, "to_dtype", (candle_dtype(out.dtype),))
    )


@op("aten.softmax.int", "aten._softmax.default")
def softmax(x: Operand, dim: int, dtype: str | bool | None = None, *, out: TensorType) -> Expr:
    """Exponentials along one axis, divided by their sum."""
    return Call("ops::softmax", (_floating(x, "softmax", out), Number(x.axis(dim), "usize")))


@op("aten.log_softmax.int", "aten._log_softmax.default")
def log_softmax(x: Operand, dim: int, dtype: str | bool | None = None, *, out: TensorType) -> Expr:
    """Logarithm of softmax."""
    return Call(
        "ops::log_softmax", (_floating(x, "log_softmax", out), Number(x.axis(dim), "usize"))
    )


def _reduce(
    name: str, x: Operand, dims: tuple[int, ...] | None, keepdim: bool, out: TensorType
) -> Expr:
    axes = tuple(range(x.rank)) if not dims else tuple(sorted(x.axis(d) for d in dims))
    items = Slice(tuple(Number(axis, "usize") for axis in axes))
    return Call(f"ops::{name}", (_floating(x, name, out), items, flag(keepdim)))


@op("aten.mean.dim", "aten.mean.default")
def mean(
    x: Operand, dim: tuple[int, ...] | None = None, keepdim: bool = False, *,
    dtype: str | None = None, out: TensorType,
) -> Expr:  # fmt: skip
    """Mean over axes, over all by default."""
    return _reduce("mean", x, dim, keepdim, out)


@op("aten.sum.dim_IntList", "aten.sum.default")
def sum_(
    x: Operand, dim: tuple[int, ...] | None = None, keepdim: bool = False, *,
    dtype: str | None = None, out: TensorType,
) -> Expr:  # fmt: skip
    """Sum over axes, over all by default."""
    return _reduce("sum", x, dim, keepdim, out)


@op("aten.amax.default")
def amax(x: Operand, dim: tuple[int, ...] = (), keepdim: bool = False, *, out: TensorType) -> Expr:
    """Largest element over axes; NaN wins."""
    return _reduce("amax", x, dim, keepdim, out)


@op("aten.amin.default")
def amin(x: Operand, dim: tuple[int, ...] = (), keepdim: bool = False, *, out: TensorType) -> Expr:
    """Smallest element over axes; NaN wins."""
    return _reduce("amin", x, dim, keepdim, out)


@op("aten.cumsum.default")
def cumsum(x: Operand, dim: int, dtype: str | None = None, *, out: TensorType) -> Expr:
    """Running sum along one axis; booleans and integers give int64."""
    source = (
        x.expr if x.dtype == out.dtype else Method(x.expr, "to_dtype", (candle_dtype(out.dtype),))
    )
    return Call("ops::cumsum", (source, Number(x.axis(dim), "usize")))
