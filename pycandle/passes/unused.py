"""Drops nodes whose values nothing reads."""

from __future__ import annotations

from dataclasses import replace

from pycandle.graph import Graph, Node


def drop_unused(graph: Graph) -> Graph:
    """Keep what the outputs need. Every op of an exported program is pure, so none must stay."""
    needed = {output.value for output in graph.outputs}
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if any(out.name in needed for out in node.outs):
            kept.append(node)
            needed.update(node.inputs)
    parameters = tuple(p for p in graph.parameters if p.value.name in needed)
    return replace(graph, nodes=tuple(reversed(kept)), parameters=parameters)
