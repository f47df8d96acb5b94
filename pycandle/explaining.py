"""`pycandle codegen --explain`: what the compiler fused in a model, what one loop computes and what
is computed once, what that spares, and what was not fused.

It must not know how code is generated, nor how long anything takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

from pycandle.emit.compiled import Compiled
from pycandle.emit.fusing import Fusion
from pycandle.emit.once import Once
from pycandle.emit.one_loop import OneLoop
from pycandle.emit.rust import FieldNames, value
from pycandle.graph import Graph, TensorType, manifest
from pycandle.graph.sizes import at_sizes

Found: TypeAlias = Fusion | OneLoop | Once
# Bytes of an element of what is fused, which is of floats.
_WIDTHS = {"f64": 8, "f32": 4, "f16": 2, "bf16": 2}


@dataclass(frozen=True, slots=True)
class Explained:
    """A layer and the steps after it in the code of some modules: one call, or why not.

    Or functions of each element that one loop computes, or a layer that is computed once.
    """

    struct: str
    modules: tuple[str, ...]  # their paths; empty for the model itself
    parts: tuple[str, ...]  # fields and functions: "conv1", "bn1", "ops::relu", "add"
    source: str  # the Python line of the last of them
    declined: str = ""
    # How many bytes a call in the first of the modules neither writes nor reads again, at the
    # recorded sizes: each step by itself would read the tensor before it and write another, and
    # what is computed once neither reads what it is made of nor writes its result.
    spared: int | None = None
    by: str = "fusing"  # the pass that found it


def explained(text: str, options: Mapping[str, str]) -> list[Explained]:
    """What was fused in the code of a manifest, in the order of its structs, and what was not; then
    what one loop computes, and what is computed once.

    Raises as `generate` does.
    """
    graph = manifest.load(text, options.get("manifest", "the manifest"))
    made = Compiled(graph, options.get("model", ""), fuse=options.get("fuse") != "false")
    after = made.tree.graph
    sized = at_sizes(after, dict(after.cases[0].symbols)) if after.cases else after
    names = {struct.name: FieldNames(struct.fields, struct.stored) for struct in made.made[0]}

    def explain(found: Found, by: str, spared: int | None, declined: str = "") -> Explained:
        fields = names[found.struct]
        return Explained(
            found.struct,
            tuple(dict.fromkeys(after.regions[region].path for region in found.regions)),
            tuple(value(part, fields).removeprefix("self.") for part in found.parts),
            _source(after, found),
            declined,
            spared,
            by,
        )

    return [
        *(explain(each, "fusing", _spared(sized, each), each.declined) for each in made.fusions),
        *(explain(each, "one_loop", _spared(sized, each)) for each in made.loops),
        *(explain(each, "computing_once", _unread(sized, each)) for each in made.once),
    ]


def told(found: Sequence[Explained]) -> Iterator[str]:
    """The lines that tell of it."""
    for head, group in (
        ("fused into one call", [e for e in found if e.by == "fusing" and not e.declined]),
        ("not fused", [e for e in found if e.declined]),
        ("computed in one loop", [e for e in found if e.by == "one_loop"]),
        ("computed once, as no input changes it", [e for e in found if e.by == "computing_once"]),
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
        "pass": each.by,
        "struct": each.struct,
        "modules": list(each.modules),
        "ops": list(each.parts),
        "source": each.source,
        "declined": each.declined or None,
        "spared_bytes": each.spared,
    }


def _spared(graph: Graph, found: Fusion | OneLoop) -> int | None:
    """See `Explained.spared`; None where a size is known only when the model runs."""
    known = graph.types.get(found.value)
    size = _bytes(known) if known else None
    if size is None or (isinstance(found, Fusion) and found.declined):
        return None
    between = found.spared if isinstance(found, OneLoop) else len(found.parts) - 1
    return 2 * between * size


def _unread(graph: Graph, once: Once) -> int | None:
    """As `_spared`, of the tensors that the layer reads and of its result."""
    (node,) = (node for node in graph.nodes if node.out.name == once.value)
    types = [node.out.type, *(graph.types[name] for name in node.inputs)]
    sizes = [size for known in types if (size := _bytes(known)) is not None]
    return sum(sizes) if len(sizes) == len(types) else None


def _bytes(known: TensorType) -> int | None:
    """What a tensor of floats takes, if all of its sizes are known."""
    sizes = [size for size in known.shape if isinstance(size, int)]
    if len(sizes) < len(known.shape) or known.dtype not in _WIDTHS:
        return None
    return prod(sizes) * _WIDTHS[known.dtype]


def _in_units(count: int) -> str:
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1e3:.3g} kB" if count < 999_500 else f"{count / 1e6:.3g} MB"


def _at(source: str) -> str:
    return f", {source}" if source else ""


def _source(graph: Graph, found: Found) -> str:
    """The line in the modules' own code that gives the value, if that is known."""
    for node in graph.nodes:
        if any(out.name == found.value for out in node.outs):
            region = node.region
            if region in found.regions:
                return node.statement
            while (parent := graph.regions[region].parent) is not None:
                if parent in found.regions:
                    return graph.regions[region].site
                region = parent
    return ""
