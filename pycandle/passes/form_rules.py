"""How each op's index form follows from its arguments': one rule an op family.

A rule returns None where it cannot say exactly what the op computes; the value is then opaque.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pycandle.graph import Arg, Dim, Graph, Node, Ref, Size, TensorType
from pycandle.graph.dim import substitute, symbol
from pycandle.passes.forms import (
    Bounds,
    Element,
    Form,
    at_least_zero,
    both,
    depends_on,
    either,
    index,
    moved,
    negated,
)


@dataclass(frozen=True)
class Forms:
    """The forms known so far, for the rules to read."""

    graph: Graph
    known: dict[str, Form]

    def of(self, arg: Arg) -> Form | None:
        """The form of an argument; an opaque boolean tensor is read element by element."""
        if isinstance(arg, (bool, int, Dim)):
            return arg
        if not isinstance(arg, Ref):
            return None
        if arg.name in self.known:
            return self.known[arg.name]
        tensor = self.graph.types[arg.name]
        if tensor.dtype != "bool":
            return None
        return Element(arg.name, tuple(_own_index(a, s) for a, s in enumerate(tensor.shape)))

    def aligned(self, arg: Arg, out: TensorType) -> Form | None:
        """The form of an argument in the indices of an output that it is broadcast to."""
        form = self.of(arg)
        if form is None or not isinstance(arg, Ref):
            return form
        tensor = self.graph.types[arg.name]
        ahead = out.rank - tensor.rank
        return moved(form, {index(a): _own_index(a + ahead, s) for a, s in enumerate(tensor.shape)})

    def type_of(self, arg: Arg) -> TensorType | None:
        """The type of an argument that is a tensor."""
        return self.graph.types[arg.name] if isinstance(arg, Ref) else None


def index_forms(graph: Graph) -> dict[str, Form]:
    """The form of every value that has one."""
    forms = Forms(graph, {})
    for node in graph.nodes:
        rule = RULES.get(node.op)
        # Narrow integers wrap around, which no form says.
        if rule is None or len(node.outs) != 1 or node.out.type.dtype not in ("i64", "bool"):
            continue
        form = rule(node, forms)
        if form is not None:
            forms.known[node.out.name] = form
    return forms.known


def _own_index(axis: int, size: Size) -> Size:
    return 0 if size == 1 else symbol(index(axis))


def _arange(node: Node, forms: Forms) -> Form | None:
    numbers = [a for a in node.args if isinstance(a, (int, Dim)) and not isinstance(a, bool)]
    if len(numbers) != len(node.args):
        return None
    start = numbers[0] if len(numbers) > 1 else 0
    step = numbers[2] if len(numbers) > 2 else 1
    return start + step * _own_index(0, node.out.type.shape[0])


def _constant(value: bool | int | None) -> Callable[[Node, Forms], Form | None]:
    def rule(node: Node, forms: Forms) -> Form | None:
        number = value if value is not None else next(reversed(node.args), None)
        if not isinstance(number, (bool, int)):
            return None
        return bool(number) if node.out.type.dtype == "bool" else int(number)

    return rule


def _view(node: Node, forms: Forms) -> Form | None:
    """Views that only add or remove axes of size 1."""
    form, tensor = forms.of(node.args[0]), forms.type_of(node.args[0])
    if form is None or tensor is None:
        return None
    old = [(a, s) for a, s in enumerate(tensor.shape) if s != 1]
    new = [(a, s) for a, s in enumerate(node.out.type.shape) if s != 1]
    if [s for _, s in old] != [s for _, s in new]:
        return None
    return moved(
        form, {index(o): symbol(index(n)) for (o, _), (n, _) in zip(old, new, strict=True)}
    )


def _expand(node: Node, forms: Forms) -> Form | None:
    return forms.aligned(node.args[0], node.out.type)


def _transpose(node: Node, forms: Forms) -> Form | None:
    form, rank = forms.of(node.args[0]), node.out.type.rank
    first, second = node.args[1], node.args[2]
    if form is None or not (isinstance(first, int) and isinstance(second, int)):
        return None
    if rank == 0:
        return form
    a, b = index(first % rank), index(second % rank)
    return moved(form, {a: symbol(b), b: symbol(a)})


def _slice(node: Node, forms: Forms) -> Form | None:
    form, tensor = forms.of(node.args[0]), forms.type_of(node.args[0])
    axis = node.args[1] if len(node.args) > 1 else 0
    start = (node.args[2] if len(node.args) > 2 else None) or 0
    step = node.args[4] if len(node.args) > 4 else 1
    if form is None or tensor is None or not isinstance(axis, int) or not isinstance(step, int):
        return None
    if not isinstance(start, (int, Dim)) or (Bounds(forms.graph, ()).lower(start) or 0) < 0:
        return None
    if isinstance(start, int) and start < 0:
        return None
    axis %= tensor.rank
    # A start past the end gives an empty tensor, of which no element is ever read.
    return moved(form, {index(axis): start + step * _own_index(axis, node.out.type.shape[axis])})


def _arithmetic(sign: int) -> Callable[[Node, Forms], Form | None]:
    def rule(node: Node, forms: Forms) -> Form | None:
        operands = _integers(node, forms)
        alpha = node.kwarg("alpha", node.args[2] if len(node.args) > 2 else 1)
        if operands is None or not isinstance(alpha, int):
            return None
        return operands[0] + sign * alpha * operands[1]

    return rule


def _multiply(node: Node, forms: Forms) -> Form | None:
    operands = _integers(node, forms)
    return None if operands is None else operands[0] * operands[1]


def _compare(decide: Callable[[Size, Bounds], Form]) -> Callable[[Node, Forms], Form | None]:
    def rule(node: Node, forms: Forms) -> Form | None:
        operands = _integers(node, forms)
        if operands is None:
            return None
        return decide(operands[0] - operands[1], Bounds(forms.graph, node.out.type.shape))

    return rule


def _equal(difference: Size, bounds: Bounds) -> Form:
    return both(at_least_zero(difference, bounds), at_least_zero(0 - difference, bounds))


def _logic(join: Callable[[Form, Form], Form]) -> Callable[[Node, Forms], Form | None]:
    def rule(node: Node, forms: Forms) -> Form | None:
        if node.out.type.dtype != "bool" or not _all_bool(node, forms):
            return None
        left, right = (forms.aligned(arg, node.out.type) for arg in node.args[:2])
        return None if left is None or right is None else join(left, right)

    return rule


def _not(node: Node, forms: Forms) -> Form | None:
    form = forms.of(node.args[0])
    return None if form is None or not _all_bool(node, forms) else negated(form)


def _convert(node: Node, forms: Forms) -> Form | None:
    tensor = forms.type_of(node.args[0])
    if tensor is None or (tensor.dtype == "bool") != (node.out.type.dtype == "bool"):
        return None
    return forms.of(node.args[0]) if node.out.type.dtype in ("bool", "i64") else None


def _cumsum(node: Node, forms: Forms) -> Form | None:
    form, axis, rank = forms.of(node.args[0]), node.args[1], node.out.type.rank
    if form is None or not isinstance(axis, int) or not rank or depends_on(form, axis % rank):
        return None
    position = _own_index(axis % rank, node.out.type.shape[axis % rank])
    if isinstance(form, (bool, int, Dim)):
        return int(form) * (position + 1) if isinstance(form, bool) else form * (position + 1)
    return None


def _diff(node: Node, forms: Forms) -> Form | None:
    """First differences; a first element that continues the sequence is part of it."""
    form, tensor = forms.of(node.args[0]), forms.type_of(node.args[0])
    order = node.args[1] if len(node.args) > 1 else 1
    axis = node.args[2] if len(node.args) > 2 else -1
    before = node.args[3] if len(node.args) > 3 else None
    if len(node.args) > 4 or node.kwargs or tensor is None or order != 1:
        return None
    if not isinstance(axis, int) or not isinstance(form, (int, Dim)) or isinstance(form, bool):
        return None
    axis %= tensor.rank
    here = symbol(index(axis))
    if before is None:
        return substitute(form, {index(axis): here + 1}) - form
    first, kind = forms.of(before), forms.type_of(before)
    previous = substitute(form, {index(axis): here - 1})
    if kind is None or kind.shape[axis] != 1 or not isinstance(first, (int, Dim)):
        return None
    if first != substitute(previous, {index(axis): 0}):
        return None
    return form - previous


def _index(node: Node, forms: Forms) -> Form | None:
    """Reading at computed indices, where all of them are known and in range."""
    tensor, chosen = forms.type_of(node.args[0]), node.args[1]
    form = forms.of(node.args[0])
    if (
        form is None
        or tensor is None
        or not isinstance(chosen, tuple)
        or len(chosen) != tensor.rank
    ):
        return None
    bounds = Bounds(forms.graph, node.out.type.shape)
    places: dict[str, Size] = {}
    for axis, arg in enumerate(chosen):
        form_of_place = forms.aligned(arg, node.out.type) if isinstance(arg, Ref) else None
        place = _in_range(form_of_place, tensor.shape[axis], bounds)
        if place is None:
            return None
        places[index(axis)] = place
    return moved(form, places)


def _gather(node: Node, forms: Forms) -> Form | None:
    """Reading along one axis at computed indices, where these are known and in range."""
    form, tensor = forms.of(node.args[0]), forms.type_of(node.args[0])
    axis = node.args[1]
    if form is None or tensor is None or not isinstance(axis, int) or tensor.rank == 0:
        return None
    shape, axis = node.out.type.shape, axis % tensor.rank
    place = _in_range(forms.of(node.args[2]), tensor.shape[axis], Bounds(forms.graph, shape))
    if place is None:
        return None
    places = {index(a): _own_index(a, s) for a, s in enumerate(shape)}
    return moved(form, places | {index(axis): place})


def _in_range(form: Form | None, size: Size, bounds: Bounds) -> Size | None:
    """The form if it is an index into that many elements wherever it is read."""
    if not isinstance(form, (int, Dim)) or isinstance(form, bool):
        return None
    lower, room = bounds.lower(form), bounds.lower(size - 1 - form)
    if lower is None or room is None or lower < 0 or room < 0:
        return None
    return form


def _integers(node: Node, forms: Forms) -> tuple[Size, Size] | None:
    """Both operands as integer forms in the output's indices."""
    found: list[Size] = []
    for arg in node.args[:2]:
        form = forms.aligned(arg, node.out.type)
        if isinstance(form, bool) or not isinstance(form, (int, Dim)):
            return None
        found.append(form)
    return found[0], found[1]


