"""Invariants of a graph, checked after recording and after every pass.

It looks at structure only: names, order, types that must agree. Whether an op computes what it
should is parity's question.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from pycandle.errors import MISFITS, Finding, GraphError
from pycandle.graph import dim
from pycandle.graph.ir import DTYPES, Graph, Node

# As many bytes are more than any machine can address.
_MOST_ELEMENTS = 2**60
# More than these nobody reads.
_MOST_PROBLEMS = 20


def verify(graph: Graph, after: str) -> Graph:
    """The graph itself, or `GraphError` with the broken invariants; `after` names the step."""
    problems = [*_definitions(graph), *_regions(graph), *_types(graph)]
    if len(problems) > _MOST_PROBLEMS:
        more = len(problems) - _MOST_PROBLEMS
        problems = [*problems[:_MOST_PROBLEMS], f"there are {more} more problems like these"]
    if problems:
        raise GraphError(
            *(
                Finding(problem, f"graph {graph.name}, after {after}", "report this with the graph")
                for problem in problems
            )
        )
    return graph


@contextmanager
def reported(step: str, graph: Graph) -> Generator[None]:
    """Within it, a graph that the step cannot read, though it is verified, is a `GraphError`."""
    try:
        yield
    except MISFITS as error:
        raise GraphError(
            Finding(
                f"{step} cannot read the graph ({type(error).__name__}: {error})",
                f"graph {graph.name}",
                "record the model again; if this stays, report it with the manifest",
            )
        ) from error


def _definitions(graph: Graph) -> list[str]:
    problems: list[str] = []
    known: set[str] = set()
    for entry in (*graph.inputs, *graph.parameters):
        if entry.value.name in known:
            problems.append(f"%{entry.value.name} is defined twice")
        known.add(entry.value.name)
    problems += [
        f"the parameter %{parameter.value.name} has no name in the model"
        for parameter in graph.parameters
        if not all(parameter.names) or not parameter.names
    ]
    bound: dict[str, set[str]] = {}
    for binding in graph.bindings:
        bound.setdefault(binding.value, set()).add(binding.name)
    sizes = {symbol.name for symbol in graph.symbols}
    sizes.update(*(bound.get(name, ()) for name in known))
    problems += _block_definitions(graph.nodes, known, sizes, bound)
    problems += [
        f"the output %{output.value} is not defined"
        for output in graph.outputs
        if output.value not in known
    ]
    return problems


def _block_definitions(
    nodes: tuple[Node, ...], known: set[str], sizes: set[str], bound: Mapping[str, set[str]]
) -> list[str]:
    """Values and symbols that are used before they exist; adds those that exist after the nodes."""
    problems: list[str] = []
    for node in nodes:
        problems += [
            f"%{name} is used by {node.op} before it is defined"
            for name in node.inputs
            if name not in known
        ]
        for block in node.blocks:
            # What a block defines ends with it.
            inside, told = set(known), set(sizes)
            for value in block.inputs:
                problems += [f"%{value.name} is defined twice"] if value.name in known else []
                inside.add(value.name)
                told |= bound.get(value.name, set())
            problems += _block_definitions(block.nodes, inside, told, bound)
            lost = [name for name in block.results if name not in inside]
            problems += [f"%{name} is not defined in its block" for name in lost]
        for out in node.outs:
            if out.name in known:
                problems.append(f"%{out.name} is defined twice")
            known.add(out.name)
            sizes |= bound.get(out.name, set())
        if not node.blocks:
            problems += [
                f"{node.op} uses the symbol {name} before it is bound"
                for name in sorted(node.symbols - sizes)
                if any(name in names for names in bound.values())
            ]
    return problems


def _regions(graph: Graph) -> list[str]:
    problems: list[str] = []
    for index, region in enumerate(graph.regions):
        if index == 0 and (region.parent is not None or region.path):
            problems.append("region 0 must be the whole model")
        if index and (region.parent is None or not 0 <= region.parent < index):
            problems.append(f"region {index} ({region.path}) has no parent before it")
    calls = Counter((region.path, region.call) for region in graph.regions)
    problems += [
        f"call {call} of {path or 'the model'} is there {times} times"
        for (path, call), times in calls.items()
        if times > 1
    ]
    problems += [
        f"{region.path!r} is no path of a module"
        for region in graph.regions[1:]
        if not all(region.path.split("."))
    ]
    problems += [
        f"{node.op} belongs to region {node.region}, which does not exist"
        for node in graph.nodes
        if not 0 <= node.region < len(graph.regions)
    ]
    return problems


def _types(graph: Graph) -> list[str]:
    known = {symbol.name for symbol in (*graph.symbols, *graph.bindings)}
    problems = [
        f"the value %{binding.value} that binds {binding.name} does not exist"
        for binding in graph.bindings
        if binding.value not in graph.types
    ]
    for name, tensor in graph.types.items():
        if tensor.dtype not in DTYPES:
            problems.append(f"%{name} has the unknown dtype {tensor.dtype}")
        known_sizes = [size for size in tensor.shape if isinstance(size, int)]
        if any(size < 0 for size in known_sizes) or math.prod(known_sizes) >= _MOST_ELEMENTS:
            problems.append(f"%{name} has the impossible shape {known_sizes}")
        problems += [
            f"%{name} has the size {size} over the unknown symbol {symbol}"
            for size in tensor.shape
            for symbol in sorted(dim.symbols(size) - known)
        ]
    return problems
