"""Writes an index form as nodes: the inverse of `index_forms`, in its shortest spelling.

It knows how to say a formula, not when that is worth it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pycandle.graph import Arg, DType, Graph, Node, Ref, Size, TensorType, Value
from pycandle.graph.dim import Dim, substitute, symbol, terms_of
from pycandle.passes.forms import (
    AtLeastZero,
    Both,
    Element,
    Form,
    Negated,
    depends_on,
    index,
    names_in,
)


@dataclass(frozen=True, slots=True)
class Made:
    """A value that says a form: one that is there already, or the last of new nodes."""

    value: Value
    nodes: tuple[Node, ...]


def materialise(graph: Graph, name: str, form: Form, broadcast: bool) -> Made | None:
    """A value equal to `name`, made from its form; None where the form has no spelling.

    With `broadcast` the result may have size 1 on axes along which it does not change.
    """
    writer = _Writer(graph, name)
    if isinstance(form, int) and not isinstance(form, bool) and not broadcast:
        made = writer.constant(form, writer.type.shape)
    else:
        made = writer.write(form)
    if made is not None and not broadcast and made.type.shape != writer.type.shape:
        made = writer.add("aten.expand.default", (Ref(made.name), writer.type.shape), writer.type)
    return None if made is None else Made(made, tuple(writer.nodes))


def node_count(graph: Graph, forms: Mapping[str, Form], name: str) -> int:
    """How many nodes with a form a value is made of: what a new spelling must beat."""
    seen: set[str] = set()
    pending = [name]
    while pending:
        current = pending.pop()
        if current not in seen and current in forms:
            seen.add(current)
            pending += graph.producers[current].inputs
    return len(seen)


class _Writer:
    """Collects the nodes that spell one form; they stand where the old value's node stood."""

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph = graph
        self.name = name
        self.place = graph.producers[name]
        self.type = graph.types[name]
        self.nodes: list[Node] = []

    def add(self, op: str, args: tuple[Arg, ...], type_: TensorType, **kwargs: Arg) -> Value:
        place = self.place
        out = Value(self.graph.fresh(f"{self.name}_form", len(self.nodes)), type_)
        self.nodes.append(
            Node(op, args, tuple(kwargs.items()), (out,), place.region, place.source, place.targets)
        )
        return out

    def write(self, form: Form) -> Value | None:
        match form:
            case bool():
                return self.add(
                    "aten.full.default", (self.type.shape, form), self.type, dtype=DType("bool")
                )
            case AtLeastZero(size=size):
                return self._causal(form) or self._comparison(size)
            case Element():
                return self._element(form)
            case Both(parts=parts):
                return self._conjunction(parts)
            case Negated(part=part):
                made = self.write(part)
                if made is None:
                    return None
                return self.add("aten.bitwise_not.default", (Ref(made.name),), made.type)
            case _:
                return self._integer(form)

    @property
    def _counted(self) -> str:
        """The dtype of numbers: that of the value, where it is none of bools itself."""
        return self.type.dtype if self.type.dtype != "bool" else "i64"

    def constant(self, number: Size, shape: tuple[Size, ...]) -> Value:
        """A tensor of one number."""
        type_ = TensorType(self._counted, shape)
        return self.add("aten.full.default", (shape, number), type_, dtype=DType(type_.dtype))

    def _conjunction(self, parts: tuple[Form, ...]) -> Value | None:
        result = self._sliding(parts)
        if result is not None:
            parts = tuple(p for p in parts if p != self._past and self._window(p) is None)
        for part in parts:
            made = self.write(part)
            if made is None:
                return None
            result = made if result is None else self._join("aten.bitwise_and.Tensor", result, made)
        return result

    def _join(self, op: str, left: Value, right: Value, dtype: str = "bool") -> Value:
        """An op of two values that broadcast."""
        pairs = zip(left.type.shape, right.type.shape, strict=True)
        type_ = TensorType(dtype, tuple(b if a == 1 else a for a, b in pairs))
        return self.add(op, (Ref(left.name), Ref(right.name)), type_)

    def _element(self, form: Element) -> Value | None:
        """An opaque tensor, its axes moved apart by axes of size 1."""
        source = self.graph.types[form.value]
        axes: list[int] = []
        for place, size in zip(form.indices, source.shape, strict=True):
            axis = self._plain_axis(place)
            if place == 0 and size == 1:
                continue
            if axis is None or self.type.shape[axis] != size:
                return None
            axes.append(axis)
        if axes != sorted(set(axes)):
            return None
        shape = tuple(s if a in axes else 1 for a, s in enumerate(self.type.shape))
        if shape == source.shape:
            return Value(form.value, source)
        return self.add("aten.view.default", (Ref(form.value), shape), TensorType("bool", shape))

    def _plain_axis(self, place: Size) -> int | None:
        for axis in range(self.type.rank):
            if place == symbol(index(axis)):
                return axis
        return None

    @property
    def _past(self) -> AtLeastZero | None:
        """`key <= query` in a mask of attention, where the queries are the last positions."""
        if self.type.rank != 4:
            return None
        queries, keys = self.type.shape[2:]
        return AtLeastZero(keys - queries + symbol(index(2)) - symbol(index(3)))

    def _window(self, form: Form) -> int | None:
        """How many keys a query sees, its own and those before it, if that is what it says."""
        past = self._past
        if past is None or not isinstance(form, AtLeastZero):
            return None
        window = form.size + past.size + 1
        return window if isinstance(window, int) and window > 0 else None

    def _causal(self, form: AtLeastZero) -> Value | None:
        """A mask of attention by positions alone."""
        return self._mask("rt.causal_mask") if form == self._past else None

    def _sliding(self, parts: tuple[Form, ...]) -> Value | None:
        """A mask of attention to the last positions alone, if two of the parts say that."""
        windows = [window for part in parts if (window := self._window(part)) is not None]
        if self._past not in parts or len(windows) != 1:
            return None
        return self._mask("rt.sliding_window_mask", windows[0])

    def _mask(self, op: str, *numbers: int) -> Value:
        shape = self.type.shape[2:]
        return self.add(op, (*shape, *numbers), TensorType("bool", (1, 1, *shape)))

    def _comparison(self, size: Size) -> Value | None:
        """`size >= 0`, with what counts up on the left and what counts down on the right."""
        left: Size = 0
        right: Size = 0
        for part in _terms(size):
            if isinstance(part, Dim) and terms_of(part)[0][1] < 0:
                right = right - part
            else:
                left = left + part
        greater, smaller = self._integer(left), self._integer(right)
        if greater is None or smaller is None:
            return None
        return self._join("aten.ge.Tensor", greater, smaller)

    def _integer(self, form: Size) -> Value | None:
        """A constant, or a sum of even counts along single axes."""
        varying = [axis for axis in range(self.type.rank) if depends_on(form, axis)]
        if not varying:
            return self.constant(form, (1,) * self.type.rank)
        dtype = self._counted
        start = substitute(form, {index(a): 0 for a in varying})
        total: Value | None = None
        for axis in varying:
            step = _step(form, axis)
            if step is None:
                return None
            part = self._count(axis, start, step, dtype)
            total = part if total is None else self._join("aten.add.Tensor", total, part, dtype)
            start = 0
        return total

    def _count(self, axis: int, start: Size, step: Size, dtype: str) -> Value:
        length = self.type.shape[axis]
        numbers = (start, start + step * length, step)
        line = TensorType(dtype, (length,))
        made = self.add("aten.arange.start_step", numbers, line, dtype=DType(dtype))
        shape = tuple(length if a == axis else 1 for a in range(self.type.rank))
        if self.type.rank == 2:
            type_ = TensorType(dtype, shape)
            return self.add("aten.unsqueeze.default", (Ref(made.name), 1 - axis), type_)
        if shape != (length,):
            type_ = TensorType(dtype, shape)
            return self.add("aten.view.default", (Ref(made.name), shape), type_)
        return made


def _step(form: Size, axis: int) -> Size | None:
    """The constant factor of an index, if the form is affine in it."""
    step: Size = 0
    for monomial, factor in terms_of(form):
        if index(axis) not in names_in(monomial):
            continue
        if monomial != (index(axis),):
            return None
        step = step + factor
    return step


def _terms(size: Size) -> Iterator[Size]:
    for monomial, factor in terms_of(size):
        yield Dim(((monomial, factor),)) if monomial else factor
