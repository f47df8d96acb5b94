"""Finds arithmetic of images whose channels lie innermost in memory, as convolutions leave them.

Candle's own operators walk through such tensors element by element; those of the runtime go through
memory in order, and keep the order. So they are printed as `ops::add(&x, &y)?` where an operand may
be such an image, and as `(&x + &y)?` everywhere else. A line of Python has one form, also where
only some calls of its module see images. It must not know modules, nor text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pycandle.graph import Graph, Node
from pycandle.ops import entries
from pycandle.ops.expr import Expr, Operator, as_function

# The axes of an image, outermost in memory first: as rows, and with its channels innermost.
_ROWS, _IMAGE = (0, 1, 2, 3), (0, 2, 3, 1)
# What gives a tensor in the order in memory of what it reads: element by element, or over parts.
_KEEPING = frozenset(("arithmetic", "math", "activation", "special", "compare", "pool", "parts"))
_KEEPING_OPS = frozenset(
    f"aten.{name}.default"
    for name in ("batch_norm", "group_norm", "instance_norm", "cat", "dropout", "clone")
)
_CONVOLUTIONS = frozenset(
    f"aten.{name}" for name in ("conv2d.default", "conv2d.padding", "convolution.default")
)


def with_strides(lowered: Mapping[str, Expr], graph: Graph) -> dict[str, Expr]:
    """The expressions with operators as functions where an operand may be such an image."""
    images = _images(graph)
    found = {
        _line(graph, node)
        for node in graph.nodes
        if any(name in images for name in node.inputs) and node.out.type.rank == len(_IMAGE)
    }
    changed = dict(lowered)
    for node in graph.nodes:
        expr = lowered.get(node.out.name)
        if expr is not None and _line(graph, node) in found:
            changed[node.out.name] = _keeping(expr)
    return changed


def _keeping(expr: Expr) -> Expr:
    return replace(expr, keeps=True) if isinstance(expr, Operator) else as_function(expr)


def _line(graph: Graph, node: Node) -> tuple[str, str, str]:
    """What nodes have in common that one line of Python makes."""
    return graph.regions[node.region].class_name, node.source, node.op


def _images(graph: Graph) -> set[str]:
    """The values that may lie in memory with their channels innermost."""
    families = {name: entry.family for name, entry in entries().items()}
    found: set[str] = set()
    for node in graph.nodes:
        if any(out.type.rank != len(_IMAGE) for out in node.outs):
            continue
        given = [name for name in node.inputs if graph.types[name].rank == len(_IMAGE)]
        image = any(name in found for name in given)
        order = _permuted(node, image)
        keeps = node.op in _KEEPING_OPS or families.get(node.op) in _KEEPING
        if order == _IMAGE or node.op in _CONVOLUTIONS or (order is None and keeps and image):
            found |= {out.name for out in node.outs}
    return found


def _permuted(node: Node, image: bool) -> tuple[int, ...] | None:
    """The order in memory of an image's axes once they are permuted; None if they are not."""
    match node.op, node.args:
        case "aten.permute.default", (_, tuple() as axes):
            taken = [axis % 4 for axis in axes if isinstance(axis, int)]
        case "aten.transpose.int", (_, int() as one, int() as other):
            taken = [*_ROWS]
            taken[one % 4], taken[other % 4] = other % 4, one % 4
        case _:
            return None
    before = _IMAGE if image else _ROWS
    return tuple(taken.index(axis) for axis in before) if sorted(taken) == [*_ROWS] else None
