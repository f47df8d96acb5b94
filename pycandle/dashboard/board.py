"""What the dashboard shows of one model: its runs, the rows of its tree, and drift through depth.

A value, made anew when results come in. It must not know terminals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from pycandle.dashboard.rows import Key, Row, tree_rows
from pycandle.dashboard.signs import WRONG
from pycandle.errors import Finding
from pycandle.verify.modules import Found, Module, modules
from pycandle.verify.results import MODES, Call, Run


@dataclass(frozen=True, slots=True)
class Board:
    """A model as far as its runs told."""

    name: str = ""
    runs: Mapping[str, Run] = field(default_factory=dict[str, Run])  # by mode
    rows: tuple[Row, ...] = ()
    outcomes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    wrong: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    drift: Mapping[str, Mapping[int, float | None]] = field(
        default_factory=dict[str, Mapping[int, float | None]]
    )  # by row, in the order in which calls were told of: what part of the limit their error is
    places: Mapping[Key, int] = field(default_factory=dict[Key, int])
    problems: tuple[Finding, ...] = ()

    def wrong_inside(self, row: int, mode: str) -> int:
        """How many rows inside of one failed or are missing."""
        before = self.wrong[mode]
        return before[self.rows[row].last + 1] - before[row + 1]

    def culprit(self, mode: str) -> Call | None:
        """What to look at first in a mode: what its run says at its end, until then what failed."""
        run = self.runs.get(mode)
        if run is None or run.culprit:
            return run.culprit if run else None
        return next((call for call in run.calls if call.outcome in WRONG), None)


def make_board(
    name: str,
    runs: Iterable[Run],
    expected: Iterable[tuple[Key, str]],
    problems: Iterable[Finding] = (),
) -> Board:
    """The board of a model with these runs, of which the modules are `expected` in that order."""
    by_mode = {run.mode: run for run in runs}
    rows = tuple(tree_rows(expected, modules(list(by_mode.values()))))
    places = {row.key: index for index, row in enumerate(rows)}
    outcomes = {mode: tuple(row.outcome(mode) for row in rows) for mode in MODES}
    wrong = {mode: _sums(each in WRONG for each in outcomes[mode]) for mode in MODES}
    drift = {mode: _drift(run, rows, places) for mode, run in by_mode.items()}
    return Board(name, by_mode, rows, outcomes, wrong, drift, places, tuple(problems))


def grown(board: Board, run: Run) -> Board | None:
    """The board with what a run told since, at the cost of that alone.

    None if it is another run than the board has, or if it tells of a module that has no row.
    """
    before = board.runs.get(run.mode)
    if before is None or run.manifest != before.manifest or not _begins_with(run, before):
        return None
    new: dict[int, list[Found]] = {}
    for call in run.calls[len(before.calls) :]:
        place = board.places.get((call.path, call.call))
        if place is None:
            return None
        new.setdefault(place, []).append(Found(run, call))
    rows, outcomes = list(board.rows), list(board.outcomes[run.mode])
    drift = dict(board.drift[run.mode])
    for place, found in new.items():
        row = rows[place]
        known = row.module.found if row.module else ()
        module = Module(*row.key, found[0].call.class_name, (*known, *found))
        rows[place] = replace(row, module=module)
        outcomes[place] = rows[place].outcome(run.mode)
        if any(each.call.outputs for each in found):
            drift[place] = module.used(run.mode)
    return replace(
        board, rows=tuple(rows), runs=dict(board.runs) | {run.mode: run},
        outcomes=dict(board.outcomes) | {run.mode: tuple(outcomes)},
        wrong=dict(board.wrong) | {run.mode: _sums(each in WRONG for each in outcomes)},
        drift=dict(board.drift) | {run.mode: drift},
    )  # fmt: skip


def _begins_with(run: Run, before: Run) -> bool:
    count = len(before.calls)
    return len(run.calls) >= count and (not count or run.calls[count - 1] is before.calls[-1])


def _sums(flags: Iterable[bool]) -> tuple[int, ...]:
    """How many are true before each place, and before the end."""
    return (0, *accumulate(flags))


def _drift(run: Run, rows: Sequence[Row], places: Mapping[Key, int]) -> dict[int, float | None]:
    order = dict.fromkeys((call.path, call.call) for call in run.calls if call.outputs)
    found = ((places[key], rows[places[key]].module) for key in order)
    return {place: module.used(run.mode) if module else None for place, module in found}
