"""Makes the golden tensors: every module call's inputs and outputs, at every case, with float64.

A case is one set of input sizes. Besides the recorded one there is the smallest and a larger one,
made from the recorded inputs by cutting and repeating them along the dynamic axes, so that ids
stay ids and masks stay masks; and, where an input may be empty, as a cache, one in which it is. At
each the model itself runs beside its graph, and both must agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.utils import _pytree as pytree

from pycandle.errors import Finding, RecordError
from pycandle.graph import Case, Graph, every_node, subtrees
from pycandle.graph.bounds import known
from pycandle.graph.dim import Dim, substitute
from pycandle.graph.verify import verify
from pycandle.progress import progress
from pycandle.record.calls import Call, observe
from pycandle.record.draws import drawing, in_order
from pycandle.record.empty import may_be_empty
from pycandle.record.evaluate import Environment, Evaluation, evaluate, widen
from pycandle.record.export import Exported, user_inputs
from pycandle.record.importer import Imported
from pycandle.record.paging import Pages
from pycandle.record.regions import agree, find_boundaries, place_nodes
from pycandle.record.symbols import bounded

_MOST_TRIES = 12

Sizes = dict[str, int]


def record_goldens(
    imported: Imported, exported: Exported, say: Callable[[str], None]
) -> tuple[Graph, dict[str, torch.Tensor]]:
    """The finished graph, and the trace's tensors by key. Raises `RecordError`."""
    recorded = {symbol.name: symbol.recorded for symbol in imported.graph.symbols}
    graph = _with_regions(imported, exported, recorded)
    empty = may_be_empty(graph) - bounded(exported)
    smallest, least = _smallest(graph, imported, exported, empty, say)
    symbols = tuple(replace(s, min=least[s.name]) for s in graph.symbols)
    ranges = {s.name: (s.min, math.inf if s.max is None else s.max) for s in symbols}
    guards = tuple(guard for guard in graph.guards if not known(guard, ranges))
    graph = replace(graph, symbols=symbols, guards=guards)
    cases = {"recorded": recorded, "smallest": smallest, "larger": _larger(graph, least)}
    if zeros := {name: 0 for name in empty if least[name] == 0}:
        # A decoder reads its prompt so: what else there is has its recorded size.
        cases["empty"] = recorded | zeros
    kept = {name: sizes for name, sizes in cases.items() if name == "recorded" or sizes != recorded}
    tensors: dict[str, torch.Tensor] = {}
    made: list[Case] = []
    for case, sizes in kept.items():
        found, told = _case(case, sizes, graph, imported, exported)
        tensors |= found
        made.append(Case(case, tuple(told.items())))
    return replace(graph, cases=tuple(made)), tensors


def _with_regions(imported: Imported, exported: Exported, sizes: Sizes) -> Graph:
    """The graph with its module calls and what crosses their boundaries, as a run shows them."""
    pages = Pages()
    seen = _observe(exported, imported, sizes, pages)
    graph = verify(place_nodes(imported, seen.calls), "recording")
    known = imported.weights | seen.inputs
    values = evaluate(
        graph.nodes, known, sizes | seen.sizes, graph.bindings, keep=pages.keep
    ).values
    graph = _name_outputs(find_boundaries(graph, seen.calls, values))
    _hold_against(graph, seen.calls, values, sizes)
    return graph


def _case(
    case: str, sizes: Sizes, graph: Graph, imported: Imported, exported: Exported
) -> tuple[dict[str, torch.Tensor], Sizes]:
    """One case's tensors, boundaries as the model gave them and both float64 references; and the
    sizes of its symbols, those that depend on the data included.
    """
    pages = Pages()
    seen = _observe(exported, imported, sizes, pages)
    calls = seen.calls
    narrow = _evaluate(graph, imported, seen, sizes, pages)
    values = narrow.values
    _hold_against(graph, calls, values, sizes)
    wide = _evaluate(graph, imported, seen, sizes, pages, narrow).values
    weights = {name: widen(tensor) for name, tensor in imported.weights.items()}
    inside = subtrees(graph)
    tensors: dict[str, torch.Tensor] = {}
    for index, region in enumerate(progress(graph.regions, f"goldens, {case} sizes")):
        call = calls[index] if index < len(calls) else None
        for boundary in region.inputs:
            key = f"{case}:{boundary.golden}"
            if key not in tensors:
                own = call.inputs.get(boundary.name) if call else None
                tensors[key] = pages.keep(_stored(own, values[boundary.value]))
        nodes = [node for node in graph.nodes if node.region in inside[index]]
        given = {b.value: tensors[f"{case}:{b.golden}"] for b in region.inputs}
        results = {boundary.value for boundary in region.outputs}
        alone = (
            evaluate(nodes, weights | given, narrow.sizes, graph.bindings, narrow, results).values
            if results
            else {}
        )
        for boundary in region.outputs:
            own = call.outputs.get(boundary.name) if call else None
            key = f"{case}:{boundary.golden}"
            tensors[key] = pages.keep(_stored(own, values[boundary.value]))
            if tensors[key].is_floating_point() or tensors[key].is_complex():
                for run, exact in (("float64", wide), ("isolated", alone)):
                    far = distance(tensors[key], exact[boundary.value])
                    tensors[f"{key}:{run}"] = pages.keep(far)
    inside = {out.name for node in graph.nodes for block in node.blocks
              for inner in every_node(block.nodes) for out in inner.outs}  # fmt: skip
    local = {b.name for b in graph.bindings if b.value in inside}
    return tensors, {name: size for name, size in narrow.sizes.items() if name not in local}


