"""What is watched: a folder of results, of which one model at a time has a board.

It must not know terminals.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pycandle.dashboard.board import MODES, Board, grown, make_board
from pycandle.dashboard.following import Followed, follow_folder
from pycandle.dashboard.rows import Key, expected_calls
from pycandle.verify.results import Call, Run


class Watch:
    """A folder of results as far as it was read, and the board of one model."""

    def __init__(self, folder: Path, model: str = "") -> None:
        self.folder, self.model = folder, model
        self.board = Board(model)
        self._followed: dict[Path, Followed] = {}
        self._expected: dict[str, dict[Key, str]] = {}  # by manifest

    def step(self) -> tuple[bool, bool]:
        """Read what was written since, so much of it that keys are answered between steps.

        Whether anything was read, and whether there is more.
        """
        before = self._followed
        self._followed = follow_folder(self.folder, before)
        pairs = [(each, before.get(path)) for path, each in self._followed.items()]
        more = any(new.behind and (not old or new.offset != old.offset) for new, old in pairs)
        return len(before) != len(pairs) or any(new is not old for new, old in pairs), more

    def update(self) -> Board:
        """The board of what was read, at the cost of what is new; the one there was, if nothing."""
        if not self.model:
            written = {e.run.name: e.stamp[2] for e in self._followed.values() if e.run}
            self.model = max(written, key=lambda name: written[name], default="")
        runs = [each.run for each in self._followed.values() if each.run]
        runs = [run for run in runs if run.name == self.model]
        problems = tuple(each.problem for each in self._followed.values() if each.problem)
        board = self._grown(runs) if self.board.problems == problems else None
        self.board = board or make_board(self.model, runs, self._known(runs), problems)
        return self.board

    def next_model(self) -> bool:
        """Turn to the next model that there are results of, if there is another."""
        names = sorted({each.run.name for each in self._followed.values() if each.run})
        if names in ([], [self.model]):
            return False
        at = names.index(self.model) if self.model in names else -1
        self.model = names[(at + 1) % len(names)]
        return True

    def _grown(self, runs: list[Run]) -> Board | None:
        board = self.board
        if board.name != self.model or set(board.runs) != {run.mode for run in runs}:
            return None
        for run in runs:
            if run is not board.runs[run.mode]:
                board = grown(board, run)
                if board is None:
                    return None
        return board

    def _known(self, runs: Iterable[Run]) -> Iterable[tuple[Key, str]]:
        """The modules to expect: those of the manifest, else those that an earlier run told of."""
        expected: dict[Key, str] = {}
        for run in runs:
            if run.manifest not in self._expected or not run.calls:
                self._expected[run.manifest] = expected_calls(Path(run.manifest))
            expected |= self._expected[run.manifest]
        if not expected and self.board.name == self.model and not all(run.ended for run in runs):
            expected = {row.key: row.class_name for row in self.board.rows}
        return expected.items()


def ended_with(before: Board, board: Board, first: str) -> Call | None:
    """What to look at first of a run that ended since, that of the mode `first` before others."""
    for mode in (first, *MODES):
        run, old = board.runs.get(mode), before.runs.get(mode)
        if run and run.ended and run.culprit and not (old and old.ended):
            return run.culprit
    return None


def begun(before: Board, board: Board) -> bool:
    """Whether a run began anew since."""
    pairs = ((run, before.runs.get(mode)) for mode, run in board.runs.items())
    return any(old and len(run.calls) < len(old.calls) for run, old in pairs)
