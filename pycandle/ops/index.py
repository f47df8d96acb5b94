"""Elements at computed places: reading by index tensors and masks, and searching for places."""

from __future__ import annotations

from pycandle.graph import Size, TensorType
from pycandle.ops.create import constant
from pycandle.ops.expr import Call, Expr, Maybe, Method, Number, Raw, Slice, flag, size
from pycandle.ops.table import NARROW, Operand, decline, number, op
from pycandle.ops.views import axis

Indices = tuple[Operand | None, ...]


@op("aten.index.Tensor", "aten._unsafe_index.Tensor", also=NARROW)
def index(x: Operand, indices: Indices) -> Expr:
    """Elements at computed indices, which broadcast together; a mask stands for where it holds."""
    return Call("ops::index", (x.expr, index_list(indices)))


@op("aten.index_select.default", also=NARROW)
def index_select(x: Operand, dim: int, index: Operand) -> Expr:
    """The slices of an axis that a vector of indices names."""
    return Call("ops::index_select", (x.expr, axis(x, dim), index.expr))


@op("aten.gather.default", also=NARROW)
def gather(x: Operand, dim: int, index: Operand, *, sparse_grad: bool = False) -> Expr:
    """Elements at their own coordinates, but along one axis at computed ones."""
    return Call("ops::gather", (x.expr, axis(x, dim), index.expr))


@op("aten.take.default", also=NARROW)
def take(x: Operand, index: Operand) -> Expr:
    """Elements by their row-major place."""
    return Call("ops::take", (x.expr, index.expr))


@op("aten.take_along_dim.default", also=NARROW)
def take_along_dim(x: Operand, indices: Operand, dim: int | None = None) -> Expr:
    """As gather, after both broadcast to each other; without an axis, of both as vectors."""
    if dim is None:
        return Call("ops::gather", (_flat(x), Number(0, "usize"), _flat(indices)))
    return Call("ops::take_along_dim", (x.expr, indices.expr, axis(x, dim)))


@op("aten.masked_select.default", also=NARROW)
def masked_select(x: Operand, mask: Operand) -> Expr:
    """The elements where a mask holds, after both broadcast to each other."""
    return Call("ops::masked_select", (x.expr, mask.expr))


@op("aten.nonzero.default", "aten.argwhere.default", also=NARROW)
def nonzero(x: Operand) -> Expr:
    """The coordinates of what is not zero, one row each."""
    return Call("ops::nonzero", (x.expr,))


@op("aten.nonzero_static.default", also=NARROW)
def nonzero_static(x: Operand, *, size: Size, fill_value: int = -1) -> Expr:
    """The coordinates of what is not zero, cut or filled up to so many rows."""
    count = _size(size)
    return Call("ops::nonzero_static", (x.expr, count, number(fill_value, "i64")))


@op("aten.one_hot.default", also=NARROW)
def one_hot(x: Operand, num_classes: int = -1) -> Expr:
    """Zeros, and a one at each class."""
    decline(num_classes == -1, "one_hot whose number of classes depends on the data",
            "give num_classes")  # fmt: skip
    return Call("ops::one_hot", (x.expr, number(num_classes, "usize", "classes")))


@op("aten.isin.Tensor_Tensor", also=NARROW)
def isin(
    elements: Operand, test_elements: Operand, *, assume_unique: bool = False, invert: bool = False
) -> Expr:
    """Whether each element is among the test elements."""
    return Call("ops::isin", (elements.expr, test_elements.expr, flag(invert)))


@op("aten.isin.Tensor_Scalar", also=NARROW)
def isin_number(
    elements: Operand, test_element: float, *, assume_unique: bool = False, invert: bool = False
) -> Expr:
    """Whether each element equals a number."""
    test = _number_beside(elements, test_element)
    return Call("ops::isin", (elements.expr, test, flag(invert)))


@op("aten.isin.Scalar_Tensor", also=NARROW)
def isin_of_number(
    element: float, test_elements: Operand, *, assume_unique: bool = False, invert: bool = False
) -> Expr:
    """Whether a number is among the test elements."""
    number = _number_beside(test_elements, element)
    return Call("ops::isin", (number, test_elements.expr, flag(invert)))


def _embedding_bag(
    weight: Operand, indices: Operand, offsets: Operand, mode: int,
    per_sample_weights: Operand | None, include_last_offset: bool, padding_idx: int | None,
) -> Expr:  # fmt: skip
    modes = ("Sum", "Mean", "Amax")
    weights = Maybe(per_sample_weights.expr if per_sample_weights else None)
    padding = Maybe(None if padding_idx is None else number(padding_idx, "i64"))
    settings = (Raw(f"ops::ScatterReduce::{modes[mode]}"), weights, flag(include_last_offset))
    tensors = (weight.expr, indices.expr, offsets.expr)
    return Call("ops::embedding_bag", (*tensors, *settings, padding))


@op("aten.embedding_bag.default", "aten.embedding_bag.padding_idx", also=NARROW)
def embedding_bag(
    weight: Operand, indices: Operand, offsets: Operand, scale_grad_by_freq: bool = False,
    mode: int = 0, sparse: bool = False, per_sample_weights: Operand | None = None,
    include_last_offset: bool = False, padding_idx: int | None = None,
) -> Expr:  # fmt: skip
    """Rows of a table, reduced to one row for each bag."""
    return _embedding_bag(
        weight, indices, offsets, mode, per_sample_weights, include_last_offset, padding_idx
    )


@op("aten._embedding_bag.default", "aten._embedding_bag_forward_only.default", also=NARROW)
def embedding_bag_forward(
    weight: Operand, indices: Operand, offsets: Operand, scale_grad_by_freq: bool = False,
    mode: int = 0, sparse: bool = False, per_sample_weights: Operand | None = None,
    include_last_offset: bool = False, padding_idx: int = -1,
) -> Expr:  # fmt: skip
    """The same; here a negative padding index is none."""
    # Sums then have a count less than bags in PyTorch.
    decline(include_last_offset and mode == 0, "_embedding_bag with include_last_offset",
            "call torch.nn.functional.embedding_bag")  # fmt: skip
    padding = padding_idx if padding_idx >= 0 else None
    return _embedding_bag(
        weight, indices, offsets, mode, per_sample_weights, include_last_offset, padding
    )


def index_list(indices: Indices) -> Slice:
    """Index tensors as an argument; `None` is a whole axis."""
    return Slice(tuple(Maybe(i.expr if i is not None else None) for i in indices))


def _number_beside(x: Operand, value: float) -> Expr:
    """A number as a tensor in which both it and the tensor's elements are exact."""
    whole = "i64" if isinstance(value, int) else "f64"
    return constant(value, TensorType(x.dtype if x.type.is_float else whole, ()))


def _size(value: Size) -> Expr:
    return size(value)


def _flat(x: Operand) -> Expr:
    return x.expr if x.rank == 1 else Method(x.expr, "flatten_all")
