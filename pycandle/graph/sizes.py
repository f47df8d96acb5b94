"""A graph with other sizes: at known sizes of some of its symbols, or each changed in a way.

It must not know why a size is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from pycandle.graph.dim import Dim, Size, substitute
from pycandle.graph.ir import Arg, Block, Graph, Guard, Node, TensorType, Value

Change = Callable[[Size], Size]


def at_sizes(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """The graph without these symbols: each is the number that it is mapped to.

    Guards that are left without a symbol are dropped; they must hold.
    """
    if not sizes:
        return graph
    changed = with_sizes(graph, lambda size: substitute(size, sizes))
    return replace(
        changed,
        symbols=tuple(symbol for symbol in graph.symbols if symbol.name not in sizes),
        guards=tuple(guard for guard in changed.guards if guard.symbols),
    )


def with_sizes(graph: Graph, change: Change) -> Graph:
    """The graph with each symbolic size changed, those of its guards included."""
    return replace(
        graph,
        guards=tuple(_guard(guard, change) for guard in graph.guards),
        inputs=tuple(replace(entry, value=_value(entry.value, change)) for entry in graph.inputs),
        nodes=tuple(_node(node, change) for node in graph.nodes),
    )


def _node(node: Node, change: Change) -> Node:
    return replace(
        node,
        args=tuple(_arg(arg, change) for arg in node.args),
        kwargs=tuple((name, _arg(arg, change)) for name, arg in node.kwargs),
        outs=tuple(_value(value, change) for value in node.outs),
    )


def _arg(arg: Arg, change: Change) -> Arg:
    match arg:
        case Dim():
            return change(arg)
        case Guard():
            return _guard(arg, change)
        case Block():
            return replace(
                arg,
                inputs=tuple(_value(value, change) for value in arg.inputs),
                nodes=tuple(_node(node, change) for node in arg.nodes),
            )
        case tuple():
            return tuple(_arg(item, change) for item in arg)
        case _:
            return arg


def _guard(guard: Guard, change: Change) -> Guard:
    return Guard(change(guard.left), guard.sign, change(guard.right))


def _value(value: Value, change: Change) -> Value:
    shape = tuple(change(size) for size in value.type.shape)
    return Value(value.name, TensorType(value.type.dtype, shape))
