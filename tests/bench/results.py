"""What a run found, and as a document, whose fields `docs/bench.md` describes.

It needs no PyTorch, and must not know how anything is measured.
"""

from __future__ import annotations

import importlib.metadata as metadata
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PYCANDLE = "pycandle"
LABELS = {
    PYCANDLE: "PyCandle",
    "eager": "PyTorch",
    "compiled": "torch.compile",
    "onnxruntime": "ONNX Runtime",
    "optimised": "ONNX Runtime, optimised",
    "tract": "tract",
    "rten": "rten",
    "candle": "Candle by hand",
}


@dataclass(frozen=True)
class Figures:
    """What was measured of a runner; times in nanoseconds."""

    minimum: int
    median: int
    work: int  # the least that processors worked for a run
    runs: int
    cold_start: int
    peak_memory: int | None  # bytes
    difference: float  # from PyTorch's outputs, as a part of their RMS


@dataclass(frozen=True)
class Measured:
    """A workload with so many threads; a runner is in `figures` or in `incomplete`."""

    name: str
    threads: int
    figures: Mapping[str, Figures]
    incomplete: Mapping[str, str]  # why
    limits: Mapping[str, int]  # nanoseconds that the machine takes for the arithmetic, the memory
    binary_bytes: int = 0
    compile_seconds: float = 0.0


@dataclass(frozen=True)
class Failed:
    """A workload that was not measured, and why."""

    name: str
    threads: int
    reason: str


Row = Measured | Failed


def document(rows: Sequence[Row], load: float) -> dict[str, Any]:
    """Everything as plain data; `load` is that of the machine before the run."""
    return {"workloads": [entry(row) for row in rows], "machine": machine() | {"load": load}}


def entry(row: Row) -> dict[str, Any]:
    """One workload with so many threads."""
    if isinstance(row, Failed):
        row = Measured(row.name, row.threads, {}, {PYCANDLE: row.reason}, {})
    own = row.figures.get(PYCANDLE)
    rivals = {name: figures for name, figures in row.figures.items() if name != PYCANDLE}
    best = min(rivals, key=lambda name: rivals[name].minimum, default=None)
    ratio = own.minimum / rivals[best].minimum if own and best else None
    limit = max(row.limits.values(), default=0)
    size = {"binary_bytes": row.binary_bytes, "compile_seconds": row.compile_seconds}
    return {
        "name": row.name,
        "threads": row.threads,
        "ratio_to_best": ratio,
        "best": best,
        "ratio_to_limit": own.minimum / limit if own and limit else None,
        # Nobody has won over one who did not run.
        "won": ratio is not None and ratio < 1 and not row.incomplete,
        "pycandle": _figures(own) | size if own else None,
        "rivals": {name: _figures(figures) for name, figures in rivals.items()},
        "incomplete": [{"runner": k, "reason": v} for k, v in row.incomplete.items()],
        "limits": {f"{name}_ns": least for name, least in row.limits.items()},
    }


def machine() -> dict[str, Any]:
    """What it ran on, and with which versions."""
    return {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": _versions(),
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "min_ns": figures.minimum,
        "median_ns": figures.median,
        "work_ns": figures.work,
        "runs": figures.runs,
        "cold_start_ns": figures.cold_start,
        "peak_memory_bytes": figures.peak_memory,
        "difference": figures.difference,
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()


def _versions() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name in ("torch", "onnxruntime", "onnx", "transformers", "torchvision"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
