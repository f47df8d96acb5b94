"""Shape and order of tensors: what a view says, without moving an element of a contiguous one."""

from __future__ import annotations

from pycandle.graph import Arg, Size, TensorType
from pycandle.ops.expr import Call, Expr, Method, Number, Raw, Slice, Tuple, shape, size
from pycandle.ops.table import NARROW, Operand, decline, number, op

# The largest shape of which Candle finds one size out.
_MOST_WITH_HOLE = 5


@op(
    "aten.view.default",
    "aten.view_copy.default",
    "aten._unsafe_view.default",
    "aten.reshape.default",
    "aten._reshape_copy.default",
    "aten.unflatten.int",
    "aten.ravel.default",
    "aten.view_as.default",
    "aten.reshape_as.default",
    "aten.atleast_1d.default",
    "aten.atleast_2d.default",
    "aten.atleast_3d.default",
    also=NARROW,
)
def reshape(x: Operand, *args: Arg | Operand, out: TensorType) -> Expr:
    """The same elements in another shape; a size that PyTorch finds out Candle finds out, too."""
    (sizes,) = args if len(args) == 1 else (None,)
    free = [k for k, each in enumerate(sizes) if each == -1] if isinstance(sizes, tuple) else []
    plain = len(free) != 1 or not 1 < out.rank <= _MOST_WITH_HOLE
    if plain or out.shape == x.shape or x.type.is_complex:
        return reshaped(x, out.shape)
    items = [size(each) for each in out.shape]
    items[free[0]] = Raw("()")
    return Method(x.expr, "reshape", (Tuple(tuple(items)),))


@op("aten.flatten.using_ints", also=NARROW)
def flatten(x: Operand, start_dim: int = 0, end_dim: int = -1, *, out: TensorType) -> Expr:
    """Some axes in a row as one."""
    if x.rank < 2 or out.shape == x.shape or x.type.is_complex:
        return reshaped(x, out.shape)
    first, last = x.axis(start_dim), x.axis(end_dim)
    match first == 0, last == x.rank - 1:
        case True, True:
            return Method(x.expr, "flatten_all")
        case False, True:
            return Method(x.expr, "flatten_from", (axis(x, first),))
        case True, False:
            return Method(x.expr, "flatten_to", (axis(x, last),))
        case _:
            return Method(x.expr, "flatten", (axis(x, first), axis(x, last)))


@op(
    "aten.atleast_1d.Sequence",
    "aten.atleast_2d.Sequence",
    "aten.atleast_3d.Sequence",
    also=NARROW,
)
def atleast(
    tensors: tuple[Operand, ...], *, out: tuple[TensorType, ...] | TensorType
) -> tuple[Expr, ...]:
    """Each tensor with axes of size 1 as needed."""
    outs = (out,) if isinstance(out, TensorType) else out
    return tuple(reshaped(x, one.shape) for x, one in zip(tensors, outs, strict=True))


@op("aten.view.dtype", also=NARROW)
def view_dtype(x: Operand, dtype: str) -> Expr:
    """The same bits as another dtype."""
    decline(x.dtype != dtype, f"the bits of {x.dtype} read as {dtype}", "convert with .to(dtype)")
    return x.expr


@op("aten.transpose.int", "aten.transpose_copy.int", "aten.swapaxes.default",
    "aten.swapdims.default", also=NARROW)  # fmt: skip
def transpose(x: Operand, dim0: int, dim1: int) -> Expr:
    """Two axes exchanged."""
    if x.axis(dim0) == x.axis(dim1):
        return x.expr
    return Method(x.expr, "transpose", (axis(x, dim0), axis(x, dim1)))


@op("aten.t.default", "aten.t_copy.default", "aten.matrix_H.default", also=NARROW)
def t(x: Operand) -> Expr:
    """A matrix transposed; a vector as it is."""
    return Method(x.expr, "t") if x.rank == 2 else x.expr


@op("aten.mT.default", "aten.mH.default", "aten.adjoint.default", also=NARROW)
def matrix_transpose(x: Operand) -> Expr:
    """The last two axes exchanged; no dtype here is complex."""
    return Method(x.expr, "t") if x.rank > 1 else x.expr


@op("aten.numpy_T.default", also=NARROW)
def numpy_t(x: Operand) -> Expr:
    """The axes in reverse order."""
    return permuted(x, tuple(reversed(range(x.rank))))


@op("aten.permute.default", "aten.permute_copy.default", also=NARROW)
def permute(x: Operand, dims: tuple[int, ...]) -> Expr:
    """The axes in another order."""
    return permuted(x, tuple(x.axis(d) for d in dims))


@op("aten.movedim.int", "aten.movedim.intlist", "aten.moveaxis.int", "aten.moveaxis.intlist",
    also=NARROW)  # fmt: skip
def movedim(x: Operand, source: int | tuple[int, ...], destination: int | tuple[int, ...]) -> Expr:
    """Some axes moved to other places, the others in their order."""
    sources = source if isinstance(source, tuple) else (source,)
    targets = destination if isinstance(destination, tuple) else (destination,)
    moved = {x.axis(to): x.axis(of) for of, to in zip(sources, targets, strict=True)}
    rest = iter(a for a in range(x.rank) if a not in moved.values())
    return permuted(x, tuple(moved[a] if a in moved else next(rest) for a in range(x.rank)))


@op("aten.unsqueeze.default", "aten.unsqueeze_copy.default", also=NARROW)
def unsqueeze(x: Operand, dim: int, *, out: TensorType) -> Expr:
    """A new axis of size 1."""
    return Method(x.expr, "unsqueeze", (Number(dim % out.rank, "usize"),))


@op("aten.squeeze.default", "aten.squeeze.dim", "aten.squeeze.dims", "aten.squeeze_copy.default",
    "aten.squeeze_copy.dim", "aten.squeeze_copy.dims", also=NARROW)  # fmt: skip
