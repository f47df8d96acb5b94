"""Merges the nodes that torch.export wrote once for each reader of what one Python line computed.

Two nodes are twins where op, arguments, line and types are the same. They stay apart where each
may be its own module's: the line must be of the module call that holds both, and of no other. It
must not know torch.
"""

from __future__ import annotations

from dataclasses import replace

from pycandle.graph import Graph, Node
from pycandle.graph.ir import rename


def merge_twins(graph: Graph) -> Graph:
    """The graph with the first of each group of twins in the place of all, in the innermost call
    that holds them.
    """
    first: dict[object, int] = {}
    kept: list[Node] = []
    renamed: dict[str, str] = {}
    for node in graph.nodes:
        # What it reads may have been a twin itself.
        key = _key(node, renamed)
        place = first.get(key)
        home = None if place is None else _home(kept[place], node, graph)
        if place is None or home is None:
            first[key] = len(kept)
            kept.append(node)
            continue
        kept[place] = replace(kept[place], region=home)
        pairs = zip(node.outs, kept[place].outs, strict=True)
        renamed.update((out.name, same.name) for out, same in pairs)
    return graph.with_nodes(tuple(kept), renamed)


def _key(node: Node, renamed: dict[str, str]) -> object:
    types = tuple(out.type for out in node.outs)
    same = rename(node, renamed)
    # As text, in which 1, 1.0 and True differ, and 0.0 and -0.0.
    return node.op, repr((same.args, same.kwargs)), types, node.source


def _home(left: Node, right: Node, graph: Graph) -> int | None:
    """The call whose forward computed both; None if they may be two."""
    if left.blocks or not left.source:
        return None
    if left.region == right.region:
        return left.region
    around = _around(left.region, graph)
    path = _around(right.region, graph)
    home = next(region for region in path if region in around)
    inner = {*around[: around.index(home)], *path[: path.index(home)]}
    file = _file(left.source)
    own = all(_file(graph.regions[region].source) != file for region in inner)
    return home if own and _file(graph.regions[home].source) == file else None


def _around(region: int | None, graph: Graph) -> list[int]:
    """A call and those around it, the innermost first."""
    found: list[int] = []
    while region is not None:
        found.append(region)
        region = graph.regions[region].parent
    return found


def _file(source: str) -> str:
    return source.rpartition(":")[0]
