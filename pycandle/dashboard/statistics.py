"""The panel of figures: every output of a module call, its cases beside each other.

Pure: a module in, text out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any

from rich.text import Text

from pycandle.dashboard.signs import (
    ACCENT,
    BAD,
    DIM,
    STYLES,
    TEXT,
    WARN,
    WRONG,
    Signs,
    number,
    printable,
    share,
)
from pycandle.verify.modules import Found, Module
from pycandle.verify.results import Output, used

_LABEL, _COLUMN = 16, 12


def statistics_panel(module: Module, mode: str, width: int, signs: Signs) -> Text:
    """What the runs of a mode found of a module call, in lines of at most so many letters."""
    found = module.of(mode)
    text = Text(overflow="fold")
    if not found:
        text.append(f"The {mode} run has not told of it yet.\n", DIM)
    worst = module.worst(mode)
    if worst and worst.call.reason:
        reason = f"{mode}, {worst.call.case}: {worst.call.reason}"
        for line in wrap(printable(reason, signs), max(width, 20)):
            text.append(f"{line}\n", BAD if worst.call.outcome in WRONG else WARN)
        for line in worst.run.weights if worst.call is worst.run.culprit else ():
            text.append(f"another checkpoint? {printable(line, signs)}\n", WARN)
    for other in dict.fromkeys(each.run.mode for each in module.found if each.run.mode != mode):
        _told_by_another(text, other, module, signs)
    if not found:
        return text
    count = max(len(each.call.outputs) for each in found)
    beside = max((width - _LABEL) // _COLUMN, 1)
    for chunk in _batches(found, beside):
        _cases(text, chunk, signs)
    for index in range(count):
        for chunk in _batches(found, beside):
            _output(text, index, chunk, signs)
    return text


def _batches(found: Sequence[Found], size: int) -> Iterator[Sequence[Found]]:
    return (found[i : i + size] for i in range(0, len(found), size))


def _told_by_another(text: Text, mode: str, module: Module, signs: Signs) -> None:
    """A line on what the cases of another mode came to."""
    text.append(f"{mode}:", DIM)
    for each in module.of(mode):
        outcome = each.call.outcome
        text.append(f" {signs.marks[outcome]}", STYLES[outcome])
        text.append(f" {share(used(each.call), signs)}" if each.call.outputs else "", DIM)
    text.append(" of what is allowed\n", DIM)


def _cases(text: Text, found: Sequence[Found], signs: Signs) -> None:
    text.append("\n" + " " * _LABEL)
    for each in found:
        text.append(_cell(printable(each.call.case, signs)), f"bold {TEXT}")
    text.append("\n" + "outcome".ljust(_LABEL), DIM)
    for each in found:
        outcome = each.call.outcome
        text.append(_cell(f"{signs.marks[outcome]} {outcome}"), STYLES[outcome])
    text.append("\n")


def _output(text: Text, index: int, found: Sequence[Found], signs: Signs) -> None:
    outputs = [f.call.outputs[index] if index < len(f.call.outputs) else None for f in found]
    names = [f"{each.name or 'output'} {each.dtype}" for each in outputs if each]
    if not names:
        return
    text.append(f"\n{printable(names[0], signs)}\n", ACCENT)
    rows = [_figures(each, signs) if each else {} for each in outputs]
    for label in dict.fromkeys(label for row in rows for label in row):
        text.append(label.ljust(_LABEL), DIM)
        for row in rows:
            figure, bad = row.get(label, ("-", False))
            text.append(_cell(figure), BAD if bad else TEXT)
        text.append("\n")


def _cell(figure: str) -> str:
    return f"{figure[: _COLUMN - 1]:>{_COLUMN - 1}} "


def _figures(output: Output, signs: Signs) -> dict[str, tuple[str, bool]]:
    """Figures with their names, and whether each is why the output failed."""
    over, above = not output.error <= output.limit, not output.max_error <= output.max_limit
    shape = signs.times.join(map(str, output.shape)) or "number"
    told = {
        "shape": (printable(shape, signs), False),
        "error": (number(output.error), over),
        "torch error": (number(output.torch_error), False),
        "limit": (number(output.limit), False),
        "used": (share(output.used, signs), over or above),
        "needs": (number(output.needs), over),
        "over": (f"{output.over:.2%}", False),
        "max error": (number(output.max_error), above),
        "max limit": (number(output.max_limit), False),
    }
    return told | {name: (figure, bad) for name, figure, bad in _statistics(output)}


def _statistics(output: Output) -> Iterator[tuple[str, str, bool]]:
    """The figures that decide nothing."""
    known = output.statistics
    for name in ("max abs", "max rel", "rmse"):
        if (key := name.replace(" ", "_")) in known:
            yield name, number(known[key]), False
    if "cosine" in known:
        yield "cosine", _float(known["cosine"], ".7f"), False
        yield "SQNR", _float(known.get("sqnr"), ".1f", " dB"), False
    names = ("ULP median", "ULP 90%", "ULP 99%", "ULP most")
    for name, value in zip(names, _list(known.get("ulp")), strict=False):
        yield name, number(value), False
    for name, value in zip(("top 1 agrees", "top 5 shared"), _list(known.get("top")), strict=False):
        yield name, _float(value, ".0%"), False
    for name in ("nan", "infinite"):
        counts = [str(count) for count in _list(known.get(name))]
        if counts:
            told = {"nan": "NaN, torch's", "infinite": "inf, torch's"}[name]
            yield told, ", ".join(counts), len(set(counts)) > 1


def _float(value: object, form: str, unit: str = "") -> str:
    return f"{value:{form}}{unit}" if isinstance(value, float) else "-"


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else []  # type: ignore[reportUnknownArgumentType]
