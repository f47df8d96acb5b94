"""Shape, order and parts of tensors."""

from __future__ import annotations

from pycandle.graph import Arg, Dim, Size, TensorType
from pycandle.ops.expr import Call, Expr, Maybe, Method, Number, Slice, Tuple, shape, size
from pycandle.ops.table import Decline, Operand, decline, number, op


@op(
    "aten.view.default",
    "aten.reshape.default",
    "aten._unsafe_view.default",
    "aten.flatten.using_ints",
    "aten.unflatten.int",
    "aten.view_as.default",
    "aten.reshape_as.default",
)
def reshape(x: Operand, *args: Arg | Operand, out: TensorType) -> Expr:
    """The same elements in another shape."""
    return Method(x.expr, "reshape", (shape(out.shape),))


@op("aten.transpose.int")
def transpose(x: Operand, dim0: int, dim1: int) -> Expr:
    """Two axes exchanged."""
    return Method(x.expr, "transpose", (_axis(x, dim0), _axis(x, dim1)))


@op("aten.t.default")
def t(x: Operand) -> Expr:
    """A matrix transposed; a vector as it is."""
    return Method(x.expr, "t") if x.rank == 2 else x.expr


@op("aten.permute.default")
def permute(x: Operand, dims: tuple[int, ...]) -> Expr:
    """The axes in another order."""
    return Method(x.expr, "permute", (Tuple(tuple(_axis(x, d) for d in dims)),))


@op("aten.unsqueeze.default")
def unsqueeze(x: Operand, dim: int, *, out: TensorType) -> Expr:
    """A new axis of size 1."""
    return Method(x.expr, "unsqueeze", (Number(dim % out.rank, "usize"),))


@op("aten.squeeze.dim")
def squeeze(x: Operand, dim: int) -> Expr:
    """Without an axis, if its size is 1."""
    decline(isinstance(x.shape[x.axis(dim)], Dim), "squeeze of a dynamic axis", "index it with [0]")
    return Method(x.expr, "squeeze", (_axis(x, dim),)) if x.shape[x.axis(dim)] == 1 else x.expr


@op("aten.expand.default", "aten.expand_as.default")
def expand(x: Operand, *args: Arg | Operand, implicit: bool = False, out: TensorType) -> Expr:
    """Axes of size 1 repeated, without a copy."""
    return Method(x.expr, "broadcast_as", (shape(out.shape),))


@op("aten.contiguous.default", "aten.clone.default")
def contiguous(x: Operand) -> Expr:
    """The elements in order in memory."""
    return Method(x.expr, "contiguous")


@op("aten.slice.Tensor")
def slice_(
    x: Operand, dim: int = 0, start: Size | None = None, end: Size | None = None,
    step: Size = 1, *, out: TensorType,
) -> Expr:  # fmt: skip
    """A range of one axis."""
    axis = x.axis(dim)
    if step != 1:
        decline(not isinstance(step, int), "a slice with a symbolic step", "use a constant")
        ends = (size(start if start is not None else 0, "i64"), size(_end(x, axis, end), "i64"))
        return Call("ops::slice", (x.expr, _axis(x, dim), *ends, size(step)))
    begin: Size = start if start is not None else 0
    if isinstance(begin, int) and begin < 0:
        begin = x.shape[axis] + begin
    if isinstance(begin, int) and begin < 0:
        begin = 0
    return Method(x.expr, "narrow", (_axis(x, dim), size(begin), size(out.shape[axis])))


def _end(x: Operand, axis: int, end: Size | None) -> Size:
    """Where a slice ends; torch writes its largest integer for the end of the axis."""
    return x.shape[axis] if end is None or (isinstance(end, int) and end > 2**62) else end


@op("aten.select.int")
def select(x: Operand, dim: int, index: Size) -> Expr:
    """One index of an axis, without the axis."""
    place: Size = index
    if isinstance(index, int) and index < 0:
        place = x.shape[x.axis(dim)] + index
    narrow = Method(x.expr, "narrow", (_axis(x, dim), size(place), Number(1, "usize")))
    return Method(narrow, "squeeze", (_axis(x, dim),))


@op("aten.split.Tensor", "aten.split_with_sizes.default", "aten.chunk.default")
def split(
    x: Operand, sizes: Arg, dim: int = 0, *, out: tuple[TensorType, ...] | TensorType
) -> tuple[Expr, ...]:
    """Consecutive parts of one axis."""
    axis = x.axis(dim)
    parts: list[Expr] = []
    start: Size = 0
    for part in (out,) if isinstance(out, TensorType) else out:
        length = part.shape[axis]
        parts.append(Method(x.expr, "narrow", (_axis(x, dim), size(start), size(length))))
        start = start + length
    return tuple(parts)


@op("aten.unbind.int")
def unbind(
    x: Operand, dim: int = 0, *, out: tuple[TensorType, ...] | TensorType
) -> tuple[Expr, ...]:
    """Every index of an axis, each without the axis."""
    count = 1 if isinstance(out, TensorType) else len(out)
    return tuple(select(x, dim, index) for index in range(count))


@op("aten.tril.default")
def tril(x: Operand, diagonal: int = 0) -> Expr:
    """The lower triangle; zero above."""
    return Call("ops::tril", (x.expr, number(diagonal, "i64")))


@op("aten.triu.default")
def triu(x: Operand, diagonal: int = 0) -> Expr:
    """The upper triangle; zero below."""
    return Call("ops::triu", (x.expr, number(diagonal, "i64")))


@op("aten.cat.default")
def cat(tensors: tuple[Operand, ...], dim: int = 0) -> Expr:
    """Tensors joined along an axis."""
    return Call("ops::cat", (_operands(tensors), _axis(tensors[0], dim)))


@op("aten.stack.default")
def stack(tensors: tuple[Operand, ...], dim: int = 0, *, out: TensorType) -> Expr:
    """Tensors joined along a new axis."""
    return Call("ops::stack", (_operands(tensors), Number(dim % out.rank, "usize")))


@op("aten.index.Tensor")
def index(x: Operand, indices: tuple[Operand | None, ...]) -> Expr:
    """Elements at computed indices, which broadcast together."""
    for chosen in indices:
        decline(
            chosen is not None and chosen.dtype != "i64",
            "indexing with a boolean mask, whose result's size depends on the data",
            "use torch.where",
        )
    items = tuple(Maybe(i.expr if i is not None else None) for i in indices)
    return Call("ops::index", (x.expr, Slice(items)))


def _operands(tensors: tuple[Operand, ...]) -> Slice:
    dtypes = {operand.dtype for operand in tensors}
    if len(dtypes) > 1:
        raise Decline(
            f"joining tensors of {', '.join(sorted(dtypes))}", "convert them to one dtype"
        )
    return Slice(tuple(operand.expr for operand in tensors))


def _axis(x: Operand, dim: int) -> Number:
    return Number(x.axis(dim), "usize")
