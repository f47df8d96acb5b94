"""`pycandle bench`: how long a crate's models take on what was recorded, and which modules.

Tests of the crate, built with optimisations, measure in place of comparing. It must not know how;
the runtime's `bench` and `profile` do.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pycandle.emit.compiled import Compiled
from pycandle.emit.places import module_places
from pycandle.errors import NO_CARGO, Finding, ProjectError, ToolError
from pycandle.graph import manifest
from pycandle.graph.files import stem, times_path
from pycandle.metadata import Model, asked_models, crate_metadata
from pycandle.plain import printable

FOLDER = Path(".pycandle/bench")
# What takes less of the whole than this has no line.
_LEAST_SHARE = 0.001


@dataclass(frozen=True, slots=True)
class Row:
    """A module or an op of the fastest run, in seconds."""

    name: str
    depth: int
    calls: int
    total: float
    own: float
    torch: float | None  # what PyTorch took for the same modules, where that was recorded


@dataclass(frozen=True, slots=True)
class Measured:
    """What one model took on its recorded inputs, in seconds."""

    name: str
    sizes: Mapping[str, int]
    threads: int
    runs: int
    minimum: float
    median: float
    rows: tuple[Row, ...]  # without a profile there are none
    torch: str  # the version that was measured, or why there are no times of PyTorch


def measure(
    root: Path, model: str, threads: int, profiled: bool, arguments: Sequence[str] = ()
) -> list[Measured]:
    """Measure the models of the crate in `root`, or the one of that module.

    `arguments` are cargo's own. Raises `ProjectError` if the crate cannot be built or its models
    not be run, `ToolError` without cargo, `ManifestError` for a broken recording.
    """
    asked = asked_models(crate_metadata(root), model)
    folder = (root / FOLDER).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    tests = [f"{each.module}::parity::{'' if each.checker else 'checked::parity::'}cumulative"
             for each in asked]  # fmt: skip
    command = ["cargo", "test", "--release", *arguments, "--", *tests, "--test-threads", "1"]
    environment = os.environ | {
        "PYCANDLE_BENCH": str(folder),
        "PYCANDLE_PROFILE": "1" if profiled else "",
        "RAYON_NUM_THREADS": str(threads),
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
    }
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, stdout=subprocess.PIPE, check=False,
            encoding="utf-8", errors="replace",
        )  # fmt: skip
    except OSError as error:
        raise ToolError(NO_CARGO) from error
    found: list[Measured] = []
    for each in asked:
        path = folder / f"{stem(each.manifest)}.json"
        if path.is_file():
            document = json.loads(path.read_bytes())
            found.append(_measured(root, each, threads, document, profiled))
        elif not each.features or done.returncode:
            errors = [line for line in done.stdout.splitlines() if line.startswith("Error: ")]
            what = f"{each.module} was not measured: {errors[0] if errors else 'no test ran'}"
            fix = "correct what cargo said of it"
            raise ProjectError(Finding(what, " ".join(command), fix))
    return found


def told(measured: Measured) -> str:
    """What a terminal is told of a model."""
    sizes = ", ".join(f"{name} {size}" for name, size in measured.sizes.items())
    on = f"{measured.threads} thread{'s' if measured.threads > 1 else ''}"
    lines = [
        f"{measured.name}: {1e3 * measured.minimum:.3f} ms at least and"
        f" {1e3 * measured.median:.3f} ms in the median of {measured.runs} runs, on {on}"
        + (f" ({sizes})" if sizes else "")
    ]
    rows = _without_numbers(measured.rows)
    if rows:
        lines += _table(rows)
        lines.append(f"PyTorch's times: {measured.torch}")
    return "\n".join(map(printable, lines))


def as_json(measured: Measured) -> dict[str, object]:
    """The same as data, with every module of a list by itself."""
    rows = [
        {"name": r.name, "depth": r.depth, "calls": r.calls, "total": r.total, "own": r.own,
         "torch": r.torch}
        for r in measured.rows
    ]  # fmt: skip
    return {
        "name": measured.name,
        "sizes": dict(measured.sizes),
        "threads": measured.threads,
        "runs": measured.runs,
        "minimum": measured.minimum,
        "median": measured.median,
        "torch": measured.torch,
        "profile": rows,
    }


def _measured(
    root: Path, model: Model, threads: int, document: Mapping[str, Any], profiled: bool
) -> Measured:
    times: Mapping[str, float] = {}
    places: Mapping[str, str] = {}
    why = ""
    if profiled:
        times, why = _torch_times(root / model.manifest, threads)
    if times:
        text = (root / model.manifest).read_text(encoding="utf-8")
        graph = manifest.load(text, model.manifest)
        places = module_places(Compiled(graph, model.model, fuse=model.fuse))
    rows = tuple(_rows(document["profile"], times, places))
    return Measured(
        document["name"], document["sizes"], threads, document["runs"], document["minimum"],
        document["median"], rows, why,
    )  # fmt: skip


def _torch_times(path: Path, threads: int) -> tuple[Mapping[str, float], str]:
    """PyTorch's seconds by module, and which PyTorch that was, or why there are none."""
    file = times_path(path)
    if not file.is_file():
        return {}, "none; `pycandle record --time` measures them"
    try:
        document = json.loads(file.read_bytes())
        recorded: dict[str, float] = document["modules"]
        version, of, on = document["torch"], document["manifest"], document["threads"]
    except (ValueError, KeyError, TypeError):
        return {}, f"none; {file.name} cannot be read, `pycandle record --time` writes it"
    if of != hashlib.sha256(path.read_bytes()).hexdigest():
        return {}, f"none; {file.name} is of another recording, `pycandle record --time` writes it"
    if on != threads:
        return {}, f"none on {threads} threads; they were measured on {on}"
    return recorded, f"{version} on {on} thread, when it was recorded"


