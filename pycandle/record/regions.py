"""Builds the tree of module calls and finds what crosses each boundary.

The tree comes from the hooks; a node's place in it from its module stack. What enters and leaves a
call is decided by the graph (live in, live out); only the names come from the Python signatures,
matched by equal tensors. It must not know how goldens are stored beyond their keys.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace

import torch

from pycandle.graph import Boundary, Graph, Node, Region, every_node, numbers_in, subtrees
from pycandle.graph.dropouts import drops_nothing
from pycandle.record.calls import Call
from pycandle.record.importer import Imported
from pycandle.record.source import place_of_line
from pycandle.record.twins import merge_twins


def place_nodes(imported: Imported, calls: list[Call]) -> Graph:
    """The graph with its regions, and every node in the innermost call that made it."""
    regions = [_region(call) for call in calls] or [
        Region("", 0, imported.graph.class_name, None, "")
    ]
    index = {(region.path, region.call): i for i, region in enumerate(regions)}
    homes: list[int | None] = []
    for stack in imported.owners:
        home: int | None = 0 if stack else None
        for path, call, class_name in stack:
            if (path, call) not in index:
                index[path, call] = len(regions)
                regions.append(Region(path, call, class_name, home, ""))
            home = index[path, call]
        homes.append(home)
    placed = _place_constants(imported.graph.nodes, homes, regions)
    graph = replace(imported.graph, regions=tuple(regions), nodes=placed)
    return merge_twins(replace(graph, regions=_with_telling_attributes(graph)))


def _with_telling_attributes(graph: Graph) -> tuple[Region, ...]:
    """The regions with those of their attributes that are numbers in the graph, or flags that not
    all modules of the class agree on.

    Others say nothing of it, and may be another in each run, as a time is.
    """
    own: list[set[int | float]] = [set() for _ in graph.regions]
    for node in graph.nodes:
        for part in every_node((node,)):
            shapes = (graph.types[name].shape for name in part.inputs if name in graph.types)
            outs = (out.type.shape for out in part.outs)
            arguments = (value for _, value in part.kwargs)
            own[node.region] |= {*numbers_in((part.args, *arguments, *shapes, *outs))}
    inside = subtrees(graph)
    used = [set[int | float]().union(*(own[k] for k in sorted(inner))) for inner in inside]
    flags: dict[tuple[str, str], set[bool]] = {}
    for region in graph.regions:
        for name, value in region.attributes:
            if isinstance(value, bool):
                flags.setdefault((region.class_name, name), set()).add(value)

    def tells(region: Region, index: int, name: str, value: int | float) -> bool:
        if isinstance(value, bool):
            return len(flags[region.class_name, name]) > 1
        return value in used[index]

    return tuple(
        replace(
            region,
            attributes=tuple((k, v) for k, v in region.attributes if tells(region, index, k, v)),
        )
        for index, region in enumerate(graph.regions)
    )


def _region(call: Call) -> Region:
    site, targets = place_of_line(*call.site) if call.site else ("", ())
    return Region(
        call.path, call.index, call.class_name, call.parent, call.source, site=site,
        targets=targets, attributes=tuple(call.attributes.items()),
        arguments=tuple(call.arguments.items()), listed=call.listed,
    )  # fmt: skip


def _place_constants(
    nodes: tuple[Node, ...], homes: list[int | None], regions: list[Region]
) -> tuple[Node, ...]:
    """Nodes without a stack go to the innermost call that holds all their users."""
    found: dict[str, int] = {}
    placed: list[Node] = []
    for node, home in zip(reversed(nodes), reversed(homes), strict=True):
        if home is None:
            users = [found[out.name] for out in node.outs if out.name in found]
            home = users[0] if users else 0
        for name in node.inputs:
            found[name] = _common(found[name], home, regions) if name in found else home
        placed.append(replace(node, region=home))
    return tuple(reversed(placed))


def _common(left: int, right: int, regions: list[Region]) -> int:
    """The innermost region that holds both."""
    ancestors = set(_ancestors(left, regions))
    return next(region for region in _ancestors(right, regions) if region in ancestors)


def _ancestors(index: int, regions: list[Region]) -> Iterable[int]:
    current: int | None = index
    while current is not None:
        yield current
        current = regions[current].parent


def find_boundaries(graph: Graph, calls: list[Call], values: Mapping[str, torch.Tensor]) -> Graph:
    """The graph with each region's inputs and outputs, named and with their golden keys."""
    live_in, live_out = _live(graph)
    outputs: list[tuple[Boundary, ...]] = []
    golden: dict[str, str] = {}
    made = {out.name: node for node in graph.nodes for out in node.outs}
    for index, region in enumerate(graph.regions):
        seen = calls[index].outputs if index < len(calls) else {}
        named = match(live_out[index], seen, values)
        if index:
            whole = {boundary.value: boundary.name for boundary in outputs[0]}
            # What the module changes in place, as a cache, it was not seen to give.
            whole = {value: whole[value] for name, value in named if name == value in whole}
            named = _of_lists([(whole.get(v, name), v) for name, v in named], whole)
            named = [(n, v) for n, v in named if n != v or not _came_in(v, live_in[index], made)]
        order = list(seen)
        named.sort(key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order))
        found = [
            Boundary(name, value, f"{region.key}.{k}") for k, (name, value) in enumerate(named)
        ]
        outputs.append(tuple(found))
        for boundary in found:
            golden.setdefault(boundary.value, boundary.golden)
    assigned = {
        node.out.name: node.targets[0]
        for node in graph.nodes
        if len(node.outs) == 1 and len(node.targets) == 1
    }
    regions: list[Region] = []
    for index, region in enumerate(graph.regions):
        seen = calls[index].inputs if index < len(calls) else {}
        named = _as_assigned(match(live_in[index], seen, values), assigned)
        order = list(seen)
        named.sort(key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order))
        if index:
            named = _of_lists(named, {b.value: b.name for b in regions[0].inputs})
        inputs: list[Boundary] = []
        for name, value in _with_draws(named, graph, index):
            key = golden.setdefault(value, f"{region.key}.{name}")
            inputs.append(Boundary(name, value, key))
        regions.append(replace(region, inputs=tuple(inputs), outputs=outputs[index]))
    return replace(graph, regions=tuple(regions))


