"""Products other than those of matrices, and what is made of several of them."""

from __future__ import annotations

from collections.abc import Iterable

from pycandle.graph import Dim
from pycandle.ops.expr import Call, Expr, Maybe, Number, Slice
from pycandle.ops.table import NARROW, Decline, Operand, decline, op

Sizes = tuple[int, ...]


@op("aten.outer.default", "aten.ger.default", also=NARROW)
def outer(x: Operand, other: Operand) -> Expr:
    """Every element of one vector times every element of another."""
    return Call("ops::outer", (x.expr, other.expr))


@op("aten.inner.default", also=NARROW)
def inner(x: Operand, other: Operand) -> Expr:
    """Sums of products over the last axis of both."""
    if x.rank and other.rank:
        one_dtype("inner", x, other)
    return Call("ops::inner", (x.expr, other.expr))


@op("aten.kron.default", also=NARROW)
def kron(x: Operand, other: Operand) -> Expr:
    """Kronecker product."""
    return Call("ops::kron", (x.expr, other.expr))


@op("aten.tensordot.default", also=NARROW)
def tensordot(x: Operand, other: Operand, dims_self: Sizes, dims_other: Sizes) -> Expr:
    """Sums of products over chosen axes of both."""
    one_dtype("tensordot", x, other)
    dims = (_numbers(x.axis(d) for d in dims_self), _numbers(other.axis(d) for d in dims_other))
    return Call("ops::tensordot", (x.expr, other.expr, *dims))


@op("aten.bilinear.default", also=NARROW)
def bilinear(x: Operand, other: Operand, weight: Operand, bias: Operand | None = None) -> Expr:
    """`x @ weight[o] @ other + bias[o]` for each output."""
    one_dtype("bilinear", x, other, weight)
    args = (x.expr, other.expr, weight.expr, Maybe(bias.expr if bias else None))
    return Call("ops::bilinear", args)


@op("aten._trilinear.default")
def trilinear(
    a: Operand, b: Operand, c: Operand, expand1: Sizes, expand2: Sizes, expand3: Sizes,
    sumdim: Sizes, unroll_dim: int = 1,
) -> Expr:  # fmt: skip
    """The product of three tensors with new axes, summed over some; unrolling changes no value."""
    one_dtype("_trilinear", a, b, c)
    expand = tuple(_numbers(sorted(dims)) for dims in (expand1, expand2, expand3))
    tensors = Slice((a.expr, b.expr, c.expr))
    return Call("ops::trilinear", (tensors, Slice(expand), _numbers(sorted(sumdim))))


@op("aten.linalg_cross.default", also=NARROW)
def linalg_cross(x: Operand, other: Operand, *, dim: int = -1) -> Expr:
    """Cross product of vectors of three along an axis."""
    one_dtype("cross", x, other)
    rank = max(x.rank, other.rank)
    return Call("ops::linalg_cross", (x.expr, other.expr, Number(dim % rank, "usize")))


@op("aten.cross.default", also=NARROW)
def cross(x: Operand, other: Operand, dim: int | None = None) -> Expr:
    """Cross product; without an axis, along the first one of size 3."""
    if dim is not None:
        return linalg_cross(x, other, dim=dim)
    for axis, size in enumerate(x.shape):
        decline(isinstance(size, Dim), "cross without dim of a dynamic shape", "give dim")
        if size == 3:
            return linalg_cross(x, other, dim=axis)
    raise Decline("cross of a tensor without an axis of size 3")


@op("aten.trace.default", also=NARROW)
def trace(x: Operand) -> Expr:
    """Sum of a matrix's diagonal."""
    return Call("ops::trace", (x.expr,))


def _numbers(axes: Iterable[int]) -> Slice:
    return Slice(tuple(Number(axis, "usize") for axis in axes))


def one_dtype(name: str, *operands: Operand) -> None:
    """Declines what PyTorch does not multiply either: bools, and dtypes that differ."""
    dtypes = dict.fromkeys(operand.dtype for operand in operands)
    decline("bool" in dtypes, f"{name} of bool", "convert it to int64 or float32")
    decline(len(dtypes) > 1, f"{name} of {' and '.join(dtypes)}", "convert them to one dtype")


@op("aten.einsum.default")
def einsum(equation: str, tensors: tuple[Operand, ...], *, path: Sizes | None = None) -> Expr:
    """What the passes left of einsum: operands of dtypes that have no product."""
    dtypes = ", ".join(dict.fromkeys(operand.dtype for operand in tensors))
    raise Decline(f"einsum of {dtypes}", "convert the operands to one float dtype")


@op("aten._grouped_mm.default", "transformers.grouped_mm_fallback.default", also=NARROW)
def grouped_mm(
    x: Operand, other: Operand, offs: Operand | None = None, bias: Operand | None = None,
    out_dtype: str | None = None,
) -> Expr:  # fmt: skip
    """Matrix products of groups, which end at the offsets: the experts of a mixture."""
    dtypes = dict.fromkeys(operand.dtype for operand in (x, other))
    known = len(dtypes) == 1 and x.type.is_float and out_dtype in (None, x.dtype)
    decline(not known, f"grouped_mm of {' and '.join(dtypes)}", "convert them to one float dtype")
    decline(bias is not None, "grouped_mm with a bias", "add it to the result")
    return Call("ops::grouped_mm", (x.expr, other.expr, Maybe(offs.expr if offs else None)))
