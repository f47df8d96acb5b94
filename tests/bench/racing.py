"""Runners as processes that stay alive and take turns, so that all meet the same machine.

It must not know what they run.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# A runner that says nothing for so long is ended; PyTorch's compiler takes minutes.
_SECONDS = 900
# Threads that spin for work go to sleep before the next runner has its turn.
_PAUSE = 0.02


class Stopped(Exception):
    """Why a runner does not run: its last words."""


@dataclass(frozen=True)
class Command:
    """How a runner is started."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path


@dataclass(frozen=True)
class Run:
    """Nanoseconds that a run took, and that processors worked for it."""

    taken: int
    work: int


@dataclass
class Runner:
    """A runner that waits for its turn."""

    process: subprocess.Popen[str]
    log: Path
    cold_start: float = 0.0  # seconds from its launch to its first output
    runs: list[Run] = field(default_factory=lambda: list[Run]())

    def turn(self, milliseconds: int) -> None:
        """Let it run for so long; raises `Stopped`."""
        assert self.process.stdin
        try:
            self.process.stdin.write(f"{milliseconds}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Stopped(self.last_words()) from None
        pairs = (word.split("/") for word in self.line().split())
        self.runs += [Run(int(taken), int(work)) for taken, work in pairs]

    def line(self) -> str:
        """What it says next; raises `Stopped`."""
        assert self.process.stdout
        clock = threading.Timer(_SECONDS, self.process.kill)
        clock.start()
        try:
            line = self.process.stdout.readline()
        finally:
            clock.cancel()
        if not line.endswith("\n"):
            raise Stopped(self.last_words())
        return line.strip()

    def last_words(self) -> str:
        """What it said of its end, in one line."""
        code = self.process.wait()
        lines = [x for x in self.log.read_text(encoding="utf-8").splitlines() if x.strip()]
        return (lines[-1] if lines else f"it ended with {code}")[:300]

    def peak_memory(self) -> int | None:
        """Bytes that it held at most, where the system tells of them."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            return None
        found = [line.split() for line in status.read_text().splitlines() if "VmHWM" in line]
        return int(found[0][1]) * 1024 if found else None


@contextmanager
def started(command: Command) -> Generator[Runner]:
    """A runner that has made its first output; it ends with the block. Raises `Stopped`."""
    with command.log.open("w") as log:
        start = time.monotonic()
        process = subprocess.Popen(
            command.arguments, env=os.environ | command.environment, stderr=log,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        runner = Runner(process, command.log)
        try:
            _expect(runner, "first")
            runner.cold_start = time.monotonic() - start
            _expect(runner, "ready")
            yield runner
        finally:
            process.kill()
            process.communicate()


def race(runners: Mapping[str, Runner], rounds: int, milliseconds: int) -> dict[str, str]:
    """Each runner's turn, so many times; those that stopped, and why."""
    stopped: dict[str, str] = {}
    for number in range(rounds):
        # Who comes after whom changes, since one leaves the caches to the next.
        names = [*runners][number % len(runners) :] + [*runners][: number % len(runners)]
        for name in names:
            if name in stopped:
                continue
            time.sleep(_PAUSE)
            try:
                runners[name].turn(milliseconds)
            except Stopped as end:
                stopped[name] = str(end)
    return stopped


def _expect(runner: Runner, word: str) -> None:
    # Libraries print what they please.
    while (line := runner.line()) != word:
        if line == "ready":
            raise Stopped(f"it said {line!r} in place of {word!r}")
