"""Tensors joined, repeated and turned: elements move, none is computed."""

from __future__ import annotations

from collections.abc import Iterator

from pycandle.graph import Size, TensorType
from pycandle.ops.expr import Call, Expr, Maybe, Method, Number, Slice, flag, shape, size
from pycandle.ops.table import NARROW, Operand, number, op
from pycandle.ops.views import axes, axis, reshaped

Tensors = tuple[Operand, ...]


@op("aten.cat.default", "aten.concat.default", "aten.concatenate.default", also=NARROW)
def cat(tensors: Tensors, dim: int = 0, *, out: TensorType) -> Expr:
    """Tensors joined along an axis, in their common dtype."""
    if out.is_complex and out.rank > 1:
        # A vector without elements joins whatever the rank, of which pairs have one more.
        tensors = tuple(x for x in tensors if x.shape != (0,))
    return _cat((x.expr for x in tensors), dim % out.rank)


@op("aten.stack.default", also=NARROW)
def stack(tensors: Tensors, dim: int = 0, *, out: TensorType) -> Expr:
    """Tensors joined along a new axis, in their common dtype."""
    return Call("ops::stack", (_exprs(tensors), Number(dim % out.rank, "usize")))


@op("aten.hstack.default", also=NARROW)
def hstack(tensors: Tensors) -> Expr:
    """Joined along the second axis; vectors end to end."""
    return _cat((_at_least(x, 1) for x in tensors), 0 if tensors[0].rank < 2 else 1)


@op("aten.vstack.default", "aten.row_stack.default", also=NARROW)
def vstack(tensors: Tensors) -> Expr:
    """Joined along the first axis; vectors as rows."""
    return _cat((_at_least(x, 2) for x in tensors), 0)


@op("aten.dstack.default", also=NARROW)
def dstack(tensors: Tensors) -> Expr:
    """Joined along the third axis."""
    return _cat((_at_least(x, 3) for x in tensors), 2)


@op("aten.column_stack.default", also=NARROW)
def column_stack(tensors: Tensors) -> Expr:
    """Joined along the second axis; vectors as columns."""
    return _cat((reshaped(x, _column(x.shape)) for x in tensors), 1)


@op("aten.block_diag.default", also=NARROW)
def block_diag(tensors: Tensors) -> Expr:
    """Matrices along the diagonal of one."""
    return Call("ops::block_diag", (_exprs(tensors),))


@op("aten.meshgrid.default", "aten.meshgrid.indexing", also=NARROW)
def meshgrid(
    tensors: Tensors, *, indexing: str = "ij", out: tuple[TensorType, ...] | TensorType
) -> tuple[Expr, ...]:
    """Vectors as coordinates of a grid, each along its own axis."""
    grid = (out if isinstance(out, TensorType) else out[0]).shape
    own = list(range(len(tensors)))
    if indexing == "xy" and len(own) > 1:
        own[:2] = [1, 0]
    thin = (tuple(grid[a] if a == k else 1 for a in range(len(own))) for k in own)
    return tuple(
        Method(reshaped(x, sizes), "broadcast_as", (shape(grid),))
        for x, sizes in zip(tensors, thin, strict=True)
    )


@op("aten.cartesian_prod.default", also=NARROW)
def cartesian_prod(tensors: Tensors) -> Expr:
    """A row for each choice of one element of every vector."""
    if len(tensors) == 1:
        return tensors[0].expr
    return Call("ops::cartesian_prod", (_exprs(tensors),))


@op("aten.combinations.default", also=NARROW)
def combinations(x: Operand, r: int = 2, with_replacement: bool = False) -> Expr:
    """A row for each choice of some elements of a vector."""
    return Call("ops::combinations", (x.expr, number(r, "usize"), flag(with_replacement)))


@op("aten.repeat.default", "aten.tile.default", also=NARROW)
def repeat(x: Operand, repeats: tuple[Size, ...]) -> Expr:
    """The whole tensor several times along each axis."""
    counts = (1,) * (x.rank - len(repeats)) + repeats
    if all(count == 1 for count in counts):
        return reshaped(x, (1,) * (len(counts) - x.rank) + x.shape)
    if any(not isinstance(count, int) or count == 0 for count in counts):
        return Call("ops::repeat", (x.expr, Slice(tuple(size(count) for count in counts))))
    return Method(x.expr, "repeat", (shape(counts),))


