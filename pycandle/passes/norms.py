"""Writes RMS norms that a model spells out, `x * rsqrt(mean(x ** 2) + eps) * weight`, as one op.

The weight may be missing, or be made of parameters, as `1 + weight` is. Recognised by its formula,
in f32 and f64, where the mean is over the last axes. Declines where another node reads what lies
between, or where that is what a module gives. Where squares are more than f32 holds, the spelled
norm is zero and the op, which sums in f64, is not.
"""

from __future__ import annotations

from dataclasses import replace

from pycandle.graph import Graph, Node, Ref
from pycandle.passes.formulas import Factor, Formula, Function, Reading, readings


def recognise_norms(graph: Graph) -> Graph:
    """Replace the last node of each; what it was made of is left unused."""
    read = readings(graph)
    nodes: list[Node] = []
    inside: set[str] = set()
    for node in reversed(graph.nodes):
        found = read.get(node.out.name) if node.out.name not in inside else None
        norm = _norm(node, found.formula, graph) if found else None
        if found is not None and norm is not None:
            inside.update(part.out.name for part in found.nodes)
            node = replace(norm, named=_names(found))
        nodes.append(node)
    return graph.with_nodes(tuple(reversed(nodes)), {})


def _norm(node: Node, formula: Formula, graph: Graph) -> Node | None:
    """The node as a norm, if its formula is one."""
    match formula.terms:
        case ((product, 1.0),):
            pass
        case _:
            return None
    scales = [factor for factor in product if isinstance(factor, Function)]
    others = [factor for factor in product if isinstance(factor, str)]
    found = _normalised(scales[0]) if len(scales) == 1 else None
    if found is None:
        return None
    x, axes, eps = found
    type_ = node.out.type
    shape = type_.shape[len(type_.shape) - len(axes) :]
    last = axes == tuple(range(type_.rank - len(axes), type_.rank))
    if x not in others or graph.types[x] != type_ or not (axes and last):
        return None
    others.remove(x)
    weights = [graph.types[name] for name in others]
    if len(others) > 1 or any(w.shape != shape or w.dtype != type_.dtype for w in weights):
        return None
    # A layer's sizes are numbers.
    if not all(isinstance(size, int) for size in shape):
        return None
    weight = Ref(others[0]) if others else None
    return replace(node, op="aten.rms_norm.default", args=(Ref(x), shape, weight, eps))


def _normalised(factor: Factor) -> tuple[str, tuple[int, ...], float] | None:
    """The value, the axes and the epsilon of a factor `rsqrt(mean(x ** 2) + eps)`."""
    match factor:
        case Function(
            name="rsqrt",
            of=Formula(
                terms=(
                    ((), eps),
                    (
                        (
                            Function(
                                name="mean",
                                of=Formula(terms=(((str() as x, str() as same), 1.0),)),
                                axes=axes,
                            ),
                        ),
                        1.0,
                    ),
                )
            ),
        ) if x == same and eps > 0:
            return x, axes, eps
        case _:
            return None


def _names(found: Reading) -> tuple[tuple[str, int | float], ...]:
    """What the statements call the numbers of a norm."""
    return tuple(dict.fromkeys(name for node in found.nodes for name in node.named))
