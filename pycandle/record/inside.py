"""The golden tensors of what a module call computes on the way to its outputs.

Each value comes as PyTorch gives it on the call's golden inputs, with its distance from float64,
where that starts from the golden tensors of the values before it: so a line of Rust is judged by
what it does alone. It must not know Rust.
"""

# safetensors annotates only part of its functions.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open

from pycandle.errors import RecordError
from pycandle.graph import Graph, Node, subtrees
from pycandle.record.evaluate import Environment, evaluate
from pycandle.record.goldens import distance
from pycandle.record.trace import write_tensors


@dataclass(frozen=True)
class Inside:
    """A value that a module call computes on the way to its outputs."""

    golden: torch.Tensor
    distance: torch.Tensor | None  # from it to float64; none for integers
    nodes: tuple[Node, ...]  # what computes it from the values before it


def values_inside(
    graph: Graph,
    after: Graph,
    region: int,
    given: Environment,
    sizes: Mapping[str, int],
    wanted: Sequence[str],
) -> dict[str, Inside]:
    """Each of the wanted values by its name, in order.

    `given` are the weights and the golden inputs of the call, by value. A value that the recorded
    graph does not have is computed as the graph `after` the passes has it; one that PyTorch cannot
    compute so, as one of an op that only passes introduce, is left out.
    """
    nodes = [node for node in graph.nodes if node.region in subtrees(graph)[region]]
    narrow = evaluate(nodes, given, sizes, graph.bindings)
    later = {out.name: node for node in after.nodes for out in node.outs}
    makers = later | {out.name: node for node in nodes for out in node.outs}
    found: dict[str, Inside] = {}
    known, values = dict(given), dict(narrow.values)
    for name in wanted:
        try:
            cone = _cone(name, makers, values)
            values |= evaluate(cone, values, narrow.sizes, graph.bindings).values
            cone = _cone(name, makers, known)
            exact = evaluate(cone, known, narrow.sizes, graph.bindings, narrow).values[name]
        except (RecordError, AttributeError, RuntimeError):
            continue
        golden = known[name] = values[name]
        discrete = not (golden.is_floating_point() or golden.is_complex())
        far = None if discrete else distance(golden, exact)
        found[name] = Inside(golden, far, tuple(cone))
    return found


def write_inside(path: Path, found: Mapping[int, Inside]) -> None:
    """Write them under their numbers, as the runtime's `drill` reads them."""
    tensors = {str(number): each.golden for number, each in found.items()}
    for number, each in found.items():
        if each.distance is not None:
            tensors[f"{number}:isolated"] = each.distance
    write_tensors(path, {key: tensor.contiguous().clone() for key, tensor in tensors.items()}, {})


def golden_inputs(trace: Path, case: str, graph: Graph, region: int) -> Environment:
    """What a module call takes, by value."""
    with safe_open(trace, "pt") as file:
        return {
            boundary.value: file.get_tensor(f"{case}:{boundary.golden}")
            for boundary in graph.regions[region].inputs
        }


def _cone(name: str, makers: Mapping[str, Node], known: Container[str]) -> list[Node]:
    """The nodes that compute a value from known ones, in an order in which they can run."""
    done: list[Node] = []
    seen: set[str] = set()

    def visit(value: str) -> None:
        node = makers.get(value)
        if value in known or value in seen or node is None:
            return
        seen.update(out.name for out in node.outs)
        for each in node.inputs:
            visit(each)
        done.append(node)

    visit(name)
    return done
