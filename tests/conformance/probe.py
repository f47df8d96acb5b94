"""Which calls PyTorch survives: some arguments, drawn at random, crash its own kernels.

Calls are tried in a child process; one that ends the child, or takes long, is no case.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from tests.conformance.case import Case, solve

# Seconds; the largest case takes milliseconds.
_LONGEST = 20


def survived(cases: Sequence[Case]) -> list[Case]:
    """The cases that PyTorch answers, be it by refusing."""
    kept: list[Case] = []
    start = 0
    while start < len(cases):
        count = _tried(cases[start:])
        kept += cases[start : start + count]
        start += count + 1
    return kept


def _tried(cases: Sequence[Case]) -> int:
    """How many cases, from the first on, a child process gets through."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        # A message about a crash would look like one of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        for case in cases:
            signal.alarm(_LONGEST)
            solve(case)
            os.write(writer, b".")
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        count = len(pipe.read())
    os.waitpid(child, 0)
    return count
