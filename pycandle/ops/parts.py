"""Parts of tensors at places that are known before they run: slices, single indices, splits."""

from __future__ import annotations

from pycandle.graph import Arg, Dim, Size, TensorType
from pycandle.graph.dim import Opaque, terms_of
from pycandle.ops.expr import Call, Expr, Method, Number, size
from pycandle.ops.table import NARROW, Operand, decline, op
from pycandle.ops.views import axis

Outputs = tuple[TensorType, ...] | TensorType

# torch writes its largest integer for the end of an axis.
_END = 2**63 - 1


@op("aten.slice.Tensor", "aten.slice_copy.Tensor", also=NARROW)
def slice_(
    x: Operand, dim: int = 0, start: Size | None = None, end: Size | None = None,
    step: Size = 1, *, out: TensorType,
) -> Expr:  # fmt: skip
    """A range of one axis."""
    along, length = x.axis(dim), out.shape[x.axis(dim)]
    begin = _from_front(start if start is not None else 0, x.shape[along])
    if step == 1 and (plain(begin) or begin + length == x.shape[along]):
        return narrowed(x, along, begin, length)
    return Call("ops::slice", (x.expr, axis(x, dim), *bounds(x, along, start, end, step)))


@op("aten.select.int", "aten.select_copy.int", also=NARROW)
def select(x: Operand, dim: int, index: Size) -> Expr:
    """One index of an axis, without the axis."""
    place = _from_front(index, x.shape[x.axis(dim)], clamp=False)
    if isinstance(index, Dim) and not plain(place):
        return Call("ops::select", (x.expr, axis(x, dim), size(index, "i64")))
    if 0 in x.shape:
        # Candle would read from an offset into memory that holds nothing.
        place = 0
    return Method(x.expr, "get_on_dim", (axis(x, dim), size(place)))


@op("aten.narrow.default", "aten.narrow_copy.default", also=NARROW)
def narrow(x: Operand, dim: int, start: Size, length: Size) -> Expr:
    """So many indices of an axis from a start on."""
    begin = _from_front(start, x.shape[x.axis(dim)], clamp=False)
    decline(isinstance(start, Dim) and not plain(begin), f"narrow that starts at {start}",
            "slice it: x[start:end]")  # fmt: skip
    return narrowed(x, x.axis(dim), begin, length)


@op(
    "aten.split.Tensor",
    "aten.split.sizes",
    "aten.split_copy.Tensor",
    "aten.split_with_sizes.default",
    "aten.split_with_sizes_copy.default",
    "aten.unsafe_split.Tensor",
    "aten.unsafe_split_with_sizes.default",
    "aten.chunk.default",
    "aten.unsafe_chunk.default",
    "aten.tensor_split.sections",
    also=NARROW,
)
def split(x: Operand, sizes: Arg, dim: int = 0, *, out: Outputs) -> tuple[Expr, ...]:
    """Consecutive parts of one axis."""
    along = x.axis(dim)
    parts: list[Expr] = []
    start: Size = 0
    for part in _each(out):
        parts.append(narrowed(x, along, start, part.shape[along], "start"))
        start = start + part.shape[along]
    return tuple(parts)


@op("aten.hsplit.int", "aten.hsplit.array", also=NARROW)
def hsplit(x: Operand, sections: Arg, *, out: Outputs) -> tuple[Expr, ...]:
    """Parts of the second axis, or of a vector."""
    return _split_at(x, sections, 0 if x.rank == 1 else 1, out)


@op("aten.vsplit.int", "aten.vsplit.array", also=NARROW)
def vsplit(x: Operand, sections: Arg, *, out: Outputs) -> tuple[Expr, ...]:
    """Parts of the first axis."""
    return _split_at(x, sections, 0, out)


@op("aten.dsplit.int", "aten.dsplit.array", also=NARROW)
def dsplit(x: Operand, sections: Arg, *, out: Outputs) -> tuple[Expr, ...]:
    """Parts of the third axis."""
    return _split_at(x, sections, 2, out)


@op("aten.tensor_split.indices", also=NARROW)
def tensor_split(
    x: Operand, indices: tuple[Size, ...], dim: int = 0, *, out: Outputs
) -> tuple[Expr, ...]:
    """The parts between places of one axis, which may overlap."""
    along = x.axis(dim)
    starts = (0, *(_from_front(place, x.shape[along]) for place in indices))
    decline(not all(isinstance(s, int) or plain(s) for s in starts),
            "tensor_split at places that may be negative", "count them from the front")  # fmt: skip
    parts = zip(starts, _each(out), strict=True)
    return tuple(narrowed(x, along, start, part.shape[along]) for start, part in parts)


@op("aten.unbind.int", "aten.unbind_copy.int", also=NARROW)
def unbind(x: Operand, dim: int = 0, *, out: Outputs) -> tuple[Expr, ...]:
    """Every index of an axis, each without the axis."""
    return tuple(select(x, dim, index) for index in range(len(_each(out))))


def narrowed(x: Operand, along: int, start: Size, length: Size, label: str = "size") -> Expr:
    """So many indices of an axis, which it has; the label says what the start is."""
    if start == 0 and length == x.shape[along]:
        return x.expr
    if 0 in x.shape:
        # Candle would read from an offset into memory that holds nothing.
        start = 0
    return Method(
        x.expr, "narrow", (Number(along, "usize"), size(start, label=label), size(length))
    )


def bounds(
    x: Operand, along: int, start: Size | None, end: Size | None, step: Size
) -> tuple[Expr, ...]:
    """The arguments of a slice in Python's sense."""
    decline(not isinstance(step, int), "a slice with a symbolic step", "use a constant")
    last = x.shape[along] if end is None or end == _END else end
    return size(start if start is not None else 0, "i64"), size(last, "i64"), size(step)


def plain(value: Size) -> bool:
    """Whether a size is sums and products alone, which cannot go below zero."""
    return all(
        factor >= 0
        and all(not isinstance(a, Opaque) or (plain(a.left) and plain(a.right)) for a in monomial)
        for monomial, factor in terms_of(value)
    )


def _from_front(place: Size, length: Size, *, clamp: bool = True) -> Size:
    """A constant place counted from the front, and inside the axis where that can be known."""
    if isinstance(place, int) and place < 0:
        place = place + length
    if clamp and isinstance(place, int):
        place = max(place, 0)
        if isinstance(length, int):
            place = min(place, length)
    return place


def _split_at(x: Operand, sections: Arg, dim: int, out: Outputs) -> tuple[Expr, ...]:
    if isinstance(sections, tuple):
        return tensor_split(x, sections, dim, out=out)  # type: ignore[reportArgumentType]
    return split(x, sections, dim, out=out)


def _each(out: Outputs) -> tuple[TensorType, ...]:
    return (out,) if isinstance(out, TensorType) else out
