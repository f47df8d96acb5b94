"""Keeps the number of steps open where Python loops over a size.

`for t in range(length)` makes its length a constant of the exported program, since Python runs it.
A loop that only carries tensors from step to step, reads others at the step's place, and collects
what each step gives, says the same as `torch.scan`; while the model is exported it is one. Only the
statement decides that, so the two agree at every length. Whatever else a loop does stays Python.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any

import torch
from torch import Tensor
from torch._higher_order_ops.scan import scan as torch_scan

from pycandle.record.scans import with_scans


@contextmanager
def whole_loops(model: torch.nn.Module) -> Generator[bool]:
    """Within it, loops over dynamic sizes are scans in the functions of the model's own files.

    Yields whether there are such loops.
    """
    files = {type(module).__module__ for module in model.modules()}
    before: dict[FunctionType, CodeType] = {}
    for name in sorted(files):
        if not name.startswith("torch."):
            for function in _functions(name):
                code = with_scans(function)
                if code is not None:
                    before[function] = function.__code__
                    function.__code__ = code
    try:
        yield bool(before)
    finally:
        for function, code in before.items():
            function.__code__ = code


def _functions(module: str) -> Iterator[FunctionType]:
    """The functions and methods that a module defines, without their decorators."""
    # A class may say that it is of a module that there is not.
    file = sys.modules.get(module)
    for held in list(vars(file).values()) if file else ():
        for item in [held, *(vars(held).values() if inspect.isclass(held) else ())]:
            function = inspect.unwrap(item) if callable(item) else item
            if isinstance(function, FunctionType) and function.__module__ == module:
                yield function


# What rewritten functions call.


class Rows:
    """The list of what every step gave, as one tensor."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def is_open(length: Any) -> bool:
    """Whether a size is one that may vary."""
    return isinstance(length, torch.SymInt) and bool(length.node.expr.free_symbols)


def scan(
    step: Callable[..., Any], state: tuple[Any, ...], over: list[tuple[Tensor, int]], length: Any
) -> tuple[Any, Any]:
    """The last state, and what all steps gave, along a first axis."""
    if not all(isinstance(x, Tensor) for x in (*state, *(x for x, _ in over))) or not over:
        raise TypeError("a loop carries something else than tensors")
    if any(x.shape[axis] != length for x, axis in over):
        raise ValueError("a loop reads a part of a tensor only")
    return torch_scan(step, state, tuple(x.movedim(axis, 0) for x, axis in over))


def stack(rows: Any, dim: int = 0) -> Tensor:
    """`torch.stack`, also of the rows of a scan."""
    return rows.tensor.movedim(0, dim) if isinstance(rows, Rows) else torch.stack(rows, dim=dim)


def write(target: Tensor, axis: int, length: Any, rows: Tensor) -> None:
    """Put one row at each place of an axis."""
    if rows.dim() != target.dim() or target.shape[axis] != length:
        raise ValueError("a loop writes a part of a tensor only")
    target.copy_(rows.movedim(0, axis))