def squeeze(x: Operand, dim: int | tuple[int, ...] | None = None, *, out: TensorType) -> Expr:
    """Without the named axes (all), where their size is 1."""
    named = range(x.rank) if dim is None else (x.axis(d) for d in _several(dim))
    gone = [a for a in named if a < x.rank and x.shape[a] == 1]
    # The export decides whether an axis of dynamic size has size 1.
    decline(x.rank - len(gone) != out.rank, "squeeze of a dynamic axis", "index it with [0]")
    if len(gone) > 1:
        return reshaped(x, out.shape)
    return Method(x.expr, "squeeze", (Number(gone[0], "usize"),)) if gone else x.expr


@op("aten.expand.default", "aten.expand_copy.default", "aten.expand_as.default",
    "aten.broadcast_to.default", also=NARROW)  # fmt: skip
def expand(x: Operand, *args: Arg | Operand, implicit: bool = False, out: TensorType) -> Expr:
    """Axes of size 1 repeated, without a copy."""
    return broadcast(x, out.shape)


@op("aten.broadcast_tensors.default", also=NARROW)
def broadcast_tensors(
    tensors: tuple[Operand, ...], *, out: tuple[TensorType, ...] | TensorType
) -> tuple[Expr, ...]:
    """All tensors in their common shape."""
    outs = (out,) if isinstance(out, TensorType) else out
    return tuple(broadcast(x, one.shape) for x, one in zip(tensors, outs, strict=True))


@op("aten.contiguous.default", "aten.clone.default", also=NARROW)
def contiguous(x: Operand) -> Expr:
    """The elements in order in memory."""
    return Method(x.expr, "contiguous")


@op(
    "aten.alias.default",
    "aten.alias_copy.default",
    "aten.detach.default",
    "aten.detach_.default",
    "aten.detach_copy.default",
    "aten.lift.default",
    "aten.lift_fresh.default",
    "aten.lift_fresh_copy.default",
    also=NARROW,
)
def alias(x: Operand) -> Expr:
    """The tensor itself, since nothing here is changed in place."""
    return x.expr


@op("aten.unfold.default", "aten.unfold_copy.default", also=NARROW)
def unfold(x: Operand, dimension: int, size: int, step: int) -> Expr:
    """The windows along an axis, in a new last one."""
    sizes = (number(size, "usize", "size"), number(step, "usize", "step"))
    return Call("ops::unfold", (x.expr, axis(x, dimension), *sizes))


@op("aten.as_strided.default", also=NARROW)
def as_strided(
    x: Operand,
    sizes: tuple[Size, ...],
    stride: tuple[Size, ...],
    storage_offset: Size | None = None,
) -> Expr:
    """Elements by the places that strides give; recording takes care that they lie in order."""
    start = number(storage_offset or 0, "usize")
    lengths, steps = (Slice(tuple(number(n, "usize") for n in ns)) for ns in (sizes, stride))
    return Call("ops::as_strided", (x.expr, lengths, steps, start))


@op("aten.diagonal.default", "aten.diagonal_copy.default", also=NARROW)
def diagonal(x: Operand, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Expr:
    """The diagonal of two axes, as the last one."""
    axes = (axis(x, dim1), axis(x, dim2))
    return Call("ops::diagonal", (x.expr, number(offset, "i64"), *axes))


@op("aten.linalg_diagonal.default", also=NARROW)
def linalg_diagonal(x: Operand, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Expr:
    """The diagonal of matrices."""
    return diagonal(x, offset, dim1, dim2)


@op("aten.diag.default", also=NARROW)
def diag(x: Operand, diagonal: int = 0) -> Expr:
    """A vector as the diagonal of a matrix; a matrix's diagonal."""
    name = "diag_embed" if x.rank == 1 else "diagonal"
    axes = (Number(0, "usize"), Number(1, "usize"))
    return Call(f"ops::{name}", (x.expr, number(diagonal, "i64"), *axes))


@op("aten.diag_embed.default", also=NARROW)
def diag_embed(
    x: Operand, offset: int = 0, dim1: int = -2, dim2: int = -1, *, out: TensorType
) -> Expr:
    """The last axis as the diagonal of two new ones."""
    axes = (Number(dim1 % out.rank, "usize"), Number(dim2 % out.rank, "usize"))
    return Call("ops::diag_embed", (x.expr, number(offset, "i64"), *axes))


def reshaped(x: Operand, sizes: tuple[Size, ...]) -> Expr:
    """The tensor in another shape."""
    return x.expr if sizes == x.shape else Method(x.expr, "reshape", (shape(sizes),))


def broadcast(x: Operand, sizes: tuple[Size, ...]) -> Expr:
    """The tensor in a larger shape."""
    return x.expr if sizes == x.shape else Method(x.expr, "broadcast_as", (shape(sizes),))


def permuted(x: Operand, dims: tuple[int, ...]) -> Expr:
    """The tensor with its axes in this order."""
    if dims == tuple(range(x.rank)):
        return x.expr
    items = tuple(Number(d, "usize") for d in dims)
    if x.rank > 6:  # Candle takes no larger tuple
        return Call("ops::permute", (x.expr, Slice(items)))
    return Method(x.expr, "permute", (Tuple(items),))


def axis(x: Operand, dim: int) -> Number:
    """An axis as an argument."""
    return Number(x.axis(dim), "usize")


def axes(x: Operand, dims: tuple[int, ...]) -> Slice:
    """Several axes as an argument."""
    return Slice(tuple(axis(x, d) for d in dims))


def _several(dims: int | tuple[int, ...]) -> tuple[int, ...]:
    return dims if isinstance(dims, tuple) else (dims,)