def _all_bool(node: Node, forms: Forms) -> bool:
    return all(
        tensor.dtype == "bool"
        for tensor in (forms.type_of(arg) for arg in node.args[:2])
        if tensor is not None
    )


_COMPARISONS: dict[str, Callable[[Size, Bounds], Form]] = {
    "ge": lambda d, b: at_least_zero(d, b),
    "gt": lambda d, b: at_least_zero(d - 1, b),
    "le": lambda d, b: at_least_zero(0 - d, b),
    "lt": lambda d, b: at_least_zero(0 - d - 1, b),
    "eq": _equal,
    "ne": lambda d, b: negated(_equal(d, b)),
}

RULES: dict[str, Callable[[Node, Forms], Form | None]] = {
    **dict.fromkeys(
        ("aten.arange.default", "aten.arange.start", "aten.arange.start_step"), _arange
    ),
    **dict.fromkeys(
        ("aten.ones.default", "aten.new_ones.default", "aten.ones_like.default"), _constant(1)
    ),
    **dict.fromkeys(
        ("aten.zeros.default", "aten.new_zeros.default", "aten.zeros_like.default"), _constant(0)
    ),
    **dict.fromkeys(
        ("aten.full.default", "aten.full_like.default", "aten.new_full.default"), _constant(None)
    ),
    **dict.fromkeys(
        ("aten.view.default", "aten.reshape.default", "aten.unsqueeze.default", "aten.squeeze.dim"),
        _view,
    ),
    "aten.expand.default": _expand,
    "aten.transpose.int": _transpose,
    "aten.slice.Tensor": _slice,
    **dict.fromkeys(("aten.add.Tensor", "aten.add.Scalar"), _arithmetic(1)),
    **dict.fromkeys(("aten.sub.Tensor", "aten.sub.Scalar"), _arithmetic(-1)),
    **dict.fromkeys(("aten.mul.Tensor", "aten.mul.Scalar"), _multiply),
    **{
        f"aten.{name}.{overload}": _compare(decide)
        for name, decide in _COMPARISONS.items()
        for overload in ("Tensor", "Scalar")
    },
    **dict.fromkeys(
        ("aten.__and__.Tensor", "aten.bitwise_and.Tensor", "aten.logical_and.default"), _logic(both)
    ),
    **dict.fromkeys(
        ("aten.__or__.Tensor", "aten.bitwise_or.Tensor", "aten.logical_or.default"), _logic(either)
    ),
    **dict.fromkeys(("aten.bitwise_not.default", "aten.logical_not.default"), _not),
    "aten.to.dtype": _convert,
    "aten.cumsum.default": _cumsum,
    "aten.diff.default": _diff,
    "aten.index.Tensor": _index,
    "aten.gather.default": _gather,
}
