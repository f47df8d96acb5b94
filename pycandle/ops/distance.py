"""Norms, and distances between vectors."""

from __future__ import annotations

import math
from dataclasses import replace

from pycandle.graph import TensorType
from pycandle.ops.expr import Call, Expr, Method, Number, Slice, flag
from pycandle.ops.reduce import Dims, axes, axis, floating
from pycandle.ops.table import NARROW, Decline, Operand, decline, number, op

_BY_SVD = "write the norm by torch.linalg.svdvals"


def _norm(x: Operand, order: float | None, dims: Dims, keepdim: bool, out: TensorType) -> Expr:
    power = number(float(2 if order is None else order), label="ord")
    args = (floating(x, "norm", out), power, axes(x, dims), flag(keepdim))
    return Call("ops::linalg_vector_norm", args)


@op("aten.linalg_vector_norm.default")
def linalg_vector_norm(
    x: Operand, order: float = 2, dim: Dims = None, keepdim: bool = False, *,
    dtype: str | None = None, out: TensorType,
) -> Expr:  # fmt: skip
    """The `ord`-th root of the sum of powers of magnitudes."""
    return _norm(x, order, dim, keepdim, out)


@op(
    "aten.norm.Scalar",
    "aten.norm.ScalarOpt_dim",
    "aten.norm.ScalarOpt_dim_dtype",
    "aten.norm.ScalarOpt_dtype",
)
def norm(
    x: Operand, p: float | None = 2, dim: Dims = None, keepdim: bool = False,
    dtype: str | None = None, *, out: TensorType,
) -> Expr:  # fmt: skip
    """A vector norm over axes, over all by default."""
    return _norm(x, p, dim, keepdim, out)


@op("aten.frobenius_norm.dim")
def frobenius_norm(x: Operand, dim: Dims, keepdim: bool = False, *, out: TensorType) -> Expr:
    """Root of the sum of squares over axes."""
    return _norm(x, 2, dim, keepdim, out)


@op("aten.linalg_matrix_norm.default", "aten.linalg_matrix_norm.str_ord")
def linalg_matrix_norm(
    x: Operand, order: float | str = "fro", dim: tuple[int, ...] = (-2, -1), keepdim: bool = False,
    *, dtype: str | None = None, out: TensorType,
) -> Expr:  # fmt: skip
    """A norm of matrices: Frobenius's, or the largest or smallest sum of a row or column."""
    if order == "fro":
        return _norm(x, 2, dim, keepdim, out)
    if isinstance(order, str) or abs(order) not in (1, math.inf):
        raise Decline(f"the matrix norm {order!r}, which needs singular values", _BY_SVD)
    rows, columns = (x.axis(d) for d in dim)
    added, compared = (rows, columns) if abs(order) == 1 else (columns, rows)
    # Without its axis, the sums' axes behind it move forward.
    place = compared - (not keepdim and added < compared)

    def along(source: Expr, power: float, axis: int) -> Expr:
        axes_ = Slice((Number(axis, "usize"),))
        args = (source, Number(power, "f64"), axes_, flag(keepdim))
        return Call("ops::linalg_vector_norm", args)

    if order > 0 and x.shape[compared] == 0:  # The largest of no sums is 0.
        return _norm(x, 1, dim, keepdim, out)
    sums = along(floating(x, "norm", out), 1.0, added)
    return along(sums, math.copysign(math.inf, order), place)


@op("aten.linalg_norm.default", "aten.linalg_norm.ord_str")
def linalg_norm(
    x: Operand, order: float | str | None = None, dim: Dims = None, keepdim: bool = False, *,
    dtype: str | None = None, out: TensorType,
) -> Expr:  # fmt: skip
    """A vector norm over one axis, a matrix norm over two; the 2-norm of all by default."""
    dims = (dim,) if isinstance(dim, int) else dim
    if order is None:
        return _norm(x, 2, dims, keepdim, out)
    if dims is None:
        dims = (-2, -1) if x.rank == 2 else (-1,)
    if len(dims) == 2:
        return linalg_matrix_norm(x, order, dims, keepdim, dtype=dtype, out=out)
    if isinstance(order, str):
        raise Decline(f"the norm {order!r} of vectors", "give ord a number")
    return _norm(x, order, dims, keepdim, out)


def _metric(name: str, out: TensorType, *operands: Operand) -> tuple[Expr, ...]:
    """The tensors in the dtype of the result. Declines a result of integers."""
    return tuple(floating(operand, name, out) for operand in operands)


@op("aten.dist.default")
def dist(x: Operand, other: Operand, p: float = 2, *, out: TensorType) -> Expr:
    """The norm of the difference."""
    return Call("ops::dist", (*_metric("dist", out, x, other), number(float(p), label="p")))


@op("aten.cdist.default", "aten._cdist_forward.default")
def cdist(
    x: Operand, other: Operand, p: float = 2, compute_mode: int | None = None, *, out: TensorType
) -> Expr:
    """Distances between all rows of one matrix and all of another."""
    return Call("ops::cdist", (*_metric("cdist", out, x, other), number(float(p), label="p")))


@op("aten._euclidean_dist.default")
def euclidean_dist(x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """Euclidean distances between all rows of one matrix and all of another."""
    return Call("ops::euclidean_dist", _metric("_euclidean_dist", out, x, other))


@op("aten.pdist.default", "aten._pdist_forward.default")
def pdist(x: Operand, p: float = 2, *, out: TensorType) -> Expr:
    """Distances between each two rows of a matrix."""
    return Call("ops::pdist", (*_metric("pdist", out, x), number(float(p), label="p")))


@op("aten.pairwise_distance.default", also=NARROW)
def pairwise_distance(
    x: Operand,
    other: Operand,
    p: float = 2,
    eps: float = 1e-6,
    keepdim: bool = False,
    *,
    out: TensorType,
) -> Expr:
    """Distances between vectors of the last axis."""
    vectors = _metric("pairwise_distance", out, x, other)
    numbers = (number(float(p), label="p"), number(eps, label="eps"))
    return Call("ops::pairwise_distance", (*vectors, *numbers, flag(keepdim)))


@op("aten.cosine_similarity.default")
def cosine_similarity(
    x: Operand, other: Operand, dim: int = 1, eps: float = 1e-8, *, out: TensorType
) -> Expr:
    """Cosine of the angle between vectors of an axis."""
    longest = x if x.rank >= other.rank else other
    vectors = _metric("cosine_similarity", out, x, other)
    place = axis(longest, dim)
    return Call("ops::cosine_similarity", (*vectors, place, number(eps, label="eps")))


@op("aten.renorm.default")
def renorm(x: Operand, p: float, dim: int, maxnorm: float) -> Expr:
    """Parts along an axis, scaled down to a largest norm."""
    decline(not x.type.is_float, f"renorm of {x.dtype}", "convert it to float32")
    numbers = (number(float(p)), axis(x, dim), number(float(maxnorm)))
    return Call("ops::renorm", (x.expr, *numbers))


@op("aten.linalg_vecdot.default")
def linalg_vecdot(x: Operand, other: Operand, *, dim: int = -1, out: TensorType) -> Expr:
    """Sum of products along an axis."""
    decline(
        not out.is_float or x.dtype != other.dtype,
        f"vecdot of {x.dtype} and {other.dtype}",
        "convert both to float32",
    )
    products = Method(x.expr, "broadcast_mul", (other.expr,))
    axis = axes(Operand(x.expr, replace(out, shape=(*out.shape, 1))), dim)
    return Call("ops::sum", (products, axis, flag(False)))
