"""From a crate, or a manifest, to which modules of its models must stay in float32.

Errors are the RMS of an output's difference from float64 by the RMS of the output in float64; of
integers the share that differs. The largest of all outputs and cases counts. It must not know how
results are told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pycandle.errors import Finding, ProjectError, ToolError
from pycandle.graph.files import stem
from pycandle.metadata import asked_models, crate_metadata
from pycandle.precision.search import Low, search
from pycandle.progress import progress

if TYPE_CHECKING:
    from pycandle.record.lowered import Alone, Lowered, Score
    from pycandle.record.reload import RecordedCase

FORMATS = {"f16": 0.01, "bf16": 0.01, "int8": 0.02, "q8_0": 0.02, "q4_0": 0.1}
"""The formats that can be asked for, each with the error that is allowed unless told otherwise."""


@dataclass(frozen=True)
class Module:
    """A module that has something to compute in low precision."""

    path: str
    class_name: str
    source: str  # Python file and line of its forward
    error: float  # alone, its inputs being float32's
    overflows: bool  # alone
    unfit: str  # why it cannot run in the format; empty if it can
    effect: float | None = None  # on the model's outputs, where it was measured
    kept: bool = False  # it must stay in float32


@dataclass(frozen=True)
class Result:
    """An output of the model in one case."""

    case: str
    path: str
    error: float
    top1: float | None  # the share of rows whose largest number has the same place
    top5: float | None  # the share of the first five places of rows that are among the first five


@dataclass(frozen=True)
class Bisection:
    """One model in one format."""

    name: str
    format: str
    tolerance: float
    modules: tuple[Module, ...]
    float32: tuple[Result, ...]
    all_low: tuple[Result, ...]  # with all modules that can run in the format in it
    result: tuple[Result, ...]  # without those that must stay in float32
    minimal: bool  # no module that stays could go without a failure
    evaluations: int  # how often the model was run

    @property
    def kept(self) -> tuple[Module, ...]:
        """The modules that must stay in float32, those that harm most first."""
        kept = [module for module in self.modules if module.kept]
        return tuple(sorted(kept, key=lambda m: (not m.unfit, -(m.effect or 0.0), -m.error)))

    @property
    def possible(self) -> bool:
        """Whether the tolerance can be met at all."""
        return worst(self.float32) <= self.tolerance

    @property
    def compared(self) -> bool:
        """Whether there was anything to compare."""
        return bool(self.modules and self.float32)


def worst(results: tuple[Result, ...]) -> float:
    """The largest error; 0 of none."""
    return max((result.error for result in results), default=0.0)


def bisect_crate(
    root: Path,
    model: str,
    format_: str,
    tolerance: float | None,
    say: Callable[[str], None],
) -> list[Bisection]:
    """The answer for each model of a crate, or the one of that module.

    Raises `ProjectError` for a format or a model that there is not, `ToolError` without PyTorch,
    `ManifestError` for a recording that is not whole.
    """
    if format_ not in FORMATS:
        fix = f"name one of {', '.join(FORMATS)}"
        raise ProjectError(Finding(f"there is no format {format_!r}", "--bisect-precision", fix))
    allowed = FORMATS[format_] if tolerance is None else tolerance
    if not 0 < allowed < float("inf"):
        fix = "give a part of the signal, as 0.01"
        raise ProjectError(Finding(f"{allowed} is no tolerance", "--tolerance", fix))
    asked = asked_models(crate_metadata(root), model)
    return [bisect(root / each.manifest, format_, allowed, say) for each in asked]


def bisect(manifest: Path, format_: str, tolerance: float, say: Callable[[str], None]) -> Bisection:
    """The answer for one recording. Raises `ToolError` and `ManifestError`."""
    try:
        from pycandle.record.lowered import Lowered
        from pycandle.record.reload import reload
    except ModuleNotFoundError as error:
        fix = 'run `pycandle init`, or `pip install "pycandle-rs[torch]"`'
        what = f"{error.name} is not installed beside PyCandle"
        raise ToolError(Finding(what, "--bisect-precision", fix)) from error
    lowered = Lowered(reload(manifest), format_)
    name = stem(manifest.name)
    say(f"{name}: {len(lowered.modules)} modules in {format_}, each alone and all together")
    return _Trial(lowered, name, tolerance, say).run()


class _Trial:
    """The evaluations of one model."""

    def __init__(
        self, lowered: Lowered, name: str, tolerance: float, say: Callable[[str], None]
    ) -> None:
        self.lowered = lowered
        self.name = name
        self.tolerance = tolerance
        self.say = say
        self.cases = list(lowered.recording.cases)
        self.unfit: dict[str, str] = {}
        self.evaluations = 0

    def run(self) -> Bisection:
        float32: list[Result] = []
        alone: dict[str, Alone] = {}
        if self.lowered.modules:
            for case in progress(self.cases, "each module alone"):
                found, scores = self.lowered.alone(case)
                self.evaluations += 2
                float32 += _results(case, scores)
                alone = {path: _worse(alone.get(path), new) for path, new in found.items()}
        self.unfit = {path: found.unfit for path, found in alone.items() if found.unfit}
        all_low = self._all_low()
        fit = tuple(path for path in self.lowered.modules if path not in self.unfit)
        kept, minimal, effects, result = frozenset[str](), True, dict[str, float](), all_low
        if worst(tuple(float32)) <= self.tolerance < worst(all_low):
            self.cases = _worst_first(self.cases, all_low)
            self.say(f"{self.name}: its outputs are too far away; looking for what harms them")
            own = {path: float("inf") if a.overflows else a.error for path, a in alone.items()}
            found = search(fit, self._effect, self._passes, own, self.tolerance)
            kept, minimal, effects = frozenset(found.modules), found.minimal, dict(found.effects)
            result = self._results(frozenset(fit) - kept)
        modules = tuple(
            self._module(path, alone[path], effects.get(path), path in kept or path in self.unfit)
            for path in self.lowered.modules
        )
        return Bisection(
            self.name, self.lowered.format, self.tolerance, modules, tuple(float32), all_low,
            result, minimal, self.evaluations,
        )  # fmt: skip

    def _all_low(self) -> tuple[Result, ...]:
        """All modules in low precision, but for those that turn out not to run in it."""
        from pycandle.record.lowered import UnfitError

        while True:
            try:
                return self._results(frozenset(self.lowered.modules) - set(self.unfit))
            except UnfitError as error:
                self.unfit[error.path] = error.why

    def _results(self, low: Low) -> tuple[Result, ...]:
        return tuple(result for case in self.cases for result in self._case(case, low))

    def _case(self, case: RecordedCase, low: Low) -> list[Result]:
        self.evaluations += 1
        return _results(case, self.lowered.scores(case, low))

    def _effect(self, low: Low) -> float:
        return max(self._error(case, low) for case in self.cases)

    def _passes(self, low: Low) -> bool:
        return all(self._error(case, low) <= self.tolerance for case in self.cases)

    def _error(self, case: RecordedCase, low: Low) -> float:
        from pycandle.record.lowered import UnfitError

        try:
            return worst(tuple(self._case(case, low)))
        except UnfitError:
            # It took a branch that it does not take with all modules in low precision.
            return float("inf")

    def _module(self, path: str, alone: Alone, effect: float | None, kept: bool) -> Module:
        regions = self.lowered.recording.graph.regions
        region = next(region for region in regions if region.path == path)
        return Module(
            path, region.class_name, region.source, alone.error, alone.overflows,
            self.unfit.get(path, ""), effect, kept,
        )  # fmt: skip


def _worst_first(cases: list[RecordedCase], results: tuple[Result, ...]) -> list[RecordedCase]:
    """The cases, that in which most of what is not allowed shows first."""
    errors = {c.name: worst(tuple(r for r in results if r.case == c.name)) for c in cases}
    return sorted(cases, key=lambda case: -errors[case.name])


def _results(case: RecordedCase, scores: tuple[Score, ...]) -> list[Result]:
    return [
        Result(case.name, score.path, score.error, *(score.agreement or (None, None)))
        for score in scores
    ]


def _worse(before: Alone | None, new: Alone) -> Alone:
    """The worse of what a module does alone in two cases."""
    if before is None:
        return new
    error, unfit = max(before.error, new.error), before.unfit or new.unfit
    return type(new)(error, before.overflows or new.overflows, unfit)
