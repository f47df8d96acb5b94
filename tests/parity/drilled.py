"""Faithful models in whose code every line of every module is compared with PyTorch.

None may differ: that holds the values to the lines that compute them, and the lines to their ops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pycandle.emit.bindings import Bindings, bindings
from pycandle.emit.compiled import Compiled
from pycandle.graph import Graph, manifest
from pycandle.verify.instrument import Line, instrument

DRILLED = (
    "bert", "gpt2", "conv_net", "attentions", "recurrent", "vocoder", "decoder", "twice", "rotary",
    "equations", "variants", "norms",
)  # fmt: skip
# The comparisons of a module have numbers of their own.
_APART = 1000


@dataclass(frozen=True)
class Place:
    """A module call, and what its code binds."""

    path: str
    call: int
    bound: Bindings
    first: int  # the number of its first comparison

    def lines(self, code: str) -> tuple[str, list[Line]]:
        lets = [(let.names, let.values) for let in self.bound.lets]
        return instrument(code, self.bound.struct, self.bound.method, lets, self.first)


@cache
def graphs(folder: Path, name: str) -> tuple[Graph, Graph]:
    """The recorded graph, and the same after the passes."""
    made = compiled(folder, name)
    return made.graph, made.tree.graph


@cache
def compiled(folder: Path, name: str) -> Compiled:
    text = (folder / "models" / f"{name}_manifest.json").read_text(encoding="utf-8")
    return Compiled(manifest.load(text, name))


@cache
def places(folder: Path, name: str) -> tuple[Place, ...]:
    """The first call of each forward of each struct of a model."""
    return tuple(_places(compiled(folder, name)))


def everywhere(folder: Path, name: str) -> Callable[[str], str]:
    """Puts a comparison behind every line of a model's code."""

    def change(code: str) -> str:
        for place in places(folder, name):
            code, _ = place.lines(code)
        return code

    return change


def _places(made: Compiled) -> Iterator[Place]:
    seen: set[tuple[str, str]] = set()
    for index, region in enumerate(made.graph.regions):
        bound = bindings(made, index)
        if bound and (bound.struct, bound.method) not in seen:
            seen.add((bound.struct, bound.method))
            yield Place(region.path, region.call, bound, _APART * len(seen))
