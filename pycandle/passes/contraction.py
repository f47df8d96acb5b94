"""The product of two labelled tensors, summed over what is not kept, as the fewest nodes.

It knows how to spell one product; which one comes next is for its caller to say.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from pycandle.graph import Arg, Graph, Node, Ref, Size, TensorType, Value

Labels = tuple[str, ...]


class Unsolved(Exception):
    """There is no such product: PyTorch multiplies no such dtypes."""


@dataclass(frozen=True, slots=True)
class Term:
    """A value whose axes have labels."""

    name: str
    labels: Labels
    type: TensorType

    def size(self, label: str) -> Size:
        """The size of the labelled axis."""
        return self.type.shape[self.labels.index(label)]


class Writer:
    """Collects the nodes that stand for one node, whose place in the model they take."""

    def __init__(self, graph: Graph, place: Node, nodes: tuple[Node, ...] = ()) -> None:
        self.graph = graph
        self.place = place
        self.nodes = list(nodes)

    def add(
        self, op: str, args: tuple[Arg, ...], dtype: str, labels: Labels, shape: tuple[Size, ...]
    ) -> Term:
        """One more node; its value has these labels."""
        name = self.graph.fresh(self.place.out.name, len(self.nodes))
        type_ = TensorType(dtype, shape)
        self.nodes.append(
            replace(self.place, op=op, args=args, kwargs=(), outs=(Value(name, type_),))
        )
        return Term(name, labels, type_)

    def finished(self, result: str) -> tuple[Node, ...]:
        """The nodes; the one that makes the result makes it under the name of the replaced one."""
        return tuple(
            replace(node, outs=self.place.outs) if node.out.name == result else node
            for node in self.nodes
        )

    def arranged(self, term: Term, labels: Labels) -> Term:
        """The term with its axes in this order."""
        axes = [term.labels.index(label) for label in labels]
        moved = [k for k, axis in enumerate(axes) if k != axis]
        if not moved:
            return term
        shape = tuple(term.size(label) for label in labels)
        if len(moved) == 2:
            args: tuple[Arg, ...] = (Ref(term.name), moved[0], moved[1])
            return self.add("aten.transpose.int", args, term.type.dtype, labels, shape)
        args = (Ref(term.name), tuple(axes))
        return self.add("aten.permute.default", args, term.type.dtype, labels, shape)

    def reshaped(self, term: Term, labels: Labels, shape: tuple[Size, ...]) -> Term:
        """The elements in another shape, with an axis of size 1 more or less if that does."""
        old, ref = term.type.shape, Ref(term.name)
        if old == shape:
            return Term(term.name, labels, term.type)
        for axis in range(max(len(old), len(shape))):
            if shape == (*old[:axis], 1, *old[axis:]):
                return self.add(
                    "aten.unsqueeze.default", (ref, axis), term.type.dtype, labels, shape
                )
            if old == (*shape[:axis], 1, *shape[axis:]):
                return self.add("aten.squeeze.dim", (ref, axis), term.type.dtype, labels, shape)
        return self.add("aten.reshape.default", (ref, shape), term.type.dtype, labels, shape)

    def summed(self, term: Term, kept: Labels) -> Term:
        """The sum over all but these axes; integers add up to i64, as PyTorch's do."""
        axes = tuple(k for k, label in enumerate(term.labels) if label not in kept)
        if not axes:
            return term
        dtype = term.type.dtype if term.type.is_float else "i64"
        shape = tuple(term.size(label) for label in kept)
        if not kept:
            return self.add("aten.sum.default", (Ref(term.name),), dtype, kept, shape)
        return self.add("aten.sum.dim_IntList", (Ref(term.name), axes), dtype, kept, shape)


def reduced(writer: Writer, term: Term, kept: frozenset[str]) -> Term:
    """The term with each label once, and without those that nothing else needs."""
    while len(set(term.labels)) < len(term.labels):
        label = next(x for x in term.labels if term.labels.count(x) > 1)
        first = term.labels.index(label)
        second = term.labels.index(label, first + 1)
        rest = tuple(k for k in range(len(term.labels)) if k not in (first, second))
        labels = (*(term.labels[k] for k in rest), label)
        shape = (*(term.type.shape[k] for k in rest), term.type.shape[first])
        args = (Ref(term.name), 0, first, second)
        term = writer.add("aten.diagonal.default", args, term.type.dtype, labels, shape)
    return writer.summed(term, tuple(label for label in term.labels if label in kept))


