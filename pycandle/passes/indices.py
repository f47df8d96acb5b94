"""Builds integer and boolean tensors with an index form anew, in as few nodes as they need.

A slice of a position table becomes an `arange`; a comparison that is always true becomes a
constant. Declines where the formula needs no fewer nodes than there are, or has no spelling.
"""

from __future__ import annotations

from pycandle.graph import Graph, Node
from pycandle.passes.form_rules import RULES, index_forms
from pycandle.passes.materialise import materialise, node_count


def simplify_indices(graph: Graph) -> Graph:
    """Rewrite each value with a form that is read by an op without one."""
    forms = index_forms(graph)
    outputs = {output.value for output in graph.outputs}
    renamed: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        nodes.append(node)
        name = node.out.name
        readers = graph.uses.get(name, [])
        wanted = name in outputs or any(
            reader.op not in RULES or reader.out.name not in forms for reader in readers
        )
        if name not in forms or not wanted:
            continue
        made = materialise(graph, name, forms[name], broadcast=False)
        if made is not None and len(made.nodes) < node_count(graph, forms, name):
            nodes += made.nodes
            renamed[name] = made.value.name
    return graph.with_nodes(tuple(nodes), renamed)
