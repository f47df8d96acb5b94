"""Tensors with parts replaced or added to: writing by index tensors, masks and slices."""

from __future__ import annotations

from pycandle.graph import Size, TensorType
from pycandle.ops.compare import to_dtype
from pycandle.ops.create import constant, element
from pycandle.ops.expr import Call, Expr, Method, Raw, Slice, Span, flag, shape, size
from pycandle.ops.index import Indices, index_list
from pycandle.ops.parts import bounds
from pycandle.ops.table import NARROW, Decline, Operand, number, op
from pycandle.ops.views import axis

Scalar = int | float | bool
Ranges = tuple[tuple[Size, Size], ...]

_REDUCTIONS = {
    "add": "Sum",
    "sum": "Sum",
    "multiply": "Prod",
    "prod": "Prod",
    "mean": "Mean",
    "amax": "Amax",
    "amin": "Amin",
}
# Of booleans, a sum is a disjunction and a product a conjunction.
_OF_BOOL = {"Sum": "Amax", "Prod": "Amin"}


@op("aten.scatter.src", also=NARROW)
def scatter(x: Operand, dim: int, index: Operand, src: Operand) -> Expr:
    """Elements written along an axis to computed places."""
    return Call("ops::scatter", (x.expr, axis(x, dim), index.expr, src.expr))


@op("aten.scatter.value", also=NARROW)
def scatter_value(x: Operand, dim: int, index: Operand, value: Scalar) -> Expr:
    """A number written along an axis to computed places."""
    return Call("ops::scatter", (x.expr, axis(x, dim), index.expr, _filled(x, index, value)))


@op("aten.scatter_add.default", also=NARROW)
def scatter_add(x: Operand, dim: int, index: Operand, src: Operand) -> Expr:
    """Elements added along an axis at computed places."""
    if x.dtype == "bool":
        return scatter_reduce(x, dim, index, src, "sum")
    return Call("ops::scatter_add", (x.expr, axis(x, dim), index.expr, src.expr))


@op("aten.scatter_reduce.two", also=NARROW)
def scatter_reduce(
    x: Operand, dim: int, index: Operand, src: Operand, reduce: str, *, include_self: bool = True
) -> Expr:
    """Elements reduced along an axis into computed places."""
    settings = (_reduction(x, reduce), flag(include_self))
    return Call("ops::scatter_reduce", (x.expr, axis(x, dim), index.expr, src.expr, *settings))


@op("aten.scatter.reduce", also=NARROW)
def scatter_with(x: Operand, dim: int, index: Operand, src: Operand, *, reduce: str) -> Expr:
    """Elements added or multiplied along an axis at computed places."""
    return scatter_reduce(x, dim, index, src, reduce)


@op("aten.scatter.value_reduce", also=NARROW)
def scatter_value_with(x: Operand, dim: int, index: Operand, value: Scalar, *, reduce: str) -> Expr:
    """A number added or multiplied along an axis at computed places."""
    args = (x.expr, axis(x, dim), index.expr, _filled(x, index, value))
    return Call("ops::scatter_reduce", (*args, _reduction(x, reduce), flag(True)))


@op("aten.index_add.default", also=NARROW)
def index_add(x: Operand, dim: int, index: Operand, source: Operand, *, alpha: Scalar = 1) -> Expr:
    """Slices added at the indices of an axis."""
    if x.dtype == "bool":
        return index_reduce(x, dim, index, source, "sum") if alpha else x.expr
    args = (x.expr, axis(x, dim), index.expr, source.expr)
    return Call("ops::index_add", (*args, number(alpha)))


@op("aten.index_copy.default", also=NARROW)
def index_copy(x: Operand, dim: int, index: Operand, source: Operand) -> Expr:
    """Slices written at the indices of an axis."""
    return Call("ops::index_copy", (x.expr, axis(x, dim), index.expr, source.expr))


@op("aten.index_reduce.default", also=NARROW)
def index_reduce(
    x: Operand, dim: int, index: Operand, source: Operand, reduce: str, *,
    include_self: bool = True,
) -> Expr:  # fmt: skip
    """Slices reduced into the indices of an axis."""
    args = (x.expr, axis(x, dim), index.expr, source.expr)
    return Call("ops::index_reduce", (*args, _reduction(x, reduce), flag(include_self)))


@op("aten.index_fill.int_Scalar", also=NARROW)
def index_fill(x: Operand, dim: int, index: Operand, value: Scalar) -> Expr:
    """A number written at the indices of an axis."""
    filling = constant(value, TensorType(x.dtype, ()))
    return Call("ops::index_fill", (x.expr, axis(x, dim), index.expr, filling))


