"""Makes `torch.export` note the line of the model's own code that each op comes from.

PyTorch keeps the lines of `forward` methods alone. Where one calls a function, as attention often
is, the function's lines say more: they have the names. It must not know the graph.
"""

# What PyTorch's tracer keeps of a stack is its own affair.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from traceback import FrameSummary, StackSummary

from torch.fx.proxy import TracerBase

from pycandle.record.source import relative


@contextmanager
def model_lines() -> Generator[None]:
    """Within it, nodes have the lines of functions that a `forward` calls in its own package."""
    usual = TracerBase._filter_traceback_frames

    def filtered(self: TracerBase, user_stack_summary: StackSummary) -> StackSummary:
        kept = usual(self, user_stack_summary)
        return StackSummary.from_list([*kept, *functions(user_stack_summary)])

    TracerBase._filter_traceback_frames = filtered
    try:
        yield
    finally:
        TracerBase._filter_traceback_frames = usual


def functions(stack: list[FrameSummary]) -> list[FrameSummary]:
    """The frames of the innermost `forward`'s own package that are below it."""
    places = [k for k, frame in enumerate(stack) if frame.name == "forward" and _in_file(frame)]
    if not places:
        return []
    package = _package(stack[places[-1]])
    below = stack[places[-1] + 1 :]
    own = [frame for frame in below if _in_file(frame) and _package(frame) == package]
    if package == "torch":
        # PyTorch has its models' functions in one file; what they stand on is not of interest.
        return [frame for frame in own if relative(frame.filename) == "torch/nn/functional.py"]
    return own


def _in_file(frame: FrameSummary) -> bool:
    """PyTorch runs code that it made, and that is in no file."""
    return not frame.filename.startswith("<")


def _package(frame: FrameSummary) -> str:
    """The package's name; empty for modules that are in none."""
    package, slash, _ = relative(frame.filename).partition("/")
    return package if slash else ""
