"""The picture of a run: a row for each workload, a dot for each runner, PyCandle at the line.

A dot's place is how much longer that runner takes than PyCandle, on a logarithmic axis.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from tests.bench.table import label

# Of Okabe and Ito, who chose them for all eyes.
_COLOURS = {
    "eager": "#d55e00", "compiled": "#e69f00", "onnxruntime": "#0072b2", "optimised": "#56b4e9",
    "tract": "#009e73", "rten": "#cc79a7", "candle": "#999999",
}  # fmt: skip
_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 860, 190, 30, 24, 78
_TICKS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
_STYLE = (
    "text { font: 12px system-ui, sans-serif; fill: #222 } .small { font-size: 11px } "
    ".head { font-size: 14px; font-weight: 600 } .grid { stroke: #ddd } .one { stroke: #222 } "
    "@media (prefers-color-scheme: dark) { text { fill: #ddd } .grid { stroke: #444 } "
    ".one { stroke: #ddd } }"
)

Entry = Mapping[str, Any]


def draw(document: Mapping[str, Any]) -> str:
    """A panel for each number of threads, below one another, as one SVG file."""
    measured = [entry for entry in document["workloads"] if entry["pycandle"]]
    threads = sorted({entry["threads"] for entry in measured})
    panels = [[entry for entry in measured if entry["threads"] == count] for count in threads]
    heights = [_TOP + _ROW * len(panel) + 12 for panel in panels]
    parts = [f"<style>{_STYLE}</style>"]
    top = 0
    for panel, height in zip(panels, heights, strict=True):
        parts += [f'<g transform="translate(0 {top})">', *_panel(panel), "</g>"]
        top += height
    size = f'viewBox="0 0 {_WIDTH} {top}" width="{_WIDTH}" height="{top}"'
    title = "<title>How long each runner takes, as a multiple of PyCandle's time</title>"
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">{title}' + "\n".join(
        [*parts, "</svg>\n"]
    )


def _panel(entries: Sequence[Entry]) -> Iterator[str]:
    threads = entries[0]["threads"]
    words = "one thread" if threads == 1 else f"{threads} threads"
    yield f'<text class="head" x="8" y="20">Time on {words}, as a multiple of PyCandle\'s</text>'
    yield from _legend({name for entry in entries for name in entry["rivals"]})
    place = _axis(entries)
    bottom = _TOP + _ROW * len(entries)
    for tick in _TICKS:
        if _LEFT <= (x := place(tick)) <= _WIDTH - _RIGHT:
            kind = "one" if tick == 1 else "grid"
            yield f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{bottom}"/>'
            yield _text(x, _TOP - 14, f"{tick:g}", "middle")
    for number, entry in enumerate(entries):
        y = _TOP + _ROW * number + _ROW / 2
        yield _text(_LEFT - 12, y + 4, entry["name"], "end")
        for name, figures in entry["rivals"].items():
            ratio = figures["min_ns"] / entry["pycandle"]["min_ns"]
            said = escape(f"{entry['name']}: {label(name)} {ratio:.2f}")
            yield (
                f'<circle cx="{place(ratio):.1f}" cy="{y:.1f}" r="5" fill="{_COLOURS[name]}" '
                f'fill-opacity="0.85"><title>{said}</title></circle>'
            )


def _legend(names: set[str]) -> Iterator[str]:
    x = 8
    for name in (name for name in _COLOURS if name in names):
        yield f'<circle cx="{x + 5}" cy="40" r="5" fill="{_COLOURS[name]}"/>'
        yield f'<text class="small" x="{x + 14}" y="44">{escape(label(name))}</text>'
        x += 34 + 7 * len(label(name))


def _axis(entries: Sequence[Entry]) -> Any:
    """Where a ratio stands, so that all of them fit, and 1 does."""
    ratios = [
        figures["min_ns"] / entry["pycandle"]["min_ns"]
        for entry in entries
        for figures in entry["rivals"].values()
    ]
    low, high = (math.log2(x) for x in (min(0.5, *ratios, 1), max(2, *ratios, 1)))
    scale = (_WIDTH - _RIGHT - _LEFT) / (high - low + 0.4)
    return lambda ratio: _LEFT + (math.log2(ratio) - low + 0.2) * scale


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
