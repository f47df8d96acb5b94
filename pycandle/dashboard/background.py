"""Runs `pycandle verify` beside the dashboard: what it says line by line, and its end when asked.

It must not know what is shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

_PATIENCE = 3.0  # seconds for cargo and the tests to end by themselves


def verify_command(crate: Path, model: str) -> list[str]:
    """The command that runs the tests of a crate, or of one of its models."""
    chosen = ["--model", model] if model else []
    return [sys.executable, "-m", "pycandle", "verify", "--crate", str(crate), *chosen]


class Tests:
    """The tests that were started, while they run."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether they go on."""
        return self._task is not None and not self._task.done()

    def start(self, command: list[str], results: Path, say: Callable[[str], None]) -> None:
        """Start a command that says what it does, and at last how it ended."""
        self._task = asyncio.create_task(_told(command, results, say))

    async def stop(self) -> bool:
        """Stop them, and wait until they are gone. Whether there were any."""
        task, was_running = self._task, self.running
        if task and was_running:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._task = None
        return was_running


async def _told(command: list[str], results: Path, say: Callable[[str], None]) -> None:
    try:
        code = await run_lines(command, results, say)
    except OSError as error:
        say(f"the tests cannot be started: {error.strerror or error}")
        return
    ends = {0: "every module agrees with PyTorch", 1: "modules differ from PyTorch"}
    say(ends.get(code, f"pycandle verify ended with exit code {code}; Log has its words"))


async def run_lines(command: list[str], results: Path, say: Callable[[str], None]) -> int:
    """The exit code of a command, which says each line as it comes.

    Whoever cancels this ends the command and all that it started.
    """
    environment = os.environ | {"PYCANDLE_RESULTS": str(results)}
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async for line in _lines(process.stdout):
            say(line)
        return await process.wait()
    finally:
        await _end(process)


async def _lines(stream: asyncio.StreamReader):
    """Lines of any length; a line that is drawn over and over counts each time."""
    rest = b""
    while chunk := await stream.read(1 << 16):
        *lines, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            if line.strip():
                yield line.decode("utf-8", "replace")
    if rest.strip():
        yield rest.decode("utf-8", "replace")


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process that still runs, with its children: kindly first."""
    for kind in ("SIGTERM", "SIGKILL"):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(process.pid, signal.Signals[kind])
            else:
                process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(process.wait()), _PATIENCE)