def contract(
    writer: Writer, a: Term, b: Term, sizes: Mapping[str, Size], kept: frozenset[str],
    order: Labels, last: bool,
) -> Term:  # fmt: skip
    """The product of both, summed over the labels that are not kept.

    The last product of all has its axes in the given order, others if that costs no node.
    """
    best: tuple[tuple[int, int], Writer, Term] | None = None
    for spell in _spellings(a, b, sizes, kept, order if last else None):
        attempt = Writer(writer.graph, writer.place, tuple(writer.nodes))
        term = spell(attempt)
        if term is None:
            continue
        if last:
            term = attempt.arranged(term, order)
        weight = sum(_WEIGHTS.get(node.op, 1) for node in attempt.nodes)
        cost = weight, _inversions(term.labels, order)
        if best is None or cost < best[0]:
            best = cost, attempt, term
    if best is None:
        raise Unsolved
    writer.nodes = best[1].nodes
    return best[2]


def _inversions(labels: Labels, order: Labels) -> int:
    """How many pairs of labels stand in another order than the given one, its others at the end."""
    places = [order.index(x) if x in order else len(order) for x in labels]
    return sum(a > b for a, b in itertools.combinations(places, 2))


# A tensor product stands for the permutations and reshapes that it does inside.
_WEIGHTS = {"aten.tensordot.default": 2}

_Spelling = Callable[[Writer], Term | None]


def _spellings(
    a: Term, b: Term, sizes: Mapping[str, Size], kept: frozenset[str], wanted: Labels | None
) -> Iterator[_Spelling]:
    """Every way to write the product, the plainest first."""
    both = ((a, b), (b, a))
    for x, y in both:
        yield partial(_matmul, x, y, kept)
    yield partial(_product, a, b, kept, wanted)
    yield partial(_sum_of_products, a, b, kept)
    squeezed = partial(_squeezed, sizes=sizes, kept=kept)
    yield lambda w: _product(*squeezed(w, a, b), kept, wanted, w)
    for x, y in both:
        yield lambda w, x=x, y=y: _matrices(*squeezed(w, x, y), kept, w)
        yield lambda w, x=x, y=y: _tensordot(*squeezed(w, x, y), kept, w)
    orders = dict.fromkeys((a.labels + b.labels, b.labels + a.labels, wanted or a.labels))
    for x, y in both:
        for batch in orders:
            for rest in orders:
                yield lambda w, x=x, y=y, batch=batch, rest=rest: _batched(
                    *squeezed(w, x, y), kept, batch, rest, w
                )


def _matmul(a: Term, b: Term, kept: frozenset[str], w: Writer) -> Term | None:
    """`a @ b` with the axes as they stand, save that a matrix may be transposed."""
    inner = [x for x in a.labels[-2:] if x in b.labels[-2:] and x not in kept]
    if len(inner) != 1 or a.type.rank < 2 or b.type.rank < 2 or not _multiplied(a, b):
        return None
    (k,) = inner
    (m,) = (x for x in a.labels[-2:] if x != k)
    (n,) = (x for x in b.labels[-2:] if x != k)
    short, long = sorted((a.labels[:-2], b.labels[:-2]), key=len)
    labels = (*long, m, n)
    aligned = long[len(long) - len(short) :] == short and len(set(labels)) == len(labels)
    if not aligned or not kept.issuperset(labels) or a.size(k) != b.size(k):
        return None
    shape = _broadcast(a, b, labels)
    left = w.arranged(a, (*a.labels[:-2], m, k))
    if b.labels == (n, k) and any(b.name == p.value.name for p in w.graph.parameters):
        args = (Ref(left.name), Ref(b.name))
        return w.add("aten.linear.default", args, a.type.dtype, labels, shape)
    right = w.arranged(b, (*b.labels[:-2], k, n))
    args = (Ref(left.name), Ref(right.name))
    return w.add("aten.matmul.default", args, a.type.dtype, labels, shape)


def _product(
    a: Term, b: Term, kept: frozenset[str], wanted: Labels | None, w: Writer
) -> Term | None:
    """`a * b`, where nothing is summed."""
    if not kept.issuperset(a.labels + b.labels):
        return None
    mixed = a.type.dtype != b.type.dtype
    if mixed and wanted is None:
        return None
    dtype = w.place.out.type.dtype if mixed else a.type.dtype
    labels = wanted or (*a.labels, *(x for x in b.labels if x not in a.labels))
    shape = _broadcast(a, b, labels)
    if labels == a.labels + b.labels and len(labels) == 2 and a.type.rank == 1:
        return w.add("aten.outer.default", (Ref(a.name), Ref(b.name)), dtype, labels, shape)
    left, right = (_spread(term, labels, w) for term in (a, b))
    args = (Ref(left.name), Ref(right.name))
    return w.add("aten.mul.Tensor", args, dtype, labels, shape)


def _spread(term: Term, labels: Labels, w: Writer) -> Term:
    """The term with its axes in this order, and axes of size 1 in between: it broadcasts."""
    own = tuple(label for label in labels if label in term.labels)
    term = w.arranged(term, own)
    span = labels[labels.index(own[0]) :] if own else ()
    return w.reshaped(term, span, tuple(term.size(x) if x in own else 1 for x in span))


