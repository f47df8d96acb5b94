"""Makes a range of numbers once that a module counts more than once.

Equal `arange` nodes of one module call become the first of them, which is called by the name of
none of their statements. Declines across module calls, and where a module gives one of them.
"""

from __future__ import annotations

from dataclasses import replace

from pycandle.graph import Arg, Graph, Node, TensorType

_RANGES = tuple(f"aten.arange.{overload}" for overload in ("default", "start", "start_step"))


def share_creations(graph: Graph) -> Graph:
    """Read the first of equal ranges in the place of the others."""
    held = {output.value for output in graph.outputs} | graph.given
    kept: list[Node] = []
    # The place of the first of each among those that are kept.
    places: dict[tuple[int, tuple[Arg, ...], TensorType], int] = {}
    renamed: dict[str, str] = {}
    for node in graph.nodes:
        if node.op in _RANGES and node.out.name not in held:
            key = (node.region, _ends(node.args), node.out.type)
            place = places.setdefault(key, len(kept))
            if place < len(kept):
                first = kept[place]
                renamed[node.out.name] = first.out.name
                if first.source != node.source:
                    kept[place] = replace(first, targets=())
                continue
        kept.append(node)
    return graph.with_nodes(tuple(kept), renamed)


def _ends(args: tuple[Arg, ...]) -> tuple[Arg, ...]:
    """Start, end and step, those that are left out included."""
    start, end, *step = args if len(args) > 1 else (0, *args)
    return (start, end, *(step or [1]))
