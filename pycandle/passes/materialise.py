"""Writes an index form as nodes: the inverse of `index_forms`, in its shortest spelling.

It knows how to say a formula, not when that is worth it.
"""

from __future__ import annotations

from collections.abc import Iterator

from pycandle.graph import Arg, DType, Graph, Node, Ref, Size, TensorType, Value
from pycandle.graph.dim import Dim, substitute, symbol, symbols, terms_of
from pycandle.passes.forms import AtLeastZero, Both, Element, Form, Negated, depends_on, index


def materialise(graph: Graph, name: str, form: Form, broadcast: bool) -> list[Node] | None:
    """Nodes whose last gives the value `name` anew; None where the form has no spelling.

    With `broadcast` the result may have size 1 on axes along which it does not change.
    """
    writer = _Writer(graph, name)
    made = writer.write(form)
    if made is None:
        return None
    wanted = writer.type
    if not broadcast and writer.nodes[-1].out.type.shape != wanted.shape:
        writer.add("aten.expand.default", (Ref(made), wanted.shape), wanted)
    return writer.nodes


class _Writer:
    """Collects the nodes that spell one form; they stand where the old value's node stood."""

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph = graph
        self.name = name
        self.place = graph.producers[name]
        self.type = graph.types[name]
        self.nodes: list[Node] = []

    def add(self, op: str, args: tuple[Arg, ...], type_: TensorType, **kwargs: Arg) -> str:
        place = self.place
        out = Value(_fresh(self.graph, f"{self.name}_form", len(self.nodes)), type_)
        self.nodes.append(
            Node(op, args, tuple(kwargs.items()), (out,), place.region, place.source, place.targets)
        )
        return out.name

    def write(self, form: Form) -> str | None:
        match form:
            case bool():
                return self.add(
                    "aten.full.default", (self.type.shape, form), self.type, dtype=DType("bool")
                )
            case AtLeastZero(size=size):
                return self._comparison(size)
            case Element():
                return self._element(form)
            case Both(parts=parts):
                return self._conjunction(parts)
            case Negated(part=part):
                made = self.write(part)
                if made is None:
                    return None
                return self.add("aten.bitwise_not.default", (Ref(made),), self.nodes[-1].out.type)
            case _:
                return self._integer(form)

    def _conjunction(self, parts: tuple[Form, ...]) -> str | None:
        result: tuple[str, TensorType] | None = None
        for part in parts:
            made = self.write(part)
            if made is None:
                return None
            type_ = self.nodes[-1].out.type
            if result is not None:
                type_ = TensorType("bool", _broadcast(result[1].shape, type_.shape))
                made = self.add("aten.bitwise_and.Tensor", (Ref(result[0]), Ref(made)), type_)
            result = (made, type_)
        return result[0] if result else None

    def _element(self, form: Element) -> str | None:
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
        return self.add("aten.view.default", (Ref(form.value), shape), TensorType("bool", shape))

    def _plain_axis(self, place: Size) -> int | None:
        for axis in range(self.type.rank):
            if place == symbol(index(axis)):
                return axis
        return None

    def _comparison(self, size: Size) -> str | None:
        """`size >= 0`, with what counts up on the left and what counts down on the right."""
        left: Size = 0
        right: Size = 0
        for part in _terms(size):
            if isinstance(part, Dim) and terms_of(part)[0][1] < 0:
                right = right - part
            else:
                left = left + part
        made = [self._integer(left), self._integer(right)]
        if made[0] is None or made[1] is None:
            return None
        types = {node.out.name: node.out.type for node in self.nodes}
        shape = _broadcast(types[made[0]].shape, types[made[1]].shape)
        return self.add("aten.ge.Tensor", (Ref(made[0]), Ref(made[1])), TensorType("bool", shape))

    def _integer(self, form: Size) -> str | None:
        """A constant, or a sum of even counts along single axes."""
        varying = [axis for axis in range(self.type.rank) if depends_on(form, axis)]
        dtype = self.type.dtype if self.type.dtype != "bool" else "i64"
        if not varying:
            shape = (1,) * self.type.rank
            return self.add(
                "aten.full.default", (shape, form), TensorType(dtype, shape), dtype=DType(dtype)
            )
        total: str | None = None
        shape: tuple[Size, ...] = ()
        rest = form
        for place, axis in enumerate(varying):
            step = _step(form, axis)
            if step is None:
                return None
            part = symbol(index(axis)) * step
            rest = rest - part
            start = substitute(form, {index(a): 0 for a in varying}) if place == 0 else 0
            made, own = self._count(axis, start, step, dtype)
            if total is not None:
                shape = _broadcast(shape, own)
                made = self.add(
                    "aten.add.Tensor", (Ref(total), Ref(made)), TensorType(dtype, shape)
                )
            else:
                shape = own
            total = made
        return total

    def _count(
        self, axis: int, start: Size, step: Size, dtype: str
    ) -> tuple[str, tuple[Size, ...]]:
        length = self.type.shape[axis]
        made = self.add(
            "aten.arange.start_step",
            (start, start + step * length, step),
            TensorType(dtype, (length,)),
            dtype=DType(dtype),
        )
        shape = tuple(length if a == axis else 1 for a in range(self.type.rank))
        if self.type.rank == 2:
            made = self.add(
                "aten.unsqueeze.default", (Ref(made), 1 - axis), TensorType(dtype, shape)
            )
        elif shape != (length,):
            made = self.add("aten.view.default", (Ref(made), shape), TensorType(dtype, shape))
        return made, shape


def _step(form: Size, axis: int) -> Size | None:
    """The constant factor of an index, if the form is affine in it."""
    step: Size = 0
    for monomial, factor in terms_of(form):
        if index(axis) not in {name for atom in monomial for name in _names(atom)}:
            continue
        if monomial != (index(axis),):
            return None
        step = step + factor
    return step


def _names(atom: object) -> set[str]:
    return {atom} if isinstance(atom, str) else symbols(Dim((((atom,), 1),)))  # type: ignore[arg-type]


def _terms(size: Size) -> Iterator[Size]:
    for monomial, factor in terms_of(size):
        yield Dim(((monomial, factor),)) if monomial else factor


def _broadcast(left: tuple[Size, ...], right: tuple[Size, ...]) -> tuple[Size, ...]:
    return tuple(b if a == 1 else a for a, b in zip(left, right, strict=True))


def _fresh(graph: Graph, stem: str, count: int) -> str:
    name = f"{stem}_{count}"
    while name in graph.types:
        name += "_"
    return name
