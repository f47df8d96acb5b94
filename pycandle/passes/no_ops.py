"""Drops nodes that give an input back: dropout in eval mode, conversions to the same dtype, copies,
views of the same shape and views back to it, products with one, writes over all of a tensor, and
what has no elements where tensors are joined.

A node stays where its output's dtype or shape differs from its input's.
"""

from __future__ import annotations

from dataclasses import replace

from pycandle.graph import Graph, Node, Ref, with_blocks
from pycandle.graph.dropouts import drops_nothing

# Ops that keep the order of the elements, so that one after another may lead back.
_VIEWS = frozenset(
    f"aten.{name}"
    for name in (
        "_unsafe_view.default",
        "flatten.using_ints",
        "reshape.default",
        "squeeze.default",
        "squeeze.dim",
        "unsqueeze.default",
        "view.default",
    )
)
# Ops that give their first argument back whenever dtype and shape are unchanged.
_IDENTITIES = _VIEWS | frozenset(
    f"aten.{name}"
    for name in (
        "alias.default",
        "clone.default",
        "contiguous.default",
        "detach.default",
        "detach_.default",
        "expand.default",
        "lift_fresh_copy.default",
        "permute.default",
        "reshape_as.default",
        "to.dtype",
        "type_as.default",
        "view_as.default",
    )
)
# A sum with zero is none of them: it makes zero of minus zero.
_SCALES = frozenset(("aten.mul.Tensor", "aten.mul.Scalar", "aten.div.Tensor", "aten.div.Scalar"))
# Ops that write their second argument over the first, of which nothing is left if it is as large.
_WRITES = frozenset(("aten.copy.default", "aten.slice_scatter.default"))
_JOINS = frozenset(f"aten.{name}.default" for name in ("cat", "concat", "concatenate"))


def drop_no_ops(graph: Graph) -> Graph:
    """Replace each such node's value by its input everywhere, in blocks too."""
    renamed: dict[str, str] = {}
    return graph.with_nodes(_kept(graph.nodes, graph, renamed), renamed)


def _kept(nodes: tuple[Node, ...], graph: Graph, renamed: dict[str, str]) -> tuple[Node, ...]:
    """The nodes that stay; the values of the others are renamed."""
    kept: list[Node] = []
    for node in nodes:
        joined, node = node, _without_empty(node, graph)
        # A list of one may be one of lists of any length, unless it was more.
        source = _source(node, join=node is not joined)
        source = source and _viewed(node, source, graph)
        if node is not joined and node.out.name in graph.given:
            source = None  # What a module gives is its own, though it be what it took.
        if source is not None and _gives_back(node, source, graph):
            renamed[node.out.name] = source.name
        else:
            kept.append(with_blocks(node, lambda nodes: _kept(nodes, graph, renamed)))
    return tuple(kept)


def _without_empty(node: Node, graph: Graph) -> Node:
    """A join without the tensors in it that have no elements, as caches have that begin."""
    parts = node.args[0] if node.op in _JOINS and node.args else None
    if not isinstance(parts, tuple):
        return node
    refs = [part for part in parts if isinstance(part, Ref)]
    # What a module gives must stay read, or the module would not give it.
    full = tuple(
        ref for ref in refs if 0 not in graph.types[ref.name].shape or ref.name in graph.given
    )
    # Others may decide the dtype together with it.
    same = any(graph.types[ref.name].dtype == node.out.type.dtype for ref in full)
    return replace(node, args=(full, *node.args[1:])) if same and len(full) < len(refs) else node


def _source(node: Node, join: bool) -> Ref | None:
    """The argument that the node may give back."""
    match node.args:
        case ((Ref() as only,), *_) if join:
            return only
        case _:
            pass
    place = 1 if node.op in _WRITES else 0
    source = node.args[place] if len(node.args) > place else None
    return source if isinstance(source, Ref) else None


def _viewed(node: Node, source: Ref, graph: Graph) -> Ref:
    """What views up to this node start from, if that is of the node's own type; else the source.

    What another module made of it is what that module gives, so only views of the same call count.
    """
    start, maker = source, graph.producers.get(source.name)
    while node.op in _VIEWS and maker and maker.op in _VIEWS and maker.region == node.region:
        inner = maker.args[0]
        if not isinstance(inner, Ref):
            break
        if graph.types[inner.name] == node.out.type:
            start = inner
        maker = graph.producers.get(inner.name)
    return start


def _gives_back(node: Node, source: Ref, graph: Graph) -> bool:
    if drops_nothing(node):
        return True
    if graph.types[source.name] != node.out.type:
        return False
    if node.op == "aten.permute.default":
        axes = node.args[1]
        rank = node.out.type.rank
        return isinstance(axes, tuple) and [a % rank for a in axes if isinstance(a, int)] == list(
            range(rank)
        )
    if node.op in _SCALES:
        return node.args[1] == 1
    if node.op == "aten.slice.Tensor":
        # Equal types mean that nothing was cut; a step of 1 means that nothing was reordered.
        return len(node.args) < 5 or node.args[4] == 1
    return node.op in _IDENTITIES or node.op in _WRITES or node.op in _JOINS
