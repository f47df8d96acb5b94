"""Runs a function in a child process: some arguments, drawn at random, crash PyTorch's own kernels.

An item that ends the child, or takes too long, has no result; the others are not touched by it.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
from collections.abc import Callable, Sequence
from typing import Any

import torch

# Seconds; the largest case takes milliseconds.
_LONGEST = 20


def apart(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """What the function gives for each item, in order; None where it did not come back."""
    results: list[Any] = []
    while len(results) < len(items):
        results += _child(function, items[len(results) :])
        if len(results) < len(items):
            results.append(None)
    return results


def _child(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """The results of a child process, up to the item that ends it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        # A message about a crash would look like one of ours.
        faulthandler.disable()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        # The threads of a parallel loop do not survive a fork, and the next loop waits for them.
        torch.set_num_threads(1)
        with os.fdopen(writer, "wb") as pipe:
            for item in items:
                signal.alarm(_LONGEST)
                pickle.dump(function(item), pipe)
                pipe.flush()
        os._exit(0)
    os.close(writer)
    results: list[Any] = []
    with os.fdopen(reader, "rb") as pipe:
        for _ in items:
            try:
                results.append(pickle.load(pipe))
            except (EOFError, pickle.UnpicklingError):
                break
    os.waitpid(child, 0)
    return results