@op("aten.repeat_interleave.self_int", also=NARROW)
def repeat_interleave(
    x: Operand, repeats: Size, dim: int | None = None, *, output_size: Size | None = None
) -> Expr:
    """Each index of an axis several times in a row."""
    source, along = _flat_without(x, dim)
    return Call("ops::repeat_interleave", (source, size(repeats), along))


@op("aten.repeat_interleave.self_Tensor", also=NARROW)
def repeat_interleave_tensor(
    x: Operand, repeats: Operand, dim: int | None = None, *, output_size: Size | None = None
) -> Expr:
    """Each index of an axis as often as a tensor says."""
    source, along = _flat_without(x, dim)
    total = Maybe(None if output_size is None else size(output_size))
    return Call("ops::repeat_interleave_tensor", (source, repeats.expr, along, total))


@op("aten.repeat_interleave.Tensor", also=NARROW)
def repeat_interleave_indices(repeats: Operand, *, output_size: Size | None = None) -> Expr:
    """Each index as often as its count says."""
    return Call("ops::repeat_interleave_indices", (repeats.expr,))


@op("aten.flip.default", also=NARROW)
def flip(x: Operand, dims: tuple[int, ...]) -> Expr:
    """The order along some axes reversed."""
    return Call("ops::flip", (x.expr, axes(x, dims))) if dims and x.rank else x.expr


@op("aten.fliplr.default", also=NARROW)
def fliplr(x: Operand) -> Expr:
    """The order of columns reversed."""
    return flip(x, (1,))


@op("aten.flipud.default", also=NARROW)
def flipud(x: Operand) -> Expr:
    """The order of rows reversed."""
    return flip(x, (0,))


@op("aten.rot90.default", also=NARROW)
def rot90(x: Operand, k: int = 1, dims: tuple[int, ...] = (0, 1)) -> Expr:
    """Turned by quarters, from the first axis towards the second."""
    if k % 4 == 0:
        return x.expr
    if k % 4 == 2:
        return flip(x, dims)
    turned = flip(x, (dims[1],) if k % 4 == 1 else (dims[0],))
    return Method(turned, "transpose", (axis(x, dims[0]), axis(x, dims[1])))


@op("aten.roll.default", also=NARROW)
def roll(x: Operand, shifts: tuple[Size, ...], dims: tuple[int, ...] = ()) -> Expr:
    """Shifted along some axes, round the end to the start; without axes as one row."""
    moves = Slice(tuple(size(s, "i64") for s in shifts))
    if dims:
        return Call("ops::roll", (x.expr, moves, axes(x, dims))) if x.rank else x.expr
    flat = Call("ops::roll", (_flat(x), moves, Slice((Number(0, "usize"),))))
    return flat if x.rank == 1 else Method(flat, "reshape", (shape(x.shape),))


@op("aten.tril.default", also=NARROW)
def tril(x: Operand, diagonal: Size = 0) -> Expr:
    """The lower triangle; zero above."""
    return Call("ops::tril", (x.expr, size(diagonal, "i64")))


@op("aten.triu.default", also=NARROW)
def triu(x: Operand, diagonal: Size = 0) -> Expr:
    """The upper triangle; zero below."""
    return Call("ops::triu", (x.expr, size(diagonal, "i64")))


def _cat(tensors: Iterator[Expr], along: int) -> Expr:
    return Call("ops::cat", (Slice(tuple(tensors)), Number(along, "usize")))


def _exprs(tensors: Tensors) -> Slice:
    return Slice(tuple(x.expr for x in tensors))


def _at_least(x: Operand, rank: int) -> Expr:
    """As `torch.atleast_1d`, 2d and 3d have it."""
    match x.shape:
        case ():
            return reshaped(x, (1,) * rank)
        case (width,) if rank > 1:
            return reshaped(x, (1, width, 1)[:rank])
        case (height, width) if rank > 2:
            return reshaped(x, (height, width, 1))
        case _:
            return x.expr


def _column(sizes: tuple[Size, ...]) -> tuple[Size, ...]:
    return sizes if len(sizes) > 1 else ((*sizes, 1) if sizes else (1, 1))


def _flat(x: Operand) -> Expr:
    return x.expr if x.rank == 1 else Method(x.expr, "flatten_all")


def _flat_without(x: Operand, dim: int | None) -> tuple[Expr, Number]:
    """The tensor and the axis; as a vector where none is named."""
    if dim is None or x.rank == 0:
        return _flat(x), Number(0, "usize")
    return x.expr, axis(x, dim)
