"""Shape, order and parts of complex tensors, and new ones.

Their elements are pairs in Rust, along a last axis that a graph's shapes do not have: a shape gets
a 2 at its end, and an axis counted from the front is what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps
from typing import Any, cast

from pycandle.graph import PARTS, Arg, Size, TensorType
from pycandle.ops import index, join, parts, scatter, views
from pycandle.ops import pad as pads
from pycandle.ops.complex import Scalar, lifted
from pycandle.ops.create import candle_dtype
from pycandle.ops.expr import (
    Call,
    DeviceOf,
    Expr,
    Method,
    Number,
    Slice,
    Tuple,
    Var,
    shape,
    walk,
)
from pycandle.ops.table import Decline, Operand, complex_op, decline, entries

Widths = tuple[Size, ...]


@complex_op("aten.zeros.default", "aten.new_zeros.default", "aten.zeros_like.default")
def zeros(*args: Arg | Operand, dtype: str | None = None, out: TensorType) -> Expr:
    """A tensor of zeros."""
    _decline_real(out)
    part = candle_dtype(PARTS[out.dtype])
    return Call("Tensor::zeros", (shape(out.stored.shape), part, DeviceOf()))


@complex_op("aten.ones.default", "aten.new_ones.default", "aten.ones_like.default")
def ones(*args: Arg | Operand, dtype: str | None = None, out: TensorType) -> Expr:
    """A tensor of ones."""
    return _filled(1, out)


@complex_op(
    "aten.full.default", "aten.full_like.default", "aten.new_full.default",
    "aten.fill.Scalar", "aten.scalar_tensor.default",
)  # fmt: skip
def full(*args: Any, dtype: str | None = None, out: TensorType) -> Expr:
    """A tensor of one value."""
    value = args[-1]
    decline(isinstance(value, (Operand, tuple, str)), "a fill value that depends on the data",
            "use torch.where")  # fmt: skip
    return _filled(value, out)


def _decline_real(out: TensorType) -> None:
    decline(not out.is_complex, f"a tensor of {out.dtype} in the likeness of a complex one",
            "give its shape: torch.full(x.shape, ...)")  # fmt: skip


def _filled(value: Scalar, out: TensorType) -> Expr:
    _decline_real(out)
    return Method(lifted(value, out.dtype), "broadcast_as", (shape(out.stored.shape),))


@complex_op("aten.pad.default")
def padded(x: Operand, pad: Widths, mode: str = "constant", value: Scalar | None = None) -> Expr:
    """Padded before and after the last axis, then the one before it, and so on."""
    decline(value not in (None, 0), f"padding complex numbers with {value}", "pad with zeros")
    return pads.padded(Operand(x.expr, x.type.stored), (0, 0, *pad), mode)


@complex_op("aten.constant_pad_nd.default")
def constant_pad_nd(x: Operand, pad: Widths, value: Scalar = 0) -> Expr:
    """Padded with a constant."""
    return padded(x, pad, value=value)


@complex_op("aten.adjoint.default", "aten.mH.default", "aten.matrix_H.default")
def adjoint(x: Operand) -> Expr:
    """The last two axes exchanged, and conjugated."""
    return _exchanged(Call("ops::complex::conj", (x.expr,)), x.rank)


@complex_op("aten.mT.default")
def matrix_transpose(x: Operand) -> Expr:
    """The last two axes exchanged."""
    return _exchanged(x.expr, x.rank)


def _exchanged(x: Expr, rank: int) -> Expr:
    if rank < 2:
        return x
    return Method(x, "transpose", (Number(rank - 2, "usize"), Number(rank - 1, "usize")))


# Ops that only move elements, by the family that lowers them. Their other tensors are indices, or
# complex of the same dtype.
_MOVERS = {
    index: "_unsafe_index.Tensor index.Tensor index_select.default",
    join: """
        cat.default column_stack.default concat.default concatenate.default dstack.default
        flip.default fliplr.default flipud.default hstack.default meshgrid.default
        meshgrid.indexing repeat.default repeat_interleave.self_int roll.default rot90.default
        row_stack.default stack.default tile.default vstack.default
    """,
    parts: """
        chunk.default narrow.default narrow_copy.default select.int select_copy.int slice.Tensor
        slice_copy.Tensor split.Tensor split.sizes split_copy.Tensor split_with_sizes.default
        split_with_sizes_copy.default tensor_split.indices tensor_split.sections unbind.int
        unbind_copy.int unsafe_chunk.default unsafe_split.Tensor unsafe_split_with_sizes.default
    """,
    scatter: """
        _unsafe_index_put.default copy.default index_copy.default index_put.default
        select_scatter.default slice_scatter.default
    """,
    views: """
        _reshape_copy.default _unsafe_view.default alias.default alias_copy.default
        atleast_1d.default atleast_2d.default atleast_3d.default broadcast_tensors.default
        broadcast_to.default clone.default contiguous.default detach.default detach_copy.default
        expand.default expand_as.default expand_copy.default flatten.using_ints
        lift_fresh_copy.default moveaxis.int moveaxis.intlist movedim.int
        movedim.intlist numpy_T.default permute.default permute_copy.default ravel.default
        reshape.default reshape_as.default squeeze.default squeeze.dim squeeze.dims
        squeeze_copy.default squeeze_copy.dim squeeze_copy.dims swapaxes.default swapdims.default
        t.default t_copy.default transpose.int transpose_copy.int unflatten.int unsqueeze.default
        unsqueeze_copy.default view.default view_as.default view_copy.default
    """,
}
# What a mover's expression may hold: these take axes counted from the front, or indices.
_METHODS = frozenset({"contiguous", "get_on_dim", "narrow", "squeeze", "transpose", "unsqueeze"})
_FUNCTIONS = frozenset(
    f"ops::{name}"
    for name in (
        "cat", "flip", "index", "index_copy", "index_put", "index_select", "repeat_interleave",
        "roll", "select", "select_scatter", "slice", "slice_scatter", "stack",
    )
)  # fmt: skip


def _mover(name: str) -> None:
    function = entries()[name].function

    @complex_op(name)
    @wraps(function)
    def moved(*args: Any, **kwargs: Any) -> Any:
        operands = list(_operands(args))
        dtypes = {operand.dtype for operand in operands} - {"i64", "bool"}
        decline(len(dtypes) > 1, f"{' and '.join(sorted(dtypes))} together",
                "convert them to one dtype")  # fmt: skip
        single = any(operand.type.is_complex and operand.rank == 0 for operand in operands)
        decline(single and ".index_" in name, "indices into one complex number", "use reshape(1)")
        pairs = {operand.expr for operand in operands if operand.type.is_complex}
        result = function(*args, **kwargs)
        if isinstance(result, tuple):
            return tuple(_of_pairs(expr, pairs) for expr in cast("tuple[Expr, ...]", result))
        return _of_pairs(result, pairs)


def _operands(args: tuple[Any, ...]) -> Iterator[Operand]:
    for arg in args:
        if isinstance(arg, Operand):
            yield arg
        elif isinstance(arg, tuple):
            yield from _operands(cast("tuple[Any, ...]", arg))


def _of_pairs(expr: Expr, pairs: set[Var]) -> Expr:
    """A mover's expression where the elements of some values are pairs.

    Declines what may not move pairs.
    """
    if not any(part in pairs for part in walk(expr) if isinstance(part, Var)):
        return expr
    match expr:
        case Var():
            return expr
        case Slice(items=items):
            return Slice(tuple(_of_pairs(item, pairs) for item in items))
        case Method(receiver=x, name="reshape" | "broadcast_as" as name, args=(sizes,)):
            return Method(_of_pairs(x, pairs), name, (_with(sizes, 2),))
        case Method(receiver=x, name="repeat", args=(counts,)):
            return Method(_of_pairs(x, pairs), "repeat", (_with(counts, 1),))
        case Method(receiver=x, name="permute", args=(Tuple(items=axes) as order,)):
            return Method(_of_pairs(x, pairs), "permute", (_with(order, len(axes)),))
        case Call(path="ops::permute", args=(x, Slice(items=axes) as order)):
            return Call("ops::permute", (_of_pairs(x, pairs), _with(order, len(axes))))
        case Method(receiver=x, name="t", args=()):
            axes = (Number(0, "usize"), Number(1, "usize"))
            return Method(_of_pairs(x, pairs), "transpose", axes)
        case Method(receiver=x, name=name) if name in _METHODS:
            return Method(_of_pairs(x, pairs), name, expr.args)
        case Call(path=path) if path in _FUNCTIONS:
            return Call(path, tuple(_of_pairs(arg, pairs) for arg in expr.args))
        case _:
            raise Decline("a complex tensor", "use view_as_real")


def _with(sizes: Expr, last: int) -> Expr:
    """A shape, or an order of axes, with one more at its end."""
    items = sizes.items if isinstance(sizes, (Tuple, Slice)) else (sizes,)
    items = (*items, Number(last, "usize"))
    return Tuple(items) if len(items) <= 6 else Slice(items)


for _name in (f"aten.{name}" for names in _MOVERS.values() for name in names.split()):
    _mover(_name)
