"""Shape, order and parts of complex tensors, and new ones.

Their elements are pairs in Rust, along a last axis that a graph's shapes do not have: a shape gets
a 2 at its end, and an axis counted from the front is what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps
from itertools import chain
from typing import Any, cast

from pycandle.graph import PARTS, Arg, TensorType
from pycandle.ops import views
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
    is_tensor,
    shape,
)
from pycandle.ops.table import Decline, Operand, complex_op, decline, entries


@complex_op("aten.zeros.default", "aten.new_zeros.default", "aten.zeros_like.default")
def zeros(*args: Arg | Operand, dtype: str | None = None, out: TensorType) -> Expr:
    """A tensor of zeros."""
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


def _filled(value: Scalar, out: TensorType) -> Expr:
    return Method(lifted(value, out.dtype), "broadcast_as", (shape(out.stored.shape),))


# Ops that only move elements, by the family that lowers them. Their other tensors are indices, or
# complex of the same dtype.
_MOVERS = {
    views: (
        "aten.cat.default",
        "aten.chunk.default",
        "aten.clone.default",
        "aten.contiguous.default",
        "aten.expand.default",
        "aten.expand_as.default",
        "aten.flatten.using_ints",
        "aten.index.Tensor",
        "aten.permute.default",
        "aten.reshape.default",
        "aten.reshape_as.default",
        "aten.select.int",
        "aten.slice.Tensor",
        "aten.split.Tensor",
        "aten.split_with_sizes.default",
        "aten.squeeze.dim",
        "aten.stack.default",
        "aten.t.default",
        "aten.transpose.int",
        "aten.unbind.int",
        "aten.unflatten.int",
        "aten._unsafe_view.default",
        "aten.unsqueeze.default",
        "aten.view.default",
        "aten.view_as.default",
    ),
}
# What a mover's expression may hold: these take axes counted from the front, or indices.
_METHODS = frozenset({"contiguous", "narrow", "squeeze", "transpose", "unsqueeze"})
_FUNCTIONS = frozenset(
    f"ops::{name}" for name in ("cat", "flip", "index", "index_select", "roll", "slice", "stack")
)


def _mover(name: str) -> None:
    function = entries()[name].function

    @complex_op(name)
    @wraps(function)
    def moved(*args: Any, **kwargs: Any) -> Any:
        dtypes = {part.dtype for part in _operands(args)} - {"i64", "bool"}
        decline(len(dtypes) > 1, f"{' and '.join(sorted(dtypes))} together",
                "convert them to one dtype")  # fmt: skip
        result = function(*args, **kwargs)
        if isinstance(result, tuple):
            return tuple(map(_of_pairs, cast("tuple[Expr, ...]", result)))
        return _of_pairs(result)


def _operands(args: tuple[Any, ...]) -> Iterator[Operand]:
    for arg in args:
        if isinstance(arg, Operand):
            yield arg
        elif isinstance(arg, tuple):
            yield from _operands(cast("tuple[Any, ...]", arg))


def _of_pairs(expr: Expr) -> Expr:
    """A mover's expression where each element is a pair. Declines what may not move pairs."""
    match expr:
        case Method(receiver=x, name="reshape" | "broadcast_as" as name, args=(sizes,)):
            return Method(_of_pairs(x), name, (_with(sizes, 2),))
        case Method(receiver=x, name="permute", args=(Tuple(items=axes) as order,)):
            return Method(_of_pairs(x), "permute", (_with(order, len(axes)),))
        case Method(receiver=x, name="t", args=()):
            axes = (Number(0, "usize"), Number(1, "usize"))
            return Method(_of_pairs(x), "transpose", axes)
        case Method(receiver=x, name=name) if name in _METHODS:
            return Method(_of_pairs(x), name, expr.args)
        case Call(path=path) if path in _FUNCTIONS:
            return Call(path, tuple(map(_of_pairs_if_tensor, expr.args)))
        case Var():
            return expr
        case _:
            raise Decline("a complex tensor", "use view_as_real")


def _of_pairs_if_tensor(arg: Expr) -> Expr:
    return _of_pairs(arg) if is_tensor(arg) else arg


def _with(sizes: Expr, last: int) -> Expr:
    """A shape, or an order of axes, with one more at its end."""
    items = sizes.items if isinstance(sizes, (Tuple, Slice)) else (sizes,)
    items = (*items, Number(last, "usize"))
    return Tuple(items) if len(items) <= 6 else Slice(items)


for _name in chain.from_iterable(_MOVERS.values()):
    _mover(_name)