def _sum_of_products(a: Term, b: Term, kept: frozenset[str], w: Writer) -> Term | None:
    """`(a * b).sum(...)` of two terms with the same labels; halves would round every product."""
    exact = a.type.dtype in ("f64", "f32", "i64") and _multiplied(a, b)
    if set(a.labels) != set(b.labels) or not exact or kept.issuperset(a.labels):
        return None
    product = _product(a, b, frozenset(a.labels), a.labels, w)
    return product and w.summed(product, tuple(x for x in a.labels if x in kept))


def _squeezed(
    w: Writer, a: Term, b: Term, sizes: Mapping[str, Size], kept: frozenset[str]
) -> tuple[Term, Term]:
    """Both terms without axes of size 1 that the other one or the result has no need of."""

    def without(term: Term, other: Term) -> Term:
        for label in term.labels:
            repeated = sizes[label] != 1 and label in other.labels
            if term.size(label) == 1 and (repeated or label not in kept):
                labels = tuple(x for x in term.labels if x != label)
                term = w.reshaped(term, labels, tuple(term.size(x) for x in labels))
        return term

    a, b = without(a, b), without(b, a)
    return reduced(w, a, kept.union(b.labels)), reduced(w, b, kept.union(a.labels))


def _matrices(a: Term, b: Term, kept: frozenset[str], w: Writer) -> Term | None:
    """A matrix product without a batch, of whatever stands before the last axis of `a`."""
    batch, inner, rows, columns = _roles(a, b, kept)
    if batch or len(inner) != 1 or len(columns) > 1 or not _multiplied(a, b):
        return None
    left, right = w.arranged(a, rows + inner), w.arranged(b, inner + columns)
    labels = rows + columns
    args = (Ref(left.name), Ref(right.name))
    return w.add("aten.matmul.default", args, a.type.dtype, labels, _broadcast(a, b, labels))


def _tensordot(a: Term, b: Term, kept: frozenset[str], w: Writer) -> Term | None:
    """A product without a batch that is summed over some axes."""
    batch, inner, rows, columns = _roles(a, b, kept)
    if batch or not inner or not _multiplied(a, b):
        return None
    axes = (tuple(term.labels.index(x) for x in inner) for term in (a, b))
    args = (Ref(a.name), Ref(b.name), *axes)
    labels = rows + columns
    shape = _broadcast(a, b, labels)
    return w.add("aten.tensordot.default", args, a.type.dtype, labels, shape)


def _batched(
    a: Term, b: Term, kept: frozenset[str], batch_order: Labels, order: Labels, w: Writer
) -> Term | None:
    """A matrix product for each entry of a batch, whose rows and columns may be several axes."""
    batch, inner, rows, columns = _roles(a, b, kept)
    if not inner or not _multiplied(a, b):
        return None
    batch = tuple(x for x in dict.fromkeys(batch_order + batch) if x in batch)
    inner, rows, columns = (
        tuple(x for x in dict.fromkeys(order + role) if x in role)
        for role in (inner, rows, columns)
    )
    sizes = tuple(a.size(x) for x in batch)
    m, k = _count(a, rows), _count(a, inner)
    n = _count(b, columns)
    left = w.reshaped(w.arranged(a, batch + rows + inner), (), (*sizes, m, k))
    right = w.reshaped(w.arranged(b, batch + inner + columns), (), (*sizes, k, n))
    args = (Ref(left.name), Ref(right.name))
    product = w.add("aten.matmul.default", args, a.type.dtype, (), (*sizes, m, n))
    labels = batch + rows + columns
    return w.reshaped(product, labels, _broadcast(a, b, labels))


def _roles(a: Term, b: Term, kept: frozenset[str]) -> tuple[Labels, Labels, Labels, Labels]:
    """What both have and is kept, what both have and is summed, and what either has alone."""
    shared = tuple(x for x in a.labels if x in b.labels)
    return (
        tuple(x for x in shared if x in kept),
        tuple(x for x in shared if x not in kept),
        tuple(x for x in a.labels if x not in shared),
        tuple(x for x in b.labels if x not in shared),
    )


def _multiplied(a: Term, b: Term) -> bool:
    """Whether PyTorch has a matrix product of the two dtypes."""
    return a.type.dtype == b.type.dtype != "bool"


def _broadcast(a: Term, b: Term, labels: Labels) -> tuple[Size, ...]:
    """The size of each label: an axis of size 1 goes with any other."""
    found = ([term.size(x) for term in (a, b) if x in term.labels] for x in labels)
    return tuple(next((size for size in sizes if size != 1), 1) for sizes in found)


def _count(term: Term, labels: Labels) -> Size:
    count: Size = 1
    for label in labels:
        count = count * term.size(label)
    return count