def distance(golden: torch.Tensor, exact: torch.Tensor) -> torch.Tensor:
    """From the output to the same in float64: small beside it, so float32 has all that counts.

    It is zero where the output is no finite number, and nothing is measured.
    """
    far = torch.where(golden.isfinite(), exact - golden, 0)
    return far.to(torch.complex64 if far.is_complex() else torch.float32)


def _stored(own: torch.Tensor | None, evaluated: torch.Tensor) -> torch.Tensor:
    """What the model itself gave where it was seen, else what its graph gives."""
    return own if own is not None and agree(evaluated, own) else evaluated


def _hold_against(
    graph: Graph, calls: list[Call], values: Mapping[str, torch.Tensor], sizes: Sizes
) -> None:
    """Raise `RecordError` naming the first module whose graph gives other numbers than it."""
    if not calls:
        return
    differing = [index for index in _by_end(calls) if _differs(graph, calls[index], index, values)]
    ours = [values[output.value] for output in graph.outputs]
    theirs = list(calls[0].outputs.values())
    same = len(ours) == len(theirs) and all(map(agree, ours, theirs))
    if same and not any(_named(graph, calls[i], i) for i in differing):
        return
    region = graph.regions[differing[0] if differing else 0]
    raise RecordError(
        Finding(
            f"the exported graph of {region.path or 'the model'} gives other numbers"
            f" than the module itself, at sizes {sizes}",
            region.source,
            "look for randomness, for state that forward changes, or for branches on data in it",
        )
    )


def _by_end(calls: list[Call]) -> list[int]:
    """Calls in the order in which they return: what a call holds comes before it."""
    ends = list(range(len(calls)))
    for index in reversed(range(1, len(calls))):
        parent = calls[index].parent
        if parent is not None:
            ends[parent] = max(ends[parent], ends[index])
    return sorted(range(len(calls)), key=lambda index: (ends[index], -index))


def _differs(graph: Graph, call: Call, index: int, values: Mapping[str, torch.Tensor]) -> bool:
    """Whether the call gave a tensor that its graph gives another for, of the same type."""
    boundaries = graph.regions[index].outputs
    for name, theirs in call.outputs.items():
        named = [values[b.value] for b in boundaries if b.name == name]
        # Other values are used outside too, as an input that the module gave back as it was.
        alike = named or [
            tensor
            for tensor in (values[b.value] for b in boundaries if b.name not in call.outputs)
            if tensor.shape == theirs.shape and tensor.dtype == theirs.dtype
        ]
        if alike and not any(agree(ours, theirs) for ours in alike):
            return True
    return False


def _named(graph: Graph, call: Call, index: int) -> bool:
    """Whether the call's outputs were matched with its graph's at the recorded sizes."""
    return any(boundary.name in call.outputs for boundary in graph.regions[index].outputs)


def _smallest(
    graph: Graph,
    imported: Imported,
    exported: Exported,
    empty: set[str],
    say: Callable[[str], None],
) -> tuple[Sizes, Sizes]:
    """The smallest sizes found at which the graph agrees with the model, and each one's minimum.

    One symbol after the other is made as small as it goes with the others as they are then. What a
    guard over several symbols rules out is no minimum: that is checked of each input. Only what
    is in `empty` may be zero, and only if it may be that beside the recorded sizes of the others.
    """
    recorded = {axis.name: axis.recorded for axis in graph.symbols}
    zeros = dict.fromkeys(empty, 0)
    if zeros and (problem := _problem(graph, imported, exported, recorded | zeros)):
        say(f"{' and '.join(sorted(empty))} cannot be zero: {problem}")
        empty = set()
    sizes = dict(recorded)
    least: Sizes = {}
    for axis in graph.symbols:
        name, problem, tries = axis.name, "", 0
        least[name] = 0 if name in empty else axis.min
        for size in range(least[name], axis.recorded):
            alone = _broken(graph, {name: size})
            # What is ruled out costs no run.
            if not alone and _broken(graph, sizes | {name: size}):
                continue
            found = alone or _problem(graph, imported, exported, sizes | {name: size})
            if not found:
                sizes[name] = size
                break
            problem, least[name], tries = found, size + 1, tries + (not alone)
            if tries == _MOST_TRIES:
                least[name] = axis.recorded
                break
        if problem:
            say(f"{name} is {least[name]} at least: {problem}")
    return sizes, least


