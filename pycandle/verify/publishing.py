"""`pycandle report`: the last results as a page, or a model's graph for another program to show.

It runs no tests. It must not know how pages and graphs are written.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pycandle import __version__
from pycandle.errors import Finding, ProjectError, ResultsError
from pycandle.graph import manifest
from pycandle.graph.ir import Graph
from pycandle.metadata import Model, asked_models, crate_metadata
from pycandle.output import write_if_changed
from pycandle.verify import explorer, onnx
from pycandle.verify.html import page
from pycandle.verify.modules import modules
from pycandle.verify.results import MODES
from pycandle.verify.running import Last, last_results

EXPORTS = ("model-explorer", "netron")


def publish(
    root: Path, model: str, out: Path | None, export: str, say: Callable[[str], None]
) -> list[Path]:
    """Writes a page of the last results of the crate in `root`, or an export; gives the files.

    An export is made without results, too. Raises `ResultsError` where a page has none.
    """
    if export:
        return _export(root, model, out, export, say)
    found = last_results(root, model)
    for line in remarks(found, time.time()):
        say(line)
    path = out or root / ".pycandle/report.html"
    return [_write(path, page(root, found, __version__).encode())]


def remarks(found: Sequence[Last], now: float) -> list[str]:
    """How old the results are, and what of them is missing."""
    lines: list[str] = []
    for last in found:
        run = last.run
        name = f"{run.name} {run.mode}"
        if last.written is None:
            lines.append(f"{name}: there are no results")
            continue
        said = f"{name}: results {_age(now - last.written)}"
        if not run.ended:
            told = f"{len(run.calls)} of {run.expected} module calls"
            said += f"; the run did not come to its end, and told of {told}"
        if last.newer:
            said += f"; {last.newer} was changed since"
        lines.append(said)
    return lines


def _export(
    root: Path, model: str, out: Path | None, export: str, say: Callable[[str], None]
) -> list[Path]:
    if export not in EXPORTS:
        fix = f"use one of {', '.join(EXPORTS)}"
        raise ProjectError(Finding(f"no export {export!r}", "--export", fix))
    models = asked_models(crate_metadata(root), model)
    if export == "netron" and len(models) > 1:
        names = ", ".join(each.module for each in models)
        raise ProjectError(
            Finding("Netron shows one model a file", "--model", f"name one of: {names}")
        )
    try:
        found = last_results(root, model)
    except ResultsError as error:
        say(f"without errors: {error.findings[0].what}")
        found = []
    graphs = [(each, _graph(root, each)) for each in models]
    known = {
        graph.name: {
            (module.path, module.call): module
            for module in modules([last.run for last in found if last.run.name == graph.name])
        }
        for _, graph in graphs
    }
    if export == "netron":
        ((each, graph),) = graphs
        path = out or root / f".pycandle/{each.module}.onnx"
        return [_write(path, onnx.model(graph, known[graph.name], __version__))]
    path = out or root / ".pycandle/model-explorer.json"
    label = graphs[0][1].name if len(graphs) == 1 else "pycandle"
    collections = [explorer.collection(graph, known[graph.name]) for _, graph in graphs]
    written = [_write(path, _json({"label": label, "graphs": collections}))]
    for mode in MODES:
        data = {
            name: each
            for _, graph in graphs
            for name, each in explorer.node_data(graph, known[graph.name], mode).items()
        }
        if any(each["results"] for each in data.values()):
            written.append(_write(path.with_suffix(f".{mode}.json"), _json(data)))
    return written


def _graph(root: Path, model: Model) -> Graph:
    path = root / model.manifest
    return manifest.load(path.read_text(encoding="utf-8"), str(path))


def _json(document: object) -> bytes:
    return (json.dumps(document, allow_nan=False, indent=1) + "\n").encode()


def _write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_if_changed(path, data)
    return path


def _age(seconds: float) -> str:
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = round(seconds / size)
            return f"{count} {unit}{'s' * (count != 1)} old"
    return "just written"
