"""Follows the names of axes through a graph: the last axis of what a projection gives has the name
of its width, and keeps it through transposes, sums and views.

What Python reads off a shape, as `batch, heads, seq, head_dim = x.shape`, is named so. It must not
know Rust.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from pycandle.graph import Graph, Node, Ref, Size

Names: TypeAlias = tuple[str, ...]  # an axis without a name has an empty one

_PERMUTED = frozenset(("aten.transpose.int", "aten.permute.default", "aten.swapaxes.default"))
# What gives the last axis of a layer's output, by the op.
_WIDTHS = {"aten.linear.default": "out_features", "aten.embedding.default": "embedding_dim"}


def axis_names(graph: Graph) -> Mapping[str, Names]:
    """The names of the axes of each value that has some."""
    found: dict[str, Names] = {}
    for node in graph.nodes:
        if len(node.outs) != 1 or node.blocks:
            continue
        names = _names(node, graph, found)
        if any(names):
            found[node.out.name] = names
    return found


def _names(node: Node, graph: Graph, found: Mapping[str, Names]) -> Names:
    shape = node.out.type.shape
    if node.op in _WIDTHS:
        said = dict(graph.regions[node.region].arguments)
        return (*("",) * (len(shape) - 1), said.get(_WIDTHS[node.op], "")) if shape else ()
    inputs = [arg.name for arg in node.args if isinstance(arg, Ref)]
    if node.op in _PERMUTED:
        return _permuted(node, found.get(inputs[0], ()))
    names = [""] * len(shape)
    for name in inputs:
        if name in found:
            aligned = _aligned(graph.types[name].shape, found[name], shape)
            names = [own or other for own, other in zip(names, aligned, strict=True)]
    values = [value for _, value in node.named]
    for name, value in node.named:
        places = [axis for axis, each in enumerate(shape) if each == value]
        if len(places) == values.count(value):
            names = [name if axis in places else each for axis, each in enumerate(names)]
    return tuple(names)


def _permuted(node: Node, names: Names) -> Names:
    if not names:
        return ()
    order = list(range(len(names)))
    match node.args[1:]:
        case (tuple() as axes,):
            order = [axis % len(names) for axis in axes if isinstance(axis, int)]
        case (int() as one, int() as other):
            one, other = one % len(names), other % len(names)
            order[one], order[other] = other, one
        case _:
            return ()
    return tuple(names[axis] for axis in order)


def _aligned(given: tuple[Size, ...], names: Names, shape: tuple[Size, ...]) -> Names:
    """The names of the last axes that two shapes share: elements in a row stay in a row."""
    done = [""] * len(shape)
    for k in range(1, min(len(given), len(shape)) + 1):
        if given[-k] != shape[-k]:
            break
        done[-k] = names[-k]
    return tuple(done)
