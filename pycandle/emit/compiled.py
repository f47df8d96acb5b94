"""What the emitter makes of a recorded graph, for those who ask of one module call in it.

It must not know text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pycandle.emit.fields import ModuleField
from pycandle.emit.fusing import Fusion, fused
from pycandle.emit.lowering import lower_graph
from pycandle.emit.names import type_identifier
from pycandle.emit.once import Once, computed_once
from pycandle.emit.one_loop import OneLoop, in_one_loop
from pycandle.emit.strides import with_strides
from pycandle.emit.structs import Struct, structs_and_fields
from pycandle.emit.tree import Tree
from pycandle.emit.weights import with_parameters
from pycandle.errors import UnsupportedError
from pycandle.graph import Graph
from pycandle.passes import run_passes


@dataclass(frozen=True)
class Compiled:
    """A recorded graph, and what the emitter makes of it.

    `root` is what the model's own struct is called, `checked` whether structs take a checker, and
    `fuse` whether calls are fused.
    Raises `UnsupportedError` when it is looked at, if the model has no Rust.
    """

    graph: Graph
    root: str = ""
    checked: bool = True
    fuse: bool = True

    @cached_property
    def tree(self) -> Tree:
        """The tree of module calls, as the passes left it."""
        return Tree(run_passes(self.graph))

    @property
    def made(self) -> tuple[list[Struct], Mapping[int, ModuleField]]:
        """The structs, and how each module call's is made."""
        return self._fused[0], self._plain[1]

    @property
    def fusions(self) -> list[Fusion]:
        """What was fused in them, and what was not."""
        return self._fused[1]

    @property
    def loops(self) -> list[OneLoop]:
        """What one loop computes in them."""
        return self._fused[3]

    @property
    def once(self) -> list[Once]:
        """The calls of layers in them that are computed once."""
        return self._fused[2]

    @cached_property
    def _plain(self) -> tuple[list[Struct], Mapping[int, ModuleField]]:
        """The structs before calls are fused."""
        lowered, findings = lower_graph(self.tree.graph)
        if findings:
            raise UnsupportedError(*findings)
        root = self.root or type_identifier(self.graph.class_name.rpartition(".")[2])
        if self.fuse:
            lowered = with_strides(lowered, self.tree.graph)
        return structs_and_fields(self.tree, lowered, root)

    @cached_property
    def _fused(self) -> tuple[list[Struct], list[Fusion], list[Once], list[OneLoop]]:
        structs, _ = self._plain
        if not self.fuse:
            return structs, [], [], []
        structs, fusions = fused(structs, self.tree.graph)
        structs, once = computed_once(structs, self.tree)
        structs, loops = in_one_loop(structs, self.tree)
        return with_parameters(structs), fusions, once, loops
