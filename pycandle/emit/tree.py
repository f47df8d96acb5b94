"""The module tree of a graph: which nodes each call holds, and what crosses its boundary.

Computed from the graph as the passes left it; the recorded boundaries only give order and names.
It must not know expressions or Rust.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pycandle.emit.caches import find_caches
from pycandle.graph import Graph, Node


@dataclass(frozen=True)
class Tree:
    """The regions of a graph that still compute something."""

    graph: Graph
    with_lists: bool = True  # whether a list of the model's, as of caches, is one argument

    @cached_property
    def caches(self) -> dict[str, tuple[str, ...]]:
        """For each value that is in a list that the model takes or gives, all of the list."""
        if not self.with_lists:
            return {}
        types = self.graph.types
        return find_caches(self.inputs(0), types) | find_caches(self.outputs(0), types)

    @cached_property
    def children(self) -> list[list[int]]:
        """For each region the regions directly inside it, in order of call."""
        found: list[list[int]] = [[] for _ in self.graph.regions]
        for index, region in enumerate(self.graph.regions):
            if region.parent is not None and index not in self.elided:
                found[region.parent].append(index)
        return found

    @cached_property
    def elided(self) -> set[int]:
        """Regions without a node: identities, dropout, calls whose result nothing uses."""
        holds = [False] * len(self.graph.regions)
        for node in self.graph.nodes:
            holds[node.region] = True
        for index in reversed(range(1, len(holds))):
            parent = self.graph.regions[index].parent
            if parent is not None:
                holds[parent] |= holds[index]
        return {index for index, held in enumerate(holds) if index and not held}

    @cached_property
    def nodes(self) -> list[list[Node]]:
        """For each region the nodes in it and in the regions inside it."""
        found: list[list[Node]] = [[] for _ in self.graph.regions]
        for node in self.graph.nodes:
            region: int | None = node.region
            while region is not None:
                found[region].append(node)
                region = self.graph.regions[region].parent
        return found

    @cached_property
    def axes(self) -> dict[str, tuple[str, ...]]:
        """What the sizes of a parameter are called, by its value, where they are."""
        return {p.value.name: p.axes for p in self.graph.parameters if p.axes}

    @cached_property
    def readers(self) -> dict[str, dict[int, None]]:
        """The regions of the nodes that read each value."""
        found: dict[str, dict[int, None]] = {}
        for node in self.graph.nodes:
            for name in node.inputs:
                found.setdefault(name, {})[node.region] = None
        return found

    @cached_property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        """The checkpoint names of each parameter, by value name."""
        return {p.value.name: p.names for p in self.graph.parameters}

    def relative(self, value: str, region: int) -> str | None:
        """The parameter's name inside a module, if the module holds it."""
        path = self.graph.regions[region].path
        for name in self.aliases[value]:
            if not path:
                return name
            if name.startswith(f"{path}."):
                return name[len(path) + 1 :]
        return None

    def path_in_parent(self, region: int) -> str:
        """How the calling module holds the called one: `attention.self`."""
        called = self.graph.regions[region]
        outer = self.graph.regions[called.parent].path if called.parent is not None else ""
        return called.path[len(outer) + 1 :] if outer else called.path

    def home(self, value: str, region: int) -> int:
        """The innermost region around `region` that holds the parameter."""
        while self.relative(value, region) is None:
            parent = self.graph.regions[region].parent
            assert parent is not None, "the root holds every parameter"
            region = parent
        return region

    def is_inside(self, region: int, outer: int) -> bool:
        """Whether a region is another one, or inside it."""
        current: int | None = region
        while current is not None and current != outer:
            current = self.graph.regions[current].parent
        return current == outer

    def inputs(self, region: int) -> list[tuple[str, str]]:
        """(name, value) of what a call reads from outside, in the order of its signature."""
        made = {out.name for node in self.nodes[region] for out in node.outs}
        live: dict[str, None] = {}
        for node in self.nodes[region]:
            for name in node.inputs:
                if name in made:
                    continue
                if name in self.aliases and self.is_inside(self.home(name, node.region), region):
                    continue
                live[name] = None
        if region == 0:
            live = dict.fromkeys(entry.value.name for entry in self.graph.inputs)
        return self._ordered(live, [(b.name, b.value) for b in self.graph.regions[region].inputs])

    def outputs(self, region: int) -> list[tuple[str, str]]:
        """(path, value) of what a call gives to the outside, in the order of its return."""
        if region == 0:
            return [(output.path, output.value) for output in self.graph.outputs]
        made = dict.fromkeys(out.name for node in self.nodes[region] for out in node.outs)
        final = {output.value for output in self.graph.outputs}
        live = {
            name: None
            for name in made
            if name in final
            or any(not self.is_inside(reader, region) for reader in self.readers.get(name, ()))
        }
        return self._ordered(live, [(b.name, b.value) for b in self.graph.regions[region].outputs])

    def _ordered(
        self, live: dict[str, None], recorded: list[tuple[str, str]]
    ) -> list[tuple[str, str]]:
        pairs: list[tuple[str, str]] = []
        for name, value in recorded:
            current = self.graph.replaced.get(value, value)
            if current in live:
                pairs.append((name, current))
                del live[current]
        return [*pairs, *((name, name) for name in live)]
