"""A model's graph for Google's Model Explorer: ops in their modules, with the errors on both.

Two documents: the graph, a collection as its JSON adapter reads it, and node data, which colours
the nodes. It must not know how results are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pycandle.graph.ir import Graph, Node, Region
from pycandle.graph.text import print_node
from pycandle.verify.modules import Module
from pycandle.verify.results import MODES

Modules = Mapping[tuple[str, int], Module]
"""What was found of module calls, by path and call."""

# Up to a part of the limit, nodes have this colour.
_COLOURS = ((0.1, "#e3f1e7"), (1.0, "#8fcaa1"), (10.0, "#f8c5bd"), (1e300, "#d4383d"))


def collection(graph: Graph, modules: Modules) -> dict[str, Any]:
    """The graph: a node for each op, input and output, in namespaces that are module paths."""
    makers = {out.name: (f"op{i}", place) for i, node in enumerate(graph.nodes)
              for place, out in enumerate(node.outs)}  # fmt: skip
    makers |= {entry.value.name: (f"input{i}", 0) for i, entry in enumerate(graph.inputs)}
    parameters = {entry.value.name: entry.names[0] for entry in graph.parameters}

    def edges(names: tuple[str, ...]) -> list[dict[str, str]]:
        return [
            {
                "sourceNodeId": makers[name][0],
                "sourceNodeOutputId": str(makers[name][1]),
                "targetNodeInputId": str(place),
            }
            for place, name in enumerate(names)
            if name in makers
        ]

    nodes: list[dict[str, Any]] = [
        {"id": f"input{i}", "label": entry.name, "namespace": "",
         "outputsMetadata": [_metadata(0, entry.name, str(entry.value.type))]}
        for i, entry in enumerate(graph.inputs)
    ]  # fmt: skip
    for i, node in enumerate(graph.nodes):
        region = graph.regions[node.region]
        read = [parameters[name] for name in node.inputs if name in parameters]
        outs = [_metadata(p, out.name, str(out.type)) for p, out in enumerate(node.outs)]
        nodes.append({
            "id": f"op{i}", "label": label(node), "namespace": _namespace(region),
            "attrs": _pairs({
                "op": node.op, "module": region.path or "(root)", "source": node.source,
                "parameters": ", ".join(read), "node": print_node(node),
                **_found(modules.get((region.path, region.call)) if _ends(node, region) else None),
            }),
            "incomingEdges": edges(node.inputs), "outputsMetadata": outs,
        })  # fmt: skip
    nodes += [
        {"id": f"output{i}", "label": output.path or "output", "namespace": "",
         "incomingEdges": edges((output.value,))}
        for i, output in enumerate(graph.outputs)
    ]  # fmt: skip
    groups = {
        _namespace(region): {
            "class": region.class_name, "source": region.source, "called at": region.site,
            **_found(modules.get((region.path, region.call))),
        }
        for region in graph.regions
    }  # fmt: skip
    return {"id": graph.name, "nodes": nodes, "groupNodeAttributes": groups}


def node_data(graph: Graph, modules: Modules, mode: str) -> dict[str, Any]:
    """What part of its limit the output of a module uses, on the op that computes that output."""
    results: dict[str, dict[str, float]] = {}
    makers = {out.name: f"op{i}" for i, node in enumerate(graph.nodes) for out in node.outs}
    for region in graph.regions:
        module = modules.get((region.path, region.call))
        used = module.used(mode) if module else None
        if used is None:
            continue
        for output in region.outputs:
            if maker := makers.get(output.value):
                # What ends several modules has the worst of them; what is no number is far over.
                value = used if used < 1e300 else 1e300
                known = results.get(maker, {"value": 0.0})["value"]
                results[maker] = {"value": max(value, known)}
    thresholds = [{"value": value, "bgColor": colour} for value, colour in _COLOURS]
    return {graph.name: {"results": results, "thresholds": thresholds}}


def label(node: Node) -> str:
    """What an op is called in short: `aten.linear.default` is `linear`."""
    parts = node.op.split(".")
    return parts[1] if len(parts) > 1 else node.op


def _ends(node: Node, region: Region) -> bool:
    values = {output.value for output in region.outputs}
    return any(out.name in values for out in node.outs)


def _found(module: Module | None) -> dict[str, str]:
    """What became of a module, in words."""
    if module is None:
        return {}
    used = {mode: module.used(mode) for mode in MODES}
    words = {mode: f"{part:.3g} of the limit" for mode, part in used.items() if part is not None}
    return {"parity": module.outcome, **words}


def _namespace(region: Region) -> str:
    # A slash in a name would open another level.
    parts = [part.replace("/", "\N{DIVISION SLASH}") for part in region.path.split(".") if part]
    if parts and region.call:
        parts[-1] += f" (call {region.call})"
    return "/".join(parts)


def _metadata(place: int, name: str, tensor: str) -> dict[str, Any]:
    return {"id": str(place), "attrs": _pairs({"tensor_name": name, "tensor_shape": tensor})}


def _pairs(texts: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": text} for key, text in texts.items() if text]
