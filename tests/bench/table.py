"""The table of a run: a block for each workload and number of threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.bench.results import LABELS

_COLUMNS = ("", "min ms", "median", "work", "/ best", "/ limit", "cold ms", "MiB", "off by")


def lines(entry: Mapping[str, Any]) -> Iterator[str]:
    """The lines of one workload."""
    threads = entry["threads"]
    yield f"{entry['name']}, {threads} thread{'s' if threads > 1 else ''}"
    limit = max(entry["limits"].values(), default=0)
    rivals: Mapping[str, Mapping[str, Any]] = entry["rivals"]
    least = min((figures["min_ns"] for figures in rivals.values()), default=0)
    own = {"pycandle": entry["pycandle"]} if entry["pycandle"] else {}
    yield _row(_COLUMNS)
    for name, figures in [*own.items(), *sorted(rivals.items(), key=_fastest)]:
        yield _row(_cells(label(name), figures, least, limit))
    if limit:
        which = max(entry["limits"], key=entry["limits"].__getitem__).removesuffix("_ns")
        yield _row((f"the machine's {which}", f"{limit / 1e6:.2f}"))
    if own:
        size = entry["pycandle"]["binary_bytes"] / 2**20
        seconds = entry["pycandle"]["compile_seconds"]
        yield f"  binary {size:.2f} MiB, compiled in {seconds:.0f} s"
    for missing in entry["incomplete"]:
        yield f"  incomplete: {label(missing['runner'])}: {missing['reason']}"


def label(name: str) -> str:
    """A runner as a reader knows it."""
    return LABELS.get(name, name)


def _fastest(item: tuple[str, Mapping[str, Any]]) -> int:
    return item[1]["min_ns"]


def _cells(name: str, figures: Mapping[str, Any], least: int, limit: int) -> tuple[str, ...]:
    minimum, memory = figures["min_ns"], figures["peak_memory_bytes"]
    return (
        name,
        f"{minimum / 1e6:.2f}",
        f"{figures['median_ns'] / 1e6:.2f}",
        f"{figures['work_ns'] / 1e6:.2f}",
        f"{minimum / least:.2f}" if least else "-",
        f"{minimum / limit:.2f}" if limit else "-",
        f"{figures['cold_start_ns'] / 1e6:.0f}",
        f"{memory / 2**20:.0f}" if memory else "-",
        f"{figures['difference']:.0e}",
    )


def _row(cells: tuple[str, ...]) -> str:
    first, *rest = cells
    return f"  {first:<24}" + "".join(f"{cell:>10}" for cell in rest)
