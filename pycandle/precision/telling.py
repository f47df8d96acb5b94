"""Tells in which precision the modules of a model can run: the verdict first, as text and as JSON.

It must not know how the answer was found.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from pycandle.plain import finite, printable
from pycandle.precision.bisecting import Bisection, Module, Result, worst

_MOST = 10  # modules that are told one by one


def summary(found: Sequence[Bisection]) -> str:
    """A paragraph for each model."""
    return "\n".join(printable(line) for each in found for line in _lines(each))


def _lines(found: Bisection) -> Iterator[str]:
    head = f"{found.name} in {found.format}:"
    allowed = f"{_percent(found.tolerance)} is allowed"
    if not found.compared:
        yield f"{head} nothing to compare: it changes nothing in any module"
        return
    kept, count = found.kept, len(found.modules)
    if not found.possible:
        told = _percent(worst(found.float32))
        yield f"{head} float32 itself is {told} of the signal away from float64, and {allowed}"
        return
    if not kept:
        told = _worst(found.result)
        all_ = f"all {count} modules" if count > 1 else "its only module"
        yield f"{head} {all_}: the outputs differ by {told}, {allowed}"
    else:
        yield (
            f"{head} {len(kept)} of {count} modules must stay in f32; with the others in"
            f" {found.format} the outputs differ by {_worst(found.result)}, {allowed}"
        )
        if worst(found.all_low) > found.tolerance:
            yield f"  with all that run in {found.format} they differ by {_worst(found.all_low)}"
    yield from _kept(found, kept)
    yield from _outputs(found)
    others = sorted((m for m in found.modules if not m.kept), key=lambda m: -m.error)
    if others:
        yield f"  in {found.format}, by the error that each makes alone:"
        yield from _table(others, found)


def _kept(found: Bisection, kept: Sequence[Module]) -> Iterator[str]:
    if not kept:
        return
    searched = [module for module in kept if not module.unfit]
    if searched and found.minimal:
        yield (
            f"  must stay in f32 (minimal: with any one of them in {found.format}, too, it is more"
            " than is allowed; another choice may do as well):"
        )
    elif searched:
        yield "  stay in f32 (enough, and perhaps more than are needed: the search was cut short):"
    else:
        yield "  must stay in f32:"
    yield from _table(kept, found)


def _table(modules: Sequence[Module], found: Bisection) -> Iterator[str]:
    shown = modules if all(m.kept for m in modules) else modules[:_MOST]
    names = [f"{module.path or '(root)'}" for module in shown]
    width = max(map(len, names))
    for name, module in zip(names, shown, strict=True):
        kind = module.class_name.rpartition(".")[2]
        yield f"    {name:<{width}}  {_why(module, found)}  ({kind}, {module.source})"
    if len(shown) < len(modules):
        yield f"    and {len(modules) - len(shown)} more"


def _why(module: Module, found: Bisection) -> str:
    if module.unfit:
        return f"cannot run in {found.format}: {module.unfit}"
    alone = "overflows" if module.overflows else f"{_percent(module.error)} alone"
    if module.effect is None:
        return alone
    return f"{alone}, {_percent(module.effect)} at the outputs"


def _outputs(found: Bisection) -> Iterator[str]:
    """The worst case of each output."""
    by_path: dict[str, list[Result]] = {}
    for result in found.result:
        by_path.setdefault(result.path, []).append(result)
    yield f"  outputs, the worst of {len({r.case for r in found.result})} cases:"
    for path, results in by_path.items():
        result = max(results, key=lambda result: result.error)
        rows = [r for r in results if r.top1 is not None and r.top5 is not None]
        told = ""
        if rows:
            top1, top5 = min(r.top1 or 0.0 for r in rows), min(r.top5 or 0.0 for r in rows)
            told = (
                f"; the largest of a row is the same in {_percent(top1)}, of five {_percent(top5)}"
            )
        yield f"    {path or '(output)'}  {_percent(result.error)}, case {result.case}{told}"


def _worst(results: tuple[Result, ...]) -> str:
    error = worst(results)
    return f"{_percent(error)} of the signal" if math.isfinite(error) else "NaN or infinity"


def _percent(part: float) -> str:
    if not math.isfinite(part):
        return "NaN or infinity"
    return f"{100 * part:.3g} %" if part < 1 else f"{100 * part:.0f} %"


def as_json(found: Bisection) -> dict[str, object]:
    """The answer as JSON has it, where what is no finite number is null."""
    document = finite(asdict(found)) | {"compared": found.compared, "possible": found.possible}
    return document | {"kept": [module.path for module in found.kept]}
