"""Writes activations that a model spells out, as `0.5 * x * (1 + erf(x / sqrt(2)))`, as one op.

An activation is recognised by its formula, however it is spelled, in f32 and f64; its numbers
count as the same where they are equal within the rounding of f32. Declines where another node
reads what lies between, or where that is what a module gives.
"""

from __future__ import annotations

import math
from dataclasses import replace

from pycandle.graph import Graph, Node, Ref
from pycandle.passes.formulas import (
    Formula,
    Reading,
    agree,
    function,
    number,
    plus,
    readings,
    times,
    values,
    variable,
)


def recognise_activations(graph: Graph) -> Graph:
    """Replace the last node of each; what it was made of is left unused."""
    found = readings(graph)
    nodes = (_recognised(node, found.get(node.out.name), graph) for node in graph.nodes)
    return graph.with_nodes(tuple(nodes), {})


def _recognised(node: Node, found: Reading | None, graph: Graph) -> Node:
    names = values(found.formula) if found else set[str]()
    if found is None or len(names) != 1:
        return node
    (name,) = names
    if graph.types[name] != node.out.type:
        return node
    for op, kwargs, formula in activations(name):
        if agree(found.formula, formula):
            return replace(node, op=op, args=(Ref(name),), kwargs=kwargs, named=())
    return node


def activations(name: str) -> list[tuple[str, tuple[tuple[str, str], ...], Formula]]:
    """Each op that is known, with its keyword arguments and what it is of the value `name`."""
    x, one = variable(name), number(1)
    half = times(number(0.5), x)
    cubic = plus(x, times(number(0.044715), times(x, times(x, x))))
    tanh = function("tanh", times(number(math.sqrt(2 / math.pi)), cubic))
    erf = function("erf", times(number(math.sqrt(0.5)), x))
    growth = plus(one, function("exp", times(number(-1), x)))
    return [
        ("aten.gelu.default", (("approximate", "tanh"),), times(half, plus(one, tanh))),
        ("aten.gelu.default", (), times(half, plus(one, erf))),
        ("aten.silu.default", (), times(x, function("sigmoid", x))),
        ("aten.silu.default", (), times(x, function("reciprocal", growth))),
        ("aten.mish.default", (), times(x, function("tanh", function("softplus", x)))),
    ]