def _came_in(value: str, taken: Container[str], made: Mapping[str, Node]) -> bool:
    """Whether a module took this value, and dropouts in eval mode gave it back as it was.

    They give the very tensor, and the graph knows a tensor by the last op that gave it: another
    module that takes the same one reads it from there, though no module gave it to the other.
    """
    node = made.get(value)
    while node is not None and drops_nothing(node):
        (value, *_) = node.inputs
        if value in taken:
            return True
        node = made.get(value)
    return False


def _of_lists(named: list[tuple[str, str]], whole: Mapping[str, str]) -> list[tuple[str, str]]:
    """The pairs, where a module's own item of a list that is the model's has the list's name.

    `whole` has the model's names. Blocks that do the same must call it the same, so which of the
    items it is is left out.
    """
    stems = [
        name.rpartition(".")[0]
        if number.isdigit() and whole.get(value, "").endswith(f".{number}")
        else name
        for name, value in named
        for number in (name.rpartition(".")[2],)
    ]
    return [
        (stem if stem and stems.count(stem) == 1 else name, value)
        for stem, (name, value) in zip(stems, named, strict=True)
    ]


def _as_assigned(
    named: list[tuple[str, str]], assigned: Mapping[str, str]
) -> list[tuple[str, str]]:
    """The pairs, where what the module was not seen to take has the name that Python assigned.

    A mask that says nothing may be left out of a plain run, and is in the graph.
    """
    taken = {name for name, value in named if name != value}
    found: list[tuple[str, str]] = []
    for name, value in named:
        if name == value and assigned.get(value, name) not in taken:
            name = assigned.get(value, name)
            taken.add(name)
        found.append((name, value))
    return found


def _with_draws(named: list[tuple[str, str]], graph: Graph, region: int) -> list[tuple[str, str]]:
    """The pairs, where what the model draws has the model's name for it, or the module's own.

    Modules that do the same must call it the same, so its number among all draws is left out.
    """
    drawn = {entry.value.name: entry.name for entry in graph.inputs if entry.random}
    taken = {name for name, value in named if value not in drawn}
    found: list[tuple[str, str]] = []
    for name, value in named:
        if value in drawn:
            name = drawn[value]
            stem = re.sub(r"_\d+$", "", name) if region else name
            name, count = stem, 2
            while name in taken:
                name, count = f"{stem}_{count}", count + 1
            taken.add(name)
        found.append((name, value))
    return found


def match(
    names: list[str], seen: Mapping[str, torch.Tensor], values: Mapping[str, torch.Tensor]
) -> list[tuple[str, str]]:
    """(Python's name, value) for each value: the name whose tensor is the same, else its own."""
    free = dict(seen)
    pairs: list[tuple[str, str]] = []
    for value in names:
        same = [name for name, tensor in free.items() if agree(values[value], tensor)]
        if same:
            free.pop(same[0])
        pairs.append((same[0] if same else value, value))
    return pairs


def agree(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    """Equal up to what two orders of summation may differ by."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return False
    if ours.is_complex():
        ours, theirs = ours.resolve_conj(), theirs.resolve_conj()
        return agree(torch.view_as_real(ours), torch.view_as_real(theirs))
    if not ours.is_floating_point() or torch.equal(ours, theirs):
        return torch.equal(ours, theirs)
    ours, theirs = ours.double(), theirs.double()
    scale = float(theirs.nan_to_num(0.0, 0.0, 0.0).abs().max()) if theirs.numel() else 0.0
    return torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5 * scale, equal_nan=True)


def _live(graph: Graph) -> tuple[list[list[str]], list[list[str]]]:
    """For each region the values it reads from outside, and those of its own used outside."""
    aliases = {p.value.name: p.names for p in graph.parameters}
    inside = subtrees(graph)
    final = {output.value for output in graph.outputs}
    live_in: list[list[str]] = []
    live_out: list[list[str]] = []
    for index in range(len(graph.regions)):
        nodes = [n for n in graph.nodes if n.region in inside[index]]
        made = {out.name: None for n in nodes for out in n.outs}
        reads = dict.fromkeys(name for n in nodes for name in n.inputs)
        used = final | {
            name for n in graph.nodes if n.region not in inside[index] for name in n.inputs
        }
        # A parameter comes from outside where the module does not hold it under any name.
        prefix = f"{graph.regions[index].path}."
        own = {p for p, names in aliases.items() if any(n.startswith(prefix) for n in names)}
        live_in.append([name for name in reads if name not in made and name not in own])
        live_out.append([name for name in made if name in used])
    live_in[0] = [i.value.name for i in graph.inputs]
    live_out[0] = [output.value for output in graph.outputs]  # the same value may be given twice
    return live_in, live_out
