"""A model's module calls, each with what every run found of it: what a report shows.

It must not know how it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pycandle.verify.results import Call, Output, Run, used

_WORST_FIRST = ("failed", "missing", "uninformative", "passed", "elided")


@dataclass(frozen=True, slots=True)
class Found:
    """What one run found of a module call in one case."""

    run: Run
    call: Call


@dataclass(frozen=True, slots=True)
class Module:
    """A module call of a model, in every mode and case that told of it."""

    path: str
    call: int
    class_name: str
    found: tuple[Found, ...] = field(repr=False)

    @property
    def name(self) -> str:
        """The module's path, and which call of it, in words."""
        return self.found[0].call.name

    @property
    def depth(self) -> int:
        """How many modules it is inside of; the root is inside of none."""
        return len(self.path.split(".")) if self.path else 0

    @property
    def outcome(self) -> str:
        """The worst that a run came to."""
        return min((found.call.outcome for found in self.found), key=_WORST_FIRST.index)

    def of(self, mode: str) -> tuple[Found, ...]:
        """What the runs of one mode found, case by case."""
        return tuple(found for found in self.found if found.run.mode == mode)

    def worst(self, mode: str) -> Found | None:
        """The case of a mode that came to the worst, or else nearest to its limit."""
        return max(self.of(mode), key=_badness, default=None)

    def used(self, mode: str) -> float | None:
        """The largest part of what is allowed that its error is in a mode; over 1 fails.

        `isolated` is the module's own error, `cumulative` has what it inherits, too. None where no
        number was compared.
        """
        outputs = [output for found in self.of(mode) for output in found.call.outputs]
        return max((output.used for output in outputs), default=None)


def modules(runs: Sequence[Run]) -> list[Module]:
    """The module calls of runs of one model, the root first, in the order in which they begin.

    A run that goes on may tell of some only; those that no run told of yet are absent.
    """
    found: dict[tuple[str, int], list[Found]] = {}
    # An isolated run tells in call order, a cumulative one as modules end.
    for run in sorted(runs, key=lambda run: run.mode != "isolated"):
        for call in run.calls:
            found.setdefault((call.path, call.call), []).append(Found(run, call))
    return [
        Module(path, number, each[0].call.class_name, tuple(each))
        for (path, number), each in found.items()
    ]


def worst_output(call: Call) -> tuple[int, Output] | None:
    """The output that came nearest to its limit or failed, and its place; none without outputs."""
    return max(enumerate(call.outputs), key=lambda each: _output(each[1]), default=None)


def _output(output: Output) -> tuple[bool, float]:
    return output.status == "failed", output.used


def _badness(found: Found) -> tuple[int, float]:
    return -_WORST_FIRST.index(found.call.outcome), used(found.call)