def _rows(
    found: Sequence[Mapping[str, Any]], times: Mapping[str, float], places: Mapping[str, str]
) -> Iterator[Row]:
    for row in found:
        name, path = row["name"], row["path"]
        # A layer and what is done to its result in one call are `conv1 + bn1 + relu`.
        around = path.removesuffix(name) if path else ""
        parts = [f"{around}{part}" for part in name.split(" + ")] if path else [""]
        modules = {places[part] for part in parts if part in places}
        torch = sum(times[module] for module in modules if module in times)
        known = not row["is_op"] and any(module in times for module in modules)
        yield Row(
            name, row["depth"], row["calls"], row["total"], row["own"], torch if known else None
        )


def _without_numbers(rows: Sequence[Row]) -> list[Row]:
    """The rows, those of one list's modules added up."""
    found: dict[tuple[str, ...], Row] = {}
    around: list[str] = []
    for row in rows:
        name = re.sub(r"\[\d+\]", "[*]", row.name)
        around[row.depth :] = [name]
        same = found.get(key := tuple(around))
        if same is None:
            found[key] = replace(row, name=name)
            continue
        both = None if same.torch is None or row.torch is None else same.torch + row.torch
        found[key] = replace(
            same, calls=same.calls + row.calls, total=same.total + row.total,
            own=same.own + row.own, torch=both,
        )  # fmt: skip
    return list(found.values())


def _table(rows: Sequence[Row]) -> Iterator[str]:
    whole = rows[0].total or 1.0
    has_torch = any(row.torch is not None for row in rows)
    torch = f" {'PyTorch ms':>11} {'ratio':>6}" if has_torch else ""
    yield f"{'total ms':>10} {'own ms':>9} {'own':>6} {'calls':>6}{torch}"
    shown = [row for row in rows if row.total >= _LEAST_SHARE * whole]
    for row in shown:
        beside = f" {'':>11} {'':>6}" if has_torch else ""
        if row.torch is not None and row.total:
            beside = f" {1e3 * row.torch:>11.3f} {row.torch / row.total:>6.2f}"
        yield (
            f"{1e3 * row.total:>10.3f} {1e3 * row.own:>9.3f} {row.own / whole:>6.1%}"
            f" {row.calls:>6}{beside}  {'  ' * row.depth}{row.name}"
        )
    if len(shown) < len(rows):
        yield f"and {len(rows) - len(shown)} that take less than {_LEAST_SHARE:.1%} each"
