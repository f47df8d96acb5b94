"""Moves what depends on parameters alone out of a forward, so that `load` computes it once.

That is a normed weight, or a table of position biases; and what depends on nothing, if it is some
work, as the mask of shifted windows. A mere view of a parameter stays where it is read: it costs
nothing there. It must not know text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from pycandle.emit.inline import reads
from pycandle.emit.statements import Hint, Let, missing
from pycandle.emit.steps import Step
from pycandle.emit.tree import Tree
from pycandle.graph import Graph
from pycandle.graph.dim import Dim
from pycandle.ops import entries

# What depends on nothing is moved if it takes so many computations: `load` has to stay short.
_WORK = range(4, 50)

Parameters: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Hoisted:
    """A forward's steps, apart from those that are done before it."""

    before: list[Step]
    steps: list[Step]
    kept: tuple[str, ...]  # values of `before` that `steps` or the outputs read


def hoist(
    steps: list[Step], parameters: Parameters, outputs: tuple[str, ...], tree: Tree, region: int
) -> Hoisted:
    """The steps of a region that `load` can do, and the rest.

    `parameters` are the values that it reads, with their names. Both lists keep their order. What
    costs nothing may be in both.
    """
    graph, table = tree.graph, entries()
    views = {
        out.name
        for node in tree.nodes[region]
        if node.region == region and node.op in table and table[node.op].is_view
        for out in node.outs
    }
    bound = {binding.value for binding in graph.bindings}
    free: dict[str, Step] = {}  # by value: what needs nothing but parameters
    origin: dict[str, set[str]] = {parameter: {parameter} for parameter in parameters}
    work: dict[str, set[int]] = {parameter: set() for parameter in parameters}
    worth: set[str] = set()
    for step in steps:
        sources = reads(step)
        if not _is_pure(step, bound, graph) or not all(
            name in free or name in parameters for name in sources
        ):
            continue
        free |= dict.fromkeys(step.values, step)
        read = set[str]().union(*(origin[name] for name in sources))
        origin |= dict.fromkeys(step.values, read)
        computes = not views.issuperset(step.values)
        effort = set[int]().union(*(work[name] for name in sources), [id(step)] * computes)
        work |= dict.fromkeys(step.values, effort)
        alone = not read and len(effort) >= _WORK.start
        if (computes and (read or alone)) or not worth.isdisjoint(sources):
            worth.update(step.values)
    # All of what takes too long stays, not only the last of it.
    long = {name for name in free if not origin[name] and len(work[name]) >= _WORK.stop}
    for step in reversed(list(free.values())):
        if not long.isdisjoint(step.values):
            long.update(name for name in reads(step) if not origin[name])
    worth -= long
    rest, kept = _rest(steps, free, worth, views, outputs)
    before: set[int] = set()
    open_values = list(kept)
    while open_values:
        step = free[open_values.pop()]
        if id(step) not in before:
            before.add(id(step))
            open_values += (name for name in reads(step) if name in free)
    named = [_named(s, kept, origin, parameters) for s in steps if id(s) in before]
    return Hoisted(named, rest, tuple(kept))


def _rest(
    steps: list[Step],
    free: Collection[str],
    worth: set[str],
    views: set[str],
    outputs: tuple[str, ...],
) -> tuple[list[Step], dict[str, bool]]:
    """The steps of the forward, and what they read of the others: whether on another line only."""
    rest: list[Step] = []
    readers: dict[str, list[str]] = {value: [""] for value in outputs}
    for step in reversed(steps):
        sources = {source for value in step.values for source in readers.get(value, ())}
        # A view on the line that reads it belongs there.
        here = views.issuperset(step.values) and step.source in sources
        # What only `load` reads is not the forward's; of what else nothing reads, a size may.
        dead = not sources and any(value in free for value in step.values)
        if (worth.isdisjoint(step.values) or here) and not dead:
            rest.append(step)
            for name in reads(step):
                readers.setdefault(name, []).append(step.source)
    made = {value: step for step in steps for value in step.values}
    hoisted = worth - {value for step in rest for value in step.values}
    kept = {v: made[v].source not in readers[v] for v in made if v in hoisted and v in readers}
    return rest[::-1], kept


def _named(
    step: Step, kept: Mapping[str, bool], origin: Mapping[str, set[str]], parameters: Parameters
) -> Step:
    """The step with a hint for its field: the name of the one parameter that it changes.

    What Python assigns on the line that reads it is the name of something else.
    """
    let = step.statement
    if not isinstance(let, Let) or len(let.names) != 1 or let.names[0] not in kept:
        return step
    (value,) = let.names
    fallback = let.hint.fallback
    if len(origin[value]) == 1:
        (fallback,) = (parameters[parameter] for parameter in origin[value])
    targets = let.hint.targets if kept[value] else ()
    return replace(step, statement=replace(let, hint=Hint(targets, fallback)))


def _is_pure(step: Step, bound: Collection[str], graph: Graph) -> bool:
    """Whether it is one computation that neither needs nor tells a size."""
    shapes = (graph.types[value].shape for value in step.values)
    return (
        isinstance(step.statement, Let)
        and not step.is_call
        and not any(value in bound for value in step.values)
        and not missing(step.statement)
        and not any(isinstance(size, Dim) for shape in shapes for size in shape)
    )
