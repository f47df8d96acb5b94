"""Follows files of results while parity runs write them: each step reads what is new, no more.

It must not know what is shown of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path

from pycandle.errors import Finding, ResultsError
from pycandle.verify.results import MODES, Run, read_on

MOST_BYTES = 1 << 18
"""What a step reads of a file, so that keys are answered between steps."""
_MEMORY = 256


@dataclass(frozen=True, slots=True)
class Followed:
    """What is known of a file of results so far."""

    path: Path
    run: Run | None = None  # none while it holds no whole line
    problem: Finding | None = None  # why it cannot be read on
    offset: int = 0  # where the first line begins that was not read
    lines: int = 0
    memory: bytes = b""  # the last bytes that were read, by which a new run's file is told
    stamp: tuple[int, int, int] = (0, 0, 0)  # the file's number, size and time of writing

    @property
    def behind(self) -> bool:
        """Whether more was written than was read; perhaps no whole line."""
        return not self.problem and self.offset < self.stamp[1]


def follow_folder(folder: Path, before: Mapping[Path, Followed]) -> dict[Path, Followed]:
    """A step for each file of results in a folder; none where there is no folder."""
    paths = sorted(path for mode in MODES for path in folder.glob(f"*.{mode}.jsonl"))
    steps = (follow(path, before.get(path)) for path in paths)
    return {step.path: step for step in steps if step}


def follow(path: Path, before: Followed | None = None, most: int = MOST_BYTES) -> Followed | None:
    """What is known after one more step; `before` itself if nothing was written since.

    A file that another run wrote anew is read from its beginning. None if there is none.
    """
    before = before or Followed(path)
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
            if stamp == before.stamp and not before.behind:
                return before
            start = before if _goes_on(file, stamp, before) else Followed(path)
            return _step(file, replace(start, problem=None, stamp=stamp), most)
    except FileNotFoundError:
        return None
    except OSError as error:
        what = f"the results cannot be read: {error.strerror or error}"
        return replace(before, problem=Finding(what, str(path), "make the file readable"))


def _goes_on(file: BufferedReader, stamp: tuple[int, int, int], before: Followed) -> bool:
    """Whether the file still begins with what was read of it: each line has a time of its own."""
    if stamp[0] != before.stamp[0] or stamp[1] < before.offset:
        return False
    file.seek(before.offset - len(before.memory))
    return file.read(len(before.memory)) == before.memory


def _step(file: BufferedReader, start: Followed, most: int) -> Followed:
    file.seek(start.offset)
    chunk = file.read(most)
    if b"\n" not in chunk and len(chunk) == most:
        chunk += file.readline()
    whole = chunk[: chunk.rfind(b"\n") + 1]
    if not whole:
        return start
    lines = whole.split(b"\n")[:-1]
    run, problem, count = start.run, None, len(lines)
    try:
        run = _read(start, run, lines, start.lines)
    except ResultsError:
        run, problem, count = _up_to_the_broken(start, lines)
    whole = b"".join(line + b"\n" for line in lines[:count])
    return replace(
        start, run=run, problem=problem, offset=start.offset + len(whole),
        lines=start.lines + count, memory=(start.memory + whole)[-_MEMORY:],
    )  # fmt: skip


def _up_to_the_broken(start: Followed, lines: list[bytes]) -> tuple[Run | None, Finding, int]:
    """What the lines before the first broken one tell, what is wrong with it, and their number."""
    run = start.run
    for count, line in enumerate(lines):
        try:
            run = _read(start, run, [line], start.lines + count)
        except ResultsError as error:
            return run, error.findings[0], count
    raise AssertionError("one of the lines is broken")


def _read(start: Followed, run: Run | None, lines: list[bytes], before: int) -> Run:
    run = read_on(run, lines, start.path, before + 1)
    if run.mode not in MODES:
        what = f"the results cannot be read: {run.mode!r} is no mode of a run"
        raise ResultsError(Finding(what, str(start.path), "run `pycandle verify` again"))
    return run
