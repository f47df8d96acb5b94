"""Distinct values, and how often each occurs; their number depends on the data."""

from __future__ import annotations

from pycandle.graph import Size, TensorType
from pycandle.ops.expr import Call, Expr, Maybe, Number, flag, size
from pycandle.ops.table import NARROW, Operand, decline, op


@op("aten._unique2.default", also=NARROW)
def unique(
    x: Operand, sorted_: bool = True, return_inverse: bool = False, return_counts: bool = False
) -> Expr:
    """The distinct elements in ascending order; without `sorted` PyTorch's CPU sorts them too."""
    return Call("ops::unique", (x.expr, flag(return_inverse), flag(return_counts)))


@op("aten.unique_dim.default", also=NARROW)
def unique_dim(
    x: Operand, dim: int, sorted_: bool = True, return_inverse: bool = False,
    return_counts: bool = False,
) -> Expr:  # fmt: skip
    """The distinct slices of an axis in lexicographic order, with their places and counts."""
    return Call("ops::unique_dim", (x.expr, Number(x.axis(dim), "usize")))


@op("aten.unique_consecutive.default", also=NARROW)
def unique_consecutive(
    x: Operand, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Expr:
    """Without the elements, or the slices of an axis, that equal the one before."""
    # PyTorch takes axis 0 of a vector for all its elements, and axis -1 for an axis.
    whole = dim is None or (dim == 0 and x.rank == 1)
    along = Maybe(None if whole else Number(x.axis(dim), "usize"))
    asked = (flag(return_inverse), flag(return_counts))
    return Call("ops::unique_consecutive", (x.expr, *asked, along))


@op("aten.bincount.default", also=NARROW)
def bincount(
    x: Operand, weights: Operand | None = None, minlength: Size = 0, *, out: TensorType
) -> Expr:
    """How often each integer occurs, or the sum of its weights."""
    decline(x.dtype == "bool", "bincount of booleans", "convert them to int64")
    held = Maybe(None if weights is None else weights.expr)
    return Call("ops::bincount", (x.expr, held, size(minlength)))
