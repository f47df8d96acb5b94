"""Results as one HTML file that fetches nothing: what a reader with a browser sees of them.

Names from a model are data in it, never markup: the page's own script writes them as text. It must
not know how results are made.
"""

from __future__ import annotations

import json
import math
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from hashlib import sha256
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

from pycandle.errors import ResultsError
from pycandle.verify.heatmaps import heatmap
from pycandle.verify.modules import Module, modules
from pycandle.verify.report import summary
from pycandle.verify.results import Call, Output, Run
from pycandle.verify.running import Last
from pycandle.verify.sources import Excerpt, python_excerpt, rust_excerpt
from pycandle.verify.tensors import compared

BUDGET = 8_000_000
"""How many letters the pictures of a page may take."""

STYLES = ("colours.css", "layout.css", "parts.css")
SCRIPTS = (
    "data.js", "elements.js", "tree.js", "strip.js", "map.js", "table.js", "heatmap.js",
    "sources.js", "module.js", "page.js",
)  # fmt: skip

# What the page knows of an output, in this order.
FIELDS = (
    "name", "dtype", "shape", "status", "error", "torch_error", "limit", "max_error", "max_limit",
    "used", "needs", "over", "max_abs", "max_rel", "rmse", "cosine", "sqnr", "ulp", "nan",
    "infinite", "top", "heatmap",
)  # fmt: skip
_STATISTICS = ("max_abs", "max_rel", "rmse", "cosine", "sqnr", "ulp", "nan", "infinite", "top")

_Document: TypeAlias = dict[str, Any]
_Draw: TypeAlias = Callable[[Call, int], int]


def page(root: Path, found: Sequence[Last], version: str, now: float | None = None) -> str:
    """The page's text, for results of the models of the crate in `root`.

    Tensors and sources that are gone are left out of it, and it says so.
    """
    now = time.time() if now is None else now
    names = dict.fromkeys(last.run.name for last in found)
    pictures, drawn = _pictures(found)
    sources = _Sources(root)
    models = [
        _model([last for last in found if last.run.name == name], drawn, sources, now)
        for name in names
    ]
    document: _Document = {
        "version": version, "fields": FIELDS, "models": models,
        "places": sources.places, "files": sources.files,
    }  # fmt: skip
    return _written(document, pictures, summary([last.run for last in found]))


def _model(found: Sequence[Last], drawn: _Draw, sources: _Sources, now: float) -> _Document:
    runs = [last.run for last in found]
    listed = modules(runs)
    places = {(module.path, module.call): index for index, module in enumerate(listed)}
    return {
        "name": runs[0].name,
        "runs": [_run(last, places, now) for last in found],
        "modules": [_module(module, runs, drawn, sources) for module in listed],
    }


def _run(last: Last, places: dict[tuple[str, int], int], now: float) -> _Document:
    run, culprit = last.run, last.run.culprit
    outcomes = ("passed", "failed", "uninformative", "elided", "missing")
    return {
        "mode": run.mode, "device": run.device, "cases": run.cases, "expected": run.expected,
        "told": len(run.calls), "ended": run.ended, "passed": run.passed,
        "seconds": round(run.seconds, 1), "compared": run.compared, "newer": last.newer,
        "counts": {outcome: run.count(outcome) for outcome in outcomes},
        "weights": run.weights,
        "culprit": culprit and [places[culprit.path, culprit.call], culprit.case],
        "age": None if last.written is None else max(0, round(now - last.written)),
    }  # fmt: skip


def _module(module: Module, runs: Sequence[Run], drawn: _Draw, sources: _Sources) -> _Document:
    first = module.found[0].call
    return {
        "path": module.path, "call": module.call, "name": module.name, "class": module.class_name,
        "outcome": module.outcome,
        "source": sources.python(first.source), "site": sources.python(first.site),
        "rust": sources.rust(first.rust),
        "found": [
            [
                next(index for index, run in enumerate(runs) if run is found.run),
                found.call.case, found.call.outcome, found.call.reason,
                [
                    _output(output, drawn(found.call, place))
                    for place, output in enumerate(found.call.outputs)
                ],
            ]
            for found in module.found
        ],
    }  # fmt: skip