@op("aten.index_fill.int_Tensor", also=NARROW)
def index_fill_tensor(x: Operand, dim: int, index: Operand, value: Operand) -> Expr:
    """A tensor without axes written at the indices of an axis."""
    args = (x.expr, axis(x, dim), index.expr)
    return Call("ops::index_fill", (*args, converted(value, x.dtype)))


@op("aten.index_put.default", "aten._unsafe_index_put.default", also=NARROW)
def index_put(x: Operand, indices: Indices, values: Operand, accumulate: bool = False) -> Expr:
    """Elements written, or added, at computed indices and where masks hold."""
    if accumulate and x.dtype == "bool":
        raise Decline("index_put that adds booleans", "convert them with .long()")
    args = (x.expr, index_list(indices), converted(values, x.dtype))
    return Call("ops::index_put", (*args, flag(accumulate)))


@op("aten.copy.default", also=NARROW)
def copy(x: Operand, src: Operand, non_blocking: bool = False) -> Expr:
    """Another tensor's elements, broadcast, in this one's dtype."""
    source = converted(src, x.dtype)
    return source if src.shape == x.shape else Method(source, "broadcast_as", (shape(x.shape),))


@op("aten.fill.Tensor", also=NARROW)
def fill(x: Operand, value: Operand) -> Expr:
    """A tensor without axes everywhere."""
    return copy(x, value)


@op("aten.masked_scatter.default", also=NARROW)
def masked_scatter(x: Operand, mask: Operand, source: Operand) -> Expr:
    """The first elements of a tensor, in order, where a mask holds."""
    return Call("ops::masked_scatter", (x.expr, mask.expr, source.expr))


@op("aten.slice_scatter.default", also=NARROW)
def slice_scatter(
    x: Operand, src: Operand, dim: int = 0, start: Size | None = None, end: Size | None = None,
    step: Size = 1,
) -> Expr:  # fmt: skip
    """A tensor with a range of one axis replaced."""
    args = (x.expr, converted(src, x.dtype), axis(x, dim))
    return Call("ops::slice_scatter", (*args, *bounds(x, x.axis(dim), start, end, step)))


@op("rt.slice_assign", also=NARROW)
def slice_assign(x: Operand, src: Operand, ranges: Ranges) -> Expr:
    """A tensor with a range of every axis replaced, as `x[a:b, c:d] = src` does it."""
    return Method(x.expr, "slice_assign", (_spans(ranges), src.expr))


@op("rt.slice_fill", also=NARROW)
def slice_fill(x: Operand, ranges: Ranges, value: bool | float) -> Expr:
    """A tensor with one number in a range of every axis, as `x[a:b, c:d] = 2` does it."""
    fits = float(value) if x.type.is_float else element(value, x.dtype)
    filling = number(fits, "f64" if x.type.is_float else "i64", "number")
    return Call("ops::slice_fill", (x.expr, _spans(ranges), filling))


def _spans(ranges: Ranges) -> Slice:
    return Slice(tuple(Span(size(start), size(end)) for start, end in ranges))


@op("aten.select_scatter.default", also=NARROW)
def select_scatter(x: Operand, src: Operand, dim: int, index: Size) -> Expr:
    """A tensor with one index of an axis replaced."""
    args = (x.expr, converted(src, x.dtype), axis(x, dim))
    return Call("ops::select_scatter", (*args, size(index, "i64")))


@op("aten.diagonal_scatter.default", also=NARROW)
def diagonal_scatter(
    x: Operand, src: Operand, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Expr:
    """A tensor with the diagonal of two axes replaced."""
    args = (x.expr, converted(src, x.dtype), number(offset, "i64"))
    return Call("ops::diagonal_scatter", (*args, axis(x, dim1), axis(x, dim2)))


def converted(x: Operand, dtype: str) -> Expr:
    """The tensor in another dtype, if it is not of that one."""
    return x.expr if x.dtype == dtype else to_dtype(x, dtype, out=TensorType(dtype, x.shape))


def _filled(x: Operand, index: Operand, value: Scalar) -> Expr:
    return constant(value, TensorType(x.dtype, index.shape))


def _reduction(x: Operand, reduce: str) -> Raw:
    name = _REDUCTIONS[reduce]
    return Raw(f"ops::ScatterReduce::{_OF_BOOL.get(name, name) if x.dtype == 'bool' else name}")
