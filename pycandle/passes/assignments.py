"""Says `x[a:b, c:d] = y`, which PyTorch traces as one write within another, as one assignment.

A number that is written so, `x[a:b] = 2`, is no tensor any more. Declines where a step is not one,
or a place is no number: then a range may be cut short.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pycandle.graph import Graph, Node, Ref

_END = 2**63 - 1  # what torch writes for the end of an axis


@dataclass(frozen=True, slots=True)
class _Write:
    """What a node writes over part of a tensor, and the ranges of the axes that it cuts."""

    source: Ref
    ranges: dict[int, tuple[int, int]]


def join_assignments(graph: Graph) -> Graph:
    """Rewrite writes of numbers, or along two axes or more; what these were made of is unused."""
    nodes = tuple(_joined(node, graph) for node in graph.nodes)
    return graph.with_nodes(nodes, {})


def _joined(node: Node, graph: Graph) -> Node:
    if node.op == "aten.fill.Tensor":
        return _filled(node, graph)
    found = _write(node, graph)
    if found is None:
        return node
    whole = [(0, size) for size in node.out.type.shape]
    ranges = tuple(found.ranges.get(axis, each) for axis, each in enumerate(whole))
    number = _number(found.source, graph)
    if number is not None:
        return replace(node, op="rt.slice_fill", args=(node.args[0], ranges, number), named=())
    if len(found.ranges) < 2:
        return node
    args = (node.args[0], found.source, ranges)
    return replace(node, op="rt.slice_assign", args=args, named=())


def _write(node: Node, graph: Graph) -> _Write | None:
    """The write of a node, with those that it wraps."""
    if node.op != "aten.slice_scatter.default":
        return None
    place, source = _place(node, 2, graph), node.args[1]
    if place is None or not isinstance(source, Ref):
        return None
    if graph.types[source.name].dtype != node.out.type.dtype:
        return None
    axis, within = place
    inner = graph.producers.get(source.name)
    deeper = _write(inner, graph) if inner is not None else None
    if inner is not None and deeper is not None and axis not in deeper.ranges:
        base = inner.args[0]
        cut = graph.producers.get(base.name) if isinstance(base, Ref) else None
        same = cut is not None and cut.op == "aten.slice.Tensor" and cut.args[0] == node.args[0]
        if cut is not None and same and _place(cut, 1, graph) == place:
            return _Write(deeper.source, {axis: within, **deeper.ranges})
    return _Write(source, {axis: within})


def _number(value: Ref, graph: Graph) -> bool | int | float | None:
    """The number that all elements of a tensor are."""
    made = graph.producers.get(value.name)
    made = _filled(made, graph) if made is not None else None
    if (
        made is None
        or made.out.type.is_complex
        or made.op not in ("aten.fill.Scalar", "aten.full.default")
    ):
        return None
    number = made.args[1]
    return number if isinstance(number, (bool, int, float)) else None


def _filled(node: Node, graph: Graph) -> Node:
    """The node with the number in place of a tensor that holds nothing else."""
    value = node.args[1] if node.op == "aten.fill.Tensor" else None
    made = graph.producers.get(value.name) if isinstance(value, Ref) else None
    if made is None or made.op != "aten.full.default" or made.out.type.dtype != node.out.type.dtype:
        return node
    return replace(node, op="aten.fill.Scalar", args=(node.args[0], made.args[1]))


def _place(node: Node, first: int, graph: Graph) -> tuple[int, tuple[int, int]] | None:
    """The axis and the range of a slice whose arguments begin at that place."""
    tensor = node.args[0]
    if not isinstance(tensor, Ref) or node.kwargs:
        return None
    shape = graph.types[tensor.name].shape
    axis, start, end, step = (*node.args[first:], *(0, None, None, 1)[len(node.args) - first :])
    if not isinstance(axis, int) or step != 1 or not shape:
        return None
    axis %= len(shape)
    length = shape[axis]
    start, end = (0 if start is None else start), (_END if end is None else end)
    if not (isinstance(length, int) and isinstance(start, int) and isinstance(end, int)):
        return None
    begin, stop, _ = slice(start, end).indices(length)
    return (axis, (begin, stop)) if begin < stop else None