def _output(output: Output, drawn: int) -> list[Any]:
    """What the page knows of an output; what is no number is null."""
    plain = asdict(output) | {"used": output.used, "heatmap": drawn}
    if not (math.isfinite(output.error) and math.isfinite(output.max_error)):
        plain["used"] = None
    plain |= {name: output.statistics.get(name) for name in _STATISTICS}
    return [_short(plain[name], 12 if name == "cosine" else 4) for name in FIELDS]


def _short(value: Any, digits: int) -> Any:
    match value:
        case list() | tuple():
            return [_short(item, digits) for item in value]  # type: ignore[reportUnknownVariableType]
        case float():
            return float(f"{value:.{digits}g}") if math.isfinite(value) else None
        case _:
            return value


def _pictures(found: Sequence[Last]) -> tuple[list[_Document], _Draw]:
    """Pictures of outputs as far as the budget goes, and which of them an output has."""
    pictures: list[_Document] = []
    places: dict[tuple[int, int], int] = {}
    left = BUDGET
    for run, call, place in sorted(_kept(found), key=_worth):
        try:
            tensors = compared(run, call, place)
            picture = tensors and heatmap(tensors)
        except ResultsError:
            continue
        if picture and picture.length <= left:
            left -= picture.length
            places[id(call), place] = len(pictures)
            scales = {"scale": picture.scale, "difference_scale": picture.difference_scale}
            pictures.append(asdict(picture) | {k: _short(v, 6) for k, v in scales.items()})
        if left < BUDGET // 1000:
            break
    return pictures, lambda call, place: places.get((id(call), place), -1)


def _kept(found: Sequence[Last]) -> Iterator[tuple[Run, Call, int]]:
    for last in found:
        for call in last.run.calls:
            if call.tensors:
                yield from ((last.run, call, place) for place in range(len(call.outputs)))


def _worth(each: tuple[Run, Call, int]) -> tuple[bool, bool, bool]:
    """Culprits come first, then what failed, then a module's own errors; else as they ran."""
    run, call, _ = each
    return call is not run.culprit, call.outcome != "failed", run.mode != "isolated"


class _Sources:
    """The places that modules name, and the lines around them, each line once."""

    def __init__(self, root: Path) -> None:
        self.places: list[_Document] = []
        self.files: dict[str, dict[int, str]] = {}
        self._root = root
        self._roots = (root, root / ".pycandle/scripts")
        self._known: dict[tuple[bool, str], int] = {}

    def python(self, place: str) -> int:
        """The index of a place in Python; -1 for none."""
        return self._of(place, True, lambda: python_excerpt(place, self._roots))

    def rust(self, place: str) -> int:
        """The same of one in Rust."""
        return self._of(place, False, lambda: rust_excerpt(place, self._root))

    def _of(self, place: str, python: bool, cut: Callable[[], Excerpt | None]) -> int:
        if not place:
            return -1
        if (known := self._known.get((python, place))) is None:
            known = self._known[python, place] = len(self.places)
            self.places.append({"place": place})
            if excerpt := cut():
                lines = self.files.setdefault(excerpt.file, {})
                lines.update(enumerate(excerpt.lines, excerpt.first))
                self.places[known] |= {
                    "file": excerpt.file, "first": excerpt.first, "meant": excerpt.meant,
                    "last": excerpt.first + len(excerpt.lines) - 1,
                }  # fmt: skip
        return known


def _written(document: _Document, pictures: Sequence[_Document], words: str) -> str:
    """The template with its style, its script and its data; a policy lets nothing else in."""
    style, script = _joined(STYLES), _joined(SCRIPTS)
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)};"
        " base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "style": style,
        "script": script,
        "title": escape(", ".join(model["name"] for model in document["models"])),
        "summary": escape(words),
        "data": as_data(document),
        "pictures": as_data(pictures),
    }
    first, *rest = _file("report.html").split("{{")
    pieces = (piece.partition("}}") for piece in rest)
    return first + "".join(parts[name] + after for name, _, after in pieces)


def as_data(document: object) -> str:
    """JSON in which no letter can end the element that it stands in."""
    text = json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _joined(names: Sequence[str]) -> str:
    return "\n" + "\n".join(_file(name) for name in names)


def _file(name: str) -> str:
    return resources.files("pycandle.verify").joinpath("page", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = b64encode(sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"
