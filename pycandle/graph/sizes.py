"""A graph at known sizes of some of its symbols.

It must not know why a size is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pycandle.graph.dim import Dim, substitute
from pycandle.graph.ir import Arg, Block, Graph, Guard, Node, TensorType, Value


def at_sizes(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """The graph without these symbols: each is the number that it is mapped to.

    Guards that are left without a symbol are dropped; they must hold.
    """
    if not sizes:
        return graph
    guards = tuple(_guard(guard, sizes) for guard in graph.guards)
    return replace(
        graph,
        symbols=tuple(symbol for symbol in graph.symbols if symbol.name not in sizes),
        guards=tuple(guard for guard in guards if guard.symbols),
        inputs=tuple(replace(entry, value=_value(entry.value, sizes)) for entry in graph.inputs),
        nodes=tuple(_node(node, sizes) for node in graph.nodes),
    )


def _node(node: Node, sizes: Mapping[str, int]) -> Node:
    return replace(
        node,
        args=tuple(_arg(arg, sizes) for arg in node.args),
        kwargs=tuple((name, _arg(arg, sizes)) for name, arg in node.kwargs),
        outs=tuple(_value(value, sizes) for value in node.outs),
    )


def _arg(arg: Arg, sizes: Mapping[str, int]) -> Arg:
    match arg:
        case Dim():
            return substitute(arg, sizes)
        case Guard():
            return _guard(arg, sizes)
        case Block():
            return replace(
                arg,
                inputs=tuple(_value(value, sizes) for value in arg.inputs),
                nodes=tuple(_node(node, sizes) for node in arg.nodes),
            )
        case tuple():
            return tuple(_arg(item, sizes) for item in arg)
        case _:
            return arg


def _guard(guard: Guard, sizes: Mapping[str, int]) -> Guard:
    return Guard(substitute(guard.left, sizes), guard.sign, substitute(guard.right, sizes))


def _value(value: Value, sizes: Mapping[str, int]) -> Value:
    shape = tuple(substitute(size, sizes) for size in value.type.shape)
    return Value(value.name, TensorType(value.type.dtype, shape))
