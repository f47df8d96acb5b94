"""The scoreboard: every entry exactly once, as a page for people and as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

import torch

from pycandle.output import write_if_changed
from tests.parity.crate import ROOT, locked_version
from tests.zoo.stages import Row

PAGE = ROOT / "docs" / "scoreboard.md"
DATA = ROOT / "docs" / "scoreboard.json"

_TITLES = (
    "Entry", "Exported", "Generated", "Compiled", "Isolated", "Cumulative", "Dynamic", "Proved",
    "Module calls", "Error / PyTorch's", "Lines", "Longest", "Compile s", "Time / PyTorch's",
)  # fmt: skip


def write_scoreboard(rows: Sequence[Row]) -> None:
    """Both files."""
    write_if_changed(PAGE, page(rows, _versions()).encode())
    write_if_changed(DATA, data(rows).encode())


def data(rows: Sequence[Row]) -> str:
    """The rows as JSON."""
    entries = [dataclasses.asdict(row) | {"passed": row.passed} for row in rows]
    document = {"versions": _versions(), "passed": sum(r.passed for r in rows), "entries": entries}
    return json.dumps(document, indent=1) + "\n"


def page(rows: Sequence[Row], versions: Mapping[str, str]) -> str:
    """The rows as a table, and what stopped those that do not pass."""
    shown = ", ".join(f"{name} {version}" for name, version in versions.items())
    lines = [
        "# Scoreboard",
        "Real architectures, each taken from PyTorch to parity with no edit by hand.",
        "`nox -s zoo` writes this page; do not edit it.",
        "",
        f"{sum(row.passed for row in rows)} of {len(rows)} pass ({shown}).",
        "To pass, every module call must agree with PyTorch, isolated and cumulative, at every"
        " recorded size; axes that are meant to vary must; another input must move every output;"
        " and parity must fail once the rows of a sampled layer are reversed.",
        "",
        f"| {' | '.join(_TITLES)} |",
        "|" + "---|" * len(_TITLES),
        *map(_line, rows),
    ]
    failing = [row for row in rows if not row.passed]
    if failing:
        lines += ["", "## What does not pass", *(f"- `{r.name}`: {reason(r)}" for r in failing)]
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    cells = [
        f"`{row.name}`",
        *(_mark(x) for x in (row.exported, row.generated, row.compiled, row.isolated)),
        _mark(row.cumulative),
        row.dynamic,
        _mark(row.proved),
        f"{row.compared} of {row.expected}" if row.expected else "",
        _number(row.error),
        str(row.lines or ""),
        str(row.longest or ""),
        _number(row.compile_seconds or None),
        _number(row.ratio),
    ]
    return f"| {' | '.join(cells)} |"


def reason(row: Row) -> str:
    """What stopped it, or why it proves nothing, in one line."""
    if row.blame:
        return " ".join(row.blame.split())[:500].replace("|", "\\|")
    if row.dynamic == "lost":
        return "an axis that is meant to vary is static"
    return "no input moves every output" if not row.moves else "no reversed layer was noticed"


def _mark(done: bool) -> str:
    return "yes" if done else "no"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def _versions() -> dict[str, str]:
    return {
        "PyTorch": torch.__version__.partition("+")[0],
        "Candle": locked_version("candle-core"),
    }
