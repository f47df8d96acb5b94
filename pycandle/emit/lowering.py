"""Lowers every node of a graph, and collects what has no lowering.

All findings at once, each with its module, its Python line, how often it occurs and a way out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeGuard

from pycandle.emit.axes import Names, axis_names
from pycandle.errors import Finding
from pycandle.graph import Graph, Node, Parameter, every_node
from pycandle.graph.spelling import factors, spell
from pycandle.ops import Decline, lower
from pycandle.ops.create import candle_dtype
from pycandle.ops.expr import Expr, Method, Number, Tuple, rewrite, walk


def lower_graph(graph: Graph) -> tuple[dict[str, Expr], tuple[Finding, ...]]:
    """An expression for each value, and a finding for each line that cannot be lowered.

    Where one expression gives all outputs of a node, it stands under the first one's name alone.
    """
    lowered: dict[str, Expr] = {}
    axes = axis_names(graph)
    declined: dict[tuple[str, str, str], list[Node]] = {}
    for outer in graph.nodes:
        for node in every_node((outer,)):
            if node.blocks:
                continue  # a branch or a loop is a statement
            try:
                exprs = _named(node, _sized(lower(node, graph)), axes.get(node.out.name, ()))
            except Decline as reason:
                # What is in a block belongs to the region of the node that holds it.
                held = replace(node, region=outer.region)
                declined.setdefault((reason.what, reason.fix, node.source), []).append(held)
                continue
            lowered.update((out.name, expr) for out, expr in zip(node.outs, exprs, strict=False))
    findings = tuple(
        _finding(graph, what, fix, source, nodes) for (what, fix, source), nodes in declined.items()
    )
    return lowered, (*_mixed_weights(graph), *_not_loadable(graph), *findings)


# What weights can be loaded in.
WEIGHT_DTYPES = ("f64", "f32", "f16", "bf16")


def weights_dtype(graph: Graph) -> str | None:
    """The one floating dtype that the checkpoint is loaded in; None if it has no floats."""
    return next((p.value.type.stored.dtype for p in _floats(graph)), None)


def _floats(graph: Graph) -> list[Parameter]:
    return [p for p in graph.parameters if p.value.type.stored.is_float and not p.constant]


def _sized(exprs: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The expressions of a node; declines them where Rust would not take a number for a size.

    PyTorch takes some that mean nothing, and only then does a lowering let them pass.
    """
    for part in (part for expr in exprs for part in walk(expr)):
        if isinstance(part, Number) and part.kind == "usize" and part.value < 0:
            label = "a size" if part.label in ("", "size") else part.label
            raise Decline(f"{part.value} for {label}", "pass a number that is not negative")
    return exprs


def _named(node: Node, exprs: tuple[Expr, ...], axes: Names) -> tuple[Expr, ...]:
    """The expressions with the names that the model's code has for their sizes and factors.

    A number that stands there more often than in the node may be two, of which the name is one's.
    """
    names = {value: name for name, value in node.named}
    most = Counter(value for _, value in node.named)
    times: Counter[int | float] = Counter()
    for expr in exprs if names else ():
        times |= Counter(part.value for part in walk(expr) if _may_be_named(part))

    def change(part: Expr) -> Expr | None:
        if not _may_be_named(part) or times[part.value] > most[part.value]:
            return None
        return replace(part, name=names[part.value])

    exprs = tuple(_with_start(rewrite(expr, change)) for expr in exprs) if names else exprs
    return tuple(_with_axes(expr, axes) for expr in exprs) if axes else exprs


def _with_start(expr: Expr) -> Expr:
    """A part of equal ones, of which the length has a name, with its start as so many lengths."""
    match expr:
        case Method(name="narrow", args=(axis, Number(label="start") as start, Number() as length)):
            times, rest = divmod(start.value, length.value) if length.value else (0, 1)
            if rest or not times or not length.name or factors(length.name):
                return expr
            spelled = spell((("", int(times)), (length.name, int(length.value))))
            begin = replace(start, name=length.name if times == 1 else spelled)
            return replace(expr, args=(axis, begin, length))
        case _:
            return expr


def _with_axes(expr: Expr, axes: Names) -> Expr:
    """A view with the names of its axes in the place of sizes that have none."""
    match expr:
        case Method(
            receiver=x, name="reshape" | "broadcast_as" as name, args=(Tuple(items=items),)
        ):
            pairs = zip(items, axes, strict=False)
            named = tuple(
                replace(item, name=axis) if isinstance(item, Number) and not item.name else item
                for item, axis in pairs
            )
            return Method(x, name, (Tuple(named),)) if len(items) == len(axes) else expr
        case _:
            return expr


def _may_be_named(part: Expr) -> TypeGuard[Number]:
    """Whether it is a size or a factor, and no axis."""
    if not isinstance(part, Number):
        return False
    size = part.kind == "usize" and part.label == "size" and isinstance(part.value, int)
    return size or (part.kind == "f64" and isinstance(part.value, float))


def _mixed_weights(graph: Graph) -> tuple[Finding, ...]:
    """A checkpoint is loaded in one floating dtype; weights of another would change theirs."""
    floats, dtype = _floats(graph), weights_dtype(graph)
    other = [p for p in floats if p.value.type.stored.dtype != dtype]
    return tuple(
        Finding(
            f"weights of {floats[0].value.type.dtype}, and this one of {p.value.type.dtype}",
            p.names[0],
            "give all floating parameters and buffers one dtype",
        )
        for p in other[:1]
    )


def _not_loadable(graph: Graph) -> Iterator[Finding]:
    """What a file may hold, and Candle has no dtype for."""
    for parameter in graph.parameters:
        try:
            candle_dtype(parameter.value.type.stored.dtype)
        except Decline as reason:
            yield Finding(reason.what, parameter.names[0], reason.fix)


def _finding(graph: Graph, what: str, fix: str, source: str, nodes: list[Node]) -> Finding:
    paths = dict.fromkeys(graph.regions[node.region].path or "the model" for node in nodes)
    shown = list(paths)[:3]
    more = f" and {len(paths) - 3} more modules" if len(paths) > 3 else ""
    op = "" if nodes[0].op in what else f"{nodes[0].op}: "
    times = f", {len(nodes)} times" if len(nodes) > 1 else ""
    return Finding(
        f"{op}{what}{times}",
        f"{', '.join(shown)}{more}, {source or 'no Python line was recorded'}",
        fix or "rewrite that line",
    )
