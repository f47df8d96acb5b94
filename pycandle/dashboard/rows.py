"""The module calls of a model as rows of a tree: their order, who is inside whom, which are shown.

It must not know how a row is drawn.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pycandle.dashboard.signs import OUTCOMES, PENDING, WRONG
from pycandle.verify.modules import Module

Key = tuple[str, int]
"""A module call: its path, and which call of it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A module call in its place; without a module where no run told of it yet."""

    key: Key
    class_name: str
    label: str  # its path below the module that it is inside of
    depth: int
    parent: int  # the row of that module, or -1
    last: int  # the last row that is inside of it, or its own
    module: Module | None

    def outcome(self, mode: str) -> str:
        """The worst that the cases of a mode came to."""
        found = self.module.of(mode) if self.module else ()
        outcomes = (each.call.outcome for each in found)
        return min(outcomes, key=OUTCOMES.index, default=PENDING)


def expected_calls(manifest: Path) -> dict[Key, str]:
    """The module calls that a manifest lists, with their classes; none if it cannot be read."""
    try:
        regions: Any = json.loads(manifest.read_bytes())["regions"]
        keys = {(str(each["path"]), int(each["call"])): str(each["class"]) for each in regions}
        return {key: name.rpartition(".")[2] for key, name in keys.items()}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def tree_rows(expected: Iterable[tuple[Key, str]], modules: Iterable[Module]) -> list[Row]:
    """Every module call under the nearest one that its path is inside of, in the order given.

    Calls that nobody expected come after those of the same module that were.
    """
    told = {(module.path, module.call): module for module in modules}
    classes = dict(expected) | {key: module.class_name for key, module in told.items()}
    calls: dict[str, list[Key]] = {}
    for key in classes:
        calls.setdefault(key[0], []).append(key)
    inside: dict[str | None, list[str]] = {}
    for path in calls:
        inside.setdefault(_around(path, calls.keys()), []).append(path)
    drafts: list[tuple[Key, str, int, int]] = []
    lasts: dict[int, int] = {}
    # A path, and where it hangs; or None and the row whose inside ends here.
    waiting: list[tuple[str | None, int, int]] = [
        (p, 0, -1) for p in reversed(inside.get(None, []))
    ]
    while waiting:
        path, depth, parent = waiting.pop()
        if path is None:
            lasts[parent] = len(drafts) - 1
            continue
        above = drafts[parent][0][0] if parent >= 0 else ""
        for key in sorted(calls[path]):
            # The first call stands for the module, and has what is inside of it.
            drafts.append((key, _label(key, above), depth, parent))
        first = len(drafts) - len(calls[path])
        waiting.append((None, 0, first))
        waiting.extend((p, depth + 1, first) for p in reversed(inside.get(path, [])))
    return [
        Row(key, classes[key], label, depth, parent, lasts.get(i, i), told.get(key))
        for i, (key, label, depth, parent) in enumerate(drafts)
    ]


def _around(path: str, paths: Set[str]) -> str | None:
    """The nearest path that this one is inside of."""
    if not path:
        return None
    while "." in path:
        path = path.rpartition(".")[0]
        if path in paths:
            return path
    return "" if "" in paths else None


def _label(key: Key, above: str) -> str:
    path, call = key
    label = path.removeprefix(f"{above}.") if above else path
    return f"{label or '(root)'} (call {call})" if call else label or "(root)"


def shown(rows: Sequence[Row], folded: Set[str], wanted: Callable[[Row], bool] | None) -> list[int]:
    """The rows to show: all but those inside of folded ones, or the wanted ones with their parents.

    Nothing is folded away that is wanted.
    """
    if wanted is None:
        indices: list[int] = []
        index = 0
        while index < len(rows):
            indices.append(index)
            row = rows[index]
            index = row.last + 1 if row.key[0] in folded and not row.key[1] else index + 1
        return indices
    found: set[int] = set()
    for index, row in enumerate(rows):
        around = index if wanted(row) else -1
        while around >= 0 and around not in found:
            found.add(around)
            around = rows[around].parent
    return sorted(found)


def matches(row: Row, words: str) -> bool:
    """Whether a row's path or class has each of the words, or its letters in their order."""
    text = f"{row.key[0] or '(root)'} {row.class_name}".lower()
    return all(word in text or _scattered(word, text) for word in words.lower().split())


def _scattered(word: str, text: str) -> bool:
    letters = iter(text)
    return len(word) > 2 and all(letter in letters for letter in word)


def next_wrong(outcomes: Sequence[str], start: int, step: int) -> int | None:
    """The next row that failed or is missing, from `start` in steps of 1 or -1, round the end."""
    for distance in range(1, len(outcomes) + 1):
        index = (start + step * distance) % len(outcomes)
        if outcomes[index] in WRONG:
            return index
    return None
