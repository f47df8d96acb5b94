"""Drops nodes whose values nothing reads."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from pycandle.graph import Block, Graph, Node, every_node


def drop_unused(graph: Graph) -> Graph:
    """Keep what the outputs need, and what a check of a symbol's range or relations needs.

    Every op of an exported program is pure, so none else must stay.
    """
    related = {name for guard in graph.guards for name in guard.symbols}
    checked = [b for b in graph.bindings if b.min > 0 or b.max is not None or b.name in related]
    needed = {output.value for output in graph.outputs} | {b.value for b in checked}
    nodes = _needed(graph.nodes, needed, graph)
    parameters = tuple(p for p in graph.parameters if p.value.name in needed)
    graph = replace(graph, nodes=nodes, parameters=parameters)
    used = {name for node in every_node(nodes) for name in node.symbols}
    bindings = tuple(b for b in graph.bindings if b in checked or b.name in used)
    return replace(graph, bindings=bindings)


def _needed(nodes: tuple[Node, ...], needed: set[str], graph: Graph) -> tuple[Node, ...]:
    """The nodes that give what is needed; adds to it what they need themselves."""
    kept: list[Node] = []
    for node in reversed(nodes):
        if not any(out.name in needed for out in node.outs) and not _holds(node, needed):
            continue
        args = (_block(a, needed, graph) if isinstance(a, Block) else a for a in node.args)
        node = replace(node, args=tuple(args))
        kept.append(node)
        needed.update(node.inputs)
        needed.update(b.value for b in graph.bindings if b.name in node.symbols)
    return tuple(reversed(kept))


def _block(block: Block, needed: Set[str], graph: Graph) -> Block:
    inside = {*needed, *block.results}
    return replace(block, nodes=_needed(block.nodes, inside, graph))


def _holds(node: Node, needed: Set[str]) -> bool:
    """Whether a value that is needed for a check is made in one of the node's blocks."""
    return any(
        out.name in needed
        for block in node.blocks
        for inner in every_node(block.nodes)
        for out in inner.outs
    )
