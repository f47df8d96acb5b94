"""Finds the inputs that may be empty: those that are only joined to others, as caches are.

It looks at the graph alone; whether the model takes them so is tried when goldens are recorded.
"""

from __future__ import annotations

from pycandle.graph import Graph, every_node
from pycandle.graph.dim import symbol


def may_be_empty(graph: Graph) -> set[str]:
    """The symbols of inputs that are only joined, along that axis, to what is never empty: of a
    cache, say.
    """
    found = {
        axis.name: values
        for axis in graph.symbols
        if axis.min == 1 and (values := _only_joined(axis.name, graph))
    }
    alone = {value for values in found.values() for value in values}
    for node in every_node(graph.nodes):
        if node.op == "aten.cat.default" and node.out.name not in alone:
            # Each of the others may be without elements, as constants are that only name a dtype.
            pieces = [name for name in node.inputs if 0 not in graph.types[name].shape]
            if set(pieces) <= alone:
                found = {k: v for k, v in found.items() if not v & set(pieces)}
    return set(found)


def _only_joined(name: str, graph: Graph) -> set[str]:
    """The values that are still such an input alone; none if one is used in any other way."""
    size = symbol(name)
    axes = {e.value.name: e.value.type.shape.index(size) for e in graph.inputs
            if size in e.value.type.shape}  # fmt: skip
    for node in every_node(graph.nodes):
        found = {axes[value] for value in node.inputs if value in axes}
        if not found:
            continue
        if node.op != "aten.cat.default" or len(found) > 1:
            return set()
        (axis,) = found
        dim = node.args[1] if len(node.args) > 1 else 0
        if not isinstance(dim, int) or dim % node.out.type.rank != axis:
            return set()
        if node.out.type.shape[axis] == size:
            axes[node.out.name] = axis
    return set() if axes.keys() & {output.value for output in graph.outputs} else {*axes}
