"""Order: sorting, the largest and smallest with their places, and order statistics.

NaN is larger than everything. Among equal elements the runtime gives the first place, also where
PyTorch leaves the place open.
"""

from __future__ import annotations

from pycandle.graph import Size
from pycandle.ops.expr import Call, Expr, Maybe, flag, size
from pycandle.ops.reduce import axis
from pycandle.ops.table import NARROW, Operand, op


@op("aten.sort.default", also=NARROW)
def sort(x: Operand, dim: int = -1, descending: bool = False) -> Expr:
    """Sorted values with their indices; equal elements stay in order."""
    return Call("ops::sort", (x.expr, axis(x, dim), flag(descending)))


@op("aten.sort.stable", also=NARROW)
def sort_stable(
    x: Operand, *, stable: bool | None = None, dim: int = -1, descending: bool = False
) -> Expr:
    """Sorted values with their indices; equal elements stay in order."""
    return sort(x, dim, descending)


@op("aten.argsort.default", also=NARROW)
def argsort(x: Operand, dim: int = -1, descending: bool = False) -> Expr:
    """The indices that sort; equal elements stay in order."""
    return Call("ops::argsort", (x.expr, axis(x, dim), flag(descending)))


@op("aten.argsort.stable", also=NARROW)
def argsort_stable(
    x: Operand, *, stable: bool | None = None, dim: int = -1, descending: bool = False
) -> Expr:
    """The indices that sort; equal elements stay in order."""
    return argsort(x, dim, descending)


@op("aten.msort.default", also=NARROW)
def msort(x: Operand) -> Expr:
    """Sorted along the first axis."""
    return Call("ops::msort", (x.expr,))


@op("aten.topk.default", also=NARROW)
def topk(x: Operand, k: Size, dim: int = -1, largest: bool = True, ordered: bool = True) -> Expr:
    """The largest or smallest elements with their indices; best first, whether asked or not."""
    return Call("ops::topk", (x.expr, size(k, label="k"), axis(x, dim), flag(largest)))


@op("aten.max.dim", also=NARROW)
def max_dim(x: Operand, dim: int, keepdim: bool = False) -> Expr:
    """Largest element along an axis with its first index; NaN wins."""
    return Call("ops::max_dim", (x.expr, axis(x, dim), flag(keepdim)))


@op("aten.min.dim", also=NARROW)
def min_dim(x: Operand, dim: int, keepdim: bool = False) -> Expr:
    """Smallest element along an axis with its first index; NaN wins."""
    return Call("ops::min_dim", (x.expr, axis(x, dim), flag(keepdim)))


@op("aten.argmax.default", also=NARROW)
def argmax(x: Operand, dim: int | None = None, keepdim: bool = False) -> Expr:
    """First index of the largest element; NaN wins."""
    return Call("ops::argmax", (x.expr, _perhaps(x, dim), flag(keepdim)))


@op("aten.argmin.default", also=NARROW)
def argmin(x: Operand, dim: int | None = None, keepdim: bool = False) -> Expr:
    """First index of the smallest element; NaN wins."""
    return Call("ops::argmin", (x.expr, _perhaps(x, dim), flag(keepdim)))


def _perhaps(x: Operand, dim: int | None) -> Maybe:
    return Maybe(None if dim is None else axis(x, dim))


@op("aten.kthvalue.default", also=NARROW)
def kthvalue(x: Operand, k: Size, dim: int = -1, keepdim: bool = False) -> Expr:
    """The k-th smallest element, counted from one, with its index."""
    return Call("ops::kthvalue", (x.expr, size(k, label="k"), axis(x, dim), flag(keepdim)))


@op("aten.median.default", also=NARROW)
def median(x: Operand) -> Expr:
    """The lower median of all elements; NaN wins."""
    return Call("ops::median", (x.expr,))


@op("aten.median.dim", also=NARROW)
def median_dim(x: Operand, dim: int, keepdim: bool = False) -> Expr:
    """The lower median along an axis, with its index; NaN wins."""
    return Call("ops::median_dim", (x.expr, axis(x, dim), flag(keepdim)))


@op("aten.nanmedian.default", also=NARROW)
def nanmedian(x: Operand) -> Expr:
    """The lower median of what is not NaN."""
    return Call("ops::nanmedian", (x.expr,))


@op("aten.nanmedian.dim", also=NARROW)
def nanmedian_dim(x: Operand, dim: int, keepdim: bool = False) -> Expr:
    """The lower median along an axis of what is not NaN, with its index."""
    return Call("ops::nanmedian_dim", (x.expr, axis(x, dim), flag(keepdim)))


@op("aten.mode.default", also=NARROW)
def mode(x: Operand, dim: int = -1, keepdim: bool = False) -> Expr:
    """The smallest of the most frequent elements, with its last index."""
    return Call("ops::mode", (x.expr, axis(x, dim), flag(keepdim)))