def _problem(graph: Graph, imported: Imported, exported: Exported, sizes: Sizes) -> str:
    """Why the recording does not hold at these sizes; empty if it does."""
    try:
        if broken := _broken(graph, sizes):
            return broken
        pages = Pages()
        seen = _observe(exported, imported, sizes, pages)
        found = _evaluate(graph, imported, seen, sizes, pages)
        if broken := _broken(graph, found.sizes):
            return broken
        _hold_against(graph, seen.calls, found.values, sizes)
    except RecordError as error:
        return error.findings[0].what
    except Exception as error:
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"
    return ""


def _broken(graph: Graph, sizes: Mapping[str, int]) -> str:
    """The first guard over these sizes that does not hold, in words; empty if all do."""
    for guard in graph.guards:
        if guard.symbols <= set(sizes) and not guard.holds(sizes):
            return f"the exported graph holds where {guard}"
    return ""


def _larger(graph: Graph, least: Sizes) -> Sizes:
    """Sizes above the recorded ones that keep every guard; the recorded ones if none is found."""
    for more in range(_MOST_TRIES):
        sizes = {s.name: _enlarged(s.recorded, s.max, least[s.name], more) for s in graph.symbols}
        if not _broken(graph, sizes):
            return sizes
    return {symbol.name: symbol.recorded for symbol in graph.symbols}


def _enlarged(recorded: int, most: int | None, least: int, more: int) -> int:
    wanted = recorded + (recorded + 1) // 2 + more
    if most is None or wanted <= most:
        return wanted
    return most if most > recorded else max(least, recorded - 1)


@dataclass(frozen=True)
class _Observed:
    """A run of the model itself."""

    calls: list[Call]
    inputs: Environment  # of the graph, by value: what was given, and what the model drew
    sizes: Sizes  # of what it drew, where the data decides them


def _observe(exported: Exported, imported: Imported, sizes: Sizes, pages: Pages) -> _Observed:
    graph = imported.graph
    args, kwargs = _resized(exported, graph, sizes)
    given = [tensor for _, _, tensor in user_inputs(exported.program, args, kwargs)]
    inputs = {entry.value.name: t for entry, t in zip(graph.inputs, given, strict=False)}
    calls: list[Call] = []
    with drawing(bool(imported.draws)) as drawn:
        if exported.model is not None:
            calls = observe(exported.model, args, kwargs, pages.keep)
        elif imported.draws:
            exported.program.module()(*args, **kwargs)

    def holds(value: str, tensor: torch.Tensor) -> bool:
        shape = tuple(substitute(size, sizes) for size in graph.types[value].shape)
        same = zip(tensor.shape, shape, strict=False)
        return len(shape) == tensor.dim() and all(a == b or isinstance(b, Dim) for a, b in same)

    found = in_order(imported.draws, drawn, holds)
    told: Sizes = {}
    for binding in graph.bindings:
        axis = binding.axis(graph.types[binding.value]) if binding.value in found else None
        if axis is not None:
            told[binding.name] = found[binding.value].shape[axis]
    return _Observed(calls, inputs | found, told)


def _evaluate(
    graph: Graph,
    imported: Imported,
    seen: _Observed,
    sizes: Sizes,
    pages: Pages,
    wide_of: Evaluation | None = None,
) -> Evaluation:
    """What crosses the boundaries of module calls; in float64 with `wide_of`."""
    known = {name: pages.keep(t) for name, t in seen.inputs.items()}
    wanted = {b.value for region in graph.regions for b in (*region.inputs, *region.outputs)}
    wanted |= {entry.value for entry in graph.outputs}
    return evaluate(
        graph.nodes,
        imported.weights | known,
        sizes | seen.sizes,
        graph.bindings,
        wide_of,
        wanted,
        pages.keep,
    )


def _resized(
    exported: Exported, graph: Graph, sizes: Sizes
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The inputs at other sizes: cut, or repeated from the start, along each dynamic axis."""
    leaves, tree = pytree.tree_flatten((exported.args, exported.kwargs))
    shapes = iter(graph.inputs)
    resized: list[Any] = []
    for leaf in leaves:
        if isinstance(leaf, torch.Tensor):
            for axis, size in enumerate(next(shapes).value.type.shape):
                wanted = substitute(size, sizes)
                assert isinstance(wanted, int)
                if wanted != leaf.shape[axis]:
                    leaf = leaf.index_select(axis, torch.arange(wanted) % leaf.shape[axis])
        resized.append(leaf)
    return pytree.tree_unflatten(resized, tree)


def _name_outputs(graph: Graph) -> Graph:
    """The model's outputs by the paths that its own return value gives them."""
    paths: dict[str, list[str]] = {}
    for boundary in graph.regions[0].outputs:
        paths.setdefault(boundary.value, []).append(boundary.name)
    return replace(
        graph,
        outputs=tuple(replace(o, path=paths[o.value].pop(0)) for o in graph.outputs),
    )
