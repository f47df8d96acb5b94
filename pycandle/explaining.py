"""`pycandle codegen --explain`: what the compiler fused in a model, what that spares, and what it
did not fuse.

It must not know how code is generated, nor how long anything takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from pycandle.emit.compiled import Compiled
from pycandle.emit.fusing import Fusion
from pycandle.emit.rust import FieldNames, value
from pycandle.graph import Graph, manifest
from pycandle.graph.sizes import at_sizes

# Bytes of an element of what is fused, which is of floats.
_WIDTHS = {"f64": 8, "f32": 4, "f16": 2, "bf16": 2}


@dataclass(frozen=True, slots=True)
class Explained:
    """A layer and the steps after it in the code of some modules: one call, or why not."""

    struct: str
    modules: tuple[str, ...]  # their paths; empty for the model itself
    parts: tuple[str, ...]  # fields and functions: "conv1", "bn1", "ops::relu", "add"
    source: str  # the Python line of the last of them
    declined: str = ""
    # How many bytes a call in the first of the modules neither writes nor reads again, at the
    # recorded sizes: each step by itself would read the tensor before it and write another.
    spared: int | None = None


def explained(text: str, options: Mapping[str, str]) -> list[Explained]:
    """What was fused in the code of a manifest, in the order of its structs, and what was not.

    Raises as `generate` does.
    """
    graph = manifest.load(text, options.get("manifest", "the manifest"))
    made = Compiled(graph, options.get("model", ""), fuse=options.get("fuse") != "false")
    after = made.tree.graph
    sized = at_sizes(after, dict(after.cases[0].symbols)) if after.cases else after
    names = {struct.name: FieldNames(struct.fields, struct.stored) for struct in made.made[0]}
    return [
        Explained(
            fusion.struct,
            tuple(dict.fromkeys(after.regions[region].path for region in fusion.regions)),
            tuple(value(part, names[fusion.struct]).removeprefix("self.") for part in fusion.parts),
            _source(after, fusion),
            fusion.declined,
            None if fusion.declined else _spared(sized, fusion),
        )
        for fusion in made.fusions
    ]


def told(found: Sequence[Explained]) -> Iterator[str]:
    """The lines that tell of it."""
    for head, group in (
        ("fused into one call", [each for each in found if not each.declined]),
        ("not fused", [each for each in found if each.declined]),
    ):
        count = sum(len(each.modules) for each in group)
        yield f"{head}: {count}"
        for each in group:
            shown = [path or "the model" for path in each.modules[:3]]
            more = f" and {len(each.modules) - 3} more" if len(each.modules) > 3 else ""
            why = f": {each.declined}" if each.declined else ""
            yield f"  {' + '.join(each.parts)}{why}"
            yield f"    in {', '.join(shown)}{more} ({each.struct}{_at(each.source)})"
            if each.spared:
                yield f"    spares {_in_units(each.spared)} of memory traffic in {shown[0]}"


def as_json(each: Explained) -> dict[str, object]:
    """One entry for `--json`."""
    return {
        "pass": "fusing",
        "struct": each.struct,
        "modules": list(each.modules),
        "ops": list(each.parts),
        "source": each.source,
        "declined": each.declined or None,
        "spared_bytes": each.spared,
    }


def _spared(graph: Graph, fusion: Fusion) -> int | None:
    """See `Explained.spared`; None where a size is known only when the model runs."""
    known = graph.types.get(fusion.value)
    if known is None or not all(isinstance(size, int) for size in known.shape):
        return None
    steps = len(fusion.parts) - 1
    elements = prod(size for size in known.shape if isinstance(size, int))
    return 2 * steps * elements * _WIDTHS[known.dtype]


def _in_units(count: int) -> str:
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1e3:.3g} kB" if count < 999_500 else f"{count / 1e6:.3g} MB"


def _at(source: str) -> str:
    return f", {source}" if source else ""


def _source(graph: Graph, fusion: Fusion) -> str:
    """The line in the modules' own code that gives the value, if that is known."""
    for node in graph.nodes:
        if any(out.name == fusion.value for out in node.outs):
            region = node.region
            if region in fusion.regions:
                return node.statement
            while (parent := graph.regions[region].parent) is not None:
                if parent in fusion.regions:
                    return graph.regions[region].site
                region = parent
    return ""
